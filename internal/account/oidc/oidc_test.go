package oidc

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/notice"
	"github.com/stoa-town/stoa/internal/account/signup"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/fetch"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

// town is a service on a database, two providers, and Anna, who has an account.
type town struct {
	*Service
	now          *clock.Manual
	people       *account.Service
	anna         id.ID
	campus, club *fake
	visit        account.Visit
	byMail       bool
	mode         signup.Mode
	other        bool // whether there is another way in
	mu           sync.Mutex
	letters      []mail.Letter
}

// On and Send keep letters.
func (w *town) On() bool { return true }

func (w *town) Send(_ context.Context, _ *db.Tx, l mail.Letter) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.letters = append(w.letters, l)
	return nil
}

func newTown(t testing.TB, d *db.DB) *town {
	t.Helper()
	w := &town{
		now: clock.NewManual(time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)), visit: account.Visit{IP: "192.0.2.1", Browser: id.Secret()},
		other: true, mode: signup.Open,
	}
	w.campus, w.club = newFake(t, 0, w.now.Now), newFake(t, 1, w.now.Now)
	ids := id.NewSource(1)
	w.people = account.New(d, events.New(d, events.NewLocal()), ids, w.now.Now, account.Options{})
	home := func() string { return "https://food.example.org" }
	door := signup.New(d, ids, w.now.Now, w.people, w, signup.Options{
		Mode: func() signup.Mode { return w.mode }, ByMail: func() bool { return w.byMail }, Rules: func() string { return "" }, URL: home,
	})
	secret := func() (string, error) { return "s3cret", nil }
	w.Service = New(Deps{
		DB: d, IDs: ids, Now: w.now.Now, Clock: w.now.Now, People: w.people, Tell: notice.New(w, audit.New(d, ids, w.now.Now), home), Door: door,
		Client: fetch.New(fetch.Options{AllowLoopback: true}).HTTP(), Log: slog.New(slog.DiscardHandler),
	}, Options{
		Providers: []Provider{
			{Name: "Riverside Campus", Issuer: w.campus.URL, ClientID: "stoa", Secret: secret, Scopes: []string{"openid", "profile", "email"}},
			{Name: "Chess Club", Issuer: w.club.URL, ClientID: "stoa", Secret: secret},
		},
		URL: home, OtherWay: func(context.Context, *db.Tx, id.ID) (bool, error) { return w.other, nil },
	})
	list, err := w.people.Add(t.Context(), account.Person{Handle: "anna", Name: "Anna", Email: "anna@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	w.anna = list[0]
	return w
}

func both(t *testing.T, test func(t *testing.T, w *town)) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, newTown(t, d)) }, events.Schema, audit.Schema, account.Schema, Schema)
}

func lite(t *testing.T) *town {
	return newTown(t, dbtest.SQLite(t, events.Schema, audit.Schema, account.Schema, Schema))
}

func (w *town) at(f *fake) Provider {
	for _, p := range w.opt.Providers {
		if p.Issuer == f.URL {
			return p
		}
	}
	panic("no such provider")
}

// leave sends the browser to a provider to sign in.
func (w *town) leave(t testing.TB, f *fake) string {
	t.Helper()
	address, err := w.begin(t.Context(), w.at(f), 0, 0, "/orders", w.visit.Browser)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// comeBack returns whom the provider has introduced.
func (w *town) comeBack(t testing.TB, f *fake, who claimSet) came {
	t.Helper()
	got, err := w.finish(t.Context(), w.at(f), f.arrive(t, w.leave(t, f), who), w.visit.Browser)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func refused(t testing.TB, err error, code string) {
	t.Helper()
	if got := errs.CodeOf(err); got != code {
		t.Errorf("error = %v with code %q; want %q", err, got, code)
	}
}

var (
	zoe     = claimSet{"sub": "z-1", "email": "zoe@example.org", "email_verified": true, "name": "Zoë Müller", "preferred_username": "Zoe.M@campus"}
	thief   = claimSet{"sub": "t-1", "email": "anna@example.org", "email_verified": true, "name": "Anna"}
	unknown = claimSet{"sub": "u-1", "email": "ulf@example.org", "name": "Ulf"}
)

func TestSomebodyNewGetsAnAccountAndThenComesInByIt(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		got := w.comeBack(t, w.campus, zoe)
		want := person{Issuer: w.campus.URL, Subject: "z-1", Email: "zoe@example.org", Verified: true, Name: "Zoë Müller", Handle: "zoe_m"}
		if diff := cmp.Diff(want, got.person); diff != "" {
			t.Errorf("person (-want +got):\n%s", diff)
		}
		if got.flow.Next != "/orders" {
			t.Errorf("then on to %q; want /orders", got.flow.Next)
		}
		if _, err := w.enter(t.Context(), got.person, w.visit); !errs.Is(err, errs.NotFound) {
			t.Fatalf("before there is an account = %v; want not found", err)
		}
		ticket, err := w.invite(t.Context(), got.person, "/orders", w.visit.Browser)
		if err != nil {
			t.Fatal(err)
		}
		ask := signup.Request{SignUp: account.SignUp{Name: "Zoë", Email: "other@example.org", Handle: "zoe_m"}}
		out, made, err := w.join(t.Context(), ticket, ask, w.visit)
		if err != nil || !made || out.Token == "" || out.Account.Email != "zoe@example.org" {
			t.Fatalf("join = %+v, %t, %v; want an account at the proven address", out.Account, made, err)
		}
		if _, _, err := w.join(t.Context(), ticket, ask, w.visit); errs.CodeOf(err) != "oidc_over" {
			t.Errorf("the same form once more = %v; want it refused", err)
		}
		in, err := w.enter(t.Context(), w.comeBack(t, w.campus, zoe).person, w.visit)
		if err != nil || in.Account.ID != out.Account.ID || in.Token == "" {
			t.Errorf("the next time: %v as %d; want Zoë's account %d", err, in.Account.ID, out.Account.ID)
		}
	})
}

func TestAnAddressOpensNobodysAccount(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		got := w.comeBack(t, w.campus, thief)
		if in, err := w.enter(t.Context(), got.person, w.visit); !errs.Is(err, errs.NotFound) {
			t.Fatalf("Anna's address from a provider = %v, %v; want nobody known", in.Account, err)
		}
		ticket, err := w.invite(t.Context(), got.person, "/", w.visit.Browser)
		if err != nil {
			t.Fatal(err)
		}
		_, made, err := w.join(t.Context(), ticket, signup.Request{SignUp: account.SignUp{Name: "Anna"}}, w.visit)
		if made || !errs.Is(err, errs.Invalid) {
			t.Errorf("a second account at Anna's address = %t, %v; want an invalid error", made, err)
		}
		if list, err := w.List(t.Context(), w.anna); err != nil || len(list) != 0 {
			t.Errorf("Anna's connections = %v, %v; want none", list, err)
		}
		// Anna herself signs in, and connects the two.
		if _, err := w.accept(t.Context(), ticket, id.Secret(), w.anna); errs.CodeOf(err) != "oidc_over" {
			t.Errorf("a ticket of another browser = %v; want it refused", err)
		}
		ticket, err = w.invite(t.Context(), got.person, "/", w.visit.Browser)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.accept(t.Context(), ticket, w.visit.Browser, w.anna); err != nil {
			t.Fatal(err)
		}
		if in, err := w.enter(t.Context(), w.comeBack(t, w.campus, thief).person, w.visit); err != nil || in.Account.ID != w.anna {
			t.Errorf("after Anna has connected it: %d, %v; want Anna", in.Account.ID, err)
		}
		if last := w.letters[len(w.letters)-1]; last.To != "anna@example.org" || last.Kind != "identity.add" {
			t.Errorf("the last letter = %+v; want one to Anna about the connection", last)
		}
	})
}

// An account that somebody made ahead with another's address and a connection of their own must not become a trap for its owner; and the
// same subject of another provider is another person.
func TestOneProvidersSubjectIsNobodyAtTheOther(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		if err := w.connect(t.Context(), w.anna, person{Issuer: w.campus.URL, Subject: "z-1"}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.enter(t.Context(), w.comeBack(t, w.club, zoe).person, w.visit); !errs.Is(err, errs.NotFound) {
			t.Errorf("the same subject of another provider = %v; want nobody known", err)
		}
		if in, err := w.enter(t.Context(), w.comeBack(t, w.campus, zoe).person, w.visit); err != nil || in.Account.ID != w.anna {
			t.Errorf("the subject that Anna has connected: %d, %v; want Anna", in.Account.ID, err)
		}
	})
}

func TestAnAddressThatNobodyHasProvenIsConfirmedByLetter(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		w.byMail = true
		for _, who := range []claimSet{unknown, {"sub": "v-1", "email": "anna@example.org", "email_verified": "false"}} {
			ticket, err := w.invite(t.Context(), w.comeBack(t, w.campus, who).person, "/", w.visit.Browser)
			if err != nil {
				t.Fatal(err)
			}
			out, made, err := w.join(t.Context(), ticket, signup.Request{SignUp: account.SignUp{Name: "Ulf", Email: who["email"].(string)}}, w.visit)
			if err != nil || made || out.Token != "" {
				t.Errorf("join = %t, %v with token %q; want a letter only", made, err, out.Token)
			}
		}
		if len(w.letters) != 2 || w.letters[0].To != "ulf@example.org" || w.letters[1].To != "anna@example.org" {
			t.Fatalf("letters = %+v; want one to each address", w.letters)
		}
		if list, err := w.List(t.Context(), w.anna); err != nil || len(list) != 0 {
			t.Errorf("Anna's connections = %v, %v; want none", list, err)
		}
	})
}

func TestTheTownsRulesForJoiningHold(t *testing.T) {
	w := lite(t)
	ask := signup.Request{SignUp: account.SignUp{Name: "Zoë"}}
	begin := func() string {
		ticket, err := w.invite(t.Context(), w.comeBack(t, w.campus, zoe).person, "/", w.visit.Browser)
		if err != nil {
			t.Fatal(err)
		}
		return ticket
	}
	w.mode = signup.ByInvite
	if _, made, err := w.join(t.Context(), begin(), ask, w.visit); made || !errs.Is(err, errs.Invalid) {
		t.Errorf("without an invitation = %t, %v; want an invalid error", made, err)
	}
	w.mode = signup.Approval
	out, made, err := w.join(t.Context(), begin(), ask, w.visit)
	if err != nil || !made || out.Token != "" {
		t.Errorf("where an admin decides = %t, %v with token %q; want an account that waits", made, err, out.Token)
	}
	if _, err := w.enter(t.Context(), w.comeBack(t, w.campus, zoe).person, w.visit); !errs.Is(err, errs.Forbidden) {
		t.Errorf("before the admin has decided = %v; want a forbidden error", err)
	}
}

func TestAnswersThatDoNotHoldAreRefused(t *testing.T) {
	strange := keys[2]()
	for name, tc := range map[string]struct {
		lie   func(w *town, c claimSet)
		forge func(w *town) func(claimSet) string
	}{
		"another nonce":                {lie: func(_ *town, c claimSet) { c["nonce"] = "x" }},
		"no nonce":                     {lie: func(_ *town, c claimSet) { delete(c, "nonce") }},
		"for somebody else":            {lie: func(_ *town, c claimSet) { c["aud"] = "shop" }},
		"for several, by another":      {lie: func(_ *town, c claimSet) { c["aud"], c["azp"] = []string{"stoa", "shop"}, "shop" }},
		"for several, by nobody named": {lie: func(_ *town, c claimSet) { c["aud"] = []string{"stoa", "shop"} }},
		"of another issuer":            {lie: func(w *town, c claimSet) { c["iss"] = w.club.URL }},
		"too old":                      {lie: func(w *town, c claimSet) { c["exp"] = w.now.Now().Add(-time.Second).Unix() }},
		"without an end":               {lie: func(_ *town, c claimSet) { delete(c, "exp") }},
		"of the future":                {lie: func(w *town, c claimSet) { c["iat"] = w.now.Now().Add(time.Hour).Unix() }},
		"not yet good":                 {lie: func(w *town, c claimSet) { c["nbf"] = w.now.Now().Add(time.Hour).Unix() }},
		"about nobody":                 {lie: func(_ *town, c claimSet) { delete(c, "sub") }},
		"about an endless name":        {lie: func(_ *town, c claimSet) { c["sub"] = strings.Repeat("x", maxSubject+1) }},
		"with another access token":    {lie: func(_ *town, c claimSet) { c["at_hash"] = "xxxxxxxxxxxxxxxxxxxxxx" }},
		"unsigned":                     {forge: func(*town) func(claimSet) string { return unsigned }},
		"signed by the public key":     {forge: func(w *town) func(claimSet) string { return w.campus.symmetric }},
		"signed by a stranger":         {forge: func(*town) func(claimSet) string { return func(c claimSet) string { return signWith(strange, c) } }},
		"signed by the other provider": {forge: func(w *town) func(claimSet) string { return w.club.sign }},
		"no token":                     {forge: func(*town) func(claimSet) string { return func(claimSet) string { return "" } }},
		"changed after signing": {forge: func(w *town) func(claimSet) string {
			return func(c claimSet) string {
				parts := strings.Split(w.campus.sign(c), ".")
				c["sub"] = "admin"
				return parts[0] + "." + part(c) + "." + parts[2]
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := lite(t)
			if tc.lie != nil {
				w.campus.lie = func(c claimSet) { tc.lie(w, c) }
			}
			if tc.forge != nil {
				w.campus.forge = tc.forge(w)
			}
			_, err := w.finish(t.Context(), w.at(w.campus), w.campus.arrive(t, w.leave(t, w.campus), zoe), w.visit.Browser)
			refused(t, err, "oidc_refused")
			if w.campus.tokens != 1 {
				t.Errorf("%d tokens were given; want the one that is refused", w.campus.tokens)
			}
		})
	}
}

func TestAnswersToAnotherQuestionAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		code string
		do   func(t *testing.T, w *town) error
	}{
		"sent twice": {"oidc_over", func(t *testing.T, w *town) error {
			in := w.campus.arrive(t, w.leave(t, w.campus), zoe)
			if _, err := w.finish(t.Context(), w.at(w.campus), in, w.visit.Browser); err != nil {
				t.Fatal(err)
			}
			_, err := w.finish(t.Context(), w.at(w.campus), in, w.visit.Browser)
			return err
		}},
		"in another browser": {"oidc_over", func(t *testing.T, w *town) error {
			_, err := w.finish(t.Context(), w.at(w.campus), w.campus.arrive(t, w.leave(t, w.campus), zoe), id.Secret())
			return err
		}},
		"in a browser without a name": {"oidc_over", func(t *testing.T, w *town) error {
			_, err := w.finish(t.Context(), w.at(w.campus), w.campus.arrive(t, w.leave(t, w.campus), zoe), "")
			return err
		}},
		"too late": {"oidc_over", func(t *testing.T, w *town) error {
			in := w.campus.arrive(t, w.leave(t, w.campus), zoe)
			w.now.Advance(flowFor)
			_, err := w.finish(t.Context(), w.at(w.campus), in, w.visit.Browser)
			return err
		}},
		"that nobody asked": {"oidc_over", func(t *testing.T, w *town) error {
			in := w.campus.arrive(t, w.leave(t, w.campus), zoe)
			in.State = id.Secret()
			_, err := w.finish(t.Context(), w.at(w.campus), in, w.visit.Browser)
			return err
		}},
		"put to another provider": {"oidc_refused", func(t *testing.T, w *town) error {
			in := w.campus.arrive(t, w.leave(t, w.campus), zoe)
			_, err := w.finish(t.Context(), w.at(w.club), in, w.visit.Browser)
			if w.club.tokens != 0 {
				t.Error("the code of one provider was shown to the other")
			}
			return err
		}},
		"by who says it is another": {"oidc_refused", func(t *testing.T, w *town) error {
			in := w.campus.arrive(t, w.leave(t, w.campus), zoe)
			in.Issuer = w.club.URL
			_, err := w.finish(t.Context(), w.at(w.campus), in, w.visit.Browser)
			return err
		}},
		"by who does not say who it is, though it always does": {"oidc_refused", func(t *testing.T, w *town) error {
			w.campus.about["authorization_response_iss_parameter_supported"] = true
			_, err := w.finish(t.Context(), w.at(w.campus), w.campus.arrive(t, w.leave(t, w.campus), zoe), w.visit.Browser)
			return err
		}},
		"with the code of another sign-in": {"oidc_refused", func(t *testing.T, w *town) error {
			other := w.campus.arrive(t, w.leave(t, w.campus), thief)
			in := w.campus.arrive(t, w.leave(t, w.campus), zoe)
			in.Code = other.Code
			_, err := w.finish(t.Context(), w.at(w.campus), in, w.visit.Browser)
			return err
		}},
		"that says no": {"oidc_denied", func(t *testing.T, w *town) error {
			in := w.campus.arrive(t, w.leave(t, w.campus), zoe)
			in.Code, in.Error = "", "access_denied"
			_, err := w.finish(t.Context(), w.at(w.campus), in, w.visit.Browser)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := lite(t)
			refused(t, tc.do(t, w), tc.code)
		})
	}
}

func TestAConnectionBelongsToOneAccount(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		list, err := w.people.Add(t.Context(), account.Person{Handle: "berta", Name: "Berta", Email: "berta@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		who := person{Issuer: w.campus.URL, Subject: "z-1"}
		if err := w.connect(t.Context(), w.anna, who); err != nil {
			t.Fatal(err)
		}
		refused(t, w.connect(t.Context(), list[0], who), "oidc_taken")
		if err := w.connect(t.Context(), w.anna, who); err != nil {
			t.Errorf("one's own once more: %v", err)
		}
		mine, err := w.List(t.Context(), w.anna)
		if err != nil || len(mine) != 1 {
			t.Fatalf("Anna's connections = %v, %v; want one", mine, err)
		}
		if err := w.Remove(t.Context(), list[0], mine[0].ID); !errs.Is(err, errs.NotFound) {
			t.Errorf("removing another's = %v; want not found", err)
		}
		w.other = false
		refused(t, w.Remove(t.Context(), w.anna, mine[0].ID), "last_way_in")
		w.other = true
		if err := w.Remove(t.Context(), w.anna, mine[0].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.enter(t.Context(), who, w.visit); !errs.Is(err, errs.NotFound) {
			t.Errorf("after it was removed = %v; want nobody known", err)
		}
	})
}

func TestLockingStrangersOutEndsTheConnectionsTheyMayHaveMade(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		old, fresh := person{Issuer: w.campus.URL, Subject: "z-1"}, person{Issuer: w.club.URL, Subject: "t-1"}
		if err := w.connect(t.Context(), w.anna, old); err != nil {
			t.Fatal(err)
		}
		w.now.Advance(notice.Recent + time.Hour)
		if err := w.connect(t.Context(), w.anna, fresh); err != nil {
			t.Fatal(err)
		}
		if err := w.DB.Write(t.Context(), func(tx *db.Tx) error { return w.Estrange(t.Context(), tx, w.anna) }); err != nil {
			t.Fatal(err)
		}
		if _, err := w.enter(t.Context(), old, w.visit); err != nil {
			t.Errorf("a connection from before: %v", err)
		}
		if _, err := w.enter(t.Context(), fresh, w.visit); !errs.Is(err, errs.NotFound) {
			t.Errorf("a connection of that week = %v; want nobody known", err)
		}
	})
}

func TestAProviderThatLiesAboutItselfIsNotUsed(t *testing.T) {
	for name, about := range map[string]map[string]any{
		"another issuer":  {"issuer": "https://accounts.example.org"},
		"a script":        {"authorization_endpoint": "javascript:alert(1)"},
		"no address":      {"authorization_endpoint": ""},
		"nothing of keys": {"jwks_uri": ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := lite(t)
			w.campus.about = about
			address, err := w.begin(t.Context(), w.at(w.campus), 0, 0, "/", w.visit.Browser)
			if err == nil { // it is found out when it is asked for its keys
				_, err = w.finish(t.Context(), w.at(w.campus), w.campus.arrive(t, address, zoe), w.visit.Browser)
			}
			if !errs.Is(err, errs.Unavailable) && !errs.Is(err, errs.Unauthenticated) {
				t.Errorf("error = %v; want it refused", err)
			}
		})
	}
}

func TestAProviderThatIsDownIsSaidSoAndComesBack(t *testing.T) {
	w := lite(t)
	w.campus.down = true
	if _, err := w.begin(t.Context(), w.at(w.campus), 0, 0, "/", w.visit.Browser); !errs.Is(err, errs.Unavailable) {
		t.Errorf("error = %v; want unavailable", err)
	}
	w.campus.down = false
	got := w.comeBack(t, w.campus, zoe)
	w.now.Advance(2 * sourceFor)
	w.campus.down = true
	if _, err := w.begin(t.Context(), w.at(w.campus), 0, 0, "/", w.visit.Browser); err != nil || got.person.Subject != "z-1" {
		t.Errorf("known from before: %v; want what it said then to do", err)
	}
}

func TestTheWayOutSaysWhereToComeBackTo(t *testing.T) {
	w := lite(t)
	u, err := url.Parse(w.leave(t, w.campus))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if got := q.Get("redirect_uri"); got != "https://food.example.org/sign-in/with/riverside-campus/callback" {
		t.Errorf("redirect_uri = %q", got)
	}
	if got := q.Get("scope"); got != "openid profile email" {
		t.Errorf("scope = %q", got)
	}
}

func TestClaimsAreReadWhateverTheirShape(t *testing.T) {
	for in, want := range map[string]person{
		`{"sub":"1","email":"A@Example.org","email_verified":"true"}`:                       {Subject: "1", Email: "a@example.org", Verified: true},
		`{"sub":"1","email":"no address","email_verified":true}`:                            {Subject: "1"},
		`{"sub":"1","email":"a@example.org","email_verified":1}`:                            {Subject: "1", Email: "a@example.org"},
		`{"sub":"1","email":"a@example.org","email_verified":null}`:                         {Subject: "1", Email: "a@example.org"},
		`{"sub":"1","name":"  A\u0000\u202e  B ","preferred_username":"a b@c","aud":["x"]}`: {Subject: "1", Name: "A B", Handle: "a_b"},
	} {
		var c claims
		if err := json.Unmarshal([]byte(in), &c); err != nil {
			t.Fatalf("%s: %v", in, err)
		}
		if diff := cmp.Diff(want, personOf("", c)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}
