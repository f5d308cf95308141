package guard

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

const columns = `id, kind, value, severity, comment, public, options, account, created_at, expires_at`

var errGone = errs.New(errs.NotFound, "Record not found")

func scan(s db.Scanner) (b *Block, err error) {
	b = &Block{}
	var options string
	var created, expires int64
	err = s.Scan(&b.ID, &b.Kind, &b.Value, &b.Severity, &b.Comment, &b.Public, &options, &b.Account, &created, &expires)
	b.Options, b.CreatedAt = strings.Fields(options), time.UnixMicro(created).UTC()
	if expires != 0 {
		b.ExpiresAt = time.UnixMicro(expires).UTC()
	}
	return b, err
}

func expiry(b *Block) int64 {
	if b.ExpiresAt.IsZero() {
		return 0
	}
	return b.ExpiresAt.UnixMicro()
}

func insert(ctx context.Context, tx *db.Tx, b *Block) error {
	_, err := tx.Exec(ctx, `INSERT INTO moderation_block (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		b.ID, string(b.Kind), b.Value, b.Severity, b.Comment, b.Public, strings.Join(b.Options, " "), b.Account, b.CreatedAt.UnixMicro(), expiry(b))
	return err
}

func update(ctx context.Context, tx *db.Tx, b *Block) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE moderation_block SET value = $1, severity = $2, comment = $3, public = $4, options = $5, expires_at = $6 WHERE id = $7 AND kind = $8`,
		b.Value, b.Severity, b.Comment, b.Public, strings.Join(b.Options, " "), expiry(b), b.ID, string(b.Kind))
	return n > 0, err
}

func remove(ctx context.Context, tx *db.Tx, kind Kind, block id.ID) error {
	n, err := tx.Exec(ctx, `DELETE FROM moderation_block WHERE id = $1 AND kind = $2`, block, string(kind))
	if err == nil && n == 0 {
		return errGone
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM moderation_block_hit WHERE block = $1`, block)
	return err
}

func get(ctx context.Context, tx *db.Tx, kind Kind, block id.ID) (*Block, error) {
	b, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM moderation_block WHERE id = $1 AND kind = $2`, block, string(kind))
	if errors.Is(err, db.ErrNoRow) {
		return nil, errGone
	}
	return b, err
}

func byValue(ctx context.Context, tx *db.Tx, kind Kind, value string) (*Block, error) {
	b, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM moderation_block WHERE value = $1 AND kind = $2`, value, string(kind))
	if errors.Is(err, db.ErrNoRow) {
		return nil, errGone
	}
	return b, err
}

// list returns blocks of a kind, the newest first; with up the oldest above a place.
func list(ctx context.Context, tx *db.Tx, kind Kind, below, above id.ID, up bool, limit int) ([]*Block, error) {
	order := `DESC`
	if up {
		order = `ASC`
	}
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM moderation_block WHERE kind = $1 AND id < $2 AND id > $3 ORDER BY id `+order+` LIMIT $4`,
		string(kind), below, above, limit)
}

// all returns what every request and sign-up is held against.
func all(ctx context.Context, tx *db.Tx) ([]*Block, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM moderation_block WHERE kind IN ('ip', 'mail', 'address')`)
}

func hit(ctx context.Context, tx *db.Tx, block id.ID, day int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO moderation_block_hit (block, day, tries) VALUES ($1, $2, 1) ON CONFLICT (block, day)
		DO UPDATE SET tries = moderation_block_hit.tries + 1`, block, day)
	return err
}

// hits returns how often a block kept somebody out since a day, by the day.
func hits(ctx context.Context, tx *db.Tx, block id.ID, since int64) (map[int64]int64, error) {
	out := map[int64]int64{}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var day, n int64
		err := s.Scan(&day, &n)
		out[day] = n
		return err
	}, `SELECT day, tries FROM moderation_block_hit WHERE block = $1 AND day >= $2`, block, since)
	return out, err
}

// forget takes out whose addresses are blocked: the hashes stay, and lead to nobody.
func forget(ctx context.Context, tx *db.Tx, account id.ID) error {
	_, err := tx.Exec(ctx, `UPDATE moderation_block SET account = 0 WHERE account = $1`, account)
	return err
}

// sweep forgets blocks that have run out, and days of which nobody asks.
func sweep(ctx context.Context, tx *db.Tx, before time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM moderation_block WHERE expires_at <> 0 AND expires_at < $1`, before.UnixMicro()); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM moderation_block_hit WHERE day < $1`, before.Unix()/86400)
	return err
}
