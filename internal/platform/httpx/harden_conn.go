package httpx

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// headConn looks at the head of each request as it comes in by plain HTTP/1, where a proxy may stand before this server: net/http mends
// some heads that the two could understand differently, and such a head is how a request is smuggled past the proxy within another.
type headConn struct {
	net.Conn
	looks atomic.Bool // whether what is read next belongs to a head
	bad   atomic.Bool // whether the head of this request is to be refused
	head  []byte
}

// guardHeads has the server look at the heads of its requests.
func guardHeads(srv *http.Server) {
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if h, ok := c.(*headConn); ok {
			return context.WithValue(ctx, keyHead, h)
		}
		return ctx
	}
	srv.ConnState = func(c net.Conn, s http.ConnState) {
		if h, ok := c.(*headConn); ok && (s == http.StateNew || s == http.StateIdle) {
			h.bad.Store(false)
			h.looks.Store(true)
		}
	}
}

// smuggles reports whether the head of a request is one that readers differ about.
func smuggles(r *http.Request) bool {
	h, ok := r.Context().Value(keyHead).(*headConn)
	return ok && h.bad.Load()
}

// headListener gives headConns.
type headListener struct{ net.Listener }

func (l headListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &headConn{Conn: c}, nil
}

func (c *headConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && c.looks.Load() {
		c.take(p[:n])
	}
	return n, err
}

// take adds to the head, and judges it once it is whole. What is longer than the server reads is not kept.
func (c *headConn) take(b []byte) {
	c.head = append(c.head, b...)
	end := headEnd(c.head)
	if end < 0 && len(c.head) < maxHead {
		return
	}
	if end >= 0 {
		c.bad.Store(ambiguous(c.head[:end]))
	}
	c.head = nil
	c.looks.Store(false)
}

// headEnd returns the index behind the empty line, -1 where it has not come yet.
func headEnd(b []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return -1
		}
		at += i + 1
		if rest := b[at:]; bytes.HasPrefix(rest, []byte("\r\n")) {
			return at + 2
		} else if bytes.HasPrefix(rest, []byte("\n")) {
			return at + 1
		}
	}
}

// ambiguous reports whether readers could differ about where the request that a head begins ends: two lengths, a length and chunks,
// chunks in HTTP/1.0, a line that goes on in the next, or lines that end in another way than with CR LF.
func ambiguous(head []byte) bool {
	if bytes.Count(head, []byte("\n")) != bytes.Count(head, []byte("\r\n")) || bytes.Count(head, []byte("\r")) != bytes.Count(head, []byte("\r\n")) {
		return true
	}
	lengths, codings, first := 0, 0, []byte(nil)
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if first == nil {
			first = line
			continue
		}
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			return true
		}
		name, _, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(bytes.TrimSpace(name), []byte("Content-Length")):
			lengths++
		case bytes.EqualFold(bytes.TrimSpace(name), []byte("Transfer-Encoding")):
			codings++
		}
	}
	return lengths+codings > 1 || codings > 0 && bytes.HasSuffix(first, []byte("HTTP/1.0"))
}
