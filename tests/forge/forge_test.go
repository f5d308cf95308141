// Package forge sends what other sites could have somebody's browser send, and follows every link of the server as an admin does: the one
// must be refused, the other must change nothing.
package forge

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	_ "modernc.org/sqlite" // to see what a request left behind

	"github.com/stoa-town/stoa/tests/harness"
)

// town is a server in which somebody has every role and is signed in with a browser.
type town struct {
	t      *testing.T
	s      *harness.Server
	admin  *harness.Client
	cookie *http.Cookie
	http   *http.Client
	shop   harness.Shop
	known  map[string]string // values for the parts of paths
}

func open(t *testing.T) *town {
	w := &town{t: t, s: harness.Start(t, "serve", "--set", "signup.rules=Be kind."), known: map[string]string{}, http: &http.Client{
		Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	w.admin = w.s.Account(t, "boss", "admin", "courier", "dispatcher", "moderator")
	w.shop = w.admin.Restaurant(t, "Taj", nil)
	w.admin.Grant(t, "owner:"+w.shop.Slug)
	w.s.ImportMenu(t, w.shop, "section,item,price,group,group_min,group_max,option,option_price\nMain,Dal,6.50,Spice,0,1,Hot,0.50\nMain,Naan,2.95,,,,,\n")
	shop := "/restaurants/" + w.shop.Slug
	w.admin.Want(t, 201, "POST", shop+"/menu/menus", map[string]any{"name": "Lunch"}, nil)
	w.admin.Want(t, 201, "POST", shop+"/closures", map[string]any{"from": time.Now().AddDate(0, 2, 0), "to": time.Now().AddDate(0, 2, 1)}, nil)
	w.admin.Want(t, 201, "POST", "/addresses", map[string]any{"street": "Lindenweg 7", "point": map[string]any{"lat": harness.HereLat, "lon": harness.HereLon}}, nil)
	item := w.admin.Items(t, w.shop)["Dal"]
	for i := range 3 {
		body, _ := w.admin.Quoted(t, harness.Wish(w.shop, "delivery", harness.Line{Item: item, Qty: 1 + i}))
		var o struct {
			harness.Order
			Token string `json:"token"`
		}
		w.admin.Want(t, 201, "POST", "/orders", body, &o, "Idempotency-Key", fmt.Sprint("order-", i))
		if i > 0 {
			w.admin.Want(t, 200, "POST", "/orders/"+o.ID+"/confirm", map[string]any{"minutes": 180}, nil)
		}
		if i > 1 {
			w.admin.Want(t, 200, "POST", "/orders/"+o.ID+"/cancel", map[string]any{"reason": "OTHER"}, nil)
		}
		w.known["token"] = o.Token
		w.known["order"] = o.ID
	}
	w.admin.Want(t, 200, "PUT", "/cart", map[string]any{"restaurant": w.shop.ID, "mode": "pickup", "lines": []any{map[string]any{"item": item, "qty": 1}}}, nil)
	var in struct{ Token string }
	w.s.As("").Want(t, 201, "POST", "/session", map[string]string{"email": "boss@example.org", "password": harness.Password}, &in)
	w.cookie = &http.Cookie{Name: "stoa", Value: in.Token}
	w.meet()
	return w
}

// meet makes one of each thing that neighbours have.
func (w *town) meet() {
	made := func(status int, method, path string, body map[string]any) string {
		var out struct {
			ID string `json:"id"`
		}
		w.admin.Want(w.t, status, method, path, body, &out)
		return out.ID
	}
	me := made(200, "GET", "/api/v1/accounts/verify_credentials", nil)
	status := made(200, "POST", "/api/v1/statuses", map[string]any{"status": "Hello #walk"})
	list := made(200, "POST", "/api/v1/lists", map[string]any{"title": "Street"})
	filter := made(200, "POST", "/api/v2/filters", map[string]any{"title": "Quiet", "context": []string{"home"}})
	made(201, "POST", "/groups", map[string]any{"handle": "walk", "name": "Walk"})
	promotion := made(201, "POST", "/promotions", map[string]any{"restaurant": w.shop.ID, "code": "FORGED10", "kind": "percent", "percent": 10, "bearer": "restaurant"})
	run := made(201, "POST", "/payouts", map[string]any{"note": "of the week"})
	var pot struct{ Token string }
	w.admin.Want(w.t, 201, "POST", "/group-orders", map[string]any{"restaurant": w.shop.ID}, &pot)
	event := made(201, "POST", "/events", map[string]any{"title": "Fair", "starts_at": time.Now().AddDate(0, 0, 2)})
	for name, value := range map[string]string{
		"@ {handle}": "boss", "boss {id}": status, "statuses {id}": status, "lists {id}": list, "list {id}": list, "filters {id}": filter, "groups {handle}": "walk",
		"events {id}": event, "promotions {id}": promotion, "payouts {id}": run, "group-orders {token}": pot.Token, "g {token}": pot.Token, "accounts {id}": me, "tags {name}": "walk", "tags {tag}": "walk", "tag {tag}": "walk",
	} {
		w.known[name] = value
	}
}

// routes returns the registered routes as method and pattern.
func routes(t *testing.T) [][2]string {
	text, err := os.ReadFile(filepath.Join("..", "..", "api", "routes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var out [][2]string
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		f := strings.Fields(line)
		out = append(out, [2]string{f[0], f[1]})
	}
	return out
}

// send sends a request with the browser's cookie.
func (w *town) send(method, path, kind, body string, headers map[string]string) (int, string, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.s.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	req.AddCookie(w.cookie)
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	kind = res.Header.Get("Content-Type")
	if strings.HasPrefix(kind, "text/event-stream") {
		return res.StatusCode, kind, ""
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	if res.StatusCode/100 == 3 {
		return res.StatusCode, kind, `<a href="` + html.EscapeString(res.Header.Get("Location")) + `">`
	}
	return res.StatusCode, kind, string(b)
}

// sites are the ways in which a browser says that another site is asking.
var sites = []map[string]string{
	{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
	{"Sec-Fetch-Site": "cross-site", "Origin": "null"},
	{"Sec-Fetch-Site": "same-site", "Origin": "https://evil.example"},
	{"Origin": "https://evil.example"}, // older browsers say no more
	{"Origin": "http://127.0.0.1:1"},
}

// bodies are what a page can send to another site without asking.
var bodies = [][2]string{
	{"application/x-www-form-urlencoded", "name=forged&password=forged1234&role=admin"},
	{"text/plain", `{"name":"forged"}`},
	{"multipart/form-data; boundary=q", "--q\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nforged\r\n--q--\r\n"},
}

// forApps reports whether a path is of Mastodon's API.
func forApps(path string) bool {
	return strings.HasPrefix(path, "/api/v1/") || strings.HasPrefix(path, "/api/v2/")
}

// forAll are the unsafe routes that pages of other sites may send to, since they look at no cookie: what they do, anybody can do.
var forAll = map[string]bool{"POST /api/v1/apps": true, "POST /oauth/token": true, "POST /oauth/revoke": true}

func TestEveryUnsafeRouteRefusesOtherSites(t *testing.T) {
	w := open(t)
	before := w.dump()
	n := 0
	for _, route := range routes(t) {
		if route[0] == "GET" {
			continue
		}
		n++
		path := w.path(route[1])
		if forAll[route[0]+" "+route[1]] {
			for _, site := range sites {
				if status, _, body := w.send(route[0], path, bodies[0][0], bodies[0][1], site); status/100 == 5 || strings.Contains(body, "boss") {
					t.Errorf("%s %s of %v = %d; want it to know nobody\n%.300s", route[0], path, site, status, body)
				}
			}
			continue
		}
		for _, site := range sites {
			for _, body := range bodies {
				// What is open to other sites knows nobody by cookies: there they are refused as nobody.
				status, _, _ := w.send(route[0], path, body[0], body[1], site)
				if status != http.StatusForbidden && !(status == http.StatusUnauthorized && forApps(path)) {
					t.Errorf("%s %s of %v as %s = %d; want 403", route[0], path, site, body[0], status)
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d routes were tried", n)
	}
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		t.Errorf("requests of other sites changed something:\n%s", diff)
	}
	// The same request of the server's own page is no forgery.
	own := map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": w.s.URL}
	if status, _, body := w.send("POST", "/account", bodies[0][0], "name=Boss&lang=en&tz=", own); status != http.StatusSeeOther {
		t.Errorf("a form of the server's own page = %d; want 303\n%.500s", status, body)
	}
}

// path fills the parts of a pattern with what exists, or with 1.
func (w *town) path(pattern string) string {
	parts := strings.Split(strings.TrimSuffix(pattern, "{$}"), "/")
	for i, p := range parts {
		if !strings.HasPrefix(p, "{") {
			continue
		}
		name := strings.Trim(p, "{}.")
		switch {
		case name == "slug":
			parts[i] = w.shop.Slug
		case w.known[strings.Join(parts[:i], "/")+" "+name] != "":
			parts[i] = w.known[strings.Join(parts[:i], "/")+" "+name]
		case w.known[parts[i-1]+" "+p] != "":
			parts[i] = w.known[parts[i-1]+" "+p]
		case name == "id" && parts[i-1] == "orders":
			parts[i] = w.known["order"]
		case w.known[name] != "":
			parts[i] = w.known[name]
		default:
			parts[i] = "1"
		}
	}
	return strings.Join(parts, "/")
}

// alive are the tables that change by themselves while a server runs.
var alive = []string{"node", "job", "job_schedule", "event_cursor", "goose_db_version", "figures_cursor", "figures_day", "figures_active", "figures_joined", "figures_tag", "instance_tally", "instance_week"}

// dump returns every row of every table, by table.
func (w *town) dump() map[string][]string {
	w.t.Helper()
	d, err := sql.Open("sqlite", "file:"+filepath.Join(w.s.Data, "stoa.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		w.t.Fatal(err)
	}
	defer d.Close()
	out := map[string][]string{}
	for _, table := range w.strings(d, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`) {
		if slices.Contains(alive, table) {
			continue
		}
		out[table] = w.rows(d, table)
	}
	if len(out["account"]) == 0 || len(out["account_session"]) == 0 {
		w.t.Fatalf("the database that was read holds no accounts: %v", out)
	}
	return out
}

func (w *town) strings(d *sql.DB, query string) (out []string) {
	rows, err := d.QueryContext(w.t.Context(), query)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// rows returns a table's rows as text, sorted.
func (w *town) rows(d *sql.DB, table string) (out []string) {
	rows, err := d.QueryContext(w.t.Context(), `SELECT * FROM "`+table+`"`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		w.t.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			w.t.Fatal(err)
		}
		var line []string
		for i, v := range values {
			line = append(line, fmt.Sprintf("%s=%.200v", columns[i], *v.(*any)))
		}
		out = append(out, strings.Join(line, " "))
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func TestFollowingEveryLinkChangesNothing(t *testing.T) {
	w := open(t)
	seen, reached := map[string]bool{}, map[string]int{}
	mux := http.NewServeMux()
	for _, route := range routes(t) {
		if route[0] == "GET" {
			mux.HandleFunc("GET "+route[1], func(http.ResponseWriter, *http.Request) {})
		}
	}
	// Once before, so that what is made when somebody comes for the first time is there.
	w.crawl(mux, seen, reached)
	before := w.dump()
	clear(seen)
	clear(reached)
	w.crawl(mux, seen, reached)
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		t.Errorf("following links changed something:\n%s", diff)
	}
	for _, route := range routes(t) {
		if route[0] == "GET" && reached["GET "+route[1]] == 0 && !slices.Contains(unreached, route[1]) {
			t.Errorf("GET %s was never answered with 200", route[1])
		}
	}
	t.Logf("%d addresses were opened", len(seen))
}

// unreached are the routes to which this town has nothing to show a signed-in person, since they are for strangers, want a ticket of a letter,
// an app's token or something that is not there: they are asked for all the same.
var unreached = []string{
	"/media/{name}", "/api/stoa/v1/geocode/reverse", "/town.geojson", "/setup", "/sign-in", "/sign-up", "/sign-up/finish", "/sign-up/with", "/sign-in/link", "/sign-in/not-me", "/sign-in/reset",
	"/sign-in/second", "/sign-in/with/{provider}/callback", "/account/confirm/link", "/account/connected/join", "/account/email/move", "/account/email/undo",
	"/account/privacy/copies", "/account/privacy/copies/{id}", "/account/stay", "/account/two-step/set-up", "/api/v1/apps/verify_credentials", "/oauth/userinfo", "/oauth/authorize/{$}",
	// Of neighbours: what asks for a parameter, what nobody here has, and streams.
	"/.well-known/webfinger", "/api/oembed", "/api/stoa/v1/suggestions", "/api/v1/accounts/lookup", "/api/v1/search", "/api/v2/search", "/report", "/@/{handle}/menu", "/@/{handle}/{id}/live",
	"/account/strikes/{id}", "/api/stoa/v1/orders/{id}/review", "/api/stoa/v1/reviews/{id}", "/orders/{code}/review", "/api/v1/admin/canonical_email_blocks/{id}",
	"/api/v1/admin/domain_allows/{id}", "/api/v1/admin/domain_blocks/{id}", "/api/v1/admin/email_domain_blocks/{id}", "/api/v1/admin/ip_blocks/{id}", "/api/v1/admin/reports/{id}",
	"/api/v1/admin/tags/{id}", "/api/v1/filters/{id}", "/api/v1/media/{id}", "/api/v1/notifications/requests/{id}", "/api/v1/notifications/{id}", "/api/v1/polls/{id}",
	"/api/v1/push/subscription", "/api/v1/scheduled_statuses/{id}", "/api/v1/statuses/{id}/card", "/api/v1/streaming", "/api/v1/streaming/{stream...}", "/api/v2/filters/{id}/{part}",
	"/api/v2/notifications/{key}", "/api/v2/notifications/{key}/accounts", "/calendar/{token}", "/letters/stop/{account}/{sig}", "/moderation/reports/{id}", "/statuses/{id}/menu", "/statuses/{id}/card",
	"/statuses/{id}/translation",
	// Of money: what nobody here has made or bought yet, and what asks for a span of time.
	"/admin/export/accounting", "/api/stoa/v1/admin/export/accounting", "/admin/payouts/{id}/payouts.csv", "/admin/payouts/{id}/sepa.xml",
	"/api/stoa/v1/group-orders/{token}/events", "/api/stoa/v1/ledger/accounts/{id}", "/api/stoa/v1/orders/{id}/receipt", "/orders/{code}/receipt/{file}", "/orders/{code}/paid",
	"/api/stoa/v1/restaurants/{slug}/payouts-account", "/api/stoa/v1/statements/{id}", "/statements/{file}", "/pay/{code}", "/sandbox/3ds/{ref}",
	"/g/{token}/paid", "/api/v1/timelines/link",
}

// crawl opens every GET route and every address of the server that any answer names.
func (w *town) crawl(mux *http.ServeMux, seen map[string]bool, reached map[string]int) {
	w.t.Helper()
	todo := []string{"/", "/kitchen/" + w.shop.Slug, "/restaurant/" + w.shop.Slug + "/menu", "/restaurant/" + w.shop.Slug + "/settings", "/courier", "/dispatch", "/t/" + w.known["token"]}
	near := fmt.Sprintf("?lat=%f&lon=%f", harness.HereLat, harness.HereLon)
	todo = append(todo, w.consent(), "/live?topic=dispatch", "/api/stoa/v1/restaurants"+near, "/api/stoa/v1/geocode/reverse"+near, "/api/stoa/v1/geocode?q=Lindenweg")
	for _, route := range routes(w.t) {
		if route[0] == "GET" {
			todo = append(todo, w.path(route[1]))
		}
	}
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		if seen[path] || len(seen) > 3000 {
			continue
		}
		seen[path] = true
		status, kind, body := w.send("GET", path, "", "", map[string]string{"Sec-Fetch-Site": "same-origin"})
		req, err := http.NewRequest("GET", "http://x"+path, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		_, pattern := mux.Handler(req)
		if status >= 500 {
			w.t.Errorf("GET %s = %d", path, status)
		}
		if status == http.StatusOK {
			reached[pattern]++
			w.learn(pattern, path)
		}
		if strings.HasPrefix(kind, "text/html") || status/100 == 3 {
			todo = append(todo, links(path, body)...)
		}
	}
}

// consent returns the address at which an app asks to be let in.
func (w *town) consent() string {
	if w.known["app"] == "" {
		var app struct {
			ID string `json:"client_id"`
		}
		w.admin.Want(w.t, 200, "POST", "/api/v1/apps", map[string]any{"client_name": "Walk", "redirect_uris": "urn:ietf:wg:oauth:2.0:oob", "scopes": "read"}, &app)
		w.known["app"] = app.ID
	}
	return "/oauth/authorize?response_type=code&scope=read&redirect_uri=urn:ietf:wg:oauth:2.0:oob&client_id=" + w.known["app"]
}

// learn remembers what stood for the parts of a pattern in a path that led somewhere.
func (w *town) learn(pattern, path string) {
	_, pattern, _ = strings.Cut(pattern, " ")
	path, _, _ = strings.Cut(path, "?")
	names, values := strings.Split(pattern, "/"), strings.Split(path, "/")
	for i, name := range names {
		if strings.HasPrefix(name, "{") && name != "{$}" && i < len(values) {
			w.known[strings.Join(values[:i], "/")+" "+strings.Trim(name, "{}.")] = values[i]
			w.known[names[i-1]+" "+name] = values[i]
		}
	}
}

// links returns the addresses of this server that a page names, without those that are typed in by people (queries of forms).
func links(from, page string) []string {
	base, err := url.Parse(from)
	if err != nil {
		return nil
	}
	var out []string
	z := html.NewTokenizer(strings.NewReader(page))
	for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		tag := z.Token()
		for _, a := range tag.Attr {
			isGet := a.Key == "href" || a.Key == "src" || a.Key == "hx-get" || a.Key == "data-live-src" || a.Key == "action" && !slices.ContainsFunc(tag.Attr, func(b html.Attribute) bool { return b.Key == "method" && strings.EqualFold(b.Val, "post") })
			if !isGet {
				continue
			}
			u, err := base.Parse(a.Val)
			if err != nil || u.Host != "" || u.Scheme != "" || u.Path == "" {
				continue
			}
			u.Fragment = ""
			out = append(out, u.String())
		}
	}
	return out
}
