package geo

import (
	"cmp"
	"slices"
)

// edge is one side of a ring: from its point at, to the next.
type edge struct {
	a, b   Point
	ring   int
	at     int
	minLon float64
	maxLon float64
}

// checkRings refuses rings of one polygon that touch or cross themselves or each other, holes outside the outer ring,
// and holes within holes. Stricter than OGC, which lets rings touch in a point: a zone drawn by hand never means that.
func checkRings(path string, rings []ring) error {
	if err := checkCrossings(path, rings); err != nil {
		return err
	}
	for i, r := range rings {
		if r.signedArea() == 0 {
			return areaError(index(path, i), "the ring encloses nothing")
		}
	}
	// No two rings touch, so one point of a ring tells on which side of another the whole ring lies.
	for i, hole := range rings[1:] {
		if !rings[0].contains(hole[0]) {
			return areaError(index(path, i+1), "the hole lies outside the outer ring")
		}
		for j, other := range rings[1:] {
			if i != j && other.contains(hole[0]) {
				return areaError(index(path, i+1), "the hole lies inside another hole")
			}
		}
	}
	return nil
}

// checkCrossings compares only edges that overlap in longitude: sorted by their western end, the search stops early.
func checkCrossings(path string, rings []ring) error {
	var edges []edge
	for i, r := range rings {
		for j := 1; j < len(r); j++ {
			a, b := r[j-1], r[j]
			edges = append(edges, edge{a: a, b: b, ring: i, at: j - 1, minLon: min(a.Lon, b.Lon), maxLon: max(a.Lon, b.Lon)})
		}
	}
	slices.SortFunc(edges, func(x, y edge) int { return cmp.Compare(x.minLon, y.minLon) })
	for i, e := range edges {
		for _, f := range edges[i+1:] {
			if f.minLon > e.maxLon {
				break
			}
			if meet(e, f, len(rings[e.ring])-1) {
				if e.ring == f.ring {
					return areaError(index(index(path, e.ring), min(e.at, f.at)),
						"the ring touches or crosses itself: the edge from %v to %v meets the one from %v to %v", e.a, e.b, f.a, f.b)
				}
				return areaError(index(path, max(e.ring, f.ring)), "the ring touches or crosses another near %v", f.a)
			}
		}
	}
	return nil
}

// meet reports whether two edges share a point that they should not; sides is the number of edges of e's ring.
func meet(e, f edge, sides int) bool {
	if e.ring == f.ring {
		switch {
		case (e.at+1)%sides == f.at:
			return foldsBack(e.a, e.b, f.b)
		case (f.at+1)%sides == e.at:
			return foldsBack(f.a, f.b, e.b)
		}
	}
	if max(e.a.Lat, e.b.Lat) < min(f.a.Lat, f.b.Lat) || max(f.a.Lat, f.b.Lat) < min(e.a.Lat, e.b.Lat) {
		return false
	}
	d1, d2 := turn(e.a, e.b, f.a), turn(e.a, e.b, f.b)
	d3, d4 := turn(f.a, f.b, e.a), turn(f.a, f.b, e.b)
	if d1*d2 < 0 && d3*d4 < 0 {
		return true
	}
	return d1 == 0 && between(e, f.a) || d2 == 0 && between(e, f.b) || d3 == 0 && between(f, e.a) || d4 == 0 && between(f, e.b)
}

// foldsBack reports whether the way a, b, c turns back on itself at b.
func foldsBack(a, b, c Point) bool {
	return turn(a, b, c) == 0 && (a.Lon-b.Lon)*(c.Lon-b.Lon)+(a.Lat-b.Lat)*(c.Lat-b.Lat) > 0
}

// turn is 1 when c lies left of the line from a to b, -1 when right and 0 when on it.
func turn(a, b, c Point) int {
	return cmp.Compare((b.Lon-a.Lon)*(c.Lat-a.Lat), (c.Lon-a.Lon)*(b.Lat-a.Lat))
}

// between reports whether p, known to lie on the line of e, lies on e itself.
func between(e edge, p Point) bool {
	return p.Lon >= e.minLon && p.Lon <= e.maxLon && p.Lat >= min(e.a.Lat, e.b.Lat) && p.Lat <= max(e.a.Lat, e.b.Lat)
}
