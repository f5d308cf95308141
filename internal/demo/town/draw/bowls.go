package draw

import (
	"fmt"
	"math"
	"slices"
)

// heap piles bites of one colour on a spot.
func (p *pen) heapOf(n int, x, y, r, size float64, c string) {
	for _, q := range p.spread(n, x, y, r, r*0.9) {
		p.chunk(q.x, q.y, size*p.between(0.85, 1.15), c)
	}
}

// grains strews rice.
func (p *pen) grains(n int, x, y, rx, ry float64, c string) {
	d := ""
	for range n {
		gx, gy := p.inside(x, y, rx, ry)
		a := p.between(0, 6.28)
		d += fmt.Sprintf("M%s %sl%s %s", num(gx), num(gy), num(6*math.Cos(a)), num(6*math.Sin(a)))
	}
	p.path(d, "none", stroke(c, 3))
}

func (p *pen) foodBowl() {
	base := p.colour(0, "#fbf6e9")
	in := p.dish(cx, cy, 138, light(base, 0.45))
	p.grains(26, cx, cy, in*0.9, in*0.9, dark(light(base, 0.3), 0.12))
	parts := append([]string{}, p.palette...)
	for len(parts) < 4 {
		parts = append(parts, []string{"#86bf55", "#f08a32", "#8e3f7c", "#f3c648"}[len(parts)])
	}
	turn := p.between(0, 6.28)
	for i, c := range parts[1:] {
		a := turn + 2*math.Pi*float64(i)/float64(len(parts)-1)
		x, y := cx+62*math.Cos(a), cy+62*math.Sin(a)
		switch i % 3 {
		case 0:
			p.heapOf(8, x, y, 34, 13, c)
		case 1:
			for k := range 6 { // fanned slices
				b := a + (float64(k)-2.5)*0.17
				p.group(b*180/math.Pi, cx+70*math.Cos(b), cy+70*math.Sin(b), func() {
					p.oval(cx+70*math.Cos(b), cy+70*math.Sin(b), 34, 9, dark(c, 0.2))
					p.oval(cx+70*math.Cos(b), cy+70*math.Sin(b)-1.5, 33, 7, c)
				})
			}
		default:
			d := ""
			for range 20 { // shreds
				sx, sy := p.inside(x, y, 32, 30)
				b := p.between(0, 6.28)
				d += fmt.Sprintf("M%s %sq6 -6 %s %s", num(sx), num(sy), num(16*math.Cos(b)), num(16*math.Sin(b)))
			}
			p.path(d, "none", stroke(dark(c, 0.2), 6.5))
			p.path(d, "none", stroke(c, 4))
		}
	}
	p.sprig(cx, cy, 14)
	p.seeds(16, cx, cy, 90)
}

// seeds sprinkles sesame.
func (p *pen) seeds(n int, x, y, r float64) {
	d := ""
	for range n {
		sx, sy := p.inside(x, y, r, r)
		d += fmt.Sprintf("M%s %sl2 1.500", num(sx), num(sy))
	}
	p.path(d, "none", stroke("#fdf3d6", 3.4))
}

// lettuce is a ragged leaf.
func (p *pen) lettuce(x, y, size float64, c string) {
	const shape = "M-10 1Q-12 -5 -6 -5Q-5 -10 0 -7Q5 -10 7 -5Q12 -4 9 1Q11 6 5 6Q2 10 -2 6Q-9 8 -10 1Z"
	p.define("lt", `<path d="`+shape+`" transform="translate(1 1.5)" fill="`+ink+`" opacity=".28"/><path d="`+shape+`"/><path d="M-7 1Q0 -2 7 -1M-2 0L-4 -4M2 -1L4 3" fill="none" stroke="#fff" stroke-width=".8" opacity=".3"/>`)
	p.WriteString(`<use href="#lt" fill="` + c + `" transform="translate(` + num(x) + ` ` + num(y) + `)rotate(` + num(math.Round(p.between(0, 360))) + `)scale(` + num(size/10) + `)"/>`)
}

func (p *pen) saladBowl() {
	in := p.dish(cx, cy, 136, "#5f8f3f")
	for _, q := range p.spread(17, cx, cy, in*0.82, in*0.82) {
		c := []string{"#86bf55", "#6fae48", "#9ccc68", "#5b9a44"}[p.r.IntN(4)]
		p.lettuce(q.x, q.y, 34, c)
	}
	for i, q := range p.spread(16, cx, cy, in*0.74, in*0.74) {
		c := p.colour(i%max(1, len(p.palette)), "#db4a35")
		if c == "#db4a35" {
			p.tomato(q.x, q.y, 17)
		} else {
			p.chunk(q.x, q.y, 13, c)
		}
	}
	p.sprig(cx+p.between(-30, 30), cy+p.between(-30, 30), 13)
}

func (p *pen) soup() {
	c := p.colour(0, "#e58a3f")
	for _, o := range p.palette { // pale things do not colour a soup
		if v, _ := rgb(o); v[0]+v[1]+v[2] < 620 {
			c = o
			break
		}
	}
	in := p.dish(cx, cy+8, 132, c)
	p.circle(cx, cy+10, in*0.94, light(c, 0.12))
	turn := p.between(0, 360)
	p.group(turn, cx, cy+10, func() {
		p.path(fmt.Sprintf("M%s %sc30 -60 110 -40 100 20s-90 60 -90 10s60 -40 60 0", num(cx-60), num(cy+6)), "none", stroke("#fff6e2", 8), alpha(0.85))
	})
	for i, q := range p.spread(11, cx, cy+10, in*0.72, in*0.72) {
		if o := p.colour(i%max(1, len(p.palette)), "#86bf55"); o != c {
			p.chunk(q.x, q.y, 9, o)
		} else {
			p.circle(q.x, q.y, 4, light(c, 0.45), alpha(0.8))
		}
	}
	p.sprig(cx+16, cy-6, 13)
	p.steam(cx, cy-20)
}

// tangle draws noodles.
func (p *pen) tangle(x, y, r float64, c string) {
	p.circle(x, y, r, dark(c, 0.16))
	for i, shade := range []string{dark(c, 0.1), c, light(c, 0.3)} {
		d := ""
		for range 13 - 2*i {
			a := p.between(0, 6.28)
			x0, y0 := p.inside(x, y, r*0.78, r*0.78)
			l := p.between(26, 46)
			dx, dy := l*math.Cos(a), l*math.Sin(a)
			d += fmt.Sprintf("M%s %sc%s %s %s %s %s %s", num(x0-dx/2), num(y0-dy/2), num(dx*0.1-dy*0.7), num(dy*0.1+dx*0.7), num(dx*0.9+dy*0.7), num(dy*0.9-dx*0.7), num(dx), num(dy))
		}
		p.path(d, "none", stroke(shade, 5.5))
	}
}

func (p *pen) ramen() {
	broth := []string{"#d7a659", "#c98f4a", "#b8602f", "#e3bd7a"}[p.r.IntN(4)]
	in := p.dish(cx, cy, 140, broth)
	p.tangle(cx-20, cy+18, in*0.6, "#f2dc9e")
	turn := p.between(-20, 20)
	p.group(turn, cx, cy, func() {
		p.rect(cx+58, cy-92, 44, 66, 4, "#2f4a3c")
		for i := range min(3, len(p.palette)) {
			p.heapOf(7, cx-58+float64(i)*58, cy-52+float64(i%2)*8, 24, 12, p.colour(i, "#d99a4e"))
		}
		for i := range 3 { // slices of meat or tofu
			x, y := cx+30+float64(i)*20, cy+52-float64(i)*16
			p.oval(x+2, y+3, 32, 25, ink, alpha(0.2))
			p.oval(x, y, 32, 25, dark(p.colour(0, "#c98a52"), 0.15))
			p.oval(x, y, 25, 18, light(p.colour(0, "#c98a52"), 0.3))
		}
		p.egg(cx-62, cy+40, 27, false)
		p.egg(cx-30, cy+74, 25, false)
	})
	for _, q := range p.spread(14, cx, cy, in*0.8, in*0.8) {
		p.circle(q.x, q.y, 4.5, "none", stroke("#6fae48", 3))
	}
	p.WriteString(`<g` + stroke("#7b3f26", 8) + `><path d="M330 20L470 150M352 8L478 126"/></g>`)
}

func (p *pen) noodlePlate() {
	p.plate(cx, cy, 148)
	p.tangle(cx, cy, 92, "#f1d592")
	sauce := p.colour(1, "#db4a35")
	p.path(p.blob(cx, cy-6, 62, 52, 0.2, 9), sauce, alpha(0.88))
	for i, q := range p.spread(15, cx, cy-4, 66, 58) {
		p.chunk(q.x, q.y, 11, p.colour(1+i%max(1, len(p.palette)-1), light(sauce, 0.2)))
	}
	p.seeds(14, cx, cy, 70)
	p.sprig(cx, cy-14, 15)
}

func (p *pen) curry() {
	p.plate(cx, cy, 150)
	sauce := p.colour(1, "#d9942b")
	if len(p.palette) > 0 {
		sauce = mix(p.any("#d9942b"), "#d98a2b", 0.55)
	}
	turn := p.between(-35, 35)
	p.group(turn, cx, cy, func() {
		p.path(p.blob(cx+34, cy, 84, 94, 0.07, 10), dark(sauce, 0.2), ` transform="translate(2 4)"`)
		p.path(p.blob(cx+34, cy, 82, 92, 0.06, 10), sauce)
		p.path(p.blob(cx-58, cy, 56, 88, 0.08, 10), "#e8dcc2")
		p.path(p.blob(cx-60, cy-3, 54, 84, 0.08, 10), "#fdf8ea")
		p.grains(30, cx-60, cy-3, 44, 72, "#e9dcc0")
		for i, q := range p.spread(12, cx+42, cy, 56, 66) {
			p.chunk(q.x, q.y, 15, p.colour(i%max(1, len(p.palette)), "#d99a4e"))
		}
		p.path(fmt.Sprintf("M%s %sq30 -26 50 4t46 -8", num(cx), num(cy+20)), "none", stroke("#fff3da", 5), alpha(0.75))
	})
	p.sprig(cx+40, cy-10, 14)
}

func (p *pen) stew() {
	sauce := mix(p.colour(0, "#a8522c"), "#a8522c", 0.6)
	p.rect(cx-178, cy-16, 356, 40, 18, "#8a4a30")
	in := p.dish(cx, cy+4, 138, sauce)
	for i, q := range p.spread(20, cx, cy+4, in*0.8, in*0.8) {
		p.chunk(q.x, q.y, p.between(12, 19), p.colour(i%max(1, len(p.palette)), "#e9b45f"))
	}
	p.sprig(cx-18, cy, 14)
	p.sprig(cx+38, cy+34, 10)
	p.steam(cx, cy-26)
}

// pan is cast iron; it returns the radius of what is in it.
func (p *pen) pan(two bool) float64 {
	p.oval(cx+6, cy+11, 138, 136, ink, alpha(0.2))
	p.rect(cx+112, cy-16, 118, 32, 16, "#33363d")
	p.circle(cx+212, cy, 6, "#8a8f98")
	if two {
		p.rect(cx-168, cy-26, 60, 52, 20, "#33363d")
	}
	p.circle(cx, cy, 138, "#33363d")
	p.circle(cx, cy, 126, "#4a4e57")
	p.circle(cx, cy, 118, "#2b2d33")
	return 116
}

func (p *pen) skillet() {
	in := p.pan(false)
	sauce := p.colour(1, "#c9502f")
	p.path(p.blob(cx, cy, in, in, 0.03, 12), dark(sauce, 0.12))
	p.path(p.blob(cx-3, cy-3, in*0.93, in*0.93, 0.05, 12), sauce)
	for i, q := range p.spread(17, cx, cy, in*0.78, in*0.78) {
		c := p.colour(i%max(1, len(p.palette)), "#f5dd8c")
		if c == "#f6c440" && i < 8 {
			p.egg(q.x, q.y, 24, true)
		} else {
			p.chunk(q.x, q.y, 16, c)
		}
	}
	p.sprig(cx, cy, 14)
}

func (p *pen) paella() {
	in := p.pan(true)
	p.circle(cx, cy, in, "#e2a52e")
	p.grains(64, cx, cy, in*0.92, in*0.92, "#f5cf62")
	for i, q := range p.spread(15, cx, cy, in*0.78, in*0.78) {
		c := p.colour(1+i%max(1, len(p.palette)-1), "#db4a35")
		switch c {
		case "#f58a63": // a prawn curls
			p.path(fmt.Sprintf("M%s %sc-22 2 -26 26 -4 30", num(q.x+8), num(q.y-14)), "none", stroke(dark(c, 0.15), 13))
			p.path(fmt.Sprintf("M%s %sc-22 2 -26 26 -4 30", num(q.x+8), num(q.y-15)), "none", stroke(c, 9))
		case "#2f3f55": // a mussel
			p.group(p.between(0, 360), q.x, q.y, func() {
				p.oval(q.x, q.y, 20, 11, c)
				p.oval(q.x+2, q.y, 12, 6, "#f3b45e")
			})
		default:
			p.chunk(q.x, q.y, 13, c)
		}
	}
	p.lemon(cx-40, cy+66, 20, "#f4d63c")
	p.lemon(cx+58, cy-52, 20, "#f4d63c")
	p.sprig(cx, cy, 12)
}

func (p *pen) pizza() {
	p.oval(cx+6, cy+10, 160, 156, ink, alpha(0.18))
	p.circle(cx, cy, 160, "#b8794a")
	p.circle(cx, cy, 152, "#c68955")
	p.path(p.blob(cx, cy, 146, 146, 0.02, 16), "#cf9145")
	p.path(p.blob(cx, cy, 141, 141, 0.02, 16), "#e5b061")
	sauce := "#cf4630"
	if len(p.palette) > 0 && p.palette[0] == "#fdf6e4" {
		sauce = "#f3e0b0"
	}
	p.path(p.blob(cx, cy, 120, 120, 0.03, 16), sauce)
	rest := p.palette
	for _, c := range []string{"#fdf6e4", "#dfe3d2", "#fdfaf2", "#f3dc9c"} {
		if slices.Contains(rest, c) {
			for _, q := range p.spread(9, cx, cy, 96, 96) {
				p.path(p.blob(q.x, q.y, 32, 25, 0.25, 8), light(c, 0.2), alpha(0.93))
			}
			break
		}
	}
	for i, q := range p.spread(20, cx, cy, 100, 100) {
		switch c := p.colour(i%max(1, len(rest)), "#4f8f3a"); c {
		case "#fdf6e4", "#d9a95f", "#dfe3d2":
			p.circle(q.x, q.y, p.between(2, 5), "#c9803a", alpha(0.6))
		case "#db4a35":
			p.chunk(q.x, q.y, 10, "#e2573e")
		case "#b93a2c": // salami
			p.circle(q.x+1.5, q.y+2.5, 19, ink, alpha(0.2))
			p.circle(q.x, q.y, 19, c)
			p.circle(q.x-5, q.y-4, 3, "#e79a86")
			p.circle(q.x+6, q.y+5, 3, "#e79a86")
			p.circle(q.x+3, q.y-8, 2, "#e79a86")
		case "#6f7a35": // olive
			p.circle(q.x, q.y, 8, "#4f5a2a")
			p.circle(q.x, q.y, 3.5, "#a8442f")
		case "#c0a185": // mushroom
			p.path(fmt.Sprintf("M%s %sa17 15 0 0 1 34 0q0 6 -11 6v11q-6 5 -12 0v-11q-11 0 -11 -6z", num(q.x-17), num(q.y)), "#e2cdb2", stroke("#a98766", 2), spin(p.between(0, 360), q.x, q.y))
		case "#4f8f3a", "#5f9a43":
			p.leaf(q.x, q.y, 15, p.between(0, 360), c)
		case "#ee9d94": // ham
			p.path(p.blob(q.x, q.y, 26, 17, 0.25, 8), c)
		default:
			p.chunk(q.x, q.y, 13, c)
		}
	}
	if p.r.IntN(2) == 0 {
		for i := range 3 {
			a := float64(i)*math.Pi/3 + 0.4
			p.path(fmt.Sprintf("M%s %sL%s %s", num(cx-146*math.Cos(a)), num(cy-146*math.Sin(a)), num(cx+146*math.Cos(a)), num(cy+146*math.Sin(a))), "none", stroke("#a8652f", 2.5), alpha(0.6))
		}
	}
}

// board is wood.
func (p *pen) board(w, h float64) {
	p.rect(cx-w/2+6, cy-h/2+10, w, h, 26, ink, alpha(0.2))
	p.rect(cx-w/2, cy-h/2, w, h, 26, "#b8794a")
	p.rect(cx-w/2+6, cy-h/2+5, w-12, h-14, 20, "#c68a57")
	for i := range 3 {
		y := cy - h/2 + h*(0.25+0.25*float64(i))
		p.path(fmt.Sprintf("M%s %sq%s -7 %s 0t%s 1", num(cx-w/2+20), num(y), num(w*0.2), num(w*0.4), num(w*0.42)), "none", stroke("#b57a48", 3))
	}
}

func (p *pen) flatbread() {
	p.board(370, 220)
	deg := p.between(-10, 10)
	p.group(deg, cx, cy, func() {
		p.path(p.blob(cx, cy+3, 156, 88, 0.05, 14), "#a96d35")
		p.path(p.blob(cx, cy, 154, 86, 0.05, 14), "#e3b068")
		top := p.colour(1, "#f5dd8c")
		p.path(p.blob(cx, cy, 132, 67, 0.05, 14), mix(top, "#e8bf7a", 0.35))
		for i, q := range p.spread(18, cx, cy, 112, 52) {
			if c := p.colour(1+i%max(1, len(p.palette)-1), "#c98d4a"); i%3 == 0 {
				p.path(p.blob(q.x, q.y, 12, 7, 0.2, 7), "#9a5f2c", alpha(0.5))
			} else {
				p.chunk(q.x, q.y, 9, c)
			}
		}
	})
	p.sprig(cx-20, cy, 13)
	p.sprig(cx+60, cy-10, 10)
}

func (p *pen) khachapuri() {
	p.board(390, 200)
	p.path("M66 184Q150 66 240 70T414 184Q330 296 240 292T66 184Z", "#b8753a")
	p.path("M72 180Q154 70 240 74T408 180Q326 286 240 284T72 180Z", "#e2a859")
	p.path(p.blob(cx, cy, 108, 62, 0.04, 12), "#fbe6a8")
	p.path(p.blob(cx-8, cy-6, 90, 46, 0.08, 12), "#fff0c4")
	p.egg(cx, cy, 40, true)
	p.rect(cx+52, cy-8, 30, 22, 5, "#f9df83", spin(15, cx+66, cy))
	p.path("M96 160q40 -50 90 -66M384 200q-40 46 -90 62", "none", stroke("#c98c45", 5))
}

func (p *pen) injera() {
	p.plate(cx, cy, 164)
	p.circle(cx, cy, 146, "#b48a66")
	p.circle(cx, cy, 143, "#c9a27c")
	d := ""
	for range 60 {
		x, y := p.inside(cx, cy, 138, 138)
		d += fmt.Sprintf("M%s %sh.1", num(x), num(y))
	}
	p.path(d, "none", stroke("#a67d5a", 5))
	var parts []string
	for _, c := range p.palette {
		if c != "#a07a5c" && c != "#d9a95f" {
			parts = append(parts, c)
		}
	}
	if len(parts) < 3 {
		parts = append(parts, "#c8551f", "#5f8f3f", "#e8b02e")
	}
	for i, c := range parts {
		a := 2*math.Pi*float64(i)/float64(len(parts)) + 0.6
		x, y := cx+74*math.Cos(a), cy+74*math.Sin(a)
		p.path(p.blob(x, y, 43, 38, 0.12, 9), dark(c, 0.3), ` transform="translate(2 3)"`)
		p.path(p.blob(x, y, 42, 37, 0.12, 9), mix(c, "#a8401c", 0.18))
		p.heapOf(6, x, y, 26, 10, light(c, 0.12))
	}
	p.egg(cx, cy, 26, false)
}

func (p *pen) galette() {
	p.plate(cx, cy, 150)
	p.group(45+p.between(-12, 12), cx, cy, func() {
		p.rect(cx-84, cy-80, 172, 172, 26, "#7a4f2b", alpha(0.5))
		p.rect(cx-88, cy-86, 176, 176, 26, "#b98550")
		p.rect(cx-76, cy-74, 152, 152, 18, "#cb9c66")
		p.rect(cx-50, cy-48, 100, 100, 20, light(p.colour(1, "#f6c95a"), 0.3))
	})
	for i, q := range p.spread(11, cx, cy, 52, 52) {
		p.chunk(q.x, q.y, 12, p.colour(1+i%max(1, len(p.palette)-1), "#f6c95a"))
	}
	if slices.Contains(p.palette, "#f6c440") {
		p.egg(cx, cy, 34, true)
	}
	p.sprig(cx+26, cy+34, 12)
}
