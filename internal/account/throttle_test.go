package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// counted returns how many tries of a key are counted.
func counted(t *testing.T, s *Service, key string) (n int) {
	t.Helper()
	err := s.db.Read(t.Context(), func(tx *db.Tx) (err error) {
		n, _, err = s.store.tried(t.Context(), tx, key, throttleWindow, s.now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAThousandTriesGetTenLooksAndTheOwnerStillComesIn(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s, _ := newService(t, d, Options{})
		home := Visit{IP: "192.0.2.1", Browser: id.Secret()}
		anna := mustCreate(t, s, "anna")
		if _, err := s.SignIn(t.Context(), "anna", password, home); err != nil {
			t.Fatal(err)
		}
		// From 500 addresses, by handle and by e-mail, 32 at a time.
		var looked, told atomic.Int64
		var wg sync.WaitGroup
		work := make(chan int)
		for range 32 {
			wg.Go(func() {
				for i := range work {
					login := []string{"anna", "anna@example.org"}[i%2]
					_, err := s.SignIn(t.Context(), login, fmt.Sprintf("guess %d", i), Visit{IP: fmt.Sprintf("198.51.%d.%d", i%2, i/4)})
					switch errs.KindOf(err) {
					case errs.Unauthenticated:
						looked.Add(1)
					case errs.TooMany:
						told.Add(1)
					default:
						t.Errorf("try %d: %v", i, err)
					}
				}
			})
		}
		for i := range 1000 {
			work <- i
		}
		close(work)
		wg.Wait()
		if n := counted(t, s, accountKey(anna.Account.ID)); n != maxPerAccount || looked.Load() > 2*maxPerAccount || looked.Load()+told.Load() != 1000 {
			t.Errorf("%d tries were looked at, %d answered as wrong, %d refused; want %d looked at", n, looked.Load(), told.Load(), maxPerAccount)
		}
		if _, err := s.SignIn(t.Context(), "anna", password, Visit{IP: "203.0.113.9", Browser: id.Secret()}); !errs.Is(err, errs.TooMany) {
			t.Errorf("the right password from a strange browser: %v; want too many", err)
		}
		if _, err := s.SignIn(t.Context(), "anna", password, home); err != nil {
			t.Errorf("the owner at home: %v", err)
		}
		for range maxPerAccount {
			s.SignIn(t.Context(), "anna", "wrong password", home)
		}
		if _, err := s.SignIn(t.Context(), "anna", password, home); !errs.Is(err, errs.TooMany) {
			t.Errorf("the eleventh try at home: %v; want too many", err)
		}
	})
}

func TestSignInsAreNotedWithoutWhatWasTyped(t *testing.T) {
	var book []string
	s, _ := newService(t, dbtest.SQLite(t, events.Schema, Schema), Options{Audit: func(_ context.Context, _ *db.Tx, verb, thing string, detail map[string]any) error {
		book = append(book, fmt.Sprint(verb, " ", thing, " ", detail["proof"]))
		return nil
	}})
	anna := mustCreate(t, s, "anna")
	book = nil
	s.SignIn(t.Context(), "anna", "secret one", Visit{})
	s.SignIn(t.Context(), "secret two", "secret three", Visit{})
	s.SignIn(t.Context(), "anna", password, Visit{})
	who := "account:" + anna.Account.ID.String()
	want := []string{"account.sign_in_failed " + who + " <nil>", "account.sign_in_failed account:0 <nil>", "account.sign_in " + who + " password"}
	if !slices.Equal(book, want) {
		t.Errorf("noted: %q; want %q", book, want)
	}
}

func TestTheSecondLoginOfAFullAccountTellsNothing(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, events.Schema, Schema), Options{})
	mustCreate(t, s, "anna")
	for range maxPerAccount {
		s.SignIn(t.Context(), "anna", "wrong password", Visit{IP: "192.0.2.9"})
	}
	_, hers := s.SignIn(t.Context(), "anna@example.org", password, Visit{IP: "192.0.2.9"})
	_, nobodys := s.SignIn(t.Context(), "nobody@example.org", password, Visit{IP: "192.0.2.9"})
	if !errors.Is(hers, errWrong) || !errors.Is(nobodys, errWrong) {
		t.Errorf("her address: %v; nobody's: %v; want the same", hers, nobodys)
	}
}

func TestCountsOutliveARestartAndHoldOnAllNodes(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s, now := newService(t, d, Options{})
		mustCreate(t, s, "anna")
		for range maxPerAccount {
			s.SignIn(t.Context(), "anna", "wrong password", Visit{IP: "192.0.2.1"})
		}
		other := New(d, s.log, id.NewSource(2), now.Now, Options{})
		if _, err := other.SignIn(t.Context(), "anna", password, Visit{IP: "192.0.2.2"}); !errs.Is(err, errs.TooMany) {
			t.Errorf("on another node: %v; want too many", err)
		}
	})
}

func TestAHouseWithIPv6IsOneAddress(t *testing.T) {
	for ip, want := range map[string]string{
		"2001:db8:1:2:aaaa::1": "address 2001:db8:1:2::/64", "2001:db8:1:2:bbbb::2": "address 2001:db8:1:2::/64", "2001:db8:1:3::1": "address 2001:db8:1:3::/64",
		"192.0.2.1": "address 192.0.2.1", "::ffff:192.0.2.1": "address 192.0.2.1", "fe80::1%eth0": "address fe80::/64", "": "address ",
	} {
		if got := addressKey(ip); got != want {
			t.Errorf("addressKey(%q) = %q; want %q", ip, got, want)
		}
	}
}

func TestARightPasswordIsNoTry(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, events.Schema, Schema), Options{})
	anna := mustCreate(t, s, "anna")
	for i := range 3 * maxPerAccount {
		if _, err := s.SignIn(t.Context(), "anna", password, Visit{IP: "192.0.2.1"}); err != nil {
			t.Fatalf("time %d: %v", i, err)
		}
	}
	if n := counted(t, s, accountKey(anna.Account.ID)); n != 0 {
		t.Errorf("%d tries are counted; want 0", n)
	}
}

func TestATryThatWaitedInVainIsTakenBack(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, events.Schema, Schema), Options{})
	anna := mustCreate(t, s, "anna")
	for range cap(s.hasher.slots) {
		leave, err := s.hasher.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer leave()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.SignIn(ctx, "anna", password, Visit{IP: "192.0.2.1"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("with all slots taken: %v; want the deadline", err)
	}
	if n := counted(t, s, accountKey(anna.Account.ID)); n != 0 {
		t.Errorf("%d tries are counted; want 0", n)
	}
}

func TestWhoIsKnownAndWhoIsNotTakeAsLong(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	s, now := newService(t, dbtest.SQLite(t, events.Schema, Schema), Options{})
	s.hasher = newHasher(2, fullCost())
	var err error
	if _, err = s.Create(t.Context(), SignUp{Name: "anna", Email: "anna@example.org", Password: password, Handle: "anna"}, Visit{}); err != nil {
		t.Fatal(err)
	}
	// In CPU time, which others on this machine don't change.
	took := map[string]time.Duration{}
	for i := range 40 {
		if i%5 == 0 {
			now.Advance(throttleWindow)
		}
		for _, login := range []string{"anna@example.org", "nobody@example.org"} {
			began := cpu(t)
			if _, err := s.SignIn(t.Context(), login, "wrong password", Visit{IP: "192.0.2.1"}); !errors.Is(err, errWrong) {
				t.Fatal(err)
			}
			took[login] += cpu(t) - began
		}
	}
	known, unknown := took["anna@example.org"], took["nobody@example.org"]
	t.Logf("known %v, unknown %v", known, unknown)
	if ratio := float64(known) / float64(unknown); ratio < 0.85 || ratio > 1.18 {
		t.Errorf("known takes %v, unknown %v", known, unknown)
	}
}

// cpu returns the CPU time that this process has used.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestLoginsThatCanBeNobodysAreCountedToo(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, events.Schema, Schema), Options{})
	for i := range maxPerIP {
		if _, err := s.SignIn(t.Context(), strings.Repeat("ü", i+1), "wrong password", Visit{IP: "192.0.2.1"}); !errors.Is(err, errWrong) {
			t.Fatal(err)
		}
	}
	if _, err := s.SignIn(t.Context(), "ö", "wrong password", Visit{IP: "192.0.2.1"}); !errs.Is(err, errs.TooMany) {
		t.Errorf("%v; want too many", err)
	}
}

func BenchmarkSignIn(b *testing.B) {
	s, _ := newService(b, dbtest.SQLite(b, events.Schema, Schema), Options{})
	s.hasher = newHasher(2, fullCost())
	if _, err := s.Create(b.Context(), SignUp{Name: "anna", Email: "anna@example.org", Password: password, Handle: "anna"}, Visit{}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.SignIn(b.Context(), "anna", password, Visit{IP: "192.0.2.1"}); err != nil {
			b.Fatal(err)
		}
	}
}
