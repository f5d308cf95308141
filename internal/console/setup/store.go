package setup

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/platform/db"
)

func putLink(ctx context.Context, tx *db.Tx, digest []byte, expires time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO setup_link (one, token_sha256, expires_at) VALUES (1, $1, $2)
		ON CONFLICT (one) DO UPDATE SET token_sha256 = excluded.token_sha256, expires_at = excluded.expires_at`, digest, expires.UnixMicro())
	return err
}

func hasLink(ctx context.Context, tx *db.Tx, digest []byte, now time.Time) (bool, error) {
	return tx.Exists(ctx, `SELECT 1 FROM setup_link WHERE token_sha256 = $1 AND expires_at > $2`, digest, now.UnixMicro())
}

// takeLink ends a link and reports whether it could still be used.
func takeLink(ctx context.Context, tx *db.Tx, digest []byte, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM setup_link WHERE token_sha256 = $1 AND expires_at > $2`, digest, now.UnixMicro())
	return n == 1, err
}
