package app

import (
	"net"

	"github.com/stoa-town/stoa/internal/app/devmail"
	"github.com/stoa-town/stoa/internal/delivery/refund"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

// mailer returns the way letters go out.
func (a *App) mailer() *mail.Mailer {
	set := a.Config.Mail
	return mail.New(a.DB, a.Jobs, a.Now, mail.Options{
		Mode: set.Mode, Host: set.Host, Port: set.Port, TLS: set.TLS, User: set.User, Password: set.Password, Sender: func() string { return a.Settings.Config().Mail.From }, PerHour: set.PerHour,
		Town: func() string { return a.Settings.Config().Town.Name }, URL: a.Address, Log: a.opt.Log,
	})
}

// letterRoutes registers the page that shows letters which nobody else gets.
func (a *App) letterRoutes() {
	if a.Mail.Mode() == mail.Dev {
		devmail.Routes(a.Router, a.Mail, a.zone)
	}
}

// Address returns what links in letters begin with: the address that people type, without a slash at the end.
func (a *App) Address() string {
	if bound := a.bound.Load(); bound != nil {
		return a.Config.BaseURL(*bound)
	}
	listen, err := net.ResolveTCPAddr("tcp", a.Config.Listen) // a command beside the server: the address it will have
	if err != nil {
		return a.Config.URL
	}
	return a.Config.BaseURL(listen)
}

// refundLetters returns what letters about money that goes back need.
func (a *App) refundLetters() refund.Letters {
	a.Mail.Sample("refund.done", refund.Sample(a.Address))
	return refund.Letters{Post: a.Mail, People: a.Accounts, Restaurant: a.restaurantName, Wanted: a.Invoices.Letters, URL: a.Address}
}
