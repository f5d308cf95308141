package httpx

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func selfSigned(t *testing.T, file string, now clock.Func, hosts ...string) *Certificates {
	t.Helper()
	c, err := SelfSigned(file, hosts, now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// leaf returns the certificate that the next handshake gets.
func leaf(t *testing.T, c *Certificates) *x509.Certificate {
	t.Helper()
	got, err := c.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	return got.Leaf
}

func TestTheOwnCertificateIsKeptAndRenewed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tls", "self.pem")
	clk := clock.NewManual(morning)
	c := selfSigned(t, file, clk.Now, "eat.example", "localhost", "127.0.0.1")
	first := leaf(t, c)
	for _, h := range []string{"eat.example", "localhost", "127.0.0.1"} {
		if err := first.VerifyHostname(h); err != nil {
			t.Error(err)
		}
	}
	if i, err := os.Stat(file); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v %v; want mode 0600", i.Mode(), err)
	}
	if again := leaf(t, selfSigned(t, file, clk.Now, "localhost")); !again.Equal(first) {
		t.Error("a second start made another certificate")
	}
	clk.Advance(selfLife - selfRenew - time.Minute)
	if got := leaf(t, c); !got.Equal(first) {
		t.Error("it was renewed too soon")
	}
	clk.Advance(2 * time.Minute)
	second := leaf(t, c)
	if second.Equal(first) || !second.NotAfter.After(clk.Now().Add(selfLife-time.Minute)) {
		t.Errorf("30 days before its end it runs until %v", second.NotAfter)
	}
	if other := leaf(t, selfSigned(t, file, clk.Now, "dine.example")); other.VerifyHostname("dine.example") != nil {
		t.Error("a new name did not make a new certificate")
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v; want the one file", left, err)
	}
}

func TestFilesAreReadAnewWhenTheyChange(t *testing.T) {
	dir := t.TempDir()
	clk := clock.NewManual(morning)
	make2 := func(name string) []byte {
		c := leaf(t, selfSigned(t, filepath.Join(dir, name), clk.Now, "eat.example"))
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || c == nil {
			t.Fatal(err)
		}
		return b
	}
	old, fresh := make2("old.pem"), make2("fresh.pem")
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	put := func(file string, body []byte, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, morning, morning.Add(age)); err != nil { // disks with coarse times
			t.Fatal(err)
		}
	}
	put(cert, old, 0)
	put(key, old, 0)
	var log bytes.Buffer
	c, err := CertificateFiles(cert, key, clk.Now, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	first := leaf(t, c)
	put(cert, fresh, time.Hour)
	for range 3 {
		clk.Advance(time.Minute)
		if got := leaf(t, c); !got.Equal(first) {
			t.Error("a certificate was taken without its key")
		}
	}
	if n := strings.Count(log.String(), "the old one"); n != 1 {
		t.Errorf("the log says %d times that it is the old one; want once:\n%s", n, &log)
	}
	put(key, fresh, time.Hour)
	clk.Advance(time.Minute)
	if got := leaf(t, c); got.Equal(first) {
		t.Error("the new certificate was not taken")
	}
	for name, files := range map[string][2]string{"no such file": {cert + ".no", key}, "no certificate": {"tls_test.go", key}} {
		if _, err := CertificateFiles(files[0], files[1], clk.Now, quiet); err == nil || !strings.Contains(err.Error(), files[0]) {
			t.Errorf("%s: %v; want an error that names the file", name, err)
		}
	}
}

// serveTLS serves h by TLS and returns the address and the certificate to trust.
func serveTLS(t *testing.T, h http.Handler, o ServerOptions) (string, *x509.CertPool) {
	t.Helper()
	o.TLS = selfSigned(t, filepath.Join(t.TempDir(), "self.pem"), time.Now, "localhost", "127.0.0.1")
	s, err := Listen("127.0.0.1:0", h, quiet, o)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	t.Cleanup(func() {
		if err := s.Shutdown(t.Context()); err != nil {
			s.http.Close()
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	pool := x509.NewCertPool()
	pool.AddCert(leaf(t, o.TLS))
	return s.Addr().String(), pool
}

func TestOldTLSAndWeakCiphersAreRefused(t *testing.T) {
	addr, pool := serveTLS(t, http.NotFoundHandler(), ServerOptions{ConnsPerIP: 10})
	for name, c := range map[string]struct {
		conf *tls.Config
		ok   bool
	}{
		"TLS 1.0":               {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, false},
		"TLS 1.1":               {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		"TLS 1.2":               {&tls.Config{MaxVersion: tls.VersionTLS12}, true},
		"TLS 1.2 with CBC":      {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, false},
		"TLS 1.2 without ECDHE": {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, false},
		"TLS 1.3":               {&tls.Config{MinVersion: tls.VersionTLS13}, true},
	} {
		c.conf.RootCAs = pool
		conn, err := tls.Dial("tcp", addr, c.conf)
		if err == nil {
			conn.Close()
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: %v; want it to work: %v", name, err, c.ok)
		}
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 400 {
		t.Errorf("plain http = %+v %v; want 400", res, err)
	}
}

// TestQuietStreamsOutliveTheirDeadlines holds a stream of HTTP/2 open past the server's time for writing; HTTP/2 cuts a stream off at its
// deadline also when nothing waits to be written, unless the deadline was taken away.
func TestQuietStreamsOutliveTheirDeadlines(t *testing.T) {
	more := make(chan struct{})
	addr, pool := serveTLS(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		rc := http.NewResponseController(w)
		for _, word := range []string{"one\n", "two\n"} {
			if word == "two\n" {
				<-more
			}
			rc.SetWriteDeadline(time.Now().Add(time.Second))
			io.WriteString(w, word)
			rc.Flush()
			rc.SetWriteDeadline(time.Time{})
		}
	}), ServerOptions{WriteTimeout: 300 * time.Millisecond, ReadTimeout: 300 * time.Millisecond})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	res, err := client.Get("https://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	time.AfterFunc(1200*time.Millisecond, func() { close(more) }) // past every deadline
	body, err := io.ReadAll(res.Body)
	if res.ProtoMajor != 2 || string(body) != "one\ntwo\n" || err != nil {
		t.Errorf("by %s: %q, %v", res.Proto, body, err)
	}
}
