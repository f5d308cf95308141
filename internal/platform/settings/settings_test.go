package settings

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// town is nodes over one database and one bus.
type town struct {
	db   *db.DB
	bus  *events.Local
	ids  *id.Source
	book *audit.Audit
}

func newTown(d *db.DB) *town {
	w := &town{db: d, bus: events.NewLocal(), ids: id.NewSource(1)}
	w.book = audit.New(d, w.ids, func() time.Time { return noon })
	return w
}

func (w *town) node(t *testing.T, o config.Overrides) *Settings {
	t.Helper()
	t.Chdir(t.TempDir())
	cfg, err := config.Load(o, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Deps{DB: w.db, Bus: w.bus, IDs: w.ids, Now: func() time.Time { return noon }, Audit: w.book, Log: slog.New(slog.DiscardHandler)}, cfg)
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func admin(ctx context.Context) context.Context {
	return access.With(ctx, access.Actor{ID: 7, Handle: "ada", Roles: []access.Grant{{Role: access.RoleAdmin}}})
}

func to(v string) *string { return &v }

func TestAChangeHoldsAtOnceOnAllNodesAndAfterAStart(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(d)
		here, there := w.node(t, nil), w.node(t, nil)
		ctx, end := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- there.Run(ctx) }()
		if err := here.Change(admin(t.Context()), map[string]*string{"town.name": to(" Arkadia "), "town.accent_hue": to("150")}); err != nil {
			t.Fatal(err)
		}
		if got := here.Config().Town; got.Name != "Arkadia" || got.AccentHue != 150 {
			t.Errorf("here the town is %+v", got)
		}
		for deadline := time.Now().Add(time.Second); there.Config().Town.Name != "Arkadia"; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the other node has not heard of it within a second")
			}
		}
		end()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		if got := w.node(t, nil).Config().Town.Name; got != "Arkadia" {
			t.Errorf("after a start the town is %q", got)
		}
	}, Schema, audit.Schema)
}

func TestWhatIsSetElsewhereIsLocked(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(d)
		if err := w.node(t, nil).Change(admin(t.Context()), map[string]*string{"town.name": to("Arkadia")}); err != nil {
			t.Fatal(err)
		}
		s := w.node(t, config.Overrides{"town.name": "Flagtown"})
		if got := s.Config().Town.Name; got != "Flagtown" {
			t.Errorf("the town is %q; want what the flag says", got)
		}
		st, ok := s.Get(t.Context(), "town.name")
		if !ok || st.From != "--town.name" || st.Own || st.Value != "Flagtown" {
			t.Errorf("the setting stands as %+v", st)
		}
		if err := s.Change(admin(t.Context()), map[string]*string{"town.name": nil}); !errs.Is(err, errs.Invalid) {
			t.Errorf("Change of a locked setting = %v", err)
		}
	}, Schema, audit.Schema)
}

func TestEveryChangeIsInTheHistoryAndCanBePutBack(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(d)
		s, ctx := w.node(t, nil), admin(t.Context())
		for _, name := range []string{"One", "Two", "Two"} {
			if err := s.Change(ctx, map[string]*string{"town.name": to(name)}); err != nil {
				t.Fatal(err)
			}
		}
		list, err := s.History(ctx, "town.name", "", 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range list.Items {
			got = append(got, c.Handle+": "+c.Was+" → "+c.Became)
		}
		if diff := cmp.Diff([]string{"ada: One → Two", "ada: Stoa → One"}, got); diff != "" {
			t.Errorf("the history (-want +got):\n%s", diff)
		}
		if err := s.PutBack(ctx, list.Items[0].ID); err != nil || s.Config().Town.Name != "One" {
			t.Errorf("put back: %v, %q", err, s.Config().Town.Name)
		}
		if err := s.PutBack(ctx, list.Items[1].ID); err != nil || s.Config().Town.Name != "Stoa" {
			t.Errorf("put back to the default: %v, %q", err, s.Config().Town.Name)
		}
		if st, _ := s.Get(ctx, "town.name"); st.Own {
			t.Error("a setting at its default counts as set by an admin")
		}
		if err := s.PutBack(ctx, 12345); !errs.Is(err, errs.NotFound) {
			t.Errorf("put back what never was: %v", err)
		}
		book, err := w.book.List(ctx, audit.Filter{Verb: "settings"}, "", 0)
		if err != nil || len(book.Items) != 4 || book.Items[0].Thing != "setting:town.name" || book.Items[0].Actor != 7 {
			t.Errorf("the audit log has %+v, %v; want four entries", book.Items, err)
		}
	}, Schema, audit.Schema)
}

func TestNonsenseIsRefusedWholeWithItsField(t *testing.T) {
	d := dbtest.SQLite(t, Schema, audit.Schema)
	s, ctx := newTown(d).node(t, nil), admin(t.Context())
	for name, v := range map[string]*string{
		"town.name": to(""), "town.accent_hue": to("361"), "delivery.warn_before": to("11m"), "delivery.confirm_within": to("ten minutes"),
		"limits.api": to("many"), "limits.rate": to("perhaps"), "data": to("/"), "tls": nil, "town.lang": to("a\x00b"),
	} {
		err := s.Change(ctx, map[string]*string{name: v, "limits.anonymous": to("9")})
		e := errs.As(err)
		if !errs.Is(err, errs.Invalid) || e.Fields[0].Path != name {
			t.Errorf("%s = %v; want an Invalid error about it", name, err)
		}
	}
	if got := s.Config().Limits.Anonymous; got != 5 {
		t.Errorf("a refused change took effect in part: %d", got)
	}
	err := s.Change(ctx, map[string]*string{"delivery.warn_before": to("11m"), "delivery.confirm_within": to("12m")})
	if err != nil {
		t.Errorf("two that make sense together: %v", err)
	}
}

func TestAStoredValueThatNoLongerMakesSenseIsLeftOut(t *testing.T) {
	d := dbtest.SQLite(t, Schema, audit.Schema)
	w := newTown(d)
	err := w.node(t, nil).Change(admin(t.Context()), map[string]*string{"delivery.warn_before": to("9m"), "town.name": to("Arkadia")})
	if err != nil {
		t.Fatal(err)
	}
	s := w.node(t, config.Overrides{"delivery.confirm_within": "8m"})
	if c := s.Config(); c.Delivery.WarnBefore != 5*time.Minute || c.Town.Name != "Arkadia" {
		t.Errorf("in force are %v and %q", c.Delivery.WarnBefore, c.Town.Name)
	}
}

func TestEveryKeyIsASettingWithWordsInEveryLanguage(t *testing.T) {
	d := dbtest.SQLite(t, Schema, audit.Schema)
	s := newTown(d).node(t, nil)
	english := map[string]string{}
	for _, lang := range i18n.Langs {
		for _, g := range s.Groups(i18n.With(t.Context(), lang)) {
			if g.Title == g.Name {
				t.Errorf("the group %s has no title", g.Name)
			}
			for _, st := range g.Settings {
				if st.Help == "" || st.Label == st.Name {
					t.Errorf("%s has no words", st.Name)
				}
				if lang == "en" {
					english[st.Name] = st.Help
				} else if st.Help == english[st.Name] {
					t.Errorf("%s has no words in %s", st.Name, lang)
				}
				if _, ok := config.Text(*s.Config(), st.Name); !ok {
					t.Errorf("%s is no setting", st.Name)
				}
			}
		}
	}
}
