package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// certificates returns what the listener shows to those who connect by TLS.
func (a *App) certificates() (*httpx.Certificates, error) {
	c := a.Config
	switch c.TLS {
	case "auto":
		return httpx.Automatic(httpx.ACMEOptions{
			Host: hostOf(c.URL), Email: c.ACME.Email, CA: c.ACME.CA, CARoot: c.ACME.CARoot, Dir: c.ACMEDir(), Check: c.ACME.Check,
			HTTP: c.HTTPAddr(), TLS: c.Listen, Log: a.opt.Log,
		})
	case "file":
		return httpx.CertificateFiles(c.TLSCert, c.TLSKey, time.Now, a.opt.Log)
	}
	return httpx.SelfSigned(filepath.Join(c.Data, "tls", "self.pem"), ownHosts(c), time.Now, a.opt.Log)
}

// ListenHTTP opens the listener for plain http, which sends people on to https and answers a certificate's authority. It returns nil where
// the settings want none.
func (a *App) ListenHTTP() (*httpx.Server, error) {
	addr := a.Config.HTTPAddr()
	if addr == "" || a.certs == nil {
		return nil, nil
	}
	l := a.Config.Limits
	srv, err := httpx.Listen(addr, a.certs.Redirect(a.httpsHost), a.opt.Log, httpx.ServerOptions{
		HeaderTimeout: l.HeaderTimeout, ReadTimeout: l.HeaderTimeout, WriteTimeout: l.HeaderTimeout, IdleTimeout: l.HeaderTimeout, ConnsPerIP: l.ConnsPerIP,
	})
	if err != nil {
		return nil, fmt.Errorf("app: listen for plain http on %s: %w", addr, err)
	}
	return srv, nil
}

// httpsHost returns the host, and port if need be, at which people find by https what they asked for by http: that of the settings, else
// the one they asked for.
func (a *App) httpsHost(r *http.Request) string {
	if u, err := url.Parse(a.Config.URL); err == nil && u.Host != "" {
		return u.Host
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	_, port, err := net.SplitHostPort(a.Config.Listen)
	if err != nil || host == "" || strings.ContainsAny(host, "/\\@?# ") {
		return ""
	}
	if port == "443" {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// CertExpires returns when the certificate ends that the server shows, and whether it shows one of its own.
func (a *App) CertExpires() (at time.Time, has bool) {
	if a.certs == nil {
		return time.Time{}, false
	}
	at, err := a.certs.Expires()
	return at, err == nil
}

// checkCert is why the server cannot serve for want of a certificate.
func (a *App) checkCert(context.Context) error {
	at, err := a.certs.Expires()
	if err != nil {
		return fmt.Errorf("there is no certificate yet: %w", err)
	}
	if !time.Now().Before(at) {
		return fmt.Errorf("the certificate ended at %s", at)
	}
	return nil
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// ownHosts returns the names and addresses that people may reach this server by, as far as its settings tell.
func ownHosts(c config.Config) []string {
	var hosts []string
	add := func(host string) {
		if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	if u, err := url.Parse(c.URL); err == nil {
		add(u.Hostname())
	}
	if host, _, err := net.SplitHostPort(c.Listen); err == nil {
		add(host)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		add(host)
	}
	return hosts
}
