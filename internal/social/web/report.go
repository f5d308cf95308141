package web

import (
	"context"
	"net/http"
	"net/url"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
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

// Town is what stands beside the pages on wide screens: what is talked about, and whom one might follow.
type Town interface {
	Trends(ctx context.Context, limit int) ([]string, error)
	Suggested(ctx context.Context, viewer id.ID, limit int) ([]*social.Account, error)
}

// Tags are hashtags that one follows. name is folded, shown as it is written.
type Tags interface {
	FollowTag(ctx context.Context, me id.ID, name, shown string) error
	UnfollowTag(ctx context.Context, me id.ID, name string) error
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
		rel, err := p.relations(ctx)
		if err != nil {
			return nil, err
		}
		if f.status, err = p.one(ctx, rel, in.Status, ""); err != nil {
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

// followTag follows a hashtag, or no longer.
func (p *Pages) followTag(w http.ResponseWriter, r *http.Request) error {
	var in turn
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	ctx, me := r.Context(), access.From(r.Context()).ID
	shown := text.Clean(r.PathValue("tag"), 100)
	name := text.Fold(shown)
	var err error
	if in.On {
		err = p.Tags.FollowTag(ctx, me, name, shown)
	} else {
		err = p.Tags.UnfollowTag(ctx, me, name)
	}
	if err != nil {
		return err
	}
	if !ui.IsFragment(r) {
		return httpx.Redirect(w, r, "/tags/"+url.PathEscape(shown))
	}
	return httpx.Render(w, r, http.StatusOK, tagButton(shown, in.On))
}

// neighbours returns what stands beside a page. A page is worth more than what stands beside it: what fails is left out.
func (p *Pages) neighbours(ctx context.Context, viewer id.ID) (tags []string, people []*social.Account) {
	if p.Town == nil {
		return nil, nil
	}
	tags, err := p.Town.Trends(ctx, 6)
	if err != nil {
		tags = nil
	}
	if viewer != 0 {
		if people, err = p.Town.Suggested(ctx, viewer, 3); err != nil {
			people = nil
		}
	}
	return tags, people
}
