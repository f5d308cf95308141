package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/harness"
)

// trusting returns a client that trusts the certificate of a file, and keeps cookies.
func trusting(t *testing.T, file string) *http.Client {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		t.Fatalf("no certificate in %s", file)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport: tr, Timeout: 60 * time.Second, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func TestTheServerSpeaksHTTPSWithACertificateOfItsOwn(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "serve", "--tls", "self")
	if !strings.HasPrefix(s.URL, "https://127.0.0.1:") {
		t.Fatalf("ready at %s; want https", s.URL)
	}
	file := filepath.Join(s.Data, "tls", "self.pem")
	if i, err := os.Stat(file); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v %v; want mode 0600", file, i, err)
	}
	client := trusting(t, file)
	res, page := get(t, client, s.URL+"/")
	if res.StatusCode != 200 || res.ProtoMajor != 2 || !strings.Contains(page, "<html") {
		t.Errorf("GET / = %d by %s; want a page by HTTP/2", res.StatusCode, res.Proto)
	}
	if h := res.Header.Get("Strict-Transport-Security"); h != "" {
		t.Errorf("browsers are told %q by a certificate that they do not know", h)
	}
	if _, err := http.Get(s.URL); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a client that does not trust it: %v", err)
	}
	addr := strings.TrimPrefix(s.URL, "https://")
	if c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		c.Close()
		t.Error("TLS 1.1 works")
	}
	plain, body := get(t, http.DefaultClient, "http://"+addr+"/")
	if plain.StatusCode != 400 || !strings.Contains(body, "HTTPS") {
		t.Errorf("plain http = %d %q; want 400 that says HTTPS", plain.StatusCode, body)
	}

	form := url.Values{"name": {"Anna"}, "email": {"anna@example.org"}, "password": {harness.Password}}
	res, err := client.PostForm(s.URL+"/sign-up", form)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	var session *http.Cookie
	for _, c := range res.Cookies() {
		if c.Name == "__Host-stoa" {
			session = c
		}
	}
	if res.StatusCode != 303 || session == nil || !session.Secure || !session.HttpOnly {
		t.Fatalf("sign-up = %d with cookies %v; want a Secure __Host- cookie", res.StatusCode, res.Cookies())
	}
	if res, page := get(t, client, s.URL+"/account"); res.StatusCode != 200 || !strings.Contains(page, "anna@example.org") {
		t.Errorf("the account's page with the cookie = %d", res.StatusCode)
	}

	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
	s.Run(t)
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
		t.Errorf("a second start made another certificate (%v)", err)
	}
	if res, _ := get(t, client, s.URL+"/account"); res.StatusCode != 200 {
		t.Errorf("after a restart: %d; want to be signed in still", res.StatusCode)
	}
}

// TestLiveStreamsStayOpenOverHTTP2 waits for the second sign of life of a stream on which nothing happens.
func TestLiveStreamsStayOpenOverHTTP2(t *testing.T) {
	if testing.Short() {
		t.Skip("a stream is quiet for 16 s")
	}
	t.Parallel()
	s := harness.Start(t, "serve", "--tls", "self")
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/live?topic=shop:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	res, err := trusting(t, filepath.Join(s.Data, "tls", "self.pem")).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || res.ProtoMajor != 2 {
		t.Fatalf("/live = %d by %s", res.StatusCode, res.Proto)
	}
	for lines := bufio.NewScanner(res.Body); ; {
		if !lines.Scan() {
			t.Fatalf("the stream ended after %v: %v", time.Since(began), lines.Err())
		}
		if strings.HasPrefix(lines.Text(), ":") && time.Since(began) > 14*time.Second {
			return
		}
	}
}

func TestACertificateFromFilesIsTakenAnewWhenItChanges(t *testing.T) {
	t.Parallel()
	// Another server makes the certificates.
	first, second := harness.Start(t, "serve", "--tls", "self"), harness.Start(t, "serve", "--tls", "self")
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	take := func(from *harness.Server) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(from.Data, "tls", "self.pem"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{cert, key} {
			if err := os.WriteFile(file+".new", b, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(file+".new", file); err != nil {
				t.Fatal(err)
			}
		}
	}
	take(first)
	s := harness.Start(t, "serve", "--tls", "file", "--tls-cert", cert, "--tls-key", key)
	old := trusting(t, cert)
	res, _ := get(t, old, s.URL+"/healthz")
	if res.StatusCode != 200 {
		t.Errorf("/healthz = %d", res.StatusCode)
	}
	if res, _ := get(t, old, s.URL+"/"); !strings.Contains(res.Header.Get("Strict-Transport-Security"), "max-age") {
		t.Error("browsers are not told to keep to https")
	}
	take(second)
	within(t, "the new certificate is shown", func() bool {
		c := trusting(t, cert)
		res, err := c.Get(s.URL + "/healthz")
		if err == nil {
			res.Body.Close()
		}
		return err == nil
	})
	if _, problems, code := harness.CLI(t, "serve", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--tls", "file", "--tls-cert", cert+".no", "--tls-key", key); code != 1 || !strings.Contains(problems, "cert.pem.no") {
		t.Errorf("a certificate that is not there: %d %s", code, problems)
	}
}

func TestRequestsAreLimitedByAccountAndByAddress(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "serve", "--set", "limits.rate=on", "--set", "limits.api=10/1h", "--set", "limits.anonymous=2", "--set", "limits.pages=10/1h")
	anna, bert := s.Account(t, "anna"), s.Account(t, "bert")
	count := func(c *harness.Client, n int, headers ...string) (ok int, last harness.Reply) {
		t.Helper()
		for i := range n {
			last = c.Do(t, "GET", "/restaurants", nil, append(headers, "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))...)
			if last.Status != 429 {
				ok++
			}
		}
		return ok, last
	}
	ok, last := count(anna, 15)
	if ok != 10 || last.Header.Get("Retry-After") == "" || last.Header.Get("X-RateLimit-Remaining") != "0" || last.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("an account with a limit of 10: %d came through, the last %v %s", ok, last.Header, last.Body)
	}
	if ok, _ := count(bert, 5); ok != 5 {
		t.Errorf("another account at the same address: %d of 5", ok)
	}
	// A token that is not valid is an address's, as no token is.
	guessed, _ := count(s.As(strings.Repeat("x", 43)), 5)
	anonymous, _ := count(s.As(""), 30)
	if guessed+anonymous != 20 {
		t.Errorf("strangers at one address with a limit of 20: %d + %d came through", guessed, anonymous)
	}
	if r := s.As(strings.Repeat("x", 43)).Do(t, "GET", "/restaurants", nil); r.Status != 429 {
		t.Errorf("a further guess = %d; want 429", r.Status)
	}
	signUp := func(n int) int {
		return s.As("").Do(t, "POST", "/accounts", map[string]string{
			"name": fmt.Sprintf("N %d", n), "email": fmt.Sprintf("n%d@example.org", n), "password": harness.Password,
		}).Status
	}
	for n := range 5 {
		if got := signUp(n); got != 201 {
			t.Errorf("sign-up %d = %d; want 201", n+1, got)
		}
	}
	if got := signUp(6); got != 429 {
		t.Errorf("the sixth sign-up from an address = %d; want 429", got)
	}
	var page harness.Reply
	for range 21 {
		page = s.As("").Do(t, "GET", "///sign-in", nil, "Accept", "text/html")
	}
	if page.Status != 429 || !strings.Contains(string(page.Body), "<html") || !strings.Contains(string(page.Body), "Try again in") || page.Header.Get("Retry-After") == "" {
		t.Errorf("a page beyond the limit = %d %v\n%.300s", page.Status, page.Header, page.Body)
	}
	for range 50 {
		if r := s.As("").Do(t, "GET", "///healthz", nil); r.Status != 200 {
			t.Fatalf("/healthz = %d; want it never limited", r.Status)
		}
	}
}
