package security

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// send writes bytes to the server as they are and returns the statuses of all answers, and whether the server then closed the connection.
func (w *town) send(t *testing.T, raw string) (statuses []int, closed bool, err error) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, raw); err != nil {
		return nil, true, nil //nolint:nilerr // it was closed before all was sent
	}
	c.SetReadDeadline(time.Now().Add(1500 * time.Millisecond))
	r := bufio.NewReader(c)
	for {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return statuses, !errors.Is(err, os.ErrDeadlineExceeded), nil
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return statuses, true, err
		}
		statuses = append(statuses, res.StatusCode)
	}
}

// TestNoRequestHidesWithinAnother sends heads that two readers could understand differently, each with a second request behind it that a
// proxy would take for a body.
func TestNoRequestHidesWithinAnother(t *testing.T) {
	w := newTown(t)
	const hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
	post := func(head, body string) string {
		return "POST /sign-in HTTP/1.1\r\nHost: eat.example.org\r\nContent-Type: application/x-www-form-urlencoded\r\n" + head + "\r\n" + body
	}
	chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden)
	for name, raw := range map[string]string{
		"CL.TE":                              post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\nG"+hidden),
		"TE.CL":                              post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", chunk),
		"two lengths":                        post("Content-Length: 0\r\nContent-Length: 34\r\n", hidden),
		"two equal lengths":                  post("Content-Length: 3\r\nContent-Length: 3\r\n", "a=b"),
		"a list of lengths":                  post("Content-Length: 0, 34\r\n", hidden),
		"a signed length":                    post("Content-Length: +3\r\n", "a=b"),
		"a negative length":                  post("Content-Length: -1\r\n", "a=b"),
		"a length in hex":                    post("Content-Length: 0x3\r\n", "a=b"),
		"a length beyond 64 bits":            post("Content-Length: 18446744073709551619\r\n", "a=b"),
		"a folded header":                    post("X-Ignored: a\r\n b\r\nContent-Length: 3\r\n", "a=b"),
		"a folded coding":                    post("Transfer-Encoding:\r\n chunked\r\n", chunk),
		"a coding twice":                     post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunk),
		"an unknown coding":                  post("Transfer-Encoding: xchunked\r\n", chunk),
		"a list of codings":                  post("Transfer-Encoding: gzip, chunked\r\n", chunk),
		"a coding before a colon with space": post("Transfer-Encoding : chunked\r\nContent-Length: 3\r\n", "a=b"),
		"a length before a colon with space": post("Content-Length : 3\r\n", "a=b"),
		"a tab before the coding's name":     post("\tTransfer-Encoding: chunked\r\nContent-Length: 3\r\n", "a=b"),
		"a NUL in a name":                    post("Content\x00Length: 3\r\nContent-Length: 3\r\n", "a=b"),
		"a carriage return in a value":       post("X: a\rContent-Length: 34\r\nContent-Length: 0\r\n", hidden),
		"lines that end in LF":               strings.ReplaceAll(post("Content-Length: 3\r\n", "a=b"), "\r\n", "\n"),
		"a chunk size of words":              post("Transfer-Encoding: chunked\r\n", "zz\r\na\r\n0\r\n\r\n"+hidden),
		"a chunk size beyond 64 bits":        post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\na\r\n0\r\n\r\n"+hidden),
		"a chunk longer than its size":       post("Transfer-Encoding: chunked\r\n", "1\r\nabc\r\n0\r\n\r\n"+hidden),
		"chunks in HTTP/1.0":                 strings.Replace(post("Connection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"+hidden), "HTTP/1.1", "HTTP/1.0", 1),
		"no host":                            "GET / HTTP/1.1\r\n\r\n",
		"two hosts":                          "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"a host with a path":                 "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
		"an unknown version":                 "GET / HTTP/3.7\r\nHost: a\r\n\r\n",
		"no version":                         "GET /\r\n\r\n",
		"a space in the path":                "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		statuses, closed, err := w.send(t, raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		bad := len(statuses) != 1 || statuses[0] < 400 || statuses[0] > 499 && statuses[0] != 501 && statuses[0] != 505
		if bad || !closed {
			t.Errorf("%s: answers %v, closed %v; want one 4xx and the end", name, statuses, closed)
		}
	}
	// What is right goes through, also after another, and chunks alone are a way to send.
	good := strings.Replace(post("Content-Length: 3\r\n", "a=b"), "/sign-in", "/sign-out", 1)
	if statuses, closed, _ := w.send(t, good+good); len(statuses) != 2 || closed || statuses[0] >= 400 || statuses[1] >= 400 {
		t.Errorf("two good requests: %v, closed %v", statuses, closed)
	}
	if statuses, closed, _ := w.send(t, strings.Replace(post("Transfer-Encoding: chunked\r\n", "3\r\na=b\r\n0\r\n\r\n"+hidden), "/sign-in", "/sign-out", 1)); len(statuses) != 1 || statuses[0] >= 400 || !closed {
		t.Errorf("chunks with a request behind them: %v, closed %v; want the one answer and the end", statuses, closed)
	}
}
