package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	subscribers = 1000
	happenings  = 20
	perAccount  = 20 // streams that the server lets one account have
)

// listener is a subscriber of Server-Sent Events.
type listener struct {
	c  net.Conn
	r  *bufio.Scanner
	id int64
}

// listen opens a stream and waits until the server has answered. after is the last event known, 0 for none.
func listen(c client, path string, after int64) (*listener, error) {
	conn, err := net.DialTimeout("tcp", c.addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	headers := []string{"Authorization", "Bearer " + c.token, "Accept", "text/event-stream"}
	if after > 0 {
		headers = append(headers, "Last-Event-ID", strconv.FormatInt(after, 10))
	}
	if _, err := conn.Write(request("GET", "/api/stoa/v1"+path, nil, headers...)); err != nil {
		return nil, err
	}
	head := bufio.NewReader(conn)
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	for first := true; ; first = false {
		line, err := head.ReadString('\n')
		if err != nil || (first && !strings.Contains(line, " 200 ")) {
			return nil, errors.Join(fmt.Errorf("the stream was refused: %s", line), err)
		}
		if strings.TrimSpace(line) == "" {
			break
		}
	}
	conn.SetReadDeadline(time.Time{})
	l := &listener{c: conn, r: bufio.NewScanner(httputil.NewChunkedReader(head))}
	l.r.Buffer(make([]byte, 4<<10), 1<<20)
	return l, nil
}

// next returns the number of the next event of the kind that the bench makes. What happened before, such as the confirmation, may still be
// on its way when a stream is opened.
func (l *listener) next() (int64, error) {
	id, ours := int64(0), false
	for l.r.Scan() {
		line := l.r.Bytes()
		if rest, ok := bytes.CutPrefix(line, []byte("id:")); ok {
			id, _ = strconv.ParseInt(string(bytes.TrimSpace(rest)), 10, 64)
		}
		ours = ours || bytes.Equal(line, []byte("event: order.delayed"))
		if len(line) == 0 {
			if ours && id > 0 {
				l.id = id
				return id, nil
			}
			id, ours = 0, false
		}
	}
	return 0, errors.Join(errors.New("the stream ended"), l.r.Err())
}

// fanOut has an order's events watched by a thousand and returns how long after the request each reached each of them, and after its
// answer.
func fanOut(t *town) (fromRequest, fromAnswer figures, err error) {
	id, err := placeOne(t)
	if err != nil {
		return fromRequest, fromAnswer, err
	}
	var (
		mu       sync.Mutex
		sent     time.Time
		arrivals []time.Time
		got      atomic.Int64
		all      = make(chan struct{}, 1)
	)
	for n := range subscribers {
		l, err := listen(t.crowd[n/perAccount], "/orders/"+id+"/events", 0)
		if err != nil {
			return fromRequest, fromAnswer, err
		}
		defer l.c.Close()
		go func() {
			for {
				if _, err := l.next(); err != nil {
					return
				}
				now := time.Now()
				mu.Lock()
				arrivals = append(arrivals, now)
				mu.Unlock()
				if got.Add(1)%subscribers == 0 {
					all <- struct{}{}
				}
			}
		}()
	}
	poster, err := dial(t.p.addr)
	if err != nil {
		return fromRequest, fromAnswer, err
	}
	base := time.Now().Add(30 * time.Minute).Truncate(time.Minute).UTC()
	for n := range happenings {
		body, err := json.Marshal(map[string]any{"ready_at": base.Add(time.Duration(n+1) * time.Minute)})
		if err != nil {
			return fromRequest, fromAnswer, err
		}
		sent = time.Now()
		status, reply, err := poster.do(request("POST", "/api/stoa/v1/orders/"+id+"/delay", body, "Authorization", "Bearer "+t.admin.token))
		answered := time.Now()
		if err != nil || status != 200 {
			return fromRequest, fromAnswer, fmt.Errorf("delay = %d %.200s %w", status, reply, err)
		}
		select {
		case <-all:
		case <-time.After(5 * time.Second):
			return fromRequest, fromAnswer, fmt.Errorf("event %d reached %d of %d subscribers within 5 s", n, got.Load()%subscribers, subscribers)
		}
		mu.Lock()
		for _, a := range arrivals {
			fromRequest.all = append(fromRequest.all, a.Sub(sent))
			fromAnswer.all = append(fromAnswer.all, max(0, a.Sub(answered)))
		}
		arrivals = arrivals[:0]
		mu.Unlock()
		time.Sleep(50 * time.Millisecond) // events come one by one, as in a kitchen
	}
	slices.Sort(fromRequest.all)
	slices.Sort(fromAnswer.all)
	return fromRequest, fromAnswer, nil
}

// placeOne places an order of the first customer and returns its id.
func placeOne(t *town) (string, error) {
	wish := map[string]any{"restaurant": t.shops[0].ID, "mode": "pickup", "lines": []any{map[string]any{"item": t.shops[0].items[1], "qty": 1}}}
	if _, err := agreed(t.crowd[0], wish, "on_delivery"); err != nil {
		return "", err
	}
	var o struct {
		ID string `json:"id"`
	}
	err := t.crowd[0].call("POST", "/orders", wish, &o, "Idempotency-Key", fmt.Sprint("one-", time.Now().UnixNano()))
	if err != nil {
		return "", err
	}
	return o.ID, t.admin.call("POST", "/orders/"+o.ID+"/confirm", nil, nil)
}

// resume drops a subscriber, lets events pass, and returns how many of them it missed when it came back.
func resume(t *town) (missed int, err error) {
	id, err := placeOne(t)
	if err != nil {
		return 0, err
	}
	path := "/orders/" + id + "/events"
	faithful, err := listen(t.admin, path, 0)
	if err != nil {
		return 0, err
	}
	defer faithful.c.Close()
	fickle, err := listen(t.admin, path, 0)
	if err != nil {
		return 0, err
	}
	base := time.Now().Add(30 * time.Minute).Truncate(time.Minute).UTC()
	move := func(n int) error {
		return t.admin.call("POST", "/orders/"+id+"/delay", map[string]any{"ready_at": base.Add(time.Duration(n) * time.Minute)}, nil)
	}
	if err := move(1); err != nil {
		return 0, err
	}
	for _, l := range []*listener{faithful, fickle} {
		l.c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := l.next(); err != nil {
			return 0, err
		}
	}
	last := fickle.id
	fickle.c.Close()
	for n := range 10 {
		if err := move(n + 2); err != nil {
			return 0, err
		}
	}
	back, err := listen(t.admin, path, last)
	if err != nil {
		return 0, err
	}
	defer back.c.Close()
	back.c.SetReadDeadline(time.Now().Add(5 * time.Second))
	for range 10 {
		want, err := faithful.next()
		if err != nil {
			return 0, err
		}
		if got, err := back.next(); err != nil || got != want {
			missed++
		}
	}
	return missed, nil
}
