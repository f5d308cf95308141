package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/stoa-town/stoa/internal/base/errs"
)

const (
	maxBatch = 256                  // transactions in one commit; more only makes the first of them wait longer
	maxOpen  = 2 * time.Millisecond // how long a commit stays open for latecomers
	maxQueue = 4096                 // writers waiting; the next is told to come back
)

// lite is SQLite: one writing connection with a goroutine that groups commits, and a pool of read-only ones.
type lite struct {
	opt     Options
	writeDB *sql.DB
	readDB  *sql.DB
	readers chan *conn
	queue   chan *pending
	stop    chan struct{} // closed: no more writes are taken
	stopped chan struct{} // closed: the writer has ended
	once    sync.Once
}

// pending is a write that waits for its turn or its commit.
type pending struct {
	fn       func(*Tx) error
	state    atomic.Int32 // 0 waiting, 1 begun, 2 given up
	tx       Tx
	err      error
	panicked any
	done     chan struct{}
}

// dsn returns the connection string. The pragmas stand in it, not in statements after opening: a pragma set by a statement holds for one
// connection of a pool only.
func dsn(path string, readOnly bool) string {
	q := url.Values{}
	for _, p := range []string{
		"busy_timeout(5000)", "journal_mode(WAL)",
		"synchronous(FULL)", // NORMAL loses acknowledged commits at power loss (docs/adr/0002)
		"foreign_keys(ON)", "cache_size(-65536)", "temp_store(MEMORY)", "trusted_schema(OFF)", "cell_size_check(ON)",
		"journal_size_limit(67108864)", "wal_autocheckpoint(4000)",
		"mmap_size(0)", // with a map, an I/O error is a SIGBUS
	} {
		q.Add("_pragma", p)
	}
	if readOnly {
		q.Add("_pragma", "query_only(ON)")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func openLite(ctx context.Context, path string, opt Options) (*lite, error) {
	w, err := sql.Open("sqlite", dsn(path, false))
	if err != nil {
		return nil, fmt.Errorf("db: open %s: %w", path, err)
	}
	w.SetMaxOpenConns(1)
	var version string
	if err := w.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&version); err != nil {
		w.Close()
		return nil, fmt.Errorf("db: open %s: %w", path, err)
	}
	if older(version, 3, 51, 3) {
		w.Close()
		return nil, fmt.Errorf("db: SQLite %s can lose commits in WAL mode; 3.51.3 or newer is needed", version)
	}
	r, err := sql.Open("sqlite", dsn(path, true))
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("db: open %s: %w", path, err)
	}
	r.SetMaxOpenConns(opt.Readers)
	r.SetMaxIdleConns(opt.Readers)
	l := &lite{
		opt: opt, writeDB: w, readDB: r,
		readers: make(chan *conn, opt.Readers), queue: make(chan *pending, maxQueue),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	for range opt.Readers {
		l.readers <- &conn{db: r}
	}
	go l.run()
	return l, nil
}

// older reports whether version "a.b.c" is before major.minor.patch.
func older(version string, major, minor, patch int) bool {
	var a, b, c int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &a, &b, &c); err != nil {
		return true
	}
	if a != major {
		return a < major
	}
	if b != minor {
		return b < minor
	}
	return c < patch
}

func (l *lite) close() error {
	l.once.Do(func() { close(l.stop) })
	<-l.stopped
	for range cap(l.readers) {
		(<-l.readers).close()
	}
	return errors.Join(l.readDB.Close(), l.writeDB.Close())
}

func (l *lite) read(ctx context.Context, fn func(*Tx) error) error {
	var c *conn
	select {
	case c = <-l.readers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { l.readers <- c }()
	if _, err := c.exec(ctx, `BEGIN`, nil); err != nil {
		c.close()
		return fmt.Errorf("db: begin reading: %w", err)
	}
	tx := Tx{q: c, dialect: SQLite}
	panicked, err := call(fn, &tx)
	if _, end := c.exec(ctx, `ROLLBACK`, nil); end != nil {
		c.close() // opened anew by its next user
	}
	if panicked != nil {
		panic(panicked)
	}
	return err
}

func (l *lite) write(ctx context.Context, fn func(*Tx) error) error {
	p := &pending{fn: fn, done: make(chan struct{})}
	select {
	case <-l.stop:
		return errClosed
	case l.queue <- p:
	default:
		return errs.New(errs.Unavailable, "The server has too much to write just now. Try again in a moment.").WithCode("overloaded").WithRetry(time.Second)
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		if p.state.CompareAndSwap(0, 2) {
			return ctx.Err()
		}
		<-p.done
	case <-l.stopped:
		// The writer may have answered just before it ended; otherwise nobody will.
		select {
		case <-p.done:
		default:
			return errClosed
		}
	}
	if p.panicked != nil {
		panic(p.panicked)
	}
	return p.err
}

var errClosed = errs.New(errs.Unavailable, "The server is shutting down. Try again in a moment.").WithCode("shutting_down")

// run is the writer: it takes whoever waits into one commit.
func (l *lite) run() {
	defer close(l.stopped)
	c := &conn{db: l.writeDB}
	defer c.close()
	for {
		select {
		case p := <-l.queue:
			l.batch(c, p)
		case <-l.stop:
			for { // what was accepted before the end is still done
				select {
				case p := <-l.queue:
					l.batch(c, p)
				default:
					return
				}
			}
		}
	}
}

// batch runs first and whoever else waits in one transaction, commits, and tells them.
func (l *lite) batch(c *conn, first *pending) {
	ctx := context.Background()
	began := time.Now()
	var members []*pending
	_, failed := c.exec(ctx, `BEGIN IMMEDIATE`, nil)
	for p := first; p != nil; p = l.next(began, len(members)) {
		if !p.state.CompareAndSwap(0, 1) {
			continue
		}
		members = append(members, p)
		if failed == nil {
			failed = l.member(ctx, c, p)
		}
	}
	if failed == nil {
		_, failed = c.exec(ctx, `COMMIT`, nil)
	}
	if failed != nil {
		if _, err := c.exec(ctx, `ROLLBACK`, nil); err != nil {
			c.close()
		}
	}
	if l.opt.OnBatch != nil {
		l.opt.OnBatch(len(members), time.Since(began))
	}
	for _, p := range members {
		switch {
		case failed != nil && p.err == nil:
			p.err = fmt.Errorf("db: commit: %w", failed)
		case p.err == nil:
			p.tx.committed()
		}
		close(p.done)
	}
}

// next returns the next waiting write, or nil when the batch is to be committed.
func (l *lite) next(began time.Time, n int) *pending {
	if n >= maxBatch || time.Since(began) > maxOpen {
		return nil
	}
	select {
	case p := <-l.queue:
		return p
	default:
		return nil
	}
}

// member runs one write under its savepoint. It returns an error only where the whole batch is lost.
func (l *lite) member(ctx context.Context, c *conn, p *pending) error {
	if _, err := c.exec(ctx, `SAVEPOINT w`, nil); err != nil {
		return err
	}
	p.tx = Tx{q: c, dialect: SQLite}
	began := time.Now()
	p.panicked, p.err = call(p.fn, &p.tx)
	if took := time.Since(began); took > l.opt.SlowOver && l.opt.OnSlow != nil {
		l.opt.OnSlow(string(debug.Stack()), took)
	}
	if p.err != nil {
		if _, err := c.exec(ctx, `ROLLBACK TO w`, nil); err != nil {
			return err // after a full disk SQLite has rolled the whole transaction back itself
		}
	}
	_, err := c.exec(ctx, `RELEASE w`, nil)
	return err
}

// conn is one SQLite connection with its prepared statements. It belongs to one goroutine at a time and opens itself when needed.
type conn struct {
	db    *sql.DB
	c     *sql.Conn
	stmts map[string]*sql.Stmt
}

// maxStmts bounds the cache; Stoa's statements are fixed texts, of which there are a few hundred.
const maxStmts = 1000

func (c *conn) close() {
	if c.c == nil {
		return
	}
	for _, s := range c.stmts {
		s.Close()
	}
	c.c.Close()
	c.c, c.stmts = nil, nil
}

func (c *conn) prepare(query string) (*sql.Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	ctx := context.Background()
	if c.c == nil {
		sc, err := c.db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		c.c, c.stmts = sc, make(map[string]*sql.Stmt)
	}
	s, err := c.c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(c.stmts) < maxStmts {
		c.stmts[query] = s
	}
	return s, nil
}

// Statements run without the caller's cancellation: the driver would start a goroutine for each to watch for it, and they take microseconds.

func (c *conn) exec(_ context.Context, query string, args []any) (sql.Result, error) {
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

func (c *conn) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}
