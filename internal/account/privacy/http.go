package privacy

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Where the pages are.
const (
	aboutPath = "/privacy"
	copyPath  = account.TabPrivacy + "/copies"
	leavePath = account.TabPrivacy + "/leave"
	stayPath  = "/account/stay"
)

// Routes registers the pages.
func (s *Service) Routes(rt *httpx.Router) {
	own := httpx.May("account.secure")
	rt.Page("GET "+aboutPath, httpx.Anyone, s.handleAbout)
	rt.Page("GET "+account.TabPrivacy, own, s.handlePage)
	rt.Page("GET "+copyPath, own, s.handleCopyState)
	rt.Page("POST "+copyPath, own, s.handleAskCopy)
	rt.Raw("GET "+copyPath+"/{id}", own, s.handleFetch)
	rt.Page("GET "+leavePath, own, s.handleLeavePage)
	rt.Page("POST "+leavePath, own, s.handleLeave)
	rt.Page("GET "+stayPath, own, s.handleStayPage)
	rt.Page("POST "+stayPath, own, s.handleStay)
	s.samples()
}

// open are the paths that somebody who is leaving may still go to; those that end in a slash stand for all below them.
var open = []string{
	stayPath, account.TabPrivacy, copyPath + "/", aboutPath, "/sign-in", "/sign-in/", "/sign-out", "/account/confirm", "/account/confirm/", "/assets/", "/media/", "/live", "/lang",
}

// Gate keeps those who are leaving at the page that offers to stay: their account is as good as gone.
func (s *Service) Gate(next http.Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !account.LeavingFrom(r.Context()) || isOpen(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		if r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/api/") && !httpx.IsFragment(r) {
			http.Redirect(w, r, stayPath, http.StatusSeeOther)
			return
		}
		fail(w, r, errs.New(errs.Forbidden, "This account is about to be deleted. Sign in on the web and choose to stay to use it again.").WithCode("leaving"))
	})
}

func isOpen(path string) bool {
	for _, p := range open {
		if path == p || strings.HasSuffix(p, "/") && strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

func (s *Service) handleAbout(w http.ResponseWriter, r *http.Request) error {
	return httpx.Render(w, r, http.StatusOK, aboutPage(s.Statements(r.Context()), access.From(r.Context()).SignedIn(), r.URL.Query().Get("left") != ""))
}

// view is what the page of one's own privacy shows.
type view struct {
	Figures   []Figure
	Copy      *Copy // nil: none yet
	Link      string
	Topic     string
	Obstacles []personal.Obstacle
	Grace     time.Duration
	Err       error
}

// again says when the region of the copy is fetched anew: on news, and every other second while it is being made, since it may be ready
// before the page listens.
func (v view) again() string {
	if v.Copy != nil && v.Copy.State == Waiting {
		return "live, every 2s"
	}
	return "live"
}

func (s *Service) view(ctx context.Context, who id.ID) (v view, err error) {
	v = view{Topic: topicOf(who), Grace: s.Keep().Leaving}
	if v.Figures, err = s.Figures(ctx, who); err != nil {
		return v, err
	}
	if v.Obstacles, err = s.Obstacles(ctx, who); err != nil {
		return v, err
	}
	c, err := s.LastCopy(ctx, who)
	if errs.Is(err, errs.NotFound) {
		return v, nil
	}
	if c.State == Ready && !s.Now().Before(c.ExpiresAt) {
		return v, err
	}
	v.Copy, v.Link = &c, s.Link(c)
	return v, err
}

func (s *Service) handlePage(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	v, err := s.view(r.Context(), actor.ID)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, privacyPage(v))
}

// handleCopyState answers with how the copy stands, alone: the page asks for it when it hears of news.
func (s *Service) handleCopyState(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	if !httpx.IsFragment(r) {
		return httpx.Redirect(w, r, account.TabPrivacy)
	}
	v, err := s.view(r.Context(), actor.ID)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, copyState(v))
}

func (s *Service) handleAskCopy(w http.ResponseWriter, r *http.Request) error {
	actor, err := s.proven(r.Context())
	if err != nil {
		return err
	}
	if _, err := s.AskCopy(r.Context(), actor.ID); err != nil && errs.CodeOf(err) != "running" {
		return s.again(w, r, actor.ID, err)
	}
	return httpx.Redirect(w, r, account.TabPrivacy)
}

// proven returns the actor, who has shown lately who they are.
func (s *Service) proven(ctx context.Context) (access.Actor, error) {
	actor, err := account.Self(ctx, "account.secure")
	if err != nil {
		return actor, err
	}
	return actor, account.Fresh(ctx)
}

// again answers with the page after something on it was refused.
func (s *Service) again(w http.ResponseWriter, r *http.Request, who id.ID, err error) error {
	status := httpx.StatusOf(err)
	if status >= http.StatusInternalServerError {
		return err
	}
	v, verr := s.view(r.Context(), who)
	if verr != nil {
		return verr
	}
	v.Err = err
	if e := errs.As(err); e != nil && e.Retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(e.Retry.Seconds())+1))
	}
	return httpx.Render(w, r, status, privacyPage(v))
}

// fetchWithin is how long handing out an archive may take.
const fetchWithin = 10 * time.Minute

// handleFetch hands out a copy. It changes nothing: it may be fetched again.
func (s *Service) handleFetch(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	copyID, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return errNoCopy
	}
	c, err := s.Open(r.Context(), actor.ID, copyID, r.URL.Query().Get("sig"))
	if err != nil {
		return err
	}
	if err := account.Fresh(r.Context()); err != nil {
		return err
	}
	// An archive may take longer than a page, on a slow line.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), fetchWithin)
	defer cancel()
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(fetchWithin)); err != nil {
		s.Log.DebugContext(ctx, "privacy: the deadline of a download can't be moved", "err", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Length", strconv.FormatInt(c.Size, 10))
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.zip"`, actor.Handle, c.ReadyAt.Format(time.DateOnly)))
	h.Set("Cache-Control", "no-store")
	if err := s.WriteTo(ctx, w, c); err != nil {
		s.Log.WarnContext(ctx, "privacy: a download ended early", "copy", c.ID, "err", err)
	}
	return nil
}

func (s *Service) handleLeavePage(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	v, err := s.view(r.Context(), actor.ID)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, leavePage(v, actor.Handle, nil))
}

type leaveForm struct {
	Handle string `form:"handle"`
}

func (s *Service) handleLeave(w http.ResponseWriter, r *http.Request) error {
	actor, err := s.proven(r.Context())
	if err != nil {
		return err
	}
	var in leaveForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	var refused error
	if !strings.EqualFold(strings.TrimPrefix(strings.TrimSpace(in.Handle), "@"), actor.Handle) {
		refused = errs.InvalidField("handle", "Write your handle, so that this does not happen by accident.")
	} else if _, err := s.Leave(r.Context(), actor.ID); err != nil {
		refused = err
	}
	if refused == nil {
		return httpx.Redirect(w, r, "/privacy?left=1")
	}
	if httpx.StatusOf(refused) >= http.StatusInternalServerError {
		return refused
	}
	v, err := s.view(r.Context(), actor.ID)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, httpx.StatusOf(refused), leavePage(v, actor.Handle, refused))
}

func (s *Service) handleStayPage(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	due, err := s.Leaving(r.Context(), actor.ID)
	if errs.Is(err, errs.NotFound) {
		return httpx.Redirect(w, r, account.TabProfile)
	}
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, stayPage(due))
}

func (s *Service) handleStay(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	// Who stays already wants nothing else.
	if err := s.Stay(r.Context(), actor.ID); err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	return httpx.Redirect(w, r, account.TabPrivacy)
}
