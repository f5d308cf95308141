// Package cli is the command line: it reads flags and settings, builds the server of internal/app, and runs one command.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/telemetry"
)

// Version is the version of this build, set by the linker.
var Version = "dev"

// Streams are what a command reads and writes.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// globals are the flags that every command takes. Each also is a setting of stoa.toml and a variable STOA_….
type globals struct {
	Config   string            `help:"Settings file (default: stoa.toml, if there is one)." placeholder:"FILE"`
	Data     string            `help:"Folder of the database and files." placeholder:"DIR"`
	Listen   string            `help:"Address to listen on." placeholder:"ADDR"`
	URL      string            `help:"Address at which people reach the server, such as https://food.example.org." placeholder:"URL"`
	TLS      string            `name:"tls" help:"HTTPS by the server itself: auto asks an authority for a certificate, file takes yours, self makes one; off behind a proxy." placeholder:"off|auto|file|self"`
	TLSCert  string            `name:"tls-cert" help:"Certificate in PEM, for --tls file." placeholder:"FILE"`
	TLSKey   string            `name:"tls-key" help:"Its key in PEM, for --tls file." placeholder:"FILE"`
	Database string            `help:"PostgreSQL, in place of SQLite in the data folder." placeholder:"postgres://…"`
	NATS     string            `name:"nats" help:"NATS servers that carry news between nodes." placeholder:"nats://…"`
	Files    string            `help:"Folder of pictures, such as file:///srv/pictures, in place of one in the data folder." placeholder:"URL"`
	LogLevel string            `help:"debug, info, warn or error." placeholder:"LEVEL"`
	Set      map[string]string `help:"Any setting by its name in stoa.toml, such as --set town.name=Arkadia." placeholder:"NAME=VALUE"`
}

// overrides returns the flags that were given, by the setting's name.
func (g globals) overrides() config.Overrides {
	o := config.Overrides{
		"data": g.Data, "listen": g.Listen, "url": g.URL, "tls": g.TLS, "tls_cert": g.TLSCert, "tls_key": g.TLSKey,
		"database": g.Database, "nats": g.NATS, "files": g.Files, "log_level": g.LogLevel,
	}
	maps.Copy(o, g.Set)
	return o
}

// commands is the whole command line.
type commands struct {
	globals
	Serve   serveCmd   `cmd:"" help:"Run the server."`
	Demo    demoCmd    `cmd:"" help:"Open a generated town in which people order, cook and ride; throw-away data."`
	Migrate migrateCmd `cmd:"" help:"Bring the database's tables up to date, and say so."`
	Admin   adminCmd   `cmd:"" help:"Accounts, roles and tokens, also beside a running server."`
	Verify  verifyCmd  `cmd:"" help:"Check the books: every sum, every reference, each order and payment; exit code 1 where anything is wrong."`
	Doctor  doctorCmd  `cmd:"" help:"Say why something is as it is."`
	Import  importCmd  `cmd:"" help:"Read a menu from a file."`
	Conf    confCmd    `cmd:"" name:"config" help:"Print a stoa.toml with every setting explained."`
	Vers    versCmd    `cmd:"" name:"version" help:"Print the version."`
}

// env is what a command is run with.
type env struct {
	ctx     context.Context
	streams Streams
	globals globals
	environ []string
}

// settings reads the settings and makes the logger.
func (e *env) settings() (config.Config, *slog.Logger, error) {
	cfg, err := config.Load(e.globals.overrides(), e.environ, e.globals.Config)
	if err != nil {
		return cfg, nil, err
	}
	level, err := telemetry.Level(cfg.LogLevel)
	if err != nil {
		return cfg, nil, err
	}
	return cfg, telemetry.NewLogger(e.streams.Err, level, cfg.LogFormat), nil
}

// Run runs the command that args name and returns the exit code: 0, 1 for a failure, 2 for a command line that can't be read.
func Run(ctx context.Context, args, environ []string, s Streams) int {
	var c commands
	exited := -1
	p, err := kong.New(&c, kong.Name("stoa"), kong.Description("A town's own food delivery. https://github.com/stoa-town/stoa"),
		kong.Writers(s.Out, s.Err), kong.Exit(func(code int) { exited = code }), kong.ShortUsageOnError())
	if err != nil {
		fmt.Fprintln(s.Err, "stoa:", err)
		return 2
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := p.Parse(args)
	if exited >= 0 { // help was printed
		return exited
	}
	if err != nil {
		fmt.Fprintln(s.Err, "stoa:", err, "(stoa --help shows what there is)")
		return 2
	}
	if err := k.Run(&env{ctx: ctx, streams: s, globals: c.globals, environ: environ}); err != nil {
		fmt.Fprintln(s.Err, "stoa: "+explain(err))
		return 1
	}
	return 0
}

// explain writes an error for the terminal: its sentence, then each wrong field on a line.
func explain(err error) string {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || len(e.Fields) < 2 {
		return err.Error()
	}
	lines := []string{e.Message}
	for _, f := range e.Fields {
		lines = append(lines, "  "+f.Path+": "+f.Message)
	}
	return strings.Join(slices.Compact(lines), "\n")
}

type confCmd struct{}

func (confCmd) Run(e *env) error {
	_, err := io.WriteString(e.streams.Out, config.Example())
	return err
}

type versCmd struct {
	SBOM bool `name:"sbom" help:"Print what the program is made of, as a CycloneDX document."`
}

func (c versCmd) Run(e *env) error {
	if c.SBOM {
		info, ok := debug.ReadBuildInfo()
		if !ok {
			return errors.New("this program was built without a list of its modules")
		}
		return writeBill(e.streams.Out, info)
	}
	_, err := fmt.Fprintln(e.streams.Out, Version)
	return err
}
