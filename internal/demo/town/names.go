package town

import (
	"math/rand/v2"
	"strings"
)

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
