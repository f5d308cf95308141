package group

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// share is a stored share.
type share struct {
	id, group, member, account, order id.ID
	amount                            money.Amount
	currency                          string
	method                            delivery.Method // "": not paid yet
	back                              bool
}

const shareColumns = `id, group_id, member, account, amount, currency, method, order_id, back`

func scanShare(s db.Scanner) (r share, err error) {
	var back int64
	err = s.Scan(&r.id, &r.group, &r.member, &r.account, &r.amount, &r.currency, &r.method, &r.order, &back)
	r.back = back != 0
	return r, err
}

// sharesOf returns the shares of a group order, those that went back included.
func sharesOf(ctx context.Context, tx *db.Tx, group id.ID) ([]share, error) {
	return db.All(ctx, tx, scanShare, `SELECT `+shareColumns+` FROM group_share WHERE group_id = $1 ORDER BY id`, group)
}

// sharesFor returns the shares that were taken out of a pot for an order.
func sharesFor(ctx context.Context, tx *db.Tx, order id.ID) ([]share, error) {
	return db.All(ctx, tx, scanShare, `SELECT `+shareColumns+` FROM group_share WHERE order_id = $1 ORDER BY id`, order)
}

func shareByID(ctx context.Context, tx *db.Tx, n id.ID) (share, error) {
	return db.One(ctx, tx, scanShare, `SELECT `+shareColumns+` FROM group_share WHERE id = $1`, n)
}

func insertShare(ctx context.Context, tx *db.Tx, r share) error {
	_, err := tx.Exec(ctx, `INSERT INTO group_share (`+shareColumns+`) VALUES ($1, $2, $3, $4, $5, $6, '', 0, 0)`, r.id, r.group, r.member, r.account, r.amount, r.currency)
	return err
}

// setMethod notes how a share is paid, under the id of its payment.
func setMethod(ctx context.Context, tx *db.Tx, from, to id.ID, m delivery.Method) error {
	_, err := tx.Exec(ctx, `UPDATE group_share SET id = $1, method = $2 WHERE id = $3`, to, string(m), from)
	return err
}

// setOrder notes for which order a share was taken out of the pot; 0: it is in the pot again.
func setOrder(ctx context.Context, tx *db.Tx, n, order id.ID) error {
	_, err := tx.Exec(ctx, `UPDATE group_share SET order_id = $1 WHERE id = $2`, order, n)
	return err
}

// setBack notes that a share goes back. One that was never paid is nothing any more.
func setBack(ctx context.Context, tx *db.Tx, n id.ID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM group_share WHERE id = $1 AND method = ''`, n); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE group_share SET back = 1 WHERE id = $1`, n)
	return err
}

// setCollecting says whether the shares of a group order are collected, and with how much of fee and tip.
func setCollecting(ctx context.Context, tx *db.Tx, group id.ID, on bool, extra money.Amount, at time.Time) error {
	var v int64
	if on {
		v = 1
	}
	_, err := tx.Exec(ctx, `UPDATE group_order SET collecting = $1, extra = $2, collect_at = $3 WHERE id = $4`, v, extra, at.UnixMicro(), group)
	return err
}

// stale returns the group orders that have been collecting since before a time.
func stale(ctx context.Context, tx *db.Tx, before time.Time, limit int) ([]Group, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM group_order WHERE collecting = 1 AND state = 'locked' AND collect_at < $1 ORDER BY collect_at LIMIT $2`, before.UnixMicro(), limit)
}

// collectingOf returns the group order of a host at a restaurant for which shares are collected now; ErrNoRow where there is none.
func collectingOf(ctx context.Context, tx *db.Tx, host, restaurant id.ID) (Group, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM group_order WHERE host = $1 AND restaurant = $2 AND state = 'locked' AND collecting = 1 ORDER BY id DESC LIMIT 1`, host, restaurant)
}

// potSums returns what ought to be in each pot: what came in by card and stayed, what was paid from credit, less what orders took.
func potSums(ctx context.Context, tx *db.Tx) (map[id.ID]money.Amount, error) {
	out := map[id.ID]money.Amount{}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var group id.ID
		var sum money.Amount
		err := s.Scan(&group, &sum)
		out[group] += sum
		return err
	}, `SELECT group_id, CAST(SUM(CASE WHEN method = 'credit' AND back = 0 THEN amount ELSE 0 END - CASE WHEN order_id <> 0 THEN amount ELSE 0 END) AS BIGINT)
		FROM group_share GROUP BY group_id`)
	return out, err
}
