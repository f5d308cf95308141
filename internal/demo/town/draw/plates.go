package draw

import (
	"fmt"
	"math"
	"slices"
)

// slate is the dark board that sushi lies on.
func (p *pen) slate(w, h float64) {
	c := []string{"#3c4148", "#4a3a33", "#35483f"}[p.r.IntN(3)]
	p.rect(cx-w/2+6, cy-h/2+10, w, h, 14, ink, alpha(0.2))
	p.rect(cx-w/2, cy-h/2, w, h, 14, c)
	p.rect(cx-w/2+7, cy-h/2+7, w-14, h-14, 9, "none", stroke(light(c, 0.2), 1.5))
}

// maki is a roll seen from above.
func (p *pen) maki(x, y, r float64, c string) {
	p.circle(x+2, y+4, r, "#000", alpha(0.3))
	p.circle(x, y, r, "#22352b")
	p.circle(x, y, r*0.84, "#fdf8ec")
	p.circle(x, y, r*0.46, dark(c, 0.15))
	p.circle(x-1, y-1, r*0.38, c)
}

// nigiri is rice under a slice.
func (p *pen) nigiri(x, y float64, c string) {
	p.rect(x-27, y-42, 58, 92, 24, "#000", alpha(0.25))
	p.rect(x-29, y-46, 58, 92, 25, "#fdf8ec")
	p.path(fmt.Sprintf("M%s %sq32 -20 64 0v66q-32 18 -64 0z", num(x-32), num(y-32)), dark(c, 0.15), ` transform="translate(0 3)"`)
	p.path(fmt.Sprintf("M%s %sq32 -20 64 0v66q-32 18 -64 0z", num(x-32), num(y-32)), c)
	for i := range 4 {
		p.path(fmt.Sprintf("M%s %sq26 -14 56 -4", num(x-28), num(y-16+float64(i)*16)), "none", stroke(light(c, 0.5), 4), alpha(0.8))
	}
}

// sides are ginger, wasabi and sticks.
func (p *pen) condiments(x, y float64) {
	for range 4 {
		p.path(p.blob(x+p.between(-10, 10), y+p.between(-8, 8), 18, 13, 0.25, 7), "#f7b9a8", alpha(0.85))
	}
	p.chunk(x, y+40, 14, "#a7c563")
}

// topping is the ingredient that a sushi is named after: neither rice nor seaweed.
func (p *pen) topping(i int) string {
	var rest []string
	for _, c := range p.palette {
		if !slices.Contains([]string{"#fbf6e9", "#2f4a3c", "#7a4a24", "#c98f4a"}, c) { // rice, seaweed, soy, miso
			rest = append(rest, c)
		}
	}
	if len(rest) == 0 {
		return "#f58d67"
	}
	return rest[i%len(rest)]
}

func (p *pen) sushi() {
	p.slate(410, 190)
	for i := range 6 {
		p.maki(cx-140+float64(i%3)*82, cy-40+float64(i/3)*80, 36, p.topping(i%2))
	}
	p.condiments(cx+146, cy-20)
	p.WriteString(`<g` + stroke("#8a4a2c", 7) + `><path d="M60 320L420 306M70 336L424 326"/></g>`)
}

func (p *pen) nigiriPair() {
	p.slate(360, 190)
	for i := range 2 {
		p.nigiri(cx-96+float64(i)*92, cy, p.topping(0))
	}
	p.condiments(cx+116, cy-20)
	p.WriteString(`<g` + stroke("#8a4a2c", 7) + `><path d="M60 320L420 306M70 336L424 326"/></g>`)
}

func (p *pen) sushiSet() {
	p.slate(430, 280)
	for i := range 4 {
		p.nigiri(cx-158+float64(i)*80, cy-70, p.topping(i))
	}
	for i := range 10 {
		p.maki(cx-168+float64(i%5)*62, cy+42+float64(i/5)*58, 27, p.topping(i%5))
	}
	p.condiments(cx+160, cy+40)
	p.sprig(cx+160, cy-70, 15)
}

func (p *pen) summerRolls() {
	p.plate(cx, cy, 150)
	for i := range 3 {
		x := cx - 76 + float64(i)*64
		p.group(-18, x, cy, func() {
			p.rect(x-22, cy-74, 52, 150, 24, ink, alpha(0.15))
			p.rect(x-26, cy-78, 52, 150, 24, "#f7f1e2")
			for k := range 5 {
				c := p.colour(1+k%max(1, len(p.palette)-1), "#86bf55")
				p.oval(x, cy-54+float64(k)*26, 17, 12, c, alpha(0.72))
			}
			p.rect(x-16, cy-70, 9, 132, 5, "#fff", alpha(0.5))
		})
	}
	p.dip(cx+92, cy+66, 34, "#b5652b")
	p.sprig(cx-96, cy+74, 14)
}

// dip is a small bowl of sauce.
func (p *pen) dip(x, y, r float64, c string) {
	p.circle(x+3, y+5, r, ink, alpha(0.2))
	p.circle(x, y, r, "#fffaf0")
	p.circle(x, y, r*0.8, dark(c, 0.12))
	p.circle(x-1, y-1, r*0.74, c)
	p.path(fmt.Sprintf("M%s %sq%s -%s %s -2", num(x-r*0.4), num(y-r*0.2), num(r*0.3), num(r*0.3), num(r*0.6)), "none", stroke("#fff", 3), alpha(0.45))
}

// steamer is a bamboo basket.
func (p *pen) steamer() {
	p.oval(cx+7, cy+11, 152, 150, ink, alpha(0.2))
	p.circle(cx, cy, 152, "#b07f42")
	p.circle(cx, cy, 144, "none", stroke("#d9ae6a", 7))
	p.circle(cx, cy, 134, "#e7c78e")
	for x := -110.0; x <= 110; x += 22 {
		h := math.Sqrt(132*132 - x*x)
		p.path("M"+num(cx+x)+" "+num(cy-h)+"V"+num(cy+h), "none", stroke("#d3ad6d", 4))
	}
}

func (p *pen) dumplings() {
	p.steamer()
	tint := mix("#fbefd3", p.colour(1, "#fbefd3"), 0.1)
	for i := range 7 {
		x, y := cx, cy
		if i > 0 {
			a := float64(i)*math.Pi/3 + 0.2
			x, y = cx+86*math.Cos(a), cy+86*math.Sin(a)
		}
		shape := p.blob(x, y, 37, 35, 0.05, 9)
		p.path(shape, "#b98d52", ` transform="translate(2 4)"`, alpha(0.6))
		p.path(shape, tint)
		d := ""
		for k := range 9 {
			a := float64(k)*0.7 + float64(i)
			d += fmt.Sprintf("M%s %sq%s %s %s %s", num(x+7*math.Cos(a)), num(y+7*math.Sin(a)), num(14*math.Cos(a+0.5)), num(14*math.Sin(a+0.5)), num(20*math.Cos(a+0.2)), num(20*math.Sin(a+0.2)))
		}
		p.path(d, "none", stroke(dark(tint, 0.22), 2.2))
		p.circle(x, y, 5, p.colour(1+i%max(1, len(p.palette)-1), "#c98d4e"))
	}
	p.steam(cx, cy-70)
}

func (p *pen) bao() {
	p.steamer()
	for i := range 3 {
		a := float64(i)*2*math.Pi/3 - 0.5
		x, y := cx+64*math.Cos(a), cy+60*math.Sin(a)
		p.circle(x+3, y+5, 54, "#a97f48", alpha(0.5))
		p.circle(x, y, 54, "#fbf3e0")
		p.oval(x-14, y-18, 20, 12, "#fff", alpha(0.9))
		c := p.colour(1+i%max(1, len(p.palette)-1), "#d08a5b")
		p.path(fmt.Sprintf("M%s %sq44 34 92 0q-10 30 -46 30t-46 -30", num(x-46), num(y+10)), dark(c, 0.15))
		p.heapOf(6, x, y+22, 30, 9, c)
		p.leaf(x+14, y+14, 11, 20, "#5aa047")
	}
}

func (p *pen) mochi() {
	p.slate(380, 200)
	for i := range 3 {
		x, c := cx-112+float64(i)*112, []string{"#f6d9d2", "#dfe8c2", "#fbf3e0"}[i]
		p.circle(x+4, cy+7, 50, "#000", alpha(0.3))
		p.circle(x, cy, 50, dark(c, 0.08))
		p.circle(x-2, cy-3, 46, c)
		p.oval(x-16, cy-20, 17, 9, "#fff", alpha(0.8), spin(-30, x-16, cy-20))
		p.seeds(9, x+6, cy+6, 26)
		p.chunk(x, cy-2, 9, p.any("#9b2450"))
	}
	p.leaf(cx, cy+76, 22, 10, "#5aa047")
}

func (p *pen) mezze() {
	p.rect(42, 38, 404, 296, 40, ink, alpha(0.17))
	p.rect(36, 30, 404, 296, 40, "#b98350")
	p.rect(48, 42, 380, 272, 32, "#c99562")
	spots := []xy{{130, 112}, {250, 106}, {358, 124}, {140, 236}, {262, 242}, {364, 240}}
	for i, s := range spots {
		c := p.colour(i%max(1, len(p.palette)), []string{"#e6cf9c", "#fdfaf2", "#db4a35", "#6f7a35", "#5b3a58", "#86bf55"}[i])
		glaze := glazes[p.r.IntN(len(glazes))]
		p.circle(s.x+4, s.y+6, 54, ink, alpha(0.2))
		p.circle(s.x, s.y, 54, glaze)
		p.circle(s.x, s.y, 46, dark(glaze, 0.25))
		p.circle(s.x, s.y+1, 44, light(c, 0.25))
		switch i % 3 {
		case 0:
			p.path(fmt.Sprintf("M%s %sa22 22 0 1 1 22 22a15 15 0 1 1 -14 -14", num(s.x-22), num(s.y)), "none", stroke(dark(c, 0.12), 5))
			p.circle(s.x, s.y, 8, "#d39a2c", alpha(0.8))
		case 1:
			p.heapOf(9, s.x, s.y, 30, 11, c)
		default:
			p.heapOf(6, s.x, s.y, 26, 14, c)
			p.sprig(s.x, s.y, 9)
		}
	}
	p.sprig(200, 176, 11)
	p.lemon(310, 180, 19, "#f4d63c")
}

func (p *pen) tapas() {
	for i, s := range []xy{{150, 118}, {330, 128}, {236, 248}} {
		r := 84.0 - float64(i)*4
		p.oval(s.x+6, s.y+10, r, r, ink, alpha(0.18))
		p.circle(s.x, s.y, r, "#b5623a")
		p.circle(s.x, s.y, r-8, "#96492a")
		p.circle(s.x, s.y+1, r-12, "#d9a05c")
		p.circle(s.x, s.y+1, r-14, light(p.colour(i, "#e9c88f"), 0.4))
		for k, q := range p.spread(10, s.x, s.y, r-32, r-32) {
			p.chunk(q.x, q.y, 15, p.colour((i+k%2)%max(1, len(p.palette)), "#6f7a35"))
		}
		p.sprig(s.x, s.y, 11)
	}
	p.path("M386 236l44 66M398 230l44 66", "none", stroke("#d3ad6d", 5))
}

func (p *pen) bruschetta() {
	p.board(390, 220)
	for i := range 3 {
		x := cx - 122 + float64(i)*122
		p.group(p.between(-12, 12), x, cy, func() {
			p.oval(x+3, cy+5, 54, 88, ink, alpha(0.2))
			p.oval(x, cy, 54, 88, "#a5662e")
			p.oval(x, cy, 47, 80, "#efcf95")
			for _, q := range p.spread(11, x, cy, 36, 64) {
				p.chunk(q.x, q.y, 13, p.colour(1+p.r.IntN(max(1, len(p.palette)-1)), "#db4a35"))
			}
			p.leaf(x-4, cy-16, 16, 30, "#4f8f3a")
			p.leaf(x+8, cy+30, 13, 110, "#5aa047")
		})
	}
}

func (p *pen) croquettes() {
	p.plate(cx, cy, 150)
	for i, q := range p.spread(8, cx-18, cy-4, 84, 78) {
		c := mix("#c98433", p.colour(i%max(1, len(p.palette)), "#c98433"), 0.22)
		p.group(p.between(0, 180), q.x, q.y, func() {
			p.rect(q.x-33, q.y-16, 70, 40, 19, ink, alpha(0.2))
			p.rect(q.x-36, q.y-20, 70, 40, 19, dark(c, 0.18))
			p.rect(q.x-36, q.y-21, 70, 36, 18, c)
			p.path(fmt.Sprintf("M%s %sh.1m12 8h.1m10 -9h.1m12 6h.1m6 -10h.1", num(q.x-22), num(q.y-6)), "none", stroke(light(c, 0.5), 5))
		})
	}
	p.dip(cx+86, cy+60, 40, p.colour(len(p.palette)-1, "#cf2f22"))
	p.lemon(cx-96, cy+70, 24, "#f4d63c")
	p.sprig(cx-60, cy-88, 13)
}

func (p *pen) fish() {
	p.oval(cx+6, cy+11, 206, 136, ink, alpha(0.17))
	p.oval(cx, cy, 206, 136, "#fffaf1")
	p.oval(cx, cy, 194, 124, "none", stroke([]string{"#2f6f7f", "#c9553d", "#39568a"}[p.r.IntN(3)], 4))
	p.oval(cx, cy, 168, 100, "#f7efe0")
	c := p.colour(0, "#b9a58c")
	p.group(p.between(-10, 6), cx, cy, func() {
		p.path("M84 186Q150 106 262 124Q326 136 356 176L408 132Q398 180 414 228L356 192Q320 246 240 246Q140 244 84 186Z", dark(c, 0.3), ` transform="translate(2 5)"`)
		p.path("M84 186Q150 106 262 124Q326 136 356 176L408 132Q398 180 414 228L356 192Q320 246 240 246Q140 244 84 186Z", c)
		p.path("M100 184Q160 128 262 140Q318 150 344 178Q300 168 240 172Q160 176 100 184Z", light(c, 0.35), alpha(0.7))
		p.path("M148 150q18 34 2 72", "none", stroke(dark(c, 0.3), 4))
		p.circle(120, 178, 8, "#fff")
		p.circle(120, 178, 4.5, ink)
		for i := range 4 {
			p.path(fmt.Sprintf("M%s 150q14 34 -8 72", num(196+float64(i)*36)), "none", stroke(dark(c, 0.4), 6), alpha(0.5))
		}
	})
	p.lemon(132, 262, 26, "#f4d63c")
	p.lemon(170, 274, 24, "#f4d63c")
	for i, q := range p.spread(5, 316, 258, 56, 22) {
		p.chunk(q.x, q.y, 15, p.colour(1+i%2, "#ecc873"))
	}
	p.sprig(250, 190, 15)
	p.sprig(300, 176, 11)
}

// chips is a pile of fried sticks.
func (p *pen) chips(n int, x, y, rx, ry float64, c string) {
	for range n {
		q, w := p.inside(x, y, rx, ry)
		p.group(p.between(0, 180), q, w, func() {
			p.rect(q-38, w-6, 78, 15, 4, dark(c, 0.28))
			p.rect(q-38, w-9, 78, 14, 4, mix(c, "#f0b84c", p.between(0.1, 0.6)))
			p.rect(q-34, w-7, 66, 4, 2, light(c, 0.55), alpha(0.7))
		})
	}
}

// tray is enamel lined with paper.
func (p *pen) tray() {
	p.rect(46, 44, 400, 290, 30, ink, alpha(0.18))
	p.rect(40, 34, 400, 290, 30, []string{"#33577d", "#b5432e", "#f5f0e4", "#2f6f62"}[p.r.IntN(4)])
	p.rect(50, 44, 380, 270, 24, "#f8f2e6")
	for i := range 9 {
		p.rect(60+float64(i)*42, 54, 20, 250, 0, "#f0dcc8", alpha(0.7))
	}
}

func (p *pen) fries() {
	p.tray()
	p.chips(24, cx-20, cy, 120, 78, p.colour(0, "#ecc873"))
	for i, q := range p.spread(9, cx-20, cy, 90, 56) {
		if len(p.palette) > 1 {
			p.chunk(q.x, q.y, 10, p.colour(1+i%(len(p.palette)-1), "#f4a93a"))
		}
	}
	p.dip(386, 108, 38, "#c9362a")
	p.dip(380, 236, 34, "#f9edc4")
}

func (p *pen) fishAndChips() {
	p.tray()
	p.chips(20, cx+50, cy+28, 110, 64, "#ecc873")
	p.group(-16, 200, 150, func() {
		p.path(p.blob(200, 154, 136, 52, 0.1, 12), "#9a5f22")
		p.path(p.blob(198, 148, 134, 50, 0.1, 12), "#d9973c")
		p.path("M92 146q34 -24 66 -4t70 -6 70 2", "none", stroke("#f3c878", 8), alpha(0.8))
		p.path("M110 168q50 14 96 0t80 4", "none", stroke("#b8772c", 5))
	})
	p.lemon(118, 252, 30, "#f4d63c")
	p.dip(382, 96, 38, "#eef0cf")
	p.sprig(250, 110, 12)
}

func (p *pen) nachos() {
	p.tray()
	for _, q := range p.spread(26, cx, cy, 140, 92) {
		p.group(p.between(0, 360), q.x, q.y, func() {
			p.path(fmt.Sprintf("M%s %sl36 58h-72z", num(q.x), num(q.y-34)), "#c98a2b", stroke("#c98a2b", 6), ` transform="translate(2 4)"`)
			p.path(fmt.Sprintf("M%s %sl36 58h-72z", num(q.x), num(q.y-34)), mix("#f0b849", "#f8d27a", p.r.Float64()), stroke("#f2c25c", 6))
		})
	}
	for i, q := range p.spread(14, cx, cy, 90, 60) {
		p.chunk(q.x, q.y, 12, p.colour(1+i%max(1, len(p.palette)-1), "#f4a93a"))
	}
	p.dip(cx, cy, 48, p.colour(1, "#a4c65a"))
	p.sprig(cx, cy, 11)
}

func (p *pen) grill() {
	p.plate(cx, cy, 158)
	p.path(p.blob(cx-62, cy+44, 62, 48, 0.06, 10), "#e8dcc2")
	p.path(p.blob(cx-64, cy+41, 60, 46, 0.06, 10), "#fbf3dd")
	p.grains(24, cx-64, cy+41, 50, 36, "#e2cd9c")
	for _, q := range p.spread(5, cx+74, cy+62, 36, 26) {
		p.lettuce(q.x, q.y, 23, "#7fb850")
	}
	p.tomato(cx+62, cy+54, 18)
	p.tomato(cx+92, cy+40, 17)
	main := p.colour(0, "#95532f")
	for i := range 2 {
		y := cy - 62 + float64(i)*46
		p.group(-8, cx, y, func() {
			p.path(fmt.Sprintf("M%s %sH%s", num(cx-150), num(y), num(cx+150)), "none", stroke("#c9a063", 5))
			for k := range 6 {
				c := main
				if k%2 == 1 {
					c = p.colour(1+k/2%max(1, len(p.palette)-1), "#d8512f")
				}
				x := cx - 98 + float64(k)*39
				p.chunk(x, y, 21, c)
				p.path(fmt.Sprintf("M%s %sl7 18m6 -20l7 18", num(x-10), num(y-8)), "none", stroke(dark(c, 0.5), 3), alpha(0.45))
			}
		})
	}
	p.lemon(cx+112, cy+6, 20, "#f4d63c")
	p.sprig(cx-20, cy+70, 13)
}

func (p *pen) schnitzel() {
	p.plate(cx, cy, 162)
	shape := p.blob(cx-10, cy-10, 118, 92, 0.1, 12)
	p.path(shape, "#8f571f", ` transform="translate(4 6)"`)
	p.path(shape, "#d28f3a")
	p.path(p.blob(cx-14, cy-14, 104, 78, 0.1, 12), "#e0a24b")
	d := ""
	for range 46 {
		x, y := p.inside(cx-12, cy-12, 98, 74)
		d += fmt.Sprintf("M%s %sh.1", num(x), num(y))
	}
	p.path(d, "none", stroke("#f2c377", 5))
	for i, q := range p.spread(7, cx+40, cy+92, 70, 28) {
		p.chunk(q.x, q.y, 17, []string{"#ecc873", "#f0d68a"}[i%2])
	}
	for i, q := range p.spread(6, cx-30, cy-6, 56, 40) {
		if len(p.palette) > 4 {
			p.chunk(q.x, q.y, 13, p.colour(3+i%2, "#c0a185"))
		}
	}
	p.lemon(cx-62, cy-46, 30, "#f4d63c")
	p.sprig(cx+10, cy-34, 14)
	p.sprig(cx+84, cy+84, 11)
}

func (p *pen) roast() {
	p.plate(cx, cy, 158)
	sauce := "#8a4a24"
	p.path(p.blob(cx-20, cy+12, 100, 76, 0.08, 12), sauce)
	main := p.colour(0, "#b5703a")
	for i := range 4 {
		x, y := cx-78+float64(i)*36, cy-10+float64(i)*10
		p.oval(x+3, y+5, 46, 56, ink, alpha(0.25))
		p.oval(x, y, 46, 56, dark(main, 0.25))
		p.oval(x+2, y, 39, 49, light(main, 0.22))
		p.path(fmt.Sprintf("M%s %sq14 10 6 34", num(x-8), num(y-20)), "none", stroke(main, 4))
	}
	for i, q := range p.spread(4, cx+70, cy-66, 44, 32) {
		p.chunk(q.x, q.y, 27, []string{"#efd28a", "#f3dba0"}[i%2])
	}
	for i, q := range p.spread(10, cx+56, cy+84, 52, 26) {
		p.chunk(q.x, q.y, 12, p.colour(1+i%max(1, len(p.palette)-1), "#8e3f7c"))
	}
	p.sprig(cx-30, cy+20, 14)
}

func (p *pen) breakfast() {
	p.plate(cx, cy, 158)
	for i := range 2 {
		x := cx - 84 + float64(i)*56
		p.group(-14+float64(i)*18, x, cy-34, func() {
			p.rect(x-40, cy-84, 88, 98, 24, ink, alpha(0.18))
			p.rect(x-44, cy-90, 88, 98, 24, "#a5662e")
			p.rect(x-36, cy-82, 72, 82, 18, "#f0d09a")
		})
	}
	if slices.Contains(p.palette, "#f6c440") {
		p.egg(cx-58, cy-38, 36, true)
		p.egg(cx+10, cy-20, 34, true)
	}
	for i, q := range p.spread(9, cx+66, cy+44, 54, 44) {
		p.chunk(q.x, q.y, 17, p.colour(1+i%max(1, len(p.palette)-1), "#db4a35"))
	}
	for i := range 3 {
		p.tomato(cx-84+float64(i)*34, cy+70+float64(i%2)*12, 20)
	}
	p.dip(cx+92, cy-60, 32, p.colour(len(p.palette)-1, "#c2304a"))
	p.sprig(cx+20, cy+84, 13)
}

func (p *pen) omelette() {
	p.plate(cx, cy, 152)
	p.circle(cx+3, cy+6, 106, "#a8702a")
	p.circle(cx, cy, 106, "#e5ab3f")
	p.circle(cx, cy, 98, "#f2c65c")
	for i, q := range p.spread(22, cx, cy, 84, 84) {
		p.path(p.blob(q.x, q.y, 19, 13, 0.2, 7), []string{"#e0a03a", "#f8df94", "#d99432"}[i%3], alpha(0.8))
	}
	p.path("M240 180L362 118L362 208Z", "#fffaf1")
	p.path("M240 180L346 128M240 180L346 204", "none", stroke("#c98d34", 5))
	p.sprig(cx-30, cy-10, 14)
}
