package town

import (
	"container/heap"
	"math"
	"sort"
	"sync"
)

// graph is the street network: every bend and junction is a node.
type graph struct {
	at    []xy
	first []int32 // edges of node n are edges[first[n]:first[n+1]]
	edges []edge
	segs  []segment
	grid  map[[2]int32][]int32 // segments by cell
	pool  sync.Pool
}

type edge struct {
	to    int32
	m     float32 // metres
	speed float32 // how much longer a metre feels than on a main street
}

// segment is one straight piece of a street between two nodes; s is where it starts along the street, in metres.
type segment struct {
	a, b   int32
	street int32
	s      float64
}

const cellM = 60

func cellOf(p xy) [2]int32 {
	return [2]int32{int32(math.Floor(p.x / cellM)), int32(math.Floor(p.y / cellM))}
}

// slowness of the classes: couriers take the main street when it is not much longer.
func slowness(kind, class string) float32 {
	switch {
	case kind == "path":
		return 1.35
	case class == "main":
		return 1
	}
	return 1.08
}

// joiner finds the node at a point, or makes one.
type joiner struct {
	at   []xy
	cell map[[2]int32][]int32
}

func (j *joiner) node(p xy) int32 {
	const near = 0.3
	c := [2]int32{int32(math.Floor(p.x)), int32(math.Floor(p.y))}
	for dx := int32(-1); dx <= 1; dx++ {
		for dy := int32(-1); dy <= 1; dy++ {
			for _, n := range j.cell[[2]int32{c[0] + dx, c[1] + dy}] {
				if j.at[n].dist(p) < near {
					return n
				}
			}
		}
	}
	n := int32(len(j.at))
	j.at = append(j.at, p)
	j.cell[c] = append(j.cell[c], n)
	return n
}

// newGraph breaks the roads where they meet and keeps what hangs together with the market square. Roads that do not are
// dropped from the result.
func newGraph(roads []road) (*graph, []road) {
	type piece struct {
		a, b xy
		road int
	}
	var pieces []piece
	cells := map[[2]int32][]int{}
	for i, r := range roads {
		for k := 0; k+1 < len(r.line); k++ {
			a, b := r.line[k], r.line[k+1]
			lo, hi := cellOf(xy{min(a.x, b.x) - 1, min(a.y, b.y) - 1}), cellOf(xy{max(a.x, b.x) + 1, max(a.y, b.y) + 1})
			for x := lo[0]; x <= hi[0]; x++ {
				for y := lo[1]; y <= hi[1]; y++ {
					cells[[2]int32{x, y}] = append(cells[[2]int32{x, y}], len(pieces))
				}
			}
			pieces = append(pieces, piece{a, b, i})
		}
	}
	j := &joiner{cell: map[[2]int32][]int32{}}
	var segs []segment
	seen := map[int]bool{}
	reach, from := 0.0, -1
	for i, p := range pieces {
		if p.road != from {
			reach, from = 0, p.road
		}
		clear(seen)
		stops := []float64{0, 1}
		lo, hi := cellOf(xy{min(p.a.x, p.b.x), min(p.a.y, p.b.y)}), cellOf(xy{max(p.a.x, p.b.x), max(p.a.y, p.b.y)})
		for x := lo[0]; x <= hi[0]; x++ {
			for y := lo[1]; y <= hi[1]; y++ {
				for _, k := range cells[[2]int32{x, y}] {
					if k == i || seen[k] {
						continue
					}
					seen[k] = true
					stops = append(stops, touching(p.a, p.b, pieces[k].a, pieces[k].b)...)
				}
			}
		}
		sortFloats(stops)
		l := p.a.dist(p.b)
		last, lastS := j.node(p.a), 0.0
		for _, s := range stops[1:] {
			n := j.node(lerp(p.a, p.b, s))
			if n == last {
				continue
			}
			segs = append(segs, segment{last, n, int32(p.road), reach + lastS*l})
			last, lastS = n, s
		}
		reach += l
	}
	return assemble(j.at, segs, roads)
}

// touching returns where along ab the segment cd crosses or touches it.
func touching(a, b, c, d xy) []float64 {
	var out []float64
	if s, _, ok := crossing(a, b, c, d); ok {
		out = append(out, s)
	}
	for _, p := range [...]xy{c, d} {
		if q, f := closest(p, a, b); q.dist(p) < 0.1 {
			out = append(out, f)
		}
	}
	return out
}

// assemble keeps the largest connected part of the network and builds its adjacency and its grid.
func assemble(at []xy, segs []segment, roads []road) (*graph, []road) {
	parent := make([]int32, len(at))
	for i := range parent {
		parent[i] = int32(i)
	}
	find := func(n int32) int32 {
		for parent[n] != n {
			parent[n] = parent[parent[n]]
			n = parent[n]
		}
		return n
	}
	for _, s := range segs {
		parent[find(s.a)] = find(s.b)
	}
	size := make([]int, len(at))
	best := int32(0)
	for i := range at {
		root := find(int32(i))
		if size[root]++; size[root] > size[best] {
			best = root
		}
	}
	keep := make([]bool, len(roads))
	for _, s := range segs {
		keep[s.street] = keep[s.street] || find(s.a) == best
	}
	renumber := make([]int32, len(roads))
	var kept []road
	for i, r := range roads {
		if keep[i] {
			renumber[i] = int32(len(kept))
			kept = append(kept, r)
		}
	}
	g := &graph{at: at, grid: map[[2]int32][]int32{}}
	for _, s := range segs {
		if keep[s.street] {
			s.street = renumber[s.street]
			g.segs = append(g.segs, s)
		}
	}
	g.link(kept)
	g.pool.New = func() any { return newSearch(len(g.at)) }
	return g, kept
}

func (g *graph) link(roads []road) {
	type directed struct {
		from int32
		e    edge
	}
	var all []directed
	for i, s := range g.segs {
		m := float32(g.at[s.a].dist(g.at[s.b]))
		slow := slowness(roads[s.street].kind, roads[s.street].class)
		all = append(all, directed{s.a, edge{s.b, m, slow}}, directed{s.b, edge{s.a, m, slow}})
		a, b := g.at[s.a], g.at[s.b]
		lo, hi := cellOf(xy{min(a.x, b.x), min(a.y, b.y)}), cellOf(xy{max(a.x, b.x), max(a.y, b.y)})
		for x := lo[0]; x <= hi[0]; x++ {
			for y := lo[1]; y <= hi[1]; y++ {
				g.grid[[2]int32{x, y}] = append(g.grid[[2]int32{x, y}], int32(i))
			}
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].from < all[j].from })
	g.first = make([]int32, len(g.at)+1)
	for _, d := range all {
		g.edges = append(g.edges, d.e)
		g.first[d.from+1]++
	}
	for n := range g.at {
		g.first[n+1] += g.first[n]
	}
}

// snapped is a point on a street.
type snapped struct {
	seg  int32
	at   xy
	f    float64 // from the segment's a to its b
	dist float64 // from where it was asked
}

// nearest finds the street point closest to p. Paths count only when wanted.
func (g *graph) nearest(p xy, allowed func(street int32) bool) snapped {
	best := snapped{seg: -1, dist: math.Inf(1)}
	c := cellOf(p)
	for reach := int32(0); reach < 200; reach++ {
		if float64(reach-1)*cellM > best.dist {
			break
		}
		for x := c[0] - reach; x <= c[0]+reach; x++ {
			step := int32(1)
			if x != c[0]-reach && x != c[0]+reach {
				step = max(1, 2*reach)
			}
			for y := c[1] - reach; y <= c[1]+reach; y += step {
				for _, i := range g.grid[[2]int32{x, y}] {
					s := g.segs[i]
					if allowed != nil && !allowed(s.street) {
						continue
					}
					if q, f := closest(p, g.at[s.a], g.at[s.b]); q.dist(p) < best.dist {
						best = snapped{i, q, f, q.dist(p)}
					}
				}
			}
		}
	}
	return best
}

// search is the scratch memory of one route.
type search struct {
	cost  []float32
	prev  []int32
	round []uint32
	now   uint32
	queue frontier
}

func newSearch(n int) *search {
	return &search{cost: make([]float32, n), prev: make([]int32, n), round: make([]uint32, n)}
}

func (s *search) reset() {
	s.now++
	s.queue = s.queue[:0]
}

func (s *search) offer(n, from int32, cost, guess float32) {
	if s.round[n] == s.now && s.cost[n] <= cost {
		return
	}
	s.round[n], s.cost[n], s.prev[n] = s.now, cost, from
	heap.Push(&s.queue, waiting{n, cost, cost + guess})
}

type waiting struct {
	node        int32
	cost, total float32
}

type frontier []waiting

func (f frontier) Len() int           { return len(f) }
func (f frontier) Less(i, j int) bool { return f[i].total < f[j].total }
func (f frontier) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *frontier) Push(x any)        { *f = append(*f, x.(waiting)) }
func (f *frontier) Pop() any {
	old := *f
	w := old[len(old)-1]
	*f = old[:len(old)-1]
	return w
}

// route finds the way between two street points by A*; the guess is the straight line, which never overestimates.
func (g *graph) route(from, to snapped) ([]xy, float64) {
	if from.seg == to.seg {
		return []xy{from.at, to.at}, from.at.dist(to.at)
	}
	s := g.pool.Get().(*search)
	defer g.pool.Put(s)
	s.reset()
	guess := func(n int32) float32 { return float32(g.at[n].dist(to.at)) }
	a, z := g.segs[from.seg], g.segs[to.seg]
	for _, n := range [...]int32{a.a, a.b} {
		s.offer(n, -1, float32(from.at.dist(g.at[n])), guess(n))
	}
	best, last := float32(math.Inf(1)), int32(-1)
	for len(s.queue) > 0 {
		w := heap.Pop(&s.queue).(waiting)
		if w.total >= best {
			break
		}
		if w.cost > s.cost[w.node] {
			continue
		}
		if w.node == z.a || w.node == z.b {
			if c := w.cost + guess(w.node); c < best {
				best, last = c, w.node
			}
		}
		for _, e := range g.edges[g.first[w.node]:g.first[w.node+1]] {
			s.offer(e.to, w.node, w.cost+e.m*e.speed, guess(e.to))
		}
	}
	if last < 0 {
		return nil, math.Inf(1)
	}
	path := []xy{to.at}
	for n := last; n >= 0; n = s.prev[n] {
		path = append(path, g.at[n])
	}
	path = dedupe(reversed(append(path, from.at)))
	return path, lineLength(path)
}

// Route returns the way by street from one point to another and its length in metres. Both ends are first moved to the
// nearest street; the path runs between those street points and holds at least one point.
func (t *Town) Route(from, to LatLon) (path []LatLon, metres float64) {
	a, z := t.graph.nearest(plane(from), nil), t.graph.nearest(plane(to), nil)
	line, metres := t.graph.route(a, z)
	path = make([]LatLon, len(line))
	for i, p := range line {
		path[i] = p.latLon()
	}
	return path, metres
}
