package oauth

import (
	"sync"
	"time"
)

// races tells uses of one code that run at the same time from one that comes later. An app whose request was sent twice by its network must
// not lose the token that it has just been given; whoever comes with a code after that has it from somewhere else.
type races struct {
	mu      sync.Mutex
	running map[string]*race // by code
}

// race is the uses of one code that overlap, each with the next.
type race struct {
	since  time.Time
	n      int // how many run
	claims int // how many hold the code in a transaction that has not failed: 1 once somebody has won
}

// raceLasts bounds how long uses may go on overlapping: to keep a code busy must not keep its token alive.
const raceLasts = 2 * time.Second

// enter adds a use of a code that begins at now. The caller must leave the race that it gets.
func (rs *races) enter(code string, now time.Time) *race {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r := rs.running[code]
	if r == nil || now.Sub(r.since) >= raceLasts {
		if rs.running == nil {
			rs.running = map[string]*race{}
		}
		r = &race{since: now}
		rs.running[code] = r
	}
	r.n++
	return r
}

func (rs *races) leave(code string, r *race) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r.n--; r.n == 0 && rs.running[code] == r {
		delete(rs.running, code)
	}
}

// claim notes that a use has taken the code, before any other can see that in the database; with -1 that its transaction failed.
func (rs *races) claim(r *race, n int) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r.claims += n
}

// isWon reports whether one of the race's own uses has the code.
func (rs *races) isWon(r *race) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return r.claims > 0
}
