package httpx

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/clock"
)

var morning = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// TestNoMoreThanBurstAndRateAreAdmitted looks at every span between two admitted requests of a random walk through time.
func TestNoMoreThanBurstAndRateAreAdmitted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := Rate{N: rapid.IntRange(1, 40).Draw(t, "n"), Per: time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "per"))}
		clk := clock.NewManual(morning)
		l := NewLimiter(clk.Now)
		var admitted []time.Time
		for _, step := range rapid.SliceOfN(rapid.Int64Range(0, 3*int64(rate.every())), 1, 200).Draw(t, "steps") {
			if step%3 > 0 { // many come at once
				clk.Advance(time.Duration(step))
			}
			got := l.Take("api", WhoAccount(7), rate)
			if !got.OK {
				if got.Retry <= 0 || got.Remaining != 0 {
					t.Fatalf("refused with %+v", got)
				}
				continue
			}
			now := clk.Now()
			admitted = append(admitted, now)
			for i, since := range admitted {
				most := rate.N + int(now.Sub(since)/rate.every())
				if n := len(admitted) - i; n > most {
					t.Fatalf("%d were admitted within %v; want at most %d of %+v", n, now.Sub(since), most, rate)
				}
			}
		}
	})
}

func TestWhoWaitsAsToldIsAdmittedAndNoSooner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := Rate{N: rapid.IntRange(1, 50).Draw(t, "n"), Per: time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(time.Hour)).Draw(t, "per"))}
		clk := clock.NewManual(morning)
		l := NewLimiter(clk.Now)
		for i := range rate.N {
			if got := l.Take("api", Who{}, rate); !got.OK || got.Remaining != rate.N-1-i {
				t.Fatalf("request %d of %d at once: %+v", i+1, rate.N, got)
			}
		}
		got := l.Take("api", Who{}, rate)
		if got.OK {
			t.Fatalf("one too many is admitted: %+v", rate)
		}
		clk.Advance(got.Retry - 1)
		if again := l.Take("api", Who{}, rate); again.OK || again.Retry != 1 {
			t.Fatalf("a moment too soon: %+v", again)
		}
		clk.Advance(1)
		if again := l.Take("api", Who{}, rate); !again.OK {
			t.Fatalf("after waiting %v: %+v", got.Retry, again)
		}
		clk.Advance(rate.Per)
		for i := range rate.N {
			if !l.Take("api", Who{}, rate).OK {
				t.Fatalf("request %d of %d is refused after a whole window of rest", i+1, rate.N)
			}
		}
	})
}

func TestManyAtOnceGetNoMoreThanTheirNumber(t *testing.T) {
	clk := clock.NewManual(morning)
	l := NewLimiter(clk.Now)
	var ok atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if l.Take("api", WhoAccount(1), Rate{300, 5 * time.Minute}).OK {
					ok.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if ok.Load() != 300 {
		t.Errorf("%d of 1600 were admitted; want 300", ok.Load())
	}
}

func TestClassesAccountsAndNetworksAreCountedApart(t *testing.T) {
	clk := clock.NewManual(morning)
	l := NewLimiter(clk.Now)
	one := Rate{1, time.Hour}
	for i, c := range []struct {
		class string
		who   Who
		want  bool
	}{
		{"api", WhoAccount(1), true},
		{"api", WhoAccount(1), false},
		{"orders", WhoAccount(1), true},
		{"api", WhoAccount(2), true},
		{"api", WhoAddress("192.0.2.1:1000"), true},
		{"api", WhoAddress("192.0.2.1:2000"), false},
		{"api", WhoAddress("[::ffff:192.0.2.1]:80"), false},
		{"api", WhoAddress("192.0.2.2:1000"), true},
		{"api", WhoAddress("[2001:db8:1:2::1]:1"), true},
		{"api", WhoAddress("[2001:db8:1:2:ffff::9]:1"), false},
		{"api", WhoAddress("[2001:db8:1:3::1]:1"), true},
		{"api", WhoAddress("[fe80::1%eth0]:1"), true},
		{"api", WhoAddress("[fe80::2%eth1]:1"), false},
		{"api", WhoAddress("pipe"), true},
		{"api", WhoAddress(""), false},
	} {
		if got := l.Take(c.class, c.who, one); got.OK != c.want {
			t.Errorf("%d: %s of %+v = %v; want %v", i, c.class, c.who, got.OK, c.want)
		}
	}
	for range 5 {
		if !l.Take("off", Who{}, Rate{}).OK {
			t.Error("a rate of nothing limits")
		}
	}
}

// TestTheLimiterIsBounded floods it from a million networks: it stays small, and forgets not the one who asks too much.
func TestTheLimiterIsBounded(t *testing.T) {
	clk := clock.NewManual(morning)
	l := NewLimiter(clk.Now)
	rate, greedy := Rate{100, time.Hour}, WhoAccount(1)
	for range 100 {
		l.Take("api", greedy, rate)
	}
	n := 1_000_000
	if testing.Short() {
		n = 200_000
	}
	var ip [16]byte
	ip[0] = 0x20
	for i := range n {
		ip[4], ip[5], ip[6], ip[7] = byte(i>>24), byte(i>>16), byte(i>>8), byte(i)
		l.Take("api", WhoAddress(netip.AddrPortFrom(netip.AddrFrom16(ip), 1).String()), rate)
	}
	keys := 0
	for i := range l.shards {
		keys += len(l.shards[i].paid)
	}
	if keys > 100_000 || keys < 50_000 {
		t.Errorf("%d keys are kept; want at most 100,000 and about as many", keys)
	}
	if l.Take("api", greedy, rate).OK {
		t.Error("the flood gave the one who asks too much everything back")
	}
	clk.Advance(2 * time.Hour)
	for i := range 10_000 {
		l.Take("api", WhoAccount(int64(i)+10), rate)
	}
	keys = 0
	for i := range l.shards {
		keys += len(l.shards[i].paid)
	}
	if keys > 20_000 {
		t.Errorf("%d keys are kept after their time", keys)
	}
}

// limited returns a server with a class of 3 in an hour for accounts and 5 for addresses, behind a proxy at 10.0.0.1.
func limited(byAddress bool) http.Handler {
	rt := router(nil)
	c := &Class{Name: "api", Account: Rate{3, time.Hour}, Anonymous: Rate{5, time.Hour}, ByAddress: byAddress}
	l := NewLimiter(clock.NewManual(morning).Now)
	h := l.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), LimitOptions{
		Fail: rt.Error,
		Class: func(r *http.Request) *Class {
			if r.URL.Path == "/live" {
				return nil
			}
			return c
		},
		Account: func(r *http.Request) (n int64) {
			fmt.Sscan(r.Header.Get("Account"), &n)
			return n
		},
	})
	return Harden(h, HardenOptions{
		Timeout: time.Second, MaxBody: 1 << 20, Stream: func(*http.Request) bool { return false }, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
}

// admitted returns how many of 20 requests are let through; n numbers them.
func admitted(h http.Handler, change func(r *http.Request, n int)) (n int) {
	for i := range 20 {
		r := httptest.NewRequest("GET", Prefix+"/x", nil)
		r.RemoteAddr = "192.0.2.1:5000"
		change(r, i)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code == http.StatusOK {
			n++
		}
	}
	return n
}

func TestPeopleBehindOneAddressHaveTheirOwnLimits(t *testing.T) {
	h := limited(false)
	signedIn := func(r *http.Request, n int) { r.Header.Set("Account", fmt.Sprint(1+n%4)) }
	if n := admitted(h, signedIn); n != 4*3 {
		t.Errorf("%d requests of 4 accounts at one address; want 3 of each", n)
	}
	if n := admitted(h, func(*http.Request, int) {}); n != 5 {
		t.Errorf("%d requests of strangers at the same address; want 5", n)
	}
	roaming := func(r *http.Request, n int) {
		r.Header.Set("Account", "9")
		r.RemoteAddr = fmt.Sprintf("198.51.100.%d:1", n)
	}
	if n := admitted(h, roaming); n != 3 {
		t.Errorf("%d requests of one account at many addresses; want 3", n)
	}
	if n := admitted(limited(true), signedIn); n != 5 {
		t.Errorf("%d requests of a class by address; want 5 in all", n)
	}
}

func TestForwardedHeadersOfStrangersDoNotHelp(t *testing.T) {
	for name, change := range map[string]func(r *http.Request, n int){
		"direct, X-Forwarded-For": func(r *http.Request, n int) { r.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", n)) },
		"direct, other headers": func(r *http.Request, n int) {
			for _, h := range []string{"X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip"} {
				r.Header.Set(h, fmt.Sprintf("198.51.100.%d", n))
			}
		},
		"by the proxy, which appends the true address": func(r *http.Request, n int) {
			r.RemoteAddr = "10.0.0.1:80"
			r.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d, 192.0.2.1", n))
		},
		"another port each time":     func(r *http.Request, n int) { r.RemoteAddr = fmt.Sprintf("192.0.2.1:%d", 1000+n) },
		"another address of the /64": func(r *http.Request, n int) { r.RemoteAddr = fmt.Sprintf("[2001:db8::%x]:1", n+1) },
	} {
		if n := admitted(limited(false), change); n != 5 {
			t.Errorf("%s: %d of 20 came through; want 5", name, n)
		}
	}
	viaProxy := func(r *http.Request, n int) {
		r.RemoteAddr = "10.0.0.1:80"
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", n))
	}
	if n := admitted(limited(false), viaProxy); n != 20 {
		t.Errorf("%d of 20 addresses behind the proxy came through; want all", n)
	}
}

func TestRepliesSayHowMuchIsLeft(t *testing.T) {
	h := limited(false)
	first := do(h, "GET", Prefix+"/x", "", "Account", "1")
	for name, want := range map[string]string{
		"X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "2", "X-RateLimit-Reset": "2026-11-22T08:20:00Z",
		"RateLimit": `"api";r=2;t=1200`, "RateLimit-Policy": `"api";q=3;w=3600`, "Retry-After": "",
	} {
		if got := first.Header().Get(name); got != want {
			t.Errorf("%s: %q; want %q", name, got, want)
		}
	}
	do(h, "GET", Prefix+"/x", "", "Account", "1")
	page := do(h, "GET", "/page", "", "Account", "1")
	if page.Code != 200 || page.Header().Get("RateLimit") != "" {
		t.Errorf("a page = %d with RateLimit %q; want 200 and none", page.Code, page.Header().Get("RateLimit"))
	}
	refused := do(h, "GET", Prefix+"/x", "", "Account", "1")
	if refused.Code != 429 || refused.Header().Get("Retry-After") != "1200" || refused.Header().Get("X-RateLimit-Remaining") != "0" ||
		refused.Header().Get("RateLimit") != `"api";r=0;t=1200` || refused.Header().Get("Content-Type") != "application/problem+json" ||
		!strings.Contains(refused.Body.String(), `"rate_limited"`) || !strings.Contains(refused.Body.String(), "20 minutes") {
		t.Errorf("the fourth = %d %v %s", refused.Code, refused.Header(), refused.Body)
	}
	page = do(h, "GET", "/page", "", "Account", "1")
	if page.Code != 429 || page.Header().Get("Retry-After") == "" || !strings.Contains(page.Body.String(), "<h1>That is more than we can take") {
		t.Errorf("a page beyond the limit = %d %v %s", page.Code, page.Header(), page.Body)
	}
	if live := do(h, "GET", "/live", "", "Account", "1"); live.Code != 200 {
		t.Errorf("a stream = %d; want it not to be counted", live.Code)
	}
}

func BenchmarkTake(b *testing.B) {
	l := NewLimiter(time.Now)
	rate := Rate{1 << 30, time.Hour}
	for i := range 50_000 {
		l.Take("api", WhoAccount(int64(i)+1), rate)
	}
	i := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		i++
		l.Take("api", WhoAccount(i%50_000+1), rate)
	}
}

func BenchmarkCheck(b *testing.B) {
	for name, c := range map[string]struct {
		path    string
		account int64
	}{"page of an account": {"/orders", 7}, "page of an address": {"/orders", 0}, "API of an account": {Prefix + "/orders", 7}} {
		b.Run(name, func(b *testing.B) {
			l := NewLimiter(time.Now)
			class := &Class{Name: "api", Account: Rate{1 << 30, time.Hour}, Anonymous: Rate{1 << 30, time.Hour}}
			o := LimitOptions{Class: func(*http.Request) *Class { return class }, Account: func(*http.Request) int64 { return c.account }}
			r := httptest.NewRequest("GET", c.path, nil)
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				if err := l.Check(w, r, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
