package geo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// AreaError says what is wrong with a GeoJSON area and where. Its message is written for the person who drew it.
type AreaError struct {
	// Path is the place in the document, such as "coordinates[0][3]"; empty when the whole document is meant.
	Path string
	// Reason is what is wrong there and what is expected instead, a sentence without a full stop.
	Reason string
}

// Error returns the path and the reason.
func (e *AreaError) Error() string {
	if e.Path == "" {
		return "area: " + e.Reason
	}
	return "area: " + e.Path + ": " + e.Reason
}

func areaError(path, format string, args ...any) error {
	return &AreaError{Path: path, Reason: fmt.Sprintf(format, args...)}
}

// ParseArea reads a GeoJSON geometry (RFC 7946) of type Polygon or MultiPolygon, or a Feature that holds one. Heights
// and repeated positions are dropped and rings are turned the way the RFC wants. Every error is an *AreaError: not JSON,
// another type, a ring that is not closed or has fewer than four positions, a position out of range, an edge over the
// antimeridian, a ring that touches or crosses itself or another of its polygon, a hole outside its outer ring or inside
// another hole, more than MaxVertices positions. Polygons of a MultiPolygon may touch and overlap.
func ParseArea(data []byte) (Area, error) {
	var doc struct {
		Type        string          `json:"type"`
		Coordinates any             `json:"coordinates"`
		Geometry    json.RawMessage `json:"geometry"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return Area{}, jsonError(err)
	}
	switch doc.Type {
	case "Polygon":
		g, err := (&areaReader{}).polygon("coordinates", doc.Coordinates)
		if err != nil {
			return Area{}, err
		}
		return newArea([]polygon{g}), nil
	case "MultiPolygon":
		return (&areaReader{}).multi("coordinates", doc.Coordinates)
	case "Feature":
		var inner struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(doc.Geometry, &inner); err != nil || inner.Type == "Feature" {
			return Area{}, areaError("geometry", "a Feature needs a geometry of type Polygon or MultiPolygon")
		}
		a, err := ParseArea(doc.Geometry)
		var bad *AreaError
		if errors.As(err, &bad) {
			bad.Path = strings.TrimSuffix("geometry."+bad.Path, ".")
		}
		return a, err
	case "":
		return Area{}, areaError("type", "missing; expected Polygon or MultiPolygon")
	default:
		return Area{}, areaError("type", "%.40q is not supported; expected Polygon or MultiPolygon", doc.Type)
	}
}

func jsonError(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return areaError("", "not JSON at byte %d: %v", syntax.Offset, err)
	}
	return areaError("", "expected a GeoJSON object with type and coordinates")
}

// areaReader counts positions over the whole document.
type areaReader struct{ vertices int }

func (d *areaReader) multi(path string, v any) (Area, error) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return Area{}, areaError(path, "expected a list of at least one polygon")
	}
	polygons := make([]polygon, 0, min(len(list), MaxVertices))
	for i, p := range list {
		g, err := d.polygon(index(path, i), p)
		if err != nil {
			return Area{}, err
		}
		polygons = append(polygons, g)
	}
	return newArea(polygons), nil
}

func (d *areaReader) polygon(path string, v any) (polygon, error) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return polygon{}, areaError(path, "expected a list of rings, the outer one first")
	}
	var g polygon
	for i, v := range list {
		r, err := d.ring(index(path, i), v)
		if err != nil {
			return polygon{}, err
		}
		g.rings = append(g.rings, r)
	}
	if err := checkRings(path, g.rings); err != nil {
		return polygon{}, err
	}
	for i, r := range g.rings {
		if (r.signedArea() < 0) == (i == 0) {
			slices.Reverse(r)
		}
	}
	return g, nil
}

func (d *areaReader) ring(path string, v any) (ring, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, areaError(path, "expected a ring: a list of [longitude, latitude] positions")
	}
	if d.vertices += len(list); d.vertices > MaxVertices {
		return nil, areaError(path, "too many positions: at most %d in the whole area", MaxVertices)
	}
	r := make(ring, 0, len(list))
	for i, v := range list {
		p, err := position(index(path, i), v)
		if err != nil {
			return nil, err
		}
		if i > 0 && p == r[len(r)-1] {
			continue
		}
		if i > 0 && (p.Lon-r[len(r)-1].Lon > 180 || p.Lon-r[len(r)-1].Lon < -180) {
			return nil, areaError(index(path, i), "the edge to this position crosses the antimeridian; split the area there")
		}
		r = append(r, p)
	}
	if len(list) > 0 && r[0] != r[len(r)-1] {
		return nil, areaError(index(path, len(list)-1), "the ring is not closed: its last position must repeat its first")
	}
	if len(r) < 4 {
		return nil, areaError(path, "a ring needs at least four positions, of which three are different; it has %d", len(list))
	}
	return r, nil
}

func position(path string, v any) (Point, error) {
	list, ok := v.([]any)
	if !ok || len(list) < 2 || len(list) > 3 {
		return Point{}, areaError(path, "expected [longitude, latitude]")
	}
	lon, okLon := list[0].(float64)
	lat, okLat := list[1].(float64)
	if !okLon || !okLat {
		return Point{}, areaError(path, "expected two numbers: [longitude, latitude]")
	}
	p := Point{Lat: lat, Lon: lon}
	switch {
	case p.Valid():
		// Adding 0 turns -0 into 0: they are equal but are written differently.
		return Point{Lat: lat + 0, Lon: lon + 0}, nil
	case Point{Lat: lon, Lon: lat}.Valid():
		return Point{}, areaError(path, "latitude %v is out of range -90..90; GeoJSON puts the longitude first", lat)
	default:
		return Point{}, areaError(path, "[%v, %v] is out of range: longitude -180..180, latitude -90..90", lon, lat)
	}
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// MarshalJSON returns a GeoJSON Polygon, a MultiPolygon when there are several, and null for an empty Area.
func (a Area) MarshalJSON() ([]byte, error) {
	if a.IsEmpty() {
		return []byte("null"), nil
	}
	var b []byte
	if len(a.polygons) == 1 {
		b = append(b, `{"type":"Polygon","coordinates":`...)
		b = a.polygons[0].append(b)
	} else {
		b = append(b, `{"type":"MultiPolygon","coordinates":[`...)
		for i := range a.polygons {
			if i > 0 {
				b = append(b, ',')
			}
			b = a.polygons[i].append(b)
		}
		b = append(b, ']')
	}
	return append(b, '}'), nil
}

func (g *polygon) append(b []byte) []byte {
	b = append(b, '[')
	for i, r := range g.rings {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for j, p := range r {
			if j > 0 {
				b = append(b, ',')
			}
			b = append(b, '[')
			b = strconv.AppendFloat(b, p.Lon, 'f', -1, 64)
			b = append(b, ',')
			b = strconv.AppendFloat(b, p.Lat, 'f', -1, 64)
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	return append(b, ']')
}

// UnmarshalJSON reads what ParseArea does, with its errors; null empties the Area.
func (a *Area) UnmarshalJSON(data []byte) error {
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		*a = Area{}
		return nil
	}
	parsed, err := ParseArea(data)
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}
