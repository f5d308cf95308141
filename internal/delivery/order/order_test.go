package order

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

var states = []delivery.State{
	delivery.Created, delivery.Confirmed, delivery.Preparing, delivery.Ready, delivery.InDelivery, delivery.Delivered, delivery.Concluded, delivery.Cancelled,
}

var modes = []delivery.Mode{delivery.ByCourier, delivery.Pickup}

// legal is Open Delivery's graph, written down a second time.
var legal = map[delivery.State][]delivery.State{
	delivery.Created:    {delivery.Confirmed, delivery.Cancelled},
	delivery.Confirmed:  {delivery.Preparing, delivery.Ready, delivery.Cancelled},
	delivery.Preparing:  {delivery.Ready, delivery.Cancelled},
	delivery.Ready:      {delivery.InDelivery, delivery.Delivered, delivery.Cancelled},
	delivery.InDelivery: {delivery.Delivered, delivery.Cancelled},
	delivery.Delivered:  {delivery.Concluded},
	delivery.Concluded:  {},
	delivery.Cancelled:  {delivery.Created, delivery.Confirmed, delivery.Preparing, delivery.Ready, delivery.InDelivery},
}

func TestNoWalkLeavesTheMachineOrGetsStuck(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Standing{State: delivery.Created, Mode: rapid.SampledFrom(modes).Draw(t, "mode")}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			verb := rapid.SampledFrom(Verbs).Draw(t, "verb")
			who := Who(rapid.Uint8Range(0, 63).Draw(t, "who"))
			to, err := Move(s, verb, who)
			if (err == nil) != slices.Contains(Allowed(s, who), verb) {
				t.Fatalf("Move(%v, %s, %b) = %v, but Allowed says otherwise", s, verb, who, err)
			}
			if err != nil {
				if k := errs.KindOf(err); k != errs.Conflict && k != errs.Forbidden {
					t.Fatalf("Move(%v, %s) = %v of kind %s", s, verb, err, k)
				}
				continue
			}
			if !slices.Contains(legal[s.State], to) {
				t.Fatalf("%s led from %s to %s", verb, s.State, to)
			}
			if s.Mode == delivery.Pickup && to == delivery.InDelivery || s.Mode == delivery.ByCourier && s.State == delivery.Ready && to == delivery.Delivered {
				t.Fatalf("a %s order went from %s to %s", s.Mode, s.State, to)
			}
			if to == delivery.Cancelled {
				s.Before = s.State
			} else if s.State == delivery.Cancelled && to != s.Before {
				t.Fatalf("restored to %s, was %s", to, s.Before)
			}
			s.State = to
			if !Applied(s, verb) {
				t.Fatalf("%s led to %s but does not count as applied there", verb, to)
			}
		}
		if !canEnd(s, map[delivery.State]bool{}) {
			t.Fatalf("an order can't end from %v", s)
		}
	})
}

// canEnd reports whether an order can be concluded or cancelled from here.
func canEnd(s Standing, seen map[delivery.State]bool) bool {
	if s.State == delivery.Concluded || s.State == delivery.Cancelled {
		return true
	}
	seen[s.State] = true
	for _, v := range Verbs {
		to, err := Move(s, v, Customer|Restaurant|Courier|Dispatcher|Admin|System)
		if err == nil && !seen[to] && canEnd(Standing{State: to, Mode: s.Mode, Before: s.Before}, seen) {
			return true
		}
	}
	return false
}

func TestNobodyDoesWhatIsAnothers(t *testing.T) {
	for _, s := range states {
		for _, m := range modes {
			st := Standing{State: s, Before: delivery.Ready, Mode: m}
			for who, never := range map[Who][]Verb{
				Restaurant: {PickUp, HandOver, Fail, Conclude},
				Courier:    {Confirm, Refuse, Prepare, Finish, Collect, Cancel, Restore, Conclude},
				Customer:   {Confirm, Refuse, Prepare, Finish, PickUp, HandOver, Collect, Fail, Restore, Conclude},
				0:          Verbs,
			} {
				for _, v := range never {
					if CanMove(st, v, who) {
						t.Errorf("%b may %s a %s order that is %s", who, v, m, s)
					}
				}
			}
		}
	}
	if CanMove(Standing{State: delivery.Preparing, Mode: delivery.ByCourier}, Cancel, Customer) {
		t.Error("a customer may cancel what is being cooked")
	}
	if CanMove(Standing{State: delivery.InDelivery, Mode: delivery.ByCourier}, Cancel, Restaurant) {
		t.Error("a restaurant may cancel what is on its way")
	}
}

func TestEveryReasonHasALiablePartyAndAUse(t *testing.T) {
	for _, r := range Reasons {
		if r.Text == "" || len(r.Verbs) == 0 || r.Who == 0 {
			t.Errorf("reason %s is incomplete", r.Code)
		}
		for _, who := range []Who{Customer, Restaurant, Courier, Dispatcher, Admin, System} {
			for _, v := range r.Verbs {
				s := Standing{State: delivery.Ready, Mode: delivery.Pickup}
				got, err := FindReason(r.Code, s, v, who)
				if (err == nil) != (r.Who&who != 0) {
					t.Errorf("FindReason(%s, %s, %b) = %v", r.Code, v, who, err)
				}
				if err == nil && got.Liable == "" {
					t.Errorf("nobody is liable for %s by %b", r.Code, who)
				}
			}
		}
	}
	if _, err := FindReason("NO_SHOW", Standing{State: delivery.Confirmed, Mode: delivery.Pickup}, Cancel, Restaurant); err == nil {
		t.Error("a customer did not come for food that is not ready")
	}
}

func TestCodesAreReadAsTheyAreShownAndMisread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.StringMatching(`[0-9A-HJKMNP-TV-Z]{6}`).Draw(t, "code")
		shown := ShowCode(code)
		misread := strings.NewReplacer("1", "l", "0", "o").Replace(strings.ToLower(shown))
		if ReadCode(shown) != code || ReadCode(misread) != code {
			t.Fatalf("ReadCode(%q) = %q, ReadCode(%q) = %q; want %q", shown, ReadCode(shown), misread, ReadCode(misread), code)
		}
	})
}

func TestAnOrderMadeAheadCanBeAnsweredUntilItMustBeCooked(t *testing.T) {
	night := time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC)
	noon := night.Add(13 * time.Hour)
	if by := confirmBy(night, noon, false, 10*time.Minute); !by.Equal(noon.Add(-cookAhead)) {
		t.Errorf("an order for noon is refused at %s", by)
	}
	if by := confirmBy(night, noon, true, 10*time.Minute); !by.Equal(night.Add(10 * time.Minute)) {
		t.Errorf("an order for as soon as possible is refused at %s", by)
	}
}
