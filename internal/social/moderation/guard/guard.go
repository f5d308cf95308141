// Package guard keeps out of town what moderators don't want in it: ranges of IP addresses, domains of e-mail addresses, single addresses,
// and other servers. Every node holds all of it in memory, and reads it anew when it changes anywhere.
package guard

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
)

// Schema holds the tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// Kind is what a block is about.
type Kind string

// The kinds.
const (
	IP      Kind = "ip"      // a range of addresses; Severity is one of the three below
	Mail    Kind = "mail"    // a domain of e-mail addresses, and those below it
	Address Kind = "address" // one e-mail address, by its hash: people who change its case, dots or tag are the same
	Domain  Kind = "domain"  // another server; Severity is silence, suspend or noop
	Allow   Kind = "allow"   // another server that is let in
)

// The severities of blocks of IP addresses.
const (
	NeedsApproval = "sign_up_requires_approval"
	NoSignUp      = "sign_up_block"
	NoAccess      = "no_access"
)

// The options of a block.
const (
	RejectMedia   = "reject_media"        // of a Domain
	RejectReports = "reject_reports"      // of a Domain
	Obfuscate     = "obfuscate"           // of a Domain: its name is shown to strangers in part
	WithApproval  = "allow_with_approval" // of a Mail: people may ask, and an admin says yes
)

// maxComment is how many characters moderators may write to a block.
const maxComment = 1000

// Block is something that is kept out, or with Allow let in.
type Block struct {
	ID        id.ID
	Kind      Kind
	Value     string
	Severity  string
	Comment   string // for moderators
	Public    string // for everybody
	Options   []string
	Account   id.ID // of Address: whose it was; 0: given by its hash or its text
	CreatedAt time.Time
	ExpiresAt time.Time // zero: for good
}

// Has reports whether the block has an option.
func (b *Block) Has(option string) bool { return slices.Contains(b.Options, option) }

// holds reports whether the block has not run out at now.
func (b *Block) holds(now time.Time) bool { return b.ExpiresAt.IsZero() || now.Before(b.ExpiresAt) }

// check puts a block into the form in which it is stored, or returns an Invalid error.
func (b *Block) check() (err error) {
	b.Comment, b.Public = text.Clean(b.Comment, maxComment+1), text.Clean(b.Public, maxComment+1)
	if max(utf8.RuneCountInString(b.Comment), utf8.RuneCountInString(b.Public)) > maxComment {
		return errs.InvalidField("comment", "Write at most %d characters.", maxComment)
	}
	options := []string{}
	switch b.Kind {
	case IP:
		p, err := prefix(b.Value)
		if err != nil {
			return err
		}
		b.Value = p.String()
		if b.Severity != NeedsApproval && b.Severity != NoSignUp && b.Severity != NoAccess {
			return errs.InvalidField("severity", "A block of addresses is sign_up_requires_approval, sign_up_block or no_access.")
		}
	case Mail:
		options = []string{WithApproval}
		b.Value, err = host(b.Value)
	case Address:
		if raw, bad := hex.DecodeString(b.Value); bad != nil || len(raw) != sha256.Size {
			return errs.InvalidField("canonical_email_hash", "This is not the SHA-256 of an address, in hexadecimal digits.")
		}
		b.Value = strings.ToLower(b.Value)
	case Domain:
		options = []string{RejectMedia, RejectReports, Obfuscate}
		if b.Severity == "" {
			b.Severity = "silence"
		}
		if b.Severity != "silence" && b.Severity != "suspend" && b.Severity != "noop" {
			return errs.InvalidField("severity", "A server is kept out by silence, suspend or noop.")
		}
		b.Value, err = host(b.Value)
	case Allow:
		b.Value, err = host(b.Value)
	}
	b.Options = slices.DeleteFunc(b.Options, func(o string) bool { return !slices.Contains(options, o) })
	return err
}

// prefix reads an address or a range of addresses. Ranges of more than a sixteenth of all addresses are slips.
func prefix(s string) (netip.Prefix, error) {
	s = strings.TrimSpace(s)
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, bad := netip.ParseAddr(s)
		if bad != nil || a.Zone() != "" {
			return p, errs.InvalidField("ip", "Write an IP address, or a range such as 203.0.113.0/24.")
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p.Bits() < 4 {
		return p, errs.InvalidField("ip", "This range is too large: it holds half the world.")
	}
	return p.Masked(), nil
}

// host returns the name of a server in the form in which it is compared, or an Invalid error.
func host(s string) (string, error) {
	s = strings.Trim(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "@"), ".")
	out, err := idna.Lookup.ToASCII(s)
	if err != nil || len(out) > 253 || !strings.Contains(out, ".") || strings.ContainsAny(out, " @?#/:*") {
		return "", errs.InvalidField("domain", "This is not the name of a server such as example.org.")
	}
	return out, nil
}

// Hash returns what an e-mail address is known by: the SHA-256 of its canonical form, in hexadecimal digits. Case, dots before the @ and what
// follows a + there make no difference. It returns an Invalid error for what is no address.
func Hash(email string) (string, error) {
	clean, ok := text.Email(email)
	if !ok {
		return "", errs.InvalidField("email", "Write an e-mail address like anna@example.org.")
	}
	local, domain, _ := strings.Cut(clean, "@")
	local, _, _ = strings.Cut(local, "+")
	sum := sha256.Sum256([]byte(strings.ReplaceAll(strings.ToLower(local), ".", "") + "@" + strings.ToLower(domain)))
	return hex.EncodeToString(sum[:]), nil
}

// digest is what a server's name is known by where it is not shown.
func digest(domain string) string {
	sum := sha256.Sum256([]byte(domain))
	return hex.EncodeToString(sum[:])
}

// Obscure returns a server's name with its middle hidden: "ex****e.org".
func Obscure(domain string) string {
	r := []rune(domain)
	from, to := len(r)/4, len(r)-len(r)/4
	for i := range r {
		if i >= from && i < to && r[i] != '.' {
			r[i] = '*'
		}
	}
	return string(r)
}
