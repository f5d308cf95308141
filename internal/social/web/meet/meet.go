// Package meet is how people keep groups and hold events: they make and change them, let others in, and see who comes. The pages of a group
// and of an event themselves are those of package web.
package meet

import (
	"net/http"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/frame"
)

var errNothing = errs.New(errs.NotFound, "There is nothing at this address.")

// Deps are what the pages need.
type Deps struct {
	*frame.Frame
	Groups Groups
	Events Events
}

// Pages serves the pages. Safe for concurrent use.
type Pages struct{ Deps }

// New returns the pages.
func New(d Deps) *Pages { return &Pages{d} }

// Routes registers every page.
func (p *Pages) Routes(rt *httpx.Router) {
	p.groupRoutes(rt)
	p.eventRoutes(rt)
}

// named returns the thing whose id stands in the path.
func named(r *http.Request) (id.ID, error) {
	which, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return 0, errNothing
	}
	return which, nil
}

// mends reports whether what is wrong is for the person to mend in the form.
func mends(err error) bool {
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Conflict:
		return true
	}
	return false
}
