package geo

import (
	"fmt"
	"math"
)

// MaxVertices is the largest number of positions an Area may have over all its rings, the closing ones included.
const MaxVertices = 2000

// MaxCircleM is the largest radius of a Circle in metres.
const MaxCircleM = 500_000

// circleSides is the number of corners of a Circle: with 72 the polygon lies within 0.1 % of the radius.
const circleSides = 72

// Area is a region of the earth made of polygons with holes, such as a delivery zone. It comes from ParseArea or Circle
// and does not change afterwards, so it may be copied and shared. The zero Area is empty and contains nothing.
type Area struct {
	polygons []polygon
	bounds   Bounds
}

type polygon struct {
	rings  []ring // the outer one first, then the holes
	bounds Bounds
}

// ring is closed: its last point repeats its first.
type ring []Point

// Circle returns the area within radiusM metres of center as a polygon of 72 sides, whose corners lie so that no point
// is misplaced by more than 0.1 % of the radius. It returns an error when center is not valid, when the radius is not in
// (0, MaxCircleM], and when the circle would reach a pole or cross the antimeridian.
func Circle(center Point, radiusM float64) (Area, error) {
	if !center.Valid() {
		return Area{}, fmt.Errorf("geo: circle around %v: latitude must be in -90..90 and longitude in -180..180", center)
	}
	if !(radiusM > 0 && radiusM <= MaxCircleM) {
		return Area{}, fmt.Errorf("geo: circle of %v m: the radius must be more than 0 and at most %d m", radiusM, MaxCircleM)
	}
	if b := Around(center, radiusM*1.01); b.MinLon == -180 && b.MaxLon == 180 {
		return Area{}, fmt.Errorf("geo: circle of %v m around %v: it must not reach a pole or cross the antimeridian", radiusM, center)
	}
	// Corners half as far outside the circle as the middles of the sides are inside it.
	corner := radiusM * 2 / (1 + math.Cos(math.Pi/circleSides))
	r := make(ring, 0, circleSides+1)
	for i := range circleSides {
		// Counter-clockwise, as RFC 7946 wants outer rings.
		r = append(r, Move(center, -float64(i)*360/circleSides, corner))
	}
	return newArea([]polygon{{rings: []ring{append(r, r[0])}}}), nil
}

// newArea fills in the bounds. polygons is not empty and each has an outer ring.
func newArea(polygons []polygon) Area {
	a := Area{polygons: polygons}
	for i := range polygons {
		polygons[i].bounds = polygons[i].rings[0].bounds()
		if i == 0 {
			a.bounds = polygons[i].bounds
		}
		a.bounds = a.bounds.Union(polygons[i].bounds)
	}
	return a
}

// IsEmpty reports whether a is the zero Area.
func (a Area) IsEmpty() bool { return len(a.polygons) == 0 }

// Bounds returns the smallest rectangle around a; that of an empty Area is the zero Bounds.
func (a Area) Bounds() Bounds { return a.bounds }

// Contains reports whether p lies in a and not in one of its holes. A point exactly on a border that two areas share
// belongs to one of them and not to the other.
func (a Area) Contains(p Point) bool {
	if !a.bounds.Contains(p) {
		return false
	}
	for i := range a.polygons {
		if a.polygons[i].contains(p) {
			return true
		}
	}
	return false
}

func (g *polygon) contains(p Point) bool {
	if !g.bounds.Contains(p) {
		return false
	}
	inside := false
	// Even-odd over all rings at once: a hole flips the answer back.
	for _, r := range g.rings {
		if r.contains(p) {
			inside = !inside
		}
	}
	return inside
}

// contains counts how often a ray from p to the east crosses the ring.
func (r ring) contains(p Point) bool {
	inside := false
	for i := 1; i < len(r); i++ {
		a, b := r[i-1], r[i]
		if (a.Lat > p.Lat) == (b.Lat > p.Lat) {
			continue
		}
		// Always from south to north, so that two rings that share an edge round the same way.
		if a.Lat > b.Lat {
			a, b = b, a
		}
		if (b.Lon-a.Lon)*(p.Lat-a.Lat) > (p.Lon-a.Lon)*(b.Lat-a.Lat) {
			inside = !inside
		}
	}
	return inside
}

func (r ring) bounds() Bounds {
	b := Bounds{MinLat: r[0].Lat, MaxLat: r[0].Lat, MinLon: r[0].Lon, MaxLon: r[0].Lon}
	for _, p := range r[1:] {
		b.MinLat, b.MaxLat = math.Min(b.MinLat, p.Lat), math.Max(b.MaxLat, p.Lat)
		b.MinLon, b.MaxLon = math.Min(b.MinLon, p.Lon), math.Max(b.MaxLon, p.Lon)
	}
	return b
}

// signedArea is positive for a ring that runs counter-clockwise; its unit is square degrees.
func (r ring) signedArea() float64 {
	sum := 0.0
	for i := 1; i < len(r); i++ {
		// Relative to the first point: the products of small differences keep their digits.
		ax, ay := r[i-1].Lon-r[0].Lon, r[i-1].Lat-r[0].Lat
		bx, by := r[i].Lon-r[0].Lon, r[i].Lat-r[0].Lat
		sum += ax*by - bx*ay
	}
	return sum / 2
}
