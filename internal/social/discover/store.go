package discover

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

func dismiss(ctx context.Context, tx *db.Tx, account, target id.ID, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO social_dismissed (account, target, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, int64(account), int64(target), at.UnixMicro())
	if err != nil {
		return fmt.Errorf("discover: dismiss a suggestion: %w", err)
	}
	return nil
}

func dismissed(ctx context.Context, tx *db.Tx, account id.ID) (map[id.ID]bool, error) {
	out := map[id.ID]bool{}
	err := tx.Each(ctx, func(r db.Scanner) error {
		var n int64
		err := r.Scan(&n)
		out[id.ID(n)] = true
		return err
	}, `SELECT target FROM social_dismissed WHERE account = $1`, int64(account))
	if err != nil {
		return nil, fmt.Errorf("discover: read what was dismissed: %w", err)
	}
	return out, nil
}

func forget(ctx context.Context, tx *db.Tx, account id.ID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM social_dismissed WHERE account = $1 OR target = $1`, int64(account)); err != nil {
		return fmt.Errorf("discover: forget an account: %w", err)
	}
	return nil
}
