package setup

import (
	"net/http"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/settings"
)

// Routes registers the page. It is there for whoever has the link, and for nobody once there is an admin.
func (s *Service) Routes(rt *httpx.Router) {
	rt.Page("GET /setup", httpx.Anyone, s.handlePage)
	rt.Page("POST /setup", httpx.Anyone, s.handleFinish)
}

// form is what the page sends.
type form struct {
	Token    string `form:"token"`
	Name     string `form:"name"`
	Email    string `form:"email"`
	Handle   string `form:"handle"`
	Password string `form:"password"`
	Town     string `form:"town.name"`
	Lang     string `form:"town.lang"`
	SignUp   string `form:"signup.mode"`
	Letter   bool   `form:"letter"`
}

// view is what the page shows.
type view struct {
	form
	Town   map[string]settings.State
	Fixed  settings.Fixed
	MailOn bool
	Err    error
}

func (s *Service) view(r *http.Request, f form) view {
	v := view{form: f, Town: map[string]settings.State{}, Fixed: s.Settings.Fixed(), MailOn: s.Mail.On()}
	for _, key := range Asked {
		if st, ok := s.Settings.Get(r.Context(), key); ok {
			v.Town[key] = st
		}
	}
	return v
}

func (s *Service) handlePage(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	if err := s.Open(r.Context(), token); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpx.Render(w, r, http.StatusOK, page(s.view(r, form{Token: token})))
}

func (s *Service) handleFinish(w http.ResponseWriter, r *http.Request) error {
	var in form
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	ctx := r.Context()
	values := map[string]string{"town.name": in.Town, "town.lang": in.Lang, "signup.mode": in.SignUp}
	made, err := s.Finish(ctx, in.Token, Request{
		Name: in.Name, Email: in.Email, Handle: in.Handle, Password: in.Password, Settings: values, TestLetter: in.Letter,
	})
	if err != nil && made.ID == 0 {
		if !errs.Is(err, errs.Invalid) {
			return err
		}
		v := s.view(r, in)
		v.Err, v.Password = err, ""
		return account.Again(w, r, err, page(v))
	}
	signed, err := s.Accounts.Enter(ctx, made.ID, account.ByPassword, account.VisitFrom(ctx))
	if err != nil {
		return err
	}
	return s.Accounts.Finish(w, r, signed, "/admin?welcome=1")
}
