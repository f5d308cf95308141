package profile

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the slice's tables. They are filled with who is there already, so those of accounts and restaurants come first.
//
//go:embed schema/*.sql
var Schema embed.FS

const columns = `id, kind, handle, page, photo, name, note, fields, avatar, avatar_alt, header, header_alt, locked, bot, discoverable, indexable, hide_collections,
	post_visibility, post_sensitive, post_language, post_quotes, state, limited, guarded, statuses, followers, following, last_status_at, created_at`

func scanRow(s db.Scanner) (r row, err error) {
	var fields string
	var last, created int64
	err = s.Scan(&r.ID, &r.Kind, &r.Handle, &r.Page, &r.Photo, &r.Name, &r.Note, &fields, &r.Avatar, &r.AvatarAlt, &r.Header, &r.HeaderAlt, &r.Locked, &r.Bot,
		&r.Discoverable, &r.Indexable, &r.Secretive, &r.Defaults.Visibility, &r.Defaults.Sensitive, &r.Defaults.Language, &r.Defaults.Quotes, &r.State,
		&r.Limited, &r.Guarded, &r.Statuses, &r.Followers, &r.Following, &last, &created)
	if err != nil {
		return r, err
	}
	if fields != "[]" {
		if err := json.Unmarshal([]byte(fields), &r.Fields); err != nil {
			return r, fmt.Errorf("profile: fields of %s: %w", r.ID, err)
		}
	}
	if last != 0 {
		r.LastStatus = time.UnixMicro(last).UTC()
	}
	r.CreatedAt = time.UnixMicro(created).UTC()
	return r, nil
}

// marks returns placeholders from $first on for values, and the values; their number is rounded up to a power of two by naming the last one
// again, so that few different statements are prepared. values must not be empty.
func marks[T any](first int, values []T) (string, []any) {
	n := 1
	for n < len(values) {
		n *= 2
	}
	var b strings.Builder
	args := make([]any, n)
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", first+i)
		args[i] = values[min(i, len(values)-1)]
	}
	return b.String(), args
}

// get returns a profile, or db.ErrNoRow.
func get(ctx context.Context, tx *db.Tx, profile id.ID) (row, error) {
	return db.One(ctx, tx, scanRow, `SELECT `+columns+` FROM social_profile WHERE id = $1`, profile)
}

// list returns the profiles with ids, in no order.
func list(ctx context.Context, tx *db.Tx, ids []id.ID) ([]row, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in, args := marks(1, ids)
	return db.All(ctx, tx, scanRow, `SELECT `+columns+` FROM social_profile WHERE id IN (`+in+`)`, args...)
}

// hold is list, and makes others who hold one of them wait: always in the order of their ids, so that nobody waits in a circle.
func hold(ctx context.Context, tx *db.Tx, ids []id.ID) ([]row, error) {
	in, args := marks(1, ids)
	query := `SELECT ` + columns + ` FROM social_profile WHERE id IN (` + in + `) ORDER BY id`
	if tx.Dialect() == db.Postgres { // SQLite has one writer
		query += ` FOR NO KEY UPDATE`
	}
	return db.All(ctx, tx, scanRow, query, args...)
}

// own is get for whoever is about to change the profile: others who do wait, or the one would undo what the other did.
func own(ctx context.Context, tx *db.Tx, profile id.ID) (row, error) {
	rows, err := hold(ctx, tx, []id.ID{profile})
	if err == nil && len(rows) == 0 {
		err = db.ErrNoRow
	}
	if err != nil {
		return row{}, err
	}
	return rows[0], nil
}

// named returns the ids of those among handles who are here, by handle.
func named(ctx context.Context, tx *db.Tx, handles []string) (map[string]id.ID, error) {
	out := map[string]id.ID{}
	if len(handles) == 0 {
		return out, nil
	}
	in, args := marks(1, handles)
	err := tx.Each(ctx, func(s db.Scanner) error {
		var profile id.ID
		var handle string
		err := s.Scan(&profile, &handle)
		out[handle] = profile
		return err
	}, `SELECT id, handle FROM social_profile WHERE host = '' AND state <> 'hidden' AND handle IN (`+in+`)`, args...)
	return out, err
}

// taken reports whether somebody other than a profile has a handle.
func taken(ctx context.Context, tx *db.Tx, handle string, but id.ID) (bool, error) {
	return tx.Exists(ctx, `SELECT 1 FROM social_profile WHERE handle = $1 AND host = '' AND id <> $2`, handle, but)
}

func insert(ctx context.Context, tx *db.Tx, r row) error {
	_, err := tx.Exec(ctx, `INSERT INTO social_profile (id, kind, handle, page, photo, name, post_language, state, indexed, created_at, changed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, TRUE, $9, $9)`,
		r.ID, string(r.Kind), r.Handle, r.Page, r.Photo, r.Name, r.Defaults.Language, string(r.State), r.CreatedAt.UnixMicro())
	if err != nil {
		return err
	}
	return index(ctx, tx, r.ID, r.Handle, r.Name)
}

// index stores the words by which a profile is found.
func index(ctx context.Context, tx *db.Tx, profile id.ID, handle, name string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM social_profile_word WHERE profile = $1`, profile); err != nil {
		return err
	}
	for _, w := range words(handle, name) {
		if _, err := tx.Exec(ctx, `INSERT INTO social_profile_word (word, profile) VALUES ($1, $2)`, w, profile); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `UPDATE social_profile SET indexed = TRUE WHERE id = $1 AND NOT indexed`, profile)
	return err
}

// unindexed returns some profiles that can't be found by their words yet.
func unindexed(ctx context.Context, tx *db.Tx, limit int) ([]row, error) {
	return db.All(ctx, tx, scanRow, `SELECT `+columns+` FROM social_profile WHERE NOT indexed ORDER BY id LIMIT $1`, limit)
}

// update stores what can be changed of a profile.
func update(ctx context.Context, tx *db.Tx, r row, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE social_profile SET name = $1, note = $2, fields = $3, avatar = $4, avatar_alt = $5, header = $6, header_alt = $7, locked = $8,
		bot = $9, discoverable = $10, indexable = $11, hide_collections = $12, post_visibility = $13, post_sensitive = $14, post_language = $15,
		post_quotes = $16, changed_at = $17 WHERE id = $18`,
		r.Name, r.Note, encodeFields(r.Fields), r.Avatar, r.AvatarAlt, r.Header, r.HeaderAlt, r.Locked, r.Bot, r.Discoverable, r.Indexable, r.Secretive,
		string(r.Defaults.Visibility), r.Defaults.Sensitive, r.Defaults.Language, r.Defaults.Quotes, now.UnixMicro(), r.ID)
	return err
}

// setFields stores fields, unless they are no longer the old ones; then it returns false.
func setFields(ctx context.Context, tx *db.Tx, profile id.ID, old, fresh []field, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE social_profile SET fields = $1, changed_at = $2 WHERE id = $3 AND fields = $4`,
		encodeFields(fresh), now.UnixMicro(), profile, encodeFields(old))
	return n == 1, err
}

// rename stores the copies that a profile holds of what it stands for.
func rename(ctx context.Context, tx *db.Tx, r row, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE social_profile SET name = $1, photo = $2, state = $3, changed_at = $4 WHERE id = $5`, r.Name, r.Photo, string(r.State), now.UnixMicro(), r.ID)
	return err
}

func setModeration(ctx context.Context, tx *db.Tx, profile id.ID, st state, limited, guarded bool, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE social_profile SET state = $1, limited = $2, guarded = $3, changed_at = $4 WHERE id = $5`,
		string(st), limited, guarded, now.UnixMicro(), profile)
	return err
}

// count adds to the counters of a profile. A last status of the zero time changes nothing of it.
func count(ctx context.Context, tx *db.Tx, profile id.ID, statuses, followers, following int, last time.Time) error {
	var at int64
	if !last.IsZero() {
		at = last.UnixMicro()
	}
	_, err := tx.Exec(ctx, `UPDATE social_profile SET statuses = statuses + $1, followers = followers + $2, following = following + $3,
		last_status_at = CASE WHEN $4 > last_status_at THEN $4 ELSE last_status_at END WHERE id = $5`, statuses, followers, following, at, profile)
	return err
}

// remove deletes a profile with what hangs on it, and returns its pictures and whether it was there.
func remove(ctx context.Context, tx *db.Tx, profile id.ID) (pictures []string, was bool, err error) {
	r, err := get(ctx, tx, profile)
	if errors.Is(err, db.ErrNoRow) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	for _, p := range []string{r.Avatar, r.Header} {
		if p != "" {
			pictures = append(pictures, p)
		}
	}
	_, err = tx.Exec(ctx, `DELETE FROM social_profile WHERE id = $1`, profile)
	return pictures, true, err
}

// shows reports whether a picture stands on a profile.
func shows(ctx context.Context, tx *db.Tx, path string) (bool, error) {
	return tx.Exists(ctx, `SELECT 1 FROM social_profile WHERE avatar = $1 OR header = $1 OR photo = $1`, path)
}

// search returns profiles that have a word beginning with each of the prefixes (at least one), the most followed first; only those among ids
// where that is not nil.
func search(ctx context.Context, tx *db.Tx, prefixes []string, among []id.ID, limit, offset int) ([]id.ID, error) {
	query := `SELECT p.id FROM social_profile p WHERE p.state = 'here' AND p.host = ''`
	var args []any
	mark := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	for _, w := range prefixes {
		query += ` AND p.id IN (SELECT profile FROM social_profile_word WHERE word >= ` + mark(w) + ` AND word < ` + mark(w+"\U0010FFFF") + `)`
	}
	exact := mark(prefixes[0])
	if among != nil {
		in, more := marks(len(args)+1, among)
		query, args = query+` AND p.id IN (`+in+`)`, append(args, more...)
	}
	query += ` ORDER BY CASE WHEN p.handle = ` + exact + ` THEN 0 ELSE 1 END, p.followers DESC, p.id LIMIT ` + mark(limit) + ` OFFSET ` + mark(offset)
	return db.All(ctx, tx, scanID, query, args...)
}

func scanID(s db.Scanner) (i id.ID, err error) {
	err = s.Scan(&i)
	return i, err
}

// featured is a hashtag that a profile shows.
type featured struct {
	ID    id.ID
	Name  string // folded
	Shown string
}

func featuredTags(ctx context.Context, tx *db.Tx, profile id.ID) ([]featured, error) {
	return db.All(ctx, tx, func(s db.Scanner) (t featured, err error) {
		err = s.Scan(&t.ID, &t.Name, &t.Shown)
		return t, err
	}, `SELECT id, name, shown FROM social_featured_tag WHERE profile = $1 ORDER BY id`, profile)
}

func insertFeatured(ctx context.Context, tx *db.Tx, profile id.ID, t featured, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO social_featured_tag (id, profile, name, shown, created_at) VALUES ($1, $2, $3, $4, $5)`,
		t.ID, profile, t.Name, t.Shown, now.UnixMicro())
	return err
}

func deleteFeatured(ctx context.Context, tx *db.Tx, profile, tag id.ID, name string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM social_featured_tag WHERE profile = $1 AND (id = $2 OR $2 = 0 AND name = $3)`, profile, tag, name)
	return n > 0, err
}

// apart returns those who are hidden, suspended or silenced. The condition is that of the index.
func apart(ctx context.Context, tx *db.Tx) (map[id.ID]social.Standing, error) {
	out := map[id.ID]social.Standing{}
	return out, tx.Each(ctx, func(r db.Scanner) error {
		var one social.Standing
		var is state
		err := r.Scan(&one.ID, (*string)(&is), &one.Limited)
		one.Hidden, one.Suspended = is == hidden, is == suspended
		out[one.ID] = one
		return err
	}, `SELECT id, state, limited FROM social_profile WHERE state <> 'here' OR limited`)
}
