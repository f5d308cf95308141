package files

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// busy returns how much time the processors have given this process: what others on the machine do does not count.
func busy() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// chunk is a part of a PNG.
func chunk(kind string, data []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	out = append(append(out, kind...), data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// blank is a whole PNG of w by h that is all zero, in few bytes: a bomb where w and h are large.
func blank(t testing.TB, w, h uint32, depth, colour, interlaced byte) []byte {
	t.Helper()
	channels := map[byte]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
	var packed bytes.Buffer
	z, err := zlib.NewWriterLevel(&packed, zlib.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	passes := [][4]int{{0, 0, 1, 1}} // of columns and rows: the first and the step
	if interlaced != 0 {
		passes = [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}
	}
	for _, p := range passes {
		wide, high := (int(w)-p[0]+p[2]-1)/p[2], (int(h)-p[1]+p[3]-1)/p[3]
		row := make([]byte, 1+(wide*channels*int(depth)+7)/8)
		for range high {
			z.Write(row)
		}
	}
	z.Close()
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	out := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(head, depth, colour, 0, 0, interlaced))...)
	if colour == 3 {
		out = append(out, chunk("PLTE", []byte{1, 2, 3})...)
	}
	return append(append(out, chunk("IDAT", packed.Bytes())...), chunk("IEND", nil)...)
}

// progressive returns a JPEG that says it is progressive.
func progressive(t testing.TB, w, h int) []byte {
	t.Helper()
	b := encoded(t, "jpeg", picture(16, 16))
	i := bytes.Index(b, []byte{0xff, 0xc0})
	b[i+1] = 0xc2
	binary.BigEndian.PutUint16(b[i+5:], uint16(h))
	binary.BigEndian.PutUint16(b[i+7:], uint16(w))
	return b
}

// webp returns the head of one.
func webpHead(kind string, data ...byte) []byte {
	out := append([]byte("RIFF\xff\xff\x00\x00WEBP"), kind...)
	return append(binary.LittleEndian.AppendUint32(out, uint32(len(data))), data...)
}

func TestBombsAreRefusedByTheirHeads(t *testing.T) {
	scans := encoded(t, "jpeg", picture(64, 64))
	for name, body := range map[string][]byte{
		"30,000 by 30,000 of 1 bit":       bomb(30_000, 30_000),
		"the most that a PNG can say":     bomb(1<<31-1, 1<<31-1),
		"16 bits":                         blank(t, 6000, 4000, 16, 6, 0),
		"24 MP in 4 bytes each":           blank(t, 6000, 4000, 8, 6, 0),
		"interlaced":                      blank(t, 5000, 3000, 8, 6, 1),
		"progressive":                     progressive(t, 6000, 4000),
		"a JPEG of 65,500 by 65,500":      progressive(t, 65_500, 65_500),
		"a JPEG of 300 scans":             append(scans[:len(scans)-2:len(scans)-2], bytes.Repeat([]byte{0xff, 0xda}, 300)...),
		"a GIF of 65,535 by 65,535":       []byte("GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00;"),
		"a WebP of 16,777,216 by 1":       webpHead("VP8X", 0, 0, 0, 0, 0xff, 0xff, 0xff, 0, 0, 0),
		"a WebP of 24 MP without loss":    webpHead("VP8L", 0x2f, 0x6f, 0xd7, 0xe7, 0x03, 0, 0, 0),
		"a WebP of 24 MP with its alpha":  webpHead("VP8X", 0x10, 0, 0, 0, 0x6f, 0x17, 0, 0x9f, 0x0f, 0),
		"a PNG with a chunk of 4 GB":      append(bomb(10, 10), "\xff\xff\xff\xffIDATx"...),
		"a PNG with a chunk of 2 GB text": append(bomb(10, 10), "\x7f\xff\xff\xfftEXtx"...),
	} {
		d := open(t)
		began := busy()
		_, err := d.Put(t.Context(), body)
		if took := busy() - began; !errs.Is(err, errs.Invalid) || took > time.Second {
			t.Errorf("%s (%d bytes): %v after %v; want it refused at once", name, len(body), err, took)
		}
	}
}

func TestWhatFitsIsTaken(t *testing.T) {
	if testing.Short() {
		t.Skip("decodes 24 megapixels")
	}
	d := open(t)
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewYCbCr(image.Rect(0, 0, 6000, 4000), image.YCbCrSubsampleRatio420), nil); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{
		"a JPEG of 24 MP": photo.Bytes(), "19 MP of 8 bits": blank(t, 4900, 3850, 8, 6, 0), "9 MP of 16 bits": blank(t, 3400, 2750, 16, 6, 0), "24 MP in a palette": blank(t, 6000, 4000, 1, 3, 0),
		"12 MP interlaced": blank(t, 4000, 3000, 8, 2, 1), "12,000 by 1": blank(t, 12_000, 1, 8, 0, 0), "1 by 12,000": blank(t, 1, 12_000, 8, 0, 0),
	} {
		p, err := d.Put(t.Context(), body)
		if err != nil || max(p.Width, p.Height) != 1600 {
			t.Errorf("%s: %+v, %v; want it scaled", name, p, err)
		}
	}
}

func TestOfAMovingPictureOnlyTheFirstIsRead(t *testing.T) {
	g := &gif.GIF{}
	for range 400 {
		g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, 500, 500), color.Palette{color.Black, color.White}))
		g.Delay = append(g.Delay, 1)
	}
	var body bytes.Buffer
	if err := gif.EncodeAll(&body, g); err != nil {
		t.Fatal(err)
	}
	began := busy()
	p, err := open(t).Put(t.Context(), body.Bytes())
	if took := busy() - began; err != nil || p.Width != 500 || took > time.Second {
		t.Errorf("%d bytes: %+v, %v after %v", body.Len(), p, err, took)
	}
	// A frame outside of what the head says is not drawn.
	liar := bytes.Clone(encoded(t, "gif", picture(600, 600)))
	copy(liar[6:], "\x01\x00\x01\x00")
	if _, err := open(t).Put(t.Context(), liar); !errs.Is(err, errs.Invalid) {
		t.Errorf("a frame larger than its picture: %v", err)
	}
}

func TestNothingOfASentFileIsServedBut(t *testing.T) {
	d := open(t)
	script := "<script>alert(document.domain)</script><?php system($_GET[0]);"
	for name, body := range map[string][]byte{
		"behind a PNG":      append(encoded(t, "png", picture(64, 64)), script...),
		"behind a GIF":      append(encoded(t, "gif", picture(64, 64)), "PK\x03\x04"+script...),
		"behind a JPEG":     append(encoded(t, "jpeg", picture(64, 64)), script...),
		"a comment in JPEG": append([]byte("\xff\xd8\xff\xfe\x00\x42"+(script + strings.Repeat(" ", 64))[:64]), encoded(t, "jpeg", picture(64, 64))[2:]...),
		"text in a PNG":     bytes.Replace(encoded(t, "png", picture(64, 64)), chunk("IEND", nil), append(chunk("tEXt", []byte("Comment\x00"+script)), chunk("IEND", nil)...), 1),
	} {
		p, err := d.Put(t.Context(), body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, path := range []string{p.Path, p.Thumb} {
			w, err := get(t, d, path)
			if err != nil || bytes.Contains(w.Body.Bytes(), []byte("script")) || bytes.Contains(w.Body.Bytes(), []byte("PK\x03\x04")) || w.Header().Get("Content-Type") != "image/jpeg" {
				t.Errorf("%s: %s still holds it (%v)", name, path, err)
			}
		}
	}
	for name, body := range map[string]string{
		"BMP": "BM\x1e\x00\x00\x00\x00\x00\x00\x00\x1a\x00\x00\x00", "TIFF": "II*\x00\x08\x00\x00\x00", "HTML before a GIF": "<html>GIF89a", "PDF": "%PDF-1.7", "ZIP": "PK\x03\x04",
		"SVG": "<?xml version='1.0'?><svg/>", "AVIF": "\x00\x00\x00\x1cftypavif", "GIF without an end": "GIF89a", "GIF of a third kind": "GIF88a\x01\x00\x01\x00", "wave": "RIFF\x00\x00\x00\x00WAVEfmt ",
	} {
		if _, err := d.Put(t.Context(), []byte(body)); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v; want it refused", name, err)
		}
	}
}

func TestTruncatedPicturesAreRefused(t *testing.T) {
	d := open(t)
	for _, format := range []string{"jpeg", "png", "gif"} {
		whole := encoded(t, format, picture(64, 48))
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.IntRange(0, len(whole)/2).Draw(t, "bytes")
			if _, err := d.Put(context.Background(), whole[:n]); !errs.Is(err, errs.Invalid) {
				t.Errorf("%d of %d bytes of a %s: %v", n, len(whole), format, err)
			}
		})
	}
}

func TestPicturesWaitForRoomAndFewOfThemDo(t *testing.T) {
	d := open(t)
	leave, err := d.gate.enter(t.Context(), maxMemory)
	if err != nil {
		t.Fatal(err)
	}
	small := encoded(t, "png", picture(8, 8))
	ctx, cancel := context.WithCancel(t.Context())
	ends := make(chan error, maxWaits)
	for range maxWaits {
		go func() {
			_, err := d.Put(ctx, small)
			ends <- err
		}()
	}
	for d.gate.waits.Load() < maxWaits {
		time.Sleep(time.Millisecond)
	}
	if _, err := d.Put(t.Context(), small); !errs.Is(err, errs.TooMany) {
		t.Errorf("behind %d others: %v; want TooMany", maxWaits, err)
	}
	cancel()
	for range maxWaits {
		if err := <-ends; !errors.Is(err, context.Canceled) {
			t.Errorf("a wait that was given up: %v", err)
		}
	}
	leave()
	if _, err := d.Put(t.Context(), small); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestScalingKeepsColours(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h, side := rapid.IntRange(1, 300).Draw(t, "w"), rapid.IntRange(1, 300).Draw(t, "h"), rapid.IntRange(1, 120).Draw(t, "side")
		c := color.NRGBA{R: rapid.Byte().Draw(t, "r"), G: rapid.Byte().Draw(t, "g"), B: rapid.Byte().Draw(t, "b"), A: 255}
		src := image.NewNRGBA(image.Rect(0, 0, w, h))
		for i := 0; i < len(src.Pix); i += 4 {
			copy(src.Pix[i:], []byte{c.R, c.G, c.B, 255})
		}
		got := scale(src, side, color.RGBA{255, 255, 255, 255})
		if max(got.Rect.Dx(), got.Rect.Dy()) != min(side, max(w, h)) {
			t.Fatalf("%d × %d within %d is %v", w, h, side, got.Rect)
		}
		for i := 0; i < len(got.Pix); i += 4 {
			for k, want := range []byte{c.R, c.G, c.B, 255} {
				if d := int(got.Pix[i+k]) - int(want); d < -1 || d > 1 {
					t.Fatalf("%d × %d within %d: pixel %d is %v; want %v", w, h, side, i/4, got.Pix[i:i+4], c)
				}
			}
		}
	})
	img, err := jpeg.Decode(bytes.NewReader(encoded(t, "jpeg", picture(1000, 500))))
	if err != nil {
		t.Fatal(err)
	}
	small := scale(img, 100, color.RGBA{255, 255, 255, 255})
	if l, r := small.RGBAAt(10, 25), small.RGBAAt(90, 25); l.R < 240 || l.B > 15 || r.B < 240 || r.R > 15 {
		t.Errorf("left %v, right %v; want red and blue", l, r)
	}
}
