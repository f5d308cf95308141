package delivery

import (
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/id"
)

// Profile is what a restaurant tells everybody about itself: one version of it, shared between goroutines, never changed.
type Profile struct {
	Card     *Card
	Active   bool // customers may see it
	Phone    string
	Delivers bool
	PicksUp  bool
	Hours    [7][]hours.ClockSpan // of an ordinary week by time.Weekday, for delivery
	Pickup   [7][]hours.ClockSpan // the same for pickup
	Special  []hours.Day          // dates with hours of their own; no spans: closed
}

// SavedAddress is an address in somebody's address book.
type SavedAddress struct {
	ID      id.ID
	Label   string // such as "Home"
	Default bool
	Address Address
}

// PinLabel is what a place is called that somebody chose on the map and that has no street.
const PinLabel = "your pin on the map"
