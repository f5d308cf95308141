// Package db is Stoa's one way to its database: SQLite in one file by default, PostgreSQL when a town outgrows one machine, with one SQL
// text for both.
//
// A slice's service opens a transaction with Read or Write and hands the *Tx to its store, where every statement lives. On SQLite all
// writes run one after another on one connection: whoever waits is taken into the running commit, each under a savepoint of its own, so
// that many durable writes share one fsync and one failed write sinks no other. On PostgreSQL a Write is a READ COMMITTED transaction,
// run again when the server asks for it (serialization failure, deadlock). Rules that must hold between concurrent writers are therefore
// conditional updates (UPDATE … WHERE state = $old, then look at the row count) and unique indexes: they are right on both.
//
// SQL is written for PostgreSQL's types and with $1 parameters; see Migrate for how schemas become SQLite's.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// Dialect is the database engine that a DB talks to.
type Dialect int

// The engines. Branch on them rarely, in a store, and say why.
const (
	SQLite Dialect = iota
	Postgres
)

// String returns "sqlite" or "postgres".
func (d Dialect) String() string {
	if d == Postgres {
		return "postgres"
	}
	return "sqlite"
}

// ErrNoRow is returned by Row.Scan and One where the statement gives no row. Stores translate it to what is missing.
var ErrNoRow = errors.New("db: no row")

// Options says where the database is.
type Options struct {
	Dir      string // folder of the SQLite file stoa.db; made when missing. Used where URL is empty
	URL      string // postgres://…
	Readers  int    // SQLite read connections, or PostgreSQL pool size; 0 means 8 and 20
	SlowOver time.Duration
	OnSlow   func(stack string, took time.Duration) // called when a write transaction held the writer longer than SlowOver
	OnBatch  func(writes int, took time.Duration)   // called after each SQLite commit
}

// DB is an open database. Safe for concurrent use.
type DB struct {
	dialect Dialect
	opt     Options
	pg      *sql.DB
	lite    *lite
}

// Open opens the database and checks that it answers. It makes the SQLite file and its folder when they are missing, and refuses an
// SQLite library older than 3.51.3, whose WAL could lose commits.
func Open(ctx context.Context, opt Options) (*DB, error) {
	if opt.SlowOver == 0 {
		opt.SlowOver = 200 * time.Millisecond
	}
	if opt.URL != "" {
		return openPostgres(ctx, opt)
	}
	if opt.Readers == 0 {
		opt.Readers = 8
	}
	if err := os.MkdirAll(opt.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("db: make data folder: %w", err)
	}
	l, err := openLite(ctx, filepath.Join(opt.Dir, "stoa.db"), opt)
	if err != nil {
		return nil, err
	}
	return &DB{dialect: SQLite, opt: opt, lite: l}, nil
}

// Dialect returns the engine.
func (d *DB) Dialect() Dialect { return d.dialect }

// Close waits for the running transactions and closes the database. Calls after it fail.
func (d *DB) Close() error {
	if d.dialect == Postgres {
		return d.pg.Close()
	}
	return d.lite.close()
}

// Read runs fn in a read-only transaction that sees one state of the database. It does not wait for writers.
func (d *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	if d.dialect == Postgres {
		return d.readPostgres(ctx, fn)
	}
	return d.lite.read(ctx, fn)
}

// Write runs fn in a transaction and returns once it is on disk, or fn's error with nothing changed. fn may run several times (on
// PostgreSQL, after a serialization failure): it must have no effect but through tx. It must not call Write, wait for the network, or
// keep tx. The functions given to tx.AfterCommit run after the commit, before Write returns.
//
// When ctx ends before fn has begun, Write returns its error. On SQLite a transaction that has begun is carried to its end; on PostgreSQL
// it is rolled back. An error after the commit was sent does not say whether it took effect: callers that matter repeat with their key.
func (d *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	if d.dialect == Postgres {
		return d.writePostgres(ctx, fn)
	}
	return d.lite.write(ctx, fn)
}

// Ping reports whether the database can be read.
func (d *DB) Ping(ctx context.Context) error {
	return d.Read(ctx, func(tx *Tx) error {
		var one int
		return tx.Row(ctx, `SELECT 1`).Scan(&one)
	})
}

// IsUnique reports whether err is a violation of a primary key or unique index.
func IsUnique(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505"
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == 2067 || e.Code() == 1555 // SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// Size returns how many bytes the database takes on disk.
func (d *DB) Size(ctx context.Context) (bytes int64, err error) {
	query := `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`
	if d.dialect == Postgres { // each engine knows its own size only
		query = `SELECT pg_database_size(current_database())`
	}
	err = d.Read(ctx, func(tx *Tx) error { return tx.Row(ctx, query).Scan(&bytes) })
	if err != nil {
		return 0, fmt.Errorf("db: measure the database: %w", err)
	}
	return bytes, nil
}
