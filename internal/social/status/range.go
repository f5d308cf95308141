package status

import (
	"context"
	"slices"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Ranges returns the heads of stretches, whoever may read them, in the order asked for. Those of suspended authors are left out.
func (s *Service) Ranges(ctx context.Context, rs []social.Range) ([]social.Stretch, error) {
	out := make([]social.Stretch, len(rs))
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		for i, r := range rs {
			hs, err := inRange(ctx, tx, r)
			if err != nil {
				return err
			}
			if out[i] = (social.Stretch{Heads: hs, More: len(hs) == r.Limit}); len(hs) > 0 {
				out[i].Last = hs[len(hs)-1].ID
			}
		}
		return nil
	})
	for i := range out {
		if err != nil {
			return nil, err
		}
		out[i].Heads, err = s.present(ctx, out[i].Heads)
	}
	return out, err
}

// Marked returns what an account has marked, by the marks' ids: those above and below the given ones (0: no bound), the newest first, even
// where with up the lowest above are meant.
func (s *Service) Marked(ctx context.Context, account id.ID, kind social.Mark, above, below id.ID, up bool, limit int) (out []social.MarkedStatus, err error) {
	if below == 0 {
		below = Newest
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		ms, err := markedBy(ctx, tx, account, kind, above, below, up, limit)
		for _, m := range ms {
			out = append(out, social.MarkedStatus{Mark: m.id, Status: m.status})
		}
		return err
	})
	if up {
		slices.Reverse(out)
	}
	return out, err
}
