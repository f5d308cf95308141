package account

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// person is an account as it is shown to itself.
type person struct {
	ID        id.ID          `json:"id"`
	Handle    string         `json:"handle"`
	Name      string         `json:"name"`
	Email     string         `json:"email"`
	Lang      string         `json:"lang" doc:"BCP 47 tag of the language of pages and messages."`
	TZ        string         `json:"tz" doc:"IANA time zone; empty means the town's."`
	Roles     []access.Grant `json:"roles"`
	CreatedAt time.Time      `json:"created_at"`
}

func shown(a Account) person {
	roles := a.Roles
	if roles == nil {
		roles = []access.Grant{}
	}
	return person{ID: a.ID, Handle: a.Handle, Name: a.Name, Email: a.Email, Lang: a.Lang, TZ: a.TZ, Roles: roles, CreatedAt: a.CreatedAt}
}

type personReply struct{ Body person }

type tokenReply struct {
	Body struct {
		Token     string    `json:"token" doc:"Send it as Authorization: Bearer …; it is shown this once."`
		ExpiresAt time.Time `json:"expires_at" doc:"The latest time; unused it ends after 30 days."`
		Account   person    `json:"account"`
	}
}

func newTokenReply(in SignedIn) *tokenReply {
	out := &tokenReply{}
	out.Body.Token, out.Body.ExpiresAt, out.Body.Account = in.Token, in.Session.ExpiresAt, shown(in.Account)
	return out
}

type signUpRequest struct {
	Body struct {
		Name     string `json:"name"`
		Email    string `json:"email"`
		Password string `json:"password"`
		Handle   string `json:"handle,omitempty" doc:"Made from the name where absent."`
		Lang     string `json:"lang,omitempty"`
		TZ       string `json:"tz,omitempty"`
	}
}

type signInRequest struct {
	Body struct {
		Email    string `json:"email" doc:"E-mail address or handle."`
		Password string `json:"password"`
		Device   string `json:"device,omitempty" doc:"What the person will recognise the session by."`
	}
}

type profileRequest struct {
	Body struct {
		Name *string `json:"name,omitempty"`
		Lang *string `json:"lang,omitempty"`
		TZ   *string `json:"tz,omitempty"`
	}
}

// api registers the operations.
func (s *Service) api(rt *httpx.Router) {
	signedIn := []map[string][]string{{"bearer": {}}}
	tags := []string{"People"}
	httpx.Operation(rt, huma.Operation{
		Method: http.MethodPost, Path: "/accounts", Summary: "Sign up", Tags: tags, DefaultStatus: http.StatusCreated, MaxBodyBytes: 16 << 10,
	}, httpx.Anyone, s.apiSignUp)
	httpx.Operation(rt, huma.Operation{
		Method: http.MethodPost, Path: "/session", Summary: "Sign in", Tags: tags, DefaultStatus: http.StatusCreated, MaxBodyBytes: 16 << 10,
		Description: "Returns a bearer token for an app. Ten wrong passwords for a login are answered within 15 minutes.",
	}, httpx.Anyone, s.apiSignIn)
	httpx.Operation(rt, huma.Operation{
		Method: http.MethodDelete, Path: "/session", Summary: "Sign out", Tags: tags, Security: signedIn, DefaultStatus: http.StatusNoContent,
	}, httpx.Anyone, s.apiSignOut)
	httpx.Operation(rt, huma.Operation{Method: http.MethodGet, Path: "/me", Summary: "Read your account", Tags: tags, Security: signedIn}, httpx.May("account.read"), s.apiMe)
	httpx.Operation(rt, huma.Operation{
		Method: http.MethodPatch, Path: "/me", Summary: "Change your name, language or time zone", Tags: tags, Security: signedIn, MaxBodyBytes: 16 << 10,
	}, httpx.May("account.manage"), s.apiUpdate)
}

func (s *Service) apiSignUp(ctx context.Context, in *signUpRequest) (*tokenReply, error) {
	b := in.Body
	out, err := s.Create(ctx, SignUp{Name: b.Name, Email: b.Email, Password: b.Password, Handle: b.Handle, Lang: b.Lang, TZ: b.TZ}, apiVisit(ctx, ""))
	if err != nil {
		return nil, err
	}
	return newTokenReply(out), nil
}

func (s *Service) apiSignIn(ctx context.Context, in *signInRequest) (*tokenReply, error) {
	out, err := s.SignIn(ctx, in.Body.Email, in.Body.Password, apiVisit(ctx, in.Body.Device))
	if err != nil {
		return nil, err
	}
	return newTokenReply(out), nil
}

// apiVisit is the visit of an app: a browser's session that happens to be there goes on.
func apiVisit(ctx context.Context, device string) Visit {
	v := VisitFrom(ctx)
	v.Old = ""
	if device != "" {
		v.Device = device
	}
	return v
}

func (s *Service) apiSignOut(ctx context.Context, _ *struct{}) (*struct{}, error) {
	session, ok := SessionFrom(ctx)
	if !ok {
		_, err := access.Require(ctx)
		return nil, err
	}
	if err := s.EndSession(ctx, session.Account, session.ID); err != nil && !errs.Is(err, errs.NotFound) {
		return nil, err
	}
	return nil, nil
}

func (s *Service) apiMe(ctx context.Context, _ *struct{}) (*personReply, error) {
	actor, err := Self(ctx, "account.read")
	if err != nil {
		return nil, err
	}
	a, err := s.Get(ctx, actor.ID)
	if err != nil {
		return nil, err
	}
	return &personReply{Body: shown(a)}, nil
}

func (s *Service) apiUpdate(ctx context.Context, in *profileRequest) (*personReply, error) {
	actor, err := Self(ctx, "account.manage")
	if err != nil {
		return nil, err
	}
	a, err := s.Update(ctx, actor.ID, Profile{Name: in.Body.Name, Lang: in.Body.Lang, TZ: in.Body.TZ})
	if err != nil {
		return nil, err
	}
	return &personReply{Body: shown(a)}, nil
}
