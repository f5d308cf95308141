package search

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stoa-town/stoa/internal/base/text"
)

// Limits of what is asked and indexed.
const (
	MaxQuery = 300  // characters
	maxWord  = 40   // characters of a word that count
	maxWords = 2000 // of a status that are indexed
	maxTerms = 20   // of a query
)

// query is what somebody searches statuses for.
type query struct {
	terms   []term
	from    string // handle; "me" for the reader
	has, is []string
	not     []string // has and is that must not be
	lang    string
	before  time.Time // exclusive
	after   time.Time
	in      string // library, public or all
}

// term is words that follow each other.
type term struct {
	words  []string
	not    bool // must not be there
	prefix bool // the last word may go on
}

// empty reports whether nothing is asked for.
func (q query) empty() bool {
	return len(q.terms) == 0 && q.from == "" && len(q.has)+len(q.is)+len(q.not) == 0 && q.lang == "" && q.before.IsZero() && q.after.IsZero() && q.in == ""
}

// positive reports whether there is a term that must be there: the engines can't search for absence alone.
func (q query) positive() bool {
	return slices.ContainsFunc(q.terms, func(t term) bool { return !t.not })
}

// parse reads what somebody typed: words, "phrases", -absent, and the operators from:, has:, is:, language:, before:, after:, during: and in:
// of Mastodon. Days are those of loc. What is no operator's value is searched for as words.
func parse(typed string, loc *time.Location) query {
	var q query
	if utf8.RuneCountInString(typed) > MaxQuery {
		typed = string([]rune(typed)[:MaxQuery])
	}
	parts := cut(typed)
	for i, p := range parts {
		if len(q.terms) >= maxTerms {
			break
		}
		if !p.quoted && q.operator(p, loc) {
			continue
		}
		if words := Words(p.text); len(words) > 0 {
			q.terms = append(q.terms, term{words, p.not, !p.quoted && !p.not && i == len(parts)-1})
		}
	}
	return q
}

// part is a word or a phrase as typed.
type part struct {
	text        string
	quoted, not bool
}

// cut splits what was typed at spaces, and keeps what stands in quotation marks together.
func cut(typed string) []part {
	var out []part
	rest := strings.TrimSpace(typed)
	for rest != "" {
		var p part
		if len(rest) > 1 && rest[0] == '-' && rest[1] != ' ' {
			p.not, rest = true, rest[1:]
		}
		if rest[0] == '"' {
			inner, after, closed := strings.Cut(rest[1:], `"`)
			if p.text, p.quoted, rest = inner, true, after; !closed {
				rest = ""
			}
		} else {
			p.text, rest, _ = strings.Cut(rest, " ")
		}
		rest = strings.TrimSpace(rest)
		out = append(out, p)
	}
	return out
}

// operator takes a part that is an operator with a value it knows.
func (q *query) operator(p part, loc *time.Location) bool {
	name, value, ok := strings.Cut(p.text, ":")
	if !ok || value == "" {
		return false
	}
	value = strings.ToLower(value)
	put := func(list *[]string, known ...string) bool {
		if !slices.Contains(known, value) {
			return false
		}
		if p.not {
			list = &q.not
		}
		*list = append(*list, value)
		return true
	}
	switch strings.ToLower(name) {
	case "from":
		q.from = strings.TrimPrefix(value, "@")
		return !p.not
	case "has":
		return put(&q.has, "media", "poll", "link", "card")
	case "is":
		return put(&q.is, "reply", "sensitive", "event", "review", "dish")
	case "language", "lang":
		q.lang, _, _ = strings.Cut(value, "-")
		return !p.not
	case "in":
		if !slices.Contains([]string{"library", "public", "all"}, value) || p.not {
			return false
		}
		q.in = value
		return true
	case "before", "after", "during":
		day, err := time.ParseInLocation(time.DateOnly, value, loc)
		if err != nil || p.not {
			return false
		}
		switch name {
		case "before":
			q.before = day
		case "after":
			q.after = day.AddDate(0, 0, 1)
		default:
			q.after, q.before = day, day.AddDate(0, 0, 1)
		}
		return true
	}
	return false
}

// Words returns the words of a text, folded: what statuses are found by. Scripts that put no spaces between words are taken a letter at a
// time, so that any part of them is found.
func Words(s string) []string {
	var out []string
	begin := -1
	folded := text.Fold(s)
	end := func(at int) {
		if begin >= 0 {
			out = append(out, shorten(folded[begin:at]))
		}
		begin = -1
	}
	for i, r := range folded {
		if len(out) >= maxWords {
			return out[:maxWords]
		}
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) && unicode.IsLetter(r):
			end(i)
			out = append(out, string(r))
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if begin < 0 {
				begin = i
			}
		case r == '\'' || r == '’' || unicode.Is(unicode.Mn, r):
			// "don't" is one word, as is one with marks that are not folded away.
			if begin < 0 {
				continue
			}
			if next, _ := utf8.DecodeRuneInString(folded[i+utf8.RuneLen(r):]); !unicode.IsLetter(next) {
				end(i)
			}
		default:
			end(i)
		}
	}
	end(len(folded))
	for i, w := range out {
		out[i] = plain(w)
	}
	return out
}

// plain leaves letters and digits alone.
func plain(w string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, w)
}

func shorten(w string) string {
	if utf8.RuneCountInString(w) <= maxWord {
		return w
	}
	return string([]rune(w)[:maxWord])
}

// match returns the terms in the language of FTS5's MATCH (sqlite.org/fts5.html).
func (q query) match() string {
	var must, not []string
	for _, t := range q.terms {
		s := `"` + strings.Join(t.words, " ") + `"`
		if t.prefix {
			s += "*"
		}
		if t.not {
			not = append(not, s)
		} else {
			must = append(must, s)
		}
	}
	s := strings.Join(must, " AND ")
	for _, n := range not {
		s = "(" + s + ") NOT " + n
	}
	return s
}

// tsquery returns the terms as PostgreSQL writes a tsquery. Words hold letters and digits only, so nothing has to be escaped.
func (q query) tsquery() string {
	parts := make([]string, len(q.terms))
	for i, t := range q.terms {
		words := make([]string, len(t.words))
		for j, w := range t.words {
			words[j] = "'" + w + "'"
			if t.prefix && j == len(t.words)-1 {
				words[j] += ":*"
			}
		}
		parts[i] = "(" + strings.Join(words, " <-> ") + ")"
		if t.not {
			parts[i] = "!" + parts[i]
		}
	}
	return strings.Join(parts, " & ")
}

// maxPlace is the last place that a tsvector can hold.
const maxPlace = 16383

// tsvector returns words with their places as PostgreSQL writes a tsvector.
func tsvector(words []string) string {
	var b strings.Builder
	for i, w := range words {
		b.WriteString("'" + w + "':")
		b.WriteString(itoa(min(i+1, maxPlace)))
		b.WriteByte(' ')
	}
	return b.String()
}
