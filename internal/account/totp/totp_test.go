package totp

import (
	"bytes"
	"context"
	"encoding/base32"
	"fmt"
	"image"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
	"rsc.io/qr"

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
	"github.com/stoa-town/stoa/internal/platform/secrets"
)

func TestCodesAreThoseOfRFC6238(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{ // appendix B, the last six of its eight digits
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := code(secret, stepAt(time.Unix(at, 0))); got != want {
			t.Errorf("code at %d = %s; want %s", at, got, want)
		}
	}
}

func TestACodeIsGoodInItsStepAndBesideIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), secretSize, secretSize).Draw(t, "secret")
		step := rapid.Int64Range(10, 1<<31).Draw(t, "step")
		off := rapid.Int64Range(-5, 5).Draw(t, "off")
		got, ok := match(secret, code(secret, step+off), time.Unix(step*period, 0))
		if near := off >= -1 && off <= 1; near && (!ok || code(secret, got) != code(secret, step+off)) {
			t.Fatalf("a code %d steps off is refused", off)
		}
	})
	secret, now := []byte("12345678901234567890"), time.Unix(2000000000, 0)
	for _, off := range []int64{-3, -2, 2, 3} {
		if _, ok := match(secret, code(secret, stepAt(now)+off), now); ok {
			t.Errorf("a code %d steps off is accepted", off)
		}
	}
	for _, typed := range []string{"", "0", "27903", "2790370", "abcdef"} {
		if _, ok := match(secret, typed, now); ok {
			t.Errorf("%q is accepted", typed)
		}
	}
}

func TestRecoveryCodesAreReadAsPeopleTypeThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newRecovery()[rapid.IntRange(0, RecoveryCodes-1).Draw(t, "n")]
		want, ok := normal(c)
		if !ok {
			t.Fatalf("normal(%q) is refused", c)
		}
		for _, typed := range []string{strings.ToLower(c), strings.ReplaceAll(c, "-", ""), " " + strings.ReplaceAll(c, "-", " ") + " ", strings.ReplaceAll(c, "0", "o"), strings.ReplaceAll(c, "1", "l")} {
			if got, ok := normal(typed); !ok || got != want {
				t.Fatalf("normal(%q) = %q, %t; want %q", typed, got, ok, want)
			}
		}
	})
	for _, typed := range []string{"", "1234-5678-9AB", "1234-5678-9ABCD", "1234-5678-9AB!", "üüüü-üüüü-üüüü"} {
		if got, ok := normal(typed); ok {
			t.Errorf("normal(%q) = %q; want it refused", typed, got)
		}
	}
}

func TestTheAddressNamesTownAndAccount(t *testing.T) {
	u, err := url.Parse(address([]byte("12345678901234567890"), "Bad Town: food & more", "anna_b"))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Bad Town: food & more:anna_b" || q.Get("issuer") != "Bad Town: food & more" || strings.Contains(u.RawQuery, "+") {
		t.Errorf("address = %s", u)
	}
	secret, err := base32.StdEncoding.DecodeString(q.Get("secret"))
	if err != nil || string(secret) != "12345678901234567890" {
		t.Errorf("its secret = %q, %v", secret, err)
	}
}

func TestThePictureIsTheCode(t *testing.T) {
	const text = "otpauth://totp/Town:anna?secret=ABC"
	p, err := drawQR(text)
	if err != nil {
		t.Fatal(err)
	}
	want, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	got := image.NewGray(image.Rect(0, 0, p.Size, p.Size))
	for _, part := range strings.Split(strings.TrimPrefix(p.Path, "M"), "M") {
		var x, y, w, back int
		if _, err := fmt.Sscanf(part, "%d %dh%dv1h-%dz", &x, &y, &w, &back); err != nil || back != w {
			t.Fatalf("%q: %v", part, err)
		}
		for i := range w {
			got.Pix[got.PixOffset(x+i, y)] = 1
		}
	}
	for y := range p.Size {
		for x := range p.Size {
			if black := got.GrayAt(x, y).Y == 1; black != want.Black(x-quiet, y-quiet) {
				t.Fatalf("module %d, %d is black: %t", x, y, black)
			}
		}
	}
}

// town is a service on a database with two people, and the letters they got.
type town struct {
	*Service
	now         *clock.Manual
	people      *account.Service
	anna, berta id.ID
	mu          sync.Mutex
	letters     []mail.Letter
	db          *db.DB
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
	w := &town{now: clock.NewManual(time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)), db: d}
	ids := id.NewSource(1)
	box, err := secrets.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w.people = account.New(d, events.New(d, events.NewLocal()), ids, w.now.Now, account.Options{
		SecondStep: func(ctx context.Context, tx *db.Tx, who id.ID) (bool, error) { return w.Needed(ctx, tx, who) },
	})
	tell := notice.New(w, audit.New(d, ids, w.now.Now), func() string { return "https://food.example.org" })
	w.Service = New(Deps{DB: d, Clock: w.now.Now, People: w.people, Tell: tell, Box: box}, Options{Town: "Testtown"})
	list, err := w.people.Add(t.Context(), account.Person{Handle: "anna", Name: "Anna", Email: "anna@example.org"}, account.Person{Handle: "berta", Name: "Berta", Email: "berta@example.org"})
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

var visit = account.Visit{IP: "192.0.2.1"}

// typed returns the code that the phone shows now.
func (w *town) typed(t testing.TB, who id.ID) string {
	t.Helper()
	secret, _, err := w.secret(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	return code(secret, stepAt(w.now.Now()))
}

// turnOn sets the second step up and waits for the next code.
func (w *town) turnOn(t testing.TB, who id.ID) []string {
	t.Helper()
	if err := w.Start(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	codes, err := w.Confirm(t.Context(), who, w.typed(t, who))
	if err != nil {
		t.Fatal(err)
	}
	w.now.Advance(period * time.Second)
	return codes
}

// begin signs somebody in up to the second step.
func (w *town) begin(t testing.TB, who id.ID) string {
	t.Helper()
	in, err := w.people.Enter(t.Context(), who, account.ByPassword, visit)
	if err != nil {
		t.Fatal(err)
	}
	if in.Pending == "" || in.Token != "" {
		t.Fatalf("after the password: token %q, pending %q; want the second step first", in.Token, in.Pending)
	}
	return in.Pending
}

func TestSignInTakesBothSteps(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		if in, err := w.people.Enter(t.Context(), w.anna, account.ByPassword, visit); err != nil || in.Token == "" {
			t.Fatalf("before it is on: %v; want a session at once", err)
		}
		if err := w.Start(t.Context(), w.anna); err != nil {
			t.Fatal(err)
		}
		if in, err := w.people.Enter(t.Context(), w.anna, account.ByPassword, visit); err != nil || in.Token == "" {
			t.Fatalf("before the first code: %v; want a session at once", err)
		}
		if _, err := w.Confirm(t.Context(), w.anna, "000000"); !errs.Is(err, errs.Invalid) {
			t.Fatalf("a wrong first code = %v; want an invalid error", err)
		}
		codes, err := w.Confirm(t.Context(), w.anna, w.typed(t, w.anna))
		if err != nil || len(codes) != RecoveryCodes {
			t.Fatalf("the first code: %d recovery codes, %v", len(codes), err)
		}
		pending := w.begin(t, w.anna)
		if _, err := w.Enter(t.Context(), pending, w.typed(t, w.anna), visit); !errs.Is(err, errs.Invalid) {
			t.Errorf("the code that turned it on, once more = %v; want it refused", err)
		}
		w.now.Advance(period * time.Second)
		c := w.typed(t, w.anna)
		in, err := w.Enter(t.Context(), pending, c[:3]+" "+c[3:], visit)
		if err != nil || in.Token == "" || in.Account.ID != w.anna {
			t.Fatalf("with the right code: %v", err)
		}
		if _, err := w.Enter(t.Context(), pending, w.typed(t, w.anna), visit); !errs.Is(err, errs.Unauthenticated) {
			t.Errorf("the same sign-in once more = %v; want an unauthenticated error", err)
		}
		for _, proof := range []account.Proof{account.ByEmail, account.ByOIDC} {
			if in, err := w.people.Enter(t.Context(), w.anna, proof, visit); err != nil || in.Pending == "" {
				t.Errorf("after %s: %v; want the second step", proof, err)
			}
		}
		if in, err := w.people.Enter(t.Context(), w.anna, account.ByPasskey, visit); err != nil || in.Token == "" {
			t.Errorf("with a passkey: %v; want no second step", err)
		}
	})
}

func TestACodeIsGoodOnceWhoeverIsFirst(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		w.turnOn(t, w.anna)
		c := w.typed(t, w.anna)
		pending := make([]string, 4)
		for i := range pending {
			pending[i] = w.begin(t, w.anna)
		}
		got := make([]error, len(pending))
		var wg sync.WaitGroup
		for i, p := range pending {
			wg.Go(func() { _, got[i] = w.Enter(t.Context(), p, c, visit) })
		}
		wg.Wait()
		good := 0
		for _, err := range got {
			if err == nil {
				good++
			}
		}
		if good != 1 {
			t.Errorf("one code in %d sign-ins at once was taken %d times: %v", len(got), good, got)
		}
	})
}

func TestWrongCodesEndTheSignInAndThenTheQuarterOfAnHour(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		codes := w.turnOn(t, w.anna)
		looked := 0
		for range 3 {
			pending := w.begin(t, w.anna)
			for range 5 {
				if _, err := w.Enter(t.Context(), pending, "000000", visit); errs.Is(err, errs.Invalid) {
					looked++
				}
			}
		}
		if looked != 10 {
			t.Errorf("%d wrong codes were looked at; want 10", looked)
		}
		pending := w.begin(t, w.anna)
		if _, err := w.Enter(t.Context(), pending, w.typed(t, w.anna), visit); !errs.Is(err, errs.TooMany) {
			t.Errorf("the right code after ten wrong ones = %v; want too many", err)
		}
		if in, err := w.Recover(t.Context(), pending, codes[0], visit); err != nil || in.Token == "" {
			t.Errorf("the owner's recovery code = %v; want it accepted", err)
		}
		w.now.Advance(16 * time.Minute)
		if _, err := w.Enter(t.Context(), w.begin(t, w.anna), w.typed(t, w.anna), visit); err != nil {
			t.Errorf("the right code a quarter of an hour later: %v", err)
		}
	})
}

func TestARecoveryCodeIsGoodOnceAndForItsOwner(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		codes := w.turnOn(t, w.anna)
		w.turnOn(t, w.berta)
		if _, err := w.Recover(t.Context(), w.begin(t, w.berta), codes[3], visit); !errs.Is(err, errs.Invalid) {
			t.Errorf("another's code = %v; want an invalid error", err)
		}
		got := make([]error, 4)
		var wg sync.WaitGroup
		for i := range got {
			p := w.begin(t, w.anna)
			wg.Go(func() { _, got[i] = w.Recover(t.Context(), p, strings.ToLower(codes[3]), visit) })
		}
		wg.Wait()
		good := 0
		for _, err := range got {
			if err == nil {
				good++
			}
		}
		if good != 1 {
			t.Errorf("one recovery code at once in 4 sign-ins was taken %d times: %v", good, got)
		}
		st, err := w.State(t.Context(), w.anna)
		if err != nil || st.Left != RecoveryCodes-1 {
			t.Errorf("left = %d, %v; want %d", st.Left, err, RecoveryCodes-1)
		}
		if last := w.letters[len(w.letters)-1]; last.Kind != "two_step.recovery" || !strings.Contains(last.Lines[0], "9 are left") {
			t.Errorf("the last letter = %+v; want it to say that 9 are left", last)
		}
		fresh, err := w.Renew(t.Context(), w.anna)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Recover(t.Context(), w.begin(t, w.anna), codes[4], visit); !errs.Is(err, errs.Invalid) {
			t.Errorf("an old code after new ones = %v; want an invalid error", err)
		}
		if _, err := w.Recover(t.Context(), w.begin(t, w.anna), fresh[9], visit); err != nil {
			t.Errorf("a new code: %v", err)
		}
	})
}

func TestTurningOffEndsTheSecondStep(t *testing.T) {
	both(t, func(t *testing.T, w *town) {
		codes := w.turnOn(t, w.anna)
		if err := w.Start(t.Context(), w.anna); !errs.Is(err, errs.Conflict) {
			t.Errorf("setting up while it is on = %v; want a conflict", err)
		}
		pending := w.begin(t, w.anna)
		if err := w.Off(t.Context(), w.anna); err != nil {
			t.Fatal(err)
		}
		if in, err := w.people.Enter(t.Context(), w.anna, account.ByPassword, visit); err != nil || in.Token == "" {
			t.Errorf("after the password: %v; want a session at once", err)
		}
		if _, err := w.Recover(t.Context(), pending, codes[0], visit); !errs.Is(err, errs.Invalid) {
			t.Errorf("an old recovery code = %v; want an invalid error", err)
		}
		if err := w.Off(t.Context(), w.anna); !errs.Is(err, errs.NotFound) {
			t.Errorf("turning off what is off = %v; want not found", err)
		}
	})
}

func TestAnotherSetUpReplacesTheOneUnderWay(t *testing.T) {
	w := lite(t)
	if err := w.Start(t.Context(), w.anna); err != nil {
		t.Fatal(err)
	}
	old := w.typed(t, w.anna)
	w.now.Advance(time.Second)
	if err := w.Start(t.Context(), w.anna); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Confirm(t.Context(), w.anna, old); !errs.Is(err, errs.Invalid) {
		t.Errorf("a code of the secret before = %v; want an invalid error", err)
	}
	for range maxSetUp {
		_, _ = w.Confirm(t.Context(), w.anna, "000000")
	}
	if _, err := w.Confirm(t.Context(), w.anna, w.typed(t, w.anna)); !errs.Is(err, errs.TooMany) {
		t.Errorf("after many wrong codes = %v; want too many", err)
	}
}

func TestNothingInTheDatabaseOpensTheSecondStep(t *testing.T) {
	w := lite(t)
	codes := w.turnOn(t, w.anna)
	secret, r, err := w.secret(t.Context(), w.anna)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(r.sealed, secret) {
		t.Error("the secret is stored as it is")
	}
	if _, err := w.Box.Open(purpose(w.berta), r.sealed); err == nil {
		t.Error("Anna's sealed secret opens for Berta")
	}
	err = w.db.Read(t.Context(), func(tx *db.Tx) error {
		macs, err := w.store.unused(t.Context(), tx, w.anna)
		for _, mac := range macs {
			for _, c := range codes {
				plain, _ := normal(c)
				if strings.Contains(mac, plain) || mac == fmt.Sprintf("%x", secrets.Digest(plain)) {
					t.Errorf("%s is stored in a form that can be tried without the key", c)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
