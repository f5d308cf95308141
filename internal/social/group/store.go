package group

import (
	"context"
	"embed"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the tables social_group and social_member.
//
//go:embed schema/*.sql
var Schema embed.FS

const columns = `id, handle, name, about, rules, closed, joining, members, created_at`

func scan(s db.Scanner) (Group, error) {
	var g Group
	var closed, at int64
	if err := s.Scan(&g.ID, &g.Handle, &g.Name, &g.About, &g.Rules, &closed, &g.Joining, &g.Members, &at); err != nil {
		return g, err
	}
	g.Closed, g.Created, g.URL = closed != 0, time.UnixMicro(at).UTC(), PathOf(g.Handle)
	return g, nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func insert(ctx context.Context, tx *db.Tx, g *Group, by id.ID) error {
	_, err := tx.Exec(ctx, `INSERT INTO social_group (id, handle, name, folded, about, rules, closed, joining, members, created_by, created_at, deleted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)`,
		g.ID, g.Handle, g.Name, text.Fold(g.Name), g.About, g.Rules, flag(g.Closed), string(g.Joining), g.Members, by, g.Created.UnixMicro())
	return err
}

func update(ctx context.Context, tx *db.Tx, g *Group) error {
	_, err := tx.Exec(ctx, `UPDATE social_group SET name = $1, folded = $2, about = $3, rules = $4, joining = $5 WHERE id = $6 AND deleted_at = 0`,
		g.Name, text.Fold(g.Name), g.About, g.Rules, string(g.Joining), g.ID)
	return err
}

func remove(ctx context.Context, tx *db.Tx, group id.ID, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE social_group SET deleted_at = $1, about = '', rules = '', members = 0 WHERE id = $2 AND deleted_at = 0`, now.UnixMicro(), group)
	return err
}

// lock makes changes of one group come one after another; false where it is gone.
func lock(ctx context.Context, tx *db.Tx, group id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE social_group SET members = members WHERE id = $1 AND deleted_at = 0`, group)
	return n == 1, err
}

func byID(ctx context.Context, tx *db.Tx, group id.ID) (Group, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM social_group WHERE id = $1 AND deleted_at = 0`, group)
}

func byHandle(ctx context.Context, tx *db.Tx, handle string) (Group, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM social_group WHERE handle = $1 AND deleted_at = 0`, strings.ToLower(handle))
}

// named is where a list by name goes on.
type named struct {
	Folded string
	ID     id.ID
}

// listed returns groups that lists show whose name has q in it, by name.
func listed(ctx context.Context, tx *db.Tx, q string, after named, limit int) ([]Group, error) {
	q = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text.Fold(q))
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM social_group WHERE deleted_at = 0 AND joining <> 'invite' AND (folded LIKE $1 ESCAPE '\' OR handle LIKE $1 ESCAPE '\')
		AND (folded > $2 OR folded = $2 AND id > $3) ORDER BY folded, id LIMIT $4`, "%"+q+"%", after.Folded, after.ID, limit)
}

// ofAccount returns the groups that somebody is something to, by name.
func ofAccount(ctx context.Context, tx *db.Tx, account id.ID, after named, limit int) ([]Group, error) {
	return db.All(ctx, tx, func(s db.Scanner) (Group, error) {
		var g Group
		var closed, at int64
		err := s.Scan(&g.ID, &g.Handle, &g.Name, &g.About, &g.Rules, &closed, &g.Joining, &g.Members, &at, &g.Role)
		g.Closed, g.Created, g.URL = closed != 0, time.UnixMicro(at).UTC(), PathOf(g.Handle)
		return g, err
	}, `SELECT g.id, g.handle, g.name, g.about, g.rules, g.closed, g.joining, g.members, g.created_at, m.role
		FROM social_member m JOIN social_group g ON g.id = m.grp WHERE m.account = $1 AND m.role <> 'barred' AND g.deleted_at = 0
		AND (g.folded > $2 OR g.folded = $2 AND g.id > $3) ORDER BY g.folded, g.id LIMIT $4`, account, after.Folded, after.ID, limit)
}

// groupsOf returns the ids of the groups that somebody is a member of.
func groupsOf(ctx context.Context, tx *db.Tx, account id.ID) ([]id.ID, error) {
	return db.All(ctx, tx, func(s db.Scanner) (g id.ID, err error) { return g, s.Scan(&g) },
		`SELECT m.grp FROM social_member m JOIN social_group g ON g.id = m.grp
		WHERE m.account = $1 AND m.role IN ('owner', 'moderator', 'member') AND g.deleted_at = 0 ORDER BY m.grp`, account)
}

// roleOf returns what somebody is to a group.
func roleOf(ctx context.Context, tx *db.Tx, group, account id.ID) (r Role, err error) {
	if account == 0 {
		return Stranger, nil
	}
	err = tx.Each(ctx, func(s db.Scanner) error { return s.Scan(&r) }, `SELECT role FROM social_member WHERE grp = $1 AND account = $2`, group, account)
	return r, err
}

// setRole makes somebody something to a group; Stranger removes them.
func setRole(ctx context.Context, tx *db.Tx, group, account id.ID, r Role, by id.ID, now time.Time) error {
	if r == Stranger {
		_, err := tx.Exec(ctx, `DELETE FROM social_member WHERE grp = $1 AND account = $2`, group, account)
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO social_member (grp, account, role, by_account, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (grp, account) DO UPDATE SET role = excluded.role, by_account = excluded.by_account, at = excluded.at`,
		group, account, string(r), by, now.UnixMicro())
	return err
}

// addMembers counts members in or out; false where more than most would be in it.
func addMembers(ctx context.Context, tx *db.Tx, group id.ID, n, most int64) (bool, error) {
	done, err := tx.Exec(ctx, `UPDATE social_group SET members = members + $1 WHERE id = $2 AND ($1 <= 0 OR members + $1 <= $3)`, n, group, most)
	return done == 1, err
}

func countRole(ctx context.Context, tx *db.Tx, group id.ID, r Role) (n int64, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM social_member WHERE grp = $1 AND role = $2`, group, string(r)).Scan(&n)
	return n, err
}

// owned counts the groups that somebody owns.
func owned(ctx context.Context, tx *db.Tx, account id.ID) (n int64, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM social_member m JOIN social_group g ON g.id = m.grp
		WHERE m.account = $1 AND m.role = 'owner' AND g.deleted_at = 0`, account).Scan(&n)
	return n, err
}

// tie is what somebody is to a group.
type tie struct {
	group, account id.ID
	role           Role
	at             time.Time
}

func scanTie(s db.Scanner) (tie, error) {
	var t tie
	var at int64
	err := s.Scan(&t.group, &t.account, &t.role, &at)
	t.at = time.UnixMicro(at).UTC()
	return t, err
}

// people returns those with one of the roles by their ids.
func people(ctx context.Context, tx *db.Tx, group id.ID, roles []Role, after id.ID, limit int) ([]tie, error) {
	r := [3]string{}
	for i := range r {
		r[i] = string(roles[min(i, len(roles)-1)])
	}
	return db.All(ctx, tx, scanTie, `SELECT grp, account, role, at FROM social_member
		WHERE grp = $1 AND role IN ($2, $3, $4) AND account > $5 ORDER BY account LIMIT $6`, group, r[0], r[1], r[2], after, limit)
}

// heir returns who gets a group whose last owner leaves: the moderator who has been one longest, else the member; 0: nobody is left.
func heir(ctx context.Context, tx *db.Tx, group, leaving id.ID) (account id.ID, err error) {
	err = tx.Each(ctx, func(s db.Scanner) error { return s.Scan(&account) }, `SELECT account FROM social_member
		WHERE grp = $1 AND account <> $2 AND role IN ('moderator', 'member') ORDER BY CASE role WHEN 'moderator' THEN 0 ELSE 1 END, at, account LIMIT 1`, group, leaving)
	return account, err
}

// tiesOf returns everything that somebody is to groups.
func tiesOf(ctx context.Context, tx *db.Tx, account id.ID, limit int) ([]tie, error) {
	return db.All(ctx, tx, scanTie, `SELECT grp, account, role, at FROM social_member WHERE account = $1 ORDER BY grp LIMIT $2`, account, limit)
}

func countTies(ctx context.Context, tx *db.Tx, account id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM social_member WHERE account = $1`, account).Scan(&n)
	return n, err
}
