package fetch

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// forbidden are spellings of addresses that are not public: hosts of URLs, numbers in all the ways that some parser reads them, and
// addresses that lead to IPv4 through a translator or a tunnel.
var forbidden = []string{
	"127.0.0.1", "127.1", "127.0.1", "0.0.0.0", "0", "127.255.255.254", "2130706433", "017700000001", "0x7f000001", "0x7f.0.0.1", "0x7f.1", "0177.0.0.1",
	"00000177.0.0.1", "127.0.0.1.", "127.000.000.001", "①②⑦.⓪.⓪.①", "10.0.0.5", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "2852039166",
	"100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "192.88.99.1", "224.0.0.1", "240.0.0.1",
	"255.255.255.255", "168.63.129.16",
	"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[0:0:0:0:0:ffff:169.254.169.254]", "[::ffff:0:127.0.0.1]",
	"[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::10.0.0.5]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2001:0:5ef5:79fd::1]",
	"[2001:10::1]", "[2001:20::1]", "[2001:db8::1]", "[3fff::1]", "[fc00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fe80::1%25lo]", "[fec0::1]", "[ff02::1]",
	"[100::1]", "[5f00::1]", "[4000::1]",
	"localhost", "localhost.", "LOCALHOST", "internal.example", "both.example", "mapped.example", "nat64.example",
}

// world is what the names of forbidden stand for. A resolver that reads numbers as the C library does gives them as it does.
func world(name string, _ int) []netip.Addr {
	at := func(list ...string) (out []netip.Addr) {
		for _, s := range list {
			out = append(out, netip.MustParseAddr(s))
		}
		return out
	}
	switch strings.ToLower(name) {
	case "public.example":
		return at("93.184.216.34")
	case "internal.example":
		return at("10.0.0.5")
	case "both.example":
		return at("169.254.169.254", "::1")
	case "mapped.example":
		return at("::ffff:127.0.0.1")
	case "nat64.example":
		return at("64:ff9b::7f00:1")
	case "2852039166":
		return at("169.254.169.254")
	}
	return at("127.0.0.1") // localhost, and every number in a strange form
}

func TestNothingThatIsNotPublicIsAskedFor(t *testing.T) {
	t.Parallel()
	c := New(Options{Resolver: (&names{answer: world}).resolver(t)})
	for _, host := range forbidden {
		_, err := c.Get(t.Context(), "http://"+host+"/")
		if !errors.Is(err, ErrForbidden) || !errs.Is(err, errs.Invalid) {
			t.Errorf("http://%s/: %v; want it forbidden", host, err)
		}
	}
	for _, address := range []string{
		"", "/", "//127.0.0.1/", "public.example", "ftp://public.example/", "file:///etc/passwd", "gopher://public.example:80/", "javascript:alert(1)", "data:,x",
		"unix:///run/x.sock", "http:///etc", "http://", "https://:443/", "http://public.example:8080/", "http://public.example:22/", "https://public.example:0/",
		"http://public.example:65616/", "http://user@public.example/", "http://user:word@public.example/", "http://public.example@127.0.0.1/", "http://public example/",
		"http://public.example\r\nHost: x/", "http://[::1/", "http://127.0.0.1:80:80/",
	} {
		if _, err := c.Get(t.Context(), address); !errors.Is(err, ErrForbidden) {
			t.Errorf("%q: %v; want it forbidden", address, err)
		}
	}
}

// local returns a client that may reach a server on this machine, and that server.
func local(t *testing.T, h http.HandlerFunc) (*Client, string) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c := New(Options{Version: "1.2", AllowLoopback: true})
	t.Cleanup(c.HTTP().CloseIdleConnections)
	return c, srv.URL
}

func TestGetReturnsWhatIsThere(t *testing.T) {
	t.Parallel()
	c, url := local(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/there", http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "Text/HTML; charset=utf-8")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, r.UserAgent())
	})
	got, err := c.Get(t.Context(), url+"/moved")
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Body) != "Stoa/1.2 (+https://github.com/stoa-town/stoa)" || got.Type != "text/html" || got.Status != http.StatusTeapot || got.URL != url+"/there" {
		t.Errorf("%+v with body %q", got, got.Body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Get(ctx, url); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled fetch: %v", err)
	}
}

func TestRedirectsAreCheckedCountedAndCarryNoCredentials(t *testing.T) {
	t.Parallel()
	var credentials atomic.Value
	c, url := local(t, func(w http.ResponseWriter, r *http.Request) {
		var n int
		if _, err := fmt.Sscanf(r.URL.Path, "/hops/%d", &n); err == nil && n > 0 {
			http.Redirect(w, r, fmt.Sprintf("/hops/%d", n-1), http.StatusTemporaryRedirect)
			return
		}
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return
		}
		credentials.Store(r.Header.Get("Authorization") + r.Header.Get("Cookie") + r.Header.Get("Referer"))
	})
	for n, want := range map[int]bool{0: true, 3: true, 4: false, 50: false} {
		if _, err := c.Get(t.Context(), fmt.Sprintf("%s/hops/%d", url, n)); (err == nil) != want {
			t.Errorf("%d redirects: %v; want followed: %v", n, err, want)
		}
	}
	for _, to := range []string{
		"http://10.0.0.5/", "http://169.254.169.254/latest/meta-data/", "http://[64:ff9b::7f00:1]/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x",
		"//192.168.1.1/", "http://user:word@127.0.0.1/", "http://168.63.129.16/",
	} {
		if _, err := c.Get(t.Context(), url+"/?to="+to); !errors.Is(err, ErrForbidden) {
			t.Errorf("a redirect to %s: %v; want it forbidden", to, err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/hops/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer hunter2")
	req.Header.Set("Cookie", "a=b")
	res, err := c.HTTP().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := credentials.Load(); got != "" {
		t.Errorf("after a redirect the server was told %q", got)
	}
}

func TestARedirectNeverLeavesHTTPS(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	srv := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(srv.Close)
	c := New(Options{AllowLoopback: true})
	t.Cleanup(c.HTTP().CloseIdleConnections)
	c.HTTP().Transport.(*limited).next.TLSClientConfig = srv.Client().Transport.(*http.Transport).TLSClientConfig
	if _, err := c.Get(t.Context(), srv.URL); !errors.Is(err, ErrForbidden) {
		t.Errorf("from https to http: %v; want it forbidden", err)
	}
}

func TestAFetchEndsInTimeHoweverSlowTheServerIs(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	c, url := local(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/drip" {
			for {
				if _, err := w.Write([]byte("x")); err != nil || http.NewResponseController(w).Flush() != nil {
					return
				}
				select {
				case <-r.Context().Done():
					return
				case <-gone:
					return
				case <-time.After(time.Millisecond):
				}
			}
		}
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	})
	t.Cleanup(func() { close(gone) })
	if tr := c.HTTP().Transport.(*limited).next; c.HTTP().Timeout != 10*time.Second || tr.ResponseHeaderTimeout != 5*time.Second || tr.Proxy != nil {
		t.Fatalf("limits of %v and %v for the head, or a proxy", c.HTTP().Timeout, tr.ResponseHeaderTimeout)
	}
	c.HTTP().Timeout = 400 * time.Millisecond
	c.HTTP().Transport.(*limited).next.ResponseHeaderTimeout = 200 * time.Millisecond
	for path, least := range map[string]time.Duration{"/drip": 400 * time.Millisecond, "/silent": 200 * time.Millisecond} {
		began := time.Now()
		_, err := c.Get(t.Context(), url+path)
		if took := time.Since(began); !errs.Is(err, errs.Unavailable) || took < least || took > 5*time.Second {
			t.Errorf("%s: %v after %v; want it given up after %v", path, err, took, least)
		}
	}
}

func TestABodyIsCountedAfterDecompression(t *testing.T) {
	t.Parallel()
	zeros := make([]byte, 1<<20)
	c, url := local(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/bomb": // a gigabyte of zeros in one megabyte
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 1 << 10 {
				if _, err := z.Write(zeros); err != nil {
					return
				}
			}
			z.Close()
		case "/head":
			w.Header().Set("X", strings.Repeat("x", MaxHeader))
		case "/most":
			w.Write(make([]byte, MaxBody))
		default:
			w.Write(make([]byte, MaxBody+1))
		}
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := c.Get(t.Context(), url+"/bomb"); !errs.Is(err, errs.TooLarge) {
		t.Errorf("a bomb: %v; want TooLarge", err)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 100<<20 {
		t.Errorf("a bomb took %d MB", grown>>20)
	}
	if _, err := c.Get(t.Context(), url+"/over"); !errs.Is(err, errs.TooLarge) {
		t.Errorf("a byte too many: %v; want TooLarge", err)
	}
	if got, err := c.Get(t.Context(), url+"/most"); err != nil || len(got.Body) != MaxBody {
		t.Errorf("5 MB: %v", err)
	}
	if _, err := c.Get(t.Context(), url+"/head"); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a head of 64 KB: %v; want it given up", err)
	}
	res, err := c.HTTP().Get(url + "/over") //nolint:noctx // how libraries call it
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); len(b) != MaxBody || !errors.Is(err, ErrTooLarge) {
		t.Errorf("a library reads %d bytes, %v", len(b), err)
	}
}

func TestAHostIsAskedTwoThingsAtATime(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	two := make(chan struct{}, 100)
	release := make(chan struct{})
	c, url := local(t, func(http.ResponseWriter, *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		two <- struct{}{}
		<-release
		now.Add(-1)
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := c.Get(t.Context(), url); err != nil {
				t.Error(err)
			}
		})
	}
	<-two
	<-two
	close(release)
	wg.Wait()
	if most.Load() != PerHost {
		t.Errorf("%d at a time; want %d", most.Load(), PerHost)
	}
}

func TestNetworksOfOnesOwnCanBeAllowed(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	c := New(Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	t.Cleanup(c.HTTP().CloseIdleConnections)
	if got, err := c.Get(t.Context(), srv.URL); err != nil || got.Status != http.StatusNotFound {
		t.Errorf("an allowed network: %+v, %v", got, err)
	}
	for _, address := range []string{"http://127.0.0.2/", "http://10.0.0.5/", "http://127.0.0.1:80@10.0.0.5/", "http://93.184.216.34:8080/"} {
		if _, err := c.Get(t.Context(), address); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v; want it forbidden still", address, err)
		}
	}
}
