// Package oidc signs people in by another service's word (OpenID Connect): that of a campus, a club, or whoever else the operator names.
//
// Somebody is known by who says it and what that one calls them (issuer and subject), never by an e-mail address: one that a provider tells
// is at best a proposal for a new account. An account that has the address already is not touched by it. Its owner signs in and connects
// the two under Security.
//
// A sign-in under way is a ticket of package account: good once, for ten minutes, in the browser that began it, for one provider. It
// carries a nonce and a PKCE verifier.
package oidc

import (
	"embed"
	"encoding/json"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/account/signup"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// How long the way to the provider and back may take, and then the form for a new account with the letter that may be part of it.
const (
	flowFor = 10 * time.Minute
	joinFor = signup.LinkFor
)

// maxSubject bounds what is kept of a subject: the standard's own limit. A longer one is refused, because cut it could be another's.
const maxSubject = 255

// Provider is a service whose word is taken.
type Provider struct {
	Name     string // as people know it: "Riverside Campus"
	Issuer   string
	ClientID string
	Secret   func() (string, error) // read anew each time; nil: the provider wants none
	Scopes   []string               // beside openid
}

// Slug names the provider in addresses.
func (p Provider) Slug() string { return text.Slug(p.Name, 40) }

// Identity is who an account is elsewhere.
type Identity struct {
	ID        id.ID
	Account   id.ID
	Issuer    string
	Subject   string
	Email     string // only to recognise it by
	Name      string // likewise
	CreatedAt time.Time
	UsedAt    time.Time // zero: never
}

// person is what a provider says of somebody.
type person struct {
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"`
	Email    string `json:"email"`
	Verified bool   `json:"verified"` // the provider says that the address is theirs
	Name     string `json:"name"`
	Handle   string `json:"handle"`
}

// claims are those of an ID token, or of the provider's answer about the person, that matter here.
type claims struct {
	Subject       string `json:"sub"`
	Email         string `json:"email"`
	EmailVerified truth  `json:"email_verified"`
	Name          string `json:"name"`
	Handle        string `json:"preferred_username"`
	Party         string `json:"azp"`
	Audience      words  `json:"aud"`
}

// truth is a boolean that some providers write as a text.
type truth bool

// UnmarshalJSON takes true and "true" for true, and everything else for false: what can't be read proves nothing.
func (t *truth) UnmarshalJSON(b []byte) error {
	*t = truth(string(b) == "true" || string(b) == `"true"`)
	return nil
}

// words is a claim that is one text or a list of them.
type words []string

// UnmarshalJSON reads either.
func (w *words) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(w))
}

// personOf returns what the claims say, cleaned as everything that comes from outside.
func personOf(issuer string, c claims) person {
	p := person{Issuer: issuer, Subject: c.Subject, Name: text.Clean(c.Name, 60)}
	if email, ok := text.Email(c.Email); ok {
		p.Email, p.Verified = email, bool(c.EmailVerified)
	}
	if handle := strings.ReplaceAll(text.Slug(strings.SplitN(c.Handle, "@", 2)[0], 24), "-", "_"); text.Handle(handle) {
		p.Handle = handle
	}
	return p
}
