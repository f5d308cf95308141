package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// cost is what a password hash takes: time in passes, memory in KiB, threads.
type cost struct {
	time    uint32
	memory  uint32
	threads uint8
}

// fullCost is OWASP's argon2id recommendation that takes the least memory.
func fullCost() cost { return cost{time: 2, memory: 19 << 10, threads: 1} }

const (
	saltLen = 16
	keyLen  = 32
)

// hasher makes and checks password hashes, a few at a time: each takes 19 MiB and all of a core, and people who wait to sign in must not
// take the server from those who order.
type hasher struct {
	cost  cost
	slots chan struct{}
	dummy string // of no password: what unknown accounts are checked against, so that they take as long
}

func newHasher(parallel int, c cost) *hasher {
	h := &hasher{cost: c, slots: make(chan struct{}, parallel)}
	salt, key := make([]byte, saltLen), make([]byte, keyLen)
	rand.Read(salt)
	rand.Read(key)
	h.dummy = encode(c, salt, key)
	return h
}

// enter waits for a slot and returns what gives it back, or ctx's error.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash returns the PHC string of a password. It waits for its turn and returns ctx's error when that ends first.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, saltLen)
	rand.Read(salt)
	return encode(h.cost, salt, argon2.IDKey([]byte(password), salt, h.cost.time, h.cost.memory, h.cost.threads, keyLen)), nil
}

// check reports whether the password fits the PHC string, which is "" for an account that has none or does not exist: that takes as long
// and never fits.
func (h *hasher) check(ctx context.Context, phc, password string) (bool, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	known := phc != ""
	if !known {
		phc = h.dummy
	}
	c, salt, want, err := decode(phc)
	if err != nil {
		return false, err
	}
	got := argon2.IDKey([]byte(password), salt, c.time, c.memory, c.threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func encode(c cost, salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.time, c.threads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

func decode(phc string) (c cost, salt, key []byte, err error) {
	fail := func(why string) (cost, []byte, []byte, error) {
		return cost{}, nil, nil, fmt.Errorf("account: stored password hash: %s", why)
	}
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return fail("not argon2id of this version")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.time, &c.threads); err != nil || c.time == 0 || c.threads == 0 || c.memory > 1<<20 {
		return fail("odd cost")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return fail("odd salt")
	}
	if key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(key) < 16 {
		return fail("odd key")
	}
	return c, salt, key, nil
}
