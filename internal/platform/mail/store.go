package mail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// State is where a letter stands.
type State string

// The states.
const (
	Waiting State = "waiting"
	Sending State = "sending"
	Sent    State = "sent"
	Failed  State = "failed" // given up
	Late    State = "late"   // not sent: it had lost its point
)

// Record is what is kept of a letter.
type Record struct {
	ID        id.ID
	Kind      string
	To        string
	Subject   string
	MessageID string
	State     State
	Attempt   int
	Error     string
	CreatedAt time.Time
	EndedAt   time.Time // zero: it waits
}

const columns = `id, kind, address, subject, message_id, state, attempt, error, created_at, ended_at`

func scan(s db.Scanner, more ...any) (r Record, err error) {
	var state string
	var created, ended int64
	err = s.Scan(append([]any{&r.ID, &r.Kind, &r.To, &r.Subject, &r.MessageID, &state, &r.Attempt, &r.Error, &created, &ended}, more...)...)
	r.State, r.CreatedAt = State(state), time.UnixMicro(created).UTC()
	if ended > 0 {
		r.EndedAt = time.UnixMicro(ended).UTC()
	}
	return r, err
}

func insert(ctx context.Context, tx *db.Tx, r Record, body string) error {
	_, err := tx.Exec(ctx, `INSERT INTO mail_letter (id, kind, address, subject, body, message_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		int64(r.ID), r.Kind, r.To, r.Subject, body, r.MessageID, r.CreatedAt.UnixMicro())
	if err != nil {
		return fmt.Errorf("mail: store a letter: %w", err)
	}
	return nil
}

// hold locks the row of an address and a kind until the transaction ends.
func hold(ctx context.Context, tx *db.Tx, address, kind string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO mail_recipient (address, kind, held_at) VALUES ($1, $2, $3)
		ON CONFLICT (address, kind) DO UPDATE SET held_at = excluded.held_at`, address, kind, now.UnixMicro())
	if err != nil {
		return fmt.Errorf("mail: hold a recipient: %w", err)
	}
	return nil
}

func countSince(ctx context.Context, tx *db.Tx, address, kind string, since time.Time) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM mail_letter WHERE address = $1 AND kind = $2 AND created_at > $3`, address, kind, since.UnixMicro()).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("mail: count the letters of a recipient: %w", err)
	}
	return n, nil
}

// take gives a letter to one attempt of its job. It returns a NotFound error where the letter is done with, or a later attempt has it.
func take(ctx context.Context, tx *db.Tx, letter id.ID, attempt int) (r Record, body string, err error) {
	err = tx.Row(ctx, `UPDATE mail_letter SET state = 'sending', attempt = $1
		WHERE id = $2 AND state IN ('waiting', 'sending') AND attempt < $1 RETURNING body`, attempt, int64(letter)).Scan(&body)
	if errors.Is(err, db.ErrNoRow) {
		return Record{}, "", errs.New(errs.NotFound, "There is no such letter.")
	}
	if err != nil {
		return Record{}, "", fmt.Errorf("mail: take letter %d: %w", letter, err)
	}
	return get(ctx, tx, letter)
}

// end moves a letter that an attempt has to its last state, and empties it unless keep says otherwise.
func end(ctx context.Context, tx *db.Tx, letter id.ID, attempt int, to State, reason string, now time.Time, keep bool) error {
	query := `UPDATE mail_letter SET state = $1, error = $2, ended_at = $3, body = '' WHERE id = $4 AND state = 'sending' AND attempt = $5`
	if keep {
		query = `UPDATE mail_letter SET state = $1, error = $2, ended_at = $3 WHERE id = $4 AND state = 'sending' AND attempt = $5`
	}
	if _, err := tx.Exec(ctx, query, string(to), reason, now.UnixMicro(), int64(letter), attempt); err != nil {
		return fmt.Errorf("mail: end letter %d: %w", letter, err)
	}
	return nil
}

// wait notes why an attempt failed; another follows.
func wait(ctx context.Context, tx *db.Tx, letter id.ID, attempt int, reason string) error {
	_, err := tx.Exec(ctx, `UPDATE mail_letter SET state = 'waiting', error = $1 WHERE id = $2 AND state = 'sending' AND attempt = $3`, reason, int64(letter), attempt)
	if err != nil {
		return fmt.Errorf("mail: put letter %d back: %w", letter, err)
	}
	return nil
}

func list(ctx context.Context, tx *db.Tx, below id.ID, limit int) ([]Record, error) {
	return db.All(ctx, tx, func(s db.Scanner) (Record, error) { return scan(s) },
		`SELECT `+columns+` FROM mail_letter WHERE id < $1 ORDER BY id DESC LIMIT $2`, int64(below), limit)
}

func get(ctx context.Context, tx *db.Tx, letter id.ID) (r Record, body string, err error) {
	r, err = db.One(ctx, tx, func(s db.Scanner) (Record, error) { return scan(s, &body) },
		`SELECT `+columns+`, body FROM mail_letter WHERE id = $1`, int64(letter))
	if errors.Is(err, db.ErrNoRow) {
		return Record{}, "", errs.New(errs.NotFound, "There is no such letter.")
	}
	return r, body, err
}

// sweep deletes what is kept of old letters, and rows of recipients that are no longer held.
func sweep(ctx context.Context, tx *db.Tx, before time.Time, limit int) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM mail_letter WHERE id IN (SELECT id FROM mail_letter WHERE created_at < $1 ORDER BY created_at LIMIT $2)`, before.UnixMicro(), limit)
	if err != nil {
		return 0, err
	}
	m, err := tx.Exec(ctx, `DELETE FROM mail_recipient WHERE (address, kind) IN
		(SELECT address, kind FROM mail_recipient WHERE held_at < $1 ORDER BY held_at LIMIT $2)`, before.UnixMicro(), limit)
	return max(n, m), err
}

func lettersTo(ctx context.Context, tx *db.Tx, address string) ([]Record, error) {
	return db.All(ctx, tx, func(s db.Scanner) (Record, error) { return scan(s) },
		`SELECT `+columns+` FROM mail_letter WHERE address = $1 ORDER BY id LIMIT 1000`, address)
}

func forget(ctx context.Context, tx *db.Tx, address string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM mail_letter WHERE address = $1`, address); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM mail_recipient WHERE address = $1`, address)
	return err
}

func counts(ctx context.Context, tx *db.Tx) (map[State]int, error) {
	out := map[State]int{}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var state string
		var n int
		if err := s.Scan(&state, &n); err != nil {
			return err
		}
		out[State(state)] = n
		return nil
	}, `SELECT state, COUNT(*) FROM mail_letter GROUP BY state`)
	if err != nil {
		return nil, fmt.Errorf("mail: count letters: %w", err)
	}
	return out, nil
}
