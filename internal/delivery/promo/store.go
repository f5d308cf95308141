package promo

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the tables promotion, promo_use, promo_person and promo_first.
//
//go:embed schema/*.sql
var Schema embed.FS

const columns = `id, restaurant, code, state, doc, used, most, each, rev, created_by, created_at, changed_at`

func scan(s db.Scanner) (*Promotion, error) {
	var p Promotion
	var doc string
	var created, changed int64
	if err := s.Scan(&p.ID, &p.Restaurant, &p.Code, &p.State, &doc, &p.Used, &p.Most, &p.Each, &p.rev, &p.CreatedBy, &created, &changed); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(doc), &p.Rules); err != nil {
		return nil, fmt.Errorf("promo: decode the rules of %s: %w", p.ID, err)
	}
	p.CreatedAt, p.ChangedAt = time.UnixMicro(created).UTC(), time.UnixMicro(changed).UTC()
	return &p, nil
}

func all(ctx context.Context, tx *db.Tx) ([]*Promotion, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM promotion WHERE state <> 'ended' OR code <> '' ORDER BY id`)
}

func byID(ctx context.Context, tx *db.Tx, promotion id.ID) (*Promotion, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM promotion WHERE id = $1`, promotion)
}

// below is the id from which a list goes down; 0: from the newest.
func below(n id.ID) id.ID {
	if n == 0 {
		return 1<<63 - 1
	}
	return n
}

func list(ctx context.Context, tx *db.Tx, from id.ID, limit int) ([]*Promotion, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM promotion WHERE id < $1 ORDER BY id DESC LIMIT $2`, below(from), limit)
}

func listOf(ctx context.Context, tx *db.Tx, restaurant, from id.ID, limit int) ([]*Promotion, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM promotion WHERE restaurant = $1 AND id < $2 ORDER BY id DESC LIMIT $3`, restaurant, below(from), limit)
}

func encode(p *Promotion) (string, error) {
	doc, err := json.Marshal(&p.Rules)
	if err != nil {
		return "", fmt.Errorf("promo: encode the rules of %s: %w", p.ID, err)
	}
	return string(doc), nil
}

// insert stores a promotion. It fails with a db.IsUnique error where its code is taken.
func insert(ctx context.Context, tx *db.Tx, p *Promotion) error {
	doc, err := encode(p)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO promotion (`+columns+`) VALUES ($1, $2, $3, $4, $5, 0, $6, $7, 1, $8, $9, $10)`,
		p.ID, p.Restaurant, p.Code, string(p.State), doc, p.Most, p.Each, p.CreatedBy, p.CreatedAt.UnixMicro(), p.ChangedAt.UnixMicro())
	return err
}

// update stores a promotion over the revision that it was made from; false where that is not the newest any more, or more orders have it
// than may. What has ended stays so.
func update(ctx context.Context, tx *db.Tx, p *Promotion) (bool, error) {
	doc, err := encode(p)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `UPDATE promotion SET code = $1, state = $2, doc = $3, most = $4, each = $5, rev = rev + 1, changed_at = $6
		WHERE id = $7 AND rev = $8 AND state <> 'ended' AND ($4 = CAST(0 AS BIGINT) OR used <= $4)`,
		p.Code, string(p.State), doc, p.Most, p.Each, p.ChangedAt.UnixMicro(), p.ID, p.rev)
	return n == 1, err
}

// usesOf returns how many orders have a promotion, and how many of an account.
func usesOf(ctx context.Context, tx *db.Tx, promotion, account id.ID) (used, mine int64, err error) {
	if err := tx.Row(ctx, `SELECT used FROM promotion WHERE id = $1`, promotion).Scan(&used); err != nil {
		return 0, 0, err
	}
	err = tx.Row(ctx, `SELECT used FROM promo_person WHERE promotion = $1 AND account = $2`, promotion, account).Scan(&mine)
	if errors.Is(err, db.ErrNoRow) {
		err = nil
	}
	return used, mine, err
}

// take counts one more order of a promotion; false where there may be no more. An order that is taken up again may have what has been
// paused or ended since. full: it was the last.
func take(ctx context.Context, tx *db.Tx, promotion id.ID, again bool) (ok, full bool, err error) {
	state := `state = 'active'`
	if again {
		state = `1 = 1`
	}
	n, err := tx.Exec(ctx, `UPDATE promotion SET used = used + 1 WHERE id = $1 AND `+state+` AND (most = 0 OR used < most)`, promotion)
	if err != nil || n == 0 {
		return false, false, err
	}
	full, err = tx.Exists(ctx, `SELECT 1 FROM promotion WHERE id = $1 AND most > 0 AND used >= most`, promotion)
	return true, full, err
}

// takeOf counts one more order of a person; false where they have most already.
func takeOf(ctx context.Context, tx *db.Tx, promotion, account id.ID, most int64) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO promo_person (promotion, account, used) VALUES ($1, $2, 1)
		ON CONFLICT (promotion, account) DO UPDATE SET used = promo_person.used + 1 WHERE promo_person.used < $3`, promotion, account, most)
	return n == 1, err
}

// giveOf takes one order of a promotion back, and one of a person where those are counted.
func giveOf(ctx context.Context, tx *db.Tx, promotion, account id.ID) error {
	if _, err := tx.Exec(ctx, `UPDATE promotion SET used = used - 1 WHERE id = $1 AND used > 0`, promotion); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE promo_person SET used = used - 1 WHERE promotion = $1 AND account = $2 AND used > 0`, promotion, account)
	return err
}

// takeFirst writes down that an order is somebody's first at a restaurant (0: in town); false where another one is.
func takeFirst(ctx context.Context, tx *db.Tx, account, restaurant, order id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO promo_first (account, restaurant, order_id) VALUES ($1, $2, $3)
		ON CONFLICT (account, restaurant) DO UPDATE SET order_id = excluded.order_id WHERE promo_first.order_id = excluded.order_id`, account, restaurant, order)
	return n == 1, err
}

// giveFirst lets another order be the first.
func giveFirst(ctx context.Context, tx *db.Tx, order id.ID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM promo_first WHERE order_id = $1`, order); err != nil {
		return fmt.Errorf("promo: give back what is for a first order: %w", err)
	}
	return nil
}

// Use is an order that has, or had, a promotion.
type Use struct {
	Promotion id.ID        `json:"-"`
	Order     id.ID        `json:"order"`
	Account   id.ID        `json:"account"`
	Amount    money.Amount `json:"amount" doc:"What it took off."`
	State     string       `json:"state" enum:"used,back" doc:"back: the order was cancelled."`
	At        time.Time    `json:"at"`
}

func scanUse(s db.Scanner) (u Use, err error) {
	var at int64
	err = s.Scan(&u.Promotion, &u.Order, &u.Account, &u.Amount, &u.State, &at)
	u.At = time.UnixMicro(at).UTC()
	return u, err
}

const useColumns = `promotion, order_id, account, amount, state, at`

// note writes down that an order has a promotion. first: it had not before; ok: it has not now.
func note(ctx context.Context, tx *db.Tx, u Use) (first, ok bool, err error) {
	n, err := tx.Exec(ctx, `INSERT INTO promo_use (`+useColumns+`) VALUES ($1, $2, $3, $4, 'used', $5) ON CONFLICT (promotion, order_id) DO NOTHING`,
		u.Promotion, u.Order, u.Account, u.Amount, u.At.UnixMicro())
	if err != nil || n == 1 {
		return true, n == 1, err
	}
	n, err = tx.Exec(ctx, `UPDATE promo_use SET state = 'used' WHERE promotion = $1 AND order_id = $2 AND state = 'back'`, u.Promotion, u.Order)
	return false, n == 1, err
}

// usedBy returns the promotions that an order has.
func usedBy(ctx context.Context, tx *db.Tx, order id.ID) ([]Use, error) {
	return db.All(ctx, tx, scanUse, `SELECT `+useColumns+` FROM promo_use WHERE order_id = $1 AND state = 'used' ORDER BY promotion`, order)
}

// back writes down that an order has a promotion no more; false where it had not.
func back(ctx context.Context, tx *db.Tx, promotion, order id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE promo_use SET state = 'back' WHERE promotion = $1 AND order_id = $2 AND state = 'used'`, promotion, order)
	return n == 1, err
}

func uses(ctx context.Context, tx *db.Tx, promotion, from id.ID, limit int) ([]Use, error) {
	return db.All(ctx, tx, scanUse, `SELECT `+useColumns+` FROM promo_use WHERE promotion = $1 AND order_id < $2 ORDER BY order_id DESC LIMIT $3`,
		promotion, below(from), limit)
}

// usesBy returns all uses of an account, newest first.
func usesBy(ctx context.Context, tx *db.Tx, account id.ID) ([]Use, error) {
	return db.All(ctx, tx, scanUse, `SELECT `+useColumns+` FROM promo_use WHERE account = $1 ORDER BY order_id DESC, promotion`, account)
}

func countBy(ctx context.Context, tx *db.Tx, account id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM promo_use WHERE account = $1`, account).Scan(&n)
	return n, err
}
