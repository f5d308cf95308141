// Package replay plays real days of a real take-away through the server and compares every total to the penny.
package replay

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/harness"
)

// line is a line of the file that makes sense.
type line struct {
	dish  string
	qty   int
	pence int64
}

// order is an invoice of the file.
type order struct {
	invoice string
	lines   []line
}

func (o order) total() (sum int64) {
	for _, l := range o.lines {
		sum += int64(l.qty) * l.pence
	}
	return sum
}

// day is the orders of one date in the order of the file, and what of it makes no sense.
type day struct {
	orders []order
	lines  int
	odd    []string
}

// pence reads "12.95" exactly.
func pence(s string) (int64, error) {
	whole, frac, _ := strings.Cut(strings.TrimSpace(s), ".")
	if len(frac) > 2 {
		return 0, fmt.Errorf("%q has fractions of a penny", s)
	}
	n, err := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no price", s)
	}
	return n, nil
}

// sense returns a line, or what is wrong with it.
func sense(row map[string]string) (line, error) {
	dish := strings.TrimSpace(row["description"])
	if dish == "" {
		return line{}, errors.New("the dish is missing")
	}
	qty, err := strconv.Atoi(strings.TrimSpace(row["Quantity"]))
	if err != nil || qty <= 0 {
		return line{}, fmt.Errorf("a quantity of %q", row["Quantity"])
	}
	p, err := pence(row["Product Price"])
	if err != nil {
		return line{}, err
	}
	if p < 0 {
		return line{}, fmt.Errorf("a price of %q", row["Product Price"])
	}
	return line{dish, qty, p}, nil
}

// read returns the given days of the file.
func read(t *testing.T, dates ...string) map[string]*day {
	f, err := os.Open(harness.Shared(t, "data/takeaway/orders.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	head, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*day{}
	for _, d := range dates {
		out[d] = &day{}
	}
	for n := 2; ; n++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		row := map[string]string{}
		for i, h := range head {
			row[h] = cells[i]
		}
		date, _, _ := strings.Cut(row["Order Date"], " ")
		d := out[date]
		if d == nil {
			continue
		}
		d.lines++
		at := slices.IndexFunc(d.orders, func(o order) bool { return o.invoice == row["invoice"] })
		if at < 0 {
			at = len(d.orders)
			d.orders = append(d.orders, order{invoice: row["invoice"]})
		}
		l, err := sense(row)
		if err != nil {
			d.odd = append(d.odd, fmt.Sprintf("line %d, invoice %s: %v", n, row["invoice"], err))
			continue
		}
		d.orders[at].lines = append(d.orders[at].lines, l)
	}
	return out
}

// card is the menu of one day: a dish that was sold at several prices is an item for each of them.
func card(d *day) (text string, item func(line) string) {
	prices := map[string][]int64{}
	var dishes []string
	for _, o := range d.orders {
		for _, l := range o.lines {
			if prices[l.dish] == nil {
				dishes = append(dishes, l.dish)
			}
			if !slices.Contains(prices[l.dish], l.pence) {
				prices[l.dish] = append(prices[l.dish], l.pence)
			}
		}
	}
	money := func(p int64) string { return fmt.Sprintf("%d.%02d", p/100, p%100) }
	item = func(l line) string {
		if len(prices[l.dish]) == 1 {
			return l.dish
		}
		return fmt.Sprintf("%s (%s)", l.dish, money(l.pence))
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Write([]string{"dish", "price"})
	for _, dish := range dishes {
		for _, p := range prices[dish] {
			w.Write([]string{item(line{dish: dish, pence: p}), money(p)})
		}
	}
	w.Flush()
	return b.String(), item
}

func TestTheBusiestDaysAreSoldToThePenny(t *testing.T) {
	want := map[string]int{"18/05/19": 39, "30/11/18": 36}
	days := read(t, "18/05/19", "30/11/18")
	harness.Databases(t, func(t *testing.T, args ...string) {
		s := harness.Start(t, "serve", args...)
		admin := s.Account(t, "boss", "admin")
		for date, d := range days {
			if len(d.orders) != want[date] {
				t.Fatalf("the file has %d orders of %s; want %d", len(d.orders), date, want[date])
			}
			t.Logf("%s: %d orders, %d lines, %d of them make no sense", date, len(d.orders), d.lines, len(d.odd))
			for _, o := range d.odd {
				t.Log("  ", o)
			}
			name := "Kensington " + strings.ReplaceAll(date, "/", " ")
			shop := admin.Restaurant(t, name, map[string]any{
				"currency": "GBP", "time_zone": "Europe/London", "tax": map[string]int{"food": 2000, "drink": 2000, "alcohol": 2000},
			})
			text, item := card(d)
			t.Log(s.ImportMenu(t, shop, text))
			play(t, s, admin, shop, d, item)
		}
	})
}

// play orders a day's invoices one after the other and takes each to its customer.
func play(t *testing.T, s *harness.Server, admin *harness.Client, shop harness.Shop, d *day, item func(line) string) {
	items := admin.Items(t, shop)
	customer := s.SignUp(t)
	cook := s.SignUp(t)
	cook.Grant(t, "staff:"+shop.Slug)
	var sold, food int64
	played, byCourier := 0, 0
	carrier := newCarrier(t, s)
	for n, o := range d.orders {
		if o.total() <= 0 || len(o.lines) == 0 {
			t.Logf("invoice %s makes no sense: %d lines, a total of %d", o.invoice, len(o.lines), o.total())
			continue
		}
		var lines []harness.Line
		for _, l := range o.lines {
			id := items[item(l)]
			if id == "" {
				t.Fatalf("invoice %s: the menu has no %s", o.invoice, item(l))
			}
			lines = append(lines, harness.Line{Item: id, Qty: l.qty})
		}
		mode := "pickup"
		if n%4 == 3 { // every fourth is brought
			mode = "delivery"
			byCourier++
		}
		body, q := customer.Quoted(t, harness.Wish(shop, mode, lines...))
		var placed harness.Order
		customer.Want(t, 201, "POST", "/orders", body, &placed, "Idempotency-Key", o.invoice)
		for i, l := range o.lines {
			if got := placed.Lines[i]; got.Unit != l.pence || got.Qty != l.qty || got.Total != int64(l.qty)*l.pence {
				t.Errorf("invoice %s, line %d is %d × %d = %d; want %d × %d of %s", o.invoice, i, got.Qty, got.Unit, got.Total, l.qty, l.pence, l.dish)
			}
		}
		if placed.Subtotal != o.total() || placed.Total != o.total()+placed.Fee || placed.Total != q.Total || placed.Currency != "GBP" {
			t.Errorf("invoice %s: food %d, total %d with a fee of %d %s; want food of %d GBP", o.invoice, placed.Subtotal, placed.Total, placed.Fee, placed.Currency, o.total())
		}
		for _, verb := range []string{"confirm", "prepare", "ready"} {
			cook.Want(t, 200, "POST", "/orders/"+placed.ID+"/"+verb, nil, nil)
		}
		if mode == "pickup" {
			if placed.Fee != 0 {
				t.Errorf("invoice %s: a fee of %d for food that is collected", o.invoice, placed.Fee)
			}
			cook.Want(t, 200, "POST", "/orders/"+placed.ID+"/collect", map[string]string{"code": placed.PickupCode}, nil)
		} else {
			carrier.bring(t, placed)
		}
		var end harness.Order
		customer.Want(t, 200, "GET", "/orders/"+placed.ID, nil, &end)
		if end.State != "DELIVERED" && end.State != "CONCLUDED" || end.Total != placed.Total {
			t.Errorf("invoice %s ends %s with a total of %d; want DELIVERED with %d", o.invoice, end.State, end.Total, placed.Total)
		}
		played++
		food += end.Subtotal
		sold += o.total()
	}
	if food != sold {
		t.Errorf("food for %d was sold; the file says %d", food, sold)
	}
	t.Logf("%d orders to DELIVERED, %d of them by courier, for £%d.%02d", played, byCourier, sold/100, sold%100)
}

// carrier is a courier on duty.
type carrier struct {
	client     *harness.Client
	dispatcher *harness.Client
	id         string
}

// newCarrier puts a courier on duty.
func newCarrier(t *testing.T, s *harness.Server) *carrier {
	c := &carrier{client: s.SignUp(t), dispatcher: s.SignUp(t)}
	c.client.Grant(t, "courier")
	c.dispatcher.Grant(t, "dispatcher")
	var me struct {
		ID string `json:"id"`
	}
	c.client.Want(t, 200, "GET", "/me", nil, &me)
	c.id = me.ID
	c.client.Want(t, 200, "POST", "/courier/duty", map[string]any{"on": true, "vehicle": "bike"}, nil)
	c.client.Want(t, 204, "POST", "/courier/position", map[string]any{"lat": harness.HereLat, "lon": harness.HereLon, "at": time.Now().UTC()}, nil)
	return c
}

// bring takes an order that stands on the counter to its customer.
func (c *carrier) bring(t *testing.T, o harness.Order) {
	// The dispatcher's own hand: whether it is offered to the courier at the same moment does not matter. The trip follows the order's
	// event, so it may not be there yet.
	for try := 0; ; try++ {
		r := c.dispatcher.Do(t, "POST", "/dispatch/assignments", map[string]string{"order": o.ID, "courier": c.id})
		if r.Status == 200 {
			break
		}
		if try == 100 || r.Status != 404 && r.Status != 409 {
			t.Fatalf("assign %s = %d %s", o.Code, r.Status, r.Body)
		}
		time.Sleep(20 * time.Millisecond)
	}
	for _, stop := range []string{"pickup", "dropoff"} {
		task := c.task(t, o, stop)
		c.client.Want(t, 200, "POST", "/courier/tasks/"+task+"/start", map[string]any{}, nil)
		c.client.Want(t, 200, "POST", "/courier/tasks/"+task+"/arrive", map[string]any{}, nil)
		proof := map[string]any{}
		if stop == "dropoff" {
			proof["code"] = o.Handover
		}
		c.client.Want(t, 200, "POST", "/courier/tasks/"+task+"/complete", proof, nil)
	}
}

// task returns the id of a stop of an order.
func (c *carrier) task(t *testing.T, o harness.Order, stop string) string {
	var work struct {
		Tasks []struct {
			ID    string `json:"id"`
			Order string `json:"order"`
			Stop  string `json:"stop"`
		} `json:"tasks"`
	}
	c.client.Want(t, 200, "GET", "/courier/tasks", nil, &work)
	for _, k := range work.Tasks {
		if k.Order == o.ID && k.Stop == stop {
			return k.ID
		}
	}
	t.Fatalf("the courier has no %s of %s: %+v", stop, o.Code, work.Tasks)
	return ""
}
