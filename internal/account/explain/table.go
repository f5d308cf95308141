package explain

import (
	"context"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// heldRole is a role as a page lists it.
type heldRole struct {
	Word  string
	Place Place     // zero for a role in the town
	Until time.Time // zero: for good
}

// roles returns the actor's roles with the names of their restaurants. One whose restaurant is gone is left out: it is worth nothing.
func (s *Service) roles(ctx context.Context, a access.Actor) []heldRole {
	var out []heldRole
	for _, g := range a.Roles {
		h := heldRole{Word: i18n.T(ctx, roleWords[g.Role]), Until: g.Until}
		if g.Place != 0 {
			p, err := s.opt.Place(ctx, g.Place)
			if err != nil {
				continue
			}
			h.Place = p
		}
		out = append(out, h)
	}
	return out
}

// group is a kind of things and what the actor may do to them.
type group struct {
	Title string
	Rows  []row
}

// row is a verb and to which things the actor may do it.
type row struct {
	Verb, Sentence string
	Where          string // "" where to none
	Line           int    // of the policy file, 0 where none permits it
}

// table returns every verb and where the actor may do it.
func (s *Service) table(ctx context.Context, a access.Actor) []group {
	out := make([]group, len(verbGroups))
	for i, g := range verbGroups {
		out[i].Title = i18n.T(ctx, g.Title)
		for _, v := range g.Verbs {
			r := row{Verb: v.Verb, Sentence: i18n.T(ctx, v.Sentence)}
			r.Where, r.Line = s.where(ctx, a, v.Verb)
			out[i].Rows = append(out[i].Rows, r)
		}
	}
	return out
}

// stranger is an id that nobody has.
const stranger = -1

// where says to which things the actor may do verb, and by which line of the policy file.
func (s *Service) where(ctx context.Context, a access.Actor, verb string) (words string, line int) {
	kind, _, _ := strings.Cut(verb, ".")
	verb = strings.Replace(verb, "*", "all", 1)
	may := func(t access.Thing) bool {
		t.Kind = kind
		e, err := access.Explain(a, verb, t)
		if err == nil && e.Allowed && line == 0 {
			line = e.Line
		}
		return err == nil && e.Allowed
	}
	others := access.Thing{ID: stranger, Owner: stranger, Restaurant: stranger, Courier: stranger}
	if may(others) {
		if needsThing(verb) == "" {
			return i18n.T(ctx, "Yes"), line
		}
		return i18n.T(ctx, "Everywhere"), line
	}
	var parts []string
	if t := others; a.SignedIn() {
		t.Owner = a.ID
		if may(t) {
			parts = append(parts, i18n.T(ctx, "own"))
		}
		t = others
		t.Courier = a.ID
		if may(t) {
			parts = append(parts, i18n.T(ctx, "while carrying"))
		}
	}
	for _, place := range a.Places() {
		t := others
		t.Restaurant = place
		handed := t
		handed.Courier = 0 // what nobody carries
		p, err := s.opt.Place(ctx, place)
		if err != nil || !may(t) && !may(handed) {
			continue
		}
		parts = append(parts, p.Name)
	}
	return strings.Join(parts, " · "), line
}
