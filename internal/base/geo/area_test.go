package geo

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const (
	square = `{"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}`
	holed  = `{"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]],[[4,4],[4,6],[6,6],[6,4],[4,4]]]}`
)

func mustArea(t interface{ Fatalf(string, ...any) }, s string) Area {
	a, err := ParseArea([]byte(s))
	if err != nil {
		t.Fatalf("ParseArea(%s): %v", s, err)
	}
	return a
}

func TestContainsKnowsHolesAndParts(t *testing.T) {
	two := `{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,1],[0,0]]],[[[5,5],[6,5],[6,6],[5,6],[5,5]]]]}`
	feature := `{"type":"Feature","properties":{"name":"x"},"geometry":` + square + `}`
	for _, tt := range []struct {
		area string
		p    Point
		want bool
	}{
		{square, Point{5, 5}, true},
		{square, Point{5, 11}, false},
		{holed, Point{5, 5}, false},
		{holed, Point{2, 2}, true},
		{two, Point{0.5, 0.5}, true},
		{two, Point{5.5, 5.5}, true},
		{two, Point{3, 3}, false},
		{feature, Point{5, 5}, true},
	} {
		if got := mustArea(t, tt.area).Contains(tt.p); got != tt.want {
			t.Errorf("%s contains %v = %v; want %v", tt.area, tt.p, got, tt.want)
		}
	}
	if (Area{}).Contains(Point{}) {
		t.Error("the empty area contains a point")
	}
}

func TestSharedBorderBelongsToOneSide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// A slanted border from (0,x1) to (1,x2) between a western and an eastern zone.
		x1 := rapid.Float64Range(-1, 1).Draw(t, "x1")
		x2 := rapid.Float64Range(-1, 1).Draw(t, "x2")
		west := mustArea(t, fmt.Sprintf(`{"type":"Polygon","coordinates":[[[-5,0],[%v,0],[%v,1],[-5,1],[-5,0]]]}`, x1, x2))
		east := mustArea(t, fmt.Sprintf(`{"type":"Polygon","coordinates":[[[5,0],[%v,0],[%v,1],[5,1],[5,0]]]}`, x1, x2))
		f := rapid.Float64Range(0, 0.999).Draw(t, "f")
		p := Point{Lat: f, Lon: x1 + (x2-x1)*f}
		if west.Contains(p) == east.Contains(p) {
			t.Fatalf("%v on the border: west %v, east %v; want exactly one", p, west.Contains(p), east.Contains(p))
		}
	})
}

func TestParseAreaNamesTheFault(t *testing.T) {
	for name, tt := range map[string]struct{ in, path, want string }{
		"not json":      {`{"type":`, "", "not JSON"},
		"not an object": {`[1,2]`, "", "GeoJSON object"},
		"no type":       {`{}`, "type", "missing"},
		"other type":    {`{"type":"Point","coordinates":[1,2]}`, "type", `"Point" is not supported`},
		"no rings":      {`{"type":"Polygon","coordinates":[]}`, "coordinates", "list of rings"},
		"null":          {`{"type":"Polygon"}`, "coordinates", "list of rings"},
		"not a ring":    {`{"type":"Polygon","coordinates":[7]}`, "coordinates[0]", "expected a ring"},
		"not closed":    {`{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}`, "coordinates[0][3]", "not closed"},
		"three":         {`{"type":"Polygon","coordinates":[[[0,0],[1,0],[0,0]]]}`, "coordinates[0]", "at least four"},
		"repeated":      {`{"type":"Polygon","coordinates":[[[0,0],[0,0],[1,0],[1,0],[0,0]]]}`, "coordinates[0]", "three are different"},
		"empty ring":    {`{"type":"Polygon","coordinates":[[]]}`, "coordinates[0]", "at least four"},
		"text":          {`{"type":"Polygon","coordinates":[[[0,0],["1",0],[1,1],[0,0]]]}`, "coordinates[0][1]", "two numbers"},
		"one number":    {`{"type":"Polygon","coordinates":[[[0,0],[1],[1,1],[0,0]]]}`, "coordinates[0][1]", "[longitude, latitude]"},
		"null number":   {`{"type":"Polygon","coordinates":[[[0,0],[1,null],[1,1],[0,0]]]}`, "coordinates[0][1]", "two numbers"},
		"swapped":       {`{"type":"Polygon","coordinates":[[[0,0],[40,170],[1,1],[0,0]]]}`, "coordinates[0][1]", "longitude first"},
		"out of range":  {`{"type":"Polygon","coordinates":[[[0,0],[300,200],[1,1],[0,0]]]}`, "coordinates[0][1]", "out of range"},
		"antimeridian":  {`{"type":"Polygon","coordinates":[[[179,0],[-179,0],[-179,1],[179,1],[179,0]]]}`, "coordinates[0][1]", "antimeridian"},
		"bow tie":       {`{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}`, "coordinates[0][0]", "crosses itself"},
		"spike":         {`{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,2],[2,3],[2,2],[0,2],[0,0]]]}`, "coordinates[0][1]", "crosses itself"},
		"line":          {`{"type":"Polygon","coordinates":[[[0,0],[1,0],[2,0],[0,0]]]}`, "coordinates[0][0]", "crosses itself"},
		"hole outside":  {`{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]],[[5,5],[6,5],[6,6],[5,5]]]}`, "coordinates[1]", "outside the outer ring"},
		"hole across":   {`{"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,4],[0,0]],[[3,1],[6,1],[6,2],[3,1]]]}`, "coordinates[1]", "crosses another"},
		"hole in hole":  {`{"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9],[0,9],[0,0]],[[1,1],[8,1],[8,8],[1,8],[1,1]],[[3,3],[4,3],[4,4],[3,3]]]}`, "coordinates[2]", "inside another hole"},
		"in a multi":    {`{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]],[[[0,0],[1,0],[1,1]]]]}`, "coordinates[1][0][2]", "not closed"},
		"in a feature":  {`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[7]}}`, "geometry.coordinates[0]", "expected a ring"},
		"empty feature": {`{"type":"Feature","geometry":null}`, "geometry.type", "missing"},
		"nested":        {`{"type":"Feature","geometry":{"type":"Feature"}}`, "geometry", "Polygon"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseArea([]byte(tt.in))
			var bad *AreaError
			if !errors.As(err, &bad) {
				t.Fatalf("ParseArea = %v; want an AreaError", err)
			}
			if bad.Path != tt.path || !strings.Contains(bad.Reason, tt.want) {
				t.Errorf("ParseArea = %q at %q; want %q at %q", bad.Reason, bad.Path, tt.want, tt.path)
			}
		})
	}
}

// star returns a ring whose corners lie at all directions around the middle, so that it never crosses itself.
func star(t *rapid.T) (Point, ring) {
	middle := townPoint(t, "middle")
	n := rapid.IntRange(3, 40).Draw(t, "corners")
	var r ring
	for i := range n {
		angle := 2 * math.Pi * (float64(i) + rapid.Float64Range(0, 0.4).Draw(t, "turn")) / float64(n)
		dist := rapid.Float64Range(0.01, 0.1).Draw(t, "dist")
		r = append(r, Point{Lat: middle.Lat + dist*math.Sin(angle), Lon: middle.Lon + dist*math.Cos(angle)})
	}
	return middle, append(r, r[0])
}

func ringJSON(r ring) string {
	g := polygon{rings: []ring{r}}
	return `{"type":"Polygon","coordinates":` + string(g.append(nil)) + `}`
}

func TestContainsAgreesWithTriangles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		middle, r := star(t)
		a := mustArea(t, ringJSON(r))
		p := Point{
			Lat: middle.Lat + rapid.Float64Range(-0.1, 0.1).Draw(t, "dlat"),
			Lon: middle.Lon + rapid.Float64Range(-0.1, 0.1).Draw(t, "dlon"),
		}
		want := false
		for i := 1; i < len(r); i++ {
			d1, d2, d3 := turn(middle, r[i-1], p), turn(r[i-1], r[i], p), turn(r[i], middle, p)
			if d1*d2*d3 == 0 {
				t.Skip("on an edge")
			}
			want = want || d1 == d2 && d2 == d3
		}
		if got := a.Contains(p); got != want {
			t.Fatalf("Contains(%v) = %v; triangles say %v", p, got, want)
		}
	})
}

func TestContainsMovesWithTheArea(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		middle, r := star(t)
		p := near(t, middle, "p")
		// A step that floating point adds exactly enough for points away from the border.
		dLat, dLon := rapid.Float64Range(-5, 5).Draw(t, "moveLat"), rapid.Float64Range(-5, 5).Draw(t, "moveLon")
		moved := make(ring, len(r))
		for i, q := range r {
			moved[i] = Point{q.Lat + dLat, q.Lon + dLon}
			if i > 0 && distanceToEdge(r[i-1], r[i], p) < 1e-9 {
				t.Skip("on an edge")
			}
		}
		here := mustArea(t, ringJSON(r)).Contains(p)
		there := mustArea(t, ringJSON(moved)).Contains(Point{p.Lat + dLat, p.Lon + dLon})
		if here != there {
			t.Fatalf("inside %v before moving, %v after", here, there)
		}
	})
}

func distanceToEdge(a, b, p Point) float64 {
	dx, dy := b.Lon-a.Lon, b.Lat-a.Lat
	f := ((p.Lon-a.Lon)*dx + (p.Lat-a.Lat)*dy) / (dx*dx + dy*dy)
	f = math.Max(0, math.Min(1, f))
	return math.Hypot(a.Lon+f*dx-p.Lon, a.Lat+f*dy-p.Lat)
}

func TestCircleIsTheRadius(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		center := townPoint(t, "center")
		radius := rapid.Float64Range(50, 30_000).Draw(t, "radius")
		a, err := Circle(center, radius)
		if err != nil {
			t.Fatal(err)
		}
		part := rapid.Float64Range(0, 2).Draw(t, "part")
		p := Move(center, rapid.Float64Range(0, 360).Draw(t, "bearing"), radius*part)
		if got := a.Contains(p); math.Abs(part-1) > 0.0015 && got != (part < 1) {
			t.Fatalf("Contains at %v of the radius = %v", part, got)
		}
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		mustArea(t, string(b))
	})
}

func TestCircleRefusesWhatIsNoCircle(t *testing.T) {
	for _, tt := range []struct {
		p Point
		r float64
	}{
		{Point{91, 0}, 10},
		{Point{0, 0}, 0},
		{Point{0, 0}, -1},
		{Point{0, 0}, math.NaN()},
		{Point{0, 0}, math.Inf(1)},
		{Point{0, 179.99}, 5000},
		{Point{89.99, 0}, 5000},
	} {
		if _, err := Circle(tt.p, tt.r); err == nil {
			t.Errorf("Circle(%v, %v) succeeds", tt.p, tt.r)
		}
	}
}

func TestAreaSurvivesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, r := star(t)
		a := mustArea(t, ringJSON(r))
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back Area
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(a, back, cmp.AllowUnexported(Area{}, polygon{})); d != "" {
			t.Fatal(d)
		}
	})
	var zones struct{ A, B Area }
	if err := json.Unmarshal([]byte(`{"A":null,"B":`+holed+`}`), &zones); err != nil || !zones.A.IsEmpty() {
		t.Fatalf("null: %v, %v", zones.A, err)
	}
	if b, _ := json.Marshal(zones); string(b) != `{"A":null,"B":`+holed+`}` {
		t.Errorf("Marshal = %s", b)
	}
	clockwise := `{"type":"Polygon","coordinates":[[[0,0],[0,10],[10,10],[10,0],[0,0]]]}`
	if b, _ := json.Marshal(mustArea(t, clockwise)); string(b) != square {
		t.Errorf("a clockwise ring is written as %s", b)
	}
}

func TestLargestAreaParsesAndOneMoreDoesNot(t *testing.T) {
	r := make(ring, 0, MaxVertices+1)
	for i := range MaxVertices - 1 {
		angle := 2 * math.Pi * float64(i) / (MaxVertices - 1)
		r = append(r, Point{Lat: 50 + 0.1*math.Sin(angle), Lon: 10 + 0.1*math.Cos(angle)})
	}
	a := mustArea(t, ringJSON(append(r, r[0])))
	if b := a.Bounds(); math.Abs(b.MaxLat-50.1) > 1e-6 || !b.Contains(b.Center()) {
		t.Errorf("Bounds = %+v", b)
	}
	if _, err := ParseArea([]byte(ringJSON(append(r, Point{49, 10}, r[0])))); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("%d positions: %v; want too many", MaxVertices+1, err)
	}
}

func FuzzParseArea(f *testing.F) {
	for _, s := range []string{square, holed, `{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]]]}`, `{"type":"Feature","geometry":{}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := ParseArea(data)
		if err != nil {
			var bad *AreaError
			if !errors.As(err, &bad) || bad.Reason == "" {
				t.Fatalf("error %#v; want an AreaError", err)
			}
			return
		}
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseArea(b)
		if err != nil {
			t.Fatalf("does not read what it wrote, %s: %v", b, err)
		}
		if d := cmp.Diff(a, again, cmp.AllowUnexported(Area{}, polygon{})); d != "" {
			t.Fatal(d)
		}
		a.Contains(a.Bounds().Center())
	})
}

func BenchmarkContains(b *testing.B) {
	a, err := Circle(Point{52.52, 13.405}, 3000)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("inside", func(b *testing.B) {
		for b.Loop() {
			a.Contains(Point{52.53, 13.41})
		}
	})
	b.Run("far", func(b *testing.B) {
		for b.Loop() {
			a.Contains(Point{52.73, 13.41})
		}
	})
}

func BenchmarkParseArea(b *testing.B) {
	a, err := Circle(Point{52.52, 13.405}, 3000)
	if err != nil {
		b.Fatal(err)
	}
	data, err := json.Marshal(a)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := ParseArea(data); err != nil {
			b.Fatal(err)
		}
	}
}
