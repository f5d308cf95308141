package discover

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// ListReply documents what appendReply writes by hand: a list is asked for on every visit, and encoding/json takes six times as long.
type ListReply struct {
	Items []ListItem `json:"items"`
	Total int        `json:"total" doc:"How many there are on all pages."`
	Next  string     `json:"next,omitempty" doc:"Pass as cursor to read on; absent at the end."`
}

// ListItem is a restaurant in a list.
type ListItem struct {
	listCard
	New      bool         `json:"new" doc:"Joined the town in the last 30 days."`
	Open     bool         `json:"open"`
	Paused   bool         `json:"paused" doc:"Takes no orders for the moment."`
	Rush     bool         `json:"rush" doc:"The kitchen is slower than usual."`
	Fee      money.Amount `json:"fee"`
	FreeFrom money.Amount `json:"free_from" doc:"Value of food from which there is no fee; 0: never."`
	Minimum  money.Amount `json:"minimum"`
	MinIn    int          `json:"promise_min" doc:"Minutes from now until it is there: at least; 0 where it is closed."`
	MaxIn    int          `json:"promise_max" doc:"And at most."`
	DistM    int          `json:"distance_m" doc:"As the crow flies; 0 where no place was given."`
	Stars    float64      `json:"stars,omitempty" doc:"What verified reviews say, 1 to 5; absent where there are none."`
	Reviews  int64        `json:"reviews,omitempty" doc:"How many there are."`
	OpensAt  *time.Time   `json:"opens_at,omitempty"`
	Closes   *time.Time   `json:"closes_at,omitempty"`
	Dishes   []string     `json:"dishes,omitempty" doc:"Dishes whose names were searched for."`
}

// listCard is the part that never varies.
type listCard struct {
	ID       id.ID     `json:"id"`
	Slug     string    `json:"slug"`
	Name     string    `json:"name"`
	Blurb    string    `json:"blurb"`
	Cuisines []string  `json:"cuisines"`
	Photo    string    `json:"photo"`
	Price    int       `json:"price" doc:"1 (cheap) to 4."`
	Street   string    `json:"street"`
	City     string    `json:"city"`
	Point    geo.Point `json:"point"`
	Currency string    `json:"currency"`
	Zone     string    `json:"time_zone"`
}

// staticJSON returns the members that never vary, without braces.
func staticJSON(c *delivery.Card) []byte {
	cuisines := c.Cuisines
	if cuisines == nil {
		cuisines = []string{}
	}
	b, err := json.Marshal(listCard{
		ID: c.ID, Slug: c.Slug, Name: c.Name, Blurb: c.Blurb, Cuisines: cuisines, Photo: c.Photo, Price: c.Price, Street: c.Street, City: c.City,
		Point: c.Point, Currency: c.Currency, Zone: c.Loc.String(),
	})
	if err != nil {
		return []byte(`"id":"` + c.ID.String() + `"`) // a coordinate that is no number: compiled restaurants have none
	}
	return b[1 : len(b)-1]
}

// appendReply appends a ListReply in JSON.
func appendReply(b []byte, r *Result) []byte {
	b = append(b, `{"items":[`...)
	for i := range r.Items {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendItem(b, &r.Items[i])
	}
	b = append(b, `],"total":`...)
	b = strconv.AppendInt(b, int64(r.Total), 10)
	if r.Next != "" {
		b = append(b, `,"next":"`...) // base64: nothing to escape
		b = append(append(b, r.Next...), '"')
	}
	return append(b, '}')
}

func appendItem(b []byte, it *Item) []byte {
	b = append(b, '{')
	b = append(b, it.entry.static...)
	b = strconv.AppendBool(append(b, `,"new":`...), it.New)
	b = strconv.AppendBool(append(b, `,"open":`...), it.Open)
	b = strconv.AppendBool(append(b, `,"paused":`...), it.Paused)
	b = strconv.AppendBool(append(b, `,"rush":`...), it.Rush)
	b = strconv.AppendInt(append(b, `,"fee":`...), it.Fee, 10)
	b = strconv.AppendInt(append(b, `,"free_from":`...), it.Free, 10)
	b = strconv.AppendInt(append(b, `,"minimum":`...), it.Minimum, 10)
	b = strconv.AppendInt(append(b, `,"promise_min":`...), int64(it.MinIn), 10)
	b = strconv.AppendInt(append(b, `,"promise_max":`...), int64(it.MaxIn), 10)
	b = strconv.AppendInt(append(b, `,"distance_m":`...), int64(it.DistM), 10)
	if it.Rating.Count > 0 {
		b = strconv.AppendFloat(append(b, `,"stars":`...), it.Rating.Mean, 'f', -1, 64)
		b = strconv.AppendInt(append(b, `,"reviews":`...), it.Rating.Count, 10)
	}
	b = appendTime(b, `,"opens_at":"`, it.OpensAt)
	b = appendTime(b, `,"closes_at":"`, it.Closes)
	if len(it.Dishes) > 0 {
		names, err := json.Marshal(it.Dishes)
		if err == nil { // strings always encode
			b = append(append(b, `,"dishes":`...), names...)
		}
	}
	return append(b, '}')
}

func appendTime(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = t.UTC().AppendFormat(append(b, name...), time.RFC3339)
	return append(b, '"')
}
