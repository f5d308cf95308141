package httpx

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Server is a listening HTTP server that stops without losing a request.
type Server struct {
	http *http.Server
	ln   net.Listener
}

// ServerOptions are the limits of connections. Zero values mean no limit. With TLS the server speaks https, HTTP/2 too, and nothing else.
type ServerOptions struct {
	HeaderTimeout time.Duration  // to send the request's header
	ReadTimeout   time.Duration  // to send the whole request
	WriteTimeout  time.Duration  // to take the reply; streams set their own for each write
	IdleTimeout   time.Duration  // between requests
	ConnsPerIP    int            // open connections of one address; a further one is closed at once
	Proxies       []netip.Prefix // addresses that ConnsPerIP does not count
	TLS           *Certificates
}

// streamsPerConn is how many requests a client may have open on one connection of HTTP/2.
const streamsPerConn = 100

// maxHead is how long the head of a request may be, in bytes.
const maxHead = 16 << 10

// Listen opens addr ("127.0.0.1:8080"; port 0 takes a free one) and returns a Server that has yet to Serve.
func Listen(addr string, h http.Handler, log *slog.Logger, o ServerOptions) (*Server, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	if o.ConnsPerIP > 0 {
		ln = &fairListener{Listener: ln, max: o.ConnsPerIP, proxies: o.Proxies, open: map[netip.Addr]int{}}
	}
	if o.TLS == nil {
		ln = headListener{ln}
	}
	srv := &Server{ln: ln, http: &http.Server{
		Handler: h, ReadHeaderTimeout: o.HeaderTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		IdleTimeout: o.IdleTimeout, MaxHeaderBytes: maxHead, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: streamsPerConn},
	}}
	guardHeads(srv.http)
	if o.TLS != nil {
		srv.http.TLSConfig = o.TLS.config()
	}
	return srv, nil
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.ln.Addr() }

// Serve answers requests until Shutdown; it then returns nil.
func (s *Server) Serve() error {
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(s.ln, "", "")
	} else {
		err = s.http.Serve(s.ln)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// OnShutdown has fn called when Shutdown begins, to end streams that would keep it waiting.
func (s *Server) OnShutdown(fn func()) { s.http.RegisterOnShutdown(fn) }

// Shutdown takes no new connections, waits for the running requests until ctx ends, then closes what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	return err
}

// fairListener closes connections of an address that has too many open.
type fairListener struct {
	net.Listener
	max     int
	proxies []netip.Prefix
	mu      sync.Mutex
	open    map[netip.Addr]int
}

func (l *fairListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer, err := netip.ParseAddrPort(c.RemoteAddr().String())
		// A loopback peer is a proxy or a test on the same machine: it speaks for many.
		if err != nil || peer.Addr().IsLoopback() || within(peer.Addr(), l.proxies) {
			return c, nil
		}
		ip := peer.Addr().Unmap()
		l.mu.Lock()
		full := l.open[ip] >= l.max
		if !full {
			l.open[ip]++
		}
		l.mu.Unlock()
		if full {
			c.Close()
			continue
		}
		return &fairConn{Conn: c, closed: func() { l.leave(ip) }}, nil
	}
}

func (l *fairListener) leave(ip netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[ip]--; l.open[ip] <= 0 {
		delete(l.open, ip)
	}
}

// fairConn tells its listener once that it is closed.
type fairConn struct {
	net.Conn
	once   sync.Once
	closed func()
}

func (c *fairConn) Close() error {
	c.once.Do(c.closed)
	return c.Conn.Close()
}
