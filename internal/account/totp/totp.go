// Package totp is the second step of a sign-in: a code of six digits that an authenticator app makes of a shared secret and the time
// (RFC 6238), and ten recovery codes for the day when the phone is lost.
//
// The secret is sealed with the server's master key. It counts only after its owner has typed a first code. A code is good for its half
// minute and one before and after it, and once: the step it belongs to is remembered. Of recovery codes the server keeps a keyed digest.
package totp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"embed"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// What authenticator apps take for granted: other values are misread by some of them.
const (
	period     = 30 // seconds
	digits     = 6
	secretSize = 20 // bytes, as SHA-1's
	slack      = 1  // steps that a phone's clock may be off
)

// RecoveryCodes is how many an account has.
const RecoveryCodes = 10

// recoveryLen is how many characters of 5 bits each one has.
const recoveryLen = 12

func newSecret() []byte {
	b := make([]byte, secretSize)
	rand.Read(b)
	return b
}

// stepAt returns the step of a time: how many periods there were since 1970.
func stepAt(now time.Time) int64 { return now.Unix() / period }

// code returns the code of a step.
func code(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", digits, n%1_000_000)
}

// match returns the step that typed is the code of, and whether it is that of any which a phone may be at now.
func match(secret []byte, typed string, now time.Time) (step int64, ok bool) {
	for d := int64(-slack); d <= slack; d++ {
		if subtle.ConstantTimeCompare([]byte(code(secret, stepAt(now)+d)), []byte(typed)) == 1 {
			step, ok = stepAt(now)+d, true
		}
	}
	return step, ok
}

// tidy returns a typed code without the spaces that apps and people put between its digits.
func tidy(typed string) string { return strings.Join(strings.Fields(typed), "") }

// text returns a secret as people type it: in groups of four.
func text(secret []byte) string {
	return grouped(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret), " ")
}

func grouped(s, between string) string {
	var parts []string
	for ; len(s) > 4; s = s[4:] {
		parts = append(parts, s[:4])
	}
	return strings.Join(append(parts, s), between)
}

// address returns the otpauth address that an authenticator app reads from a QR code.
func address(secret []byte, town, login string) string {
	q := url.Values{
		"secret": {base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)}, "issuer": {town},
		"algorithm": {"SHA1"}, "digits": {fmt.Sprint(digits)}, "period": {fmt.Sprint(period)},
	}
	// Apps read + as itself, not as a space.
	return "otpauth://totp/" + url.PathEscape(town) + ":" + url.PathEscape(login) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

func newRecovery() []string {
	out := make([]string, RecoveryCodes)
	for i := range out {
		out[i] = grouped(id.Code(recoveryLen), "-")
	}
	return out
}

// normal returns a typed recovery code in the form of which the digest is kept, and whether it can be one: spaces, dashes and case don't
// count, and letters that are mistaken for digits are taken for them.
func normal(typed string) (string, bool) {
	s := strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\t':
			return -1
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, strings.ToUpper(typed))
	if len(s) != recoveryLen {
		return "", false
	}
	for _, r := range s {
		if !strings.ContainsRune("0123456789ABCDEFGHJKMNPQRSTVWXYZ", r) {
			return "", false
		}
	}
	return s, true
}
