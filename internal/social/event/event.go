// Package event is what takes place in town: a concert, a flea market, a talk. An event is a card on a status, which tells of it and says
// who may see it; here are its time and place, who comes, reminders, and calendars that phones subscribe to.
//
// Who comes is counted by conditional updates, so that a room for ten never holds eleven; whoever is too late waits, and moves up.
package event

import (
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// Answer is whether somebody comes.
type Answer string

// The answers.
const (
	Coming   Answer = "coming"
	Maybe    Answer = "maybe"
	No       Answer = "no"
	Waiting  Answer = "waiting" // would come, but it is full
	Unspoken Answer = ""
)

// Bounds.
const (
	MaxTitle  = 120
	MaxPlace  = 200
	longest   = 31 * 24 * time.Hour  // an event lasts
	farthest  = 366 * 24 * time.Hour // an event is ahead
	seats     = 100_000              // the largest capacity
	remindDay = 24 * 60              // minutes before the beginning at which people are reminded
	remindNow = 60
)

// Event is something that takes place, as somebody sees it.
type Event struct {
	ID         id.ID             `json:"id"`
	Status     id.ID             `json:"status_id" doc:"The post that tells of it: read, answer and boost it by that."`
	Account    id.ID             `json:"account_id" doc:"Whose event it is."`
	Handle     string            `json:"handle"`
	Name       string            `json:"name"`
	Avatar     string            `json:"avatar"`
	Title      string            `json:"title"`
	Text       string            `json:"text" doc:"HTML of the post, safe to be shown."`
	Visibility social.Visibility `json:"visibility"`
	Starts     time.Time         `json:"starts_at"`
	Ends       time.Time         `json:"ends_at"`
	TZ         string            `json:"tz" doc:"The time zone in which its times are meant, such as Europe/Berlin."`
	Place      string            `json:"place"`
	Point      *geo.Point        `json:"point,omitempty"`
	Capacity   int64             `json:"capacity" doc:"How many can come; 0: no bound."`
	Coming     int64             `json:"coming"`
	Maybe      int64             `json:"maybe"`
	Waiting    int64             `json:"waiting"`
	Cancelled  bool              `json:"cancelled"`
	Mine       bool              `json:"mine" doc:"I may change it."`
	Answer     Answer            `json:"answer,omitempty" enum:"coming,maybe,no,waiting" doc:"Mine; absent where I have not answered."`
	URL        string            `json:"url" doc:"Path of its page."`
	Calendar   string            `json:"calendar" doc:"Path of its iCalendar file."`
}

// PathOf returns the path of an event's page.
func PathOf(event id.ID) string { return "/events/" + event.String() }

// Input is what people say about an event; nil leaves as it is, which title and beginning of a new one must not be.
type Input struct {
	Title    *string    `json:"title,omitempty" maxLength:"120"`
	Starts   *time.Time `json:"starts_at,omitempty"`
	Ends     *time.Time `json:"ends_at,omitempty" doc:"Two hours after the beginning where left out."`
	TZ       *string    `json:"tz,omitempty" maxLength:"60" doc:"Such as Europe/Berlin; the town's where left out."`
	Place    *string    `json:"place,omitempty" maxLength:"200"`
	Point    *geo.Point `json:"point,omitempty"`
	Capacity *int64     `json:"capacity,omitempty" minimum:"0" maximum:"100000"`
}

// Draft is an event to be held, and the post that tells of it.
type Draft struct {
	Input
	As         id.ID             `json:"as,omitzero" doc:"A restaurant or group for which I may speak; left out: myself."`
	Text       string            `json:"text,omitempty" maxLength:"20000"`
	Visibility social.Visibility `json:"visibility,omitempty" enum:"public,unlisted,private,direct,town,group" doc:"public where left out; group with a group."`
	Group      id.ID             `json:"group_id,omitzero" doc:"A group that I am in."`
	Media      []id.ID           `json:"media_ids,omitempty" maxItems:"8"`
	Lang       string            `json:"language,omitempty" maxLength:"35"`
}

// row is a stored event.
type row struct {
	Event
	public   bool // lists and calendars of strangers may show it
	rev      int64
	reminded int64
	created  time.Time
	changed  time.Time
}

// apply puts what was said into an event. It returns an Invalid error that names what is wrong.
func (in *Input) apply(e *Event, now time.Time) error {
	var c checker
	if in.Title != nil {
		e.Title = text.Clean(*in.Title, MaxTitle)
	}
	if e.Title == "" {
		c.add("body.title", "Give it a title.")
	}
	if in.Place != nil {
		e.Place = text.Clean(*in.Place, MaxPlace)
	}
	if in.Point != nil {
		e.Point = in.Point
		if in.Point.IsZero() {
			e.Point = nil
		} else if !in.Point.Valid() {
			c.add("body.point", "Latitude is between -90 and 90, longitude between -180 and 180.")
		}
	}
	if in.TZ != nil {
		e.TZ = *in.TZ
	}
	if _, err := time.LoadLocation(e.TZ); err != nil || e.TZ == "" || e.TZ == "Local" {
		c.add("body.tz", "There is no such time zone.")
	}
	if in.Capacity != nil {
		e.Capacity = min(max(*in.Capacity, 0), seats)
	}
	lasts := e.Ends.Sub(e.Starts)
	if in.Starts != nil {
		if e.Starts.IsZero() {
			lasts = 2 * time.Hour
		}
		e.Starts = in.Starts.UTC().Truncate(time.Minute)
		e.Ends = e.Starts.Add(lasts)
	}
	if in.Ends != nil {
		e.Ends = in.Ends.UTC().Truncate(time.Minute)
	}
	switch {
	case e.Starts.IsZero():
		c.add("body.starts_at", "Say when it begins.")
	case !e.Ends.After(e.Starts):
		c.add("body.ends_at", "It ends after it begins.")
	case e.Ends.Sub(e.Starts) > longest:
		c.add("body.ends_at", "An event lasts %d days at most.", int(longest.Hours()/24))
	case in.Starts != nil && e.Starts.After(now.Add(farthest)):
		c.add("body.starts_at", "An event is at most a year ahead.")
	case (in.Starts != nil || in.Ends != nil) && !e.Ends.After(now):
		c.add("body.ends_at", "This is over already.")
	}
	if len(c) > 0 {
		return errs.InvalidFields(c)
	}
	return nil
}

// checker collects what is wrong with an input.
type checker []errs.Field

func (c *checker) add(path, format string, args ...any) {
	*c = append(*c, errs.FieldOf(path, format, args...))
}

// full reports whether nobody more can come.
func (e *Event) full() bool { return e.Capacity > 0 && e.Coming >= e.Capacity }

// settle returns what an answer becomes, given the answer before: whoever wants to come to what is full waits.
func (e *Event) settle(before, want Answer) Answer {
	if want != Coming || before == Coming {
		return want
	}
	if before == Waiting || e.full() || e.Waiting > 0 {
		return Waiting // those who wait already come first
	}
	return Coming
}

// count returns by how much an answer's change moves the counts.
func count(before, after Answer) (coming, maybe, waiting int64) {
	n := func(a Answer) int64 {
		out := int64(0)
		if after == a {
			out++
		}
		if before == a {
			out--
		}
		return out
	}
	return n(Coming), n(Maybe), n(Waiting)
}

// card returns what statuses show of an event.
func (r *row) card() *social.EventCard {
	c := &social.EventCard{
		ID: r.ID, Title: r.Title, Starts: social.Time{Time: r.Starts}, Ends: social.Time{Time: r.Ends}, TZ: r.TZ, Place: r.Place,
		Coming: r.Coming, Called: r.Cancelled, URL: PathOf(r.ID),
	}
	if r.Point != nil {
		c.Lat, c.Lon = r.Point.Lat, r.Point.Lon
	}
	return c
}

// listable reports whether lists show what has this visibility.
func listable(v social.Visibility) bool {
	return slices.Contains([]social.Visibility{social.Public, social.Town, social.Followers, social.Group}, v)
}
