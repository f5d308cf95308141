// Package account is the people of a town: who they are, how they sign in, and which roles they hold.
//
// A person signs in with e-mail or handle and a password and is then known by a session: a random token in a cookie (or in an
// Authorization header, for apps), of which the database holds only the SHA-256. Service.Middleware turns it into the access.Actor that
// all other slices see. Sessions are kept in memory for a short time; every change of an account drops them on all nodes by an event.
package account

import (
	"context"
	"embed"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/stoa-town/stoa/internal/account/common"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// Limits of what people may write.
const (
	MaxName     = 60  // characters
	MinPassword = 8   // characters
	MaxPassword = 256 // bytes: a longer one is no safer, and hashing it is work
	maxDevice   = 120 // characters of a browser's or token's name that are kept
)

// How long a session lasts unused, and at most. A token made by an operator lasts until it is revoked.
const (
	SessionIdle = 30 * 24 * time.Hour
	SessionMax  = 180 * 24 * time.Hour
)

// State says whether an account may be used.
type State string

// The states. A suspended account is signed out everywhere and can't sign in.
const (
	Active    State = "active"
	Suspended State = "suspended"
	Pending   State = "pending" // has signed up and waits for an admin's word: can't sign in
	Leaving   State = "leaving" // has asked for its deletion, and may use the account until then
)

// Account is a person.
type Account struct {
	ID        id.ID
	Handle    string // unique, [a-z0-9_]
	Name      string
	Email     string
	Lang      string // BCP 47
	TZ        string // IANA; empty: the town's
	State     State
	Frozen    bool // moderators keep the owner out, while others still see what they wrote
	CreatedAt time.Time
	Roles     []access.Grant
}

// Kind tells sessions from tokens.
type Kind string

// The kinds: a sign-in of a person, and a token that an operator made for an app.
const (
	KindSession Kind = "session"
	KindToken   Kind = "token"
)

// Session is a sign-in or a token, without its secret.
type Session struct {
	ID        id.ID
	Account   id.ID
	App       id.ID // the OAuth application that holds the token; 0: none
	Kind      Kind
	Device    string   // the browser as it names itself, or the token's name
	Scopes    []string // nil: everything
	IP        string   // where the sign-in came from; empty for tokens
	CreatedAt time.Time
	SeenAt    time.Time // to the hour
	ExpiresAt time.Time // zero: never
	AuthAt    time.Time // when the person last proved in it who they are; zero: never
}

// fresh reports whether the person has proven who they are shortly before now.
func (s Session) fresh(now time.Time) bool {
	return !s.AuthAt.IsZero() && now.Sub(s.AuthAt) < FreshFor
}

// alive reports whether the session may still be used at now.
func (s Session) alive(now time.Time) bool {
	if !s.ExpiresAt.IsZero() && !now.Before(s.ExpiresAt) {
		return false
	}
	return s.Kind == KindToken || now.Sub(s.SeenAt) < SessionIdle
}

// actor returns who acts when somebody shows the session of this account.
func (a Account) actor(s Session) access.Actor {
	return access.Actor{ID: a.ID, Handle: a.Handle, Name: a.Name, Roles: a.Roles, App: s.App, Scopes: s.Scopes, Until: s.ExpiresAt}
}

// Visit is where a sign-up or sign-in comes from.
type Visit struct {
	IP      string // for the throttle
	Device  string // the browser as it names itself
	Browser string // the secret that the browser is known by, see Service.Browser; empty: none, as with apps
	Guest   string // the guest's cart token, handed to Options.OnSignIn; empty: none
	Old     string // the token that the browser held before; it ends with the new sign-in
}

// SignUp is what somebody writes to get an account.
type SignUp struct {
	Name     string
	Email    string
	Password string
	Handle   string // empty: made from the name
	Lang     string // empty: "en"
	TZ       string // empty: the town's
	Without  bool   // allows no password: the person signs in by letter or passkey
}

// clean returns the sign-up in the form it is stored, or an Invalid error with all its faults. An operator may give reserved handles.
func (in SignUp) clean(operator bool) (SignUp, error) {
	var wrong []errs.Field
	fault := func(path, msg string) { wrong = append(wrong, errs.Field{Path: path, Message: msg}) }
	in.Name = text.Clean(in.Name, MaxName+1)
	if msg := checkName(in.Name); msg != "" {
		fault("name", msg)
	}
	email, ok := text.Email(in.Email)
	if !ok {
		fault("email", i18n.Key("Write an e-mail address like anna@example.org."))
	}
	in.Email = email
	in.Handle = normHandle(in.Handle)
	if in.Handle != "" {
		if msg := checkHandle(in.Handle, operator); msg != "" {
			fault("handle", msg)
		}
	}
	if msg := CheckPassword(in.Password, email, in.Handle, in.Name); msg != "" && (in.Password != "" || !in.Without) {
		fault("password", msg)
	}
	if in.Lang == "" {
		in.Lang = "en"
	}
	if msg := checkLang(in.Lang); msg != "" {
		fault("lang", msg)
	}
	if msg := checkTZ(in.TZ); msg != "" {
		fault("tz", msg)
	}
	return in, errs.InvalidFields(wrong)
}

// reserved are handles under which somebody could pass as the server.
var reserved = []string{
	"stoa", "admin", "administrator", "root", "support", "help", "moderator", "mod", "staff", "system", "api", "me", "account", "accounts", "security",
	"everyone", "all", "here", "team", "official", "operator", "owner", "service", "info", "contact", "abuse", "postmaster", "webmaster", "hostmaster",
	"noreply", "no_reply", "mailer_daemon", "courier", "couriers", "dispatch", "dispatcher", "kitchen", "restaurant", "restaurants", "customer",
	"orders", "payment", "payments", "payout", "billing", "refund", "town", "neighbour", "neighbours", "privacy", "rules", "sign_in", "sign_up", "null",
	"undefined", "anonymous", "nobody", "deleted", "gone", "test", "instance", "actor", "relay", "news",
}

// handleTaken is said of a handle that somebody has.
var handleTaken = i18n.Key("This handle is taken. Choose another.")

func normHandle(handle string) string {
	return strings.ToLower(strings.TrimPrefix(strings.TrimSpace(handle), "@"))
}

// checkHandle returns what is wrong with a handle, or "". An operator may give reserved ones.
func checkHandle(handle string, operator bool) string {
	switch {
	case !text.Handle(handle):
		return i18n.Key("Use 2 to 30 letters a–z, digits and _.")
	case !operator && (slices.Contains(reserved, handle) || strings.HasPrefix(handle, "gone_")):
		return i18n.Key("This handle is kept for the town itself.")
	}
	return ""
}

func checkName(name string) string {
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return i18n.Key("Write the name that others see.")
	case n > MaxName:
		return i18n.Key("A name has at most 60 characters.")
	}
	return ""
}

// CheckPassword returns what is wrong with a new password, or "". Length counts, mixture does not.
func CheckPassword(password string, own ...string) string {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return i18n.Key("Use at least 8 characters.")
	case len(password) > MaxPassword:
		return i18n.Key("Use at most 256 characters.")
	case common.Password(password):
		return i18n.Key("This is one of the first passwords that thieves try. Choose another.")
	}
	for _, o := range own {
		if o != "" && strings.EqualFold(password, o) {
			return i18n.Key("Choose a password that is not your name or address.")
		}
	}
	return ""
}

func checkLang(lang string) string {
	if _, err := language.Parse(lang); err != nil || len(lang) > 35 {
		return i18n.Key("This is not a language tag such as en or de-AT.")
	}
	return ""
}

func checkTZ(tz string) string {
	if tz == "" {
		return ""
	}
	// "Local" is where the server stands, and a path is no time zone.
	if _, err := time.LoadLocation(tz); err != nil || tz == "Local" || len(tz) > 64 {
		return i18n.Key("This is not a time zone such as Europe/Vienna.")
	}
	return ""
}

// handleFrom returns a handle made from a name: "Zoë Müller" gives "zoe_muller"; "neighbour" where nothing is left of it.
func handleFrom(name string) string {
	h := strings.ReplaceAll(text.Slug(name, 24), "-", "_")
	if !text.Handle(h) || slices.Contains(reserved, h) {
		return "neighbour"
	}
	return h
}

// Profile is a change of one's own account; nil leaves a field as it is.
type Profile struct {
	Name *string
	Lang *string
	TZ   *string
}

// apply returns a with the changes, or an Invalid error with all their faults.
func (p Profile) apply(a Account) (Account, error) {
	var wrong []errs.Field
	set := func(path string, in *string, out *string, max int, check func(string) string) {
		if in == nil {
			return
		}
		*out = text.Clean(*in, max)
		if msg := check(*out); msg != "" {
			wrong = append(wrong, errs.Field{Path: path, Message: msg})
		}
	}
	set("name", p.Name, &a.Name, MaxName+1, checkName)
	set("lang", p.Lang, &a.Lang, 36, checkLang)
	set("tz", p.TZ, &a.TZ, 65, checkTZ)
	return a, errs.InvalidFields(wrong)
}

// checkGrant returns an Invalid error for a role that does not exist or lacks its restaurant.
func checkGrant(g access.Grant) error {
	if !slices.Contains(access.Roles, g.Role) {
		return errs.InvalidField("role", "There is no role %q.", g.Role)
	}
	if g.Role.OfPlace() != (g.Place != 0) {
		return errs.InvalidField("role", "Owner and staff are roles at a restaurant, like staff:luigi; the others are roles in the town.")
	}
	return nil
}

// DeviceName returns what a person calls a browser or app that names itself so: "Firefox on Android".
func DeviceName(ctx context.Context, agent string) string {
	switch {
	case agent == "":
		return i18n.T(ctx, "Unnamed device")
	case !strings.HasPrefix(agent, "Mozilla/"):
		return agent
	}
	browser := pick(agent, i18n.T(ctx, "Browser"), "Edg", "Edge", "OPR", "Opera", "SamsungBrowser", "Samsung Internet", "Firefox", "Firefox", "FxiOS", "Firefox",
		"CriOS", "Chrome", "Chrome", "Chrome", "Safari", "Safari")
	device := pick(agent, i18n.T(ctx, "a device"), "iPhone", "iPhone", "iPad", "iPad", "Android", "Android", "Windows", "Windows", "CrOS", "Chromebook",
		"Mac OS", "Mac", "Linux", "Linux")
	return i18n.T(ctx, "%s on %s", browser, device)
}

// pick returns the word that follows the first mark found in s, in the order given.
func pick(s, otherwise string, marksAndWords ...string) string {
	for i := 0; i+1 < len(marksAndWords); i += 2 {
		if strings.Contains(s, marksAndWords[i]) {
			return marksAndWords[i+1]
		}
	}
	return otherwise
}
