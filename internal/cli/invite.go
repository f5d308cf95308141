package cli

import (
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/account/signup"
	"github.com/stoa-town/stoa/internal/app"
)

type inviteCreate struct {
	Uses int    `default:"1" help:"How many may join with it."`
	Days int    `default:"7" help:"How many days it lasts."`
	Note string `help:"Whom it is for; admins see it."`
}

func (c *inviteCreate) Run(e *env) error {
	return e.with(func(a *app.App) error {
		code, v, err := a.SignUps.Invite(e.ctx, signup.InviteSpec{Uses: c.Uses, For: time.Duration(c.Days) * 24 * time.Hour, Note: c.Note})
		if err != nil {
			return err
		}
		fmt.Fprintf(e.streams.Out, "Invitation: %s\nLink: %s\nFor %d, until %s.\n", code, a.SignUps.InviteLink(code), v.Uses, v.ExpiresAt.Format(time.DateOnly))
		return nil
	})
}
