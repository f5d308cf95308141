package security

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/harness"
)

// guesser tries passwords from an address of the loopback network, and says with each request that it comes from somewhere else.
type guesser struct {
	t    *testing.T
	s    *harness.Server
	http *http.Client
}

var lies atomic.Int64

func from(t *testing.T, s *harness.Server, address string) *guesser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	tr := &http.Transport{DialContext: d.DialContext}
	t.Cleanup(tr.CloseIdleConnections)
	return &guesser{t, s, &http.Client{Transport: tr, Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// try signs in with the API or, as a browser does, with the page, and returns the status: 201 and 303 let in.
func (g *guesser) try(page bool, login, password string) int {
	path, kind := "/api/stoa/v1/session", "application/json"
	body, err := json.Marshal(map[string]string{"email": login, "password": password})
	if err != nil {
		g.t.Fatal(err)
	}
	if page {
		path, kind, body = "/sign-in", "application/x-www-form-urlencoded", []byte(url.Values{"login": {login}, "password": {password}}.Encode())
	}
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.s.URL+path, bytes.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	n := lies.Add(1)
	lie := fmt.Sprintf("203.0.%d.%d", n/250, n%250)
	for _, h := range []string{"X-Forwarded-For", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP", "X-Cluster-Client-IP"} {
		req.Header.Set(h, lie)
	}
	req.Header.Set("Forwarded", fmt.Sprintf(`for="%s:4711";proto=https;by=127.0.0.1`, lie))
	req.Header.Set("Via", "1.1 "+lie)
	res, err := g.http.Do(req)
	if err != nil {
		g.t.Error(err)
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// TestOfAThousandTriesTenAreLookedAtWhateverTheyCallThemselves has the right password among the tries: wherever it is looked at, it opens.
func TestOfAThousandTriesTenAreLookedAtWhateverTheyCallThemselves(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "serve")
	for _, name := range []string{"anna", "nine", "ten"} {
		s.Account(t, name)
	}
	for name, c := range map[string]struct{ wrong, want int }{"nine": {9, 201}, "ten": {10, 429}} {
		for i := range c.wrong {
			if got := from(t, s, fmt.Sprintf("127.0.1.%d", i+1)).try(false, name, "a guess"); got != 401 {
				t.Errorf("guess %d at @%s = %d; want 401", i+1, name, got)
			}
		}
		if got := from(t, s, "127.0.1.100").try(false, name, harness.Password); got != c.want {
			t.Errorf("the right password after %d wrong ones = %d; want %d", c.wrong, got, c.want)
		}
	}

	home := from(t, s, "127.0.0.1")
	if got := home.try(true, "anna", harness.Password); got != 303 {
		t.Fatalf("the owner, before anything = %d; want 303", got)
	}
	var told, refused, entered atomic.Int64
	guess := func(i int, password string) {
		// From 20 addresses, that of the owner too; by handle and by e-mail; with the API and with the page.
		g := from(t, s, fmt.Sprintf("127.0.0.%d", 1+i%20))
		switch got := g.try(i%4 < 2, []string{"anna", "anna@example.org"}[i%2], password); got {
		case 401, 422:
			told.Add(1)
		case 429:
			refused.Add(1)
		case 201, 303:
			entered.Add(1)
		default:
			t.Errorf("try %d = %d", i, got)
		}
	}
	for i := range 10 {
		guess(i, "a guess")
	}
	var all sync.WaitGroup
	for k := range 10 {
		all.Go(func() {
			for i := 10 + k; i < 1000; i += 10 {
				guess(i, []string{"another guess", harness.Password}[i/10%2])
			}
		})
	}
	all.Wait()
	if entered.Load() != 0 || told.Load() > 20 || told.Load()+refused.Load() != 1000 {
		t.Errorf("of 1000 tries %d entered, %d were said to be wrong, %d were refused; want 0, at most 10 for each of two logins, and the rest", entered.Load(), told.Load(), refused.Load())
	}
	if got := home.try(true, "anna", harness.Password); got != 303 {
		t.Errorf("the owner, in the browser that they use = %d; want 303", got)
	}
	if log := s.Log(); strings.Contains(log, harness.Password) || strings.Contains(log, "another guess") {
		t.Error("the log holds what was tried")
	}
}

// TestAnAddressIsWhatItIsNotWhatItCallsItself tries one password at many logins.
func TestAnAddressIsWhatItIsNotWhatItCallsItself(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "serve")
	g := from(t, s, "127.0.0.7")
	wrong := 0
	for i := range 100 {
		switch got := g.try(i%2 == 0, fmt.Sprintf("neighbour%d@example.org", i), "stoa1234"); got {
		case 401, 422:
			wrong++
		case 429:
		default:
			t.Fatalf("try %d = %d", i, got)
		}
	}
	if wrong != 30 {
		t.Errorf("%d of 100 tries from one address were looked at; want 30", wrong)
	}
	if got := from(t, s, "127.0.0.8").try(false, "neighbour0@example.org", "stoa1234"); got != 401 {
		t.Errorf("another address = %d; want 401", got)
	}
}
