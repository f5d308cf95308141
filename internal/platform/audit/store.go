package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// maxWord is how many characters of a filter are looked for.
const maxWord = 300

func insert(ctx context.Context, tx *db.Tx, e Entry) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit (id, at, actor, actor_handle, address, verb, thing, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		int64(e.ID), e.At.UnixMicro(), int64(e.Actor), e.Handle, e.Address, e.Verb, e.Thing, string(e.Detail))
	if err != nil {
		return fmt.Errorf("audit: write %s: %w", e.Verb, err)
	}
	return nil
}

// list reads entries of a filter, newest first, from before the entry with an id where that is not 0.
func list(ctx context.Context, tx *db.Tx, f Filter, before int64, limit int) ([]Entry, error) {
	// What is asked for comes from outside: PostgreSQL takes no text with a NUL or broken UTF-8, and nothing that is stored has one.
	f.Handle, f.Verb, f.Thing = text.Clean(f.Handle, maxWord), text.Clean(f.Verb, maxWord), text.Clean(f.Thing, maxWord)
	q := `SELECT id, at, actor, actor_handle, address, verb, thing, detail FROM audit WHERE 1 = 1`
	var args []any
	and := func(cond string, values ...any) {
		marks := make([]any, len(values))
		for i := range values {
			marks[i] = fmt.Sprintf("$%d", len(args)+i+1)
		}
		q += " AND " + fmt.Sprintf(cond, marks...)
		args = append(args, values...)
	}
	if before != 0 {
		and("id < %s", before)
	}
	if f.Actor != 0 {
		and("actor = %s", int64(f.Actor))
	}
	if f.Handle != "" {
		and("actor_handle = %s", f.Handle)
	}
	if f.Verb != "" {
		and("(verb = %s OR substr(verb, 1, %s) = %s)", f.Verb, len(f.Verb)+1, f.Verb+".")
	}
	if f.Thing != "" {
		and("thing = %s", f.Thing)
	}
	if f.About != 0 {
		and("(actor = %s OR thing = %s)", int64(f.About), Thing("account", f.About))
	}
	if !f.From.IsZero() {
		and("at >= %s", f.From.UnixMicro())
	}
	if !f.To.IsZero() {
		and("at < %s", f.To.UnixMicro())
	}
	args = append(args, limit)
	return db.All(ctx, tx, scan, q+fmt.Sprintf(" ORDER BY id DESC LIMIT $%d", len(args)), args...)
}

func scan(r db.Scanner) (e Entry, err error) {
	var at, actor, row int64
	var detail string
	err = r.Scan(&row, &at, &actor, &e.Handle, &e.Address, &e.Verb, &e.Thing, &detail)
	e.ID, e.Actor, e.At, e.Detail = id.ID(row), id.ID(actor), time.UnixMicro(at).UTC(), json.RawMessage(detail)
	return e, err
}

func verbs(ctx context.Context, tx *db.Tx) ([]string, error) {
	return db.All(ctx, tx, func(r db.Scanner) (s string, err error) {
		err = r.Scan(&s)
		return s, err
	}, `SELECT DISTINCT verb FROM audit ORDER BY verb`)
}

func sweep(ctx context.Context, tx *db.Tx, before time.Time, limit int) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY at LIMIT $2)`, before.UnixMicro(), limit)
}

// about is what chooses the entries of an account or about it: $1 is its id, $2 the thing that it is.
const about = `(actor = $1 OR thing = $2)`

func count(ctx context.Context, tx *db.Tx, account id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM audit WHERE `+about, int64(account), Thing("account", account)).Scan(&n)
	return n, err
}

func entriesOf(ctx context.Context, tx *db.Tx, account, after id.ID, limit int) ([]Entry, error) {
	return db.All(ctx, tx, scan, `SELECT id, at, actor, actor_handle, address, verb, thing, detail FROM audit WHERE `+about+` AND id > $3 ORDER BY id LIMIT $4`,
		int64(account), Thing("account", account), int64(after), limit)
}

// forget empties what says who somebody was: of their own entries everything, of those that others made about them the detail.
func forget(ctx context.Context, tx *db.Tx, account id.ID, limit int) (int64, error) {
	return tx.Exec(ctx, `UPDATE audit SET actor_handle = CASE WHEN actor = $1 THEN '' ELSE actor_handle END,
		address = CASE WHEN actor = $1 OR actor = 0 THEN '' ELSE address END, detail = '{}' WHERE id IN (SELECT id FROM audit WHERE `+about+`
		AND (detail <> '{}' OR (actor = $1 AND actor_handle <> '') OR ((actor = $1 OR actor = 0) AND address <> '')) ORDER BY id LIMIT $3)`,
		int64(account), Thing("account", account), limit)
}
