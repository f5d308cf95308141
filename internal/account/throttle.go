package account

import (
	"context"
	"net/netip"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// How many wrong passwords are looked at in a window, on all nodes together. An address may be a whole house, hence its larger number.
const (
	throttleWindow = 15 * time.Minute
	maxPerAccount  = 10
	maxPerIP       = 30
)

// Try counts a try of key and returns a TooMany error, with the time to wait, once there were max in 15 minutes: the count is in the
// database, for all nodes, and outlives a restart. Right takes it back.
func (s *Service) Try(ctx context.Context, key string, max int) error {
	_, err := s.tries(ctx, limit{key: key, max: max})
	return err
}

// Right forgets the tries of a key, since one of them was right.
func (s *Service) Right(ctx context.Context, key string) error {
	return s.db.Write(ctx, func(tx *db.Tx) error { return s.store.right(ctx, tx, key) })
}

// full returns a TooMany error where key is full, and counts nothing.
func (s *Service) full(ctx context.Context, key string, max int) error {
	return s.db.Read(ctx, func(tx *db.Tx) error {
		wrong, left, err := s.store.tried(ctx, tx, key, throttleWindow, s.now())
		if err == nil && wrong >= max {
			return tooMany(left)
		}
		return err
	})
}

// limit is a key to count. What is silent is counted, but not told: the caller answers as if the try had been wrong.
type limit struct {
	key    string
	max    int
	silent bool
}

// tries counts a try of every key that is not full, or of none: it returns a TooMany error where one is full, and false where a silent one is.
func (s *Service) tries(ctx context.Context, limits ...limit) (ok bool, err error) {
	now := s.now()
	// Looked at before it is counted: who goes on after being told costs no write.
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		for _, l := range limits {
			wrong, left, err := s.store.tried(ctx, tx, l.key, throttleWindow, now)
			if err != nil {
				return err
			}
			if wrong >= l.max && !l.silent {
				return tooMany(left)
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		ok = true
		for _, l := range limits {
			counted, left, err := s.store.try(ctx, tx, l.key, l.max, throttleWindow, now)
			if err != nil {
				return err
			}
			if !counted && !l.silent {
				return tooMany(left)
			}
			ok = ok && counted
		}
		return nil
	})
	return ok && err == nil, err
}

// undo takes tries back that came to nothing.
func (s *Service) undo(ctx context.Context, limits ...limit) error {
	return s.db.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		for _, l := range limits {
			if err := s.store.undoTry(ctx, tx, l.key); err != nil {
				return err
			}
		}
		return nil
	})
}

func tooMany(left time.Duration) error {
	return errs.New(errs.TooMany, "Too many wrong tries. Wait a few minutes, then try again.").WithRetry(max(left, time.Second))
}

// addressKey is what wrong tries from an address are counted under: of IPv6 the /64, which one customer of a provider has to himself.
func addressKey(ip string) string {
	if a, err := netip.ParseAddr(ip); err == nil {
		a = a.Unmap().WithZone("")
		if ip = a.String(); a.Is6() {
			if p, err := a.Prefix(64); err == nil {
				ip = p.String()
			}
		}
	}
	return "address " + ip
}

func accountKey(account id.ID) string { return "account " + account.String() }
