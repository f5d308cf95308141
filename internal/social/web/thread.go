package web

import (
	"net/http"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/card"
)

// The topics of a stream are bounded: a page follows the status that it is about and the first of its answers.
const mostFollowed = 40

// threadPage is a status with what it answers and what answers it.
type threadPage struct {
	status *social.Status
	above  []*social.Status
	below  []answered
	url    string
	ld     string
	image  string
}

// answered is an answer, and whether it answers another answer.
type answered struct {
	*social.Status
	deeper bool
}

func (p *Pages) thread(w http.ResponseWriter, r *http.Request) error {
	t, err := p.talk(r)
	if err != nil {
		return err
	}
	// An address with the wrong name leads to the right one: names change.
	if got := "/@" + r.PathValue("handle") + "/" + r.PathValue("id"); got != card.Link(t.status) {
		return httpx.Redirect(w, r, card.Link(t.status))
	}
	// From the list of conversations: now it is read.
	if talk, err := id.Parse(r.URL.Query().Get("talk")); err == nil && p.Talks != nil && access.From(r.Context()).SignedIn() {
		if err := p.Talks.Seen(r.Context(), access.From(r.Context()).ID, talk); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	return httpx.Render(w, r, http.StatusOK, p.threadWhole(p.View(r), t))
}

func (p *Pages) threadLive(w http.ResponseWriter, r *http.Request) error {
	t, err := p.talk(r)
	if err != nil {
		return err
	}
	v := p.View(r)
	v.Back = card.Link(t.status)
	return httpx.Render(w, r, http.StatusOK, talk(v, t))
}

func (p *Pages) talk(r *http.Request) (*threadPage, error) {
	status, err := statusID(r)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	rel, err := p.relations(ctx)
	if err != nil {
		return nil, err
	}
	s, err := p.one(ctx, rel, status, "")
	if err != nil {
		return nil, err
	}
	if s.Reblog != nil {
		s = s.Reblog
	}
	above, below, err := p.Statuses.Context(ctx, access.From(ctx), s.ID)
	if err != nil {
		return nil, err
	}
	t := &threadPage{status: s, url: p.URL() + card.Link(s)}
	if t.above, err = p.Statuses.Statuses(ctx, rel, above, "thread"); err != nil {
		return nil, err
	}
	answers, err := p.Statuses.Statuses(ctx, rel, below, "thread")
	if err != nil {
		return nil, err
	}
	for _, a := range answers {
		t.below = append(t.below, answered{a, a.InReplyToID != nil && *a.InReplyToID != s.ID})
	}
	for i := range s.Media {
		if m := &s.Media[i]; m.Type == "image" && m.URL != nil && !s.Sensitive && s.SpoilerText == "" {
			t.image = *m.URL
			break
		}
	}
	if t.image == "" {
		t.image = s.Account.Avatar
	}
	if s.Visibility == string(social.Public) && !s.LocalOnly {
		t.ld = postingLD(p.URL(), t)
	}
	return t, nil
}

// topics returns what the page of a status listens to.
func (t *threadPage) topics() string {
	ids := []id.ID{t.status.ID}
	for _, a := range t.below {
		if len(ids) < mostFollowed {
			ids = append(ids, a.ID)
		}
	}
	var b strings.Builder
	for i, s := range ids {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(topicStatus + ":" + s.String())
	}
	return b.String()
}

// title returns what a status is called where it has to be: in a tab, in a preview.
func title(s *social.Status) string {
	said := s.SpoilerText
	if said == "" {
		said = card.Plain(s.Content)
	}
	if said == "" {
		return card.Name(&s.Account)
	}
	return card.Name(&s.Account) + ": “" + card.Clip(said, 60) + "”"
}

// summary returns a status' text for previews; what stands below a warning is not told.
func summary(s *social.Status) string {
	if s.SpoilerText != "" {
		return s.SpoilerText
	}
	return card.Clip(card.Plain(s.Content), 300)
}

// hiddenFromSearch reports whether search engines are kept away from a status.
func hiddenFromSearch(s *social.Status) bool {
	return s.Visibility != string(social.Public) || s.LocalOnly || s.Account.NoIndex || s.Account.Limited
}
