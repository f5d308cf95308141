package menu

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// oneShop is a town of two restaurants.
type oneShop struct{ list []*delivery.Shop }

var berlin, _ = time.LoadLocation("Europe/Berlin")

func newShops() *oneShop {
	return &oneShop{list: []*delivery.Shop{
		{ID: 7, Version: 1, Slug: "dal", Name: "Dal", Currency: "EUR", Loc: berlin, Tax: map[string]int{"food": 700}},
		{ID: 8, Version: 1, Slug: "udon", Name: "Udon", Currency: "JPY", Loc: berlin},
	}}
}

var errNoShop = errs.New(errs.NotFound, "There is no such restaurant.")

func (o *oneShop) Shop(_ context.Context, restaurant id.ID) (*delivery.Shop, error) {
	for _, s := range o.list {
		if s.ID == restaurant {
			return s, nil
		}
	}
	return nil, errNoShop
}

func (o *oneShop) ShopBySlug(_ context.Context, slug string) (*delivery.Shop, error) {
	for _, s := range o.list {
		if s.Slug == slug {
			return s, nil
		}
	}
	return nil, errNoShop
}

var (
	owner  = access.Actor{ID: 1, Roles: []access.Grant{{Role: access.RoleOwner, Place: 7}}}
	other  = access.Actor{ID: 2, Roles: []access.Grant{{Role: access.RoleOwner, Place: 8}}}
	monday = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

type house struct {
	*Service
	d     *db.DB
	log   *events.Log
	clock *clock.Manual
	rt    *httpx.Router
}

func newHouse(t testing.TB, d *db.DB) *house {
	t.Helper()
	dir, err := files.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := &house{d: d, log: events.New(d, events.NewLocal()), clock: clock.NewManual(monday)}
	h.Service = New(d, h.log, id.NewSource(1), h.clock.Now, newShops(), dir)
	h.rt = httpx.NewRouter(slog.New(slog.NewTextHandler(io.Discard, nil)), "test", func(w http.ResponseWriter, _ *http.Request, status int, sentence string) {
		w.WriteHeader(status)
		io.WriteString(w, sentence)
	})
	h.Routes(h.rt)
	return h
}

func run(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, newHouse(t, d)) }, Schema, events.Schema)
}

func ptr[T any](v T) *T { return &v }

// must fails the test for an error.
func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%v (%T)", err, err)
		}
		return v
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dish puts one item on the card of restaurant 7, with a stock (-1: not counted).
func (h *house) dish(t testing.TB, name string, stock int64) id.ID {
	t.Helper()
	ctx := t.Context()
	card := must(h.Card(ctx, owner, 7))(t)
	var section id.ID
	if len(card.Menus) == 0 || len(card.Menus[0].Sections) == 0 {
		section = must(h.SaveSection(ctx, owner, 7, 0, SectionInput{Name: "Mains"}))(t)
	} else {
		section = card.Menus[0].Sections[0].ID
	}
	return must(h.AddItem(ctx, owner, 7, ItemInput{Section: section, Name: name, Price: 950, Stock: &stock}))(t)
}

func (h *house) take(ctx context.Context, portions ...delivery.Portion) error {
	return h.d.Write(ctx, func(tx *db.Tx) error { return h.Take(ctx, tx, 7, portions) })
}

func (h *house) kinds(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, e := range must(h.log.Since(t.Context(), 0, 1000))(t) {
		out = append(out, e.Kind)
	}
	return out
}

func TestLastPortionGoesToExactlyOne(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		item := h.dish(t, "Dal", 0)
		for round := range 20 {
			ok(t, h.Set(ctx, owner, 7, item, Availability{Stock: ptr(int64(1))}))
			must(h.Menu(ctx, 7))(t)
			var won, lost atomic.Int32
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					err := h.take(ctx, delivery.Portion{Item: item, Qty: 1, Path: "lines[0]"})
					switch {
					case err == nil:
						won.Add(1)
					case errs.CodeOf(err) == "sold_out":
						lost.Add(1)
					default:
						t.Errorf("round %d: %v", round, err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 || lost.Load() != 99 {
				t.Fatalf("round %d: %d got the last portion, %d were told it is sold out; want 1 and 99", round, won.Load(), lost.Load())
			}
		}
	})
}

func TestTakeNamesEveryLineThatFallsShort(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		dal, rice, free := h.dish(t, "Dal", 2), h.dish(t, "Rice", 0), h.dish(t, "Water", -1)
		must(h.Menu(ctx, 7))(t)
		err := h.take(ctx,
			delivery.Portion{Item: dal, Qty: 2, Path: "lines[0]"}, delivery.Portion{Item: free, Qty: 5, Path: "lines[1]"},
			delivery.Portion{Item: rice, Qty: 1, Path: "lines[2]"}, delivery.Portion{Item: dal, Qty: 1, Path: "lines[3]"})
		e, isErr := errors.AsType[*errs.Error](err)
		if !isErr || e.Code != "sold_out" || e.Kind != errs.Conflict || len(e.Fields) != 2 {
			t.Fatalf("Take = %#v; want a sold_out conflict with two fields", err)
		}
		if e.Fields[0].Path != "lines[0].qty" || e.Fields[0].Message != "Only 2 of Dal left." || e.Fields[1].Message != "Rice is sold out." {
			t.Errorf("fields = %+v", e.Fields)
		}
		if got := must(h.Card(ctx, owner, 7))(t).Stock[dal]; got != 2 {
			t.Errorf("after a refused order %d of Dal are left; want 2", got)
		}
	})
}

func TestOptionsAreTakenAsOftenAsTheyAreChosen(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		group := must(h.SaveGroup(ctx, owner, 7, 0, GroupInput{Name: "Extra", Max: 5, Options: []OptionInput{{Name: "Egg", Price: 100, Stock: ptr(int64(7))}}}))(t)
		item := h.dish(t, "Ramen", -1)
		ok(t, h.EditItem(ctx, owner, 7, item, ItemPatch{Groups: &[]id.ID{group}}))
		egg := must(h.Menu(ctx, 7))(t).Items[item].Groups[0].Options[0].ID
		p := delivery.Portion{Item: item, Qty: 2, Options: []delivery.Choice{{Option: egg, Qty: 3}}, Path: "lines[0]"}
		ok(t, h.take(ctx, p))
		h.clock.Advance(2 * time.Second)
		if got := must(h.Menu(ctx, 7))(t).Items[item].Groups[0].Options[0].Stock; got != 1 {
			t.Errorf("%d eggs left; want 1", got)
		}
		ok(t, h.d.Write(ctx, func(tx *db.Tx) error { return h.Give(ctx, tx, 7, []delivery.Portion{p}) }))
		h.clock.Advance(2 * time.Second)
		if got := must(h.Menu(ctx, 7))(t).Items[item].Groups[0].Options[0].Stock; got != 7 {
			t.Errorf("%d eggs after giving back; want 7", got)
		}
	})
}

func TestTakeOfUncountedItemsIsFree(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		item := h.dish(t, "Dal", -1)
		must(h.Menu(ctx, 7))(t)
		// A nil transaction would panic with the first statement.
		ok(t, h.Take(ctx, nil, 7, []delivery.Portion{{Item: item, Qty: 3}}))
	})
}

func TestRunningOutIsAnEventAndOtherTakesAreNot(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		item := h.dish(t, "Dal", 3)
		version := must(h.Menu(ctx, 7))(t).Version
		before := len(h.kinds(t))
		ok(t, h.take(ctx, delivery.Portion{Item: item, Qty: 2}))
		if n := len(h.kinds(t)); n != before {
			t.Errorf("taking two of three appended %d events", n-before)
		}
		ok(t, h.take(ctx, delivery.Portion{Item: item, Qty: 1}))
		if n := len(h.kinds(t)); n != before+1 {
			t.Errorf("running out appended %d events; want 1", n-before)
		}
		ok(t, h.d.Write(ctx, func(tx *db.Tx) error { return h.CheckMenu(ctx, tx, 7, version) }))
	})
}

func TestCheckMenuRefusesAnOlderVersion(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		item := h.dish(t, "Dal", -1)
		m := must(h.Menu(ctx, 7))(t)
		check := func() error {
			return h.d.Write(ctx, func(tx *db.Tx) error { return h.CheckMenu(ctx, tx, 7, m.Version) })
		}
		ok(t, check())
		ok(t, h.Set(ctx, owner, 7, item, Availability{Stock: ptr(int64(4))})) // counting begins
		if err := check(); errs.CodeOf(err) != "changed" || !errs.Is(err, errs.Conflict) {
			t.Errorf("CheckMenu = %v; want a conflict with code changed", err)
		}
	})
}

func TestSoldOutTodayEndsAtFourInTheMorning(t *testing.T) {
	cases := map[string]struct{ now, want string }{
		"at noon":            {"2026-11-23T12:00:00+01:00", "2026-11-24T04:00:00+01:00"},
		"after midnight":     {"2026-11-24T01:30:00+01:00", "2026-11-24T04:00:00+01:00"},
		"at four":            {"2026-11-24T04:00:00+01:00", "2026-11-25T04:00:00+01:00"},
		"when clocks change": {"2027-03-27T22:00:00+01:00", "2027-03-28T04:00:00+02:00"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			now, _ := time.Parse(time.RFC3339, c.now)
			want, _ := time.Parse(time.RFC3339, c.want)
			if got := Tomorrow(now, berlin); !got.Equal(want) {
				t.Errorf("Tomorrow(%s) = %s; want %s", c.now, got, want)
			}
		})
	}
}

func TestSellOutMarksForTodayAndKeepsForEver(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		dal, rice := h.dish(t, "Dal", -1), h.dish(t, "Rice", -1)
		ok(t, h.Set(ctx, owner, 7, rice, Availability{SoldOut: &delivery.Forever}))
		ok(t, h.d.Write(ctx, func(tx *db.Tx) error { return h.SellOut(ctx, tx, 7, []id.ID{dal, rice, 4711, dal}) }))
		m := must(h.Menu(ctx, 7))(t)
		if got, want := m.Items[dal].OutUntil, Tomorrow(monday, berlin); !got.Equal(want) {
			t.Errorf("Dal is out until %s; want %s", got, want)
		}
		if got := m.Items[rice].OutUntil; !got.Equal(delivery.Forever) {
			t.Errorf("Rice is out until %s; want for ever", got)
		}
	})
}

func TestSteppingStockKeepsWhatWasSoldMeanwhile(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		item := h.dish(t, "Dal", 5)
		ok(t, h.take(ctx, delivery.Portion{Item: item, Qty: 2}))
		ok(t, h.Set(ctx, owner, 7, item, Availability{Stock: ptr(int64(6)), Was: ptr(int64(5))}))
		if got := must(h.Card(ctx, owner, 7))(t).Stock[item]; got != 4 {
			t.Errorf("5 → 6 while 2 were sold leaves %d; want 4", got)
		}
	})
}

func TestAnotherNodeFollowsTheEventLog(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx, cancel := context.WithCancel(t.Context())
		second := New(h.d, h.log, id.NewSource(2), h.clock.Now, newShops(), nil)
		h.log.Watch(second.watch)
		done := make(chan struct{})
		go func() { defer close(done); h.log.Run(ctx) }()
		defer func() { cancel(); <-done }()
		item := h.dish(t, "Dal", 2)
		ok(t, h.log.Settle(ctx))
		if must(second.Menu(ctx, 7))(t).Items[item].Stock != 2 {
			t.Fatal("the second node does not see the dish")
		}
		ok(t, h.EditItem(ctx, owner, 7, item, ItemPatch{Price: ptr(int64(1050))}))
		ok(t, h.take(ctx, delivery.Portion{Item: item, Qty: 2}))
		ok(t, h.log.Settle(ctx))
		got := must(second.Menu(ctx, 7))(t).Items[item]
		if got.Price != 1050 || got.Stock != 0 {
			t.Errorf("the second node sees price %d and stock %d; want 1050 and 0", got.Price, got.Stock)
		}
	})
}

func TestStrangersChangeNothing(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		item := h.dish(t, "Dal", -1)
		section := must(h.Menu(ctx, 7))(t).Items[item].Section.ID
		for who, a := range map[string]access.Actor{"nobody": {}, "another owner": other} {
			for what, err := range map[string]error{
				"edit":    h.EditItem(ctx, a, 7, item, ItemPatch{Price: ptr(int64(1))}),
				"delete":  h.Delete(ctx, a, 7, PartItem, item),
				"sell":    h.Set(ctx, a, 7, item, Availability{SoldOut: &delivery.Forever}),
				"move":    h.Reorder(ctx, a, 7, PartItem, item, Move{Step: 1}),
				"section": second(h.SaveSection(ctx, a, 7, section, SectionInput{Name: "Mine"})),
				"import":  second(h.ImportDocument(ctx, a, 7, Document{}, ImportOptions{Replace: true})),
				// A dish of restaurant 7 named below restaurant 8, which the other owner does own.
				"foreign": h.EditItem(ctx, a, 8, item, ItemPatch{Price: ptr(int64(1))}),
			} {
				if !errs.Is(err, errs.Unauthenticated) && !errs.Is(err, errs.Forbidden) && !errs.Is(err, errs.NotFound) {
					t.Errorf("%s may %s: %v", who, what, err)
				}
			}
		}
		if got := must(h.Menu(ctx, 7))(t).Items[item]; got.Price != 950 || !got.OutUntil.IsZero() {
			t.Errorf("the dish is different now: %+v", got)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestDeletedPartsComeBackUntilTheyArePurged(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		item := h.dish(t, "Dal", 3)
		section := must(h.Menu(ctx, 7))(t).Items[item].Section.ID
		ok(t, h.Delete(ctx, owner, 7, PartSection, section))
		if n := len(must(h.Menu(ctx, 7))(t).Items); n != 0 {
			t.Fatalf("%d items after deleting their section", n)
		}
		ok(t, h.Restore(ctx, owner, 7, PartSection, section))
		if it := must(h.Menu(ctx, 7))(t).Items[item]; it == nil || it.Stock != 3 {
			t.Fatalf("restored item = %+v", it)
		}
		ok(t, h.Delete(ctx, owner, 7, PartSection, section))
		h.clock.Advance(keepDeleted + time.Hour)
		ok(t, h.Purge(ctx))
		if err := h.Restore(ctx, owner, 7, PartSection, section); !errs.Is(err, errs.NotFound) {
			t.Errorf("Restore after the purge = %v; want NotFound", err)
		}
	})
}

func TestReorderMovesWithinAndBetweenSections(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		a, b, c := h.dish(t, "A", -1), h.dish(t, "B", -1), h.dish(t, "C", -1)
		names := func(i int) (s string) {
			for _, it := range must(h.Menu(ctx, 7))(t).Sections[i].Items {
				s += it.Name
			}
			return s
		}
		ok(t, h.Reorder(ctx, owner, 7, PartItem, c, Move{Step: -1}))
		if got := names(0); got != "ACB" {
			t.Errorf("C one up: %s; want ACB", got)
		}
		ok(t, h.Reorder(ctx, owner, 7, PartItem, a, Move{Index: 99}))
		if got := names(0); got != "CBA" {
			t.Errorf("A last: %s; want CBA", got)
		}
		sides := must(h.SaveSection(ctx, owner, 7, 0, SectionInput{Name: "Sides"}))(t)
		ok(t, h.Reorder(ctx, owner, 7, PartItem, b, Move{To: sides}))
		if names(0) != "CA" || names(1) != "B" {
			t.Errorf("B moved: %s and %s; want CA and B", names(0), names(1))
		}
		fresh := must(h.CopyItem(ctx, owner, 7, c, sides))(t)
		if names(1) != "BC" || fresh == c {
			t.Errorf("C copied: %s; want BC", names(1))
		}
	})
}

func TestSectionHoursStandInForTheMenus(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		lunch := must(h.SaveMenu(ctx, owner, 7, 0, MenuInput{Name: "Lunch", Hours: "Mo-Fr 11:30-14:30"}))(t)
		must(h.SaveSection(ctx, owner, 7, 0, SectionInput{Menu: lunch, Name: "Soup"}))(t)
		must(h.SaveSection(ctx, owner, 7, 0, SectionInput{Menu: lunch, Name: "Brunch", Hours: "Sa,Su 10:00-14:00"}))(t)
		dinner := must(h.SaveMenu(ctx, owner, 7, 0, MenuInput{Name: "Dinner"}))(t)
		must(h.SaveSection(ctx, owner, 7, 0, SectionInput{Menu: dinner, Name: "Soup"}))(t)
		m := must(h.Menu(ctx, 7))(t)
		want := []struct{ name, hours string }{{"Soup (Lunch)", "Mo-Fr 11:30-14:30"}, {"Brunch", "Sa,Su 10:00-14:00"}, {"Soup (Dinner)", ""}}
		for i, w := range want {
			got := ""
			if m.Sections[i].Hours != nil {
				got = m.Sections[i].Hours.String()
			}
			if m.Sections[i].Name != w.name || got != w.hours {
				t.Errorf("section %d is %q at %q; want %q at %q", i, m.Sections[i].Name, got, w.name, w.hours)
			}
		}
		_, err := h.SaveMenu(ctx, owner, 7, lunch, MenuInput{Name: "Lunch", Hours: "always"})
		if e, _ := errors.AsType[*errs.Error](err); e == nil || len(e.Fields) != 1 || e.Fields[0].Path != "hours" {
			t.Errorf("bad hours = %v; want an error about hours", err)
		}
	})
}
