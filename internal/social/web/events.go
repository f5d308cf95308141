package web

import (
	"context"
	"net/http"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/frame"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Happenings are what takes place in the town. All of it is done as the actor of ctx.
type Happenings interface {
	// List returns what is to come by its beginning, or with mine what one holds or comes to, and where to read on.
	List(ctx context.Context, mine bool, cursor string, limit int) (list []Happening, next string, err error)
	Get(ctx context.Context, event id.ID) (Happening, error)
	// Answer says whether one comes: coming, maybe, no, or empty to take that back.
	Answer(ctx context.Context, event id.ID, answer string) (Happening, error)
}

// Happening is an event as the reader sees it.
type Happening struct {
	social.EventCard
	Status   id.ID // the post that tells of it
	Handle   string
	Name     string // whose it is
	Maybe    int64
	Waiting  int64
	Capacity int64
	Answer   string // the reader's: coming, maybe, no, waiting; empty: none yet
	Mine     bool   // the reader may change it
	Calendar string // path of its iCalendar file
}

func (p *Pages) eventRoutes(rt *httpx.Router) {
	rt.Page("GET /events", httpx.GuestOr("status.read"), p.events)
	rt.Page("GET /events/{id}", httpx.GuestOr("status.read"), p.event)
	rt.Page("POST /events/{id}/answer", httpx.May("status.write"), p.answerEvent)
}

func (p *Pages) events(w http.ResponseWriter, r *http.Request) error {
	mine := r.URL.Query().Get("mine") != "" && access.From(r.Context()).SignedIn()
	list, next, err := p.Happenings.List(r.Context(), mine, r.URL.Query().Get("cursor"), 30)
	if err != nil {
		return err
	}
	if next != "" {
		next = frame.With(ui.ChromeFrom(r.Context()).Path, "cursor", next)
	}
	return httpx.Render(w, r, http.StatusOK, p.eventsWhole(p.View(r), list, mine, next))
}

// theEvent returns the event that a path names.
func (p *Pages) theEvent(r *http.Request) (Happening, error) {
	of, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return Happening{}, errNoTopic
	}
	return p.Happenings.Get(r.Context(), of)
}

// event shows what takes place, and the conversation about it.
func (p *Pages) event(w http.ResponseWriter, r *http.Request) error {
	h, err := p.theEvent(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	rel, err := p.relations(ctx)
	if err != nil {
		return err
	}
	t := &threadPage{}
	if t.status, err = p.one(ctx, rel, h.Status, ""); err != nil {
		return err
	}
	_, below, err := p.Statuses.Context(ctx, access.From(ctx), h.Status)
	if err != nil {
		return err
	}
	answers, err := p.Statuses.Statuses(ctx, rel, below, "thread")
	if err != nil {
		return err
	}
	for _, a := range answers {
		t.below = append(t.below, answered{a, a.InReplyToID != nil && *a.InReplyToID != h.Status})
	}
	t.url = p.URL() + h.URL
	if !hiddenFromSearch(t.status) {
		t.ld = eventLD(p.URL(), h)
	}
	return httpx.Render(w, r, http.StatusOK, p.eventWhole(p.View(r), h, t))
}

func (p *Pages) answerEvent(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Answer string `form:"answer"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	h, err := p.theEvent(r)
	if err != nil {
		return err
	}
	if h, err = p.Happenings.Answer(r.Context(), h.ID, in.Answer); err != nil {
		return err
	}
	if !ui.IsFragment(r) {
		return httpx.Redirect(w, r, "/events/"+h.ID.String())
	}
	return httpx.Render(w, r, http.StatusOK, answeredEvent(h))
}

// eventLD returns an event as structured data.
func eventLD(base string, h Happening) string {
	o := object{
		"@context": "https://schema.org", "@type": "Event", "name": h.Title, "startDate": h.Starts.UTC().Format(time.RFC3339), "endDate": h.Ends.UTC().Format(time.RFC3339),
		"url": base + "/events/" + h.ID.String(), "organizer": object{"@type": "Person", "name": h.Name, "url": base + "/@" + h.Handle},
		"eventStatus": "https://schema.org/EventScheduled",
	}
	if h.Called {
		o["eventStatus"] = "https://schema.org/EventCancelled"
	}
	if h.Place != "" {
		o["location"] = object{"@type": "Place", "name": h.Place}
	}
	return encode(o)
}

// comes says what somebody has answered.
func comes(ctx context.Context, answer string) string {
	switch answer {
	case "coming":
		return i18n.T(ctx, "You are coming.")
	case "maybe":
		return i18n.T(ctx, "You may come.")
	case "waiting":
		return i18n.T(ctx, "It is full: you are on the waiting list.")
	case "no":
		return i18n.T(ctx, "You are not coming.")
	}
	return ""
}

// held is the card of an event, with who comes.
func held(h Happening) *social.EventCard { return &h.EventCard }
