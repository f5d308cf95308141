// Package passkey signs people in with passkeys (WebAuthn): a key pair in their phone, computer or security key that opens with a finger,
// a face or a PIN. Of it the server holds the public half only.
//
// A ceremony has two halves: the server hands out a challenge and keeps it with a ticket of package account, the browser has the key sign
// it. A ticket lasts five minutes, is good for one try, and only for the browser (or the session) that asked for it. The keys are discoverable and always verify
// their owner, so that one of them names the account and replaces password and second step at once.
package passkey

import (
	"embed"
	"encoding/binary"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// Limits of what people may keep.
const (
	MaxPasskeys  = 20 // of one account
	MaxName      = 60 // characters
	challengeFor = 5 * time.Minute
)

// Passkey is the public half of a key that somebody signs in with.
type Passkey struct {
	ID        id.ID
	Account   id.ID
	Name      string // as its owner calls it
	Synced    bool   // kept by a password manager on several devices, as most are
	CreatedAt time.Time
	UsedAt    time.Time // zero: never
	ClonedAt  time.Time // when its counter went backwards, as a copied key's does; zero: never. It signs nobody in then.

	credential []byte // the key's own id
	public     []byte
	aaguid     []byte
	transports string // words with spaces
	signs      uint32 // its counter
	eligible   bool   // may be synced
}

// cleanName returns a name in the form it is stored, or an Invalid error.
func cleanName(name string) (string, error) {
	name = text.Clean(name, MaxName+1)
	switch n := len([]rune(name)); {
	case n == 0:
		return "", errs.InvalidField("name", "Give the passkey a name that you will recognise.")
	case n > MaxName:
		return "", errs.InvalidField("name", "A name has at most %d characters.", MaxName)
	}
	return name, nil
}

// record returns the key as the library wants it.
func (p Passkey) record() webauthn.Credential {
	out := webauthn.Credential{
		ID: p.credential, PublicKey: p.public,
		Flags:         webauthn.CredentialFlags{UserPresent: true, UserVerified: true, BackupEligible: p.eligible, BackupState: p.Synced},
		Authenticator: webauthn.Authenticator{AAGUID: p.aaguid, SignCount: p.signs},
	}
	for _, t := range strings.Fields(p.transports) {
		out.Transport = append(out.Transport, protocol.AuthenticatorTransport(t))
	}
	return out
}

// owner is an account with its keys as the library wants it.
type owner struct {
	account account.Account
	keys    []Passkey
}

// handleOf returns what keys know an account by: its id, which tells a finder of the key nothing.
func handleOf(a id.ID) []byte { return binary.BigEndian.AppendUint64(nil, uint64(a)) }

// WebAuthnID returns what keys know the account by.
func (o owner) WebAuthnID() []byte { return handleOf(o.account.ID) }

// WebAuthnName returns what the browser lists the key under.
func (o owner) WebAuthnName() string { return o.account.Email }

// WebAuthnDisplayName returns the person's name.
func (o owner) WebAuthnDisplayName() string { return o.account.Name }

// WebAuthnCredentials returns the account's keys.
func (o owner) WebAuthnCredentials() []webauthn.Credential {
	out := make([]webauthn.Credential, len(o.keys))
	for i, k := range o.keys {
		out[i] = k.record()
	}
	return out
}

// party is who the keys are for: a domain, and the one origin whose pages may ask for them.
type party struct{ id, origin string }

// partyOf returns the party of a server that people reach at base, or, where that is not set, of a request to host. ok is false where
// there can't be one: browsers know no passkeys for a bare IP address.
func partyOf(base, host string, https bool) (p party, ok bool) {
	if base == "" {
		name, _, err := net.SplitHostPort(host)
		if err != nil {
			name = host
		}
		if name != "localhost" {
			return party{}, false // Host is what the client says: without a set address only this very machine is believed
		}
		base = "http://" + host
		if https {
			base = "https://" + host
		}
	}
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" || net.ParseIP(u.Hostname()) != nil {
		return party{}, false
	}
	return party{id: strings.ToLower(u.Hostname()), origin: u.Scheme + "://" + strings.ToLower(u.Host)}, true
}
