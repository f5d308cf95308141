package httpx

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/platform/access"
)

// guardedRouter has a page and an operation for each kind of guard. Who comes in sees 200, or 204.
func guardedRouter() *Router {
	rt := NewRouter(slog.New(slog.DiscardHandler), "test", func(w http.ResponseWriter, _ *http.Request, status int, _ string) { w.WriteHeader(status) })
	in := func(http.ResponseWriter, *http.Request) error { return nil }
	type body struct {
		Body struct {
			N int `json:"n"`
		}
	}
	for name, g := range map[string]Guard{
		"anyone": Anyone, "person": Person, "kitchen": May("restaurant.work"), "orders": May("order.read"), "cart": GuestOr("cart.manage"), "nobody": {}, "typo": May("order.raed"),
	} {
		rt.Page("GET /"+name, g, in)
		rt.Page("POST /"+name, g, in)
		Operation(rt, huma.Operation{Method: "POST", Path: "/" + name, OperationID: name}, g, func(context.Context, *body) (*struct{}, error) { return nil, nil })
	}
	return rt
}

func TestTheDoorLetsInWhomTheRouteIsFor(t *testing.T) {
	rt := guardedRouter()
	staff := []access.Grant{{Role: access.RoleStaff, Place: 7}}
	for _, c := range []struct {
		name  string
		actor access.Actor
		want  map[string]int // statuses of GET pages
	}{
		{"a stranger", access.Actor{}, map[string]int{"anyone": 200, "person": 401, "kitchen": 401, "orders": 401, "cart": 200}},
		{"a customer", access.Actor{ID: 1}, map[string]int{"anyone": 200, "person": 200, "kitchen": 403, "orders": 200, "cart": 200}},
		{"staff", access.Actor{ID: 1, Roles: staff}, map[string]int{"anyone": 200, "person": 200, "kitchen": 200, "orders": 200, "cart": 200}},
		{"a script that reads", access.Actor{ID: 1, Roles: staff, Scopes: []string{"read"}}, map[string]int{"anyone": 200, "person": 200, "kitchen": 403, "orders": 200, "cart": 403}},
		{"a script that writes", access.Actor{ID: 1, Roles: staff, Scopes: []string{"write"}}, map[string]int{"anyone": 200, "person": 403, "kitchen": 200, "orders": 403, "cart": 200}},
		{"a Mastodon app", access.Actor{ID: 1, Roles: staff, App: 9, Scopes: []string{"read", "write"}}, map[string]int{"anyone": 200, "person": 403, "kitchen": 403, "orders": 403, "cart": 403}},
		{"a till", access.Actor{ID: 1, Roles: staff, App: 9, Scopes: []string{"stoa:orders"}}, map[string]int{"anyone": 200, "person": 403, "kitchen": 200, "orders": 200, "cart": 200}},
	} {
		for path, want := range c.want {
			r := httptest.NewRequest("GET", "/"+path, nil)
			w := httptest.NewRecorder()
			rt.ServeHTTP(w, r.WithContext(access.With(r.Context(), c.actor)))
			if w.Code != want {
				t.Errorf("GET /%s as %s = %d; want %d", path, c.name, w.Code, want)
			}
		}
	}
}

func TestPersonAsksTokensForReadingAndWritingApart(t *testing.T) {
	rt := guardedRouter()
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 403} {
		r := httptest.NewRequest(method, "/person", nil)
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r.WithContext(access.With(r.Context(), access.Actor{ID: 1, Scopes: []string{"read"}})))
		if w.Code != want {
			t.Errorf("%s /person with a token that reads = %d; want %d", method, w.Code, want)
		}
	}
}

func TestARouteWithoutAGuardOrWithAnUnknownVerbServesNobody(t *testing.T) {
	rt := guardedRouter()
	admin := access.Actor{ID: 1, Roles: []access.Grant{{Role: access.RoleAdmin}}}
	for _, path := range []string{"/nobody", "/typo", Prefix + "/nobody", Prefix + "/typo"} {
		r := httptest.NewRequest("POST", path, strings.NewReader(`{"n":1}`))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r.WithContext(access.With(r.Context(), admin)))
		if w.Code != 500 {
			t.Errorf("POST %s as an admin = %d; want 500", path, w.Code)
		}
	}
}

func TestWhoMayNotComeIsToldNothingOfTheInput(t *testing.T) {
	rt := guardedRouter()
	for _, c := range []struct {
		actor     access.Actor
		status    int
		challenge string
	}{
		{access.Actor{}, 401, "Bearer"},
		{access.Actor{ID: 1}, 403, ""},
		{access.Actor{ID: 1, Roles: []access.Grant{{Role: access.RoleOwner, Place: 7}}, App: 9, Scopes: []string{"read"}}, 403, `Bearer error="insufficient_scope", scope="stoa:orders"`},
		{access.Actor{ID: 1, Roles: []access.Grant{{Role: access.RoleOwner, Place: 7}}}, 422, ""},
	} {
		r := httptest.NewRequest("POST", Prefix+"/kitchen", strings.NewReader(`{"n":"one"}`))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r.WithContext(access.With(r.Context(), c.actor)))
		if w.Code != c.status || w.Header().Get("WWW-Authenticate") != c.challenge || strings.Contains(w.Body.String(), "body.n") != (c.status == 422) {
			t.Errorf("%+v: %d, %q, %s; want %d, %q", c.actor, w.Code, w.Header().Get("WWW-Authenticate"), w.Body, c.status, c.challenge)
		}
	}
}

func TestRoutesTellTheirGuards(t *testing.T) {
	want := map[string]string{"GET /anyone": "anyone", "GET /person": "person", "GET /kitchen": "may restaurant.work", "GET /cart": "guest or cart.manage", "GET /nobody": "nobody"}
	for _, route := range guardedRouter().Routes() {
		if g, ok := want[route.Pattern]; ok && g != route.Guard.String() {
			t.Errorf("%s is for %q; want %q", route.Pattern, route.Guard, g)
		}
	}
}
