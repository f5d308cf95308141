package people

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

type world struct {
	*Directory
	accounts *account.Service
	book     *audit.Audit
}

func newWorld(d *db.DB) *world {
	ids, now := id.NewSource(1), func() time.Time { return noon }
	book := audit.New(d, ids, now)
	return &world{New(d, ids, now, book), account.New(d, events.New(d, events.NewLocal()), ids, now, account.Options{}), book}
}

func both(t *testing.T, test func(t *testing.T, w *world)) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, newWorld(d)) }, events.Schema, account.Schema, audit.Schema, Schema)
}

func TestPeopleAreFoundByWhatIsKnownOfThem(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		made, err := w.accounts.Add(ctx,
			account.Person{Handle: "anna_b", Name: "Anna Östberg", Email: "ab@post.example", Roles: []access.Grant{{Role: access.RoleCourier}}},
			account.Person{Handle: "ben", Name: "Ben 100%", Email: "ben@mail.example", Roles: []access.Grant{{Role: access.RoleAdmin}, {Role: access.RoleCourier}}},
			account.Person{Handle: "caro", Name: "Caro", Email: "caro@mail.example"})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.accounts.Suspend(ctx, made[2]); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			q    Query
			want []string
		}{
			"all, newest first":  {Query{}, []string{"caro", "ben", "anna_b"}},
			"name, any capitals": {Query{Text: "aNNa"}, []string{"anna_b"}},
			"name beyond ASCII":  {Query{Text: "Östb"}, []string{"anna_b"}},
			"handle":             {Query{Text: "@anna_b"}, []string{"anna_b"}},
			"address":            {Query{Text: "mail.example"}, []string{"caro", "ben"}},
			"a sign as itself":   {Query{Text: "%"}, []string{"ben"}},
			"a line as itself":   {Query{Text: "_"}, []string{"anna_b"}},
			"role":               {Query{Role: access.RoleCourier}, []string{"ben", "anna_b"}},
			"state":              {Query{State: account.Suspended}, []string{"caro"}},
			"active":             {Query{State: account.Active}, []string{"ben", "anna_b"}},
			"all at once":        {Query{Text: "ben", Role: access.RoleAdmin, State: account.Active}, []string{"ben"}},
			"nobody":             {Query{Text: "zzz"}, nil},
		} {
			list, err := w.Search(ctx, c.q, "", 0)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var got []string
			for _, a := range list.Items {
				got = append(got, a.Handle)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", name, d)
			}
		}
		list, err := w.Search(ctx, Query{Text: "ben"}, "", 0)
		if err != nil || len(list.Items[0].Roles) != 2 {
			t.Errorf("roles: %+v, %v", list.Items, err)
		}
		if f, err := w.Count(ctx); err != nil || f != (Figures{Active: 2, Suspended: 1}) {
			t.Errorf("Count = %+v, %v", f, err)
		}
		for _, q := range []Query{{Role: "king"}, {State: "gone"}, {Text: "a\x00b"}} {
			if _, err := w.Search(ctx, q, "", 0); !errs.Is(err, errs.Invalid) {
				t.Errorf("Search(%+v) = %v; want an Invalid error", q, err)
			}
		}
	})
}

func TestPagesHoldEverybodyOnce(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		var people []account.Person
		for i := range 25 {
			people = append(people, account.Person{Handle: fmt.Sprintf("p%d", i), Name: "P", Email: fmt.Sprintf("p%d@x.example", i)})
		}
		if _, err := w.accounts.Add(t.Context(), people...); err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{}
		for cursor := ""; ; {
			list, err := w.Search(t.Context(), Query{}, cursor, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range list.Items {
				seen[a.Handle]++
			}
			if cursor = list.Next; cursor == "" {
				break
			}
		}
		if len(seen) != 25 {
			t.Errorf("%d people on all pages: %v", len(seen), seen)
		}
	})
}

func TestNotesAreKeptInOrderAndInTheAuditLog(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ctx := access.With(t.Context(), access.Actor{ID: 7, Handle: "ada"})
		for _, text := range []string{"first", " second\r\nline "} {
			if err := w.AddNote(ctx, 9, text); err != nil {
				t.Fatal(err)
			}
		}
		for _, bad := range []string{"", "  ", "a\x00b"} {
			if err := w.AddNote(ctx, 9, bad); !errs.Is(err, errs.Invalid) {
				t.Errorf("AddNote(%q) = %v", bad, err)
			}
		}
		list, err := w.Notes(ctx, 9)
		if err != nil || len(list) != 2 || list[0].Text != "second\nline" || list[1].Handle != "ada" {
			t.Errorf("Notes = %+v, %v", list, err)
		}
		entries, err := w.book.List(ctx, audit.Filter{Thing: "account:9"}, "", 0)
		if err != nil || len(entries.Items) != 2 {
			t.Errorf("the audit log has %d entries, %v", len(entries.Items), err)
		}
	})
}

func TestHandlesSayWhoIsThereWhoIsErasedAndWhoNeverWas(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		made, err := w.accounts.Add(ctx, account.Person{Handle: "ada", Name: "Ada", Email: "ada@post.example"}, account.Person{Handle: "ben", Name: "Ben", Email: "ben@post.example"})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.db.Write(ctx, func(tx *db.Tx) error { return w.accounts.Erase(ctx, tx, made[1]) }); err != nil {
			t.Fatal(err)
		}
		got, err := w.Handles(ctx, []id.ID{made[0], 0, made[1], made[0], 5})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[id.ID]string{made[0]: "ada", made[1]: ""}, got); diff != "" {
			t.Errorf("handles (-want +got):\n%s", diff)
		}
		if got, err := w.Handles(ctx, []id.ID{0}); err != nil || len(got) != 0 {
			t.Errorf("of nobody: %v, %v", got, err)
		}
	})
}
