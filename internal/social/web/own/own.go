// Package own is what people see of what is theirs alone: their profile as they change it, lists, filters, what strangers may tell them, files
// that they bring or take along, posts that wait, and what they tell the moderators.
package own

import (
	"context"
	"net/http"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/frame"
)

var errNothing = errs.New(errs.NotFound, "There is nothing at this address.")

// Profiles are people as everybody sees them.
type Profiles interface {
	// Entities returns profiles by id; those that are not there are left out.
	Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error)
	Entity(ctx context.Context, profile id.ID) (*social.Account, error)
}

// Deps are what the pages need.
type Deps struct {
	*frame.Frame
	Now       clock.Func
	Profiles  Profiles
	Statuses  Statuses
	Lists     Lists
	Reports   Reports
	Self      Self
	Filters   Filters
	Strangers Strangers
	Files     Files
	Waiting   Waiting
}

// Pages serves the pages. Safe for concurrent use.
type Pages struct{ Deps }

// New returns the pages.
func New(d Deps) *Pages { return &Pages{d} }

// Routes registers every page.
func (p *Pages) Routes(rt *httpx.Router) {
	p.settingRoutes(rt)
	p.listRoutes(rt)
	p.reportRoutes(rt)
	p.strangerRoutes(rt)
	p.fileRoutes(rt)
	p.archiveRoutes(rt)
	p.waitingRoutes(rt)
}

func me(r *http.Request) id.ID { return access.From(r.Context()).ID }

// named returns the thing whose id stands in the path.
func named(r *http.Request) (id.ID, error) {
	which, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return 0, errNothing
	}
	return which, nil
}
