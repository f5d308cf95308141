package files

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	_ "image/gif" // registers the format
	"image/jpeg"
	_ "image/png" // registers the format
	"slices"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // registers the format

	"github.com/stoa-town/stoa/internal/base/errs"
)

// Limits of a picture that somebody sends.
const (
	MaxBytes  = 10 << 20
	MaxPixels = 24_000_000
	MaxSide   = 12_000
)

const (
	largeSide = 1600
	smallSide = 480
)

var errPicture = errs.InvalidField("photo", "This is no picture that can be read: send a JPEG, PNG, GIF or WebP.")

// prepared is a picture ready to be stored.
type prepared struct {
	large, small  []byte
	width, height int // of large
}

func (d *Dir) prepare(ctx context.Context, body []byte) (*prepared, error) {
	if len(body) > MaxBytes {
		return nil, errs.New(errs.TooLarge, "A picture has at most 10 MB.")
	}
	// The header is read first: a small file can unpack to gigabytes.
	cfg, format, err := image.DecodeConfig(bytes.NewReader(body))
	if err != nil || !slices.Contains([]string{"jpeg", "png", "gif", "webp"}, format) || cfg.Width < 1 || cfg.Height < 1 {
		return nil, errPicture
	}
	if cfg.Width > MaxSide || cfg.Height > MaxSide || cfg.Width*cfg.Height > MaxPixels {
		return nil, errs.InvalidField("photo", "This picture is too large: at most 24 megapixels and 12,000 pixels a side.")
	}
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	img, _, err := image.Decode(bytes.NewReader(body))
	if err != nil {
		return nil, errPicture
	}
	turn := 1
	if format == "jpeg" {
		turn = orientation(body)
	}
	big := upright(scale(img, largeSide, draw.BiLinear), turn)
	out := &prepared{width: big.Bounds().Dx(), height: big.Bounds().Dy()}
	if out.large, err = encode(big, 82); err != nil {
		return nil, err
	}
	out.small, err = encode(scale(big, smallSide, draw.CatmullRom), 78)
	return out, err
}

// scale returns the picture on white, its longer side at most side.
func scale(img image.Image, side int, how draw.Scaler) *image.RGBA {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if longer := max(w, h); longer > side {
		w, h = max(1, w*side/longer), max(1, h*side/longer)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	if w == b.Dx() && h == b.Dy() {
		draw.Draw(dst, dst.Bounds(), img, b.Min, draw.Over)
		return dst
	}
	how.Scale(dst, dst.Bounds(), img, b, draw.Over, nil)
	return dst
}

func encode(img image.Image, quality int) ([]byte, error) {
	var buf bytes.Buffer
	err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality})
	return buf.Bytes(), err
}

// upright turns and mirrors the picture as its EXIF orientation (1 to 8) asks.
func upright(src *image.RGBA, turn int) *image.RGBA {
	if turn <= 1 || turn > 8 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	dw, dh := w, h
	if turn >= 5 {
		dw, dh = h, w
	}
	dst := image.NewRGBA(image.Rect(0, 0, dw, dh))
	for y := range dh {
		for x := range dw {
			sx, sy := source(x, y, w, h, turn)
			copy(dst.Pix[dst.PixOffset(x, y):][:4], src.Pix[src.PixOffset(sx, sy):][:4])
		}
	}
	return dst
}

// source returns which pixel of a picture of w by h comes to x, y.
func source(x, y, w, h, turn int) (sx, sy int) {
	switch turn {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}

// orientation returns the EXIF orientation of a JPEG, 1 where it says nothing that makes sense.
func orientation(b []byte) int {
	for i := 2; i+4 <= len(b) && b[i] == 0xff; {
		marker, size := b[i+1], int(binary.BigEndian.Uint16(b[i+2:]))
		if marker == 0xda || size < 2 || i+2+size > len(b) {
			return 1
		}
		seg := b[i+4 : i+2+size]
		if marker == 0xe1 && bytes.HasPrefix(seg, []byte("Exif\x00\x00")) {
			return tiffOrientation(seg[6:])
		}
		i += 2 + size
	}
	return 1
}

// tiffOrientation finds tag 0x0112 in the first directory.
func tiffOrientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if b[0] == 'I' {
		order = binary.LittleEndian
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 1
	}
	n := int64(order.Uint16(b[at:]))
	for k := range n {
		e := at + 2 + 12*k
		if e+12 > int64(len(b)) {
			return 1
		}
		if order.Uint16(b[e:]) == 0x0112 {
			if v := int(order.Uint16(b[e+8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
	}
	return 1
}
