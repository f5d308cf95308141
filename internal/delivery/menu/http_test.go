package menu

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// call sends one request as somebody and returns the answer.
func (h *house) call(a access.Actor, method, path, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	h.rt.ServeHTTP(w, r.WithContext(access.With(r.Context(), a)))
	return w
}

const api = httpx.Prefix + "/restaurants/dal/menu"

func TestAPI(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		item := h.dish(t, "Dal", -1)
		section := must(h.Menu(t.Context(), 7))(t).Items[item].Section.ID
		one := fmt.Sprintf("%s/items/%d", api, item)
		for _, c := range []struct {
			name, method, path, body string
			who                      access.Actor
			status                   int
			want, not                string
		}{
			{name: "anybody reads the card", method: "GET", path: api, status: 200, want: `"name":"Dal"`, not: "hidden"},
			{name: "an unknown restaurant", method: "GET", path: httpx.Prefix + "/restaurants/none/menu", status: 404, want: `"code":"not_found"`},
			{name: "a stranger adds", method: "POST", path: api + "/items", body: fmt.Sprintf(`{"section":"%d","name":"X","price":1}`, section), status: 401},
			{name: "a stranger sees hidden items", method: "GET", path: api + "?all=true", status: 401},
			{name: "the owner adds", method: "POST", path: api + "/items", body: fmt.Sprintf(`{"section":"%d","name":"Naan","price":250,"diets":["vegan"]}`, section), who: owner, status: 201, want: `"id":"`},
			{name: "a negative price", method: "POST", path: api + "/items", body: fmt.Sprintf(`{"section":"%d","name":"X","price":-1}`, section), who: owner, status: 422, want: `body.price`},
			{name: "an unknown allergen", method: "PATCH", path: one, body: `{"allergens":["moon"]}`, who: owner, status: 422, want: `body.allergens`},
			{name: "an unknown section", method: "PATCH", path: one, body: `{"section":"4711"}`, who: owner, status: 422, want: `body.section`},
			{name: "an id that is none", method: "PATCH", path: api + "/items/x", body: `{}`, who: owner, status: 422, want: `path.id`},
			{name: "a price change", method: "PATCH", path: one, body: `{"price":1050}`, who: owner, status: 204},
			{name: "another's dish", method: "PATCH", path: strings.Replace(one, "/dal/", "/udon/", 1), body: `{"price":1}`, who: other, status: 404},
			{name: "sold out for today", method: "PUT", path: one + "/availability", body: `{"sold_out":"today"}`, who: owner, status: 204},
			{name: "the card says so", method: "GET", path: api, status: 200, want: `"sold_out_until":"2026-11-24T03:00:00Z"`, not: `"price":950`},
			{name: "two answers at once", method: "PUT", path: one + "/availability", body: `{"sold_out":"today","available":true}`, who: owner, status: 422, want: `body.available`},
			{name: "no answer", method: "PUT", path: one + "/availability", body: `{}`, who: owner, status: 422},
			{name: "five left", method: "PUT", path: one + "/availability", body: `{"stock":5,"available":true}`, who: owner, status: 204},
			{name: "the card counts", method: "GET", path: api, status: 200, want: `"stock":5`, not: "sold_out_until"},
			{name: "an option that is none", method: "PUT", path: api + "/options/4711/availability", body: `{"available":true}`, who: owner, status: 404},
			{name: "a section with bad hours", method: "POST", path: api + "/sections", body: `{"name":"Lunch","hours":"noon"}`, who: owner, status: 422, want: `body.hours`},
			{name: "a group", method: "POST", path: api + "/groups", body: `{"name":"Size","min":1,"max":1,"options":[{"name":"Small"},{"name":"Large","price":200}]}`, who: owner, status: 201},
			{name: "a group that cannot be met", method: "POST", path: api + "/groups", body: `{"name":"Size","min":3,"max":2,"options":[{"name":"Small"}]}`, who: owner, status: 422, want: `body.max`},
			{name: "a move", method: "POST", path: one + "/move", body: `{"step":1}`, who: owner, status: 204},
			{name: "a copy", method: "POST", path: one + "/copy", body: `{}`, who: owner, status: 201},
			{name: "a delete", method: "DELETE", path: one, who: owner, status: 204},
			{name: "a delete of nothing", method: "DELETE", path: api + "/items/4711", who: owner, status: 404},
			{name: "the undo", method: "POST", path: one + "/restore", who: owner, status: 204},
			{name: "no JSON", method: "POST", path: api + "/items", body: `{`, who: owner, status: 422, want: `body`},
			{name: "an export by a stranger", method: "GET", path: api + "/export", status: 401},
			{name: "an export", method: "GET", path: api + "/export?format=csv", who: owner, status: 200, want: "menu,menu_hours,section"},
			{name: "an export to paper", method: "GET", path: api + "/export?format=pdf", who: owner, status: 422, want: "query.format"},
		} {
			w := h.call(c.who, c.method, c.path, "application/json", c.body)
			got := w.Body.String()
			if w.Code != c.status || !strings.Contains(got, c.want) || c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("%s: %d %s; want %d with %q, without %q", c.name, w.Code, got, c.status, c.want, c.not)
			}
		}
	})
}

func TestImportOverHTTPReportsLines(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		w := h.call(owner, "POST", api+"/import", "text/csv", "item;price\nDal;7,50\nNaan;cheap\n;3\n")
		got := w.Body.String()
		if w.Code != 422 || !strings.Contains(got, `"code":"bad_lines"`) || !strings.Contains(got, "line[3].price") || !strings.Contains(got, "line[4].item") {
			t.Errorf("%d %s", w.Code, got)
		}
		w = h.call(owner, "POST", api+"/import?dry_run=true", "text/csv", "item;price\nDal;7,50\n")
		if got := w.Body.String(); w.Code != 200 || !strings.Contains(got, `"applied":false`) || !strings.Contains(got, `"added":1`) {
			t.Errorf("dry run: %d %s", w.Code, got)
		}
		if n := len(must(h.Menu(t.Context(), 7))(t).Items); n != 0 {
			t.Errorf("%d items after a refused import and a dry run", n)
		}
		w = h.call(owner, "POST", api+"/import", "text/csv", "item;price\nDal;7,50\n")
		if got := w.Body.String(); w.Code != 200 || !strings.Contains(got, `"applied":true`) {
			t.Errorf("import: %d %s", w.Code, got)
		}
		if w := h.call(owner, "POST", api+"/import", "text/csv", strings.Repeat("x", MaxImport+10)); w.Code != 413 {
			t.Errorf("a file that is too large: %d", w.Code)
		}
	})
}

func TestETagHoldsUntilSomethingChanges(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		item := h.dish(t, "Dal", 3)
		get := func(match string) *httptest.ResponseRecorder {
			r := httptest.NewRequest("GET", api, nil)
			r.Header.Set("If-None-Match", match)
			w := httptest.NewRecorder()
			h.rt.ServeHTTP(w, r)
			return w
		}
		etag := get("").Header().Get("ETag")
		if w := get(etag); w.Code != 304 || w.Body.Len() != 0 {
			t.Errorf("the same card: %d with %d bytes; want 304 and none", w.Code, w.Body.Len())
		}
		ok(t, h.take(t.Context(), delivery.Portion{Item: item, Qty: 1}))
		h.clock.Advance(2 * time.Second)
		if w := get(etag); w.Code != 200 || !strings.Contains(w.Body.String(), `"stock":2`) {
			t.Errorf("after an order: %d %s", w.Code, w.Body)
		}
	})
}

func TestSchemaOrgDocumentIsAbsoluteAndComplete(t *testing.T) {
	m := &delivery.Menu{Restaurant: 7, Items: map[id.ID]*delivery.Item{}}
	sec := &delivery.Section{ID: 1, Name: "Mains"}
	sec.Items = []*delivery.Item{
		{ID: 2, Section: sec, Name: "Dal", Price: 750, Photo: "/media/x-l.jpg", Diets: []string{"vegan"}, Stock: -1},
		{ID: 3, Section: sec, Name: "Secret", Price: 1, Hidden: true, Stock: -1},
		{ID: 4, Section: sec, Name: "Naan", Price: 5, OutUntil: delivery.Forever, Stock: -1},
	}
	m.Sections = []*delivery.Section{sec}
	b, _ := json.Marshal(JSONLDMenu(m, "EUR", "https://town.example"))
	for _, want := range []string{`"price":"7.50"`, `"priceCurrency":"EUR"`, `"https://town.example/media/x-l.jpg"`, `"https://schema.org/VeganDiet"`, `"https://schema.org/SoldOut"`} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("%s lacks %s", b, want)
		}
	}
	if bytes.Contains(b, []byte("Secret")) {
		t.Errorf("%s shows a hidden item", b)
	}
}

// BenchmarkGetMenu reads a card of 60 dishes with options through the router, as `make bench` does over the wire.
func BenchmarkGetMenu(b *testing.B) {
	h := newHouse(b, dbtest.SQLite(b, Schema, events.Schema))
	doc := Document{Menus: []DocMenu{{Name: "Menu", Sections: make([]DocSection, 6)}}}
	for i := range doc.Menus[0].Sections {
		s := &doc.Menus[0].Sections[i]
		s.Name = fmt.Sprintf("Section %d", i)
		for k := range 10 {
			s.Items = append(s.Items, DocItem{
				Name: fmt.Sprintf("Dish %d", k), Description: "With rice, coriander and a squeeze of lime.", Price: 950, Allergens: []string{"milk"}, Diets: []string{"vegetarian"},
				Groups: []DocGroup{{Name: "Size", Min: 1, Max: 1, Options: []DocOption{{Name: "Small"}, {Name: "Large", Price: 200}}}},
			})
		}
	}
	if _, err := h.ImportDocument(b.Context(), owner, 7, doc, ImportOptions{}); err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, api, nil)
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.rt.ServeHTTP(w, r)
		if w.status != 200 {
			b.Fatal(w.status)
		}
	}
	b.ReportMetric(float64(w.n)/float64(b.N), "bytes/answer")
}

type discard struct {
	header http.Header
	status int
	n      int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(s int)           { d.status = s }
func (d *discard) Write(b []byte) (int, error) { d.n += len(b); return len(b), nil }
