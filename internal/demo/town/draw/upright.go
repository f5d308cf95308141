package draw

import "fmt"

// shelf is a wall and a counter for what is seen from the side.
func (p *pen) shelf() {
	walls := [][3]string{{"#f4dcbc", "#ecc99c", "#b5794a"}, {"#dfe6d3", "#cddabd", "#a9764a"}, {"#f2d0c0", "#e9bda8", "#9a6342"}, {"#d5e2e5", "#c1d4d9", "#b08354"}, {"#f3e2a9", "#ead288", "#a86f45"}}
	w := walls[p.r.IntN(len(walls))]
	p.rect(0, 0, picW, picH, 0, w[0])
	p.circle(cx+p.between(-40, 40), 168, 150, w[1])
	switch p.r.IntN(3) {
	case 0:
		for i := range 9 {
			p.path(fmt.Sprintf("M%d 0v22q-30 30 -60 0v-22z", 60+i*60), []string{w[2], "#fff6e4"}[i%2], alpha(0.55))
		}
	case 1:
		p.path("M0 40Q120 84 240 44T480 40", "none", stroke(w[2], 2))
		for i := range 6 {
			p.circle(40+float64(i)*80, 56+float64(i%2)*6, 8, "#fff1c4")
		}
	default:
		for i := range 14 {
			p.circle(20+float64(i%7)*74, 40+float64(i/7)*60, 4, w[2], alpha(0.3))
		}
	}
	p.rect(0, 288, picW, 72, 0, w[2])
	p.rect(0, 288, picW, 9, 0, light(w[2], 0.25))
	p.oval(cx, 300, 140, 14, ink, alpha(0.22))
}

func (p *pen) burger() {
	bun := []string{"#d9943f", "#c9803a", "#e0a24a"}[p.r.IntN(3)]
	p.rect(84, 284, 312, 20, 10, "#8f5a35")
	p.path("M122 246h236v12q0 28 -30 28H152q-30 0 -30 -28z", dark(bun, 0.1))
	p.path("M130 250h220v6H130z", light(bun, 0.5))
	main := p.colour(0, "#8d4a2c")
	p.rect(112, 208, 256, 40, 19, dark(main, 0.35))
	p.rect(112, 205, 256, 34, 17, main)
	p.path("M130 214h.1m30 12h.1m34 -10h.1m40 12h.1m38 -12h.1m40 10h.1m34 -8h.1", "none", stroke(light(main, 0.3), 6))
	for i := 1; i < min(5, max(3, len(p.palette))); i++ {
		c := p.colour(i, []string{"", "#f4a93a", "#db4a35", "#86bf55"}[min(i, 3)])
		y := 212 - float64(i)*17
		switch c {
		case "#f4a93a", "#f6c95a", "#f4dfa8":
			p.path(fmt.Sprintf("M116 %sh248l-34 26l-40 -24h-50l-38 30l-34 -30z", num(y)), c)
		case "#86bf55", "#5f9a43", "#3f7d3c":
			p.path(fmt.Sprintf("M108 %sq18 22 34 6t34 4t34 -2t34 4t34 -4t34 4t34 -4t26 -8v-14H108z", num(y+12)), c)
		case "#d9a95f":
			p.path(fmt.Sprintf("M112 %sq20 18 42 4t42 4t42 -4t42 4t42 -4t46 -4v-14H112z", num(y+12)), "#8cc25c")
		default:
			p.rect(118, y, 244, 17, 8, dark(c, 0.1))
			p.rect(118, y, 244, 9, 4, light(c, 0.2))
		}
	}
	top := 212 - float64(min(5, max(3, len(p.palette))))*17 + 22
	p.path(fmt.Sprintf("M116 %sq-4 -104 124 -106t124 106q0 10 -14 10H130q-14 0 -14 -10z", num(top)), dark(bun, 0.14))
	p.path(fmt.Sprintf("M116 %sq-4 -100 124 -104t124 104z", num(top-4)), bun)
	p.path(fmt.Sprintf("M146 %sq10 -52 70 -62", num(top-28)), "none", stroke(light(bun, 0.6), 9), alpha(0.7))
	for _, q := range p.spread(13, cx, top-62, 84, 28) {
		p.oval(q.x, q.y, 5.5, 3.5, "#fbeecb", spin(p.between(-40, 40), q.x, q.y))
	}
	if p.r.IntN(2) == 0 {
		p.path(fmt.Sprintf("M240 %sv-46", num(top-92)), "none", stroke("#c79a5a", 4))
		p.circle(cx, top-130, 10, p.any("#6f7a35"))
	}
}

func (p *pen) kebab() {
	p.path("M116 190Q240 90 364 190L330 292H150Z", ink, alpha(0.15), ` transform="translate(6 6)"`)
	p.path("M120 186Q240 70 360 186L344 206H136Z", "#c98d4a")
	for i, q := range p.spread(30, cx, 176, 112, 40) {
		c := p.colour(i%max(1, len(p.palette)), "#d8412f")
		if c == "#d9a95f" {
			c = []string{"#86bf55", "#8e3f7c", "#fffaf0"}[i%3]
		}
		if i%4 == 0 {
			p.lettuce(q.x, q.y-8, 25, "#86bf55")
		}
		p.chunk(q.x, q.y-6, p.between(13, 19), c)
	}
	p.path("M150 160q30 -26 60 -4t60 -4t56 6", "none", stroke("#fffaf0", 8), alpha(0.9))
	p.path("M108 190Q240 226 372 190Q374 268 322 292H158Q106 268 108 190Z", "#b5773a")
	p.path("M112 190Q240 226 368 190Q370 262 320 286H160Q110 262 112 190Z", "#e0ab62")
	p.path("M140 224h.1m40 26h.1m44 -18h.1m50 22h.1m44 -24h.1m30 -14h.1", "none", stroke("#c48a45", 11))
	p.path("M132 240L348 240L322 292H158Z", "#fffaf0")
	for i := range 5 {
		p.path(fmt.Sprintf("M%d 242l-6 48", 156+i*42), "none", stroke([]string{"#c9442f", "#2f6f62"}[i%2], 7), alpha(0.75))
	}
}

func (p *pen) wrap() {
	p.board(390, 230)
	for i := range 2 {
		x, y := cx-30+float64(i)*36, cy-44+float64(i)*84
		p.group(-14, x, y, func() {
			p.rect(x-134, y-34, 270, 80, 38, ink, alpha(0.2))
			p.rect(x-140, y-40, 268, 78, 38, "#e7c48a")
			p.path(fmt.Sprintf("M%s %sh.1m40 26h.1m30 -34h.1m40 30h.1m30 -22h.1", num(x-100), num(y-10)), "none", stroke("#c99654", 13), alpha(0.6))
			p.oval(x+112, y-1, 34, 40, "#cf9f5c")
			p.oval(x+114, y-1, 28, 34, "#fbf0d2")
			for k, q := range p.spread(9, x+114, y-1, 19, 24) {
				c := p.colour(1+k%max(1, len(p.palette)-1), "#86bf55")
				p.chunk(q.x, q.y, 9, c)
			}
			p.rect(x-144, y-42, 110, 82, 22, "#fffaf0")
			p.path(fmt.Sprintf("M%s %sv82m28 -82v82m28 -82v82", num(x-122), num(y-42)), "none", stroke([]string{"#c9442f", "#2f6f62", "#37567d"}[p.r.IntN(3)], 7), alpha(0.6))
		})
	}
}

func (p *pen) sandwich() {
	p.rect(84, 284, 312, 20, 10, "#8f5a35")
	p.path("M96 236h288q8 50 -44 50H140q-52 0 -44 -50z", "#c4833c")
	p.path("M102 236h276v8H102z", "#f3d9a4")
	p.path("M92 226q22 30 44 8t44 6t44 -6t44 6t44 -6t44 6t32 -14v-16H92z", "#86bf55")
	n := max(1, len(p.palette)-1)
	for i := range 3 {
		c := p.colour(1+i%n, []string{"#ee9d94", "#f6c95a", "#db4a35"}[i])
		y := 216 - float64(i)*20
		p.path(fmt.Sprintf("M%d %sq24 -12 48 0t48 0t48 0t48 0t48 0v16q-24 12 -48 2t-48 0t-48 0t-48 0t-48 -2z", 104+i*8, num(y)), dark(c, 0.12), ` transform="translate(0 5)"`)
		p.path(fmt.Sprintf("M%d %sq24 -12 48 0t48 0t48 0t48 0t48 0v12q-24 12 -48 2t-48 0t-48 0t-48 0t-48 -2z", 104+i*8, num(y)), c)
	}
	p.path("M92 180q-6 -84 148 -86t148 86q0 12 -14 12H106q-14 0 -14 -12z", "#c07c36")
	p.path("M94 176q0 -76 146 -80t146 80z", "#d9974a")
	for i := range 3 {
		p.path(fmt.Sprintf("M%d 158q14 -40 34 -48", 150+i*66), "none", stroke("#f1cf94", 9))
	}
	for _, q := range p.spread(10, cx, 140, 110, 26) {
		p.oval(q.x, q.y, 4.5, 2.8, "#fbeecb")
	}
}

func (p *pen) tacos() {
	p.rect(70, 284, 340, 20, 10, "#8f5a35")
	for i := range 3 {
		x := 132 + float64(i)*108
		p.path(fmt.Sprintf("M%s 286a76 96 0 0 1 152 0z", num(x-84)), "#c98a35")
		for k := range 11 {
			fx := x - 58 + float64(k)*11.6
			t := (fx - x) / 76
			y := 286 - 96*(1-t*t*0.9) + p.between(-8, 8)
			c := p.colour(k%max(1, len(p.palette)), "#86bf55")
			if k%3 == 0 {
				p.lettuce(fx, y, 18, "#86bf55")
			} else {
				p.chunk(fx, y, 12, c)
			}
		}
		p.path(fmt.Sprintf("M%s 288a66 82 0 0 1 132 0z", num(x-62)), "#d99b3e", ` transform="translate(2 0)"`)
		p.path(fmt.Sprintf("M%s 288a64 78 0 0 1 128 0z", num(x-62)), "#f2c566")
		p.path(fmt.Sprintf("M%s 262h.1m22 -22h.1m24 18h.1m20 -8h.1m-40 24h.1", num(x-36)), "none", stroke("#d9a040", 9), alpha(0.7))
	}
	p.lemon(424, 272, 24, "#a9cf4a")
}

func (p *pen) cake() {
	c, second := p.colour(0, "#f6dc8f"), p.colour(1, "#d93a5f")
	p.oval(cx, 290, 150, 18, "#fffaf1")
	p.oval(cx, 286, 138, 13, "#efe4d2")
	p.path("M112 168L372 134V272L112 284Z", ink, alpha(0.12), ` transform="translate(6 6)"`)
	body := mix(c, "#dba257", 0.35)
	p.path("M112 170L372 140V270L112 284Z", body)
	for i := range 2 {
		y := 198 + float64(i)*38
		p.path(fmt.Sprintf("M112 %sL372 %sv15L112 %sz", num(y), num(y-26+float64(i)*9), num(y+17)), light(second, 0.25))
	}
	top := light(p.colour(len(p.palette)-1, "#fff3da"), 0.45)
	p.path("M108 172L300 92Q366 96 376 142L112 176Z", top)
	p.path("M108 172L376 140v16q-14 22 -28 4t-30 8t-32 4t-34 6t-36 2t-36 6t-36 2t-36 4z", top)
	p.path("M112 176L376 144", "none", stroke(dark(top, 0.1), 2))
	d := p.spread(7, 292, 124, 48, 16)
	for i, q := range d {
		p.chunk(q.x, q.y, 13, p.colour(i%max(1, len(p.palette)), "#d93a5f"))
	}
	p.sprig(318, 108, 11)
	for range 12 {
		x, y := p.inside(240, 232, 110, 40)
		p.circle(x, y, 2.6, dark(body, 0.25), alpha(0.6))
	}
}

// scoop is a ball of ice cream with a ragged foot.
func (p *pen) scoop(x, y, r float64, c string) {
	p.circle(x, y, r, c)
	p.path(fmt.Sprintf("M%s %sq%s 22 %s 4t%s 4t%s -8z", num(x-r-4), num(y+r*0.45), num(r*0.35), num(r*0.7), num(r*0.7), num(r*0.75)), dark(c, 0.08))
	p.oval(x-r*0.35, y-r*0.4, r*0.3, r*0.18, "#fff", alpha(0.55), spin(-35, x-r*0.35, y-r*0.4))
}

var flavours = []string{"#fbe9c6", "#5b3423", "#9dbb5f", "#e8485a", "#f4e38a", "#a26e3f", "#c98535", "#a31f35"}

func (p *pen) iceCream() {
	pick := func(i int) string { return flavours[(i*3+p.r.IntN(3))%len(flavours)] }
	p.scoop(194, 156, 52, pick(0))
	p.scoop(288, 158, 52, pick(1))
	p.scoop(242, 98, 52, pick(2))
	p.path("M286 20l44 10l-26 96l-22 -8z", "#d9a35c")
	p.path("M296 32l20 6M290 56l22 6M284 82l22 6", "none", stroke("#b57d3a", 4))
	cup := Awnings[p.r.IntN(len(Awnings))]
	p.path("M130 178H352L322 282Q320 292 308 292H174Q162 292 160 282Z", cup)
	p.path("M122 172h238v20H122z", light(cup, 0.3))
	for i := range 5 {
		p.path(fmt.Sprintf("M%d 200l%d 80", 152+i*44, 8-i*4), "none", stroke(light(cup, 0.45), 9), alpha(0.5))
	}
	p.circle(242, 44, 12, "#c3203f")
}

func (p *pen) sundae() {
	p.path("M150 92H330Q326 190 262 214V268H218V214Q154 190 150 92Z", "#fff", alpha(0.45))
	p.rect(178, 268, 124, 16, 8, "#fff", alpha(0.75))
	n := max(1, len(p.palette))
	for i := range 4 {
		y := 184 - float64(i)*24
		w := 36 + float64(i)*15
		p.path(fmt.Sprintf("M%s %sq%s -14 %s 0l-4 24q-%s 16 -%s 0z", num(cx-w), num(y), num(w), num(2*w), num(w-4), num(2*w-8)), p.colour(i%n, flavours[i]))
	}
	p.scoop(204, 94, 42, p.colour(0, flavours[0]))
	p.scoop(276, 94, 42, p.colour(min(1, n-1), flavours[1]))
	p.path(p.blob(240, 62, 46, 34, 0.08, 9), "#fffaf0")
	p.path("M212 60q28 -30 56 0M220 46q20 -20 40 0", "none", stroke("#efe0c6", 4))
	p.path("M186 84q14 24 20 4t18 10t18 -6t20 8t20 -12", "none", stroke(p.colour(n-1, "#5b3423"), 9))
	p.circle(240, 26, 13, "#c3203f")
	p.path("M240 14q6 -12 18 -10", "none", stroke("#5a7f3a", 3))
	p.path("M146 92H334", "none", stroke("#fff", 5), alpha(0.8))
	p.path("M170 110q6 60 44 88", "none", stroke("#fff", 6), alpha(0.5))
}

func (p *pen) tub() {
	c := p.colour(len(p.palette)-1, "#e8485a")
	p.scoop(206, 128, 50, light(c, 0.35))
	p.scoop(276, 122, 54, light(c, 0.2))
	p.path("M126 140H354L334 280Q332 292 318 292H162Q148 292 146 280Z", "#fffaf0")
	p.path("M120 132h240v22H120z", c)
	p.path("M138 214Q190 176 240 214T342 214L336 262Q290 292 240 262T144 262Z", light(c, 0.4))
	p.circle(240, 226, 34, c)
	p.circle(240, 226, 27, "#fffaf0")
	p.scoop(240, 218, 15, c)
	p.path("M228 230h24l-12 20z", "#d9a35c")
}

func (p *pen) glass() {
	c := p.colour(0, "#f4e38a")
	for i, o := range p.palette { // something milky: the other ingredients tint it
		if pale, _ := rgb(o); pale[0]+pale[1]+pale[2] > 715 && len(p.palette) > 1 {
			c = mix(o, p.palette[(i+len(p.palette)-1)%len(p.palette)], 0.55)
		}
	}
	p.path("M164 66H316L298 282Q297 292 286 292H194Q183 292 182 282Z", "#fff", alpha(0.5))
	p.path("M170 112H310L296 276Q295 284 286 284H194Q185 284 184 276Z", c)
	p.path("M170 112H310L308 138Q274 150 240 136T172 138Z", light(c, 0.4), alpha(0.8))
	for range 3 {
		x, y := p.inside(240, 156, 40, 24)
		p.rect(x-18, y-18, 36, 36, 7, "#fff", alpha(0.45), spin(p.between(0, 80), x, y))
	}
	for range 9 {
		x, y := p.inside(240, 220, 44, 50)
		p.circle(x, y, p.between(2, 4.5), "#fff", alpha(0.5))
	}
	straw := Awnings[p.r.IntN(len(Awnings))]
	p.path("M252 262L290 30L326 22", "none", stroke("#fffaf0", 11))
	p.path("M252 262L290 30L326 22", "none", stroke(straw, 11), ` stroke-dasharray="13 17"`)
	p.lemon(170, 78, 32, p.colour(1, "#f4d63c"))
	p.leaf(206, 100, 17, -30, "#5aa04f")
	p.leaf(228, 96, 15, 24, "#6db35c")
	p.path("M184 150l8 110", "none", stroke("#fff", 8), alpha(0.55))
}

func (p *pen) bottle() {
	c := []string{"#3f7f6a", "#7a4a24", "#4f86a3", "#7f9c4a"}[p.r.IntN(4)]
	if len(p.palette) > 0 {
		c = mix(c, p.palette[0], 0.4)
	}
	p.path("M218 40h44v52q0 18 18 36t18 46v96q0 22 -22 22h-72q-22 0 -22 -22v-96q0 -28 18 -46t18 -36z", c)
	p.path("M214 24h52v22h-52z", Awnings[p.r.IntN(len(Awnings))])
	p.path("M182 180h116v72H182z", "#fff6e2")
	p.circle(240, 216, 24, p.colour(0, "#4f86a3"))
	p.leaf(240, 216, 15, -40, "#fffaf0")
	p.path("M196 166q0 -18 16 -34M196 270v-12", "none", stroke("#fff", 8), alpha(0.5))
	p.path("M322 196h64l-8 88q-1 8 -8 8h-32q-7 0 -8 -8z", "#fff", alpha(0.5))
	p.path("M326 226h56l-5 54q-1 6 -7 6h-32q-6 0 -7 -6z", light(c, 0.55), alpha(0.8))
}

func (p *pen) beer() {
	c := []string{"#e8a92f", "#d98e22", "#efbb4a"}[p.r.IntN(3)]
	p.path("M312 130h34q30 0 30 34v52q0 34 -30 34h-34v-22h26q16 0 16 -18v-40q0 -18 -16 -18h-26z", "#fff", alpha(0.7))
	p.path("M152 96H318V276Q318 292 302 292H168Q152 292 152 276Z", "#fff", alpha(0.6))
	p.path("M162 112H308V272Q308 282 298 282H172Q162 282 162 272Z", c)
	for i := range 3 {
		p.rect(182+float64(i)*42, 146, 18, 122, 9, light(c, 0.4), alpha(0.55))
	}
	for range 12 {
		x, y := p.inside(235, 200, 60, 70)
		p.circle(x, y, p.between(2, 4), "#fff3cf", alpha(0.8))
	}
	for _, q := range []xy{{166, 98}, {196, 84}, {232, 78}, {268, 84}, {302, 98}, {214, 104}, {254, 106}} {
		p.circle(q.x, q.y, 28, "#fffaf0")
	}
	p.path("M160 112v28q0 14 12 14t12 -14v-20", "#fffaf0")
}

func (p *pen) wine()      { p.wineGlass("#8f2b3e") }
func (p *pen) whiteWine() { p.wineGlass("#ecd98a") }

func (p *pen) wineGlass(c string) {
	p.path("M176 46H304Q320 168 252 184V272H228V184Q160 168 176 46Z", "#fff", alpha(0.55))
	p.path("M176 104H304Q304 166 240 172Q176 166 176 104Z", c)
	p.oval(240, 104, 64, 9, light(c, 0.25))
	p.oval(240, 282, 62, 11, "#fff", alpha(0.8))
	p.path("M192 64q-4 60 20 84", "none", stroke("#fff", 7), alpha(0.6))
	for i := range 9 {
		x, y := 356+float64(i%4)*22-float64(i/4)*4, 238+float64(i/4)*20
		p.circle(x+float64(i/4)*12, y, 14, dark(c, 0.1*float64(i%3)))
	}
	p.leaf(380, 220, 22, -20, "#6a9a4a")
}

// storefront is a shop from the street: its door, its window with what is sold, an awning, a sign.
func (p *pen) storefront(what string) {
	sky := []string{"#cfe3ea", "#f6d9b8", "#d9e6dc", "#f3cdb4", "#6f86a8"}[p.r.IntN(5)]
	if p.r.IntN(2) == 0 { // half of the shops have their door on the left
		p.WriteString(`<g transform="matrix(-1 0 0 1 480 0)">`)
		defer p.WriteString("</g>")
	}
	wall := []string{"#e8c9a0", "#d99a78", "#e9dfc8", "#b9c7b4", "#e3b7a0", "#c9b08a", "#9fb4bd"}[p.r.IntN(7)]
	awning := p.colour(0, Awnings[p.r.IntN(len(Awnings))])
	p.rect(0, 0, picW, picH, 0, sky)
	p.rect(0, 60, 66, 250, 0, dark(wall, 0.2))
	p.rect(420, 44, 60, 266, 0, mix(wall, "#8a9aa8", 0.4))
	for i := range 4 {
		p.rect(14, 80+float64(i)*56, 30, 36, 3, dark(wall, 0.42))
		p.rect(438, 66+float64(i)*58, 28, 38, 3, "#f7e3a8", alpha(0.7))
	}
	p.rect(52, 22, 376, 290, 0, wall)
	p.roof(wall)
	pane := []string{"#7f9aa3", "#8fa9a8", "#f4d98f", "#6f8796"}[p.r.IntN(4)]
	for i := range 3 { // windows upstairs
		x := 92 + float64(i)*112
		p.rect(x-5, 55, 82, 62, 4, light(wall, 0.5))
		p.rect(x, 60, 72, 54, 2, pane)
		p.path(fmt.Sprintf("M%s 60v54M%s 86h72M%s 110l26 -46", num(x+36), num(x), num(x+6)), "none", stroke(light(wall, 0.6), 4))
		p.rect(x-4, 112, 80, 12, 4, "#9a5f3b")
		for k := range 5 {
			p.circle(x+6+float64(k)*15, 110, 8, []string{"#d9485a", "#f2a93c", "#fff3d6", "#5f9a4a"}[p.r.IntN(4)])
		}
	}
	wood := dark(awning, 0.42)
	p.rect(70, 148, 340, 164, 4, wood)
	p.rect(86, 196, 196, 90, 3, "#ffe3a1")
	p.rect(302, 190, 90, 122, 3, dark(wood, 0.25))
	p.rect(312, 200, 70, 66, 3, "#ffdf97")
	p.circle(376, 284, 4, "#f0c95a")
	p.window(what)
	p.path("M86 286h196v10H86z", light(wood, 0.2))
	for i := range 2 { // lamps over the sign
		x := 120 + float64(i)*238
		p.path(fmt.Sprintf("M%s 128q0 -14 14 -14", num(x)), "none", stroke(ink, 4))
		p.circle(x, 132, 7, "#fff1b8")
	}
	p.rect(78, 130, 324, 22, 6, dark(awning, 0.25))
	p.rect(176, 134, 128, 14, 7, light(awning, 0.7))
	p.emblem(what, awning)
	stripe := []string{"#fffaf0", light(awning, 0.4), light(awning, 0.75)}[p.r.IntN(3)]
	for i := range 9 {
		x := 64 + float64(i)*39.2
		p.path(fmt.Sprintf("M%s 152h39.200v36a19.600 14 0 0 1 -39.200 0z", num(x)), []string{awning, stripe}[i%2])
	}
	p.rect(62, 150, 356, 7, 3, ink, alpha(0.18))
	p.rect(0, 310, picW, 50, 0, "#c9b79c")
	p.path("M0 312H480M40 336h60m60 10h80m50 -12h70m40 14h60", "none", stroke("#b5a186", 4))
	p.pots()
}

func (p *pen) roof(wall string) {
	switch p.r.IntN(3) {
	case 0:
		p.path("M40 30L76 0H404L440 30Z", "#9a4f38")
		p.path("M60 20H420M72 8H408", "none", stroke("#84402c", 3))
	case 1:
		p.path("M52 26V0H428V26Z", dark(wall, 0.08))
		p.rect(44, 20, 392, 12, 3, light(wall, 0.5))
	default:
		p.path("M52 40V20h44V8h40V0h208v8h40v12h44v20z", wall)
		p.path("M46 40H434", "none", stroke(light(wall, 0.5), 8))
	}
}
