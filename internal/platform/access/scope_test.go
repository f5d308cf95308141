package access

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
)

func TestParseScopesTellsWordsFromOthers(t *testing.T) {
	got, err := ParseScopes("write  read read+stoa:orders")
	if diff := cmp.Diff([]string{"read", "write", "stoa:orders"}, got); diff != "" || err != nil {
		t.Errorf("ParseScopes (-want +got, err %v):\n%s", err, diff)
	}
	if got, err := ParseScopes(""); got == nil || len(got) != 0 || err != nil {
		t.Errorf("ParseScopes of nothing = %#v, %v; want an empty list that is not nil, which would be everything", got, err)
	}
	for _, text := range []string{"all", "read stoa", "READ", "read:", "stoa:orders:write", "write:accounts:x"} {
		if got, err := ParseScopes(text); !errs.Is(err, errs.Invalid) {
			t.Errorf("ParseScopes(%q) = %v, %v; want an Invalid error", text, got, err)
		}
	}
}

func TestEveryScopeIsListedOnceWithASentence(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Scopes {
		if seen[s.Word] || !strings.HasSuffix(s.Sentence, ".") {
			t.Errorf("%+v is there twice, or has no sentence", s)
		}
		seen[s.Word] = true
	}
}

func TestAWordCoversItsSubScopesAndNothingElse(t *testing.T) {
	for word, want := range map[string]string{
		"read":             "read profile read:accounts read:blocks read:bookmarks read:favourites read:filters read:follows read:lists read:mutes read:notifications read:search read:statuses",
		"read:accounts":    "read:accounts profile",
		"profile":          "profile",
		"follow":           "follow read:blocks read:follows read:mutes write:blocks write:follows write:mutes",
		"push":             "push",
		"stoa:orders":      "stoa:orders stoa:orders:read",
		"stoa:orders:read": "stoa:orders:read",
		"stoa:admin":       "stoa:admin stoa:admin:read",
		"write:statuses":   "write:statuses",
		"reader":           "",
	} {
		for _, s := range Scopes {
			if got, want := Allows([]string{word}, s.Word), slices.Contains(strings.Fields(want), s.Word); got != want {
				t.Errorf("Allows(%s, %s) = %v; want %v", word, s.Word, got, want)
			}
		}
	}
}

func TestReadAndWriteOfOnesOwnTokenTogetherMeanEverything(t *testing.T) {
	own := Actor{ID: anna, Scopes: []string{"read", "write"}}
	app := Actor{ID: anna, App: 9, Scopes: []string{"read", "write"}}
	for _, s := range Scopes {
		if !own.Allows(s.Word) {
			t.Errorf("one's own token of read and write does not cover %s", s.Word)
		}
		if strings.HasPrefix(s.Word, "stoa:") && app.Allows(s.Word) {
			t.Errorf("an app's read and write cover %s", s.Word)
		}
		if (Actor{ID: anna, Scopes: []string{"read"}}).Allows(s.Word) == (Actor{ID: anna, Scopes: []string{"write"}}).Allows(s.Word) {
			t.Errorf("%s is covered by both or neither of read and write", s.Word)
		}
	}
}

// TestEveryVerbAsksTokensForAScope holds new verbs to a line that says which scope they need: without one any app might do it.
func TestEveryVerbAsksTokensForAScope(t *testing.T) {
	admin := Actor{ID: anna, Roles: []Grant{{Role: RoleAdmin}, {Role: RoleCourier}, {Role: RoleModerator}, {Role: RoleDispatcher}, {Role: RoleOwner, Place: pizza}}, Scopes: []string{}}
	for _, verb := range Verbs() {
		if verb == "restaurant.read" || verb == "menu.read" {
			continue // strangers may
		}
		verb = strings.Replace(verb, "*", "anything", 1)
		thing := thingFor(verb)
		thing.Owner, thing.Courier = anna, anna
		if err := Can(admin, verb, thing); err == nil {
			t.Errorf("a token without any scope may do %s: add a forbid line to policy.cedar", verb)
		}
		admin := admin
		admin.App = 9
		if err := Could(admin, verb); err == nil {
			t.Errorf("an app without any scope could do %s: add a forbid line to policy.cedar", verb)
		}
	}
}

func TestATokenThatLacksAScopeIsToldWhich(t *testing.T) {
	for _, c := range []struct {
		verb, want string
		actor      Actor
	}{
		{"order.cancel", "stoa:orders", Actor{ID: anna, App: 9, Scopes: []string{"read", "write"}}},
		{"order.read", "stoa:orders:read", Actor{ID: anna, App: 9, Scopes: []string{"read", "write"}}},
		{"account.manage", "write:accounts", Actor{ID: anna, Scopes: []string{"read"}}},
		{"account.secure", "", Actor{ID: anna, App: 9, Scopes: []string{"read", "write", "stoa:admin"}}},
	} {
		for name, err := range map[string]error{"Can": Can(c.actor, c.verb, thingFor(c.verb)), "Could": Could(c.actor, c.verb)} {
			var e *ScopeError
			if !errors.As(err, &e) || e.Scope != c.want || !errs.Is(err, errs.Forbidden) || errs.CodeOf(err) != "insufficient_scope" {
				t.Errorf("%s(%v, %s) = %v; want a ScopeError with %q", name, c.actor.Scopes, c.verb, err, c.want)
			}
		}
	}
	if err := Can(Actor{ID: 2, Scopes: []string{"read"}}, "order.cancel", thingFor("order.cancel")); !errs.Is(err, errs.NotFound) {
		t.Errorf("a neighbour's token = %v; want not found, as it is for the neighbour", err)
	}
}

// TestWhoMayDoItToAThingIsLetThroughTheDoor draws actors and things: the door must never refuse what Can would allow.
func TestWhoMayDoItToAThingIsLetThroughTheDoor(t *testing.T) {
	ids := rapid.SampledFrom([]id.ID{0, anna, 2, 5, pizza, other})
	rapid.Check(t, func(t *rapid.T) {
		a := Actor{ID: ids.Draw(t, "id"), App: rapid.SampledFrom([]id.ID{0, 9}).Draw(t, "app")}
		for range rapid.IntRange(0, 3).Draw(t, "roles") {
			g := Grant{Role: rapid.SampledFrom(Roles).Draw(t, "role")}
			if g.Role.OfPlace() {
				g.Place = ids.Draw(t, "place")
			}
			a.Roles = append(a.Roles, g)
		}
		if rapid.Bool().Draw(t, "token") {
			a.Scopes = []string{}
			for range rapid.IntRange(0, 3).Draw(t, "scopes") {
				a.Scopes = append(a.Scopes, rapid.SampledFrom(Scopes).Draw(t, "scope").Word)
			}
		}
		verb := rapid.SampledFrom(Verbs()).Draw(t, "verb")
		kind, _, _ := strings.Cut(verb, ".")
		thing := Thing{Kind: kind, ID: ids.Draw(t, "thing"), Owner: ids.Draw(t, "holder"), Restaurant: ids.Draw(t, "restaurant"), Courier: ids.Draw(t, "courier")}
		if thing.Courier == a.ID && !a.Has(RoleCourier) {
			thing.Courier = 0 // who is a courier no more has done with it
		}
		if strings.HasSuffix(verb, "*") {
			verb = "admin.anything"
		}
		if Can(a, verb, thing) == nil && Could(a, verb) != nil {
			t.Fatalf("Can allows %+v to %s %+v, and the door says %v", a, verb, thing, Could(a, verb))
		}
	})
}

func TestTheDoorKnowsRolesAndLeavesWhatIsPeoplesToTheirThings(t *testing.T) {
	neighbour := Actor{ID: 2}
	for _, verb := range []string{"restaurant.work", "menu.manage", "courier.work", "dispatch.board", "dispatch.assign", "admin.people", "admin.read"} {
		if err := Could(neighbour, verb); !errs.Is(err, errs.Forbidden) {
			t.Errorf("Could(neighbour, %s) = %v; want forbidden", verb, err)
		}
	}
	for _, verb := range []string{"order.confirm", "order.deliver", "order.read", "account.read"} {
		if err := Could(neighbour, verb); err != nil {
			t.Errorf("Could(neighbour, %s) = %v; want nil, as the order decides", verb, err)
		}
	}
	for _, verb := range []string{"order.confirm", "restaurant.work", "person.read"} {
		if err := Could(Actor{}, verb); !errs.Is(err, errs.Unauthenticated) {
			t.Errorf("Could(nobody, %s) = %v; want unauthenticated", verb, err)
		}
	}
}

func TestExplainNamesTheLineAndWhatWouldTurnIt(t *testing.T) {
	e, err := Explain(Actor{ID: anna}, "order.cancel", thingFor("order.cancel"))
	if err != nil || !e.Allowed || !strings.HasPrefix(e.Policy, `permit (principal in Its::"holder", action in [Do::"order.read", Do::"order.cancel"`) {
		t.Errorf("Explain = %+v, %v", e, err)
	}
	if diff := cmp.Diff([][]Fact{{{`Its::"holder"`, false}}}, e.Change); diff != "" {
		t.Errorf("what would turn it (-want +got):\n%s", diff)
	}
	e, err = Explain(Actor{ID: 2}, "order.deliver", Thing{Kind: "order", ID: 3, Owner: anna, Restaurant: pizza})
	want := [][]Fact{{{`Its::"staff"`, true}}, {{`Its::"courier"`, true}}, {{`The::"dispatchers"`, true}}}
	if diff := cmp.Diff(want, e.Change); err != nil || e.Allowed || e.Line != 0 || diff != "" {
		t.Errorf("Explain = %+v, %v; what would turn it (-want +got):\n%s", e, err, diff)
	}
	e, err = Explain(Actor{ID: anna, App: 9, Scopes: []string{"read"}}, "order.cancel", thingFor("order.cancel"))
	if diff := cmp.Diff([][]Fact{{{`Token::"without stoa:orders"`, false}}}, e.Change); err != nil || !strings.HasPrefix(e.Policy, "forbid (") || diff != "" {
		t.Errorf("Explain = %+v, %v; what would turn it (-want +got):\n%s", e, err, diff)
	}
	if _, err := Explain(Actor{}, "order.cancle", Thing{}); err == nil {
		t.Error("an unknown verb is explained")
	}
}
