package people

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// search reads people, newest first, from before the account with an id where that is not 0. Accounts that are gone for good are left out.
func search(ctx context.Context, tx *db.Tx, q Query, before int64, limit int) ([]account.Account, error) {
	query := `SELECT id, handle, name, email, lang, tz, state, stage, frozen, created_at FROM account WHERE name <> ''`
	var args []any
	mark := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	if before != 0 {
		query += ` AND id < ` + mark(before)
	}
	if q.Text != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(q.Text)) + "%"
		m := mark(like)
		// Names are compared as written as well: SQLite knows no capitals beyond ASCII.
		own := mark("%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q.Text) + "%")
		query += ` AND (handle LIKE ` + m + ` ESCAPE '\' OR email LIKE ` + m + ` ESCAPE '\' OR lower(name) LIKE ` + m + ` ESCAPE '\' OR name LIKE ` + own + ` ESCAPE '\')`
	}
	if q.Role != "" {
		query += ` AND EXISTS (SELECT 1 FROM account_role r WHERE r.account = account.id AND r.role = ` + mark(string(q.Role)) + `)`
	}
	switch q.State {
	case account.Suspended:
		query += ` AND state = 'suspended'`
	case account.Active:
		query += ` AND state = 'active' AND stage = 'here'`
	case account.Pending, account.Leaving:
		query += ` AND state = 'active' AND stage = ` + mark(string(q.State))
	}
	return db.All(ctx, tx, scan, query+` ORDER BY id DESC LIMIT `+mark(limit), args...)
}

func scan(r db.Scanner) (a account.Account, err error) {
	var created int64
	var stage string
	err = r.Scan(&a.ID, &a.Handle, &a.Name, &a.Email, &a.Lang, &a.TZ, &a.State, &stage, &a.Frozen, &created)
	if a.State == account.Active && stage != "here" {
		a.State = account.State(stage)
	}
	a.CreatedAt = time.UnixMicro(created).UTC()
	return a, err
}

func roles(ctx context.Context, tx *db.Tx, who id.ID) ([]access.Grant, error) {
	return db.All(ctx, tx, func(r db.Scanner) (g access.Grant, err error) {
		err = r.Scan(&g.Role, &g.Place)
		return g, err
	}, `SELECT role, place FROM account_role WHERE account = $1 ORDER BY role, place`, who)
}

func count(ctx context.Context, tx *db.Tx) (f Figures, err error) {
	err = tx.Row(ctx, `SELECT COUNT(CASE WHEN state = 'active' AND stage = 'here' THEN 1 END), COUNT(CASE WHEN state = 'suspended' THEN 1 END),
		COUNT(CASE WHEN state = 'active' AND stage = 'pending' THEN 1 END), COUNT(CASE WHEN state = 'active' AND stage = 'leaving' THEN 1 END)
		FROM account WHERE name <> ''`).Scan(&f.Active, &f.Suspended, &f.Pending, &f.Leaving)
	return f, err
}

// handles reads the handles of some accounts; "" for those that are gone for good.
func handles(ctx context.Context, tx *db.Tx, list []id.ID) (map[id.ID]string, error) {
	marks, args := make([]string, len(list)), make([]any, len(list))
	for i, account := range list {
		marks[i], args[i] = fmt.Sprintf("$%d", i+1), account
	}
	out := map[id.ID]string{}
	_, err := db.All(ctx, tx, func(r db.Scanner) (struct{}, error) {
		var account id.ID
		var handle string
		err := r.Scan(&account, &handle)
		out[account] = handle
		return struct{}{}, err
	}, `SELECT id, CASE WHEN name = '' THEN '' ELSE handle END FROM account WHERE id IN (`+strings.Join(marks, ", ")+`)`, args...)
	return out, err
}

func insertNote(ctx context.Context, tx *db.Tx, about id.ID, n Note) error {
	_, err := tx.Exec(ctx, `INSERT INTO account_note (id, account, at, author, author_handle, text) VALUES ($1, $2, $3, $4, $5, $6)`,
		n.ID, about, n.At.UnixMicro(), n.Author, n.Handle, n.Text)
	return err
}

func notes(ctx context.Context, tx *db.Tx, about id.ID, limit int) ([]Note, error) {
	return db.All(ctx, tx, func(r db.Scanner) (n Note, err error) {
		var at int64
		err = r.Scan(&n.ID, &at, &n.Author, &n.Handle, &n.Text)
		n.At = time.UnixMicro(at).UTC()
		return n, err
	}, `SELECT id, at, author, author_handle, text FROM account_note WHERE account = $1 ORDER BY id DESC LIMIT $2`, about, limit)
}
