package cash

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// lock has whoever else counts a courier's cash wait until tx has ended. On SQLite they wait anyway.
func lock(ctx context.Context, tx *db.Tx, courier id.ID) error {
	if tx.Dialect() == db.SQLite {
		return nil
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(courier)); err != nil {
		return fmt.Errorf("cash: lock that of %d: %w", courier, err)
	}
	return nil
}

func insert(ctx context.Context, tx *db.Tx, h *HandIn) error {
	_, err := tx.Exec(ctx, `INSERT INTO cash_handin (id, courier, currency, expected, counted, difference, choice, taken_by, at, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		int64(h.ID), int64(h.Courier), h.Currency, h.Expected, h.Counted, h.Difference, h.Choice, int64(h.By), h.At.UnixMicro(), h.Note)
	if err != nil {
		return fmt.Errorf("cash: store what %d handed in: %w", h.Courier, err)
	}
	return nil
}

const columns = `id, courier, currency, expected, counted, difference, choice, taken_by, at, note`

func scan(s db.Scanner) (h HandIn, err error) {
	var key, courier, by, at int64
	err = s.Scan(&key, &courier, &h.Currency, &h.Expected, &h.Counted, &h.Difference, &h.Choice, &by, &at, &h.Note)
	h.ID, h.Courier, h.By, h.At = id.ID(key), id.ID(courier), id.ID(by), time.UnixMicro(at).UTC()
	return h, err
}

// list returns what a courier (0: anybody) handed in, with ids below below (0: all), newest first.
func list(ctx context.Context, tx *db.Tx, courier, below id.ID, limit int) (out []HandIn, err error) {
	if below == 0 {
		below = math.MaxInt64
	}
	if courier == 0 { // one text for each, so that each has its index
		out, err = db.All(ctx, tx, scan, `SELECT `+columns+` FROM cash_handin WHERE id < $1 ORDER BY id DESC LIMIT $2`, int64(below), limit)
	} else {
		out, err = db.All(ctx, tx, scan, `SELECT `+columns+` FROM cash_handin WHERE courier = $1 AND id < $2 ORDER BY id DESC LIMIT $3`, int64(courier), int64(below), limit)
	}
	if err != nil {
		return nil, fmt.Errorf("cash: list what was handed in: %w", err)
	}
	return out, nil
}

// of returns what somebody handed in or counted, oldest first.
func of(ctx context.Context, tx *db.Tx, account id.ID) ([]HandIn, error) {
	out, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM cash_handin WHERE courier = $1 OR taken_by = $1 ORDER BY id`, int64(account))
	if err != nil {
		return nil, fmt.Errorf("cash: list what %d handed in: %w", account, err)
	}
	return out, nil
}

// dropNotes takes the notes about somebody, and those by them, out.
func dropNotes(ctx context.Context, tx *db.Tx, account id.ID) error {
	if _, err := tx.Exec(ctx, `UPDATE cash_handin SET note = '' WHERE note <> '' AND (courier = $1 OR taken_by = $1)`, int64(account)); err != nil {
		return fmt.Errorf("cash: drop the notes about %d: %w", account, err)
	}
	return nil
}
