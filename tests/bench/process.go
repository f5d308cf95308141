package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that was started for the measurement.
type process struct {
	cmd  *exec.Cmd
	addr string
	log  bytes.Buffer
	end  chan struct{}
}

// start runs a program that says "ready at URL" on its first lines.
func start(name string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), end: make(chan struct{})}
	p.cmd.Stderr = &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan string, 1)
	go func() {
		defer close(p.end)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, url, ok := strings.Cut(lines.Text(), "ready at http://"); ok {
				ready <- strings.TrimSpace(url)
			}
		}
		p.cmd.Wait()
	}()
	select {
	case p.addr = <-ready:
		return p, nil
	case <-p.end:
		return nil, fmt.Errorf("%s ended while starting: %s", name, p.log.String())
	case <-time.After(30 * time.Second):
		p.stop()
		return nil, fmt.Errorf("%s was not ready within 30 s", name)
	}
}

// freeAddr returns a loopback address that nobody listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// untilReady starts the server on addr and returns how long it took from the start of the process to the first 200 of /readyz.
func untilReady(bin, data, addr string) (*process, time.Duration, error) {
	p := &process{cmd: exec.Command(bin, "serve", "--data", data, "--listen", addr, "--log-level", "warn"), addr: addr, end: make(chan struct{})}
	p.cmd.Stderr = &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, 0, err
	}
	go func() {
		p.cmd.Wait()
		close(p.end)
	}()
	for time.Since(began) < 30*time.Second {
		if c, err := dial(addr); err == nil {
			status, _, err := c.do(request("GET", "/readyz", nil))
			c.c.Close()
			if err == nil && status == 200 {
				return p, time.Since(began), nil
			}
		}
		select {
		case <-p.end:
			return nil, 0, fmt.Errorf("%s ended while starting: %s", bin, p.log.String())
		case <-time.After(time.Millisecond):
		}
	}
	p.stop()
	return nil, 0, fmt.Errorf("%s was not ready within 30 s", bin)
}

// stop asks the server to end and waits for it.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.end:
	case <-time.After(20 * time.Second):
		p.cmd.Process.Kill()
		<-p.end
	}
}

// cpu returns the processor time that the server has used.
func (p *process) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // from the state on, which is the third field
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * (time.Second / 100) // clock ticks: 100 a second on every Linux that Go runs on
}

// rss returns the memory that the server holds, in MB.
func (p *process) rss() float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

// client speaks JSON to a server, for what is not measured.
type client struct {
	addr  string
	token string
}

var plain = &http.Client{Timeout: 30 * time.Second}

// call sends body and reads the reply into out. path is below /api/stoa/v1, or begins with /api/. It fails unless the status is a success.
func (c client) call(method, path string, body, out any, headers ...string) error {
	var in io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		in, kind = strings.NewReader(b), "text/csv"
	default:
		j, err := json.Marshal(b)
		if err != nil {
			return err
		}
		in = bytes.NewReader(j)
	}
	if !strings.HasPrefix(path, "/api/") {
		path = "/api/stoa/v1" + path
	}
	req, err := http.NewRequest(method, "http://"+c.addr+path, in)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := plain.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s = %d %.400s", method, path, res.StatusCode, b)
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, out)
}
