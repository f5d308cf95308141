package cart

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// site is a world that is asked over HTTP by somebody.
type site struct {
	*world
	rt      *httpx.Router
	actor   access.Actor
	cookies map[string]string
	htmx    bool
}

func newSite(t testing.TB) *site {
	w := newWorld(dbtest.SQLite(t, Schema))
	s := &site{world: w, cookies: map[string]string{placeCookie: "50.100000,8.600000,Ring+5"}}
	s.rt = httpx.NewRouter(slog.New(slog.DiscardHandler), "test", func(w http.ResponseWriter, _ *http.Request, status int, sentence string) {
		w.WriteHeader(status)
		io.WriteString(w, sentence)
	})
	w.Routes(s.rt)
	return s
}

// do sends a request as the site's visitor, who keeps the cookies of the answer.
func (s *site) do(method, path, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	if s.htmx {
		r.Header.Set("HX-Request", "true")
	}
	for name, value := range s.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value, Quoted: true})
	}
	rec := httptest.NewRecorder()
	s.rt.ServeHTTP(rec, r.WithContext(access.With(r.Context(), s.actor)))
	for _, c := range rec.Result().Cookies() {
		s.cookies[c.Name] = c.Value
	}
	return rec
}

func (s *site) form(path string, v url.Values) *httptest.ResponseRecorder {
	return s.do("POST", path, "application/x-www-form-urlencoded", v.Encode())
}

func (s *site) json(method, path, body string) *httptest.ResponseRecorder {
	return s.do(method, httpx.Prefix+path, "application/json", body)
}

const goodQuote = `{"restaurant":"7","mode":"pickup","lines":[{"item":"11","qty":2}]}`

func TestQuoteEndpointNamesTheFieldOfEveryBadInput(t *testing.T) {
	s := newSite(t)
	if rec := s.json("POST", "/quotes", goodQuote); rec.Code != 200 || !strings.Contains(rec.Body.String(), `"total":580`) {
		t.Fatalf("a good request: %d %s", rec.Code, rec.Body)
	}
	line := func(l string) string { return `{"restaurant":"7","mode":"pickup","lines":[` + l + `]}` }
	to := func(p string) string {
		return `{"restaurant":"7","mode":"delivery","lines":[],"to":{"street":"x","point":` + p + `}}`
	}
	deep := strings.Repeat("[", 20000) + strings.Repeat("]", 20000)
	for name, c := range map[string]struct {
		body   string
		status int
		path   string
	}{
		"empty":                {"", 422, "body"},
		"no JSON":              {"{", 422, "body"},
		"a list":               {"[]", 422, "body"},
		"null":                 {"null", 422, "body"},
		"no restaurant":        {`{"mode":"pickup","lines":[]}`, 422, "body"},
		"restaurant 0":         {`{"restaurant":"0","mode":"pickup","lines":[]}`, 422, "body.restaurant"},
		"unknown restaurant":   {`{"restaurant":"5","mode":"pickup","lines":[]}`, 404, ""},
		"words for an id":      {`{"restaurant":"seven","mode":"pickup","lines":[]}`, 422, "body"},
		"id beyond 63 bits":    {`{"restaurant":"99999999999999999999","mode":"pickup","lines":[]}`, 422, "body"},
		"mode":                 {`{"restaurant":"7","mode":"drone","lines":[]}`, 422, "body.mode"},
		"minus one of it":      {line(`{"item":"11","qty":-1}`), 422, "body.lines[0].qty"},
		"none of it":           {line(`{"item":"11","qty":0}`), 422, "body.lines[0].qty"},
		"a hundred of it":      {line(`{"item":"11","qty":100}`), 422, "body.lines[0].qty"},
		"huge":                 {line(`{"item":"11","qty":1e300}`), 422, "body.lines[0].qty"},
		"half of it":           {line(`{"item":"11","qty":0.5}`), 422, "body.lines[0].qty"},
		"NaN":                  {line(`{"item":"11","qty":NaN}`), 422, "body"},
		"words for a number":   {line(`{"item":"11","qty":"two"}`), 422, "body.lines[0].qty"},
		"deep":                 {line(deep), 422, "body"},
		"deep option":          {line(`{"item":"11","qty":1,"options":` + deep + `}`), 422, "body"},
		"option times minus":   {line(`{"item":"11","qty":1,"options":[{"option":"30","qty":-2}]}`), 422, "body.lines[0].options[0].qty"},
		"note too long":        {line(`{"item":"11","qty":1,"note":"` + strings.Repeat("x", 201) + `"}`), 422, "body.lines[0].note"},
		"61 lines":             {line(strings.TrimSuffix(strings.Repeat(`{"item":"11","qty":1},`, 61), ",")), 422, "body.lines"},
		"tip":                  {`{"restaurant":"7","mode":"pickup","lines":[],"tip":-1}`, 422, "body.tip"},
		"a fortune of a tip":   {`{"restaurant":"7","mode":"pickup","lines":[],"tip":50001}`, 422, "body.tip"},
		"no place on earth":    {to(`{"lat":91,"lon":0}`), 422, "body.to.point"},
		"a price of their own": {line(`{"item":"11","qty":1,"price":1}`), 422, "body.lines[0].price"},
		"half a time":          {`{"restaurant":"7","mode":"pickup","lines":[],"at":"noon"}`, 422, "body.at"},
		"too large":            {line(`{"item":"11","qty":1,"note":"` + strings.Repeat("x", 300<<10) + `"}`), 413, ""},
	} {
		t.Run(name, func(t *testing.T) {
			rec := s.json("POST", "/quotes", c.body)
			if rec.Code != c.status {
				t.Fatalf("%d %s; want %d", rec.Code, rec.Body, c.status)
			}
			var p httpx.Problem
			if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || p.Detail == "" {
				t.Fatalf("not a problem: %s", rec.Body)
			}
			if c.path == "" {
				return
			}
			for _, f := range p.Errors {
				if strings.HasPrefix(f.Path, c.path) && f.Message != "" {
					return
				}
			}
			t.Fatalf("errors %+v; want one at %s", p.Errors, c.path)
		})
	}
}

func TestCartOverRESTBelongsToWhoeverSentIt(t *testing.T) {
	s := newSite(t)
	add := `{"restaurant":"7","item":"11","qty":2}`
	rec := s.json("POST", "/cart/lines", add)
	if rec.Code != 200 || len(s.cookies[account.GuestCookie]) != guestLen {
		t.Fatalf("add: %d %s; cookies %v", rec.Code, rec.Body, s.cookies)
	}
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"read":               {"GET", "/cart", "", 200, `"portions":2`},
		"quoted":             {"GET", "/cart", "", 200, `"subtotal":580`},
		"unknown line":       {"PATCH", "/cart/lines/7", `{"qty":1}`, 404, "not in the cart"},
		"line minus one":     {"PATCH", "/cart/lines/-1", `{"qty":1}`, 422, "path.n"},
		"line of words":      {"DELETE", "/cart/lines/one", "", 422, "path.n"},
		"qty minus one":      {"PATCH", "/cart/lines/1", `{"qty":-1}`, 422, "body.qty"},
		"unknown restaurant": {"POST", "/cart/lines", `{"restaurant":"5","item":"11","qty":2}`, 404, "restaurant"},
		"no restaurant":      {"POST", "/cart/lines", `{"item":"11","qty":2}`, 422, "restaurant"},
		"put bad lines":      {"PUT", "/cart", `{"restaurant":"7","mode":"pickup","lines":[{"item":"11","qty":1},{"item":"11","qty":0}]}`, 422, "lines[1].qty"},
		"note":               {"PATCH", "/cart/lines/1", `{"note":"cold"}`, 200, `"note":"cold"`},
	} {
		if rec := s.json(c.method, c.path, c.body); rec.Code != c.status || !strings.Contains(rec.Body.String(), c.want) {
			t.Errorf("%s: %d %s; want %d and %q", name, rec.Code, rec.Body, c.status, c.want)
		}
	}
	mine := s.cookies[account.GuestCookie]
	s.cookies[account.GuestCookie] = id.Secret()
	if rec := s.json("GET", "/cart", ""); !strings.Contains(rec.Body.String(), `"lines":[]`) {
		t.Errorf("another guest sees %s", rec.Body)
	}
	s.cookies[account.GuestCookie] = mine
	s.actor = access.Actor{ID: 1, Name: "Anna", Scopes: []string{"read"}}
	if rec := s.json("POST", "/cart/lines", add); rec.Code != 403 {
		t.Errorf("an app that may only read adds: %d %s", rec.Code, rec.Body)
	}
	if rec := s.json("GET", "/cart", ""); rec.Code != 200 || strings.Contains(rec.Body.String(), `"portions":2`) {
		t.Errorf("an account sees the guest's cart: %s", rec.Body)
	}
}

func TestAppsThatMayOnlyReadChangeNoCartByItsForms(t *testing.T) {
	s := newSite(t)
	s.actor = access.Actor{ID: 1, Name: "Anna", Scopes: []string{"read"}}
	for _, path := range []string{"/cart/lines", "/cart/lines/1", "/cart/lines/1/fix", "/cart/mode", "/cart/clear", "/cart/undo", "/cart/again/K7Q2PM", "/checkout/update", "/checkout"} {
		if rec := s.form(path, lineOfPizza()); rec.Code != 403 {
			t.Errorf("POST %s = %d; want 403", path, rec.Code)
		}
	}
	s.actor.Scopes = []string{"read", "write"}
	if rec := s.form("/cart/lines", lineOfPizza()); rec.Code >= 400 {
		t.Errorf("an app that may write: %d %s", rec.Code, rec.Body)
	}
}

func lineOfPizza() url.Values {
	return url.Values{"restaurant": {"7"}, "item": {"10"}, "qty": {"1"}, "g20": {"30", "31"}, "mode": {"delivery"}}
}

func TestPagesShowAndRefuse(t *testing.T) {
	s := newSite(t)
	s.form("/cart/lines", lineOfPizza())
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		want, never        string
	}{
		"shop":               {"GET", "/r/da-test", "", 200, "Da Test", "sold out"},
		"shop's data":        {"GET", "/r/da-test", "", 200, `"@type":"Restaurant"`, ""},
		"shop follows":       {"GET", "/r/da-test", "", 200, `data-live="shop:7"`, ""},
		"five left":          {"GET", "/r/da-test", "", 200, "Only 5 left", ""},
		"pickup":             {"GET", "/r/da-test?mode=pickup", "", 200, "Collect at", "At your door"},
		"a mode of its own":  {"GET", "/r/da-test?mode=drone", "", 200, "Da Test", ""},
		"search":             {"GET", "/r/da-test?q=cOLA", "", 200, "Cola", `id="d-10"`},
		"search in vain":     {"GET", "/r/da-test?q=sushi", "", 200, "Nothing like that", `id="d-10"`},
		"markup in a search": {"GET", "/r/da-test?q=%3Cscript%3E", "", 200, "&lt;script&gt;", "<script>"},
		"no such shop":       {"GET", "/r/nowhere", "", 404, "", "Da Test"},
		"dish":               {"GET", "/r/da-test/i/10", "", 200, "Truffle", ""},
		"dish priced":        {"GET", "/r/da-test/i/10?part=form&g20=30&g20=31&qty=2", "", 200, "€25.00", ""},
		"no such dish":       {"GET", "/r/da-test/i/99", "", 404, "", ""},
		"dish by name":       {"GET", "/r/da-test/i/pizza", "", 404, "", ""},
		"cart":               {"GET", "/cart", "", 200, "Margherita, Truffle", ""},
		"checkout":           {"GET", "/checkout", "", 200, "Sign in and order for €15.00", ""},
		"no choice made":     {"POST", "/cart/lines", "restaurant=7&item=10&qty=1", 422, "Please choose.", ""},
		"foreign dish":       {"POST", "/cart/lines", "restaurant=7&item=12&qty=1", 404, "", ""},
		"qty of words":       {"POST", "/cart/lines", "restaurant=7&item=11&qty=two", 422, "", ""},
		"qty beyond":         {"POST", "/cart/lines", "restaurant=7&item=11&qty=100", 422, "", ""},
		"no line":            {"POST", "/cart/lines/9", "qty=1", 404, "", ""},
		"again for guests":   {"POST", "/cart/again/K7Q-2PM", "", 401, "", ""},
	} {
		rec := s.do(c.method, c.path, "application/x-www-form-urlencoded", c.body)
		body := rec.Body.String()
		if rec.Code != c.status || !strings.Contains(body, c.want) || c.never != "" && strings.Contains(body, c.never) {
			t.Errorf("%s: %d; want %d with %q and without %q:\n%.2000s", name, rec.Code, c.status, c.want, c.never, body)
		}
	}
}

func TestFragmentsUpdateTheCartInPlace(t *testing.T) {
	s := newSite(t)
	s.htmx = true
	rec := s.form("/cart/lines", lineOfPizza())
	for _, want := range []string{`hx-target="#cart-side"`, `hx-target="#cart-bar"`, `hx-target=".cart-count"`, "€12.50"} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("no %s in %s", want, rec.Body)
		}
	}
	if strings.Contains(rec.Body.String(), "<!DOCTYPE") || strings.Contains(rec.Body.String(), "data-toast") {
		t.Errorf("a whole page or a needless toast: %s", rec.Body)
	}
	rec = s.form("/cart/lines", url.Values{"restaurant": {"8"}, "item": {"12"}})
	if !strings.Contains(rec.Body.String(), "New cart at Bar") || !strings.Contains(rec.Body.String(), "/cart/undo") {
		t.Errorf("another restaurant must offer undo: %s", rec.Body)
	}
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([a-z_]+)" value="([^"]*)"`)

// checkoutForm returns what the checkout's form would send.
func (s *site) checkoutForm(t *testing.T) url.Values {
	t.Helper()
	rec := s.do("GET", "/checkout", "", "")
	if rec.Code != 200 {
		t.Fatalf("checkout: %d to %s", rec.Code, rec.Header().Get("Location"))
	}
	v := url.Values{"mode": {"delivery"}, "when": {"asap"}, "street": {"Ring 5"}, "name": {"Anna"}, "method": {"on_delivery"}}
	_, form, _ := strings.Cut(rec.Body.String(), `<form id="checkout"`)
	form, _, _ = strings.Cut(form, "</form>")
	for _, m := range hidden.FindAllStringSubmatch(form, -1) {
		v.Set(m[1], html.UnescapeString(m[2]))
	}
	return v
}

func signedIn(t *testing.T) *site {
	s := newSite(t)
	s.actor = access.Actor{ID: 1, Name: "Anna"}
	if rec := s.form("/cart/lines", lineOfPizza()); rec.Code != http.StatusSeeOther {
		t.Fatalf("add: %d %s", rec.Code, rec.Body)
	}
	return s
}

func TestDoubleTappedOrderButtonOrdersOnceAndLeadsToTheSameOrder(t *testing.T) {
	s := signedIn(t)
	v := s.checkoutForm(t)
	var wg sync.WaitGroup
	answers := make([]*httptest.ResponseRecorder, 6)
	for i := range answers {
		wg.Go(func() {
			r := httptest.NewRequest("POST", "/checkout", strings.NewReader(v.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			answers[i] = httptest.NewRecorder()
			s.rt.ServeHTTP(answers[i], r.WithContext(access.With(r.Context(), s.actor)))
		})
	}
	wg.Wait()
	for i, rec := range answers {
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/orders/K7Q-2PM" {
			t.Errorf("tap %d: %d %s %.300s", i, rec.Code, rec.Header().Get("Location"), rec.Body)
		}
	}
	if len(s.desk.placed) != 1 {
		t.Fatalf("%d orders; want 1", len(s.desk.placed))
	}
	for _, in := range s.desk.placed {
		if in.To == nil || in.To.Street != "Ring 5" || in.Name != "Anna" || len(in.Lines) != 1 || in.Method != delivery.PayOnDelivery {
			t.Errorf("ordered %+v", in)
		}
	}
	s.has(t, anna, map[id.ID]int{})
}

func TestChangedQuoteIsShownAndAskedAgain(t *testing.T) {
	s := signedIn(t)
	v := s.checkoutForm(t)
	s.street.pizza.terms.Fee = 400
	rec := s.form("/checkout", v)
	body := rec.Body.String()
	for _, want := range []string{"Changed since you looked", "<del>€2.50</del>", "<ins>€4.00</ins>", "<del>€15.00</del>", "Order for €16.50"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in %d:\n%.3000s", want, rec.Code, body)
		}
	}
	if rec.Code != http.StatusConflict || len(s.desk.placed) != 0 {
		t.Fatalf("%d, %d orders; want 409 and none", rec.Code, len(s.desk.placed))
	}
	s.has(t, anna, map[id.ID]int{10: 1})
	if rec := s.form("/checkout", s.checkoutForm(t)); rec.Header().Get("Location") != "/orders/K7Q-2PM" {
		t.Fatalf("asked again: %d %s", rec.Code, rec.Body)
	}
	for _, in := range s.desk.placed {
		if q, err := s.Quote(t.Context(), in.QuoteRequest); err != nil || q.Total != 1650 {
			t.Errorf("ordered for %v %v", q, err)
		}
	}
}

func TestDeclinedCardKeepsTheCartAndMakesANewKey(t *testing.T) {
	s := signedIn(t)
	v := s.checkoutForm(t)
	v.Set("method", "card")
	v.Set("card", "tok_declined")
	s.desk.fail = errs.InvalidField("card", "Your card was declined. Try another card, or pay at the door.").WithCode("card_declined")
	rec := s.form("/checkout", v)
	if rec.Code != 422 || !strings.Contains(rec.Body.String(), "Your card was declined") || strings.Contains(rec.Body.String(), v.Get("idempotency_key")) {
		t.Fatalf("%d %.3000s", rec.Code, rec.Body)
	}
	s.has(t, anna, map[id.ID]int{10: 1})
}

func TestServerErrorKeepsTheKeySoThatTheNextTapFindsTheOrder(t *testing.T) {
	s := signedIn(t)
	s.desk.fail = fmt.Errorf("the disk is full")
	if rec := s.form("/checkout", s.checkoutForm(t)); rec.Code != 500 || strings.Contains(rec.Body.String(), "the disk") {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	s.has(t, anna, map[id.ID]int{10: 1})
}

func TestGuestSignsInAndFindsTheCartAgain(t *testing.T) {
	s := newSite(t)
	s.form("/cart/lines", lineOfPizza())
	v := s.checkoutForm(t)
	v.Set("tip", "150")
	rec := s.form("/checkout", v)
	if rec.Header().Get("Location") != "/sign-in?next=%2Fcheckout" || len(s.desk.placed) != 0 {
		t.Fatalf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
	c, err := s.Get(t.Context(), OwnerOf(0, s.cookies[account.GuestCookie]))
	if err != nil || c.Tip != 150 || c.Portions() != 1 {
		t.Fatalf("cart %+v %v; the tip must be kept", c, err)
	}
}

func TestCheckoutRefusesWhatCanNotBe(t *testing.T) {
	for name, c := range map[string]struct {
		field, value string
		status       int
		want         string
	}{
		"no street":         {"street", " ", 422, "Give the street"},
		"no name":           {"name", "", 422, "Give the name"},
		"tip of words":      {"tip_custom", "much", 422, "Write an amount"},
		"tip below nothing": {"tip_custom", "-1", 422, "Write an amount"},
		"a mill of a tip":   {"tip_custom", "1.234", 422, "Write an amount"},
		"fortune":           {"tip_custom", "999999", 422, "tip"},
		"lines of words":    {"lines", "pizza", 422, "Load the page again"},
		"no dishes":         {"lines", "[]", 422, "empty"},
		"minus one":         {"lines", `[{"item":"10","qty":-1}]`, 422, "between 1 and 99"},
		"no time":           {"when", "later", 422, "Choose a time"},
		"time of words":     {"at", "noon", 422, "Choose a time"},
		"longitude":         {"lon", "abc", 422, ""},
		"no fingerprint":    {"fingerprint", "", 409, "Order for"},
	} {
		t.Run(name, func(t *testing.T) {
			s := signedIn(t)
			v := s.checkoutForm(t)
			switch c.field {
			case "tip_custom":
				v.Set("tip", "custom")
			case "at":
				v.Set("when", "later")
			}
			v.Set(c.field, c.value)
			rec := s.form("/checkout", v)
			if rec.Code != c.status || !strings.Contains(rec.Body.String(), c.want) || len(s.desk.placed) != 0 {
				t.Fatalf("%d, %d orders; want %d with %q:\n%s", rec.Code, len(s.desk.placed), c.status, c.want, rec.Body)
			}
		})
	}
}

func TestUpdateOfTheCheckoutPricesAnew(t *testing.T) {
	s := signedIn(t)
	s.htmx = true
	v := s.checkoutForm2(t)
	v.Set("tip", "custom")
	v.Set("tip_custom", "2,5")
	rec := s.form("/checkout/update", v)
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), "Order for €17.50") || !strings.Contains(rec.Body.String(), v.Get("idempotency_key")) {
		t.Fatalf("%d %.3000s", rec.Code, rec.Body)
	}
	v.Set("mode", "pickup")
	if rec = s.form("/checkout/update", v); !strings.Contains(rec.Body.String(), "Order for €15.00") {
		t.Fatalf("pickup: %d %.3000s", rec.Code, rec.Body)
	}
	v.Set("when", "later")
	v.Set("at", noon.Add(time.Hour).Format(time.RFC3339))
	if rec = s.form("/checkout/update", v); !strings.Contains(rec.Body.String(), "12:00–12:15") {
		t.Fatalf("slot: %d %.3000s", rec.Code, rec.Body)
	}
}

func (s *site) checkoutForm2(t *testing.T) url.Values {
	t.Helper()
	s.htmx = false
	defer func() { s.htmx = true }()
	return s.checkoutForm(t)
}

func TestProblemsStandBesideWhatTheyAreAboutWithAWayOut(t *testing.T) {
	s := signedIn(t)
	s.form("/cart/lines", url.Values{"restaurant": {"7"}, "item": {"11"}, "qty": {"4"}})
	s.street.pizza.menu.Items[11].Stock = 2
	rec := s.do("GET", "/checkout", "", "")
	for _, want := range []string{"Only 2 of Cola left.", "Take 2", "Take it out", "disabled"} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("no %q in the checkout", want)
		}
	}
	if rec := s.form("/cart/lines/2/fix", url.Values{"qty": {"2"}, "name": {"Anna"}}); rec.Header().Get("Location") != "/checkout" {
		t.Fatalf("fix: %d %s", rec.Code, rec.Body)
	}
	s.has(t, anna, map[id.ID]int{10: 1, 11: 2})
	s.street.pizza.terms.Problems = []delivery.Problem{{Code: "outside_zone", Path: "to.point", Message: "Too far away."}}
	rec = s.do("GET", "/checkout", "", "")
	for _, want := range []string{"Too far away.", "Collect it at Ring 1", "Change the address"} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("no %q in the checkout", want)
		}
	}
}

func BenchmarkQuoteEndpoint(b *testing.B) {
	s := newSite(b)
	body := `{"restaurant":"7","mode":"delivery","to":{"point":{"lat":50.1,"lon":8.6},"street":"Ring 5"},"lines":[{"item":"10","qty":2,"options":[{"option":"30"},{"option":"31"},{"option":"32"}]},{"item":"11","qty":1}]}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", httpx.Prefix+"/quotes", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		s.rt.ServeHTTP(rec, r)
		if rec.Code != 200 {
			b.Fatal(rec.Code, rec.Body)
		}
	}
}
