package oauth

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// store is every SQL statement of the package.
type store struct{}

// digest is the SHA-256 of a secret, under which the database knows it.
func digest(secret string) []byte {
	d := sha256.Sum256([]byte(secret))
	return d[:]
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

const appColumns = `id, client_id, secret_sha256, name, website, redirect_uris, scopes, created_at, used_at`

func scanApp(s db.Scanner) (App, error) {
	var a App
	var uris, scopes string
	var created, used int64
	if err := s.Scan(&a.ID, &a.ClientID, &a.secret, &a.Name, &a.Website, &uris, &scopes, &created, &used); err != nil {
		return App{}, err
	}
	a.RedirectURIs, a.Scopes, a.Public = strings.Split(uris, "\n"), words(scopes), len(a.secret) == 0
	a.CreatedAt, a.UsedAt = moment(created), moment(used)
	return a, nil
}

// words returns scopes as they are stored; never nil, which would be everything.
func words(scopes string) []string { return append([]string{}, strings.Fields(scopes)...) }

func (store) insertApp(ctx context.Context, tx *db.Tx, a App) error {
	_, err := tx.Exec(ctx, `INSERT INTO oauth_app (id, client_id, secret_sha256, name, website, redirect_uris, scopes, created_at, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`,
		a.ID, a.ClientID, a.secret, a.Name, a.Website, strings.Join(a.RedirectURIs, "\n"), strings.Join(a.Scopes, " "), micros(a.CreatedAt))
	return err
}

// errNoApp is what a person reads; an app is told invalid_client.
var errNoApp = errs.New(errs.NotFound, "This server does not know the app that sent you here. Ask its makers, or sign in there once more.")

// app returns the app with a client id, or a NotFound error.
func (st store) app(ctx context.Context, tx *db.Tx, client string) (App, error) {
	return st.one(ctx, tx, `SELECT `+appColumns+` FROM oauth_app WHERE client_id = $1`, client)
}

// appByID returns the app with an id, or a NotFound error.
func (st store) appByID(ctx context.Context, tx *db.Tx, app id.ID) (App, error) {
	return st.one(ctx, tx, `SELECT `+appColumns+` FROM oauth_app WHERE id = $1`, app)
}

func (store) one(ctx context.Context, tx *db.Tx, query string, arg any) (App, error) {
	a, err := db.One(ctx, tx, scanApp, query, arg)
	if errors.Is(err, db.ErrNoRow) {
		return App{}, errNoApp
	}
	return a, err
}

// touchApp notes that an app was given a token.
func (store) touchApp(ctx context.Context, tx *db.Tx, app id.ID, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE oauth_app SET used_at = $1 WHERE id = $2`, micros(now), app)
	return err
}

// code is an authorization code, without its secret.
type code struct {
	App         id.ID
	ClientID    string
	Account     id.ID
	RedirectURI string
	Scopes      string
	Challenge   string
	ExpiresAt   time.Time
	UsedAt      time.Time
	Session     id.ID // of the token that it was exchanged for
}

func (store) insertCode(ctx context.Context, tx *db.Tx, secret string, c code, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO oauth_code (code_sha256, app, account, redirect_uri, scopes, challenge, created_at, expires_at, used_at, session)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0)`,
		digest(secret), c.App, c.Account, c.RedirectURI, c.Scopes, c.Challenge, micros(now), micros(c.ExpiresAt))
	return err
}

// code returns the authorization code with a secret, used or not, or db.ErrNoRow.
func (store) code(ctx context.Context, tx *db.Tx, secret string) (code, error) {
	return db.One(ctx, tx, func(s db.Scanner) (code, error) {
		var c code
		var expires, used int64
		err := s.Scan(&c.App, &c.ClientID, &c.Account, &c.RedirectURI, &c.Scopes, &c.Challenge, &expires, &used, &c.Session)
		c.ExpiresAt, c.UsedAt = moment(expires), moment(used)
		return c, err
	}, `SELECT c.app, a.client_id, c.account, c.redirect_uri, c.scopes, c.challenge, c.expires_at, c.used_at, c.session
		FROM oauth_code c JOIN oauth_app a ON a.id = c.app WHERE c.code_sha256 = $1`, digest(secret))
}

// useCode takes a code out of use and reports whether it was this caller who did.
func (store) useCode(ctx context.Context, tx *db.Tx, secret string, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE oauth_code SET used_at = $1 WHERE code_sha256 = $2 AND used_at = 0 AND expires_at > $3`, micros(now), digest(secret), micros(now))
	return n == 1, err
}

// linkCode notes which token a code was exchanged for.
func (store) linkCode(ctx context.Context, tx *db.Tx, secret string, session id.ID) error {
	_, err := tx.Exec(ctx, `UPDATE oauth_code SET session = $1 WHERE code_sha256 = $2`, session, digest(secret))
	return err
}

// dropCodes removes the codes of an account that an app has not exchanged yet.
func (store) dropCodes(ctx context.Context, tx *db.Tx, account, app id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM oauth_code WHERE account = $1 AND app = $2`, account, app)
	return err
}

// insertAppToken stores a token of the app's own, and forgets all but its newest maxAppTokens.
func (store) insertAppToken(ctx context.Context, tx *db.Tx, secret string, app id.ID, scopes string, now time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM oauth_app_token WHERE app = $1 AND token_sha256 NOT IN
		(SELECT token_sha256 FROM oauth_app_token WHERE app = $2 ORDER BY created_at DESC, token_sha256 LIMIT $3)`, app, app, maxAppTokens-1)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO oauth_app_token (token_sha256, app, scopes, created_at) VALUES ($1, $2, $3, $4)`, digest(secret), app, scopes, micros(now))
	return err
}

// appToken returns the app that a token is of, the scopes it has and when it was made, or db.ErrNoRow.
func (store) appToken(ctx context.Context, tx *db.Tx, secret string) (app id.ID, scopes []string, made time.Time, err error) {
	var text string
	var created int64
	err = tx.Row(ctx, `SELECT app, scopes, created_at FROM oauth_app_token WHERE token_sha256 = $1`, digest(secret)).Scan(&app, &text, &created)
	return app, words(text), moment(created), err
}

// endAppToken removes a token of the app's own.
func (store) endAppToken(ctx context.Context, tx *db.Tx, secret string, app id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM oauth_app_token WHERE token_sha256 = $1 AND app = $2`, digest(secret), app)
	return err
}

// sweep removes apps that nobody let in since before, and codes that ran out before old.
func (store) sweep(ctx context.Context, tx *db.Tx, before, old time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM oauth_app WHERE used_at = 0 AND created_at <= $1`, micros(before)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM oauth_code WHERE expires_at <= $1`, micros(old))
	return err
}
