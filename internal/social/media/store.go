package media

import (
	"context"
	"embed"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// record is a row of attachment.
type record struct {
	id, owner, status       id.ID
	kind, path, preview     string
	ownPreview              bool
	bytes                   int64
	width, height           int
	smallWidth, smallHeight int
	length                  time.Duration
	rate                    float64
	description, blurhash   string
	focus                   *social.Focus
}

const columns = `id, owner, status, kind, path, preview, own_preview, bytes, width, height, small_width, small_height, length, rate, description, blurhash, focused, focus_x, focus_y`

func scan(s db.Scanner) (*record, error) {
	r := &record{}
	var length int64
	var own, focused int64
	var f social.Focus
	err := s.Scan(&r.id, &r.owner, &r.status, &r.kind, &r.path, &r.preview, &own, &r.bytes, &r.width, &r.height, &r.smallWidth, &r.smallHeight,
		&length, &r.rate, &r.description, &r.blurhash, &focused, &f.X, &f.Y)
	r.length, r.ownPreview = time.Duration(length)*time.Microsecond, own != 0
	if focused != 0 {
		r.focus = &f
	}
	return r, err
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func insert(ctx context.Context, tx *db.Tx, r *record, now time.Time) error {
	var f social.Focus
	if r.focus != nil {
		f = *r.focus
	}
	_, err := tx.Exec(ctx, `INSERT INTO attachment (id, owner, status, position, loose_at, kind, path, preview, own_preview, bytes, width, height,
		small_width, small_height, length, rate, description, blurhash, focused, focus_x, focus_y)
		VALUES ($1, $2, 0, 0, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		r.id, r.owner, now.UnixMicro(), r.kind, r.path, r.preview, bit(r.ownPreview), r.bytes, r.width, r.height, r.smallWidth, r.smallHeight,
		r.length.Microseconds(), r.rate, r.description, r.blurhash, bit(r.focus != nil), f.X, f.Y)
	return err
}

// update stores what the owner may change.
func update(ctx context.Context, tx *db.Tx, r *record) error {
	var f social.Focus
	if r.focus != nil {
		f = *r.focus
	}
	_, err := tx.Exec(ctx, `UPDATE attachment SET preview = $1, own_preview = $2, bytes = $3, small_width = $4, small_height = $5, description = $6,
		blurhash = $7, focused = $8, focus_x = $9, focus_y = $10 WHERE id = $11`,
		r.preview, bit(r.ownPreview), r.bytes, r.smallWidth, r.smallHeight, r.description, r.blurhash, bit(r.focus != nil), f.X, f.Y, r.id)
	return err
}

func find(ctx context.Context, tx *db.Tx, owner, attachment id.ID) (*record, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM attachment WHERE id = $1 AND owner = $2`, attachment, owner)
}

// of returns the attachments of statuses in their order.
func of(ctx context.Context, tx *db.Tx, statuses []id.ID) (map[id.ID][]*record, error) {
	out := make(map[id.ID][]*record, len(statuses))
	for len(statuses) > 0 {
		n := min(len(statuses), 64)
		marks, args := in(statuses[:n])
		statuses = statuses[n:]
		err := tx.Each(ctx, func(s db.Scanner) error {
			r, err := scan(s)
			if err == nil {
				out[r.status] = append(out[r.status], r)
			}
			return err
		}, `SELECT `+columns+` FROM attachment WHERE status > 0 AND status IN (`+marks+`) ORDER BY status, position`, args...)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// in returns the places of a list, whose length is a power of two so that there are few different statements, and its values.
func in(ids []id.ID) (marks string, args []any) {
	n := 1
	for n < len(ids) {
		n *= 2
	}
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i + 1))
		args = append(args, ids[min(i, len(ids)-1)])
	}
	return b.String(), args
}

// attach gives a status a file of the owner's that no other status has, and reports whether there is such a one.
func attach(ctx context.Context, tx *db.Tx, owner, status, attachment id.ID, position int) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE attachment SET status = $1, position = $2, loose_at = 0 WHERE id = $3 AND owner = $4 AND (status = 0 OR status = $1)`,
		status, position, attachment, owner)
	return n > 0, err
}

// loosen takes a status' files from position first on from it.
func loosen(ctx context.Context, tx *db.Tx, status id.ID, first int, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE attachment SET status = 0, loose_at = $1 WHERE status = $2 AND status > 0 AND position >= $3`, now.UnixMicro(), status, first)
	return err
}

// shift moves the places of a status' files out of the way of new ones.
func shift(ctx context.Context, tx *db.Tx, status id.ID, by int) error {
	_, err := tx.Exec(ctx, `UPDATE attachment SET position = position + $1 WHERE status = $2 AND status > 0`, by, status)
	return err
}

func hold(ctx context.Context, tx *db.Tx, owner, attachment id.ID, until time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE attachment SET loose_at = $1 WHERE id = $2 AND owner = $3 AND status = 0`, until.UnixMicro(), attachment, owner)
	return n > 0, err
}

// Which files of a query's are removed: the statements of remove.
const (
	ofStatus = `WHERE status = $1 AND status > 0`
	ofOwner  = `WHERE owner = $1`
	looseAt  = `WHERE status = 0 AND loose_at < $1`
	looseOne = `WHERE status = 0 AND id = $1`
)

// remove deletes up to some hundred rows, and gives back what they took. It returns the paths of their files, and how many rows it were.
func remove(ctx context.Context, tx *db.Tx, where string, arg any) (paths []string, n int, err error) {
	rows, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM attachment `+where+` ORDER BY id LIMIT 200`, arg)
	if err != nil {
		return nil, 0, err
	}
	for _, r := range rows {
		gone, err := tx.Exec(ctx, `DELETE FROM attachment WHERE id = $1 AND status = $2`, r.id, r.status)
		if err != nil {
			return nil, 0, err
		}
		if gone == 0 { // a status has taken it meanwhile
			continue
		}
		paths = append(paths, r.path)
		if r.ownPreview {
			paths = append(paths, r.preview)
		}
		if err := giveBack(ctx, tx, r.owner, 1, r.bytes); err != nil {
			return nil, 0, err
		}
	}
	return paths, len(rows), nil
}

// take counts bytes more for an owner (0: everybody) where that stays within limit, and reports whether it does.
func take(ctx context.Context, tx *db.Tx, owner id.ID, files, bytes, limit int64) (bool, error) {
	if bytes > limit {
		return false, nil
	}
	n, err := tx.Exec(ctx, `INSERT INTO attachment_use (owner, files, bytes) VALUES ($1, $2, $3) ON CONFLICT (owner)
		DO UPDATE SET files = attachment_use.files + excluded.files, bytes = attachment_use.bytes + excluded.bytes
		WHERE attachment_use.bytes + excluded.bytes <= $4`, owner, files, bytes, limit)
	return n > 0, err
}

func giveBack(ctx context.Context, tx *db.Tx, owner id.ID, files, bytes int64) error {
	for _, who := range []id.ID{owner, 0} { // in the order in which take comes
		if _, err := tx.Exec(ctx, `UPDATE attachment_use SET files = files - $1, bytes = bytes - $2 WHERE owner = $3`, files, bytes, who); err != nil {
			return err
		}
	}
	return nil
}

func use(ctx context.Context, tx *db.Tx, owner id.ID) (files, bytes int64, err error) {
	err = tx.Row(ctx, `SELECT files, bytes FROM attachment_use WHERE owner = $1`, owner).Scan(&files, &bytes)
	return files, bytes, err
}

func dropUse(ctx context.Context, tx *db.Tx, owner id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM attachment_use WHERE owner = $1 AND files = 0`, owner)
	return err
}

// after returns an owner's files with a higher id, in order.
func after(ctx context.Context, tx *db.Tx, owner, above id.ID, limit int) ([]*record, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM attachment WHERE owner = $1 AND id > $2 ORDER BY id LIMIT $3`, owner, above, limit)
}
