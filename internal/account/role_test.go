package account

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// TestATemporaryRoleEndsAtItsTime asks without any event or read in between, as a cached session would be asked.
func TestATemporaryRoleEndsAtItsTime(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s, now := newService(t, d, Options{})
		anna := mustCreate(t, s, "anna")
		for _, g := range []access.Grant{{Role: access.RoleCourier, Until: now.Now().Add(10 * time.Second)}, {Role: access.RoleDispatcher}} {
			if err := s.Grant(t.Context(), anna.Account.ID, g); err != nil {
				t.Fatal(err)
			}
		}
		s.cache.drop(anna.Account.ID) // what React does
		if a := who(t, s, anna.Token); !a.Has(access.RoleCourier) || !a.Ends().Equal(now.Now().Add(10*time.Second)) {
			t.Fatalf("actor = %+v; want a courier for 10 s", a)
		}
		now.Advance(10*time.Second - time.Microsecond)
		if !who(t, s, anna.Token).Has(access.RoleCourier) {
			t.Error("the role ended before its time")
		}
		now.Advance(time.Microsecond)
		if a := who(t, s, anna.Token); a.Has(access.RoleCourier) || !a.Has(access.RoleDispatcher) {
			t.Errorf("actor = %+v; want the courier's role gone at its time, and the other kept", a)
		}
		now.Advance(rereadAfter) // read anew
		if a := who(t, s, anna.Token); a.Has(access.RoleCourier) {
			t.Errorf("actor = %+v; want no courier", a)
		}
		if holders, err := s.Holders(t.Context(), access.Grant{Role: access.RoleCourier}); err != nil || len(holders) != 0 {
			t.Errorf("couriers = %v, %v; want none", holders, err)
		}
		var left int
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if err := s.store.sweepRoles(t.Context(), tx, now.Now()); err != nil {
				return err
			}
			return tx.Row(t.Context(), `SELECT COUNT(*) FROM account_role`).Scan(&left)
		})
		if err != nil || left != 1 {
			t.Errorf("%d roles are left after the sweep (%v); want the dispatcher's", left, err)
		}
	})
}

func TestGrantingAgainMovesTheEndButShortensNothingGivenForGood(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s, now := newService(t, d, Options{})
		anna := mustCreate(t, s, "anna").Account.ID
		at := func(h int) time.Time { return now.Now().Add(time.Duration(h) * time.Hour) }
		for _, step := range []struct{ give, want time.Time }{{at(8), at(8)}, {at(2), at(2)}, {at(9), at(9)}, {time.Time{}, time.Time{}}, {at(1), time.Time{}}} {
			if err := s.Grant(t.Context(), anna, access.Grant{Role: access.RoleCourier, Until: step.give}); err != nil {
				t.Fatal(err)
			}
			a, err := s.Get(t.Context(), anna)
			if diff := cmp.Diff([]access.Grant{{Role: access.RoleCourier, Until: step.want}}, a.Roles); err != nil || diff != "" {
				t.Errorf("after a grant until %v (%v), -want +got:\n%s", step.give, err, diff)
			}
		}
		if err := s.Grant(t.Context(), anna, access.Grant{Role: access.RoleDispatcher, Until: now.Now()}); !errs.Is(err, errs.Invalid) {
			t.Errorf("a role that ends now = %v; want an invalid error", err)
		}
	})
}

func TestParseGrantReadsForHowLong(t *testing.T) {
	s, now := newService(t, dbtest.SQLite(t, events.Schema, Schema), Options{})
	for text, want := range map[string]time.Duration{"courier for 8h": 8 * time.Hour, "courier for 90m": 90 * time.Minute, "courier for 3d": 72 * time.Hour, " courier for 2w ": 14 * 24 * time.Hour} {
		g, err := s.ParseGrant(t.Context(), text)
		if err != nil || g.Role != access.RoleCourier || !g.Until.Equal(now.Now().Add(want)) {
			t.Errorf("ParseGrant(%q) = %+v, %v; want a courier for %v", text, g, err, want)
		}
	}
	for _, text := range []string{"courier for", "courier for ever", "courier for 8", "courier for -8h", "courier for 0d", "courier for 0.1s", "courier for 99999999999999999999d", "courier for 3000w"} {
		if g, err := s.ParseGrant(t.Context(), text); !errs.Is(err, errs.Invalid) {
			t.Errorf("ParseGrant(%q) = %+v, %v; want an invalid error", text, g, err)
		}
	}
}
