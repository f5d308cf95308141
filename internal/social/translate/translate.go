// Package translate has public statuses translated by a LibreTranslate server (docs.libretranslate.com) that the operator has named. What
// comes back is made safe anew, and kept in memory for a while, so that a status that many read is translated once.
package translate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/microcosm-cc/bluemonday"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

const (
	timeout    = 15 * time.Second
	maxAnswer  = 1 << 20
	keepAtMost = 500       // translations
	askAnew    = time.Hour // for the languages
)

// Statuses are what is translated.
type Statuses interface {
	// Statuses returns those that the reader may read.
	Statuses(ctx context.Context, rel *social.Relations, ids []id.ID, where string) ([]*social.Status, error)
}

// Deps are what a Service needs.
type Deps struct {
	HTTP      *http.Client
	Now       clock.Func
	Server    func() (address, key string) // of LibreTranslate; an empty address: nothing is translated
	Statuses  Statuses
	Relations func(ctx context.Context, viewer id.ID) (*social.Relations, error)
}

// Service translates. Safe for concurrent use.
type Service struct {
	Deps

	mu       sync.Mutex
	kept     map[string]*Translation
	order    []string // of kept, oldest first
	langs    map[string][]string
	langsAt  time.Time
	langsFor string
}

// New returns a Service.
func New(d Deps) *Service { return &Service{Deps: d, kept: map[string]*Translation{}} }

// Translation is a status in another language (docs.joinmastodon.org/entities/Translation).
type Translation struct {
	Content  string       `json:"content"` // HTML, safe
	Spoiler  string       `json:"spoiler_text"`
	Poll     *Poll        `json:"poll,omitempty"`
	Media    []Attachment `json:"media_attachments"`
	Language string       `json:"language"`
	From     string       `json:"detected_source_language"`
	Provider string       `json:"provider"`
}

// Poll is a poll's choices in another language.
type Poll struct {
	ID      id.ID    `json:"id"`
	Options []Option `json:"options"`
}

// Option is a choice.
type Option struct {
	Title string `json:"title"`
}

// Attachment is what a file shows, in another language.
type Attachment struct {
	ID          id.ID  `json:"id"`
	Description string `json:"description"`
}

var (
	errOff  = errs.New(errs.NotFound, "Nothing is translated here.")
	errDown = errs.New(errs.Unavailable, "The translation service does not answer. Try again later.")
)

// safe is what may stand in a translation: what stands in statuses.
var safe = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "strong", "em", "b", "i", "del", "code", "pre", "blockquote", "ul", "ol", "li", "span")
	p.AllowAttrs("class").Matching(bluemonday.SpaceSeparatedTokens).OnElements("span", "a")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https")
	p.RequireNoFollowOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	p.RequireNoReferrerOnFullyQualifiedLinks(true)
	return p
}()

// Status returns a public status in a language. It returns a NotFound error where nothing is translated or the status can't be read, a
// Forbidden error for one that is not public, an Invalid error for a language that the server can't do and an Unavailable error while it
// does not answer.
func (s *Service) Status(ctx context.Context, viewer, status id.ID, lang string) (*Translation, error) {
	address, _ := s.Server()
	if address == "" {
		return nil, errOff
	}
	rel, err := s.Relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	found, err := s.Statuses.Statuses(ctx, rel, []id.ID{status}, "")
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errs.New(errs.NotFound, "Record not found")
	}
	st := found[0]
	if st.Reblog != nil {
		st = st.Reblog
	}
	if v := social.Visibility(st.Visibility); v != social.Public && v != social.Unlisted || st.LocalOnly {
		return nil, errs.New(errs.Forbidden, "Only public posts are sent to the translation service.")
	}
	lang, _, _ = strings.Cut(strings.ToLower(lang), "-")
	from := ""
	if st.Language != nil {
		from, _, _ = strings.Cut(strings.ToLower(*st.Language), "-")
	}
	if err := s.can(ctx, from, lang); err != nil {
		return nil, err
	}
	texts := textsOf(st)
	key := keyOf(lang, from, texts)
	s.mu.Lock()
	t := s.kept[key]
	s.mu.Unlock()
	if t != nil {
		return t, nil
	}
	out, source, err := s.ask(ctx, texts, from, lang)
	if err != nil {
		return nil, err
	}
	t = assemble(st, out, lang, source)
	s.keep(key, t)
	return t, nil
}

func keyOf(lang, from string, texts []string) string {
	h := sha256.New()
	for _, t := range append([]string{lang, from}, texts...) {
		fmt.Fprintf(h, "%d:%s", len(t), t)
	}
	return string(h.Sum(nil))
}

func (s *Service) keep(key string, t *Translation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept[key] == nil {
		s.order = append(s.order, key)
	}
	s.kept[key] = t
	if len(s.order) > keepAtMost {
		delete(s.kept, s.order[0])
		s.order = s.order[1:]
	}
}

// textsOf returns what is to be translated: the content, the spoiler, the poll's choices and what the files show.
func textsOf(st *social.Status) []string {
	out := []string{st.Content, st.SpoilerText}
	if st.Poll != nil {
		for _, o := range st.Poll.Options {
			out = append(out, o.Title)
		}
	}
	for _, m := range st.Media {
		if m.Description != nil {
			out = append(out, *m.Description)
		} else {
			out = append(out, "")
		}
	}
	return out
}

// assemble makes a translation of translated texts in the order of textsOf. All but the content are plain texts.
func assemble(st *social.Status, texts []string, lang, from string) *Translation {
	t := &Translation{Content: safe.Sanitize(texts[0]), Spoiler: texts[1], Media: []Attachment{}, Language: lang, From: from, Provider: "LibreTranslate"}
	texts = texts[2:]
	if st.Poll != nil {
		t.Poll = &Poll{ID: st.Poll.ID}
		for i := range st.Poll.Options {
			t.Poll.Options = append(t.Poll.Options, Option{texts[i]})
		}
		texts = texts[len(st.Poll.Options):]
	}
	for i, m := range st.Media {
		t.Media = append(t.Media, Attachment{m.ID, texts[i]})
	}
	return t
}

// can returns why one language can't be translated into another, or nil. from may be empty: the server finds out.
func (s *Service) can(ctx context.Context, from, to string) error {
	langs, err := s.Languages(ctx)
	if err != nil {
		return err
	}
	for source, targets := range langs {
		if (from == "" || source == from) && slices.Contains(targets, to) {
			return nil
		}
	}
	return errs.InvalidField("lang", "The translation service can't do %s.", to)
}

// Languages returns into which languages each can be translated; none where nothing is.
func (s *Service) Languages(ctx context.Context) (map[string][]string, error) {
	address, _ := s.Server()
	if address == "" {
		return map[string][]string{}, nil
	}
	s.mu.Lock()
	langs, at, of := s.langs, s.langsAt, s.langsFor
	s.mu.Unlock()
	if of == address && s.Now().Sub(at) < askAnew {
		return langs, nil
	}
	var answer []struct {
		Code    string   `json:"code"`
		Targets []string `json:"targets"`
	}
	if err := s.do(ctx, http.MethodGet, address+"/languages", nil, &answer); err != nil {
		return nil, err
	}
	langs = map[string][]string{}
	for _, l := range answer {
		targets := slices.DeleteFunc(slices.Clone(l.Targets), func(t string) bool { return t == l.Code })
		slices.Sort(targets)
		langs[l.Code] = targets
	}
	s.mu.Lock()
	s.langs, s.langsAt, s.langsFor = langs, s.Now(), address
	s.mu.Unlock()
	return langs, nil
}

// ask has texts translated. Empty ones stay as they are.
func (s *Service) ask(ctx context.Context, texts []string, from, to string) (out []string, source string, err error) {
	address, key := s.Server()
	out, source = slices.Clone(texts), from
	for i, format := range []string{"html", "text"} { // the content is HTML, all that comes after it is not
		var which []int
		var q []string
		for j, t := range texts {
			if t != "" && (j == 0) == (i == 0) {
				which, q = append(which, j), append(q, t)
			}
		}
		if len(q) == 0 {
			continue
		}
		asked := from
		if asked == "" {
			asked = "auto"
		}
		var answer struct {
			Text     []string        `json:"translatedText"`
			Detected json.RawMessage `json:"detectedLanguage"`
		}
		body := map[string]any{"q": q, "source": asked, "target": to, "format": format, "api_key": key}
		if err := s.do(ctx, http.MethodPost, address+"/translate", body, &answer); err != nil {
			return nil, "", err
		}
		if len(answer.Text) != len(q) {
			return nil, "", errDown
		}
		for k, j := range which {
			out[j] = answer.Text[k]
		}
		if source == "" {
			source = detected(answer.Detected)
		}
	}
	return out, source, nil
}

// detected reads the language that a server found, which it says once or for each text.
func detected(raw json.RawMessage) string {
	type found struct {
		Language string `json:"language"`
	}
	var list []found
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		return list[0].Language
	}
	var one found
	_ = json.Unmarshal(raw, &one) // a server that does not say leaves it empty
	return one.Language
}

func (s *Service) do(ctx context.Context, method, address string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("translate: encode the question: %w", err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return errDown
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := s.HTTP.Do(r)
	if err != nil {
		return fmt.Errorf("%w: %w", errDown, err)
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: it answered %d", errDown, res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("%w: %w", errDown, err)
	}
	return nil
}

// Routes registers the translation of docs.joinmastodon.org/methods/statuses, and the languages of methods/instance.
func (s *Service) Routes(rt *httpx.Router) {
	mastodon.Handle(rt, "POST /api/v1/statuses/{id}/translate", httpx.May("status.read"), func(r *mastodon.Request) (any, error) {
		status, err := r.ID("id")
		if err != nil {
			return nil, err
		}
		var in struct {
			Lang string `json:"lang"`
		}
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		if in.Lang == "" {
			if in.Lang = i18n.Lang(r.Context()); in.Lang == "" {
				in.Lang = "en"
			}
		}
		return s.Status(r.Context(), r.Actor().ID, status, in.Lang)
	})
	mastodon.Handle(rt, "GET /api/v1/instance/translation_languages", httpx.Anyone, func(r *mastodon.Request) (any, error) {
		return s.Languages(r.Context())
	})
}
