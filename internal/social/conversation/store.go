package conversation

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

const columns = `id, account, thread, others, last_status, unread, held`

func scan(s db.Scanner) (r row, err error) {
	var others string
	var unread, held int64
	err = s.Scan(&r.id, &r.account, &r.thread, &others, &r.last, &unread, &held)
	for f := range strings.FieldsSeq(others) {
		n, perr := strconv.ParseInt(f, 10, 64)
		err = errors.Join(err, perr)
		r.others = append(r.others, id.ID(n))
	}
	r.unread, r.held = unread != 0, held != 0
	return r, err
}

func join(ids []id.ID) string {
	words := make([]string, len(ids))
	for i, v := range ids {
		words[i] = v.String()
	}
	return strings.Join(words, " ")
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// add puts a message into the row's conversation, which it makes where it is not there, and returns it as it is then.
func add(ctx context.Context, tx *db.Tx, r *row) (row, error) {
	now, err := db.One(ctx, tx, scan, `INSERT INTO conversation (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (account, thread, others) DO UPDATE SET unread = excluded.unread,
		last_status = CASE WHEN excluded.last_status > conversation.last_status THEN excluded.last_status ELSE conversation.last_status END,
		held = CASE WHEN excluded.held = 0 THEN 0 ELSE conversation.held END RETURNING `+columns,
		r.id, r.account, r.thread, join(r.others), r.last, bit(r.unread), bit(r.held))
	if err != nil {
		return now, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO conversation_status (conversation, status) VALUES ($1, $2) ON CONFLICT (conversation, status) DO NOTHING`, now.id, r.last)
	return now, err
}

// takeOut takes a status out of all conversations and returns these.
func takeOut(ctx context.Context, tx *db.Tx, status id.ID) ([]id.ID, error) {
	return db.All(ctx, tx, func(s db.Scanner) (c id.ID, err error) {
		err = s.Scan(&c)
		return c, err
	}, `DELETE FROM conversation_status WHERE status = $1 RETURNING conversation`, status)
}

// fallBack makes the newest message that is left the last one, or removes the conversation where none is; then last is 0. A conversation that
// is not there gives the zero row.
func fallBack(ctx context.Context, tx *db.Tx, conversation id.ID) (row, error) {
	var newest int64
	if err := tx.Row(ctx, `SELECT CAST(COALESCE(MAX(status), 0) AS BIGINT) FROM conversation_status WHERE conversation = $1`, conversation).Scan(&newest); err != nil {
		return row{}, err
	}
	query := `UPDATE conversation SET last_status = $2 WHERE id = $1 RETURNING ` + columns
	args := []any{conversation, newest}
	if newest == 0 {
		query, args = `DELETE FROM conversation WHERE id = $1 RETURNING `+columns, args[:1]
	}
	r, err := db.One(ctx, tx, scan, query, args...)
	if errors.Is(err, db.ErrNoRow) {
		return row{}, nil
	}
	r.last = id.ID(newest)
	return r, err
}

// release shows the conversations of an account that are held and that somebody is in.
func release(ctx context.Context, tx *db.Tx, account, with id.ID) ([]row, error) {
	return db.All(ctx, tx, scan, `UPDATE conversation SET held = 0 WHERE account = $1 AND held = 1 AND ' ' || others || ' ' LIKE $2 RETURNING `+columns,
		account, "% "+with.String()+" %")
}

func mark(ctx context.Context, tx *db.Tx, account, conversation id.ID, unread bool) (row, error) {
	return db.One(ctx, tx, scan, `UPDATE conversation SET unread = $1 WHERE id = $2 AND account = $3 AND held = 0 RETURNING `+columns, bit(unread), conversation, account)
}

func remove(ctx context.Context, tx *db.Tx, account, conversation id.ID) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM conversation WHERE id = $1 AND account = $2`, conversation, account)
	if err != nil || n == 0 {
		return n, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM conversation_status WHERE conversation = $1`, conversation)
	return n, err
}

func get(ctx context.Context, tx *db.Tx, account, conversation id.ID) (row, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM conversation WHERE id = $1 AND account = $2 AND held = 0`, conversation, account)
}

// list returns conversations whose last message lies between two others, newest first, or with up oldest first.
func list(ctx context.Context, tx *db.Tx, account, above, below id.ID, up bool, limit int) ([]row, error) {
	if below == 0 {
		below = math.MaxInt64
	}
	order := `DESC`
	if up {
		order = `ASC`
	}
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM conversation WHERE account = $1 AND held = 0 AND last_status > $2 AND last_status < $3
		ORDER BY last_status `+order+`, id LIMIT $4`, account, above, below, limit)
}

func countUnread(ctx context.Context, tx *db.Tx, account id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM conversation WHERE account = $1 AND held = 0 AND unread = 1`, account).Scan(&n)
	return n, err
}

func all(ctx context.Context, tx *db.Tx, account id.ID, limit int) ([]row, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM conversation WHERE account = $1 ORDER BY id LIMIT $2`, account, limit)
}

// erase forgets some of an account's conversations. Those of the others end with their statuses.
func erase(ctx context.Context, tx *db.Tx, account id.ID, limit int) (more bool, err error) {
	list, err := db.All(ctx, tx, func(s db.Scanner) (c id.ID, err error) {
		err = s.Scan(&c)
		return c, err
	}, `DELETE FROM conversation WHERE id IN (SELECT id FROM conversation WHERE account = $1 LIMIT $2) RETURNING id`, account, limit)
	for _, c := range list {
		if err != nil {
			return false, err
		}
		_, err = tx.Exec(ctx, `DELETE FROM conversation_status WHERE conversation = $1`, c)
	}
	return len(list) == limit, err
}
