// Command bench measures the figures that Stoa promises, all in one run on one machine, and prints each beside its target. The server, the
// ceiling that it is compared with and the load share the machine's processors. It never fails because something was slow.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

func main() {
	bin := flag.String("stoa", "bin/stoa", "the program to measure")
	long := flag.Duration("for", 5*time.Second, "how long each load of reads lasts; orders last twice as long")
	only := flag.Bool("social", false, "measure the social network instead of the delivery")
	large := flag.Int("statuses", 1_000_000, "how many statuses the large town of -social has")
	raw := flag.String("raw", "", "serve the bare handler with its database in this folder (the bench starts itself so)")
	flag.Parse()
	var err error
	if *raw != "" {
		err = serveRaw(*raw)
	} else if *only {
		err = social(*bin, *long, *large)
	} else {
		err = run(*bin, *long)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// row prints one figure.
func row(name, figure, target string, ok bool) {
	word := "ok"
	if !ok {
		word = "SHORT"
	}
	if target == "" {
		word = ""
	}
	fmt.Printf("%-44s %-66s %-22s %s\n", name, figure, target, word)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }

func run(bin string, long time.Duration) error {
	dir, err := os.MkdirTemp("", "stoa-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("%d processors shared with the load, %s, SQLite\n\n", runtime.NumCPU(), runtime.Version())
	data := filepath.Join(dir, "data")
	p, err := serve(bin, data)
	if err != nil {
		return err
	}
	defer func() { p.stop() }()
	t, err := build(bin, data, p)
	if err != nil {
		return err
	}
	if err := reads(t, dir, long); err != nil {
		return err
	}
	if err := orders(t, 2*long, "on_delivery", 2000); err != nil {
		return err
	}
	if err := orders(t, 2*long, "card", 500); err != nil {
		return err
	}
	if err := streams(t); err != nil {
		return err
	}
	p.stop()
	return startUp(bin, data, &p)
}

// serve starts the server with limits that let one machine hold a thousand streams.
func serve(bin, data string) (*process, error) {
	return start(bin, "serve", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "warn",
		"--set", "limits.conns_per_ip=10000", "--set", "limits.streams=10000", "--set", "limits.rate=off")
}

// measured is a load together with what it cost the server.
type measured struct {
	figures
	cpu time.Duration // for each request
}

func measure(p *process, n int, d time.Duration, step func(int, *conn) (bool, string, error)) measured {
	before := p.cpu()
	f := load(p.addr, n, d, step)
	return measured{f, (p.cpu() - before) / time.Duration(max(1, f.done))}
}

func (m measured) String() string {
	s := fmt.Sprintf("%6.0f/s  p50 %s  p99 %s  %d µs CPU", m.rate(), ms(m.quantile(0.5)), ms(m.quantile(0.99)), m.cpu.Microseconds())
	if m.wrong > 0 {
		s += fmt.Sprintf("  %d FAILED (%s)", m.wrong, m.first)
	}
	return s
}

// reads compares the two busiest pages of data with the bare handler.
func reads(t *town, dir string, long time.Duration) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bare, err := start(self, "-raw", dir)
	if err != nil {
		return err
	}
	defer bare.stop()
	paths := []struct{ name, path string }{
		{"restaurants near me, 20 of 42", fmt.Sprintf("/api/stoa/v1/restaurants?lat=%.4f&lon=%.4f&limit=20", centerLat, centerLon)},
		{fmt.Sprintf("menu of %d dishes", dishes), "/api/stoa/v1/restaurants/" + t.shops[0].Slug + "/menu"},
	}
	for _, n := range []int{16, 64} {
		at := fmt.Sprintf(", %d clients", n)
		load(bare.addr, n, 300*time.Millisecond, same(request("GET", "/", nil)))
		ceiling := measure(bare, n, long, same(request("GET", "/", nil)))
		row("bare handler: 20 rows of SQLite"+at, ceiling.String(), "", true)
		for _, p := range paths {
			req := request("GET", p.path, nil)
			load(t.p.addr, n, 300*time.Millisecond, same(req))
			m := measure(t.p, n, long, same(req))
			ratio := 100 * m.rate() / ceiling.rate()
			row(p.name+at, fmt.Sprintf("%s  = %.0f %%", m, ratio), "≥ 50 % of the bare", ratio >= 50 && m.wrong == 0)
		}
	}
	return nil
}

// orders has all customers order at once, paid as method says, and then looks whether everything that was acknowledged is there. Each order by
// card asks the sandbox, whose books are in the same database, to hold the amount before it is acknowledged.
func orders(t *town, long time.Duration, method string, least float64) error {
	type mine struct {
		bodies [][]byte
		acked  []string
		n      int
	}
	all := make([]mine, len(t.crowd))
	for i := range all {
		r := rand.New(rand.NewPCG(3, uint64(i)))
		for range 8 {
			b, err := agreed(t.crowd[i], t.wish(r, i), method)
			if err != nil {
				return err
			}
			all[i].bodies = append(all[i].bodies, b)
		}
	}
	m := measure(t.p, len(t.crowd), long, func(i int, c *conn) (bool, string, error) {
		me := &all[i]
		me.n++
		status, body, err := c.do(request("POST", "/api/stoa/v1/orders", me.bodies[me.n%len(me.bodies)],
			"Authorization", "Bearer "+t.crowd[i].token, "Idempotency-Key", fmt.Sprintf("bench-%s-%d", method, me.n)))
		if err != nil || status != 201 {
			return false, fmt.Sprintf("%d %.300s", status, body), err
		}
		var o struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(body, &o); err != nil {
			return false, err.Error(), nil
		}
		me.acked = append(me.acked, o.ID)
		return true, "", nil
	})
	row(fmt.Sprintf("durable orders, %s, %d clients", method, len(t.crowd)), m.String(), fmt.Sprintf("≥ %.0f/s, p99 ≤ 250 ms", least), m.rate() >= least && m.quantile(0.99) <= 250*time.Millisecond && m.wrong == 0)
	lost, acked := 0, 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	var problem error
	for i := range all {
		wg.Go(func() {
			there, err := stored(t.crowd[i])
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				problem = err
			}
			for _, id := range all[i].acked {
				acked++
				if !there[id] {
					lost++
				}
			}
		})
	}
	wg.Wait()
	row("acknowledged orders that are stored", fmt.Sprintf("%d of %d", acked-lost, acked), "all", lost == 0)
	return problem
}

// stored returns the ids of a customer's orders.
func stored(c client) (map[string]bool, error) {
	out := map[string]bool{}
	cursor := ""
	for {
		var page struct {
			Items []struct {
				ID string `json:"id"`
			} `json:"items"`
			Next string `json:"next"`
		}
		if err := c.call("GET", "/orders?limit=100&cursor="+cursor, nil, &page); err != nil {
			return nil, err
		}
		for _, o := range page.Items {
			out[o.ID] = true
		}
		if cursor = page.Next; cursor == "" {
			return out, nil
		}
	}
}

func streams(t *town) error {
	fromRequest, fromAnswer, err := fanOut(t)
	if err != nil {
		return err
	}
	p99 := fromAnswer.quantile(0.99)
	row(fmt.Sprintf("event to %d subscribers, from its commit", subscribers), fmt.Sprintf("p50 %s  p99 %s", ms(fromAnswer.quantile(0.5)), ms(p99)), "p99 ≤ 30 ms", p99 <= 30*time.Millisecond)
	row("  the same from the sending of the request", fmt.Sprintf("p50 %s  p99 %s", ms(fromRequest.quantile(0.5)), ms(fromRequest.quantile(0.99))), "", true)
	missed, err := resume(t)
	if err != nil {
		return err
	}
	row("reconnecting subscriber, 10 events meanwhile", fmt.Sprintf("%d missed", missed), "0", missed == 0)
	return nil
}

// startUp measures the start on the data that the measurements left behind, and on none. The process that runs last is left in p.
func startUp(bin, data string, p **process) error {
	for _, s := range []struct{ name, data string }{{"start on an empty folder", data + "-new"}, {"start on the town's data", data}} {
		best, rss := time.Hour, 0.0
		for try := range 3 {
			if err := os.RemoveAll(data + "-new"); err != nil {
				return err
			}
			addr, err := freeAddr()
			if err != nil {
				return err
			}
			q, took, err := untilReady(bin, s.data, addr)
			if err != nil {
				return err
			}
			*p = q
			best = min(best, took)
			if try == 2 {
				time.Sleep(3 * time.Second)
				rss = q.rss()
			}
			q.stop()
		}
		row(s.name+", to the first 200 of /readyz", ms(best), "≤ 500 ms", best <= 500*time.Millisecond)
		row("  memory 3 s later", fmt.Sprintf("%.0f MB", rss), "≤ 80 MB", rss <= 80)
	}
	info, err := os.Stat(bin)
	if err != nil {
		return err
	}
	row("size of the program", fmt.Sprintf("%.1f MB", float64(info.Size())/(1<<20)), "", true)
	return nil
}
