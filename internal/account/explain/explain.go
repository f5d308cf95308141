// Package explain tells people why they may do something here, or may not: the page /account/access, for admins /admin/access about anybody,
// and `stoa doctor access` for operators. It decides nothing: it asks platform/access and puts the answer into words.
package explain

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// Place is a restaurant as the pages name it.
type Place struct {
	Name string
	Slug string
}

// Options say where to look up what people name.
type Options struct {
	// Thing returns what policies ask of a thing of a kind ("order", "restaurant", "account") with a name: a code, an id, a slug, a handle.
	// It returns a NotFound error where there is none. It does not ask who wants to know.
	Thing func(ctx context.Context, kind, name string) (access.Thing, error)
	// Place returns a restaurant, or a NotFound error.
	Place func(ctx context.Context, restaurant id.ID) (Place, error)
	// Zone is the town's time zone.
	Zone *time.Location
}

// Service explains decisions. Safe for concurrent use.
type Service struct {
	accounts *account.Service
	now      clock.Func
	opt      Options
}

// New returns a Service.
func New(accounts *account.Service, now clock.Func, opt Options) *Service {
	return &Service{accounts: accounts, now: now, opt: opt}
}

// As returns the actor that an account with a handle or e-mail address is when it signs in in a browser, and the account itself. Somebody who
// can't sign in is no actor: the zero one. It returns a NotFound error for an account that does not exist.
func (s *Service) As(ctx context.Context, login string) (access.Actor, account.Account, error) {
	a, err := s.accounts.Find(ctx, strings.TrimPrefix(strings.TrimSpace(login), "@"))
	if err != nil {
		return access.Actor{}, account.Account{}, err
	}
	if a.State == account.Suspended || a.State == account.Pending {
		return access.Actor{}, a, nil
	}
	return access.Actor{ID: a.ID, Handle: a.Handle, Name: a.Name, Roles: a.Roles}.At(s.now()), a, nil
}

// Answer is why somebody may do something to a thing, or may not.
type Answer struct {
	access.Explanation
	Who   string // handle
	Thing string // as it was named
	Err   error  // what access.Can says
}

var (
	errNoVerb  = errs.InvalidField("verb", "Choose what is to be done.")
	errNoThing = errs.New(errs.NotFound, "There is no such thing, or it is none of yours to see: to you it is as if it were not there.")
)

// Ask explains whether the actor may do verb to what thing names, such as order:K7Q-2PM, restaurant:luigi or account:anna; nothing, for a verb
// that is done to no thing. It returns an Invalid error for a verb or a thing that can't be read, and NotFound for a thing that is not there.
func (s *Service) Ask(ctx context.Context, actor access.Actor, verb, thing string) (Answer, error) {
	verb = strings.TrimSpace(verb)
	t, err := s.find(ctx, actor, verb, strings.TrimSpace(thing))
	if err != nil {
		return Answer{}, err
	}
	e, err := access.Explain(actor, verb, t)
	if err != nil {
		return Answer{}, errNoVerb.WithCause(err)
	}
	return Answer{Explanation: e, Who: actor.Handle, Thing: thing, Err: access.Can(actor, verb, t)}, nil
}

// AskSelf is Ask for the actor themselves: what they may not see they are not told of.
func (s *Service) AskSelf(ctx context.Context, actor access.Actor, verb, thing string) (Answer, error) {
	a, err := s.Ask(ctx, actor, verb, thing)
	if errs.Is(err, errs.NotFound) || errs.Is(a.Err, errs.NotFound) {
		return Answer{}, errNoThing
	}
	return a, err
}

// find returns the thing that a verb is to be done to.
func (s *Service) find(ctx context.Context, actor access.Actor, verb, thing string) (access.Thing, error) {
	kind, _, ok := strings.Cut(verb, ".")
	if !ok {
		return access.Thing{}, errNoVerb
	}
	if thing == "" {
		switch {
		case needsThing(verb) == "":
			return access.Thing{Kind: kind, Courier: actor.ID}, nil
		case needsThing(verb) == "account":
			return access.Thing{Kind: "account", ID: actor.ID}, nil
		}
		return access.Thing{}, errs.InvalidField("thing", "Say to what: order:CODE, restaurant:NAME or account:NAME.")
	}
	of, name, ok := strings.Cut(thing, ":")
	name = strings.TrimPrefix(strings.TrimSpace(name), "@")
	if !ok || name == "" || !slices.Contains([]string{"order", "restaurant", "account"}, of) {
		return access.Thing{}, errs.InvalidField("thing", "Say to what: order:CODE, restaurant:NAME or account:NAME.")
	}
	t, err := s.opt.Thing(ctx, of, name)
	if err != nil {
		return access.Thing{}, err
	}
	if of == "restaurant" && kind != "restaurant" { // the orders or the menu of a restaurant
		return access.Thing{Kind: kind, Restaurant: t.ID}, nil
	}
	return t, nil
}

// needsThing returns the kind of thing that a verb is done to: "order", "restaurant" or "account"; "" for a verb that is done to none.
func needsThing(verb string) string {
	switch kind, _, _ := strings.Cut(verb, "."); kind {
	case "order":
		if verb != "order.place" {
			return kind
		}
	case "restaurant", "menu":
		return "restaurant"
	case "account", "address", "cart":
		return "account"
	}
	return ""
}

// Text writes an answer for a terminal.
func (a Answer) Text(ctx context.Context) string {
	var b strings.Builder
	line := func(indent, text string) { b.WriteString(indent + text + "\n") }
	who := i18n.T(ctx, "Somebody who is not signed in")
	if a.Who != "" {
		who = "@" + a.Who
	}
	what := strings.TrimSpace(a.Verb + " " + a.Thing)
	if a.Allowed {
		line("", i18n.T(ctx, "%s may: %s", who, what))
	} else {
		line("", i18n.T(ctx, "%s may not: %s", who, what))
		line("  ", i18n.Error(ctx, a.Err))
	}
	line("  ", Because(ctx, a.Explanation))
	if a.Line > 0 {
		line("    ", a.Policy)
	}
	line("", i18n.T(ctx, "What the policies ask:"))
	for _, f := range a.Facts {
		mark := "-"
		if f.Holds {
			mark = "+"
		}
		line("  ", mark+" "+FactWord(ctx, f.Name))
	}
	if ways := Ways(ctx, a.Explanation); len(ways) > 0 {
		line("", Turning(ctx, a.Explanation))
		for _, w := range ways {
			line("  ", w)
		}
	}
	return b.String()
}
