package own

import (
	"context"
	"net/http"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/frame"
)

// Waiting are posts of somebody's that nobody reads yet.
type Waiting interface {
	// Scheduled returns posts that wait for their time, those written last first, and where the next page begins, 0 at the end.
	Scheduled(ctx context.Context, account, below id.ID, limit int) ([]Scheduled, id.ID, error)
	// Move has a post posted at another time. Errors: Invalid; NotFound.
	Move(ctx context.Context, account, post id.ID, at time.Time) error
	Unschedule(ctx context.Context, account, post id.ID) error
	// Drafts returns posts that were not finished, those changed last first.
	Drafts(ctx context.Context, account id.ID) ([]Draft, error)
	DeleteDraft(ctx context.Context, account, draft id.ID) error
}

// Scheduled is a post that waits for its time.
type Scheduled struct {
	ID     id.ID
	At     time.Time
	Text   string
	Files  int
	Failed string // why it was not posted
}

// Draft is a post that was not finished.
type Draft struct {
	ID      id.ID
	Text    string
	Files   int
	Changed time.Time
}

func (p *Pages) waitingRoutes(rt *httpx.Router) {
	read, write := httpx.May("status.read"), httpx.May("status.write")
	rt.Page("GET /waiting", read, p.waiting)
	rt.Page("POST /waiting/{id}/move", write, p.move)
	rt.Page("POST /waiting/{id}/delete", write, p.unschedule)
	rt.Page("POST /drafts/{id}/delete", write, p.deleteDraft)
}

func (p *Pages) waiting(w http.ResponseWriter, r *http.Request) error {
	return p.showWaiting(w, r, http.StatusOK, nil)
}

func (p *Pages) showWaiting(w http.ResponseWriter, r *http.Request, status int, wrong error) error {
	ctx := r.Context()
	before, _ := id.Parse(r.URL.Query().Get("before")) // what is no id is the beginning
	list, older, err := p.Waiting.Scheduled(ctx, me(r), before, 40)
	if err != nil {
		return err
	}
	next := ""
	if older != 0 {
		next = frame.With("/waiting", "before", older.String())
	}
	drafts, err := p.Waiting.Drafts(ctx, me(r))
	if err != nil {
		return err
	}
	return httpx.Render(w, r, status, p.waitingWhole(p.View(r), list, drafts, next, wrong))
}

func (p *Pages) move(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		At string `form:"at"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	which, err := named(r)
	if err != nil {
		return err
	}
	at, err := time.ParseInLocation(frame.LocalTime, in.At, p.TZ)
	if err != nil {
		err = errs.InvalidField("at", "Say when it should be posted.")
	} else {
		err = p.Waiting.Move(r.Context(), me(r), which, at)
	}
	if errs.Is(err, errs.Invalid) {
		return p.showWaiting(w, r, http.StatusUnprocessableEntity, err)
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/waiting")
}

func (p *Pages) unschedule(w http.ResponseWriter, r *http.Request) error {
	return p.away(w, r, p.Waiting.Unschedule)
}

func (p *Pages) deleteDraft(w http.ResponseWriter, r *http.Request) error {
	return p.away(w, r, p.Waiting.DeleteDraft)
}

func (p *Pages) away(w http.ResponseWriter, r *http.Request, do func(ctx context.Context, account, which id.ID) error) error {
	which, err := named(r)
	if err != nil {
		return err
	}
	if err := do(r.Context(), me(r), which); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/waiting")
}
