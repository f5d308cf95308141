package cash

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

func TestCashIsTakenInOverHTTP(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		tw.carry(t)
		rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", func(w http.ResponseWriter, _ *http.Request, status int, _ string) { w.WriteHeader(status) })
		tw.Routes(rt)
		send := func(ctx context.Context, method, path, body string) (int, string) {
			r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
			if strings.HasPrefix(path, "/api/") {
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Idempotency-Key", "rest")
			} else {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			w := httptest.NewRecorder()
			rt.ServeHTTP(w, r)
			return w.Code, w.Body.String()
		}
		const api = "/api/stoa/v1"
		_, form := send(as(desk), "GET", "/dispatch/cash", "")
		key := regexp.MustCompile(`name="idempotency_key" value="([^"]+)"`).FindStringSubmatch(form)
		if key == nil {
			t.Fatalf("the page has no form: %s", form)
		}
		take := "idempotency_key=" + key[1] + "&expected=2000&counted=19%2C50&choice=write_off&note=A+coin+fell"
		for _, x := range []struct {
			who          access.Actor
			method, path string
			body         string
			status       int
			want, not    string
		}{
			{desk, "GET", "/dispatch/cash", "", 200, "too much: ask for it", "Carla"},
			{desk, "GET", api + "/dispatch/cash?limit=1", "", 200, `"amount":2000`, "Mira"},
			{anna, "GET", "/dispatch/cash", "", 403, "", ""},
			{kurt, "GET", api + "/dispatch/cash", "", 403, "", ""},
			{kurt, "POST", "/dispatch/cash/30/hand-in", take, 403, "", ""},
			{access.Actor{}, "POST", api + "/dispatch/cash/30/hand-in", `{"expected":2000,"counted":2000}`, 401, "", ""},
			{desk, "POST", "/dispatch/cash/30/hand-in", "idempotency_key=x&expected=2000&counted=much", 422, "Give an amount such as 4.50.", ""},
			{desk, "POST", "/dispatch/cash/30/hand-in", "idempotency_key=x&expected=1000&counted=10", 409, "changed meanwhile", ""},
			{desk, "POST", "/dispatch/cash/none/hand-in", take, 404, "", ""},
			{desk, "POST", "/dispatch/cash/30/hand-in", take, 303, "", ""},
			{desk, "POST", "/dispatch/cash/30/hand-in", take, 303, "", ""},
			{desk, "POST", api + "/dispatch/cash/31/hand-in", `{"expected":1000,"counted":900}`, 201, `"difference":-100`, ""},
			{desk, "POST", api + "/dispatch/cash/31/hand-in", `{"expected":1000,"counted":900}`, 201, `"difference":-100`, ""},
			{desk, "GET", "/dispatch/cash", "", 200, "€0.50 was missing and was written off", "too much"},
			{kurt, "GET", "/courier/cash", "", 200, "A coin fell", "Mira"},
			{mira, "GET", api + "/courier/cash", "", 200, `"amount":100`, "A coin fell"},
			{anna, "GET", api + "/courier/cash", "", 403, "", ""},
		} {
			status, body := send(as(x.who), x.method, x.path, x.body)
			if status != x.status || !strings.Contains(body, x.want) || x.not != "" && strings.Contains(body, x.not) {
				t.Errorf("%s %s of %q: %d %s; want %d with %q and without %q", x.method, x.path, x.who.Name, status, body, x.status, x.want, x.not)
			}
		}
		tw.wantBalances(t, map[delivery.Book]money.Amount{purseOf(kurt): 0, purseOf(mira): 100, bank: 2850, differences: 50})
		if _, body := send(i18n.With(as(kurt), "de"), "GET", "/courier/cash", ""); !strings.Contains(body, "Dein Bargeld") || !strings.Contains(body, "fehlte und wurde ausgebucht") {
			t.Errorf("in German: %s", body)
		}
	}, schemas...)
}

func TestNotesGoWithAnAccountAndAmountsStay(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		tw.carry(t)
		if _, err := tw.TakeIn(as(desk), kurt.ID, "k", Wish{Expected: 2000, Counted: 2000, Note: "about Kurt"}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.TakeIn(as(admin), mira.ID, "m", Wish{Expected: 1000, Counted: 1000, Note: "about Mira"}); err != nil {
			t.Fatal(err)
		}
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tw.Personal().Erase(t.Context(), tx, kurt.ID)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		past, err := tw.History(as(desk), "", 0)
		if err != nil || len(past.Items) != 2 || past.Items[0].Note != "about Mira" || past.Items[1].Note != "" || past.Items[1].Counted != 2000 {
			t.Fatalf("after Kurt has left: %+v, %v", past, err)
		}
	}, schemas...)
}

func TestAmountsAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]money.Amount{"4.50": 450, "4,5": 450, "\u00204\u0020": 400, "0": 0, "-1.05": -105, "123456789": 12345678900} {
		if got, ok := readAmount(text, "EUR"); !ok || got != want {
			t.Errorf("readAmount(%q) = %d, %t; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "-", ".", "much", "1.234", "1.2.3", "--1", "1e3", "1234567890"} {
		if got, ok := readAmount(text, "EUR"); ok {
			t.Errorf("readAmount(%q) = %d; want none", text, got)
		}
	}
}
