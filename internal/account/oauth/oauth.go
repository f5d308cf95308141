// Package oauth lets other people's apps act for the people of a town: an OAuth 2 server as Mastodon's apps expect one.
//
// An app registers itself (POST /api/v1/apps), sends the person to /oauth/authorize, where they read what it wants and agree, and exchanges
// the code that it gets back for a token. Tokens are rows of account_session; so whatever ends sessions ends them. An app may also have a
// token of its own, which stands for nobody and may do little. People see on /account/apps what they have let in, take it back there, and
// make tokens for their own scripts.
//
// The rules of the exchange are those of go-oauth2, with our tables below it and our HTTP above it: see docs/adr.
package oauth

import (
	"embed"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// Schema holds the package's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// OOB is the redirect URI of apps that no browser can come back to: the code is shown, and the person carries it over.
const OOB = "urn:ietf:wg:oauth:2.0:oob"

// How long a code may be exchanged: an app does so at once, a person has to copy it.
const (
	CodeLasts    = time.Minute
	OOBCodeLasts = 10 * time.Minute
)

// Limits of what apps send.
const (
	maxName      = 60
	maxURI       = 2000
	maxRedirects = 20
	maxState     = 2000
	maxAppTokens = 50 // tokens of its own that an app holds; the oldest goes
)

// sweepAfter is how long an app that nobody has let in stays registered.
const sweepAfter = 30 * 24 * time.Hour

// App is a registered application, without its secret.
type App struct {
	ID           id.ID
	ClientID     string
	Name         string
	Website      string // empty: none
	RedirectURIs []string
	Scopes       []string // the most that its tokens may be given
	Public       bool     // it runs where it can keep no secret, and must use PKCE
	CreatedAt    time.Time
	UsedAt       time.Time // zero: it has never been given a token

	secret []byte // SHA-256; empty for a public app
}

// Registration is what an app says of itself.
type Registration struct {
	Name         string
	Website      string
	RedirectURIs []string
	Scopes       string // words; empty: "read"
	Public       bool
}

// clean returns the app that a registration describes, or an Invalid error with all its faults.
func (in Registration) clean() (App, error) {
	var wrong []errs.Field
	// In English alone: it is the app's makers who read this.
	fault := func(path, msg string, args ...any) {
		wrong = append(wrong, errs.Field{Path: path, Message: fmt.Sprintf(msg, args...)})
	}
	a := App{Name: text.Clean(in.Name, maxName+1), Website: strings.TrimSpace(in.Website), Public: in.Public}
	switch n := utf8.RuneCountInString(a.Name); {
	case n == 0:
		fault("client_name", "An app needs a name.")
	case n > maxName:
		fault("client_name", "A name has at most %d characters.", maxName)
	}
	if a.Website != "" && !isWebsite(a.Website) {
		fault("website", "This is not an address that begins with https:// or http://.")
	}
	for _, uri := range in.RedirectURIs {
		uri = strings.Trim(uri, " \t\r\n")
		if uri == "" || slices.Contains(a.RedirectURIs, uri) {
			continue
		}
		if msg := redirectFault(uri); msg != "" {
			fault("redirect_uris", "%s", msg)
			break
		}
		a.RedirectURIs = append(a.RedirectURIs, uri)
	}
	switch {
	case len(wrong) == 0 && len(a.RedirectURIs) == 0:
		fault("redirect_uris", "Say where people are to come back to.")
	case len(a.RedirectURIs) > maxRedirects:
		fault("redirect_uris", "An app has at most %d of these.", maxRedirects)
	}
	scopes, err := access.ParseScopes(in.Scopes)
	if e := errs.As(err); e != nil {
		fault("scopes", "%s", e.Message)
	}
	if a.Scopes = scopes; len(scopes) == 0 {
		a.Scopes = []string{"read"}
	}
	return a, errs.InvalidFields(wrong)
}

// isWebsite reports whether an address may be shown as the home of an app.
func isWebsite(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxURI && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && !strings.ContainsFunc(s, isUnsafe)
}

// isUnsafe reports whether a character has no place in an address: browsers drop, turn or merge such, each in its own way.
func isUnsafe(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\\\"<>^`{|}", r) }

// inBrowser are schemes that a browser acts on by itself: a code must never be carried into one.
var inBrowser = []string{
	"javascript", "data", "vbscript", "file", "filesystem", "blob", "about", "view-source", "chrome", "resource", "jar", "mailto", "tel", "sms", "ws",
	"wss", "ftp", "intent", "content", "urn",
}

// redirectFault returns what is wrong with a redirect URI, or "". They are compared letter by letter later, so what two programs could read
// in two ways is refused here.
func redirectFault(uri string) string {
	if uri == OOB {
		return ""
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil, len(uri) > maxURI, strings.ContainsFunc(uri, isUnsafe):
		return "This is not an address, or one with characters that need to be percent-encoded."
	case u.Scheme == "":
		return "Redirect URI must be an absolute URI."
	case strings.Contains(uri, "#"):
		return "A redirect URI has no fragment."
	case slices.Contains(inBrowser, u.Scheme):
		return "Redirect URIs of this scheme are not taken."
	case u.User != nil || strings.Contains(u.Host, "@"):
		return "A redirect URI has no user name."
	case slices.ContainsFunc([]string{"code", "state", "error", "error_description", "iss"}, u.Query().Has):
		return "A redirect URI has no parameters of the names that the answer uses."
	case dotted(u.EscapedPath()):
		return "A redirect URI has no . or .. in its path."
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return "" // a scheme of the app's own, which the system of its device knows
	}
	switch host := u.Hostname(); {
	case host == "" || u.Opaque != "":
		return "Redirect URI must be an absolute URI."
	case strings.Contains(host, "*"):
		return "A redirect URI names one host."
	case u.Scheme == "http" && !isLoopback(host):
		return "A redirect URI begins with https://, or leads to the person's own machine."
	}
	return ""
}

// dotted reports whether a path has segments that mean another path.
func dotted(path string) bool {
	for seg := range strings.SplitSeq(strings.ReplaceAll(strings.ToLower(path), "%2e", "."), "/") {
		if seg == "." || seg == ".." {
			return true
		}
	}
	return false
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// within reports whether an app that registered for some scopes may be given others.
func within(registered, asked []string) bool {
	return !slices.ContainsFunc(asked, func(scope string) bool { return !access.Allows(registered, scope) })
}

// has reports whether the app registered a redirect URI, letter by letter.
func (a App) has(uri string) bool { return slices.Contains(a.RedirectURIs, uri) }

// fault is an error that an app is told of, by one of the words of RFC 6749, and in English alone: it is the app's makers who read this.
func fault(word, format string, args ...any) error {
	return refusal(errs.Invalid, word, format, args...)
}

// refusal is a fault of another kind than Invalid.
func refusal(kind errs.Kind, word, format string, args ...any) error {
	return errs.New(kind, format, args...).WithCode(word)
}

// The words.
const (
	invalidRequest       = "invalid_request"
	invalidClient        = "invalid_client"
	invalidGrant         = "invalid_grant"
	invalidScope         = "invalid_scope"
	unauthorizedClient   = "unauthorized_client"
	unsupportedGrant     = "unsupported_grant_type"
	unsupportedResponse  = "unsupported_response_type"
	accessDenied         = "access_denied"
	requestNotSupported  = "request_not_supported"
	requestURINotAllowed = "request_uri_not_supported"
)
