package follow

import (
	"context"
	"fmt"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// friends bounds how many follows are looked through for theirs: somebody who follows thousands gets suggestions of the newest of them.
const friends = 500

// SecondDegree returns whom those follow whom the account follows, with how many of them do, at most limit, those with most first. Whom the
// account follows itself is left out.
func (s *Service) SecondDegree(ctx context.Context, account id.ID, limit int) (map[id.ID]int, error) {
	out := map[id.ID]int{}
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(ctx, func(r db.Scanner) error {
			var who, n int64
			err := r.Scan(&who, &n)
			out[id.ID(who)] = int(n)
			return err
		}, `SELECT b.followee, COUNT(*) FROM social_follow b WHERE b.pending = FALSE AND b.followee <> $1
			AND b.follower IN (SELECT followee FROM social_follow WHERE follower = $1 AND pending = FALSE ORDER BY id DESC LIMIT $2)
			AND b.followee NOT IN (SELECT followee FROM social_follow WHERE follower = $1)
			GROUP BY b.followee ORDER BY COUNT(*) DESC, b.followee LIMIT $3`, int64(account), friends, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("follow: read the second degree: %w", err)
	}
	return out, nil
}
