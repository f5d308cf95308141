package db_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

var schema fs.FS = fstest.MapFS{"schema/2026-01-01-thing.sql": {Data: []byte(`
CREATE TABLE thing (
    id    BIGINT PRIMARY KEY,
    name  TEXT NOT NULL,
    left_ BIGINT NOT NULL CHECK (left_ >= 0),
    open  BOOLEAN NOT NULL DEFAULT FALSE,
    w     DOUBLE PRECISION NOT NULL DEFAULT 0,
    blob  BYTEA
);
CREATE UNIQUE INDEX thing_name ON thing (name);
`)}}

func insert(ctx context.Context, d *db.DB, id int, name string, left int) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO thing (id, name, left_) VALUES ($1, $2, $3)`, id, name, left)
		return err
	})
}

func count(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Row(t.Context(), `SELECT COUNT(*) FROM thing`).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFailedWriteLeavesNothingAndHarmsNoNeighbour(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		var failed, stored, hooks atomic.Int64
		bad := errors.New("no")
		for i := range 200 {
			wg.Go(func() {
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					tx.AfterCommit(func() { hooks.Add(1) })
					if _, err := tx.Exec(t.Context(), `INSERT INTO thing (id, name, left_) VALUES ($1, $2, 0)`, i, fmt.Sprint(i)); err != nil {
						return err
					}
					if i%3 == 0 {
						return bad
					}
					return nil
				})
				switch {
				case errors.Is(err, bad):
					failed.Add(1)
				case err == nil:
					stored.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := count(t, d); int64(n) != stored.Load() || failed.Load() != 67 || hooks.Load() != stored.Load() {
			t.Fatalf("%d rows, %d stored, %d failed, %d hooks; want 133, 133, 67, 133", n, stored.Load(), failed.Load(), hooks.Load())
		}
	}, schema)
}

func TestPanicRollsBackAndReachesItsCaller(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		func() {
			defer func() {
				if p := recover(); p != "boom" {
					t.Fatalf("recovered %v; want boom", p)
				}
			}()
			d.Write(t.Context(), func(tx *db.Tx) error {
				if _, err := tx.Exec(t.Context(), `INSERT INTO thing (id, name, left_) VALUES (1, 'a', 0)`); err != nil {
					return err
				}
				panic("boom")
			})
		}()
		if n := count(t, d); n != 0 {
			t.Fatalf("%d rows after the panic; want 0", n)
		}
		if err := insert(t.Context(), d, 1, "a", 0); err != nil {
			t.Fatalf("the next write: %v", err)
		}
	}, schema)
}

func TestConditionalUpdateSellsTheLastPieceOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		if err := insert(t.Context(), d, 1, "last piece", 1); err != nil {
			t.Fatal(err)
		}
		var got atomic.Int64
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					n, err := tx.Exec(t.Context(), `UPDATE thing SET left_ = left_ - 1 WHERE id = 1 AND left_ >= 1`)
					got.Add(n)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got.Load() != 1 {
			t.Fatalf("%d people got the last piece; want 1", got.Load())
		}
	}, schema)
}

func TestUniqueViolationIsRecognised(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		if err := insert(t.Context(), d, 1, "a", 0); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{"key": insert(t.Context(), d, 1, "b", 0), "index": insert(t.Context(), d, 2, "a", 0)} {
			if !db.IsUnique(err) {
				t.Errorf("%s: IsUnique(%v) = false; want true", name, err)
			}
		}
		if err := insert(t.Context(), d, 3, "c", -1); err == nil || db.IsUnique(err) {
			t.Errorf("a broken check gave %v; want an error that is not about uniqueness", err)
		}
	}, schema)
}

func TestTypesRoundTrip(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		err := d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO thing (id, name, left_, open, w, blob) VALUES ($1, $2, $3, $4, $5, $6)`, int64(1)<<62, "Ünï ☕", 3, true, 0.25, []byte{0, 1, 255})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = d.Read(ctx, func(tx *db.Tx) error {
			var id int64
			var name string
			var open bool
			var w float64
			var blob []byte
			if err := tx.Row(ctx, `SELECT id, name, open, w, blob FROM thing WHERE open = TRUE AND id = $1`, int64(1)<<62).Scan(&id, &name, &open, &w, &blob); err != nil {
				return err
			}
			if id != 1<<62 || name != "Ünï ☕" || !open || w != 0.25 || len(blob) != 3 || blob[2] != 255 {
				t.Errorf("read back %d %q %v %v %v", id, name, open, w, blob)
			}
			if err := tx.Row(ctx, `SELECT id FROM thing WHERE id = 5`).Scan(&id); !errors.Is(err, db.ErrNoRow) {
				t.Errorf("Scan of no row = %v; want ErrNoRow", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}, schema)
}

func TestReadersCannotWrite(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO thing (id, name, left_) VALUES (1, 'a', 0)`)
			return err
		})
		if err == nil || count(t, d) != 0 {
			t.Fatalf("a write inside Read gave %v and %d rows", err, count(t, d))
		}
	}, schema)
}

func TestAFileThatIsNewRunsEvenWhereItsNumberIsLower(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		// Files of one date are numbered by their names: whichever of these is lower comes second in one of the two orders.
		more := []fs.FS{
			fstest.MapFS{"schema/2026-01-02-a.sql": {Data: []byte("CREATE TABLE a (\n  id BIGINT PRIMARY KEY\n);\n")}},
			fstest.MapFS{"schema/2026-01-02-b.sql": {Data: []byte("CREATE TABLE b (\n  id BIGINT PRIMARY KEY\n);\n")}},
			fstest.MapFS{"schema/2025-12-31-c.sql": {Data: []byte("CREATE TABLE c (\n  id BIGINT PRIMARY KEY\n);\n")}},
		}
		for i := range more {
			if err := d.Migrate(t.Context(), append([]fs.FS{schema}, more[:i+1]...)...); err != nil {
				t.Fatalf("with %d new files: %v", i+1, err)
			}
		}
		for _, table := range []string{"a", "b", "c"} {
			if err := d.Write(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), `INSERT INTO `+table+` (id) VALUES (1)`)
				return err
			}); err != nil {
				t.Errorf("table %s: %v", table, err)
			}
		}
	}, schema)
}

func TestMigrateTwiceChangesNothing(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		if err := insert(t.Context(), d, 1, "a", 0); err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(t.Context(), schema); err != nil || count(t, d) != 1 {
			t.Fatalf("second Migrate = %v with %d rows; want nil with 1", err, count(t, d))
		}
	}, schema)
}

func TestNodesGetDifferentNumbers(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		var mu sync.Mutex
		seen := map[int]bool{}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				n, err := d.ClaimNode(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if seen[n.Number] {
					t.Errorf("number %d given twice", n.Number)
				}
				seen[n.Number] = true
			})
		}
		wg.Wait()
		n, err := d.ClaimNode(t.Context())
		if err != nil || n.Number != 10 {
			t.Fatalf("the eleventh got %+v, %v; want number 10", n, err)
		}
		if err := n.Keep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := n.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := n.Keep(t.Context()); err == nil {
			t.Fatal("a released number was kept")
		}
	})
}

func TestWriteAfterCloseIsRefused(t *testing.T) {
	d, err := db.Open(t.Context(), db.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(t.Context(), func(*db.Tx) error { return nil }); err == nil {
		t.Fatal("a closed database took a write")
	}
}

func BenchmarkWrite(b *testing.B) {
	d := dbtest.SQLite(b, schema)
	var n atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := insert(b.Context(), d, int(n.Add(1)), fmt.Sprint(n.Load(), b.N, &n), 0); err != nil && !db.IsUnique(err) {
				b.Error(err)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	d := dbtest.SQLite(b, schema)
	if err := insert(b.Context(), d, 1, "a", 0); err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			err := d.Read(b.Context(), func(tx *db.Tx) error {
				var name string
				return tx.Row(b.Context(), `SELECT name FROM thing WHERE id = $1`, 1).Scan(&name)
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestAWriterThatGetsNoLockIsToldToComeBack(t *testing.T) {
	d, err := db.Open(t.Context(), db.Options{URL: dbtest.PostgresURL(t) + "&lock_timeout=50"}) // SQLite's writers wait their turn
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	exec := func(query string) error {
		return d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), query)
			return err
		})
	}
	for _, q := range []string{`CREATE TABLE thing (id BIGINT PRIMARY KEY, n BIGINT)`, `INSERT INTO thing (id, n) VALUES (1, 1)`} {
		if err := exec(q); err != nil {
			t.Fatal(err)
		}
	}
	const change = `UPDATE thing SET n = n + 1 WHERE id = 1`
	err = d.Write(t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec(t.Context(), change); err != nil {
			return err
		}
		if err := exec(change); !errs.Is(err, errs.Unavailable) {
			t.Errorf("a second writer of the row = %v; want it to be Unavailable", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheSizeOfTheDatabaseIsKnown(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		size, err := d.Size(t.Context())
		if err != nil || size <= 0 {
			t.Fatalf("Size = %d, %v", size, err)
		}
	})
}
