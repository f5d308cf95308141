package audit

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

type book struct {
	*Audit
	db  *db.DB
	now time.Time
}

func newBook(d *db.DB) *book {
	b := &book{db: d, now: noon}
	b.Audit = New(d, id.NewSource(1), func() time.Time { return b.now })
	return b
}

func (b *book) note(t *testing.T, ctx context.Context, verb, thing string, detail map[string]any) {
	t.Helper()
	if err := b.db.Write(ctx, func(tx *db.Tx) error { return b.Write(ctx, tx, verb, thing, detail) }); err != nil {
		t.Fatal(err)
	}
}

func as(ctx context.Context, account id.ID, handle string) context.Context {
	return access.With(WithAddress(ctx, "192.0.2.7"), access.Actor{ID: account, Handle: handle})
}

func TestAnEntrySaysWhoDidWhatFromWhereAndIsFoundByEach(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		b, ctx := newBook(d), as(t.Context(), 7, "ada")
		b.note(t, ctx, "account.suspend", Thing("account", 9), map[string]any{"reason": "spam"})
		b.now = noon.Add(time.Hour)
		b.note(t, as(t.Context(), 8, "ben"), "accounts.other", "x", nil)
		b.note(t, t.Context(), "account.grant", Thing("account", 7), nil)
		for name, c := range map[string]struct {
			f    Filter
			want []string
		}{
			"all, newest first": {Filter{}, []string{"account.grant", "accounts.other", "account.suspend"}},
			"actor":             {Filter{Actor: 7}, []string{"account.suspend"}},
			"handle":            {Filter{Handle: "ben"}, []string{"accounts.other"}},
			"verb":              {Filter{Verb: "account.grant"}, []string{"account.grant"}},
			"verbs of a kind":   {Filter{Verb: "account"}, []string{"account.grant", "account.suspend"}},
			"thing":             {Filter{Thing: "account:9"}, []string{"account.suspend"}},
			"about somebody":    {Filter{About: 7}, []string{"account.grant", "account.suspend"}},
			"from":              {Filter{From: noon.Add(time.Minute)}, []string{"account.grant", "accounts.other"}},
			"to":                {Filter{To: noon.Add(time.Minute)}, []string{"account.suspend"}},
			"none":              {Filter{Actor: 7, Verb: "x"}, nil},
		} {
			list, err := b.List(ctx, c.f, "", 0)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range list.Items {
				got = append(got, e.Verb)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		list, err := b.List(ctx, Filter{Verb: "account.suspend"}, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		e := list.Items[0]
		e.ID = 0
		want := Entry{At: noon, Actor: 7, Handle: "ada", Address: "192.0.2.7", Verb: "account.suspend", Thing: "account:9", Detail: json.RawMessage(`{"reason":"spam"}`)}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("the entry (-want +got):\n%s", diff)
		}
		if verbs, err := b.Verbs(ctx); err != nil || strings.Join(verbs, " ") != "account.grant account.suspend accounts.other" {
			t.Errorf("Verbs = %q, %v", verbs, err)
		}
	}, Schema)
}

func TestADeedThatFailsLeavesNoEntry(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		b, fail := newBook(d), errors.New("it failed")
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if err := b.Write(t.Context(), tx, "x", "y", nil); err != nil {
				return err
			}
			return fail
		})
		list, lerr := b.List(t.Context(), Filter{}, "", 0)
		if !errors.Is(err, fail) || lerr != nil || len(list.Items) != 0 {
			t.Errorf("%v, %v: %d entries", err, lerr, len(list.Items))
		}
	}, Schema)
}

func TestPagesAndExportsHoldEveryEntryOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		b, ctx := newBook(d), t.Context()
		const n = 507 // more than one batch of an export
		err := d.Write(ctx, func(tx *db.Tx) error {
			for range n {
				if err := b.Write(ctx, tx, "x", "y", nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[id.ID]bool{}
		for cursor := ""; ; {
			list, err := b.List(ctx, Filter{}, cursor, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list.Items {
				seen[e.ID] = true
			}
			if cursor = list.Next; cursor == "" {
				break
			}
		}
		var table, lines bytes.Buffer
		if err := errors.Join(b.CSV(ctx, &table, Filter{}), b.Lines(ctx, &lines, Filter{})); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&table).ReadAll()
		if err != nil || len(seen) != n || len(rows) != n+1 || strings.Count(lines.String(), "\n") != n {
			t.Errorf("pages have %d entries, the table %d, the lines %d; want %d (%v)", len(seen), len(rows)-1, strings.Count(lines.String(), "\n"), n, err)
		}
		if _, err := b.List(ctx, Filter{}, "nonsense", 0); !errs.Is(err, errs.Invalid) {
			t.Errorf("a broken cursor gives %v", err)
		}
	}, Schema)
}

func TestNoCellIsAFormula(t *testing.T) {
	d := dbtest.SQLite(t, Schema)
	b := newBook(d)
	b.note(t, as(t.Context(), 7, "=cmd|'/c calc'!A1"), "x", "@SUM(1)", map[string]any{"a": "=1"})
	var table bytes.Buffer
	if err := b.CSV(t.Context(), &table, Filter{}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("the cell %q is a formula", cell)
			}
		}
	}
	if !strings.HasSuffix(rows[1][6], "@SUM(1)") {
		t.Errorf("the thing is %q", rows[1][6])
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[=+\-@\t\r\n|%a ]{0,4}`).Draw(t, "s")
		c := Cell(s)
		if strings.TrimPrefix(c, "'") != s && c != s || c != "" && strings.ContainsAny(c[:1], "=+-@\t\r\n|%") {
			t.Fatalf("Cell(%q) = %q", s, c)
		}
	})
}

func TestWhateverIsWrittenIsStoredAsBoundedJSON(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		b := newBook(d)
		for _, s := range []string{"a\x00b", "\xff\xfe", strings.Repeat("ö", 5000), "line\nbreak", "  "} {
			b.note(t, as(t.Context(), 1, "x"), "v", s, map[string]any{"s": s, "list": []string{strings.Repeat("y", 9000)}})
		}
		list, err := b.List(t.Context(), Filter{}, "", 0)
		if err != nil || len(list.Items) != 5 {
			t.Fatal(err, len(list.Items))
		}
		for _, e := range list.Items {
			if !json.Valid(e.Detail) || len(e.Detail) > 2*maxDetail || strings.ContainsAny(e.Thing, "\x00\n") {
				t.Errorf("stored: %q %.80q", e.Thing, e.Detail)
			}
		}
	}, Schema)
}

func TestSweepDeletesWhatIsOldAndNothingElse(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		b := newBook(d)
		b.note(t, t.Context(), "old", "x", nil)
		b.now = noon.Add(48 * time.Hour)
		b.note(t, t.Context(), "new", "x", nil)
		if err := b.Sweep(t.Context(), time.Hour); !errs.Is(err, errs.Invalid) {
			t.Errorf("Sweep of nearly everything = %v", err)
		}
		if err := b.Sweep(t.Context(), 24*time.Hour); err != nil {
			t.Fatal(err)
		}
		list, err := b.List(t.Context(), Filter{}, "", 0)
		if err != nil || len(list.Items) != 1 || list.Items[0].Verb != "new" {
			t.Errorf("left are %+v, %v", list.Items, err)
		}
	}, Schema)
}

func TestMiddlewareNotesTheAddressWithoutItsPort(t *testing.T) {
	for remote, want := range map[string]string{"192.0.2.1:5000": "192.0.2.1", "[2001:db8::1]:1": "2001:db8::1", "unix": "unix"} {
		var got string
		h := Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, _ = r.Context().Value(addressKey{}).(string) }))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = remote
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got != want {
			t.Errorf("from %q the address is %q; want %q", remote, got, want)
		}
	}
}
