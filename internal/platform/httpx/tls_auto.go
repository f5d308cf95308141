package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// ACMEOptions say of whom a certificate is asked, and what for.
type ACMEOptions struct {
	Host   string        // the name that it is for
	Email  string        // whom the authority writes to; may be empty
	CA     string        // the authority's directory; empty: Let's Encrypt
	CARoot string        // file of the certificates that the authority's own server is trusted by; empty: the system's
	Dir    string        // where certificates and keys are kept; nodes that share it share them
	Check  time.Duration // how often it is looked at whether to renew
	HTTP   string        // where this server listens for plain http ("": nowhere), and
	TLS    string        // for TLS: there the authority's questions are answered
	Log    *slog.Logger
}

// automatic is a certificate that an authority gives by ACME (RFC 8555).
type automatic struct {
	host   string
	config *certmagic.Config
	issuer *certmagic.ACMEIssuer
	cache  *certmagic.Cache
}

// Automatic returns a certificate that is asked of an authority, kept in a folder and renewed when a third of its life is left, once Keep
// runs. Only for the host of o: nobody can have this server ask for another's.
func Automatic(o ACMEOptions) (*Certificates, error) {
	logger := zap.New(zapLog{o.Log.With("part", "acme")})
	roots, err := rootsOf(o.CARoot)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("httpx: make the folder of certificates: %w", err)
	}
	a := &automatic{host: o.Host}
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return a.config, nil },
		RenewCheckInterval: o.Check, Logger: logger,
	})
	a.config = certmagic.New(a.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: o.Dir}, Logger: logger, DefaultServerName: o.Host, FallbackServerName: o.Host,
		OCSP: certmagic.OCSPConfig{DisableStapling: true}, // authorities have given it up
	})
	a.config.OnEvent = func(_ context.Context, event string, data map[string]any) error {
		if event == "cert_obtained" {
			o.Log.Info("an authority gave a certificate", "name", data["identifier"], "renewed", data["renewal"], "by", data["issuer"])
		}
		return nil
	}
	a.issuer = certmagic.NewACMEIssuer(a.config, certmagic.ACMEIssuer{
		CA: o.CA, Email: o.Email, Agreed: true, TrustedRoots: roots, AltHTTPPort: portOf(o.HTTP), AltTLSALPNPort: portOf(o.TLS),
		ListenHost: hostOf(o.HTTP), Logger: logger, DisableHTTPChallenge: o.HTTP == "",
	})
	a.config.Issuers = []certmagic.Issuer{a.issuer}
	return &Certificates{auto: a}, nil
}

// Keep gets the certificate where there is none and renews it until ctx ends. The listeners must be open: the authority asks them.
// Certificates of other kinds need no keeping: it returns at once.
func (c *Certificates) Keep(ctx context.Context) error {
	if c.auto == nil {
		return nil
	}
	defer c.auto.cache.Stop()
	if err := c.auto.config.ManageAsync(ctx, []string{c.auto.host}); err != nil {
		return fmt.Errorf("httpx: ask for a certificate: %w", err)
	}
	<-ctx.Done()
	return nil
}

// Expires returns when the certificate ends that would be shown now. It returns an error where there is none.
func (c *Certificates) Expires() (time.Time, error) {
	hello := &tls.ClientHelloInfo{}
	if c.auto != nil {
		hello.ServerName = c.auto.host
	}
	cert, err := c.get(hello)
	if err != nil {
		return time.Time{}, err
	}
	return cert.Leaf.NotAfter, nil
}

// Redirect returns a handler for plain http: it answers the authority's questions and sends everybody else on to https, at the host and
// port that target returns. What would be lost or was already sent in the open, such as a form, is refused.
func (c *Certificates) Redirect(target func(*http.Request) string) http.Handler {
	on := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		host := target(r)
		if r.Method != http.MethodGet && r.Method != http.MethodHead || host == "" {
			http.Error(w, "This server speaks HTTPS: use an address that begins with https://.", http.StatusBadRequest)
			return
		}
		to := *r.URL
		to.Scheme, to.Host, to.User = "https", host, nil
		http.Redirect(w, r, to.String(), http.StatusPermanentRedirect)
	})
	if c.auto == nil {
		return on
	}
	return c.auto.issuer.HTTPChallengeHandler(on)
}

// acmeProtocol is how an authority asks within TLS.
const acmeProtocol = acmez.ACMETLS1Protocol

func rootsOf(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // nil is the system's own
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("httpx: read who vouches for the authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("httpx: there is no certificate in " + file)
	}
	return pool, nil
}

func hostOf(addr string) string {
	host, _, _ := net.SplitHostPort(addr)
	return host
}

// portOf returns the port of an address, 0 where it has none.
func portOf(addr string) int {
	_, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	return n
}

// zapLog writes certmagic's log into ours.
type zapLog struct{ log *slog.Logger }

func (z zapLog) Enabled(l zapcore.Level) bool {
	return z.log.Enabled(context.Background(), levelOf(l))
}

func (z zapLog) With(f []zapcore.Field) zapcore.Core { return zapLog{z.log.With(attrs(f)...)} }

func (z zapLog) Check(e zapcore.Entry, c *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if z.Enabled(e.Level) {
		return c.AddCore(e, z)
	}
	return c
}

func (z zapLog) Write(e zapcore.Entry, f []zapcore.Field) error {
	z.log.Log(context.Background(), levelOf(e.Level), e.Message, attrs(f)...)
	return nil
}

func (zapLog) Sync() error { return nil }

// levelOf returns our level: what certmagic tells of its every step is for those who look for a fault.
func levelOf(l zapcore.Level) slog.Level {
	switch {
	case l >= zapcore.ErrorLevel:
		return slog.LevelError
	case l >= zapcore.WarnLevel:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func attrs(fields []zapcore.Field) []any {
	m := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(m)
	}
	out := make([]any, 0, len(m.Fields))
	for k, v := range m.Fields {
		out = append(out, slog.Any(k, v))
	}
	return out
}
