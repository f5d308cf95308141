package payout

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// stored is a bank account as stored.
type stored struct {
	sealed  []byte
	tail    string
	changed time.Time
}

func bankOf(ctx context.Context, tx *db.Tx, kind string, owner id.ID) (b stored, err error) {
	var at int64
	err = tx.Row(ctx, `SELECT sealed, tail, changed_at FROM payout_bank WHERE kind = $1 AND owner = $2`, kind, int64(owner)).Scan(&b.sealed, &b.tail, &at)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return b, fmt.Errorf("payout: read a bank account: %w", err)
	}
	b.changed = time.UnixMicro(at).UTC()
	return b, err
}

func putBank(ctx context.Context, tx *db.Tx, kind string, owner id.ID, b stored, by id.ID) error {
	_, err := tx.Exec(ctx, `INSERT INTO payout_bank (kind, owner, sealed, tail, changed_at, changed_by) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (kind, owner) DO UPDATE SET sealed = excluded.sealed, tail = excluded.tail, changed_at = excluded.changed_at, changed_by = excluded.changed_by`,
		kind, int64(owner), b.sealed, b.tail, b.changed.UnixMicro(), int64(by))
	if err != nil {
		return fmt.Errorf("payout: store a bank account: %w", err)
	}
	return nil
}

func dropBank(ctx context.Context, tx *db.Tx, kind string, owner id.ID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM payout_bank WHERE kind = $1 AND owner = $2`, kind, int64(owner)); err != nil {
		return fmt.Errorf("payout: delete a bank account: %w", err)
	}
	return nil
}

func insertRun(ctx context.Context, tx *db.Tx, r Run) error {
	_, err := tx.Exec(ctx, `INSERT INTO payout_run (id, state, minimum, note, made_at, made_by, approved_at, approved_by) VALUES ($1, $2, $3, $4, $5, $6, 0, 0)`,
		int64(r.ID), r.State, r.Minimum, r.Note, r.Made.UnixMicro(), int64(r.MadeBy))
	if err != nil {
		return fmt.Errorf("payout: store a run: %w", err)
	}
	return nil
}

func insertItem(ctx context.Context, tx *db.Tx, run id.ID, it Item) error {
	entries, err := encode(it.Entries)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO payout_item (run, kind, owner, currency, name, amount, cash, entries, state, note, sealed, changed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)`,
		int64(run), it.Kind, int64(it.Owner), it.Currency, it.Name, it.Amount, it.Cash, entries, it.State, it.Note, []byte{})
	if err != nil {
		return fmt.Errorf("payout: store an item: %w", err)
	}
	return nil
}

// moveRun takes a run from a state to another if it is in the first, and reports whether it was.
func moveRun(ctx context.Context, tx *db.Tx, run id.ID, from, to string, by id.ID, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE payout_run SET state = $1, approved_at = $2, approved_by = $3 WHERE id = $4 AND state = $5`,
		to, at.UnixMicro(), int64(by), int64(run), from)
	if err != nil {
		return false, fmt.Errorf("payout: move run %d: %w", run, err)
	}
	return n == 1, nil
}

// moveItem takes an item from a state to another if it is in the first, and reports whether it was.
func moveItem(ctx context.Context, tx *db.Tx, run id.ID, it Item, from string, at time.Time) (bool, error) {
	if it.sealed == nil {
		it.sealed = []byte{}
	}
	n, err := tx.Exec(ctx, `UPDATE payout_item SET state = $1, note = $2, sealed = $3, changed_at = $4 WHERE run = $5 AND kind = $6 AND owner = $7 AND currency = $8 AND state = $9`,
		it.State, it.Note, it.sealed, at.UnixMicro(), int64(run), it.Kind, int64(it.Owner), it.Currency, from)
	if err != nil {
		return false, fmt.Errorf("payout: move an item of run %d: %w", run, err)
	}
	return n == 1, nil
}

const runColumns = `id, state, minimum, note, made_at, made_by, approved_at, approved_by`

func scanRun(s db.Scanner) (r Run, err error) {
	var made, approved int64
	err = s.Scan(&r.ID, &r.State, &r.Minimum, &r.Note, &made, &r.MadeBy, &approved, &r.ApprovedBy)
	r.Made = time.UnixMicro(made).UTC()
	if approved != 0 {
		r.Approved = time.UnixMicro(approved).UTC()
	}
	return r, err
}

func runByID(ctx context.Context, tx *db.Tx, run id.ID) (Run, error) {
	r, err := db.One(ctx, tx, scanRun, `SELECT `+runColumns+` FROM payout_run WHERE id = $1`, int64(run))
	if err != nil {
		return r, err
	}
	r.Items, err = items(ctx, tx, `run = $1`, int64(run))
	return r, err
}

func runsBelow(ctx context.Context, tx *db.Tx, below id.ID, limit int) ([]Run, error) {
	if below == 0 {
		below = math.MaxInt64
	}
	return db.All(ctx, tx, scanRun, `SELECT `+runColumns+` FROM payout_run WHERE id < $1 ORDER BY id DESC LIMIT $2`, int64(below), limit)
}

// items returns items of runs; where is one of the two conditions that are used here.
func items(ctx context.Context, tx *db.Tx, where string, args ...any) ([]Item, error) {
	list, err := db.All(ctx, tx, func(s db.Scanner) (it Item, err error) {
		var entries string
		var at int64
		if err = s.Scan(&it.Kind, &it.Owner, &it.Currency, &it.Name, &it.Amount, &it.Cash, &entries, &it.State, &it.Note, &it.sealed, &at); err != nil {
			return it, err
		}
		if at != 0 {
			it.At = time.UnixMicro(at).UTC()
		}
		return it, json.Unmarshal([]byte(entries), &it.Entries)
	}, `SELECT kind, owner, currency, name, amount, cash, entries, state, note, sealed, changed_at FROM payout_item WHERE `+where+` ORDER BY kind DESC, name, owner, currency`, args...)
	if err != nil {
		return nil, fmt.Errorf("payout: read items: %w", err)
	}
	return list, nil
}

// forget takes a courier out of what is stored: where their money went, and how they were called.
func forget(ctx context.Context, tx *db.Tx, account id.ID) error {
	if err := dropBank(ctx, tx, Courier, account); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE payout_item SET name = '', note = '', sealed = $1 WHERE kind = 'courier' AND owner = $2`, []byte{}, int64(account))
	if err != nil {
		return fmt.Errorf("payout: forget a courier: %w", err)
	}
	return nil
}
