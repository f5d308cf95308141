package statement

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// insert stores a statement and reports whether its period had none.
func insert(ctx context.Context, tx *db.Tx, s Statement) (bool, error) {
	name := s.Name
	if s.Kind == Courier {
		name = "" // a person's is looked up whenever it is shown, so that it is gone with the person
	}
	s.Name = ""
	data, err := json.Marshal(s)
	if err != nil {
		return false, fmt.Errorf("statement: encode %s: %w", s.Number, err)
	}
	n, err := tx.Exec(ctx, `INSERT INTO payout_statement (id, kind, owner, currency, number, from_at, to_at, closing, name, data)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		int64(s.ID), s.Kind, int64(s.Owner), s.Currency, s.Number, s.From.UnixMicro(), s.To.UnixMicro(), s.Closing, name, string(data))
	if err != nil {
		return false, fmt.Errorf("statement: store %s: %w", s.Number, err)
	}
	return n == 1, nil
}

// closing returns what was owed after a payee's last statement; 0 where there is none.
func closing(ctx context.Context, tx *db.Tx, p payee) (sum money.Amount, err error) {
	err = tx.Row(ctx, `SELECT closing FROM payout_statement WHERE kind = $1 AND owner = $2 AND currency = $3 ORDER BY to_at DESC LIMIT 1`, p.kind, int64(p.owner), p.currency).Scan(&sum)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return 0, fmt.Errorf("statement: read the one before: %w", err)
	}
	return sum, nil
}

// newestPeriod returns when the newest period ended (zero: there is none), and when it began where not everybody has their statement for it yet.
func newestPeriod(ctx context.Context, tx *db.Tx) (to, open time.Time, err error) {
	var from, until, done int64
	err = tx.Row(ctx, `SELECT from_at, to_at, done FROM payout_statement_run ORDER BY to_at DESC LIMIT 1`).Scan(&from, &until, &done)
	if errors.Is(err, db.ErrNoRow) {
		return to, open, nil
	}
	if err != nil {
		return to, open, fmt.Errorf("statement: read the newest period: %w", err)
	}
	if done == 0 {
		open = time.UnixMicro(from)
	}
	return time.UnixMicro(until), open, nil
}

func beginPeriod(ctx context.Context, tx *db.Tx, from, to time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO payout_statement_run (to_at, from_at, done) VALUES ($1, $2, 0)`, to.UnixMicro(), from.UnixMicro())
	if err != nil {
		return fmt.Errorf("statement: begin a period: %w", err)
	}
	return nil
}

func endPeriod(ctx context.Context, tx *db.Tx, to time.Time) error {
	if _, err := tx.Exec(ctx, `UPDATE payout_statement_run SET done = 1 WHERE to_at = $1`, to.UnixMicro()); err != nil {
		return fmt.Errorf("statement: end a period: %w", err)
	}
	return nil
}

func scan(r db.Scanner) (s Statement, err error) {
	var name, data string
	if err = r.Scan(&name, &data); err == nil {
		err = json.Unmarshal([]byte(data), &s)
		s.Name = name
	}
	return s, err
}

func byID(ctx context.Context, tx *db.Tx, n id.ID) (Statement, error) {
	return db.One(ctx, tx, scan, `SELECT name, data FROM payout_statement WHERE id = $1`, int64(n))
}

// list returns statements with ids below one (0: the newest), newest first; of all payees where kind is empty.
func list(ctx context.Context, tx *db.Tx, kind string, owner, below id.ID, limit int) ([]Statement, error) {
	if below == 0 {
		below = math.MaxInt64
	}
	if kind == "" {
		return db.All(ctx, tx, scan, `SELECT name, data FROM payout_statement WHERE id < $1 ORDER BY id DESC LIMIT $2`, int64(below), limit)
	}
	return db.All(ctx, tx, scan, `SELECT name, data FROM payout_statement WHERE kind = $1 AND owner = $2 AND id < $3 ORDER BY id DESC LIMIT $4`,
		kind, int64(owner), int64(below), limit)
}
