// Package dbtest gives tests real databases: a fresh SQLite file and a fresh PostgreSQL database each.
//
// PostgreSQL comes from STOA_TEST_POSTGRES: a URL of a server on which databases may be made, "off" to test SQLite alone (the skip says
// so), or empty: then a throw-away cluster is started from the installed binaries and ends with the test process. Where the binaries are
// missing the PostgreSQL half is skipped, and failed under CI=true.
package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"

	"github.com/stoa-town/stoa/internal/platform/db"
)

// Run runs test once on each engine, with an empty database migrated to the given schemas.
func Run(t *testing.T, test func(t *testing.T, d *db.DB), schemas ...fs.FS) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t, schemas...)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t, schemas...)) })
}

// SQLite returns a fresh migrated SQLite database that is closed when the test ends.
func SQLite(t testing.TB, schemas ...fs.FS) *db.DB {
	t.Helper()
	return open(t, db.Options{Dir: t.TempDir()}, schemas)
}

// Postgres returns a fresh migrated PostgreSQL database that is dropped when the test ends, or skips the test.
func Postgres(t testing.TB, schemas ...fs.FS) *db.DB {
	t.Helper()
	return open(t, db.Options{URL: PostgresURL(t)}, schemas)
}

func open(t testing.TB, opt db.Options, schemas []fs.FS) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), opt)
	if err != nil {
		t.Fatalf("open the test database: %v", err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context(), schemas...); err != nil {
		t.Fatalf("migrate the test database: %v", err)
	}
	return d
}

var (
	clusterOnce sync.Once
	clusterURL  string
	clusterErr  error
	databases   atomic.Int64
)

// PostgresURL makes an empty PostgreSQL database and returns its URL. It is dropped when the test ends.
func PostgresURL(t testing.TB) string {
	t.Helper()
	base := os.Getenv("STOA_TEST_POSTGRES")
	switch base {
	case "off":
		t.Skip("PostgreSQL is turned off by STOA_TEST_POSTGRES=off: this half of the test did not run")
	case "":
		clusterOnce.Do(func() {
			dir, err := ClusterDir()
			if err != nil {
				clusterErr = err
				return
			}
			clusterURL, _, clusterErr = StartCluster(dir)
		})
		if clusterErr != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("no PostgreSQL for the tests: %v", clusterErr)
			}
			t.Skipf("no PostgreSQL for this half of the test: %v", clusterErr)
		}
		base = clusterURL
	}
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatalf("open the PostgreSQL server: %v", err)
	}
	defer admin.Close()
	name := fmt.Sprintf("stoa_%d_%d", os.Getpid(), databases.Add(1))
	if _, err := admin.ExecContext(t.Context(), `CREATE DATABASE `+name+` TEMPLATE template0`); err != nil {
		t.Fatalf("make a PostgreSQL database: %v", err)
	}
	t.Cleanup(func() {
		admin, err := sql.Open("pgx", base)
		if err != nil {
			return
		}
		defer admin.Close()
		_, _ = admin.ExecContext(context.Background(), `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`) // a leftover is harmless
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatalf("read the PostgreSQL URL: %v", err)
	}
	u.Path = "/" + name
	return u.String()
}

// ClusterDir returns the folder for this process's throw-away cluster, and removes those of processes that are gone.
func ClusterDir() (string, error) {
	old, err := filepath.Glob(filepath.Join(os.TempDir(), "stoa-test-pg-*"))
	if err != nil {
		return "", err
	}
	for _, dir := range old {
		var pid int
		if _, err := fmt.Sscanf(filepath.Base(dir), "stoa-test-pg-%d", &pid); err != nil {
			continue
		}
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); os.IsNotExist(err) {
			os.RemoveAll(dir)
		}
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("stoa-test-pg-%d", os.Getpid())), nil
}
