package access

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
)

var update = flag.Bool("update", false, "write testdata/matrix.golden anew")

const (
	anna  id.ID = 1 // whose things the matrix is about
	pizza id.ID = 7 // the restaurant in question
	other id.ID = 8 // another restaurant
)

// actors are the columns of the matrix; each meets an order and account of anna's, at the restaurant pizza, carried by account 5.
var actors = []struct {
	name  string
	actor Actor
}{
	{"anonymous", Actor{}},
	{"neighbour", Actor{ID: 2}},
	{"holder", Actor{ID: anna}},
	{"holder's read token", Actor{ID: anna, Scopes: []string{"read"}}},
	{"holder's empty token", Actor{ID: anna, Scopes: []string{}}},
	{"holder's read write token", Actor{ID: anna, Scopes: []string{"read", "write"}}},
	{"owner", Actor{ID: 3, Roles: []Grant{{Role: RoleOwner, Place: pizza}}}},
	{"staff", Actor{ID: 4, Roles: []Grant{{Role: RoleStaff, Place: pizza}}}},
	{"owner elsewhere", Actor{ID: 3, Roles: []Grant{{Role: RoleOwner, Place: other}}}},
	{"staff elsewhere", Actor{ID: 4, Roles: []Grant{{Role: RoleStaff, Place: other}}}},
	{"staff of nowhere", Actor{ID: 4, Roles: []Grant{{Role: RoleStaff, Place: 0}}}},
	{"its courier", Actor{ID: 5, Roles: []Grant{{Role: RoleCourier}}}},
	{"another courier", Actor{ID: 6, Roles: []Grant{{Role: RoleCourier}}}},
	{"dispatcher", Actor{ID: 9, Roles: []Grant{{Role: RoleDispatcher}}}},
	{"moderator", Actor{ID: 10, Roles: []Grant{{Role: RoleModerator}}}},
	{"holder's app for reading food", Actor{ID: anna, App: 99, Scopes: []string{"stoa:orders:read"}}},
	{"holder's app for food", Actor{ID: anna, App: 99, Scopes: []string{"stoa:orders"}}},
	{"holder's Mastodon app", Actor{ID: anna, App: 99, Scopes: []string{"read", "write", "follow", "push"}}},
	{"its courier's app", Actor{ID: 5, App: 99, Roles: []Grant{{Role: RoleCourier}}, Scopes: []string{"stoa:courier"}}},
	{"admin's app", Actor{ID: 11, App: 99, Roles: []Grant{{Role: RoleAdmin}}, Scopes: []string{"stoa:admin"}}},
	{"admin", Actor{ID: 11, Roles: []Grant{{Role: RoleAdmin}}}},
	{"admin's read token", Actor{ID: 11, Roles: []Grant{{Role: RoleAdmin}}, Scopes: []string{"read"}}},
}

// thingFor returns the thing that a verb of the matrix is done to.
func thingFor(verb string) Thing {
	switch kind, _, _ := strings.Cut(verb, "."); kind {
	case "order":
		if verb == "order.place" {
			return Thing{Kind: kind}
		}
		return Thing{Kind: kind, ID: 100, Owner: anna, Restaurant: pizza, Courier: 5}
	case "restaurant":
		return Thing{Kind: kind, ID: pizza}
	case "menu":
		return Thing{Kind: kind, ID: 101, Restaurant: pizza}
	case "receipt":
		return Thing{Kind: "order", ID: 100, Owner: anna, Restaurant: pizza, Courier: 5}
	case "statement", "bank":
		return Thing{Kind: kind, ID: 102, Owner: anna, Restaurant: pizza}
	case "account", "address", "cart":
		return Thing{Kind: "account", ID: anna}
	default:
		return Thing{Kind: kind}
	}
}

func TestMatrixOfVerbsAndActors(t *testing.T) {
	var b strings.Builder
	row := func(verb string, thing Thing, label string) {
		answers := map[string][]string{}
		for _, a := range actors {
			word := "may"
			if err := Can(a.actor, verb, thing); err != nil {
				word = errs.KindOf(err).String()
			}
			answers[word] = append(answers[word], a.name)
		}
		fmt.Fprintf(&b, "%s\n", label)
		for _, word := range []string{"may", "forbidden", "not_found", "unauthenticated", "internal"} {
			if who := answers[word]; who != nil {
				fmt.Fprintf(&b, "    %-16s %s\n", word, strings.Join(who, ", "))
			}
		}
	}
	for _, verb := range Verbs() {
		row(verb, thingFor(verb), verb)
	}
	row("order.deliver", Thing{Kind: "order", ID: 102, Owner: anna, Restaurant: pizza}, "order.deliver, to be fetched: no courier")
	if *update {
		if err := os.WriteFile("testdata/matrix.golden", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/matrix.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the matrix changed; if that is meant, run with -update (-want +got):\n%s", diff)
	}
}

func TestAnUnknownVerbIsAFaultAndNeverAllowed(t *testing.T) {
	admin := Actor{ID: 11, Roles: []Grant{{Role: RoleAdmin}}}
	for _, verb := range []string{"order.confrim", "order.*", "", "*"} {
		if err := Can(admin, verb, Thing{}); !errs.Is(err, errs.Internal) {
			t.Errorf("Can(admin, %q) = %v; want an internal error", verb, err)
		}
	}
}

func TestEveryAdminVerbIsForAdmins(t *testing.T) {
	if err := Can(Actor{ID: 11, Roles: []Grant{{Role: RoleAdmin}}}, "admin.backups", Thing{}); err != nil {
		t.Errorf("an admin: %v; want nil", err)
	}
	if err := Can(Actor{ID: 9, Roles: []Grant{{Role: RoleDispatcher}}}, "admin.backups", Thing{}); !errs.Is(err, errs.Forbidden) {
		t.Errorf("a dispatcher: %v; want forbidden", err)
	}
}

func TestAForeignThingLooksLikeNoThing(t *testing.T) {
	order := thingFor("order.read")
	neighbour := Actor{ID: 2}
	for _, verb := range Verbs() {
		if strings.HasPrefix(verb, "order.") && verb != "order.place" {
			if err := Can(neighbour, verb, order); !errs.Is(err, errs.NotFound) {
				t.Errorf("Can(neighbour, %s) = %v; want not found", verb, err)
			}
		}
	}
}

func TestThePolicyFileNamesOnlyFactsThatExist(t *testing.T) {
	code := regexp.MustCompile(`(?m)^//.*$`).ReplaceAllString(string(policyText), "")
	for _, m := range regexp.MustCompile(`(\w+)::"([^"]*)"`).FindAllStringSubmatch(code, -1) {
		if m[1] == "Do" {
			if !regexp.MustCompile(`^[a-z]+\.([a-z]+(_[a-z]+)?|\*)$`).MatchString(m[2]) || !slices.Contains(Verbs(), m[2]) {
				t.Errorf("verb %s is odd, or stands in no policy's head", m[0])
			}
			continue
		}
		if !slices.ContainsFunc(load().names, func(n cedar.EntityUID) bool { return string(n.Type) == m[1] && string(n.ID) == m[2] }) {
			t.Errorf("the policies speak of %s, which is never true", m[0])
		}
		if scope, ok := strings.CutPrefix(m[2], "without "); ok && m[1] == "Token" && scopeRank(scope) < 0 {
			t.Errorf("the policies speak of the scope %s, which no token can have", scope)
		}
	}
}

func TestRequireWantsSomebody(t *testing.T) {
	if _, err := Require(context.Background()); !errs.Is(err, errs.Unauthenticated) {
		t.Errorf("Require of an empty context = %v; want unauthenticated", err)
	}
	got, err := Require(With(context.Background(), Actor{ID: anna, Handle: "anna"}))
	if err != nil || got.Handle != "anna" {
		t.Errorf("Require = %v, %v", got, err)
	}
}

func TestPlacesListsEachRestaurantOnce(t *testing.T) {
	a := Actor{ID: 3, Roles: []Grant{{Role: RoleOwner, Place: pizza}, {Role: RoleStaff, Place: pizza}, {Role: RoleCourier}, {Role: RoleStaff, Place: other}}}
	if diff := cmp.Diff([]id.ID{pizza, other}, a.Places()); diff != "" {
		t.Errorf("Places (-want +got):\n%s", diff)
	}
	if !a.WorksAt(other) || a.Owns(other) || !a.Owns(pizza) || a.WorksAt(0) {
		t.Error("WorksAt and Owns do not follow the grants")
	}
}

func BenchmarkCanWithAnAppsToken(b *testing.B) {
	order, app := thingFor("order.read"), Actor{ID: anna, App: 99, Scopes: []string{"read", "write", "stoa:orders"}}
	for b.Loop() {
		if err := Can(app, "order.read", order); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCould(b *testing.B) {
	staff := Actor{ID: 4, Roles: []Grant{{Role: RoleStaff, Place: other}, {Role: RoleStaff, Place: pizza}}}
	for b.Loop() {
		if err := Could(staff, "order.confirm"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCan(b *testing.B) {
	order, staff := thingFor("order.confirm"), Actor{ID: 4, Roles: []Grant{{Role: RoleStaff, Place: other}, {Role: RoleStaff, Place: pizza}}}
	for b.Loop() {
		if err := Can(staff, "order.confirm", order); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCedar(b *testing.B) {
	list := load().byVerb["order.confirm"]
	for b.Loop() {
		if d := list.ask(anyPerson | itsStaff); !d.allowed {
			b.Fatal(d)
		}
	}
}
