package cash

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the REST operations, the dispatchers' page and the couriers'.
func (s *Service) Routes(rt *httpx.Router) {
	op := func(tag, method, path, name, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{tag}}
	}
	take := op("Dispatch", http.MethodPost, "/dispatch/cash/{courier}/hand-in", "take-cash-in", "Enter cash that a courier handed in")
	take.Description = "Done once for each Idempotency-Key, and only where the courier still has what you expect."
	take.DefaultStatus = http.StatusCreated
	httpx.Operation(rt, op("Dispatch", http.MethodGet, "/dispatch/cash", "list-cash", "List who carries cash of the town"), httpx.May("cash.manage"), s.restPurses)
	httpx.Operation(rt, take, httpx.May("cash.manage"), s.restTakeIn)
	httpx.Operation(rt, op("Couriers", http.MethodGet, "/courier/cash", "get-courier-cash", "The cash you carry, and what you handed in"), httpx.May("courier.work"), s.restMine)
	rt.Page("GET /dispatch/cash", httpx.May("cash.manage"), s.showPurses)
	rt.Page("POST /dispatch/cash/{courier}/hand-in", httpx.May("cash.manage"), s.formTakeIn)
	rt.Page("GET /courier/cash", httpx.May("courier.work"), s.showMine)
}

// Cut is how lists are read on. Exported, because huma does not see into embedded structs that are not.
type Cut struct {
	Cursor string `query:"cursor" maxLength:"200"`
	Limit  int    `query:"limit" minimum:"0" maximum:"100" doc:"20 where left out."`
}

type pursesOutput struct{ Body *Sheet }

func (s *Service) restPurses(ctx context.Context, in *struct{ Cut }) (*pursesOutput, error) {
	sheet, err := s.Purses(ctx, in.Cursor, in.Limit)
	return &pursesOutput{sheet}, err
}

type mineOutput struct{ Body *Mine }

func (s *Service) restMine(ctx context.Context, in *struct{ Cut }) (*mineOutput, error) {
	m, err := s.Mine(ctx, in.Cursor, in.Limit)
	return &mineOutput{m}, err
}

type takeInInput struct {
	Courier string `path:"courier" maxLength:"20"`
	Key     string `header:"Idempotency-Key" doc:"Needed. Of your own making, such as a random UUID: the same key with the same body never enters anything twice."`
	Body    Wish
}

type takeInOutput struct{ Body *HandIn }

func (s *Service) restTakeIn(ctx context.Context, in *takeInInput) (*takeInOutput, error) {
	courier, err := id.Parse(in.Courier)
	if err != nil {
		return nil, errNobody
	}
	h, err := s.TakeIn(ctx, courier, in.Key, in.Body)
	return &takeInOutput{h}, err
}

func (s *Service) showMine(w http.ResponseWriter, r *http.Request) error {
	m, err := s.Mine(r.Context(), r.URL.Query().Get("cursor"), 0)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, minePage(m, s.Zone))
}

func (s *Service) showPurses(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, r, http.StatusOK, nil)
}

func (s *Service) show(w http.ResponseWriter, r *http.Request, status int, wrong error) error {
	q := r.URL.Query()
	sheet, err := s.Purses(r.Context(), q.Get("cursor"), 0)
	if err != nil {
		return err
	}
	past, err := s.History(r.Context(), q.Get("past"), 0)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, status, pursesPage(&pursesView{sheet: sheet, past: past, zone: s.Zone, wrong: wrong}))
}

func (s *Service) formTakeIn(w http.ResponseWriter, r *http.Request) error {
	courier, err := id.Parse(r.PathValue("courier"))
	if err != nil {
		return errNobody
	}
	var in struct {
		Key      string       `form:"idempotency_key"`
		Expected money.Amount `form:"expected"`
		Counted  string       `form:"counted"`
		Choice   string       `form:"choice"`
		Note     string       `form:"note"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	counted, ok := readAmount(in.Counted, s.Currency)
	if !ok {
		err = errs.InvalidField("counted", "Give an amount such as 4.50.")
	} else {
		_, err = s.TakeIn(r.Context(), courier, in.Key, Wish{Expected: in.Expected, Counted: counted, Choice: in.Choice, Note: in.Note})
	}
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Conflict:
		return s.show(w, r, httpx.StatusOf(err), err)
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/dispatch/cash")
}
