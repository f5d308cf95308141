package profile

import (
	"bytes"
	"hash/fnv"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Where the pictures are served that are drawn for those who have none. They are PNG, since apps of phones show no SVG.
const (
	avatarPath = "/avatars/"
	headerPath = "/headers/"

	avatarSide   = 400 // pixels
	headerWidth  = 1500
	headerHeight = 500
	galleryMax   = 256 // pictures in memory, of some kilobytes each
)

// gallery draws pictures and keeps those drawn last. Drawing one takes some milliseconds, and is done one at a time.
type gallery struct {
	mu    sync.Mutex
	face  func() (font.Face, error)
	drawn map[string][]byte
	order []string // oldest first
}

func newGallery() *gallery {
	return &gallery{drawn: map[string][]byte{}, face: sync.OnceValues(func() (font.Face, error) {
		f, err := opentype.Parse(gobold.TTF)
		if err != nil {
			return nil, err
		}
		return opentype.NewFace(f, &opentype.FaceOptions{Size: 210, DPI: 72, Hinting: font.HintingNone})
	})}
}

// picture returns the picture under a path, drawn for a handle.
func (g *gallery) picture(path, handle string, paint func(string) (image.Image, error)) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := path + handle
	if b, ok := g.drawn[key]; ok {
		return b, nil
	}
	img, err := paint(handle)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return nil, err
	}
	if len(g.order) >= galleryMax {
		delete(g.drawn, g.order[0])
		g.order = g.order[1:]
	}
	g.drawn[key], g.order = buf.Bytes(), append(g.order, key)
	return buf.Bytes(), nil
}

// hueOf returns the hue of somebody's colour in degrees, and a second number to vary by.
func hueOf(handle string) (hue float64, other uint32) {
	h := fnv.New32a()
	h.Write([]byte(handle))
	n := h.Sum32()
	return float64(n % 360), n / 360
}

// shade returns a colour of a hue with a lightness and chroma of OKLCH, so that all hues look equally bright.
func shade(lightness, chroma, hue float64) color.RGBA {
	a, b := chroma*math.Cos(hue*math.Pi/180), chroma*math.Sin(hue*math.Pi/180)
	l := cube(lightness + 0.3963377774*a + 0.2158037573*b)
	m := cube(lightness - 0.1055613458*a - 0.0638541728*b)
	s := cube(lightness - 0.0894841775*a - 1.2914855480*b)
	channel := func(v float64) uint8 {
		if v = math.Min(math.Max(v, 0), 1); v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		return uint8(math.Round(v * 255))
	}
	return color.RGBA{
		channel(4.0767416621*l - 3.3077115913*m + 0.2309699292*s), channel(-1.2684380046*l + 2.6097574011*m - 0.3413193965*s),
		channel(-0.0041960863*l - 0.7034186147*m + 1.7076147010*s), 255,
	}
}

// avatar draws the first letter of a handle before two circles of its colour.
func (g *gallery) avatar(handle string) (image.Image, error) {
	face, err := g.face()
	if err != nil {
		return nil, err
	}
	hue, other := hueOf(handle)
	img := image.NewRGBA(image.Rect(0, 0, avatarSide, avatarSide))
	draw.Draw(img, img.Bounds(), image.NewUniform(shade(0.55, 0.11, hue)), image.Point{}, draw.Src)
	angle := float64(other%360) * math.Pi / 180
	disc(img, avatarSide/2+170*math.Cos(angle), avatarSide/2+170*math.Sin(angle), 210, shade(0.62, 0.11, hue+25))
	disc(img, avatarSide/2-190*math.Cos(angle), avatarSide/2-190*math.Sin(angle), 130, shade(0.48, 0.11, hue-20))
	letter := strings.ToUpper(strings.TrimLeft(handle, "_"))
	if letter == "" {
		letter = "_"
	}
	letter = letter[:1]
	bounds, _ := font.BoundString(face, letter)
	pen := font.Drawer{Dst: img, Src: image.White, Face: face}
	pen.Dot = fixed.Point26_6{
		X: fixed.I(avatarSide/2) - (bounds.Min.X+bounds.Max.X)/2, Y: fixed.I(avatarSide/2) - (bounds.Min.Y+bounds.Max.Y)/2,
	}
	pen.DrawString(letter)
	return img, nil
}

// disc fills a circle with soft edges.
func disc(img *image.RGBA, cx, cy, radius float64, c color.RGBA) {
	for y := range avatarSide {
		for x := range avatarSide {
			cover := math.Min(math.Max(radius+0.5-math.Hypot(float64(x)-cx, float64(y)-cy), 0), 1)
			if cover == 0 {
				continue
			}
			was := img.RGBAAt(x, y)
			mix := func(a, b uint8) uint8 { return uint8(float64(a)*(1-cover) + float64(b)*cover) }
			img.SetRGBA(x, y, color.RGBA{mix(was.R, c.R), mix(was.G, c.G), mix(was.B, c.B), 255})
		}
	}
}

// header draws hills under a sky of a handle's colour.
func (g *gallery) header(handle string) (image.Image, error) {
	hue, other := hueOf(handle)
	shades := color.Palette{shade(0.72, 0.07, hue), shade(0.64, 0.09, hue+15), shade(0.56, 0.10, hue+5), shade(0.48, 0.10, hue-15)}
	img := image.NewPaletted(image.Rect(0, 0, headerWidth, headerHeight), shades)
	phase := float64(other % 628)
	for x := range headerWidth {
		for hill := 1; hill < len(shades); hill++ {
			h := float64(hill)
			top := headerHeight*(0.25+0.2*h) + 40*math.Sin(float64(x)/(120+60*h)+phase*h/100) + 18*math.Sin(float64(x)/(60+20*h)+phase)
			for y := max(int(top), 0); y < headerHeight; y++ {
				img.SetColorIndex(x, y, uint8(hill))
			}
		}
	}
	return img, nil
}

// serve answers GET /avatars/HANDLE.png and /headers/HANDLE.png.
func (s *Service) serve(path string, paint func(string) (image.Image, error)) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		handle, ok := strings.CutSuffix(r.PathValue("file"), ".png")
		if ok = ok && text.Handle(handle); ok {
			err := s.db.Read(r.Context(), func(tx *db.Tx) (err error) {
				ok, err = taken(r.Context(), tx, handle, 0)
				return err
			})
			if err != nil {
				return err
			}
		}
		if !ok {
			return errs.New(errs.NotFound, "There is no such picture.")
		}
		b, err := s.drawn.picture(path, handle, paint)
		if err != nil {
			return err
		}
		h := w.Header()
		h.Set("Content-Type", "image/png")
		h.Set("Cache-Control", "public, max-age=604800")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin") // apps that run as pages of other hosts show it, too
		http.ServeContent(w, r, "", s.began, bytes.NewReader(b))
		return nil
	}
}

func cube(v float64) float64 { return v * v * v }
