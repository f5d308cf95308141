package profile

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// Typed is what a profile says as it was typed, and how it is set, for the form to change it.
type Typed struct {
	Name, Note                                      string
	Fields                                          []FieldText
	Locked, Bot, Discoverable, Indexable, Secretive bool
	Defaults                                        social.Defaults
}

// Typed returns a profile as whoever acts as it changes it, or a NotFound error.
func (s *Service) Typed(ctx context.Context, profile id.ID) (Typed, error) {
	p, err := s.entry(ctx, profile)
	if err != nil {
		return Typed{}, err
	}
	out := Typed{
		Name: p.Name, Note: p.Note, Locked: p.Locked, Bot: p.Bot, Discoverable: p.Discoverable, Indexable: p.Indexable, Secretive: p.Secretive, Defaults: p.Defaults,
	}
	for _, f := range p.Fields {
		out.Fields = append(out.Fields, FieldText{f.Name, f.Value})
	}
	return out, nil
}
