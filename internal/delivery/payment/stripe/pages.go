package stripe

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

func (s *Service) pages(rt *httpx.Router) {
	rt.Page("GET /pay/{code}", httpx.May("order.read"), s.showPay)
	rt.Page("POST /pay/{code}", httpx.May("order.place"), s.paid)
	rt.Page("POST /pay/{code}/keep", httpx.May("order.place"), s.keep)
	rt.Page("GET /account/cards", httpx.Person, s.showCards)
	rt.Page("POST /account/cards/remove", httpx.Person, s.removeCard)
	rt.Page("GET /restaurant/{slug}/payouts-account", httpx.May("restaurant.manage"), s.showAccount)
	rt.Page("POST /restaurant/{slug}/payouts-account", httpx.May("restaurant.manage"), s.connect)
}

// payView is what the pay page shows.
type payView struct {
	Due    Due
	Key    string // the publishable one
	Script string
	Return string
	Err    error
}

// hosts are where Stripe's script, its frames and its API are; with another address of the script in tests everything is there.
func (s *Service) hosts() (script, frames, calls string) {
	own := origin(s.opt.Script)
	if own != "https://js.stripe.com" {
		return own, own, own + " " + origin(s.opt.URL)
	}
	return "https://js.stripe.com https://*.js.stripe.com", "https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com", "https://api.stripe.com"
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// open lets this one page load Stripe's script and talk to Stripe. Trusted types are off here: the script is not ours to teach them.
func (s *Service) open(w http.ResponseWriter) {
	script, frames, calls := s.hosts()
	csp := w.Header().Get("Content-Security-Policy")
	csp = strings.Replace(csp, "script-src ", "script-src "+script+" ", 1)
	csp = strings.Replace(csp, "connect-src 'self'", "connect-src 'self' "+calls, 1)
	csp, _, _ = strings.Cut(csp, "; require-trusted-types-for")
	w.Header().Set("Content-Security-Policy", csp+"; frame-src "+frames)
	w.Header().Set("Permissions-Policy", "geolocation=(), camera=(), microphone=(), payment=(self \"https://js.stripe.com\")")
}

// showPay shows what is to be paid, and where a card is typed. Whoever comes back from their bank is asked about at once.
func (s *Service) showPay(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	due, err := s.Orders.Due(ctx, r.PathValue("code"))
	if err != nil {
		return err
	}
	v := payView{Due: due, Key: s.opt.PublishableKey, Script: s.opt.Script, Return: s.payPage(due.Order)}
	if back := r.URL.Query().Get("redirect_status"); back != "" && due.Waits {
		// What the address says is a hint like any other.
		if due, err = s.settle(r, due); err != nil {
			v.Err = err
		} else if due.Waits {
			v.Err = errs.New(errs.Invalid, "Your bank did not confirm that it is you. Try again, or with another card.")
		}
		v.Due = due
	}
	switch {
	case !due.Waits:
		return httpx.Redirect(w, r, due.Back)
	case due.Payment.Provider != Name && localAction(due.Payment.Action) != "":
		return httpx.Redirect(w, r, localAction(due.Payment.Action))
	case due.Payment.Provider != Name || due.Payment.Action.Client == "":
		return httpx.Redirect(w, r, due.Back) // there the page says that the bank is being asked
	}
	w.Header().Set("Cache-Control", "no-store")
	s.open(w)
	return httpx.Render(w, r, http.StatusOK, payPage(v))
}

// localAction returns where on this server a provider without a script has its question asked.
func localAction(a delivery.CardAction) string {
	u, err := url.Parse(a.URL)
	if err != nil || !strings.HasPrefix(u.Path, "/sandbox/") {
		return ""
	}
	return u.RequestURI()
}

// settle has the payment looked at and returns what is due then.
func (s *Service) settle(r *http.Request, due Due) (Due, error) {
	if err := s.Orders.Confirm(r.Context(), due.Order); err != nil {
		return due, err
	}
	return s.Orders.Due(r.Context(), due.Order.String())
}

// paid is where the page goes when its customer has done their part.
func (s *Service) paid(w http.ResponseWriter, r *http.Request) error {
	due, err := s.Orders.Due(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	if due, err = s.settle(r, due); err != nil && errs.CodeOf(err) != "payment_unclear" {
		return err
	}
	if err == nil && due.Waits {
		return httpx.Redirect(w, r, "/pay/"+due.Code)
	}
	return httpx.Redirect(w, r, due.Back)
}

// keep notes, just before a card is typed for good, whether it is kept.
func (s *Service) keep(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Keep bool `form:"keep"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if err := s.KeepCard(r.Context(), r.PathValue("code"), in.Keep); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) showCards(w http.ResponseWriter, r *http.Request) error {
	cards, err := s.Cards(r.Context())
	if err != nil && !errs.Is(err, errs.Unavailable) {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, cardsPage(cards, s.On(), err))
}

func (s *Service) removeCard(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Card string `form:"card"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if err := s.RemoveCard(r.Context(), in.Card); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/account/cards")
}

func (s *Service) showAccount(w http.ResponseWriter, r *http.Request) error {
	shop, a, err := s.PayoutAccount(r.Context(), r.PathValue("slug"))
	if err != nil && (shop == nil || errs.CodeOf(err) != "stripe_off" && !errs.Is(err, errs.Unavailable)) {
		return err
	}
	// The button's answer leads to Stripe, and Chromium holds that to the policy of the page, too.
	to := "https://connect.stripe.com"
	if s.opt.URL != "" {
		to = origin(s.opt.URL)
	}
	csp := w.Header().Get("Content-Security-Policy")
	w.Header().Set("Content-Security-Policy", strings.Replace(csp, "form-action 'self'", "form-action 'self' "+to, 1))
	return httpx.Render(w, r, http.StatusOK, accountPage(shop, a, err))
}

func (s *Service) connect(w http.ResponseWriter, r *http.Request) error {
	to, err := s.Connect(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
