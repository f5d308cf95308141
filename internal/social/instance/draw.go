package instance

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"sync"

	"golang.org/x/image/vector"

	"github.com/buckket/go-blurhash"

	"github.com/stoa-town/stoa/internal/platform/files"
)

// pictures are what apps show for the server: paths of files, and the few colours until the wide one has come.
type pictures struct {
	wide, small, large, hash string
}

// drawn are the pictures of the last colour that they were drawn in.
var drawn struct {
	sync.Mutex
	hue  float64
	dir  *files.Dir
	last pictures
}

// picture returns the pictures in the colour of the town: a stoa of five columns. They are drawn once.
func (s *Service) picture(ctx context.Context, hue float64) (pictures, error) {
	drawn.Lock()
	defer drawn.Unlock()
	if drawn.dir == s.Files && drawn.hue == hue {
		return drawn.last, nil
	}
	var p pictures
	for _, one := range []struct {
		path *string
		name string
		w, h int
	}{{&p.wide, "town", 1200, 630}, {&p.small, "icon-192", 192, 192}, {&p.large, "icon-512", 512, 512}} {
		img := stoa(one.w, one.h, hue)
		pic, err := files.Draw(img, files.Shape{Large: max(one.w, one.h), Small: 64})
		if err != nil {
			return p, fmt.Errorf("instance: draw the town: %w", err)
		}
		if *one.path, err = s.Files.PutTrusted(ctx, one.name, "image/jpeg", pic.Large); err != nil {
			return p, err
		}
		if p.hash == "" {
			if p.hash, err = blurhash.Encode(4, 3, pic.Thumb); err != nil {
				return p, fmt.Errorf("instance: hash the town: %w", err)
			}
		}
	}
	drawn.dir, drawn.hue, drawn.last = s.Files, hue, p
	return p, nil
}

// stoa draws columns under a roof, in white on the town's colour.
func stoa(w, h int, hue float64) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		c := oklch(0.56-0.12*float64(y)/float64(h), 0.12, hue)
		draw.Draw(img, image.Rect(0, y, w, y+1), image.NewUniform(c), image.Point{}, draw.Src)
	}
	z := vector.NewRasterizer(w, h)
	side := float32(min(w, h)) * 0.56
	left, top := (float32(w)-side)/2, (float32(h)-side)/2
	shape := func(corners ...float32) {
		for i := 0; i < len(corners); i += 2 {
			x, y := left+corners[i]*side, top+corners[i+1]*side
			if i == 0 {
				z.MoveTo(x, y)
			} else {
				z.LineTo(x, y)
			}
		}
		z.ClosePath()
	}
	shape(0, 0.3, 0.5, 0, 1, 0.3)
	shape(0.02, 0.35, 0.98, 0.35, 0.98, 0.42, 0.02, 0.42)
	for i := range 5 {
		x := 0.07 + float32(i)*0.195
		shape(x, 0.46, x+0.08, 0.46, x+0.08, 0.86, x, 0.86)
	}
	shape(0, 0.9, 1, 0.9, 1, 1, 0, 1)
	z.Draw(img, img.Bounds(), image.White, image.Point{})
	return img
}

// oklch returns a colour by its lightness, chroma and hue (degrees), as CSS does; what a screen can't show is cut off.
func oklch(l, c, hue float64) color.RGBA {
	a, b := c*math.Cos(hue*math.Pi/180), c*math.Sin(hue*math.Pi/180)
	cube := func(x float64) float64 { return x * x * x }
	p, q, r := cube(l+0.3963377774*a+0.2158037573*b), cube(l-0.1055613458*a-0.0638541728*b), cube(l-0.0894841775*a-1.2914855480*b)
	to := func(x float64) uint8 {
		if x <= 0.0031308 {
			x *= 12.92
		} else {
			x = 1.055*math.Pow(x, 1/2.4) - 0.055
		}
		return uint8(math.Round(min(max(x, 0), 1) * 255))
	}
	return color.RGBA{
		R: to(4.0767416621*p - 3.3077115913*q + 0.2309699292*r), G: to(-1.2684380046*p + 2.6097574011*q - 0.3413193965*r),
		B: to(-0.0041960863*p - 0.7034186147*q + 1.7076147010*r), A: 255,
	}
}
