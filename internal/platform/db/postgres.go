package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// maxTries is how often a transaction is run when PostgreSQL asks for it again.
const maxTries = 12

func openPostgres(ctx context.Context, opt Options) (*DB, error) {
	cfg, err := pgx.ParseConfig(opt.URL)
	if err != nil {
		return nil, fmt.Errorf("db: read the PostgreSQL URL: %w", err)
	}
	for k, v := range map[string]string{
		"statement_timeout": "10000", "lock_timeout": "5000", "idle_in_transaction_session_timeout": "10000",
		"application_name": "stoa", "timezone": "UTC",
	} {
		if _, set := cfg.RuntimeParams[k]; !set {
			cfg.RuntimeParams[k] = v
		}
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 3 * time.Second
	}
	pool := stdlib.OpenDB(*cfg)
	size := opt.Readers
	if size == 0 {
		size = 20
	}
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	if err := pool.PingContext(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("db: reach PostgreSQL: %w", err)
	}
	return &DB{dialect: Postgres, opt: opt, pg: pool}, nil
}

// pgTx runs statements on a *sql.Tx; pgx keeps them prepared per connection.
type pgTx struct{ tx *sql.Tx }

func (t pgTx) exec(ctx context.Context, q string, args []any) (sql.Result, error) {
	return t.tx.ExecContext(ctx, q, args...)
}

func (t pgTx) query(ctx context.Context, q string, args []any) (*sql.Rows, error) {
	return t.tx.QueryContext(ctx, q, args...)
}

func (d *DB) readPostgres(ctx context.Context, fn func(*Tx) error) error {
	_, err := d.tryPostgres(ctx, fn, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	return err
}

func (d *DB) writePostgres(ctx context.Context, fn func(*Tx) error) error {
	for try := 1; ; try++ {
		again, err := d.tryPostgres(ctx, fn, nil)
		if err == nil || !again || try == maxTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(rand.Int64N(int64(try) * int64(4*time.Millisecond)))):
		}
	}
}

// tryPostgres runs fn once; again says that nothing was changed and another try may succeed.
func (d *DB) tryPostgres(ctx context.Context, fn func(*Tx) error, opt *sql.TxOptions) (again bool, err error) {
	sqlTx, err := d.pg.BeginTx(ctx, opt)
	if err != nil {
		return false, unreachable(err)
	}
	tx := &Tx{q: pgTx{sqlTx}, dialect: Postgres}
	panicked, err := call(fn, tx)
	if err != nil {
		_ = sqlTx.Rollback() // the error that matters is err
		if panicked != nil {
			panic(panicked)
		}
		return retryable(err), unreachable(err)
	}
	if err := sqlTx.Commit(); err != nil {
		return retryable(err), unreachable(fmt.Errorf("db: commit: %w", err))
	}
	tx.committed()
	return false, nil
}

// retryable reports whether PostgreSQL undid the transaction only because of others that ran at the same time.
func retryable(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01")
}

// unreachable turns the errors of a server that is gone, or too busy to get a lock or an answer in time, into Unavailable, and leaves every
// other as it is.
func unreachable(err error) error {
	_, noConn := errors.AsType[*pgconn.ConnectError](err)
	e, isPg := errors.AsType[*pgconn.PgError](err)
	// 53300 too many connections, 55P03 lock_timeout, 57014 statement_timeout, 57P… shutting down, 08… connection lost.
	down := isPg && (strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08") || e.Code == "53300" || e.Code == "55P03" || e.Code == "57014")
	if !noConn && !down && !errors.Is(err, sql.ErrConnDone) && !errors.Is(err, driver.ErrBadConn) && !pgconn.SafeToRetry(err) {
		return err
	}
	return errs.New(errs.Unavailable, "The database cannot be reached just now. Nothing was changed; try again in a moment.").WithCause(err).WithRetry(2 * time.Second)
}
