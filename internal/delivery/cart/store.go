package cart

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// row is a stored cart. rev 0: there is none yet.
type row struct {
	rev  int64
	cart Cart
}

func load(ctx context.Context, tx *db.Tx, o Owner) (row, error) {
	return db.One(ctx, tx, func(s db.Scanner) (row, error) {
		var r row
		var doc, aside string
		var updated int64
		if err := s.Scan(&r.rev, &doc, &aside, &updated); err != nil {
			return r, err
		}
		if err := json.Unmarshal([]byte(doc), &r.cart); err != nil {
			return r, fmt.Errorf("cart: decode: %w", err)
		}
		if aside != "" {
			r.cart.aside = new(Cart)
			if err := json.Unmarshal([]byte(aside), r.cart.aside); err != nil {
				return r, fmt.Errorf("cart: decode what was put away: %w", err)
			}
		}
		r.cart.UpdatedAt = time.UnixMicro(updated).UTC()
		return r, nil
	}, `SELECT rev, doc, aside, updated_at FROM cart WHERE owner = $1`, o.key())
}

// save stores a cart over the revision that it was made from. It returns false where that is not the newest any more; a cart that somebody
// else has stored first gives db.IsUnique.
func save(ctx context.Context, tx *db.Tx, o Owner, rev int64, c *Cart) (bool, error) {
	doc, err := json.Marshal(c)
	if err != nil {
		return false, fmt.Errorf("cart: encode: %w", err)
	}
	aside := []byte{}
	if c.aside != nil {
		if aside, err = json.Marshal(c.aside); err != nil {
			return false, fmt.Errorf("cart: encode what is put away: %w", err)
		}
	}
	if rev == 0 {
		n, err := tx.Exec(ctx, `INSERT INTO cart (owner, rev, restaurant, portions, doc, aside, updated_at) VALUES ($1, 1, $2, $3, $4, $5, $6)`,
			o.key(), c.Restaurant, c.Portions(), string(doc), string(aside), c.UpdatedAt.UnixMicro())
		return n == 1, err
	}
	n, err := tx.Exec(ctx, `UPDATE cart SET rev = rev + 1, restaurant = $1, portions = $2, doc = $3, aside = $4, updated_at = $5 WHERE owner = $6 AND rev = $7`,
		c.Restaurant, c.Portions(), string(doc), string(aside), c.UpdatedAt.UnixMicro(), o.key(), rev)
	return n == 1, err
}

// portionsOf returns how many portions are in a cart.
func portionsOf(ctx context.Context, tx *db.Tx, key string) (n int, err error) {
	err = tx.Row(ctx, `SELECT portions FROM cart WHERE owner = $1`, key).Scan(&n)
	return n, err
}

// remove deletes an owner's cart, whatever is in it.
func remove(ctx context.Context, tx *db.Tx, o Owner) error {
	_, err := tx.Exec(ctx, `DELETE FROM cart WHERE owner = $1`, o.key())
	return err
}

// removeOrdered deletes an owner's cart of a restaurant where it was not touched after a time. It reports whether there was one.
func removeOrdered(ctx context.Context, tx *db.Tx, o Owner, restaurant id.ID, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM cart WHERE owner = $1 AND restaurant = $2 AND updated_at <= $3`, o.key(), restaurant, at.UnixMicro())
	return n > 0, err
}

// sweep deletes carts that nobody has touched since before, at most limit, and returns how many.
func sweep(ctx context.Context, tx *db.Tx, before time.Time, limit int) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM cart WHERE owner IN (SELECT owner FROM cart WHERE updated_at < $1 LIMIT $2)`, before.UnixMicro(), limit)
}
