// Package security holds the running program to what docs/security.md promises, by asking it as an attacker would. Its map test holds the
// document to the tests that it names.
package security

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/harness"
)

// town is a server with a restaurant and an order in it, reached as if by https.
type town struct {
	*harness.Server
	admin *harness.Client
	known map[string]string // what stands for the parts of routes
	http  *http.Client
}

func newTown(t *testing.T, args ...string) *town {
	t.Helper()
	s := harness.Start(t, "serve", append([]string{"--url", "https://eat.example.org", "--set", "limits.conns_per_ip=1000"}, args...)...)
	// What is printed is the address that people type; the log tells where the server listens.
	addr := regexp.MustCompile(`"addr":"([^"]+)"`)
	m := addr.FindStringSubmatch(s.Log())
	for end := time.Now().Add(10 * time.Second); m == nil; m = addr.FindStringSubmatch(s.Log()) {
		if time.Now().After(end) {
			t.Fatalf("the log does not tell where the server listens:\n%s", s.Log())
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.URL = "http://" + m[1]
	w := &town{Server: s, admin: s.Account(t, "boss", "admin"), http: &http.Client{
		Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	shop := w.admin.Restaurant(t, "Taj", nil)
	s.ImportMenu(t, shop, "item,price\nDal,6.50\nNaan,2.95\n")
	items := w.admin.Items(t, shop)
	body, _ := w.admin.Quoted(t, harness.Wish(shop, "delivery", harness.Line{Item: items["Dal"], Qty: 2}))
	var order harness.Order
	w.admin.Want(t, 201, "POST", "/orders", body, &order, "Idempotency-Key", "one")
	var me struct {
		ID     string `json:"id"`
		Handle string `json:"handle"`
	}
	w.admin.Want(t, 200, "GET", "/me", nil, &me)
	w.known = map[string]string{
		"slug": shop.Slug, "code": strings.ReplaceAll(order.Code, "-", ""), "item": items["Dal"], "handle": me.Handle, "name": me.Handle, "account": me.ID, "order": order.ID,
	}
	return w
}

// reply is an answer with its body.
type reply struct {
	*http.Response
	text []byte
}

// ask sends a request and reads the answer; what goes on for ever is not read.
func (w *town) ask(t testing.TB, method, path string, body io.Reader, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := w.http.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return reply{res, nil}
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, 32<<20))
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{res, b}
}

// as returns the headers of a browser that a client's token signs in.
func as(c *harness.Client) []string {
	return []string{"Authorization", "Bearer " + c.Token, "Accept", "text/html"}
}

// routes returns the methods and paths of api/routes.txt, which a test of internal/app holds to the registered ones.
func routes(t *testing.T) (out [][2]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "api", "routes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		pattern, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			t.Fatalf("api/routes.txt: %q", line)
		}
		out = append(out, [2]string{method, path})
	}
	return out
}

var part = regexp.MustCompile(`\{([^}]*)\}`)

// fill puts what is known into a route's path, and 1 for what is not.
func (w *town) fill(path string) string {
	return part.ReplaceAllStringFunc(path, func(p string) string {
		name := strings.Trim(p, "{}.")
		if name == "$" {
			return ""
		}
		if v := w.known[name]; v != "" {
			return v
		}
		return "1"
	})
}

// operation is one of the REST API that takes a document.
type operation struct{ method, path string }

// operations returns those of the served OpenAPI document.
func (w *town) operations(t *testing.T) (out []operation) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			Body *struct {
				Content map[string]json.RawMessage `json:"content"`
			} `json:"requestBody"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(w.ask(t, "GET", "/api/stoa/v1/openapi.json", nil).text, &doc); err != nil {
		t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if op.Body != nil && op.Body.Content["application/json"] != nil {
				out = append(out, operation{strings.ToUpper(method), w.fill(path)})
			}
		}
	}
	if len(out) < 15 {
		t.Fatalf("%d operations take a document", len(out))
	}
	return out
}

// TestJSONThatReadersDifferAboutIsRefusedAtOnce sends each operation documents that no other should be asked to read. Of three tries the
// quickest counts, for the machine does other things, too.
func TestJSONThatReadersDifferAboutIsRefusedAtOnce(t *testing.T) {
	w := newTown(t)
	const within = 100 * time.Millisecond
	deep := strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000)
	for _, op := range w.operations(t) {
		for name, body := range map[string]string{
			"a key twice": `{"name":"a","name":"b"}`, "a key twice in two cases": `{"name":"a","NAME":"b"}`, "a key twice, one written otherwise": `{"name":"a","\u006eame":"b"}`,
			"something behind the end": `{} {}`, "a byte behind the end": `{}x`, "10,000 levels": deep, "10,000 lists": strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
			"a number of 10 MB": `{"qty":` + strings.Repeat("9", 10<<20) + `}`, "an exponent of 10 MB": `{"qty":1e` + strings.Repeat("9", 10<<20) + `}`, "half of a document": `{"name":`, "no document": `x`,
			"an XML document": `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`,
		} {
			best, status := time.Hour, 0
			for range 3 {
				began := time.Now()
				res := w.ask(t, op.method, op.path, strings.NewReader(body), "Authorization", "Bearer "+w.admin.Token, "Content-Type", "application/json", "Idempotency-Key", "k")
				best, status = min(best, time.Since(began)), res.StatusCode
				if status < 400 || status > 499 || best < within {
					break
				}
			}
			if status < 400 || status > 499 || best > within {
				t.Errorf("%s %s with %s = %d after %v; want 4xx within %v", op.method, op.path, name, status, best, within)
			}
		}
		for _, kind := range []string{"application/xml", "text/plain", "application/x-www-form-urlencoded", "application/cbor", "application/yaml"} {
			if res := w.ask(t, op.method, op.path, strings.NewReader(`{}`), "Authorization", "Bearer "+w.admin.Token, "Content-Type", kind); res.StatusCode < 400 || res.StatusCode > 499 {
				t.Errorf("%s %s with a document of %s = %d; want 4xx", op.method, op.path, kind, res.StatusCode)
			}
		}
	}
}

// TestOfAParameterGivenTwiceTheFirstCounts holds to the one way that docs/security.md names.
func TestOfAParameterGivenTwiceTheFirstCounts(t *testing.T) {
	w := newTown(t)
	list := func(query string) int {
		var out struct {
			Restaurants []json.RawMessage `json:"restaurants"`
			Items       []json.RawMessage `json:"items"`
		}
		res := w.ask(t, "GET", "/api/stoa/v1/restaurants?mode=pickup&"+query, nil)
		if err := json.Unmarshal(res.text, &out); err != nil {
			t.Fatalf("%s: %s", query, res.text)
		}
		return len(out.Restaurants) + len(out.Items)
	}
	if list("q=Taj") != 1 || list("q=nothing-like-it") != 0 {
		t.Fatalf("a search finds %d and %d; want 1 and 0", list("q=Taj"), list("q=nothing-like-it"))
	}
	if a, b := list("q=Taj&q=nothing-like-it"), list("q=nothing-like-it&q=Taj"); a != 1 || b != 0 {
		t.Errorf("of two words the last counts: %d and %d found", a, b)
	}
	// In a form, too; and what stands in the address never comes before what was sent in the body.
	for body, want := range map[string]string{"password=wrong-one-here&password=" + harness.Password: "", "password=" + harness.Password + "&password=wrong-one-here": "__Host-stoa"} {
		res := w.ask(t, "POST", "/sign-in?login=nobody@example.org&password=x", strings.NewReader("login=boss@example.org&"+body),
			"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html")
		if got := strings.Join(res.Header.Values("Set-Cookie"), ";"); (want != "") != strings.Contains(got, "__Host-stoa=") {
			t.Errorf("signing in with %s = %d, cookies %q", body, res.StatusCode, got)
		}
	}
}

func TestNothingIsServedThatWasNotMeantTo(t *testing.T) {
	w := newTown(t)
	for _, path := range []string{
		"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/debug/requests", "/.git/config", "/.git/HEAD", "/.env", "/.htaccess", "/.DS_Store", "/stoa.toml",
		"/stoa.db", "/master.key", "/data/master.key", "/media/master.key", "/assets/../../master.key", "/media/..%2fmaster.key", "/media/%2e%2e/master.key", "/assets/", "/media/", "/assets",
		"/assets/dist/", "/server-status", "/actuator/env", "/phpinfo.php", "/wp-login.php", "/backup.zip", "/config", "/api/stoa/v1/", "/api/", "/swagger.json", "/graphql", "/dev/mail",
	} {
		for _, token := range []string{"", w.admin.Token} {
			req, err := http.NewRequest("GET", w.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if token != "" {
				req.Header.Set("Authorization", "Bearer "+token)
			}
			res, err := w.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || res.StatusCode < 300 || bytes.Contains(b, []byte("<pre>")) || bytes.Contains(b, []byte("goroutine")) {
				t.Errorf("GET %s = %d %.100s (%v)", path, res.StatusCode, b, err)
			}
		}
	}
	for _, method := range []string{"TRACE", "TRACK", "CONNECT", "DEBUG", "PROPFIND", "OPTIONS"} {
		for _, path := range []string{"/", "/account", "/api/stoa/v1/me"} {
			res := w.ask(t, method, path, nil, "X-Canary", "canary-of-trace")
			if res.StatusCode < 400 && method != "OPTIONS" || bytes.Contains(res.text, []byte("canary-of-trace")) {
				t.Errorf("%s %s = %d %.100s", method, path, res.StatusCode, res.text)
			}
		}
	}
	res := w.ask(t, "GET", "/", nil, "Accept", "text/html")
	for _, h := range []string{"Server", "X-Powered-By", "X-AspNet-Version", "Via"} {
		if v := res.Header.Get(h); v != "" {
			t.Errorf("the server says of itself %s: %s", h, v)
		}
	}
	if _, err := os.Stat(filepath.Join(w.Data, "master.key")); err != nil {
		t.Errorf("the test looks for a file that is not there: %v", err)
	}
}

func TestTheDataFolderIsItsOwnersAlone(t *testing.T) {
	w := newTown(t)
	err := filepath.WalkDir(w.Data, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		if filepath.Base(path) == "master.key" && i.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, i.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Stop(t)
	key := filepath.Join(w.Data, "master.key")
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	_, problems, code := harness.CLI(t, "serve", "--data", w.Data, "--listen", "127.0.0.1:0")
	if code == 0 || !strings.Contains(problems, "chmod 600") {
		t.Errorf("with a key that others can read the server starts: %d %s", code, problems)
	}
}

func TestAPasswordNeedNotBeAnArgument(t *testing.T) {
	s := harness.Start(t, "serve")
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("canary-of-a-file-91\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := s.Admin(t, "admin", "account", "create", "--name", "Bea", "--email", "bea@example.org", "--password-file", file)
	if strings.Contains(out, "canary") {
		t.Errorf("the password is printed: %s", out)
	}
	s.As("").Want(t, 201, "POST", "/session", map[string]string{"email": "bea@example.org", "password": "canary-of-a-file-91"}, nil)
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.PID()))
	if err != nil {
		t.Skipf("skipped: this system does not show command lines: %v", err)
	}
	if bytes.Contains(line, []byte("canary")) {
		t.Errorf("the server's command line: %q", line)
	}
}
