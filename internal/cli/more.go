package cli

import (
	"fmt"

	"github.com/stoa-town/stoa/internal/account"
)

func accountWithRole(c *accountCreate) account.WithRole {
	return account.WithRole{Name: c.Name, Email: c.Email, Password: c.Password, Roles: c.Role}
}

type demoCmd struct{}

func (demoCmd) Run(e *env) error { return fmt.Errorf("demo") }

type importCmd struct{}

func (importCmd) Run(e *env) error { return fmt.Errorf("import") }

type restaurantCreate struct{}

func (restaurantCreate) Run(e *env) error { return fmt.Errorf("restaurant") }
