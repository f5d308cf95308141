package ledger

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

var (
	boss  = access.Actor{ID: 99, Roles: []access.Grant{{Role: access.RoleAdmin}}}
	guest = access.Actor{ID: 7}
	rider = access.Actor{ID: 9, Roles: []access.Grant{{Role: access.RoleCourier}}}
	owner = access.Actor{ID: 50, Roles: []access.Grant{{Role: access.RoleOwner, Place: 5}}}
	staff = access.Actor{ID: 51, Roles: []access.Grant{{Role: access.RoleStaff, Place: 5}}}
)

func TestPeopleReadTheirOwnAccountsOnly(t *testing.T) {
	ctx := t.Context()
	d := dbtest.SQLite(t, Schema)
	s, sh := newBooks(d)
	b := sh.put(1)
	b.Sold, b.Earned = true, true
	write(t, d, func(tx *db.Tx) error {
		if err := s.Post(ctx, tx, gift(7, "gift:1", 100)); err != nil {
			return err
		}
		if err := s.Sell(ctx, tx, b.Sale, noon); err != nil {
			return err
		}
		return s.Earn(ctx, tx, 1, 9, noon.Add(time.Hour))
	})
	s.opt.Name = func(_ context.Context, owner id.ID) string { return map[id.ID]string{5: "Nonna"}[owner] }
	var asked, closed id.ID
	s.opt.Unclear = func(context.Context) ([]Unclear, error) {
		return []Unclear{{Order: 1, Code: "K7Q-1", Asked: "capture", Amount: 3768, Currency: "EUR", Provider: "sandbox", Since: noon, Ask: true}}, nil
	}
	s.opt.Incidents = func(context.Context) ([]Incident, error) {
		return []Incident{{ID: 77, Order: 1, Provider: "sandbox", Kind: "refund_refused", Detail: "no_such_charge", At: noon}}, nil
	}
	s.opt.Ask = func(_ context.Context, order id.ID) error { asked = order; return nil }
	s.opt.Close = func(_ context.Context, incident id.ID) error { closed = incident; return nil }
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", func(w http.ResponseWriter, _ *http.Request, status int, _ string) { w.WriteHeader(status) })
	s.Routes(rt)
	get := func(a access.Actor, path string) (int, string) {
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, httptest.NewRequestWithContext(i18n.With(access.With(ctx, a), "de"), "GET", path, nil))
		return w.Code, w.Body.String()
	}
	const list = httpx.Prefix + "/ledger/accounts"
	ids := map[delivery.BookKind]string{}
	status, body := get(boss, list+"?limit=100")
	var all page.Page[delivery.BookAccount]
	if err := json.Unmarshal([]byte(body), &all); err != nil || status != 200 || len(all.Items) != 12 {
		t.Fatalf("an admin gets %d with %d accounts, %v: %s", status, len(all.Items), err, body)
	}
	for _, a := range all.Items {
		ids[a.Book.Kind] = a.ID.String()
	}
	for _, c := range []struct {
		name   string
		who    access.Actor
		path   string
		status int
		has    string
	}{
		{"all accounts", guest, list, 403, ""},
		{"all accounts", access.Actor{}, list, 401, ""},
		{"own accounts", guest, list + "?owner=7", 200, `"wallet"`},
		{"another's accounts", guest, list + "?owner=9", 404, ""},
		{"a kind that there is not", boss, list + "?kind=pocket", 422, ""},
		{"an owner that is no number", boss, list + "?owner=me", 422, ""},
		{"own wallet", guest, list + "/" + ids["wallet"], 200, `"balance":-100`},
		{"another's wallet", rider, list + "/" + ids["wallet"], 404, ""},
		{"own pay", rider, list + "/" + ids["courier"], 200, `"balance":-735`},
		{"own restaurant", owner, list + "/" + ids["restaurant"], 200, `"balance":-2647`},
		{"own restaurant's tax", owner, list + "?owner=5&kind=tax", 200, `"rate":1900`},
		{"the restaurant one works at", staff, list + "/" + ids["restaurant"], 403, ""},
		{"the town's", owner, list + "/" + ids["platform"], 403, ""},
		{"the town's", boss, list + "/" + ids["platform"], 200, ""},
		{"none", boss, list + "/12", 404, ""},
		{"no number", boss, list + "/me", 422, ""},
		{"entries by time", owner, list + "/" + ids["restaurant"] + "?from=2026-11-22T12:30:00Z", 200, `"what":"commission"`},
		{"the page", guest, "/admin/finance", 403, ""},
		{"the page", boss, "/admin/finance", 200, "Den Restaurants geschuldet"},
		{"the page of a kind", boss, "/admin/finance?kind=restaurant", 200, "Nonna"},
		{"incidents", boss, "/admin/finance", 200, "refund_refused"},
		{"incidents by REST", boss, httpx.Prefix + "/payment-incidents", 200, "no_such_charge"},
		{"incidents by REST", guest, httpx.Prefix + "/payment-incidents", 403, ""},
		{"what is unclear", boss, "/admin/finance", 200, "/orders/K7Q-1"},
		{"the page of a kind that there is not", boss, "/admin/finance?kind=pocket", 200, "Diese Art von Konto gibt es nicht."},
		{"an account's page", boss, "/admin/finance/" + ids["restaurant"] + "?from=2026-11-22&to=2026-11-22", 200, "earned:1"},
		{"an account's page of another day", boss, "/admin/finance/" + ids["restaurant"] + "?from=2026-11-23", 200, "nichts eingetragen"},
		{"an account's page of no day", boss, "/admin/finance/" + ids["restaurant"] + "?from=today", 200, "Gib Tage als"},
		{"no account's page", boss, "/admin/finance/12", 404, ""},
	} {
		status, body := get(c.who, c.path)
		if status != c.status || !strings.Contains(body, c.has) {
			t.Errorf("%s (%d asks %s) = %d; want %d with %q in\n%s", c.name, c.who.ID, c.path, status, c.status, c.has, body)
		}
	}
	for _, c := range []struct {
		who    access.Actor
		path   string
		status int
	}{
		{guest, "/admin/finance/orders/1/ask", 403},
		{guest, "/admin/finance/incidents/77/close", 403},
		{boss, "/admin/finance/orders/x/ask", 404},
		{boss, "/admin/finance/orders/1/ask", 303},
		{boss, "/admin/finance/incidents/77/close", 303},
	} {
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, httptest.NewRequestWithContext(access.With(ctx, c.who), "POST", c.path, nil))
		if w.Code != c.status {
			t.Errorf("%d posts to %s = %d; want %d", c.who.ID, c.path, w.Code, c.status)
		}
		if c.status == 403 && (asked != 0 || closed != 0) {
			t.Error("a guest did something about payments")
		}
	}
	if asked != 1 || closed != 77 {
		t.Errorf("asked about order %d, closed incident %d", asked, closed)
	}
	_, body = get(owner, list+"/"+ids["restaurant"]+"?from=2026-11-22T12:30:00Z")
	if strings.Contains(body, `"what":"sale"`) {
		t.Errorf("entries of half past twelve and later hold one of noon: %s", body)
	}
	seen := 0
	for path := list + "?limit=5"; path != ""; {
		var p page.Page[delivery.BookAccount]
		if _, body = get(boss, path); json.Unmarshal([]byte(body), &p) != nil {
			t.Fatal(body)
		}
		seen += len(p.Items)
		if path = ""; p.Next != "" {
			path = list + "?limit=5&cursor=" + p.Next
		}
	}
	if seen != 12 {
		t.Errorf("page by page there are %d accounts", seen)
	}
}
