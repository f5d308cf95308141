// Package id makes identifiers: time-sortable 63-bit numbers for rows, and random codes for what people see and share.
package id

import (
	"crypto/rand"
	"database/sql/driver"
	"encoding/base64"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// ID is a row's identifier: 41 bits of milliseconds since 2025-01-01 UTC, 10 bits of node, 12 bits of sequence. It is a string in JSON,
// because JavaScript's numbers end at 53 bits. Zero means none.
type ID int64

// epoch is 2025-01-01T00:00:00Z in milliseconds; 41 bits last until 2094.
const epoch = 1735689600000

// String returns the decimal form that URLs and JSON use.
func (i ID) String() string { return strconv.FormatInt(int64(i), 10) }

// Time returns when the ID was made, to the millisecond, by the clock of the machine that made it.
func (i ID) Time() time.Time { return time.UnixMilli(int64(i)>>22 + epoch).UTC() }

// MarshalText returns the decimal form, so that an ID is a string in JSON, as a value and as a map key.
func (i ID) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(i), 10), nil }

// UnmarshalText parses the decimal form of a non-negative ID.
func (i *ID) UnmarshalText(b []byte) error {
	v, err := Parse(string(b))
	if err != nil {
		return err
	}
	*i = v
	return nil
}

// Value stores an ID as a BIGINT.
func (i ID) Value() (driver.Value, error) { return int64(i), nil }

// Parse returns the ID written in s, or an error where s is no non-negative decimal number of 63 bits.
func Parse(s string) (ID, error) {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 0 || (len(s) > 1 && (s[0] == '0' || s[0] == '+')) {
		return 0, fmt.Errorf("id: %q is not an identifier", s)
	}
	return ID(v), nil
}

// Source makes IDs that are unique among nodes with different numbers and ascend on one node. Safe for concurrent use.
type Source struct {
	mu   sync.Mutex
	node int64
	last int64 // milliseconds since epoch of the newest ID
	seq  int64
}

// Nodes is how many node numbers there are: a node's number is in [0, Nodes).
const Nodes = 1 << 10

// NewSource returns a Source for the given node number, taken modulo Nodes. IDs carry the machine's real time, whatever clock the
// services run on: they order rows and are shown to nobody as a date.
func NewSource(node int) *Source { return &Source{node: int64(node) & (Nodes - 1)} }

// Next returns a new ID. It never goes back in time: when the machine's clock does, it goes on from the newest ID.
func (s *Source) Next() ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().UnixMilli() - epoch
	if now > s.last {
		s.last, s.seq = now, 0
	} else if s.seq++; s.seq == 1<<12 {
		s.last, s.seq = s.last+1, 0
	}
	return ID(s.last<<22 | s.node<<12 | s.seq)
}

// alphabet is Crockford's base32 without the letters that people misread: no I, L, O, U.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Code returns n random characters (5 bits each) of Crockford's base32, fit to be read aloud.
func Code(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails since Go 1.24: it ends the process instead
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return string(b)
}

// Secret returns 256 random bits in unpadded base64url, 43 characters, for tokens.
func Secret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Digits returns n random decimal digits, for codes that are typed on a phone.
func Digits(n int) string {
	out := make([]byte, 0, n)
	var b [16]byte
	for len(out) < n {
		rand.Read(b[:])
		for _, c := range b {
			if c < 250 && len(out) < n { // 250 is the largest multiple of 10 in a byte: no digit is more likely
				out = append(out, '0'+c%10)
			}
		}
	}
	return string(out)
}
