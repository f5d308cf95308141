package status

import (
	"context"
	"fmt"
	"slices"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// The kinds of marks that are none of the contract's.
const (
	markBoost             = Boosted
	markVote  social.Mark = "vote"
)

// mark is a stored mark.
type mark struct {
	id      id.ID
	account id.ID
	kind    social.Mark
	status  id.ID
	value   string
}

func scanMark(s db.Scanner) (m mark, err error) {
	err = s.Scan((*int64)(&m.id), (*int64)(&m.account), (*string)(&m.kind), (*int64)(&m.status), &m.value)
	return m, err
}

const markColumns = `id, account, kind, status, value`

// addMark stores a mark, and reports whether it is new: the unique index decides between two at the same time.
func addMark(ctx context.Context, tx *db.Tx, m mark) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO status_mark (id, account, kind, status, value) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		int64(m.id), int64(m.account), string(m.kind), int64(m.status), m.value)
	if err != nil {
		return false, fmt.Errorf("status: mark: %w", err)
	}
	return n > 0, nil
}

// dropMark deletes a mark, and reports whether it was there.
func dropMark(ctx context.Context, tx *db.Tx, account id.ID, kind social.Mark, status id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM status_mark WHERE status = $1 AND kind = $2 AND account = $3`, int64(status), string(kind), int64(account))
	if err != nil {
		return false, fmt.Errorf("status: take a mark back: %w", err)
	}
	return n > 0, nil
}

// findMark returns a mark, or db.ErrNoRow.
func findMark(ctx context.Context, tx *db.Tx, account id.ID, kind social.Mark, status id.ID) (mark, error) {
	return db.One(ctx, tx, scanMark, `SELECT `+markColumns+` FROM status_mark WHERE status = $1 AND kind = $2 AND account = $3`, int64(status), string(kind), int64(account))
}

// markedBy returns an account's marks of a kind by their ids: below max, above least, newest first; with up the lowest above least,
// lowest first.
func markedBy(ctx context.Context, tx *db.Tx, account id.ID, kind social.Mark, least, most id.ID, up bool, limit int) ([]mark, error) {
	q := `SELECT ` + markColumns + ` FROM status_mark WHERE account = $1 AND kind = $2 AND id > $3 AND id < $4 ORDER BY id DESC LIMIT $5`
	if up {
		q = `SELECT ` + markColumns + ` FROM status_mark WHERE account = $1 AND kind = $2 AND id > $3 AND id < $4 ORDER BY id LIMIT $5`
	}
	return db.All(ctx, tx, scanMark, q, int64(account), string(kind), int64(least), int64(most), limit)
}

// markedOn returns the marks of a kind on a status, newest first.
func markedOn(ctx context.Context, tx *db.Tx, status id.ID, kind social.Mark, least, most id.ID, up bool, limit int) ([]mark, error) {
	q := `SELECT ` + markColumns + ` FROM status_mark WHERE status = $1 AND kind = $2 AND id > $3 AND id < $4 ORDER BY id DESC LIMIT $5`
	if up {
		q = `SELECT ` + markColumns + ` FROM status_mark WHERE status = $1 AND kind = $2 AND id > $3 AND id < $4 ORDER BY id LIMIT $5`
	}
	return db.All(ctx, tx, scanMark, q, int64(status), string(kind), int64(least), int64(most), limit)
}

// newestMarks returns an account's marks on the newest statuses that it marked.
func newestMarks(ctx context.Context, tx *db.Tx, account id.ID, limit int) ([]mark, error) {
	return db.All(ctx, tx, scanMark, `SELECT `+markColumns+` FROM status_mark WHERE account = $1 ORDER BY status DESC LIMIT $2`, int64(account), limit)
}

// marksOf returns an account's marks on the given statuses.
func marksOf(ctx context.Context, tx *db.Tx, account id.ID, statuses []id.ID) (out []mark, err error) {
	for part := range slices.Chunk(statuses, chunk) {
		list, args := in(2, part)
		ms, err := db.All(ctx, tx, scanMark, `SELECT `+markColumns+` FROM status_mark WHERE account = $1 AND status IN (`+list+`)`, append([]any{int64(account)}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("status: read marks: %w", err)
		}
		out = append(out, ms...)
	}
	return out, nil
}

// countMarks counts an account's marks of a kind but for that on one status.
func countMarks(ctx context.Context, tx *db.Tx, account id.ID, kind social.Mark, but id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM status_mark WHERE account = $1 AND kind = $2 AND status <> $3`, int64(account), string(kind), int64(but)).Scan(&n)
	return n, err
}

// poll is a stored poll.
type poll struct {
	id         id.ID
	status     id.ID
	account    id.ID
	expiresAt  int64
	multiple   bool
	hideTotals bool
	voters     int64
	votes      int64
	ended      bool
	choices    []choice
}

type choice struct {
	title string
	votes int64
}

func (p *poll) titles() []string {
	out := make([]string, len(p.choices))
	for i, c := range p.choices {
		out[i] = c.title
	}
	return out
}

const pollColumns = `id, status, account, expires_at, multiple, hide_totals, voters, votes, ended`

func scanPoll(s db.Scanner) (p *poll, err error) {
	p = &poll{}
	err = s.Scan((*int64)(&p.id), (*int64)(&p.status), (*int64)(&p.account), &p.expiresAt, &p.multiple, &p.hideTotals, &p.voters, &p.votes, &p.ended)
	return p, err
}

func pollsOf(ctx context.Context, tx *db.Tx, polls []id.ID) (map[id.ID]*poll, error) {
	out := make(map[id.ID]*poll, len(polls))
	for part := range slices.Chunk(polls, chunk) {
		list, args := in(1, part)
		err := tx.Each(ctx, func(s db.Scanner) error {
			p, err := scanPoll(s)
			if err == nil {
				out[p.id] = p
			}
			return err
		}, `SELECT `+pollColumns+` FROM poll WHERE id IN (`+list+`)`, args...)
		if err != nil {
			return nil, fmt.Errorf("status: read polls: %w", err)
		}
		err = tx.Each(ctx, func(s db.Scanner) error {
			var of id.ID
			var c choice
			if err := s.Scan((*int64)(&of), &c.title, &c.votes); err != nil {
				return err
			}
			if p := out[of]; p != nil {
				p.choices = append(p.choices, c)
			}
			return nil
		}, `SELECT poll, title, votes FROM poll_choice WHERE poll IN (`+list+`) ORDER BY poll, n`, args...)
		if err != nil {
			return nil, fmt.Errorf("status: read choices: %w", err)
		}
	}
	return out, nil
}

func pollOf(ctx context.Context, tx *db.Tx, p id.ID) (*poll, error) {
	m, err := pollsOf(ctx, tx, []id.ID{p})
	if err == nil && m[p] == nil {
		err = errGone
	}
	return m[p], err
}

func insertPoll(ctx context.Context, tx *db.Tx, p *poll) error {
	_, err := tx.Exec(ctx, `INSERT INTO poll (id, status, account, expires_at, multiple, hide_totals, voters, votes, ended) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7)`,
		int64(p.id), int64(p.status), int64(p.account), p.expiresAt, p.multiple, p.hideTotals, false)
	for i, c := range p.choices {
		if err != nil {
			break
		}
		_, err = tx.Exec(ctx, `INSERT INTO poll_choice (poll, n, title, votes) VALUES ($1, $2, $3, 0)`, int64(p.id), i, c.title)
	}
	if err != nil {
		return fmt.Errorf("status: insert a poll: %w", err)
	}
	return nil
}

// setPoll changes when a poll ends and how it shows its totals.
func setPoll(ctx context.Context, tx *db.Tx, p *poll) error {
	_, err := tx.Exec(ctx, `UPDATE poll SET expires_at = $1, multiple = $2, hide_totals = $3, ended = $4 WHERE id = $5`, p.expiresAt, p.multiple, p.hideTotals, false, int64(p.id))
	return err
}

// dropPoll deletes a poll with its votes.
func dropPoll(ctx context.Context, tx *db.Tx, p, status id.ID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM poll_choice WHERE poll = $1`, int64(p)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM poll WHERE id = $1`, int64(p)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM status_mark WHERE status = $1 AND kind = 'vote'`, int64(status))
	return err
}

// countVoter counts somebody who votes, and reports whether the poll was still open.
func countVoter(ctx context.Context, tx *db.Tx, p id.ID, now int64, voters, votes int) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE poll SET voters = voters + $1, votes = votes + $2 WHERE id = $3 AND expires_at > $4 AND NOT ended`, voters, votes, int64(p), now)
	return n > 0, err
}

func countVote(ctx context.Context, tx *db.Tx, p id.ID, n, by int) error {
	_, err := tx.Exec(ctx, `UPDATE poll_choice SET votes = votes + $1 WHERE poll = $2 AND n = $3`, by, int64(p), n)
	return err
}

// endPoll ends a poll whose time has come, and reports whether it was open until now.
func endPoll(ctx context.Context, tx *db.Tx, p id.ID, now int64) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE poll SET ended = $1 WHERE id = $2 AND NOT ended AND expires_at <= $3`, true, int64(p), now)
	return n > 0, err
}

// voters returns who voted in a status' poll, at most limit.
func voters(ctx context.Context, tx *db.Tx, status id.ID, limit int) ([]id.ID, error) {
	return db.All(ctx, tx, func(s db.Scanner) (a id.ID, err error) {
		err = s.Scan((*int64)(&a))
		return a, err
	}, `SELECT account FROM status_mark WHERE status = $1 AND kind = 'vote' ORDER BY id LIMIT $2`, int64(status), limit)
}

// someMarks returns some of an account's marks but boosts, which go with their statuses.
func someMarks(ctx context.Context, tx *db.Tx, account id.ID, limit int) ([]mark, error) {
	return db.All(ctx, tx, scanMark, `SELECT `+markColumns+` FROM status_mark WHERE account = $1 AND kind <> 'boost' LIMIT $2`, int64(account), limit)
}

// uncountVotes takes somebody's choices out of the poll of a status.
func uncountVotes(ctx context.Context, tx *db.Tx, status id.ID, choices []id.ID) error {
	for _, c := range choices {
		if _, err := tx.Exec(ctx, `UPDATE poll_choice SET votes = votes - 1 WHERE n = $1 AND poll IN (SELECT id FROM poll WHERE status = $2)`, int64(c), int64(status)); err != nil {
			return fmt.Errorf("status: take votes back: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `UPDATE poll SET voters = voters - 1, votes = votes - $1 WHERE status = $2`, len(choices), int64(status))
	return err
}
