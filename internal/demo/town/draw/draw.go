// Package draw paints the pictures of the demo town: dishes seen from above or standing on a shelf, and shop fronts. They are
// SVG, drawn from a seed and the colours of the ingredients; nothing is read and nothing is written.
package draw

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Pictures are 480 by 360; the middle of the table is at (cx, cy).
const (
	picW, picH = 480.0, 360.0
	cx, cy     = 240.0, 180.0
)

// xy is a point of a picture.
type xy struct{ x, y float64 }

// Awnings are the colours that shops of the town like over their windows.
var Awnings = []string{"#b5432e", "#2f6f62", "#c8862a", "#37567d", "#7a3b5d", "#5c7f3a", "#a83a4a", "#2d7f8c"}

// ink is the one dark colour of all pictures; shadows and outlines are shades of it.
const ink = "#3a2418"

// pen draws SVG.
type pen struct {
	strings.Builder
	r       *rand.Rand
	palette []string
	defined map[string]bool
}

// painters draw the dish of a kind on a table that is already laid.
var painters = map[string]func(*pen){
	"bowl": (*pen).foodBowl, "salad": (*pen).saladBowl, "soup": (*pen).soup, "ramen": (*pen).ramen, "noodles": (*pen).noodlePlate, "pasta": (*pen).noodlePlate,
	"curry": (*pen).curry, "stew": (*pen).stew, "skillet": (*pen).skillet, "paella": (*pen).paella, "pizza": (*pen).pizza, "flatbread": (*pen).flatbread,
	"khachapuri": (*pen).khachapuri, "injera": (*pen).injera, "galette": (*pen).galette, "sushi": (*pen).sushi, "nigiri": (*pen).nigiriPair, "sushiset": (*pen).sushiSet, "rolls": (*pen).summerRolls,
	"dumplings": (*pen).dumplings, "bao": (*pen).bao, "mochi": (*pen).mochi, "mezze": (*pen).mezze, "tapas": (*pen).tapas, "bruschetta": (*pen).bruschetta,
	"croquettes": (*pen).croquettes, "fish": (*pen).fish, "fishchips": (*pen).fishAndChips, "fries": (*pen).fries, "nachos": (*pen).nachos, "grill": (*pen).grill,
	"schnitzel": (*pen).schnitzel, "roast": (*pen).roast, "breakfast": (*pen).breakfast, "omelette": (*pen).omelette, "bread": (*pen).bread, "pastry": (*pen).pastry,
	"tart": (*pen).tart, "baklava": (*pen).baklava, "waffle": (*pen).waffle, "dessert": (*pen).dessert, "coffee": (*pen).coffee, "tea": (*pen).tea,
	"burger": (*pen).burger, "kebab": (*pen).kebab, "wrap": (*pen).wrap, "sandwich": (*pen).sandwich, "tacos": (*pen).tacos, "cake": (*pen).cake,
	"icecream": (*pen).iceCream, "sundae": (*pen).sundae, "tub": (*pen).tub, "glass": (*pen).glass, "bottle": (*pen).bottle, "beer": (*pen).beer, "wine": (*pen).wine, "whitewine": (*pen).whiteWine,
}

// sideways are the kinds that are seen from the side, standing on a shelf.
var sideways = []string{"burger", "kebab", "sandwich", "tacos", "cake", "icecream", "sundae", "tub", "glass", "bottle", "beer", "wine", "whitewine"}

// Kinds lists the kinds of dishes that Picture knows, sorted. Besides, "front-" and any word gives a shop front.
func Kinds() []string {
	var out []string
	for k := range painters {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Picture draws a standalone SVG, 4:3, without scripts, text or references: a dish of a kind in the colours of its ingredients
// (the main one first), or a shop front for kinds that start with "front-". The same arguments give the same bytes. An unknown
// kind is drawn as a plate of food.
func Picture(seed, kind string, palette []string) []byte {
	h := fnv.New64a()
	h.Write([]byte(seed + "|" + kind))
	p := &pen{r: rand.New(rand.NewPCG(h.Sum64(), 7)), defined: map[string]bool{}}
	for _, c := range palette {
		if _, ok := rgb(c); ok {
			p.palette = append(p.palette, c)
		}
	}
	p.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 360">`)
	if strings.HasPrefix(kind, "front-") {
		p.storefront(strings.TrimPrefix(kind, "front-"))
	} else {
		if slices.Contains(sideways, kind) {
			p.shelf()
		} else {
			p.table()
		}
		paint, ok := painters[kind]
		if !ok {
			paint = (*pen).roast
		}
		paint(p)
	}
	p.WriteString("</svg>")
	return []byte(p.String())
}

// colour is the i-th ingredient, or the fallback when the dish has fewer.
func (p *pen) colour(i int, fallback string) string {
	if i >= 0 && i < len(p.palette) {
		return p.palette[i]
	}
	return fallback
}

// any is one of the ingredients.
func (p *pen) any(fallback string) string {
	if len(p.palette) == 0 {
		return fallback
	}
	return p.palette[p.r.IntN(len(p.palette))]
}

func (p *pen) between(a, b float64) float64 { return a + (b-a)*p.r.Float64() }

func rgb(c string) ([3]float64, bool) {
	var v [3]float64
	if len(c) != 7 || c[0] != '#' {
		return v, false
	}
	for i := range v {
		n, err := strconv.ParseUint(c[1+2*i:3+2*i], 16, 8)
		if err != nil {
			return v, false
		}
		v[i] = float64(n)
	}
	return v, true
}

// mix blends two colours; f 0 is a, 1 is b.
func mix(a, b string, f float64) string {
	x, _ := rgb(a)
	y, _ := rgb(b)
	for i := range x {
		x[i] += (y[i] - x[i]) * f
	}
	return fmt.Sprintf("#%02x%02x%02x", int(x[0]), int(x[1]), int(x[2]))
}

func dark(c string, f float64) string  { return mix(c, "#4a1f10", f) }
func light(c string, f float64) string { return mix(c, "#fff8ea", f) }

// num writes a coordinate: half a unit is invisible in a picture of this size, except in small things.
func num(v float64) string {
	if math.Abs(v) >= 24 {
		return strconv.Itoa(int(math.Round(v)))
	}
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}

func (p *pen) circle(x, y, r float64, fill string, more ...string) {
	p.WriteString(`<circle cx="` + num(x) + `" cy="` + num(y) + `" r="` + num(r) + `" fill="` + fill + `"` + strings.Join(more, "") + `/>`)
}

func (p *pen) oval(x, y, rx, ry float64, fill string, more ...string) {
	p.WriteString(`<ellipse cx="` + num(x) + `" cy="` + num(y) + `" rx="` + num(rx) + `" ry="` + num(ry) + `" fill="` + fill + `"` + strings.Join(more, "") + `/>`)
}

func (p *pen) rect(x, y, w, h, round float64, fill string, more ...string) {
	p.WriteString(`<rect x="` + num(x) + `" y="` + num(y) + `" width="` + num(w) + `" height="` + num(h) + `"`)
	if round > 0 {
		p.WriteString(` rx="` + num(round) + `"`)
	}
	p.WriteString(` fill="` + fill + `"` + strings.Join(more, "") + `/>`)
}

func (p *pen) path(d, fill string, more ...string) {
	p.WriteString(`<path d="` + d + `" fill="` + fill + `"` + strings.Join(more, "") + `/>`)
}

func stroke(c string, width float64) string {
	return ` stroke="` + c + `" stroke-width="` + num(width) + `" stroke-linecap="round" stroke-linejoin="round"`
}

func alpha(f float64) string { return ` opacity="` + strconv.FormatFloat(f, 'f', 2, 64) + `"` }

func spin(deg, x, y float64) string {
	return ` transform="rotate(` + num(deg) + ` ` + num(x) + ` ` + num(y) + `)"`
}

// group draws something turned around a point.
func (p *pen) group(deg, x, y float64, draw func()) {
	p.WriteString("<g" + spin(deg, x, y) + ">")
	draw()
	p.WriteString("</g>")
}

// blob is a soft irregular shape; rough 0 is an ellipse.
func (p *pen) blob(x, y, rx, ry, rough float64, points int) string {
	pts := make([]xy, points)
	turn := p.r.Float64()
	for i := range pts {
		a := 2 * math.Pi * (float64(i) + turn) / float64(points)
		f := 1 + rough*(p.r.Float64()*2-1)
		pts[i] = xy{x + rx*f*math.Cos(a), y + ry*f*math.Sin(a)}
	}
	mid := func(i int) xy {
		a, b := pts[i%points], pts[(i+1)%points]
		return xy{(a.x + b.x) / 2, (a.y + b.y) / 2}
	}
	var d strings.Builder
	fmt.Fprintf(&d, "M%s %s", num(mid(points-1).x), num(mid(points-1).y))
	for i := range pts {
		m := mid(i)
		fmt.Fprintf(&d, "Q%s %s %s %s", num(pts[i].x), num(pts[i].y), num(m.x), num(m.y))
	}
	return d.String() + "Z"
}

// chunks are the shapes of bites, ten units wide: a shadow, the bite in the colour of its user, light from the upper left.
var chunks = [...]string{
	"M-9 -3Q-7 -9 0 -8Q9 -8 9 0Q9 8 1 8Q-10 9 -9 -3Z",
	"M-8 -6Q-1 -10 7 -6Q11 0 6 7Q-2 10 -8 6Q-11 0 -8 -6Z",
	"M-10 0Q-8 -8 2 -8Q10 -6 9 2Q6 9 -3 8Q-10 7 -10 0Z",
}

// define writes a shape once, to be used by name from then on.
func (p *pen) define(id, shape string) {
	if !p.defined[id] {
		p.defined[id] = true
		p.WriteString(`<defs><g id="` + id + `">` + shape + `</g></defs>`)
	}
}

// chunk is a bite of something.
func (p *pen) chunk(x, y, size float64, c string) {
	n := p.r.IntN(len(chunks))
	id := "c" + strconv.Itoa(n)
	p.define(id, `<path d="`+chunks[n]+`" transform="translate(1 2)" fill="`+ink+`" opacity=".3"/><path d="`+chunks[n]+`"/><ellipse cx="-3" cy="-3" rx="3.5" ry="2" transform="rotate(-35 -3 -3)" fill="#fff" opacity=".38"/>`)
	turn := num(math.Round(p.between(-35, 35)))
	p.WriteString(`<use href="#` + id + `" fill="` + c + `" transform="translate(` + num(x) + ` ` + num(y) + `)rotate(` + turn + `)scale(` + strconv.FormatFloat(size/9.5, 'f', 2, 64) + `)"/>`)
}

// inside is a random point of an ellipse around (x, y).
func (p *pen) inside(x, y, rx, ry float64) (float64, float64) {
	a, r := 2*math.Pi*p.r.Float64(), math.Sqrt(p.r.Float64())
	return x + rx*r*math.Cos(a), y + ry*r*math.Sin(a)
}

// spread gives n points of an ellipse that keep their distance.
func (p *pen) spread(n int, x, y, rx, ry float64) []xy {
	turn := p.r.Float64() * 6
	out := make([]xy, n)
	for i := range out {
		a, r := float64(i)*2.39996+turn, math.Sqrt((float64(i)+0.6)/float64(n))
		out[i] = xy{x + rx*r*math.Cos(a) + p.between(-3, 3), y + ry*r*math.Sin(a) + p.between(-3, 3)}
	}
	p.r.Shuffle(n, func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// leaf is a small herb leaf with its vein.
func (p *pen) leaf(x, y, size, deg float64, c string) {
	p.define("lf", `<path d="M-10 0Q0 -8 10 0Q0 8 -10 0Z"/><path d="M-7 0H7" fill="none" stroke="`+ink+`" opacity=".35"/>`)
	p.WriteString(`<use href="#lf" fill="` + c + `" transform="translate(` + num(x) + ` ` + num(y) + `)rotate(` + num(math.Round(deg)) + `)scale(` + strconv.FormatFloat(size/10, 'f', 2, 64) + `)"/>`)
}

func (p *pen) sprig(x, y, size float64) {
	c := []string{"#5a9a45", "#4c8a3f", "#6da84f"}[p.r.IntN(3)]
	turn := p.between(0, 360)
	for i := range 3 {
		a := (turn + float64(i)*118) * math.Pi / 180
		p.leaf(x+size*0.75*math.Cos(a), y+size*0.75*math.Sin(a), size, turn+float64(i)*118, c)
	}
}

// lemon is a slice of citrus.
func (p *pen) lemon(x, y, r float64, c string) {
	p.circle(x+2, y+3, r, ink, alpha(0.15))
	p.circle(x, y, r, c)
	p.circle(x, y, r*0.84, light(c, 0.75))
	turn := p.between(0, 60)
	for i := range 6 {
		p.path("M0 0L"+num(r*0.72)+" -"+num(r*0.3)+"A"+num(r*0.78)+" "+num(r*0.78)+" 0 0 1 "+num(r*0.72)+" "+num(r*0.3)+"Z", light(c, 0.2),
			` transform="translate(`+num(x)+` `+num(y)+`) rotate(`+num(turn+float64(i)*60)+`) scale(.92)"`)
	}
}

// egg is half a boiled egg or a fried one.
func (p *pen) egg(x, y, size float64, fried bool) {
	if fried {
		shape := p.blob(x, y, size*1.35, size*1.2, 0.16, 8)
		p.path(shape, "#d8b98c", ` transform="translate(2 3)"`, alpha(0.5))
		p.path(shape, "#fffaf0")
		p.circle(x, y, size*0.55, "#f5a623")
		p.oval(x-size*0.18, y-size*0.2, size*0.16, size*0.1, "#ffe09a")
		return
	}
	p.oval(x+2, y+3, size, size*0.8, ink, alpha(0.18))
	p.oval(x, y, size, size*0.8, "#fff7e6")
	p.oval(x, y, size*0.6, size*0.5, "#f3a52c")
	p.oval(x-size*0.15, y-size*0.12, size*0.22, size*0.14, "#ffd070")
}

// tomato is a slice.
func (p *pen) tomato(x, y, r float64) {
	p.circle(x+1.5, y+2, r, ink, alpha(0.15))
	p.circle(x, y, r, "#d8412f")
	p.circle(x, y, r*0.8, "#ee7a5d")
	for i := range 4 {
		a := float64(i)*math.Pi/2 + 0.5
		p.oval(x+r*0.42*math.Cos(a), y+r*0.42*math.Sin(a), r*0.2, r*0.2, "#f6c17a")
	}
}

func (p *pen) steam(x, y float64) {
	for i := range 3 {
		sx := x + float64(i-1)*34 + p.between(-5, 5)
		p.path(fmt.Sprintf("M%s %sc-14 -18 14 -30 0 -50s12 -26 2 -42", num(sx), num(y+p.between(-6, 10))), "none", stroke("#fff", 7), alpha(0.42))
	}
}

var cloths = [][2]string{
	{"#f3e3c7", "#ead4ae"},
	{"#e9c9a5", "#deb98f"},
	{"#dfe6d3", "#cfdac0"},
	{"#f2d3c2", "#e9c0ab"},
	{"#d8e2e4", "#c6d5d8"},
	{"#f4dfae", "#ebd194"},
	{"#c98d5e", "#bd7f50"},
	{"#a66b45", "#9a5f3b"},
	{"#e6d5df", "#dac5d2"},
	{"#7f9c8c", "#739080"},
}

// table lays a cloth or a board: plain, checked, striped or of wood.
func (p *pen) table() {
	c := cloths[p.r.IntN(len(cloths))]
	p.rect(0, 0, picW, picH, 0, c[0])
	switch style := p.r.IntN(5); {
	case c[0] == "#c98d5e" || c[0] == "#a66b45":
		for y := 0.0; y < picH; y += 60 {
			p.path("M0 "+num(y)+"H480", "none", stroke(dark(c[0], 0.18), 2))
			p.path(fmt.Sprintf("M%s %sq60 -8 120 0t110 2", num(p.between(0, 240)), num(y+30)), "none", stroke(c[1], 4))
		}
	case style == 0:
		for v := 0.0; v < picW; v += 80 {
			p.rect(v, 0, 40, picH, 0, c[1], alpha(0.6))
			if v < picH {
				p.rect(0, v, picW, 40, 0, c[1], alpha(0.6))
			}
		}
	case style == 1:
		for v := -340.0; v < picW; v += 44 {
			p.path("M"+num(v)+" 360L"+num(v+360)+" 0", "none", stroke(c[1], 9))
		}
	case style == 2:
		for x := 30.0; x < picW; x += 60 {
			for y := 30.0; y < picH; y += 60 {
				p.circle(x, y, 4, c[1])
			}
		}
	case style == 3:
		p.rect(34, 26, 412, 308, 22, c[1])
		p.rect(44, 36, 392, 288, 16, "none", stroke(c[0], 2), ` stroke-dasharray="2 7"`)
	default:
		p.oval(cx, cy, 232, 172, c[1])
	}
	p.cutlery(c[1])
}

// cutlery puts things beside the plate.
func (p *pen) cutlery(cloth string) {
	metal := "#f4f1ea"
	switch p.r.IntN(4) {
	case 0:
		p.rect(24, 74, 46, 212, 6, light(cloth, 0.55))
		p.rect(38, 120, 7, 150, 3.5, metal)
		p.path("M31 90v26q0 14 10.500 14t10.500 -14v-26M41.500 90v30", "none", stroke(metal, 5))
	case 1:
		p.rect(436, 120, 7, 160, 3.5, metal)
		p.oval(439.500, 100, 13, 22, metal)
	case 2:
		p.circle(426, 66, 30, ink, alpha(0.12))
		p.circle(423, 62, 30, "#fffaf0")
		p.circle(423, 62, 22, p.any("#c9442f"))
		p.circle(416, 56, 5, "#fff", alpha(0.35))
	default:
		p.sprig(60, 300, 15)
		p.sprig(424, 58, 12)
	}
}

// plate is porcelain with a painted rim; r is its radius.
func (p *pen) plate(x, y, r float64) {
	p.oval(x+7, y+11, r, r*0.99, ink, alpha(0.17))
	base := []string{"#fffaf1", "#fdf3e2", "#f4f6f3", "#f6eadb", "#eef3f5"}[p.r.IntN(5)]
	rim := []string{"#c9553d", "#2f6f7f", "#6f8f55", "#d39a36", "#5a5f8f", "#8a4b5f"}[p.r.IntN(6)]
	p.circle(x, y, r, base)
	switch p.r.IntN(4) {
	case 0:
		p.circle(x, y, r-7, "none", stroke(rim, 3))
	case 1:
		p.circle(x, y, r-10, "none", stroke(rim, 5), ` stroke-dasharray="1 15"`)
	case 2:
		p.circle(x, y, r-5, "none", stroke(rim, 1.5))
		p.circle(x, y, r-12, "none", stroke(rim, 3), ` stroke-dasharray="12 9"`)
	default:
		p.circle(x, y, r-3, "none", stroke(dark(base, 0.12), 3))
	}
	p.circle(x, y, r*0.78, dark(base, 0.05))
	p.circle(x, y, r*0.76, light(base, 0.4))
}

var glazes = []string{"#3f6b74", "#b5573a", "#e9dcc3", "#5f7a52", "#39415e", "#d8a646", "#8d4f5b", "#f4efe4"}

// dish is a deep bowl filled with one colour; it returns the radius of the filling.
func (p *pen) dish(x, y, r float64, filling string) float64 {
	glaze := glazes[p.r.IntN(len(glazes))]
	p.oval(x+8, y+12, r, r*0.98, ink, alpha(0.19))
	p.circle(x, y, r, glaze)
	if p.r.IntN(2) == 0 {
		p.circle(x, y, r-6, "none", stroke(light(glaze, 0.55), 3), ` stroke-dasharray="2 13"`)
	}
	p.circle(x, y, r*0.87, dark(glaze, 0.3))
	p.circle(x, y+2, r*0.84, filling)
	return r * 0.84
}
