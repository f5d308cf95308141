package explain

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

const luigi id.ID = 7

// town is an order of anna's at Luigi's, where bob works until ten.
type town struct {
	s         *Service
	now       *clock.Manual
	anna, bob access.Actor
	rt        *httpx.Router
}

func newTown(t *testing.T) *town {
	t.Helper()
	now := clock.NewManual(time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC))
	d := dbtest.SQLite(t, events.Schema, account.Schema)
	accounts := account.New(d, events.New(d, events.NewLocal()), id.NewSource(1), now.Now, account.Options{})
	ids, err := accounts.Add(t.Context(), account.Person{Handle: "anna", Name: "Anna", Email: "anna@example.org"},
		account.Person{Handle: "bob", Name: "Bob", Email: "bob@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if err := accounts.Grant(t.Context(), ids[1], access.Grant{Role: access.RoleStaff, Place: luigi, Until: now.Now().Add(4 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	out := &town{now: now}
	out.s = New(accounts, now.Now, Options{
		Zone: time.UTC,
		Thing: func(_ context.Context, kind, name string) (access.Thing, error) {
			switch kind + ":" + name {
			case "order:ABC-DEF":
				return access.Thing{Kind: "order", ID: 100, Owner: ids[0], Restaurant: luigi}, nil
			case "restaurant:luigi":
				return access.Thing{Kind: "restaurant", ID: luigi}, nil
			case "account:bob":
				return access.Thing{Kind: "account", ID: ids[1]}, nil
			}
			return access.Thing{}, errs.New(errs.NotFound, "Nothing is called so.")
		},
		Place: func(_ context.Context, r id.ID) (Place, error) {
			if r != luigi {
				return Place{}, errs.New(errs.NotFound, "Gone.")
			}
			return Place{Name: "Luigi's", Slug: "luigi"}, nil
		},
	})
	for name, a := range map[string]*access.Actor{"anna": &out.anna, "@bob": &out.bob} {
		if *a, _, err = out.s.As(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	out.rt = httpx.NewRouter(slog.New(slog.DiscardHandler), "test", func(w http.ResponseWriter, _ *http.Request, status int, sentence string) {
		http.Error(w, sentence, status)
	})
	out.s.Routes(out.rt)
	return out
}

func (w *town) get(a access.Actor, path string, query ...string) *httptest.ResponseRecorder {
	q := url.Values{}
	for i := 0; i < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	r := httptest.NewRequest("GET", path+"?"+q.Encode(), nil)
	rec := httptest.NewRecorder()
	w.rt.ServeHTTP(rec, r.WithContext(access.With(r.Context(), a)))
	return rec
}

func TestAskSaysWhatAccessDecides(t *testing.T) {
	w := newTown(t)
	for _, c := range []struct {
		who         access.Actor
		verb, thing string
		want        errs.Kind // Internal: allowed
		ways        []string
	}{
		{w.anna, "order.cancel", "order:ABC-DEF", errs.Internal, []string{"It is their own: they ordered it, or it is their account"}},
		{w.anna, "order.confirm", "order:ABC-DEF", errs.Forbidden, []string{"Works at the restaurant it belongs to", "Is an admin"}},
		{w.bob, "order.confirm", "order:ABC-DEF", errs.Internal, []string{"Works at the restaurant it belongs to"}},
		{w.bob, "restaurant.manage", "restaurant:luigi", errs.Forbidden, []string{"Owns the restaurant it belongs to", "Is an admin"}},
		{w.bob, "order.read", "restaurant:luigi", errs.Internal, nil},
		{w.bob, "account.read", "", errs.Internal, nil},
		{w.anna, "account.read", "account:bob", errs.NotFound, nil},
		{w.anna, "dispatch.board", "", errs.Forbidden, []string{"Is a dispatcher", "Is an admin"}},
		{access.Actor{}, "order.place", "", errs.Unauthenticated, nil},
	} {
		a, err := w.s.Ask(t.Context(), c.who, c.verb, c.thing)
		if err != nil || a.Allowed != (c.want == errs.Internal) || a.Err != nil && !errs.Is(a.Err, c.want) {
			t.Errorf("%s %s %s = %v, %v (%v); want %v", c.who.Handle, c.verb, c.thing, a.Allowed, a.Err, err, c.want)
		}
		if got := Ways(t.Context(), a.Explanation); c.ways != nil && !slices.Equal(got, c.ways) {
			t.Errorf("%s %s %s would turn by %q; want %q", c.who.Handle, c.verb, c.thing, got, c.ways)
		}
	}
	app := w.anna
	app.App, app.Scopes = 9, []string{"read"}
	a, err := w.s.Ask(t.Context(), app, "order.cancel", "order:ABC-DEF")
	if got := Ways(t.Context(), a.Explanation); err != nil || !slices.Equal(got, []string{"Comes with a token that has the scope stoa:orders"}) {
		t.Errorf("an app's way = %q, %v", got, err)
	}
	for _, c := range [][2]string{{"order.fly", ""}, {"", ""}, {"order.cancel", ""}, {"order.cancel", "ABC-DEF"}, {"order.cancel", "dish:pizza"}, {"order.cancel", "order:"}} {
		if _, err := w.s.Ask(t.Context(), w.anna, c[0], c[1]); !errs.Is(err, errs.Invalid) && c[0] != "order.fly" {
			t.Errorf("Ask(%q, %q) = %v; want an invalid error", c[0], c[1], err)
		}
	}
	if _, err := w.s.Ask(t.Context(), w.anna, "order.fly", "order:ABC-DEF"); !errs.Is(err, errs.Invalid) {
		t.Errorf("an unknown verb = %v; want an invalid error", err)
	}
}

// TestPeopleLearnNothingOfOthersThings compares what somebody is told of another's account with what they are told of nobody's.
func TestPeopleLearnNothingOfOthersThings(t *testing.T) {
	w := newTown(t)
	for verb, things := range map[string][2]string{"account.read": {"account:bob", "account:nobody"}, "order.cancel": {"order:ABC-DEF", "order:XXX-XXX"}} {
		stranger := access.Actor{ID: 999, Handle: "eve"}
		there, gone := w.get(stranger, "/account/access", "verb", verb, "thing", things[0]), w.get(stranger, "/account/access", "verb", verb, "thing", things[1])
		if there.Code != 404 || there.Code != gone.Code || strings.ReplaceAll(there.Body.String(), things[0], "X") != strings.ReplaceAll(gone.Body.String(), things[1], "X") {
			t.Errorf("%s: %d for %s, %d for %s; want the same answer", verb, there.Code, things[0], gone.Code, things[1])
		}
	}
}

func TestThePageSaysWhatOneMayDoAndWhy(t *testing.T) {
	w := newTown(t)
	r := w.get(w.bob, "/account/access", "verb", "order.confirm", "thing", "order:ABC-DEF")
	for _, want := range []string{"Restaurant staff", "Luigi&#39;s", "until", "Allowed.", "permit (principal in Its::&#34;staff&#34;", "Works at the restaurant it belongs to"} {
		if !strings.Contains(r.Body.String(), want) {
			t.Errorf("GET /account/access = %d without %q", r.Code, want)
		}
	}
	if r := w.get(w.anna, "/account/access"); r.Code != 200 || !strings.Contains(r.Body.String(), "No roles") {
		t.Errorf("GET /account/access of a customer = %d without its sentence", r.Code)
	}
	if r := w.get(w.anna, "/account/access", "verb", "order.cancel", "thing", "ABC-DEF"); r.Code != 422 || !strings.Contains(r.Body.String(), "Say to what") {
		t.Errorf("a thing that can't be read = %d; want 422 and the form with what to write", r.Code)
	}
	if r := w.get(access.Actor{}, "/account/access"); r.Code != 401 {
		t.Errorf("a stranger = %d; want 401", r.Code)
	}
}

func TestAdminsAskAboutAnybodyAndOthersDoNot(t *testing.T) {
	w := newTown(t)
	admin := access.Actor{ID: 998, Handle: "boss", Roles: []access.Grant{{Role: access.RoleAdmin}}}
	if r := w.get(admin, "/admin/access", "as", "anna", "verb", "account.read", "thing", "account:bob"); r.Code != 200 || !strings.Contains(r.Body.String(), "Refused:") {
		t.Errorf("an admin asks = %d, %s", r.Code, r.Body)
	}
	if r := w.get(admin, "/admin/access", "as", "nobody"); r.Code != 422 {
		t.Errorf("an admin asks about nobody = %d; want 422", r.Code)
	}
	if r := w.get(w.bob, "/admin/access", "as", "anna"); r.Code != 403 {
		t.Errorf("staff asks about others = %d; want 403", r.Code)
	}
}

func TestARoleThatHasEndedIsNotShown(t *testing.T) {
	w := newTown(t)
	w.now.Advance(4 * time.Hour)
	bob, _, err := w.s.As(t.Context(), "bob")
	if err != nil || len(bob.Roles) != 0 {
		t.Errorf("roles = %v, %v; want none", bob.Roles, err)
	}
}

func TestTheTableNamesTheThings(t *testing.T) {
	w := newTown(t)
	got := map[string]string{}
	for _, g := range w.s.table(t.Context(), w.bob) {
		for _, r := range g.Rows {
			if (r.Where == "") != (r.Line == 0) {
				t.Errorf("%s: %q by line %d", r.Verb, r.Where, r.Line)
			}
			got[r.Verb] = r.Where
		}
	}
	want := map[string]string{"order.read": "own · while carrying · Luigi's", "order.confirm": "Luigi's", "order.deliver": "while carrying · Luigi's", "restaurant.read": "Everywhere", "dispatch.board": "", "order.place": "Yes", "admin.*": "", "account.secure": "own"}
	for verb, where := range want {
		if got[verb] != where {
			t.Errorf("%s: %q; want %q", verb, got[verb], where)
		}
	}
}

// TestEveryVerbAndFactHasItsWords holds the words to the policy file.
func TestEveryVerbAndFactHasItsWords(t *testing.T) {
	var said []string
	for _, g := range verbGroups {
		for _, v := range g.Verbs {
			said = append(said, v.Verb)
			e, err := access.Explain(access.Actor{}, strings.Replace(v.Verb, "*", "all", 1), access.Thing{})
			if err != nil {
				t.Errorf("%s: %v", v.Verb, err)
			}
			for _, f := range e.Facts {
				if w := FactWord(t.Context(), f.Name); w == f.Name {
					t.Errorf("the fact %s of %s has no words", f.Name, v.Verb)
				}
			}
		}
	}
	slices.Sort(said)
	if diff := cmp.Diff(access.Verbs(), said); diff != "" {
		t.Errorf("verbs of the policy file and their sentences (-want +got):\n%s", diff)
	}
	for _, r := range access.Roles {
		if roleWords[r] == "" {
			t.Errorf("the role %s has no word", r)
		}
	}
}

func TestTheTerminalGetsEverythingOnLines(t *testing.T) {
	w := newTown(t)
	a, err := w.s.Ask(t.Context(), w.anna, "order.confirm", "order:ABC-DEF")
	if err != nil {
		t.Fatal(err)
	}
	const want = `@anna may not: order.confirm order:ABC-DEF
  You may not do that.
  No line of the policy file permits it.
What the policies ask:
  - Works at the restaurant it belongs to
  - Is an admin
  - Comes with a token that lacks the scope stoa:orders
It would be allowed by any one of these:
  Works at the restaurant it belongs to
  Is an admin
`
	if diff := cmp.Diff(want, a.Text(t.Context())); diff != "" {
		t.Errorf("Text (-want +got):\n%s", diff)
	}
	if german := a.Text(i18n.With(t.Context(), "de")); strings.Contains(german, "What the policies ask") {
		t.Errorf("in German: %s", german)
	}
}
