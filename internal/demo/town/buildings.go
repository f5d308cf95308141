package town

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// build fills the blocks with houses.
func (p *plan) build(r *rand.Rand) {
	for i := range p.blocks {
		b := &p.blocks[i]
		if b.green == "" {
			b.row(r)
		}
		if b.green == "garden" {
			b.sheds(r)
		}
	}
}

// style is how houses stand in a zone, in metres.
type style struct {
	setback           float64
	width, depth, gap [2]float64
	skip              float64 // share of lots left empty
	clear             float64 // least distance to any other street
}

var styles = map[string]style{
	"core":    {6, [2]float64{12, 24}, [2]float64{10, 14}, [2]float64{0, 0.6}, 0.02, 5},
	"inner":   {9.5, [2]float64{17, 34}, [2]float64{11, 15}, [2]float64{0, 5}, 0.08, 8},
	"outer":   {13, [2]float64{10, 17}, [2]float64{9, 12}, [2]float64{13, 26}, 0.12, 11},
	"campus":  {18, [2]float64{40, 78}, [2]float64{18, 26}, [2]float64{18, 40}, 0.12, 13},
	"harbour": {15, [2]float64{36, 66}, [2]float64{20, 30}, [2]float64{8, 22}, 0.1, 12},
}

// row sets houses along the edges of a block, facing the street.
func (b *block) row(r *rand.Rand) {
	st := styles[b.zone]
	between := func(v [2]float64) float64 { return v[0] + (v[1]-v[0])*r.Float64() }
	g := b.ring
	if g.signedArea() < 0 {
		g = reversed(g)
	}
	for _, side := range g.sides() {
		l := lineLength(side)
		for s := st.setback + between(st.gap)*r.Float64(); s < l-st.setback-st.width[0]/2; {
			w, d := between(st.width), between(st.depth)
			w = min(w, l-st.setback-s)
			if w < st.width[0]*0.7 {
				break
			}
			a, _ := along(side, s)
			z, _ := along(side, s+w)
			s += w + between(st.gap)
			if r.Float64() < st.skip {
				continue
			}
			dir := z.sub(a).unit()
			in := dir.left()
			front := a.add(in.mul(st.setback))
			width := a.dist(z)
			house := ring{front, front.add(dir.mul(width)), front.add(dir.mul(width)).add(in.mul(d)), front.add(in.mul(d))}
			if b.zone != "core" && width > 15 && r.Float64() < 0.3 { // a wing at the back
				mid := width * (0.35 + 0.3*r.Float64())
				deep := d * (1.3 + 0.4*r.Float64())
				house = ring{
					house[0], house[1], front.add(dir.mul(width)).add(in.mul(deep)),
					front.add(dir.mul(mid)).add(in.mul(deep)), front.add(dir.mul(mid)).add(in.mul(d)), house[3],
				}
			}
			if b.fits(g, house, st.clear) {
				b.houses = append(b.houses, house)
			}
		}
	}
}

// sides are the stretches of the outline between its corners.
func (g ring) sides() [][]xy {
	corner := -1
	sharp := func(i int) bool {
		return g.at(i).sub(g.at(i-1)).unit().dot(g.at(i+1).sub(g.at(i)).unit()) < 0.8
	}
	for i := range g {
		if sharp(i) {
			corner = i
			break
		}
	}
	if corner < 0 {
		return [][]xy{append(append([]xy{}, g...), g[0])}
	}
	var out [][]xy
	now := []xy{g[corner]}
	for k := 1; k <= len(g); k++ {
		now = append(now, g.at(corner+k))
		if sharp(corner + k) {
			out = append(out, now)
			now = []xy{g.at(corner + k)}
		}
	}
	return out
}

func (b *block) fits(land, house ring, clear float64) bool {
	for i, c := range house {
		m := lerp(c, house.at(i+1), 0.5)
		if !land.contains(c) || land.clearance(c) < clear || !land.contains(m) || land.clearance(m) < clear {
			return false
		}
	}
	center := house.centroid()
	for _, o := range b.houses {
		if o.centroid().dist(center) > 110 {
			continue
		}
		if o.contains(center) || house.contains(o.centroid()) {
			return false
		}
		for i := range o {
			if house.contains(o[i]) || o.contains(house.at(i)) {
				return false
			}
			for j := range house {
				if _, _, ok := crossing(o[i], o.at(i+1), house[j], house.at(j+1)); ok {
					return false
				}
			}
		}
	}
	return true
}

// sheds scatters garden huts.
func (b *block) sheds(r *rand.Rand) {
	axis := b.ring.longAxis()
	c := b.ring.centroid()
	for u := -240.0; u <= 240; u += 24 {
		for v := -240.0; v <= 240; v += 30 {
			at := c.add(axis.mul(u + r.Float64()*6)).add(axis.left().mul(v + r.Float64()*8))
			if !b.ring.contains(at) || b.ring.clearance(at) < 12 || r.Float64() < 0.2 {
				continue
			}
			x, y := axis.mul(2.6), axis.left().mul(2.1)
			b.houses = append(b.houses, ring{at.sub(x).sub(y), at.add(x).sub(y), at.add(x).add(y), at.sub(x).add(y)})
		}
	}
}

// box is a rectangle around a point, turned to a direction.
func box(at, dir xy, long, wide float64) ring {
	x, y := dir.mul(long/2), dir.left().mul(wide/2)
	return ring{at.sub(x).sub(y), at.add(x).sub(y), at.add(x).add(y), at.sub(x).add(y)}
}

// monuments are the few buildings that everybody knows.
func (p *plan) monuments() []ring {
	station := xy{0, heightAt(p.railS, -60) - 24}
	station.x = -70
	nave := xy{20, 22}
	return []ring{
		box(station, xy{1, 0}, 88, 19),
		box(station.add(xy{0, -2}), xy{1, 0}, 22, 27),
		{
			nave.add(xy{-17, -5}), nave.add(xy{-4, -5}), nave.add(xy{-4, -10}), nave.add(xy{4, -10}), nave.add(xy{4, -5}),
			nave.add(xy{13, -5}), nave.add(xy{17, 0}), nave.add(xy{13, 5}), nave.add(xy{4, 5}), nave.add(xy{4, 10}), nave.add(xy{-4, 10}), nave.add(xy{-4, 5}), nave.add(xy{-17, 5}),
		},
	}
}

// geo writes coordinates with six decimals at most: a tenth of a metre.
type geoWriter struct {
	strings.Builder
	digits int
	first  bool
}

func (w *geoWriter) point(q xy) {
	l := q.latLon()
	w.WriteByte('[')
	w.number(l.Lon)
	w.WriteByte(',')
	w.number(l.Lat)
	w.WriteByte(']')
}

func (w *geoWriter) number(v float64) {
	scale := math.Pow(10, float64(w.digits))
	w.WriteString(strconv.FormatFloat(math.Round(v*scale)/scale, 'f', -1, 64))
}

func (w *geoWriter) line(line []xy) {
	w.WriteByte('[')
	for i, q := range line {
		if i > 0 {
			w.WriteByte(',')
		}
		w.point(q)
	}
	w.WriteByte(']')
}

func (w *geoWriter) polygon(g ring) {
	if g.signedArea() < 0 {
		g = reversed(g) // the right-hand rule
	}
	w.WriteByte('[')
	w.line(append(append([]xy{}, g...), g[0]))
	w.WriteByte(']')
}

// feature writes one feature; shape writes its coordinates.
func (w *geoWriter) feature(kind, name, class, geometry string, shape func()) {
	if !w.first {
		w.WriteString(",\n")
	}
	w.first = false
	w.WriteString(`{"type":"Feature","properties":{"kind":"` + kind + `"`)
	if name != "" {
		w.WriteString(`,"name":` + strconv.Quote(name))
	}
	if class != "" {
		w.WriteString(`,"class":"` + class + `"`)
	}
	w.WriteString(`},"geometry":{"type":"` + geometry + `","coordinates":`)
	shape()
	w.WriteString("}}")
}

// GeoJSON returns the base map as a FeatureCollection in drawing order. properties.kind is park, water, square, building,
// rail, path, street or label; properties.name is what to write there; properties.class is main or minor for streets, park,
// meadow, wood, sport or garden for parks, and place, water or park for labels. The buildings of a block are one
// MultiPolygon; streets and paths are LineStrings, labels Points, everything else Polygons.
func (t *Town) GeoJSON() []byte {
	p := t.plan
	w := &geoWriter{first: true, digits: 6}
	w.WriteString(`{"type":"FeatureCollection","features":[` + "\n")
	for _, b := range p.blocks {
		if b.green != "" {
			w.feature("park", b.name, b.green, "Polygon", func() { w.polygon(b.ring) })
		}
	}
	w.feature("water", riverName, "", "Polygon", func() { w.polygon(p.river) })
	w.feature("square", "Marktplatz", "", "Polygon", func() { w.polygon(p.square) })
	for _, b := range p.blocks {
		w.houses(b.houses)
	}
	w.houses(p.monuments())
	for _, r := range p.rails {
		w.feature("rail", "", "", "LineString", func() { w.line(r) })
	}
	for _, kind := range []string{"path", "minor", "main"} {
		for _, r := range p.roads {
			if r.kind == kind || r.kind == "street" && r.class == kind {
				w.feature(r.kind, r.name, r.class, "LineString", func() { w.line(r.line) })
			}
		}
	}
	for _, l := range t.Landmarks {
		class := "place"
		if strings.HasPrefix(l.Label, riverName) {
			class = "water"
		}
		for _, s := range sites {
			if s.name == l.Label && s.green != "" {
				class = "park"
			}
		}
		w.feature("label", l.Label, class, "Point", func() { w.point(plane(l.Point)) })
	}
	w.WriteString("\n]}\n")
	return []byte(w.String())
}

func (w *geoWriter) houses(houses []ring) {
	if len(houses) == 0 {
		return
	}
	w.feature("building", "", "", "MultiPolygon", func() {
		w.WriteByte('[')
		for i, h := range houses {
			if i > 0 {
				w.WriteByte(',')
			}
			w.polygon(h)
		}
		w.WriteByte(']')
	})
}
