package schedule

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// row is a stored status of the future.
type row struct {
	id, account         id.ID
	at                  time.Time
	doc, params, failed string
	media               []id.ID
}

const columns = `id, account, at, doc, params, media, failed`

func scan(r db.Scanner) (w row, err error) {
	var at int64
	var media string
	err = r.Scan(&w.id, &w.account, &at, &w.doc, &w.params, &media, &w.failed)
	w.at, w.media = time.UnixMicro(at).UTC(), idsOf(media)
	return w, err
}

func (w row) shown() Scheduled {
	return Scheduled{ID: w.id, At: social.Time{Time: w.at}, Params: json.RawMessage(w.params), Doc: json.RawMessage(w.doc), Failed: w.failed}
}

func words(ids []id.ID) string {
	var b strings.Builder
	for i, n := range ids {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(n.String())
	}
	return b.String()
}

func idsOf(text string) []id.ID {
	var out []id.ID
	for _, w := range strings.Fields(text) {
		if n, err := id.Parse(w); err == nil {
			out = append(out, n)
		}
	}
	return out
}

func insert(ctx context.Context, tx *db.Tx, w row) error {
	_, err := tx.Exec(ctx, `INSERT INTO schedule_status (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, '')`,
		int64(w.id), int64(w.account), w.at.UnixMicro(), w.doc, w.params, words(w.media))
	if err != nil {
		return fmt.Errorf("schedule: store a status: %w", err)
	}
	return nil
}

// waiting counts what somebody has waiting, in all and between two times.
func waiting(ctx context.Context, tx *db.Tx, account id.ID, from, to time.Time) (all, between int64, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN at >= $2 AND at < $3 THEN 1 ELSE 0 END), 0) AS BIGINT) FROM schedule_status WHERE account = $1`,
		int64(account), from.UnixMicro(), to.UnixMicro()).Scan(&all, &between)
	if err != nil {
		return 0, 0, fmt.Errorf("schedule: count: %w", err)
	}
	return all, between, nil
}

func get(ctx context.Context, tx *db.Tx, status id.ID) (row, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM schedule_status WHERE id = $1`, int64(status))
}

// list returns somebody's statuses below one id and above another, newest first; with up the ones directly above come.
func list(ctx context.Context, tx *db.Tx, account, below, above id.ID, up bool, limit int) (rows []row, err error) {
	if below == 0 {
		below = 1<<63 - 1
	}
	order := ` ORDER BY id DESC LIMIT $4`
	if up {
		order = ` ORDER BY id LIMIT $4`
	}
	rows, err = db.All(ctx, tx, scan, `SELECT `+columns+` FROM schedule_status WHERE account = $1 AND id < $2 AND id > $3`+order, int64(account), int64(below), int64(above), limit)
	if err != nil {
		return nil, fmt.Errorf("schedule: list: %w", err)
	}
	return rows, nil
}

func move(ctx context.Context, tx *db.Tx, status, account id.ID, at time.Time) (int64, error) {
	n, err := tx.Exec(ctx, `UPDATE schedule_status SET at = $1, failed = '' WHERE id = $2 AND account = $3`, at.UnixMicro(), int64(status), int64(account))
	if err != nil {
		return 0, fmt.Errorf("schedule: move a status: %w", err)
	}
	return n, nil
}

func fail(ctx context.Context, tx *db.Tx, status id.ID, why string) error {
	if _, err := tx.Exec(ctx, `UPDATE schedule_status SET failed = $1 WHERE id = $2`, why, int64(status)); err != nil {
		return fmt.Errorf("schedule: note why a status was not posted: %w", err)
	}
	return nil
}

// remove deletes a status; of any account where account is 0.
func remove(ctx context.Context, tx *db.Tx, status, account id.ID) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM schedule_status WHERE id = $1 AND ($2 = 0 OR account = $2)`, int64(status), int64(account))
	if err != nil {
		return 0, fmt.Errorf("schedule: delete a status: %w", err)
	}
	return n, nil
}

// draft is a stored draft.
type draft struct {
	id    id.ID
	doc   string
	media []id.ID
	at    time.Time
}

func putDraft(ctx context.Context, tx *db.Tx, account id.ID, w draft) (int64, error) {
	n, err := tx.Exec(ctx, `INSERT INTO schedule_draft (id, account, doc, media, changed_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET doc = excluded.doc, media = excluded.media, changed_at = excluded.changed_at WHERE schedule_draft.account = excluded.account`,
		int64(w.id), int64(account), w.doc, words(w.media), w.at.UnixMicro())
	if err != nil {
		return 0, fmt.Errorf("schedule: store a draft: %w", err)
	}
	return n, nil
}

func drafts(ctx context.Context, tx *db.Tx, account id.ID) ([]draft, error) {
	out, err := db.All(ctx, tx, func(r db.Scanner) (w draft, err error) {
		var media string
		var at int64
		err = r.Scan(&w.id, &w.doc, &media, &at)
		w.media, w.at = idsOf(media), time.UnixMicro(at).UTC()
		return w, err
	}, `SELECT id, doc, media, changed_at FROM schedule_draft WHERE account = $1 ORDER BY changed_at DESC, id DESC LIMIT $2`, int64(account), MaxDrafts)
	if err != nil {
		return nil, fmt.Errorf("schedule: list drafts: %w", err)
	}
	return out, nil
}

func deleteDraft(ctx context.Context, tx *db.Tx, account, which id.ID) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM schedule_draft WHERE account = $1 AND id = $2`, int64(account), int64(which))
	if err != nil {
		return 0, fmt.Errorf("schedule: delete a draft: %w", err)
	}
	return n, nil
}

func sweepDrafts(ctx context.Context, tx *db.Tx, before time.Time, limit int) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM schedule_draft WHERE id IN (SELECT id FROM schedule_draft WHERE changed_at < $1 LIMIT $2)`, before.UnixMicro(), limit)
	if err != nil {
		return 0, fmt.Errorf("schedule: delete old drafts: %w", err)
	}
	return n, nil
}

func count(ctx context.Context, tx *db.Tx, account id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT (SELECT COUNT(*) FROM schedule_status WHERE account = $1) + (SELECT COUNT(*) FROM schedule_draft WHERE account = $1)`, int64(account)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("schedule: count: %w", err)
	}
	return n, nil
}

func erase(ctx context.Context, tx *db.Tx, account id.ID) error {
	for _, q := range []string{`DELETE FROM schedule_status WHERE account = $1`, `DELETE FROM schedule_draft WHERE account = $1`} {
		if _, err := tx.Exec(ctx, q, int64(account)); err != nil {
			return fmt.Errorf("schedule: erase: %w", err)
		}
	}
	return nil
}
