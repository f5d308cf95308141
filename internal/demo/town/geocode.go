package town

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode"
)

// Houses stand every numberM metres, odd numbers on the left and even ones on the right, doorM from the middle of the street.
const (
	numberM = 13.0
	doorM   = 9.0
)

// gazetteer answers where a name is.
type gazetteer struct {
	entries []entry
	byName  map[string]int // index of the street with this exact name
	lines   [][]xy
}

type entry struct {
	words  []string
	whole  string
	place  Place
	street int // -1 for landmarks
}

var folding = strings.NewReplacer("ä", "a", "ö", "o", "ü", "u", "ß", "ss", "é", "e", "è", "e", "ê", "e", "à", "a", "â", "a",
	"á", "a", "ó", "o", "ú", "u", "í", "i", "ñ", "n", "ç", "c", "ş", "s", "ğ", "g", "ı", "i", "ł", "l", "ė", "e", "š", "s", "ć", "c",
	"ē", "e", "ō", "o", "ã", "a", "å", "a", "ø", "o", "ý", "y", "ě", "e", "ř", "r", "č", "c", "ž", "z", "ń", "n", "ż", "z", "ț", "t", "ă", "a", "ô", "o", "ï", "i", "ë", "e", "œ", "oe",
	"ae", "a", "oe", "o", "ue", "u")

// fold makes spellings comparable: case, accents and "ue" for "ü" do not matter.
func fold(s string) string {
	return folding.Replace(strings.ToLower(s))
}

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}

func newGazetteer(streets []Street, lines [][]xy, landmarks []Place) *gazetteer {
	g := &gazetteer{byName: map[string]int{}, lines: lines}
	for i, s := range streets {
		if _, ok := g.byName[s.Name]; ok {
			continue
		}
		g.byName[s.Name] = i
		f := fold(s.Name)
		mid, _ := along(lines[i], s.LengthM/2)
		g.entries = append(g.entries, entry{words(f), f, Place{Label: s.Name, Kind: "street", Street: s.Name, Point: mid.latLon()}, i})
	}
	for _, l := range landmarks {
		f := fold(l.Label)
		g.entries = append(g.entries, entry{words(f), f, l, -1})
	}
	return g
}

// Geocode returns up to limit places whose name starts with the query, or has words that start with its words, best first.
// A house number may follow the street: "linden 4", "Lindenallee 4". Case and accents do not matter.
func (t *Town) Geocode(query string, limit int) []Place {
	asked := words(fold(query))
	number := 0
	if n := len(asked); n > 1 {
		digits := strings.TrimRightFunc(asked[n-1], unicode.IsLetter)
		if v, err := strconv.Atoi(digits); err == nil && v > 0 && v < 100000 {
			number, asked = v, asked[:n-1]
		}
	}
	if len(asked) == 0 || limit <= 0 {
		return nil
	}
	type match struct {
		score int
		entry *entry
	}
	var found []match
	whole := strings.Join(asked, " ")
	for i := range t.index.entries {
		e := &t.index.entries[i]
		score := e.score(asked, whole)
		if score == 0 || number > 0 && e.street < 0 {
			continue
		}
		if number > 0 && number > t.Streets[e.street].Numbers {
			score -= 50
		}
		if e.street >= 0 && t.Streets[e.street].Class == "main" {
			score += 8 // who types half a name means the street that everybody knows
		}
		found = append(found, match{score, e})
	}
	sort.SliceStable(found, func(i, j int) bool {
		if found[i].score != found[j].score {
			return found[i].score > found[j].score
		}
		return found[i].entry.place.Label < found[j].entry.place.Label
	})
	var out []Place
	for _, m := range found[:min(limit, len(found))] {
		p := m.entry.place
		if number > 0 {
			p = t.address(m.entry.street, number)
		}
		out = append(out, p)
	}
	return out
}

// score is 0 for no match; main words at the start count most, and short names before long ones.
func (e *entry) score(asked []string, whole string) int {
	switch {
	case e.whole == whole:
		return 200
	case strings.HasPrefix(e.whole, whole):
		return 160 - min(50, len(e.whole)-len(whole))
	}
	for _, w := range asked {
		ok := false
		for _, own := range e.words {
			if strings.HasPrefix(own, w) {
				ok = true
				break
			}
		}
		if !ok {
			return 0
		}
	}
	return 100 - min(50, len(e.whole)-len(whole))
}

// address is a numbered door; a number past the end of the street is moved to the last one.
func (t *Town) address(street, number int) Place {
	s := t.Streets[street]
	number = max(1, min(number, s.Numbers))
	at, dir := along(t.index.lines[street], (float64((number-1)/2)+0.5)*numberM)
	side := dir.left().mul(doorM)
	if number%2 == 0 {
		side = side.mul(-1)
	}
	return Place{Label: fmt.Sprintf("%s %d", s.Name, number), Kind: "address", Street: s.Name, Number: number, Point: at.add(side).latLon()}
}

// Nearest returns the street closest to a point, the house number there and the point on the middle of that street. Footpaths
// have no doors and do not count.
func (t *Town) Nearest(point LatLon) (street string, houseNumber int, on LatLon) {
	p := plane(point)
	near := t.graph.nearest(p, func(i int32) bool { return t.Streets[i].Kind == "street" })
	seg := t.graph.segs[near.seg]
	s := t.Streets[seg.street]
	a, b := t.graph.at[seg.a], t.graph.at[seg.b]
	reach := seg.s + near.f*a.dist(b)
	houseNumber = 2*int(math.Floor(reach/numberM)) + 1
	if b.sub(a).cross(p.sub(a)) < 0 {
		houseNumber++
	}
	last := s.Numbers
	if houseNumber > last {
		houseNumber = last - (last-houseNumber)&1
	}
	return s.Name, max(1, houseNumber), near.at.latLon()
}

// Reverse returns the address at a point. Its Point is the point itself.
func (t *Town) Reverse(point LatLon) Place {
	street, number, _ := t.Nearest(point)
	return Place{Label: fmt.Sprintf("%s %d", street, number), Kind: "address", Street: street, Number: number, Point: point}
}
