package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
)

// How large the town is in which is measured.
const (
	restaurants = 42
	dishes      = 30
	customers   = 64
	centerLat   = 52.5200
	centerLon   = 13.4050
)

// town is a running server with restaurants and customers.
type town struct {
	p     *process
	admin client
	shops []shop
	crowd []client
}

type shop struct {
	ID    string `json:"id"`
	Slug  string `json:"slug"`
	items []string
}

// build opens the restaurants, all within reach of the centre and of each other, and signs the customers up.
func build(bin, data string, p *process) (*town, error) {
	t := &town{p: p}
	cli := func(args ...string) (string, error) {
		out, err := exec.Command(bin, append(args, "--data", data)...).Output()
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("stoa %s: %w: %s", strings.Join(args, " "), err, e.Stderr)
		}
		return strings.TrimSpace(string(out)), err
	}
	if _, err := cli("admin", "account", "create", "--name", "boss", "--email", "boss@example.org", "--password", password, "--role", "admin"); err != nil {
		return nil, err
	}
	token, err := cli("admin", "token", "create", "--account", "boss")
	if err != nil {
		return nil, err
	}
	t.admin = client{p.addr, token}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range restaurants {
		s, err := t.open(r, i)
		if err != nil {
			return nil, err
		}
		t.shops = append(t.shops, s)
	}
	if err := t.signUp(); err != nil {
		return nil, err
	}
	for i := range subscribers / perAccount { // who watches everybody's orders
		if _, err := cli("admin", "role", "grant", "dispatcher", "--account", fmt.Sprintf("n%d@example.org", i)); err != nil {
			return nil, err
		}
	}
	return t, nil
}

const password = "stoa-of-attalos-17"

func (t *town) open(r *rand.Rand, i int) (shop, error) {
	var s shop
	at := map[string]any{"lat": centerLat + (r.Float64()-0.5)*0.02, "lon": centerLon + (r.Float64()-0.5)*0.03}
	err := t.admin.call("POST", "/restaurants", map[string]any{
		"name": fmt.Sprintf("Kitchen %d", i), "blurb": "Slow food from around the corner, cooked to order.", "cuisines": []string{"indian", "vegan"},
		"street": fmt.Sprintf("Market Street %d", i), "city": "Arkadia", "point": at, "phone": "+49 30 1", "hours": "Mo-Su 00:00-24:00",
		"time_zone": "Europe/Berlin", "delivers": true, "picks_up": true,
		"zones": []map[string]any{{"radius_m": 1500, "fee": 150}, {"radius_m": 6000, "fee": 350, "minimum": 500}},
	}, &s)
	if err != nil {
		return s, err
	}
	var csv strings.Builder
	csv.WriteString("section,item,description,price,allergens,diets,group,group_min,group_max,option,option_price\n")
	for d := range dishes {
		name := fmt.Sprintf("Dish %d of %d", d, i)
		fmt.Fprintf(&csv, "Section %d,%s,Cooked for an hour with herbs from the garden.,%d.50,gluten|milk,vegetarian,", d/6, name, 4+d%9)
		if d%5 != 0 {
			csv.WriteString(",,,,\n")
			continue
		}
		csv.WriteString("Size,0,1,Large,2.00\n")
		fmt.Fprintf(&csv, "Section %d,%s,,,,,Size,0,1,Huge,4.00\n", d/6, name)
	}
	if err := t.admin.call("POST", "/restaurants/"+s.Slug+"/menu/import", csv.String(), nil); err != nil {
		return s, err
	}
	var menu struct {
		Sections []struct {
			Items []struct {
				ID string `json:"id"`
			} `json:"items"`
		} `json:"sections"`
	}
	if err := t.admin.call("GET", "/restaurants/"+s.Slug+"/menu", nil, &menu); err != nil {
		return s, err
	}
	for _, sec := range menu.Sections {
		for _, it := range sec.Items {
			s.items = append(s.items, it.ID)
		}
	}
	if len(s.items) != dishes {
		return s, fmt.Errorf("the menu of %s has %d dishes; want %d", s.Slug, len(s.items), dishes)
	}
	return s, nil
}

func (t *town) signUp() error {
	t.crowd = make([]client, customers)
	problems := make([]error, customers)
	var wg sync.WaitGroup
	gate := make(chan struct{}, 4)
	for i := range customers {
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			var out struct {
				Token string `json:"token"`
			}
			problems[i] = client{addr: t.p.addr}.call("POST", "/accounts", map[string]string{
				"name": fmt.Sprintf("Neighbour %d", i), "email": fmt.Sprintf("n%d@example.org", i), "password": password,
			}, &out)
			t.crowd[i] = client{t.p.addr, out.Token}
		})
	}
	wg.Wait()
	for _, err := range problems {
		if err != nil {
			return err
		}
	}
	return nil
}

// wish returns an order's body: two or three lines, every second to be brought.
func (t *town) wish(r *rand.Rand, customer int) map[string]any {
	s := t.shops[r.IntN(len(t.shops))]
	var lines []map[string]any
	for range 2 + r.IntN(2) {
		lines = append(lines, map[string]any{"item": s.items[r.IntN(len(s.items))], "qty": 1 + r.IntN(3)})
	}
	w := map[string]any{"restaurant": s.ID, "mode": "pickup", "lines": lines}
	if customer%2 == 0 {
		w["mode"] = "delivery"
		w["to"] = map[string]any{"point": map[string]any{"lat": centerLat, "lon": centerLon}, "street": "Lindenweg 7", "name": "Anna", "phone": "+49 30 2"}
	}
	return w
}

// agreed returns the body that orders a wish for what it costs now, paid as method says.
func agreed(c client, wish map[string]any, method string) ([]byte, error) {
	var q struct {
		Fingerprint string            `json:"fingerprint"`
		Problems    []json.RawMessage `json:"problems"`
	}
	if err := c.call("POST", "/quotes", wish, &q); err != nil {
		return nil, err
	}
	if len(q.Problems) > 0 {
		return nil, fmt.Errorf("the quote has problems: %s", q.Problems)
	}
	wish["fingerprint"], wish["method"] = q.Fingerprint, method
	if method == "card" {
		wish["card"] = "tok_ok"
	}
	return json.Marshal(wish)
}
