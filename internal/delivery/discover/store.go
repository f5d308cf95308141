package discover

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the slice's table.
//
//go:embed schema/*.sql
var Schema embed.FS

func scanSaved(s db.Scanner) (Saved, error) {
	var a Saved
	var doc string
	if err := s.Scan(&a.ID, &a.Label, &a.Default, &doc); err != nil {
		return a, err
	}
	if err := json.Unmarshal([]byte(doc), &a.Address); err != nil {
		return a, fmt.Errorf("discover: address %d: %w", a.ID, err)
	}
	return a, nil
}

func addresses(ctx context.Context, tx *db.Tx, account id.ID) ([]Saved, error) {
	return db.All(ctx, tx, scanSaved, `SELECT id, label, is_default, address FROM saved_address
		WHERE account = $1 AND deleted_at = 0 ORDER BY id LIMIT 100`, account)
}

func address(ctx context.Context, tx *db.Tx, account, aid id.ID) (Saved, error) {
	return db.One(ctx, tx, scanSaved, `SELECT id, label, is_default, address FROM saved_address
		WHERE id = $1 AND account = $2 AND deleted_at = 0`, aid, account)
}

func insertAddress(ctx context.Context, tx *db.Tx, account id.ID, a Saved, now time.Time) error {
	doc, err := json.Marshal(a.Address)
	if err != nil {
		return fmt.Errorf("discover: encode address: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO saved_address (id, account, label, is_default, address, changed_at, deleted_at) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		a.ID, account, a.Label, a.Default, string(doc), now.UnixMicro())
	return err
}

func updateAddress(ctx context.Context, tx *db.Tx, account id.ID, a Saved, now time.Time) (bool, error) {
	doc, err := json.Marshal(a.Address)
	if err != nil {
		return false, fmt.Errorf("discover: encode address: %w", err)
	}
	n, err := tx.Exec(ctx, `UPDATE saved_address SET label = $1, is_default = $2, address = $3, changed_at = $4 WHERE id = $5 AND account = $6 AND deleted_at = 0`,
		a.Label, a.Default, string(doc), now.UnixMicro(), a.ID, account)
	return n == 1, err
}

// onlyDefault takes the default away from all addresses but one.
func onlyDefault(ctx context.Context, tx *db.Tx, account, aid id.ID) error {
	_, err := tx.Exec(ctx, `UPDATE saved_address SET is_default = $1 WHERE account = $2 AND id <> $3`, false, account, aid)
	return err
}

// markDeleted sets or clears the time of deletion; false where there is nothing to do it to.
func markDeleted(ctx context.Context, tx *db.Tx, account, aid id.ID, from bool, at time.Time) (bool, error) {
	if from {
		n, err := tx.Exec(ctx, `UPDATE saved_address SET deleted_at = 0 WHERE id = $1 AND account = $2 AND deleted_at <> 0`, aid, account)
		return n == 1, err
	}
	n, err := tx.Exec(ctx, `UPDATE saved_address SET deleted_at = $1 WHERE id = $2 AND account = $3 AND deleted_at = 0`, at.UnixMicro(), aid, account)
	return n == 1, err
}

// forget removes what was deleted before.
func forget(ctx context.Context, tx *db.Tx, account id.ID, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM saved_address WHERE account = $1 AND deleted_at <> 0 AND deleted_at < $2`, account, before.UnixMicro())
	return err
}

// removeAll deletes every address of an account, also those that could be had back.
func removeAll(ctx context.Context, tx *db.Tx, account id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM saved_address WHERE account = $1`, account)
	return err
}

// sweep removes what anybody deleted before a time.
func sweep(ctx context.Context, tx *db.Tx, before time.Time) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM saved_address WHERE deleted_at <> 0 AND deleted_at < $1`, before.UnixMicro())
}
