package idem

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestAnAnswerIsGivenAgainToTheSameRequestOnly(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		r, err := New(1, "orders.place", "k", map[string]int{"qty": 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, found, err := r.Replay(ctx, d); found || err != nil {
			t.Fatalf("Replay of nothing = %v, %v", found, err)
		}
		write := func(fn func(*db.Tx) error) error { return d.Write(ctx, fn) }
		if err := write(func(tx *db.Tx) error { return r.Start(ctx, tx, noon) }); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.Replay(ctx, d); errs.CodeOf(err) != "idempotency_running" || !errs.Is(err, errs.Conflict) {
			t.Fatalf("Replay while it runs = %v", err)
		}
		if err := write(func(tx *db.Tx) error { return r.Save(ctx, tx, nil, noon) }); !errors.Is(err, ErrTaken) {
			t.Fatalf("Save of a key in use = %v", err)
		}
		if err := write(func(tx *db.Tx) error { return r.Ref().Finish(ctx, tx, []byte("first")) }); err != nil {
			t.Fatal(err)
		}
		// The first answer stays.
		if err := write(func(tx *db.Tx) error { return r.Ref().Finish(ctx, tx, []byte("second")) }); err != nil {
			t.Fatal(err)
		}
		if got, found, err := r.Replay(ctx, d); string(got) != "first" || !found || err != nil {
			t.Fatalf("Replay = %q, %v, %v", got, found, err)
		}
		other, err := New(1, "orders.place", "k", map[string]int{"qty": 2})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := other.Replay(ctx, d); errs.CodeOf(err) != "idempotency_mismatch" || !errs.Is(err, errs.Invalid) {
			t.Fatalf("Replay for another body = %v", err)
		}
		for name, x := range map[string]Request{"account": {Account: 2, Route: r.Route, Key: r.Key}, "route": {Account: 1, Route: "x", Key: r.Key}} {
			if _, found, err := x.Replay(ctx, d); found || err != nil {
				t.Errorf("another %s finds the answer: %v", name, err)
			}
		}
	}, Schema)
}

func TestAStoredErrorComesBackWhole(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		r, err := New(1, "orders.place", "k", nil)
		if err != nil {
			t.Fatal(err)
		}
		want := errs.InvalidField("card", "Declined.").WithCode("card_declined")
		err = d.Write(ctx, func(tx *db.Tx) error {
			if err := r.Start(ctx, tx, noon); err != nil {
				return err
			}
			return r.Ref().Fail(ctx, tx, want)
		})
		if err != nil {
			t.Fatal(err)
		}
		_, found, got := r.Replay(ctx, d)
		e, ok := errors.AsType[*errs.Error](got)
		if !found || !ok {
			t.Fatalf("Replay = %v, %v", found, got)
		}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Fatalf("stored error (-want +got):\n%s", diff)
		}
	}, Schema)
}

func TestAnswersAreForgottenAfterThreeDays(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		for key, at := range map[string]time.Time{"old": noon.Add(-Keep - time.Second), "new": noon.Add(-Keep + time.Second)} {
			r, err := New(1, "x", key, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Write(ctx, func(tx *db.Tx) error { return r.Save(ctx, tx, []byte(key), at) }); err != nil {
				t.Fatal(err)
			}
		}
		if err := Sweep(ctx, d, noon.Add(-Keep)); err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]bool{"old": false, "new": true} {
			r, err := New(1, "x", key, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, found, err := r.Replay(ctx, d); found != want || err != nil {
				t.Errorf("the %s answer is kept: %v, %v; want %v", key, found, err, want)
			}
		}
	}, Schema)
}

func TestKeysArePrintableAndNotTooLong(t *testing.T) {
	for key, want := range map[string]bool{
		"k": true, "0b4e9c8e-8b0f-4b6e-9a53-2f1a3c4d5e6f": true, strings.Repeat("k", MaxKey): true,
		"": false, strings.Repeat("k", MaxKey+1): false, "a b": false, "a\n": false, "ä": false, "a\x7f": false,
	} {
		if _, err := New(1, "x", key, nil); (err == nil) != want || err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("New with key %q = %v", key, err)
		}
	}
}
