package access

import (
	_ "embed"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/cedar-policy/cedar-go"
	cedarast "github.com/cedar-policy/cedar-go/x/exp/ast"

	"github.com/stoa-town/stoa/internal/base/errs"
)

//go:embed policy.cedar
var policyText []byte

// fact is something true about an actor, or about an actor and a thing; facts are a set of them. Those below are fixed; the others are the
// scopes that a token lacks, a bit each for every Token::"without …" of the policy file, from firstScope on.
type (
	fact  = uint64
	facts = uint64
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
	thingWithoutCourier
	tokenOfApp

	firstScope = iota
	related    = itsHolder | itsOwner | itsStaff | itsCourier
	tokens     = ^(tokenOfApp - 1) // all facts about the token
)

// fixed are the entities by which policies know the fixed facts, in their order.
var fixed = [firstScope]cedar.EntityUID{
	cedar.NewEntityUID("Any", "person"),
	cedar.NewEntityUID("Its", "holder"), cedar.NewEntityUID("Its", "owner"), cedar.NewEntityUID("Its", "staff"), cedar.NewEntityUID("Its", "courier"),
	cedar.NewEntityUID("The", "couriers"), cedar.NewEntityUID("The", "dispatchers"), cedar.NewEntityUID("The", "moderators"), cedar.NewEntityUID("The", "admins"),
	cedar.NewEntityUID("Thing", "without courier"),
	cedar.NewEntityUID("Token", "of an app"),
}

// Can returns nil where the actor may do verb to the thing. Otherwise it returns an Unauthenticated error for an anonymous actor, a
// NotFound error for a thing of others that the actor has nothing to do with and may not see, a ScopeError where it is only the token
// that may not, and else a Forbidden error. A verb that stands in no policy is a plain (internal) error.
func Can(a Actor, verb string, t Thing) error {
	f := gather(a, t)
	l, err := about(verb)
	if err != nil {
		return err
	}
	switch {
	case l.decide(f).allowed:
		return nil
	case !a.SignedIn():
		return errSignIn
	case l.decide(f &^ tokens).allowed:
		return scopeError(l.lacking(f))
	case t.Owner == 0 && t.Restaurant == 0 && t.Courier == 0 && t.Kind != "account":
		return errForbidden
	case f&related != 0:
		return errForbidden
	}
	if see, err := about(t.Kind + ".read"); err == nil && see.decide(f).allowed {
		return errForbidden
	}
	return errNotFound
}

// Could returns nil where there may be a thing that the actor may do verb to: it looks at roles and token, not at any thing. It is what
// the door of a route asks; for what comes of it Can is asked. It returns nil also for things that are people's own, such as orders, where
// the role is missing: whether that is forbidden or not found is for Can to say, which knows whose it is. It returns the same errors as Can
// but NotFound.
func Could(a Actor, verb string) error {
	l, err := about(verb)
	if err != nil {
		return err
	}
	f := gather(a, Thing{Courier: -1})
	if a.SignedIn() {
		f |= itsHolder
	}
	for _, g := range a.Roles {
		switch {
		case g.Role == RoleOwner && g.Place != 0:
			f |= itsOwner | itsStaff
		case g.Role == RoleStaff && g.Place != 0:
			f |= itsStaff
		case g.Role == RoleCourier:
			f |= itsCourier
		}
	}
	switch may := func(f facts) bool { return l.decide(f).allowed || l.decide(f|thingWithoutCourier).allowed }; {
	case may(f):
		return nil
	case !a.SignedIn():
		return errSignIn
	case may(f &^ tokens):
		return scopeError(l.lacking(f))
	case ofPeople(verb):
		return nil
	}
	return errForbidden
}

// ofPeople reports whether a verb is about things that somebody sees because they are theirs.
func ofPeople(verb string) bool {
	kind, _, _ := strings.Cut(verb, ".")
	see, err := about(kind + ".read")
	return err == nil && see.decide(anyPerson|itsHolder).allowed && !see.decide(anyPerson).allowed
}

var (
	errForbidden = errs.New(errs.Forbidden, "You may not do that.")
	errNotFound  = errs.New(errs.NotFound, "There is no such thing here.")
)

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
		f |= load().lacks(a)
	}
	return f
}

// decision is Cedar's answer and the line that gave it, 0 where no line spoke.
type decision struct {
	allowed bool
	line    int
}

// policies is the parsed policy file.
type policies struct {
	byVerb map[string]*verbPolicies
	stars  map[string]*verbPolicies // by kind: what "admin.*" says of admin's other verbs
	verbs  []string
	names  []cedar.EntityUID // of all facts
	scopes []string          // that the policies ask for; the facts from firstScope on

	all            facts            // a token without any of the scopes
	byApp, byOwner map[string]facts // those of them that a word of a token covers
}

// lacks returns which scopes the actor's token does not cover, and whether it is an app's.
func (p *policies) lacks(a Actor) facts {
	f, covered := p.all, p.byOwner
	if a.App != 0 {
		f, covered = f|tokenOfApp, p.byApp
	}
	for _, word := range a.Scopes {
		f &^= covered[word]
	}
	return f
}

// about returns the policies that speak of a verb, or a plain error where none does.
func about(verb string) (*verbPolicies, error) {
	p := load()
	if l, ok := p.byVerb[verb]; ok {
		return l, nil
	}
	kind, what, _ := strings.Cut(verb, ".")
	if l, ok := p.stars[kind]; ok && what != "" && what != "*" {
		return l, nil
	}
	return nil, fmt.Errorf("access: no policy speaks of %q", verb)
}

// verbPolicies are the policies that speak of one verb, in the file's order.
type verbPolicies struct {
	verb     string
	names    []cedar.EntityUID
	list     policyList
	relevant facts    // those that the policies speak of
	answers  sync.Map // facts → decision; bounded by the combinations of relevant facts, of which a town sees a few
}

// decide returns what the policies say.
func (l *verbPolicies) decide(f facts) decision {
	f &= l.relevant
	if d, ok := l.answers.Load(f); ok {
		return d.(decision)
	}
	d := l.ask(f)
	l.answers.Store(f, d)
	return d
}

// lacking returns the scope without which the verb is refused for these facts; "" where another would not help.
func (l *verbPolicies) lacking(f facts) string {
	p := load()
	for i, scope := range p.scopes {
		if bit := fact(1) << (firstScope + i); f&l.relevant&bit != 0 && l.decide(f&^bit).allowed {
			return scope
		}
	}
	return ""
}

// load parses the policy file once. The file is part of the program and a test reads it, so a fault in it is a fault of the build.
var load = sync.OnceValue(func() *policies {
	p, err := parse(policyText)
	if err != nil {
		panic(err)
	}
	return p
})

var entity = regexp.MustCompile(`(\w+)::"([^"]*)"`)

// parse reads policies and sorts them by the verbs they speak of.
func parse(text []byte) (*policies, error) {
	all, err := cedar.NewPolicyListFromBytes("policy.cedar", text)
	if err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	p := &policies{byVerb: map[string]*verbPolicies{}, stars: map[string]*verbPolicies{}, names: slices.Clone(fixed[:])}
	for _, one := range all {
		p.name(one)
		for _, v := range verbsOf(one) {
			p.byVerb[v] = &verbPolicies{verb: v}
		}
	}
	if len(p.names) > 64 {
		return nil, fmt.Errorf("access: %d facts; 64 fit", len(p.names))
	}
	for v, l := range p.byVerb {
		l.names = p.names
		for _, one := range all {
			if vs := verbsOf(one); len(vs) == 0 || slices.Contains(vs, v) {
				l.list = append(l.list, one)
				l.relevant |= p.speaksOf(one)
			}
		}
		if kind, ok := strings.CutSuffix(v, ".*"); ok {
			p.stars[kind] = l
		}
		p.verbs = append(p.verbs, v)
	}
	slices.Sort(p.verbs)
	p.byApp, p.byOwner = p.covered(covers), p.covered(coversOwn)
	for i := range p.scopes {
		p.all |= 1 << (firstScope + i)
	}
	return p, nil
}

// name gives the scopes that a policy asks for their bits.
func (p *policies) name(one *cedar.Policy) {
	for _, m := range entity.FindAllStringSubmatch(string(one.MarshalCedar()), -1) {
		if scope, ok := strings.CutPrefix(m[2], "without "); ok && m[1] == "Token" && !slices.Contains(p.scopes, scope) {
			p.scopes = append(p.scopes, scope)
			p.names = append(p.names, cedar.NewEntityUID("Token", cedar.String(m[2])))
		}
	}
}

// speaksOf returns the facts whose names stand in a policy.
func (p *policies) speaksOf(one *cedar.Policy) (f facts) {
	for _, m := range entity.FindAllStringSubmatch(string(one.MarshalCedar()), -1) {
		for i, name := range p.names {
			if string(name.Type) == m[1] && string(name.ID) == m[2] {
				f |= 1 << i
			}
		}
	}
	return f
}

// covered returns for each word the scopes of the policies that it covers.
func (p *policies) covered(by func(word, scope string) bool) map[string]facts {
	out := map[string]facts{}
	for _, s := range Scopes {
		for i, scope := range p.scopes {
			if by(s.Word, scope) {
				out[s.Word] |= 1 << (firstScope + i)
			}
		}
	}
	return out
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
func (l *verbPolicies) ask(f facts) decision {
	var who, what []cedar.EntityUID
	for i, name := range l.names {
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
	answer, why := cedar.Authorize(l.list, entities, cedar.Request{Principal: principal, Action: cedar.NewEntityUID("Do", cedar.String(l.verb)), Resource: resource})
	d := decision{allowed: answer == cedar.Allow && len(why.Errors) == 0}
	if len(why.Reasons) > 0 {
		d.line = why.Reasons[0].Position.Line
	}
	return d
}
