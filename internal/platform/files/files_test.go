package files

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/base/errs"
)

func open(t testing.TB) *Dir {
	t.Helper()
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// picture is red on its left half and blue on its right.
func picture(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{R: 255, A: 255}
			if x >= w/2 {
				c = color.RGBA{B: 255, A: 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func encoded(t testing.TB, format string, img image.Image) []byte {
	t.Helper()
	var buf bytes.Buffer
	var err error
	switch format {
	case "jpeg":
		err = jpeg.Encode(&buf, img, nil)
	case "png":
		err = png.Encode(&buf, img)
	case "gif":
		err = gif.Encode(&buf, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// get asks for a stored picture as a browser does.
func get(t testing.TB, d *Dir, path string) (*httptest.ResponseRecorder, error) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.SetPathValue("name", strings.TrimPrefix(path, Prefix))
	w := httptest.NewRecorder()
	return w, d.Serve(w, r)
}

func TestUploadsAreScaledAndServed(t *testing.T) {
	d := open(t)
	for _, format := range []string{"jpeg", "png", "gif"} {
		p, err := d.Put(t.Context(), encoded(t, format, picture(2000, 1000)))
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if p.Width != 1600 || p.Height != 800 || Thumb(p.Path) != p.Thumb {
			t.Errorf("%s: %+v; want 1600 × 800 and a thumbnail", format, p)
		}
		for path, side := range map[string]int{p.Path: 1600, p.Thumb: 480} {
			w, err := get(t, d, path)
			if err != nil {
				t.Fatal(err)
			}
			img, kind, err := image.Decode(w.Body)
			if err != nil || kind != "jpeg" || img.Bounds().Dx() != side {
				t.Errorf("%s: %s of %v, %v; want a JPEG %d wide", path, kind, img.Bounds(), err, side)
			}
			for header, want := range map[string]string{"Content-Type": "image/jpeg", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "cross-origin", "Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=31536000, immutable"} {
				if got := w.Header().Get(header); got != want {
					t.Errorf("%s is %q; want %q", header, got, want)
				}
			}
			if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "sandbox") {
				t.Errorf("policy %q has no sandbox", got)
			}
		}
	}
}

// withOrientation puts an EXIF segment into a JPEG, with a comment that must not survive.
func withOrientation(b []byte, turn byte) []byte {
	tiff := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00" + string(turn) + "\x00\x00\x00\x00\x00\x00\x00secret place")
	seg := append([]byte("Exif\x00\x00"), tiff...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(seg)+2))
	return append(append(head, seg...), b[2:]...)
}

func TestPhotosStandUprightAndSayNothingElse(t *testing.T) {
	d := open(t)
	red := func(img image.Image, x, y int) bool {
		r, _, b, _ := img.At(x, y).RGBA()
		return r > b
	}
	// Where red is to be after turning: left, right, left (mirrored top to bottom) …, top or bottom.
	for turn, want := range map[byte]string{1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom", 9: "left"} {
		p, err := d.Put(t.Context(), withOrientation(encoded(t, "jpeg", picture(64, 32)), turn))
		if err != nil {
			t.Fatal(err)
		}
		w, err := get(t, d, p.Path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(w.Body.Bytes(), []byte("secret place")) {
			t.Error("the stored picture says where it was taken")
		}
		img, err := jpeg.Decode(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		b := img.Bounds()
		got := map[[2]bool]string{{true, false}: "left", {false, true}: "right"}[[2]bool{red(img, 4, b.Dy()/2), red(img, b.Dx()-5, b.Dy()/2)}]
		if got == "" {
			got = map[bool]string{true: "top", false: "bottom"}[red(img, b.Dx()/2, 4)]
		}
		if got != want {
			t.Errorf("orientation %d: red is %s; want %s", turn, got, want)
		}
	}
}

// bomb is a PNG of a few bytes that says it is w by h.
func bomb(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	head = append(binary.BigEndian.AppendUint32(head, h), 8, 2, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(head))
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	d := open(t)
	for name, c := range map[string]struct {
		body []byte
		kind errs.Kind
	}{
		"nothing":        {nil, errs.Invalid},
		"a script":       {[]byte("<script>alert(1)</script>"), errs.Invalid},
		"an SVG":         {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), errs.Invalid},
		"a PNG's head":   {bomb(10, 10), errs.Invalid},
		"a bomb":         {bomb(11_000, 11_000), errs.Invalid},
		"a long bomb":    {bomb(13_000, 1), errs.Invalid},
		"a cut JPEG":     {encoded(t, "jpeg", picture(64, 64))[:400], errs.Invalid},
		"too many bytes": {make([]byte, MaxBytes+1), errs.TooLarge},
	} {
		if _, err := d.Put(t.Context(), c.body); errs.KindOf(err) != c.kind || err == nil {
			t.Errorf("%s: %v; want %s", name, err, c.kind)
		}
	}
	if left, _ := os.ReadDir(d.root); len(left) != 0 {
		t.Errorf("%d files were stored", len(left))
	}
}

func TestNamesCannotLeaveTheFolder(t *testing.T) {
	d := open(t)
	for _, path := range []string{"../files.go", "..%2fx.jpg", "a/b.jpg", ".new-1", "x.html", "x.jpg.html", "", "X.JPG", "none.jpg"} {
		if _, err := get(t, d, Prefix+"x"); !errs.Is(err, errs.NotFound) {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, Prefix, nil)
		r.SetPathValue("name", path)
		if err := d.Serve(httptest.NewRecorder(), r); !errs.Is(err, errs.NotFound) {
			t.Errorf("Serve(%q) = %v; want NotFound", path, err)
		}
	}
	for _, stem := range []string{"../x", "a b", "", "-x", "x.svg"} {
		if p, err := d.PutTrusted(t.Context(), stem, "image/svg+xml", []byte("<svg/>")); err == nil {
			t.Errorf("PutTrusted(%q) = %s; want an error", stem, p)
		}
	}
}

func TestTrustedPicturesKeepTheirBytesInASandbox(t *testing.T) {
	d := open(t)
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)
	path, err := d.PutTrusted(t.Context(), "dal-makhani", "image/svg+xml", svg)
	if err != nil || Thumb(path) != path {
		t.Fatal(path, err)
	}
	again, err := d.PutTrusted(t.Context(), "dal-makhani", "image/svg+xml", svg)
	if err != nil || again != path {
		t.Errorf("the same picture is at %s and %s, %v", path, again, err)
	}
	w, err := get(t, d, path)
	if err != nil || !bytes.Equal(w.Body.Bytes(), svg) || w.Header().Get("Content-Type") != "image/svg+xml" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%v %v %s", err, w.Header(), w.Body)
	}
	if _, err := d.PutTrusted(t.Context(), "page", "text/html", []byte("<p>")); err == nil {
		t.Error("a page was stored as a picture")
	}
}

func FuzzOrientation(f *testing.F) {
	f.Add(withOrientation(encoded(f, "jpeg", picture(8, 8)), 6))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := orientation(b); got < 1 || got > 8 {
			t.Errorf("orientation = %d", got)
		}
	})
}

// BenchmarkPut24MP prepares the largest picture that is taken.
func BenchmarkPut24MP(b *testing.B) {
	d := open(b)
	body := encoded(b, "jpeg", picture(6000, 4000))
	for b.Loop() {
		if _, err := d.Put(b.Context(), body); err != nil {
			b.Fatal(err)
		}
	}
}
