package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	contract "github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

const password = "correct horse battery"

func newService(t testing.TB, d *db.DB, opt Options) (*Service, *clock.Manual) {
	t.Helper()
	now := clock.NewManual(time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC))
	s := New(d, events.New(d, events.NewLocal()), id.NewSource(1), now.Now, opt)
	s.hasher = newHasher(2, cost{time: 1, memory: 8, threads: 1}) // what a hash costs is tested apart
	return s, now
}

func both(t *testing.T, test func(t *testing.T, d *db.DB)) {
	dbtest.Run(t, test, events.Schema, Schema)
}

func mustCreate(t testing.TB, s *Service, name string) SignedIn {
	t.Helper()
	out, err := s.Create(t.Context(), SignUp{Name: name, Email: name + "@example.org", Password: password, Handle: name}, Visit{IP: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// withCookie returns a request that a browser with the token would send.
func withCookie(s *Service, token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(s.cookie(token, 60))
	return r
}

func who(t testing.TB, s *Service, token string) access.Actor {
	t.Helper()
	a, _, err := s.Authenticate(withCookie(s, token))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestSignUpSignsInAndTellsTheLog(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		var guest string
		s, _ := newService(t, d, Options{OnSignIn: func(_ context.Context, _ *db.Tx, _ id.ID, g string) error { guest = g; return nil }})
		out, err := s.Create(t.Context(), SignUp{Name: " Zoë  Müller ", Email: "Zoe@Example.org", Password: password}, Visit{IP: "192.0.2.1", Guest: "g1"})
		if err != nil {
			t.Fatal(err)
		}
		want := access.Actor{ID: out.Account.ID, Handle: "zoe_muller", Name: "Zoë Müller", Roles: []access.Grant{}, Until: out.Session.ExpiresAt}
		if diff := cmp.Diff(want, who(t, s, out.Token)); diff != "" {
			t.Errorf("actor (-want +got):\n%s", diff)
		}
		if guest != "g1" {
			t.Errorf("the guest's cart was handed over as %q; want g1", guest)
		}
		list, err := s.log.Since(t.Context(), 0, 10)
		if err != nil || len(list) != 1 || list[0].Kind != contract.KindCreated {
			t.Errorf("events = %v, %v; want account.created", list, err)
		}
	})
}

func TestSignUpNamesEveryFaultAtItsField(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, events.Schema, Schema), Options{})
	mustCreate(t, s, "anna")
	for name, tc := range map[string]struct {
		in   SignUp
		want []string
	}{
		"nothing":         {SignUp{}, []string{"name", "email", "password"}},
		"all wrong":       {SignUp{Name: strings.Repeat("x", 61), Email: "x", Password: "short", Handle: "a b", Lang: "??", TZ: "Mars/Base"}, []string{"name", "email", "handle", "password", "lang", "tz"}},
		"own address":     {SignUp{Name: "B", Email: "berta@example.org", Password: "Berta@example.org"}, []string{"password"}},
		"guessed":         {SignUp{Name: "B", Email: "berta@example.org", Password: "Password"}, []string{"password"}},
		"too long":        {SignUp{Name: "B", Email: "berta@example.org", Password: strings.Repeat("x", MaxPassword+1)}, []string{"password"}},
		"handle reserved": {SignUp{Name: "B", Email: "berta@example.org", Password: password, Handle: "Admin"}, []string{"handle"}},
		"both taken":      {SignUp{Name: "A", Email: "ANNA@example.org", Password: password, Handle: "@Anna"}, []string{"email", "handle"}},
		"e-mail taken":    {SignUp{Name: "A", Email: "anna@example.org", Password: password}, []string{"email"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Create(t.Context(), tc.in, Visit{IP: "192.0.2.1"})
			e, ok := errors.AsType[*errs.Error](err)
			if !ok || e.Kind != errs.Invalid {
				t.Fatalf("Create = %v; want an invalid error", err)
			}
			var got []string
			for _, f := range e.Fields {
				got = append(got, f.Path)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOneOfManyWhoWantAHandleGetsIt(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s, _ := newService(t, d, Options{})
		var wg sync.WaitGroup
		errors := make([]error, 8)
		for i := range errors {
			wg.Go(func() {
				_, errors[i] = s.Create(t.Context(), SignUp{Name: "Anna", Email: fmt.Sprintf("a%d@example.org", i), Password: password, Handle: "anna"}, Visit{IP: "192.0.2.1"})
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errors {
			if err == nil {
				won++
			} else if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "handle is taken") {
				t.Errorf("a loser got %v; want the field error of a taken handle", err)
			}
		}
		if won != 1 {
			t.Errorf("%d got the handle; want 1", won)
		}
	})
}

func TestPeopleOfOneNameAllGetAHandle(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, events.Schema, Schema), Options{})
	seen := map[string]bool{}
	for i := range 5 {
		out, err := s.Create(t.Context(), SignUp{Name: "寿司", Email: fmt.Sprintf("a%d@example.org", i), Password: password}, Visit{IP: "192.0.2.1"})
		if err != nil {
			t.Fatal(err)
		}
		if h := out.Account.Handle; seen[h] || !strings.HasPrefix(h, "neighbour") {
			t.Errorf("handle %q", h)
		} else {
			seen[h] = true
		}
	}
}

func TestSignInAnswersTheSameForWrongPasswordsAndNobody(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s, _ := newService(t, d, Options{})
		mustCreate(t, s, "anna")
		if _, err := s.Add(t.Context(), Person{Handle: "nopass", Name: "N", Email: "nopass@example.org"}); err != nil {
			t.Fatal(err)
		}
		want := ""
		for _, tc := range [][2]string{
			{"anna", "wrong password"},
			{"anna@example.org", "wrong password"},
			{"nobody", password},
			{"nobody@example.org", password},
			{"nopass", password},
			{"anna", ""},
			{"", ""},
			{"anna", strings.Repeat("x", 10_000)},
			{"' OR 1=1 --", "x"},
			{"an\x00 na", password},
			{"\xff\xfe", "\x00"},
		} {
			_, err := s.SignIn(t.Context(), tc[0], tc[1], Visit{IP: "192.0.2.1"})
			if !errs.Is(err, errs.Unauthenticated) {
				t.Fatalf("SignIn(%q) = %v; want unauthenticated", tc[0], err)
			}
			if want == "" {
				want = err.Error()
			}
			if err.Error() != want {
				t.Errorf("SignIn(%q) says %q; others hear %q", tc[0], err, want)
			}
		}
		for _, login := range []string{"anna", "@Anna", "ANNA@example.org", " anna@example.org "} {
			if _, err := s.SignIn(t.Context(), login, password, Visit{IP: "192.0.2.1"}); err != nil {
				t.Errorf("SignIn(%q) = %v; want nil", login, err)
			}
		}
	})
}

func TestEverySignInMakesANewTokenAndEndsTheOldOne(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s, _ := newService(t, d, Options{})
		first := mustCreate(t, s, "anna")
		if !who(t, s, first.Token).SignedIn() {
			t.Fatal("the first session is not there")
		}
		second, err := s.SignIn(t.Context(), "anna", password, Visit{Old: first.Token})
		if err != nil {
			t.Fatal(err)
		}
		if second.Token == first.Token || who(t, s, first.Token).SignedIn() || !who(t, s, second.Token).SignedIn() {
			t.Error("the old session lives on, or the new one does not")
		}
	})
}

func TestAnEndedSessionIsDeadOnTheNextRequest(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s, _ := newService(t, d, Options{})
		a := mustCreate(t, s, "anna")
		in := func() SignedIn {
			t.Helper()
			out, err := s.SignIn(t.Context(), "anna", password, Visit{})
			if err != nil {
				t.Fatal(err)
			}
			if !who(t, s, out.Token).SignedIn() {
				t.Fatal("signed in, but not known")
			}
			return out
		}
		for name, end := range map[string]func(SignedIn) error{
			"sign out":            func(o SignedIn) error { return s.SignOut(t.Context(), o.Token) },
			"end one":             func(o SignedIn) error { return s.EndSession(t.Context(), a.Account.ID, o.Session.ID) },
			"sign out everywhere": func(SignedIn) error { return s.SignOutEverywhere(t.Context(), a.Account.ID, 0) },
			"suspended":           func(SignedIn) error { return s.Suspend(t.Context(), a.Account.ID) },
		} {
			if err := s.Reinstate(t.Context(), a.Account.ID); err != nil {
				t.Fatal(err)
			}
			o := in()
			if err := end(o); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if who(t, s, o.Token).SignedIn() {
				t.Errorf("%s: the cookie still works", name)
			}
		}
	})
}

func TestAChangeHoldsOnOtherNodesFromTheNextRequest(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		a, now := newService(t, d, Options{})
		bus := events.NewLocal()
		a.log = events.New(d, bus)
		b := New(d, events.New(d, bus), id.NewSource(2), now.Now, Options{})
		b.log.Watch(b.forget)
		news := make(chan string, 100) // b's cache has heard of what is in here: its watcher runs before this one
		b.log.Watch(func(list []events.Event) {
			for _, e := range list {
				news <- e.Kind
			}
		})
		for _, l := range []*events.Log{a.log, b.log} {
			go l.Run(t.Context())
		}
		heard := func(kind string) {
			t.Helper()
			for {
				select {
				case k := <-news:
					if k == kind {
						return
					}
				case <-time.After(10 * time.Second):
					t.Fatalf("node b heard nothing of %s", kind)
				}
			}
		}
		anna := mustCreate(t, a, "anna")
		heard(contract.KindCreated)
		if got := who(t, b, anna.Token); got.Has(access.RoleCourier) || !got.SignedIn() {
			t.Fatalf("actor on b = %v; want anna without roles", got)
		}
		g := access.Grant{Role: access.RoleCourier}
		if err := a.Grant(t.Context(), anna.Account.ID, g); err != nil {
			t.Fatal(err)
		}
		if !who(t, a, anna.Token).Has(access.RoleCourier) {
			t.Error("the role does not hold on the node that granted it")
		}
		heard(contract.KindChanged)
		if !who(t, b, anna.Token).Has(access.RoleCourier) {
			t.Error("the role does not hold on the other node")
		}
		if err := a.Revoke(t.Context(), anna.Account.ID, g); err != nil {
			t.Fatal(err)
		}
		heard(contract.KindChanged)
		if who(t, b, anna.Token).Has(access.RoleCourier) {
			t.Error("the role still holds on the other node")
		}
		if err := a.SignOut(t.Context(), anna.Token); err != nil {
			t.Fatal(err)
		}
		heard(contract.KindSessionEnded)
		if who(t, b, anna.Token).SignedIn() {
			t.Error("the cookie still works on the other node")
		}
	})
}

func TestAnEventThatIsLostIsMadeUpForWithin30Seconds(t *testing.T) {
	s, now := newService(t, dbtest.SQLite(t, events.Schema, Schema), Options{})
	other := New(s.db, s.log, id.NewSource(2), now.Now, Options{}) // does not watch the log
	anna := mustCreate(t, s, "anna")
	if !who(t, other, anna.Token).SignedIn() {
		t.Fatal("the other node does not know anna")
	}
	if err := s.SignOut(t.Context(), anna.Token); err != nil {
		t.Fatal(err)
	}
	now.Advance(rereadAfter)
	if who(t, other, anna.Token).SignedIn() {
		t.Error("the cookie still works after 30 s")
	}
}

func TestWhatIsReadBeforeADropIsNotKeptAfterIt(t *testing.T) {
	c := newCache()
	mark := c.begin()
	c.drop(7)
	c.put(digest{1}, entry{actor: access.Actor{ID: 7}}, mark)
	if _, ok := c.get(digest{1}); ok {
		t.Error("the cache keeps what it was told to forget")
	}
	c.put(digest{1}, entry{actor: access.Actor{ID: 7}}, c.begin())
	if _, ok := c.get(digest{1}); !ok {
		t.Error("the cache keeps nothing")
	}
}

func TestTheCacheIsBoundedAndKeepsWhatIsUsed(t *testing.T) {
	c := newCache()
	key := func(i int) (d digest) { d[0], d[1], d[2] = byte(i), byte(i>>8), byte(i>>16); return d }
	for i := range 5 * cacheHalf {
		c.put(key(i), entry{}, c.begin())
		if _, ok := c.get(key(0)); !ok {
			t.Fatalf("the session used all the time was forgotten after %d others", i)
		}
	}
	if n := len(c.young) + len(c.old); n > 2*cacheHalf {
		t.Errorf("%d sessions are kept; want at most %d", n, 2*cacheHalf)
	}
}

func TestSessionsEndUnusedAndInTheEndAnyway(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s, now := newService(t, d, Options{})
		unused, used := mustCreate(t, s, "anna"), mustCreate(t, s, "berta")
		for range 9 {
			now.Advance(19 * 24 * time.Hour)
			if !who(t, s, used.Token).SignedIn() {
				t.Fatal("a session in use ended early")
			}
		}
		if who(t, s, unused.Token).SignedIn() {
			t.Error("a session works after 171 days without use")
		}
		if list, err := s.Sessions(t.Context(), unused.Account.ID); err != nil || len(list) != 0 {
			t.Errorf("Sessions = %v, %v; want none", list, err)
		}
		now.Advance(9 * 24 * time.Hour)
		if who(t, s, used.Token).SignedIn() {
			t.Error("a session works after 180 days")
		}
		err := s.db.Write(t.Context(), func(tx *db.Tx) error {
			n, err := s.store.sweep(t.Context(), tx, now.Now())
			if n != 2 {
				t.Errorf("swept %d sessions; want 2", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestUseIsWrittenOnceAnHour(t *testing.T) {
	s, now := newService(t, dbtest.SQLite(t, events.Schema, Schema), Options{})
	anna := mustCreate(t, s, "anna")
	seen := func() time.Time {
		t.Helper()
		who(t, s, anna.Token)
		list, err := s.Sessions(t.Context(), anna.Account.ID)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		return list[0].SeenAt
	}
	start := now.Now()
	now.Advance(59 * time.Minute)
	if got := seen(); !got.Equal(start) {
		t.Errorf("seen at %v after 59 minutes; want %v", got, start)
	}
	if want := now.Advance(time.Minute); !seen().Equal(want) {
		t.Error("not seen after an hour")
	}
}

func TestTenWrongPasswordsCloseTheLoginForAWhile(t *testing.T) {
	s, now := newService(t, dbtest.SQLite(t, events.Schema, Schema), Options{})
	mustCreate(t, s, "anna")
	for _, login := range []string{"anna", "nobody"} { // the same for both: who is closed out learns nothing
		for range maxPerAccount {
			if _, err := s.SignIn(t.Context(), login, "wrong password", Visit{IP: "192.0.2.1"}); !errs.Is(err, errs.Unauthenticated) {
				t.Fatalf("%s: %v; want unauthenticated", login, err)
			}
		}
		_, err := s.SignIn(t.Context(), login, password, Visit{IP: "192.0.2.2"})
		e, ok := errors.AsType[*errs.Error](err)
		if !ok || e.Kind != errs.TooMany || e.Retry <= 0 || e.Retry > throttleWindow {
			t.Fatalf("%s: %v; want too many, with the time to wait", login, err)
		}
	}
	now.Advance(throttleWindow)
	if _, err := s.SignIn(t.Context(), "anna", password, Visit{IP: "192.0.2.2"}); err != nil {
		t.Errorf("after the window: %v", err)
	}
}

func TestOneAddressCannotTryManyLogins(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, events.Schema, Schema), Options{})
	mustCreate(t, s, "anna")
	for i := range maxPerIP {
		s.SignIn(t.Context(), fmt.Sprintf("user%d", i), "wrong password", Visit{IP: "192.0.2.9"})
	}
	if _, err := s.SignIn(t.Context(), "anna", password, Visit{IP: "192.0.2.9"}); !errs.Is(err, errs.TooMany) {
		t.Errorf("from the same address: %v; want too many", err)
	}
	if _, err := s.SignIn(t.Context(), "anna", password, Visit{IP: "192.0.2.1"}); err != nil {
		t.Errorf("from another address: %v", err)
	}
}

func TestWaitingToHashEndsWithTheRequest(t *testing.T) {
	h := newHasher(2, fullCost())
	for range 2 {
		if _, err := h.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := h.hash(ctx, password); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("hash with all slots taken = %v; want the deadline", err)
	}
}

func TestHashesAreArgon2idWithTheirCost(t *testing.T) {
	h := newHasher(1, fullCost())
	phc, err := h.hash(t.Context(), password)
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("hash = %q, %v", phc, err)
	}
	for pw, want := range map[string]bool{password: true, password + " ": false, "": false} {
		if ok, err := h.check(t.Context(), phc, pw); ok != want || err != nil {
			t.Errorf("check(%q) = %v, %v; want %v", pw, ok, err, want)
		}
	}
	if ok, err := h.check(t.Context(), "", ""); ok || err != nil {
		t.Errorf("an account without password was entered: %v, %v", ok, err)
	}
}

func TestANewPasswordEndsTheOtherSessions(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s, _ := newService(t, d, Options{})
		here := mustCreate(t, s, "anna")
		there, err := s.SignIn(t.Context(), "anna", password, Visit{})
		if err != nil {
			t.Fatal(err)
		}
		who(t, s, there.Token)
		if err := s.ChangePassword(t.Context(), here.Account.ID, here.Session.ID, "wrong password", "another good one"); !errs.Is(err, errs.Invalid) {
			t.Fatalf("with a wrong old password: %v; want invalid", err)
		}
		if err := s.ChangePassword(t.Context(), here.Account.ID, here.Session.ID, password, "another good one"); err != nil {
			t.Fatal(err)
		}
		if !who(t, s, here.Token).SignedIn() || who(t, s, there.Token).SignedIn() {
			t.Error("the session here ended, or the other one did not")
		}
		if _, err := s.SignIn(t.Context(), "anna", password, Visit{}); !errs.Is(err, errs.Unauthenticated) {
			t.Errorf("the old password: %v; want unauthenticated", err)
		}
		if _, err := s.SignIn(t.Context(), "anna", "another good one", Visit{}); err != nil {
			t.Errorf("the new password: %v", err)
		}
	})
}

func BenchmarkSessionHit(b *testing.B) {
	s, _ := newService(b, dbtest.SQLite(b, events.Schema, Schema), Options{})
	anna := mustCreate(b, s, "anna")
	who(b, s, anna.Token)
	ctx := b.Context()
	for b.Loop() {
		if e, err := s.lookup(ctx, anna.Token); err != nil || !e.actor.SignedIn() {
			b.Fatal(e, err)
		}
	}
}

func BenchmarkSessionMiss(b *testing.B) {
	s, now := newService(b, dbtest.SQLite(b, events.Schema, Schema), Options{})
	anna := mustCreate(b, s, "anna")
	ctx := b.Context()
	for b.Loop() {
		now.Advance(rereadAfter)
		if e, err := s.lookup(ctx, anna.Token); err != nil || !e.actor.SignedIn() {
			b.Fatal(e, err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	h := newHasher(2, fullCost())
	for b.Loop() {
		if _, err := h.hash(b.Context(), password); err != nil {
			b.Fatal(err)
		}
	}
}
