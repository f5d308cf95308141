// Package access asks every route of the real server for things of one's own, of others and of nobody, as everybody who could. Who may do
// what is written down in testdata/matrix.golden, a route a line, to be read in review; -update writes it anew. What must hold whatever the
// golden file says is asserted beside it.
package access

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var (
	update = flag.Bool("update", false, "write testdata/matrix.golden anew")
	only   = flag.String("only", "", "ask only at routes with this in them, and compare nothing")
)

const legend = `# Who may do what. A route a line, who asks a column; in each, what is asked for: one's own, another's, nobody's; where a path names a
# restaurant and a thing in it also: the own restaurant with another's thing. Who has no side (admins and the like) has the first for
# their own. The suspended account, the read-only token and the dead token belong to owners of R1 who are couriers, dispatchers and admins
# too. The apps were let in by customer A: one for what Mastodon's apps ask for, one for stoa:orders. Written by: go test ./tests/access -run TestMatrix -update
#
#   + done   ~ allowed, but refused by state or input (400, 409, 422)   1 sign in first (401, or led to it)   3 forbidden, or led to show
#   once more that it is them, which no token can   4 not found
`

// matrix holds the classes of the answers: line by line, for each of the people.
type matrix map[string][]string

func TestMatrix(t *testing.T) {
	w := newWorld(t)
	w.checkSecrets()
	all := slices.DeleteFunc(routes(t, w.s), func(line string) bool { return !strings.Contains(line, *only) })
	order := slices.Clone(all)
	slices.SortStableFunc(order, func(a, b string) int { return slices.Index(last, a) - slices.Index(last, b) })
	got := matrix{}
	for _, line := range order {
		got[line] = w.row(line)
	}
	if *only != "" {
		t.Log(text(w.people, all, got))
		return
	}
	w.checkRows(got)
	golden(t, text(w.people, all, got))
}

// TestAppsThatMayOnlyWriteReadNothing asks for what is personal with a token without "read".
func TestAppsThatMayOnlyWriteReadNothing(t *testing.T) {
	w := newTown(t)
	token := w.s.Admin(t, "admin", "token", "create", "--account", "boss", "--scopes", "write")
	for _, path := range []string{
		"/account", "/addresses", "/cart", "/checkout", "/orders", "/orders/active", "/dispatch", "/dispatch/live", "/live?topic=dispatch",
		api + "/me", api + "/addresses", api + "/cart", api + "/orders", api + "/dispatch/board",
	} {
		if a := w.send("GET", path, nil, token, ""); a.class() != '3' {
			t.Errorf("GET %s = %d; want 403", path, a.status)
		}
	}
}

// at is the class of an answer at a route.
func (a answer) at(line string) byte {
	if a.status == http.StatusServiceUnavailable && slices.Contains(letters, line) {
		return '~'
	}
	return a.class()
}

// row asks for everything at one route, as everybody.
func (w *world) row(line string) []string {
	out := make([]string, len(w.people))
	for i, who := range w.people {
		var cell strings.Builder
		for _, at := range cells(line) {
			q := request{w, who, at, line}
			method, path := q.address()
			body := q.body()
			a := w.send(method, path, body, who.token, "")
			class := a.at(line)
			if class == '?' {
				w.t.Errorf("%s as %s (%s) = %d\n%.500s", line, who.name, at, a.status, a.body)
			}
			cell.WriteByte(class)
			w.checkLeak(q, path, a)
			if strings.HasSuffix(line, "/sessions/{id}/end") && at == foreign {
				w.s.As(w.beside).Want(w.t, 200, "GET", "/me", nil, nil) // another's session goes on, though that form does not say
			}
			if method != "GET" && a.status < 400 {
				w.forget(line)
			}
		}
		out[i] = cell.String()
	}
	w.checkDead(line, out)
	return out
}

// forget has the objects that a line is about made anew, as one may have been changed, and takes back what was done to restaurants.
func (w *world) forget(line string) {
	about := append(params(line), inBody[line])
	maps.DeleteFunc(w.friends, func(key, _ string) bool {
		kind, _, _ := strings.Cut(key, " ")
		return slices.Contains(about, kind)
	})
	for _, s := range w.sides {
		for _, kind := range about {
			switch kind {
			case "order", "code", "task":
				if s.made["order"] != "" { // so that it is offered to nobody, and couriers have few things to do
					w.admin.Do(w.t, "POST", "/orders/"+s.made["order"]+"/cancel", map[string]any{"reason": "OTHER"})
				}
				delete(s.made, "order")
				delete(s.made, "code")
				delete(s.made, "task")
				delete(s.made, "token")
			case "item", "section", "group", "menu":
				w.admin.Do(w.t, "DELETE", "/restaurants/"+s.shop.Slug+"/menu/"+kind+"s/"+s.made[kind], nil)
				delete(s.made, kind)
			default:
				delete(s.made, kind)
			}
		}
		if strings.Contains(line, "{slug}") || strings.Contains(line, "duty") {
			w.mend(s)
		}
	}
	if !strings.Contains(line, "address") {
		return
	}
	for c := range w.saved {
		var book struct {
			Items []struct{ ID string } `json:"items"`
		}
		c.Want(w.t, 200, "GET", "/addresses", nil, &book)
		for _, a := range book.Items {
			c.Want(w.t, 204, "DELETE", "/addresses/"+a.ID, nil, nil)
		}
	}
	clear(w.saved)
}

// checkDead asserts that tokens that are no longer good get 401 everywhere, and such a cookie no more than none.
func (w *world) checkDead(line string, row []string) {
	q := request{w, w.people[0], own, line}
	method, path := q.address()
	unguarded := line == "GET /healthz" || line == "GET /readyz" // no person is looked up there
	for _, token := range w.dead {
		if a := w.send(method, path, q.body(), token, ""); a.class() != '1' && !unguarded {
			w.t.Errorf("%s with a token that is not good any more = %d; want 401", line, a.status)
		}
	}
	for _, cookie := range w.cookies {
		if a := w.send(method, path, q.body(), "", cookie); a.at(line) != row[0][0] {
			w.t.Errorf("%s with a cookie that is not good any more = %d; want what strangers get, %c", line, a.status, row[0][0])
		}
	}
	if method != "GET" && row[0][0] == '+' {
		w.forget(line)
	}
}

// checkRows asserts what holds whatever the golden file says.
func (w *world) checkRows(got matrix) {
	for line, row := range got {
		open := slices.Contains(public, line)
		strangers := row[0]
		if i := slices.Index(cells(line), absent); i >= 0 && strings.Contains(line, "{slug}") {
			strangers = strings.TrimSuffix(strangers, "4") // which restaurants there are is no secret
		}
		if !open && strings.Trim(strangers, "1") != "" {
			w.t.Errorf("%s answers strangers with %q; want 401 for a route that is not declared public", line, row[0])
		}
		if open && strings.Trim(row[0], "1") == "" {
			w.t.Errorf("%s is declared public, and answers strangers with %q", line, row[0])
		}
		method, _, _ := strings.Cut(line, " ")
		for i, who := range w.people {
			if who.name == "read-only" && method != "GET" && !slices.Contains(harmless, line) && strings.ContainsAny(row[i], "+~") {
				w.t.Errorf("%s with a token that may only read = %q; want it refused", line, row[i])
			}
			if who.name == "app friends" && !forFriends(line) && strings.HasPrefix(line, method+" "+api) && !open && line != "DELETE "+api+"/session" && strings.ContainsAny(row[i], "+~") {
				w.t.Errorf("%s with the token of an app that is not for food = %q; want it refused", line, row[i])
			}
			if who.trusts || who.token == "" || open && method == "GET" || !private(line) || who.name == "moderator" && watched(line) {
				continue
			}
			for n, at := range cells(line) {
				if (at == foreign || at == cross) && strings.IndexByte("134", row[i][n]) < 0 {
					w.t.Errorf("%s as %s for what is another's (%s) = %c; want 403 or 404", line, who.name, at, row[i][n])
				}
			}
		}
	}
	for _, line := range slices.Concat(public, harmless, last) {
		if got[line] == nil {
			w.t.Errorf("%s is in a list of this test, and no route", line)
		}
	}
}

// private reports whether what a line names may be somebody's alone. A restaurant to buy from is everybody's, and so is a tracking link
// of those who were given it.
func private(line string) bool {
	if slices.Contains([]string{"POST " + api + "/orders", "PUT " + api + "/cart", "POST " + api + "/cart/lines", "POST /account/sessions/{id}/end", "POST /place", "POST /checkout/update"}, line) {
		return false
	}
	return len(cells(line)) > 1
}

// watched reports whether a line is something that moderators do to what is others'.
func watched(line string) bool { return line == "POST /statuses/{id}/delete" }

// checkSecrets asserts that what checkLeak looks for is what customers see of their own orders, and so would be found.
func (w *world) checkSecrets() {
	for _, s := range w.sides {
		w.orderOn(s)
		r := s.customer.Want(w.t, 200, "GET", "/orders/"+s.order.ID, nil, nil)
		for _, word := range []string{s.secret.phone, s.secret.street, s.token, s.order.Code, `"handover_code":"` + s.order.Handover} {
			if word == "" || !strings.Contains(string(r.Body), word) {
				w.t.Errorf("the customer's own order does not tell %q", word)
			}
		}
		if r := s.customer.Want(w.t, 200, "GET", "/me", nil, nil); !strings.Contains(string(r.Body), s.secret.email) {
			w.t.Errorf("the customer's own account does not tell %q", s.secret.email)
		}
	}
}

// checkLeak asserts that an answer holds nothing of a customer that the asker has nothing to do with.
func (w *world) checkLeak(q request, path string, a answer) {
	if q.who.trusts && q.who.name != "read-only" || strings.Contains(q.line, "{token}") {
		return
	}
	if q.who.name == "moderator" && (strings.Contains(q.line, "/admin/accounts") || strings.Contains(q.line, "/moderation")) {
		return // moderators see e-mail addresses: one person often has many accounts
	}
	for _, s := range w.sides {
		words := []string{s.secret.email}
		related := s.n == q.who.side && q.who.rw != nil && q.who.name != "moderator" || q.who.trusts
		if !related {
			words = append(words, s.secret.phone, s.secret.street, strings.ReplaceAll(s.secret.phone, " ", ""))
			if s.order.ID != "" {
				words = append(words, s.token, s.order.Code, s.made["code"], `"pickup_code":"`+s.order.PickupCode, `"handover_code":"`+s.order.Handover)
			}
		}
		if q.who.rw == s.customer || q.who.trusts {
			continue
		}
		if s.order.ID != "" { // the customer's to tell, or not
			words = append(words, s.token, `"handover_code":"`+s.order.Handover)
		}
		for _, word := range words {
			if q.line == "POST "+api+"/orders" && strings.Contains(word, "_code") {
				continue // of the asker's new order, whose four digits may be the same
			}
			if word != "" && strings.Contains(a.body, word) && !strings.Contains(path, word) {
				w.t.Errorf("%s as %s (%s) = %d tells %q of the customer of %s", q.line, q.who.name, q.at, a.status, word, s.shop.Slug)
			}
		}
	}
}

// text writes the matrix.
func text(people []*actor, all []string, got matrix) string {
	wide := 0
	for _, line := range all {
		wide = max(wide, utf8.RuneCountInString(line))
	}
	var b strings.Builder
	b.WriteString(legend + "\n")
	row := func(first string, cells []string) {
		s := fmt.Sprintf("%-*s", wide, first)
		for _, c := range cells {
			s += fmt.Sprintf("  %-5s", c)
		}
		b.WriteString(strings.TrimRight(s, " ") + "\n")
	}
	var one, two []string
	for _, p := range people {
		first, second, _ := strings.Cut(strings.NewReplacer("anonymous", "nobody", "customer", "cust.", "courier", "cour.", "dispatcher", "disp.", "moderator", "mod.", "suspended", "susp.", "read-only", "read only").Replace(p.name), " ")
		one, two = append(one, first), append(two, second)
	}
	row("", one)
	row("", two)
	for _, line := range all {
		row(line, got[line])
	}
	return b.String()
}

func golden(t *testing.T, got string) {
	t.Helper()
	file := filepath.Join("testdata", "matrix.golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("who may do what has changed. Where that is meant, write %s anew with -update (-want +got):\n%s", file, diff)
	}
}
