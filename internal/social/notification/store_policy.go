package notification

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// readPolicy returns an account's policy, the usual one where it has none.
func readPolicy(ctx context.Context, tx *db.Tx, account id.ID) (p Policy, err error) {
	err = tx.Row(ctx, `SELECT not_following, not_followers, new_accounts, private_mentions, limited_accounts FROM notification_policy WHERE account = $1`, account).
		Scan(&p.NotFollowing, &p.NotFollowers, &p.NewAccounts, &p.PrivateMentions, &p.LimitedAccounts)
	if errors.Is(err, db.ErrNoRow) {
		return DefaultPolicy, nil
	}
	return p, err
}

func writePolicy(ctx context.Context, tx *db.Tx, account id.ID, p Policy) error {
	_, err := tx.Exec(ctx, `INSERT INTO notification_policy (account, not_following, not_followers, new_accounts, private_mentions, limited_accounts)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account) DO UPDATE SET not_following = excluded.not_following, not_followers = excluded.not_followers,
		new_accounts = excluded.new_accounts, private_mentions = excluded.private_mentions, limited_accounts = excluded.limited_accounts`,
		account, string(p.NotFollowing), string(p.NotFollowers), string(p.NewAccounts), string(p.PrivateMentions), string(p.LimitedAccounts))
	return err
}

// Request is somebody whose notifications are held.
type Request struct {
	ID         id.ID
	Account    id.ID // whose policy holds them
	From       id.ID
	LastStatus id.ID // 0: none
	Held       int
	Dismissed  bool
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

const requestColumns = `id, account, sender, last_status, held, dismissed, created_at, updated_at`

func scanRequest(s db.Scanner) (r Request, err error) {
	var dismissed, created, updated int64
	err = s.Scan(&r.ID, &r.Account, &r.From, &r.LastStatus, &r.Held, &dismissed, &created, &updated)
	r.Dismissed, r.CreatedAt, r.UpdatedAt = dismissed != 0, time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
	return r, err
}

// noteHeld counts one more held notification in its request. A request that was dismissed stays so.
func noteHeld(ctx context.Context, tx *db.Tx, request id.ID, n *Notification) error {
	_, err := tx.Exec(ctx, `INSERT INTO notification_request (`+requestColumns+`) VALUES ($1, $2, $3, $4, 1, 0, $5, $5)
		ON CONFLICT (account, sender) DO UPDATE SET held = notification_request.held + 1, updated_at = excluded.updated_at,
		last_status = CASE WHEN excluded.last_status <> 0 THEN excluded.last_status ELSE notification_request.last_status END`,
		request, n.Account, n.From, n.Status, n.At.UnixMicro())
	return err
}

// noteGone counts one held notification less, and drops a request that holds none any more.
func noteGone(ctx context.Context, tx *db.Tx, account, sender, status id.ID) error {
	_, err := tx.Exec(ctx, `UPDATE notification_request SET held = held - 1, last_status = CASE WHEN last_status = $3 THEN 0 ELSE last_status END
		WHERE account = $1 AND sender = $2`, account, sender, status)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM notification_request WHERE account = $1 AND sender = $2 AND held <= 0`, account, sender)
	return err
}

func listRequests(ctx context.Context, tx *db.Tx, account, min, max id.ID, up bool, limit int) ([]Request, error) {
	if max == 0 {
		max = math.MaxInt64
	}
	order := `DESC`
	if up {
		order = `ASC`
	}
	return db.All(ctx, tx, scanRequest, `SELECT `+requestColumns+` FROM notification_request WHERE account = $1 AND dismissed = 0 AND id > $2 AND id < $3
		ORDER BY id `+order+` LIMIT $4`, account, min, max, limit)
}

func getRequest(ctx context.Context, tx *db.Tx, account, request id.ID) (Request, error) {
	return db.One(ctx, tx, scanRequest, `SELECT `+requestColumns+` FROM notification_request WHERE id = $1 AND account = $2`, request, account)
}

// pending counts the requests that wait, and the notifications in them.
func pending(ctx context.Context, tx *db.Tx, account id.ID) (requests, held int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*), CAST(COALESCE(SUM(held), 0) AS BIGINT) FROM notification_request WHERE account = $1 AND dismissed = 0`, account).Scan(&requests, &held)
	return requests, held, err
}

func dropRequest(ctx context.Context, tx *db.Tx, request id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM notification_request WHERE id = $1`, request)
	return err
}

func dismissRequest(ctx context.Context, tx *db.Tx, account, request id.ID) (int64, error) {
	return tx.Exec(ctx, `UPDATE notification_request SET dismissed = 1 WHERE id = $1 AND account = $2`, request, account)
}

func permit(ctx context.Context, tx *db.Tx, account, sender id.ID, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO notification_permission (account, sender, created_at) VALUES ($1, $2, $3) ON CONFLICT (account, sender) DO NOTHING`,
		account, sender, now.UnixMicro())
	return err
}

func permitted(ctx context.Context, tx *db.Tx, account, sender id.ID) (bool, error) {
	return tx.Exists(ctx, `SELECT 1 FROM notification_permission WHERE account = $1 AND sender = $2`, account, sender)
}

// release takes a sender's notifications out of the requests.
func release(ctx context.Context, tx *db.Tx, account, sender id.ID) (int64, error) {
	return tx.Exec(ctx, `UPDATE notification SET held = 0 WHERE sender = $1 AND account = $2 AND held = 1`, sender, account)
}

func permissions(ctx context.Context, tx *db.Tx, account id.ID) ([]id.ID, error) {
	return db.All(ctx, tx, accounts, `SELECT sender FROM notification_permission WHERE account = $1 ORDER BY sender`, account)
}
