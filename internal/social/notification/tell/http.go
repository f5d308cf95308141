package tell

import (
	"net/http"
	"slices"
	"strings"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/platform/push"
	"github.com/stoa-town/stoa/internal/social/notification"
	"github.com/stoa-town/stoa/internal/web/assets"
)

// Where the pages are.
const (
	leavePath = "/letters/stop"
	pushPath  = "/notifications/push"
	setPath   = account.TabNotices
)

// Routes registers the API and the pages.
func (s *Service) Routes(rt *httpx.Router) {
	own := httpx.May("push.write")
	mastodon.Handle(rt, "GET /api/v1/push/subscription", own, s.handleGet)
	mastodon.Handle(rt, "POST /api/v1/push/subscription", own, s.handlePut)
	mastodon.Handle(rt, "PUT /api/v1/push/subscription", own, s.handleChange)
	mastodon.Handle(rt, "DELETE /api/v1/push/subscription", own, s.handleDrop)
	// The same for browsers on Stoa's own pages, by their session's cookie.
	mastodon.Handle(rt, "GET "+pushPath, httpx.Person, s.handleBrowser)
	mastodon.Handle(rt, "POST "+pushPath, httpx.Person, s.handleBrowserPut)
	mastodon.Handle(rt, "POST "+pushPath+"/stop", httpx.Person, s.handleDrop)

	rt.Page("GET "+setPath, httpx.Person, s.handleSettings)
	rt.Page("POST "+setPath+"/letters", httpx.Person, s.handleSetLetters)
	rt.Page("POST "+setPath+"/policy", httpx.Person, s.handleSetPolicy)
	rt.Page("GET "+leavePath+"/{account}/{sig}", httpx.Anyone, s.handleLeavePage)
	rt.Page("POST "+leavePath+"/{account}/{sig}", httpx.Anyone, s.handleLeave)
	s.restRoutes(rt)
}

// subscriptionInput is what apps and browsers send.
type subscriptionInput struct {
	Subscription struct {
		Endpoint string `json:"endpoint"`
		Keys     struct {
			P256dh string `json:"p256dh"`
			Auth   string `json:"auth"`
		} `json:"keys"`
		Standard bool `json:"standard"`
	} `json:"subscription"`
	Data struct {
		Alerts map[string]bool `json:"alerts"`
		Policy string          `json:"policy"`
	} `json:"data"`
	Policy string `json:"policy"` // where some apps put it
}

// alerts returns the words that are asked for, sorted: those that exist.
func (in *subscriptionInput) alerts() []string {
	var out []string
	for word, on := range in.Data.Alerts {
		if on && (slices.Contains(notification.Types, word) || word == notification.Own || notification.IsOwn(word) && !strings.ContainsAny(word, ", ") && len(word) < 40) {
			out = append(out, word)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), 40)]
}

func (in *subscriptionInput) policy(usual string) string {
	switch {
	case in.Data.Policy != "":
		return in.Data.Policy
	case in.Policy != "":
		return in.Policy
	}
	return usual
}

var errNoSession = errs.New(errs.Forbidden, "Push messages belong to a session or a token: there is none here.")

func (s *Service) handlePut(r *mastodon.Request) (any, error) {
	var in subscriptionInput
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	session, ok := account.SessionFrom(r.Context())
	if !ok {
		return nil, errNoSession
	}
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sub := push.Subscription{
		Account: r.Actor().ID, Session: session.ID, Token: strings.TrimSpace(token), Alerts: in.alerts(), Policy: in.policy(fromAll),
		Keys: push.Keys{Endpoint: in.Subscription.Endpoint, P256dh: in.Subscription.Keys.P256dh, Auth: in.Subscription.Keys.Auth, Standard: in.Subscription.Standard},
	}
	out, err := s.subscribe(r.Context(), sub)
	if err != nil {
		return nil, err
	}
	return s.show(r, out)
}

func (s *Service) handleGet(r *mastodon.Request) (any, error) {
	session, ok := account.SessionFrom(r.Context())
	if !ok {
		return nil, errNoSession
	}
	sub, err := s.Push.Get(r.Context(), session.ID)
	if errs.Is(err, errs.NotFound) {
		return nil, errs.New(errs.NotFound, "Record not found")
	}
	if err != nil {
		return nil, err
	}
	return s.show(r, sub)
}

func (s *Service) handleChange(r *mastodon.Request) (any, error) {
	var in subscriptionInput
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	session, ok := account.SessionFrom(r.Context())
	if !ok {
		return nil, errNoSession
	}
	old, err := s.Push.Get(r.Context(), session.ID)
	if errs.Is(err, errs.NotFound) {
		return nil, errs.New(errs.NotFound, "Record not found")
	}
	if err != nil {
		return nil, err
	}
	alerts, policy := old.Alerts, in.policy(old.Policy)
	if in.Data.Alerts != nil {
		alerts = in.alerts()
	}
	if err := checkPolicy(policy); err != nil {
		return nil, err
	}
	sub, err := s.Push.Change(r.Context(), session.ID, alerts, policy)
	if err != nil {
		return nil, err
	}
	return s.show(r, sub)
}

func (s *Service) handleDrop(r *mastodon.Request) (any, error) {
	session, ok := account.SessionFrom(r.Context())
	if !ok {
		return nil, errNoSession
	}
	return nil, s.drop(r.Context(), r.Actor().ID, session.ID)
}

// subscriptionReply is Mastodon's WebPushSubscription. Its id names nothing, since a token has one subscription; some apps keep it in 32 bits.
type subscriptionReply struct {
	ID       int32           `json:"id"`
	Endpoint string          `json:"endpoint"`
	Standard bool            `json:"standard"`
	Alerts   map[string]bool `json:"alerts"`
	Server   string          `json:"server_key"`
	Policy   string          `json:"policy"`
}

func (s *Service) show(r *mastodon.Request, sub *push.Subscription) (any, error) {
	key, err := s.Push.PublicKey(r.Context())
	if err != nil {
		return nil, err
	}
	out := subscriptionReply{
		ID: int32((sub.ID ^ sub.ID>>31) & 0x7fffffff), Endpoint: sub.Endpoint, Standard: sub.Standard, Alerts: map[string]bool{}, Server: key, Policy: sub.Policy,
	}
	for _, word := range notification.Types {
		out.Alerts[word] = sub.Wants(word)
	}
	for _, word := range sub.Alerts {
		out.Alerts[word] = true
	}
	return out, nil
}

// browserReply tells a page how push stands in its browser.
type browserReply struct {
	Key      string `json:"key"`      // what to subscribe with
	Worker   string `json:"worker"`   // path of the service worker
	Endpoint string `json:"endpoint"` // empty: this session is told nothing
}

func (s *Service) handleBrowser(r *mastodon.Request) (any, error) {
	key, err := s.Push.PublicKey(r.Context())
	if err != nil {
		return nil, err
	}
	out := browserReply{Key: key, Worker: assets.Path("sw.js")}
	session, ok := account.SessionFrom(r.Context())
	if !ok {
		return nil, errNoSession
	}
	sub, err := s.Push.Get(r.Context(), session.ID)
	if err == nil {
		out.Endpoint = sub.Endpoint
	} else if !errs.Is(err, errs.NotFound) {
		return nil, err
	}
	return out, nil
}

// handleBrowserPut takes what the browser's PushSubscription says, as its toJSON gives it.
func (s *Service) handleBrowserPut(r *mastodon.Request) (any, error) {
	var in struct {
		Endpoint string `json:"endpoint"`
		Keys     struct {
			P256dh string `json:"p256dh"`
			Auth   string `json:"auth"`
		} `json:"keys"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	session, ok := account.SessionFrom(r.Context())
	if !ok {
		return nil, errNoSession
	}
	_, err := s.subscribe(r.Context(), push.Subscription{
		Account: r.Actor().ID, Session: session.ID, Alerts: append([]string{notification.Own}, notification.Types...), Policy: fromAll,
		Keys: push.Keys{Endpoint: in.Endpoint, P256dh: in.Keys.P256dh, Auth: in.Keys.Auth, Standard: true},
	})
	return nil, err
}

// settings is what the page of notifications shows.
type settings struct {
	Every   string
	Mail    bool // letters reach anybody
	Address string
	Policy  notification.Policy
	Err     error
}

func (s *Service) handleSettings(w http.ResponseWriter, r *http.Request) error {
	return s.showSettings(w, r, nil)
}

func (s *Service) showSettings(w http.ResponseWriter, r *http.Request, fault error) error {
	ctx, who := r.Context(), access.From(r.Context()).ID
	a, err := s.People.Get(ctx, who)
	if err != nil {
		return err
	}
	v := settings{Mail: s.Mail.On(), Address: a.Email, Err: fault}
	if v.Every, err = s.Every(ctx, who); err != nil {
		return err
	}
	if v.Policy, _, _, err = s.Notices.Policy(ctx, who); err != nil {
		return err
	}
	status := http.StatusOK
	if e := errs.As(fault); e != nil {
		status = httpx.StatusOf(e)
	}
	return httpx.Render(w, r, status, settingsPage(v))
}

func (s *Service) handleSetLetters(w http.ResponseWriter, r *http.Request) error {
	err := s.SetEvery(r.Context(), access.From(r.Context()).ID, r.FormValue("every"))
	if errs.Is(err, errs.Invalid) {
		return s.showSettings(w, r, err)
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, setPath+"?done=1")
}

func (s *Service) handleSetPolicy(w http.ResponseWriter, r *http.Request) error {
	word := func(field string) notification.Verdict { return notification.Verdict(r.FormValue(field)) }
	err := s.Notices.SetPolicy(r.Context(), access.From(r.Context()).ID, notification.Policy{
		NotFollowing: word("for_not_following"), NotFollowers: word("for_not_followers"), NewAccounts: word("for_new_accounts"),
		PrivateMentions: word("for_private_mentions"), LimitedAccounts: word("for_limited_accounts"),
	})
	if errs.Is(err, errs.Invalid) {
		return s.showSettings(w, r, err)
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, setPath+"?done=1")
}

// leaver returns whose letters an address ends, or a NotFound error where its signature is not ours.
func (s *Service) leaver(r *http.Request) (id.ID, error) {
	who := r.PathValue("account")
	a, err := id.Parse(who)
	if err != nil || !s.Secrets.Check(leavePurpose, who, r.PathValue("sig")) {
		return 0, errs.New(errs.NotFound, "There is nothing at this address.")
	}
	return a, nil
}

// handleLeavePage asks first: programs that look through letters open their links.
func (s *Service) handleLeavePage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.leaver(r)
	if err != nil {
		return err
	}
	every, err := s.Every(r.Context(), a)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, leavePage(every == Never))
}

func (s *Service) handleLeave(w http.ResponseWriter, r *http.Request) error {
	a, err := s.leaver(r)
	if err != nil {
		return err
	}
	if err := s.SetEvery(r.Context(), a, Never); err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, leavePage(true))
}
