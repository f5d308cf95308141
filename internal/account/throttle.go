package account

import (
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
)

// How many wrong passwords are answered in a window, on each node. An address may be a whole school, hence its larger number.
const (
	throttleWindow = 15 * time.Minute
	maxPerLogin    = 10
	maxPerIP       = 50
	throttleKeys   = 20_000 // remembered at once; when there are more, the windows that began first are forgotten
)

// throttle counts wrong passwords by key.
type throttle struct {
	now  clock.Func
	mu   sync.Mutex
	seen map[string]window
}

// window is how many wrong answers a key has had since when.
type window struct {
	began time.Time
	wrong int
}

func newThrottle(now clock.Func) *throttle { return &throttle{now: now, seen: map[string]window{}} }

// allow returns a TooMany error that says when to try again once key has had max wrong answers in its window.
func (t *throttle) allow(key string, max int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.seen[key]
	left := throttleWindow - t.now().Sub(w.began)
	if w.wrong < max || left <= 0 {
		return nil
	}
	return errs.New(errs.TooMany, "Too many wrong tries. Wait a few minutes, then try again.").WithRetry(left)
}

// wrong counts a wrong answer for key.
func (t *throttle) wrong(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	w, ok := t.seen[key]
	if !ok && len(t.seen) >= throttleKeys {
		t.forget(now)
	}
	if now.Sub(w.began) >= throttleWindow {
		w = window{began: now}
	}
	w.wrong++
	t.seen[key] = w
}

// right forgets the wrong answers of key.
func (t *throttle) right(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.seen, key)
}

// forget drops the windows that are over, and else those in the older half of the time.
func (t *throttle) forget(now time.Time) {
	for limit := throttleWindow; len(t.seen) >= throttleKeys; limit /= 2 {
		for k, w := range t.seen {
			if now.Sub(w.began) >= limit {
				delete(t.seen, k)
			}
		}
	}
}
