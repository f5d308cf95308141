package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// conn is one keep-alive HTTP/1.1 connection that costs the generator as little as can be: requests are written as bytes made beforehand
// and of replies only status, length and body are read.
type conn struct {
	c    net.Conn
	r    *bufio.Reader
	body []byte
}

func dial(addr string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, r: bufio.NewReaderSize(c, 16<<10)}, nil
}

// request returns the bytes of a request. headers are pairs.
func request(method, path string, body []byte, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: bench\r\n", method, path)
	for i := 0; i+1 < len(headers); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", headers[i], headers[i+1])
	}
	if body != nil {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// do sends a request and returns status and body; the body is valid until the next call.
func (c *conn) do(req []byte) (int, []byte, error) {
	c.c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := c.c.Write(req); err != nil {
		return 0, nil, err
	}
	status, length, err := c.head()
	if err != nil {
		return 0, nil, err
	}
	c.body = c.body[:0]
	if length >= 0 {
		err = c.take(length)
		return status, c.body, err
	}
	for { // chunked
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return 0, nil, err
		}
		if err := c.take(int(n)); err != nil {
			return 0, nil, err
		}
		if _, err := c.r.Discard(2); err != nil || n == 0 {
			return status, c.body, err
		}
	}
}

// head reads status line and headers. length is -1 for a chunked body.
func (c *conn) head() (status, length int, err error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 {
		return 0, 0, errors.New("no status line")
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, err
	}
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return status, length, nil
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, 0, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			length = -1
		}
	}
}

func (c *conn) take(n int) error {
	at := len(c.body)
	c.body = slices.Grow(c.body, n)[:at+n]
	_, err := io.ReadFull(c.r, c.body[at:])
	return err
}

// figures are what a load came to.
type figures struct {
	done  int
	wrong int
	first string // the first wrong reply
	took  time.Duration
	all   []time.Duration // sorted
}

func (f figures) rate() float64 { return float64(f.done) / f.took.Seconds() }

// quantile returns the latency that a share q of the requests stayed below.
func (f figures) quantile(q float64) time.Duration {
	if len(f.all) == 0 {
		return 0
	}
	return f.all[min(len(f.all)-1, int(q*float64(len(f.all))))]
}

// load has n clients call step, each on a connection of its own, until d is over. step returns the status that it got and what was wrong.
func load(addr string, n int, d time.Duration, step func(client int, c *conn) (ok bool, wrong string, err error)) figures {
	var f figures
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for i := range n {
		wg.Go(func() {
			took := make([]time.Duration, 0, 1<<14)
			done, wrong, first := 0, 0, ""
			c, err := dial(addr)
			for err == nil && time.Since(began) < d {
				at := time.Now()
				ok, what, e := step(i, c)
				if err = e; e != nil {
					break
				}
				if ok {
					done++
					took = append(took, time.Since(at))
				} else if wrong++; first == "" {
					first = what
				}
			}
			if c != nil {
				c.c.Close()
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				wrong, first = wrong+1, err.Error()
			}
			f.done, f.wrong, f.all = f.done+done, f.wrong+wrong, append(f.all, took...)
			if f.first == "" {
				f.first = first
			}
		})
	}
	wg.Wait()
	f.took = time.Since(began)
	slices.Sort(f.all)
	return f
}

// same is a step that sends one request over and over and wants 200.
func same(req []byte) func(int, *conn) (bool, string, error) {
	return func(_ int, c *conn) (bool, string, error) {
		status, body, err := c.do(req)
		if status != 200 {
			return false, fmt.Sprintf("%d %.200s", status, body), err
		}
		return true, "", err
	}
}
