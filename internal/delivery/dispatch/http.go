package dispatch

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// maxPhoto is the largest photo that is read, in bytes.
const maxPhoto = 12 << 20

// Routes registers the REST operations, the courier's page and the dispatcher's board.
func (s *Service) Routes(rt *httpx.Router) {
	op := func(tag, method, path, name, summary string, status int) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{tag}, DefaultStatus: status}
	}
	const c, d = "Couriers", "Dispatch"
	httpx.Operation(rt, op(c, "GET", "/courier/tasks", "list-courier-tasks", "Your offers, your stops in order, and what you did today", 200), httpx.May("courier.work"), s.restTasks)
	httpx.Operation(rt, op(c, "POST", "/courier/offers/{order}/accept", "accept-offer", "Take the order that is offered to you", 200), httpx.May("courier.work"), s.restAccept)
	httpx.Operation(rt, op(c, "POST", "/courier/offers/{order}/decline", "decline-offer", "Leave the order to somebody else", 200), httpx.May("courier.work"), s.restDecline)
	httpx.Operation(rt, op(c, "POST", "/courier/tasks/{id}/start", "start-task", "You are on the way to this stop", 200), httpx.May("courier.work"), s.restStart)
	httpx.Operation(rt, op(c, "POST", "/courier/tasks/{id}/arrive", "arrive-at-task", "You are there", 200), httpx.May("courier.work"), s.restArrive)
	httpx.Operation(rt, op(c, "POST", "/courier/tasks/{id}/complete", "complete-task", "You have picked it up, or handed it over", 200), httpx.May("courier.work"), s.restComplete)
	httpx.Operation(rt, op(c, "POST", "/courier/tasks/{id}/fail", "fail-task", "You could not", 200), httpx.May("courier.work"), s.restFail)
	photo := op(c, "POST", "/courier/tasks/{id}/photo", "add-task-photo", "Upload a photo taken at the door", 201)
	photo.MaxBodyBytes = maxPhoto
	httpx.Operation(rt, photo, httpx.May("courier.work"), s.restPhoto)
	httpx.Operation(rt, op(d, "GET", "/dispatch/board", "get-dispatch-board", "Orders to be brought, couriers on duty, kitchens in trouble", 200), httpx.May("dispatch.board"), s.restBoard)
	httpx.Operation(rt, op(d, "POST", "/dispatch/assignments", "assign-courier", "Give an order to a courier, or take it back", 200), httpx.May("dispatch.assign"), s.restAssign)
	httpx.Operation(rt, op(d, "POST", "/dispatch/orders/{id}/retry", "retry-hand-over", "Send an order out again whose hand-over failed", 204), httpx.May("dispatch.assign"), s.restRetry)
	httpx.Operation(rt, op(d, "POST", "/dispatch/orders/{id}/dismiss", "dismiss-hand-over", "Leave an order cancelled whose hand-over failed", 204), httpx.May("dispatch.assign"), s.restDismiss)
	s.pages(rt)
}

// parse reads an id out of an address; whatever is none is nothing that exists.
func parse(text string, missing error) (id.ID, error) {
	v, err := id.Parse(text)
	if err != nil || v == 0 {
		return 0, missing
	}
	return v, nil
}

type workOutput struct{ Body *Work }

func (s *Service) restTasks(ctx context.Context, _ *struct{}) (*workOutput, error) {
	w, err := s.Tasks(ctx)
	return &workOutput{w}, err
}

// work answers what a courier did with what there is to do now.
func (s *Service) work(ctx context.Context, err error) (*workOutput, error) {
	if err != nil {
		return nil, err
	}
	return s.restTasks(ctx, nil)
}

type offerInput struct {
	Order string `path:"order" maxLength:"20"`
}

func (s *Service) restAccept(ctx context.Context, in *offerInput) (*workOutput, error) {
	order, err := parse(in.Order, errNoOffer)
	if err != nil {
		return nil, err
	}
	return s.work(ctx, s.Accept(ctx, order))
}

func (s *Service) restDecline(ctx context.Context, in *offerInput) (*workOutput, error) {
	order, err := parse(in.Order, errNoOffer)
	if err != nil {
		return nil, err
	}
	return s.work(ctx, s.Decline(ctx, order))
}

// TaskAddress is the path of everything about one task. Exported, as When is, because huma does not see into embedded structs that are not.
type TaskAddress struct {
	ID string `path:"id" maxLength:"20"`
}

// When is the body of an action that needs nothing but its time.
type When struct {
	At time.Time `json:"at,omitempty" doc:"When it truly was, at most a day ago; left out: now."`
}

type stepInput struct {
	TaskAddress
	Body *When
}

func (s *Service) restStart(ctx context.Context, in *stepInput) (*workOutput, error) {
	return s.restStep(ctx, in, Start)
}

func (s *Service) restArrive(ctx context.Context, in *stepInput) (*workOutput, error) {
	return s.restStep(ctx, in, Arrive)
}

func (s *Service) restStep(ctx context.Context, in *stepInput, a Action) (*workOutput, error) {
	var d Did
	if in.Body != nil {
		d.At = in.Body.At
	}
	return s.restDo(ctx, in.ID, a, d)
}

func (s *Service) restDo(ctx context.Context, task string, a Action, d Did) (*workOutput, error) {
	k, err := parse(task, errNoTask)
	if err != nil {
		return nil, err
	}
	return s.work(ctx, s.Do(ctx, k, a, d))
}

type completeInput struct {
	TaskAddress
	Body *struct {
		When
		delivery.Proof
		Tasks []id.ID `json:"tasks,omitempty" maxItems:"20" doc:"Further pickups at the same restaurant, completed with this one or not at all."`
	}
}

func (s *Service) restComplete(ctx context.Context, in *completeInput) (*workOutput, error) {
	var d Did
	if in.Body != nil {
		d = Did{At: in.Body.At, Proof: in.Body.Proof, Also: in.Body.Tasks}
	}
	return s.restDo(ctx, in.ID, Complete, d)
}

type failInput struct {
	TaskAddress
	Body struct {
		When
		Reason string `json:"reason" maxLength:"40" doc:"Pickup: CLOSED_STORE, LATE, ITEM_MISSING, BREAKDOWN, WEATHER, OTHER. Dropoff: NOT_AT_HOME, WRONG_ADDRESS, REFUSED, ITEM_MISSING, DAMAGED, LOST, BREAKDOWN, OTHER."`
		Note   string `json:"note,omitempty" maxLength:"300"`
	}
}

func (s *Service) restFail(ctx context.Context, in *failInput) (*workOutput, error) {
	return s.restDo(ctx, in.ID, Fail, Did{At: in.Body.At, Reason: in.Body.Reason, Note: in.Body.Note})
}

type photoInput struct {
	TaskAddress
	RawBody huma.MultipartFormFiles[struct {
		Photo huma.FormFile `form:"photo" contentType:"image/jpeg,image/png,image/webp" required:"true"`
	}]
}

type photoOutput struct {
	Body struct {
		Photo string `json:"photo" doc:"Send it as photo when completing the task."`
	}
}

func (s *Service) restPhoto(ctx context.Context, in *photoInput) (*photoOutput, error) {
	task, err := parse(in.ID, errNoTask)
	if err != nil {
		return nil, err
	}
	file := in.RawBody.Data().Photo
	defer file.Close()
	out := &photoOutput{}
	out.Body.Photo, err = s.Photo(ctx, task, file)
	return out, err
}

type boardInput struct {
	Only string `query:"only" enum:"late,unassigned,rush,failed" doc:"Only orders that are late or at risk, without a courier, of kitchens in rush, or failed."`
	Q    string `query:"q" maxLength:"80" doc:"Part of a code, a name or a street."`
}

type boardOutput struct{ Body *Board }

func (s *Service) restBoard(ctx context.Context, in *boardInput) (*boardOutput, error) {
	b, err := s.Board(ctx, Filter{Only: in.Only, Query: in.Q})
	return &boardOutput{b}, err
}

type assignInput struct {
	Body struct {
		Order   id.ID  `json:"order"`
		Courier string `json:"courier,omitempty" maxLength:"20" doc:"Empty: take it back and look for somebody else."`
	}
}

func (s *Service) restAssign(ctx context.Context, in *assignInput) (*boardOutput, error) {
	var courier id.ID
	if in.Body.Courier != "" {
		var err error
		if courier, err = id.Parse(in.Body.Courier); err != nil {
			return nil, errs.InvalidField("courier", "This is not the id of a courier.")
		}
	}
	if err := s.Assign(ctx, in.Body.Order, courier); err != nil {
		return nil, err
	}
	return s.restBoard(ctx, &boardInput{})
}

type tripInput struct {
	ID string `path:"id" maxLength:"20"`
}

func (s *Service) restRetry(ctx context.Context, in *tripInput) (*struct{}, error) {
	order, err := parse(in.ID, errNoTrip)
	if err != nil {
		return nil, err
	}
	return nil, s.Retry(ctx, order)
}

func (s *Service) restDismiss(ctx context.Context, in *tripInput) (*struct{}, error) {
	order, err := parse(in.ID, errNoTrip)
	if err != nil {
		return nil, err
	}
	return nil, s.Dismiss(ctx, order)
}
