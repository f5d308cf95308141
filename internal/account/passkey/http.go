package passkey

import (
	"net/http"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the pages, and the two halves of each ceremony, which the island passkey.ts asks for.
func (s *Service) Routes(rt *httpx.Router) {
	rt.Page("GET /account/passkeys", httpx.May("account.secure"), s.handleList)
	rt.Page("POST /account/passkeys/options", httpx.May("account.secure"), s.handleAddOptions)
	rt.Page("POST /account/passkeys", httpx.May("account.secure"), s.handleAdd)
	rt.Page("POST /account/passkeys/{id}/name", httpx.May("account.secure"), s.handleRename)
	rt.Page("POST /account/passkeys/{id}/remove", httpx.May("account.secure"), s.handleRemove)
	rt.Page("POST /account/confirm/passkey/options", httpx.May("account.secure"), s.handleConfirmOptions)
	rt.Page("POST /account/confirm/passkey", httpx.May("account.secure"), s.handleConfirm)
	rt.Page("POST /sign-in/passkey/options", httpx.Anyone, s.handleSignInOptions)
	rt.Page("POST /sign-in/passkey", httpx.Anyone, s.handleSignIn)
}

// answerForm is what the island sends in the second half.
type answerForm struct {
	Ticket     string `form:"ticket"`
	Credential string `form:"credential"`
	Next       string `form:"next"`
}

func (f answerForm) answer() Answer { return Answer{Ticket: f.Ticket, Credential: f.Credential} }

// party returns who keys of a request's server are for, or an Invalid error where there can't be any.
func (s *Service) party(r *http.Request) (party, error) {
	p, ok := partyOf(s.opt.URL, r.Host, s.opt.HTTPS)
	if !ok {
		return party{}, errNoParty
	}
	return p, nil
}

// Works reports whether the browser that asks can have passkeys for this server.
func (s *Service) Works(r *http.Request) bool {
	_, ok := partyOf(s.opt.URL, r.Host, s.opt.HTTPS)
	return ok
}

// mine returns who asks, in which session, and whom their keys are for. A token of an app has no business here.
func (s *Service) mine(r *http.Request) (who, session id.ID, p party, err error) {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return 0, 0, party{}, err
	}
	here, _ := account.SessionFrom(r.Context())
	p, err = s.party(r)
	return actor.ID, here.ID, p, err
}

// done is what the page says after a change, by the word in its URL.
func done(r *http.Request) string {
	switch r.URL.Query().Get("done") {
	case "added":
		return i18n.T(r.Context(), "The passkey is kept. Next time you can sign in with it.")
	case "renamed":
		return i18n.T(r.Context(), "The passkey has its new name.")
	case "removed":
		return i18n.T(r.Context(), "The passkey is removed. You may delete it from your device, too.")
	}
	return ""
}

func (s *Service) handleList(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	keys, err := s.List(r.Context(), actor.ID)
	if err != nil {
		return err
	}
	v := view{Keys: keys, Works: s.Works(r), Fresh: account.Fresh(r.Context()) == nil, Done: done(r), New: r.URL.Query().Has("welcome")}
	v.Next = httpx.LocalPath(r.URL.Query().Get("next"))
	return httpx.Render(w, r, http.StatusOK, listPage(v))
}

func (s *Service) handleAddOptions(w http.ResponseWriter, r *http.Request) error {
	who, session, p, err := s.mine(r)
	if err != nil {
		return err
	}
	if err := account.Fresh(r.Context()); err != nil {
		return err
	}
	offer, err := s.beginAdd(r.Context(), p, who, session)
	if err != nil {
		return err
	}
	return httpx.JSON(w, http.StatusOK, offer)
}

func (s *Service) handleAdd(w http.ResponseWriter, r *http.Request) error {
	who, session, p, err := s.mine(r)
	if err != nil {
		return err
	}
	if err := account.Fresh(r.Context()); err != nil {
		return err
	}
	var in answerForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if _, err := s.finishAdd(r.Context(), p, who, session, in.answer()); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/account/passkeys?done=added")
}

func keyID(r *http.Request) (id.ID, error) {
	key, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return 0, errNoKey
	}
	return key, nil
}

func (s *Service) handleRename(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	key, err := keyID(r)
	if err != nil {
		return err
	}
	var in struct {
		Name string `form:"name"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if err := s.Rename(r.Context(), actor.ID, key, in.Name); err != nil {
		return s.again(w, r, actor.ID, err, key)
	}
	return httpx.Redirect(w, r, "/account/passkeys?done=renamed")
}

func (s *Service) handleRemove(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	if err := account.Fresh(r.Context()); err != nil {
		return err
	}
	key, err := keyID(r)
	if err != nil {
		return err
	}
	if err := s.Remove(r.Context(), actor.ID, key); err != nil {
		return s.again(w, r, actor.ID, err, key)
	}
	return httpx.Redirect(w, r, "/account/passkeys?done=removed")
}

// again answers with the list after one of its forms was refused.
func (s *Service) again(w http.ResponseWriter, r *http.Request, who id.ID, err error, key id.ID) error {
	if !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Conflict) {
		return err
	}
	keys, lerr := s.List(r.Context(), who)
	if lerr != nil {
		return lerr
	}
	v := view{Keys: keys, Works: s.Works(r), Fresh: account.Fresh(r.Context()) == nil, Err: err, Of: key}
	return httpx.Render(w, r, httpx.StatusOf(err), listPage(v))
}

func (s *Service) handleConfirmOptions(w http.ResponseWriter, r *http.Request) error {
	who, session, p, err := s.mine(r)
	if err != nil {
		return err
	}
	offer, err := s.beginConfirm(r.Context(), p, who, session)
	if err != nil {
		return err
	}
	return httpx.JSON(w, http.StatusOK, offer)
}

func (s *Service) handleConfirm(w http.ResponseWriter, r *http.Request) error {
	who, session, p, err := s.mine(r)
	if err != nil {
		return err
	}
	var in answerForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if err := s.finishConfirm(r.Context(), p, who, session, in.answer()); err != nil {
		return err
	}
	if err := s.People.Renew(w, r); err != nil {
		return err
	}
	return httpx.Redirect(w, r, httpx.LocalPath(in.Next))
}

func (s *Service) handleSignInOptions(w http.ResponseWriter, r *http.Request) error {
	p, err := s.party(r)
	if err != nil {
		return err
	}
	offer, err := s.beginSignIn(r.Context(), p, s.People.Browser(w, r))
	if err != nil {
		return err
	}
	return httpx.JSON(w, http.StatusOK, offer)
}

func (s *Service) handleSignIn(w http.ResponseWriter, r *http.Request) error {
	p, err := s.party(r)
	if err != nil {
		return err
	}
	var in answerForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	out, err := s.finishSignIn(r.Context(), p, in.answer(), account.VisitFrom(r.Context()))
	if err != nil {
		return err
	}
	return s.People.Finish(w, r, out, in.Next)
}
