package town

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// names per language of the town's people; the first of the pair goes with any second one.
var firstNames = map[string]string{
	"de": `Anna Lukas Clara Jonas Greta Felix Ida Moritz Paula Emil Frieda Oskar Hanna Till Lotte Anton Marlene Jakob Käthe Bruno Elisa Theo Ronja Matthis
		Ingrid Helmut Renate Dieter Sabine Uwe Birgit Jürgen Svenja Torben Antje Sönke`,
	"tr": `Elif Mehmet Zeynep Emre Ayşe Deniz Defne Can Yasemin Kerem Selin Murat`,
	"ar": `Layla Omar Noor Karim Rima Yousef Salma Tarek Hala Samir`,
	"pl": `Zofia Piotr Magda Tomasz Kasia Marek Agnieszka Jan`,
	"es": `Lucía Mateo Carmen Diego Inés Pablo Marta Javier`,
	"fr": `Camille Hugo Manon Louis Chloé Étienne Amélie Paul`,
	"it": `Giulia Marco Chiara Lorenzo Sofia Matteo`,
	"vi": `Linh Minh Thu Nam Mai Duc`,
	"en": `Grace Oliver Ruby Samuel Ada Finn Maya Leo`,
	"uk": `Oksana Andriy Daria Bohdan Kateryna Taras`,
	"pt": `Beatriz Tiago Joana Rui`,
	"am": `Hanna Dawit Selam Yonas`,
}

var lastNames = map[string]string{
	"de": `Albers Brandner Dorn Eichler Fährmann Gerstner Hollweg Imhof Jansen Kessler Lindner Mohr Nesselrath Osterkamp Petersen Quandt Rosenow Sommer
		Thalmann Uhlig Vossberg Wiesinger Zacharias Birkner Hainbuch Kornfeld Morgenroth Sandmann Tannert Winterfeld Ackermann Blum`,
	"tr": `Yıldız Demirtaş Aksoy Karaca Öztürk Şimşek Güneş Polat`,
	"ar": `Haddad Nasser Khoury Mansour Saleh Farouk`,
	"pl": `Wiśniewska Nowicki Zielińska Kamiński Lis Wrona`,
	"es": `Navarro Ibáñez Quintana Robles Vega Molina`,
	"fr": `Lefèvre Moreau Girard Delattre Fontaine Perrin`,
	"it": `Bellini Ferraro Conti Marchetti Greco`,
	"vi": `Nguyen Tran Pham Le`,
	"en": `Whitfield Okafor Hughes Adeyemi Clarke Mensah`,
	"uk": `Kovalenko Shevchuk Bondar Melnyk`,
	"pt": `Almeida Carvalho Teixeira`,
	"am": `Tesfaye Bekele Abebe`,
}

var languages = []string{"de", "de", "de", "de", "de", "de", "de", "de", "tr", "tr", "ar", "ar", "pl", "es", "fr", "it", "vi", "en", "en", "uk", "pt", "am"}

// registry gives people names and handles, each once.
type registry struct{ handles, names map[string]bool }

func newRegistry() *registry { return &registry{map[string]bool{}, map[string]bool{}} }

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// person invents a person who speaks a language, or any of the town's when it is empty.
func (g *registry) person(r *rand.Rand, language string) Person {
	for {
		first, last := language, language
		if language == "" {
			first = pick(r, languages)
			last = first
			if r.Float64() < 0.12 { // families mix
				last = pick(r, languages)
			}
		}
		p := Person{Language: first}
		given := pick(r, strings.Fields(firstNames[first]))
		p.Name = given + " " + pick(r, strings.Fields(lastNames[last]))
		if g.names[p.Name] {
			continue
		}
		g.names[p.Name] = true
		base := strings.ReplaceAll(slug(given), "-", "")
		p.Handle = base
		for _, c := range strings.ReplaceAll(slug(strings.Fields(p.Name)[1]), "-", "") {
			if !g.handles[p.Handle] {
				break
			}
			p.Handle += string(c)
		}
		for n := 2; g.handles[p.Handle]; n++ {
			p.Handle = fmt.Sprintf("%s%d", base, n)
		}
		g.handles[p.Handle] = true
		p.Phone = phone(r)
		return p
	}
}

// populate moves people in: neighbours, couriers and those who keep the house.
func (t *Town) populate(r *rand.Rand, people *registry) {
	doors := t.doors()
	for range 300 {
		p := people.person(r, "")
		p.Home = t.home(r, doors)
		p.Note = doorbell(r, p.Name)
		p.Taste = t.taste(r, p.Language)
		t.Neighbours = append(t.Neighbours, p)
	}
	shifts := []string{
		"Mo-Fr 11:00-15:00", "Mo-Fr 17:00-22:30", "Mo-Su 11:00-14:30,17:30-21:30", "Fr-Su 16:00-24:00", "Tu-Sa 17:00-23:00",
		"Sa-Su 10:00-22:00", "Mo-We 10:00-18:00", "Th-Su 15:00-24:00", "Mo-Su 18:00-22:00", "Mo-Fr 07:00-14:00", "Mo-Su 10:30-20:30",
	}
	for i := range 25 {
		c := Courier{Person: people.person(r, ""), Accepts: 0.82 + 0.17*r.Float64(), Shift: shifts[i%len(shifts)]}
		c.Home = t.home(r, doors)
		switch {
		case i%12 == 11:
			c.Vehicle, c.SpeedMS = "on_foot", 1.5+0.2*r.Float64()
		case i%6 == 4:
			c.Vehicle, c.SpeedMS = "cargo_bike", 4.0+0.6*r.Float64()
		case i%3 == 1:
			c.Vehicle, c.SpeedMS = "e_bike", 5.4+0.8*r.Float64()
		default:
			c.Vehicle, c.SpeedMS = "bike", 4.4+1.0*r.Float64()
		}
		t.Couriers = append(t.Couriers, c)
	}
	for range 2 {
		t.Dispatchers = append(t.Dispatchers, people.person(r, "de"))
	}
	t.Admin = people.person(r, "de")
}

// doors are the places to live: one entry for each house number, by street.
func (t *Town) doors() [][2]int {
	var out [][2]int
	for i, s := range t.Streets {
		if s.Kind != "street" {
			continue
		}
		for n := 1; n <= s.Numbers; n++ {
			out = append(out, [2]int{i, n})
		}
	}
	return out
}

func (t *Town) home(r *rand.Rand, doors [][2]int) Place {
	for {
		d := doors[r.IntN(len(doors))]
		p := t.address(d[0], d[1])
		q := plane(p.Point)
		// A door that is nearer to another street would be looked up there.
		if street, _, _ := t.Nearest(p.Point); street == p.Street && !t.plan.inStrip(q) && t.plan.outline.contains(q) && !t.plan.square.contains(q) {
			return p
		}
	}
}

func doorbell(r *rand.Rand, name string) string {
	last := strings.Fields(name)[1]
	floor := pick(r, []string{"Ground floor", "1st floor", "2nd floor", "3rd floor", "4th floor, no lift", "Back house, 1st floor", "Back house, 2nd floor"})
	switch r.IntN(6) {
	case 0:
		return floor + ", bell " + last + ". Please mind the cat."
	case 1:
		return floor + ", bell " + last + ". The gate sticks, push hard."
	case 2:
		return "House with the " + pick(r, []string{"green", "blue", "red", "yellow"}) + " door, bell " + last + "."
	default:
		return floor + ", bell " + last + "."
	}
}

// taste gives everybody a few cuisines that they love and some that they avoid.
func (t *Town) taste(r *rand.Rand, language string) Taste {
	ta := Taste{
		Budget: 900 + 50*int64(r.IntN(34)), Appetite: 1 + math.Floor(r.ExpFloat64()*1.1*2)/2, PerWeek: 0.6 + 2.4*r.Float64(),
		Adventurous: r.Float64(), Pickup: 0.25 * r.Float64() * r.Float64() * 2,
	}
	ta.Appetite = min(4, ta.Appetite)
	switch f := r.Float64(); {
	case f < 0.08:
		ta.Diet = "vegan"
	case f < 0.22:
		ta.Diet = "vegetarian"
	case f < 0.29 || (language == "tr" || language == "ar") && f < 0.6:
		ta.Diet = "halal"
	case f > 0.97:
		ta.Diet = "gluten_free"
	case f > 0.94:
		ta.Diet = "lactose_free"
	}
	ta.Tip = []int{0, 0, 5, 5, 10, 10, 10, 15, 20}[r.IntN(9)]
	home := map[string]string{"tr": "turkish", "ar": "lebanese", "es": "spanish", "fr": "french", "it": "italian", "vi": "vietnamese", "de": "german", "am": "ethiopian"}[language]
	for _, c := range t.Cuisines() {
		w := math.Round(100*math.Exp(1.0*r.NormFloat64())) / 100
		if c == home {
			w *= 2.5
		}
		if r.Float64() < 0.08 {
			w = 0
		}
		ta.Cuisines = append(ta.Cuisines, Liking{c, min(8, w)})
	}
	lunch, dinner := 12+r.NormFloat64()*0.7, 19+r.NormFloat64()*1.0
	early := 0.0
	if r.Float64() < 0.2 {
		early = 0.6
	}
	for h := range ta.Hours {
		at := float64(h) + 0.5
		bump := func(mid, width float64) float64 { return math.Exp(-(at - mid) * (at - mid) / (2 * width * width)) }
		ta.Hours[h] = math.Round(1000*(0.8*bump(lunch+0.5, 0.9)+bump(dinner+0.4, 1.2)+early*bump(9, 1)+0.12*bump(15.5, 1.2)+0.1*bump(22.5, 1.3))) / 1000
	}
	return ta
}

// Cuisines lists the cuisines of the town's restaurants, sorted.
func (t *Town) Cuisines() []string {
	var out []string
	for _, re := range t.Restaurants {
		for _, c := range re.Cuisines {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	slices.Sort(out)
	return out
}
