package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Sums returns what the entries of all accounts of an owner come to in a currency, by kind and word, of those entered for a time from from
// on and before to. A zero time is no bound: with two of them the sums are balances.
func (s *Service) Sums(ctx context.Context, tx *db.Tx, owner id.ID, currency string, from, to time.Time) ([]delivery.BookSum, error) {
	least, most := span(from, to)
	list, err := db.All(ctx, tx, func(r db.Scanner) (b delivery.BookSum, err error) {
		var kind string
		err = r.Scan(&kind, &b.Sub, &b.What, &b.Amount)
		b.Kind = delivery.BookKind(kind)
		return b, err
	}, `SELECT a.kind, a.sub, e.what, CAST(SUM(e.amount) AS BIGINT) FROM ledger_account a JOIN ledger_entry e ON e.account = a.id
		WHERE a.owner = $1 AND a.currency = $2 AND e.at >= $3 AND e.at < $4 GROUP BY a.kind, a.sub, e.what`, int64(owner), currency, least, most)
	if err != nil {
		return nil, fmt.Errorf("ledger: sum up the accounts of %d: %w", owner, err)
	}
	return list, nil
}
