package files

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// Limits of a picture that somebody sends.
const (
	MaxBytes  = 10 << 20
	MaxPixels = 24_000_000
	MaxSide   = 12_000

	maxMemory  = 76_000_000 // bytes that all pictures being decoded take together: a JPEG of 24 megapixels, or 19 in 4 bytes each
	muchMemory = 16_000_000 // bytes of one picture after which what it took is given back before the next
	maxWaits   = 4          // pictures that wait for their turn
	maxScans   = 100        // of a JPEG, which is decoded whole with each: programs write ten
)

// format is a kind of picture that is read. The first bytes say which it is: what some other package registers is never tried.
type format struct {
	name   string
	magic  string // ? stands for any byte
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	need   func(body []byte, c image.Config) int64 // bytes that decoding takes for a pixel
}

var formats = []format{
	{"jpeg", "\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode, needJPEG},
	{"png", "\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode, needPNG},
	{"gif", "GIF8?a", gif.DecodeConfig, gif.Decode, func([]byte, image.Config) int64 { return 1 }}, // of a moving one the first picture
	{"webp", "RIFF????WEBPVP8", webp.DecodeConfig, webp.Decode, needWebP},
}

// examine reads the head of a picture, for a small file can unpack to gigabytes. It returns its format and how many bytes decoding takes.
func examine(body []byte, limit int64) (*format, int64, error) {
	if int64(len(body)) > limit {
		return nil, 0, errs.New(errs.TooLarge, "A picture has at most %d MB.", limit>>20)
	}
	f := formatOf(body)
	if f == nil {
		return nil, 0, errPicture
	}
	c, err := f.config(bytes.NewReader(body))
	if err != nil || c.Width < 1 || c.Height < 1 {
		return nil, 0, errPicture
	}
	if c.Width > MaxSide || c.Height > MaxSide || c.Width*c.Height > MaxPixels {
		return nil, 0, errs.InvalidField("photo", "This picture is too large: at most 24 megapixels and 12,000 pixels a side.")
	}
	need := f.need(body, c) * int64(c.Width) * int64(c.Height)
	if need > maxMemory || f.name == "jpeg" && bytes.Count(body, []byte{0xff, 0xda}) > maxScans {
		return nil, 0, errs.InvalidField("photo", "This picture takes too much memory to read: save it as an ordinary JPEG, or smaller.")
	}
	return f, need, nil
}

func formatOf(body []byte) *format {
	for i := range formats {
		m := formats[i].magic
		if len(body) < len(m) {
			continue
		}
		same := true
		for k := range len(m) {
			same = same && (m[k] == '?' || m[k] == body[k])
		}
		if same {
			return &formats[i]
		}
	}
	return nil
}

// needJPEG counts the planes, what turning other colours into RGB takes, and the coefficients that a progressive one keeps till its end.
func needJPEG(body []byte, c image.Config) int64 {
	need, planes := int64(3), int64(3)
	switch c.ColorModel {
	case color.GrayModel:
		need, planes = 1, 1
	case color.RGBAModel:
		need = 7
	case color.CMYKModel:
		need, planes = 8, 4
	}
	if !baseline(body) {
		need += 4 * planes
	}
	return need
}

// baseline reports whether a JPEG surely is not progressive.
func baseline(b []byte) bool {
	for i := 2; i+4 <= len(b) && b[i] == 0xff; {
		marker, size := b[i+1], int(binary.BigEndian.Uint16(b[i+2:]))
		if marker >= 0xc0 && marker <= 0xc2 {
			return marker != 0xc2
		}
		if size < 2 {
			return false
		}
		i += 2 + size
	}
	return false
}

// needPNG takes into account that an interlaced one is put together of parts.
func needPNG(body []byte, c image.Config) int64 {
	need := int64(4)
	switch c.ColorModel {
	case color.GrayModel:
		need = 1
	case color.Gray16Model:
		need = 2
	case color.RGBA64Model, color.NRGBA64Model:
		need = 8
	default:
		if _, ok := c.ColorModel.(color.Palette); ok {
			need = 1
		}
	}
	if len(body) > 28 && body[28] != 0 {
		need += (need + 1) / 2
	}
	return need
}

// needWebP tells those without loss, and those with an alpha channel that is packed in the same way, from the others.
func needWebP(body []byte, c image.Config) int64 {
	if c.ColorModel == color.YCbCrModel && !bytes.Contains(body, []byte("VP8L")) {
		return 2
	}
	return 8
}

// gate lets pictures in as long as all within take no more memory than maxMemory.
type gate struct {
	room  *semaphore.Weighted
	waits atomic.Int64
}

func newGate() *gate { return &gate{room: semaphore.NewWeighted(maxMemory)} }

// enter waits until there is room for need bytes and returns how to leave. Where many wait already it returns a TooMany error at once, for
// whoever sends pictures faster than they are read should be told so while they are few.
func (g *gate) enter(ctx context.Context, need int64) (leave func(), err error) {
	leave = func() {
		if need >= muchMemory {
			runtime.GC() // or the next picture takes as much again, beside what this one left
		}
		g.room.Release(need)
	}
	if g.room.TryAcquire(need) {
		return leave, nil
	}
	defer g.waits.Add(-1)
	if g.waits.Add(1) > maxWaits {
		return nil, errs.New(errs.TooMany, "Many pictures are being read just now: try again in a moment.").WithRetry(5 * time.Second)
	}
	if err := g.room.Acquire(ctx, need); err != nil {
		return nil, err
	}
	return leave, nil
}
