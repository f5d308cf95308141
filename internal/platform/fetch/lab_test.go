package fetch

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// inLab tells the test process that it is the one in the laboratory.
const inLab = "STOA_FETCH_LAB"

// TestInALaboratoryWhereEveryAddressAnswersOnlyPublicOnesAreContacted runs itself again in a network of its own, in which this machine has
// every address there is. So an address that is let through does reach something, and is seen.
func TestInALaboratoryWhereEveryAddressAnswersOnlyPublicOnesAreContacted(t *testing.T) {
	if os.Getenv(inLab) != "" {
		laboratory(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	// A proxy in the environment would be reached, too.
	cmd.Env = append(os.Environ(), inLab+"=1", "HTTP_PROXY=http://10.9.9.9:80", "HTTPS_PROXY=http://10.9.9.9:80", "ALL_PROXY=http://10.9.9.9:80")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		missing(t, "this machine lets no process have a network of its own: %v", err)
	}
	if i := strings.Index(string(out), "missing: "); i >= 0 {
		missing(t, "%s", strings.SplitN(string(out)[i:], "\n", 2)[0])
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in the laboratory: %v\n%s", err, out)
	}
}

// missing skips the test, and fails it under CI=true, where the machine must have what it needs.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("the laboratory is needed under CI=true: "+format, args...)
	}
	t.Skipf("skipped: "+format, args...)
}

// canary notes whom it was taken for.
type canary struct {
	mu   sync.Mutex
	hits map[string]int
}

func (c *canary) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	host, _, _ := net.SplitHostPort(local.String())
	c.mu.Lock()
	c.hits[host]++
	c.mu.Unlock()
	if to := r.URL.Query().Get("to"); to != "" {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}
}

// taken returns the addresses that were contacted since the last call.
func (c *canary) taken() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.hits
	c.hits = map[string]int{}
	return out
}

// settle makes every address one of this machine.
func settle(t *testing.T) {
	t.Helper()
	for _, args := range [][]string{
		{"link", "set", "lo", "up"}, {"route", "add", "local", "0.0.0.0/0", "dev", "lo"}, {"-6", "route", "add", "local", "::/0", "dev", "lo"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("missing: ip %s: %v %s", strings.Join(args, " "), err, out)
		}
	}
}

func laboratory(t *testing.T) {
	settle(t)
	c := &canary{hits: map[string]int{}}
	for _, network := range []string{"tcp4", "tcp6"} {
		for _, port := range []string{"80", "443", "8080"} {
			ln, err := net.Listen(network, ":"+port)
			if err != nil {
				t.Fatal(err)
			}
			srv := &http.Server{Handler: c, ReadHeaderTimeout: time.Second}
			if port == "443" {
				ts := httptest.NewUnstartedServer(c)
				ts.Listener.Close()
				ts.Listener = ln
				ts.StartTLS()
				t.Cleanup(ts.Close)
				continue
			}
			go srv.Serve(ln)
			t.Cleanup(func() { srv.Close() })
		}
	}
	resolver := (&names{answer: world}).resolver(t)
	guarded := New(Options{Resolver: resolver})
	open := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
		DialContext: (&net.Dialer{Resolver: resolver}).DialContext, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}
	reach := 0
	for _, host := range forbidden {
		if res, err := open.Get("http://" + host + "/"); err == nil {
			res.Body.Close()
			reach++
		}
	}
	if len(c.taken()) < 35 || reach < 40 {
		t.Fatalf("an unguarded client reaches %d of %d: this laboratory proves nothing", reach, len(forbidden))
	}
	for _, scheme := range []string{"http://", "https://"} {
		for _, host := range forbidden {
			for _, port := range []string{"", ":80", ":443", ":8080"} {
				if _, err := guarded.Get(t.Context(), scheme+host+port+"/"); !errors.Is(err, ErrForbidden) {
					t.Errorf("%s%s%s: %v; want it forbidden", scheme, host, port, err)
				}
			}
			first := "http://public.example/?to=" + url.QueryEscape(scheme+host+"/")
			if _, err := guarded.Get(t.Context(), first); err == nil {
				t.Errorf("a redirect to %s%s is followed", scheme, host)
			}
			if _, err := guarded.Get(t.Context(), "http://public.example/?to="+url.QueryEscape(first)); err == nil {
				t.Errorf("a second redirect to %s%s is followed", scheme, host)
			}
		}
	}
	for ip, n := range c.taken() {
		if ip != "93.184.216.34" {
			t.Errorf("%s was contacted %d times", ip, n)
		}
	}
	rebinding(t, c)
}

// rebinding asks for a name whose answer changes between a public and an inner address with each look.
func rebinding(t *testing.T, c *canary) {
	answer := func(_ string, n int) []netip.Addr {
		list := []string{"93.184.216.34", "169.254.169.254"}
		return []netip.Addr{netip.MustParseAddr(list[n%2])}
	}
	client := New(Options{Resolver: (&names{answer: answer}).resolver(t)})
	fetched, refused := 0, 0
	for i := range 40 {
		client.HTTP().CloseIdleConnections() // so that each looks again
		_, err := client.Get(t.Context(), fmt.Sprintf("http://rebind.example/%d", i))
		switch {
		case err == nil:
			fetched++
		case errors.Is(err, ErrForbidden):
			refused++
		default:
			t.Errorf("try %d: %v", i, err)
		}
	}
	hits := c.taken()
	if fetched == 0 || refused == 0 || len(hits) != 1 || hits["93.184.216.34"] != fetched {
		t.Errorf("%d fetched, %d refused, contacted %v; want the public address alone", fetched, refused, hits)
	}
}
