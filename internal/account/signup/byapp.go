package signup

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// AppRoutes registers how an app of Mastodon makes an account for who uses it (docs.joinmastodon.org/methods/accounts/#create). name returns
// what a registered app is called.
func (s *Service) AppRoutes(rt *httpx.Router, name func(ctx context.Context, app id.ID) (string, error)) {
	mastodon.Handle(rt, "POST /api/v1/accounts", httpx.Anyone, func(r *mastodon.Request) (any, error) { return s.byApp(r, name) })
	mastodon.Handle(rt, "POST /api/v1/emails/confirmations", httpx.May("profile.write"), func(*mastodon.Request) (any, error) {
		return nil, errs.New(errs.Forbidden, "Your e-mail address needs no confirmation.")
	})
	mastodon.Handle(rt, "GET /api/v1/emails/check_confirmation", httpx.May("profile.read"), func(*mastodon.Request) (any, error) { return true, nil })
}

var (
	errAppToken = errs.New(errs.Unauthenticated, "The access token is invalid").WithCode("invalid_token")
	errLetter   = errs.New(errs.Invalid, "We sent you a letter. Open the link in it to make your account, and then sign in with this app.").WithCode("letter")
)

// appSignUp is what an app sends.
type appSignUp struct {
	Username  string `json:"username"`
	Email     string `json:"email"`
	Password  string `json:"password"`
	Agreement bool   `json:"agreement"`
	Locale    string `json:"locale"`
	TZ        string `json:"time_zone"`
	Reason    string `json:"reason"`
	Invite    string `json:"invite_code"`
}

// appToken is the token that an app gets (docs.joinmastodon.org/entities/Token).
type appToken struct {
	Token   string `json:"access_token"`
	Type    string `json:"token_type"`
	Scope   string `json:"scope"`
	Created int64  `json:"created_at"`
}

// byApp makes an account by the rules of the town and answers with a token by which the app acts for its person. Where addresses are confirmed
// by letter, the letter is sent, and the answer is an Invalid error that says so: there is no account before its link was opened.
func (s *Service) byApp(r *mastodon.Request, name func(context.Context, id.ID) (string, error)) (any, error) {
	ctx, actor := r.Context(), r.Actor()
	switch {
	case actor.App == 0 || actor.SignedIn():
		return nil, errAppToken
	case !actor.Allows("write:accounts"):
		return nil, errs.New(errs.Forbidden, "This action is outside the authorized scopes")
	}
	var in appSignUp
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	req := Request{
		SignUp: account.SignUp{Name: in.Username, Handle: in.Username, Email: in.Email, Password: in.Password, Lang: strings.ReplaceAll(in.Locale, "_", "-"), TZ: in.TZ},
		Invite: in.Invite, About: in.Reason, Agreed: in.Agreement,
	}
	visit := account.AppVisit(ctx, "")
	if !in.Agreement {
		return refused(ctx, errs.InvalidField("agreement", "Read the rules of the town, and say that you keep to them."))
	}
	if s.opt.ByMail() {
		if err := s.Ask(ctx, req, "/", visit); err != nil {
			return refused(ctx, err)
		}
		return nil, errLetter
	}
	called, err := name(ctx, actor.App)
	if err != nil {
		return nil, err
	}
	out := appToken{Type: "Bearer", Scope: strings.Join(actor.Scopes, " ")}
	made, err := s.Introduced(ctx, req, visit, func(tx *db.Tx, a account.Account) error {
		token, session, err := s.people.NewToken(ctx, tx, account.TokenSpec{Account: a.ID, App: actor.App, Name: called, Scopes: actor.Scopes})
		out.Token, out.Created = token, session.CreatedAt.Unix()
		return err
	})
	if err != nil {
		return refused(ctx, err)
	}
	if made.Token != "" { // of a browser, which there is none of
		if err := s.people.EndSession(access.With(ctx, access.Actor{ID: made.Account.ID}), made.Account.ID, made.Session.ID); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fault is one thing that is wrong with a field, as Mastodon's API tells it.
type fault struct {
	Error       string `json:"error"`
	Description string `json:"description"`
}

// appFields are the names that apps have for the fields of a sign-up.
var appFields = map[string]string{
	"handle": "username", "name": "username", "about": "reason", "agreed": "agreement", "lang": "locale", "tz": "time_zone", "invite": "invite_code",
}

// refused returns the answer to a sign-up with faults, each under the name that apps have for its field; other errors as they are.
func refused(ctx context.Context, err error) (any, error) {
	e := errs.As(err)
	if e == nil || len(e.Fields) == 0 {
		return nil, err
	}
	details := map[string][]fault{}
	var all []string
	for _, f := range e.Fields {
		name, word := cmp.Or(appFields[f.Path], f.Path), "ERR_INVALID"
		if name == "agreement" {
			word = "ERR_ACCEPTED"
		}
		sentence := i18n.Field(ctx, f)
		if len(details[name]) == 0 { // one name serves as name and handle
			details[name], all = append(details[name], fault{word, sentence}), append(all, sentence)
		}
	}
	return mastodon.Reply{Status: http.StatusUnprocessableEntity, Body: map[string]any{"error": "Validation failed: " + strings.Join(all, " "), "details": details}}, nil
}
