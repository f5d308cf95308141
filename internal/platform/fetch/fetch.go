// Package fetch is the only way out: every request that the server makes to an address which somebody else named goes through it.
//
// Nothing that is not public is contacted. What decides is the address that is about to be connected to, after names are resolved, so that
// neither a spelling of an address nor a name that changes its answer between two looks gets around it. A fetch ends after Timeout in all,
// reads at most MaxBody bytes after decompression, follows at most MaxRedirects, each checked anew and without the credentials of the
// first request, and a host is asked at most PerHost things at a time. No proxy of the environment is used, for it would connect in our place.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// Limits of a fetch.
const (
	Timeout      = 10 * time.Second // from the first look at the name to the last byte of the body
	HeaderWait   = 5 * time.Second  // for the head of the answer
	MaxHeader    = 64 << 10         // bytes of that head
	MaxBody      = 5 << 20          // bytes of the body after decompression
	MaxRedirects = 3
	PerHost      = 2 // connections to one host at a time
)

// alsoDenied are addresses that are public by their number and internal by what answers there.
var alsoDenied = []netip.Prefix{
	netip.MustParsePrefix("168.63.129.16/32"), // the platform service of Azure's machines
}

var (
	loopback4 = netip.MustParsePrefix("127.0.0.0/8")
	loopback6 = netip.MustParsePrefix("::1/128")
)

// Options change what a Client may do. The zero Options are right for addresses that strangers name.
type Options struct {
	Version       string         // of this server, shown in User-Agent
	Allow         []netip.Prefix // networks that are not public and may be fetched from nevertheless, on any port
	AllowLoopback bool           // for tests: this machine, on any port
	Resolver      *net.Resolver  // for tests: who resolves names
}

// Client fetches. Safe for concurrent use.
type Client struct {
	http  *http.Client
	guard guard
}

// New returns a Client.
func New(o Options) *Client {
	if o.AllowLoopback {
		o.Allow = append(append([]netip.Prefix(nil), o.Allow...), loopback4, loopback6)
	}
	c := &Client{guard: guard{public: ssrf.New(ssrf.WithDeniedV4Prefixes(alsoDenied...)), allow: o.Allow}}
	dialer := &net.Dialer{Timeout: HeaderWait, Control: c.guard.control, Resolver: o.Resolver}
	agent := "Stoa"
	if o.Version != "" {
		agent += "/" + o.Version
	}
	c.http = &http.Client{
		Timeout: Timeout, CheckRedirect: c.redirect,
		Transport: &limited{guard: &c.guard, agent: agent + " (+https://github.com/stoa-town/stoa)", next: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: HeaderWait, ResponseHeaderTimeout: HeaderWait, MaxResponseHeaderBytes: MaxHeader,
			MaxConnsPerHost: PerHost, MaxIdleConnsPerHost: 1, MaxIdleConns: 32, IdleConnTimeout: 20 * time.Second,
		}},
	}
	return c
}

// HTTP returns the client itself, for libraries that want one: the same guard and limits hold. Reading a body of more than MaxBody bytes
// fails with ErrTooLarge.
func (c *Client) HTTP() *http.Client { return c.http }

// Response is what was fetched.
type Response struct {
	Body   []byte
	Type   string // media type without parameters, in lower case; "" where the server said none that can be read
	URL    string // of the last redirect
	Status int
}

// Errors of fetching, as the cause of what Get returns.
var (
	ErrForbidden = errors.New("fetch: this address must not be fetched")
	ErrTooLarge  = errors.New("fetch: the answer is too large")
)

// Get fetches an http or https URL. It returns an Invalid error where the address is none that may be fetched, a TooLarge one for more than
// MaxBody bytes, and an Unavailable one where nobody answers in time. An answer of any status is a Response.
func (c *Client) Get(ctx context.Context, address string) (*Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, explain(fmt.Errorf("%w: %w", ErrForbidden, err))
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, explain(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, explain(err)
	}
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	return &Response{Body: body, Type: kind, URL: res.Request.URL.String(), Status: res.StatusCode}, nil
}

// explain says for a person what went wrong. Which of our addresses is behind a name is not theirs to know: all that is forbidden reads alike.
func explain(err error) error {
	switch {
	case errors.Is(err, ErrForbidden):
		return errs.New(errs.Invalid, "Only public addresses that begin with http:// or https:// can be fetched.").WithCode("fetch_forbidden").WithCause(err)
	case errors.Is(err, ErrTooLarge):
		return errs.New(errs.TooLarge, "What is at this address is too large: at most 5 MB are fetched.").WithCode("fetch_too_large").WithCause(err)
	case errors.Is(err, context.Canceled):
		return err
	}
	return errs.New(errs.Unavailable, "Nothing could be fetched from this address.").WithCode("fetch_failed").WithCause(err)
}

// redirect decides whether a redirect is followed. What the first request proved who it is with stays with the first host.
func (c *Client) redirect(req *http.Request, via []*http.Request) error {
	if len(via) > MaxRedirects {
		return fmt.Errorf("fetch: more than %d redirects", MaxRedirects)
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("%w: a redirect away from https", ErrForbidden)
	}
	for _, h := range []string{"Authorization", "Cookie", "Proxy-Authorization", "Signature", "Referer"} {
		req.Header.Del(h)
	}
	return c.guard.url(req.URL)
}

// guard knows what may be contacted.
type guard struct {
	public *ssrf.Guardian
	allow  []netip.Prefix
}

// url refuses what needs no look at the network.
func (g *guard) url(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: scheme %q", ErrForbidden, u.Scheme)
	case u.Hostname() == "":
		return fmt.Errorf("%w: no host", ErrForbidden)
	case u.User != nil:
		return fmt.Errorf("%w: a name or password in the address", ErrForbidden)
	}
	if host := u.Hostname(); endsInNumber(host) {
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("%w: %q is a number in a form that readers differ about", ErrForbidden, host)
		}
	}
	if port := u.Port(); port != "" && port != "80" && port != "443" && len(g.allow) == 0 {
		return fmt.Errorf("%w: port %s", ErrForbidden, port)
	}
	return nil
}

// endsInNumber reports whether the last part of a host is a number. No name's is, so the host is an address of IPv4, in one of the forms of
// old (127.1, 0x7f000001, 017700000001) if not in today's.
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if _, err := strconv.ParseUint(last, 0, 64); err == nil {
		return true
	}
	return strings.Trim(last, "0123456789") == ""
}

// control is called by the dialer with the address that it is about to connect to.
func (g *guard) control(network, address string, c syscall.RawConn) error {
	if to, err := netip.ParseAddrPort(address); err == nil {
		for _, p := range g.allow {
			if p.Contains(to.Addr()) {
				return nil
			}
		}
	}
	if err := g.public.Safe(network, address, c); err != nil {
		return fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	return nil
}

// limited checks each request before it leaves, and bounds what comes back.
type limited struct {
	guard *guard
	agent string
	next  *http.Transport
}

// RoundTrip sends one request.
func (l *limited) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := l.guard.url(req.URL); err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", l.agent)
	res, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	res.Body = &body{ReadCloser: res.Body, left: MaxBody}
	return res, nil
}

// CloseIdleConnections lets go of connections that wait for a next request.
func (l *limited) CloseIdleConnections() { l.next.CloseIdleConnections() }

// body gives at most left bytes and then ErrTooLarge.
type body struct {
	io.ReadCloser
	left int64
}

func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}
