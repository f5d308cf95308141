package idem

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// The states of a stored request.
const (
	running = "running"
	done    = "done"
	failed  = "failed"
)

type record struct {
	hash  []byte
	state string
	reply string
}

func insert(ctx context.Context, tx *db.Tx, r Request, state, reply string, now time.Time) error {
	n, err := tx.Exec(ctx, `INSERT INTO idempotency (account, route, key, body_hash, state, reply, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`, int64(r.Account), r.Route, r.Key, r.hash, state, reply, now.UnixMicro())
	if err != nil {
		return fmt.Errorf("idem: store a key: %w", err)
	}
	if n == 0 {
		return ErrTaken
	}
	return nil
}

func update(ctx context.Context, tx *db.Tx, r Ref, state, reply string) error {
	_, err := tx.Exec(ctx, `UPDATE idempotency SET state = $1, reply = $2 WHERE account = $3 AND route = $4 AND key = $5 AND state = 'running'`,
		state, reply, int64(r.Account), r.Route, r.Key)
	if err != nil {
		return fmt.Errorf("idem: store an answer: %w", err)
	}
	return nil
}

func find(ctx context.Context, tx *db.Tx, r Ref) (rec record, err error) {
	err = tx.Row(ctx, `SELECT body_hash, state, reply FROM idempotency WHERE account = $1 AND route = $2 AND key = $3`,
		int64(r.Account), r.Route, r.Key).Scan(&rec.hash, &rec.state, &rec.reply)
	return rec, err
}

func sweep(ctx context.Context, tx *db.Tx, before time.Time, limit int) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM idempotency WHERE (account, route, key) IN
		(SELECT account, route, key FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2)`, before.UnixMicro(), limit)
}

func count(ctx context.Context, tx *db.Tx, account id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM idempotency WHERE account = $1`, int64(account)).Scan(&n)
	return n, err
}

func forget(ctx context.Context, tx *db.Tx, account id.ID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM idempotency WHERE account = $1`, int64(account)); err != nil {
		return fmt.Errorf("idem: forget the answers to %s: %w", account, err)
	}
	return nil
}
