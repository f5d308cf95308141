package refund

import (
	"context"
	"net/http"
	"strconv"

	"github.com/a-h/templ"
	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// React lets those who follow an order hear of its refunds.
func (s *Service) React(hub *realtime.Hub) {
	hub.Route(delivery.RefundChanged{}.EventKind(), func(e events.Event) []string { return []string{e.Subject} })
}

// Routes registers the refunds' part of the REST API and their page.
func (s *Service) Routes(rt *httpx.Router) {
	op := func(method, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: "/orders/{id}/refunds", Summary: summary, Tags: []string{"refunds"}, Security: []map[string][]string{{"bearer": {}}}}
	}
	grant := op(http.MethodPost, "Give something of an order's price back")
	grant.Description = "Done once for each Idempotency-Key. A refund to a card is pending until its provider has answered. Never more than what was paid."
	grant.DefaultStatus = http.StatusCreated
	httpx.Operation(rt, op(http.MethodGet, "List what was given back of an order"), httpx.May("order.read"), s.apiList)
	httpx.Operation(rt, grant, httpx.May("order.refund"), s.apiGrant)
	rt.Page("GET /orders/{id}/refunds", httpx.May("order.read"), s.page)
	rt.Page("POST /orders/{id}/refunds", httpx.May("order.refund"), s.form)
}

type listIn struct {
	ID string `path:"id" maxLength:"20" doc:"The order's number, or its code as people read it: K7Q-2PM."`
}

type listOut struct{ Body *Sheet }

// orderOf returns the order with an id or a public code.
func (s *Service) orderOf(ctx context.Context, ref string) (id.ID, error) {
	t, err := s.Orders.Thing(ctx, ref)
	return t.ID, err
}

// Block returns what the page of an order shows of its refunds, for who may read the order: a list of them, and for who may give something
// back the way to that. It returns nil where there is neither.
func (s *Service) Block(ctx context.Context, order id.ID) (templ.Component, error) {
	sheet, err := s.List(ctx, order)
	if errs.Is(err, errs.NotFound) { // a kitchen that has not heard of the order yet
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(sheet.Refunds) == 0 && !sheet.MayGrant {
		return nil, nil
	}
	return block(sheet), nil
}

func (s *Service) apiList(ctx context.Context, in *listIn) (*listOut, error) {
	order, err := s.orderOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	sheet, err := s.List(ctx, order)
	if err != nil {
		return nil, err
	}
	return &listOut{sheet}, nil
}

type grantIn struct {
	ID   string `path:"id" maxLength:"20" doc:"The order's number, or its code as people read it: K7Q-2PM."`
	Key  string `header:"Idempotency-Key" doc:"Needed. Of your own making, such as a random UUID: the same key with the same body never gives back twice."`
	Body Wish
}

type grantOut struct{ Body *Refund }

func (s *Service) apiGrant(ctx context.Context, in *grantIn) (*grantOut, error) {
	order, err := s.orderOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	r, err := s.Grant(ctx, order, in.Key, in.Body)
	if err != nil {
		return nil, err
	}
	return &grantOut{r}, nil
}

func (s *Service) page(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, r, http.StatusOK, nil)
}

func (s *Service) show(w http.ResponseWriter, r *http.Request, status int, wrong error) error {
	order, err := s.orderOf(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	sheet, err := s.List(r.Context(), order)
	if err != nil {
		return err
	}
	if httpx.IsFragment(r) {
		return httpx.Render(w, r, status, refundsList(sheet))
	}
	return httpx.Render(w, r, status, refundsPage(sheet, order, wrong))
}

// form grants what the page's form says: the lines that are counted, or else the amount, or else everything.
func (s *Service) form(w http.ResponseWriter, r *http.Request) error {
	order, err := s.orderOf(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	var in struct {
		Key    string `form:"key"`
		What   string `form:"what"`
		Amount string `form:"amount"`
		Reason string `form:"reason"`
		Liable string `form:"liable"`
		To     string `form:"to"`
		Note   string `form:"note"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	sheet, err := s.List(r.Context(), order)
	if err != nil {
		return err
	}
	wish := Wish{Reason: in.Reason, Liable: in.Liable, To: in.To, Note: in.Note}
	switch in.What {
	case "lines":
		for i := range sheet.bought.Lines {
			if n, err := strconv.Atoi(r.PostForm.Get("qty" + strconv.Itoa(i))); err == nil && n > 0 {
				wish.Lines = append(wish.Lines, Line{Line: i, Qty: n})
			}
		}
		if len(wish.Lines) == 0 {
			err = errs.InvalidField("lines", "Say how many of which dish.")
		}
	case "amount":
		var ok bool
		if wish.Amount, ok = money.Parse(in.Amount, sheet.Currency); !ok || wish.Amount == 0 {
			err = errs.InvalidField("amount", "Give an amount such as 4.50.")
		}
	}
	if err == nil {
		_, err = s.Grant(r.Context(), order, in.Key, wish)
	}
	if err != nil {
		if status := httpx.StatusOf(err); status < http.StatusInternalServerError && status != http.StatusNotFound {
			return s.show(w, r, status, err)
		}
		return err
	}
	return httpx.Redirect(w, r, "/orders/"+sheet.bought.Code+"/refunds")
}
