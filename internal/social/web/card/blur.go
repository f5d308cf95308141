package card

import (
	"fmt"
	"math"
	"strings"

	"github.com/a-h/templ"
)

// blur draws what a picture will look like from its BlurHash (blurha.sh): twelve patches of colour as SVG, which the style sheet smooths.
// It needs no script, and no style that the content security policy would refuse. A hash that can't be read draws nothing.
func blur(hash string) templ.Component {
	colors, ok := patches(hash, 4, 3)
	if !ok {
		return templ.NopComponent
	}
	var b strings.Builder
	b.WriteString(`<svg class="photo-blur" viewBox="0 0 4 3" preserveAspectRatio="none" aria-hidden="true">`)
	for i, c := range colors {
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="1.05" height="1.05" fill="%s"/>`, i%4, i/4, c)
	}
	b.WriteString(`</svg>`)
	return templ.Raw(b.String())
}

const base83 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"

func decode83(s string) (int, bool) {
	n := 0
	for i := range len(s) {
		d := strings.IndexByte(base83, s[i])
		if d < 0 {
			return 0, false
		}
		n = n*83 + d
	}
	return n, true
}

// patches returns the colours of a BlurHash at w × h points, row by row, as "#rrggbb".
func patches(hash string, w, h int) ([]string, bool) {
	if len(hash) < 6 {
		return nil, false
	}
	size, ok := decode83(hash[:1])
	if !ok {
		return nil, false
	}
	nx, ny := size%9+1, size/9+1
	if ny > 9 || len(hash) != 4+2*nx*ny {
		return nil, false
	}
	quant, ok := decode83(hash[1:2])
	if !ok {
		return nil, false
	}
	most := float64(quant+1) / 166
	parts := make([][3]float64, nx*ny)
	for i := range parts {
		at := 4 + 2*i
		from := at
		if i == 0 {
			from = 2
		}
		n, ok := decode83(hash[from : at+2])
		if !ok {
			return nil, false
		}
		if i == 0 {
			parts[0] = [3]float64{linear(n >> 16 & 255), linear(n >> 8 & 255), linear(n & 255)}
			continue
		}
		for c, q := range []int{n / 361, n / 19 % 19, n % 19} {
			d := (float64(q) - 9) / 9
			parts[i][c] = math.Copysign(d*d, d) * most
		}
	}
	out := make([]string, 0, w*h)
	for y := range h {
		for x := range w {
			var rgb [3]float64
			for j := range ny {
				for i := range nx {
					f := math.Cos(math.Pi*(float64(x)+0.5)*float64(i)/float64(w)) * math.Cos(math.Pi*(float64(y)+0.5)*float64(j)/float64(h))
					for c := range rgb {
						rgb[c] += parts[j*nx+i][c] * f
					}
				}
			}
			out = append(out, fmt.Sprintf("#%02x%02x%02x", srgb(rgb[0]), srgb(rgb[1]), srgb(rgb[2])))
		}
	}
	return out, true
}

func linear(v int) float64 {
	f := float64(v) / 255
	if f <= 0.04045 {
		return f / 12.92
	}
	return math.Pow((f+0.055)/1.055, 2.4)
}

func srgb(v float64) int {
	v = min(max(v, 0), 1)
	if v <= 0.0031308 {
		return int(v*12.92*255 + 0.5)
	}
	return int((1.055*math.Pow(v, 1/2.4)-0.055)*255 + 0.5)
}
