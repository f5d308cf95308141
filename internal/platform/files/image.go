package files

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"

	"github.com/stoa-town/stoa/internal/base/errs"
)

const (
	largeSide = 1600
	smallSide = 480
)

var errPicture = errs.InvalidField("photo", "This is no picture that can be read: send a JPEG, PNG, GIF or WebP.")

// Shape is how a picture is kept.
type Shape struct {
	MaxBytes int64 // of what was sent
	Large    int   // pixels of the longer side
	Small    int
	Alpha    bool // what can be seen through stays so: such a picture becomes a PNG, all others are JPEG
}

// Picture is a picture ready to be stored, without anything else that its file carried.
type Picture struct {
	Ending        string // of both: ".jpg" or ".png"
	Large, Small  []byte
	Width, Height int         // of Large
	Thumb         *image.RGBA // what Small was made of
}

// Prepare checks a picture that somebody sent (see Put) and turns it upright, scales it and encodes it anew in the two sizes of its shape.
func (d *Dir) Prepare(ctx context.Context, body []byte, s Shape) (*Picture, error) {
	kind, need, err := examine(body, s.MaxBytes)
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
	back := color.RGBA{255, 255, 255, 255}
	if solid, ok := img.(interface{ Opaque() bool }); s.Alpha && ok && !solid.Opaque() {
		back = color.RGBA{}
	}
	return render(upright(scale(img, s.Large, back), turn), s.Small, back)
}

// Draw is Prepare for a picture of our own making.
func Draw(img image.Image, s Shape) (*Picture, error) {
	white := color.RGBA{255, 255, 255, 255}
	return render(scale(img, s.Large, white), s.Small, white)
}

// maxClear is how large a PNG may become before it is rather a JPEG on white.
const maxClear = 4 << 20

func render(big *image.RGBA, side int, back color.RGBA) (out *Picture, err error) {
	out = &Picture{Width: big.Rect.Dx(), Height: big.Rect.Dy(), Thumb: scale(big, side, back)}
	if back.A == 0 {
		out.Ending = ".png"
		if out.Large, err = encodePNG(big); err != nil {
			return nil, err
		}
		if len(out.Large) <= maxClear {
			out.Small, err = encodePNG(out.Thumb)
			return out, err
		}
		back = color.RGBA{255, 255, 255, 255}
		big, out.Thumb = scale(big, max(out.Width, out.Height), back), scale(out.Thumb, side, back)
	}
	out.Ending = ".jpg"
	if out.Large, err = encode(big, 82); err != nil {
		return nil, err
	}
	out.Small, err = encode(out.Thumb, 78)
	return out, err
}

// scale returns the picture on a ground, its longer side at most side. It needs little memory beside the two pictures.
func scale(img image.Image, side int, back color.RGBA) *image.RGBA {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if longer := max(w, h); longer > side {
		w, h = max(1, w*side/longer), max(1, h*side/longer)
	}
	if n := min(b.Dx()/w, b.Dy()/h); n > 1 {
		img = shrink(img, n, back)
		b = img.Bounds()
	}
	dst := ground(w, h, back)
	if w == b.Dx() && h == b.Dy() {
		draw.Draw(dst, dst.Bounds(), img, b.Min, draw.Over)
		return dst
	}
	// What is left is less than halving, which needs no wider look than at four neighbours.
	draw.ApproxBiLinear.Scale(dst, dst.Bounds(), img, b, draw.Over, nil)
	return dst
}

// ground is a picture of one colour.
func ground(w, h int, back color.RGBA) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if back.A > 0 {
		draw.Draw(dst, dst.Bounds(), image.NewUniform(back), image.Point{}, draw.Src)
	}
	return dst
}

// shrink returns the picture on a ground, 1/n as wide and high: each pixel is the mean of n by n.
func shrink(img image.Image, n int, back color.RGBA) *image.RGBA {
	b := img.Bounds()
	w, h := b.Dx()/n, b.Dy()/n
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	sums := make([]uint32, w*4)
	for y := range h {
		strip := ground(w*n, n, back)
		draw.Draw(strip, strip.Bounds(), img, b.Min.Add(image.Pt(0, y*n)), draw.Over)
		clear(sums)
		for i := 0; i < len(strip.Pix); i += 4 {
			s := sums[(i/4)%(w*n)/n*4:][:4]
			for c := range s {
				s[c] += uint32(strip.Pix[i+c])
			}
		}
		row := dst.Pix[y*dst.Stride:]
		for x := range w {
			for c := range 4 {
				row[x*4+c] = uint8((sums[x*4+c] + uint32(n*n/2)) / uint32(n*n))
			}
		}
	}
	return dst
}

func encode(img image.Image, quality int) ([]byte, error) {
	var buf bytes.Buffer
	err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality})
	return buf.Bytes(), err
}

func encodePNG(img image.Image) ([]byte, error) {
	var buf bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&buf, img)
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
