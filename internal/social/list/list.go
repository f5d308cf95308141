// Package list keeps the lists in which people sort whom they follow (docs.joinmastodon.org/methods/lists). A list has a timeline of its
// own; one that is exclusive takes its members out of the home timeline.
package list

import (
	"slices"
	"unicode/utf8"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
)

const (
	maxLists   = 100  // of one person
	maxMembers = 5000 // of one list
	maxTitle   = 120
)

// Policies say whose answers a list shows.
var Policies = []string{"followed", "list", "none"}

var errNone = errs.New(errs.NotFound, "Record not found")

// Input is what may be changed about a list: nil leaves as it is.
type Input struct {
	Title     *string `json:"title"`
	Replies   *string `json:"replies_policy"`
	Exclusive *bool   `json:"exclusive"`
}

// over puts the input into a list, or says what is wrong.
func (in Input) over(l *social.List) error {
	if in.Title != nil {
		l.Title = text.Clean(*in.Title, maxTitle+1)
	}
	if in.Replies != nil {
		l.Replies = *in.Replies
	}
	if in.Exclusive != nil {
		l.Exclusive = *in.Exclusive
	}
	switch {
	case l.Title == "":
		return errs.InvalidField("title", "Validation failed: give the list a title.")
	case utf8.RuneCountInString(l.Title) > maxTitle:
		return errs.InvalidField("title", "Validation failed: at most %d characters.", maxTitle)
	case !slices.Contains(Policies, l.Replies):
		return errs.InvalidField("replies_policy", "Validation failed: a list shows replies to followed, list or none.")
	}
	return nil
}

// view is a list as the API shows it.
type view struct {
	ID        id.ID  `json:"id"`
	Title     string `json:"title"`
	Replies   string `json:"replies_policy"`
	Exclusive bool   `json:"exclusive"`
}

func viewOf(l *social.List) view { return view{l.ID, l.Title, l.Replies, l.Exclusive} }
