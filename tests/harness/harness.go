// Package harness starts the real stoa program for black-box tests and speaks to it as clients do. It knows nothing of its inside.
package harness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	buildOnce sync.Once
	binary    string
	buildErr  error
)

// Binary builds the program once a test process and returns its path. STOA_TEST_BINARY names one that is built already.
func Binary(t testing.TB) string {
	t.Helper()
	buildOnce.Do(func() {
		if binary = os.Getenv("STOA_TEST_BINARY"); binary != "" {
			return
		}
		dir, err := os.MkdirTemp("", "stoa-test-bin-")
		if err != nil {
			buildErr = err
			return
		}
		binary = filepath.Join(dir, "stoa")
		cmd := exec.Command("go", "build", "-o", binary, "github.com/stoa-town/stoa/cmd/stoa")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			buildErr = fmt.Errorf("build stoa: %w: %s", err, out)
		}
	})
	if buildErr != nil {
		t.Fatal(buildErr)
	}
	return binary
}

// Server is a running stoa.
type Server struct {
	URL  string
	Data string // its data folder
	args []string
	cmd  *exec.Cmd
	log  *lockedBuffer
	end  chan struct{}
}

// lockedBuffer collects what a process writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Start runs "stoa COMMAND args…" on a free loopback port with a data folder of its own (unless args name one), and with requests uncounted
// (unless args set limits), for a test asks more than people do; it waits until the server says that it is ready. It is stopped when the test ends, and its log is shown when the test failed.
func Start(t testing.TB, command string, args ...string) *Server {
	t.Helper()
	s := &Server{log: &lockedBuffer{}}
	for i, a := range args {
		if a == "--data" && i+1 < len(args) {
			s.Data = args[i+1]
		}
	}
	if s.Data == "" {
		s.Data = t.TempDir()
		args = append(args, "--data", s.Data)
	}
	s.shareKey(t, args)
	s.args = append([]string{command, "--listen", "127.0.0.1:0", "--set", "limits.rate=off"}, args...)
	s.Run(t)
	t.Cleanup(func() {
		s.Stop(t)
		if t.Failed() {
			t.Logf("log of the server:\n%s", tail(s.log.String(), 8000))
		}
	})
	return s
}

// keys are the data folders of the first node of each database: further nodes get a copy of its master key, as an operator gives them one.
var keys sync.Map

func (s *Server) shareKey(t testing.TB, args []string) {
	t.Helper()
	for i, a := range args {
		if a != "--database" || i+1 == len(args) {
			continue
		}
		first, known := keys.LoadOrStore(args[i+1], s.Data)
		if !known || first == s.Data {
			return
		}
		key, err := os.ReadFile(filepath.Join(first.(string), "master.key"))
		if err == nil {
			err = os.WriteFile(filepath.Join(s.Data, "master.key"), key, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// Run starts the server's process (again) and waits until it is ready.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	cmd := exec.Command(Binary(t), s.args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = s.log
	// The server must not outlive a test process that is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	end := make(chan struct{})
	go func() {
		defer close(end)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			fmt.Fprintln(s.log, lines.Text())
			if _, url, ok := strings.Cut(lines.Text(), " ready at "); ok {
				ready <- strings.TrimSpace(url)
			}
		}
		cmd.Wait()
	}()
	s.cmd, s.end = cmd, end
	select {
	case s.URL = <-ready:
	case <-end:
		t.Fatalf("stoa ended while starting:\n%s", s.log.String())
	case <-time.After(60 * time.Second):
		cmd.Process.Kill()
		t.Fatalf("stoa was not ready within a minute:\n%s", s.log.String())
	}
}

// PID returns the process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Log returns what the server has written so far.
func (s *Server) Log() string { return s.log.String() }

// Kill ends the server at once, as a power cut would (SIGKILL).
func (s *Server) Kill() {
	s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.end
}

// Stop asks the server to end and waits for it.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	select {
	case <-s.end:
		return
	default:
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.end:
	case <-time.After(40 * time.Second):
		s.cmd.Process.Kill()
		t.Errorf("stoa did not stop within 40 s")
	}
}

// Admin runs a command line beside the running server, on the same database, and returns what it prints.
func (s *Server) Admin(t testing.TB, args ...string) string {
	t.Helper()
	all := append([]string{}, args...)
	for i := 1; i < len(s.args); i++ { // the same --data, --database and --nats
		if a := s.args[i]; (a == "--data" || a == "--database" || a == "--nats" || a == "--set") && i+1 < len(s.args) {
			all = append(all, a, s.args[i+1])
		}
	}
	cmd := exec.Command(Binary(t), all...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("stoa %s: %v\n%s%s", strings.Join(args, " "), err, out, errOut.String())
	}
	return strings.TrimSpace(string(out))
}

// Account makes an account with roles and returns a client that acts for it.
func (s *Server) Account(t testing.TB, name string, roles ...string) *Client {
	t.Helper()
	args := []string{"admin", "account", "create", "--name", name, "--email", name + "@example.org", "--password", Password}
	for _, r := range roles {
		args = append(args, "--role", r)
	}
	s.Admin(t, args...)
	return s.As(s.Admin(t, "admin", "token", "create", "--account", name, "--scopes", "read write"))
}

// Password is the password of every account that Account makes.
const Password = "stoa-of-attalos-17"

// As returns a client with a bearer token; an empty token is nobody's.
func (s *Server) As(token string) *Client {
	return &Client{Token: token, server: s, http: &http.Client{Timeout: 30 * time.Second}}
}

// Client speaks to the REST API for one account.
type Client struct {
	Token  string
	server *Server
	http   *http.Client
}

// On returns the same client on another node.
func (c *Client) On(s *Server) *Client { return &Client{Token: c.Token, server: s, http: c.http} }

// Reply is an answer.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request; body is marshalled as JSON unless it is nil, a string or bytes. headers are pairs of name and value.
func (c *Client) Do(t testing.TB, method, path string, body any, headers ...string) Reply {
	t.Helper()
	r, err := c.Try(method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// Try is Do for when the server may be gone.
func (c *Client) Try(method, path string, body any, headers ...string) (Reply, error) {
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	case []byte:
		in = bytes.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			return Reply{}, err
		}
		in = bytes.NewReader(j)
	}
	if !strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "//") {
		path = "/api/stoa/v1" + path
	}
	req, err := http.NewRequest(method, c.server.URL+strings.TrimPrefix(path, "/"+"/"), in)
	if err != nil {
		return Reply{}, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		return Reply{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	return Reply{Status: res.StatusCode, Header: res.Header, Body: b}, err
}

// Want sends a request, fails the test unless the status is want, and reads the reply into out unless that is nil.
func (c *Client) Want(t testing.TB, want int, method, path string, body, out any, headers ...string) Reply {
	t.Helper()
	r := c.Do(t, method, path, body, headers...)
	if r.Status != want {
		t.Fatalf("%s %s = %d; want %d\n%s", method, path, r.Status, want, tail(string(r.Body), 3000))
	}
	if out != nil {
		if err := json.Unmarshal(r.Body, out); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, tail(string(r.Body), 2000))
		}
	}
	return r
}
