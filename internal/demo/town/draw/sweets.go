package draw

import (
	"fmt"
	"slices"
)

func (p *pen) bread() {
	p.board(390, 240)
	crust := mix(p.colour(0, "#b0703a"), "#a9642c", 0.5)
	p.group(p.between(-14, 14), cx, cy, func() {
		p.oval(cx+5, cy+10, 148, 84, ink, alpha(0.22))
		p.oval(cx, cy, 148, 84, dark(crust, 0.3))
		p.oval(cx-2, cy-5, 142, 77, crust)
		p.oval(cx-16, cy-18, 104, 46, light(crust, 0.22), alpha(0.7))
		for i := range 4 {
			x := cx - 84 + float64(i)*54
			p.path(fmt.Sprintf("M%s %sq26 -34 20 -70q-26 22 -20 70z", num(x), num(cy+34)), "#f0d3a0")
			p.path(fmt.Sprintf("M%s %sq26 -34 20 -70", num(x), num(cy+34)), "none", stroke(dark(crust, 0.35), 3))
		}
		if len(p.palette) > 1 {
			for _, q := range p.spread(26, cx, cy-4, 120, 58) {
				p.oval(q.x, q.y, 5, 3, light(p.palette[len(p.palette)-1], 0.2), spin(p.between(0, 180), q.x, q.y))
			}
		}
	})
	p.path("M84 96l-30 -40M74 104l-32 -36M96 92l-22 -44", "none", stroke("#d9ae5c", 5))
}

func (p *pen) pastry() {
	p.plate(cx, cy, 150)
	c := "#cf8a3c"
	p.group(p.between(-20, 20), cx, cy, func() {
		p.path("M104 232Q96 130 186 104Q240 88 294 104Q384 130 376 232Q360 260 340 232Q326 178 290 172Q240 162 190 172Q154 178 140 232Q120 260 104 232Z", dark(c, 0.35), ` transform="translate(3 6)"`)
		p.path("M104 232Q96 130 186 104Q240 88 294 104Q384 130 376 232Q360 260 340 232Q326 178 290 172Q240 162 190 172Q154 178 140 232Q120 260 104 232Z", c)
		for _, d := range []string{"M128 156q26 16 32 38", "M166 116q24 22 24 54", "M214 98q14 30 8 66", "M266 98q-14 30 -8 66", "M314 116q-24 22 -24 54", "M352 156q-26 16 -32 38"} {
			p.path(d, "none", stroke("#9a5c22", 5))
		}
		p.path("M136 150q30 -36 74 -42M250 104q50 2 84 34", "none", stroke("#f3c881", 9), alpha(0.8))
	})
	for i, q := range p.spread(12, cx, cy+62, 66, 34) {
		if len(p.palette) > 2 && i%2 == 0 {
			p.chunk(q.x, q.y, 11, p.palette[len(p.palette)-1])
		} else {
			p.circle(q.x, q.y, 2.5, "#c9863c")
		}
	}
}

func (p *pen) tart() {
	p.plate(cx, cy, 150)
	p.circle(cx+3, cy+6, 116, ink, alpha(0.2))
	p.circle(cx, cy, 116, "#b5742f")
	p.circle(cx, cy, 112, "#dba257", ` stroke="#c28740" stroke-width="9" stroke-dasharray="14 8"`)
	p.circle(cx, cy, 98, mix(p.colour(0, "#f6dc8f"), "#f6dc8f", 0.45))
	for i, q := range p.spread(26, cx, cy, 84, 84) {
		p.chunk(q.x, q.y, 14, p.colour(i%max(1, len(p.palette)), "#d93a5f"))
	}
	p.path("M240 180L336 240M240 180L356 176", "none", stroke("#fffaf1", 6))
	p.sprig(cx-8, cy-10, 13)
}

func (p *pen) baklava() {
	p.plate(cx, cy, 150)
	for i := range 7 {
		x, y := cx-84+float64(i%3)*84, cy-56+float64(i/3)*56
		if i == 6 {
			x = cx
		}
		p.path(fmt.Sprintf("M%s %sl44 28l-44 28l-44 -28z", num(x), num(y-22)), "#9a5f24", ` transform="translate(2 7)"`)
		p.path(fmt.Sprintf("M%s %sl44 28l-44 28l-44 -28z", num(x), num(y-22)), "#dd9f48")
		p.path(fmt.Sprintf("M%s %sl34 -21M%s %sl34 -21", num(x-30), num(y+12), num(x-18), num(y+20)), "none", stroke("#f4cd86", 4))
		for range 6 {
			sx, sy := p.inside(x, y+5, 17, 10)
			p.circle(sx, sy, 3.6, []string{"#9dbb5f", "#86a84a"}[p.r.IntN(2)])
		}
	}
}

func (p *pen) waffle() {
	p.plate(cx, cy, 152)
	p.rect(cx-92, cy-84, 190, 180, 30, ink, alpha(0.2))
	p.rect(cx-98, cy-92, 190, 180, 30, "#c5832f")
	for i := range 4 {
		for k := range 4 {
			p.rect(cx-84+float64(i)*43, cy-80+float64(k)*41, 34, 32, 6, "#a9681f")
			p.rect(cx-81+float64(i)*43, cy-75+float64(k)*41, 31, 27, 5, "#e0a94e")
		}
	}
	c := p.palette
	last := "#a31f35"
	if len(c) > 0 {
		last = c[len(c)-1]
	}
	p.path(p.blob(cx+4, cy, 62, 48, 0.2, 9), last, alpha(0.9))
	p.heapOf(8, cx+4, cy, 40, 13, light(last, 0.12))
	p.path(p.blob(cx-12, cy-14, 32, 26, 0.14, 8), "#fffaf0")
	p.sprig(cx-4, cy-20, 11)
}

func (p *pen) dessert() {
	p.plate(cx, cy, 152)
	p.circle(cx, cy, 112, []string{"#3f6b74", "#5f7a52", "#8d4f5b", "#39415e", "#a8613f"}[p.r.IntN(5)])
	c, top := p.colour(0, "#fbf0d9"), p.colour(1, "#d93a5f")
	p.path(p.blob(cx, cy+8, 88, 74, 0.16, 10), top, alpha(0.85))
	p.circle(cx+3, cy+6, 60, ink, alpha(0.18))
	p.circle(cx, cy, 60, dark(c, 0.12))
	p.circle(cx, cy-5, 55, light(c, 0.3))
	p.oval(cx-18, cy-26, 20, 10, "#fff", alpha(0.7), spin(-25, cx-18, cy-26))
	for i, q := range p.spread(8, cx, cy+56, 76, 26) {
		p.chunk(q.x, q.y, 13, p.colour(1+i%max(1, len(p.palette)-1), "#d93a5f"))
	}
	for i := range 5 {
		p.circle(cx-104+float64(i)*12, cy-60-float64(i)*9, 7-float64(i), top)
	}
	p.sprig(cx+4, cy-8, 14)
}

// cup is a saucer and a cup from above.
func (p *pen) cup(drink string) {
	glaze := glazes[p.r.IntN(len(glazes))]
	p.oval(cx+7, cy+11, 134, 132, ink, alpha(0.18))
	p.circle(cx, cy, 134, light(glaze, 0.25))
	p.circle(cx, cy, 122, "none", stroke(dark(glaze, 0.12), 3))
	p.rect(cx+74, cy-15, 74, 30, 15, dark(glaze, 0.1))
	p.circle(cx+4, cy+7, 92, ink, alpha(0.2))
	p.circle(cx, cy, 92, glaze)
	p.circle(cx, cy, 80, dark(glaze, 0.3))
	p.circle(cx, cy+1, 77, drink)
}

func (p *pen) coffee() {
	c := "#5a3220"
	if slices.Contains(p.palette, "#dcc08a") || slices.Contains(p.palette, "#5b3423") {
		c = "#6b3f28"
	}
	p.cup(c)
	p.circle(cx, cy+1, 70, "#8a5531")
	if slices.Contains(p.palette, "#fdf8ec") { // milk: a leaf in the foam
		p.circle(cx, cy+1, 62, "#b98050")
		p.group(p.between(-40, 40), cx, cy, func() {
			for i := range 4 {
				w := 44 - float64(i)*9
				y := cy + 34 - float64(i)*24
				p.path(fmt.Sprintf("M%s %sq%s 26 %s 0q-%s 10 -%s 0", num(cx-w), num(y-14), num(w), num(2*w), num(w), num(2*w)), "#fff2da")
			}
			p.path(fmt.Sprintf("M%s %sV%s", num(cx), num(cy-54), num(cy+44)), "none", stroke("#b98050", 3))
		})
	} else {
		p.path(p.blob(cx, cy, 50, 48, 0.12, 9), "#6d3f24")
		p.circle(cx-20, cy-22, 7, "#b07a48", alpha(0.8))
	}
	p.rect(cx-150, cy+84, 92, 11, 5, "#e9e4da", spin(-28, cx-104, cy+90))
	p.group(20, 392, 292, func() {
		p.rect(370, 268, 50, 42, 10, "#c98a48")
		p.rect(374, 272, 42, 32, 8, "#dba35e")
	})
	p.steam(cx, cy-26)
}

func (p *pen) tea() {
	p.cup(p.colour(0, "#c8842f"))
	c := p.colour(0, "#c8842f")
	p.circle(cx, cy+1, 66, light(c, 0.18), alpha(0.7))
	if slices.Contains(p.palette, "#62ad6a") {
		for _, q := range p.spread(6, cx, cy, 42, 42) {
			p.leaf(q.x, q.y, 19, p.between(0, 360), "#4f9a4c")
		}
	} else {
		p.lemon(cx-8, cy+8, 32, "#f2c94a")
	}
	p.rect(cx+70, cy+98, 92, 11, 5, "#e9e4da", spin(24, cx+110, cy+100))
	p.steam(cx, cy-26)
}

// goods are what lies in a shop window, by menu: the colours of its things.
var goods = map[string][]string{
	"bakery": {"#c8863c", "#a9672f", "#e0b068"}, "cafe": {"#6b4226", "#fdf6e8", "#d93a5f"}, "pizza": {"#db4a35", "#f6dc8f", "#4f8f3a"},
	"soup": {"#ef9a2f", "#86b84a", "#db4a35"}, "kebab": {"#b36b35", "#86bf55", "#d8412f"}, "burger": {"#d9943f", "#8d4a2c", "#86bf55"},
	"schnitzel": {"#d28f3a", "#e8a92f", "#6f8f55"}, "fish": {"#8fb4c4", "#f58d67", "#f4d63c"}, "tapas": {"#b93a2c", "#6f7a35", "#f0d48a"},
	"sushi": {"#f58d67", "#2f4a3c", "#fdf8ec"}, "ramen": {"#d7a659", "#cf2f22", "#f2dc9e"}, "curry": {"#e8a02f", "#cf5a22", "#5aa047"},
	"vegan": {"#86bf55", "#f08a32", "#8e3f7c"}, "dumplings": {"#fbefd3", "#cf2f22", "#b07f42"}, "vietnamese": {"#5aa047", "#f4d63c", "#cf2f22"},
	"thai": {"#f0b429", "#5aa047", "#b8457a"}, "ethiopian": {"#b8401f", "#e8b02e", "#4f8f3a"}, "greek": {"#3f7fae", "#fffaf0", "#6f7a35"},
	"georgian": {"#9b2450", "#e2a859", "#fbe6a8"}, "mexican": {"#f3c648", "#d8412f", "#3f9a7a"}, "icecream": {"#e8485a", "#fbe9c6", "#9dbb5f"},
	"korean": {"#cf2f22", "#37567d", "#fdf8ec"}, "levant": {"#3f7d3c", "#e6cf9c", "#c3203f"}, "french": {"#37567d", "#fffaf0", "#c9442f"}, "persian": {"#f0b429", "#2d7f8c", "#c3203f"},
}

// hanging are the menus whose windows have lanterns or garlands in them.
var hanging = map[string]string{
	"ramen": "lantern", "sushi": "lantern", "dumplings": "lantern", "vietnamese": "lantern", "thai": "lantern", "korean": "lantern",
	"mexican": "flags", "tapas": "flags", "icecream": "flags", "greek": "flags", "persian": "lamp", "levant": "lamp", "curry": "lamp", "kebab": "lamp",
}

func (p *pen) window(what string) {
	colours, ok := goods[what]
	if !ok {
		colours = []string{"#c8863c", "#86bf55", "#db4a35"}
	}
	p.rect(86, 236, 196, 5, 0, "#b07f42")
	for row := range 2 {
		y := 230.0 + float64(row)*50
		for i := range 6 {
			x := 106 + float64(i)*31 + p.between(-3, 3)
			c := colours[p.r.IntN(len(colours))]
			switch (i + row + p.r.IntN(2)) % 4 {
			case 0:
				p.path(fmt.Sprintf("M%s %sa13 13 0 0 1 26 0z", num(x-13), num(y+5)), c)
			case 1:
				p.rect(x-6, y-17, 12, 22, 4, c)
				p.rect(x-3, y-23, 6, 8, 2, dark(c, 0.3))
			case 2:
				p.path(fmt.Sprintf("M%s %sh28q-2 15 -14 15t-14 -15z", num(x-14), num(y-10)), dark(c, 0.15))
				p.oval(x, y-10, 13, 5, light(c, 0.3))
			default:
				p.circle(x-6, y-2, 7, c)
				p.circle(x+6, y-2, 7, dark(c, 0.12))
				p.circle(x, y-11, 7, light(c, 0.2))
			}
		}
	}
	for i := range 5 {
		x := 106 + float64(i)*39
		c := colours[i%len(colours)]
		switch hanging[what] {
		case "lantern":
			p.path(fmt.Sprintf("M%s 190v8", num(x)), "none", stroke(ink, 2))
			p.oval(x, 205, 9, 8, "#d8392a")
			p.rect(x-5, 196, 10, 3, 1, "#f0c95a")
		case "flags":
			p.path(fmt.Sprintf("M%s 192h30l-15 18z", num(x-15)), c)
		case "lamp":
			p.path(fmt.Sprintf("M%s 190v6l-9 12h18l-9 -12", num(x)), c)
		}
	}
	p.path("M184 196v90", "none", stroke("#fff3d0", 4))
	p.path("M100 284l50 -84M116 284l50 -84", "none", stroke("#fff", 8), alpha(0.16))
}

// emblem hangs over the door.
func (p *pen) emblem(what, awning string) {
	colours := goods[what]
	c := awning
	if len(colours) > 0 {
		c = colours[0]
	}
	p.path("M412 166h34", "none", stroke(ink, 5))
	p.circle(446, 194, 25, dark(awning, 0.35))
	p.circle(446, 194, 21, "#fff6e2")
	switch what {
	case "fish":
		p.path("M430 194q14 -14 26 0l8 -7v14l-8 -7q-12 14 -26 0z", c)
	case "cafe":
		p.path("M434 188h20v8q0 10 -10 10t-10 -10zM454 190q8 0 6 8h-6", c)
	case "pizza":
		p.path("M432 184h28l-14 24z", c)
		p.circle(446, 190, 3, "#fff6e2")
	case "icecream":
		p.path("M438 194h16l-8 16z", "#d9a35c")
		p.circle(446, 188, 9, c)
	case "beer", "schnitzel":
		p.rect(436, 186, 16, 20, 3, c)
		p.oval(444, 186, 10, 5, "#fffaf0")
	case "vegan":
		p.leaf(446, 194, 14, -45, c)
	default:
		p.path("M432 192h28q-2 16 -14 16t-14 -16z", dark(c, 0.2))
		p.path("M440 188q-4 -6 0 -10M448 188q-4 -6 0 -10", "none", stroke(dark(c, 0.2), 2.5))
	}
}

// pots are the plants, and sometimes a bicycle or a bench, before the shop.
func (p *pen) pots() {
	for _, x := range []float64{84, 296, 404} {
		p.path(fmt.Sprintf("M%s 296h28l-4 26h-20z", num(x-14)), "#b5623a")
		c := []string{"#4f8f3a", "#5f9a4a", "#3f7d4a"}[p.r.IntN(3)]
		p.path(p.blob(x, 282, 19, 22, 0.15, 9), c)
		for range 4 {
			fx, fy := p.inside(x, 280, 14, 15)
			p.circle(fx, fy, 3.5, []string{"#f2c94a", "#e8485a", "#fffaf0"}[p.r.IntN(3)])
		}
	}
	switch p.r.IntN(3) {
	case 0: // a bicycle
		x := 150.0 + p.between(0, 60)
		p.circle(x, 322, 19, "none", stroke(ink, 4))
		p.circle(x+58, 322, 19, "none", stroke(ink, 4))
		p.path(fmt.Sprintf("M%s 322l18 -28h26l14 28m-58 0h28l16 -28m-26 0l10 28m12 -36l4 8m-30 -2h-12", num(x)), "none", stroke(Awnings[p.r.IntN(len(Awnings))], 4))
	case 1: // a table with two chairs
		x := 150.0 + p.between(0, 60)
		p.path(fmt.Sprintf("M%s 304h52m-26 0v36m-14 0h28M%s 296v20h20v24m-20 -24v24M%s 296v20h-20v24m20 -24v24", num(x), num(x-30), num(x+82)), "none", stroke("#5a4636", 4.5))
		p.circle(x+26, 298, 5, "#fffaf0")
	default: // a board with the menu
		p.path("M168 344l8 -46h32l8 46z", "#4a3a2d")
		p.path("M180 304h24l5 34h-34z", "#35403b")
		p.path("M184 312h14M183 320h18M182 328h12", "none", stroke("#f3ead6", 2.5))
	}
}
