package group

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the tables group_order, group_member and group_line.
//
//go:embed schema/*.sql
var Schema embed.FS

func insert(ctx context.Context, tx *db.Tx, g *Group, at time.Time) error {
	var deadline int64
	if !g.Deadline.IsZero() {
		deadline = g.Deadline.UnixMicro()
	}
	_, err := tx.Exec(ctx, `INSERT INTO group_order (id, token, restaurant, host, state, deadline, order_id, created_at) VALUES ($1, $2, $3, $4, 'open', $5, 0, $6)`,
		g.ID, g.Token, g.Restaurant, g.host, deadline, at.UnixMicro())
	return err
}

func scan(s db.Scanner) (g Group, err error) {
	var deadline, collecting, since int64
	err = s.Scan(&g.ID, &g.Token, &g.Restaurant, &g.host, &g.State, &deadline, &g.Order, &collecting, &g.Extra, &since)
	if g.Collecting = collecting != 0; g.Collecting {
		g.BackAt = time.UnixMicro(since).UTC().Add(CollectFor)
	}
	if deadline > 0 {
		g.Deadline = time.UnixMicro(deadline).UTC()
	}
	return g, err
}

const columns = `id, token, restaurant, host, state, deadline, order_id, collecting, extra, collect_at`

func byToken(ctx context.Context, tx *db.Tx, token string) (Group, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM group_order WHERE token = $1`, token)
}

func byID(ctx context.Context, tx *db.Tx, n id.ID) (Group, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM group_order WHERE id = $1`, n)
}

// lock has changes of one group order come one after another, and returns it as it stands then.
func lock(ctx context.Context, tx *db.Tx, token string) (Group, error) {
	if _, err := tx.Exec(ctx, `UPDATE group_order SET state = state WHERE token = $1`, token); err != nil {
		return Group{}, err
	}
	return byToken(ctx, tx, token)
}

// setState moves a group order from one state to another; false where it is not in that.
func setState(ctx context.Context, tx *db.Tx, group id.ID, from, to string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE group_order SET state = $1 WHERE id = $2 AND state = $3`, to, group, from)
	return n == 1, err
}

// ordered notes the order that a host's locked group order has become: the one whose shares paid for it, else the newest for which nothing is
// collected. It returns its token, if there is one.
func ordered(ctx context.Context, tx *db.Tx, host, restaurant, order id.ID) (tokens []string, err error) {
	list, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM group_order WHERE host = $1 AND restaurant = $2 AND state = 'locked'
		AND (collecting = 0 OR id IN (SELECT group_id FROM group_share WHERE order_id = $3)) ORDER BY collecting DESC, id DESC LIMIT 1`, host, restaurant, order)
	for _, g := range list {
		if _, err := tx.Exec(ctx, `UPDATE group_order SET state = 'ordered', order_id = $1 WHERE id = $2`, order, g.ID); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `UPDATE group_member SET paid = 1 WHERE id IN (SELECT member FROM group_share WHERE order_id = $1)`, order); err != nil {
			return nil, err
		}
		tokens = append(tokens, g.Token)
	}
	return tokens, err
}

func tokensOf(ctx context.Context, tx *db.Tx, order id.ID) ([]string, error) {
	return db.All(ctx, tx, func(s db.Scanner) (t string, err error) {
		err = s.Scan(&t)
		return t, err
	}, `SELECT token FROM group_order WHERE order_id = $1`, order)
}

// openToken returns the token of the newest open group order at a restaurant with a member, or db.ErrNoRow.
func openToken(ctx context.Context, tx *db.Tx, person string, restaurant id.ID) (token string, err error) {
	err = tx.Row(ctx, `SELECT g.token FROM group_member m JOIN group_order g ON g.id = m.group_id
		WHERE m.person = $1 AND g.restaurant = $2 AND g.state = 'open' ORDER BY g.id DESC LIMIT 1`, person, restaurant).Scan(&token)
	return token, err
}

// join stores a member, or gives one that is there already another name.
func join(ctx context.Context, tx *db.Tx, m *Member, group id.ID) error {
	_, err := tx.Exec(ctx, `INSERT INTO group_member (id, group_id, person, account, name, paid) VALUES ($1, $2, $3, $4, $5, 0)
		ON CONFLICT (group_id, person) DO UPDATE SET name = excluded.name`, m.ID, group, m.person, m.account, m.Name)
	return err
}

func members(ctx context.Context, tx *db.Tx, group id.ID) ([]Member, error) {
	return db.All(ctx, tx, func(s db.Scanner) (m Member, err error) {
		var paid int64
		err = s.Scan(&m.ID, &m.person, &m.account, &m.Name, &paid)
		m.Paid, m.Lines = paid != 0, []Line{}
		return m, err
	}, `SELECT id, person, account, name, paid FROM group_member WHERE group_id = $1 ORDER BY id`, group)
}

func setPaid(ctx context.Context, tx *db.Tx, group, member id.ID, paid bool) (bool, error) {
	var v int64
	if paid {
		v = 1
	}
	n, err := tx.Exec(ctx, `UPDATE group_member SET paid = $1 WHERE id = $2 AND group_id = $3`, v, member, group)
	return n == 1, err
}

type stored struct {
	id     id.ID
	member id.ID
	line   delivery.LineRequest
}

func lines(ctx context.Context, tx *db.Tx, group id.ID) ([]stored, error) {
	return db.All(ctx, tx, func(s db.Scanner) (l stored, err error) {
		var doc string
		if err = s.Scan(&l.id, &l.member, &doc); err == nil {
			err = json.Unmarshal([]byte(doc), &l.line)
		}
		return l, err
	}, `SELECT id, member, doc FROM group_line WHERE group_id = $1 ORDER BY id`, group)
}

func insertLine(ctx context.Context, tx *db.Tx, line, group, member id.ID, l delivery.LineRequest) error {
	doc, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("group: encode a line: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO group_line (id, group_id, member, doc) VALUES ($1, $2, $3, $4)`, line, group, member, string(doc))
	return err
}

// removeLine takes a line out; member 0: whoever's it is.
func removeLine(ctx context.Context, tx *db.Tx, group, line, member id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM group_line WHERE id = $1 AND group_id = $2 AND ($3 = CAST(0 AS BIGINT) OR member = $3)`, line, group, member)
	return n == 1, err
}

// mine returns the group orders that an account takes part in, newest first.
func mine(ctx context.Context, tx *db.Tx, account id.ID) ([]Group, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM group_order WHERE id IN (SELECT group_id FROM group_member WHERE account = $1) OR host = $1 ORDER BY id DESC`, account)
}

// forget takes an account's name out of the group orders that it took part in.
func forget(ctx context.Context, tx *db.Tx, account id.ID) error {
	_, err := tx.Exec(ctx, `UPDATE group_member SET name = '', person = 'gone' || CAST(id AS TEXT) WHERE account = $1`, account)
	return err
}

// sweep deletes a group order that was opened before a time, with all of it; n is how many.
func sweep(ctx context.Context, tx *db.Tx, before time.Time, limit int) (n int64, err error) {
	old, err := db.All(ctx, tx, func(s db.Scanner) (g id.ID, err error) {
		err = s.Scan(&g)
		return g, err
	}, `SELECT id FROM group_order WHERE created_at < $1 ORDER BY id LIMIT $2`, before.UnixMicro(), limit)
	if err != nil {
		return 0, err
	}
	for _, g := range old {
		for _, q := range []string{`DELETE FROM group_line WHERE group_id = $1`, `DELETE FROM group_member WHERE group_id = $1`, `DELETE FROM group_order WHERE id = $1`} {
			if _, err := tx.Exec(ctx, q, g); err != nil {
				return n, err
			}
		}
		n++
	}
	return n, nil
}
