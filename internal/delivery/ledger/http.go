package ledger

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the REST operations and the pages of the books.
func (s *Service) Routes(rt *httpx.Router) {
	op := func(path, name, summary string) huma.Operation {
		return huma.Operation{
			Method: "GET", Path: path, OperationID: name, Summary: summary, Tags: []string{"Ledger"}, DefaultStatus: 200,
			Security: []map[string][]string{{"bearer": {}}},
		}
	}
	read, admin := httpx.May("ledger.read"), httpx.May("admin.read")
	list := op("/ledger/accounts", "list-ledger-accounts", "Accounts of the books, newest first")
	list.Description = "People and owners of restaurants name themselves as owner; only admins see all."
	httpx.Operation(rt, list, read, s.restAccounts)
	httpx.Operation(rt, op("/ledger/accounts/{id}", "read-ledger-account", "An account of the books with its entries, newest first"), read, s.restAccount)
	rt.Page("GET /admin/finance", admin, s.handleFinance)
	rt.Page("GET /admin/finance/{id}", admin, s.handleAccount)
	if s.opt.Unclear == nil {
		return
	}
	settle := httpx.May("admin.payments")
	httpx.Operation(rt, op("/payment-incidents", "list-payment-incidents", "What does not agree about payments and nobody has seen to, newest first"), admin, s.restIncidents)
	shut := op("/payment-incidents/{id}/close", "close-payment-incident", "Say that you have seen to an incident")
	shut.Method, shut.DefaultStatus = "POST", 204
	httpx.Operation(rt, shut, settle, s.restClose)
	rt.Page("POST /admin/finance/incidents/{id}/close", settle, s.handleSeen(s.opt.Close))
	rt.Page("POST /admin/finance/orders/{id}/ask", settle, s.handleSeen(s.opt.Ask))
}

type accountsInput struct {
	Kind   string `query:"kind" maxLength:"20" doc:"customer, restaurant, courier, cash, tips, platform, provider, bank, tax, wallet or gift."`
	Owner  string `query:"owner" maxLength:"20" doc:"Id of an account or restaurant."`
	Cursor string `query:"cursor" maxLength:"200"`
	Limit  int    `query:"limit" minimum:"0" maximum:"100" doc:"20 where left out."`
}

type accountsOutput struct {
	Body page.Page[delivery.BookAccount]
}

func (s *Service) restAccounts(ctx context.Context, in *accountsInput) (*accountsOutput, error) {
	owner, err := ownerOf(in.Owner)
	if err != nil {
		return nil, err
	}
	list, err := s.Accounts(ctx, delivery.BookKind(in.Kind), owner, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return &accountsOutput{list}, nil
}

func ownerOf(text string) (id.ID, error) {
	if text == "" {
		return 0, nil
	}
	owner, err := id.Parse(text)
	if err != nil {
		return 0, errs.InvalidField("query.owner", "This is not an id.")
	}
	return owner, nil
}

type accountInput struct {
	ID     string    `path:"id" maxLength:"20"`
	From   time.Time `query:"from" doc:"Entries of this time and later."`
	To     time.Time `query:"to" doc:"Entries before this time."`
	Cursor string    `query:"cursor" maxLength:"200"`
	Limit  int       `query:"limit" minimum:"0" maximum:"100" doc:"20 where left out."`
}

type accountOutput struct{ Body *Statement }

func (s *Service) restAccount(ctx context.Context, in *accountInput) (*accountOutput, error) {
	key, err := id.Parse(in.ID)
	if err != nil {
		return nil, errs.InvalidField("path.id", "This is not an id.")
	}
	st, err := s.Account(ctx, key, in.From, in.To, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return &accountOutput{st}, nil
}

// finance is what the page of the town's money shows.
type finance struct {
	figures  []figure
	unclear  []Unclear
	strange  []Incident
	kind     string
	owner    string
	accounts page.Page[delivery.BookAccount]
	next     string
	bad      error
	wrong    error // what could not be done about a payment
}

// figure is one of the sums on top: what the town holds or owes.
type figure struct {
	label    string
	amount   money.Amount
	currency string
}

func (s *Service) handleFinance(w http.ResponseWriter, r *http.Request) error {
	return s.showFinance(w, r, http.StatusOK, nil)
}

// handleSeen does something about the incident or order that the path names, and shows the page again.
func (s *Service) handleSeen(do func(context.Context, id.ID) error) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		key, err := id.Parse(r.PathValue("id"))
		if err != nil {
			return errs.New(errs.NotFound, "There is no such page here.")
		}
		if err := do(r.Context(), key); err != nil {
			if status := httpx.StatusOf(err); status != http.StatusInternalServerError {
				return s.showFinance(w, r, status, err)
			}
			return err
		}
		return httpx.Redirect(w, r, "/admin/finance")
	}
}

type incidentsOutput struct{ Body []Incident }

func (s *Service) restIncidents(ctx context.Context, _ *struct{}) (*incidentsOutput, error) {
	list, err := s.opt.Incidents(ctx)
	if err != nil {
		return nil, err
	}
	return &incidentsOutput{list}, nil
}

type incidentInput struct {
	ID string `path:"id" maxLength:"20"`
}

func (s *Service) restClose(ctx context.Context, in *incidentInput) (*struct{}, error) {
	key, err := id.Parse(in.ID)
	if err != nil {
		return nil, errs.InvalidField("path.id", "This is not an id.")
	}
	return nil, s.opt.Close(ctx, key)
}

func (s *Service) showFinance(w http.ResponseWriter, r *http.Request, status int, wrong error) error {
	ctx, q := r.Context(), r.URL.Query()
	v := finance{kind: q.Get("kind"), owner: q.Get("owner")}
	totals, err := s.Totals(ctx)
	if err != nil {
		return err
	}
	v.figures = figures(ctx, totals)
	if s.opt.Unclear != nil {
		if v.unclear, err = s.opt.Unclear(ctx); err != nil {
			return err
		}
		if v.strange, err = s.opt.Incidents(ctx); err != nil {
			return err
		}
	}
	owner, bad := ownerOf(v.owner)
	if v.accounts, err = s.Accounts(ctx, delivery.BookKind(v.kind), owner, q.Get("cursor"), 50); bad == nil {
		bad = err
	}
	if v.bad = bad; bad != nil && !errs.Is(bad, errs.Invalid) {
		return bad
	}
	v.next = more("/admin/finance", q, v.accounts.Next)
	v.wrong = wrong
	return httpx.Render(w, r, status, s.financePage(v))
}

func (s *Service) handleAccount(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	key, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return errs.New(errs.NotFound, "There is no such account in the books.")
	}
	v := statement{from: q.Get("from"), to: q.Get("to")}
	from, to, bad := s.days(v.from, v.to)
	if v.Statement, err = s.Account(r.Context(), key, from, to, q.Get("cursor"), 50); err != nil {
		return err
	}
	v.bad, v.next = bad, more(r.URL.Path, q, v.Entries.Next)
	return httpx.Render(w, r, http.StatusOK, s.accountPage(v))
}

// statement is what the page of an account shows.
type statement struct {
	*Statement
	from, to string // days
	next     string
	bad      error
}

// zone is the town's.
func (s *Service) zone() *time.Location {
	if s.opt.Zone == nil {
		return time.UTC
	}
	return s.opt.Zone
}

// days returns the times at which the first day begins and the last one ends, in the town's time.
func (s *Service) days(first, last string) (from, to time.Time, err error) {
	for _, d := range []struct {
		text string
		at   *time.Time
		plus int
	}{{first, &from, 0}, {last, &to, 1}} {
		if d.text == "" {
			continue
		}
		day, err := time.ParseInLocation(time.DateOnly, d.text, s.zone())
		if err != nil {
			return time.Time{}, time.Time{}, errs.InvalidField("from", "Give days as 2026-12-31.")
		}
		*d.at = day.AddDate(0, 0, d.plus)
	}
	return from, to, nil
}
