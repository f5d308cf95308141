package menu

import (
	"bytes"
	"image"
	"image/png"
	"mime/multipart"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
)

const pages = "/restaurant/dal/menu"

// forbidden is what the content security policy would refuse.
var forbidden = regexp.MustCompile(`(?i)\s(style|on[a-z]+|hx-on[^=]*)="`)

// form posts a form as somebody, as htmx does where fragment is set.
func (h *house) form(a access.Actor, path string, fragment bool, values url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if fragment {
		r.Header.Set("HX-Request", "true")
	}
	w := httptest.NewRecorder()
	h.rt.ServeHTTP(w, r.WithContext(access.With(r.Context(), a)))
	return w
}

func TestPagesShowTheCardAndKeepStrangersOut(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		group := must(h.SaveGroup(ctx, owner, 7, 0, GroupInput{Name: "Size", Min: 1, Max: 1, Options: []OptionInput{{Name: "Small"}, {Name: "Large", Price: 200, Stock: ptr(int64(0))}}}))(t)
		item := h.dish(t, "Dal <b>", 4)
		ok(t, h.EditItem(ctx, owner, 7, item, ItemPatch{Groups: &[]id.ID{group}, Diets: &[]string{"vegan"}}))
		gone := h.dish(t, "Rice", -1)
		ok(t, h.Set(ctx, owner, 7, gone, Availability{SoldOut: &delivery.Forever}))
		section := must(h.Menu(ctx, 7))(t).Items[item].Section.ID
		menu := must(h.Card(ctx, owner, 7))(t).Menus[0].ID
		for path, want := range map[string]string{
			pages:                                            "Dal &lt;b&gt;",
			pages + "?undo=item:" + item.String():            "Undo",
			pages + "/menus/new":                             "New menu",
			pages + "/menus/" + menu.String():                "Menu",
			pages + "/sections/new":                          "New section",
			pages + "/sections/" + section.String():          "Mains",
			pages + "/items/new?section=" + section.String(): "New dish",
			pages + "/items/" + item.String():                `value="9.50"`,
			pages + "/groups":                                "choose 1",
			pages + "/groups/new":                            "New option group",
			pages + "/groups/" + group.String():              "Large",
			pages + "/import":                                "option_stock",
			pages + "/export?format=json":                    `"menus"`,
			"/kitchen/dal/menu":                              "Large",
			"/kitchen/dal/menu?q=rice":                       "Rice",
		} {
			w := h.call(owner, "GET", path, "", "")
			body := w.Body.String()
			if w.Code != 200 || !strings.Contains(body, want) {
				t.Errorf("GET %s: %d without %q: %.300s", path, w.Code, want, body)
			}
			if m := forbidden.FindString(body); m != "" && !strings.Contains(path, "export") {
				t.Errorf("GET %s has %q, which the content security policy refuses", path, m)
			}
			if w := h.call(access.Actor{}, "GET", path, "", ""); w.Code != 401 {
				t.Errorf("GET %s by nobody: %d; want 401", path, w.Code)
			}
			if w := h.call(other, "GET", path, "", ""); w.Code != 403 && w.Code != 404 {
				t.Errorf("GET %s by another owner: %d; want 403 or 404", path, w.Code)
			}
		}
		if w := h.call(owner, "GET", "/kitchen/dal/menu?q=rice", "", ""); strings.Contains(w.Body.String(), "Large") {
			t.Error("the search for rice shows Large")
		}
	})
}

func TestFormsChangeTheCard(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		item, last := h.dish(t, "Dal", -1), h.dish(t, "Rice", -1)
		section := must(h.Menu(ctx, 7))(t).Items[item].Section.ID.String()
		one := pages + "/items/" + item.String()
		now := func() *delivery.Item { return must(h.Menu(ctx, 7))(t).Items[item] }
		for _, c := range []struct {
			name, path string
			values     url.Values
			holds      func() bool
		}{
			{"a price with a comma", one + "/price", url.Values{"price": {"10,50"}}, func() bool { return now().Price == 1050 }},
			{"sold out", pages + "/availability/" + item.String(), url.Values{"until": {"today"}}, func() bool { return !now().OutUntil.IsZero() }},
			{"back", "/kitchen/dal/menu/" + item.String(), url.Values{"until": {"now"}}, func() bool { return now().OutUntil.IsZero() }},
			{"counted", pages + "/availability/" + item.String(), url.Values{"stock": {"3"}}, func() bool { return now().Stock == 3 }},
			{"moved down", pages + "/move", url.Values{"what": {"item:" + item.String()}, "index": {""}, "step": {"1"}}, func() bool { return now().Section.Items[1].ID == item }},
			{"dragged up", pages + "/move", url.Values{"what": {"item:" + item.String()}, "index": {"0"}}, func() bool { return now().Section.Items[0].ID == item }},
			{"copied", one + "/copy", nil, func() bool { return len(now().Section.Items) == 3 }},
			{"deleted", pages + "/delete", url.Values{"what": {"item:" + last.String()}}, func() bool { return must(h.Menu(ctx, 7))(t).Items[last] == nil }},
			{"restored", pages + "/restore?what=item:" + last.String(), nil, func() bool { return must(h.Menu(ctx, 7))(t).Items[last] != nil }},
			{"a section", pages + "/sections/new", url.Values{"name": {"Drinks"}, "hours": {"Mo-Su 17:00-22:00"}}, func() bool { return len(must(h.Menu(ctx, 7))(t).Sections) == 2 }},
			{"a group", pages + "/groups/new", url.Values{"name": {"Size"}, "min": {"1"}, "max": {"1"}, "rule": {"SUM"}, "option_id": {"", ""}, "option_name": {"Small", ""}, "option_price": {"", ""}, "option_stock": {"", ""}}, func() bool { return len(must(h.Card(ctx, owner, 7))(t).Groups) == 1 }},
			{"a whole dish", one, url.Values{"name": {"Dal Makhani"}, "price": {"12.00"}, "section": {section}, "tax": {"food"}, "diets": {"vegetarian"}}, func() bool {
				return now().Name == "Dal Makhani" && now().Price == 1200 && now().Stock == -1 && len(now().Diets) == 1
			}},
		} {
			w := h.form(owner, c.path, false, c.values)
			if w.Code != 303 && w.Code != 204 || !c.holds() {
				t.Errorf("%s: %d %.300s, %+v", c.name, w.Code, w.Body, now())
			}
		}
		w := h.form(owner, pages+"/delete", true, url.Values{"what": {"item:" + last.String()}})
		if body := w.Body.String(); w.Code != 200 || !strings.Contains(body, `id="card"`) || !strings.Contains(body, "toast-undo") || strings.Contains(body, "<html") {
			t.Errorf("a delete by htmx: %d %.300s; want the card with a toast that offers undo", w.Code, body)
		}
		for name, c := range map[string]struct {
			path   string
			values url.Values
		}{
			"a price that is none":  {one + "/price", url.Values{"price": {"cheap"}}},
			"a switch that is none": {pages + "/availability/" + item.String(), url.Values{"until": {"noon"}}},
			"a dish without a name": {one, url.Values{"name": {" "}, "price": {"1"}, "section": {section}}},
			"a group without any":   {pages + "/groups/new", url.Values{"name": {"Empty"}, "min": {"0"}, "max": {"1"}}},
			"bad hours":             {pages + "/menus/new", url.Values{"name": {"Lunch"}, "hours": {"noon"}}},
		} {
			if w := h.form(owner, c.path, false, c.values); w.Code != 422 {
				t.Errorf("%s: %d; want 422", name, w.Code)
			}
		}
	})
}

func upload(t *testing.T, fields map[string]string, name string, file []byte) (contentType, body string) {
	t.Helper()
	var buf bytes.Buffer
	m := multipart.NewWriter(&buf)
	for k, v := range fields {
		ok(t, m.WriteField(k, v))
	}
	f := must(m.CreateFormFile(name, "upload"))(t)
	f.Write(file)
	ok(t, m.Close())
	return m.FormDataContentType(), buf.String()
}

func TestPicturesAreUploadedWithTheirDish(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		item := h.dish(t, "Dal", -1)
		section := must(h.Menu(t.Context(), 7))(t).Items[item].Section.ID.String()
		var pic bytes.Buffer
		ok(t, png.Encode(&pic, image.NewGray(image.Rect(0, 0, 60, 40))))
		fields := map[string]string{"name": "Dal", "price": "9.50", "section": section, "tax": "food"}
		ct, body := upload(t, fields, "photo", pic.Bytes())
		w := h.call(owner, "POST", pages+"/items/"+item.String(), ct, body)
		if got := must(h.Menu(t.Context(), 7))(t).Items[item].Photo; w.Code != 303 || !strings.HasPrefix(got, "/media/") {
			t.Errorf("upload: %d, photo %q", w.Code, got)
		}
		ct, body = upload(t, fields, "photo", []byte("<svg onload=alert(1)>"))
		if w := h.call(owner, "POST", pages+"/items/"+item.String(), ct, body); w.Code != 422 {
			t.Errorf("an upload that is no picture: %d; want 422", w.Code)
		}
	})
}

func TestImportPageChecksBeforeItImports(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		send := func(do, file string) *httptest.ResponseRecorder {
			ct, body := upload(t, map[string]string{"do": do}, "file", []byte(file))
			return h.call(owner, "POST", pages+"/import", ct, body)
		}
		if w := send("import", "item,price\nDal,x\n"); w.Code != 422 || !strings.Contains(w.Body.String(), `data-label="Line">2<`) {
			t.Errorf("a bad file: %d %.200s", w.Code, w.Body)
		}
		if w := send("check", "item,price\nDal,7.50\n"); w.Code != 200 || len(must(h.Menu(t.Context(), 7))(t).Items) != 0 {
			t.Errorf("a check: %d", w.Code)
		}
		if w := send("import", "item,price\nDal,7.50\n"); w.Code != 200 || len(must(h.Menu(t.Context(), 7))(t).Items) != 1 {
			t.Errorf("an import: %d", w.Code)
		}
		if w := send("import", ""); w.Code != 422 {
			t.Errorf("no file: %d", w.Code)
		}
	})
}
