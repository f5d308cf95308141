package town

import (
	"math"
	"math/rand/v2"
	"strings"
)

// chord proposes a street across a piece of land, roughly across its long axis, and the two halves it makes.
func (p *plan) chord(g ring, axis xy, zone string, try int) (one, two ring, line []xy, ok bool) {
	slant := map[string]float64{"core": 0.34, "inner": 0.2, "outer": 0.16}[zone]
	c := g.centroid()
	shift := (p.r.Float64() - 0.5) * 0.22 * g.extent(axis)
	turn := (p.r.Float64() - 0.5) * 2 * slant * (1 + float64(try)*0.5)
	dir := axis.left()
	dir = xy{dir.x*math.Cos(turn) - dir.y*math.Sin(turn), dir.x*math.Sin(turn) + dir.y*math.Cos(turn)}
	through := c.add(axis.mul(shift))
	if !g.contains(through) {
		through = c
	}
	from, okA := g.shoot(through, dir.mul(-1))
	to, okB := g.shoot(through, dir)
	if !okA || !okB {
		return nil, nil, nil, false
	}
	tolerance := map[string]float64{"core": 10, "inner": 24, "outer": 30}[zone]
	from, to = p.snap(g, from, tolerance), p.snap(g, to, tolerance)
	l := from.at.dist(to.at)
	if l < 18 || from.edge == to.edge {
		return nil, nil, nil, false
	}
	bow := (p.r.Float64() - 0.5) * 0.16 * l
	n := from.at.sub(to.at).unit().left()
	var middle []xy
	for _, f := range []float64{0.25, 0.5, 0.75} {
		middle = append(middle, lerp(from.at, to.at, f).add(n.mul(bow*4*f*(1-f))))
	}
	for _, m := range middle {
		if !g.contains(m) || g.clearance(m) < min(12, l*0.12) {
			return nil, nil, nil, false
		}
	}
	line = append(append([]xy{from.at}, middle...), to.at)
	if g.crossedBy(line) {
		return nil, nil, nil, false
	}
	one, two = g.cut(from, to, middle)
	if small := min(one.area(), two.area()); small < 0.2*g.area() {
		return nil, nil, nil, false
	}
	return one, two, line, true
}

// crossedBy reports whether the line leaves the ring on its way.
func (g ring) crossedBy(line []xy) bool {
	for i := 0; i+1 < len(line); i++ {
		for e := range g {
			if s, _, ok := crossing(line[i], line[i+1], g[e], g.at(e+1)); ok {
				if at := lerp(line[i], line[i+1], s); at.dist(line[0]) > 0.05 && at.dist(line[len(line)-1]) > 0.05 {
					return true
				}
			}
		}
	}
	return false
}

// shoot finds where a ray from inside first meets the outline.
func (g ring) shoot(from, dir xy) (hit, bool) {
	far := from.add(dir.mul(5000))
	best, found := 2.0, hit{}
	for e := range g {
		if s, _, ok := crossing(from, far, g[e], g.at(e+1)); ok && s < best && s > 1e-9 {
			best, found = s, hit{lerp(from, far, s), e}
		}
	}
	return found, best < 2
}

// snap moves the end of a new street to a junction nearby, so that streets meet opposite each other more often than not.
func (p *plan) snap(g ring, h hit, tolerance float64) hit {
	best := tolerance
	for _, j := range p.joints {
		d := j.dist(h.at)
		if d >= best {
			continue
		}
		for e := range g {
			if q, f := closest(j, g[e], g.at(e+1)); q.dist(j) < 0.02 && f > 1e-6 && f < 1-1e-6 {
				h, best = hit{j, e}, d
				break
			}
		}
	}
	return h
}

// footpaths leads ways across the parks.
func (p *plan) footpaths() {
	for _, b := range p.blocks {
		if b.name == "" && b.zone != "campus" || b.ring.area() < 9000 {
			continue
		}
		c := b.ring.centroid()
		if !b.ring.contains(c) {
			continue
		}
		turn := p.r.Float64() * math.Pi
		for k := range 3 {
			dir := polar(1, turn+float64(k)*math.Pi/3)
			a, okA := b.ring.shoot(c, dir)
			z, okZ := b.ring.shoot(c, dir.mul(-1))
			if !okA || !okZ {
				continue
			}
			n := dir.left().mul(0.1 * a.at.dist(z.at) * (p.r.Float64() - 0.5))
			line := []xy{a.at, lerp(a.at, c, 0.5).add(n), c, lerp(c, z.at, 0.5).sub(n), z.at}
			if !b.ring.crossedBy(line) {
				p.lay("", "path", "minor", line)
			}
		}
	}
}

// join makes one street of two nameless ones that meet end to end and run on in the same direction.
func join(roads []road) []road {
	for merged := true; merged; {
		merged = false
		for i := range roads {
			for j := range roads {
				if i == j || roads[i].name != "" || roads[j].name != "" || roads[i].line == nil || roads[j].line == nil ||
					roads[i].kind != "street" || roads[j].kind != "street" {
					continue
				}
				if line, ok := splice(roads[i].line, roads[j].line); ok {
					roads[i].line, roads[j].line = line, nil
					merged = true
				}
			}
		}
	}
	out := roads[:0]
	for _, r := range roads {
		if r.line != nil {
			out = append(out, r)
		}
	}
	return out
}

func reversed(line []xy) []xy {
	out := make([]xy, len(line))
	for i, p := range line {
		out[len(line)-1-i] = p
	}
	return out
}

func splice(a, b []xy) ([]xy, bool) {
	const straight = 0.86 // cosine of the sharpest bend within one street
	a0, a1, b0, b1 := a[0], a[len(a)-1], b[0], b[len(b)-1]
	if min(a0.dist(b0), a0.dist(b1), a1.dist(b0), a1.dist(b1)) > 0.02 {
		return nil, false
	}
	for range 2 {
		for range 2 {
			end, start := len(a)-1, 0
			if a[end].dist(b[start]) < 0.02 && a[0].dist(b[len(b)-1]) > 1 &&
				a[end].sub(a[end-1]).unit().dot(b[1].sub(b[0]).unit()) > straight {
				return append(append([]xy{}, a...), b[1:]...), true
			}
			b = reversed(b)
		}
		a = reversed(a)
	}
	return nil, false
}

var streetStems = map[string]string{
	"core": `Bäcker Töpfer Gold Silber Mühl Färber Küfer Salz Glocken Brunnen Tuchmacher Seiler Korn Wein Fisch Krämer Schmied
		Schul Kloster Apotheker Spatzen Katzen Laternen Honig Kerzen Seifen Löwen Engel Sonnen Mond Pfeffer Butter Zimt Turm
		Rathaus Spiel Hut Zinn Knopf Kessel Pilger`,
	"inner": `Ahorn Birken Erlen Ulmen Eschen Platanen Garten Park Blumen Theater Museums Bibliotheks Drucker Gärtner Wiesen
		Tauben Linden Akazien Magnolien Jasmin Flieder Rosen Nelken Veilchen Tulpen Orgel Geigen Flöten Harfen Cello Maler
		Dichter Uhrmacher Buchbinder Glasbläser Lampen Papier Wolken Regenbogen Frühling Sommer Herbst Winter Freiheits Friedens`,
	"outer": `Lerchen Amsel Drossel Finken Meisen Schwalben Storchen Igel Hasen Fuchs Kirsch Apfel Birnen Pflaumen Quitten Hasel
		Holunder Ginster Heide Moos Farn Klee Mohn Kornblumen Lavendel Salbei Thymian Minz Kamillen Sonnenblumen Heu Feld Bach
		Quell Hügel Talblick Sonnenhang Sternen Nachtigall Eulen Kranich Reiher Biber Otter Libellen Bienen Hummel Schmetterlings
		Wacholder Brombeer Himbeer Schlehen Weißdorn Steinbruch Ziegel Obst Nuss`,
	"campus":  `Euklid Kepler Noether Curie Turing Leibniz Humboldt Gauß Lovelace Archimedes`,
	"harbour": `Speicher Anker Lotsen Kapitäns Netz Segel Tau Kran Fähr Kompass Leuchtturm Möwen Matrosen`,
}

var streetEnds = map[string][]string{
	"core":    {"gasse", "gasse", "gasse", "straße", "winkel", "steig"},
	"inner":   {"straße", "straße", "straße", "weg", "allee", "gasse"},
	"outer":   {"weg", "weg", "straße", "pfad", "ring", "hain", "grund", "stieg", "anger"},
	"campus":  {"straße", "weg"},
	"harbour": {"kai", "straße", "gasse"},
}

// namer hands out street names, each once.
type namer struct {
	r     *rand.Rand
	stems map[string][]string
	round map[string]int
	used  map[string]bool
}

func (n *namer) next(zone string) string {
	for {
		stems := n.stems[zone]
		i := n.round[zone]
		n.round[zone]++
		stem := stems[i%len(stems)]
		ends := streetEnds[zone]
		end := ends[n.r.IntN(len(ends))]
		name := stem + end
		if i >= 5*len(stems) {
			name = []string{"Oberer ", "Unterer ", "Neuer "}[i%3] + stem + "weg"
		}
		if !n.used[name] {
			n.used[name] = true
			return name
		}
	}
}

// christen names the streets that the plan left without a name, after where they run.
func (p *plan) christen(r *rand.Rand) {
	n := &namer{r: r, stems: map[string][]string{}, round: map[string]int{}, used: map[string]bool{}}
	for i := range p.roads { // an avenue that the river interrupts needs a second name: house numbers start again
		road := &p.roads[i]
		if n.used[road.name] && road.kind == "street" {
			road.name = ""
		}
		n.used[road.name] = true
	}
	for _, zone := range []string{"core", "inner", "outer", "campus", "harbour"} {
		stems := strings.Fields(streetStems[zone])
		r.Shuffle(len(stems), func(i, j int) { stems[i], stems[j] = stems[j], stems[i] })
		n.stems[zone] = stems
	}
	for i := range p.roads {
		road := &p.roads[i]
		if road.name != "" {
			continue
		}
		mid, _ := along(road.line, lineLength(road.line)/2)
		zone := p.zoneAt(mid)
		for _, b := range p.blocks {
			switch at := b.ring; {
			case road.kind == "path" && at.contains(mid):
				road.name = "Weg am " + strings.TrimSuffix(b.name, "wiesen")
				if b.name == "" || b.zone == "campus" {
					road.name = "Campusweg"
				}
			case (b.zone == "campus" || b.zone == "harbour") && at.clearance(mid) < 1:
				zone = b.zone
			}
		}
		if road.name == "" {
			road.name = n.next(zone)
		}
	}
}
