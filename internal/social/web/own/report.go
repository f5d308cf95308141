package own

import (
	"context"
	"net/http"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/card"
	"github.com/stoa-town/stoa/internal/social/web/frame"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Reports are what people tell the moderators.
type Reports interface {
	// File tells the moderators of an account, as the actor of ctx. category is spam, legal, violation or other.
	File(ctx context.Context, account id.ID, statuses []id.ID, category, comment string) error
}

// Statuses are posts that somebody may want to tell the moderators of.
type Statuses interface {
	// Readable returns a status as the actor of ctx sees it, or a NotFound error.
	Readable(ctx context.Context, status id.ID) (*social.Status, error)
}

func (p *Pages) reportRoutes(rt *httpx.Router) {
	rt.Page("GET /report", httpx.May("report.write"), p.report)
	rt.Page("POST /report", httpx.May("report.write"), p.fileReport)
}

// reportPage is the form to tell the moderators of somebody.
type reportPage struct {
	account *social.Account
	status  *social.Status // nil: of the account alone
	reportForm
	err error
}

type reportForm struct {
	Account  id.ID  `form:"account"`
	Status   id.ID  `form:"status"`
	Category string `form:"category"`
	Comment  string `form:"comment"`
}

func (p *Pages) readReport(r *http.Request, in reportForm) (*reportPage, error) {
	ctx := r.Context()
	f := &reportPage{reportForm: in}
	var err error
	if in.Status != 0 {
		if f.status, err = p.Statuses.Readable(ctx, in.Status); err != nil {
			return nil, err
		}
		f.Account = f.status.Account.ID
	}
	f.account, err = p.Profiles.Entity(ctx, f.Account)
	return f, err
}

func (p *Pages) report(w http.ResponseWriter, r *http.Request) error {
	in := reportForm{Category: "other"}
	if err := httpx.DecodeValues(r.URL.Query(), &in); err != nil {
		return err
	}
	f, err := p.readReport(r, in)
	if err != nil {
		return err
	}
	title := i18n.T(r.Context(), "Report %s", card.Acct(f.account))
	return httpx.Render(w, r, http.StatusOK, p.Sheet(r, title, card.Home(f.account), reportFields(p.View(r), f)))
}

func (p *Pages) fileReport(w http.ResponseWriter, r *http.Request) error {
	var in reportForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	ctx := r.Context()
	f, err := p.readReport(r, in)
	if err != nil {
		return err
	}
	var statuses []id.ID
	if f.status != nil {
		statuses = []id.ID{f.status.ID}
	}
	err = p.Reports.File(ctx, f.Account, statuses, in.Category, in.Comment)
	if errs.Is(err, errs.Invalid) {
		f.err = err
		title := i18n.T(ctx, "Report %s", card.Acct(f.account))
		return httpx.Render(w, r, http.StatusUnprocessableEntity, p.Sheet(r, title, card.Home(f.account), reportFields(p.View(r), f)))
	}
	if err != nil {
		return err
	}
	if !ui.IsFragment(r) {
		return httpx.Redirect(w, r, card.Home(f.account))
	}
	return httpx.Render(w, r, http.StatusOK, frame.Toast(ui.ToastProps{Text: i18n.T(ctx, "Thank you. The moderators will look at it.")}))
}
