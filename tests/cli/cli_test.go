// Package cli uses the program as an operator does: at the command line, beside a running server, and when it is to end.
package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/tests/harness"
)

// soon is how long a running server may take to act by what the command line changed.
const soon = 2 * time.Second

// within fails the test unless ok holds within soon.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > soon {
			t.Fatalf("%s: not within %v", what, soon)
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("%s after %v", what, time.Since(began).Round(time.Millisecond))
}

func TestWhatAnOperatorChangesTakesEffectBesideARunningServer(t *testing.T) {
	harness.Databases(t, func(t *testing.T, args ...string) {
		s := harness.Start(t, "serve", args...)
		anna := s.Account(t, "anna")
		if r := anna.Do(t, "GET", "/dispatch/board", nil); r.Status != 403 {
			t.Fatalf("the board for a customer = %d; want 403", r.Status)
		}
		s.Admin(t, "admin", "role", "grant", "dispatcher", "--account", "anna")
		within(t, "a granted role works", func() bool { return anna.Do(t, "GET", "/dispatch/board", nil).Status == 200 })
		s.Admin(t, "admin", "role", "revoke", "dispatcher", "--account", "anna@example.org")
		within(t, "a revoked role works no longer", func() bool { return anna.Do(t, "GET", "/dispatch/board", nil).Status == 403 })

		bert := s.Account(t, "bert", "admin")
		within(t, "an account made with a role has it", func() bool { return bert.Do(t, "GET", "/dispatch/board", nil).Status == 200 })
		reader := s.As(s.Admin(t, "admin", "token", "create", "--account", "bert", "--scopes", "read"))
		within(t, "a new token works", func() bool { return reader.Do(t, "GET", "/me", nil).Status == 200 })
		if r := reader.Do(t, "PATCH", "/me", map[string]string{"name": "Berta"}); r.Status != 403 {
			t.Errorf("a token that may only read changes a name: %d; want 403", r.Status)
		}

		s.Admin(t, "admin", "restaurant", "create", "--name", "Taj", "--street", "Marktplatz 1", "--lat", "52.52", "--lon", "13.4", "--owner", "anna")
		within(t, "a new restaurant is listed", func() bool { return s.As("").Do(t, "GET", "/restaurants/taj", nil).Status == 200 })
		within(t, "its owner may change it", func() bool {
			return anna.Do(t, "PATCH", "/restaurants/taj", map[string]string{"blurb": "Since today."}).Status == 200
		})
		s.ImportMenu(t, harness.Shop{Slug: "taj"}, "item,price\nDal,6.50\n")
		within(t, "an imported dish is on the menu", func() bool {
			return strings.Contains(string(s.As("").Do(t, "GET", "/restaurants/taj/menu", nil).Body), `"Dal"`)
		})
	})
}

func TestWrongCommandLinesSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "stoa.toml")
	if err := os.WriteFile(file, []byte("[limit]\nstreams = 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want []string
	}{
		"unknown flag":           {[]string{"serve", "--lisen", ":1"}, 2, []string{"--lisen", "--listen"}},
		"unknown command":        {[]string{"server"}, 2, []string{"server"}},
		"missing flag":           {[]string{"admin", "account", "create", "--name", "anna"}, 2, []string{"--email"}},
		"missing argument":       {[]string{"import", "menu", "--restaurant", "taj"}, 2, []string{"<file>"}},
		"unknown setting":        {[]string{"serve", "--set", "town.nam=Arkadia"}, 1, []string{"town.nam", "town.name"}},
		"unknown file setting":   {[]string{"serve", "--config", file}, 1, []string{"limit.streams", "limits.streams"}},
		"no such settings file":  {[]string{"serve", "--config", file + ".no"}, 1, []string{"stoa.toml.no"}},
		"wrong address":          {[]string{"serve", "--listen", "nowhere"}, 1, []string{"listen"}},
		"wrong number":           {[]string{"serve", "--set", "town.lat=north"}, 1, []string{"town.lat"}},
		"wrong level":            {[]string{"serve", "--log-level", "loud"}, 1, []string{"log_level", "debug"}},
		"no PostgreSQL there":    {[]string{"migrate", "--database", "postgres://nobody@127.0.0.1:1/x"}, 1, []string{"127.0.0.1"}},
		"unknown account":        {[]string{"admin", "role", "grant", "admin", "--account", "nobody"}, 1, []string{"no such account"}},
		"unknown role":           {[]string{"admin", "account", "create", "--name", "a", "--email", "a@example.org", "--role", "king"}, 1, []string{"king"}},
		"bad e-mail":             {[]string{"admin", "account", "create", "--name", "a", "--email", "a"}, 1, []string{"mail"}},
		"menu of no restaurant":  {[]string{"import", "menu", file, "--restaurant", "nowhere"}, 1, []string{"restaurant"}},
		"menu that is not there": {[]string{"import", "menu", "no.csv", "--restaurant", "nowhere"}, -1, []string{"no.csv"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, problems, code := harness.CLI(t, c.args...)
			if c.code == -1 && code != 1 && code != 2 || c.code >= 0 && code != c.code {
				t.Errorf("stoa %s = exit code %d; want %d", strings.Join(c.args, " "), code, c.code)
			}
			for _, w := range c.want {
				if !strings.Contains(strings.ToLower(problems), strings.ToLower(w)) {
					t.Errorf("stoa %s does not mention %q:\n%s%s", strings.Join(c.args, " "), w, out, problems)
				}
			}
			if strings.Contains(problems, "goroutine ") {
				t.Errorf("stoa %s shows a stack:\n%s", strings.Join(c.args, " "), problems)
			}
		})
	}
	if out, _, code := harness.CLI(t, "--help"); code != 0 || !strings.Contains(out, "serve") {
		t.Errorf("--help = exit code %d\n%s", code, out)
	}
	if out, _, code := harness.CLI(t, "version"); code != 0 || strings.TrimSpace(out) == "" {
		t.Errorf("version = exit code %d %q", code, out)
	}
}

func TestAMenuWithBadLinesNamesEachAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "serve")
	admin := s.Account(t, "boss", "admin")
	shop := admin.Restaurant(t, "Taj", nil)
	s.ImportMenu(t, shop, "section,item,price\nMains,Dal,6.50\nBreads,Naan,2.95\n")
	before := admin.Items(t, shop)
	file := filepath.Join(t.TempDir(), "bad.csv")
	if err := os.WriteFile(file, []byte("section,item,price,tax\nMains,Dal,7.00,food\nMains,Balti,a lot,food\nMains,,4.00,food\nMains,Rice,-1.00,food\nMains,Tea,2.00,beverage\nMains,Soup,3.00,food\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, problems, code := harness.CLI(t, "import", "menu", file, "--restaurant", shop.Slug, "--data", s.Data)
	if code != 1 {
		t.Errorf("a bad menu = exit code %d; want 1", code)
	}
	for _, line := range []string{"line 3", "line 4", "line 5", "line 6"} {
		if !strings.Contains(out+problems, line) {
			t.Errorf("the bad %s is not named:\n%s%s", line, out, problems)
		}
	}
	for _, line := range []string{"line 2:", "line 2,", "line 7"} {
		if strings.Contains(out+problems, line) {
			t.Errorf("the good %s is called bad:\n%s%s", line, out, problems)
		}
	}
	if diff := cmp.Diff(before, admin.Items(t, shop)); diff != "" {
		t.Errorf("the menu has changed (-before +after):\n%s", diff)
	}
	if menu := admin.Do(t, "GET", "/restaurants/"+shop.Slug+"/menu", nil); !strings.Contains(string(menu.Body), `"price":650`) {
		t.Errorf("a price was imported:\n%s", menu.Body)
	}
}

func TestShutdownAnswersEveryRequestInFlight(t *testing.T) {
	const inFlight = 20
	s := harness.Start(t, "serve")
	admin := s.Account(t, "boss", "admin")
	shop := admin.Restaurant(t, "Taj", nil)
	s.ImportMenu(t, shop, "item,price\nDal,6.50\n")
	anna := s.SignUp(t)
	wish, _ := anna.Quoted(t, harness.Wish(shop, "pickup", harness.Line{Item: admin.Items(t, shop)["Dal"], Qty: 1}))
	body, err := json.Marshal(wish)
	if err != nil {
		t.Fatal(err)
	}
	// Each request has its headers read and its handler waiting for the body, which the server says by "100 Continue".
	conns := make([]net.Conn, inFlight)
	readers := make([]*bufio.Reader, inFlight)
	for i := range conns {
		if conns[i], err = net.Dial("tcp", strings.TrimPrefix(s.URL, "http://")); err != nil {
			t.Fatal(err)
		}
		defer conns[i].Close()
		conns[i].SetDeadline(time.Now().Add(20 * time.Second))
		readers[i] = bufio.NewReader(conns[i])
		fmt.Fprintf(conns[i], "POST /api/stoa/v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nIdempotency-Key: last-%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
			anna.Token, i, len(body))
		line, err := readers[i].ReadString('\n')
		if err != nil || !strings.Contains(line, " 100 ") {
			t.Fatalf("request %d: %q %v; want 100 Continue", i, line, err)
		}
		readers[i].ReadString('\n') // the empty line after it
	}
	if err := syscall.Kill(s.PID(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	within(t, "the server says that it is stopping", func() bool { return strings.Contains(s.Log(), "stopping") })
	within(t, "it takes no new connections", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	placed := map[string]bool{}
	for i, c := range conns {
		if _, err := c.Write(body); err != nil {
			t.Fatalf("request %d was cut off: %v", i, err)
		}
		res, err := http.ReadResponse(readers[i], nil)
		if err != nil {
			t.Fatalf("request %d was not answered: %v", i, err)
		}
		var o harness.Order
		err = json.NewDecoder(res.Body).Decode(&o)
		res.Body.Close()
		if err != nil || res.StatusCode != 201 {
			t.Errorf("request %d = %d (%v); want 201", i, res.StatusCode, err)
		}
		placed[o.ID] = true
	}
	s.Stop(t)
	s.Run(t)
	var page struct {
		Items []harness.Order `json:"items"`
	}
	anna.Want(t, 200, "GET", "/orders?limit=100", nil, &page)
	if len(placed) != inFlight || len(page.Items) != inFlight {
		t.Errorf("%d orders were acknowledged while stopping, %d are stored; want %d", len(placed), len(page.Items), inFlight)
	}
}
