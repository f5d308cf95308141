package status

import (
	"context"
	"fmt"

	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// inRange returns the heads of a stretch in the order asked for.
func inRange(ctx context.Context, tx *db.Tx, r social.Range) ([]social.Head, error) {
	order := "DESC"
	if r.Up {
		order = "ASC"
	}
	args := []any{int64(r.Above), int64(below(r.Below)), r.Limit}
	var q string
	switch {
	case r.Tag != "":
		q = `SELECT ` + headColumns + ` FROM status WHERE id IN
			(SELECT status FROM status_tag WHERE tag = $4 AND status > $1 AND status < $2 ORDER BY status ` + order + ` LIMIT $3) ORDER BY id ` + order
		args = append(args, r.Tag)
	case r.Group != 0:
		q = `SELECT ` + headColumns + ` FROM status WHERE group_id = $4 AND group_id <> 0 AND id > $1 AND id < $2 ORDER BY id ` + order + ` LIMIT $3`
		args = append(args, int64(r.Group))
	case r.Account != 0:
		q = `SELECT ` + headColumns + ` FROM status WHERE account = $4 AND id > $1 AND id < $2 ORDER BY id ` + order + ` LIMIT $3`
		args = append(args, int64(r.Account))
	default:
		q = `SELECT ` + headColumns + ` FROM status WHERE id > $1 AND id < $2 ORDER BY id ` + order + ` LIMIT $3`
	}
	hs, err := db.All(ctx, tx, scanHead, q, args...)
	if err != nil {
		return nil, fmt.Errorf("status: read a stretch: %w", err)
	}
	return hs, nil
}
