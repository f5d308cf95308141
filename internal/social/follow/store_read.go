package follow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// marks returns placeholders from $first on for values, and the values; their number is rounded up to a power of two by naming the last one
// again, so that few different statements are prepared. values must not be empty.
func marks(first int, values []id.ID) (string, []any) {
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

// others is what profiles have to do with a viewer beside the viewer's relations.
type others struct {
	follows, asks, endorsed map[id.ID]bool
	notes                   map[id.ID]string
}

func othersOf(ctx context.Context, tx *db.Tx, viewer id.ID, profiles []id.ID) (others, error) {
	out := others{follows: map[id.ID]bool{}, asks: map[id.ID]bool{}, endorsed: map[id.ID]bool{}, notes: map[id.ID]string{}}
	in, args := marks(2, profiles)
	args = append([]any{viewer}, args...)
	err := tx.Each(ctx, func(s db.Scanner) error {
		var i id.ID
		var pending bool
		err := s.Scan(&i, &pending)
		if pending {
			out.asks[i] = true
		} else {
			out.follows[i] = true
		}
		return err
	}, `SELECT follower, pending FROM social_follow WHERE followee = $1 AND follower IN (`+in+`)`, args...)
	if err != nil {
		return out, err
	}
	err = tx.Each(ctx, func(s db.Scanner) error {
		i, err := scanID(s)
		out.endorsed[i] = true
		return err
	}, `SELECT target FROM social_endorsement WHERE profile = $1 AND target IN (`+in+`)`, args...)
	if err != nil {
		return out, err
	}
	return out, tx.Each(ctx, func(s db.Scanner) error {
		var i id.ID
		var text string
		err := s.Scan(&i, &text)
		out.notes[i] = text
		return err
	}, `SELECT about, text FROM social_note WHERE author = $1 AND about IN (`+in+`)`, args...)
}

// notesBy returns what somebody noted about others.
func notesBy(ctx context.Context, tx *db.Tx, author id.ID) (map[id.ID]string, error) {
	out := map[id.ID]string{}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var about id.ID
		var text string
		err := s.Scan(&about, &text)
		out[about] = text
		return err
	}, `SELECT about, text FROM social_note WHERE author = $1`, author)
	return out, err
}

// circles are the statements of the lists, each with the id of the place, the profile and when it ends, of $1.
var circles = map[Circle]string{
	Followers: `SELECT id, follower, 0 FROM social_follow WHERE followee = $1 AND NOT pending`,
	Following: `SELECT id, followee, 0 FROM social_follow WHERE follower = $1 AND NOT pending`,
	Requests:  `SELECT id, follower, 0 FROM social_follow WHERE followee = $1 AND pending`,
	Asked:     `SELECT id, followee, 0 FROM social_follow WHERE follower = $1 AND pending`,
	Blocked:   `SELECT id, blocked, 0 FROM social_block WHERE blocker = $1`,
	Muted:     `SELECT id, muted, until FROM social_mute WHERE muter = $1 AND (until = 0 OR until > $2)`,
	Endorsed:  `SELECT id, target, 0 FROM social_endorsement WHERE profile = $1`,
}

// page reads a part of a list, newest first. query and args are the list; id names a place in it.
func page[T any](ctx context.Context, tx *db.Tx, scan func(db.Scanner) (T, error), query string, args []any, p mastodon.Page) ([]T, error) {
	mark := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	if p.MaxID != 0 {
		query += ` AND id < ` + mark(p.MaxID)
	}
	if since := max(p.SinceID, p.MinID); since != 0 {
		query += ` AND id > ` + mark(since)
	}
	order := ` ORDER BY id DESC LIMIT `
	if p.MinID != 0 {
		order = ` ORDER BY id LIMIT `
	}
	query += order
	out, err := db.All(ctx, tx, scan, query+mark(p.Limit), args...)
	if p.MinID != 0 {
		slices.Reverse(out)
	}
	return out, err
}

func places(ctx context.Context, tx *db.Tx, circle Circle, of id.ID, p mastodon.Page, now time.Time) ([]Place, error) {
	query, ok := circles[circle]
	if !ok {
		return nil, errors.New("follow: there is no circle " + string(circle))
	}
	args := []any{of}
	if circle == Muted {
		args = append(args, now.UnixMicro())
	}
	return page(ctx, tx, func(s db.Scanner) (pl Place, err error) {
		var until int64
		err = s.Scan(&pl.ID, &pl.Profile, &until)
		pl.Until = timeOf(until)
		return pl, err
	}, query, args, p)
}

func countRequests(ctx context.Context, tx *db.Tx, of id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM social_follow WHERE followee = $1 AND pending`, of).Scan(&n)
	return n, err
}

// familiar returns whom a viewer follows among the followers of a profile, the newest followers first.
func familiar(ctx context.Context, tx *db.Tx, viewer, of id.ID, limit int) ([]id.ID, error) {
	return db.All(ctx, tx, scanID, `SELECT t.follower FROM social_follow m JOIN social_follow t ON t.follower = m.followee AND t.followee = $2 AND NOT t.pending
		WHERE m.follower = $1 AND NOT m.pending ORDER BY t.id DESC LIMIT $3`, viewer, of, limit)
}

func scanTag(s db.Scanner) (t Tag, err error) {
	err = s.Scan(&t.ID, &t.Name, &t.Shown)
	return t, err
}

func tags(ctx context.Context, tx *db.Tx, of id.ID, p mastodon.Page) ([]Tag, error) {
	return page(ctx, tx, scanTag, `SELECT id, name, shown FROM social_tag_follow WHERE profile = $1`, []any{of}, p)
}

func domains(ctx context.Context, tx *db.Tx, of id.ID, p mastodon.Page) ([]Tag, error) {
	return page(ctx, tx, scanTag, `SELECT id, domain, domain FROM social_domain_block WHERE profile = $1`, []any{of}, p)
}

const importColumns = `id, kind, overwrite, state, total, done, failed, problems, created_at, ended_at`

func importFields(im *Import, problems *string, created, ended *int64) []any {
	return []any{&im.ID, &im.File, &im.Overwrite, &im.State, &im.Total, &im.Done, &im.Failed, problems, created, ended}
}

func (im *Import) complete(problems string, created, ended int64) error {
	im.CreatedAt, im.EndedAt = timeOf(created), timeOf(ended)
	if err := json.Unmarshal([]byte(problems), &im.Problems); err != nil {
		return fmt.Errorf("follow: problems of import %s: %w", im.ID, err)
	}
	return nil
}

// importing reports whether a file of a kind is being taken in that was brought after since.
func importing(ctx context.Context, tx *db.Tx, profile id.ID, f File, since time.Time) (bool, error) {
	return tx.Exists(ctx, `SELECT 1 FROM social_import WHERE profile = $1 AND kind = $2 AND state IN ('waiting', 'running') AND created_at > $3`,
		profile, string(f), since.UnixMicro())
}

func insertImport(ctx context.Context, tx *db.Tx, profile id.ID, im Import, lines, archive string) error {
	problems, err := json.Marshal(append([]Problem{}, im.Problems...))
	if err != nil {
		return fmt.Errorf("follow: encode problems: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO social_import (id, profile, kind, overwrite, state, total, done, failed, lines, problems, created_at, ended_at, archive)
		VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, $8, $9, 0, $10)`,
		im.ID, profile, string(im.File), im.Overwrite, im.State, im.Total, lines, string(problems), im.CreatedAt.UnixMicro(), archive)
	return err
}

// importByID returns an import with its profile and its lines, or db.ErrNoRow.
func importByID(ctx context.Context, tx *db.Tx, i id.ID) (im Import, profile id.ID, lines string, err error) {
	var problems string
	var created, ended int64
	err = tx.Row(ctx, `SELECT `+importColumns+`, profile, lines FROM social_import WHERE id = $1`, i).
		Scan(append(importFields(&im, &problems, &created, &ended), &profile, &lines)...)
	if err == nil {
		err = im.complete(problems, created, ended)
	}
	return im, profile, lines, err
}

func imports(ctx context.Context, tx *db.Tx, profile id.ID, limit int) ([]Import, error) {
	return db.All(ctx, tx, func(s db.Scanner) (im Import, err error) {
		var problems string
		var created, ended int64
		if err = s.Scan(importFields(&im, &problems, &created, &ended)...); err == nil {
			err = im.complete(problems, created, ended)
		}
		return im, err
	}, `SELECT `+importColumns+` FROM social_import WHERE profile = $1 ORDER BY id DESC LIMIT $2`, profile, limit)
}

// noteImport stores how far an import is; of one that is done the lines are no longer needed.
func noteImport(ctx context.Context, tx *db.Tx, im Import) error {
	problems, err := json.Marshal(im.Problems)
	if err != nil {
		return fmt.Errorf("follow: encode problems: %w", err)
	}
	_, err = tx.Exec(ctx, `UPDATE social_import SET state = $1, done = $2, failed = $3, problems = $4, ended_at = $5,
		lines = CASE WHEN $1 = 'done' THEN '[]' ELSE lines END WHERE id = $6`, im.State, im.Done, im.Failed, string(problems), micros(im.EndedAt), im.ID)
	return err
}

// archiveOf returns the path of an import's archive.
func archiveOf(ctx context.Context, tx *db.Tx, i id.ID) (path string, err error) {
	err = tx.Row(ctx, `SELECT archive FROM social_import WHERE id = $1`, i).Scan(&path)
	return path, err
}

// archives returns the paths of the archives that a profile brought, or, for 0, of all that were brought before a time.
func archives(ctx context.Context, tx *db.Tx, profile id.ID, before time.Time) ([]string, error) {
	return db.All(ctx, tx, func(s db.Scanner) (path string, err error) {
		err = s.Scan(&path)
		return path, err
	}, `SELECT archive FROM social_import WHERE archive <> '' AND (profile = $1 OR $1 = 0 AND created_at < $2)`, profile, before.UnixMicro())
}

// sweepImports removes what was brought before a time.
func sweepImports(ctx context.Context, tx *db.Tx, before time.Time) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM social_import WHERE created_at < $1`, before.UnixMicro())
}

// friends bounds how many follows are looked through for theirs: somebody who follows thousands gets suggestions of the newest of them.
const friends = 500

// SecondDegree returns whom those follow whom the account follows, with how many of them do, at most limit, those with most first. Whom the
// account follows itself is left out.
func (s *Service) SecondDegree(ctx context.Context, account id.ID, limit int) (map[id.ID]int, error) {
	out := map[id.ID]int{}
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(ctx, func(r db.Scanner) error {
			var who, n int64
			err := r.Scan(&who, &n)
			out[id.ID(who)] = int(n)
			return err
		}, `SELECT b.followee, COUNT(*) FROM social_follow b WHERE b.pending = FALSE AND b.followee <> $1
			AND b.follower IN (SELECT followee FROM social_follow WHERE follower = $1 AND pending = FALSE ORDER BY id DESC LIMIT $2)
			AND b.followee NOT IN (SELECT followee FROM social_follow WHERE follower = $1)
			GROUP BY b.followee ORDER BY COUNT(*) DESC, b.followee LIMIT $3`, int64(account), friends, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("follow: read the second degree: %w", err)
	}
	return out, nil
}
