package httpx

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// Class is a kind of requests with limits of its own.
type Class struct {
	Name      string // for programs, in the RateLimit header
	Account   Rate   // of somebody who is signed in, wherever they are: a campus or a house shares one address
	Anonymous Rate   // of an address, for all there who are not
	ByAddress bool   // an address has Anonymous for all of its people, signed in or not
}

// LimitOptions are what Limiter.Wrap has to be told.
type LimitOptions struct {
	Class   func(r *http.Request) *Class // nil: the request is not counted
	Account func(r *http.Request) int64  // who is signed in; 0: nobody
	Fail    func(w http.ResponseWriter, r *http.Request, err error)
}

// Wrap lets requests through to next as long as they keep to the limits of their class. Replies of the API say how much is left, in the
// X-RateLimit headers that clients of Mastodon know and in RateLimit and RateLimit-Policy. RemoteAddr has to be the true one: see Harden.
func (l *Limiter) Wrap(next http.Handler, o LimitOptions) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := l.Check(w, r, o); err != nil {
			o.Fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Check counts one request and sets the headers of its reply. It returns a TooMany error that says when to try again for a request beyond
// the limit.
func (l *Limiter) Check(w http.ResponseWriter, r *http.Request, o LimitOptions) error {
	c := o.Class(r)
	if c == nil {
		return nil
	}
	account := o.Account(r)
	rate := c.Anonymous
	var who Who
	if account != 0 && !c.ByAddress {
		rate, who = c.Account, WhoAccount(account)
	} else {
		who = WhoAddress(r.RemoteAddr)
	}
	if !rate.limited() {
		return nil
	}
	now := l.now()
	got := l.take(c.Name, who, rate, now)
	if strings.HasPrefix(r.URL.Path, "/api/") {
		tell(w.Header(), c.Name, rate, got, now)
	}
	if got.OK {
		return nil
	}
	return tooFast(got.Retry)
}

// tell writes the headers: by hand in their canonical form and cut from one text, for each reply of the API has them.
func tell(h http.Header, class string, rate Rate, got Taken, now time.Time) {
	next := got.Reset
	if !got.OK {
		next = got.Retry
	}
	reset := now.Add(got.Reset + time.Second - 1).UTC() // shown in seconds, rounded up: by then it is true
	var room [160]byte
	var cut [5]int
	b := room[:0]
	b = strconv.AppendInt(b, int64(rate.N), 10)
	cut[0] = len(b)
	b = strconv.AppendInt(b, int64(got.Remaining), 10)
	cut[1] = len(b)
	b = reset.AppendFormat(b, time.RFC3339)
	cut[2] = len(b)
	b = append(append(append(b, '"'), class...), `";r=`...)
	b = append(strconv.AppendInt(b, int64(got.Remaining), 10), ";t="...)
	b = strconv.AppendInt(b, int64(seconds(next)), 10)
	cut[3] = len(b)
	b = append(append(append(b, '"'), class...), `";q=`...)
	b = append(strconv.AppendInt(b, int64(rate.N), 10), ";w="...)
	b = strconv.AppendInt(b, int64(seconds(rate.Per)), 10)
	cut[4] = len(b)
	all, values, from := string(b), make([]string, len(cut)), 0
	for i, name := range [...]string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Ratelimit", "Ratelimit-Policy"} {
		values[i] = all[from:cut[i]]
		from = cut[i]
		h[name] = values[i : i+1 : i+1]
	}
}

// seconds rounds up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// tooFast tells a person when to come back.
func tooFast(wait time.Duration) *errs.Error {
	n := seconds(wait)
	e := errs.New(errs.TooMany, "That is more than we can take at once. Try again in %d minutes.", (n+59)/60)
	switch {
	case n <= 1:
		e = errs.New(errs.TooMany, "That is more than we can take at once. Try again in a second.")
	case n <= 90:
		e = errs.New(errs.TooMany, "That is more than we can take at once. Try again in %d seconds.", n)
	}
	return e.WithCode("rate_limited").WithRetry(wait)
}
