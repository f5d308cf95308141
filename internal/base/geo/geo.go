// Package geo holds points on the earth, the distances between them and the areas a restaurant delivers to. It does no
// I/O and knows no roads: every distance is as the crow flies.
package geo

import (
	"fmt"
	"math"
)

// EarthRadiusM is the mean radius of the earth in metres (IUGG), which all distances here are computed on.
const EarthRadiusM = 6371008.8

const degToRad = math.Pi / 180

// Point is a place on the earth in degrees (WGS 84). In JSON it is {"lat": 52.5, "lon": 13.4}.
type Point struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// Valid reports whether both coordinates are numbers in range: latitude in [-90, 90], longitude in [-180, 180].
func (p Point) Valid() bool {
	// Written so that NaN, which compares false with everything, is not valid.
	return p.Lat >= -90 && p.Lat <= 90 && p.Lon >= -180 && p.Lon <= 180
}

// IsZero reports whether p is the zero Point, which stands for "no place given" (it lies in the sea off Ghana).
func (p Point) IsZero() bool { return p == Point{} }

// String returns "52.520000,13.405000": latitude, longitude, six decimals (about 0.1 m).
func (p Point) String() string { return fmt.Sprintf("%.6f,%.6f", p.Lat, p.Lon) }

// DistanceM returns the great-circle distance between a and b in metres, by the haversine formula; the sphere makes it
// at most 0.6 % wrong.
func DistanceM(a, b Point) float64 {
	sinLat := math.Sin((b.Lat - a.Lat) * degToRad / 2)
	sinLon := math.Sin((b.Lon - a.Lon) * degToRad / 2)
	h := sinLat*sinLat + math.Cos(a.Lat*degToRad)*math.Cos(b.Lat*degToRad)*sinLon*sinLon
	return 2 * EarthRadiusM * math.Asin(math.Sqrt(math.Min(1, h)))
}

// FastDistanceM returns about what DistanceM does at a third of the cost, by treating the earth as flat around a and b.
// Within 100 km and 75 degrees of latitude it is less than 0.1 % off: use it to rank and filter, not across continents.
func FastDistanceM(a, b Point) float64 {
	dLon := b.Lon - a.Lon
	if dLon > 180 {
		dLon -= 360
	} else if dLon < -180 {
		dLon += 360
	}
	x := dLon * math.Cos((a.Lat+b.Lat)*(degToRad/2))
	y := b.Lat - a.Lat
	return EarthRadiusM * degToRad * math.Sqrt(x*x+y*y)
}

// Bearing returns the direction in which one leaves a for b along the great circle: degrees clockwise from north, in
// [0, 360). It is 0 when a and b are the same.
func Bearing(a, b Point) float64 {
	lat1, lat2 := a.Lat*degToRad, b.Lat*degToRad
	dLon := (b.Lon - a.Lon) * degToRad
	y := math.Sin(dLon) * math.Cos(lat2)
	x := math.Cos(lat1)*math.Sin(lat2) - math.Sin(lat1)*math.Cos(lat2)*math.Cos(dLon)
	deg := math.Mod(math.Atan2(y, x)/degToRad+360, 360)
	return deg
}

// Move returns the point reached by going distM metres from p along the great circle that starts at bearing (degrees
// clockwise from north). Its longitude is in [-180, 180].
func Move(p Point, bearing, distM float64) Point {
	d := distM / EarthRadiusM
	lat, lon, b := p.Lat*degToRad, p.Lon*degToRad, bearing*degToRad
	sinLat := math.Sin(lat)*math.Cos(d) + math.Cos(lat)*math.Sin(d)*math.Cos(b)
	sinLat = math.Max(-1, math.Min(1, sinLat))
	dLon := math.Atan2(math.Sin(b)*math.Sin(d)*math.Cos(lat), math.Cos(d)-math.Sin(lat)*sinLat)
	return Point{
		Lat: math.Asin(sinLat) / degToRad,
		Lon: math.Remainder((lon+dLon)/degToRad, 360),
	}
}

// Bounds is a rectangle of degrees that does not cross the antimeridian; its borders belong to it.
type Bounds struct {
	MinLat float64 `json:"min_lat"`
	MinLon float64 `json:"min_lon"`
	MaxLat float64 `json:"max_lat"`
	MaxLon float64 `json:"max_lon"`
}

// Around returns the smallest Bounds that holds every point within radiusM metres of p: what a query filters by before
// it measures. Where the circle reaches a pole or the antimeridian it spans all longitudes.
func Around(p Point, radiusM float64) Bounds {
	dLat := radiusM / EarthRadiusM / degToRad
	b := Bounds{MinLat: p.Lat - dLat, MaxLat: p.Lat + dLat, MinLon: -180, MaxLon: 180}
	if b.MinLat <= -90 || b.MaxLat >= 90 {
		b.MinLat, b.MaxLat = math.Max(b.MinLat, -90), math.Min(b.MaxLat, 90)
		return b
	}
	// The circle is widest not at p's latitude but a little towards the pole.
	dLon := math.Asin(math.Min(1, math.Sin(radiusM/EarthRadiusM)/math.Cos(p.Lat*degToRad))) / degToRad
	if p.Lon-dLon >= -180 && p.Lon+dLon <= 180 {
		b.MinLon, b.MaxLon = p.Lon-dLon, p.Lon+dLon
	}
	return b
}

// Contains reports whether p lies in b or on its border.
func (b Bounds) Contains(p Point) bool {
	return p.Lat >= b.MinLat && p.Lat <= b.MaxLat && p.Lon >= b.MinLon && p.Lon <= b.MaxLon
}

// Center returns the middle of b in degrees.
func (b Bounds) Center() Point {
	return Point{Lat: (b.MinLat + b.MaxLat) / 2, Lon: (b.MinLon + b.MaxLon) / 2}
}

// Union returns the smallest Bounds that holds both b and c.
func (b Bounds) Union(c Bounds) Bounds {
	return Bounds{
		MinLat: math.Min(b.MinLat, c.MinLat), MinLon: math.Min(b.MinLon, c.MinLon),
		MaxLat: math.Max(b.MaxLat, c.MaxLat), MaxLon: math.Max(b.MaxLon, c.MaxLon),
	}
}
