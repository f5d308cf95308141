package town

import (
	"math"
	"math/rand/v2"
)

// plan is the town in metres, before it becomes coordinates.
type plan struct {
	r       *rand.Rand
	outline ring
	river   ring
	square  ring
	rails   [][]xy
	roads   []road
	blocks  []block

	joints []xy // where a street already ends on another
	curves [4]func(angle float64) float64
	radial [8]func(r float64) float64
	quayN  []xy
	quayS  []xy
	railN  []xy
	railS  []xy
}

type road struct {
	name, kind, class string
	line              []xy
}

// block is land between streets. Green names what grows there, if no houses do.
type block struct {
	ring   ring
	zone   string // core inner outer campus harbour
	green  string // "", park, meadow, wood, sport, garden
	name   string
	houses []ring
}

// site is a place that the division of the land must leave in one piece.
type site struct {
	at          xy
	maxArea     float64
	green, zone string
	name        string
}

var sites = []site{
	{xy{-330, 210}, 60000, "park", "", "Stadtpark"},
	{xy{430, 330}, 42000, "park", "", "Rosengarten"},
	{xy{-160, -560}, 46000, "meadow", "", "Auwiesen"},
	{xy{620, -620}, 38000, "park", "", "Südpark"},
	{xy{-980, -280}, 42000, "sport", "", "Sportpark West"},
	{xy{-820, 470}, 52000, "", "campus", "Campus"},
	{xy{-660, 560}, 42000, "", "campus", ""},
	{xy{-930, 330}, 42000, "", "campus", ""},
	{xy{880, 560}, 42000, "garden", "", "Kleingärten Abendfrieden"},
	{xy{180, 920}, 60000, "wood", "", "Nordhain"},
	{xy{1080, -130}, 32000, "", "harbour", "Hafen"},
	{xy{820, -90}, 30000, "", "harbour", ""},
	{xy{-560, -860}, 60000, "wood", "", "Eichenwald"},
	{xy{1180, 210}, 52000, "meadow", "", "Ostwiesen"},
	{xy{60, 640}, 16000, "park", "", "Bahnhofspark"},
	{xy{-190, -60}, 7000, "park", "", "Klostergarten"},
}

// wave is a smooth periodic wobble in [-1, 1] with the given lowest frequency.
func wave(r *rand.Rand, lowest float64) func(float64) float64 {
	a, b, c := r.Float64()*2*math.Pi, r.Float64()*2*math.Pi, r.Float64()*2*math.Pi
	return func(t float64) float64 {
		return 0.55*math.Sin(lowest*t+a) + 0.3*math.Sin(2*lowest*t+b) + 0.15*math.Sin(3*lowest*t+c)
	}
}

func newPlan(seed int64) *plan {
	p := &plan{r: source(seed, "streets")}
	p.bend()
	cells := p.cells()
	for _, line := range [][]xy{p.quayN, p.quayS, p.railN, p.railS} {
		var next []ring
		for _, c := range cells {
			next = append(next, c.split(line)...)
		}
		cells = next
	}
	p.arteries()
	for _, c := range cells {
		m := c.centroid()
		if c.area() > 300 && !p.inStrip(m) {
			p.divide(c, 0)
		}
	}
	p.footpaths()
	p.roads = join(p.roads)
	p.christen(source(seed, "names"))
	return p
}

// bend fixes the curves that all else hangs on: the rings, the avenues, the river and the railway.
func (p *plan) bend() {
	radii := [4]float64{52, 262, 640, 1300}
	wobble := [4]float64{9, 26, 45, 85}
	stretch := [4]float64{0.05, 0.08, 0.12, 0.13}
	for k := range p.curves {
		w := wave(p.r, float64(2+k%2))
		p.curves[k] = func(a float64) float64 {
			return radii[k]*(1+stretch[k]*math.Cos(2*a)) + wobble[k]*w(a)
		}
	}
	for i := range p.radial {
		base := math.Pi/2 + float64(i)*math.Pi/4
		if i%4 != 0 { // those to the station and to the old bridge run straight north and south
			base += (p.r.Float64() - 0.5) * 0.24
		}
		w, size := wave(p.r, 1), 0.08+p.r.Float64()*0.1
		p.radial[i] = func(r float64) float64 {
			return base + size*min(1, r/600)*w(r/420)
		}
	}
	river, rail := wave(p.r, 1), wave(p.r, 1)
	for x := -2100.0; x <= 2100; x += 35 {
		mid := -375 + 85*river(x/640)
		basin := 105 * math.Exp(-math.Pow((x-960)/170, 4))
		p.quayN = append(p.quayN, xy{x, mid + 42 + basin})
		p.quayS = append(p.quayS, xy{x, mid - 42})
		y := 745 + 35*rail(x/800)
		p.railN = append(p.railN, xy{x, y + 15})
		p.railS = append(p.railS, xy{x, y - 15})
	}
	for _, q := range p.quayN {
		p.river = append(p.river, q.add(xy{0, -11}))
	}
	for i := len(p.quayS) - 1; i >= 0; i-- {
		p.river = append(p.river, p.quayS[i].add(xy{0, 11}))
	}
	for _, d := range []float64{-4, 4} {
		var line []xy
		for i := range p.railN {
			line = append(line, lerp(p.railN[i], p.railS[i], 0.5).add(xy{0, d}))
		}
		p.rails = append(p.rails, line)
	}
}

// heightAt is the y of a west-east line at x.
func heightAt(line []xy, x float64) float64 {
	f := (x - line[0].x) / (line[1].x - line[0].x)
	i := min(len(line)-2, max(0, int(f)))
	return lerp(line[i], line[i+1], f-float64(i)).y
}

func (p *plan) inRiver(q xy) bool {
	return q.y < heightAt(p.quayN, q.x) && q.y > heightAt(p.quayS, q.x)
}

func (p *plan) inRail(q xy) bool  { return q.y < heightAt(p.railN, q.x) && q.y > heightAt(p.railS, q.x) }
func (p *plan) inStrip(q xy) bool { return p.inRiver(q) || p.inRail(q) }

// meet is the radius at which avenue i crosses curve k.
func (p *plan) meet(i, k int) float64 {
	r := p.curves[k](p.radial[i](0))
	for range 30 {
		r = p.curves[k](p.radial[i](r))
	}
	return r
}

// ray is avenue i between curves k and k+1, ends included.
func (p *plan) ray(i, k int) []xy {
	a, b := p.meet(i, k), p.meet(i, k+1)
	n := int(math.Ceil((b - a) / 38))
	var line []xy
	for s := 0; s <= n; s++ {
		r := a + (b-a)*float64(s)/float64(n)
		line = append(line, polar(r, p.radial[i](r)))
	}
	return line
}

// arc is curve k between avenues i and i+1, ends included.
func (p *plan) arc(i, k int) []xy {
	next := (i + 1) % len(p.radial)
	ra, rb := p.meet(i, k), p.meet(next, k)
	a, b := p.radial[i](ra), p.radial[next](rb)
	if b < a {
		b += 2 * math.Pi
	}
	n := int(math.Ceil((b - a) * ra / 34))
	line := []xy{polar(ra, a)}
	for s := 1; s < n; s++ {
		t := a + (b-a)*float64(s)/float64(n)
		line = append(line, polar(p.curves[k](t), t))
	}
	return append(line, polar(rb, p.radial[next](rb)))
}

// cells are the sectors between two avenues and two rings.
func (p *plan) cells() []ring {
	var out []ring
	for i := range p.radial {
		next := (i + 1) % len(p.radial)
		for k := range 3 {
			var c ring
			c = append(c, p.arc(i, k)...)
			c = append(c, p.ray(next, k)...)
			top, side := p.arc(i, k+1), p.ray(i, k)
			for j := len(top) - 1; j >= 0; j-- {
				c = append(c, top[j])
			}
			for j := len(side) - 1; j >= 0; j-- {
				c = append(c, side[j])
			}
			out = append(out, c.clean())
		}
		p.square = append(p.square, p.arc(i, 0)...)
		p.outline = append(p.outline, p.arc(i, 3)...)
	}
	p.square, p.outline = p.square.clean(), p.outline.clean()
	return out
}

// split cuts a ring by a line that runs right through it, as often as it does.
func (g ring) split(line []xy) []ring {
	var first *hit
	var middle []xy
	for i := 0; i+1 < len(line); i++ {
		a, b := line[i], line[i+1]
		type found struct {
			s float64
			h hit
		}
		var hits []found
		for e := range g {
			if s, _, ok := crossing(a, b, g[e], g.at(e+1)); ok {
				hits = append(hits, found{s, hit{lerp(a, b, s), e}})
			}
		}
		for x := 1; x < len(hits); x++ {
			for y := x; y > 0 && hits[y].s < hits[y-1].s; y-- {
				hits[y], hits[y-1] = hits[y-1], hits[y]
			}
		}
		for _, f := range hits {
			if first == nil {
				h := f.h
				first, middle = &h, nil
				continue
			}
			probe := lerp(first.at, f.h.at, 0.5)
			if len(middle) > 0 {
				probe = middle[len(middle)/2]
			}
			if !g.contains(probe) {
				h := f.h
				first, middle = &h, nil
				continue
			}
			one, two := g.cut(*first, f.h, middle)
			rest := append([]xy{lerp(f.h.at, b, 0.01)}, line[i+1:]...)
			return append(one.split(rest), two.split(rest)...)
		}
		if first != nil {
			middle = append(middle, b)
		}
	}
	return []ring{g}
}

// arteries lays the streets of the first order along the curves.
func (p *plan) arteries() {
	strips := [][]xy{p.quayN, p.quayS}
	dry := func(q xy) bool { return !p.inRiver(q) }
	avenues := [8]string{"Bahnhofstraße", "Universitätsallee", "Lindenallee", "Kastanienallee", "Brückenstraße", "Uferallee", "Hafenstraße", "Sternwartenallee"}
	beyond := [8]string{"Nordstraße", "Mühlbergweg", "Abendallee", "Weinbergstraße", "Südstraße", "Talstraße", "Ostallee", "Buchenallee"}
	for i := range p.radial {
		var line []xy
		for k := range 3 {
			line = append(line, p.ray(i, k)...)
		}
		end := p.meet(i, 3)
		for r := end + 60; r <= end+360; r += 60 {
			line = append(line, polar(r, p.radial[i](r)))
		}
		pieces := [][]xy{dedupe(line)}
		if i != 4 { // the old bridge
			pieces = clip(line, strips, dry)
		}
		for n, piece := range pieces {
			name := avenues[i]
			if n > 0 {
				name = beyond[i]
			}
			p.lay(name, "street", "main", piece)
		}
	}
	names := [4]string{"Marktplatz", "Altstadtring", "Boulevard", "Rundweg"}
	for k, name := range names {
		var line []xy
		for i := range p.radial {
			line = append(line, p.arc(i, k)...)
		}
		line = dedupe(append(line, line[0]))
		kind, class := "street", "main"
		switch k {
		case 0:
			class = "minor"
		case 3:
			kind, class = "path", "minor"
		}
		if k == 2 { // two more bridges
			p.lay(name, kind, class, line)
			continue
		}
		for n, piece := range clip(line, strips, dry) {
			label := name
			if k == 1 && n > 0 && len(piece) > 2 && piece[0].y < -300 {
				label = "Gerberwall"
			}
			p.lay(label, kind, class, piece)
		}
	}
	inside := func(q xy) bool { return p.outline.contains(q) }
	border := [][]xy{append(append([]xy{}, p.outline...), p.outline[0])}
	for _, s := range []struct {
		name, class string
		line        []xy
	}{{"Nordufer", "minor", p.quayN}, {"Südufer", "minor", p.quayS}, {"Am Nordgleis", "minor", p.railN}, {"Gleisstraße", "minor", p.railS}} {
		for _, piece := range clip(s.line, border, inside) {
			p.lay(s.name, "street", s.class, piece)
		}
	}
}

func (p *plan) lay(name, kind, class string, line []xy) {
	line = dedupe(line)
	if len(line) > 1 && lineLength(line) > 8 {
		p.roads = append(p.roads, road{name, kind, class, line})
	}
}

func dedupe(line []xy) []xy {
	out := line[:1:1]
	for _, q := range line[1:] {
		if q.dist(out[len(out)-1]) > 0.01 {
			out = append(out, q)
		}
	}
	return out
}

// zoneAt says what kind of neighbourhood a point is in.
func (p *plan) zoneAt(q xy) string {
	angle := math.Atan2(q.y, q.x)
	switch r := q.len(); {
	case r < p.curves[1](angle):
		return "core"
	case r < p.curves[2](angle):
		return "inner"
	}
	return "outer"
}

// divide splits land by new streets until what is left is a block of houses or one of the sites.
func (p *plan) divide(g ring, depth int) {
	if len(g) < 3 || g.area() < 120 {
		return
	}
	for _, s := range sites {
		if g.area() <= s.maxArea && g.contains(s.at) && g.area() > 1500 {
			zone := s.zone
			if zone == "" {
				zone = p.zoneAt(g.centroid())
			}
			p.blocks = append(p.blocks, block{ring: g, zone: zone, green: s.green, name: s.name})
			return
		}
	}
	zone := p.zoneAt(g.centroid())
	target := map[string]float64{"core": 3000, "inner": 9500, "outer": 15500}[zone]
	target *= 0.7 + 0.9*p.r.Float64()
	axis := g.longAxis()
	long, wide := g.extent(axis), g.extent(axis.left())
	if depth > 12 || g.area() < target && long < 2.6*wide || g.area() < target/2.2 || long < 45 {
		p.blocks = append(p.blocks, block{ring: g, zone: zone, green: p.fringe(g, zone)})
		return
	}
	for try := range 6 {
		one, two, line, ok := p.chord(g, axis, zone, try)
		if !ok {
			continue
		}
		p.lay("", "street", "minor", line)
		p.joints = append(p.joints, line[0], line[len(line)-1])
		p.divide(one, depth+1)
		p.divide(two, depth+1)
		return
	}
	p.blocks = append(p.blocks, block{ring: g, zone: zone, green: p.fringe(g, zone)})
}

// fringe lets fields and woods reach into the town from outside.
func (p *plan) fringe(g ring, zone string) string {
	c := g.centroid()
	far := c.len() / p.curves[3](math.Atan2(c.y, c.x))
	switch f := p.r.Float64(); {
	case g.area() < 700:
		return "park"
	case zone != "outer" || far < 0.72:
		return ""
	case f < 0.16:
		return "meadow"
	case f < 0.24 && far > 0.8:
		return "wood"
	case f < 0.3:
		return "garden"
	}
	return ""
}
