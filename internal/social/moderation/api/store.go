package api

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

// This file reads the tables of accounts, their sessions and their profiles, side by side: one page of people is two statements.

// person is an account as moderators see it.
type person struct {
	account.Account
	Limited bool
	Guarded bool
	About   string // what they wrote to the admins who decide whether they may join
}

// Query chooses accounts; an empty field chooses all.
type Query struct {
	Status      string // active, pending, disabled, silenced, suspended, sensitized
	Staff       bool   // moderators and admins
	Username    string // part of it
	DisplayName string // part of it
	Email       string // part of it
	IP          string
	Nobody      bool // asks for accounts of other servers: there are none
	Below       id.ID
	Above       id.ID
	Up          bool
}

var states = map[string]string{
	"active":    ` AND a.state = 'active' AND a.stage <> 'pending' AND a.frozen = 0 AND NOT p.limited`,
	"pending":   ` AND a.stage = 'pending' AND a.state = 'active'`,
	"disabled":  ` AND a.frozen <> 0`,
	"silenced":  ` AND p.limited`,
	"suspended": ` AND a.state = 'suspended'`,

	"sensitized": ` AND p.guarded`,
}

func like(s string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s) + "%"
}

// find returns accounts: the newest first, or with Up the oldest above a place.
func find(ctx context.Context, tx *db.Tx, q Query, limit int) ([]*person, error) {
	query, args := `WHERE a.name <> '' AND a.id < $1 AND a.id > $2`, []any{q.Below, q.Above}
	mark := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	query += states[q.Status]
	if q.Staff {
		query += ` AND EXISTS (SELECT 1 FROM account_role r WHERE r.account = a.id AND r.role IN ('moderator', 'admin'))`
	}
	if q.Username != "" {
		query += ` AND a.handle LIKE ` + mark(like(strings.ToLower(q.Username))) + ` ESCAPE '\'`
	}
	if q.DisplayName != "" {
		query += ` AND lower(a.name) LIKE ` + mark(like(strings.ToLower(q.DisplayName))) + ` ESCAPE '\'`
	}
	if q.Email != "" {
		query += ` AND a.email LIKE ` + mark(like(strings.ToLower(q.Email))) + ` ESCAPE '\'`
	}
	if q.IP != "" {
		query += ` AND EXISTS (SELECT 1 FROM account_session s WHERE s.account = a.id AND s.ip = ` + mark(q.IP) + `)`
	}
	order := `DESC`
	if q.Up {
		order = `ASC`
	}
	return people(ctx, tx, query+` ORDER BY a.id `+order+` LIMIT `+mark(limit), args...)
}

func byIDs(ctx context.Context, tx *db.Tx, ids []id.ID) ([]*person, error) {
	marks, args := make([]string, len(ids)), make([]any, len(ids))
	for i, n := range ids {
		marks[i], args[i] = fmt.Sprintf("$%d", i+1), n
	}
	return people(ctx, tx, `WHERE a.id IN (`+strings.Join(marks, ", ")+`)`, args...)
}

func people(ctx context.Context, tx *db.Tx, rest string, args ...any) ([]*person, error) {
	list, err := db.All(ctx, tx, func(s db.Scanner) (p *person, err error) {
		p = &person{}
		var created int64
		var stage string
		err = s.Scan(&p.ID, &p.Handle, &p.Name, &p.Email, &p.Lang, &p.State, &stage, &p.Frozen, &created, &p.Limited, &p.Guarded, &p.About)
		if p.State == account.Active && stage != "here" {
			p.State = account.State(stage)
		}
		p.CreatedAt = time.UnixMicro(created).UTC()
		return p, err
	}, `SELECT a.id, a.handle, a.name, a.email, a.lang, a.state, a.stage, a.frozen, a.created_at, COALESCE(p.limited, FALSE), COALESCE(p.guarded, FALSE), COALESCE(w.about, '')
		FROM account a LEFT JOIN social_profile p ON p.id = a.id LEFT JOIN account_waiting w ON w.account = a.id `+rest, args...)
	if err != nil || len(list) == 0 {
		return list, err
	}
	at, marks, ids := map[id.ID]*person{}, make([]string, len(list)), make([]any, len(list))
	for i, p := range list {
		at[p.ID], marks[i], ids[i] = p, fmt.Sprintf("$%d", i+1), p.ID
	}
	err = tx.Each(ctx, func(s db.Scanner) error {
		var who id.ID
		var g access.Grant
		err := s.Scan(&who, &g.Role, &g.Place)
		at[who].Roles = append(at[who].Roles, g)
		return err
	}, `SELECT account, role, place FROM account_role WHERE account IN (`+strings.Join(marks, ", ")+`) ORDER BY account, role, place`, ids...)
	return list, err
}

// place is an address from which somebody was here.
type place struct {
	account id.ID
	IP      string
	Used    time.Time
}

func placesOf(ctx context.Context, tx *db.Tx, ids []id.ID) ([]place, error) {
	marks, args := make([]string, len(ids)), make([]any, len(ids))
	for i, n := range ids {
		marks[i], args[i] = fmt.Sprintf("$%d", i+1), n
	}
	return db.All(ctx, tx, func(s db.Scanner) (p place, err error) {
		var used int64
		err = s.Scan(&p.account, &p.IP, &used)
		p.Used = time.UnixMicro(used).UTC()
		return p, err
	}, `SELECT account, ip, MAX(seen_at) AS used FROM account_session WHERE ip <> '' AND account IN (`+strings.Join(marks, ", ")+`)
		GROUP BY account, ip ORDER BY used DESC`, args...)
}
