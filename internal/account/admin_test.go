package account

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

func TestTokensDoWhatTheirScopesSayUntilRevoked(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s, now := newService(t, d, Options{})
		anna := mustCreate(t, s, "anna")
		if _, err := s.CreateToken(t.Context(), anna.Account.ID, "till", nil); !errs.Is(err, errs.Invalid) {
			t.Errorf("a token without scopes: %v; want invalid", err)
		}
		if _, err := s.CreateToken(t.Context(), 42, "till", []string{"read"}); !errs.Is(err, errs.NotFound) {
			t.Errorf("a token of nobody: %v; want not found", err)
		}
		token, err := s.CreateToken(t.Context(), anna.Account.ID, "till", []string{"write", "read", "read"})
		if err != nil {
			t.Fatal(err)
		}
		now.Advance(400 * 24 * time.Hour)
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		actor, session, err := s.Authenticate(r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"read", "write"}, actor.Scopes); diff != "" || session.Kind != KindToken {
			t.Errorf("scopes (-want +got):\n%s", diff)
		}
		if who(t, s, token).SignedIn() {
			t.Error("a token works as a cookie")
		}
		if err := s.EndSession(t.Context(), anna.Account.ID, session.ID); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Authenticate(r); !errs.Is(err, errs.Unauthenticated) {
			t.Errorf("a revoked token: %v; want unauthenticated", err)
		}
	})
}

func TestOperatorsMakeAccountsWithRoles(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s, _ := newService(t, d, Options{Place: func(_ context.Context, slug string) (id.ID, error) {
			if slug != "luigi" {
				return 0, errs.New(errs.NotFound, "There is no restaurant %s.", slug)
			}
			return 7, nil
		}})
		a, pw, err := s.CreateWithRole(t.Context(), WithRole{Name: "anna", Email: "anna@example.org", Roles: []string{"courier", "owner:luigi"}})
		if err != nil {
			t.Fatal(err)
		}
		in, err := s.SignIn(t.Context(), "anna", pw, Visit{})
		if err != nil {
			t.Fatal(err)
		}
		want := []access.Grant{{Role: access.RoleCourier}, {Role: access.RoleOwner, Place: 7}}
		if diff := cmp.Diff(want, who(t, s, in.Token).Roles); diff != "" || a.Handle != "anna" {
			t.Errorf("roles of %s (-want +got):\n%s", a.Handle, diff)
		}
		for role, kind := range map[string]errs.Kind{"king": errs.Invalid, "staff": errs.Invalid, "courier:luigi": errs.Invalid, "staff:nowhere": errs.NotFound, "": errs.Invalid} {
			if _, _, err := s.CreateWithRole(t.Context(), WithRole{Name: "x2", Email: "x2@example.org", Roles: []string{role}}); !errs.Is(err, kind) {
				t.Errorf("role %q: %v; want %v", role, err, kind)
			}
		}
		if got, err := s.Holders(t.Context(), access.Grant{Role: access.RoleOwner, Place: 7}); err != nil || len(got) != 1 || got[0].ID != a.ID {
			t.Errorf("Holders = %v, %v; want anna", got, err)
		}
	})
}

func TestOnlyTheDemoStepsIntoOthers(t *testing.T) {
	d := dbtest.SQLite(t, events.Schema, Schema)
	s, now := newService(t, d, Options{})
	anna := mustCreate(t, s, "anna")
	if _, err := s.StepInto(t.Context(), anna.Account.ID); !errs.Is(err, errs.Forbidden) {
		t.Errorf("on a real server: %v; want forbidden", err)
	}
	demo := New(d, s.log, id.NewSource(2), now.Now, Options{Demo: true})
	token, err := demo.StepInto(t.Context(), anna.Account.ID)
	if err != nil || who(t, demo, token).ID != anna.Account.ID {
		t.Errorf("in the demo: %v", err)
	}
}

func TestAddStoresAllOrNobody(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s, _ := newService(t, d, Options{})
		people := []Person{{Handle: "anna", Name: "Anna", Email: "a@example.org", Roles: []access.Grant{{Role: access.RoleCourier}}}, {Handle: "anna", Name: "B", Email: "b@example.org"}}
		if _, err := s.Add(t.Context(), people...); !errs.Is(err, errs.Conflict) {
			t.Fatalf("Add = %v; want a conflict", err)
		}
		if _, err := s.Find(t.Context(), "anna"); !errs.Is(err, errs.NotFound) {
			t.Fatalf("Find = %v; want nobody", err)
		}
		people[1].Handle = "berta"
		ids, err := s.Add(t.Context(), people...)
		if err != nil {
			t.Fatal(err)
		}
		if name, err := s.Name(t.Context(), ids[0]); err != nil || name != "Anna" {
			t.Errorf("Name = %q, %v", name, err)
		}
	})
}

func TestATownNeverLosesItsLastAdmin(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s, _ := newService(t, d, Options{})
		ctx := t.Context()
		admins := make([]id.ID, 2)
		for i, name := range []string{"ada", "ben"} {
			a, _, err := s.CreateWithRole(ctx, WithRole{Name: name, Email: name + "@example.org", Roles: []string{"admin"}})
			if err != nil {
				t.Fatal(err)
			}
			admins[i] = a.ID
		}
		// Each suspends the other at the same time: one of them is too late.
		var wait sync.WaitGroup
		failed := make([]error, 2)
		for i := range admins {
			wait.Go(func() { failed[i] = s.Suspend(ctx, admins[i]) })
		}
		wait.Wait()
		if (failed[0] == nil) == (failed[1] == nil) || !errs.Is(errors.Join(failed...), errs.Conflict) {
			t.Fatalf("two admins suspend each other: %v, %v; want one Conflict", failed[0], failed[1])
		}
		left := admins[0]
		if failed[0] == nil {
			left = admins[1]
		}
		if err := s.Revoke(ctx, left, access.Grant{Role: access.RoleAdmin}); !errs.Is(err, errs.Conflict) {
			t.Errorf("the last admin loses the role: %v", err)
		}
		if yes, err := s.HasAdmin(ctx); !yes || err != nil {
			t.Errorf("HasAdmin = %v, %v", yes, err)
		}
	})
}
