// Package idem has requests that cost money or food done once, however often they are sent: the answer to an Idempotency-Key is stored in
// the transaction that does the work, and given again to the same request.
//
// A service calls New, then in its transaction Start (the work is done outside it too, and Finish comes later) or Save (the answer is known
// already). Both return ErrTaken where the key is in use; the transaction must then end with that error. Whatever went wrong, Replay tells
// whether an answer had been given before: what stands in the way now does not matter to one who was answered already.
package idem

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the table idempotency.
//
//go:embed schema/*.sql
var Schema embed.FS

// Keep is how long answers are given again where the settings say nothing else.
const Keep = 72 * time.Hour

// MaxKey is the longest key in bytes.
const MaxKey = 255

// ErrTaken says that the key was used before. It never reaches a person: Replay says what they are told.
var ErrTaken = errors.New("idem: the key is taken")

// Request is one request to be done once.
type Request struct {
	Account id.ID
	Route   string // such as "orders.place"; keys of different routes do not meet
	Key     string
	hash    []byte
}

// New returns the Request of an account's call of a route. body is what was asked, encoded as JSON to tell it from other requests. It
// returns an Invalid error on field header.Idempotency-Key for a key that is empty, longer than MaxKey or not printable ASCII.
func New(account id.ID, route, key string, body any) (Request, error) {
	if key == "" || len(key) > MaxKey {
		return Request{}, badKey()
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return Request{}, badKey()
		}
	}
	b, err := json.Marshal(body)
	if err != nil {
		return Request{}, fmt.Errorf("idem: encode the request: %w", err)
	}
	sum := sha256.Sum256(b)
	return Request{Account: account, Route: route, Key: key, hash: sum[:]}, nil
}

func badKey() error {
	return errs.InvalidField("header.Idempotency-Key", "Send a key of your own making with this request, such as a random UUID: 1 to %d printable characters.", MaxKey)
}

// Ref is a Request without its body, for jobs that finish it.
type Ref struct {
	Account id.ID  `json:"account"`
	Route   string `json:"route"`
	Key     string `json:"key"`
}

// Ref returns the reference by which Finish and Fail know the request.
func (r Request) Ref() Ref { return Ref{r.Account, r.Route, r.Key} }

// Start stores that the request is being done. It returns ErrTaken where its key is in use.
func (r Request) Start(ctx context.Context, tx *db.Tx, now time.Time) error {
	return insert(ctx, tx, r, running, "", now)
}

// Save stores the answer to a request, in the transaction that did it. It returns ErrTaken where its key is in use. It is best called first:
// a second sender then waits there.
func (r Request) Save(ctx context.Context, tx *db.Tx, reply []byte, now time.Time) error {
	return insert(ctx, tx, r, done, string(reply), now)
}

// Finish stores the answer to a request that was started.
func (r Ref) Finish(ctx context.Context, tx *db.Tx, reply []byte) error {
	return update(ctx, tx, r, done, string(reply))
}

// Fail stores the error with which a request that was started ended for good.
func (r Ref) Fail(ctx context.Context, tx *db.Tx, e *errs.Error) error {
	b, err := json.Marshal(failure{Kind: e.Kind, Code: e.Code, Message: e.Message, Fields: e.Fields})
	if err != nil {
		return fmt.Errorf("idem: encode the error: %w", err)
	}
	return update(ctx, tx, r, failed, string(b))
}

// failure is a stored error.
type failure struct {
	Kind    errs.Kind    `json:"kind"`
	Code    string       `json:"code"`
	Message string       `json:"message"`
	Fields  []errs.Field `json:"fields,omitempty"`
}

// Replay returns the answer given before, and true. It returns the stored error where that was the answer, an Invalid error (code
// "idempotency_mismatch") where the key was used for something else, and a Conflict error (code "idempotency_running") while the first
// request still runs. It returns false and no error for a key that was never used.
func (r Request) Replay(ctx context.Context, d *db.DB) ([]byte, bool, error) {
	var rec record
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		rec, err = find(ctx, tx, r.Ref())
		return err
	})
	switch {
	case errors.Is(err, db.ErrNoRow):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("idem: look up: %w", err)
	case string(rec.hash) != string(r.hash):
		return nil, false, errs.InvalidField("header.Idempotency-Key", "This key was used for another request. Make a new key for a new request.").WithCode("idempotency_mismatch")
	case rec.state == running:
		return nil, false, errs.New(errs.Conflict, "This request is still being worked on.").WithCode("idempotency_running").WithRetry(time.Second)
	case rec.state == failed:
		var f failure
		if err := json.Unmarshal([]byte(rec.reply), &f); err != nil {
			return nil, false, fmt.Errorf("idem: decode a stored error: %w", err)
		}
		return nil, true, &errs.Error{Kind: f.Kind, Code: f.Code, Message: f.Message, Fields: f.Fields}
	}
	return []byte(rec.reply), true, nil
}

// sweepBatch is how many rows one transaction deletes, so that it holds up no other writer.
const sweepBatch = 1000

// Sweep deletes the answers that were given before a time.
func Sweep(ctx context.Context, d *db.DB, before time.Time) error {
	for {
		var n int64
		err := d.Write(ctx, func(tx *db.Tx) (err error) {
			n, err = sweep(ctx, tx, before, sweepBatch)
			return err
		})
		if err != nil {
			return fmt.Errorf("idem: delete old answers: %w", err)
		}
		if n < sweepBatch {
			return nil
		}
	}
}

// Count returns how many answers to an account are kept.
func Count(ctx context.Context, tx *db.Tx, account id.ID) (int, error) {
	return count(ctx, tx, account)
}

// Forget deletes the answers to an account.
func Forget(ctx context.Context, tx *db.Tx, account id.ID) error { return forget(ctx, tx, account) }
