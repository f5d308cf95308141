package discover

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

func TestPagesLeadFromAddressToRestaurants(t *testing.T) {
	s := setup(t, dbtest.SQLite(t, Schema))
	rt := router(s)
	here := &http.Cookie{Name: PlaceCookie, Value: "52.500000,13.400000,Ring+1"}
	for name, c := range map[string]struct {
		person             id.ID
		cookie             *http.Cookie
		fragment           bool
		method, path, form string
		status             int
		want, not          string
	}{
		"no address yet":         {0, nil, false, "GET", "/", "", 200, "Where should dinner go?", "Luigi"},
		"address known":          {0, here, false, "GET", "/", "", 200, "Delivered to Ring 1", "Where should dinner go?"},
		"new, soon to close":     {0, here, false, "GET", "/", "", 200, "Closes 17:20", ""},
		"closed come with when":  {0, here, false, "GET", "/", "", 200, "Opens", ""},
		"pickup without address": {0, nil, false, "GET", "/?mode=pickup", "", 200, "Luigi", "Where should dinner go?"},
		"a dish":                 {0, here, true, "GET", "/?q=dal", "", 200, "Dal Makhani", "<html"},
		"a form's empty choices": {0, here, true, "GET", "/?q=dal&at=&diet=&price=0&sort=&cuisine=", "", 200, "Dal Makhani", "Nothing fits"},
		"nothing fits":           {0, here, false, "GET", "/?q=sushi", "", 200, "Clear the filters", ""},
		"nonsense time":          {0, here, false, "GET", "/?at=dinner", "", 422, "This is not a time", ""},
		"broken cookie":          {0, &http.Cookie{Name: PlaceCookie, Value: "x"}, false, "GET", "/", "", 200, "Where should dinner go?", ""},
		"suggestions":            {0, nil, true, "GET", "/place/suggest?q=Ring", "", 200, "Ring 1", "<html"},
		"choose a pin":           {0, nil, false, "POST", "/place", "lat=52.5&lon=13.4&next=/", 303, "", ""},
		"choose nothing":         {0, nil, false, "POST", "/place", "next=/", 422, "Set the pin", ""},
		"book of a guest":        {0, nil, false, "GET", "/addresses", "", 401, "sign in", ""},
		"empty book":             {3, nil, false, "GET", "/addresses", "", 200, "No address saved", ""},
		"save an address":        {4, nil, false, "POST", "/addresses", "street=Ring+1&lat=52.5&lon=13.4", 303, "", ""},
		"save half an address":   {4, nil, false, "POST", "/addresses", "street=&lat=52.5&lon=13.4", 422, "Give the street", ""},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if c.person != 0 {
				ctx = asPerson(ctx, c.person)
			}
			r := httptest.NewRequestWithContext(ctx, c.method, c.path, strings.NewReader(c.form))
			if c.form != "" {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			if c.cookie != nil {
				r.AddCookie(c.cookie)
			}
			if c.fragment {
				r.Header.Set("HX-Request", "true")
			}
			w := httptest.NewRecorder()
			rt.ServeHTTP(w, r)
			body := w.Body.String()
			if w.Code != c.status || !strings.Contains(body, c.want) || c.not != "" && strings.Contains(body, c.not) {
				t.Fatalf("%s %s = %d %s; want %d with %q, without %q", c.method, c.path, w.Code, body, c.status, c.want, c.not)
			}
		})
	}
}

func TestChosenPlaceComesBackFromTheCookie(t *testing.T) {
	want := Place{Label: "Große Straße 7, 2. Hof", Point: doorstep}
	w := httptest.NewRecorder()
	setPlace(w, want, true)
	r := httptest.NewRequest("GET", "/", nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	if got, ok := PlaceOf(r); !ok || got != want {
		t.Fatalf("PlaceOf = %+v, %v; want %+v", got, ok, want)
	}
}

func TestADeletedAddressCanBeHadBack(t *testing.T) {
	s := setup(t, dbtest.SQLite(t, Schema))
	rt := router(s)
	ctx := asPerson(t.Context(), 1)
	post := func(path string, form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(ctx, "POST", path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("HX-Request", "true")
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		return w
	}
	post("/addresses", url.Values{"street": {"Ring 1"}, "lat": {"52.5"}, "lon": {"13.4"}})
	list, err := s.Addresses(ctx)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	undo := "/addresses/" + list[0].ID.String() + "/restore"
	if w := post("/addresses/"+list[0].ID.String()+"/delete", nil); !strings.Contains(w.Body.String(), undo) {
		t.Fatalf("deletion offers no undo: %s", w.Body)
	}
	post(undo, nil)
	if list, _ := s.Addresses(ctx); len(list) != 1 {
		t.Fatal("the address is not back")
	}
}
