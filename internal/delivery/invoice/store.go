package invoice

import (
	"context"
	"embed"
	"encoding/json"
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

// next takes the next number of a series. Whoever else wants one of it waits until tx ends; where tx comes to nothing, so does the number.
func next(ctx context.Context, tx *db.Tx, restaurant id.ID, kind string, year int) (n int64, err error) {
	if _, err = tx.Exec(ctx, `INSERT INTO invoice_series (restaurant, kind, year, last) VALUES ($1, $2, $3, 0) ON CONFLICT DO NOTHING`,
		int64(restaurant), kind, year); err != nil {
		return 0, fmt.Errorf("invoice: begin a series: %w", err)
	}
	if _, err = tx.Exec(ctx, `UPDATE invoice_series SET last = last + 1 WHERE restaurant = $1 AND kind = $2 AND year = $3`, int64(restaurant), kind, year); err != nil {
		return 0, fmt.Errorf("invoice: take a number: %w", err)
	}
	err = tx.Row(ctx, `SELECT last FROM invoice_series WHERE restaurant = $1 AND kind = $2 AND year = $3`, int64(restaurant), kind, year).Scan(&n)
	return n, err
}

func insert(ctx context.Context, tx *db.Tx, d issued, account id.ID) error {
	buyer := d.Buyer
	d.Buyer = ""
	data, err := json.Marshal(d.Document)
	if err != nil {
		return fmt.Errorf("invoice: encode %s: %w", d.Number, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO invoice (id, kind, number, order_id, ref, restaurant, account, buyer, issued_at, currency, total, data)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		int64(d.ID), d.Kind, d.Number, int64(d.Order), d.ref, int64(d.Seller.ID), int64(account), buyer, d.Issued.UnixMicro(), d.Currency, d.Total, string(data))
	if err != nil {
		return fmt.Errorf("invoice: store %s: %w", d.Number, err)
	}
	return nil
}

func scan(s db.Scanner) (issued, error) {
	var d issued
	var data, buyer string
	if err := s.Scan(&d.ref, &buyer, &data); err != nil {
		return d, err
	}
	if err := json.Unmarshal([]byte(data), &d.Document); err != nil {
		return d, fmt.Errorf("invoice: decode %s: %w", d.ref, err)
	}
	d.Buyer = buyer
	return d, nil
}

// ofOrder returns the documents of an order, oldest first.
func ofOrder(ctx context.Context, tx *db.Tx, order id.ID) ([]issued, error) {
	out, err := db.All(ctx, tx, scan, `SELECT ref, buyer, data FROM invoice WHERE order_id = $1 ORDER BY id`, int64(order))
	if err != nil {
		return nil, fmt.Errorf("invoice: read those of order %d: %w", order, err)
	}
	return out, nil
}

// numberOf returns the number of an order's newest receipt, or db.ErrNoRow.
func numberOf(ctx context.Context, tx *db.Tx, order id.ID) (n string, err error) {
	err = tx.Row(ctx, `SELECT number FROM invoice WHERE order_id = $1 AND kind = 'receipt' ORDER BY id DESC`, int64(order)).Scan(&n)
	return n, err
}

// ofAccount returns an account's documents with ids below one, newest first.
func ofAccount(ctx context.Context, tx *db.Tx, account, below id.ID, limit int) ([]issued, error) {
	if below == 0 {
		below = math.MaxInt64
	}
	out, err := db.All(ctx, tx, scan, `SELECT ref, buyer, data FROM invoice WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3`, int64(account), int64(below), limit)
	if err != nil {
		return nil, fmt.Errorf("invoice: list: %w", err)
	}
	return out, nil
}

func countOf(ctx context.Context, tx *db.Tx, account id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM invoice WHERE account = $1`, int64(account)).Scan(&n)
	return n, err
}

// forget takes the person out of an account's documents.
func forget(ctx context.Context, tx *db.Tx, account id.ID) error {
	if _, err := tx.Exec(ctx, `UPDATE invoice SET buyer = '' WHERE account = $1 AND buyer <> ''`, int64(account)); err != nil {
		return fmt.Errorf("invoice: forget a buyer: %w", err)
	}
	return wantLetters(ctx, tx, account, true)
}

// forgetBefore takes the people out of some documents that are older than a time, and returns of how many.
func forgetBefore(ctx context.Context, tx *db.Tx, before time.Time, limit int) (int64, error) {
	n, err := tx.Exec(ctx, `UPDATE invoice SET buyer = '' WHERE id IN (SELECT id FROM invoice WHERE issued_at < $1 AND buyer <> '' LIMIT $2)`, before.UnixMicro(), limit)
	if err != nil {
		return 0, fmt.Errorf("invoice: forget buyers: %w", err)
	}
	return n, nil
}

func lettered(ctx context.Context, tx *db.Tx, account id.ID) (bool, error) {
	off, err := tx.Exists(ctx, `SELECT 1 FROM invoice_unlettered WHERE account = $1`, int64(account))
	return !off, err
}

func wantLetters(ctx context.Context, tx *db.Tx, account id.ID, yes bool) error {
	query := `INSERT INTO invoice_unlettered (account) VALUES ($1) ON CONFLICT DO NOTHING`
	if yes {
		query = `DELETE FROM invoice_unlettered WHERE account = $1`
	}
	if _, err := tx.Exec(ctx, query, int64(account)); err != nil {
		return fmt.Errorf("invoice: note who wants letters: %w", err)
	}
	return nil
}
