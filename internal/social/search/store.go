package search

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

func itoa(n int) string { return strconv.Itoa(n) }

// put indexes a status, in place of what it was before.
func put(ctx context.Context, tx *db.Tx, h *social.Head, words, about []string) error {
	if err := remove(ctx, tx, h.ID); err != nil {
		return err
	}
	insert, body := `INSERT INTO search_text (rowid, body) VALUES ($1, $2)`, strings.Join(words, " ")
	if tx.Dialect() == db.Postgres {
		insert, body = `INSERT INTO search_text (rowid, body) VALUES ($1, CAST($2 AS TEXT)::tsvector)`, tsvector(words)
	}
	if _, err := tx.Exec(ctx, insert, int64(h.ID), body); err != nil {
		return fmt.Errorf("search: index the words of status %d: %w", h.ID, err)
	}
	_, err := tx.Exec(ctx, `INSERT INTO search_status (status, account, at, lang, about) VALUES ($1, $2, $3, $4, $5)`,
		int64(h.ID), int64(h.Account), h.At.UnixMicro(), base(h.Lang), " "+strings.Join(about, " ")+" ")
	if err != nil {
		return fmt.Errorf("search: index status %d: %w", h.ID, err)
	}
	return nil
}

// base returns the first part of a language tag.
func base(lang string) string {
	lang, _, _ = strings.Cut(strings.ToLower(lang), "-")
	return lang
}

func remove(ctx context.Context, tx *db.Tx, status id.ID) error {
	for _, q := range []string{`DELETE FROM search_text WHERE rowid = $1`, `DELETE FROM search_status WHERE status = $1`} {
		if _, err := tx.Exec(ctx, q, int64(status)); err != nil {
			return fmt.Errorf("search: forget status %d: %w", status, err)
		}
	}
	return nil
}

func forgetKept(ctx context.Context, tx *db.Tx, status id.ID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM search_kept WHERE status = $1`, int64(status)); err != nil {
		return fmt.Errorf("search: forget who kept status %d: %w", status, err)
	}
	return nil
}

// keep notes that somebody has marked a status, or has taken that back.
func keep(ctx context.Context, tx *db.Tx, account, status id.ID, mark string, gone bool) error {
	q := `INSERT INTO search_kept (account, status, mark) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	if gone {
		q = `DELETE FROM search_kept WHERE account = $1 AND status = $2 AND mark = $3`
	}
	if _, err := tx.Exec(ctx, q, int64(account), int64(status), mark); err != nil {
		return fmt.Errorf("search: note a mark: %w", err)
	}
	return nil
}

func countTags(ctx context.Context, tx *db.Tx, tags []string, by int, at time.Time) error {
	for _, tag := range slices.Sorted(slices.Values(tags)) { // in one order, so that two writers don't wait for each other in a circle
		_, err := tx.Exec(ctx, `INSERT INTO search_tag (name, uses, last_at) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET uses = search_tag.uses + excluded.uses, last_at = CASE WHEN excluded.uses > 0 THEN excluded.last_at ELSE search_tag.last_at END`,
			tag, by, at.UnixMicro())
		if err != nil {
			return fmt.Errorf("search: count the tag %s: %w", tag, err)
		}
	}
	return nil
}

// hit is a status that a query's words and operators find.
type hit struct{ status, account id.ID }

// bounds are what else limits a look into the index.
type bounds struct {
	account     id.ID // of the author; 0: any
	keeper      id.ID // who has kept it; 0: nobody need have
	below, over id.ID // ids, both exclusive; 0: none
	limit       int
}

// find returns statuses that a query finds, newest first.
func find(ctx context.Context, tx *db.Tx, q query, b bounds) ([]hit, error) {
	if b.below == 0 {
		b.below = 1<<63 - 1
	}
	before, after := int64(1<<63-1), int64(-1<<62)
	if !q.before.IsZero() {
		before = q.before.UnixMicro()
	}
	if !q.after.IsZero() {
		after = q.after.UnixMicro()
	}
	args := []any{int64(b.below), int64(b.over), before, after, b.limit}
	var where strings.Builder
	arg := func(v any) string {
		args = append(args, v)
		return "$" + itoa(len(args))
	}
	if b.account != 0 {
		where.WriteString(" AND s.account = " + arg(int64(b.account)))
	}
	if b.keeper != 0 {
		where.WriteString(" AND EXISTS (SELECT 1 FROM search_kept k WHERE k.status = s.status AND k.account = " + arg(int64(b.keeper)) + ")")
	}
	if q.lang != "" {
		where.WriteString(" AND s.lang = " + arg(q.lang))
	}
	for _, w := range append(slices.Clone(q.has), q.is...) {
		where.WriteString(" AND s.about LIKE " + arg("% "+w+" %"))
	}
	for _, w := range q.not {
		where.WriteString(" AND s.about NOT LIKE " + arg("% "+w+" %"))
	}
	from := `FROM search_status s WHERE`
	if q.positive() {
		from = `FROM search_text t JOIN search_status s ON s.status = t.rowid WHERE `
		if tx.Dialect() == db.Postgres {
			from += `t.body @@ CAST(` + arg(q.tsquery()) + ` AS TEXT)::tsquery AND`
		} else {
			from += `t.search_text MATCH ` + arg(q.match()) + ` AND`
		}
	}
	out, err := db.All(ctx, tx, func(r db.Scanner) (h hit, err error) {
		var status, account int64
		err = r.Scan(&status, &account)
		return hit{id.ID(status), id.ID(account)}, err
	}, `SELECT s.status, s.account `+from+` s.status < $1 AND s.status > $2 AND s.at < $3 AND s.at >= $4`+where.String()+` ORDER BY s.status DESC LIMIT $5`, args...)
	if err != nil {
		return nil, fmt.Errorf("search: look for statuses: %w", err)
	}
	return out, nil
}

// keptOf returns which of some statuses somebody has kept.
func keptOf(ctx context.Context, tx *db.Tx, account id.ID, hits []hit) (map[id.ID]bool, error) {
	out := map[id.ID]bool{}
	if account == 0 || len(hits) == 0 {
		return out, nil
	}
	err := tx.Each(ctx, func(r db.Scanner) error {
		var n int64
		err := r.Scan(&n)
		out[id.ID(n)] = true
		return err
	}, `SELECT status FROM search_kept WHERE account = $1 AND status <= $2 AND status >= $3`, int64(account), int64(hits[0].status), int64(hits[len(hits)-1].status))
	if err != nil {
		return nil, fmt.Errorf("search: look for what was kept: %w", err)
	}
	return out, nil
}

// tag is a hashtag as it is counted.
type tag struct {
	name string
	uses int64
}

// tagsLike returns tags that begin with a folded text, the most used first.
func tagsLike(ctx context.Context, tx *db.Tx, prefix string, offset, limit int) ([]tag, error) {
	out, err := db.All(ctx, tx, func(r db.Scanner) (t tag, err error) {
		err = r.Scan(&t.name, &t.uses)
		return t, err
	}, `SELECT name, uses FROM search_tag WHERE name >= $1 AND name < $2 AND uses > 0 ORDER BY CASE WHEN name = $1 THEN 0 ELSE 1 END, uses DESC, name LIMIT $3 OFFSET $4`,
		prefix, prefix+"\U0010FFFF", limit, offset)
	if err != nil {
		return nil, fmt.Errorf("search: look for tags: %w", err)
	}
	return out, nil
}

func forget(ctx context.Context, tx *db.Tx, account id.ID, limit int) (more bool, err error) {
	if _, err := tx.Exec(ctx, `DELETE FROM search_kept WHERE account = $1`, int64(account)); err != nil {
		return false, fmt.Errorf("search: forget what was kept: %w", err)
	}
	ids, err := db.All(ctx, tx, func(r db.Scanner) (n int64, err error) {
		err = r.Scan(&n)
		return n, err
	}, `SELECT status FROM search_status WHERE account = $1 LIMIT $2`, int64(account), limit)
	if err != nil {
		return false, fmt.Errorf("search: forget an author: %w", err)
	}
	for _, n := range ids {
		if err := remove(ctx, tx, id.ID(n)); err != nil {
			return false, err
		}
	}
	return len(ids) == limit, nil
}
