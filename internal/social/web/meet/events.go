package meet

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/frame"
)

// Events are held by those who make them. All of it is done as the actor of ctx.
type Events interface {
	Get(ctx context.Context, event id.ID) (Event, error)
	// Create holds an event and returns its id. Errors: Invalid with paths below body; Conflict.
	Create(ctx context.Context, e Event) (id.ID, error)
	Update(ctx context.Context, e Event) error
	// Cancel says that an event does not take place; Delete deletes it with its post.
	Cancel(ctx context.Context, event id.ID) error
	Delete(ctx context.Context, event id.ID) error
	// Guests returns a page of those who gave an answer: coming, maybe, waiting, no.
	Guests(ctx context.Context, event id.ID, answer, cursor string, limit int) (list []Guest, next string, err error)
}

// Event is an event as its holder changes it.
type Event struct {
	ID, Status         id.ID
	Title, Place, Text string
	Starts, Ends       time.Time // Ends zero: two hours later
	Capacity           int64
	Visibility         social.Visibility
	Mine, Cancelled    bool
	Coming, Maybe      int64
	Waiting            int64
}

func (e Event) path() string { return "/events/" + e.ID.String() }

// Guest is somebody who has answered.
type Guest struct {
	Handle, Name, Avatar string
	Since                time.Time
}

func (p *Pages) eventRoutes(rt *httpx.Router) {
	read, write := httpx.May("status.read"), httpx.May("status.write")
	rt.Page("GET /events/new", write, p.newEvent)
	rt.Page("POST /events", write, p.makeEvent)
	rt.Page("GET /events/{id}/edit", write, p.editEvent)
	rt.Page("POST /events/{id}/edit", write, p.changeEvent)
	rt.Page("POST /events/{id}/cancel", write, p.cancelEvent)
	rt.Page("POST /events/{id}/delete", write, p.deleteEvent)
	rt.Page("GET /events/{id}/guests", read, p.guests)
}

// eventForm is an event as it is typed.
type eventForm struct {
	Title      string `form:"title"`
	Place      string `form:"place"`
	Text       string `form:"text"`
	Starts     string `form:"starts"`
	Ends       string `form:"ends"`
	Capacity   string `form:"capacity"`
	Visibility string `form:"visibility"`

	of Event // what is changed; its ID is 0 for a new one
}

// event returns what the form says. Errors: Invalid.
func (f *eventForm) event(zone *time.Location) (e Event, err error) {
	e = Event{ID: f.of.ID, Title: f.Title, Place: f.Place, Text: f.Text, Visibility: social.Visibility(f.Visibility)}
	if e.Starts, err = time.ParseInLocation(frame.LocalTime, f.Starts, zone); err != nil {
		return e, errs.InvalidField("body.starts_at", "Say when it begins.")
	}
	if f.Ends != "" {
		if e.Ends, err = time.ParseInLocation(frame.LocalTime, f.Ends, zone); err != nil {
			return e, errs.InvalidField("body.ends_at", "This is not a time.")
		}
	}
	if f.Capacity != "" {
		if e.Capacity, err = strconv.ParseInt(f.Capacity, 10, 64); err != nil {
			return e, errs.InvalidField("body.capacity", "This is not a number.")
		}
	}
	return e, nil
}

func (p *Pages) newEvent(w http.ResponseWriter, r *http.Request) error {
	return httpx.Render(w, r, http.StatusOK, p.eventEditor(p.View(r), &eventForm{Visibility: string(social.Public)}, nil))
}

func (p *Pages) makeEvent(w http.ResponseWriter, r *http.Request) error {
	var in eventForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	e, err := in.event(p.TZ)
	if err == nil {
		e.ID, err = p.Events.Create(r.Context(), e)
	}
	return p.saved(w, r, &in, e, err)
}

// saved leads to the event, or says what is wrong with it.
func (p *Pages) saved(w http.ResponseWriter, r *http.Request, in *eventForm, e Event, err error) error {
	if mends(err) {
		return httpx.Render(w, r, httpx.StatusOf(err), p.eventEditor(p.View(r), in, err))
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, e.path())
}

// mine returns the event that the path names, which the actor may change.
func (p *Pages) mine(r *http.Request) (Event, error) {
	e, err := p.event(r)
	if err == nil && !e.Mine {
		return e, errs.New(errs.Forbidden, "Only who holds an event can change it.")
	}
	return e, err
}

func (p *Pages) event(r *http.Request) (Event, error) {
	which, err := named(r)
	if err != nil {
		return Event{}, err
	}
	return p.Events.Get(r.Context(), which)
}

func (p *Pages) editEvent(w http.ResponseWriter, r *http.Request) error {
	e, err := p.mine(r)
	if err != nil {
		return err
	}
	in := &eventForm{Title: e.Title, Place: e.Place, Starts: e.Starts.In(p.TZ).Format(frame.LocalTime), Ends: e.Ends.In(p.TZ).Format(frame.LocalTime), of: e}
	if e.Capacity > 0 {
		in.Capacity = strconv.FormatInt(e.Capacity, 10)
	}
	return httpx.Render(w, r, http.StatusOK, p.eventEditor(p.View(r), in, nil))
}

func (p *Pages) changeEvent(w http.ResponseWriter, r *http.Request) error {
	old, err := p.mine(r)
	if err != nil {
		return err
	}
	in := eventForm{of: old}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	e, err := in.event(p.TZ)
	if err == nil {
		err = p.Events.Update(r.Context(), e)
	}
	return p.saved(w, r, &in, e, err)
}

func (p *Pages) cancelEvent(w http.ResponseWriter, r *http.Request) error {
	e, err := p.mine(r)
	if err != nil {
		return err
	}
	if err := p.Events.Cancel(r.Context(), e.ID); err != nil {
		return err
	}
	return httpx.Redirect(w, r, e.path())
}

func (p *Pages) deleteEvent(w http.ResponseWriter, r *http.Request) error {
	e, err := p.mine(r)
	if err != nil {
		return err
	}
	if err := p.Events.Delete(r.Context(), e.ID); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/events")
}

func (p *Pages) guests(w http.ResponseWriter, r *http.Request) error {
	e, err := p.event(r)
	if err != nil {
		return err
	}
	answer := r.URL.Query().Get("answer")
	switch answer {
	case "maybe", "waiting", "no":
	default:
		answer = "coming"
	}
	list, next, err := p.Events.Guests(r.Context(), e.ID, answer, r.URL.Query().Get("cursor"), 40)
	if err != nil {
		return err
	}
	if next != "" {
		next = frame.With(e.path()+"/guests?answer="+answer, "cursor", next)
	}
	return httpx.Render(w, r, http.StatusOK, p.guestsWhole(p.View(r), e, answer, list, next))
}
