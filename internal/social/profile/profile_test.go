package profile

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// before is what the migration finds: the tables of accounts and restaurants as far as it reads them, with people and restaurants in them.
var before = fstest.MapFS{"schema/2026-11-22-before.sql": &fstest.MapFile{Data: []byte(`
CREATE TABLE account (
  id BIGINT PRIMARY KEY,
  handle TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  lang TEXT NOT NULL,
  state TEXT NOT NULL,
  stage TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE TABLE restaurant (
  id BIGINT PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  settings TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
INSERT INTO account VALUES (1, 'ada', 'Ada Löwe', 'de', 'active', 'here', 1000000), (2, 'taj', 'Taj', 'en', 'suspended', 'here', 1000000),
  (3, 'wait', 'Wanda', 'en', 'active', 'pending', 1000000), (4, 'gone_4', '', 'en', 'suspended', 'here', 1000000);
INSERT INTO restaurant VALUES (11, 'trattoria-da-luigi', '{"name":"Trattoria da Luigi","active":true}', 2000000),
  (12, 'taj', '{"name":"Taj","active":false}', 2000000), (13, 'a-very-long-name-of-a-restaurant-indeed', '{"name":"Long","active":true}', 2000000);
`)}}

type fixture struct {
	*Service
	d     *db.DB
	log   *events.Log
	clock *clock.Manual
	ids   *id.Source
}

func setup(t testing.TB, d *db.DB) *fixture {
	t.Helper()
	log := events.New(d, events.NewLocal())
	f := &fixture{d: d, log: log, ids: id.NewSource(1), clock: clock.NewManual(time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC))}
	f.Service = New(d, log, f.ids, f.clock.Now, Options{
		URL: func() string { return "https://town.example" }, Unlink: func(context.Context, *db.Tx, []string) error { return nil },
	})
	return f
}

func both(t *testing.T, test func(*testing.T, *fixture), more ...fs.FS) {
	t.Helper()
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, setup(t, d)) }, append([]fs.FS{before, Schema, events.Schema, jobs.Schema}, more...)...)
}

func (f *fixture) write(t testing.TB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := f.d.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestTheMigrationMakesProfilesOfAllWhoAreHere(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		if err := f.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := f.Entities(t.Context(), []id.ID{1, 2, 3, 4, 11, 12, 13})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range map[id.ID]string{1: "ada|Ada Löwe", 2: "taj|", 11: "trattoria_da_luigi|Trattoria da Luigi", 13: "a_very_lon_13|Long"} {
			if a := got[i]; a == nil || a.Acct+"|"+a.DisplayName != want {
				t.Errorf("profile %d = %+v, want %s", i, a, want)
			}
		}
		for _, i := range []id.ID{3, 4, 12} {
			if got[i] != nil {
				t.Errorf("profile %d is met by everybody: %+v", i, got[i])
			}
		}
		all, err := f.Standings(t.Context(), []id.ID{3, 4, 12})
		if err != nil || !all[3].Hidden || !all[12].Hidden || all[12].Handle != "taj_12" || len(all) != 2 {
			t.Errorf("standings %+v, %v", all, err)
		}
		if all, err = f.Apart(t.Context()); err != nil || !all[3].Hidden || !all[2].Suspended || len(all) != 3 {
			t.Errorf("apart %+v, %v", all, err)
		}
		if a := got[2]; !a.Suspended || a.Avatar != "https://town.example/avatars/taj.png" {
			t.Errorf("suspended profile %+v", a)
		}
		if a := got[11]; a.Stoa == nil || a.Stoa.Kind != "restaurant" || a.Stoa.URL != "https://town.example/r/trattoria-da-luigi" {
			t.Errorf("the restaurant says %+v", a.Stoa)
		}
	})
}

func TestOneNamespaceHoldsPeopleRestaurantsAndGroups(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		f.write(t, func(tx *db.Tx) error {
			return f.AddGroup(t.Context(), tx, NewGroup{ID: 21, Handle: "bikes", Name: "Bikes", Page: "/groups/bikes"})
		})
		err := f.d.Write(t.Context(), func(tx *db.Tx) error {
			return f.AccountMade(t.Context(), tx, Person{ID: 5, Handle: "bikes", Name: "B"})
		})
		if !db.IsUnique(err) {
			t.Errorf("a person took a group's handle: %v", err)
		}
		for _, handle := range []string{"bikes", "ada", "trattoria_da_luigi"} {
			err := f.d.Write(t.Context(), func(tx *db.Tx) error {
				return f.AddGroup(t.Context(), tx, NewGroup{ID: 22, Handle: handle, Name: "G"})
			})
			if !errs.Is(err, errs.Invalid) {
				t.Errorf("a group took %s: %v", handle, err)
			}
		}
		f.write(t, func(tx *db.Tx) error {
			return f.RestaurantSaved(t.Context(), tx, Shop{ID: 14, Slug: "bikes", Name: "Bikes & Buns", Active: true})
		})
		a, err := f.Entity(t.Context(), 14)
		if err != nil || a.Acct != "bikes_14" {
			t.Errorf("the restaurant is %+v, %v", a, err)
		}
	})
}

func TestResolveFindsWhoIsMeant(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		for acct, want := range map[string]id.ID{"ada": 1, "@ada": 1, "ADA": 1, " @Ada@town.example ": 1, "ada@TOWN.example": 1, "ada@elsewhere.example": 0, "wait": 0, "": 0, "@": 0, "a b": 0} {
			got, err := f.Resolve(t.Context(), acct)
			if got != want || (want == 0) != errs.Is(err, errs.NotFound) {
				t.Errorf("Resolve(%q) = %d, %v; want %d", acct, got, err, want)
			}
		}
	})
}

func TestActAsIsForWhoMaySpeakForIt(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		staff := access.Actor{ID: 1, Roles: []access.Grant{{Role: access.RoleStaff, Place: 11}, {Role: access.RoleStaff, Place: 12}}}
		for handle, want := range map[string]id.ID{"": 1, "ada": 1, "trattoria_da_luigi": 11, "taj_12": 12, "taj": 0, "nobody_here": 0} {
			got, err := f.ActAs(t.Context(), staff, handle)
			if got != want || (want == 0) == (err == nil) {
				t.Errorf("ActAs(%q) = %d, %v; want %d", handle, got, err, want)
			}
		}
		if f.MayActAs(access.Actor{}, 1) || f.MayActAs(access.Actor{ID: 2}, 11) || !f.MayActAs(staff, 11) {
			t.Error("MayActAs is wrong")
		}
	})
}

func TestCountersCountEveryoneAtOnce(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		at := f.clock.Now()
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				err := f.d.Write(context.Background(), func(tx *db.Tx) error {
					if _, err := f.Hold(context.Background(), tx, 11, 1); err != nil {
						return err
					}
					if err := f.Counts(context.Background(), tx, 11, 0, 1, 0, time.Time{}); err != nil {
						return err
					}
					return f.Counts(context.Background(), tx, 1, 1, 0, 1, at.Add(-time.Duration(i)*time.Hour))
				})
				if err != nil {
					t.Error(err)
				}
				if _, err := f.Entities(context.Background(), []id.ID{1, 11}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got, err := f.Entities(t.Context(), []id.ID{1, 11})
		if err != nil {
			t.Fatal(err)
		}
		if a := got[1]; a.Statuses != 40 || a.Following != 40 || a.LastStatusAt == nil || *a.LastStatusAt != "2026-11-24" {
			t.Errorf("counters of ada: %d, %d, %v", a.Statuses, a.Following, a.LastStatusAt)
		}
		if a := got[11]; a.Followers != 40 {
			t.Errorf("followers of the restaurant: %d", a.Followers)
		}
	})
}

func TestAChangedAccountChangesItsProfileAtOnce(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		if _, err := f.Entity(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		f.write(t, func(tx *db.Tx) error {
			return f.AccountChanged(t.Context(), tx, Person{ID: 1, Handle: "ada", Name: "Ada Lovelace"})
		})
		if a, err := f.Entity(t.Context(), 1); err != nil || a.DisplayName != "Ada Lovelace" {
			t.Errorf("after a new name: %+v, %v", a, err)
		}
		f.write(t, func(tx *db.Tx) error {
			return f.AccountChanged(t.Context(), tx, Person{ID: 1, Handle: "ada", Name: "Ada Lovelace", Suspended: true})
		})
		if a, err := f.Entity(t.Context(), 1); err != nil || !a.Suspended || a.DisplayName != "" {
			t.Errorf("suspended: %+v, %v", a, err)
		}
		f.write(t, func(tx *db.Tx) error { return f.AccountChanged(t.Context(), tx, Person{ID: 1, Erased: true}) })
		if a, err := f.Entity(t.Context(), 1); !errs.Is(err, errs.NotFound) {
			t.Errorf("erased: %+v, %v", a, err)
		}
	})
}

func TestWhatPeopleWriteBecomesSafeHTML(t *testing.T) {
	r := renderer{base: "https://town.example", known: map[string]id.ID{"ada": 1}}
	for in, want := range map[string]string{
		"":                          "",
		"<script>alert(1)</script>": "&lt;script&gt;alert(1)&lt;/script&gt;",
		"https://x.example/a": `<a href="https://x.example/a" target="_blank" rel="nofollow noopener noreferrer me" translate="no"><span class="invisible">https://</span>` +
			`<span class="">x.example/a</span><span class="invisible"></span></a>`,
		"javascript:alert(1)":   "javascript:alert(1)",
		"https://a:b@x.example": "https://a:b@x.example",
	} {
		if got := r.value(in); got != want {
			t.Errorf("value(%q)\n got %s\nwant %s", in, got, want)
		}
	}
	for in, want := range map[string]string{"Hi @ada and @nobody": "/@ada\"", "#Bücher": "/tags/bucher\"", "see https://x.example/a": "href=\"https://x.example/a\""} {
		e := r.entry(row{Handle: "x", Note: in, Fields: []field{{Name: "f", Value: in}}})
		if !strings.Contains(e.account.Note, want) || !strings.Contains(e.account.Fields[0].Value, want) || strings.Contains(e.account.Note, "/@nobody") {
			t.Errorf("%q became %s and %s", in, e.account.Note, e.account.Fields[0].Value)
		}
	}
	if e := r.entry(row{Handle: "x", Note: `<img src=x onerror=alert(1)>`}); strings.Contains(e.account.Note, "<img") {
		t.Errorf("a note became %s", e.account.Note)
	}
}

func TestDrawnPicturesDifferAndAreSmall(t *testing.T) {
	g := newGallery()
	seen := map[string]string{}
	for _, handle := range []string{"ada", "olga", "__", "taj_12", "0x"} {
		b, err := g.picture(avatarPath, handle, g.avatar)
		if err != nil || len(b) < 500 || len(b) > 40_000 {
			t.Fatalf("avatar of %s: %d bytes, %v", handle, len(b), err)
		}
		if other, ok := seen[string(b)]; ok {
			t.Errorf("%s looks like %s", handle, other)
		}
		seen[string(b)] = handle
		if b, err = g.picture(headerPath, handle, g.header); err != nil || len(b) > 60_000 {
			t.Fatalf("header of %s: %d bytes, %v", handle, len(b), err)
		}
	}
	for i := range galleryMax + 10 {
		if _, err := g.picture(headerPath, fmt.Sprint("p", i%300), g.header); err != nil {
			t.Fatal(err)
		}
		if i == 20 {
			break // drawing all of them takes long
		}
	}
	if len(g.drawn) > galleryMax {
		t.Errorf("%d pictures are kept", len(g.drawn))
	}
}
