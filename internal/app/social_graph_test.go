package app

import (
	"testing"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/signup"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/social/follow"
)

// signUp is a request with a handle that may be taken.
func signUp(handle, email string) signup.Request {
	return signup.Request{SignUp: account.SignUp{Name: "Taj", Handle: handle, Email: email, Password: password}}
}

func TestHandlesAreOneNamespaceFromSignUpToShop(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		// newPlace has made the restaurant "taj".
		if _, err := p.SignUps.Join(t.Context(), signUp("taj", "t1@example.org"), account.Visit{}); !errs.Is(err, errs.Invalid) {
			t.Errorf("a person took the restaurant's handle: %v", err)
		}
		if why, err := p.Accounts.HandleFree(t.Context(), "taj"); why == "" || err != nil {
			t.Errorf("HandleFree says %q, %v", why, err)
		}
		made, err := p.SignUps.Join(t.Context(), signUp("", "t2@example.org"), account.Visit{})
		if err != nil || made.Account.Handle == "taj" {
			t.Fatalf("a handle made of the name: %q, %v", made.Account.Handle, err)
		}
		for handle, want := range map[string]any{"taj": p.shop, made.Account.Handle: made.Account.ID} {
			if got, err := p.Profile.Resolve(t.Context(), handle); any(got) != want || err != nil {
				t.Errorf("%s is %v, %v; want %v", handle, got, err, want)
			}
		}
		// A restaurant whose address would give somebody's handle gets another.
		s := p.Restaurants.Defaults()
		s.Name, s.Street, s.City, s.Phone, s.Point, s.Hours = "Ada", "Markt 2", "Arkadia", "+49 30 2", here, "24/7"
		shop, err := p.Restaurants.Create(as(p.admin), restaurant.NewRestaurant{Settings: s})
		if err != nil {
			t.Fatal(err)
		}
		a, err := p.Profile.Entity(t.Context(), shop.ID)
		if err != nil || a.Acct != "ada_"+shop.ID.String() || a.DisplayName != "Ada" {
			t.Errorf("the restaurant's profile is %+v, %v", a, err)
		}
		if _, err := p.Restaurants.Update(as(p.admin), shop.ID, "profile", func(s *restaurant.Settings) error { s.Name = "Ada's Diner"; return nil }); err != nil {
			t.Fatal(err)
		}
		if a, err = p.Profile.Entity(t.Context(), shop.ID); err != nil || a.DisplayName != "Ada's Diner" {
			t.Errorf("after another name: %+v, %v", a, err)
		}
	})
}

func TestAProfileFollowsItsAccountAndEndsWithIt(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		zoe, bob := p.person(t, "zoe", "Zoe"), p.person(t, "bob", "Bob")
		for _, pair := range [][2]access.Actor{{zoe, bob}, {bob, zoe}} {
			if err := p.Follow.Follow(t.Context(), pair[0].ID, pair[1].ID, follow.How{}); err != nil {
				t.Fatal(err)
			}
		}
		name := "Zoë Z."
		if _, err := p.Accounts.Update(t.Context(), zoe.ID, account.Profile{Name: &name}); err != nil {
			t.Fatal(err)
		}
		if a, err := p.Profile.Entity(t.Context(), zoe.ID); err != nil || a.DisplayName != name || a.Followers != 1 {
			t.Errorf("after another name: %+v, %v", a, err)
		}
		if err := p.Accounts.Suspend(t.Context(), zoe.ID); err != nil {
			t.Fatal(err)
		}
		if a, err := p.Profile.Entity(t.Context(), zoe.ID); err != nil || !a.Suspended || a.DisplayName != "" {
			t.Errorf("suspended: %+v, %v", a, err)
		}
		if err := p.Accounts.Reinstate(t.Context(), zoe.ID); err != nil {
			t.Fatal(err)
		}
		p.leave(t, canary{Actor: zoe})
		if a, err := p.Profile.Entity(t.Context(), zoe.ID); !errs.Is(err, errs.NotFound) {
			t.Errorf("erased: %+v, %v", a, err)
		}
		if a, err := p.Profile.Entity(t.Context(), bob.ID); err != nil || a.Followers != 0 || a.Following != 0 {
			t.Errorf("who is left counts %d followers, %d following, %v", a.Followers, a.Following, err)
		}
	})
}
