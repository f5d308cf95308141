package app

import "io/fs"

// Social are the slices of the social network.
type Social struct{}

// socialSchemas returns the tables of the social network.
func socialSchemas() []fs.FS { return []fs.FS{} }

// social builds the slices of the social network and gives each the others' services that it needs.
func (a *App) social() error { return nil }

// socialRoutes registers what the social network serves.
func (a *App) socialRoutes() {}
