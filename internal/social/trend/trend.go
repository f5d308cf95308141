// Package trend says what the town talks about: hashtags, statuses and links that more people care about now than they usually do.
//
// A subscription to the event log counts who used what on which day, and what was done with public statuses. Trends are computed from those
// figures when they are asked for, at most once a minute. A tag or link trends by how far the number of people who used it within a day is
// above what the week before let expect, (observed - expected)² / expected; a status by what others did with it, halved every few hours.
package trend

import (
	"embed"
	"math"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// What counts as a trend.
const (
	minPeople  = 2                  // who have used a tag or link within a day
	minPoints  = 2                  // of a status
	halfLife   = 12 * time.Hour     // of a status' points
	tagFade    = 24 * time.Hour     // of a tag's, since it was last used
	statusAge  = 4 * 24 * time.Hour // of the oldest that can trend
	history    = 7                  // days shown
	keepDays   = 14
	candidates = 500 // that are looked at
	freshFor   = time.Minute
)

// Kind is a kind of what trends.
type Kind string

// The kinds.
const (
	Tags     Kind = "tag"
	Links    Kind = "link"
	Statuses Kind = "status"
)

// Day is how a tag or link was used on one day, as Mastodon's API writes it: figures as texts.
type Day struct {
	Day      string `json:"day"` // seconds since 1970 of its midnight, UTC
	Uses     string `json:"uses"`
	Accounts string `json:"accounts"`
}

// use is a tag or link in the last days: by day, today first.
type use struct {
	name     string
	people   [keepDays]int64
	uses     [keepDays]int64
	last     time.Time
	reviewed bool
	allowed  bool
}

// score returns how much a tag or link trends at now; 0: it does not.
func (u *use) score(now time.Time) float64 {
	observed := float64(u.people[0] + u.people[1])
	if observed < minPeople {
		return 0
	}
	before := 0.0
	for _, n := range u.people[2:9] {
		before += float64(n)
	}
	expected := max(1, before/7*2) // in two days
	if observed <= expected {
		return 0
	}
	return (observed - expected) * (observed - expected) / expected * fade(now.Sub(u.last), tagFade)
}

func fade(age, half time.Duration) float64 { return math.Exp2(-max(0, age.Hours()) / half.Hours()) }

// post is a status with what others did with it.
type post struct {
	status, account           id.ID
	at                        time.Time
	favourites, boosts, reply int64
}

// score returns how much a status trends at now; 0: it does not.
func (p *post) score(now time.Time) float64 {
	points := float64(p.favourites + 2*p.boosts + p.reply)
	if points < minPoints {
		return 0
	}
	return points * fade(now.Sub(p.at), halfLife)
}

func dayOf(t time.Time) int64 { return t.Unix() / 86400 }
