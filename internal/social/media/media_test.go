package media

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/image/draw"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/files"
)

const (
	anna = id.ID(101)
	ben  = id.ID(102)
)

// room is a Service over a database and a folder.
type room struct {
	*Service
	clock *clock.Manual
	dir   string
}

func newRoom(t *testing.T, d *db.DB) *room {
	t.Helper()
	r := &room{clock: clock.NewManual(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)), dir: t.TempDir()}
	dir, err := files.Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	r.Service, err = New(Deps{
		DB: d, Files: dir, IDs: id.NewSource(1), Now: r.clock.Now, URL: func() string { return "https://town.example" },
		Unlink: func(_ context.Context, tx *db.Tx, paths []string) error {
			tx.AfterCommit(func() {
				for _, p := range paths {
					if err := dir.Remove(p); err != nil {
						t.Error(err)
					}
				}
			})
			return nil
		},
	}, func() Options { return Options{Person: 3 << 20, Total: 5 << 20} })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func onBoth(t *testing.T, test func(t *testing.T, r *room)) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, newRoom(t, d)) }, Schema)
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func of1(b []byte) Upload { return Upload{File: bytes.NewReader(b), Size: int64(len(b))} }

func (r *room) add(t *testing.T, who id.ID, b []byte) *social.Attachment {
	t.Helper()
	a, err := r.Add(t.Context(), who, of1(b))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// stored returns what a browser gets at an absolute URL of ours.
func (r *room) stored(t *testing.T, url string) *httptest.ResponseRecorder {
	t.Helper()
	path, ok := strings.CutPrefix(url, "https://town.example"+files.Prefix)
	if !ok {
		t.Fatalf("%s is not here", url)
	}
	req, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	req.SetPathValue("name", path)
	if err := r.Files.Serve(w, req); err != nil {
		t.Fatal(err)
	}
	return w
}

func (r *room) count(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(list) - 2 // what stands for films and sounds
}

func (r *room) write(t *testing.T, fn func(tx *db.Tx) error) error {
	t.Helper()
	return r.DB.Write(t.Context(), fn)
}

// photo is a picture with something to see.
func photo(w, h int, alpha bool) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{R: uint8(x * 255 / w), G: uint8(y * 255 / h), B: 90, A: 255}
			if alpha && x < w/2 {
				c.A = 0
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatAFileIsItsContentSays(t *testing.T) {
	type is struct {
		Kind, Ending string
		W, H         int
		Length, Rate float64
	}
	for name, want := range map[string]is{
		"film.mp4":      {Video, ".mp4", 64, 48, 0.6, 10},
		"silent.mp4":    {Gifv, ".mp4", 64, 48, 0.5, 10},
		"turned.mov":    {Gifv, ".mp4", 48, 64, 0.5, 10},
		"fragments.mp4": {Gifv, ".mp4", 64, 48, 0, 0},
		"film.webm":     {Video, ".webm", 64, 48, 0.51, 10},
		"sound.webm":    {Audio, ".webm", 0, 0, 0.71, 0},
		"vorbis.ogg":    {Audio, ".ogg", 0, 0, 0.7, 0},
		"opus.ogg":      {Audio, ".ogg", 0, 0, 0.7, 0},
		"flac.ogg":      {Audio, ".ogg", 0, 0, 0.7, 0},
		"sound.flac":    {Audio, ".flac", 0, 0, 0.7, 0},
		"sound.mp3":     {Audio, ".mp3", 0, 0, 0.75, 0},
		"plain.mp3":     {Audio, ".mp3", 0, 0, 0.73, 0},
		"sound.wav":     {Audio, ".wav", 0, 0, 0.3, 0},
		"sound.m4a":     {Audio, ".m4a", 0, 0, 0.72, 0},
		"moving.gif":    {Image, ".gif", 0, 0, 0, 0},
		"sound.aac":     {},
		"theora.ogg":    {},
		"film.mkv":      {},
	} {
		b := file(t, name)
		f, err := sniff(bytes.NewReader(b), int64(len(b)))
		if want.Kind == "" {
			if !errs.Is(err, errs.Invalid) {
				t.Errorf("%s: %+v, %v; want it refused", name, f, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := is{f.kind, f.ending, f.width, f.height, f.length.Seconds(), f.rate}
		if d := got.Length - want.Length; d > -0.03 && d < 0.03 {
			got.Length = want.Length
		}
		if d := got.Rate - want.Rate; d > -0.5 && d < 0.5 {
			got.Rate = want.Rate
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s -want +got:\n%s", name, diff)
		}
	}
}

func TestBrokenFilesAreRefused(t *testing.T) {
	for _, name := range []string{"film.mp4", "film.webm", "vorbis.ogg", "sound.flac", "sound.mp3", "sound.wav", "sound.m4a", "moving.gif"} {
		whole := file(t, name)
		for n := range min(len(whole), 300) { // no head that is cut is taken for a file, and none ends the process
			if f, err := sniff(bytes.NewReader(whole[:n]), int64(n)); err == nil && f.ending != ".gif" && (name == "film.mp4" || name == "film.webm") {
				t.Errorf("%d bytes of %s are %+v", n, name, f)
			}
		}
	}
	html := "<html><script>alert(1)</script>"
	for name, b := range map[string]string{
		"a page": html, "a page behind ftyp": "\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42" + html, "HEIC": "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + html,
		"ID3 and a page": "ID3\x04\x00\x00\x00\x00\x00\x00" + html + strings.Repeat(" ", 5000), "two bytes of MP3": "\xff\xfb\x90\x00" + html + strings.Repeat(" ", 5000),
		"PDF": "%PDF-1.7 " + html, "nothing": "", "few bytes": "GIF89a", "matroska's head": "\x1aE\xdf\xa3\x84\x42\x82\x81x" + html, "Ogg and a page": "OggS\x00\x02" + html + strings.Repeat("x", 300),
		"SVG": `<svg xmlns="http://www.w3.org/2000/svg"/>`, "boxes without end": "\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42" + strings.Repeat("\x00\x00\x00\x08free", 30_000),
	} {
		if f, err := sniff(strings.NewReader(b), int64(len(b))); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %+v, %v; want it refused", name, f, err)
		}
	}
}

// TestDamagedFilesHarmNothing changes a few bytes of each file anywhere: what then is found must still make sense.
func TestDamagedFilesHarmNothing(t *testing.T) {
	names, err := filepath.Glob("testdata/*.*")
	if err != nil || len(names) < 15 {
		t.Fatalf("%v, %v", names, err)
	}
	for _, n := range names {
		whole := file(t, filepath.Base(n))
		rapid.Check(t, func(t *rapid.T) {
			b := bytes.Clone(whole)
			for range rapid.IntRange(1, 6).Draw(t, "changes") {
				b[rapid.IntRange(0, min(len(b), 1500)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "value")
			}
			b = b[:rapid.IntRange(len(b)/2, len(b)).Draw(t, "length")]
			if f, err := sniff(bytes.NewReader(b), int64(len(b))); err == nil && (f.width < 0 || f.height < 0 || f.length < 0 || f.kind == "") {
				t.Errorf("%s: %+v", n, f)
			} else if err != nil && !errs.Is(err, errs.Invalid) {
				t.Errorf("%s: %v; want it refused in words", n, err)
			}
			_, _, _ = rebuildGIF(b) // only that it ends
		})
	}
}

func FuzzSniff(f *testing.F) {
	names, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, n := range names {
		f.Add(file(f, filepath.Base(n)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := sniff(bytes.NewReader(b), int64(len(b)))
		if err == nil && (got.width < 0 || got.height < 0 || got.length < 0 || got.kind == "") {
			t.Errorf("%+v", got)
		}
		if out, frames, err := rebuildGIF(b); err == nil && (frames < 1 || len(out) > len(b)) {
			t.Errorf("%d frames, %d of %d bytes", frames, len(out), len(b))
		}
	})
}

func TestPicturesAreScaledAndHashed(t *testing.T) {
	onBoth(t, func(t *testing.T, r *room) {
		var big bytes.Buffer
		if err := jpeg.Encode(&big, photo(3000, 1500, false), nil); err != nil {
			t.Fatal(err)
		}
		up := of1(big.Bytes())
		up.Description, up.Focus = " A wall of colours ", &social.Focus{X: 0.5, Y: -1}
		a, err := r.Add(t.Context(), anna, up)
		if err != nil {
			t.Fatal(err)
		}
		want := social.Meta{
			Original: &social.Size{Width: 2560, Height: 1280, Size: "2560x1280", Aspect: 2}, Small: &social.Size{Width: 640, Height: 320, Size: "640x320", Aspect: 2},
			Focus: &social.Focus{X: 0.5, Y: -1},
		}
		if diff := cmp.Diff(want, a.Meta); diff != "" || a.Type != Image || *a.Description != "A wall of colours" || len(*a.Blurhash) != 28 {
			t.Errorf("%+v\n-want +got:\n%s", a, diff)
		}
		w := r.stored(t, *a.PreviewURL)
		c, kind, err := image.DecodeConfig(w.Body)
		if err != nil || kind != "jpeg" || c.Width != 640 || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s of %d px, %v, %v", kind, c.Width, err, w.Header())
		}
		clear := r.add(t, anna, pngOf(t, photo(900, 600, true)))
		img, kind, err := image.Decode(r.stored(t, *clear.URL).Body)
		if err != nil || kind != "png" {
			t.Fatalf("what can be seen through is a %s: %v", kind, err)
		}
		if _, _, _, alpha := img.At(10, 10).RGBA(); alpha != 0 {
			t.Errorf("alpha is %d; want it clear", alpha)
		}
		if got, err := r.Get(t.Context(), anna, a.ID); err != nil || cmp.Diff(a, got) != "" {
			t.Errorf("stored it is %v\n%s", err, cmp.Diff(a, got))
		}
		if _, err := r.Get(t.Context(), ben, a.ID); !errs.Is(err, errs.NotFound) {
			t.Errorf("another's: %v", err)
		}
	})
}

// moving returns a GIF of n pictures with a comment and a tail that must not stay.
func moving(t *testing.T, n int) []byte {
	t.Helper()
	g := &gif.GIF{}
	for i := range n {
		p := image.NewPaletted(image.Rect(0, 0, 60, 40), color.Palette{color.Black, color.White, color.RGBA{R: 255, A: 255}})
		draw.Draw(p, image.Rect(i, 0, i+10, 40), image.White, image.Point{}, draw.Src)
		g.Image, g.Delay = append(g.Image, p), append(g.Delay, 7)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	out := b.Bytes()
	head := 13 + colours(out[10])
	comment := "\x21\xfe\x08<script>\x00"
	return append(append(append(append([]byte{}, out[:head]...), comment...), out[head:]...), "<script>tail</script>"...)
}

func TestMovingGIFsKeepTheirPicturesAlone(t *testing.T) {
	r := newRoom(t, dbtest.SQLite(t, Schema))
	a := r.add(t, anna, moving(t, 5))
	body := r.stored(t, *a.URL)
	if body.Header().Get("Content-Type") != "image/gif" || a.Type != Image || a.Meta.Original.Width != 60 || bytes.Contains(body.Body.Bytes(), []byte("script")) {
		t.Errorf("%s of %s, %+v", body.Header().Get("Content-Type"), a.Type, a.Meta.Original)
	}
	g, err := gif.DecodeAll(bytes.NewReader(body.Body.Bytes()))
	if err != nil || len(g.Image) != 5 || g.Delay[4] != 7 {
		t.Errorf("%v of %v", g, err)
	}
	if still := r.add(t, anna, moving(t, 1)); strings.HasSuffix(*still.URL, ".gif") {
		t.Errorf("a GIF that stands still is %s", *still.URL)
	}
	if a := r.add(t, anna, file(t, "moving.gif")); !strings.HasSuffix(*a.URL, ".gif") {
		t.Errorf("a GIF of another program is %s", *a.URL)
	}
	// A picture that reaches out of its frame, and one that is cut.
	liar := moving(t, 2)
	copy(liar[6:], "\x01\x00\x01\x00")
	for _, b := range [][]byte{liar, moving(t, 3)[:400]} {
		if _, err := r.Add(t.Context(), anna, of1(b)); !errs.Is(err, errs.Invalid) {
			t.Errorf("a broken GIF: %v", err)
		}
	}
}

func TestFilmsStayAsTheyAreButForPlaces(t *testing.T) {
	r := newRoom(t, dbtest.SQLite(t, Schema))
	film := file(t, "film.mp4")
	if !bytes.Contains(film, []byte("CanaryTitle")) || !bytes.Contains(file(t, "turned.mov"), []byte("+52.5163")) {
		t.Fatal("the test's own files say nothing")
	}
	a := r.add(t, anna, film)
	w := r.stored(t, *a.URL)
	got := w.Body.Bytes()
	if len(got) != len(film) || bytes.Contains(got, []byte("CanaryTitle")) || w.Header().Get("Content-Type") != "video/mp4" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%d of %d bytes, %v", len(got), len(film), w.Header())
	}
	if again, err := sniff(bytes.NewReader(got), int64(len(got))); err != nil || again.kind != Video || again.length != 600*time.Millisecond {
		t.Errorf("what is stored is %+v, %v", again, err)
	}
	i := bytes.Index(film, []byte("mdat"))
	if i < 0 || !bytes.Equal(film[i:i+2000], got[i:i+2000]) {
		t.Error("the film itself is not what it was")
	}
	turned := r.add(t, anna, file(t, "turned.mov"))
	if bytes.Contains(r.stored(t, *turned.URL).Body.Bytes(), []byte("+52.5163")) {
		t.Error("the film still says where it was taken")
	}
	if a.Meta.Original.FrameRate != "10000/1000" || a.Meta.Original.Duration != 0.6 || a.Meta.Small.Width != 640 || a.Blurhash == nil {
		t.Errorf("%+v %+v", a.Meta.Original, a.Meta.Small)
	}
	// A part of it, as players ask.
	req, part := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	req.Header.Set("Range", "bytes=4-11")
	req.SetPathValue("name", strings.TrimPrefix(*a.URL, "https://town.example"+files.Prefix))
	if err := r.Files.Serve(part, req); err != nil || part.Code != 206 || part.Body.String() != "ftypisom" {
		t.Errorf("a part: %d %q %v", part.Code, part.Body, err)
	}
	up := of1(file(t, "sound.mp3"))
	up.Thumb = pngOf(t, photo(700, 700, false))
	sound, err := r.Add(t.Context(), anna, up)
	if err != nil || sound.Type != Audio || sound.Meta.Small.Height != 640 {
		t.Errorf("a sound with a picture: %+v, %v", sound, err)
	}
	if up.Thumb = []byte("<svg/>"); err == nil {
		up.File = bytes.NewReader(file(t, "sound.mp3"))
		if _, err := r.Add(t.Context(), anna, up); !errs.Is(err, errs.Invalid) {
			t.Errorf("with a thumbnail that is none: %v", err)
		}
	}
}

func TestFilesAreAttachedOnceAndInOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, r *room) {
		var ids []id.ID
		for range 4 {
			ids = append(ids, r.add(t, anna, file(t, "sound.wav")).ID)
		}
		other := r.add(t, ben, file(t, "sound.wav")).ID
		order := func(want ...id.ID) {
			t.Helper()
			var got []id.ID
			if err := r.DB.Read(t.Context(), func(tx *db.Tx) error {
				m, err := r.Of(t.Context(), tx, []id.ID{7, 8, 9})
				for _, a := range m[7] {
					got = append(got, a.ID)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		}
		attach := func(status id.ID, list ...id.ID) error {
			return r.write(t, func(tx *db.Tx) error { return r.Attach(t.Context(), tx, anna, status, list) })
		}
		if err := attach(7, ids[2], ids[0]); err != nil {
			t.Fatal(err)
		}
		order(ids[2], ids[0])
		if err := attach(7, ids[0], ids[1], ids[2]); err != nil {
			t.Fatal(err)
		}
		order(ids[0], ids[1], ids[2])
		for name, list := range map[string][]id.ID{"another's": {other}, "of another status": {ids[0]}, "nothing": {999}, "nine": {1, 2, 3, 4, 5, 6, 7, 8, 9}} {
			if err := attach(8, list...); !errs.Is(err, errs.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := attach(7, ids[1]); err != nil {
			t.Fatal(err)
		}
		order(ids[1])
		if err := r.Remove(t.Context(), anna, ids[1]); !errs.Is(err, errs.Invalid) {
			t.Errorf("removed from under its status: %v", err)
		}
		text := "said later"
		if _, err := r.Change(t.Context(), anna, ids[1], Change{Description: &text}); !errs.Is(err, errs.NotFound) {
			t.Errorf("changed under its status: %v", err)
		}
		if err := r.write(t, func(tx *db.Tx) error { return r.Update(t.Context(), tx, anna, ids[1], &text, &social.Focus{X: 1}) }); err != nil {
			t.Fatal(err)
		}
		if a, err := r.Get(t.Context(), anna, ids[1]); err != nil || *a.Description != text || a.Meta.Focus.X != 1 {
			t.Errorf("%+v, %v", a, err)
		}
		// Two statuses ask for one file.
		var wg sync.WaitGroup
		fails := make(chan error, 2)
		for i := range 2 {
			wg.Go(func() { fails <- attach(id.ID(20+i), ids[3]) })
		}
		wg.Wait()
		if a, b := <-fails, <-fails; (a == nil) == (b == nil) {
			t.Errorf("two statuses with one file: %v and %v", a, b)
		}
	})
}

func TestWhatNobodyTakesIsGoneAfterADay(t *testing.T) {
	onBoth(t, func(t *testing.T, r *room) {
		kept, held, loose := r.add(t, anna, file(t, "moving.gif")), r.add(t, anna, file(t, "moving.gif")), r.add(t, anna, file(t, "moving.gif"))
		err := r.write(t, func(tx *db.Tx) error {
			if err := r.Hold(t.Context(), tx, anna, []id.ID{held.ID}, r.clock.Now().Add(72*time.Hour)); err != nil {
				return err
			}
			return r.Attach(t.Context(), tx, anna, 7, []id.ID{kept.ID})
		})
		if err != nil {
			t.Fatal(err)
		}
		left := func(want ...*social.Attachment) {
			t.Helper()
			if err := r.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			u, err := r.Use(t.Context(), anna)
			if err != nil || int(u.Files) != len(want) || r.count(t) != 2*len(want) {
				t.Errorf("%d files in %d, %v; want %d", u.Files, r.count(t), err, len(want))
			}
			for _, a := range want {
				if _, err := r.Get(t.Context(), anna, a.ID); err != nil {
					t.Error(err)
				}
			}
		}
		r.clock.Advance(Loose - time.Minute)
		left(kept, held, loose)
		r.clock.Advance(2 * time.Minute)
		left(kept, held)
		r.clock.Advance(73 * time.Hour)
		left(kept)
		if err := r.write(t, func(tx *db.Tx) error { return r.Detach(t.Context(), tx, 7) }); err != nil {
			t.Fatal(err)
		}
		r.clock.Advance(Loose - time.Minute)
		left(kept)
		if err := r.write(t, func(tx *db.Tx) error { return r.Attach(t.Context(), tx, anna, 8, []id.ID{kept.ID}) }); err != nil {
			t.Fatal(err)
		}
		if err := r.write(t, func(tx *db.Tx) error { return r.Delete(t.Context(), tx, 8) }); err != nil {
			t.Fatal(err)
		}
		left()
		if u, err := r.Use(t.Context(), 0); err != nil || u.Bytes != 0 {
			t.Errorf("all take %d bytes, %v", u.Bytes, err)
		}
	})
}

func TestRoomIsBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, r *room) {
		wav := append(file(t, "sound.wav"), make([]byte, 1<<20)...)
		for range 2 {
			r.add(t, anna, wav)
		}
		if _, err := r.Add(t.Context(), anna, of1(wav)); !errs.Is(err, errs.TooLarge) {
			t.Errorf("above what one may have: %v", err)
		}
		for range 2 {
			r.add(t, ben, wav)
		}
		if _, err := r.Add(t.Context(), id.ID(103), of1(wav)); !errs.Is(err, errs.Unavailable) {
			t.Errorf("above what there is: %v", err)
		}
		if u, err := r.Use(t.Context(), 0); err != nil || u.Files != 4 || u.Bytes != 4*int64(len(wav)) || r.count(t) != 4 {
			t.Errorf("%+v, %v, %d files", u, err, r.count(t))
		}
		if _, err := r.Add(t.Context(), ben, Upload{File: bytes.NewReader(nil), Size: MaxFilm + 1}); !errs.Is(err, errs.TooLarge) {
			t.Errorf("a long one: %v", err)
		}
	})
}

func TestNothingIsLeftOfWhoLeaves(t *testing.T) {
	onBoth(t, func(t *testing.T, r *room) {
		r.add(t, ben, file(t, "film.mp4"))
		for range 3 {
			r.add(t, anna, file(t, "moving.gif"))
		}
		part := r.Personal()
		if n, err := part.Count(t.Context(), anna); n != 3 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		shelf := &archive{}
		if err := part.Export(t.Context(), anna, shelf); err != nil || shelf.pictures != 3 || shelf.docs != 1 {
			t.Errorf("%+v, %v", shelf, err)
		}
		var gone []string
		if err := r.write(t, func(tx *db.Tx) error {
			e, err := part.Erase(t.Context(), tx, anna)
			gone = e.Files
			if e.More {
				t.Error("there is more")
			}
			return err
		}); err != nil || len(gone) != 6 {
			t.Errorf("%d files, %v", len(gone), err)
		}
		if u, err := r.Use(t.Context(), 0); err != nil || u.Files != 1 {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

type archive struct{ docs, pictures int }

func (a *archive) JSON(string, string, any) error       { a.docs++; return nil }
func (a *archive) File(string, string, io.Reader) error { return nil }
func (a *archive) Picture(path, _ string) error         { a.pictures++; return nil }

func TestFocusIsTwoNumbers(t *testing.T) {
	for in, want := range map[string]*social.Focus{"": nil, "0.5,-0.25": {X: 0.5, Y: -0.25}, "\u00202 , -3\u0020": {X: 1, Y: -1}} {
		if got, err := ParseFocus(in); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("ParseFocus(%q) = %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"1", "a,b", "1,2,3", "NaN,0"} {
		if got, err := ParseFocus(in); !errs.Is(err, errs.Invalid) {
			t.Errorf("ParseFocus(%q) = %v, %v", in, got, err)
		}
	}
}
