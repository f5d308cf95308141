package httpx

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
)

const (
	selfLife  = 365 * 24 * time.Hour
	selfRenew = 30 * 24 * time.Hour // before the end: a browser that was told to trust it has to be told again
	certLook  = time.Second         // how often files are looked at, at most
)

// Certificates gives the certificate of each handshake: the newest that is good.
type Certificates struct {
	load func(old *tls.Certificate) (*tls.Certificate, error) // returns old where nothing has changed
	now  clock.Func
	log  *slog.Logger

	mu     sync.Mutex
	cert   *tls.Certificate
	looked time.Time
	fault  string // why the last look brought nothing: told once

	auto *automatic // where an authority gives it; the rest is then unused
}

// CertificateFiles returns the certificate in two PEM files, which may be one. They are read anew when they change; where what is new is no
// good, such as a certificate whose key has yet to be written, the old one goes on.
func CertificateFiles(cert, key string, now clock.Func, log *slog.Logger) (*Certificates, error) {
	var seen [2]fileState
	return newCertificates(now, log, func(old *tls.Certificate) (*tls.Certificate, error) {
		is := [2]fileState{stateOf(cert), stateOf(key)}
		if is == seen {
			return old, nil
		}
		c, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("httpx: read the certificate %s with its key %s: %w", cert, key, err)
		}
		seen = is
		return &c, nil
	})
}

// SelfSigned returns a certificate for the hosts (names or addresses) that nobody has vouched for. It is kept with its key in file, which
// only its owner can read, and is made anew 30 days before it ends or when it lacks one of the hosts.
func SelfSigned(file string, hosts []string, now clock.Func, log *slog.Logger) (*Certificates, error) {
	return newCertificates(now, log, func(old *tls.Certificate) (*tls.Certificate, error) {
		if old != nil && goodFor(old, hosts, now()) {
			return old, nil
		}
		c, err := tls.LoadX509KeyPair(file, file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("httpx: read the server's own certificate: %w", err)
		}
		if err != nil || !goodFor(&c, hosts, now()) {
			if c, err = makeSelf(file, hosts, now()); err != nil {
				return nil, fmt.Errorf("httpx: make a certificate in %s: %w", file, err)
			}
			log.Info("made a certificate", "file", file, "until", c.Leaf.NotAfter)
		}
		return &c, nil
	})
}

func newCertificates(now clock.Func, log *slog.Logger, load func(*tls.Certificate) (*tls.Certificate, error)) (*Certificates, error) {
	c := &Certificates{load: load, now: now, log: log, looked: now()}
	var err error
	c.cert, err = load(nil)
	return c, err
}

// get is tls.Config's GetCertificate.
func (c *Certificates) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.auto != nil {
		return c.auto.config.GetCertificate(hello)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= certLook {
		c.looked = now
		cert, err := c.load(c.cert)
		switch {
		case err == nil:
			c.cert, c.fault = cert, ""
		case err.Error() != c.fault:
			c.fault = err.Error()
			c.log.Warn("the certificate stays the old one", "err", err)
		}
	}
	return c.cert, nil
}

// config returns what connections are held to: TLS 1.2 or newer, and of 1.2 only what is authenticated and has forward secrecy.
func (c *Certificates) config() *tls.Config {
	protocols := []string{"h2", "http/1.1"}
	if c.auto != nil {
		protocols = append(protocols, acmeProtocol)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: protocols, GetCertificate: c.get,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}

// fileState changes when a file does.
type fileState struct {
	size int64
	at   time.Time
}

func stateOf(file string) fileState {
	i, err := os.Stat(file)
	if err != nil {
		return fileState{size: -1}
	}
	return fileState{i.Size(), i.ModTime()}
}

// goodFor reports whether a certificate names the hosts and lasts a while.
func goodFor(c *tls.Certificate, hosts []string, now time.Time) bool {
	return now.After(c.Leaf.NotBefore) && now.Add(selfRenew).Before(c.Leaf.NotAfter) &&
		!slices.ContainsFunc(hosts, func(h string) bool { return c.Leaf.VerifyHostname(h) != nil })
}

// makeSelf makes a key and its certificate and keeps both in one file, so that they cannot come apart.
func makeSelf(file string, hosts []string, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: hosts[0], Organization: []string{"Stoa"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(selfLife), // an hour: clocks differ
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	var b bytes.Buffer
	for _, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: der}, {Type: "PRIVATE KEY", Bytes: private}} {
		if err := pem.Encode(&b, block); err != nil {
			return tls.Certificate{}, err
		}
	}
	if err := writePrivate(file, b.Bytes()); err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(b.Bytes(), b.Bytes())
}

// writePrivate writes a file that only its owner can read, whole or not at all.
func writePrivate(file string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*") // made with mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
