package own

import (
	"context"
	"net/http"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/frame"
)

// Strangers is what those whom somebody doesn't know may tell them.
type Strangers interface {
	// Policy returns the verdict on each of Kinds: accept, filter or drop.
	Policy(ctx context.Context, account id.ID) ([]string, error)
	SetPolicy(ctx context.Context, account id.ID, verdicts []string) error
	// Requests returns who has something to say that is held back, the newest first, and where the next page begins, 0 at the end.
	Requests(ctx context.Context, account, below id.ID, limit int) ([]Request, id.ID, error)
	Accept(ctx context.Context, account id.ID, requests ...id.ID) error
	Dismiss(ctx context.Context, account id.ID, requests ...id.ID) error
}

// Kinds are the kinds of strangers, as the fields of the form are called.
var Kinds = []string{"not_following", "not_followers", "new_accounts", "private_mentions", "limited_accounts"}

// Request is somebody whose notifications are held back.
type Request struct {
	ID     id.ID
	Sender *social.Account
	Held   int            // how many
	Last   *social.Status // nil: none
}

func (p *Pages) strangerRoutes(rt *httpx.Router) {
	read, write := httpx.May("notification.read"), httpx.May("notification.write")
	rt.Page("GET /settings/notifications", read, p.policy)
	rt.Page("POST /settings/notifications", write, p.savePolicy)
	rt.Page("GET /notifications/requests", read, p.requests)
	rt.Page("POST /notifications/requests/{id}/{verdict}", write, p.judge)
}

func (p *Pages) policy(w http.ResponseWriter, r *http.Request) error {
	now, err := p.Strangers.Policy(r.Context(), me(r))
	if err != nil {
		return err
	}
	saved := ""
	if r.URL.Query().Get("saved") != "" {
		saved = i18n.T(r.Context(), "Saved.")
	}
	return httpx.Render(w, r, http.StatusOK, p.policyWhole(p.View(r), now, saved))
}

func (p *Pages) savePolicy(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Verdicts []string `form:"verdict"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if err := p.Strangers.SetPolicy(r.Context(), me(r), in.Verdicts); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/settings/notifications?saved=1")
}

func (p *Pages) requests(w http.ResponseWriter, r *http.Request) error {
	before, _ := id.Parse(r.URL.Query().Get("before")) // what is no id is the beginning
	list, older, err := p.Strangers.Requests(r.Context(), me(r), before, 20)
	if err != nil {
		return err
	}
	next := ""
	if older != 0 {
		next = frame.With("/notifications/requests", "before", older.String())
	}
	return httpx.Render(w, r, http.StatusOK, p.requestsWhole(p.View(r), list, next))
}

// judge lets somebody's notifications in, or no longer shows that they are held back.
func (p *Pages) judge(w http.ResponseWriter, r *http.Request) error {
	which, err := named(r)
	if err != nil {
		return err
	}
	switch r.PathValue("verdict") {
	case "accept":
		err = p.Strangers.Accept(r.Context(), me(r), which)
	case "dismiss":
		err = p.Strangers.Dismiss(r.Context(), me(r), which)
	default:
		err = errNothing
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/notifications/requests")
}

// who says which strangers a kind is.
func who(ctx context.Context, kind string) (label, hint string) {
	switch kind {
	case "not_following":
		return i18n.T(ctx, "People whom I don't follow"), ""
	case "not_followers":
		return i18n.T(ctx, "People who don't follow me"), i18n.T(ctx, "Also those who began to only days ago.")
	case "new_accounts":
		return i18n.T(ctx, "New accounts"), i18n.T(ctx, "Made in the last 30 days.")
	case "private_mentions":
		return i18n.T(ctx, "Messages out of the blue"), i18n.T(ctx, "From people whom I don't follow, and no answer to me.")
	}
	return i18n.T(ctx, "Accounts that moderators have limited"), ""
}
