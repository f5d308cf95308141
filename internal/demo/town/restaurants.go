package town

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/stoa-town/stoa/internal/demo/town/draw"
)

// corners are where the data file's words for a neighbourhood lead to.
var corners = map[string]struct {
	at     xy
	spread float64
}{
	"core": {xy{0, 0}, 215}, "inner": {xy{0, 60}, 560}, "outer": {xy{0, 0}, 1000}, "south": {xy{60, -640}, 330},
	"station": {xy{-30, 650}, 130}, "campus": {xy{-740, 400}, 250}, "harbour": {xy{900, -230}, 220},
}

// settle opens the restaurants of the data file along the streets.
func (t *Town) settle(r *rand.Rand, people *registry) {
	book := readCookbook()
	var taken []xy
	for _, f := range rows("restaurants") {
		flags := strings.Fields(f[7])
		has := func(flag string) bool { return slices.Contains(flags, flag) }
		level := number(f[4])
		re := Restaurant{
			Name: f[0], Slug: slug(f[0]), Blurb: f[8], PriceLevel: level, Hours: f[5], Pickup: true, Delivery: true, AutoAccept: has("auto"),
		}
		for _, c := range strings.Split(f[2], ",") {
			re.Cuisines = append(re.Cuisines, strings.TrimSpace(c))
		}
		re.Address = t.shopfront(r, f[3], taken)
		taken = append(taken, plane(re.Address.Point))
		re.Phone = phone(r)
		re.Prep = prepRules(r, has("fast"))
		re.MinOrder = [4]int64{0, 800, 1200, 1800}[level] + 100*int64(r.IntN(4))
		if f[1] == "bakery" || f[1] == "icecream" {
			re.MinOrder = 700
		}
		re.Zones = zones(r, f[3], plane(re.Address.Point))
		if has("cap") {
			re.CapOrders, re.CapMinutes = 6+r.IntN(5), 15
		}
		re.Menu = book.menu(r, f[1], strings.Fields(f[6]), level, has("halal"), re.Slug)
		re.Owner = people.person(r, "de")
		re.Owner.Home = re.Address
		re.Cover = Drawing{Seed: re.Slug, Kind: "front-" + f[1], Palette: []string{draw.Awnings[r.IntN(len(draw.Awnings))]}}
		t.Restaurants = append(t.Restaurants, re)
	}
}

// shopfront finds a door in a neighbourhood, not next to another restaurant, on a livelier street where there is one.
func (t *Town) shopfront(r *rand.Rand, where string, taken []xy) Place {
	corner := corners[where]
	best, bestScore := Place{}, math.Inf(-1)
	for range 40 {
		at := corner.at.add(polar(corner.spread*math.Sqrt(r.Float64()), 2*math.Pi*r.Float64()))
		if where == "outer" {
			at = polar(680+r.Float64()*330, 2*math.Pi*r.Float64())
		}
		p, ok := t.doorNear(at)
		if !ok {
			continue
		}
		score := r.Float64()
		if t.Streets[t.index.byName[p.Street]].Class == "main" {
			score += 0.5
		}
		for _, o := range taken {
			if d := o.dist(plane(p.Point)); d < 60 {
				score -= 3 - d/30
			}
		}
		if score > bestScore {
			best, bestScore = p, score
		}
	}
	return best
}

// doorNear is the address nearest to a point; not ok when it would stand in the river or on the rails.
func (t *Town) doorNear(at xy) (Place, bool) {
	street, n, _ := t.Nearest(at.latLon())
	p := t.address(t.index.byName[street], n)
	q := plane(p.Point)
	return p, !t.plan.inStrip(q) && t.plan.outline.contains(q) && !t.plan.square.contains(q)
}

func prepRules(r *rand.Rand, fast bool) []PrepRule {
	base := 12 + r.IntN(6)
	if fast {
		base = 6 + r.IntN(4)
	}
	return []PrepRule{{2000, base}, {5000, base + 5}, {0, base + 12}}
}

// zones are the delivery areas: tiers by distance, and south of the river a drawn polygon instead of the widest circle.
func zones(r *rand.Rand, where string, at xy) []Zone {
	step := 10 * int64(r.IntN(3))
	near := Zone{Name: "Near by", RadiusM: 900 + 100*float64(r.IntN(4)), Fee: 190 - step, MinOrder: 0}
	wide := Zone{Name: "Town", RadiusM: 2000 + 100*float64(r.IntN(6)), Fee: 290 + step, MinOrder: 1500}
	out := []Zone{near, wide}
	switch {
	case where == "south":
		var g []LatLon
		n := 14
		for i := range n + 1 {
			a := 2 * math.Pi * float64(i%n) / float64(n)
			g = append(g, at.add(xy{1500 * math.Cos(a), 1150 * math.Sin(a)}).latLon())
		}
		out[1] = Zone{Name: "Both banks", Polygon: g, Fee: 290, MinOrder: 1500}
	case r.Float64() < 0.45:
		out = append(out, Zone{Name: "Out of town", RadiusM: 3500, Fee: 390 + step, MinOrder: 2500})
	}
	return out
}

func phone(r *rand.Rand) string {
	// 0049 1 … is not given to anybody: nobody is rung by a demo.
	return fmt.Sprintf("+49 1000 %06d", r.IntN(1000000))
}
