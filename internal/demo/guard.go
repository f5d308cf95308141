package demo

import (
	"net/http"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// absent is how long, in real time, a role stays a visitor's after their last request.
const absent = 10 * time.Minute

// guard knows which of the town's people are played by visitors: the simulation makes no requests, so whoever does is a visitor.
type guard struct {
	mu   sync.Mutex
	seen map[id.ID]*visit
}

type visit struct {
	open int // requests and streams under way
	last time.Time
	left bool // the visitor has stepped into another role
}

func newGuard() *guard { return &guard{seen: map[id.ID]*visit{}} }

// Wrap notes who makes requests. It belongs between signing in and the pages.
func (g *guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := access.From(r.Context()); a.SignedIn() {
			g.enter(a.ID)
			defer g.leave(a.ID)
		}
		next.ServeHTTP(w, r)
	})
}

func (g *guard) enter(account id.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.seen[account]
	if v == nil {
		v = &visit{}
		g.seen[account] = v
	}
	v.open++
	v.last, v.left = time.Now(), false
}

func (g *guard) leave(account id.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if v := g.seen[account]; v != nil {
		v.open--
		v.last = time.Now()
	}
}

// giveUp says that a visitor goes on as somebody else.
func (g *guard) giveUp(account id.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if v := g.seen[account]; v != nil {
		v.left = true
	}
}

// played reports whether a visitor acts for an account.
func (g *guard) played(account id.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.seen[account]
	return v != nil && !v.left && (v.open > 0 || time.Since(v.last) < absent)
}
