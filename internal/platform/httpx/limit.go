package httpx

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
)

// Rate is how many requests may be made in a time: so many at once, and then one more every Per/N. The zero Rate is no limit.
type Rate struct {
	N   int
	Per time.Duration
}

// limited reports whether the rate limits anything.
func (r Rate) limited() bool { return r.N > 0 && r.Per > 0 }

// every returns the time in which one more request is allowed.
func (r Rate) every() time.Duration { return max(1, r.Per/time.Duration(r.N)) }

// Who is what requests are counted by: an account, or an address. The zero Who is everybody whose address cannot be told.
type Who struct{ kind, n uint64 }

const (
	whoAccount = iota + 1
	whoIPv4
	whoIPv6
)

// WhoAccount returns the Who of an account.
func WhoAccount(account int64) Who { return Who{whoAccount, uint64(account)} }

// WhoAddress returns the Who of a request's RemoteAddr ("192.0.2.1:5000"): an IPv4 address, or the /64 that one customer has of IPv6.
func WhoAddress(remote string) Who {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return Who{}
	}
	ip := peer.Addr().Unmap()
	if ip.Is4() {
		b := ip.As4()
		return Who{whoIPv4, uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := ip.As16()
	return Who{whoIPv6, binary.BigEndian.Uint64(b[:8])}
}

// Taken is the answer to one request for a place.
type Taken struct {
	OK        bool
	Remaining int           // how many more would be allowed at once
	Reset     time.Duration // until all are again
	Retry     time.Duration // until the next is; 0 where OK
}

const (
	limitShards = 64
	limitKeys   = 100_000 / limitShards // of a shard: all of them take 5 MB
	limitSweep  = 10 * time.Second      // how often a full shard is searched for keys that hold nothing any more
	limitSample = 8
)

// Limiter counts requests by the generic cell rate algorithm: for each key it keeps one time, at which all of its requests will have been
// paid for at the allowed rate. It holds at most 100,000 keys; of more, those with the most left to take are forgotten, which gives them
// back what they took and no more. Counts are of this node and this process.
type Limiter struct {
	now    clock.Func
	start  time.Time
	seed   maphash.Seed
	shards [limitShards]limitShard
}

// limitKey is plain numbers, which are hashed twice as fast as a struct with text in it.
type limitKey struct {
	class uint64 // hash of its name
	who   Who
}

type limitShard struct {
	mu    sync.Mutex
	paid  map[limitKey]time.Duration // since Limiter.start
	swept time.Duration
	_     [64]byte // shards in cache lines of their own
}

// NewLimiter returns a Limiter that has seen nobody.
func NewLimiter(now clock.Func) *Limiter {
	l := &Limiter{now: now, start: now(), seed: maphash.MakeSeed()}
	for i := range l.shards {
		l.shards[i].paid, l.shards[i].swept = map[limitKey]time.Duration{}, -limitSweep
	}
	return l
}

// Take takes a place of a class for somebody at a rate. Over any time t at most rate.N + t·rate.N/rate.Per places are given; a request that
// is refused takes none.
func (l *Limiter) Take(class string, who Who, rate Rate) Taken {
	if !rate.limited() {
		return Taken{OK: true}
	}
	return l.take(class, who, rate, l.now())
}

func (l *Limiter) take(class string, who Who, rate Rate, at time.Time) Taken {
	k := limitKey{maphash.String(l.seed, class), who}
	every := rate.every()
	burst := every * time.Duration(rate.N)
	s := &l.shards[maphash.Comparable(l.seed, k)%limitShards]
	now := at.Sub(l.start)
	s.mu.Lock()
	defer s.mu.Unlock()
	paid, known := s.paid[k]
	paid = max(paid, now)
	if owed := paid + every - now; owed > burst {
		return Taken{Reset: paid - now, Retry: owed - burst}
	}
	if !known && len(s.paid) >= limitKeys {
		s.makeRoom(now)
	}
	paid += every
	s.paid[k] = paid
	return Taken{OK: true, Remaining: int((burst - (paid - now)) / every), Reset: paid - now}
}

// makeRoom forgets the keys that owe nothing, or, where that was tried a moment ago, the one of a few that owes least.
func (s *limitShard) makeRoom(now time.Duration) {
	if now-s.swept >= limitSweep {
		s.swept = now
		for k, paid := range s.paid {
			if paid <= now {
				delete(s.paid, k)
			}
		}
	}
	if len(s.paid) < limitKeys {
		return
	}
	var least limitKey
	seen, best := 0, time.Duration(0)
	for k, paid := range s.paid { // maps are walked from a random place
		if seen == 0 || paid < best {
			least, best = k, paid
		}
		if seen++; seen == limitSample {
			break
		}
	}
	delete(s.paid, least)
}
