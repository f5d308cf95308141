package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The small town: everybody follows everybody.
const (
	friends = 30
	posts   = 900
	talkers = 64 // connections that post
)

// social measures timelines, posting and streams: in a small town whose people all know each other, as figures of other servers are told of
// it, and in a large one.
func social(bin string, long time.Duration, large int) error {
	dir, err := os.MkdirTemp("", "stoa-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("%d processors shared with the load, %s, SQLite\n\n", runtime.NumCPU(), runtime.Version())
	if err := smallTown(bin, dir, long); err != nil {
		return err
	}
	return largeTowns(bin, dir, long, large)
}

func smallTown(bin, dir string, long time.Duration) error {
	data := filepath.Join(dir, "small")
	p, err := serve(bin, data)
	if err != nil {
		return err
	}
	defer p.stop()
	crowd, err := circle(p)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bare, err := start(self, "-raw", dir)
	if err != nil {
		return err
	}
	defer bare.stop()
	fmt.Printf("%d people who all follow each other, %d posts, 16 clients\n", friends, posts)
	read := func(name string, p *process, path, token string, target float64, than float64) float64 {
		headers := []string{}
		if token != "" {
			headers = append(headers, "Authorization", "Bearer "+token)
		}
		req := request("GET", path, nil, headers...)
		load(p.addr, 16, 500*time.Millisecond, same(req))
		m := measure(p, 16, long, same(req))
		figure, want := m.String(), ""
		if than > 0 {
			figure += fmt.Sprintf("  = %.0f %%", 100*m.rate()/than)
			want = fmt.Sprintf("≥ %.0f/s", target)
		}
		row(name, figure, want, m.rate() >= target && m.wrong == 0)
		return m.rate()
	}
	rows := read("bare handler: 20 rows of SQLite", bare, "/", "", 0, 0)
	bytes := read(fmt.Sprintf("bare handler: %d KB from memory", pageBytes/1000), bare, "/page", "", 0, 0)
	fmt.Println("(= … % of the bare handler that reads SQLite)")
	token := crowd[0].token
	read("home timeline, 20 statuses", p, "/api/v1/timelines/home?limit=20", token, 9000, rows)
	read("public timeline, signed in", p, "/api/v1/timelines/public?limit=20", token, 8000, rows)
	read("public timeline, a stranger", p, "/api/v1/timelines/public?limit=20&local=true", "", 8000, rows)
	read("notifications", p, "/api/v1/notifications?limit=20", token, 6000, rows)
	read("own account", p, "/api/v1/accounts/verify_credentials", token, 0, bytes)
	if err := posting(p, crowd, long); err != nil {
		return err
	}
	row("  memory", fmt.Sprintf("%.0f MB", p.rss()), "≤ 250 MB", p.rss() <= 250)
	return nil
}

// circle signs the people up, has them follow each other and post.
func circle(p *process) ([]client, error) {
	t := &town{p: p}
	if err := t.signUp(); err != nil {
		return nil, err
	}
	crowd := t.crowd[:friends]
	ids := make([]string, friends)
	for i, c := range crowd {
		var me struct {
			ID string `json:"id"`
		}
		if err := c.call("GET", "/api/v1/accounts/verify_credentials", nil, &me); err != nil {
			return nil, err
		}
		ids[i] = me.ID
	}
	var statuses []string
	r := rand.New(rand.NewPCG(5, 6))
	for i, c := range crowd {
		for j, other := range ids {
			if i != j {
				if err := c.call("POST", "/api/v1/accounts/"+other+"/follow", map[string]any{}, nil); err != nil {
					return nil, err
				}
			}
		}
	}
	for n := range posts {
		c := crowd[r.IntN(friends)]
		s := map[string]any{"status": fmt.Sprintf("Post %d: the market opens at nine, bring a bag, and tell those next door that there are plums again.", n), "visibility": "public"}
		switch {
		case n%5 == 1:
			s["in_reply_to_id"] = statuses[r.IntN(len(statuses))]
		case n%10 < 3:
			s["status"] = s["status"].(string) + " #market #plums"
		case n%10 == 5:
			s["status"] = "@neighbour_1 " + s["status"].(string)
		}
		var out struct {
			ID string `json:"id"`
		}
		if err := c.call("POST", "/api/v1/statuses", s, &out); err != nil {
			return nil, err
		}
		statuses = append(statuses, out.ID)
		if n%2 == 0 {
			if err := crowd[r.IntN(friends)].call("POST", "/api/v1/statuses/"+statuses[r.IntN(len(statuses))]+"/favourite", map[string]any{}, nil); err != nil {
				return nil, err
			}
		}
	}
	return crowd, nil
}

// posting has many people post at once, and then looks whether every post that was acknowledged is there.
func posting(p *process, crowd []client, long time.Duration) error {
	var n atomic.Int64
	acked := make([][]string, talkers)
	m := measure(p, talkers, long, func(i int, c *conn) (bool, string, error) {
		body := fmt.Appendf(nil, `{"status":"Number %d of those who all talk at once","visibility":"public"}`, n.Add(1))
		status, reply, err := c.do(request("POST", "/api/v1/statuses", body, "Authorization", "Bearer "+crowd[i%len(crowd)].token))
		if err != nil || status != 200 {
			return false, fmt.Sprintf("%d %.200s", status, reply), err
		}
		var out struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(reply, &out); err != nil {
			return false, err.Error(), nil
		}
		acked[i] = append(acked[i], out.ID)
		return true, "", nil
	})
	row(fmt.Sprintf("durable posts, %d clients", talkers), m.String(), "≥ 2000/s", m.rate() >= 2000 && m.wrong == 0)
	all := slices.Concat(acked...)
	missing := 0
	for part := range slices.Chunk(all, 20) {
		var got []struct {
			ID string `json:"id"`
		}
		if err := crowd[0].call("GET", "/api/v1/statuses?id[]="+strings.Join(part, "&id[]="), nil, &got); err != nil {
			return err
		}
		missing += len(part) - len(got)
	}
	row("  acknowledged posts that are there", fmt.Sprintf("%d of %d", len(all)-missing, len(all)), "all", missing == 0)
	return nil
}

// largeTowns compares two towns that differ only in how much was posted there.
func largeTowns(bin, dir string, long time.Duration, large int) error {
	var before time.Duration
	for _, statuses := range []int{large / 100, large} {
		fmt.Printf("\n%d accounts, %d statuses, readers who follow %d, 16 clients\n", accounts, statuses, following)
		data := filepath.Join(dir, fmt.Sprint("large-", statuses))
		tokens, err := fill(bin, data, statuses)
		if err != nil {
			return err
		}
		p, err := serve(bin, data)
		if err != nil {
			return err
		}
		reqs := make([][]byte, 16)
		for i := range reqs {
			reqs[i] = request("GET", "/api/v1/timelines/home?limit=20", nil, "Authorization", "Bearer "+tokens[i])
		}
		home := func(i int, c *conn) (bool, string, error) { return same(reqs[i])(i, c) }
		cold := measure(p, 16, long, home)
		row("home, the first seconds after the start", cold.String(), "", true)
		time.Sleep(time.Second)
		warm := measure(p, 16, long, home)
		p99 := warm.quantile(0.99)
		row("home", warm.String(), "p99 ≤ 30 ms", p99 <= 30*time.Millisecond && warm.wrong == 0)
		row("  the first seconds beside it", fmt.Sprintf("%.1f times its p99", float64(cold.quantile(0.99))/float64(p99)), "≤ 2", cold.quantile(0.99) <= 2*p99)
		if before > 0 {
			ratio := float64(p99) / float64(before)
			row(fmt.Sprintf("  beside %d statuses", large/100), fmt.Sprintf("%.2f times its p99", ratio), "≤ 1.3", ratio <= 1.3)
		}
		before = p99
		deep := func(i int, c *conn) (bool, string, error) {
			return same(request("GET", fmt.Sprintf("/api/v1/timelines/home?limit=20&max_id=%d", statusID(statuses, statuses/3)), nil, "Authorization", "Bearer "+tokens[i]))(i, c)
		}
		m := measure(p, 16, long, deep)
		row("home, a page of two months ago", m.String(), "p99 ≤ 30 ms", m.quantile(0.99) <= 30*time.Millisecond && m.wrong == 0)
		row("  memory", fmt.Sprintf("%.0f MB", p.rss()), "≤ 250 MB", p.rss() <= 250)
		if statuses == large {
			if err := online(p, tokens); err != nil {
				p.stop()
				return err
			}
		}
		p.stop()
		os.RemoveAll(data)
	}
	return nil
}

// online has many followers listen while somebody whom they all follow posts, and measures how long after the sending of the request each
// has it.
func online(p *process, tokens []string) error {
	var mu sync.Mutex
	var took []time.Duration
	var sent time.Time
	var got atomic.Int64
	all := make(chan struct{}, 1)
	listeners := tokens[readers:]
	for _, token := range listeners {
		c, err := net.DialTimeout("tcp", p.addr, 5*time.Second)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Write(request("GET", "/api/v1/streaming?stream=user&access_token="+token, nil, "Connection", "Upgrade", "Upgrade", "websocket",
			"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")); err != nil {
			return err
		}
		in := bufio.NewReaderSize(c, 8<<10)
		for first := true; ; first = false {
			line, err := in.ReadString('\n')
			if err != nil || first && !strings.Contains(line, " 101 ") {
				return fmt.Errorf("the stream was refused: %s %w", line, err)
			}
			if strings.TrimSpace(line) == "" {
				break
			}
		}
		go func() {
			buf, rest := make([]byte, 8<<10), 0
			mark := []byte(`"event":"update"`)
			for {
				n, err := in.Read(buf[rest:])
				if err != nil {
					return
				}
				now := time.Now()
				if bytes.Contains(buf[:rest+n], mark) {
					mu.Lock()
					took = append(took, now.Sub(sent))
					mu.Unlock()
					if got.Add(1)%int64(len(listeners)) == 0 {
						all <- struct{}{}
					}
					rest = 0
					continue
				}
				keep := min(rest+n, len(mark)-1) // the mark may be cut in two
				copy(buf, buf[rest+n-keep:rest+n])
				rest = keep
			}
		}()
	}
	time.Sleep(500 * time.Millisecond)
	author := client{p.addr, tokens[0]}
	const rounds = 20
	for n := range rounds {
		mu.Lock()
		sent = time.Now()
		mu.Unlock()
		if err := author.call("POST", "/api/v1/statuses", map[string]any{"status": fmt.Sprintf("News %d of the town: the bridge is open again, and there is soup for all who helped.", n)}, nil); err != nil {
			return err
		}
		select {
		case <-all:
		case <-time.After(5 * time.Second):
			return fmt.Errorf("post %d reached %d of %d listeners within 5 s", n, got.Load()%int64(len(listeners)), len(listeners))
		}
		time.Sleep(50 * time.Millisecond)
	}
	slices.Sort(took)
	f := figures{all: took}
	row(fmt.Sprintf("a post to %d followers who are online", len(listeners)), fmt.Sprintf("p50 %s  p99 %s", ms(f.quantile(0.5)), ms(f.quantile(0.99))), "p99 ≤ 150 ms", f.quantile(0.99) <= 150*time.Millisecond)
	return nil
}
