package db

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"hash/fnv"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing/fstest"

	"github.com/pressly/goose/v3"
)

//go:embed schema/*.sql
var ownSchema embed.FS

// schemaName is how a schema file is called: its date gives the global order, the rest says what it is about.
var schemaName = regexp.MustCompile(`^(\d{4})-(\d{2})-(\d{2})-([a-z0-9-]+)\.sql$`)

// Migrate brings the database to the newest schema: each FS holds a slice's files schema/2026-12-01-order.sql, of which it runs those that
// have not run yet, oldest date first, each in a transaction. Files never change once released; a later file alters.
//
// A file is SQL in PostgreSQL's types (BIGINT, TEXT, BOOLEAN, DOUBLE PRECISION, BYTEA), each CREATE TABLE ending with a line ");". For
// SQLite the types are translated and the tables made STRICT. Lines between "-- only sqlite" or "-- only postgres" and "-- end" are for
// that engine alone.
func (d *DB) Migrate(ctx context.Context, schemas ...fs.FS) error {
	files, err := collect(d.dialect, append([]fs.FS{ownSchema}, schemas...))
	if err != nil {
		return err
	}
	dialect, pool := goose.DialectPostgres, d.pg
	if d.dialect == SQLite {
		dialect = goose.DialectSQLite3
		// A connection of its own: the writer's is held by its goroutine.
		if pool, err = sql.Open("sqlite", dsn(d.opt.Dir+"/stoa.db", false)); err != nil {
			return fmt.Errorf("db: open for migration: %w", err)
		}
		defer pool.Close()
	}
	// Out of order: a file's number within its date comes from its name, so one that is new may stand before others of that date that have run.
	p, err := goose.NewProvider(dialect, pool, files, goose.WithAllowOutofOrder(true))
	if err != nil {
		return fmt.Errorf("db: read the schemas: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("db: migrate: %w", err)
	}
	return nil
}

// collect returns all schema files under the names and in the form that goose reads.
func collect(dialect Dialect, schemas []fs.FS) (fs.FS, error) {
	out := fstest.MapFS{}
	versions := map[string]string{}
	for _, s := range schemas {
		names, err := fs.Glob(s, "schema/*.sql")
		if err != nil {
			return nil, fmt.Errorf("db: list schemas: %w", err)
		}
		for _, name := range names {
			m := schemaName.FindStringSubmatch(path.Base(name))
			if m == nil {
				return nil, fmt.Errorf("db: schema file %s is not named like 2026-12-01-order.sql", name)
			}
			// Several files share a date: their number within it comes from their name, so that a later file cannot shift it.
			h := fnv.New32a()
			h.Write([]byte(m[4]))
			version := fmt.Sprintf("%s%s%s%05d", m[1], m[2], m[3], h.Sum32()%100_000)
			if other := versions[version]; other != "" {
				return nil, fmt.Errorf("db: schema files %s and %s get the same number: rename one", other, name)
			}
			versions[version] = name
			b, err := fs.ReadFile(s, name)
			if err != nil {
				return nil, fmt.Errorf("db: read schema %s: %w", name, err)
			}
			out[version+"_"+strings.ReplaceAll(m[4], "-", "_")+".sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + translate(dialect, string(b)))}
		}
	}
	return out, nil
}

var liteTypes = strings.NewReplacer("BIGINT", "INTEGER", "BOOLEAN", "INTEGER", "DOUBLE PRECISION", "REAL", "BYTEA", "BLOB")

// translate returns the schema text for the dialect.
func translate(dialect Dialect, text string) string {
	var b strings.Builder
	only := ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "-- only "):
			only = strings.TrimPrefix(trimmed, "-- only ")
			continue
		case trimmed == "-- end":
			only = ""
			continue
		case only != "" && only != dialect.String():
			continue
		}
		if dialect == SQLite && only == "" {
			line = liteTypes.Replace(line)
			if trimmed == ");" {
				line = ") STRICT;\n"
			}
		}
		b.WriteString(line)
	}
	return b.String()
}
