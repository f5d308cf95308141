// Package audit is the book of what was done with power: who did what to what, from where, when. An entry is written in the transaction
// that does the deed, so that there is never one without the other. Entries are added, and swept out when the town no longer keeps them;
// nothing changes one but Forget.
package audit

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the table audit.
//
//go:embed schema/*.sql
var Schema embed.FS

// Limits of an entry. What is longer is cut: an entry is never refused for its size, because the deed would be with it.
const (
	maxText   = 300  // characters of one text of the detail
	maxDetail = 8000 // bytes of the detail as JSON
)

// Entry is one deed.
type Entry struct {
	ID      id.ID           `json:"id"`
	At      time.Time       `json:"at"`
	Actor   id.ID           `json:"actor,omitzero" doc:"The account that acted; absent where none did."`
	Handle  string          `json:"handle" doc:"Its handle at the time; operator for the command line, empty where nobody was signed in."`
	Address string          `json:"address" doc:"Where the request came from; empty for what the server did by itself."`
	Verb    string          `json:"verb" doc:"Such as account.suspend."`
	Thing   string          `json:"thing" doc:"Such as account:123."`
	Detail  json.RawMessage `json:"detail" doc:"An object with what else is worth knowing."`
}

// Filter chooses entries; an empty field chooses all.
type Filter struct {
	Actor  id.ID
	Handle string    // of who acted
	Verb   string    // "account.suspend", or "account" for all verbs of accounts
	Thing  string    // "account:123"
	About  id.ID     // entries of an account or about it
	From   time.Time // not before
	To     time.Time // before
}

// Audit writes and reads the book. Safe for concurrent use.
type Audit struct {
	db  *db.DB
	ids *id.Source
	now clock.Func
}

// New returns the Audit of a database with this package's Schema.
func New(d *db.DB, ids *id.Source, now clock.Func) *Audit { return &Audit{d, ids, now} }

type addressKey struct{}

// WithAddress returns a context whose deeds come from an address.
func WithAddress(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, addressKey{}, address)
}

// Middleware notes where each request comes from. RemoteAddr has to be the true one.
func Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			host = r.RemoteAddr
		}
		next.ServeHTTP(w, r.WithContext(WithAddress(r.Context(), host)))
	})
}

// Write adds an entry in the caller's transaction: the context's actor did verb to the thing. detail says more, as flat as can be; it must
// hold no secret, and nothing of a person that the deed can be understood without.
func (a *Audit) Write(ctx context.Context, tx *db.Tx, verb, thing string, detail map[string]any) error {
	actor := access.From(ctx)
	address, _ := ctx.Value(addressKey{}).(string)
	text, err := encode(detail)
	if err != nil {
		return fmt.Errorf("audit: %s: %w", verb, err)
	}
	e := Entry{ID: a.ids.Next(), At: a.now(), Actor: actor.ID, Handle: actor.Handle, Address: clean(address), Verb: verb, Thing: clean(thing), Detail: text}
	return insert(ctx, tx, e)
}

// Thing names a thing by its kind and id: "account:123".
func Thing(kind string, i id.ID) string { return kind + ":" + i.String() }

// encode writes a detail as JSON of bounded size that both databases take.
func encode(detail map[string]any) (json.RawMessage, error) {
	if len(detail) == 0 {
		return json.RawMessage("{}"), nil
	}
	tidy := make(map[string]any, len(detail))
	for k, v := range detail {
		if s, ok := v.(string); ok {
			v = clean(s)
		}
		tidy[k] = v
	}
	b, err := json.Marshal(tidy)
	if err != nil {
		return nil, err
	}
	if len(b) > maxDetail {
		b, err = json.Marshal(map[string]any{"cut": clean(string(b))})
	}
	return b, err
}

// clean cuts a text and takes out what is no text.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > maxText {
		s = string([]rune(s)[:maxText]) + "…"
	}
	return s
}

// List returns a page of entries, newest first. cursor is the Next of the page before, empty for the first; a broken one is an Invalid error.
func (a *Audit) List(ctx context.Context, f Filter, cursor string, limit int) (out page.Page[Entry], err error) {
	before, _, err := page.Decode[int64](cursor)
	if err != nil {
		return out, err
	}
	limit = page.Limit(limit)
	err = a.db.Read(ctx, func(tx *db.Tx) error {
		rows, err := list(ctx, tx, f, before, limit+1)
		if err != nil {
			return err
		}
		out = page.Cut(rows, limit, func(e Entry) int64 { return int64(e.ID) })
		return nil
	})
	return out, err
}

// each calls fn for every entry, newest first, without holding a transaction open while fn writes to a slow reader.
func (a *Audit) each(ctx context.Context, f Filter, fn func(Entry) error) error {
	const batch = 500
	for before := int64(0); ; {
		var rows []Entry
		err := a.db.Read(ctx, func(tx *db.Tx) (err error) {
			rows, err = list(ctx, tx, f, before, batch)
			return err
		})
		if err != nil {
			return err
		}
		for _, e := range rows {
			if err := fn(e); err != nil {
				return err
			}
			before = int64(e.ID)
		}
		if len(rows) < batch {
			return nil
		}
	}
}

// Verbs returns the verbs that stand in the book, sorted.
func (a *Audit) Verbs(ctx context.Context) (out []string, err error) {
	err = a.db.Read(ctx, func(tx *db.Tx) error {
		out, err = verbs(ctx, tx)
		return err
	})
	return out, err
}

// Sweep deletes entries older than keep. It returns an Invalid error for a keep of less than a day: that would be a slip.
func (a *Audit) Sweep(ctx context.Context, keep time.Duration) error {
	if keep < 24*time.Hour {
		return errs.InvalidField("keep", "The audit log is kept for a day at least, not %s.", strconv.Quote(keep.String()))
	}
	const batch = 1000
	for {
		var n int64
		err := a.db.Write(ctx, func(tx *db.Tx) (err error) {
			n, err = sweep(ctx, tx, a.now().Add(-keep), batch)
			return err
		})
		if err != nil || n < batch {
			return err
		}
	}
}
