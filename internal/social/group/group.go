// Package group is what neighbours share: a street, a choir, a club. A group has members, moderators and owners of its own, rules, and a
// profile under which others find it. Whoever is a member reads and writes in it; what is written in it is a status with the visibility
// "group" (see social/status), and its timeline is one of social/timeline's.
//
// A group is open, where everybody reads what is written in it, or closed. That never changes: nobody who wrote among themselves finds
// their words on the street one day.
package group

import (
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
)

// Role is what somebody is to a group.
type Role string

// The roles. Of these Member, Moderator and Owner are members.
const (
	Owner     Role = "owner"     // also changes the group itself and says who moderates
	Moderator Role = "moderator" // also lets in, invites, removes members and posts
	Member    Role = "member"
	Asked     Role = "asked"   // wants to join
	Invited   Role = "invited" // may join
	Barred    Role = "barred"  // must not come back
	Stranger  Role = ""
)

// In reports whether the role is a member's.
func (r Role) In() bool { return r == Owner || r == Moderator || r == Member }

// Moderates reports whether the role keeps order in the group.
func (r Role) Moderates() bool { return r == Owner || r == Moderator }

// Joining is how people come into a group.
type Joining string

// The ways in.
const (
	Freely   Joining = "open"   // whoever wants to
	ByAsking Joining = "ask"    // whom a moderator lets in
	ByInvite Joining = "invite" // who was invited; lists don't show such a group
)

// Bounds of what people write about a group, in characters.
const (
	MaxName  = 80
	MaxAbout = 1000
	MaxRules = 3000
)

// Group is a group as somebody sees it.
type Group struct {
	ID      id.ID     `json:"id"`
	Handle  string    `json:"handle"`
	Name    string    `json:"name"`
	About   string    `json:"about"`
	Rules   string    `json:"rules"`
	Closed  bool      `json:"closed" doc:"Only members read what is written in it. Never changes."`
	Joining Joining   `json:"joining" enum:"open,ask,invite" doc:"open: whoever wants to; ask: whom a moderator lets in; invite: who was invited."`
	Members int64     `json:"members"`
	Created time.Time `json:"created_at"`
	Role    Role      `json:"role,omitempty" enum:"owner,moderator,member,asked,invited,barred" doc:"Of whoever asks; absent for strangers."`
	Asking  int64     `json:"asking,omitempty" doc:"How many want to join, for those who moderate."`
	URL     string    `json:"url" doc:"Path of its page."`
}

// Person is somebody in a group's lists.
type Person struct {
	ID     id.ID     `json:"id"`
	Handle string    `json:"handle"`
	Name   string    `json:"name"`
	Avatar string    `json:"avatar"`
	URL    string    `json:"url"`
	Role   Role      `json:"role" enum:"owner,moderator,member,asked,invited,barred"`
	Since  time.Time `json:"since"`
}

// PathOf returns the path of a group's page.
func PathOf(handle string) string { return "/groups/" + handle }

// Input is what people say about a group; nil leaves as it is, which a new group's name and handle must not be.
type Input struct {
	Handle  string  `json:"handle,omitempty" maxLength:"30" doc:"2 to 30 of a-z, 0-9 and _. Only for a new group."`
	Closed  bool    `json:"closed,omitempty" doc:"Only members read what is written in it. Only for a new group."`
	Name    *string `json:"name,omitempty" maxLength:"80"`
	About   *string `json:"about,omitempty" maxLength:"1000"`
	Rules   *string `json:"rules,omitempty" maxLength:"3000"`
	Joining *string `json:"joining,omitempty" enum:"open,ask,invite"`
}

// lines cleans a text of several lines.
func lines(s string, most int) string {
	out := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i := range out {
		out[i] = text.Clean(out[i], most)
	}
	s = strings.TrimSpace(strings.Join(out, "\n"))
	if r := []rune(s); len(r) > most {
		s = string(r[:most])
	}
	return s
}

// apply puts what was said into a group. It returns an Invalid error that names what is wrong.
func (in *Input) apply(g *Group) error {
	var wrong []errs.Field
	if in.Name != nil {
		g.Name = text.Clean(*in.Name, MaxName)
	}
	if g.Name == "" {
		wrong = append(wrong, errs.FieldOf("body.name", "Give the group a name."))
	}
	if in.About != nil {
		g.About = lines(*in.About, MaxAbout)
	}
	if in.Rules != nil {
		g.Rules = lines(*in.Rules, MaxRules)
	}
	if in.Joining != nil {
		g.Joining = Joining(*in.Joining)
	}
	if !slices.Contains([]Joining{Freely, ByAsking, ByInvite}, g.Joining) {
		wrong = append(wrong, errs.FieldOf("body.joining", "People join by open, ask or invite."))
	}
	if g.Closed && g.Joining == Freely {
		wrong = append(wrong, errs.FieldOf("body.joining", "Whoever wants to could read a closed group: let people ask, or invite them."))
	}
	if !text.Handle(g.Handle) {
		wrong = append(wrong, errs.FieldOf("body.handle", "A handle has 2 to 30 characters of a-z, 0-9 and _."))
	}
	if len(wrong) > 0 {
		return errs.InvalidFields(wrong)
	}
	return nil
}

// admit says what somebody who wants to join a group becomes. It returns a Conflict or Forbidden error where they can't.
func admit(now Role, how Joining) (Role, error) {
	switch {
	case now.In():
		return now, nil
	case now == Barred:
		return now, errs.New(errs.Forbidden, "You have been removed from this group. Its owners can let you in again.").WithCode("barred")
	case now == Invited || how == Freely:
		return Member, nil
	case how == ByAsking:
		return Asked, nil
	}
	return now, errs.New(errs.Forbidden, "One comes into this group by invitation.").WithCode("invitation_needed")
}
