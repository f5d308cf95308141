package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/stoa-town/stoa/internal/app"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

type serveCmd struct{}

func (serveCmd) Run(e *env) error {
	cfg, log, err := e.settings()
	if err != nil {
		return err
	}
	a, err := app.Build(e.ctx, cfg, app.Options{Log: log, Version: Version})
	if err != nil {
		return err
	}
	return serve(e.ctx, a, log, func(url string) {
		fmt.Fprintf(e.streams.Out, "Stoa %s is ready at %s\n", Version, url)
		e.firstRun(a, log, url)
	})
}

// firstRun prints the link with which the first admin is made, where there is none.
func (e *env) firstRun(a *app.App, log *slog.Logger, url string) {
	token, err := a.Setup.Begin(e.ctx)
	if err != nil {
		log.Error("the link for the first start could not be made", "err", err)
	}
	if token != "" {
		fmt.Fprintf(e.streams.Out, "This town has no admin yet. Open this link within 24 hours to set it up; it works once:\n%s/setup?token=%s\n", url, token)
	}
}

// serve runs a built server until ctx ends, then lets running requests finish and closes it. ready is told the address once it answers.
func serve(ctx context.Context, a *app.App, log *slog.Logger, ready func(url string)) (err error) {
	cfg := a.Config
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.Limits.ShutdownTimeout)
		defer cancel()
		if e := a.Close(ctx); err == nil {
			err = e
		}
	}()
	srv, err := a.Listen()
	if err != nil {
		return err
	}
	ended := make(chan error, 3)
	go func() { ended <- srv.Serve() }()
	plain, err := a.ListenHTTP()
	if err != nil {
		return err
	}
	if plain != nil {
		go func() { ended <- plain.Serve() }()
	}
	admin, err := listenAdmin(cfg, a, log)
	if err != nil {
		return err
	}
	if admin != nil {
		go func() { ended <- admin.Serve() }()
	}
	a.Start(ctx)
	log.Info("serving", "addr", srv.Addr().String(), "settings", cfg)
	ready(a.BaseURL(srv.Addr()))
	select {
	case <-ctx.Done():
		log.Info("stopping: running requests are finished first")
	case err = <-ended:
	case err = <-a.Lost():
	}
	a.Ready.Drain()
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.Limits.ShutdownTimeout)
	defer cancel()
	if e := srv.Shutdown(stopCtx); e != nil && err == nil {
		log.Warn("some requests did not end in time", "err", e)
	}
	for _, s := range []*httpx.Server{admin, plain} {
		if s != nil {
			s.Shutdown(stopCtx) // only figures and redirects are lost
		}
	}
	return err
}

// listenAdmin opens the listener for figures, or returns nil where none is set.
func listenAdmin(cfg config.Config, a *app.App, log *slog.Logger) (*httpx.Server, error) {
	if cfg.AdminListen == "" {
		return nil, nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.Metrics.Handler())
	srv, err := httpx.Listen(cfg.AdminListen, mux, log, httpx.ServerOptions{HeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("listen for the admin on %s: %w", cfg.AdminListen, err)
	}
	return srv, nil
}

type migrateCmd struct{}

func (migrateCmd) Run(e *env) error {
	cfg, log, err := e.settings()
	if err != nil {
		return err
	}
	d, err := app.OpenDB(e.ctx, cfg, nil, log)
	if err != nil {
		return err
	}
	defer d.Close()
	fmt.Fprintf(e.streams.Out, "The tables in %s are up to date.\n", d.Dialect())
	return nil
}
