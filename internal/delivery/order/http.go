package order

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the orders' part of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	op := func(method, path, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: path, Summary: summary, Tags: []string{"orders"}, Security: []map[string][]string{{"bearer": {}}}}
	}
	place := op(http.MethodPost, "/orders", "Place an order")
	place.Description = "Done once for each Idempotency-Key. 409 quote_changed carries the new quote. 202: the card's answer is not known yet; watch the order. With action the customer's bank wants to hear from them first: send them there, and then POST /orders/{id}/payment/confirm."
	place.DefaultStatus = http.StatusCreated
	httpx.Operation(rt, place, httpx.May("order.place"), s.apiPlace)
	httpx.Operation(rt, op(http.MethodGet, "/orders", "List my orders, newest first"), httpx.May("order.read"), s.apiMine)
	httpx.Operation(rt, op(http.MethodGet, "/orders/{id}", "Read an order"), httpx.May("order.read"), simple(s.Get))
	httpx.Operation(rt, op(http.MethodGet, "/restaurants/{slug}/orders", "List a restaurant's orders, newest first"), httpx.May("order.read"), s.apiKitchen)
	track := op(http.MethodGet, "/track/{token}", "Follow an order by its tracking link")
	track.Security = nil
	httpx.Operation(rt, track, httpx.Anyone, s.apiTrack)

	act := func(verb Verb, summary string) huma.Operation {
		return op(http.MethodPost, "/orders/{id}/"+string(verb), summary)
	}
	httpx.Operation(rt, act(Confirm, "Accept an order"), httpx.May("order.confirm"), about(s.apiConfirm))
	httpx.Operation(rt, act(Refuse, "Turn down an order that was not confirmed"), httpx.May("order.refuse"), about(s.apiRefuse))
	httpx.Operation(rt, act(Prepare, "Begin to cook"), httpx.May("order.prepare"), simple(s.Prepare))
	httpx.Operation(rt, act(Finish, "Put it on the counter"), httpx.May("order.ready"), simple(s.MarkReady))
	httpx.Operation(rt, act(Delay, "Move the time at which it will be ready"), httpx.May("order.delay"), about(s.apiDelay))
	httpx.Operation(rt, act(Cancel, "Cancel an order"), httpx.May("order.cancel"), about(s.apiCancel))
	httpx.Operation(rt, act(Restore, "Take up an order that was cancelled by mistake"), httpx.May("order.restore"), simple(s.Restore))
	httpx.Operation(rt, op(http.MethodPost, "/orders/{id}/payment/confirm", "Ask the bank now, after its customer has been there"), httpx.May("order.place"), simple(s.CheckPayment))
	httpx.Operation(rt, act(Collect, "Hand an order over at the counter"), httpx.May("order.deliver"), about(s.apiCollect))

	rt.Raw("GET "+httpx.Prefix+"/orders/{id}/events", httpx.May("order.read"), s.stream)
	describeStream(rt.API.OpenAPI())
}

// reply is an order as JSON that was encoded before: a stored answer is given again byte for byte.
type reply struct{ raw json.RawMessage }

// MarshalJSON returns the stored answer.
func (r reply) MarshalJSON() ([]byte, error) { return r.raw, nil }

// Schema says that a stored answer is an order.
func (reply) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[View](), true, "Order")
}

type placeIn struct {
	Key  string `header:"Idempotency-Key" doc:"Needed. Of your own making, such as a random UUID: the same key with the same body never orders twice."`
	Body delivery.PlaceRequest
}

type placeOut struct {
	Status   int
	Location string `header:"Location"`
	Replayed string `header:"Idempotency-Replayed" doc:"true where this answer was given before."`
	Body     reply
}

func (s *Service) apiPlace(ctx context.Context, in *placeIn) (*placeOut, error) {
	p, err := s.Place(ctx, in.Key, in.Body)
	if err != nil {
		return nil, err
	}
	out := &placeOut{Status: http.StatusCreated, Location: httpx.Prefix + "/orders/" + p.Order.String(), Body: reply{p.Body}}
	if p.Pending && p.Action == nil {
		out.Status = http.StatusAccepted
	}
	if p.Replay {
		out.Replayed = "true"
	}
	return out, nil
}

type viewOut struct{ Body *View }

func viewed(v *View, err error) (*viewOut, error) {
	if err != nil {
		return nil, err
	}
	return &viewOut{v}, nil
}

// PathOrder is the order that a request is about. It is exported because huma fills no embedded struct that is not.
type PathOrder struct {
	ID string `path:"id" maxLength:"20"`
}

// order returns the order's id.
func (p PathOrder) order() (id.ID, error) {
	order, err := id.Parse(p.ID)
	if err != nil {
		return 0, errs.InvalidField("path.id", "This is not the number of an order.")
	}
	return order, nil
}

// about is an operation on one order: in names it, fn does it.
func about[I interface{ order() (id.ID, error) }](fn func(context.Context, id.ID, *I) (*View, error)) func(context.Context, *I) (*viewOut, error) {
	return func(ctx context.Context, in *I) (*viewOut, error) {
		order, err := (*in).order()
		if err != nil {
			return nil, err
		}
		return viewed(fn(ctx, order, in))
	}
}

// simple is an operation on one order without a body.
func simple(fn func(context.Context, id.ID) (*View, error)) func(context.Context, *PathOrder) (*viewOut, error) {
	return about(func(ctx context.Context, order id.ID, _ *PathOrder) (*View, error) { return fn(ctx, order) })
}

// ListQuery chooses and pages orders. It is exported as PathOrder is.
type ListQuery struct {
	State  string `query:"state" enum:"open,CREATED,CONFIRMED,PREPARING,READY,IN_DELIVERY,DELIVERED,CONCLUDED,CANCELLED" doc:"open: not delivered or cancelled yet."`
	Cursor string `query:"cursor" maxLength:"200"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
}

type listOut struct{ Body page.Page[*View] }

func (s *Service) apiMine(ctx context.Context, in *ListQuery) (*listOut, error) {
	p, err := s.ListMine(ctx, in.State, in.Cursor, in.Limit)
	if err != nil {
		return nil, inQuery(err)
	}
	return &listOut{p}, nil
}

type kitchenIn struct {
	Slug string `path:"slug" maxLength:"80"`
	ListQuery
}

func (s *Service) apiKitchen(ctx context.Context, in *kitchenIn) (*listOut, error) {
	p, err := s.ListKitchen(ctx, in.Slug, in.State, in.Cursor, in.Limit)
	if err != nil {
		return nil, inQuery(err)
	}
	return &listOut{p}, nil
}

// inQuery says of a wrong cursor that it stands in the query.
func inQuery(err error) error {
	var wrong []errs.Field
	if e, ok := errors.AsType[*errs.Error](err); ok && len(e.Fields) > 0 {
		for _, f := range e.Fields {
			wrong = append(wrong, errs.Field{Path: "query." + f.Path, Message: f.Message, Format: f.Format, Args: f.Args})
		}
		return errs.InvalidFields(wrong)
	}
	return err
}

type trackIn struct {
	Token string `path:"token" maxLength:"64"`
}

func (s *Service) apiTrack(ctx context.Context, in *trackIn) (*viewOut, error) {
	return viewed(s.Track(ctx, in.Token))
}

type confirmIn struct {
	PathOrder
	Body *struct {
		Minutes *int `json:"minutes,omitempty" minimum:"0" maximum:"240" doc:"It will be ready in so many minutes; left out: as promised."`
	} `required:"false"`
}

func (s *Service) apiConfirm(ctx context.Context, order id.ID, in *confirmIn) (*View, error) {
	var minutes *int
	if in.Body != nil {
		minutes = in.Body.Minutes
	}
	return s.Confirm(ctx, order, minutes)
}

type refuseIn struct {
	PathOrder
	Body struct {
		Reason string  `json:"reason" maxLength:"40" doc:"SOLD_OUT, RUSH_HOUR, CLOSING, NO_COURIER or OTHER."`
		Note   string  `json:"note,omitempty" maxLength:"300" doc:"For the customer."`
		Items  []id.ID `json:"items,omitempty" maxItems:"60" doc:"With SOLD_OUT: what is; nobody can order it any more then."`
	}
}

func (s *Service) apiRefuse(ctx context.Context, order id.ID, in *refuseIn) (*View, error) {
	return s.Refuse(ctx, order, Why{in.Body.Reason, in.Body.Note, in.Body.Items})
}

type cancelIn struct {
	PathOrder
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"40" doc:"A customer may leave it out."`
		Note   string `json:"note,omitempty" maxLength:"300"`
	} `required:"false"`
}

func (s *Service) apiCancel(ctx context.Context, order id.ID, in *cancelIn) (*View, error) {
	var why Why
	if in.Body != nil {
		why = Why{Reason: in.Body.Reason, Note: in.Body.Note}
	}
	return s.Cancel(ctx, order, why)
}

type delayIn struct {
	PathOrder
	Body struct {
		Minutes int        `json:"minutes,omitempty" minimum:"-240" maximum:"240" doc:"Later by so many. Not safe to repeat; ready_at is."`
		ReadyAt *time.Time `json:"ready_at,omitempty"`
		Note    string     `json:"note,omitempty" maxLength:"300" doc:"For the customer."`
	}
}

func (s *Service) apiDelay(ctx context.Context, order id.ID, in *delayIn) (*View, error) {
	later := Later{Minutes: in.Body.Minutes, Note: in.Body.Note}
	if in.Body.ReadyAt != nil {
		later.ReadyAt = *in.Body.ReadyAt
	}
	return s.Delay(ctx, order, later)
}

type collectIn struct {
	PathOrder
	Body struct {
		Code string `json:"code" maxLength:"12" doc:"The customer's four digits."`
	}
}

func (s *Service) apiCollect(ctx context.Context, order id.ID, in *collectIn) (*View, error) {
	return s.Collect(ctx, order, in.Body.Code)
}

// stream serves an order's events to who may see it, from Last-Event-ID on.
func (s *Service) stream(w http.ResponseWriter, r *http.Request) error {
	order, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return errs.InvalidField("path.id", "This is not the number of an order.")
	}
	if _, err := access.Require(r.Context()); err != nil {
		return err
	}
	return s.Hub.Serve(w, r, []string{"order:" + order.String()})
}

// describeStream adds the stream to the API's document: huma knows operations with bodies only.
func describeStream(doc *huma.OpenAPI) {
	path := httpx.Prefix + "/orders/{id}/events"
	doc.AddOperation(&huma.Operation{
		Method: http.MethodGet, Path: path, OperationID: "get-orders-id-events", Tags: []string{"orders"}, Summary: "Follow an order",
		Description: "Server-Sent Events: each has the event's number as id, its kind (order.confirmed, courier.position and so on) as event and JSON as data.",
		Security:    []map[string][]string{{"bearer": {}}},
		Parameters: []*huma.Param{
			{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}},
			{Name: "Last-Event-ID", In: "header", Description: "Where to go on after a lost connection.", Schema: &huma.Schema{Type: huma.TypeString}},
		},
		Responses: map[string]*huma.Response{
			"200": {Description: "A stream that does not end.", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}},
		},
	})
}
