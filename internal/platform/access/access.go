// Package access decides who may do what. A request carries an Actor in its context; Can asks the policies in policy.cedar, which read
// like a sentence a line, whether that actor may do something to a Thing.
//
// Policies see no ids but relations: Can compares the ids of Actor and Thing and tells Cedar "its holder", "its staff", "the couriers".
// So there are few different questions, each is answered by Cedar once, and a decision costs a look-up.
package access

import (
	"context"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
)

// Role is what an account may be besides a customer.
type Role string

// The roles. RoleOwner and RoleStaff hold for one restaurant, the others for the town.
const (
	RoleOwner      Role = "owner"
	RoleStaff      Role = "staff"
	RoleCourier    Role = "courier"
	RoleDispatcher Role = "dispatcher"
	RoleModerator  Role = "moderator"
	RoleAdmin      Role = "admin"
)

// Roles are all roles, those of a restaurant first.
var Roles = []Role{RoleOwner, RoleStaff, RoleCourier, RoleDispatcher, RoleModerator, RoleAdmin}

// OfPlace reports whether the role holds for one restaurant rather than the town.
func (r Role) OfPlace() bool { return r == RoleOwner || r == RoleStaff }

// Grant is a role that somebody has; Place is the restaurant's id for RoleOwner and RoleStaff, else zero. Until is when it ends, zero for
// never.
type Grant struct {
	Role  Role      `json:"role"`
	Place id.ID     `json:"place,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// Over reports whether the grant has ended at now.
func (g Grant) Over(now time.Time) bool { return !g.Until.IsZero() && !now.Before(g.Until) }

// Actor is who makes a request. The zero Actor is anonymous. Actors are shared between requests: nobody changes their slices.
type Actor struct {
	ID     id.ID
	Handle string
	Name   string
	Roles  []Grant
	Scopes []string  // what the token may do, of Scopes' words; nil for a browser session, which may do everything
	App    id.ID     // the app of OAuth that acts for the person; 0 for the person's own sessions and tokens
	Until  time.Time // when the session or token ends at the latest; zero: not said
}

// At returns the actor with those roles only that have not ended at now. It copies them only where one has.
func (a Actor) At(now time.Time) Actor {
	if slices.ContainsFunc(a.Roles, func(g Grant) bool { return g.Over(now) }) {
		a.Roles = slices.DeleteFunc(slices.Clone(a.Roles), func(g Grant) bool { return g.Over(now) })
	}
	return a
}

// Ends returns when the actor will be able to do less than now, because a role or the session ends; zero where that is not foreseen.
func (a Actor) Ends() time.Time {
	first := a.Until
	for _, g := range a.Roles {
		if !g.Until.IsZero() && (first.IsZero() || g.Until.Before(first)) {
			first = g.Until
		}
	}
	return first
}

// SignedIn reports whether the actor is a known account.
func (a Actor) SignedIn() bool { return a.ID != 0 }

// Has reports whether the actor has the role, anywhere.
func (a Actor) Has(role Role) bool {
	return slices.ContainsFunc(a.Roles, func(g Grant) bool { return g.Role == role })
}

// WorksAt reports whether the actor is owner or staff of the restaurant.
func (a Actor) WorksAt(restaurant id.ID) bool {
	return restaurant != 0 && slices.ContainsFunc(a.Roles, func(g Grant) bool { return g.Role.OfPlace() && g.Place == restaurant })
}

// Owns reports whether the actor is an owner of the restaurant.
func (a Actor) Owns(restaurant id.ID) bool {
	return restaurant != 0 && slices.ContainsFunc(a.Roles, func(g Grant) bool { return g.Role == RoleOwner && g.Place == restaurant })
}

// Places returns the restaurants where the actor is owner or staff, each once, in the order of the grants.
func (a Actor) Places() []id.ID {
	var out []id.ID
	for _, g := range a.Roles {
		if g.Role.OfPlace() && !slices.Contains(out, g.Place) {
			out = append(out, g.Place)
		}
	}
	return out
}

// Thing is what a verb is done to. Leave out what it has not. Kind is the verb's first half ("order"), which names the verb that sees it
// ("order.read"). For Kind "restaurant" ID stands in for a missing Restaurant, for Kind "account" for a missing Owner.
type Thing struct {
	Kind       string
	ID         id.ID
	Owner      id.ID // account of the person whose thing it is: the customer of an order
	Restaurant id.ID
	Courier    id.ID // account of the courier who carries it
}

type contextKey struct{}

// With returns a context whose actor is a.
func With(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

// From returns the context's actor; the anonymous one where there is none.
func From(ctx context.Context) Actor {
	a, _ := ctx.Value(contextKey{}).(Actor)
	return a
}

// Require returns the context's actor, or an Unauthenticated error where nobody is signed in.
func Require(ctx context.Context) (Actor, error) {
	a := From(ctx)
	if !a.SignedIn() {
		return Actor{}, errSignIn
	}
	return a, nil
}

var errSignIn = errs.New(errs.Unauthenticated, "Please sign in first.")
