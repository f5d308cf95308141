package restaurant

import "github.com/stoa-town/stoa/internal/platform/personal"

// Personal says that restaurants hold nothing about people: their address and phone number are those of a business, which tells them to
// everybody. Who owns one and works there is the account's.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "restaurants",
		Tables: []personal.Table{
			{Name: "restaurant", Plain: "id slug version created_at changed_at settings"},
			{Name: "restaurant_capacity", Plain: "restaurant window_start taken"},
		},
		Shows: shows,
	}
}
