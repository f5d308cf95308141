package access

import (
	"slices"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// Scope is a word that a token may be given, and what it lets an app do, as the page on which a person agrees says it.
type Scope struct {
	Word     string
	Sentence string
}

// Scopes are all words, in the order in which they are shown: Mastodon's, which its apps ask for, then those of food, couriers and running
// the town. A word covers all that begin with it and a colon: "read" covers "read:lists".
var Scopes = []Scope{
	{"profile", "See your name, handle and picture."},
	{"read", "Read all that is yours among your friends: posts, lists, notifications and your account."},
	{"read:accounts", "Read your account and those of others."},
	{"read:blocks", "See whom you block."},
	{"read:bookmarks", "See your bookmarks."},
	{"read:favourites", "See your favourites."},
	{"read:filters", "See your filters."},
	{"read:follows", "See whom you follow."},
	{"read:lists", "See your lists."},
	{"read:mutes", "See whom you mute."},
	{"read:notifications", "See your notifications."},
	{"read:search", "Search as you."},
	{"read:statuses", "Read all posts that you can read."},
	{"write", "Do all that you can do among your friends: post, follow, change your profile."},
	{"write:accounts", "Change your profile."},
	{"write:blocks", "Block people and servers."},
	{"write:bookmarks", "Bookmark posts."},
	{"write:conversations", "Mute and delete conversations."},
	{"write:favourites", "Favour posts."},
	{"write:filters", "Make and change filters."},
	{"write:follows", "Follow people."},
	{"write:lists", "Make and change lists."},
	{"write:media", "Upload pictures and other files."},
	{"write:mutes", "Mute people and conversations."},
	{"write:notifications", "Clear your notifications."},
	{"write:reports", "Report people to the moderators."},
	{"write:statuses", "Write and delete posts."},
	{"follow", "Follow, mute and block people."},
	{"push", "Send you notifications."},
	{"stoa:orders", "Order food for you; and, where you work at a restaurant, run its kitchen and menu."},
	{"stoa:orders:read", "See your orders, cart and addresses; and those orders that you see at work."},
	{"stoa:courier", "Ride for you: take offers, report where you are, hand food over; and dispatch, if you are a dispatcher."},
	{"stoa:courier:read", "See your rides; and the dispatch board, if you are a dispatcher."},
	{"stoa:admin", "Run this town for you, if you are an admin."},
	{"stoa:admin:read", "See what admins see, if you are one."},
	{"admin:read", "See all that moderators see, if you are one."},
	{"admin:read:accounts", "See what moderators see of people."},
	{"admin:read:reports", "See reports."},
	{"admin:read:domain_allows", "See which servers are let in."},
	{"admin:read:domain_blocks", "See which servers are shut out."},
	{"admin:read:ip_blocks", "See which addresses are shut out."},
	{"admin:read:email_domain_blocks", "See whose e-mail addresses are shut out."},
	{"admin:read:canonical_email_blocks", "See which e-mail addresses are shut out."},
	{"admin:write", "Do all that moderators do, if you are one."},
	{"admin:write:accounts", "Act on people as a moderator."},
	{"admin:write:reports", "Act on reports."},
	{"admin:write:domain_allows", "Let servers in."},
	{"admin:write:domain_blocks", "Shut servers out."},
	{"admin:write:ip_blocks", "Shut addresses out."},
	{"admin:write:email_domain_blocks", "Shut e-mail providers out."},
	{"admin:write:canonical_email_blocks", "Shut e-mail addresses out."},
}

// ParseScopes returns the words in text, which spaces or pluses separate, each once and in the order of Scopes; none, but not nil, for an
// empty text. It returns an Invalid error for a word that is no scope.
func ParseScopes(text string) ([]string, error) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '+' || r == '\t' || r == '\n' })
	for _, w := range words {
		if scopeRank(w) < 0 {
			return nil, errs.InvalidField("scope", "There is no scope %q.", w).WithCode("invalid_scope")
		}
	}
	slices.SortFunc(words, func(a, b string) int { return scopeRank(a) - scopeRank(b) })
	return append([]string{}, slices.Compact(words)...), nil
}

func scopeRank(word string) int {
	return slices.IndexFunc(Scopes, func(s Scope) bool { return s.Word == word })
}

// Allows reports whether the words that an app was granted cover a scope.
func Allows(granted []string, scope string) bool {
	return slices.ContainsFunc(granted, func(word string) bool { return covers(word, scope) })
}

// covers reports whether a word of an app's token covers a scope.
func covers(word, scope string) bool {
	switch {
	case word == scope || strings.HasPrefix(scope, word+":"):
		return true
	case scope == "profile":
		return word == "read" || word == "read:accounts"
	case word == "follow":
		_, what, _ := strings.Cut(scope, ":")
		mastodon := strings.HasPrefix(scope, "read:") || strings.HasPrefix(scope, "write:")
		return mastodon && (what == "blocks" || what == "follows" || what == "mutes")
	}
	return false
}

// coversOwn reports whether a word of a token that somebody made for themselves covers a scope. "read" and "write" mean the whole server
// there: such tokens are for one's own scripts and tills.
func coversOwn(word, scope string) bool {
	reads := scope == "profile" || scope == "read" || strings.HasPrefix(scope, "read:") || strings.HasPrefix(scope, "admin:read") || strings.HasSuffix(scope, ":read")
	switch word {
	case "read":
		return reads
	case "write":
		return !reads
	}
	return covers(word, scope)
}

// Allows reports whether the request may use a scope: always with a browser's session, else where its token's words cover it.
func (a Actor) Allows(scope string) bool {
	switch {
	case a.Scopes == nil:
		return true
	case a.App != 0:
		return Allows(a.Scopes, scope)
	}
	return slices.ContainsFunc(a.Scopes, func(word string) bool { return coversOwn(word, scope) })
}

// ScopeError is why a token was refused what its person may do. It wraps a Forbidden error with the code insufficient_scope.
type ScopeError struct {
	error
	Scope string // a scope that would do; empty where no app can have one
}

// Unwrap returns the error without the scope.
func (e *ScopeError) Unwrap() error { return e.error }

// scopeError returns the error for a token that lacks a scope, or for an app where no scope would do.
func scopeError(scope string) error {
	if scope == "" {
		return &ScopeError{errs.New(errs.Forbidden, "Only people themselves may do that, not apps.").WithCode("insufficient_scope"), ""}
	}
	return &ScopeError{errs.New(errs.Forbidden, "This app was not given the scope %s.", scope).WithCode("insufficient_scope"), scope}
}
