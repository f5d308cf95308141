// Package page is keyset paging: a list is cut after a row's key, never at an offset, so that reading on costs the same on every page and
// nothing is shown twice while rows come in.
package page

import (
	"encoding/base64"
	"encoding/json"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// DefaultLimit and MaxLimit bound how many rows a page has.
const (
	DefaultLimit = 20
	MaxLimit     = 100
)

// Limit returns n held within [1, MaxLimit], DefaultLimit where n is 0 or less.
func Limit(n int) int {
	switch {
	case n <= 0:
		return DefaultLimit
	case n > MaxLimit:
		return MaxLimit
	}
	return n
}

// Page is one page of rows. Next is the cursor of the page after it, empty at the end.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"Pass as cursor to read on; absent at the end."`
}

// Cut makes a page of at most limit rows out of rows, of which the caller has read up to limit+1; key returns what the next page starts
// after. Items is never nil, so that an empty page is [] in JSON.
func Cut[T, K any](rows []T, limit int, key func(T) K) Page[T] {
	p := Page[T]{Items: rows}
	if len(rows) > limit {
		p.Items = rows[:limit]
		p.Next = Encode(key(p.Items[limit-1]))
	}
	if p.Items == nil {
		p.Items = []T{}
	}
	return p
}

// Encode returns the opaque cursor for a key.
func Encode[K any](key K) string {
	b, err := json.Marshal(key)
	if err != nil {
		return "" // keys are integers, strings and structs of them: they always encode
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Decode reads a cursor made by Encode. An empty cursor gives the zero key and false; anything else that does not decode is an Invalid error.
func Decode[K any](cursor string) (key K, ok bool, err error) {
	if cursor == "" {
		return key, false, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(b, &key)
	}
	if err != nil {
		return key, false, errs.InvalidField("cursor", "This page link is broken. Start again from the first page.")
	}
	return key, true, nil
}
