package cli

import (
	"errors"
)

type demoCmd struct{}

func (demoCmd) Run(*env) error { return errors.New("the demo town is being built") }
