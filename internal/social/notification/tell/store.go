package tell

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

func readLetter(ctx context.Context, tx *db.Tx, account id.ID) (letter, error) {
	return db.One(ctx, tx, func(s db.Scanner) (l letter, err error) {
		var due, sent int64
		err = s.Scan(&l.account, &l.every, &due, &sent, &l.told)
		l.due = time.UnixMicro(due).UTC()
		if sent > 0 {
			l.sent = time.UnixMicro(sent).UTC()
		}
		return l, err
	}, `SELECT account, every, due_at, sent_at, told FROM notification_letter WHERE account = $1`, account)
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func writeLetter(ctx context.Context, tx *db.Tx, l letter) error {
	_, err := tx.Exec(ctx, `INSERT INTO notification_letter (account, every, due_at, sent_at, told) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account) DO UPDATE SET every = excluded.every, due_at = excluded.due_at, told = excluded.told`,
		l.account, l.every, micros(l.due), micros(l.sent), l.told)
	return err
}

// moveLetter notes that a letter was looked for, unless somebody else was quicker.
func moveLetter(ctx context.Context, tx *db.Tx, was, is letter) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE notification_letter SET due_at = $1, sent_at = $2, told = $3 WHERE account = $4 AND due_at = $5 AND told = $6`,
		micros(is.due), micros(is.sent), is.told, was.account, micros(was.due), was.told)
	return n > 0, err
}

func dropLetter(ctx context.Context, tx *db.Tx, account id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM notification_letter WHERE account = $1`, account)
	return err
}

func dueLetters(ctx context.Context, tx *db.Tx, now time.Time, limit int) ([]id.ID, error) {
	return db.All(ctx, tx, func(s db.Scanner) (a id.ID, err error) {
		err = s.Scan(&a)
		return a, err
	}, `SELECT account FROM notification_letter WHERE due_at <= $1 ORDER BY due_at LIMIT $2`, now.UnixMicro(), limit)
}
