// Package acme tests --tls auto against Pebble, the real ACME server that Let's Encrypt tests clients with, on loopback.
package acme

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/stoa-town/stoa/tests/harness"
)

const host = "eat.stoa.test"

// freePort returns a port of loopback that nothing listens on.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// names starts a name server that says of every name that it is this machine, and returns its address. Pebble asks it by TCP.
func names(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for answer(c) == nil {
				}
			}()
		}
	}()
	return ln.Addr().String()
}

// answer reads one question and answers it.
func answer(c net.Conn) error {
	c.SetDeadline(time.Now().Add(10 * time.Second))
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return err
	}
	buf := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, buf); err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(buf); err != nil {
		return err
	}
	m.Response, m.Additionals = true, nil
	for _, q := range m.Questions {
		if q.Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
			})
		}
	}
	out, err := m.AppendPack(make([]byte, 2, 512))
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint16(out, uint16(len(out)-2))
	_, err = c.Write(out)
	return err
}

// authority is a running Pebble.
type authority struct {
	directory string // its address
	root      string // file by which its own server is trusted
	manage    string
	http, tls int // ports that it asks at
	process   *exec.Cmd
	log       *logged
	client    *http.Client
}

// logged collects what a process writes.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var (
	once    sync.Once
	program string
	broken  error
)

// pebble builds the authority once.
func pebble(t *testing.T) string {
	t.Helper()
	once.Do(func() {
		dir, err := os.MkdirTemp("", "stoa-test-pebble-")
		if err != nil {
			broken = err
			return
		}
		program = filepath.Join(dir, "pebble")
		cmd := exec.Command("go", "build", "-o", program, "github.com/letsencrypt/pebble/v2/cmd/pebble")
		cmd.Dir, cmd.Env = "pebble", append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			broken = fmt.Errorf("build the ACME server: %w: %s", err, out)
		}
	})
	if broken != nil {
		t.Fatal(broken)
	}
	return program
}

// start runs an authority whose certificates last for life. It asks at the ports http and tls.
func start(t *testing.T, life time.Duration, http, tls int) *authority {
	t.Helper()
	dir := t.TempDir()
	p, m := freePort(t), freePort(t)
	a := &authority{
		directory: fmt.Sprintf("https://127.0.0.1:%d/dir", p), manage: fmt.Sprintf("https://127.0.0.1:%d", m), root: filepath.Join(dir, "cert.pem"), http: http, tls: tls,
		log: &logged{},
	}
	key := filepath.Join(dir, "key.pem")
	a.client = ownCertificate(t, a.root, key)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": "127.0.0.1:" + strconv.Itoa(p), "managementListenAddress": "127.0.0.1:" + strconv.Itoa(m), "certificate": a.root, "privateKey": key,
		"httpPort": http, "tlsPort": tls, "retryAfter": map[string]int{"authz": 1, "order": 1}, "keyAlgorithm": "ecdsa",
		"profiles": map[string]any{"default": map[string]any{"description": "for tests", "validityPeriod": int(life.Seconds())}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pebble.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	a.process = exec.Command(pebble(t), "-config", file, "-dnsserver", names(t), "-strict")
	a.process.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	a.process.Stdout, a.process.Stderr = a.log, a.log
	if err := a.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.stop)
	until(t, 30*time.Second, "the authority answers", func() bool {
		res, err := a.client.Get(a.directory)
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == 200
	})
	return a
}

func (a *authority) stop() {
	if a.process.ProcessState == nil {
		a.process.Process.Kill()
		a.process.Wait()
	}
}

// ownCertificate makes the certificate of the authority's own server, and a client that trusts it.
func ownCertificate(t *testing.T, cert, key string) *http.Client {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pebble"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, b := range map[string][]byte{cert: chain, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(chain)
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
}

// trusts returns a pool of the authority's root.
func (a *authority) trusts(t *testing.T) *x509.CertPool {
	t.Helper()
	res, err := a.client.Get(a.manage + "/roots/0")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		t.Fatalf("the authority's root: %s", b)
	}
	return pool
}

func until(t *testing.T, wait time.Duration, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(wait); ; time.Sleep(50 * time.Millisecond) {
		if is() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v it is not so that %s", wait, what)
		}
	}
}

// args are what a server is started with that asks the authority. plain is where it answers plain http.
func (a *authority) args(port int, plain string) []string {
	return []string{
		"--listen", "127.0.0.1:" + strconv.Itoa(port), "--tls", "auto", "--url", fmt.Sprintf("https://%s:%d", host, port), "--set", "http_listen=" + plain,
		"--set", "acme.agree=true", "--set", "acme.email=ops@stoa.test", "--set", "acme.ca=" + a.directory, "--set", "acme.ca_root=" + a.root, "--set", "acme.check=1s",
	}
}

// shown returns the certificate that the server shows to who asks for name and trusts the pool.
func shown(port int, name string, pool *x509.CertPool) (*x509.Certificate, error) {
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", "127.0.0.1:"+strconv.Itoa(port), &tls.Config{ServerName: name, RootCAs: pool})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

// browser returns a client that finds every name on this machine and trusts the pool.
func browser(pool *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: host}, DisableKeepAlives: true},
	}
}

func get(t *testing.T, c *http.Client, method, address, host string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}

func TestACertificateIsAskedForKeptAndUsedAgain(t *testing.T) {
	for _, c := range []struct{ name, by string }{{"by plain http", "http-01"}, {"within TLS", "tls-alpn-01"}} {
		t.Run(c.name, func(t *testing.T) {
			secure, plain := freePort(t), freePort(t)
			listen := "127.0.0.1:" + strconv.Itoa(plain)
			asks := secure
			if c.by == "http-01" {
				asks = freePort(t) // nobody is there: what is asked within TLS fails
			} else {
				listen = "none"
			}
			a := start(t, time.Hour, plain, asks)
			s := harness.Start(t, "serve", append(a.args(secure, listen), "--log-level", "debug")...)
			pool := a.trusts(t)
			var first *x509.Certificate
			until(t, 90*time.Second, "the server shows a certificate for its name", func() (ok bool) {
				var err error
				first, err = shown(secure, host, pool)
				return err == nil
			})
			if len(first.DNSNames) != 1 || first.DNSNames[0] != host {
				t.Errorf("the certificate is for %v; want %s alone", first.DNSNames, host)
			}
			if !strings.Contains(s.Log(), `"challenge_type":"`+c.by+`"`) || !strings.Contains(s.Log(), "an authority gave a certificate") {
				t.Errorf("the log does not tell of a certificate by %s", c.by)
			}
			address := fmt.Sprintf("https://127.0.0.1:%d", secure)
			if res := get(t, browser(pool), "GET", address+"/readyz", host); res.StatusCode != 200 {
				t.Errorf("/readyz = %d", res.StatusCode)
			}
			if res := get(t, browser(pool), "GET", address+"/", host); res.StatusCode != 200 || res.Header.Get("Strict-Transport-Security") == "" || res.ProtoMajor != 2 {
				t.Errorf("GET / = %d by %s, %v", res.StatusCode, res.Proto, res.Header)
			}
			// Whoever asks for another name gets no certificate made for it.
			if _, err := shown(secure, "bank.test", pool); err == nil {
				t.Error("there is a certificate for bank.test")
			}
			if c.by == "http-01" {
				redirects(t, plain, secure)
			}
			private(t, filepath.Join(s.Data, "tls"))
			if strings.Contains(s.Log(), "PRIVATE KEY") || strings.Contains(a.log.String(), "bank.test") {
				t.Error("the log shows a key, or the authority was asked for another name")
			}
			s.Stop(t)
			a.stop() // what is kept needs no authority
			s.Run(t)
			until(t, 30*time.Second, "the kept certificate is shown", func() bool {
				again, err := shown(secure, host, pool)
				return err == nil && again.SerialNumber.Cmp(first.SerialNumber) == 0
			})
		})
	}
}

// redirects asks the listener for plain http.
func redirects(t *testing.T, plain, secure int) {
	t.Helper()
	c, at := browser(nil), fmt.Sprintf("http://127.0.0.1:%d", plain)
	for _, asked := range []string{host, "evil.example", "127.0.0.1"} {
		res := get(t, c, "GET", at+"/orders?page=2", asked)
		if want := fmt.Sprintf("https://%s:%d/orders?page=2", host, secure); res.StatusCode != 308 || res.Header.Get("Location") != want {
			t.Errorf("plain http of %s = %d to %q; want 308 to %s", asked, res.StatusCode, res.Header.Get("Location"), want)
		}
	}
	if res := get(t, c, "GET", at+"//evil.example/x", host); !strings.HasPrefix(res.Header.Get("Location"), fmt.Sprintf("https://%s:%d//", host, secure)) {
		t.Errorf("a path like a host leads to %q", res.Header.Get("Location"))
	}
	if res := get(t, c, "POST", at+"/sign-in", host); res.StatusCode != 400 {
		t.Errorf("a form by plain http = %d; want 400", res.StatusCode)
	}
	if res := get(t, c, "GET", at+"/.well-known/acme-challenge/none", host); res.StatusCode == 200 {
		t.Error("a question that nobody asked has an answer")
	}
}

// private fails the test where others can read something below a folder.
func private(t *testing.T, dir string) {
	t.Helper()
	keys := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := d.Info()
		if err == nil && i.Mode().Perm()&0o077 != 0 {
			t.Errorf("others can reach %s (%v)", path, i.Mode())
		}
		if strings.HasSuffix(path, ".key") {
			keys++
		}
		return err
	})
	if err != nil || keys == 0 {
		t.Errorf("%d keys in %s, %v", keys, dir, err)
	}
}

func TestACertificateIsRenewedBeforeItEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a certificate's life")
	}
	secure, plain := freePort(t), freePort(t)
	a := start(t, 30*time.Second, plain, secure)
	harness.Start(t, "serve", a.args(secure, "127.0.0.1:"+strconv.Itoa(plain))...)
	pool := a.trusts(t)
	var first *x509.Certificate
	until(t, 90*time.Second, "the server shows a certificate", func() bool {
		var err error
		first, err = shown(secure, host, pool)
		return err == nil
	})
	until(t, 60*time.Second, "another certificate is shown", func() bool {
		now, err := shown(secure, host, pool)
		if err != nil {
			t.Fatalf("between the two certificates: %v", err)
		}
		return now.SerialNumber.Cmp(first.SerialNumber) != 0
	})
	if !time.Now().Before(first.NotAfter) {
		t.Errorf("the first ended at %v, before there was a second", first.NotAfter)
	}
}
