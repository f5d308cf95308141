package passkey

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/notice"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

const testOrigin = "https://food.example.org"

// town is a service on a database, with two people and whatever it told them.
type town struct {
	*Service
	now         *clock.Manual
	party       party
	anna, berta id.ID
	visit       account.Visit
	mu          sync.Mutex
	letters     []mail.Letter
	other       bool // whether there is another way in
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
	w := &town{now: clock.NewManual(time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)), visit: account.Visit{IP: "192.0.2.1", Browser: id.Secret()}, other: true}
	ids := id.NewSource(1)
	people := account.New(d, events.New(d, events.NewLocal()), ids, w.now.Now, account.Options{})
	tell := notice.New(w, audit.New(d, ids, w.now.Now), func() string { return testOrigin })
	w.Service = New(Deps{DB: d, IDs: ids, Now: w.now.Now, People: people, Tell: tell}, Options{
		URL: testOrigin, HTTPS: true, Town: "Testtown",
		OtherWay: func(context.Context, *db.Tx, id.ID) (bool, error) { return w.other, nil },
	})
	w.party, _ = partyOf(testOrigin, "", true)
	list, err := people.Add(t.Context(), account.Person{Handle: "anna", Name: "Anna", Email: "anna@example.org"}, account.Person{Handle: "berta", Name: "Berta", Email: "berta@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	w.anna, w.berta = list[0], list[1]
	return w
}

func both(t *testing.T, test func(t *testing.T, w *town)) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, newTown(t, d)) }, events.Schema, audit.Schema, account.Schema, Schema)
}

func lite(t *testing.T) *town {
	return newTown(t, dbtest.SQLite(t, events.Schema, audit.Schema, account.Schema, Schema))
}

// here stands for the session of whoever is signed in.
const here = id.ID(77)

func (w *town) add(t testing.TB, who id.ID) (*softKey, Passkey) {
	t.Helper()
	k := newSoftKey(t)
	offer, err := w.beginAdd(t.Context(), w.party, who, here)
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.finishAdd(t.Context(), w.party, who, here, k.create(t, offer))
	if err != nil {
		t.Fatal(err)
	}
	return k, p
}

func (w *town) offer(t testing.TB) Offer {
	t.Helper()
	o, err := w.beginSignIn(t.Context(), w.party, w.visit.Browser)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (w *town) signIn(t testing.TB, in Answer) (account.SignedIn, error) {
	return w.finishSignIn(t.Context(), w.party, in, w.visit)
}

// refused fails the test unless err is of a code.
func refused(t testing.TB, err error, code string) {
	t.Helper()
	if got := errs.CodeOf(err); got != code {
		t.Errorf("error = %v with code %q; want %q", err, got, code)
	}
}

func TestAPasskeySignsItsOwnerInWithoutAName(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		k, p := w.add(t, w.anna)
		if p.Name != "Security key" {
			t.Errorf("its name = %q; want that of a key on USB", p.Name)
		}
		for range 2 {
			out, err := w.signIn(t, k.get(t, w.offer(t)))
			if err != nil {
				t.Fatal(err)
			}
			if out.Token == "" || out.Account.ID != w.anna {
				t.Errorf("signed in as %v with token %q; want Anna", out.Account.ID, out.Token)
			}
		}
		list, err := w.List(t.Context(), w.anna)
		if err != nil || len(list) != 1 || !list[0].UsedAt.Equal(w.now.Now()) || list[0].signs != 3 {
			t.Errorf("keys = %+v, %v; want one, used now, with three signatures", list, err)
		}
		if len(w.letters) != 1 || w.letters[0].To != "anna@example.org" {
			t.Errorf("letters = %v; want one to Anna about the new key", w.letters)
		}
	})
}

func TestSignInRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		code string
		do   func(t *testing.T, w *town, k *softKey) error
	}{
		"an answer sent twice": {"passkey_over", func(t *testing.T, w *town, k *softKey) error {
			in := k.get(t, w.offer(t))
			if _, err := w.signIn(t, in); err != nil {
				t.Fatal(err)
			}
			_, err := w.signIn(t, in)
			return err
		}},
		"an old answer under a new ticket": {"passkey_refused", func(t *testing.T, w *town, k *softKey) error {
			in := k.get(t, w.offer(t))
			in.Ticket = w.offer(t).Ticket
			_, err := w.signIn(t, in)
			return err
		}},
		"another challenge": {"passkey_refused", func(t *testing.T, w *town, k *softKey) error {
			_, err := w.signIn(t, k.sign(t, w.offer(t), []byte(strings.Repeat("x", 32))))
			return err
		}},
		"a challenge after its time": {"passkey_over", func(t *testing.T, w *town, k *softKey) error {
			in := k.get(t, w.offer(t))
			w.now.Advance(challengeFor)
			_, err := w.signIn(t, in)
			return err
		}},
		"another browser": {"passkey_over", func(t *testing.T, w *town, k *softKey) error {
			in := k.get(t, w.offer(t))
			_, err := w.finishSignIn(t.Context(), w.party, in, account.Visit{Browser: id.Secret()})
			return err
		}},
		"a browser without a name": {"passkey_over", func(t *testing.T, w *town, k *softKey) error {
			in := k.get(t, w.offer(t))
			_, err := w.finishSignIn(t.Context(), w.party, in, account.Visit{})
			return err
		}},
		"a page of another origin": {"passkey_refused", func(t *testing.T, w *town, k *softKey) error {
			k.origin = "https://food.example.org.evil.example"
			_, err := w.signIn(t, k.get(t, w.offer(t)))
			return err
		}},
		"a key for another domain": {"passkey_refused", func(t *testing.T, w *town, k *softKey) error {
			k.rp = "evil.example"
			_, err := w.signIn(t, k.get(t, w.offer(t)))
			return err
		}},
		"a key that did not look who holds it": {"passkey_refused", func(t *testing.T, w *town, k *softKey) error {
			k.flags = flagUP
			_, err := w.signIn(t, k.get(t, w.offer(t)))
			return err
		}},
		"another's account for one's own key": {"passkey_refused", func(t *testing.T, w *town, k *softKey) error {
			k.user = handleOf(w.berta)
			_, err := w.signIn(t, k.get(t, w.offer(t)))
			return err
		}},
		"another's key signed with one's own": {"passkey_refused", func(t *testing.T, w *town, k *softKey) error {
			victim, _ := w.add(t, w.berta)
			k.id, k.user = victim.id, victim.user
			_, err := w.signIn(t, k.get(t, w.offer(t)))
			return err
		}},
		"a key that nobody has": {"unknown_passkey", func(t *testing.T, w *town, k *softKey) error {
			k.id = []byte("0123456789abcdef")
			_, err := w.signIn(t, k.get(t, w.offer(t)))
			return err
		}},
		"a ticket for something else": {"passkey_over", func(t *testing.T, w *town, k *softKey) error {
			o, err := w.beginConfirm(t.Context(), w.party, w.anna, here)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.signIn(t, k.get(t, o))
			return err
		}},
		"no JSON at all": {"passkey_refused", func(t *testing.T, w *town, _ *softKey) error {
			_, err := w.signIn(t, Answer{Ticket: w.offer(t).Ticket, Credential: "{"})
			return err
		}},
		"a key that was removed": {"unknown_passkey", func(t *testing.T, w *town, k *softKey) error {
			list, err := w.List(t.Context(), w.anna)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Remove(t.Context(), w.anna, list[0].ID); err != nil {
				t.Fatal(err)
			}
			_, err = w.signIn(t, k.get(t, w.offer(t)))
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := lite(t)
			k, _ := w.add(t, w.anna)
			refused(t, tc.do(t, w, k), tc.code)
		})
	}
}

func TestAnAnswerIsGoodOnceWhoeverIsFirst(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		k, _ := w.add(t, w.anna)
		in := k.get(t, w.offer(t))
		var wg sync.WaitGroup
		in8 := make([]error, 8)
		for i := range in8 {
			wg.Go(func() { _, in8[i] = w.signIn(t, in) })
		}
		wg.Wait()
		good := 0
		for _, err := range in8 {
			if err == nil {
				good++
			}
		}
		if good != 1 {
			t.Errorf("one answer sent 8 times at once signed in %d times: %v", good, in8)
		}
	})
}

func TestACounterThatGoesBackEndsTheKeyAndTellsItsOwner(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		k, _ := w.add(t, w.anna)
		k.signs = 9
		if _, err := w.signIn(t, k.get(t, w.offer(t))); err != nil {
			t.Fatal(err)
		}
		k.signs = 5
		_, err := w.signIn(t, k.get(t, w.offer(t)))
		refused(t, err, "passkey_cloned")
		k.signs = 50
		_, err = w.signIn(t, k.get(t, w.offer(t)))
		refused(t, err, "passkey_cloned")
		if n := len(w.letters); n != 2 || w.letters[1].Kind != "passkey.cloned" {
			t.Errorf("letters = %v; want one about the new key and one about its copy", w.letters)
		}
	})
}

func TestASyncedKeyHasNoCounter(t *testing.T) {
	w := lite(t)
	k := newSoftKey(t)
	k.device, k.flags = false, flagUP|flagUV|flagBE|flagBS
	offer, err := w.beginAdd(t.Context(), w.party, w.anna, here)
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.finishAdd(t.Context(), w.party, w.anna, here, k.create(t, offer))
	if err != nil || !p.Synced {
		t.Fatalf("add = %+v, %v; want a synced key", p, err)
	}
	for range 3 {
		if _, err := w.signIn(t, k.get(t, w.offer(t))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAddingRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		code string
		do   func(t *testing.T, w *town, k *softKey, o Offer) error
	}{
		"a key that is somebody's": {"", func(t *testing.T, w *town, k *softKey, o Offer) error {
			other, _ := w.add(t, w.berta)
			k.id = other.id
			_, err := w.finishAdd(t.Context(), w.party, w.anna, here, k.create(t, o))
			if !errs.Is(err, errs.Conflict) {
				t.Errorf("error = %v; want a conflict", err)
			}
			return err
		}},
		"the session of somebody else": {"passkey_over", func(t *testing.T, w *town, k *softKey, o Offer) error {
			_, err := w.finishAdd(t.Context(), w.party, w.berta, here+1, k.create(t, o))
			return err
		}},
		"another account in the same session": {"passkey_refused", func(t *testing.T, w *town, k *softKey, o Offer) error {
			_, err := w.finishAdd(t.Context(), w.party, w.berta, here, k.create(t, o))
			return err
		}},
		"a page of another origin": {"passkey_refused", func(t *testing.T, w *town, k *softKey, o Offer) error {
			k.origin = "http://food.example.org"
			_, err := w.finishAdd(t.Context(), w.party, w.anna, here, k.create(t, o))
			return err
		}},
		"a key that does not look who holds it": {"passkey_refused", func(t *testing.T, w *town, k *softKey, o Offer) error {
			k.flags = flagUP
			_, err := w.finishAdd(t.Context(), w.party, w.anna, here, k.create(t, o))
			return err
		}},
		"an answer sent twice": {"passkey_over", func(t *testing.T, w *town, k *softKey, o Offer) error {
			in := k.create(t, o)
			if _, err := w.finishAdd(t.Context(), w.party, w.anna, here, in); err != nil {
				t.Fatal(err)
			}
			_, err := w.finishAdd(t.Context(), w.party, w.anna, here, in)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := lite(t)
			o, err := w.beginAdd(t.Context(), w.party, w.anna, here)
			if err != nil {
				t.Fatal(err)
			}
			refused(t, tc.do(t, w, newSoftKey(t), o), tc.code)
		})
	}
}

func TestConfirmingTakesOnesOwnKey(t *testing.T) {
	w := lite(t)
	k, _ := w.add(t, w.anna)
	in, err := w.signIn(t, k.get(t, w.offer(t)))
	if err != nil {
		t.Fatal(err)
	}
	offer := func() Offer {
		o, err := w.beginConfirm(t.Context(), w.party, w.anna, in.Session.ID)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	if err := w.finishConfirm(t.Context(), w.party, w.anna, in.Session.ID, k.get(t, offer())); err != nil {
		t.Errorf("with one's own key: %v", err)
	}
	stranger, _ := w.add(t, w.berta)
	refused(t, w.finishConfirm(t.Context(), w.party, w.anna, in.Session.ID, stranger.get(t, offer())), "passkey_refused")
	refused(t, w.finishConfirm(t.Context(), w.party, w.anna, here, k.get(t, offer())), "passkey_over")
}

func TestTheLastWayInStays(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		w.other = false
		_, first := w.add(t, w.anna)
		_, second := w.add(t, w.anna)
		var wg sync.WaitGroup
		removed := make([]error, 2)
		for i, p := range []Passkey{first, second} {
			wg.Go(func() { removed[i] = w.Remove(t.Context(), w.anna, p.ID) })
		}
		wg.Wait()
		if (removed[0] == nil) == (removed[1] == nil) {
			t.Fatalf("removing both of two keys at once = %v; want one to stay", removed)
		}
		for _, err := range removed {
			if err != nil {
				refused(t, err, "last_way_in")
			}
		}
		w.other = true
		list, err := w.List(t.Context(), w.anna)
		if err != nil || len(list) != 1 {
			t.Fatalf("keys = %v, %v; want one", list, err)
		}
		if err := w.Remove(t.Context(), w.anna, list[0].ID); err != nil {
			t.Errorf("with another way in: %v", err)
		}
	})
}

func TestLockingStrangersOutEndsTheKeysTheyMayHaveAdded(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		old, _ := w.add(t, w.anna)
		other, _ := w.add(t, w.berta)
		w.now.Advance(notice.Recent + time.Hour)
		fresh, _ := w.add(t, w.anna)
		if err := w.DB.Write(t.Context(), func(tx *db.Tx) error { return w.Estrange(t.Context(), tx, w.anna) }); err != nil {
			t.Fatal(err)
		}
		for _, k := range []*softKey{old, other} {
			if _, err := w.signIn(t, k.get(t, w.offer(t))); err != nil {
				t.Errorf("a key from before: %v", err)
			}
		}
		_, err := w.signIn(t, fresh.get(t, w.offer(t)))
		refused(t, err, "unknown_passkey")
	})
}

func TestAnothersKeyIsNotThere(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		_, p := w.add(t, w.anna)
		for what, err := range map[string]error{"rename": w.Rename(t.Context(), w.berta, p.ID, "Mine"), "remove": w.Remove(t.Context(), w.berta, p.ID)} {
			if !errs.Is(err, errs.NotFound) {
				t.Errorf("%s another's key = %v; want not found", what, err)
			}
		}
		if err := w.Rename(t.Context(), w.anna, p.ID, " My  phone "); err != nil {
			t.Fatal(err)
		}
		if list, err := w.List(t.Context(), w.anna); err != nil || len(list) != 1 || list[0].Name != "My phone" {
			t.Errorf("keys = %+v, %v; want My phone", list, err)
		}
		if err := w.Rename(t.Context(), w.anna, p.ID, strings.Repeat("x", MaxName+1)); !errs.Is(err, errs.Invalid) {
			t.Errorf("a name that is too long = %v; want an invalid error", err)
		}
	})
}

func TestTheOfferKeepsAKeyFromBeingMadeTwice(t *testing.T) {
	w := lite(t)
	k, _ := w.add(t, w.anna)
	o, err := w.beginAdd(t.Context(), w.party, w.anna, here)
	if err != nil {
		t.Fatal(err)
	}
	text := string(mustJSON(t, o.Options))
	for _, part := range []string{b64(k.id), `"residentKey":"required"`, `"userVerification":"required"`, `"id":"food.example.org"`, b64(handleOf(w.anna))} {
		if !strings.Contains(text, part) {
			t.Errorf("the offer lacks %s: %s", part, text)
		}
	}
}

func TestPartyIsTheServersOwnName(t *testing.T) {
	for _, tc := range []struct {
		base, host string
		https      bool
		want       party
		ok         bool
	}{
		{"https://food.example.org", "evil.example", true, party{"food.example.org", "https://food.example.org"}, true},
		{"https://Food.example.org:8443", "x", true, party{"food.example.org", "https://food.example.org:8443"}, true},
		{"http://127.0.0.1:8080", "localhost:8080", false, party{}, false},
		{"http://[::1]:8080", "localhost:8080", false, party{}, false},
		{"", "localhost:8080", false, party{"localhost", "http://localhost:8080"}, true},
		{"", "localhost", true, party{"localhost", "https://localhost"}, true},
		{"", "127.0.0.1:8080", false, party{}, false},
		{"", "evil.example", false, party{}, false},
		{"", "localhost.evil.example", false, party{}, false},
		{"", "", false, party{}, false},
	} {
		got, ok := partyOf(tc.base, tc.host, tc.https)
		if ok != tc.ok || got != tc.want {
			t.Errorf("partyOf(%q, %q, %t) = %v, %t; want %v, %t", tc.base, tc.host, tc.https, got, ok, tc.want, tc.ok)
		}
	}
}
