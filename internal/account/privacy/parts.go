package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/idem"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// accountParts are the account itself, how its person signs in, and the apps that act for them. The account is emptied by eraseAccount,
// when nothing else is left.
func (s *Service) accountParts() []personal.Part {
	signIns := func() time.Duration { return s.Keep().SignIns }
	return []personal.Part{
		{
			Name: "account",
			Tables: []personal.Table{
				{Name: "account", Personal: "handle name email password_hash tz", Plain: "id lang state created_at changed_at stage frozen"},
				{Name: "account_role", Link: "account", Plain: "role place granted_at expires_at"},
				{Name: "account_waiting", Personal: "about", Link: "account", Plain: "asked_at"},
				{Name: "account_note", Personal: "author_handle text", Link: "account author", Plain: "id at"},
				{Name: "account_invite", Personal: "note", Link: "made_by", Plain: "id code_sha256 mark uses_left made_at expires_at"},
			},
			About: func(ctx context.Context) personal.About {
				return personal.About{
					Title: i18n.T(ctx, "Account"),
					What:  i18n.T(ctx, "Your name, handle, e-mail address, language and time zone, the digest of your password, your roles in town, what you wrote when you asked to join, and what admins noted about you."),
					Why:   i18n.T(ctx, "So that you can sign in, and others know who they deal with."),
					Kept:  i18n.T(ctx, "Until you delete your account."),
				}
			},
			Export: s.exportAccount,
			Erase: func(ctx context.Context, tx *db.Tx, who id.ID) (personal.Erased, error) {
				return personal.Erased{}, dropNotes(ctx, tx, who)
			},
		},
		{
			Name: "sign-ins",
			Tables: []personal.Table{
				{
					Name: "account_session", Personal: "token_sha256 device ip", Link: "id account app",
					Plain: "kind scopes created_at seen_at expires_at auth_at",
				},
				{Name: "account_device", Personal: "browser_sha256", Link: "account", Plain: "first_at last_at"},
				{Name: "account_ticket", Personal: "token_sha256 email data browser_sha256", Link: "account", Plain: "kind tries created_at expires_at"},
				{Name: "account_try", Personal: "key", Plain: "began_at wrong"},
				{
					Name: "account_passkey", Personal: "credential public_key aaguid name", Link: "account",
					Plain: "id transports signs eligible synced created_at used_at cloned_at",
				},
				{Name: "account_identity", Personal: "issuer subject email name", Link: "account", Plain: "id created_at used_at"},
				{Name: "account_totp", Personal: "sealed", Link: "account", Plain: "last_step created_at confirmed_at"},
				{Name: "account_recovery", Personal: "mac", Link: "account", Plain: "n used_at"},
			},
			About: func(ctx context.Context) personal.About {
				return personal.About{
					Title: i18n.T(ctx, "Sign-ins and devices"),
					What:  i18n.T(ctx, "Where you are signed in: browser, address and times; your passkeys and, sealed, the secret of your authenticator app; wrong passwords, counted for 15 minutes."),
					Why:   i18n.T(ctx, "So that you can see and end sign-ins, and nobody can guess passwords."),
					Kept:  i18n.T(ctx, "Until you sign out, or 30 days after you last came. Addresses and browsers: at most %s.", personal.Span(ctx, signIns())),
				}
			},
			Count:  s.counter(countSessions),
			Export: s.exportSignIns,
			Erase: func(ctx context.Context, tx *db.Tx, who id.ID) (personal.Erased, error) {
				return personal.Erased{}, dropSignIns(ctx, tx, who)
			},
			Rules: []personal.Rule{{Name: "sign_ins", Keep: signIns, Sweep: func(ctx context.Context, before time.Time) error {
				return s.DB.Write(ctx, func(tx *db.Tx) error {
					_, err := forgetSignIns(ctx, tx, before)
					return err
				})
			}}},
		},
		s.appPart(),
		s.copyPart(),
	}
}

// appPart is the apps that act for somebody.
func (s *Service) appPart() personal.Part {
	return personal.Part{
		Name: "apps",
		Tables: []personal.Table{
			{Name: "oauth_app", Plain: "id client_id secret_sha256 name website redirect_uris scopes created_at used_at"},
			{Name: "oauth_code", Link: "account session", Plain: "code_sha256 app redirect_uri scopes challenge created_at expires_at used_at"},
			{Name: "oauth_app_token", Plain: "token_sha256 app scopes created_at"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Apps"),
				What:  i18n.T(ctx, "Which apps you let in, since when, and what they may do."),
				Why:   i18n.T(ctx, "So that they work, and you can shut them out again."),
				Kept:  i18n.T(ctx, "Until you shut the app out."),
			}
		},
		Export: s.exportApps,
		Erase: func(ctx context.Context, tx *db.Tx, who id.ID) (personal.Erased, error) {
			return personal.Erased{}, dropCodes(ctx, tx, who)
		},
	}
}

// platformParts are the parts that belong to nobody in particular.
func (s *Service) platformParts() []personal.Part {
	return []personal.Part{s.letterPart(), s.auditPart(), s.replyPart(), {
		Name: "log of events",
		Tables: []personal.Table{
			{Name: "event", Personal: "data", Link: "subject actor", Plain: "seq kind at"},
			{Name: "event_cursor", Plain: "name seq"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Log of events"),
				What:  i18n.T(ctx, "That something happened, by numbers: this order was placed, that account changed."),
				Why:   i18n.T(ctx, "So that pages are live, parts of the server hear of each other, and figures can be told."),
				Kept:  i18n.T(ctx, "For ever, without names and notes once you or your orders are forgotten."),
			}
		},
	}, {
		Name: "machinery",
		Tables: []personal.Table{
			{
				Name: "job", Personal: "last_error", Link: "args unique_key",
				Plain: "id kind state run_at attempt max_attempts claimed_by claimed_until created_at finished_at",
			},
			{Name: "job_schedule", Plain: "name spec tz kind args next_at last_at"},
			{Name: "setting", Plain: "key value"},
			{Name: "setting_change", Personal: "actor_handle", Link: "actor", Plain: "id at key was became"},
			{Name: "setup_link", Plain: "one token_sha256 expires_at"},
			{Name: "node", Plain: "number holder seen_at"},
			{Name: "secrets_key", Plain: "one mark"},
			{Name: "goose_db_version", Plain: "id version_id is_applied tstamp"},
		},
		About: func(ctx context.Context) personal.About {
			done, failed := s.JobsKept()
			return personal.About{
				Title: i18n.T(ctx, "Work of the server"),
				What:  i18n.T(ctx, "What the server did by itself and what admins set, by numbers, with the handle of the admin."),
				Why:   i18n.T(ctx, "So that nothing is forgotten or done twice, and mistakes can be found."),
				Kept:  i18n.T(ctx, "Finished work: %s; what failed: %s.", personal.Span(ctx, done), personal.Span(ctx, failed)),
			}
		},
		Erase: func(ctx context.Context, tx *db.Tx, who id.ID) (personal.Erased, error) {
			return personal.Erased{}, dropSetter(ctx, tx, who)
		},
	}}
}

// letterPart is what is kept of letters.
func (s *Service) letterPart() personal.Part {
	return personal.Part{
		Name: "letters",
		Tables: []personal.Table{
			{Name: "mail_letter", Personal: "address subject body error", Plain: "id kind message_id state attempt created_at ended_at"},
			{Name: "mail_recipient", Personal: "address", Plain: "kind held_at"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Letters"),
				What:  i18n.T(ctx, "That we wrote to you, when and about what. What a letter says is deleted as soon as it is sent."),
				Why:   i18n.T(ctx, "So that letters arrive, and nobody is flooded with them."),
				Kept:  i18n.T(ctx, "30 days."),
			}
		},
		Export: func(ctx context.Context, who id.ID, to personal.Archive) error {
			a, err := s.Accounts.Get(ctx, who)
			if err != nil {
				return err
			}
			type letter struct {
				At      time.Time `json:"at"`
				Kind    string    `json:"kind"`
				Subject string    `json:"subject"`
				State   string    `json:"state"`
			}
			var out []letter
			err = s.DB.Read(ctx, func(tx *db.Tx) error {
				list, err := s.Mail.Of(ctx, tx, a.Email)
				for _, r := range list {
					out = append(out, letter{r.CreatedAt, r.Kind, r.Subject, string(r.State)})
				}
				return err
			})
			if err != nil || len(out) == 0 {
				return err
			}
			return to.JSON("letters.json", i18n.T(ctx, "Letters we sent you"), out)
		},
	}
}

// forgetBatch is how many rows one transaction changes.
const forgetBatch = 200

// auditPart is the book of what was done with power.
func (s *Service) auditPart() personal.Part {
	keep := func() time.Duration { return s.Keep().Audit }
	return personal.Part{
		Name: "audit",
		Tables: []personal.Table{
			{Name: "audit", Personal: "actor_handle address detail", Link: "actor thing", Plain: "id at verb"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Audit log"),
				What:  i18n.T(ctx, "Sign-ins, changes of passwords and roles, and what admins did: who, to what, when and from which address."),
				Why:   i18n.T(ctx, "So that misuse can be found out."),
				Kept:  i18n.T(ctx, "%s. When you delete your account, handle, address and details go at once.", personal.Span(ctx, keep())),
			}
		},
		Count:  s.counter(s.Audit.Count),
		Export: s.exportAudit,
		Erase: func(ctx context.Context, tx *db.Tx, who id.ID) (personal.Erased, error) {
			n, err := s.Audit.Forget(ctx, tx, who, forgetBatch)
			return personal.Erased{More: n == forgetBatch}, err
		},
		Rules: []personal.Rule{{Name: "audit", Keep: keep, Sweep: func(ctx context.Context, _ time.Time) error {
			return s.Audit.Sweep(ctx, keep())
		}}},
	}
}

// replyPart is the answers that are given again to a request that is sent twice.
func (s *Service) replyPart() personal.Part {
	keep := func() time.Duration { return s.Keep().Replies }
	return personal.Part{
		Name: "replies",
		Tables: []personal.Table{
			{Name: "idempotency", Personal: "key body_hash reply", Link: "account", Plain: "route state created_at"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Repeated requests"),
				What:  i18n.T(ctx, "The answer to an order that you sent, with what it says."),
				Why:   i18n.T(ctx, "So that an order that is sent twice is placed once."),
				Kept:  i18n.T(ctx, "At most %s.", personal.Span(ctx, keep())),
			}
		},
		Export: func(ctx context.Context, who id.ID, to personal.Archive) error {
			return s.exportRows(ctx, to, "requests.json", i18n.T(ctx, "Orders you sent lately, as they were answered"), repliesQuery, who)
		},
		Erase: func(ctx context.Context, tx *db.Tx, who id.ID) (personal.Erased, error) {
			return personal.Erased{}, idem.Forget(ctx, tx, who)
		},
		Rules: []personal.Rule{{Name: "replies", Keep: keep, Sweep: func(ctx context.Context, before time.Time) error {
			return idem.Sweep(ctx, s.DB, before)
		}}},
	}
}

// counter has fn count in a transaction of its own.
func (s *Service) counter(fn func(context.Context, *db.Tx, id.ID) (int, error)) func(context.Context, id.ID) (int, error) {
	return func(ctx context.Context, who id.ID) (n int, err error) {
		err = s.DB.Read(ctx, func(tx *db.Tx) error {
			n, err = fn(ctx, tx, who)
			return err
		})
		return n, err
	}
}

func (s *Service) exportAccount(ctx context.Context, who id.ID, to personal.Archive) error {
	a, err := s.Accounts.Get(ctx, who)
	if err != nil {
		return err
	}
	doc := map[string]any{
		"id": a.ID, "handle": a.Handle, "name": a.Name, "email": a.Email, "language": a.Lang, "time_zone": a.TZ, "state": a.State,
		"created_at": a.CreatedAt, "roles": a.Roles,
	}
	if err := to.JSON("account.json", i18n.T(ctx, "Your account and roles"), doc); err != nil {
		return err
	}
	if err := s.exportRows(ctx, to, "notes.json", i18n.T(ctx, "What admins noted about you"), notesQuery, who); err != nil {
		return err
	}
	return s.exportRows(ctx, to, "request-to-join.json", i18n.T(ctx, "What you wrote when you asked to join"), waitingQuery, who)
}

func (s *Service) exportSignIns(ctx context.Context, who id.ID, to personal.Archive) error {
	for _, f := range []struct {
		name, what string
		query      query
	}{
		{"sign-ins.json", i18n.T(ctx, "Where you are signed in, and tokens"), sessionsQuery},
		{"browsers.json", i18n.T(ctx, "Browsers we have met you in, by first and last day"), devicesQuery},
		{"passkeys.json", i18n.T(ctx, "Your passkeys"), passkeysQuery},
		{"connected-sign-ins.json", i18n.T(ctx, "Who you are elsewhere, where you connected that"), identitiesQuery},
		{"authenticator.json", i18n.T(ctx, "Since when you use an authenticator app"), totpQuery},
	} {
		if err := s.exportRows(ctx, to, f.name, f.what, f.query, who); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) exportApps(ctx context.Context, who id.ID, to personal.Archive) error {
	return s.exportRows(ctx, to, "apps.json", i18n.T(ctx, "Apps you let in"), appsQuery, who)
}

// exportRows writes what a query gives as a document, where it gives anything.
func (s *Service) exportRows(ctx context.Context, to personal.Archive, name, what string, q query, who id.ID) error {
	var rows []map[string]any
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = q.run(ctx, tx, who)
		return err
	})
	if err != nil {
		return fmt.Errorf("privacy: read for %s: %w", name, err)
	}
	if len(rows) == 0 {
		return nil
	}
	return to.JSON(name, what, rows)
}

// noted is an entry of the audit log in somebody's copy: of others' deeds only what was done, not who did it.
type noted struct {
	At      time.Time       `json:"at"`
	Verb    string          `json:"verb"`
	Thing   string          `json:"thing"`
	ByYou   bool            `json:"by_you"`
	Address string          `json:"address,omitempty"`
	Detail  json.RawMessage `json:"detail,omitempty"`
}

func (s *Service) exportAudit(ctx context.Context, who id.ID, to personal.Archive) error {
	var out []noted
	for after := id.ID(0); ; {
		var list []audit.Entry
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			list, err = s.Audit.Of(ctx, tx, who, after, forgetBatch)
			return err
		})
		if err != nil {
			return err
		}
		for _, e := range list {
			after = e.ID
			n := noted{At: e.At, Verb: e.Verb, Thing: e.Thing, ByYou: e.Actor == who}
			if n.ByYou {
				n.Address, n.Detail = e.Address, e.Detail
			}
			out = append(out, n)
		}
		if len(list) < forgetBatch {
			break
		}
	}
	if len(out) == 0 {
		return nil
	}
	return to.JSON("audit.json", i18n.T(ctx, "What the audit log says of you"), out)
}
