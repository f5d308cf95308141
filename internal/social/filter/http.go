package filter

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Routes registers /api/v2/filters and /api/v1/filters.
func (s *Service) Routes(rt *httpx.Router) {
	read, write := httpx.May("filter.read"), httpx.May("filter.write")
	mastodon.Handle(rt, "GET /api/v2/filters", read, s.list)
	mastodon.Handle(rt, "POST /api/v2/filters", write, s.add)
	mastodon.Handle(rt, "GET /api/v2/filters/{id}", read, s.get)
	mastodon.Handle(rt, "PUT /api/v2/filters/{id}", write, s.edit)
	mastodon.Handle(rt, "DELETE /api/v2/filters/{id}", write, s.remove)
	// One pattern for four: ServeMux could not tell {id}/keywords from keywords/{id}.
	mastodon.Handle(rt, "GET /api/v2/filters/{id}/{part}", read, s.part)
	mastodon.Handle(rt, "POST /api/v2/filters/{id}/keywords", write, s.addKeyword)
	mastodon.Handle(rt, "PUT /api/v2/filters/keywords/{id}", write, s.editKeyword)
	mastodon.Handle(rt, "DELETE /api/v2/filters/keywords/{id}", write, s.removeKeyword)
	mastodon.Handle(rt, "POST /api/v2/filters/{id}/statuses", write, s.addStatus)
	mastodon.Handle(rt, "DELETE /api/v2/filters/statuses/{id}", write, s.removeStatus)

	mastodon.Handle(rt, "GET /api/v1/filters", read, s.listOld)
	mastodon.Handle(rt, "POST /api/v1/filters", write, s.addOld)
	mastodon.Handle(rt, "GET /api/v1/filters/{id}", read, s.getOld)
	mastodon.Handle(rt, "PUT /api/v1/filters/{id}", write, s.editOld)
	mastodon.Handle(rt, "DELETE /api/v1/filters/{id}", write, s.removeOld)
}

func (s *Service) list(r *mastodon.Request) (any, error) {
	return s.List(r.Context(), r.Actor().ID)
}

func (s *Service) get(r *mastodon.Request) (any, error) {
	filter, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	return s.Get(r.Context(), r.Actor().ID, filter)
}

// body is what a filter is sent as.
type body struct {
	Title    *string   `json:"title"`
	Context  *[]string `json:"context"`
	Action   *string   `json:"filter_action"`
	Expires  string    `json:"expires_in"` // seconds; empty: never
	Keywords []struct {
		ID    id.ID   `json:"id"`
		Word  *string `json:"keyword"`
		Whole *bool   `json:"whole_word"`
		Gone  bool    `json:"_destroy"`
	} `json:"keywords_attributes"`
}

func (s *Service) input(r *mastodon.Request) (Input, error) {
	var b body
	if err := r.Decode(&b); err != nil {
		return Input{}, err
	}
	in := Input{Title: b.Title, Context: b.Context, Action: b.Action}
	for _, k := range b.Keywords {
		in.Keywords = append(in.Keywords, KeywordInput{ID: k.ID, Word: k.Word, Whole: k.Whole, Gone: k.Gone})
	}
	var err error
	in.Expires, err = s.expiry(r, b.Expires)
	return in, err
}

// expiry returns when a filter is to end: nil where nothing is said of it.
func (s *Service) expiry(r *mastodon.Request, seconds string) (*time.Time, error) {
	if !r.Has("expires_in") {
		return nil, nil //nolint:nilnil // not said
	}
	if seconds == "" {
		return &time.Time{}, nil
	}
	n, err := strconv.ParseFloat(seconds, 64)
	if err != nil || n < 0 || n > 1e10 {
		return nil, errs.InvalidField("expires_in", "Validation failed: give the seconds until the filter ends.")
	}
	if n == 0 {
		return &time.Time{}, nil
	}
	at := s.now().Add(time.Duration(n * float64(time.Second))).UTC().Truncate(time.Millisecond)
	return &at, nil
}

func (s *Service) add(r *mastodon.Request) (any, error) {
	in, err := s.input(r)
	if err != nil {
		return nil, err
	}
	return s.Add(r.Context(), r.Actor().ID, in)
}

func (s *Service) edit(r *mastodon.Request) (any, error) {
	filter, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	in, err := s.input(r)
	if err != nil {
		return nil, err
	}
	return s.Edit(r.Context(), r.Actor().ID, filter, in)
}

func (s *Service) remove(r *mastodon.Request) (any, error) {
	filter, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	return nil, s.Remove(r.Context(), r.Actor().ID, filter)
}

// part serves keywords and statuses: those of a filter, or one by its own id.
func (s *Service) part(r *mastodon.Request) (any, error) {
	first, second := r.PathValue("id"), r.PathValue("part")
	name, by := second, "id"
	if first == "keywords" || first == "statuses" {
		name, by = first, "part"
	}
	n, err := r.ID(by)
	if err != nil {
		return nil, err
	}
	ctx, owner := r.Context(), r.Actor().ID
	switch {
	case name == "keywords" && by == "part":
		return s.keyword(s.OfKeyword(ctx, owner, n))(n)
	case name == "statuses" && by == "part":
		return s.single(s.OfSingle(ctx, owner, n))(n)
	case name == "keywords" || name == "statuses":
		f, err := s.Get(ctx, owner, n)
		if err != nil {
			return nil, err
		}
		if name == "keywords" {
			return f.Keywords, nil
		}
		return f.Statuses, nil
	}
	return nil, errNone
}

// keyword returns a function that returns a keyword of the filter.
func (s *Service) keyword(f *Filter, err error) func(id.ID) (any, error) {
	return func(keyword id.ID) (any, error) {
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(f.Keywords, func(k Keyword) bool { return k.ID == keyword })
		if i < 0 {
			return nil, errNone
		}
		return f.Keywords[i], nil
	}
}

// single does the same for a single status.
func (s *Service) single(f *Filter, err error) func(id.ID) (any, error) {
	return func(single id.ID) (any, error) {
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(f.Statuses, func(o Single) bool { return o.ID == single })
		if i < 0 {
			return nil, errNone
		}
		return f.Statuses[i], nil
	}
}

// word is what a keyword is sent as.
type wordBody struct {
	Word  *string `json:"keyword"`
	Whole *bool   `json:"whole_word"`
}

func (s *Service) addKeyword(r *mastodon.Request) (any, error) {
	filter, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	var b wordBody
	if err := r.Decode(&b); err != nil {
		return nil, err
	}
	f, err := s.Edit(r.Context(), r.Actor().ID, filter, Input{Keywords: []KeywordInput{{Word: b.Word, Whole: b.Whole}}})
	if err != nil {
		return nil, err
	}
	return f.Keywords[len(f.Keywords)-1], nil
}

func (s *Service) editKeyword(r *mastodon.Request) (any, error) {
	var b wordBody
	if err := r.Decode(&b); err != nil {
		return nil, err
	}
	f, keyword, err := s.changeKeyword(r, KeywordInput{Word: b.Word, Whole: b.Whole})
	return s.keyword(f, err)(keyword)
}

func (s *Service) removeKeyword(r *mastodon.Request) (any, error) {
	_, _, err := s.changeKeyword(r, KeywordInput{Gone: true})
	return nil, err
}

func (s *Service) changeKeyword(r *mastodon.Request, in KeywordInput) (*Filter, id.ID, error) {
	keyword, err := r.ID("id")
	if err != nil {
		return nil, 0, err
	}
	f, err := s.OfKeyword(r.Context(), r.Actor().ID, keyword)
	if err != nil {
		return nil, 0, err
	}
	in.ID = keyword
	f, err = s.Edit(r.Context(), r.Actor().ID, f.ID, Input{Keywords: []KeywordInput{in}})
	return f, keyword, err
}

func (s *Service) addStatus(r *mastodon.Request) (any, error) {
	filter, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	var b struct {
		Status id.ID `json:"status_id"`
	}
	if err := r.Decode(&b); err != nil {
		return nil, err
	}
	f, err := s.AddStatus(r.Context(), r.Actor().ID, filter, b.Status)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(f.Statuses, func(o Single) bool { return o.Status == b.Status })
	if i < 0 {
		return nil, errNone
	}
	return f.Statuses[i], nil
}

func (s *Service) removeStatus(r *mastodon.Request) (any, error) {
	n, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	f, err := s.OfSingle(r.Context(), r.Actor().ID, n)
	if err != nil {
		return nil, err
	}
	return nil, s.RemoveStatus(r.Context(), r.Actor().ID, f.ID, n)
}

// old is a filter as version 1 of the API shows it: a keyword with its filter's rest.
type old struct {
	ID      id.ID       `json:"id"`
	Phrase  string      `json:"phrase"`
	Context []string    `json:"context"`
	Whole   bool        `json:"whole_word"`
	Expires social.Time `json:"expires_at"`
	Hides   bool        `json:"irreversible"`
}

func oldOf(f *Filter, k Keyword) old {
	return old{ID: k.ID, Phrase: k.Word, Context: f.Context, Whole: k.Whole, Expires: f.Expires, Hides: f.Action == "hide"}
}

func (s *Service) listOld(r *mastodon.Request) (any, error) {
	list, err := s.List(r.Context(), r.Actor().ID)
	if err != nil {
		return nil, err
	}
	out := []old{}
	for i := range list {
		for _, k := range list[i].Keywords {
			out = append(out, oldOf(&list[i], k))
		}
	}
	return out, nil
}

func (s *Service) getOld(r *mastodon.Request) (any, error) {
	keyword, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	f, err := s.OfKeyword(r.Context(), r.Actor().ID, keyword)
	return s.oldOf(f, keyword, err)
}

func (s *Service) oldOf(f *Filter, keyword id.ID, err error) (any, error) {
	k, err := s.keyword(f, err)(keyword)
	if err != nil {
		return nil, err
	}
	return oldOf(f, k.(Keyword)), nil
}

// oldBody is what a filter of version 1 is sent as.
type oldBody struct {
	Phrase  *string   `json:"phrase"`
	Context *[]string `json:"context"`
	Hides   *bool     `json:"irreversible"`
	Whole   *bool     `json:"whole_word"`
	Expires string    `json:"expires_in"`
}

func (s *Service) oldInput(r *mastodon.Request) (Input, KeywordInput, error) {
	var b oldBody
	if err := r.Decode(&b); err != nil {
		return Input{}, KeywordInput{}, err
	}
	in := Input{Context: b.Context}
	if b.Hides != nil {
		action := "warn"
		if *b.Hides {
			action = "hide"
		}
		in.Action = &action
	}
	var err error
	in.Expires, err = s.expiry(r, b.Expires)
	return in, KeywordInput{Word: b.Phrase, Whole: b.Whole}, err
}

func (s *Service) addOld(r *mastodon.Request) (any, error) {
	in, word, err := s.oldInput(r)
	if err != nil {
		return nil, err
	}
	if word.Word == nil || strings.TrimSpace(*word.Word) == "" {
		return nil, errs.InvalidField("phrase", "Validation failed: give the words to look for.")
	}
	title := []rune(*word.Word)
	short := string(title[:min(len(title), maxTitle)])
	in.Title, in.Keywords = &short, []KeywordInput{word}
	f, err := s.Add(r.Context(), r.Actor().ID, in)
	if err != nil {
		return nil, err
	}
	return oldOf(f, f.Keywords[0]), nil
}

func (s *Service) editOld(r *mastodon.Request) (any, error) {
	keyword, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	in, word, err := s.oldInput(r)
	if err != nil {
		return nil, err
	}
	f, err := s.OfKeyword(r.Context(), r.Actor().ID, keyword)
	if err != nil {
		return nil, err
	}
	word.ID = keyword
	in.Keywords = []KeywordInput{word}
	f, err = s.Edit(r.Context(), r.Actor().ID, f.ID, in)
	return s.oldOf(f, keyword, err)
}

// removeOld deletes the keyword, and with the last the filter.
func (s *Service) removeOld(r *mastodon.Request) (any, error) {
	f, _, err := s.changeKeyword(r, KeywordInput{Gone: true})
	if err != nil || len(f.Keywords)+len(f.Statuses) > 0 {
		return nil, err
	}
	return nil, s.Remove(r.Context(), r.Actor().ID, f.ID)
}
