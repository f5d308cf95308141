package event

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the events' part of the REST API, and the calendars.
func (s *Service) Routes(rt *httpx.Router) {
	op := func(method, path, name, summary string, status int) huma.Operation {
		return huma.Operation{
			Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{"Events"}, DefaultStatus: status,
			Security: []map[string][]string{{"bearer": {}}},
		}
	}
	read, write := httpx.GuestOr("status.read"), httpx.May("status.write")
	httpx.Operation(rt, op("GET", "/events", "list-events", "Events by their beginning", 200), read, s.restList)
	httpx.Operation(rt, op("POST", "/events", "hold-event", "Hold an event, and post the status that tells of it", 201), write, s.restCreate)
	httpx.Operation(rt, op("GET", "/events/{id}", "read-event", "An event", 200), read, s.restGet)
	httpx.Operation(rt, op("PATCH", "/events/{id}", "change-event", "Change an event; its text is that of its status", 200), write, s.restUpdate)
	httpx.Operation(rt, op("DELETE", "/events/{id}", "delete-event", "Delete an event with its status", 204), write, s.restDelete)
	httpx.Operation(rt, op("POST", "/events/{id}/cancel", "cancel-event", "Say that it does not take place", 200), write, s.restCancel)
	httpx.Operation(rt, op("PUT", "/events/{id}/answer", "answer-event", "Say whether I come", 200), write, s.restAnswer)
	httpx.Operation(rt, op("DELETE", "/events/{id}/answer", "take-answer-back", "Take back what I said", 200), write, s.restUnsay)
	httpx.Operation(rt, op("GET", "/events/{id}/people", "list-event-people", "Who comes", 200), httpx.May("status.read"), s.restGuests)
	httpx.Operation(rt, op("GET", "/events/calendar", "read-calendar-link", "The secret link of my calendar", 200), httpx.May("status.read"), s.restLink)
	httpx.Operation(rt, op("POST", "/events/calendar", "renew-calendar-link", "Another link; the old one closes", 200), write, s.restRenew)
	rt.Page("GET /events.ics", httpx.Anyone, s.townCalendar)
	rt.Page("GET /events/{id}/calendar.ics", httpx.GuestOr("status.read"), s.eventCalendar)
	rt.Page("GET /calendar/{token}", httpx.Anyone, s.ownCalendar)
}

// AddressedByID is the path of everything about one event. It is exported because huma fills no embedded struct that is not.
type AddressedByID struct {
	ID string `path:"id" maxLength:"20"`
}

func (a AddressedByID) parse() (id.ID, error) {
	event, err := id.Parse(a.ID)
	if err != nil {
		return 0, errs.InvalidField("path.id", "This is not the id of an event.")
	}
	return event, nil
}

type eventOutput struct{ Body *Event }

func replied(e *Event, err error) (*eventOutput, error) {
	if err != nil {
		return nil, err
	}
	return &eventOutput{e}, nil
}

// on does something with the event that a path names.
func on[I interface{ parse() (id.ID, error) }](in I, fn func(event id.ID) (*Event, error)) (*eventOutput, error) {
	event, err := in.parse()
	if err != nil {
		return nil, err
	}
	return replied(fn(event))
}

type listInput struct {
	From   time.Time `query:"from" doc:"Left out: now."`
	To     time.Time `query:"to"`
	Mine   bool      `query:"mine" doc:"Only what I hold, come to, or may come to."`
	Cursor string    `query:"cursor" maxLength:"200"`
	Limit  int       `query:"limit" minimum:"0" maximum:"100" doc:"20 where left out."`
}

type listOutput struct{ Body page.Page[Event] }

func (s *Service) restList(ctx context.Context, in *listInput) (*listOutput, error) {
	p, err := s.List(ctx, Filter{From: in.From, To: in.To, Mine: in.Mine}, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return &listOutput{p}, nil
}

func (s *Service) restCreate(ctx context.Context, in *struct{ Body Draft }) (*eventOutput, error) {
	return replied(s.Create(ctx, in.Body))
}

func (s *Service) restGet(ctx context.Context, in *AddressedByID) (*eventOutput, error) {
	return on(*in, func(event id.ID) (*Event, error) { return s.Get(ctx, event) })
}

type updateInput struct {
	AddressedByID
	Body Input
}

func (s *Service) restUpdate(ctx context.Context, in *updateInput) (*eventOutput, error) {
	return on(*in, func(event id.ID) (*Event, error) { return s.Update(ctx, event, in.Body) })
}

func (s *Service) restDelete(ctx context.Context, in *AddressedByID) (*struct{}, error) {
	event, err := in.parse()
	if err != nil {
		return nil, err
	}
	return nil, s.Delete(ctx, event)
}

func (s *Service) restCancel(ctx context.Context, in *AddressedByID) (*eventOutput, error) {
	return on(*in, func(event id.ID) (*Event, error) { return s.Cancel(ctx, event) })
}

type answerInput struct {
	AddressedByID
	Body struct {
		Answer Answer `json:"answer" enum:"coming,maybe,no"`
	}
}

func (s *Service) restAnswer(ctx context.Context, in *answerInput) (*eventOutput, error) {
	return on(*in, func(event id.ID) (*Event, error) { return s.Answer(ctx, event, in.Body.Answer) })
}

func (s *Service) restUnsay(ctx context.Context, in *AddressedByID) (*eventOutput, error) {
	return on(*in, func(event id.ID) (*Event, error) { return s.Answer(ctx, event, Unspoken) })
}

type guestsInput struct {
	AddressedByID
	Answer Answer `query:"answer" enum:"coming,maybe,no,waiting" default:"coming"`
	Cursor string `query:"cursor" maxLength:"200"`
	Limit  int    `query:"limit" minimum:"0" maximum:"100" doc:"20 where left out."`
}

type guestsOutput struct{ Body page.Page[Guest] }

func (s *Service) restGuests(ctx context.Context, in *guestsInput) (*guestsOutput, error) {
	event, err := in.parse()
	if err != nil {
		return nil, err
	}
	p, err := s.Guests(ctx, event, in.Answer, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return &guestsOutput{p}, nil
}

// CalendarLink is where somebody's own calendar is.
type CalendarLink struct {
	URL string `json:"url" doc:"Path. Whoever knows it sees what I come to: keep it to yourself."`
}

type linkOutput struct{ Body CalendarLink }

func (s *Service) restLink(ctx context.Context, _ *struct{}) (*linkOutput, error) {
	return s.linked(ctx, false)
}

func (s *Service) restRenew(ctx context.Context, _ *struct{}) (*linkOutput, error) {
	return s.linked(ctx, true)
}

func (s *Service) linked(ctx context.Context, anew bool) (*linkOutput, error) {
	path, err := s.Link(ctx, anew)
	if err != nil {
		return nil, err
	}
	return &linkOutput{CalendarLink{path}}, nil
}
