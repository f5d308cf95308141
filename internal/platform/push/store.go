package push

import (
	"context"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// row is a subscription as it is stored.
type row struct {
	Subscription
	token, p256dh, auth []byte
}

func insertKey(ctx context.Context, tx *db.Tx, public, sealed []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO push_key (one, public, sealed) VALUES (1, $1, $2) ON CONFLICT (one) DO NOTHING`, public, sealed)
	return err
}

func readKey(ctx context.Context, tx *db.Tx) (public, sealed []byte, err error) {
	err = tx.Row(ctx, `SELECT public, sealed FROM push_key WHERE one = 1`).Scan(&public, &sealed)
	return public, sealed, err
}

const columns = `id, account, session, token, endpoint, p256dh, auth, standard, alerts, policy, created_at`

func scan(s db.Scanner) (*row, error) {
	r := &row{}
	var standard, at int64
	var alerts string
	err := s.Scan(&r.ID, &r.Account, &r.Session, &r.token, &r.Endpoint, &r.p256dh, &r.auth, &standard, &alerts, &r.Policy, &at)
	r.Standard, r.At = standard != 0, time.UnixMicro(at).UTC()
	if alerts != "" {
		r.Alerts = strings.Split(alerts, ",")
	}
	return r, err
}

func insert(ctx context.Context, tx *db.Tx, r *row) error {
	var standard int64
	if r.Standard {
		standard = 1
	}
	if r.token == nil {
		r.token = []byte{}
	}
	_, err := tx.Exec(ctx, `INSERT INTO push_subscription (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		r.ID, r.Account, r.Session, r.token, r.Endpoint, r.p256dh, r.auth, standard, strings.Join(r.Alerts, ","), r.Policy, r.At.UnixMicro())
	return err
}

func bySession(ctx context.Context, tx *db.Tx, session id.ID) (*row, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM push_subscription WHERE session = $1`, session)
}

func byID(ctx context.Context, tx *db.Tx, subscription id.ID) (*row, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM push_subscription WHERE id = $1`, subscription)
}

func byAccount(ctx context.Context, tx *db.Tx, account id.ID) ([]*row, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM push_subscription WHERE account = $1 ORDER BY id`, account)
}

func update(ctx context.Context, tx *db.Tx, session id.ID, alerts []string, policy string) (int64, error) {
	return tx.Exec(ctx, `UPDATE push_subscription SET alerts = $1, policy = $2 WHERE session = $3`, strings.Join(alerts, ","), policy, session)
}

func dropSession(ctx context.Context, tx *db.Tx, session id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM push_subscription WHERE session = $1`, session)
	return err
}

func dropAccount(ctx context.Context, tx *db.Tx, account id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM push_subscription WHERE account = $1`, account)
	return err
}

func remove(ctx context.Context, tx *db.Tx, subscription id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM push_subscription WHERE id = $1`, subscription)
	return err
}
