package geo

import (
	"encoding/json"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// townPoint draws a place where people order dinner: not at a pole, not at the antimeridian.
func townPoint(t *rapid.T, label string) Point {
	return Point{
		Lat: rapid.Float64Range(-65, 70).Draw(t, label+".lat"),
		Lon: rapid.Float64Range(-170, 170).Draw(t, label+".lon"),
	}
}

func near(t *rapid.T, p Point, label string) Point {
	return Point{
		Lat: p.Lat + rapid.Float64Range(-0.2, 0.2).Draw(t, label+".dlat"),
		Lon: p.Lon + rapid.Float64Range(-0.2, 0.2).Draw(t, label+".dlon"),
	}
}

func TestValidRefusesOutOfRangeAndNaN(t *testing.T) {
	for p, want := range map[Point]bool{
		{52.52, 13.405}:  true,
		{-90, 180}:       true,
		{90.001, 0}:      false,
		{0, -180.001}:    false,
		{math.Inf(1), 0}: false,
	} {
		if got := p.Valid(); got != want {
			t.Errorf("%v.Valid() = %v; want %v", p, got, want)
		}
	}
	if (Point{Lat: math.NaN()}).Valid() || (Point{Lon: math.NaN()}).Valid() {
		t.Error("NaN is valid; want not")
	}
}

func TestDistanceOfKnownCities(t *testing.T) {
	berlin, munich := Point{52.5200, 13.4050}, Point{48.1372, 11.5756}
	if d := DistanceM(berlin, munich); math.Abs(d-504_200) > 1000 {
		t.Errorf("Berlin to Munich = %.0f m; want 504 km", d)
	}
	fiji, samoa := Point{-17.8, 179.9}, Point{-17.8, -179.9}
	if d, f := DistanceM(fiji, samoa), FastDistanceM(fiji, samoa); d > 22_000 || math.Abs(d-f) > 1 {
		t.Errorf("over the antimeridian = %.0f m, fast %.0f m; want 21 km", d, f)
	}
}

func TestDistanceIsAMetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := townPoint(t, "a"), townPoint(t, "b"), townPoint(t, "c")
		ab := DistanceM(a, b)
		if ab != DistanceM(b, a) || DistanceM(a, a) != 0 {
			t.Fatalf("not symmetric or not zero at home: %v %v", a, b)
		}
		if ab > DistanceM(a, c)+DistanceM(c, b)+1e-3 {
			t.Fatalf("the way over %v is shorter than %v to %v", c, a, b)
		}
	})
}

func TestFastDistanceIsCloseInTown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := townPoint(t, "a")
		b := near(t, a, "b")
		if d, f := DistanceM(a, b), FastDistanceM(a, b); math.Abs(d-f) > d*0.001+0.001 {
			t.Fatalf("FastDistanceM(%v, %v) = %v; DistanceM %v", a, b, f, d)
		}
	})
}

func TestMoveArrivesAtDistanceAndBearing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := townPoint(t, "a")
		bearing := rapid.Float64Range(0, 359.99).Draw(t, "bearing")
		dist := rapid.Float64Range(1, 50_000).Draw(t, "dist")
		b := Move(a, bearing, dist)
		if d := DistanceM(a, b); math.Abs(d-dist) > 0.01 {
			t.Fatalf("moved %v m; want %v", d, dist)
		}
		if off := math.Remainder(Bearing(a, b)-bearing, 360); math.Abs(off)*dist > 1 {
			t.Fatalf("bearing %v; want %v", Bearing(a, b), bearing)
		}
	})
}

func TestAroundHoldsTheCircle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Point{Lat: rapid.Float64Range(-90, 90).Draw(t, "lat"), Lon: rapid.Float64Range(-180, 180).Draw(t, "lon")}
		radius := rapid.Float64Range(1, 300_000).Draw(t, "radius")
		q := Move(p, rapid.Float64Range(0, 360).Draw(t, "bearing"), radius*rapid.Float64Range(0, 0.999999).Draw(t, "part"))
		if b := Around(p, radius); !b.Contains(q) {
			t.Fatalf("Around(%v, %v) = %+v does not hold %v", p, radius, b, q)
		}
	})
}

func TestPointJSONHasLatAndLon(t *testing.T) {
	b, err := json.Marshal(Point{Lat: 52.5, Lon: 13.25})
	if err != nil || string(b) != `{"lat":52.5,"lon":13.25}` {
		t.Errorf("Marshal = %s, %v", b, err)
	}
}

func BenchmarkDistance(b *testing.B) {
	p, q := Point{52.52, 13.405}, Point{52.50, 13.45}
	b.Run("haversine", func(b *testing.B) {
		for b.Loop() {
			DistanceM(p, q)
		}
	})
	b.Run("fast", func(b *testing.B) {
		for b.Loop() {
			FastDistanceM(p, q)
		}
	})
}
