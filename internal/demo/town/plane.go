package town

import "math"

// xy is a point of the town's plane: metres east and north of the market square.
type xy struct{ x, y float64 }

// The market square lies on open land in central Europe; no real town is there.
const (
	originLat = 50.2735
	originLon = 10.6412
)

var (
	metresPerLat = math.Pi / 180 * 6371008.8
	metresPerLon = metresPerLat * math.Cos(originLat*math.Pi/180)
)

func (p xy) latLon() LatLon {
	return LatLon{Lat: originLat + p.y/metresPerLat, Lon: originLon + p.x/metresPerLon}
}

func plane(l LatLon) xy {
	return xy{(l.Lon - originLon) * metresPerLon, (l.Lat - originLat) * metresPerLat}
}

func (p xy) add(q xy) xy         { return xy{p.x + q.x, p.y + q.y} }
func (p xy) sub(q xy) xy         { return xy{p.x - q.x, p.y - q.y} }
func (p xy) mul(f float64) xy    { return xy{p.x * f, p.y * f} }
func (p xy) dot(q xy) float64    { return p.x*q.x + p.y*q.y }
func (p xy) cross(q xy) float64  { return p.x*q.y - p.y*q.x }
func (p xy) len() float64        { return math.Hypot(p.x, p.y) }
func (p xy) dist(q xy) float64   { return math.Hypot(p.x-q.x, p.y-q.y) }
func (p xy) left() xy            { return xy{-p.y, p.x} }
func polar(r, angle float64) xy  { return xy{r * math.Cos(angle), r * math.Sin(angle)} }
func lerp(a, b xy, f float64) xy { return xy{a.x + (b.x-a.x)*f, a.y + (b.y-a.y)*f} }
func (p xy) unit() xy {
	n := p.len()
	if n == 0 {
		return xy{1, 0}
	}
	return xy{p.x / n, p.y / n}
}

// crossing returns where the segments ab and cd meet, as fractions of each.
func crossing(a, b, c, d xy) (s, t float64, ok bool) {
	r, q := b.sub(a), d.sub(c)
	den := r.cross(q)
	if math.Abs(den) < 1e-12 {
		return 0, 0, false
	}
	s, t = c.sub(a).cross(q)/den, c.sub(a).cross(r)/den
	return s, t, s >= 0 && s <= 1 && t >= 0 && t <= 1
}

// closest returns the point of segment ab nearest to p and its fraction along ab.
func closest(p, a, b xy) (xy, float64) {
	d := b.sub(a)
	n := d.dot(d)
	if n == 0 {
		return a, 0
	}
	f := min(1, max(0, p.sub(a).dot(d)/n))
	return lerp(a, b, f), f
}

// ring is a closed polygon; the last point is not repeated.
type ring []xy

func (g ring) at(i int) xy { return g[((i%len(g))+len(g))%len(g)] }

func (g ring) signedArea() float64 {
	a := 0.0
	for i := range g {
		a += g[i].cross(g.at(i + 1))
	}
	return a / 2
}

func (g ring) area() float64 { return math.Abs(g.signedArea()) }

func (g ring) centroid() xy {
	var c xy
	a := g.signedArea()
	if math.Abs(a) < 1e-9 {
		return g[0]
	}
	for i := range g {
		k := g[i].cross(g.at(i + 1))
		c.x += (g[i].x + g.at(i+1).x) * k
		c.y += (g[i].y + g.at(i+1).y) * k
	}
	return c.mul(1 / (6 * a))
}

func (g ring) contains(p xy) bool {
	in := false
	for i := range g {
		a, b := g[i], g.at(i+1)
		if (a.y > p.y) != (b.y > p.y) && p.x < a.x+(p.y-a.y)/(b.y-a.y)*(b.x-a.x) {
			in = !in
		}
	}
	return in
}

// clearance is the distance from p to the nearest edge.
func (g ring) clearance(p xy) float64 {
	best := math.Inf(1)
	for i := range g {
		q, _ := closest(p, g[i], g.at(i+1))
		best = min(best, p.dist(q))
	}
	return best
}

// longAxis is the direction in which the outline stretches furthest.
func (g ring) longAxis() xy {
	c := g.centroid()
	var sxx, sxy, syy float64
	for i := range g {
		a, b := g[i].sub(c), g.at(i+1).sub(c)
		w := a.dist(b)
		m := lerp(a, b, 0.5)
		for _, p := range [...]xy{a, m, b} {
			sxx += w * p.x * p.x
			sxy += w * p.x * p.y
			syy += w * p.y * p.y
		}
	}
	angle := 0.5 * math.Atan2(2*sxy, sxx-syy)
	return polar(1, angle)
}

// extent is how far the ring reaches along a unit direction.
func (g ring) extent(dir xy) float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, p := range g {
		lo, hi = min(lo, p.dot(dir)), max(hi, p.dot(dir))
	}
	return hi - lo
}

// hit is a point on a ring's outline: on the edge that starts at vertex edge.
type hit struct {
	at   xy
	edge int
}

// cut splits the ring along a chord whose ends lie on its outline and whose middle points lie inside.
func (g ring) cut(from, to hit, middle []xy) (ring, ring) {
	walk := func(a, b hit) ring {
		out := ring{a.at}
		n := len(g)
		steps := ((b.edge-a.edge)%n + n) % n
		if steps == 0 && g[a.edge].dist(b.at) < g[a.edge].dist(a.at) {
			steps = n
		}
		for i := 1; i <= steps; i++ {
			out = append(out, g.at(a.edge+i))
		}
		return append(out, b.at)
	}
	one, two := walk(from, to), walk(to, from)
	for i := len(middle) - 1; i >= 0; i-- {
		one = append(one, middle[i])
	}
	two = append(two, middle...)
	return one.clean(), two.clean()
}

// clean drops points that repeat their neighbour.
func (g ring) clean() ring {
	out := g[:0:0]
	for i, p := range g {
		if p.dist(g.at(i+1)) > 0.01 {
			out = append(out, p)
		}
	}
	return out
}

// clip returns the pieces of a line that keep accepts, cut at the crossings with the given borders.
func clip(line []xy, borders [][]xy, keep func(xy) bool) [][]xy {
	var pieces [][]xy
	var now []xy
	flush := func() {
		if len(now) > 1 {
			pieces = append(pieces, now)
		}
		now = nil
	}
	for i := 0; i+1 < len(line); i++ {
		a, b := line[i], line[i+1]
		stops := []float64{0, 1}
		for _, border := range borders {
			for j := 0; j+1 < len(border); j++ {
				if s, _, ok := crossing(a, b, border[j], border[j+1]); ok && s > 1e-9 && s < 1-1e-9 {
					stops = append(stops, s)
				}
			}
		}
		sortFloats(stops)
		for k := 0; k+1 < len(stops); k++ {
			p, q := lerp(a, b, stops[k]), lerp(a, b, stops[k+1])
			if !keep(lerp(p, q, 0.5)) {
				flush()
				continue
			}
			if len(now) == 0 {
				now = append(now, p)
			}
			now = append(now, q)
		}
	}
	flush()
	return pieces
}

func lineLength(line []xy) float64 {
	l := 0.0
	for i := 0; i+1 < len(line); i++ {
		l += line[i].dist(line[i+1])
	}
	return l
}

// along returns the point s metres from the start of a line and the direction there.
func along(line []xy, s float64) (p, dir xy) {
	for i := 0; i+1 < len(line); i++ {
		l := line[i].dist(line[i+1])
		if s <= l || i+2 == len(line) {
			dir = line[i+1].sub(line[i]).unit()
			return line[i].add(dir.mul(min(s, l))), dir
		}
		s -= l
	}
	return line[0], xy{1, 0}
}

func sortFloats(v []float64) {
	for i := 1; i < len(v); i++ {
		for j := i; j > 0 && v[j] < v[j-1]; j-- {
			v[j], v[j-1] = v[j-1], v[j]
		}
	}
}
