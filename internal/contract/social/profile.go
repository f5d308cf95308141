package social

import "github.com/stoa-town/stoa/internal/base/id"

// Kind is what a profile stands for.
type Kind string

// The kinds.
const (
	Person     Kind = "person"
	Restaurant Kind = "restaurant"
	OfGroup    Kind = "group"
)

// Standing is what decides how others may deal with a profile.
type Standing struct {
	ID        id.ID
	Kind      Kind
	Handle    string
	Locked    bool // following needs its consent
	Secretive bool // whom it follows and who follows it is shown to itself alone
	Hidden    bool // nobody meets it: its person waits for an admin's word, or customers don't see the restaurant
	Suspended bool // by the moderators, or its account is
	Limited   bool // silenced: only its followers meet it in lists of others
	Guarded   bool // all its media are sensitive
	Findable  bool // it may be shown to people who don't look for it
}

// Here reports whether others can do something with the profile: it is neither hidden nor suspended.
func (s Standing) Here() bool { return !s.Hidden && !s.Suspended }

// Defaults are what a new status is where its author says nothing else.
type Defaults struct {
	Visibility Visibility
	Sensitive  bool
	Language   string // BCP 47; may be empty
	Quotes     string // who may quote it: public, followers or nobody
}
