package access

import (
	"slices"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
)

// Scope is a word that a token may be given, and what it lets an app do, as the page on which a person agrees says it.
type Scope struct {
	Word     string
	Sentence string // English, for i18n.T
}

// Scopes are all words, in the order in which they are shown: Mastodon's, which its apps ask for, then those of food, couriers and running
// the town. A word covers all that begin with it and a colon: "read" covers "read:lists".
var Scopes = []Scope{
	{"profile", i18n.Key("See your name, handle and picture.")},
	{"read", i18n.Key("Read all that is yours among your friends: posts, lists, notifications and your account.")},
	{"read:accounts", i18n.Key("Read your account and those of others.")},
	{"read:blocks", i18n.Key("See whom you block.")},
	{"read:bookmarks", i18n.Key("See your bookmarks.")},
	{"read:favourites", i18n.Key("See your favourites.")},
	{"read:filters", i18n.Key("See your filters.")},
	{"read:follows", i18n.Key("See whom you follow.")},
	{"read:lists", i18n.Key("See your lists.")},
	{"read:mutes", i18n.Key("See whom you mute.")},
	{"read:notifications", i18n.Key("See your notifications.")},
	{"read:search", i18n.Key("Search as you.")},
	{"read:statuses", i18n.Key("Read all posts that you can read.")},
	{"write", i18n.Key("Do all that you can do among your friends: post, follow, change your profile.")},
	{"write:accounts", i18n.Key("Change your profile.")},
	{"write:blocks", i18n.Key("Block people and servers.")},
	{"write:bookmarks", i18n.Key("Bookmark posts.")},
	{"write:conversations", i18n.Key("Mute and delete conversations.")},
	{"write:favourites", i18n.Key("Favour posts.")},
	{"write:filters", i18n.Key("Make and change filters.")},
	{"write:follows", i18n.Key("Follow people.")},
	{"write:lists", i18n.Key("Make and change lists.")},
	{"write:media", i18n.Key("Upload pictures and other files.")},
	{"write:mutes", i18n.Key("Mute people and conversations.")},
	{"write:notifications", i18n.Key("Clear your notifications.")},
	{"write:reports", i18n.Key("Report people to the moderators.")},
	{"write:statuses", i18n.Key("Write and delete posts.")},
	{"follow", i18n.Key("Follow, mute and block people.")},
	{"push", i18n.Key("Send you notifications.")},
	{"stoa:orders", i18n.Key("Order food for you; and, where you work at a restaurant, run its kitchen and menu.")},
	{"stoa:orders:read", i18n.Key("See your orders, cart and addresses; and those orders that you see at work.")},
	{"stoa:courier", i18n.Key("Ride for you: take offers, report where you are, hand food over; and dispatch, if you are a dispatcher.")},
	{"stoa:courier:read", i18n.Key("See your rides; and the dispatch board, if you are a dispatcher.")},
	{"stoa:admin", i18n.Key("Run this town for you, if you are an admin.")},
	{"stoa:admin:read", i18n.Key("See what admins see, if you are one.")},
	{"admin:read", i18n.Key("See all that moderators see, if you are one.")},
	{"admin:read:accounts", i18n.Key("See what moderators see of people.")},
	{"admin:read:reports", i18n.Key("See reports.")},
	{"admin:read:domain_allows", i18n.Key("See which servers are let in.")},
	{"admin:read:domain_blocks", i18n.Key("See which servers are shut out.")},
	{"admin:read:ip_blocks", i18n.Key("See which addresses are shut out.")},
	{"admin:read:email_domain_blocks", i18n.Key("See whose e-mail addresses are shut out.")},
	{"admin:read:canonical_email_blocks", i18n.Key("See which e-mail addresses are shut out.")},
	{"admin:write", i18n.Key("Do all that moderators do, if you are one.")},
	{"admin:write:accounts", i18n.Key("Act on people as a moderator.")},
	{"admin:write:reports", i18n.Key("Act on reports.")},
	{"admin:write:domain_allows", i18n.Key("Let servers in.")},
	{"admin:write:domain_blocks", i18n.Key("Shut servers out.")},
	{"admin:write:ip_blocks", i18n.Key("Shut addresses out.")},
	{"admin:write:email_domain_blocks", i18n.Key("Shut e-mail providers out.")},
	{"admin:write:canonical_email_blocks", i18n.Key("Shut e-mail addresses out.")},
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
