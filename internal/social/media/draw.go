package media

import (
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/vector"

	"github.com/buckket/go-blurhash"

	"github.com/stoa-town/stoa/internal/platform/files"
)

// standIn is the picture that stands for films, or for sounds, which come without one of their own.
type standIn struct {
	path          string
	width, height int
	hash          string
}

// stand draws the picture: a triangle for a film, bars for a sound. It is a JPEG, for apps on phones show no SVG.
func stand(kind string) (*files.Picture, error) {
	const w, h = 640, 360
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		c := color.RGBA{R: uint8(38 + y*14/h), G: uint8(44 + y*18/h), B: uint8(58 + y*30/h), A: 255}
		draw.Draw(img, image.Rect(0, y, w, y+1), image.NewUniform(c), image.Point{}, draw.Src)
	}
	z := vector.NewRasterizer(w, h)
	if kind == Audio {
		for i, tall := range []float32{40, 92, 150, 110, 58, 130, 84, 36} {
			x := float32(w)/2 + float32(i-4)*30 + 6
			polygon(z, x, h/2-tall/2, x+18, h/2-tall/2, x+18, h/2+tall/2, x, h/2+tall/2)
		}
	} else {
		polygon(z, w/2-40, h/2-56, w/2+64, h/2, w/2-40, h/2+56)
	}
	z.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{R: 214, G: 222, B: 235, A: 255}), image.Point{})
	return files.Draw(img, files.Shape{Large: w, Small: w})
}

// polygon adds a shape of corners x, y, x, y, ….
func polygon(z *vector.Rasterizer, corners ...float32) {
	z.MoveTo(corners[0], corners[1])
	for i := 2; i < len(corners); i += 2 {
		z.LineTo(corners[i], corners[i+1])
	}
	z.ClosePath()
}

// hashOf returns the few colours that are shown until a picture has come.
func hashOf(small *image.RGBA) (string, error) {
	tiny := small
	if b := small.Bounds(); max(b.Dx(), b.Dy()) > 64 { // more pixels change nothing but the time it takes
		p, err := files.Draw(small, files.Shape{Large: 64, Small: 64})
		if err != nil {
			return "", err
		}
		tiny = p.Thumb
	}
	return blurhash.Encode(4, 3, tiny)
}
