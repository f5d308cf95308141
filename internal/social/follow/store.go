package follow

import (
	"context"
	"embed"
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

func scanID(s db.Scanner) (i id.ID, err error) {
	err = s.Scan(&i)
	return i, err
}

func scanTie(s db.Scanner) (t tie, err error) {
	var langs string
	err = s.Scan(&t.ID, &t.Other, &t.Pending, &t.Boosts, &t.Notify, &langs)
	t.Langs = strings.Fields(langs)
	if len(t.Langs) == 0 {
		t.Langs = nil
	}
	return t, err
}

func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// relations reads all that a viewer's eyes depend on but for groups and lists.
func relations(ctx context.Context, tx *db.Tx, viewer id.ID, now time.Time) (*social.Relations, error) {
	rel := &social.Relations{
		Viewer: viewer, Follows: map[id.ID]social.Follow{}, Requested: map[id.ID]bool{}, Blocks: map[id.ID]bool{}, BlockedBy: map[id.ID]bool{},
		Mutes: map[id.ID]social.Mute{}, Tags: map[string]bool{}, Groups: map[id.ID]bool{}, Exclusive: map[id.ID]bool{},
	}
	// One number for three columns: reading thousands of rows costs by the column.
	err := tx.Each(ctx, func(s db.Scanner) error {
		var other id.ID
		var flags int
		var langs string
		if err := s.Scan(&other, &flags, &langs); err != nil {
			return err
		}
		if flags&1 != 0 {
			rel.Requested[other] = true
			return nil
		}
		f := social.Follow{Boosts: flags&2 != 0, Notify: flags&4 != 0}
		if langs != "" {
			f.Langs = strings.Fields(langs)
		}
		rel.Follows[other] = f
		return nil
	}, `SELECT followee, CASE WHEN pending THEN 1 ELSE 0 END + CASE WHEN boosts THEN 2 ELSE 0 END + CASE WHEN notify THEN 4 ELSE 0 END, langs
		FROM social_follow WHERE follower = $1`, viewer)
	if err != nil {
		return nil, err
	}
	for _, set := range []struct {
		to    map[id.ID]bool
		query string
	}{
		{rel.Blocks, `SELECT blocked FROM social_block WHERE blocker = $1`},
		{rel.BlockedBy, `SELECT blocker FROM social_block WHERE blocked = $1`},
	} {
		err := tx.Each(ctx, func(s db.Scanner) error {
			i, err := scanID(s)
			set.to[i] = true
			return err
		}, set.query, viewer)
		if err != nil {
			return nil, err
		}
	}
	err = tx.Each(ctx, func(s db.Scanner) error {
		var i id.ID
		var m social.Mute
		var until int64
		err := s.Scan(&i, &m.Notifications, &until)
		m.Until = timeOf(until)
		rel.Mutes[i] = m
		return err
	}, `SELECT muted, notifications, until FROM social_mute WHERE muter = $1 AND (until = 0 OR until > $2)`, viewer, now.UnixMicro())
	if err != nil {
		return nil, err
	}
	return rel, tx.Each(ctx, func(s db.Scanner) error {
		var name string
		err := s.Scan(&name)
		rel.Tags[name] = true
		return err
	}, `SELECT name FROM social_tag_follow WHERE profile = $1`, viewer)
}

// followers returns who follows a profile, by their ids.
func followers(ctx context.Context, tx *db.Tx, of, after id.ID, limit int) ([]id.ID, error) {
	return db.All(ctx, tx, scanID, `SELECT follower FROM social_follow WHERE followee = $1 AND NOT pending AND follower > $2 ORDER BY follower LIMIT $3`, of, after, limit)
}

// notifying returns followers who want to be told of each post.
func notifying(ctx context.Context, tx *db.Tx, of, after id.ID, limit int) ([]id.ID, error) {
	return db.All(ctx, tx, scanID, `SELECT follower FROM social_follow WHERE followee = $1 AND notify AND NOT pending AND follower > $2 ORDER BY follower LIMIT $3`,
		of, after, limit)
}

// between returns the tie from one to another, or db.ErrNoRow.
func between(ctx context.Context, tx *db.Tx, from, to id.ID) (tie, error) {
	return db.One(ctx, tx, scanTie, `SELECT id, followee, pending, boosts, notify, langs FROM social_follow WHERE follower = $1 AND followee = $2`, from, to)
}

// countTies returns how many a profile follows or has asked.
func countTies(ctx context.Context, tx *db.Tx, from id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM social_follow WHERE follower = $1`, from).Scan(&n)
	return n, err
}

func insertTie(ctx context.Context, tx *db.Tx, from id.ID, t tie, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO social_follow (follower, followee, id, pending, boosts, notify, langs, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		from, t.Other, t.ID, t.Pending, t.Boosts, t.Notify, strings.Join(t.Langs, " "), now.UnixMicro())
	return err
}

func updateTie(ctx context.Context, tx *db.Tx, from, to id.ID, f social.Follow) error {
	_, err := tx.Exec(ctx, `UPDATE social_follow SET boosts = $1, notify = $2, langs = $3 WHERE follower = $4 AND followee = $5`,
		f.Boosts, f.Notify, strings.Join(f.Langs, " "), from, to)
	return err
}

// accept makes a request a follow under another id and reports whether there was one.
func accept(ctx context.Context, tx *db.Tx, from, to, fresh id.ID, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE social_follow SET pending = FALSE, id = $1, created_at = $2 WHERE follower = $3 AND followee = $4 AND pending`,
		fresh, now.UnixMicro(), from, to)
	return n == 1, err
}

// deleteTie ends a follow or takes back a request. It returns db.ErrNoRow where there is neither.
func deleteTie(ctx context.Context, tx *db.Tx, from, to id.ID) (pending bool, err error) {
	err = tx.Row(ctx, `DELETE FROM social_follow WHERE follower = $1 AND followee = $2 RETURNING pending`, from, to).Scan(&pending)
	return pending, err
}

// deleteRequest removes a request and reports whether there was one.
func deleteRequest(ctx context.Context, tx *db.Tx, from, to id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM social_follow WHERE follower = $1 AND followee = $2 AND pending`, from, to)
	return n == 1, err
}

func blocks(ctx context.Context, tx *db.Tx, from, to id.ID) (bool, error) {
	return tx.Exists(ctx, `SELECT 1 FROM social_block WHERE blocker = $1 AND blocked = $2`, from, to)
}

// insertBlock reports whether the block is new.
func insertBlock(ctx context.Context, tx *db.Tx, from, to, fresh id.ID, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO social_block (blocker, blocked, id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (blocker, blocked) DO NOTHING`,
		from, to, fresh, now.UnixMicro())
	return n == 1, err
}

func deleteBlock(ctx context.Context, tx *db.Tx, from, to id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM social_block WHERE blocker = $1 AND blocked = $2`, from, to)
	return n == 1, err
}

func upsertMute(ctx context.Context, tx *db.Tx, from, to, fresh id.ID, m social.Mute, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO social_mute (muter, muted, id, notifications, until, created_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (muter, muted) DO UPDATE SET notifications = excluded.notifications, until = excluded.until`,
		from, to, fresh, m.Notifications, micros(m.Until), now.UnixMicro())
	return err
}

func deleteMute(ctx context.Context, tx *db.Tx, from, to id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM social_mute WHERE muter = $1 AND muted = $2`, from, to)
	return n == 1, err
}

// sweepMutes removes mutes that have ended.
func sweepMutes(ctx context.Context, tx *db.Tx, now time.Time) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM social_mute WHERE until <> 0 AND until <= $1`, now.UnixMicro())
}

func setNote(ctx context.Context, tx *db.Tx, author, about id.ID, text string, now time.Time) error {
	if text == "" {
		_, err := tx.Exec(ctx, `DELETE FROM social_note WHERE author = $1 AND about = $2`, author, about)
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO social_note (author, about, text, changed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (author, about) DO UPDATE SET text = excluded.text, changed_at = excluded.changed_at`, author, about, text, now.UnixMicro())
	return err
}

func insertEndorsement(ctx context.Context, tx *db.Tx, profile, target, fresh id.ID, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO social_endorsement (profile, target, id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (profile, target) DO NOTHING`,
		profile, target, fresh, now.UnixMicro())
	return err
}

func deleteEndorsement(ctx context.Context, tx *db.Tx, profile, target id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM social_endorsement WHERE profile = $1 AND target = $2`, profile, target)
	return err
}

// followTag reports whether the tag was not followed before.
func followTag(ctx context.Context, tx *db.Tx, profile, fresh id.ID, name, shown string, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO social_tag_follow (profile, name, shown, id, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (profile, name) DO NOTHING`,
		profile, name, shown, fresh, now.UnixMicro())
	return n == 1, err
}

func unfollowTag(ctx context.Context, tx *db.Tx, profile id.ID, name string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM social_tag_follow WHERE profile = $1 AND name = $2`, profile, name)
	return n == 1, err
}

// blockDomain reports whether the server was not blocked before.
func blockDomain(ctx context.Context, tx *db.Tx, profile, fresh id.ID, domain string, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO social_domain_block (profile, domain, id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (profile, domain) DO NOTHING`,
		profile, domain, fresh, now.UnixMicro())
	return n == 1, err
}

func unblockDomain(ctx context.Context, tx *db.Tx, profile id.ID, domain string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM social_domain_block WHERE profile = $1 AND domain = $2`, profile, domain)
	return n == 1, err
}

func countOf(ctx context.Context, tx *db.Tx, table string, profile id.ID) (n int, err error) {
	query := `SELECT COUNT(*) FROM social_tag_follow WHERE profile = $1`
	if table == "social_domain_block" {
		query = `SELECT COUNT(*) FROM social_domain_block WHERE profile = $1`
	}
	err = tx.Row(ctx, query, profile).Scan(&n)
	return n, err
}

// requests returns who has asked to follow a profile, those who asked first in front.
func requests(ctx context.Context, tx *db.Tx, of id.ID, limit int) ([]id.ID, error) {
	return db.All(ctx, tx, scanID, `SELECT follower FROM social_follow WHERE followee = $1 AND pending ORDER BY id LIMIT $2`, of, limit)
}

// tiesOf returns some of the follows and requests in which a profile is one of the two, as follower and followee.
func tiesOf(ctx context.Context, tx *db.Tx, profile id.ID, limit int) ([][2]id.ID, error) {
	return db.All(ctx, tx, func(s db.Scanner) (p [2]id.ID, err error) {
		err = s.Scan(&p[0], &p[1])
		return p, err
	}, `SELECT follower, followee FROM social_follow WHERE follower = $1 UNION ALL SELECT follower, followee FROM social_follow WHERE followee = $1 LIMIT $2`,
		profile, limit)
}

// eraseRest removes all that is stored of a profile but follows, and returns who blocked it.
func eraseRest(ctx context.Context, tx *db.Tx, profile id.ID) (blockedBy []id.ID, err error) {
	if blockedBy, err = db.All(ctx, tx, scanID, `SELECT blocker FROM social_block WHERE blocked = $1`, profile); err != nil {
		return nil, err
	}
	for _, query := range []string{
		`DELETE FROM social_block WHERE blocker = $1 OR blocked = $1`, `DELETE FROM social_mute WHERE muter = $1 OR muted = $1`,
		`DELETE FROM social_domain_block WHERE profile = $1`, `DELETE FROM social_tag_follow WHERE profile = $1`,
		`DELETE FROM social_note WHERE author = $1 OR about = $1`, `DELETE FROM social_endorsement WHERE profile = $1 OR target = $1`,
		`DELETE FROM social_import WHERE profile = $1`,
	} {
		if _, err := tx.Exec(ctx, query, profile); err != nil {
			return nil, err
		}
	}
	return blockedBy, nil
}
