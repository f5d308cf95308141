package browser

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// Authenticator is something in the tab's computer that keeps passkeys and looks who is there.
type Authenticator struct {
	person *Person
	id     webauthn.AuthenticatorID
}

// Authenticator gives the tab's computer one. Nobody touches it yet: see Touch.
func (p *Person) Authenticator() *Authenticator {
	p.t.Helper()
	a := &Authenticator{person: p}
	p.do("have an authenticator", command(webauthn.Enable, webauthn.EnableParams{}), func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		out, err := cdp.Call(ctx, t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true,
		}})
		a.id = out.AuthenticatorID
		return chromedp.Void{}, err
	})
	return a
}

// Touch has a finger on the authenticator from now on, or takes it away.
func (a *Authenticator) Touch(is bool) {
	a.person.t.Helper()
	a.person.do("touch the authenticator", command(webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: a.id, Enabled: is}))
}
