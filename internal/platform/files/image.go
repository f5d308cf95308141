package files

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"

	"golang.org/x/image/draw"

	"github.com/stoa-town/stoa/internal/base/errs"
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
	kind, need, err := examine(body)
	if err != nil {
		return nil, err
	}
	leave, err := d.gate.enter(ctx, need)
	if err != nil {
		return nil, err
	}
	defer leave()
	img, err := kind.decode(bytes.NewReader(body))
	if err != nil {
		return nil, errPicture
	}
	turn := 1
	if kind.name == "jpeg" {
		turn = orientation(body)
	}
	big := upright(scale(img, largeSide), turn)
	out := &prepared{width: big.Bounds().Dx(), height: big.Bounds().Dy()}
	if out.large, err = encode(big, 82); err != nil {
		return nil, err
	}
	out.small, err = encode(scale(big, smallSide), 78)
	return out, err
}

// scale returns the picture on white, its longer side at most side. It needs little memory beside the two pictures.
func scale(img image.Image, side int) *image.RGBA {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if longer := max(w, h); longer > side {
		w, h = max(1, w*side/longer), max(1, h*side/longer)
	}
	if n := min(b.Dx()/w, b.Dy()/h); n > 1 {
		img = shrink(img, n)
		b = img.Bounds()
	}
	dst := white(w, h)
	if w == b.Dx() && h == b.Dy() {
		draw.Draw(dst, dst.Bounds(), img, b.Min, draw.Over)
		return dst
	}
	// What is left is less than halving, which needs no wider look than at four neighbours.
	draw.ApproxBiLinear.Scale(dst, dst.Bounds(), img, b, draw.Over, nil)
	return dst
}

func white(w, h int) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	return dst
}

// shrink returns the picture on white, 1/n as wide and high: each pixel is the mean of n by n.
func shrink(img image.Image, n int) *image.RGBA {
	b := img.Bounds()
	w, h := b.Dx()/n, b.Dy()/n
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	sums := make([]uint32, w*3)
	for y := range h {
		strip := white(w*n, n)
		draw.Draw(strip, strip.Bounds(), img, b.Min.Add(image.Pt(0, y*n)), draw.Over)
		clear(sums)
		for i := 0; i < len(strip.Pix); i += 4 {
			s := sums[(i/4)%(w*n)/n*3:][:3]
			for c := range s {
				s[c] += uint32(strip.Pix[i+c])
			}
		}
		row := dst.Pix[y*dst.Stride:]
		for x := range w {
			for c := range 3 {
				row[x*4+c] = uint8((sums[x*3+c] + uint32(n*n/2)) / uint32(n*n))
			}
			row[x*4+3] = 255
		}
	}
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
