package order

import (
	"context"
	"flag"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/web/ui"
)

var updatePages = flag.Bool("update", false, "write the golden files anew")

func line(item id.ID, qty int, note string) delivery.LineRequest {
	return delivery.LineRequest{Item: item, Qty: qty, Note: note}
}

// steps of a delivery, up to the one named.
func (d *evening) upTo(t testing.TB, order id.ID, state delivery.State) {
	t.Helper()
	now := d.clock.Now
	for _, step := range []struct {
		to delivery.State
		do func() error
	}{
		{delivery.Confirmed, func() error { _, err := d.Confirm(as(cook), order, nil); return err }},
		{delivery.Preparing, func() error { _, err := d.Prepare(as(cook), order); return err }},
		{delivery.Ready, func() error { _, err := d.MarkReady(as(cook), order); return err }},
		{delivery.InDelivery, func() error {
			return d.ride(func(ctx context.Context, tx *db.Tx) error {
				if err := d.SetCourier(ctx, tx, order, courier, now()); err != nil {
					return err
				}
				return d.PickUp(ctx, tx, order, courier, now())
			})
		}},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("to %s: %v", step.to, err)
		}
		if step.to == state {
			return
		}
	}
}

// heads has the courier set out to the customer.
func (d *evening) heads(t testing.TB, order id.ID) {
	t.Helper()
	d.ridden(t, func(ctx context.Context, tx *db.Tx) error {
		return d.Heading(ctx, tx, order, courier, d.clock.Now().Add(9*time.Minute), d.clock.Now())
	})
}

func TestPagesShowEachPersonTheirOwn(t *testing.T) {
	d := newEvening(t)
	p := d.place(t, supper(delivery.ByCourier, "Ring twice", line(101, 2, "no mushrooms"), line(102, 1, "")))
	d.upTo(t, p.Order, delivery.InDelivery)
	d.heads(t, p.Order)
	// Four digits stand by chance in what pages are full of, such as ids and the addresses of assets: what is to be missed is no number.
	d.ridden(t, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE orders SET handover_code = 'say*this' WHERE id = $1`, p.Order)
		return err
	})
	v := d.see(t, anna, p.Order)
	door := []string{"3rd floor", "gate code", "47*11", "660 1234567", "6601234567", "Lindengasse", "Weber", v.HandoverCode, "Ring twice", "no mushrooms", "€", "/t/"}
	for name, c := range map[string]struct {
		who      access.Actor
		path     string
		fragment bool
		status   int
		has      []string
		hasNot   []string
	}{
		"owner":            {anna, "/orders/" + p.Code, false, 200, []string{"<!doctype html>", "Dora is on the way with your dinner.", v.HandoverCode, "3rd floor, bell Weber", "€73.70", "of which tax 10", "of which tax 20", "/t/" + p.Token, "courier-30"}, []string{"/cancel", "/cart/again/"}},
		"owner, fragment":  {anna, "/orders/" + p.Code + "/live", true, 200, []string{`id="order"`, `data-live="order:` + p.Order.String(), v.HandoverCode}, []string{"<!doctype", "<main"}},
		"as typed":         {anna, "/orders/" + strings.ToLower(strings.ReplaceAll(p.Code, "-", "")), false, 200, []string{v.HandoverCode}, nil},
		"another customer": {bert, "/orders/" + p.Code, false, 404, nil, door},
		"a stranger":       {access.Actor{}, "/orders/" + p.Code, false, 401, nil, door},
		"other's fragment": {bert, "/orders/" + p.Code + "/live", true, 404, nil, door},
		"tracking link":    {access.Actor{}, "/t/" + p.Token, false, 200, []string{"Dora is on the way with the dinner.", "What is coming", "Menu for two", `data-live-src="/t/` + p.Token + `/events"`}, append(door[:len(door)-1:len(door)-1], "tel:", "/cancel", "/cart/again")},
		"its fragment":     {access.Actor{}, "/t/" + p.Token + "/live", true, 200, []string{`id="order"`}, append(door[:len(door)-1:len(door)-1], "<!doctype")},
		"a guessed link":   {access.Actor{}, "/t/" + p.Token[:6] + strings.Repeat("A", 22), false, 404, nil, door},
		"my orders":        {anna, "/orders", false, 200, []string{v.Code, "On its way", "about 19:09"}, []string{v.HandoverCode}},
		"other's orders":   {bert, "/orders", false, 200, []string{"Nothing ordered yet"}, []string{v.Code}},
		"no one's orders":  {access.Actor{}, "/orders", false, 401, nil, nil},
		"kitchen":          {cook, "/kitchen/luigi", false, 200, []string{v.Code, "On the way", "Dora", "Ring twice", "no mushrooms"}, []string{v.HandoverCode, "gate code", "47*11"}},
		"admin in kitchen": {chief, "/kitchen/luigi", false, 200, []string{v.Code}, nil},
		"other's kitchen":  {mozart, "/kitchen/luigi", false, 404, nil, []string{v.Code}},
		"customer":         {anna, "/kitchen/luigi", false, 404, nil, []string{v.Code}},
		"wrong kitchen":    {mozart, "/kitchen/mozart/orders/" + p.Code, false, 404, nil, []string{"Menu for two"}},
		"admin, wrong one": {chief, "/kitchen/mozart/orders/" + p.Code, false, 404, nil, []string{"Menu for two"}},
		"owner's ticket":   {anna, "/kitchen/luigi/orders/" + p.Code + "/print", false, 404, nil, []string{"Menu for two"}},
		"no such kitchen":  {cook, "/kitchen/none", false, 404, nil, nil},
		"no such verb":     {cook, "/kitchen/luigi/orders/" + p.Code + "/eat", false, 404, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := d.ask(c.who, c.path, nil, c.fragment)
			body := w.Body.String()
			if w.Code != c.status {
				t.Fatalf("GET %s: %d; want %d: %s", c.path, w.Code, c.status, body)
			}
			for _, s := range c.has {
				if !strings.Contains(body, s) {
					t.Errorf("GET %s has not %q", c.path, s)
				}
			}
			for _, s := range c.hasNot {
				if strings.Contains(body, s) {
					t.Errorf("GET %s has %q", c.path, s)
				}
			}
		})
	}
}

func TestCourierIsOnTheMapOnlyWhileHeadingToTheCustomer(t *testing.T) {
	d := newEvening(t)
	p := d.place(t, supper(delivery.ByCourier, "", line(100, 1, "")))
	d.upTo(t, p.Order, delivery.InDelivery)
	page := func() string { return d.ask(anna, "/orders/"+p.Code, nil, false).Body.String() }
	if got := page(); strings.Contains(got, "courier-30") || !strings.Contains(got, "makes another stop first") {
		t.Error("the map shows the courier who has another customer to see first")
	}
	d.heads(t, p.Order)
	if !strings.Contains(page(), "courier-30") {
		t.Error("the map does not show the courier who is on the way")
	}
	code := d.see(t, anna, p.Order).HandoverCode
	d.ridden(t, func(ctx context.Context, tx *db.Tx) error {
		return d.HandOver(ctx, tx, p.Order, courier, delivery.Proof{Code: code}, d.clock.Now())
	})
	if got := page(); strings.Contains(got, "courier-30") || strings.Contains(got, "stoa-map") {
		t.Error("the page still shows the courier after the delivery")
	}
}

func TestDelayIsShownWithOldTimeNewTimeAndReason(t *testing.T) {
	d := newEvening(t)
	p := d.place(t, supper(delivery.ByCourier, "", line(100, 1, "")))
	d.upTo(t, p.Order, delivery.Preparing)
	if w := d.ask(cook, "/kitchen/luigi/orders/"+p.Code+"/delay", url.Values{"minutes": {"15"}, "note": {"A dish takes longer"}}, true); w.Code != 200 || !strings.Contains(w.Body.String(), p.Code+" moved") {
		t.Fatalf("delay: %d %s", w.Code, w.Body)
	}
	plain := func(who access.Actor, path string) string {
		return strings.ReplaceAll(d.ask(who, path, nil, false).Body.String(), "\u2060", "")
	}
	mine := plain(anna, "/orders/"+p.Code)
	for _, want := range []string{">19:35–19:45</del>", "19:50–20:00</h1>", "“A dish takes longer.”"} {
		if !strings.Contains(mine, want) {
			t.Errorf("the customer's page has not %q", want)
		}
	}
	if guest := plain(access.Actor{}, "/t/"+p.Token); strings.Contains(guest, "A dish takes longer") || !strings.Contains(guest, ">19:35–19:45</del>") {
		t.Error("the tracking link shows the note, or not the delay")
	}
}

func TestCancelledPageSaysWhyAndWhatBecomesOfTheMoney(t *testing.T) {
	d := newEvening(t)
	paid := supper(delivery.ByCourier, "", line(100, 1, ""))
	paid.Method, paid.Card = delivery.PayByCard, "tok_ok"
	for name, c := range map[string]struct {
		in   delivery.PlaceRequest
		do   func(order id.ID) error
		want []string
	}{
		"refused": {supper(delivery.ByCourier, "", line(100, 1, "")), func(o id.ID) error {
			_, err := d.Refuse(as(cook), o, Why{Reason: "CLOSING", Note: "The oven broke"})
			return err
		}, []string{"Da Nonna is closing.", "The oven broke", "You pay nothing.", "Other restaurants"}},
		"refused, card":   {paid, func(o id.ID) error { _, err := d.Refuse(as(cook), o, Why{Reason: "RUSH_HOUR"}); return err }, []string{"too much to do", "goes back to your card"}},
		"by the customer": {supper(delivery.Pickup, "", line(100, 1, "")), func(o id.ID) error { _, err := d.Cancel(as(anna), o, Why{}); return err }, []string{"It was cancelled as you wished", "You pay nothing."}},
		"did not come": {supper(delivery.Pickup, "", line(100, 1, "")), func(o id.ID) error {
			d.upTo(t, o, delivery.Ready)
			_, err := d.Cancel(as(cook), o, Why{Reason: "NO_SHOW"})
			return err
		}, []string{"Nobody came to collect it.", "may still be asked of you"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := d.place(t, c.in)
			if err := c.do(p.Order); err != nil {
				t.Fatal(err)
			}
			body := d.ask(anna, "/orders/"+p.Code, nil, false).Body.String()
			for _, want := range c.want {
				if !strings.Contains(body, want) {
					t.Errorf("the page has not %q", want)
				}
			}
		})
	}
}

func TestCustomerCancelsWhileTheKitchenHasNotBegun(t *testing.T) {
	d := newEvening(t)
	p := d.place(t, supper(delivery.ByCourier, "", line(100, 1, "")))
	path := "/orders/" + p.Code + "/cancel"
	if w := d.ask(anna, path, nil, true); !strings.Contains(w.Body.String(), "<dialog") || strings.Contains(w.Body.String(), "<!doctype") {
		t.Errorf("the question is no dialog: %s", w.Body)
	}
	if w := d.ask(anna, path, nil, false); !strings.Contains(w.Body.String(), "<!doctype") {
		t.Error("without script the question is no page")
	}
	if w := d.ask(bert, path, url.Values{"why": {"It takes too long"}}, false); w.Code != 404 {
		t.Errorf("another's cancel: %d", w.Code)
	}
	if w := d.ask(anna, path, url.Values{"why": {"It takes too long"}, "note": {"sorry"}}, false); w.Code != 303 || w.Header().Get("Location") != "/orders/"+p.Code {
		t.Errorf("cancel: %d %s", w.Code, w.Header())
	}
	if v := d.see(t, cook, p.Order); v.State != delivery.Cancelled || v.ReasonNote != "It takes too long: sorry" {
		t.Errorf("cancelled as %s with %q", v.State, v.ReasonNote)
	}
	cooking := d.place(t, supper(delivery.ByCourier, "", line(100, 1, "")))
	d.upTo(t, cooking.Order, delivery.Preparing)
	w := d.ask(anna, "/orders/"+cooking.Code+"/cancel", url.Values{}, true)
	if w.Code != 403 || !strings.Contains(w.Body.String(), "being prepared") || !strings.Contains(w.Body.String(), "tel:+431234567") {
		t.Errorf("cancel while cooking: %d %s", w.Code, w.Body)
	}
}

func TestKitchenWorksWithOneTap(t *testing.T) {
	d := newEvening(t)
	p := d.place(t, supper(delivery.Pickup, "", line(100, 1, ""), line(103, 2, "")))
	base := "/kitchen/luigi/orders/" + p.Code
	v := d.see(t, anna, p.Order)
	post := func(verb string, form url.Values) string {
		t.Helper()
		w := d.ask(cook, base+"/"+verb, form, true)
		if w.Code != 200 || !strings.Contains(w.Body.String(), `id="board"`) {
			t.Fatalf("%s: %d %s", verb, w.Code, w.Body)
		}
		return w.Body.String()
	}
	if body := d.ask(cook, "/kitchen/luigi", nil, false).Body.String(); !strings.Contains(body, `data-alarm="order:`+p.Order.String()) || !strings.Contains(body, "data-alarm-host") || !strings.Contains(body, "refused in") {
		t.Error("a new order does not ring")
	}
	if body := post("confirm", url.Values{"shift": {"10"}}); strings.Contains(body, "data-alarm=") {
		t.Error("an accepted order rings on")
	}
	if got := d.see(t, cook, p.Order).ReadyAt.Sub(v.ReadyAt); got != 10*time.Minute {
		t.Errorf("accepted with +10, it is ready %s later", got)
	}
	post("confirm", url.Values{}) // a second tap is no mistake
	post("prepare", url.Values{})
	post("ready", url.Values{})
	if w := d.ask(cook, base+"/collect", url.Values{"code": {"wrong"}}, true); w.Code != 422 || !strings.Contains(w.Body.String(), "<dialog") || strings.Count(w.Body.String(), "not this order") != 1 {
		t.Errorf("a wrong code: %d %s", w.Code, w.Body)
	}
	if body := post("collect", url.Values{"code": {v.PickupCode}}); !strings.Contains(body, "handed over") {
		t.Error("it does not say that the order was handed over")
	}
	if w := d.ask(cook, base+"/prepare", url.Values{}, true); w.Code != 409 || !strings.Contains(w.Body.String(), "data-toast") || !strings.Contains(w.Body.String(), `id="board"`) {
		t.Errorf("an impossible step: %d %s", w.Code, w.Body)
	}
	if w := d.ask(cook, base+"/prepare", url.Values{}, false); w.Code != 409 {
		t.Errorf("an impossible step without script: %d", w.Code)
	}
	if w := d.ask(anna, base+"/ready", url.Values{}, true); w.Code != 404 {
		t.Errorf("a customer in the kitchen: %d", w.Code)
	}
	if body := d.ask(cook, "/kitchen/luigi/ended", nil, true).Body.String(); !strings.Contains(body, p.Code) || !strings.Contains(body, "Delivered") {
		t.Error("what is done is not listed")
	}
	if body := d.ask(cook, "/kitchen/luigi/today", nil, true).Body.String(); !strings.Contains(body, "<dd>1</dd>") || !strings.Contains(body, "100\u00a0%") {
		t.Errorf("the day's numbers: %s", body)
	}
}

func TestRefusedOrderIsSoldOutAndCanBeTakenUpAgain(t *testing.T) {
	d := newEvening(t)
	p := d.place(t, supper(delivery.ByCourier, "", line(100, 1, ""), line(103, 2, "")))
	base := "/kitchen/luigi/orders/" + p.Code
	if body := d.ask(cook, base+"/refuse", nil, true).Body.String(); !strings.Contains(body, `value="103"`) || !strings.Contains(body, "Too busy") || strings.Contains(body, "Nobody opened") {
		t.Errorf("the question: %s", body)
	}
	if w := d.ask(cook, base+"/refuse", url.Values{"reason": {"SOLD_OUT"}, "items": {"999"}}, true); w.Code != 422 || !strings.Contains(w.Body.String(), "<dialog") {
		t.Errorf("another's dish: %d %s", w.Code, w.Body)
	}
	w := d.ask(cook, base+"/refuse", url.Values{"reason": {"SOLD_OUT"}, "items": {"103"}}, true)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `hx-post="`+base+`/restore"`) {
		t.Fatalf("refuse: %d %s", w.Code, w.Body)
	}
	if diff := cmp.Diff([]id.ID{103}, d.soldOut); diff != "" {
		t.Errorf("sold out (-want +got):\n%s", diff)
	}
	if w := d.ask(cook, base+"/restore", url.Values{}, true); w.Code != 200 || !strings.Contains(w.Body.String(), `id="t-`+p.Code) {
		t.Errorf("restore: %d %s", w.Code, w.Body)
	}
}

func TestCancelledOrderStopsTheCookForAWhile(t *testing.T) {
	d := newEvening(t)
	p := d.place(t, supper(delivery.ByCourier, "", line(100, 1, "")))
	d.upTo(t, p.Order, delivery.Preparing)
	must[*View](t)(d.Cancel(as(desk), p.Order, Why{Reason: "NO_COURIER"}))
	board := func() string { return d.ask(cook, "/kitchen/luigi/live", nil, true).Body.String() }
	if got := board(); !strings.Contains(got, "data-chime") || !strings.Contains(got, "Cancelled: No courier to bring it") || !strings.Contains(got, "/restore") {
		t.Error("the kitchen is not told to stop")
	}
	d.clock.Advance(dropped + time.Minute)
	if got := board(); strings.Contains(got, p.Code) {
		t.Error("the cancelled order stays for ever")
	}
}

func TestBoardKeepsTheEarliestPromiseFirst(t *testing.T) {
	d := newEvening(t)
	var want []string
	for range 4 {
		p := d.place(t, supper(delivery.ByCourier, "", line(100, 1, "")))
		d.upTo(t, p.Order, delivery.Confirmed)
		d.clock.Advance(time.Minute)
		want = append(want, p.Code)
	}
	codes := func() (out []string) {
		for _, m := range regexp.MustCompile(`id="t-([^"]+)"`).FindAllStringSubmatch(d.ask(cook, "/kitchen/luigi/live", nil, true).Body.String(), -1) {
			out = append(out, m[1])
		}
		return out
	}
	if diff := cmp.Diff(want, codes()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	d.ask(cook, "/kitchen/luigi/orders/"+want[2]+"/prepare", url.Values{}, true) // another state of the same column
	if diff := cmp.Diff(want, codes()); diff != "" {
		t.Errorf("after a step (-want +got):\n%s", diff)
	}
}

func TestActiveOrdersComeFirstAndPastOnesArePaged(t *testing.T) {
	d := newEvening(t)
	open := d.place(t, supper(delivery.ByCourier, "", line(100, 1, "")))
	for range pastShown + 3 {
		p := d.place(t, supper(delivery.Pickup, "", line(103, 1, "")))
		must[*View](t)(d.Cancel(as(anna), p.Order, Why{}))
	}
	d.clock.Advance(time.Hour)
	first := d.ask(anna, "/orders", nil, false).Body.String()
	if i, j := strings.Index(first, open.Code), strings.Index(first, "Earlier"); i < 0 || i > j {
		t.Error("the open order, older than a page of others, does not come first")
	}
	if n := strings.Count(first, `class="order-row"`); n != pastShown {
		t.Errorf("the first page has %d past orders; want %d", n, pastShown)
	}
	next := regexp.MustCompile(`/orders\?cursor=[^"]+`).FindString(first)
	second := d.ask(anna, next, nil, false).Body.String()
	if n := strings.Count(second, `class="order-row"`); n != 3 || strings.Contains(second, `id="active"`) {
		t.Errorf("the second page has %d past orders; want 3", n)
	}
}

func TestPrintedTicketIsAsCooksReadIt(t *testing.T) {
	d := newEvening(t)
	p := d.place(t, supper(delivery.ByCourier, "Severe peanut allergy, please clean the board first. Thank you!", line(102, 2, ""), line(101, 1, "al dente"), line(104, 1, "")))
	d.upTo(t, p.Order, delivery.Confirmed)
	w := d.ask(cook, "/kitchen/luigi/orders/"+p.Code+"/print", nil, false)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "data-print-now") {
		t.Fatalf("print: %d", w.Code)
	}
	got := regexp.MustCompile(`(?s)<article class="slip".*?</article>`).FindString(w.Body.String())
	got = strings.NewReplacer(p.Code, "K7Q-2PM", "><", ">\n<").Replace(got) + "\n"
	path := filepath.Join("testdata", "ticket.golden")
	if *updatePages {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the printed ticket changed; run with -update if that is meant (-want +got):\n%s", diff)
	}
}

// Pages are held to what the content security policy and people with a keyboard need.
func TestPagesHaveLabelsAndNoInlineStyleOrScript(t *testing.T) {
	d := newEvening(t)
	fresh := d.place(t, supper(delivery.ByCourier, "nut allergy", line(101, 2, "no mushrooms")))
	ready := d.place(t, supper(delivery.Pickup, "", line(102, 1, "")))
	d.upTo(t, ready.Order, delivery.Ready)
	riding := d.place(t, supper(delivery.ByCourier, "", line(100, 1, "")))
	d.upTo(t, riding.Order, delivery.InDelivery)
	d.paused = d.clock.Now().Add(time.Hour)
	inline := regexp.MustCompile(`\sstyle="|\son[a-z]+="|hx-on|<script(?:[^>]*)>[^<]`)
	nameless := regexp.MustCompile(`<(button|a)\b([^>]*)>(?s:(.*?))</(?:button|a)>`)
	unlabelled := regexp.MustCompile(`<input\b[^>]*>`)
	tag := regexp.MustCompile(`(?s)<svg.*?</svg>|<[^>]*>`)
	kitchen := "/kitchen/luigi/orders/"
	for _, c := range []struct {
		who  access.Actor
		path string
	}{
		{anna, "/orders"},
		{anna, "/orders/" + fresh.Code},
		{anna, "/orders/" + riding.Code},
		{anna, "/orders/" + ready.Code},
		{anna, "/orders/" + fresh.Code + "/cancel"},
		{access.Actor{}, "/t/" + riding.Token},
		{cook, "/kitchen/luigi"},
		{cook, "/kitchen/luigi/ended"},
		{cook, kitchen + fresh.Code},
		{cook, kitchen + fresh.Code + "/refuse"},
		{cook, kitchen + fresh.Code + "/delay"},
		{cook, kitchen + ready.Code + "/cancel"},
		{cook, kitchen + ready.Code + "/collect"},
		{cook, kitchen + ready.Code + "/print"},
	} {
		w := d.ask(c.who, c.path, nil, false)
		body := w.Body.String()
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d", c.path, w.Code)
		}
		if got := inline.FindString(body); got != "" {
			t.Errorf("%s has %q", c.path, got)
		}
		for _, m := range nameless.FindAllStringSubmatch(body, -1) {
			if !strings.Contains(m[2], "aria-label") && strings.TrimSpace(tag.ReplaceAllString(m[3], "")) == "" {
				t.Errorf("%s: nobody can say what this is: %s", c.path, m[0])
			}
		}
		for _, in := range unlabelled.FindAllString(body, -1) {
			if strings.Contains(in, `type="hidden"`) || strings.Contains(in, `type="checkbox"`) || strings.Contains(in, `type="radio"`) {
				continue // the latter two stand in their labels
			}
			if m := regexp.MustCompile(`id="([^"]+)"`).FindStringSubmatch(in); m == nil || !strings.Contains(body, `for="`+m[1]+`"`) {
				t.Errorf("%s: an input without a label: %s", c.path, in)
			}
		}
	}
	body := d.ask(cook, "/kitchen/luigi", nil, false).Body.String()
	for _, key := range []string{`data-key="a"`, `data-key="s"`, `data-key="d"`} {
		if !strings.Contains(body, key) {
			t.Errorf("the kitchen has no key %s", key)
		}
	}
}

func TestTrackingStreamIsOnlyForThoseWithTheLink(t *testing.T) {
	d := newEvening(t)
	p := d.place(t, supper(delivery.ByCourier, "", line(100, 1, "")))
	if w := d.ask(access.Actor{}, "/t/"+p.Token[:6]+strings.Repeat("A", 22)+"/events", nil, false); w.Code != 404 {
		t.Errorf("a guessed link: %d", w.Code)
	}
}

func TestAllergiesAreFoundInNotes(t *testing.T) {
	for note, want := range map[string]bool{
		"My son has a peanut ALLERGY": true, "Nussallergie!": true, "Laktoseintoleranz": true, "gluten free please": true, "coeliac": true,
		"ring twice": false, "": false, "extra nuts": false,
	} {
		if got := allergic(note); got != want {
			t.Errorf("allergic(%q) = %v; want %v", note, got, want)
		}
	}
}

func TestTimeLeftReadsAsInTheBrowser(t *testing.T) {
	now := time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)
	for in, want := range map[time.Duration]string{0: "0:00", 65 * time.Second: "1:05", -65 * time.Second: "+1:05", time.Hour + 61*time.Second: "1:01:01"} {
		if got := left(now, now.Add(in)); got != want {
			t.Errorf("left(%s) = %q; want %q", in, got, want)
		}
	}
}

func TestPercentIsWrittenInTheLanguage(t *testing.T) {
	de := ui.WithChrome(t.Context(), ui.Chrome{Lang: "de"})
	for _, c := range []struct {
		ctx  context.Context
		rate int
		want string
	}{{t.Context(), 700, "7\u00a0%"}, {t.Context(), 550, "5.5\u00a0%"}, {de, 550, "5,5\u00a0%"}} {
		if got := percent(c.ctx, c.rate); got != c.want {
			t.Errorf("percent(%d) = %q; want %q", c.rate, got, c.want)
		}
	}
}

// BenchmarkKitchenFragment is what a tablet asks for after every event, with 30 orders under way and a day's work behind.
func BenchmarkKitchenFragment(b *testing.B) {
	d := newEvening(b)
	for i := range 150 {
		p := d.place(b, supper(delivery.ByCourier, "Ring twice", line(101, 2, "no mushrooms"), line(102, 1, ""), line(104, 2, "")))
		switch {
		case i < 120:
			must[*View](b)(d.Cancel(as(anna), p.Order, Why{}))
		case i%3 == 1:
			d.upTo(b, p.Order, delivery.Preparing)
		case i%3 == 2:
			d.upTo(b, p.Order, delivery.InDelivery)
		}
		if i == 119 {
			d.clock.Advance(time.Hour)
		}
	}
	var before, after syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	for b.Loop() {
		if w := d.ask(cook, "/kitchen/luigi/live", nil, true); w.Code != 200 || strings.Count(w.Body.String(), "<article") != 30 {
			b.Fatal(w.Code, strings.Count(w.Body.String(), "<article"))
		}
	}
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	b.ReportMetric(float64(after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano())/1e6/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(d.ask(cook, "/kitchen/luigi/live", nil, true).Body.Len()), "bytes")
}
