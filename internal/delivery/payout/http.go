package payout

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the pages and the payouts' part of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	read, pay, bank := httpx.May("admin.read"), httpx.May("admin.payouts"), httpx.May("bank.manage")
	op := func(method, path, name, summary string, status int) huma.Operation {
		return huma.Operation{
			Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{"payouts"}, DefaultStatus: status,
			Security: []map[string][]string{{"bearer": {}}},
		}
	}
	httpx.Operation(rt, op("GET", "/payouts", "list-payouts", "Payout runs, newest first", 200), read, s.restRuns)
	httpx.Operation(rt, op("POST", "/payouts", "draft-payout", "Make the draft of a payout run; there is one at most", 201), pay, s.restMake)
	httpx.Operation(rt, op("GET", "/payouts/{id}", "read-payout", "A payout run with its payees", 200), read, s.restRun)
	approve := op("POST", "/payouts/{id}/approve", "approve-payout", "Send a draft, once", 200)
	approve.Description = "Only from a browser's session in which the admin has shown lately that it is them."
	httpx.Operation(rt, approve, pay, s.restApprove)

	rt.Page("GET /admin/payouts", read, s.handleRuns)
	rt.Page("POST /admin/payouts", pay, s.handleMake)
	rt.Page("GET /admin/payouts/{id}", read, s.handleRun)
	rt.Page("POST /admin/payouts/{id}/exclude", pay, s.handleExclude)
	rt.Page("POST /admin/payouts/{id}/approve", pay, s.handleApprove)
	rt.Page("POST /admin/payouts/{id}/discard", pay, s.handleDiscard)
	rt.Page("POST /admin/payouts/{id}/fail", pay, s.handleFail)
	rt.Raw("GET /admin/payouts/{id}/sepa.xml", pay, s.file("application/xml", ".xml", s.SEPA))
	rt.Raw("GET /admin/payouts/{id}/payouts.csv", pay, s.file("text/csv; charset=utf-8", ".csv", s.CSV))
	rt.Page("GET /admin/bank", pay, s.bank(ofTown))
	rt.Page("POST /admin/bank", pay, s.setBank(ofTown))
	rt.Page("GET /restaurant/{slug}/bank", bank, s.bank(s.ofRestaurant))
	rt.Page("POST /restaurant/{slug}/bank", bank, s.setBank(s.ofRestaurant))
	rt.Page("GET /courier/bank", bank, s.bank(ofCourier))
	rt.Page("POST /courier/bank", bank, s.setBank(ofCourier))
}

type runOutput struct{ Body Run }

// RunPath is the run that a request is about. It is exported because huma fills no embedded struct that is not.
type RunPath struct {
	ID string `path:"id" maxLength:"20"`
}

func (s *Service) restRuns(ctx context.Context, in *struct {
	Below string `query:"before" maxLength:"20" doc:"Id of the run before which to read on."`
},
) (*struct {
	Body struct {
		Items []Run `json:"items"`
	}
}, error,
) {
	var below id.ID
	if in.Below != "" {
		var err error
		if below, err = id.Parse(in.Below); err != nil {
			return nil, errs.InvalidField("query.before", "This is not an id.")
		}
	}
	list, err := s.Runs(ctx, below, 50)
	if err != nil {
		return nil, err
	}
	out := &struct {
		Body struct {
			Items []Run `json:"items"`
		}
	}{}
	out.Body.Items = list
	return out, nil
}

func (s *Service) restMake(ctx context.Context, in *struct {
	Body struct {
		Minimum money.Amount `json:"minimum,omitempty" minimum:"0" doc:"Whoever is owed less is left out."`
		Note    string       `json:"note,omitempty" maxLength:"200"`
	}
},
) (*runOutput, error) {
	r, err := s.MakeDraft(ctx, in.Body.Minimum, in.Body.Note)
	return &runOutput{r}, err
}

func (s *Service) restRun(ctx context.Context, in *RunPath) (*runOutput, error) {
	run, err := id.Parse(in.ID)
	if err != nil {
		return nil, errNoRun
	}
	r, err := s.Run(ctx, run)
	return &runOutput{r}, err
}

func (s *Service) restApprove(ctx context.Context, in *RunPath) (*runOutput, error) {
	run, err := id.Parse(in.ID)
	if err != nil {
		return nil, errNoRun
	}
	r, err := s.Approve(ctx, run)
	return &runOutput{r}, err
}

// runsShown is how many runs the page lists.
const runsShown = 50

func (s *Service) handleRuns(w http.ResponseWriter, r *http.Request) error {
	return s.runs(w, r, http.StatusOK, runsView{Least: "20"})
}

func (s *Service) runs(w http.ResponseWriter, r *http.Request, status int, v runsView) (err error) {
	if v.Runs, err = s.Runs(r.Context(), 0, runsShown); err != nil {
		return err
	}
	v.Zone, v.Currency = s.Zone, s.Currency
	return httpx.Render(w, r, status, runsPage(v))
}

func (s *Service) handleMake(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Least int64  `form:"minimum"`
		Note  string `form:"note"`
	}
	err := httpx.DecodeForm(w, r, &in)
	var run Run
	if err == nil && (in.Least < 0 || in.Least > 1_000_000) {
		err = errs.InvalidField("minimum", "Give an amount of at least 0.")
	}
	if err == nil {
		for range money.Decimals(s.Currency) {
			in.Least *= 10
		}
		run, err = s.MakeDraft(r.Context(), in.Least, in.Note)
	}
	if errs.Is(err, errs.Invalid) || errs.CodeOf(err) == "draft_exists" {
		return s.runs(w, r, httpx.StatusOf(err), runsView{Least: r.FormValue("minimum"), Err: err})
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/admin/payouts/"+run.ID.String())
}

func pathRun(r *http.Request) (id.ID, error) {
	run, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return 0, errNoRun
	}
	return run, nil
}

func (s *Service) handleRun(w http.ResponseWriter, r *http.Request) error {
	n, err := pathRun(r)
	if err != nil {
		return err
	}
	run, err := s.Run(r.Context(), n)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, runPage(runView{run, s.Zone}))
}

// itemForm names a payee of a run.
type itemForm struct {
	Kind     string `form:"kind"`
	Owner    string `form:"owner"`
	Currency string `form:"currency"`
	Out      bool   `form:"out"`
	Note     string `form:"note"`
}

func (f itemForm) payee() (Payee, error) {
	owner, err := id.Parse(f.Owner)
	if err != nil {
		return Payee{}, errs.New(errs.NotFound, "This run has no such payee.")
	}
	return Payee{f.Kind, owner, f.Currency}, nil
}

// deed is a handler that does something to a run and shows it again.
func (s *Service) deed(w http.ResponseWriter, r *http.Request, do func(run id.ID) error) error {
	run, err := pathRun(r)
	if err != nil {
		return err
	}
	if err := do(run); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/admin/payouts/"+run.String())
}

func (s *Service) item(w http.ResponseWriter, r *http.Request, do func(run id.ID, p Payee, in itemForm) error) error {
	return s.deed(w, r, func(run id.ID) error {
		var in itemForm
		if err := httpx.DecodeForm(w, r, &in); err != nil {
			return err
		}
		p, err := in.payee()
		if err != nil {
			return err
		}
		return do(run, p, in)
	})
}

func (s *Service) handleExclude(w http.ResponseWriter, r *http.Request) error {
	return s.item(w, r, func(run id.ID, p Payee, in itemForm) error { return s.Exclude(r.Context(), run, p, in.Out, in.Note) })
}

func (s *Service) handleFail(w http.ResponseWriter, r *http.Request) error {
	return s.item(w, r, func(run id.ID, p Payee, in itemForm) error { return s.Fail(r.Context(), run, p, in.Note) })
}

func (s *Service) handleApprove(w http.ResponseWriter, r *http.Request) error {
	return s.deed(w, r, func(run id.ID) error {
		_, err := s.Approve(r.Context(), run)
		return err
	})
}

func (s *Service) handleDiscard(w http.ResponseWriter, r *http.Request) error {
	return s.deed(w, r, func(run id.ID) error { return s.Discard(r.Context(), run) })
}

// file serves a run as a file.
func (s *Service) file(kind, ending string, write func(context.Context, io.Writer, id.ID) error) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		run, err := pathRun(r)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := write(r.Context(), &b, run); err != nil {
			return err
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Disposition", `attachment; filename="payout-`+run.String()+ending+`"`)
		w.Header().Set("Cache-Control", "no-store")
		_, err = w.Write(b.Bytes())
		return err
	}
}

// whose says whose bank account a page is about, and its path.
type whose func(r *http.Request) (kind string, owner id.ID, path string, err error)

func ofTown(*http.Request) (string, id.ID, string, error) { return Town, 0, "/admin/bank", nil }

func ofCourier(r *http.Request) (string, id.ID, string, error) {
	actor, err := access.Require(r.Context())
	if err == nil && !actor.Has(access.RoleCourier) {
		err = errs.New(errs.NotFound, "This page is for couriers.")
	}
	return Courier, actor.ID, "/courier/bank", err
}

func (s *Service) ofRestaurant(r *http.Request) (string, id.ID, string, error) {
	slug := r.PathValue("slug")
	owner, err := s.Slug(r.Context(), slug)
	return Restaurant, owner, "/restaurant/" + slug + "/bank", err
}

func (s *Service) bank(of whose) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		kind, owner, path, err := of(r)
		if err != nil {
			return err
		}
		b, known, err := s.BankOf(r.Context(), kind, owner)
		if err != nil {
			return err
		}
		return httpx.Render(w, r, http.StatusOK, bankPage(bankView{Kind: kind, Path: path, Now: b, Known: known, Done: r.URL.Query().Has("done")}))
	}
}

func (s *Service) setBank(of whose) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		kind, owner, path, err := of(r)
		if err != nil {
			return err
		}
		var in struct {
			Holder string `form:"holder"`
			IBAN   string `form:"iban"`
			BIC    string `form:"bic"`
		}
		if err := httpx.DecodeForm(w, r, &in); err != nil {
			return err
		}
		b := Bank{in.Holder, in.IBAN, in.BIC}
		err = s.SetBank(r.Context(), kind, owner, b)
		if errs.Is(err, errs.Invalid) {
			return httpx.Render(w, r, httpx.StatusOf(err), bankPage(bankView{Kind: kind, Path: path, Form: b, Err: err}))
		}
		if err != nil {
			return err
		}
		return httpx.Redirect(w, r, path+"?done=1")
	}
}
