package preview

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/fetch"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

func TestParseReadsWhatAPageSaysOfItself(t *testing.T) {
	for name, c := range map[string]struct {
		body, kind string
		want       social.Card
		picture    string
		none       bool
	}{
		"open graph": {
			body: `<html lang="de-AT"><head><title>Not this</title><meta property="og:title" content="Markt &amp; Brot"><meta property=og:description content=" Am
				Samstag "><meta property="og:image" content="/a.png"><meta property="og:image:alt" content="A loaf"><meta property="og:site_name" content="Bote">
				<meta name="author" content="Ida"><meta property="article:published_time" content="2026-11-01T10:00:00Z"></head><body><meta property="og:title" content="x">`,
			want: social.Card{Title: "Markt & Brot", Description: "Am Samstag", ProviderName: "Bote", AuthorName: "Ida", ImageAlt: "A loaf"}, picture: "/a.png",
		},
		"title alone":     {body: "<title>Just\n a title</title>", want: social.Card{Title: "Just a title", ProviderName: "news.example"}},
		"latin 1":         {body: "<title>Gr\xfc\xdfe</title>", kind: "text/html; charset=iso-8859-1", want: social.Card{Title: "Grüße", ProviderName: "news.example"}},
		"no title":        {body: "<p>hello</p>", none: true},
		"an empty title":  {body: "<title> </title>", none: true},
		"title in body":   {body: "<body><svg><title>x</title></svg>", none: true},
		"long":            {body: "<title>" + strings.Repeat("ä", 300) + "</title>", want: social.Card{Title: strings.Repeat("ä", 199) + "…", ProviderName: "news.example"}},
		"script in title": {body: "<title><script>alert(1)</script></title>", want: social.Card{Title: "<script>alert(1)</script>", ProviderName: "news.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			kind := c.kind
			if kind == "" {
				kind = "text/html; charset=utf-8"
			}
			p, ok := parse([]byte(c.body), kind, "https://www.news.example/a")
			if ok == c.none {
				t.Fatalf("parse = %+v, %v", p, ok)
			}
			if c.none {
				return
			}
			got := social.Card{Title: p.Title, Description: p.Description, ProviderName: p.ProviderName, AuthorName: p.AuthorName, ImageAlt: p.ImageAlt}
			if got.Title != c.want.Title || got.Description != c.want.Description || got.ProviderName != c.want.ProviderName || got.AuthorName != c.want.AuthorName || got.ImageAlt != c.want.ImageAlt || p.picture != c.picture {
				t.Errorf("got %+v, picture %q; want %+v, %q", got, p.picture, c.want, c.picture)
			}
			if name == "open graph" && (p.Language == nil || *p.Language != "de" || p.PublishedAt.IsZero()) {
				t.Errorf("language %v, published %v", p.Language, p.PublishedAt)
			}
		})
	}
}

// refreshed counts how often each status was shown anew.
type refreshed struct{ n atomic.Int64 }

func (r *refreshed) Redraw(_ context.Context, tx *db.Tx, _ id.ID) error {
	tx.AfterCommit(func() { r.n.Add(1) }) // a transaction may be tried more than once
	return nil
}

// site is a web site with one page that counts its visits.
func site(t *testing.T) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 40, 20))
	for x := range 40 {
		img.Set(x, x/2, color.RGBA{200, uint8(x), 0, 255})
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, img); err != nil {
		t.Fatal(err)
	}
	visits := new(atomic.Int64)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /news", func(w http.ResponseWriter, _ *http.Request) {
		visits.Add(1)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<title>News</title><meta property="og:image" content="p.png">`))
	})
	mux.HandleFunc("GET /p.png", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(picture.Bytes()) })
	mux.HandleFunc("GET /doc", func(w http.ResponseWriter, _ *http.Request) {
		visits.Add(1)
		w.Header().Set("Content-Type", "application/pdf")
		_, _ = w.Write([]byte("%PDF"))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s, visits
}

func TestAPageIsLookedAtOnceAndItsPictureIsKeptHere(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		far, visits := site(t)
		now := clock.NewManual(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
		dir, err := files.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		q := jobs.New(d, events.NewLocal(), now.Now, id.NewSource(1), jobs.Options{Poll: 5 * time.Millisecond})
		told := new(refreshed)
		s := New(d, q, now.Now, fetch.New(fetch.Options{AllowLoopback: true}), dir, told, func() string { return "https://town.example" })
		s.React()
		go func() { _ = q.Run(t.Context()) }()
		want := func(link string, n int64) {
			t.Helper()
			if err := d.Write(t.Context(), func(tx *db.Tx) error { return s.Want(t.Context(), tx, 1, link) }); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(10 * time.Second); told.n.Load() < n; time.Sleep(5 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%s: the status was shown anew %d times; want %d", link, told.n.Load(), n)
				}
			}
		}
		of := func(link string) (c *social.Card) {
			t.Helper()
			if err := d.Read(t.Context(), func(tx *db.Tx) error {
				all, err := s.Of(t.Context(), tx, []string{link})
				c = all[link]
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return c
		}
		want(far.URL+"/news#top", 1)
		want(far.URL+"/news", 1)
		c := of(far.URL + "/news#top")
		if c == nil || c.Title != "News" || c.URL != far.URL+"/news#top" || c.Image == nil || !strings.HasPrefix(*c.Image, "https://town.example/media/") || c.Width != 40 || c.Blurhash == nil || visits.Load() != 1 {
			t.Fatalf("card %+v after %d visits", c, visits.Load())
		}
		want(far.URL+"/doc", 2)
		if c := of(far.URL + "/doc"); c != nil {
			t.Errorf("a document has the card %+v", c)
		}
		for _, link := range []string{"https://town.example/@anna", "ftp://a.example/", "http://" + strings.Repeat("a", 2000), "no link", ""} {
			want(link, 2)
		}
		want(far.URL+"/doc", 2) // known to have none
		if visits.Load() != 2 {
			t.Errorf("%d visits; want 2", visits.Load())
		}
		now.Advance(Fresh)
		want(far.URL+"/news", 3)
		if visits.Load() != 3 {
			t.Errorf("%d visits after a week; want 3", visits.Load())
		}
		if err := s.Sweep(t.Context(), now.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		path := strings.TrimPrefix(*c.Image, "https://town.example")
		if c := of(far.URL + "/news"); c == nil || c.Image != nil {
			t.Errorf("after the sweep the card is %+v", c)
		}
		if _, err := dir.Read(path); err == nil {
			t.Error("the picture outlived the sweep")
		}
	}, events.Schema, jobs.Schema, Schema)
}
