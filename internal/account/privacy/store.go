package privacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// us returns a time as stored; the zero time is 0.
func us(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

const copyColumns = `id, account, state, done, parts, size, asked_at, ready_at, expires_at, attempt`

func scanCopy(s db.Scanner) (c Copy, err error) {
	var asked, ready, expires int64
	err = s.Scan(&c.ID, &c.Account, &c.State, &c.Done, &c.Parts, &c.Size, &asked, &ready, &expires, &c.attempt)
	c.AskedAt, c.ReadyAt, c.ExpiresAt = timeOf(asked), timeOf(ready), timeOf(expires)
	return c, err
}

func insertCopy(ctx context.Context, tx *db.Tx, c Copy) error {
	_, err := tx.Exec(ctx, `INSERT INTO privacy_copy (id, account, state, done, parts, size, asked_at, ready_at, expires_at, attempt)
		VALUES ($1, $2, $3, 0, $4, 0, $5, 0, 0, 0)`, c.ID, c.Account, string(c.State), c.Parts, us(c.AskedAt))
	return err
}

func oneCopy(c Copy, err error) (Copy, error) {
	if errors.Is(err, db.ErrNoRow) {
		return Copy{}, errNoCopy
	}
	return c, err
}

// loadCopy returns a copy, or a NotFound error.
func loadCopy(ctx context.Context, tx *db.Tx, copyID id.ID) (Copy, error) {
	return oneCopy(db.One(ctx, tx, scanCopy, `SELECT `+copyColumns+` FROM privacy_copy WHERE id = $1`, copyID))
}

// lastCopy returns an account's newest copy, or a NotFound error.
func lastCopy(ctx context.Context, tx *db.Tx, account id.ID) (Copy, error) {
	return oneCopy(db.One(ctx, tx, scanCopy, `SELECT `+copyColumns+` FROM privacy_copy WHERE account = $1 ORDER BY id DESC LIMIT 1`, account))
}

// copiesSince returns how many copies an account asked for since a time that did not fail, and when the first of those was.
func copiesSince(ctx context.Context, tx *db.Tx, account id.ID, since time.Time) (n int, oldest time.Time, err error) {
	var first int64
	err = tx.Row(ctx, `SELECT COUNT(*), COALESCE(MIN(asked_at), 0) FROM privacy_copy WHERE account = $1 AND asked_at > $2 AND state <> 'failed'`,
		account, us(since)).Scan(&n, &first)
	return n, timeOf(first), err
}

func noteProgress(ctx context.Context, tx *db.Tx, c Copy) error {
	_, err := tx.Exec(ctx, `UPDATE privacy_copy SET done = $1 WHERE id = $2 AND state = 'waiting'`, c.Done, c.ID)
	return err
}

// finishCopy makes a copy one that can be fetched, and reports whether it was not that before.
func finishCopy(ctx context.Context, tx *db.Tx, c Copy) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE privacy_copy SET state = 'ready', done = parts, size = $1, ready_at = $2, expires_at = $3, attempt = $4
		WHERE id = $5 AND state = 'waiting'`, c.Size, us(c.ReadyAt), us(c.ExpiresAt), c.attempt, c.ID)
	return n == 1, err
}

func failCopy(ctx context.Context, tx *db.Tx, c Copy) error {
	_, err := tx.Exec(ctx, `UPDATE privacy_copy SET state = 'failed' WHERE id = $1 AND state = 'waiting'`, c.ID)
	return err
}

// insertPiece stores a piece. One that this attempt has stored already is replaced: the transaction may run twice.
func insertPiece(ctx context.Context, tx *db.Tx, copyID id.ID, attempt, n int, body []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO privacy_piece (copy, attempt, n, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (copy, attempt, n) DO UPDATE SET body = excluded.body`, copyID, attempt, n, body)
	return err
}

// piece returns the n-th piece of a copy, or db.ErrNoRow.
func piece(ctx context.Context, tx *db.Tx, c Copy, n int) (body []byte, err error) {
	err = tx.Row(ctx, `SELECT body FROM privacy_piece WHERE copy = $1 AND attempt = $2 AND n = $3`, c.ID, c.attempt, n).Scan(&body)
	return body, err
}

// dropCopies deletes pieces of an account's copies, and the copies once there are fewer than limit. It returns how many pieces it deleted.
func dropCopies(ctx context.Context, tx *db.Tx, account id.ID, limit int) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM privacy_piece WHERE (copy, attempt, n) IN
		(SELECT p.copy, p.attempt, p.n FROM privacy_piece p JOIN privacy_copy c ON c.id = p.copy WHERE c.account = $1 LIMIT $2)`, account, limit)
	if err != nil || n == int64(limit) {
		return n, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM privacy_copy WHERE account = $1`, account)
	return n, err
}

// sweepCopies deletes pieces of copies that were asked for before a time and are made or given up, and those copies once there are fewer
// than limit.
func sweepCopies(ctx context.Context, tx *db.Tx, before time.Time, limit int) (int64, error) {
	const old = `asked_at < $1 AND ready_at < $1`
	n, err := tx.Exec(ctx, `DELETE FROM privacy_piece WHERE (copy, attempt, n) IN
		(SELECT p.copy, p.attempt, p.n FROM privacy_piece p JOIN privacy_copy c ON c.id = p.copy WHERE c.`+old+` LIMIT $2)`, us(before), limit)
	if err != nil || n == int64(limit) {
		return n, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM privacy_copy WHERE `+old, us(before))
	return n, err
}

func insertLeaving(ctx context.Context, tx *db.Tx, l leaving) error {
	_, err := tx.Exec(ctx, `INSERT INTO privacy_leaving (account, asked_at, due_at, begun_at, erased_at, email) VALUES ($1, $2, $3, 0, 0, '')`,
		l.account, us(l.asked), us(l.due))
	return err
}

// leavingOf returns who is leaving, or a NotFound error.
func leavingOf(ctx context.Context, tx *db.Tx, account id.ID) (l leaving, err error) {
	var asked, due, begun, erased int64
	err = tx.Row(ctx, `SELECT account, asked_at, due_at, begun_at, erased_at, email FROM privacy_leaving WHERE account = $1`, account).
		Scan(&l.account, &asked, &due, &begun, &erased, &l.email)
	if errors.Is(err, db.ErrNoRow) {
		return leaving{}, errStays
	}
	l.asked, l.due, l.begun, l.erasedAt = timeOf(asked), timeOf(due), timeOf(begun), timeOf(erased)
	return l, err
}

// dropLeaving ends a deletion that has not begun, and reports whether there was one.
func dropLeaving(ctx context.Context, tx *db.Tx, account id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM privacy_leaving WHERE account = $1 AND begun_at = 0`, account)
	return n == 1, err
}

// beginLeaving makes a deletion one that can't be stopped; false where the person stayed after all.
func beginLeaving(ctx context.Context, tx *db.Tx, account id.ID, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE privacy_leaving SET begun_at = $1 WHERE account = $2 AND begun_at = 0`, us(now), account)
	return n == 1, err
}

func markErased(ctx context.Context, tx *db.Tx, account id.ID, email string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE privacy_leaving SET erased_at = $1, email = $2 WHERE account = $3`, us(now), email, account)
	return err
}

func dropErased(ctx context.Context, tx *db.Tx, account id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM privacy_leaving WHERE account = $1`, account)
	return err
}

func blockHandle(ctx context.Context, tx *db.Tx, digest []byte, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO privacy_handle (digest, gone_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, digest, us(now))
	return err
}

func handleBlocked(ctx context.Context, tx *db.Tx, digest []byte) (bool, error) {
	return tx.Exists(ctx, `SELECT 1 FROM privacy_handle WHERE digest = $1`, digest)
}

// keepKey stores the key of handles where there is none yet.
func keepKey(ctx context.Context, tx *db.Tx, sealed []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO privacy_key (id, sealed) VALUES (1, $1) ON CONFLICT DO NOTHING`, sealed)
	return err
}

// loadKey returns the sealed key of handles, or db.ErrNoRow.
func loadKey(ctx context.Context, tx *db.Tx) (sealed []byte, err error) {
	err = tx.Row(ctx, `SELECT sealed FROM privacy_key WHERE id = 1`).Scan(&sealed)
	return sealed, err
}

// factual are the fields of events about accounts that say nothing about a person.
var factual = map[string]bool{"account": true, "session": true, "app": true, "role": true, "place": true, "state": true}

// redactAccount takes out of an account's events whatever is not known to be harmless.
func redactAccount(ctx context.Context, tx *db.Tx, account id.ID) error {
	return events.Redact(ctx, tx, "account:"+account.String(), func(_ events.Event, fields map[string]json.RawMessage) bool {
		edited := false
		for name := range fields {
			if !factual[name] {
				delete(fields, name)
				edited = true
			}
		}
		return edited
	})
}

// forgetSignIns takes addresses out of sessions that have not been used since a time, and browsers that were not seen since. It returns how
// many rows changed.
func forgetSignIns(ctx context.Context, tx *db.Tx, before time.Time) (int64, error) {
	n, err := tx.Exec(ctx, `UPDATE account_session SET ip = '' WHERE ip <> '' AND seen_at < $1`, us(before))
	if err != nil {
		return 0, fmt.Errorf("privacy: forget addresses of sign-ins: %w", err)
	}
	m, err := tx.Exec(ctx, `DELETE FROM account_device WHERE last_at < $1`, us(before))
	if err != nil {
		return 0, fmt.Errorf("privacy: forget browsers: %w", err)
	}
	return n + m, nil
}

// query is what a document of a copy is read by: its columns by the names that they have there, and a statement whose $1 is the account.
// Columns that end in _at hold times, 0 for none.
type query struct {
	columns []string
	text    string
}

var (
	sessionsQuery = query{
		[]string{"kind", "device", "ip", "scopes", "created_at", "seen_at", "expires_at"},
		`SELECT kind, device, ip, COALESCE(scopes, ''), created_at, seen_at, expires_at FROM account_session WHERE account = $1 ORDER BY created_at`,
	}
	devicesQuery  = query{[]string{"first_at", "last_at"}, `SELECT first_at, last_at FROM account_device WHERE account = $1 ORDER BY first_at`}
	passkeysQuery = query{
		[]string{"name", "created_at", "used_at"}, `SELECT name, created_at, used_at FROM account_passkey WHERE account = $1 ORDER BY created_at`,
	}
	identitiesQuery = query{
		[]string{"issuer", "subject", "email", "name", "created_at", "used_at"},
		`SELECT issuer, subject, email, name, created_at, used_at FROM account_identity WHERE account = $1 ORDER BY created_at`,
	}
	totpQuery    = query{[]string{"created_at"}, `SELECT created_at FROM account_totp WHERE account = $1 AND confirmed_at > 0`}
	notesQuery   = query{[]string{"text", "noted_at"}, `SELECT text, at FROM account_note WHERE account = $1 ORDER BY id`}
	waitingQuery = query{[]string{"about", "asked_at"}, `SELECT about, asked_at FROM account_waiting WHERE account = $1`}
	appsQuery    = query{
		[]string{"app", "website", "scopes", "created_at", "seen_at"},
		`SELECT a.name, a.website, COALESCE(s.scopes, ''), s.created_at, s.seen_at FROM account_session s JOIN oauth_app a ON a.id = s.app WHERE s.account = $1 ORDER BY s.created_at`,
	}
	repliesQuery = query{[]string{"route", "reply", "created_at"}, `SELECT route, reply, created_at FROM idempotency WHERE account = $1 ORDER BY created_at`}
)

func (q query) run(ctx context.Context, tx *db.Tx, account id.ID) ([]map[string]any, error) {
	return db.All(ctx, tx, func(s db.Scanner) (map[string]any, error) {
		texts, times := make([]string, len(q.columns)), make([]int64, len(q.columns))
		dest := make([]any, len(q.columns))
		for i, c := range q.columns {
			dest[i] = &texts[i]
			if strings.HasSuffix(c, "_at") {
				dest[i] = &times[i]
			}
		}
		if err := s.Scan(dest...); err != nil {
			return nil, err
		}
		row := map[string]any{}
		for i, c := range q.columns {
			switch {
			case !strings.HasSuffix(c, "_at"):
				row[c] = texts[i]
			case times[i] != 0:
				row[c] = timeOf(times[i])
			}
		}
		return row, nil
	}, q.text, account)
}

func countSessions(ctx context.Context, tx *db.Tx, account id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM account_session WHERE account = $1`, account).Scan(&n)
	return n, err
}

// execAll runs statements whose $1 is an account.
func execAll(ctx context.Context, tx *db.Tx, account id.ID, statements ...string) error {
	for _, text := range statements {
		if _, err := tx.Exec(ctx, text, account); err != nil {
			return fmt.Errorf("privacy: erase %s: %w", account, err)
		}
	}
	return nil
}

// dropNotes deletes what admins noted about somebody, and takes out of what somebody noted as an admin who they were.
func dropNotes(ctx context.Context, tx *db.Tx, account id.ID) error {
	return execAll(ctx, tx, account, `UPDATE account_invite SET note = '' WHERE made_by = $1 AND note <> ''`,
		`DELETE FROM account_note WHERE account = $1`, `UPDATE account_note SET author_handle = '' WHERE author = $1`)
}

// dropSignIns deletes everything by which somebody signs in but their password, which goes with the account.
func dropSignIns(ctx context.Context, tx *db.Tx, account id.ID) error {
	return execAll(ctx, tx, account,
		`DELETE FROM account_session WHERE account = $1`, `DELETE FROM account_device WHERE account = $1`, `DELETE FROM account_ticket WHERE account = $1`,
		`DELETE FROM account_passkey WHERE account = $1`, `DELETE FROM account_identity WHERE account = $1`,
		`DELETE FROM account_totp WHERE account = $1`, `DELETE FROM account_recovery WHERE account = $1`)
}

// dropTraces deletes what is kept under an address or handle of somebody who may not have had an account then.
func dropTraces(ctx context.Context, tx *db.Tx, texts ...string) error {
	for _, text := range texts {
		if _, err := tx.Exec(ctx, `DELETE FROM account_try WHERE key = $1 OR key = $2`, "login "+text, "nobody "+text); err != nil {
			return fmt.Errorf("privacy: forget wrong passwords: %w", err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM account_ticket WHERE email = $1`, text); err != nil {
			return fmt.Errorf("privacy: forget links in letters: %w", err)
		}
	}
	return nil
}

func dropCodes(ctx context.Context, tx *db.Tx, account id.ID) error {
	return execAll(ctx, tx, account, `DELETE FROM oauth_code WHERE account = $1`)
}

func dropSetter(ctx context.Context, tx *db.Tx, account id.ID) error {
	return execAll(ctx, tx, account, `UPDATE setting_change SET actor_handle = '' WHERE actor = $1`)
}
