package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/app"
)

type adminCmd struct {
	Account struct {
		Create    accountCreate    `cmd:"" help:"Make an account; its password is printed once."`
		Suspend   accountSuspend   `cmd:"" help:"Sign somebody out everywhere and keep them out."`
		Reinstate accountReinstate `cmd:"" help:"Let a suspended account in again."`
		OneStep   accountOneStep   `cmd:"" help:"Turn off the second step of somebody who has lost phone and recovery codes."`
	} `cmd:"" help:"Accounts."`
	Role struct {
		Grant  roleGrant  `cmd:"" help:"Give somebody a role: admin, dispatcher, courier, moderator, owner:SLUG, staff:SLUG."`
		Revoke roleRevoke `cmd:"" help:"Take a role away."`
		Add    roleAdd    `cmd:"" help:"The same as grant: stoa admin role add anna courier --for 8h."`
		Remove roleRemove `cmd:"" help:"The same as revoke: stoa admin role remove anna courier."`
	} `cmd:"" help:"Roles."`
	Token struct {
		Create tokenCreate `cmd:"" help:"Print a new bearer token of an account."`
	} `cmd:"" help:"Tokens for scripts and tills."`
	Invite struct {
		Create inviteCreate `cmd:"" help:"Print a new invitation: who has it may sign up, whatever the mode."`
	} `cmd:"" help:"Invitations."`
	Restaurant struct {
		Create restaurantCreate `cmd:"" help:"Open a restaurant; its owner then sets it up on its pages."`
	} `cmd:"" help:"Restaurants."`
}

// with builds the server's parts over the database, without serving, for one command. A running server hears of what is changed through
// the event log.
func (e *env) with(fn func(a *app.App) error) error {
	cfg, log, err := e.settings()
	if err != nil {
		return err
	}
	a, err := app.Build(e.ctx, cfg, app.Options{Log: log, Version: Version})
	if err != nil {
		return err
	}
	defer a.Close(e.ctx)
	err = fn(a)
	a.Events.Tell(e.ctx)
	return err
}

type accountCreate struct {
	Name     string   `required:"" help:"Shown to others; the handle is made of it."`
	Email    string   `required:"" help:"To sign in with."`
	Password string   `help:"Left out: one is made and printed. Others on this machine can see it while the command runs: see --password-file."`
	File     string   `name:"password-file" help:"File that holds the password; - is standard input." placeholder:"FILE"`
	Role     []string `help:"A role to give at once; may be repeated."`
}

func (c *accountCreate) Run(e *env) error {
	if c.File != "" {
		text, err := readSecret(e, c.File)
		if err != nil {
			return err
		}
		c.Password = text
	}
	return e.with(func(a *app.App) error {
		acc, password, err := a.Accounts.CreateWithRole(e.ctx, account.WithRole{Name: c.Name, Email: c.Email, Password: c.Password, Roles: c.Role})
		if err != nil {
			return err
		}
		fmt.Fprintf(e.streams.Out, "Account @%s <%s> is made.\n", acc.Handle, acc.Email)
		if c.Password == "" {
			fmt.Fprintf(e.streams.Out, "Password: %s\n", password)
		}
		return nil
	})
}

// readSecret returns the first line of a file, or of standard input where it is called "-".
func readSecret(e *env, file string) (string, error) {
	in := e.streams.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	line, err := bufio.NewReader(io.LimitReader(in, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("there is no password in %s", file)
	}
	return line, nil
}

type accountSuspend struct {
	Name string `required:"" help:"Handle or e-mail address."`
}

func (c *accountSuspend) Run(e *env) error { return e.standing(c.Name, false) }

type accountReinstate accountSuspend

func (c *accountReinstate) Run(e *env) error { return e.standing(c.Name, true) }

// standing suspends an account or lets it in again.
func (e *env) standing(login string, active bool) error {
	return e.with(func(a *app.App) error {
		acc, err := a.Accounts.Find(e.ctx, strings.TrimPrefix(login, "@"))
		if err != nil {
			return err
		}
		says, change := "is suspended: signed out everywhere, its tokens too", a.Accounts.Suspend
		if active {
			says, change = "is active again", a.Accounts.Reinstate
		}
		if err := change(e.ctx, acc.ID); err != nil {
			return err
		}
		fmt.Fprintf(e.streams.Out, "@%s %s.\n", acc.Handle, says)
		return nil
	})
}

type accountOneStep accountSuspend

// Run turns off an account's second step. Its owner is told by letter.
func (c *accountOneStep) Run(e *env) error {
	return e.with(func(a *app.App) error {
		acc, err := a.Accounts.Find(e.ctx, strings.TrimPrefix(c.Name, "@"))
		if err != nil {
			return err
		}
		if err := a.TwoStep.Off(e.ctx, acc.ID); err != nil {
			return err
		}
		fmt.Fprintf(e.streams.Out, "@%s signs in without a second step.\n", acc.Handle)
		return nil
	})
}

type roleGrant struct {
	Account string `required:"" help:"Handle or e-mail address."`
	Role    string `arg:"" help:"admin, dispatcher, courier, moderator, owner:SLUG or staff:SLUG."`
	For     string `help:"For how long, such as 8h, 3d or 2w; left out: for good." placeholder:"TIME"`
}

func (c *roleGrant) Run(e *env) error { return e.role(c.Account, lasting(c.Role, c.For), true) }

type roleRevoke struct {
	Account string `required:"" help:"Handle or e-mail address."`
	Role    string `arg:"" help:"admin, dispatcher, courier, moderator, owner:SLUG or staff:SLUG."`
}

func (c *roleRevoke) Run(e *env) error { return e.role(c.Account, c.Role, false) }

type roleAdd struct {
	Name string `arg:"" help:"Handle or e-mail address."`
	Role string `arg:"" help:"admin, dispatcher, courier, moderator, owner:SLUG or staff:SLUG."`
	For  string `help:"For how long, such as 8h, 3d or 2w; left out: for good." placeholder:"TIME"`
}

func (c *roleAdd) Run(e *env) error { return e.role(c.Name, lasting(c.Role, c.For), true) }

type roleRemove struct {
	Name string `arg:"" help:"Handle or e-mail address."`
	Role string `arg:"" help:"admin, dispatcher, courier, moderator, owner:SLUG or staff:SLUG."`
}

func (c *roleRemove) Run(e *env) error { return e.role(c.Name, c.Role, false) }

// lasting returns a role for a time, where one is given, as ParseGrant reads it.
func lasting(role, span string) string {
	if span == "" {
		return role
	}
	return role + " for " + span
}

func (e *env) role(login, role string, give bool) error {
	return e.with(func(a *app.App) error {
		acc, err := a.Accounts.Find(e.ctx, strings.TrimPrefix(login, "@"))
		if err != nil {
			return err
		}
		g, err := a.Accounts.ParseGrant(e.ctx, role)
		if err != nil {
			return err
		}
		verb, change := "has", a.Accounts.Grant
		if !give {
			verb, change = "no longer has", a.Accounts.Revoke
		}
		if err := change(e.ctx, acc.ID, g); err != nil {
			return err
		}
		if !g.Until.IsZero() {
			role, _, _ = strings.Cut(role, " for ")
			role += " until " + g.Until.In(a.Zone()).Format("2006-01-02 15:04 MST")
		}
		fmt.Fprintf(e.streams.Out, "@%s %s the role %s.\n", acc.Handle, verb, role)
		return nil
	})
}

type tokenCreate struct {
	Account string `required:"" help:"Handle or e-mail address."`
	Scopes  string `default:"read write" help:"Scopes, separated by spaces."`
	Name    string `default:"command line" help:"What the token is for, as its owner sees it."`
}

func (c *tokenCreate) Run(e *env) error {
	return e.with(func(a *app.App) error {
		acc, err := a.Accounts.Find(e.ctx, strings.TrimPrefix(c.Account, "@"))
		if err != nil {
			return err
		}
		token, err := a.Accounts.CreateToken(e.ctx, acc.ID, c.Name, strings.Fields(c.Scopes))
		if err != nil {
			return err
		}
		fmt.Fprintln(e.streams.Out, token)
		return nil
	})
}
