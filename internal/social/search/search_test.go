package search

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

const (
	anna, bert, cora id.ID = 1, 2, 3 // cora does not allow that she is found
)

func TestWordsAreFoldedAndCutAsReadersWould(t *testing.T) {
	for in, want := range map[string]string{
		"Café, crème brûlée!":       "cafe creme brulee",
		"Don't – it's GROẞ":         "dont its gross",
		"#Marktplatz @anna@b.at":    "marktplatz anna b at",
		"2 × 3,50 €":                "2 3 50",
		"東京タワー":                     "東 京 タ ワ ー",
		"a'":                        "a",
		"'quoted'":                  "quoted",
		strings.Repeat("x", 100):    strings.Repeat("x", maxWord),
		"привет Ёлка":               "привет елка",
		"a\x00b <script>'; DROP --": "a b script drop",
		"":                          "",
	} {
		if got := strings.Join(Words(in), " "); got != want {
			t.Errorf("Words(%q) = %q; want %q", in, got, want)
		}
	}
	if n := len(Words(strings.Repeat("ab ", 5000))); n != maxWords {
		t.Errorf("%d words of a long text; want %d", n, maxWords)
	}
}

func TestParseTellsOperatorsFromWords(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }
	for typed, want := range map[string]query{
		`pizza Mar`:                     {terms: []term{{words: []string{"pizza"}}, {words: []string{"mar"}, prefix: true}}},
		`"fresh Bread" -stale`:          {terms: []term{{words: []string{"fresh", "bread"}}, {words: []string{"stale"}, not: true}}},
		`from:@Anna has:media is:reply`: {from: "anna", has: []string{"media"}, is: []string{"reply"}},
		`-has:poll language:de-AT`:      {not: []string{"poll"}, lang: "de"},
		`before:2026-11-20 x`:           {before: day(20), terms: []term{{words: []string{"x"}, prefix: true}}},
		`after:2026-11-20`:              {after: day(21)},
		`during:2026-11-20 in:library`:  {after: day(20), before: day(21), in: "library"},
		`has:wings before:soon`:         {terms: []term{{words: []string{"has", "wings"}}, {words: []string{"before", "soon"}, prefix: true}}},
		`"open`:                         {terms: []term{{words: []string{"open"}}}},
		`- " -"`:                        {},
	} {
		if diff := cmp.Diff(want, parse(typed, time.UTC), cmp.AllowUnexported(query{}, term{})); diff != "" {
			t.Errorf("parse(%q) (-want +got):\n%s", typed, diff)
		}
	}
}

// post is a status of the small world below.
type post struct {
	head  social.Head
	text  string
	about []string
}

// world holds a few statuses and people.
type world struct{ posts map[id.ID]*post }

func (w *world) Heads(_ context.Context, ids []id.ID) ([]social.Head, error) {
	var out []social.Head
	for _, n := range ids {
		if p := w.posts[n]; p != nil {
			out = append(out, p.head)
		}
	}
	return out, nil
}

func (w *world) JSON(_ context.Context, rel *social.Relations, ids []id.ID, _ string) ([]json.RawMessage, error) {
	var out []json.RawMessage
	for _, n := range ids {
		if p := w.posts[n]; p != nil && rel.MayRead(&p.head) {
			out = append(out, json.RawMessage(fmt.Sprintf(`{"id":"%d"}`, n)))
		}
	}
	return out, nil
}

func (w *world) Searchable(_ context.Context, _ *db.Tx, n id.ID) (string, []string, bool, error) {
	p := w.posts[n]
	if p == nil {
		return "", nil, false, nil
	}
	return p.text, p.about, true, nil
}

func (w *world) Find(_ context.Context, _ id.ID, q string, _ bool, _, _ int) ([]*social.Account, error) {
	if strings.Index("anna", q) == 0 {
		return []*social.Account{{ID: anna, Acct: "anna", DisplayName: "Anna"}}, nil
	}
	return nil, nil
}

func (w *world) Resolve(_ context.Context, acct string) (id.ID, error) {
	if n, ok := map[string]id.ID{"anna": anna, "bert": bert, "cora": cora}[acct]; ok {
		return n, nil
	}
	return 0, errs.New(errs.NotFound, "Record not found")
}

func (w *world) Indexable(_ context.Context, ids []id.ID) (map[id.ID]bool, error) {
	out := map[id.ID]bool{}
	for _, n := range ids {
		out[n] = n != cora
	}
	return out, nil
}

func (w *world) Relations(_ context.Context, viewer id.ID) (*social.Relations, error) {
	return &social.Relations{Viewer: viewer}, nil
}

type food struct{}

func (food) Find(context.Context, string, int) ([]social.ShopCard, []social.DishCard, error) {
	return []social.ShopCard{{Name: "Luigi"}}, nil, nil
}

// town is a Service with an event log that is read until it has nothing more.
type town struct {
	*Service
	*world
	d   *db.DB
	log *events.Log
}

func newTown(t *testing.T, d *db.DB) town {
	t.Helper()
	w := &world{map[id.ID]*post{}}
	log := events.New(d, events.NewLocal())
	s := New(Deps{DB: d, Statuses: w, People: w, Graph: w, Food: food{}, Zone: time.UTC, URL: func() string { return "https://town.example" }})
	s.React(log)
	go func() { _ = log.Run(t.Context()) }()
	return town{s, w, d, log}
}

func (w town) tell(t *testing.T, p events.Payload) {
	t.Helper()
	if err := w.d.Write(t.Context(), func(tx *db.Tx) error { return w.log.Append(t.Context(), tx, time.Now(), 0, p) }); err != nil {
		t.Fatal(err)
	}
	if err := w.log.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w town) write(t *testing.T, n, by id.ID, v social.Visibility, text string, about ...string) social.Head {
	t.Helper()
	h := social.Head{ID: n, Account: by, Visibility: v, Lang: "de-AT", At: time.Date(2026, 11, int(n), 12, 0, 0, 0, time.UTC)}
	for _, word := range strings.Fields(text) {
		if tag, ok := strings.CutPrefix(word, "#"); ok {
			h.Tags = append(h.Tags, strings.ToLower(tag))
		}
	}
	w.posts[n] = &post{h, text, about}
	w.tell(t, social.Posted{Head: h})
	return h
}

func TestReadersFindWhatTheyMayAndNothingElse(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		w.write(t, 1, anna, social.Public, "Frischer Käse am Markt #markt", "media")
		w.write(t, 2, anna, social.Followers, "Käse nur für Freunde")
		w.write(t, 3, bert, social.Public, "Der Markt hat heute zu #Markt #marktplatz", "reply")
		w.write(t, 4, cora, social.Public, "Käse, ganz privat gemeint")
		w.write(t, 5, cora, social.Town, "Straßenfest mit Käsekrainer")
		direct := w.write(t, 6, bert, social.Direct, "Käse für Anna")
		direct.Mentions = []id.ID{anna}
		w.posts[6].head = direct
		w.write(t, 7, bert, social.Town, "東京のチーズ")
		w.tell(t, social.Marked{Status: 4, Author: cora, By: bert, Mark: social.Favourite})
		w.tell(t, social.Posted{Head: social.Head{ID: 20, Account: anna, BoostOf: 5, BoostFrom: cora}})
		for _, c := range []struct {
			who   id.ID
			typed string
			want  []id.ID
		}{
			{anna, "käse", []id.ID{6, 5, 2, 1}}, // 5 begins with it and was boosted by her
			{anna, "KASE am", []id.ID{1}},
			{anna, `"kase am"`, []id.ID{1}},
			{anna, `"am kase"`, nil},
			{anna, `"käse"`, []id.ID{6, 2, 1}},
			{bert, "käse", []id.ID{6, 4, 1}},
			{bert, "käse in:public", []id.ID{1}},
			{bert, "in:library", []id.ID{4}},
			{cora, "käse", []id.ID{5, 4, 1}},
			{cora, "from:me", []id.ID{5, 4}},
			{cora, "from:anna", []id.ID{1}},
			{cora, "from:nobody", nil},
			{anna, "markt -heute", []id.ID{1}},
			{anna, "mark", []id.ID{3, 1}},
			{anna, "has:media", []id.ID{1}},
			{anna, "markt -has:media", []id.ID{3}},
			{anna, "markt is:reply", []id.ID{3}},
			{anna, "before:2026-11-03 markt", []id.ID{1}},
			{anna, "after:2026-11-02 markt", []id.ID{3}},
			{anna, "during:2026-11-03", []id.ID{3}},
			{anna, "strassenfest", []id.ID{5}},
			{anna, "language:en markt", nil},
			{anna, "language:de markt", []id.ID{3, 1}},
			{anna, "京の", []id.ID{7}},
			{anna, "-markt", nil},
			{anna, "' OR 1=1 --", nil},
			{0, "käse", nil},
		} {
			got, err := w.FindStatuses(t.Context(), c.who, c.typed, Page{Limit: 20})
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%q by %d (-want +got, %v):\n%s", c.typed, c.who, err, diff)
			}
		}

		w.posts[1].text = "Frisches Brot #brot"
		edited := w.posts[1].head
		w.tell(t, social.Edited{Head: edited})
		if got, err := w.FindStatuses(t.Context(), bert, "brot", Page{Limit: 20}); err != nil || !slices.Equal(got, []id.ID{1}) {
			t.Errorf("after an edit: %v, %v", got, err)
		}
		gone := w.posts[3].head
		delete(w.posts, 3)
		w.tell(t, social.Deleted{Head: gone})
		if got, err := w.FindStatuses(t.Context(), anna, "markt", Page{Limit: 20}); err != nil || len(got) != 0 {
			t.Errorf("after a deletion: %v, %v", got, err)
		}
		tags, err := w.FindTags(t.Context(), "#Mark", 0, 5)
		if err != nil || len(tags) != 1 || tags[0].Name != "markt" || tags[0].Uses != 1 {
			t.Errorf("tags %+v, %v", tags, err)
		}
		if _, err := w.FindTags(t.Context(), "a\x00b\xff", 0, 5); err != nil {
			t.Errorf("bytes that no database takes: %v", err)
		}
		for {
			more := false
			if err := d.Write(t.Context(), func(tx *db.Tx) error {
				e, err := w.Personal().Erase(t.Context(), tx, anna)
				more = e.More
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
		}
		if got, err := w.FindStatuses(t.Context(), bert, "brot", Page{Limit: 20}); err != nil || len(got) != 0 {
			t.Errorf("after anna has left: %v, %v", got, err)
		}
	}, events.Schema, Schema)
}

func TestPagesOfManyHits(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			for n := id.ID(1); n <= 3*chunk; n++ {
				by := cora // found by nobody else
				if n%3 == 0 {
					by = anna
				}
				h := social.Head{ID: n, Account: by, Visibility: social.Public}
				w.posts[n] = &post{h, "brot", nil}
				if err := put(t.Context(), tx, &h, []string{"brot"}, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			page  Page
			first id.ID
			n     int
		}{
			"first":    {Page{Limit: 10}, 600, 10},
			"offset":   {Page{Limit: 10, Offset: 100}, 300, 10},
			"the last": {Page{Limit: 40, Offset: 180}, 60, 20},
			"below":    {Page{Limit: 5, Below: 300}, 297, 5},
			"over":     {Page{Limit: 40, Over: 590}, 600, 4},
			"beyond":   {Page{Limit: 5, Offset: 1000}, 0, 0},
		} {
			got, err := w.FindStatuses(t.Context(), bert, "brot", c.page)
			if err != nil || len(got) != c.n || c.n > 0 && got[0] != c.first {
				t.Errorf("%s: %v, %v; want %d from %d", name, got, err, c.n, c.first)
			}
		}
	}, events.Schema, Schema)
}

func TestOverHTTP(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, events.Schema, Schema))
	w.write(t, 1, anna, social.Public, "Brot #brot")
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", nil, httpx.Address(w.URL))
	w.Routes(rt)
	for _, c := range []struct {
		who    id.ID
		path   string
		status int
		want   string
	}{
		{bert, "/api/v2/search?q=brot&resolve=False", 200, `{"accounts":[],"statuses":[{"id":"1"}],"hashtags":[{"name":"brot","url":"https://town.example/tags/brot","history":[]}]}`},
		{bert, "/api/v2/search?q=%23brot&type=hashtags", 200, `{"accounts":[],"statuses":[],"hashtags":[{"name":"brot","url":"https://town.example/tags/brot","history":[]}]}`},
		{bert, "/api/v2/search?q=https://town.example/@anna/1&type=statuses", 200, `"statuses":[{"id":"1"}]`},
		{bert, "/api/v2/search?q=@ann", 200, `"acct":"anna"`},
		{0, "/api/v2/search?q=brot", 200, `"statuses":[]`},
		{0, "/api/v2/search?q=brot&offset=5", 401, `error`},
		{bert, "/api/v2/search", 422, `error`},
		{bert, "/api/v2/search?q=x&type=cats", 422, `error`},
		{bert, "/api/v2/search?q=x&offset=-1", 422, `error`},
		{bert, "/api/stoa/v1/suggestions?q=br", 200, `{"accounts":[],"hashtags":[{"name":"brot","uses":1}],"restaurants":[{"id":"0","slug":"","name":"Luigi"`},
		{bert, "/api/stoa/v1/suggestions", 422, `query.q`},
	} {
		r := httptest.NewRequestWithContext(access.With(t.Context(), access.Actor{ID: c.who}), "GET", c.path, nil)
		rec := httptest.NewRecorder()
		rt.ServeHTTP(rec, r)
		if rec.Code != c.status || !strings.Contains(rec.Body.String(), c.want) {
			t.Errorf("GET %s by %d = %d %s; want %d with %s", c.path, c.who, rec.Code, rec.Body, c.status, c.want)
		}
	}
}

func BenchmarkFindStatuses(b *testing.B) {
	d := dbtest.SQLite(b, events.Schema, Schema)
	w := &world{map[id.ID]*post{}}
	s := New(Deps{DB: d, Statuses: w, People: w, Graph: w, Zone: time.UTC, URL: func() string { return "" }})
	err := d.Write(b.Context(), func(tx *db.Tx) error {
		for n := id.ID(1); n <= 20000; n++ {
			h := social.Head{ID: n, Account: anna, Visibility: social.Public}
			w.posts[n] = &post{h, "", nil}
			if err := put(b.Context(), tx, &h, []string{"wort" + itoa(int(n%500)), "brot"}, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if got, err := s.FindStatuses(b.Context(), bert, "brot wort77", Page{Limit: 20}); err != nil || len(got) != 20 {
			b.Fatal(got, err)
		}
	}
}
