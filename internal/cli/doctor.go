package cli

import (
	"fmt"
	"strings"

	"github.com/stoa-town/stoa/internal/app"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
)

type doctorCmd struct {
	Access doctorAccess `cmd:"" help:"Say why somebody may do something to a thing, or may not: stoa doctor access --as anna order.cancel order:K7Q-2PM."`
}

type doctorAccess struct {
	As     string `help:"Handle or e-mail address; left out: somebody who is not signed in." placeholder:"NAME"`
	Scopes string `help:"Ask for a token with these scopes in place of a browser." placeholder:"WORDS"`
	App    bool   `help:"That token is one of an app that was let in by OAuth."`
	Verb   string `arg:"" help:"What is to be done, such as order.cancel. The policy file knows them all."`
	Thing  string `arg:"" optional:"" help:"To what: order:CODE, order:ID, restaurant:SLUG or account:HANDLE."`
}

// anApp stands for whichever app of OAuth.
const anApp id.ID = 1

func (c *doctorAccess) Run(e *env) error {
	return e.with(func(a *app.App) error {
		var actor access.Actor
		if c.As != "" {
			as, acc, err := a.Explain.As(e.ctx, c.As)
			if err != nil {
				return err
			}
			if !as.SignedIn() {
				fmt.Fprintf(e.streams.Out, "@%s is %s and can't sign in.\n", acc.Handle, acc.State)
			}
			actor = as
		}
		if c.Scopes != "" || c.App {
			scopes, err := access.ParseScopes(c.Scopes)
			if err != nil {
				return err
			}
			if actor.Scopes = scopes; c.App {
				actor.App = anApp
			}
		}
		answer, err := a.Explain.Ask(e.ctx, actor, strings.TrimSpace(c.Verb), c.Thing)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(e.streams.Out, answer.Text(e.ctx))
		return err
	})
}
