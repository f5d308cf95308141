package delivery

import (
	"time"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
)

// NearQuery asks which restaurants serve a place.
type NearQuery struct {
	Mode Mode       // empty: every restaurant, as it is now
	To   *geo.Point // nil: wherever; then only pickup can be offered
	At   *time.Time // nil: now
}

// Card is what a list shows of a restaurant whatever the place and the time: one version of it, shared between goroutines, never changed.
type Card struct {
	ID       id.ID
	Slug     string
	Name     string
	Blurb    string
	Cuisines []string
	Photo    string // URL path, or empty
	Price    int    // 1 (cheap) to 4
	Street   string
	City     string
	Point    geo.Point
	Currency string
	Loc      *time.Location
	Since    time.Time // when it joined the town
	Folded   string    // name and cuisines, folded for search
}

// Listing is a restaurant as offered to one place at one time.
type Listing struct {
	Card    *Card
	Open    bool         // takes the order at that time
	Paused  bool         // would be open but takes no orders for the moment
	Rush    bool         // the kitchen is slower than usual
	Fee     money.Amount // for bringing it
	Free    money.Amount // value of food from which bringing it costs nothing, 0: none
	Minimum money.Amount // of food
	MinIn   int          // the promise for the smallest order: minutes from now, such as 25
	MaxIn   int          // to 40; both 0 where the restaurant is closed
	OpensAt time.Time    // when it next takes orders, zero where it does now or that is not known
	Closes  time.Time    // when it stops taking orders, zero where it is closed or that is not known
	DistM   float64      // as the crow flies, 0 where no place was given
}

// Rating is what verified reviews say of a restaurant or a dish.
type Rating struct {
	Count int64    `json:"count"`
	Sum   int64    `json:"-"`     // of all stars
	Mean  float64  `json:"stars"` // 1 to 5, rounded to a tenth; 0 where nobody has reviewed
	Each  [5]int64 `json:"each"`  // how many gave one star, two and so on
}
