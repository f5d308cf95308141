package app

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/privacy"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/cart"
	"github.com/stoa-town/stoa/internal/delivery/discover"
	"github.com/stoa-town/stoa/internal/delivery/dispatch"
	"github.com/stoa-town/stoa/internal/delivery/menu"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

// here is where the test's town is.
var here = geo.Point{Lat: 52.51, Lon: 13.41}

// place is a town over one database whose clock is moved by hand.
type place struct {
	*App
	clock *clock.Manual
	shop  id.ID
	dish  id.ID
	admin access.Actor
}

// onBoth runs a test in a town on SQLite and in one on PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, p *place)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newPlace(t, "")) })
	t.Run("postgres", func(t *testing.T) { test(t, newPlace(t, dbtest.PostgresURL(t))) })
}

func newPlace(t *testing.T, database string) *place {
	t.Helper()
	set := config.Overrides{
		"data": t.TempDir(), "database": database, "mail.mode": "dev", "mail.from": "town@example.org", "retention.way": "40d", "town.lat": "52.51", "town.lon": "13.41",
	}
	cfg, err := config.Load(set, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	p := &place{clock: clock.NewManual(time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC))}
	p.App, err = Build(t.Context(), cfg, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Version: "1", Now: p.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(context.WithoutCancel(t.Context())) })
	p.Start(t.Context())
	p.admin = p.person(t, "ada", "Ada Admin", access.Grant{Role: access.RoleAdmin})
	s := p.Restaurants.Defaults()
	s.Name, s.Street, s.City, s.Phone, s.Point, s.Hours = "Taj", "Markt 1", "Arkadia", "+49 30 1", here, "24/7"
	owner := p.person(t, "olga", "Olga Owner")
	made, err := p.Restaurants.Create(as(p.admin), restaurant.NewRestaurant{Settings: s, Owner: owner.ID})
	if err != nil {
		t.Fatal(err)
	}
	p.shop = made.ID
	section, err := p.Menus.SaveSection(t.Context(), p.admin, p.shop, 0, menu.SectionInput{Name: "Mains"})
	if err != nil {
		t.Fatal(err)
	}
	if p.dish, err = p.Menus.AddItem(t.Context(), p.admin, p.shop, menu.ItemInput{Section: section, Name: "Dal", Price: 1050}); err != nil {
		t.Fatal(err)
	}
	return p
}

func as(a access.Actor) context.Context { return access.With(context.Background(), a) }

const password = "correct horse battery"

// person adds somebody who can sign in with password.
func (p *place) person(t *testing.T, handle, name string, roles ...access.Grant) access.Actor {
	t.Helper()
	a, _, err := p.Accounts.CreateWithRole(t.Context(), account.WithRole{Name: handle, Email: handle + "@canary.example", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Accounts.Update(t.Context(), a.ID, account.Profile{Name: &name}); err != nil {
		t.Fatal(err)
	}
	for _, g := range roles {
		if err := p.Accounts.Grant(t.Context(), a.ID, g); err != nil {
			t.Fatal(err)
		}
	}
	return access.Actor{ID: a.ID, Handle: handle, Name: name, Roles: roles}
}

// until waits for something that the background work does.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ends := time.After(30 * time.Second)
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !is() {
		select {
		case <-ends:
			t.Fatalf("after 30 s still not: %s", what)
		case <-look.C:
		}
	}
}

// canary is what a person told the town; every text holds the word that is looked for afterwards.
type canary struct {
	access.Actor
	word  string
	phone string
	to    delivery.Address
}

func (p *place) canary(t *testing.T, word string, roles ...access.Grant) canary {
	t.Helper()
	c := canary{Actor: p.person(t, "h"+word, "Name "+word, roles...), word: word, phone: "+49 170 55 " + word}
	c.to = delivery.Address{
		Point: geo.Point{Lat: 52.5123456, Lon: 13.4123456}, Street: word + "gasse 7", City: "Ort " + word, Detail: "Door " + word, Notes: "Dog " + word,
		Name: "Bell " + word, Phone: c.phone,
	}
	return c
}

// order has somebody order a dish to their door, and returns the placed order.
func (p *place) order(t *testing.T, c canary, key string) *delivery.Placed {
	t.Helper()
	req := delivery.QuoteRequest{
		Restaurant: p.shop, Mode: delivery.ByCourier, To: &c.to, Note: "Kitchen " + c.word, Tip: 100,
		Lines: []delivery.LineRequest{{Item: p.dish, Qty: 2, Note: "Dish " + c.word}},
	}
	q, err := cart.NewQuoter(p.Restaurants, p.Menus, p.Promotions, p.clock.Now, time.Minute).Quote(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	placed, err := p.Orders.Place(as(c.Actor), key, delivery.PlaceRequest{
		QuoteRequest: req, Fingerprint: q.Fingerprint, Method: delivery.PayByCard, Card: "tok_ok", Phone: c.phone,
	})
	if err != nil {
		t.Fatal(err)
	}
	return placed
}

// bring has a courier bring an order to its door, with a photo of it as proof.
func (p *place) bring(t *testing.T, o id.ID, courier canary) {
	t.Helper()
	ctx := as(courier.Actor)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(p.Couriers.SetDuty(ctx, true, time.Time{}))
	must(p.Couriers.Position(ctx, geo.Point{Lat: 52.5198765, Lon: 13.4198765}, p.clock.Now()))
	until(t, "the kitchen sees the order", func() bool {
		v, err := p.Orders.Get(as(p.admin), o)
		return err == nil && !v.Awaiting
	})
	for _, fn := range []func(context.Context, id.ID) (*order.View, error){
		func(ctx context.Context, o id.ID) (*order.View, error) { return p.Orders.Confirm(ctx, o, nil) }, p.Orders.Prepare, p.Orders.MarkReady,
	} {
		if _, err := fn(as(p.admin), o); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the order has a trip and the courier", func() bool {
		err := p.Dispatch.Assign(as(p.admin), o, courier.ID)
		return err == nil
	})
	pickup, dropoff := p.stops(t, o)
	must(p.Dispatch.Do(ctx, pickup, dispatch.Complete, dispatch.Did{}))
	must(p.Dispatch.Do(ctx, dropoff, dispatch.Start, dispatch.Did{}))
	var picture bytes.Buffer
	must(png.Encode(&picture, image.NewGray(image.Rect(0, 0, 64+int(o%7), 64))))
	photo, err := p.Dispatch.Photo(ctx, dropoff, &picture)
	must(err)
	must(p.Dispatch.Do(ctx, dropoff, dispatch.Complete, dispatch.Did{Proof: delivery.Proof{Photo: photo, Note: "Neighbour " + courier.word}}))
	must(p.Couriers.SetDuty(ctx, false, time.Time{}))
}

// stops returns the two tasks of an order.
func (p *place) stops(t *testing.T, o id.ID) (pickup, dropoff id.ID) {
	t.Helper()
	err := p.DB.Read(t.Context(), func(tx *db.Tx) error {
		for stop, into := range map[string]*id.ID{"pickup": &pickup, "dropoff": &dropoff} {
			if err := tx.Row(t.Context(), `SELECT id FROM task WHERE order_id = $1 AND stop = $2`, o, stop).Scan(into); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pickup, dropoff
}

// live has a person do everything that the town stores something of.
func (p *place) live(t *testing.T, c, courier canary) id.ID {
	t.Helper()
	ctx := as(c.Actor)
	for range 2 { // a wrong password, by address and by handle
		if _, err := p.Accounts.SignIn(t.Context(), c.Handle+"@canary.example", "wrong "+c.word, account.Visit{IP: "192.0.2.9", Device: "Phone " + c.word}); err == nil {
			t.Fatal("signed in with a wrong password")
		}
	}
	if _, err := p.Accounts.SignIn(t.Context(), c.Handle, password, account.Visit{IP: "192.0.2.9", Device: "Phone " + c.word, Browser: id.Secret()}); err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{"Home ", "Gone "} {
		a, err := p.Discover.AddAddress(ctx, discover.Saved{Label: label + c.word, Address: c.to})
		if err != nil {
			t.Fatal(err)
		}
		if label == "Gone " {
			if err := p.Discover.DeleteAddress(ctx, a.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	o := p.order(t, c, "key-"+c.word)
	p.bring(t, o.Order, courier)
	again := p.order(t, c, "key2-"+c.word)
	if _, err := p.Orders.Cancel(ctx, again.Order, order.Why{Reason: "CUSTOMER", Note: "Sorry, " + c.word}); err != nil {
		t.Fatal(err)
	}
	p.clock.Advance(time.Second) // an order empties the cart as it was then
	if _, err := p.Carts.Add(ctx, cart.OwnerOf(c.ID, ""), p.shop, delivery.ByCourier, delivery.LineRequest{Item: p.dish, Qty: 1, Note: "Cart " + c.word}); err != nil {
		t.Fatal(err)
	}
	return o.Order
}

// dump returns every value of every table as text, by table and column.
func (p *place) dump(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := p.DB.Read(t.Context(), func(tx *db.Tx) error {
		for table, columns := range p.schema(t, tx) {
			for _, c := range columns {
				key := table + "." + c
				err := tx.Each(t.Context(), func(s db.Scanner) error {
					var v any
					if err := s.Scan(&v); err != nil {
						return err
					}
					if b, ok := v.([]byte); ok {
						v = string(b)
					}
					out[key] = append(out[key], fmt.Sprint(v))
					return nil
				}, `SELECT "`+c+`" FROM "`+table+`"`)
				if err != nil {
					return fmt.Errorf("%s: %w", key, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// schema returns the columns of every table, sorted.
func (p *place) schema(t *testing.T, tx *db.Tx) map[string][]string {
	t.Helper()
	// The index of full-text search is a virtual table, whose rows have an id without being told so; what it keeps itself in are shadow tables.
	query := `SELECT l.name, c.name FROM pragma_table_list l JOIN pragma_table_info(l.name) c WHERE l.schema = 'main' AND l.type IN ('table', 'virtual')
		AND l.name NOT LIKE 'sqlite_%' UNION ALL SELECT name, 'rowid' FROM pragma_table_list WHERE schema = 'main' AND type = 'virtual'`
	if tx.Dialect() == db.Postgres {
		query = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'`
	}
	out := map[string][]string{}
	err := tx.Each(t.Context(), func(s db.Scanner) error {
		var table, column string
		err := s.Scan(&table, &column)
		out[table] = append(out[table], column)
		return err
	}, query)
	if err != nil {
		t.Fatal(err)
	}
	delete(out, "event_seq")
	for _, columns := range out {
		slices.Sort(columns)
	}
	return out
}

// TestEveryColumnIsClassified holds what the parts say of their tables against the tables there are. Who adds a column says in the Part of
// its slice whether it is about people.
func TestEveryColumnIsClassified(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		said := map[string][]string{}
		for _, part := range p.Privacy.Parts() {
			for _, table := range part.Tables {
				columns, err := table.Columns()
				if err != nil {
					t.Error(err)
				}
				if said[table.Name] != nil {
					t.Errorf("two parts speak of table %s", table.Name)
				}
				said[table.Name] = columns
			}
		}
		var real map[string][]string
		if err := p.DB.Read(t.Context(), func(tx *db.Tx) error { real = p.schema(t, tx); return nil }); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(real, said); d != "" {
			t.Errorf("tables as they are and as their parts classify them (-real +said):\n%s", d)
		}
	})
}

// archiveOf has a copy made for a person and returns its files.
func (p *place) archiveOf(t *testing.T, who access.Actor) (privacy.Copy, map[string]string) {
	t.Helper()
	if _, err := p.Privacy.AskCopy(as(who), who.ID); err != nil {
		t.Fatal(err)
	}
	var c privacy.Copy
	until(t, "the copy is ready", func() bool {
		var err error
		c, err = p.Privacy.LastCopy(t.Context(), who.ID)
		return err == nil && c.State != privacy.Waiting
	})
	if c.State != privacy.Ready {
		t.Fatalf("the copy is %s", c.State)
	}
	var b bytes.Buffer
	if err := p.Privacy.WriteTo(t.Context(), &b, c); err != nil {
		t.Fatal(err)
	}
	if int64(b.Len()) != c.Size {
		t.Errorf("the archive has %d bytes and says %d", b.Len(), c.Size)
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return c, files
}

func TestACopyHoldsAllOfAPersonAndNothingOfOthers(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		courier := p.canary(t, "kurtkurier", access.Grant{Role: access.RoleCourier})
		zara, bruno := p.canary(t, "zarakanarie"), p.canary(t, "brunoanders")
		p.live(t, zara, courier)
		p.live(t, bruno, courier)
		_, files := p.archiveOf(t, zara.Actor)
		all := ""
		for name, text := range files {
			if strings.HasSuffix(name, ".json") && !json.Valid([]byte(text)) {
				t.Errorf("%s is no JSON", name)
			}
			all += text
		}
		for _, want := range []string{
			"Name ", "gasse 7", "Ort ", "Door ", "Dog ", "Bell ", "+49 170 55 ", "Kitchen ", "Dish ", "Cart ", "Home ", "Phone ", "Sorry, ",
		} {
			if !strings.Contains(all, want+zara.word) && !strings.Contains(all, zara.word+want) {
				t.Errorf("the copy lacks %q of the person", want)
			}
		}
		if strings.Contains(all, bruno.word) {
			t.Error("the copy tells of another customer")
		}
		pictures := 0
		for name := range files {
			if strings.HasPrefix(name, "pictures/") {
				pictures++
			}
		}
		if pictures != 1 || !strings.Contains(files["index.html"], "orders.json") {
			t.Errorf("the copy has %d pictures and an index %.80q", pictures, files["index.html"])
		}
		_, files = p.archiveOf(t, courier.Actor)
		var trips []map[string]any
		if err := json.Unmarshal([]byte(files["deliveries.json"]), &trips); err != nil || len(trips) != 2 {
			t.Errorf("the courier's copy has the trips %q: %v", files["deliveries.json"], err)
		}
		if !strings.Contains(files["order-notes.json"], "Neighbour "+courier.word) {
			t.Errorf("the courier's copy lacks their notes: %q", files["order-notes.json"])
		}
		for name, text := range files {
			if strings.Contains(text, zara.word) || strings.Contains(text, bruno.word) {
				t.Errorf("%s of the courier's copy tells of a customer", name)
			}
		}
	})
}

// sales returns what each order of the restaurant was, without who bought it.
func (p *place) sales(t *testing.T) []string {
	t.Helper()
	var out []string
	err := p.DB.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Each(t.Context(), func(s db.Scanner) error {
			var code, snapshot string
			var total, placed int64
			if err := s.Scan(&code, &total, &placed, &snapshot); err != nil {
				return err
			}
			var b order.Snapshot
			if err := json.Unmarshal([]byte(snapshot), &b); err != nil {
				return err
			}
			out = append(out, fmt.Sprint(code, total, placed, b.Seller, b.Summary(), b.Taxes, b.Subtotal, b.Fee, b.Tip, b.Total))
			return nil
		}, `SELECT code, total, placed_at, snapshot FROM orders ORDER BY id`)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// leave has a person leave, moves the clock past the time to come back, and waits until they are gone.
func (p *place) leave(t *testing.T, c canary) {
	t.Helper()
	if _, err := p.Privacy.Leave(as(c.Actor), c.ID); err != nil {
		t.Fatal(err)
	}
	p.clock.Advance(p.Config.Retention.Leaving + time.Minute)
	until(t, "the account is empty", func() bool {
		a, err := p.Accounts.Get(t.Context(), c.ID)
		return err == nil && a.Name == ""
	})
	// The last letter is out, and its address is forgotten a day later.
	p.clock.Advance(26 * time.Hour)
	until(t, "the address is forgotten", func() bool {
		_, err := p.Privacy.Leaving(t.Context(), c.ID)
		return errs.Is(err, errs.NotFound)
	})
}

func TestNothingIsLeftOfAPersonWhoLeft(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		courier := p.canary(t, "kurtkurier", access.Grant{Role: access.RoleCourier})
		zara, bruno := p.canary(t, "zarakanarie"), p.canary(t, "brunoanders")
		o := p.live(t, zara, courier)
		p.live(t, bruno, courier)
		p.archiveOf(t, zara.Actor)
		v, err := p.Orders.Get(as(p.admin), o)
		if err != nil || v.Proof == "" {
			t.Fatalf("the order has no photo: %v", err)
		}
		before := p.sales(t)
		for _, c := range []canary{zara, courier} {
			found := false
			for _, values := range p.dump(t) {
				found = found || slices.ContainsFunc(values, func(v string) bool { return strings.Contains(strings.ToLower(v), c.word) })
			}
			if !found {
				t.Fatalf("the dump does not show %s before they leave: it would show nothing after either", c.word)
			}
			p.leave(t, c)
			for column, values := range p.dump(t) {
				for _, v := range values {
					low := strings.ToLower(v)
					if strings.Contains(low, c.word) || c.word == zara.word && strings.Contains(v, "52.5123456") && !strings.Contains(v, bruno.word) && column != "task.lat" {
						t.Errorf("%s still holds %q after %s left", column, v, c.word)
					}
				}
			}
		}
		if d := cmp.Diff(before, p.sales(t)); d != "" {
			t.Errorf("the restaurant's sales are not what they were (-before +after):\n%s", d)
		}
		if _, err := p.Files.Read(v.Proof); !errs.Is(err, errs.NotFound) {
			t.Errorf("the photo of the door is still there: %v", err)
		}
		// The other customer has lost nothing.
		_, files := p.archiveOf(t, bruno.Actor)
		if !strings.Contains(files["orders.json"], bruno.word+"gasse 7") || !strings.Contains(files["addresses.json"], bruno.word) {
			t.Error("somebody else's orders or addresses went along")
		}
		if err := p.DB.Read(t.Context(), func(tx *db.Tx) error {
			gone, err := p.Privacy.HandleGone(t.Context(), tx, zara.Handle)
			if err == nil && !gone {
				t.Error("the handle of a person who left is free")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}
