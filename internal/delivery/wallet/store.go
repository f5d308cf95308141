package wallet

import (
	"context"
	"embed"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the tables gift_batch and gift_code.
//
//go:embed schema/*.sql
var Schema embed.FS

func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func insertBatch(ctx context.Context, tx *db.Tx, b *Batch) error {
	_, err := tx.Exec(ctx, `INSERT INTO gift_batch (id, amount, currency, count, note, expires_at, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		b.ID, b.Amount, b.Currency, b.Count, b.Note, micro(b.ExpiresAt), b.CreatedBy, b.CreatedAt.UnixMicro())
	return err
}

// perInsert is how many codes one statement stores.
const perInsert = 100

func insertCodes(ctx context.Context, tx *db.Tx, batch id.ID, digests []string) error {
	for len(digests) > 0 {
		n := min(perInsert, len(digests))
		var q strings.Builder
		q.WriteString(`INSERT INTO gift_code (digest, batch, state, account, at) VALUES `)
		args := []any{batch}
		for i, d := range digests[:n] {
			if i > 0 {
				q.WriteString(", ")
			}
			q.WriteString("($" + strconv.Itoa(i+2) + ", $1, 'new', 0, 0)")
			args = append(args, d)
		}
		if _, err := tx.Exec(ctx, q.String(), args...); err != nil {
			return err
		}
		digests = digests[n:]
	}
	return nil
}

const batchColumns = `b.id, b.amount, b.currency, b.count, b.note, b.expires_at, b.created_by, b.created_at`

func scanBatch(s db.Scanner) (b Batch, err error) {
	var expires, created int64
	err = s.Scan(&b.ID, &b.Amount, &b.Currency, &b.Count, &b.Note, &expires, &b.CreatedBy, &created, &b.Redeemed, &b.Expired)
	if expires > 0 {
		b.ExpiresAt = time.UnixMicro(expires).UTC()
	}
	b.CreatedAt = time.UnixMicro(created).UTC()
	return b, err
}

const countCodes = `(SELECT COUNT(*) FROM gift_code c WHERE c.batch = b.id AND c.state = 'redeemed'), (SELECT COUNT(*) FROM gift_code c WHERE c.batch = b.id AND c.state = 'expired')`

func batches(ctx context.Context, tx *db.Tx, below id.ID, limit int) ([]Batch, error) {
	if below == 0 {
		below = 1<<63 - 1
	}
	return db.All(ctx, tx, scanBatch, `SELECT `+batchColumns+`, `+countCodes+` FROM gift_batch b WHERE b.id < $1 ORDER BY b.id DESC LIMIT $2`, below, limit)
}

func batchOf(ctx context.Context, tx *db.Tx, digest string) (Batch, error) {
	return db.One(ctx, tx, scanBatch, `SELECT `+batchColumns+`, 0, 0 FROM gift_batch b JOIN gift_code g ON g.batch = b.id WHERE g.digest = $1`, digest)
}

// redeem gives a code to an account; false where it is not new any more, or over.
func redeem(ctx context.Context, tx *db.Tx, digest string, account id.ID, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE gift_code SET state = 'redeemed', account = $1, at = $2 WHERE digest = $3 AND state = 'new'
		AND batch IN (SELECT id FROM gift_batch WHERE expires_at = 0 OR expires_at > $2)`, account, at.UnixMicro(), digest)
	return n == 1, err
}

func stateOf(ctx context.Context, tx *db.Tx, digest string) (state string, err error) {
	err = tx.Row(ctx, `SELECT state FROM gift_code WHERE digest = $1`, digest).Scan(&state)
	return state, err
}

// over returns the digests of codes that nobody redeemed in time, at most limit.
func over(ctx context.Context, tx *db.Tx, now time.Time, limit int) ([]string, error) {
	return db.All(ctx, tx, func(s db.Scanner) (d string, err error) {
		err = s.Scan(&d)
		return d, err
	}, `SELECT c.digest FROM gift_code c JOIN gift_batch b ON b.id = c.batch WHERE c.state = 'new' AND b.expires_at > 0 AND b.expires_at <= $1
		ORDER BY c.digest LIMIT $2`, now.UnixMicro(), limit)
}

// expire marks a code as over; false where somebody was faster.
func expire(ctx context.Context, tx *db.Tx, digest string, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE gift_code SET state = 'expired', at = $1 WHERE digest = $2 AND state = 'new'`, at.UnixMicro(), digest)
	return n == 1, err
}

// endBatch has the codes of a batch that nobody redeemed end at a time; false where there is no such batch.
func endBatch(ctx context.Context, tx *db.Tx, batch id.ID, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE gift_batch SET expires_at = $1 WHERE id = $2 AND (expires_at = 0 OR expires_at > $1)`, at.UnixMicro(), batch)
	return n == 1, err
}

// redeemedBy returns how many codes an account has redeemed.
func redeemedBy(ctx context.Context, tx *db.Tx, account id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM gift_code WHERE account = $1`, account).Scan(&n)
	return n, err
}
