package fakestripe

import (
	"net/http"
	"net/url"
)

// Account is a connected account.
type Account struct {
	ID               string            `json:"id"`
	Object           string            `json:"object"`
	ChargesEnabled   bool              `json:"charges_enabled"`
	PayoutsEnabled   bool              `json:"payouts_enabled"`
	DetailsSubmitted bool              `json:"details_submitted"`
	Country          string            `json:"country"`
	Email            string            `json:"email,omitempty"`
	Type             string            `json:"type"`
	Metadata         map[string]string `json:"metadata"`
	Requirements     Requirements      `json:"requirements"`
}

// Requirements are what Stripe wants to know still.
type Requirements struct {
	CurrentlyDue   []string `json:"currently_due"`
	EventuallyDue  []string `json:"eventually_due"`
	PastDue        []string `json:"past_due"`
	DisabledReason string   `json:"disabled_reason,omitempty"`
}

func (s *Server) connectRoute(method, kind, ref, _ string, f url.Values) (any, *failure) {
	switch {
	case kind == "accounts" && ref == "" && method == http.MethodPost:
		a := &Account{
			ID: s.id("acct"), Object: "account", Country: f.Get("country"), Email: f.Get("email"), Type: f.Get("type"), Metadata: metadata(f),
			Requirements: Requirements{CurrentlyDue: []string{"external_account", "business_profile.url"}, EventuallyDue: []string{}, PastDue: []string{}},
		}
		s.accounts[a.ID] = a
		return a, nil
	case kind == "accounts":
		return found(s.accounts, "account", ref)
	case kind == "account_links" && method == http.MethodPost:
		a := s.accounts[f.Get("account")]
		if a == nil {
			return nil, missing("account", f.Get("account"))
		}
		for _, p := range []string{"refresh_url", "return_url", "type"} {
			if f.Get(p) == "" {
				return nil, invalid("parameter_missing", p, "Missing required param: %s.", p)
			}
		}
		return map[string]any{
			"object": "account_link", "created": s.now().Unix(), "expires_at": s.now().Unix() + 300,
			"url": s.URL + "/onboard/" + a.ID + "?return_url=" + url.QueryEscape(f.Get("return_url")),
		}, nil
	case ref == "" && method == http.MethodPost:
		o := map[string]any{"id": s.id(kind[:2]), "object": kind[:len(kind)-1], "amount": f.Get("amount"), "currency": f.Get("currency"), "destination": f.Get("destination"), "metadata": metadata(f), "livemode": s.Live}
		s.others[o["id"].(string)] = o
		return o, nil
	}
	if o := s.others[ref]; o != nil {
		return o, nil
	}
	return nil, missing(kind, ref)
}

// Onboard answers all that Stripe asks of a connected account, and says so by webhook.
func (s *Server) Onboard(account string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[account]
	if a == nil {
		return false
	}
	a.ChargesEnabled, a.PayoutsEnabled, a.DetailsSubmitted = true, true, true
	a.Requirements.CurrentlyDue = []string{}
	s.tellOf(account, "account.updated", a)
	return true
}
