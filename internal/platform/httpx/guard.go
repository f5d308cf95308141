package httpx

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// Guard says who may come to a route at all. The door asks it before the handler sees the request; what the handler does to which thing is
// for access.Can to decide still. The zero Guard lets nobody in.
type Guard struct {
	kind guardKind
	verb string
}

type guardKind int

const (
	forNobody guardKind = iota
	forAnyone
	forPerson
	forVerb
	forGuests
)

var (
	// Anyone is for what strangers may see and do, with any token or none.
	Anyone = Guard{kind: forAnyone}
	// Person is for everybody who is signed in, but for apps: what apps may do has a verb of its own, which names their scope.
	Person = Guard{kind: forPerson}
)

// May is for those who may do a verb of policy.cedar to some thing, by their roles and their token (access.Could); a verb that everybody may do
// keeps tokens without its scope away.
func May(verb string) Guard { return Guard{forVerb, verb} }

// GuestOr is for guests and for those who may do verb: a cart is had before one signs in.
func GuestOr(verb string) Guard { return Guard{forGuests, verb} }

// String returns the guard as api/routes.txt shows it.
func (g Guard) String() string {
	switch g.kind {
	case forAnyone:
		return "anyone"
	case forPerson:
		return "person"
	case forVerb:
		return "may " + g.verb
	case forGuests:
		return "guest or " + g.verb
	}
	return "nobody"
}

// Verb returns the verb of May and GuestOr, else "".
func (g Guard) Verb() string { return g.verb }

// Open reports whether strangers may come.
func (g Guard) Open() bool { return g.kind == forAnyone || g.kind == forGuests }

// check returns why the actor of ctx may not come, or nil.
func (g Guard) check(ctx context.Context, method string) error {
	actor := access.From(ctx)
	switch g.kind {
	case forAnyone:
		return nil
	case forGuests:
		if !actor.SignedIn() {
			return nil
		}
		return access.Could(actor, g.verb)
	case forPerson:
		if method == http.MethodGet || method == http.MethodHead {
			return access.Could(actor, "person.read")
		}
		return access.Could(actor, "person.write")
	case forVerb:
		return access.Could(actor, g.verb)
	}
	return errors.New("httpx: a route without a guard")
}

// guarded is the door of a REST operation.
func (rt *Router) guarded(g Guard) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if err := g.check(ctx.Context(), ctx.Method()); err != nil {
			r, w := humago.Unwrap(ctx)
			rt.Error(w, r, err)
			return
		}
		next(ctx)
	}
}

// challenge tells a program in WWW-Authenticate (RFC 6750) what its token lacks.
func challenge(h http.Header, status int, err error) {
	switch lacks, ok := errors.AsType[*access.ScopeError](err); {
	case ok && lacks.Scope != "":
		h.Set("WWW-Authenticate", fmt.Sprintf(`Bearer error="insufficient_scope", scope=%q`, lacks.Scope))
	case ok:
		h.Set("WWW-Authenticate", `Bearer error="insufficient_scope"`)
	case errs.CodeOf(err) == "invalid_token":
		h.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	case status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	}
}
