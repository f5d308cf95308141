package access

import (
	_ "embed"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/cedar-policy/cedar-go"
	cedarast "github.com/cedar-policy/cedar-go/x/exp/ast"

	"github.com/stoa-town/stoa/internal/base/errs"
)

//go:embed policy.cedar
var policyText []byte

// fact is something true about an actor, or about an actor and a thing; facts are a set of them.
type (
	fact  = uint16
	facts = uint16
)

const (
	anyPerson fact = 1 << iota
	itsHolder
	itsOwner
	itsStaff
	itsCourier
	theCouriers
	theDispatchers
	theModerators
	theAdmins
	tokenWithoutRead
	tokenWithoutWrite
	thingWithoutCourier

	related = itsHolder | itsOwner | itsStaff | itsCourier
)

// factNames are the entities by which policies know the facts, in their order. The last is one about the thing.
var factNames = []cedar.EntityUID{
	cedar.NewEntityUID("Any", "person"),
	cedar.NewEntityUID("Its", "holder"), cedar.NewEntityUID("Its", "owner"), cedar.NewEntityUID("Its", "staff"), cedar.NewEntityUID("Its", "courier"),
	cedar.NewEntityUID("The", "couriers"), cedar.NewEntityUID("The", "dispatchers"), cedar.NewEntityUID("The", "moderators"), cedar.NewEntityUID("The", "admins"),
	cedar.NewEntityUID("Token", "without read"), cedar.NewEntityUID("Token", "without write"),
	cedar.NewEntityUID("Thing", "without courier"),
}

// Can returns nil where the actor may do verb to the thing. Otherwise it returns an Unauthenticated error for an anonymous actor, a
// NotFound error for a thing of others that the actor has nothing to do with and may not see, and else a Forbidden error. A verb that
// stands in no policy is a plain (internal) error.
func Can(a Actor, verb string, t Thing) error {
	f := gather(a, t)
	d, err := decide(verb, f)
	switch {
	case err != nil:
		return err
	case d.allowed:
		return nil
	case !a.SignedIn():
		return errSignIn
	case t.Owner == 0 && t.Restaurant == 0 && t.Courier == 0 && t.Kind != "account":
		return errForbidden
	case f&related != 0:
		return errForbidden
	}
	if see, err := decide(t.Kind+".read", f); err == nil && see.allowed {
		return errForbidden
	}
	return errNotFound
}

var (
	errForbidden = errs.New(errs.Forbidden, "You may not do that.")
	errNotFound  = errs.New(errs.NotFound, "There is no such thing here.")
)

// Explain returns the policy line that decides whether the actor may do verb to the thing, as "permit, policy.cedar:17: permit (…);".
func Explain(a Actor, verb string, t Thing) string {
	d, err := decide(verb, gather(a, t))
	if err != nil {
		return err.Error()
	}
	if d.line == 0 {
		return "forbid: no line of policy.cedar permits it"
	}
	word := "forbid"
	if d.allowed {
		word = "permit"
	}
	return fmt.Sprintf("%s, policy.cedar:%d: %s", word, d.line, strings.Split(string(policyText), "\n")[d.line-1])
}

// Verbs returns every verb that stands in the policies, sorted.
func Verbs() []string { return slices.Clone(load().verbs) }

// gather returns what is true about a and t.
func gather(a Actor, t Thing) facts {
	var f facts
	if t.Courier == 0 {
		f |= thingWithoutCourier
	}
	if !a.SignedIn() {
		return f
	}
	f |= anyPerson
	restaurant, holder := t.Restaurant, t.Owner
	if restaurant == 0 && t.Kind == "restaurant" {
		restaurant = t.ID
	}
	if holder == 0 && t.Kind == "account" {
		holder = t.ID
	}
	if a.ID == holder {
		f |= itsHolder
	}
	if a.ID == t.Courier {
		f |= itsCourier
	}
	for _, g := range a.Roles {
		switch g.Role {
		case RoleOwner:
			if restaurant != 0 && g.Place == restaurant {
				f |= itsOwner | itsStaff
			}
		case RoleStaff:
			if restaurant != 0 && g.Place == restaurant {
				f |= itsStaff
			}
		case RoleCourier:
			f |= theCouriers
		case RoleDispatcher:
			f |= theDispatchers
		case RoleModerator:
			f |= theModerators
		case RoleAdmin:
			f |= theAdmins
		}
	}
	if a.Scopes != nil {
		if !slices.Contains(a.Scopes, "read") {
			f |= tokenWithoutRead
		}
		if !slices.Contains(a.Scopes, "write") {
			f |= tokenWithoutWrite
		}
	}
	return f
}

// question is all that a decision depends on.
type question struct {
	verb  string
	facts facts
}

// decision is Cedar's answer and the line that gave it, 0 where no line spoke.
type decision struct {
	allowed bool
	line    int
}

// decisions remembers the answers. It is bounded by verbs × combinations of facts, of which a town sees a few hundred.
var decisions sync.Map // question → decision

// decide returns what the policies say.
func decide(verb string, f facts) (decision, error) {
	q := question{verb, f}
	if d, ok := decisions.Load(q); ok {
		return d.(decision), nil
	}
	p := load()
	list, ok := p.byVerb[verb]
	if !ok {
		// "admin.*" speaks for all of admin's verbs. Those are not remembered by their own name: a name may come from outside.
		kind, _, _ := strings.Cut(verb, ".")
		if _, ok = p.byVerb[kind+".*"]; !ok || verb == kind+".*" {
			return decision{}, fmt.Errorf("access: no policy speaks of %q", verb)
		}
		return decide(kind+".*", f)
	}
	d := list.ask(verb, f)
	decisions.Store(q, d)
	return d, nil
}

// policies is the parsed policy file.
type policies struct {
	byVerb map[string]policyList
	verbs  []string
}

// load parses the policy file once. The file is part of the program and a test reads it, so a fault in it is a fault of the build.
var load = sync.OnceValue(func() *policies {
	p, err := parse(policyText)
	if err != nil {
		panic(err)
	}
	return p
})

// parse reads policies and sorts them by the verbs they speak of.
func parse(text []byte) (*policies, error) {
	all, err := cedar.NewPolicyListFromBytes("policy.cedar", text)
	if err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	p := &policies{byVerb: map[string]policyList{}}
	for _, one := range all {
		for _, v := range verbsOf(one) {
			p.byVerb[v] = nil
		}
	}
	for v := range p.byVerb {
		for _, one := range all {
			if vs := verbsOf(one); len(vs) == 0 || slices.Contains(vs, v) {
				p.byVerb[v] = append(p.byVerb[v], one)
			}
		}
		p.verbs = append(p.verbs, v)
	}
	slices.Sort(p.verbs)
	return p, nil
}

// verbsOf returns the verbs in a policy's head; none where it speaks of all.
func verbsOf(p *cedar.Policy) []string {
	switch s := (*cedarast.Policy)(p.AST()).Action.(type) {
	case cedarast.ScopeTypeEq:
		return []string{string(s.Entity.ID)}
	case cedarast.ScopeTypeInSet:
		var out []string
		for _, e := range s.Entities {
			out = append(out, string(e.ID))
		}
		return out
	}
	return nil
}

// policyList is some policies, in the file's order.
type policyList []*cedar.Policy

// All lets Cedar see the policies, under no names: their positions say which they are.
func (l policyList) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, p := range l {
			if !yield("", p) {
				return
			}
		}
	}
}

var (
	principal = cedar.NewEntityUID("Actor", "actor")
	resource  = cedar.NewEntityUID("Thing", "thing")
)

// ask has Cedar decide.
func (l policyList) ask(verb string, f facts) decision {
	var who, what []cedar.EntityUID
	for i, name := range factNames {
		switch {
		case f&(1<<i) == 0:
		case name.Type == "Thing":
			what = append(what, name)
		default:
			who = append(who, name)
		}
	}
	entities := cedar.EntityMap{
		principal: {UID: principal, Parents: cedar.NewEntityUIDSet(who...)},
		resource:  {UID: resource, Parents: cedar.NewEntityUIDSet(what...)},
	}
	answer, why := cedar.Authorize(l, entities, cedar.Request{Principal: principal, Action: cedar.NewEntityUID("Do", cedar.String(verb)), Resource: resource})
	d := decision{allowed: answer == cedar.Allow && len(why.Errors) == 0}
	if len(why.Reasons) > 0 {
		d.line = why.Reasons[0].Position.Line
	}
	return d
}
