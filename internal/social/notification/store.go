package notification

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

const columns = `id, account, type, sender, status, thing, group_key, held, data, created_at`

func scan(s db.Scanner) (n Notification, err error) {
	var held, at int64
	var data string
	if err := s.Scan(&n.ID, &n.Account, &n.Type, &n.From, &n.Status, &n.Thing, &n.Group, &held, &data, &at); err != nil {
		return n, err
	}
	n.Held, n.At = held != 0, time.UnixMicro(at).UTC()
	if data != "" {
		n.Data = &Data{}
		if err := json.Unmarshal([]byte(data), n.Data); err != nil {
			return n, fmt.Errorf("notification: data of %d: %w", n.ID, err)
		}
	}
	return n, nil
}

func insert(ctx context.Context, tx *db.Tx, n *Notification) error {
	var data string
	if n.Data != nil {
		b, err := json.Marshal(n.Data)
		if err != nil {
			return fmt.Errorf("notification: encode data: %w", err)
		}
		data = string(b)
	}
	_, err := tx.Exec(ctx, `INSERT INTO notification (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		n.ID, n.Account, n.Type, n.From, n.Status, n.Thing, n.Group, bit(n.Held), data, n.At.UnixMicro())
	return err
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// exists reports whether somebody has been told the same already.
func exists(ctx context.Context, tx *db.Tx, n *Notification) (bool, error) {
	return tx.Exists(ctx, `SELECT 1 FROM notification WHERE sender = $1 AND account = $2 AND type = $3 AND status = $4 AND thing = $5`,
		n.From, n.Account, n.Type, n.Status, n.Thing)
}

// below returns an account's rows under an id, newest first; held ones, too, where asked for.
func below(ctx context.Context, tx *db.Tx, account, from, max, since id.ID, held bool, limit int) ([]Notification, error) {
	if max == 0 {
		max = math.MaxInt64
	}
	switch {
	case from != 0:
		return db.All(ctx, tx, scan, `SELECT `+columns+` FROM notification WHERE sender = $1 AND account = $2 AND id < $3 AND id > $4 AND held <= $5
			ORDER BY id DESC LIMIT $6`, from, account, max, since, bit(held), limit)
	case held:
		return db.All(ctx, tx, scan, `SELECT `+columns+` FROM notification WHERE account = $1 AND held IN (0, 1) AND id < $2 AND id > $3
			ORDER BY id DESC LIMIT $4`, account, max, since, limit)
	}
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM notification WHERE account = $1 AND held = 0 AND id < $2 AND id > $3 ORDER BY id DESC LIMIT $4`,
		account, max, since, limit)
}

// above returns an account's rows over an id, oldest first.
func above(ctx context.Context, tx *db.Tx, account, min, max id.ID, held bool, limit int) ([]Notification, error) {
	if max == 0 {
		max = math.MaxInt64
	}
	if held {
		return db.All(ctx, tx, scan, `SELECT `+columns+` FROM notification WHERE account = $1 AND held IN (0, 1) AND id > $2 AND id < $3
			ORDER BY id LIMIT $4`, account, min, max, limit)
	}
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM notification WHERE account = $1 AND held = 0 AND id > $2 AND id < $3 ORDER BY id LIMIT $4`,
		account, min, max, limit)
}

func get(ctx context.Context, tx *db.Tx, account, notification id.ID) (Notification, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM notification WHERE id = $1 AND account = $2`, notification, account)
}

// inGroup returns the rows of a group, newest first.
func inGroup(ctx context.Context, tx *db.Tx, account id.ID, key string, limit int) ([]Notification, error) {
	if n, ok := strings.CutPrefix(key, ungrouped); ok {
		one, err := id.Parse(n)
		if err != nil {
			return nil, nil //nolint:nilnil // a key that is none has no rows
		}
		return db.All(ctx, tx, scan, `SELECT `+columns+` FROM notification WHERE id = $1 AND account = $2`, one, account)
	}
	if key == "" {
		return nil, nil //nolint:nilnil // the same
	}
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM notification WHERE account = $1 AND group_key = $2 AND group_key <> '' ORDER BY id DESC LIMIT $3`,
		account, key, limit)
}

// sum is how many rows a group has, and its newest.
type sum struct {
	count  int
	newest id.ID
}

// sums counts the rows of groups that are not held.
func sums(ctx context.Context, tx *db.Tx, account id.ID, keys []string) (map[string]sum, error) {
	out := make(map[string]sum, len(keys))
	if len(keys) == 0 {
		return out, nil
	}
	args := []any{account}
	marks := make([]string, len(keys))
	for i, k := range keys {
		args = append(args, k)
		marks[i] = "$" + strconv.Itoa(len(args))
	}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var key string
		var v sum
		err := s.Scan(&key, &v.count, &v.newest)
		out[key] = v
		return err
	}, `SELECT group_key, COUNT(*), MAX(id) FROM notification WHERE account = $1 AND group_key <> '' AND held = 0 AND group_key IN (`+strings.Join(marks, ", ")+`)
		GROUP BY group_key`, args...)
	return out, err
}

// accounts reads the first column of RETURNING.
func accounts(s db.Scanner) (a id.ID, err error) {
	err = s.Scan(&a)
	return a, err
}

func clear(ctx context.Context, tx *db.Tx, account id.ID) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM notification WHERE account = $1 AND held = 0`, account)
}

func dismiss(ctx context.Context, tx *db.Tx, account, notification id.ID) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM notification WHERE id = $1 AND account = $2`, notification, account)
}

func dismissGroup(ctx context.Context, tx *db.Tx, account id.ID, key string) (int64, error) {
	if n, ok := strings.CutPrefix(key, ungrouped); ok {
		one, err := id.Parse(n)
		if err != nil {
			return 0, nil
		}
		return dismiss(ctx, tx, account, one)
	}
	return tx.Exec(ctx, `DELETE FROM notification WHERE account = $1 AND group_key = $2 AND group_key <> ''`, account, key)
}

// withdraw takes back what told of something that was undone, and returns for whom.
func withdraw(ctx context.Context, tx *db.Tx, account, sender id.ID, kind string, status id.ID) ([]id.ID, error) {
	return db.All(ctx, tx, accounts, `DELETE FROM notification WHERE sender = $1 AND account = $2 AND type = $3 AND status = $4 RETURNING account`,
		sender, account, kind, status)
}

// withdrawThing takes back what a type told an account of a thing.
func withdrawThing(ctx context.Context, tx *db.Tx, account id.ID, kind string, thing id.ID) ([]id.ID, error) {
	return db.All(ctx, tx, accounts, `DELETE FROM notification WHERE thing = $1 AND thing <> 0 AND account = $2 AND type = $3 RETURNING account`, thing, account, kind)
}

// gone is a row that was taken away.
type gone struct {
	account, sender id.ID
	held            bool
}

// dropStatus takes back all that is about a status.
func dropStatus(ctx context.Context, tx *db.Tx, status id.ID) ([]gone, error) {
	return db.All(ctx, tx, func(s db.Scanner) (g gone, err error) {
		var held int64
		err = s.Scan(&g.account, &g.sender, &held)
		g.held = held != 0
		return g, err
	}, `DELETE FROM notification WHERE status = $1 AND status <> 0 RETURNING account, sender, held`, status)
}

// dropBetween takes back all that one told the other.
func dropBetween(ctx context.Context, tx *db.Tx, account, sender id.ID) ([]id.ID, error) {
	for _, query := range []string{
		`DELETE FROM notification_request WHERE account = $1 AND sender = $2`, `DELETE FROM notification_permission WHERE account = $1 AND sender = $2`,
	} {
		if _, err := tx.Exec(ctx, query, account, sender); err != nil {
			return nil, err
		}
	}
	return db.All(ctx, tx, accounts, `DELETE FROM notification WHERE sender = $1 AND account = $2 RETURNING account`, sender, account)
}

// oldest returns the ids of the oldest rows, and how many of them, from the first, are from before a time.
func oldest(ctx context.Context, tx *db.Tx, before time.Time, limit int) (ids []id.ID, old int, err error) {
	err = tx.Each(ctx, func(s db.Scanner) error {
		var n id.ID
		var at int64
		err := s.Scan(&n, &at)
		if ids = append(ids, n); at < before.UnixMicro() && old == len(ids)-1 {
			old = len(ids)
		}
		return err
	}, `SELECT id, created_at FROM notification ORDER BY id LIMIT $1`, limit)
	return ids, old, err
}

func dropUpTo(ctx context.Context, tx *db.Tx, newest id.ID, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM notification WHERE id <= $1 AND created_at < $2`, newest, before.UnixMicro())
	return err
}

func countOf(ctx context.Context, tx *db.Tx, account id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM notification WHERE account = $1 AND held IN (0, 1)`, account).Scan(&n)
	return n, err
}

// erase forgets some rows that are for an account or come from it.
func erase(ctx context.Context, tx *db.Tx, account id.ID, limit int) (more bool, err error) {
	for _, query := range []string{
		`DELETE FROM notification WHERE id IN (SELECT id FROM notification WHERE account = $1 AND held IN (0, 1) LIMIT $2)`,
		`DELETE FROM notification WHERE id IN (SELECT id FROM notification WHERE sender = $1 LIMIT $2)`,
		`DELETE FROM notification_request WHERE id IN (SELECT id FROM notification_request WHERE account = $1 OR sender = $1 LIMIT $2)`,
	} {
		n, err := tx.Exec(ctx, query, account, limit)
		if err != nil {
			return false, err
		}
		more = more || n == int64(limit)
	}
	for _, query := range []string{
		`DELETE FROM notification_permission WHERE account = $1 OR sender = $1`, `DELETE FROM notification_policy WHERE account = $1`,
	} {
		if _, err := tx.Exec(ctx, query, account); err != nil {
			return false, err
		}
	}
	return more, nil
}

// withdrawAll takes back what a type told anybody of a thing.
func withdrawAll(ctx context.Context, tx *db.Tx, kind string, thing id.ID) ([]id.ID, error) {
	return db.All(ctx, tx, accounts, `DELETE FROM notification WHERE thing = $1 AND thing <> 0 AND type = $2 RETURNING account`, thing, kind)
}
