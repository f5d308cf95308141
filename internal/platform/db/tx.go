package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// querier is what a transaction runs its statements on: *sql.Tx for PostgreSQL, a connection with a statement cache for SQLite.
type querier interface {
	exec(ctx context.Context, query string, args []any) (sql.Result, error)
	query(ctx context.Context, query string, args []any) (*sql.Rows, error)
}

// Tx is a running transaction. It belongs to one goroutine and ends with the function it was given to.
type Tx struct {
	q       querier
	dialect Dialect
	after   []func()
}

// Scanner is a row whose columns can be read.
type Scanner interface {
	Scan(dest ...any) error
}

// Dialect returns the engine, for the rare statement that must differ.
func (tx *Tx) Dialect() Dialect { return tx.dialect }

// AfterCommit has fn run once the transaction is on disk. It does not run after a rollback. fn must be quick and must not write.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Exec runs a statement and returns how many rows it changed.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := tx.q.exec(ctx, query, args)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Row is the first row of a query, or its error.
type Row struct {
	rows *sql.Rows
	err  error
}

// Row runs a query of which only the first row counts. Scan must be called on what it returns.
func (tx *Tx) Row(ctx context.Context, query string, args ...any) *Row {
	rows, err := tx.q.query(ctx, query, args)
	return &Row{rows: rows, err: err}
}

// Scan reads the row's columns. It returns ErrNoRow where there is no row.
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return ErrNoRow
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	return r.rows.Close()
}

// Each calls fn for each row of a query, and returns its first error or the query's.
func (tx *Tx) Each(ctx context.Context, fn func(Scanner) error, query string, args ...any) error {
	rows, err := tx.q.query(ctx, query, args)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// One returns the only row of a query as scan reads it, or ErrNoRow.
func One[T any](ctx context.Context, tx *Tx, scan func(Scanner) (T, error), query string, args ...any) (T, error) {
	var zero T
	out, n := zero, 0
	err := tx.Each(ctx, func(s Scanner) error {
		v, err := scan(s)
		out, n = v, n+1
		return err
	}, query, args...)
	switch {
	case err != nil:
		return zero, err
	case n == 0:
		return zero, ErrNoRow
	case n > 1:
		return zero, fmt.Errorf("db: %d rows where one was expected", n)
	}
	return out, nil
}

// All returns every row of a query as scan reads it; an empty, non-nil slice where there is none.
func All[T any](ctx context.Context, tx *Tx, scan func(Scanner) (T, error), query string, args ...any) ([]T, error) {
	out := []T{}
	err := tx.Each(ctx, func(s Scanner) error {
		v, err := scan(s)
		if err != nil {
			return err
		}
		out = append(out, v)
		return nil
	}, query, args...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Exists reports whether a query gives any row.
func (tx *Tx) Exists(ctx context.Context, query string, args ...any) (bool, error) {
	var any any
	err := tx.Row(ctx, query, args...).Scan(&any)
	if errors.Is(err, ErrNoRow) {
		return false, nil
	}
	return err == nil, err
}

// call runs fn and turns a panic into a value, so that a transaction can be rolled back before the panic goes on in its caller.
func call(fn func(*Tx) error, tx *Tx) (panicked any, err error) {
	defer func() {
		if p := recover(); p != nil {
			panicked = p
			err = fmt.Errorf("db: panic in a transaction: %v", p)
		}
	}()
	return nil, fn(tx)
}

// committed runs what waited for the commit.
func (tx *Tx) committed() {
	for _, fn := range tx.after {
		fn()
	}
}
