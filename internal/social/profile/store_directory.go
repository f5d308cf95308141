package profile

import (
	"context"
	"fmt"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Directory returns the profiles of this town that want to be found: those that posted last first, or with fresh those that are new.
func (s *Service) Directory(ctx context.Context, fresh bool, offset, limit int) ([]id.ID, error) {
	order := `last_status_at DESC, id DESC`
	if fresh {
		order = `id DESC`
	}
	var out []id.ID
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		out, err = db.All(ctx, tx, func(r db.Scanner) (id.ID, error) {
			var n int64
			err := r.Scan(&n)
			return id.ID(n), err
		}, `SELECT id FROM social_profile WHERE discoverable AND NOT limited AND state = 'here' AND host = '' AND kind <> 'group' ORDER BY `+order+` LIMIT $1 OFFSET $2`, limit, offset)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("profile: read the directory: %w", err)
	}
	return out, nil
}
