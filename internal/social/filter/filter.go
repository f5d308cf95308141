// Package filter keeps what readers don't want to meet: words and single statuses, each filter for some places, to be hidden or shown with a
// warning (docs.joinmastodon.org/methods/filters, and the older form at /api/v1/filters).
//
// The server applies them: the rendering of statuses asks For for a reader's matcher, which is compiled once and kept until the event
// filter.changed.
package filter

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// Limits of one reader.
const (
	maxFilters  = 200
	maxKeywords = 500 // of one filter
	maxStatuses = 500 // of one filter
	maxTitle    = 256
	maxWord     = 512
)

// Contexts are the places that a filter may be for.
var Contexts = []string{"home", "notifications", "public", "thread", "account"}

// Filter is a filter as its owner sees it.
type Filter struct {
	social.FilterHead
	Keywords []Keyword `json:"keywords"`
	Statuses []Single  `json:"statuses"`
}

// Keyword is a word, or several, that a filter catches.
type Keyword struct {
	ID    id.ID  `json:"id"`
	Word  string `json:"keyword"`
	Whole bool   `json:"whole_word"`
}

// Single is one status that a filter catches.
type Single struct {
	ID     id.ID `json:"id"`
	Status id.ID `json:"status_id"`
}

var errNone = errs.New(errs.NotFound, "Record not found")

// check brings a filter into its form, or says what is wrong.
func (f *Filter) check() error {
	if f.Title = text.Clean(f.Title, maxTitle); f.Title == "" {
		return errs.InvalidField("title", "Validation failed: give the filter a title.")
	}
	if len(f.Context) == 0 || slices.ContainsFunc(f.Context, func(c string) bool { return !slices.Contains(Contexts, c) }) {
		return errs.InvalidField("context", "Validation failed: a filter is for home, notifications, public, thread or account.")
	}
	f.Context = slices.DeleteFunc(slices.Clone(Contexts), func(c string) bool { return !slices.Contains(f.Context, c) })
	switch f.Action {
	case "":
		f.Action = "warn"
	case "warn", "hide", "blur":
	default:
		return errs.InvalidField("filter_action", "Validation failed: a filter warns, hides or blurs.")
	}
	return nil
}

func (k *Keyword) check() error {
	if k.Word = text.Clean(k.Word, maxWord+1); k.Word == "" || text.Fold(k.Word) == "" {
		return errs.InvalidField("keyword", "Validation failed: give the words to look for.")
	}
	if utf8.RuneCountInString(k.Word) > maxWord {
		return errs.InvalidField("keyword", "Validation failed: at most %d characters.", maxWord)
	}
	return nil
}

// matcher is a reader's filters made ready. It is a social.Matcher.
type matcher struct {
	now     func() time.Time
	filters []compiled
}

type compiled struct {
	head     social.FilterHead
	words    []word
	statuses map[id.ID]bool
}

type word struct {
	text       string // folded
	shown      string // as its owner wrote it
	begin, end bool   // a word must begin, end there
}

// compile returns what matches filters, or nil where there is nothing to match.
func compile(filters []Filter, now func() time.Time) *matcher {
	m := &matcher{now: now}
	for _, f := range filters {
		c := compiled{head: f.FilterHead, statuses: map[id.ID]bool{}}
		for _, k := range f.Keywords {
			w := word{text: text.Fold(k.Word), shown: k.Word}
			if k.Whole {
				first, _ := utf8.DecodeRuneInString(w.text)
				last, _ := utf8.DecodeLastRuneInString(w.text)
				w.begin, w.end = inWord(first), inWord(last)
			}
			c.words = append(c.words, w)
		}
		for _, s := range f.Statuses {
			c.statuses[s.Status] = true
		}
		if len(c.words)+len(c.statuses) > 0 {
			m.filters = append(m.filters, c)
		}
	}
	if len(m.filters) == 0 {
		return nil
	}
	return m
}

// Match implements social.Matcher.
func (m *matcher) Match(context, folded string, ids ...id.ID) (found []social.Filtered, hide bool) {
	for i := range m.filters {
		f := &m.filters[i]
		if !slices.Contains(f.head.Context, context) || !f.head.Expires.IsZero() && m.now().After(f.head.Expires.Time) {
			continue
		}
		words, statuses := []string{}, []string{}
		for _, w := range f.words {
			if w.in(folded) {
				words = append(words, w.shown)
			}
		}
		for _, n := range ids {
			if f.statuses[n] {
				statuses = append(statuses, n.String())
			}
		}
		if len(words)+len(statuses) > 0 {
			found = append(found, social.Filtered{Filter: f.head, Keywords: words, Statuses: statuses})
			hide = hide || f.head.Action == "hide"
		}
	}
	return found, hide
}

// in reports whether the word stands in a folded text.
func (w word) in(s string) bool {
	for at := 0; ; {
		i := strings.Index(s[at:], w.text)
		if i < 0 {
			return false
		}
		from := at + i
		to := from + len(w.text)
		before, _ := utf8.DecodeLastRuneInString(s[:from])
		after, _ := utf8.DecodeRuneInString(s[to:])
		if (!w.begin || from == 0 || !inWord(before)) && (!w.end || to == len(s) || !inWord(after)) {
			return true
		}
		_, n := utf8.DecodeRuneInString(s[from:])
		at = from + n
	}
}

func inWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }
