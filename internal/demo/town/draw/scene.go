package draw

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"math/rand/v2"

	"golang.org/x/image/vector"
)

// Scenes are the views of the town that Scene paints, each with what it shows, for those who can't see it.
var Scenes = map[string]string{
	"river":  "Evening over the river: a low sun, hills, and the roofs of the town on the other bank.",
	"town":   "Roofs of the old town in the morning light, with a church tower and clouds.",
	"garden": "A garden full of flowers in front of a hedge.",
	"cat":    "A cat on a garden wall, seen from behind, its tail hanging down.",
}

// The size of scenes in pixels.
const (
	sceneW = 960
	sceneH = 720
)

// Scene paints a photograph of sorts, a JPEG of 960 by 720. The same arguments give the same picture; an unknown kind is the river.
func Scene(seed, kind string) ([]byte, error) {
	h := uint64(14695981039346656037)
	for i := range len(seed) {
		h = (h ^ uint64(seed[i])) * 1099511628211
	}
	c := &canvas{img: image.NewRGBA(image.Rect(0, 0, sceneW, sceneH)), r: rand.New(rand.NewPCG(h, uint64(len(kind))))}
	switch kind {
	case "town":
		c.sky(tint(0x9cc4e4), tint(0xfbe9cf), 0.75)
		c.clouds()
		c.hills(0.55, tint(0x7f9b8a), 40)
		c.roofs(0.62, tint(0x8f6b5e))
		c.roofs(0.78, tint(0x5f4a4a))
	case "garden":
		c.sky(tint(0xbfe0f0), tint(0xeef6e6), 0.5)
		c.hills(0.42, tint(0x4e7a4a), 60)
		c.fill(tint(0x6f9f55), c.band(0.55, 0, 1))
		c.flowers()
	case "cat":
		c.sky(tint(0xf2d7b0), tint(0xf9f1e2), 0.7)
		c.hills(0.58, tint(0x8fb08a), 50)
		c.cat()
	default:
		dusk := [][2]uint32{{0x2d3e66, 0xf0a05a}, {0x4a3b6b, 0xee7f66}, {0x33597a, 0xf7c873}}[c.r.IntN(3)]
		c.sky(tint(dusk[0]), tint(dusk[1]), 0.55)
		c.sun(tint(0xfff0c8))
		c.hills(0.5, blend(tint(dusk[0]), tint(dusk[1]), 0.35), 70)
		c.roofs(0.58, blend(tint(dusk[0]), tint(0), 0.45))
		c.water(tint(dusk[0]), tint(dusk[1]))
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, c.img, &jpeg.Options{Quality: 82}); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

type canvas struct {
	img *image.RGBA
	r   *rand.Rand
	sx  float64 // where the sun stands
}

func tint(v uint32) color.RGBA { return color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255} }

// blend returns the colour between a and b, b at 1.
func blend(a, b color.RGBA, t float64) color.RGBA {
	mix := func(x, y uint8) uint8 { return uint8(float64(x) + (float64(y)-float64(x))*t) }
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}

type dot struct{ x, y float64 }

// fill fills a polygon.
func (c *canvas) fill(col color.RGBA, p []dot) {
	minX, minY, maxX, maxY := p[0].x, p[0].y, p[0].x, p[0].y
	for _, d := range p {
		minX, minY, maxX, maxY = min(minX, d.x), min(minY, d.y), max(maxX, d.x), max(maxY, d.y)
	}
	// Only the box around it: the rasterizer's work grows with its whole area.
	box := image.Rect(int(math.Floor(minX)), int(math.Floor(minY)), int(math.Ceil(maxX))+1, int(math.Ceil(maxY))+1).Intersect(c.img.Bounds())
	if box.Empty() {
		return
	}
	z := vector.NewRasterizer(box.Dx(), box.Dy())
	at := func(d dot) (x, y float32) {
		return float32(d.x - float64(box.Min.X)), float32(d.y - float64(box.Min.Y))
	}
	z.MoveTo(at(p[0]))
	for _, d := range p[1:] {
		z.LineTo(at(d))
	}
	z.ClosePath()
	z.Draw(c.img, box, image.NewUniform(col), image.Point{})
}

// disc fills an ellipse.
func (c *canvas) disc(col color.RGBA, x, y, rx, ry float64) {
	var p []dot
	for i := range 40 {
		a := float64(i) * math.Pi / 20
		p = append(p, dot{x + rx*math.Cos(a), y + ry*math.Sin(a)})
	}
	c.fill(col, p)
}

// band returns everything below a wavy line at a height.
func (c *canvas) band(at, swing, waves float64) []dot {
	phase := c.r.Float64() * 6
	p := []dot{{sceneW, sceneH}, {0, sceneH}}
	for x := 0.0; x <= sceneW; x += 12 {
		p = append(p, dot{x, at*sceneH - swing*(math.Sin(x/sceneW*waves*2*math.Pi+phase)+0.4*math.Sin(x/sceneW*waves*5*math.Pi+2*phase))})
	}
	return p
}

// sky paints a gradient down to a height.
func (c *canvas) sky(top, bottom color.RGBA, to float64) {
	for y := range sceneH {
		col := blend(top, bottom, math.Min(1, float64(y)/(to*sceneH)))
		draw.Draw(c.img, image.Rect(0, y, sceneW, y+1), image.NewUniform(col), image.Point{}, draw.Src)
	}
}

func (c *canvas) sun(col color.RGBA) {
	c.sx = sceneW * (0.25 + 0.5*c.r.Float64())
	y := sceneH * (0.3 + 0.12*c.r.Float64())
	for i := range 5 {
		glow := col
		glow.A = 26
		glow.R, glow.G, glow.B = glow.R/10, glow.G/10, glow.B/10
		c.disc(glow, c.sx, y, 60+float64(i)*34, 60+float64(i)*34)
	}
	c.disc(col, c.sx, y, 46, 46)
}

func (c *canvas) hills(at float64, col color.RGBA, swing float64) {
	c.fill(col, c.band(at, swing, 0.8+c.r.Float64()))
}

func (c *canvas) clouds() {
	for range 3 + c.r.IntN(4) {
		x, y := c.r.Float64()*sceneW, sceneH*(0.08+0.25*c.r.Float64())
		for i := range 5 {
			c.disc(color.RGBA{235, 238, 240, 240}, x+float64(i)*38, y-14*math.Sin(float64(i)), 44, 22)
		}
	}
}

// roofs paints a row of gabled houses, and a tower.
func (c *canvas) roofs(at float64, col color.RGBA) {
	tower := c.r.IntN(10)
	x := -30.0
	for i := 0; x < sceneW; i++ {
		w, h := 50+c.r.Float64()*50, 40+c.r.Float64()*60
		base := at*sceneH + 40
		shade := blend(col, tint(0x201818), 0.25*c.r.Float64())
		if i == tower {
			h, w = 190, 42
		}
		c.fill(shade, []dot{{x, sceneH}, {x, base - h*0.6}, {x + w/2, base - h*1.15}, {x + w, base - h*0.6}, {x + w, sceneH}})
		for range 2 {
			if c.r.Float64() < 0.5 {
				wx, wy := x+w*(0.25+0.4*c.r.Float64()), base-h*0.35
				c.fill(tint(0xf6d58a), []dot{{wx, wy}, {wx + 8, wy}, {wx + 8, wy + 12}, {wx, wy + 12}})
			}
		}
		x += w
	}
}

// water paints a river that mirrors the sky, with a path of light below the sun.
func (c *canvas) water(top, bottom color.RGBA) {
	from := sceneH * 2 / 3
	for y := from; y < sceneH; y++ {
		t := float64(y-from) / float64(sceneH-from)
		draw.Draw(c.img, image.Rect(0, y, sceneW, y+1), image.NewUniform(blend(blend(bottom, top, 0.2), top, t)), image.Point{}, draw.Src)
	}
	for range 130 {
		y := float64(from) + 4 + c.r.Float64()*float64(sceneH-from)
		wide := 8 + 60*(y-float64(from))/float64(sceneH-from)
		x := c.sx + (c.r.Float64()-0.5)*wide*3
		c.disc(blend(bottom, tint(0xfff0c8), 0.7), x, y, wide*0.5, 1.5)
	}
}

func (c *canvas) flowers() {
	petals := []uint32{0xd9486b, 0xf2b632, 0x8a63c9, 0xf0f0ea, 0xe8743b}
	for i := range 90 {
		y := sceneH * (0.6 + 0.4*float64(i)/90)
		x, size := c.r.Float64()*sceneW, 5+14*float64(i)/90
		c.fill(tint(0x3f6a36), []dot{{x - 1.5, y}, {x + 1.5, y}, {x + 2, y + size*4}, {x - 2, y + size*4}})
		col := tint(petals[c.r.IntN(len(petals))])
		for k := range 6 {
			a := float64(k) * math.Pi / 3
			c.disc(col, x+size*0.8*math.Cos(a), y+size*0.8*math.Sin(a), size*0.6, size*0.6)
		}
		c.disc(tint(0xf7d774), x, y, size*0.45, size*0.45)
	}
}

func (c *canvas) cat() {
	wall := 0.72 * sceneH
	c.fill(tint(0x9a8878), []dot{{0, wall}, {sceneW, wall}, {sceneW, sceneH}, {0, sceneH}})
	for row := range 5 {
		for i := range 14 {
			x, y := float64(i)*80-float64(row%2)*40, wall+float64(row)*42
			c.fill(blend(tint(0xa89684), tint(0x7d6c5e), c.r.Float64()), []dot{{x + 2, y + 2}, {x + 78, y + 2}, {x + 78, y + 40}, {x + 2, y + 40}})
		}
	}
	furs := []uint32{0x4a4a4e, 0xc8772f, 0x26252a, 0x8d7a63}
	fur := tint(furs[c.r.IntN(len(furs))])
	x := sceneW * (0.3 + 0.4*c.r.Float64())
	c.disc(fur, x, wall-90, 78, 100)
	c.disc(fur, x, wall-205, 52, 46)
	for _, side := range []float64{-1, 1} {
		c.fill(fur, []dot{{x + side*48, wall - 215}, {x + side*40, wall - 280}, {x + side*8, wall - 240}})
	}
	for i := range 30 {
		t := float64(i) / 30
		c.disc(fur, x+62+18*math.Sin(t*5), wall-20+t*150, 14-5*t, 14-5*t)
	}
}
