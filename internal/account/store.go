package account

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// store is every SQL statement of the slice. now says which roles have ended.
type store struct{ now clock.Func }

var errUnknown = errs.New(errs.NotFound, "There is no such account.")

const accountColumns = `id, handle, name, email, lang, tz, state, stage, frozen, created_at`

// stageHere is the stage of an account that is neither Pending nor Leaving.
const stageHere State = "here"

func scanAccount(s db.Scanner) (Account, error) {
	var a Account
	var created int64
	var stage State
	err := s.Scan(&a.ID, &a.Handle, &a.Name, &a.Email, &a.Lang, &a.TZ, &a.State, &stage, &a.Frozen, &created)
	if a.State == Active && stage != stageHere {
		a.State = stage
	}
	a.CreatedAt = time.UnixMicro(created).UTC()
	return a, err
}

func (store) insert(ctx context.Context, tx *db.Tx, a Account, hash string) error {
	at := a.CreatedAt.UnixMicro()
	state, stage := a.State.columns()
	_, err := tx.Exec(ctx, `INSERT INTO account (id, handle, name, email, password_hash, lang, tz, state, stage, created_at, changed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, a.ID, a.Handle, a.Name, a.Email, hash, a.Lang, a.TZ, state, stage, at, at)
	return err
}

// columns returns the two columns that hold a state.
func (s State) columns() (state, stage string) {
	if s == Pending || s == Leaving {
		return string(Active), string(s)
	}
	return string(s), string(stageHere)
}

// get returns an account with its roles, or a NotFound error.
func (st store) get(ctx context.Context, tx *db.Tx, account id.ID) (Account, error) {
	return st.one(ctx, tx, `SELECT `+accountColumns+` FROM account WHERE id = $1`, account)
}

// find returns the account with an e-mail address or handle, or a NotFound error.
func (st store) find(ctx context.Context, tx *db.Tx, login string) (Account, error) {
	if strings.Contains(login, "@") {
		return st.one(ctx, tx, `SELECT `+accountColumns+` FROM account WHERE email = $1`, login)
	}
	return st.one(ctx, tx, `SELECT `+accountColumns+` FROM account WHERE handle = $1`, login)
}

func (st store) one(ctx context.Context, tx *db.Tx, query string, arg any) (Account, error) {
	a, err := db.One(ctx, tx, scanAccount, query, arg)
	if errors.Is(err, db.ErrNoRow) {
		return Account{}, errUnknown
	}
	if err != nil {
		return Account{}, err
	}
	a.Roles, err = st.roles(ctx, tx, a.ID)
	return a, err
}

func (store) name(ctx context.Context, tx *db.Tx, account id.ID) (string, error) {
	var name string
	err := tx.Row(ctx, `SELECT name FROM account WHERE id = $1`, account).Scan(&name)
	if errors.Is(err, db.ErrNoRow) {
		return "", errUnknown
	}
	return name, err
}

// taken reports whether the e-mail address and the handle belong to somebody.
func (store) taken(ctx context.Context, tx *db.Tx, email, handle string) (emailTaken, handleTaken bool, err error) {
	if emailTaken, err = tx.Exists(ctx, `SELECT 1 FROM account WHERE email = $1`, email); err != nil {
		return false, false, err
	}
	handleTaken, err = tx.Exists(ctx, `SELECT 1 FROM account WHERE handle = $1`, handle)
	return emailTaken, handleTaken, err
}

// passwordHash returns the PHC string of an account, "" for one without password.
func (store) passwordHash(ctx context.Context, tx *db.Tx, account id.ID) (string, error) {
	var hash string
	err := tx.Row(ctx, `SELECT password_hash FROM account WHERE id = $1`, account).Scan(&hash)
	if errors.Is(err, db.ErrNoRow) {
		return "", errUnknown
	}
	return hash, err
}

// setPassword replaces a hash, unless it is no longer old: then it returns a Conflict error.
func (store) setPassword(ctx context.Context, tx *db.Tx, account id.ID, old, hash string, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE account SET password_hash = $1, changed_at = $2 WHERE id = $3 AND password_hash = $4`, hash, now.UnixMicro(), account, old)
	if err == nil && n == 0 {
		return errs.New(errs.Conflict, "The password was changed elsewhere just now.")
	}
	return err
}

// setEmail moves an account to another address, or returns a Conflict error where it is no longer at from.
func (store) setEmail(ctx context.Context, tx *db.Tx, account id.ID, from, to string, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE account SET email = $1, changed_at = $2 WHERE id = $3 AND email = $4`, to, now.UnixMicro(), account, from)
	if err == nil && n == 0 {
		return errs.New(errs.Conflict, "The address was changed elsewhere just now.")
	}
	return err
}

func (store) update(ctx context.Context, tx *db.Tx, a Account, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE account SET name = $1, lang = $2, tz = $3, changed_at = $4 WHERE id = $5`, a.Name, a.Lang, a.TZ, now.UnixMicro(), a.ID)
	return err
}

// setState changes a state. What suspends an account and what lifts that leaves the stage as it is: who was leaving still is.
func (store) setState(ctx context.Context, tx *db.Tx, account id.ID, state State, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE account SET state = $1, changed_at = $2 WHERE id = $3`, string(state), now.UnixMicro(), account)
	if err == nil && n == 0 {
		return errUnknown
	}
	return err
}

// turnState changes a state from one to another and reports whether it was the one.
func (store) turnState(ctx context.Context, tx *db.Tx, account id.ID, from, to State, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE account SET state = $1, changed_at = $2 WHERE id = $3 AND state = $4 AND name <> ''`, string(to), now.UnixMicro(), account, string(from))
	return n == 1, err
}

// setFrozen freezes an account or thaws it, and reports whether it was otherwise before.
func (store) setFrozen(ctx context.Context, tx *db.Tx, account id.ID, frozen bool, now time.Time) (bool, error) {
	to, from := 0, 1
	if frozen {
		to, from = 1, 0
	}
	n, err := tx.Exec(ctx, `UPDATE account SET frozen = $1, changed_at = $2 WHERE id = $3 AND frozen = $4 AND name <> ''`, to, now.UnixMicro(), account, from)
	return n == 1, err
}

// setStage changes the stage from one to another and reports whether it was the one.
func (store) setStage(ctx context.Context, tx *db.Tx, account id.ID, from, to State, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE account SET stage = $1, changed_at = $2 WHERE id = $3 AND stage = $4`, string(to), now.UnixMicro(), account, string(from))
	return n == 1, err
}

// erase empties an account's row and removes what hangs on it.
func (store) erase(ctx context.Context, tx *db.Tx, account id.ID, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE account SET handle = $1, name = '', email = $2, password_hash = '', tz = '', state = 'suspended', stage = 'here', frozen = 0, changed_at = $3 WHERE id = $4`,
		"gone_"+account.String(), "-"+account.String(), now.UnixMicro(), account) // neither can be anybody else's
	if err == nil && n == 0 {
		return errUnknown
	}
	for _, query := range []string{
		`DELETE FROM account_role WHERE account = $1`, `DELETE FROM account_session WHERE account = $1`, `DELETE FROM account_ticket WHERE account = $1`,
		`DELETE FROM account_device WHERE account = $1`, `DELETE FROM account_waiting WHERE account = $1`,
	} {
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, query, account)
	}
	return err
}

// roles returns the roles that have not ended.
func (st store) roles(ctx context.Context, tx *db.Tx, account id.ID) ([]access.Grant, error) {
	return db.All(ctx, tx, func(s db.Scanner) (access.Grant, error) {
		var g access.Grant
		var until int64
		err := s.Scan(&g.Role, &g.Place, &until)
		if until != 0 {
			g.Until = time.UnixMicro(until).UTC()
		}
		return g, err
	}, `SELECT role, place, expires_at FROM account_role WHERE account = $1 AND (expires_at = 0 OR expires_at > $2) ORDER BY role, place`, account, st.now().UnixMicro())
}

// grant adds a role. One that is there already gets the new end, unless it has none: what was given for good is not shortened by the way.
func (store) grant(ctx context.Context, tx *db.Tx, account id.ID, g access.Grant, now time.Time) error {
	var until int64
	if !g.Until.IsZero() {
		until = g.Until.UnixMicro()
	}
	_, err := tx.Exec(ctx, `INSERT INTO account_role (account, role, place, granted_at, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, role, place) DO UPDATE SET expires_at = excluded.expires_at WHERE account_role.expires_at <> 0`,
		account, string(g.Role), g.Place, now.UnixMicro(), until)
	return err
}

// sweepRoles removes roles that have ended.
func (store) sweepRoles(ctx context.Context, tx *db.Tx, now time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM account_role WHERE expires_at <> 0 AND expires_at <= $1`, now.UnixMicro())
	return err
}

func (store) revoke(ctx context.Context, tx *db.Tx, account id.ID, g access.Grant) error {
	_, err := tx.Exec(ctx, `DELETE FROM account_role WHERE account = $1 AND role = $2 AND place = $3`, account, string(g.Role), g.Place)
	return err
}

// lastAdmin reports whether the account is an admin and no other one can sign in. It makes others who change admins at the same time wait: two
// admins who suspend each other must not both succeed.
func (store) lastAdmin(ctx context.Context, tx *db.Tx, account id.ID) (bool, error) {
	if _, err := tx.Exec(ctx, `UPDATE account_role SET granted_at = granted_at WHERE role = 'admin'`); err != nil {
		return false, err
	}
	is, err := tx.Exists(ctx, `SELECT 1 FROM account_role WHERE role = 'admin' AND account = $1`, account)
	if err != nil || !is {
		return false, err
	}
	other, err := tx.Exists(ctx, `SELECT 1 FROM account_role r JOIN account a ON a.id = r.account
		WHERE r.role = 'admin' AND r.expires_at = 0 AND a.state = 'active' AND a.stage = 'here' AND a.id <> $1`, account)
	return !other, err
}

func (store) hasAdmin(ctx context.Context, tx *db.Tx) (bool, error) {
	return tx.Exists(ctx, `SELECT 1 FROM account_role WHERE role = 'admin'`)
}

// holders returns the accounts with a role at a place (0: in the town), by handle.
func (st store) holders(ctx context.Context, tx *db.Tx, g access.Grant) ([]Account, error) {
	return db.All(ctx, tx, scanAccount, `SELECT a.id, a.handle, a.name, a.email, a.lang, a.tz, a.state, a.stage, a.frozen, a.created_at
		FROM account_role r JOIN account a ON a.id = r.account WHERE r.role = $1 AND r.place = $2 AND (r.expires_at = 0 OR r.expires_at > $3) ORDER BY a.handle`, string(g.Role), g.Place, st.now().UnixMicro())
}

const sessionColumns = `id, account, app, kind, device, scopes, ip, created_at, seen_at, expires_at, auth_at`

func scanSession(s db.Scanner) (Session, error) {
	var out Session
	var scopes *string
	var created, seen, expires, auth int64
	if err := s.Scan(&out.ID, &out.Account, &out.App, &out.Kind, &out.Device, &scopes, &out.IP, &created, &seen, &expires, &auth); err != nil {
		return Session{}, err
	}
	if scopes != nil {
		out.Scopes = append([]string{}, strings.Fields(*scopes)...) // never nil: nil would be everything
	}
	out.CreatedAt, out.SeenAt = time.UnixMicro(created).UTC(), time.UnixMicro(seen).UTC()
	out.ExpiresAt, out.AuthAt = timeOf(expires), timeOf(auth)
	return out, nil
}

func (store) insertSession(ctx context.Context, tx *db.Tx, d digest, s Session) error {
	var scopes *string
	if s.Scopes != nil {
		words := strings.Join(s.Scopes, " ")
		scopes = &words
	}
	_, err := tx.Exec(ctx, `INSERT INTO account_session (token_sha256, id, account, app, kind, device, scopes, ip, created_at, seen_at, expires_at, auth_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		d[:], s.ID, s.Account, s.App, string(s.Kind), s.Device, scopes, s.IP, s.CreatedAt.UnixMicro(), s.SeenAt.UnixMicro(), micros(s.ExpiresAt), micros(s.AuthAt))
	return err
}

// micros returns a time as it is stored: 0 for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// timeOf is micros backwards.
func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// session returns the session with a token, or db.ErrNoRow.
func (store) session(ctx context.Context, tx *db.Tx, d digest) (Session, error) {
	return db.One(ctx, tx, scanSession, `SELECT `+sessionColumns+` FROM account_session WHERE token_sha256 = $1`, d[:])
}

// sessions returns what can still be used at now, newest first.
func (store) sessions(ctx context.Context, tx *db.Tx, account id.ID, now time.Time) ([]Session, error) {
	return db.All(ctx, tx, scanSession, `SELECT `+sessionColumns+` FROM account_session
		WHERE account = $1 AND (expires_at = 0 OR expires_at > $2) AND (kind = 'token' OR seen_at > $3) ORDER BY created_at DESC, id DESC`,
		account, now.UnixMicro(), now.Add(-SessionIdle).UnixMicro())
}

// seenSince returns the accounts of sessions that were used since.
func (store) seenSince(ctx context.Context, tx *db.Tx, since time.Time) ([]id.ID, error) {
	return db.All(ctx, tx, func(s db.Scanner) (account id.ID, err error) {
		err = s.Scan(&account)
		return account, err
	}, `SELECT DISTINCT account FROM account_session WHERE seen_at >= $1`, since.UnixMicro())
}

// touch notes that a session was used, at most once an hour.
func (store) touch(ctx context.Context, tx *db.Tx, session id.ID, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE account_session SET seen_at = $1 WHERE id = $2 AND seen_at <= $3`, now.UnixMicro(), session, now.Add(-touchEvery).UnixMicro())
	return err
}

// endToken removes the session with a token and returns whose and which it was, or db.ErrNoRow.
func (store) endToken(ctx context.Context, tx *db.Tx, d digest) (account, session id.ID, err error) {
	err = tx.Row(ctx, `DELETE FROM account_session WHERE token_sha256 = $1 RETURNING account, id`, d[:]).Scan(&account, &session)
	return account, session, err
}

// end removes one session of an account, or returns a NotFound error.
func (store) end(ctx context.Context, tx *db.Tx, account, session id.ID) error {
	n, err := tx.Exec(ctx, `DELETE FROM account_session WHERE account = $1 AND id = $2`, account, session)
	if err == nil && n == 0 {
		return errs.New(errs.NotFound, "This session has ended already.")
	}
	return err
}

// endAll removes all sessions of an account but keep, and its tokens where those are meant too.
func (store) endAll(ctx context.Context, tx *db.Tx, account, keep id.ID, tokens bool) error {
	_, err := tx.Exec(ctx, `DELETE FROM account_session WHERE account = $1 AND (kind = 'session' OR $2) AND id <> $3`, account, tokens, keep)
	return err
}

// endApp removes the tokens of an application.
func (store) endApp(ctx context.Context, tx *db.Tx, account, app id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM account_session WHERE account = $1 AND app = $2 AND app <> 0`, account, app)
	return err
}

// renew gives a session another token, or returns a NotFound error.
func (store) renew(ctx context.Context, tx *db.Tx, old, fresh digest) error {
	n, err := tx.Exec(ctx, `UPDATE account_session SET token_sha256 = $1 WHERE token_sha256 = $2`, fresh[:], old[:])
	if err == nil && n == 0 {
		return errs.New(errs.NotFound, "This session has ended already.")
	}
	return err
}

// confirm notes a fresh proof and returns whose session it is, or db.ErrNoRow.
func (store) confirm(ctx context.Context, tx *db.Tx, session id.ID, now time.Time) (account id.ID, err error) {
	err = tx.Row(ctx, `UPDATE account_session SET auth_at = $1 WHERE id = $2 AND kind = 'session' RETURNING account`, now.UnixMicro(), session).Scan(&account)
	return account, err
}

// sweep removes sessions that have run out and returns how many those were.
func (store) sweep(ctx context.Context, tx *db.Tx, now time.Time) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM account_session WHERE (expires_at <> 0 AND expires_at <= $1) OR (kind = 'session' AND seen_at <= $2)`,
		now.UnixMicro(), now.Add(-SessionIdle).UnixMicro())
}

const ticketColumns = `kind, account, email, data, browser_sha256`

func scanTicket(s db.Scanner) (Ticket, error) {
	var t Ticket
	var browser []byte
	err := s.Scan(&t.Kind, &t.Account, &t.Email, &t.Data, &browser)
	t.bound = copy(t.browser[:], browser) == len(t.browser)
	return t, err
}

func (store) insertTicket(ctx context.Context, tx *db.Tx, d digest, t Ticket, now, expires time.Time) error {
	browser := []byte{}
	if t.Browser != "" {
		b := digestOf(t.Browser)
		browser = b[:]
	}
	_, err := tx.Exec(ctx, `INSERT INTO account_ticket (token_sha256, kind, account, email, data, browser_sha256, tries, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8)`, d[:], t.Kind, t.Account, t.Email, t.Data, browser, now.UnixMicro(), expires.UnixMicro())
	return err
}

// ticket returns a ticket that can be used at now, or db.ErrNoRow.
func (store) ticket(ctx context.Context, tx *db.Tx, d digest, kind string, now time.Time) (Ticket, error) {
	return db.One(ctx, tx, scanTicket, `SELECT `+ticketColumns+` FROM account_ticket WHERE token_sha256 = $1 AND kind = $2 AND expires_at > $3`,
		d[:], kind, now.UnixMicro())
}

// takeTicket removes a ticket that can be used at now and returns it, or db.ErrNoRow.
func (store) takeTicket(ctx context.Context, tx *db.Tx, d digest, kind string, now time.Time) (Ticket, error) {
	return db.One(ctx, tx, scanTicket, `DELETE FROM account_ticket WHERE token_sha256 = $1 AND kind = $2 AND expires_at > $3 RETURNING `+ticketColumns,
		d[:], kind, now.UnixMicro())
}

// tryTicket counts a try, or returns a NotFound error after max.
func (store) tryTicket(ctx context.Context, tx *db.Tx, d digest, max int) error {
	n, err := tx.Exec(ctx, `UPDATE account_ticket SET tries = tries + 1 WHERE token_sha256 = $1 AND tries < $2`, d[:], max)
	if err == nil && n == 0 {
		return errTicket
	}
	return err
}

func (store) dropTickets(ctx context.Context, tx *db.Tx, account id.ID, kind string) error {
	_, err := tx.Exec(ctx, `DELETE FROM account_ticket WHERE account = $1 AND ($2 = '' OR kind = $2)`, account, kind)
	return err
}

// try counts a try of key in its window and reports true, unless there were max already: then it returns how long the window lasts.
func (store) try(ctx context.Context, tx *db.Tx, key string, max int, window time.Duration, now time.Time) (ok bool, left time.Duration, err error) {
	n, err := tx.Exec(ctx, `INSERT INTO account_try (key, began_at, wrong) VALUES ($1, $2, 1)
		ON CONFLICT (key) DO UPDATE SET
			wrong = CASE WHEN account_try.began_at <= $3 THEN 1 ELSE account_try.wrong + 1 END,
			began_at = CASE WHEN account_try.began_at <= $3 THEN excluded.began_at ELSE account_try.began_at END
		WHERE account_try.wrong < $4 OR account_try.began_at <= $3`, key, now.UnixMicro(), now.Add(-window).UnixMicro(), max)
	if err != nil || n == 1 {
		return err == nil, 0, err
	}
	var began int64
	if err := tx.Row(ctx, `SELECT began_at FROM account_try WHERE key = $1`, key).Scan(&began); err != nil {
		return false, 0, err
	}
	return false, time.UnixMicro(began).Add(window).Sub(now), nil
}

// tried returns how many tries of key there were in its window, and how long that lasts.
func (store) tried(ctx context.Context, tx *db.Tx, key string, window time.Duration, now time.Time) (wrong int, left time.Duration, err error) {
	var began int64
	err = tx.Row(ctx, `SELECT wrong, began_at FROM account_try WHERE key = $1 AND began_at > $2`, key, now.Add(-window).UnixMicro()).Scan(&wrong, &began)
	if errors.Is(err, db.ErrNoRow) {
		return 0, 0, nil
	}
	return wrong, time.UnixMicro(began).Add(window).Sub(now), err
}

// undoTry takes back one try of key that was none after all.
func (store) undoTry(ctx context.Context, tx *db.Tx, key string) error {
	_, err := tx.Exec(ctx, `UPDATE account_try SET wrong = wrong - 1 WHERE key = $1 AND wrong > 0`, key)
	return err
}

// right forgets the tries of key.
func (store) right(ctx context.Context, tx *db.Tx, key string) error {
	_, err := tx.Exec(ctx, `DELETE FROM account_try WHERE key = $1`, key)
	return err
}

// sweepTickets removes what is too old to be asked for.
func (store) sweepTickets(ctx context.Context, tx *db.Tx, window time.Duration, now time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM account_ticket WHERE expires_at <= $1`, now.UnixMicro()); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM account_device WHERE last_at <= $1`, now.Add(-browserFor).UnixMicro()); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM account_try WHERE began_at <= $1`, now.Add(-window).UnixMicro())
	return err
}

// knows reports whether the account has signed in with a browser.
func (store) knows(ctx context.Context, tx *db.Tx, account id.ID, browser string) (bool, error) {
	d := digestOf(browser)
	return tx.Exists(ctx, `SELECT 1 FROM account_device WHERE account = $1 AND browser_sha256 = $2`, account, d[:])
}

// meet notes that the account signs in with a browser, and reports whether that is a new one: never seen, but not the first.
func (store) meet(ctx context.Context, tx *db.Tx, account id.ID, browser string, now time.Time) (isNew bool, err error) {
	d := digestOf(browser)
	n, err := tx.Exec(ctx, `UPDATE account_device SET last_at = $1 WHERE account = $2 AND browser_sha256 = $3`, now.UnixMicro(), account, d[:])
	if err != nil || n > 0 {
		return false, err
	}
	if isNew, err = tx.Exists(ctx, `SELECT 1 FROM account_device WHERE account = $1`, account); err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO account_device (account, browser_sha256, first_at, last_at) VALUES ($1, $2, $3, $3) ON CONFLICT DO NOTHING`,
		account, d[:], now.UnixMicro())
	return isNew, err
}

// forgetDevices makes every browser a stranger to the account.
func (store) forgetDevices(ctx context.Context, tx *db.Tx, account id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM account_device WHERE account = $1`, account)
	return err
}
