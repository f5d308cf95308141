package access

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to let a session run out, and to give an app a token

	"github.com/stoa-town/stoa/tests/harness"
)

// Which object a request is about, seen from who sends it. Everything there is belongs to one of two sides: restaurant, customer, courier
// and orders of the one have nothing to do with those of the other. Who has no side has the first for their own.
const (
	own     = "own"
	foreign = "foreign"
	absent  = "absent"
	cross   = "cross" // my restaurant, and the other's thing in it
)

// secret is what only a side's customer, and who needs it, may read.
type secret struct{ email, phone, street string }

// side is a restaurant with everybody and everything around it.
type side struct {
	n        int
	shop     harness.Shop
	dish     string
	customer *harness.Client
	courier  *harness.Client
	rider    string // account of the courier
	secret   secret
	made     map[string]string // the objects that requests are about, by kind; made anew after one has been changed
	order    harness.Order
	token    string
}

// actor is one of the people who send requests.
type actor struct {
	name   string
	token  string
	side   int
	rw     *harness.Client // the same account with a token that may do everything; nil where it has none
	trusts bool            // may read everybody's orders
}

// world is a running server, the two sides and the people.
type world struct {
	t       *testing.T
	s       *harness.Server
	admin   *harness.Client
	sides   [2]*side
	people  []*actor
	dead    []string // tokens that once were good for everything
	cookies []string // the same, of browsers
	http    *http.Client
	serial  int
	saved   map[*harness.Client]string // an address of each
	friends map[string]string          // a thing of the social network of each, by its kind and their token
	beside  string                     // the last session that was begun to be ended
}

const (
	everything = "courier dispatcher admin"
	card       = "section,item,price,group,group_min,group_max,option,option_price\nMain,Dal,6.50,Spice,0,1,Hot,0.50\nMain,Naan,2.95,,,,,\n"
)

// newTown starts a server with the two sides, and nobody else but an admin.
func newTown(t *testing.T) *world {
	w := &world{t: t, saved: map[*harness.Client]string{}, friends: map[string]string{}, s: harness.Start(t, "serve", "--set", "limits.conns_per_ip=1000"), http: &http.Client{
		Timeout:       20 * time.Second,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 8},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	w.admin = w.s.Account(t, "boss", "admin")
	for i := range w.sides {
		w.sides[i] = w.newSide(i)
	}
	return w
}

// newWorld is a town with everybody who asks.
func newWorld(t *testing.T) *world {
	w := newTown(t)
	w.s.Account(t, "door")
	a, b := w.sides[0], w.sides[1]
	w.add("anonymous", "", 0, nil)
	w.person("customer A", 0, a.customer)
	w.person("customer B", 1, b.customer)
	w.person("courier A", 0, a.courier)
	w.person("courier B", 1, b.courier)
	w.person("owner R1", 0, w.s.Account(t, "meera", "owner:"+a.shop.Slug))
	w.person("staff R1", 0, w.s.Account(t, "sam", "staff:"+a.shop.Slug))
	w.person("owner R2", 1, w.s.Account(t, "olga", "owner:"+b.shop.Slug))
	w.person("dispatcher", 0, w.s.Account(t, "dana", "dispatcher")).trusts = true
	w.person("moderator", 0, w.s.Account(t, "mo", "moderator"))
	w.person("admin", 0, w.admin).trusts = true
	all := append(strings.Fields(everything), "owner:"+a.shop.Slug)
	w.add("suspended", w.suspended(all), 0, nil)
	lens := w.s.Account(t, "lens", all...)
	w.add("read-only", w.s.Admin(t, "admin", "token", "create", "--account", "lens", "--scopes", "read"), 0, lens).trusts = true
	w.add("dead token", w.ended(all), 0, nil)
	w.add("app friends", w.app("customera", "read write follow push"), 0, a.customer)
	w.add("app food", w.app("customera", "stoa:orders"), 0, a.customer)
	return w
}

// app returns a token as an app of OAuth has it, once a person let it in for some scopes.
func (w *world) app(login, scopes string) string {
	token := w.s.Admin(w.t, "admin", "token", "create", "--account", login, "--scopes", scopes)
	sum := sha256.Sum256([]byte(token))
	w.change(`UPDATE account_session SET app = 77 WHERE token_sha256 = ?`, sum[:])
	return token
}

// change changes one row of the database beside the server.
func (w *world) change(query string, args ...any) {
	w.t.Helper()
	d, err := sql.Open("sqlite", "file:"+filepath.Join(w.s.Data, "stoa.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		w.t.Fatal(err)
	}
	defer d.Close()
	res, err := d.ExecContext(w.t.Context(), query, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	if n, err := res.RowsAffected(); n != 1 || err != nil {
		w.t.Fatalf("%s changed %d rows, %v; want 1", query, n, err)
	}
}

func (w *world) add(name, token string, side int, rw *harness.Client) *actor {
	p := &actor{name: name, token: token, side: side, rw: rw}
	w.people = append(w.people, p)
	return p
}

func (w *world) person(name string, side int, c *harness.Client) *actor {
	return w.add(name, c.Token, side, c)
}

func (w *world) newSide(i int) *side {
	t, tag := w.t, string(rune('a'+i))
	s := &side{n: i, made: map[string]string{}, secret: secret{
		email: "customer" + tag + "@example.org", phone: fmt.Sprintf("+49 30 55501%d", i), street: []string{"Heimliche Gasse 17", "Verborgener Weg 23"}[i],
	}}
	s.shop = w.admin.Restaurant(t, "Place "+strings.ToUpper(tag), baseline())
	w.s.ImportMenu(t, s.shop, card)
	s.dish = w.admin.Items(t, s.shop)["Naan"]
	s.customer = w.s.Account(t, "customer"+tag)
	s.courier = w.s.Account(t, "courier"+tag, "courier")
	var me struct {
		ID string `json:"id"`
	}
	s.courier.Want(t, 200, "GET", "/me", nil, &me)
	s.rider = me.ID
	w.mend(s)
	return s
}

// baseline is what a restaurant is set back to after somebody changed it.
func baseline() map[string]any {
	zone := map[string]any{"name": "Near", "radius_m": 3000, "fee": 250}
	return map[string]any{
		"hours": "Mo-Su 00:00-24:00", "zones": []any{zone, map[string]any{"name": "Nearer", "radius_m": 2000, "fee": 200}}, "delivers": true, "picks_up": true,
		"special_days": []any{map[string]any{"date": nextYear("", 0), "spans": []string{}}}, "active": true, "minimum": 0, "auto_accept": false, "cap_orders": 0,
	}
}

// nextYear is a day a year from now and days after it.
func nextYear(clock string, days int) string {
	return time.Now().AddDate(1, 0, days).Format(time.DateOnly) + clock
}

// mend sets restaurant and courier back to where orders can be placed and brought.
func (w *world) mend(s *side) {
	w.admin.Want(w.t, 200, "PATCH", "/restaurants/"+s.shop.Slug, baseline(), nil)
	w.admin.Want(w.t, 200, "POST", "/restaurants/"+s.shop.Slug+"/pause", map[string]any{}, nil)
	s.courier.Want(w.t, 200, "POST", "/courier/duty", map[string]any{"on": true}, nil)
}

// suspended returns a token of an account that had every role and was suspended, once the server refuses it.
func (w *world) suspended(roles []string) string {
	c := w.s.Account(w.t, "rogue", roles...)
	c.Want(w.t, 200, "GET", "/dispatch/board", nil, nil)
	w.cookies = append(w.cookies, w.signIn("rogue"))
	w.s.Admin(w.t, "admin", "account", "suspend", "--name", "rogue")
	w.until("a suspended account is refused", func() bool { return c.Do(w.t, "GET", "/me", nil).Status == 401 })
	w.dead = append(w.dead, c.Token)
	return c.Token
}

// ended returns a token that was revoked, having made another that ran out.
func (w *world) ended(roles []string) string {
	c := w.s.Account(w.t, "gone", roles...)
	late := w.signIn("gone")
	w.change(`UPDATE account_session SET expires_at = 1 WHERE kind = 'session' AND account = (SELECT id FROM account WHERE handle = 'gone')`)
	w.dead, w.cookies = append(w.dead, c.Token, late), append(w.cookies, late)
	c.Want(w.t, 200, "GET", "/dispatch/board", nil, nil)
	c.Want(w.t, 204, "DELETE", "/session", nil, nil)
	return c.Token
}

// signIn returns a session's token, which is as good in a browser's cookie as in a header.
func (w *world) signIn(login string) string {
	var out struct {
		Token string `json:"token"`
	}
	w.s.As("").Want(w.t, 201, "POST", "/session", map[string]string{"email": login + "@example.org", "password": harness.Password}, &out)
	return out.Token
}

func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	for end := time.Now().Add(5 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("waited 5 s in vain: %s", what)
		}
	}
}

// request is one cell of the matrix: who asks for which object at which route.
type request struct {
	w    *world
	who  *actor
	at   string
	line string // method and pattern
}

// mine is the side whose restaurant the path names.
func (q request) mine() *side {
	i := q.who.side
	if q.at == foreign {
		i = 1 - i
	}
	return q.w.sides[i]
}

// thing is the side whose object the request is about.
func (q request) thing() *side {
	i := q.who.side
	if q.at == foreign || q.at == cross {
		i = 1 - i
	}
	return q.w.sides[i]
}

// get returns an object of a kind on the side of q's object: its id, code, slug or number.
func (q request) get(kind string) string {
	w, s := q.w, q.thing()
	if q.at == absent {
		if v, ok := nowhere[kind]; ok {
			return v
		}
	}
	switch kind {
	case "slug":
		return q.mine().shop.Slug
	case "order", "code", "token", "task":
		w.orderOn(s)
	case "address", "session", "line", "status", "poll", "later", "list", "filter", "draft": // those of a person
		return w.personal(kind, q)
	case "n":
		return "2" // a zone: every restaurant has two
	case "town":
		return nowhere[kind]
	case "schedule":
		return "account.sweep"
	case "key":
		return "signup.mode"
	case "rider":
		return s.rider
	case "role":
		return "courier"
	case "date":
		return nextYear("", 0)
	}
	if v := s.made[kind]; v != "" {
		return v
	}
	v := w.make(kind, s)
	s.made[kind] = v
	return v
}

// nowhere is what no object is called.
var nowhere = map[string]string{
	"slug": "no-such-place", "order": "999999999999999", "code": "ZZZZZZ", "token": strings.Repeat("x", 43), "task": "999999999999999", "address": "999999999999999",
	"session": "999999999999999", "line": "999", "n": "99", "date": nextYear("", 9), "item": "999999999999999", "dish": "999999999999999", "group": "999999999999999",
	"section": "999999999999999", "menu": "999999999999999", "option": "999999999999999", "closure": "999999999999999",
	"status": "999999999999999", "poll": "999999999999999", "later": "999999999999999", "list": "999999999999999", "filter": "999999999999999", "draft": "999999999999999",
	"person": "999999999999999", "promotion": "999999999999999", "town": "999999999999999", "schedule": "no.such", "key": "no.such", "role": "courier", "rider": "999999999999999",
}

// orderOn makes an order of the side's customer that the kitchen has confirmed and the side's courier is to fetch.
func (w *world) orderOn(s *side) {
	if s.made["order"] != "" {
		return
	}
	t := w.t
	w.mend(s)
	var o struct {
		harness.Order
		Token string `json:"token"`
	}
	s.customer.Want(t, 201, "POST", "/orders", w.purchase(s, s.secret), &o, "Idempotency-Key", w.key())
	s.order, s.token = o.Order, o.Token
	// So late that nobody looks for a courier yet: the other side's is never asked.
	w.admin.Want(t, 200, "POST", "/orders/"+o.ID+"/confirm", map[string]any{"minutes": 180}, nil)
	w.until("the order is known to dispatch", func() bool {
		return w.admin.Do(t, "POST", "/dispatch/assignments", map[string]any{"order": o.ID, "courier": s.rider}).Status == 200
	})
	var work struct {
		Tasks []struct{ ID, Order, Stop string } `json:"tasks"`
	}
	s.courier.Want(t, 200, "GET", "/courier/tasks", nil, &work)
	for _, k := range work.Tasks {
		if k.Order == o.ID && k.Stop == "pickup" {
			s.made["task"] = k.ID
		}
	}
	if s.made["task"] == "" {
		t.Fatalf("the courier has no task for order %s: %+v", o.ID, work)
	}
	s.made["order"], s.made["code"], s.made["token"] = o.ID, strings.ReplaceAll(o.Code, "-", ""), o.Token
}

// purchase returns the body of an order at the side's restaurant.
func (w *world) purchase(s *side, to secret) map[string]any {
	wish := harness.Wish(s.shop, "delivery", harness.Line{Item: s.dish, Qty: 1})
	at := wish["to"].(map[string]any)
	at["street"], at["phone"] = to.street, to.phone
	body, _ := w.s.As("").Quoted(w.t, wish)
	return body
}

func (w *world) key() string {
	w.serial++
	return fmt.Sprintf("key-%d", w.serial)
}

// make makes an object of a restaurant.
func (w *world) make(kind string, s *side) string {
	menu := "/restaurants/" + s.shop.Slug + "/menu/"
	var out struct {
		ID      string `json:"id"`
		Options []struct{ ID string }
	}
	switch kind {
	case "dish":
		return s.dish
	case "person":
		w.s.Account(w.t, "person"+strings.ReplaceAll(w.key(), "-", "")).Want(w.t, 200, "GET", "/me", nil, &out)
	case "closure":
		var shop struct {
			Closures []struct{ ID string } `json:"closures"`
		}
		w.admin.Want(w.t, 201, "POST", "/restaurants/"+s.shop.Slug+"/closures", map[string]any{"from": nextYear("T00:00:00Z", 0), "to": nextYear("T00:00:00Z", 1)}, &shop)
		return shop.Closures[len(shop.Closures)-1].ID
	case "item":
		w.admin.Want(w.t, 201, "POST", menu+"items", map[string]any{"name": w.key(), "price": 100, "section": w.make("section", s)}, &out)
	case "promotion":
		w.admin.Want(w.t, 201, "POST", "/promotions", map[string]any{"restaurant": s.shop.ID, "code": strings.ReplaceAll(w.key(), "-", ""), "kind": "amount", "amount": 100, "bearer": "restaurant"}, &out)
	case "section":
		w.admin.Want(w.t, 201, "POST", menu+"sections", map[string]any{"name": w.key()}, &out)
	case "menu":
		w.admin.Want(w.t, 201, "POST", menu+"menus", map[string]any{"name": w.key()}, &out)
	case "group", "option":
		body := map[string]any{"name": w.key(), "min": 0, "max": 1, "options": []any{map[string]any{"name": "Hot", "price": 10}}}
		w.admin.Want(w.t, 201, "POST", menu+"groups", body, &out)
		if kind == "option" {
			return w.optionOf(s, out.ID)
		}
	default:
		w.t.Fatalf("nobody knows how to make a %s", kind)
	}
	return out.ID
}

var optionField = regexp.MustCompile(`name="option_id" value="(\d+)"`)

// optionOf returns the option of a group, as the owner's page has it.
func (w *world) optionOf(s *side, group string) string {
	_, body := w.page(w.admin.Token, "/restaurant/"+s.shop.Slug+"/menu/groups/"+group)
	m := optionField.FindStringSubmatch(body)
	if m == nil {
		w.t.Fatalf("the page of group %s shows no option:\n%s", group, body)
	}
	return m[1]
}

// personal makes a thing that belongs to an account: to that of who asks, or for foreign ones to the other side's customer.
func (w *world) personal(kind string, q request) string {
	c := q.who.rw
	if q.at == foreign || c == nil {
		c = q.thing().customer
	}
	switch kind {
	case "address":
		if w.saved[c] == "" {
			w.saved[c] = w.save(c)
		}
		return w.saved[c]
	case "line":
		var out struct {
			Lines []struct{ N json.Number } `json:"lines"`
		}
		s := q.thing()
		c.Want(w.t, 200, "PUT", "/cart", map[string]any{"restaurant": s.shop.ID, "mode": "pickup", "lines": []any{map[string]any{"item": s.dish, "qty": 1}}}, &out)
		return out.Lines[0].N.String()
	case "session":
		return w.session(c)
	}
	return w.social(kind, c)
}

// save saves an address of an account; the two customers' are secret.
func (w *world) save(c *harness.Client) string {
	body := map[string]any{"street": "Marktplatz 3", "point": map[string]any{"lat": harness.HereLat, "lon": harness.HereLon}}
	for _, s := range w.sides {
		if c == s.customer {
			body["street"], body["phone"] = s.secret.street, s.secret.phone
		}
	}
	var out struct {
		ID string `json:"id"`
	}
	c.Want(w.t, 201, "POST", "/addresses", body, &out)
	return out.ID
}

var endForm = regexp.MustCompile(`/account/sessions/(\d+)/end`)

// session begins a session of an account, beside the others, and returns its id.
func (w *world) session(c *harness.Client) string {
	var me struct {
		Email string `json:"email"`
	}
	c.Want(w.t, 200, "GET", "/me", nil, &me)
	name, _, _ := strings.Cut(me.Email, "@")
	token := w.signIn(name)
	_, body := w.page(c.Token, "/account/sessions")
	m := endForm.FindStringSubmatch(body) // the newest comes first
	if m == nil {
		w.t.Fatalf("the account of %s shows no session that could be ended", name)
	}
	w.beside = token
	return m[1]
}

func (w *world) page(token, path string) (int, string) {
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.s.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// answer is what came back.
type answer struct {
	status   int
	location string
	kind     string
	body     string
}

// send sends a body to path: url.Values as a form, upload as it is, else JSON.
func (w *world) send(method, path string, body any, token, cookie string) answer {
	var in io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case url.Values:
		in, kind = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	case upload:
		in, kind = strings.NewReader(b.body), b.kind
	default:
		j, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		in, kind = bytes.NewReader(j), "application/json"
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.s.URL+path, in)
	if err != nil {
		w.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("Idempotency-Key", w.key())
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if cookie != "" {
		req.AddCookie(&http.Cookie{Name: "stoa", Value: cookie})
	}
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, location: res.Header.Get("Location"), kind: res.Header.Get("Content-Type")}
	if a.kind != "text/event-stream" { // that one would not end
		b, err := io.ReadAll(res.Body)
		if err != nil {
			w.t.Fatalf("%s %s: %v", method, path, err)
		}
		a.body = string(b)
	}
	return a
}

type upload struct{ kind, body string }

// class says how an answer is written in the matrix.
func (a answer) class() byte {
	switch {
	case a.status == http.StatusSeeOther && strings.HasPrefix(a.location, "/account/confirm"):
		return '3' // first they have to show once more that it is them
	case a.status == http.StatusUnauthorized, a.status/100 == 3 && strings.HasPrefix(a.location, "/sign-in"):
		return '1'
	case a.status/100 == 2, a.status/100 == 3:
		return '+'
	case a.status == http.StatusForbidden:
		return '3'
	case a.status == http.StatusNotFound:
		return '4'
	case a.status == http.StatusConflict, a.status == http.StatusUnprocessableEntity, a.status == http.StatusBadRequest: // 400: how OAuth says it
		return '~'
	}
	return '?'
}
