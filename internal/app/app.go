// Package app is the composition root: it builds every part, gives each what it needs of the others, and runs them. It is the only package
// that sees everything, and holds no rule.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/oauth"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/delivery/discover"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/fetch"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/realtime"
	"github.com/stoa-town/stoa/internal/platform/secrets"
	"github.com/stoa-town/stoa/internal/platform/settings"
	"github.com/stoa-town/stoa/internal/platform/telemetry"
	"github.com/stoa-town/stoa/internal/social/stream"
)

// Options are what a server is given beside its settings.
type Options struct {
	Log     *slog.Logger
	Version string
	Now     clock.Func        // nil: time.Now
	Speed   float64           // of Now against the real clock; 0 means 1
	Demo    bool              // strangers may step into any role: never where real people live
	TownMap []byte            // GeoJSON of the base map; nil: town.geojson of the data folder, if there is one
	Streets discover.Geocoder // nil: addresses are set by pin alone

	// Wrap, where not nil, stands between signing in and the pages: the demo sees there whom visitors play.
	Wrap func(http.Handler) http.Handler
}

// App is a built server. Its parts are exported for the command line and the demo, which drive the same services as requests do.
type App struct {
	Config  config.Config
	DB      *db.DB
	Events  *events.Log
	Hub     *realtime.Hub
	Jobs    *jobs.Queue
	Router  *httpx.Router
	Metrics *telemetry.Metrics
	Ready   *telemetry.Ready
	Secrets *secrets.Box
	Fetch   *fetch.Client
	IDs     *id.Source
	Now     clock.Func

	Audit    *audit.Audit
	Settings *settings.Settings // those of Config that admins change live
	Slices

	opt     Options
	limiter *httpx.Limiter
	limits  httpx.LimitOptions

	bus   events.Bus
	node  *db.Node
	zone  *time.Location
	also  []background
	stop  context.CancelFunc
	work  sync.WaitGroup
	certs *httpx.Certificates // what the listener shows by TLS; nil: it speaks plainly
	lost  chan error          // why the server cannot go on

	baseMap baseMap
	bound   atomic.Pointer[net.Addr] // where the server listens
}

// Build opens the database, brings its tables up to date and puts the parts together. Nothing runs yet. Close must be called.
func Build(ctx context.Context, cfg config.Config, opt Options) (a *App, err error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Speed == 0 {
		opt.Speed = 1
	}
	zone, err := time.LoadLocation(cfg.Town.Timezone)
	if err != nil {
		return nil, fmt.Errorf("app: time zone of the town: %w", err)
	}
	a = &App{Config: cfg, Now: opt.Now, opt: opt, zone: zone, lost: make(chan error, 4), Metrics: telemetry.NewMetrics(), Ready: telemetry.NewReady(opt.Log)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close(context.WithoutCancel(ctx)))
		}
	}()
	if a.Secrets, err = openSecrets(cfg); err != nil {
		return a, err
	}
	a.Fetch = fetch.New(fetch.Options{Version: opt.Version, Allow: cfg.FetchAllow})
	a.DB, err = OpenDB(ctx, cfg, a.Metrics, opt.Log)
	if err != nil {
		return a, err
	}
	if err := a.DB.Write(ctx, func(tx *db.Tx) error { return a.Secrets.Agree(ctx, tx) }); err != nil {
		return a, err
	}
	a.bus = events.NewLocal()
	if cfg.NATS != "" {
		if a.bus, err = events.NewNATS(cfg.NATS); err != nil {
			return a, err
		}
	}
	if a.node, err = a.DB.ClaimNode(ctx); err != nil {
		return a, err
	}
	a.IDs = id.NewSource(a.node.Number)
	a.Events = events.New(a.DB, a.bus)
	if err := a.liveSettings(ctx); err != nil {
		return a, err
	}
	a.Hub = realtime.New(a.Events, a.bus, realtime.MaxStreams(cfg.Limits.Streams), realtime.Clock(a.Now))
	a.Jobs = jobs.New(a.DB, a.bus, a.Now, a.IDs, jobs.Options{
		Workers: cfg.Jobs.Workers, Timeout: cfg.Jobs.Timeout, Lease: cfg.Jobs.Lease, KeepCompleted: cfg.Jobs.KeepCompleted,
		KeepDiscarded: cfg.Jobs.KeepDiscarded, Log: opt.Log, OnDone: a.Metrics.Job,
	})
	a.Router = httpx.NewRouter(opt.Log, opt.Version, errorPage, httpx.JSONBody(int64(cfg.Limits.JSONBody)), httpx.Remedy("reauthenticate", proveAnew), httpx.Address(a.Address))
	a.limiter, a.limits = httpx.NewLimiter(time.Now), a.liveLimits() // time.Now: clients are real also in a town whose clock is not
	if err := a.slices(); err != nil {
		return a, err
	}
	a.watch()
	return a, nil
}

// openSecrets opens the master key where the settings say that it is.
func openSecrets(cfg config.Config) (*secrets.Box, error) {
	if cfg.MasterKey != "" {
		return secrets.OpenFile(cfg.MasterKey)
	}
	return secrets.Open(cfg.Data)
}

// OpenDB opens and migrates the database that cfg names. m may be nil.
func OpenDB(ctx context.Context, cfg config.Config, m *telemetry.Metrics, log *slog.Logger) (*db.DB, error) {
	opt := db.Options{Dir: cfg.Data, URL: cfg.Database}
	if m != nil {
		opt.OnBatch = m.Batch
		opt.OnSlow = func(stack string, took time.Duration) {
			m.SlowWrite()
			log.Warn("a write held all others up", "took", took.String(), "stack", stack)
		}
	}
	d, err := db.Open(ctx, opt)
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(ctx, Schemas()...); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// watch registers the figures and checks that an operator looks at.
func (a *App) watch() {
	a.Ready.Add("database", a.DB.Ping)
	a.Metrics.EventLag(func(ctx context.Context) (map[string]float64, error) {
		out := map[string]float64{}
		for name, lag := range a.Events.Lag(ctx) {
			out[name] = float64(lag)
		}
		return out, nil
	})
	a.Metrics.Payments(a.Payments.Gauge)
	a.Metrics.Streams(func(context.Context) (map[string]float64, error) {
		return map[string]float64{"open": float64(a.Hub.Streams() + a.Streams.Streams()), "dropped": float64(a.Hub.Dropped() + a.Streams.Dropped())}, nil
	})
}

// background is work that runs beside the server.
type background struct {
	name string
	fn   func(context.Context) error
}

// Also has Start run fn, too, until Close. An error that it returns ends the server.
func (a *App) Also(name string, fn func(context.Context) error) {
	a.also = append(a.also, background{name, fn})
}

// Start runs the background work: the relay of events, jobs and schedules, the claim to the node number. It returns at once.
func (a *App) Start(ctx context.Context) {
	ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	a.run(ctx, "events", a.Events.Run)
	a.run(ctx, "jobs", a.Jobs.Run)
	a.run(ctx, "node number", a.keepNode)
	a.run(ctx, "settings", a.Settings.Run)
	a.startSlices(ctx)
	for _, b := range a.also {
		a.run(ctx, b.name, b.fn)
	}
}

func (a *App) run(ctx context.Context, name string, fn func(context.Context) error) {
	a.work.Go(func() {
		if err := a.carryOn(ctx, name, fn); err != nil && ctx.Err() == nil {
			a.opt.Log.Error("background work ended", "work", name, "err", err)
			select {
			case a.lost <- fmt.Errorf("app: %s: %w", name, err):
			default:
			}
		}
	})
}

// againAfter is how long background work that panicked rests before it begins anew.
const againAfter = time.Second

// carryOn runs background work, and begins it anew when it panics: one bad row must not take a town from the net.
func (a *App) carryOn(ctx context.Context, name string, fn func(context.Context) error) error {
	for {
		done, err := a.attempt(ctx, name, fn)
		if done {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(againAfter):
		}
	}
}

// attempt runs background work once; it reports false where it panicked.
func (a *App) attempt(ctx context.Context, name string, fn func(context.Context) error) (done bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			a.opt.Log.Error("background work panicked; it begins anew", "work", name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	return true, fn(ctx)
}

// Lost gives the error after which the server must end, such as the loss of its node number.
func (a *App) Lost() <-chan error { return a.lost }

func (a *App) keepNode(ctx context.Context) error {
	misses := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(10 * time.Second):
		}
		err := a.node.Keep(ctx)
		if err == nil {
			misses = 0
			continue
		}
		// A database that is away for a while does not cost the number: nobody else can take it then either. Losing it to another does.
		if misses++; ctx.Err() == nil && strings.Contains(err.Error(), "taken over") {
			return err
		}
		a.opt.Log.Warn("the node number could not be renewed", "err", err, "misses", misses)
	}
}

// Handler returns the whole server as an http.Handler.
func (a *App) Handler() http.Handler {
	routed := a.chrome(human(a.Privacy.Gate(a.Metrics.Count(a.Router), a.Router.Error)))
	if a.opt.Wrap != nil {
		routed = a.opt.Wrap(routed)
	}
	people := stream.Token(audit.Middleware(a.Accounts.Middleware(a.speak(a.keptOut(a.limiter.Wrap(routed, a.limits))))))
	mux := http.NewServeMux()
	mux.Handle("/", httpx.Harden(people, httpx.HardenOptions{
		Timeout: a.Config.Limits.HandlerTimeout, MaxBody: int64(a.Config.Limits.UploadBody) + 1<<20, FormBody: int64(a.Config.Limits.FormBody),
		HSTS: a.Config.HTTPS() && a.Config.TLS != "self", Stream: isStream, Open: oauth.Open, Proxies: a.Config.TrustedProxies, LongBody: longBody,
	}))
	// Machines ask these every few seconds: they skip sessions and limits.
	mux.Handle("GET /healthz", telemetry.Live())
	mux.Handle("GET /readyz", a.Ready)
	return mux
}

// isStream reports whether a request opens a stream that stays.
func isStream(r *http.Request) bool {
	events := strings.HasPrefix(r.URL.Path, httpx.Prefix) || strings.HasPrefix(r.URL.Path, "/t/") // a tracking link has a stream of its own
	return r.URL.Path == "/live" || stream.Is(r) || events && strings.HasSuffix(r.URL.Path, "/events") || longBody(r) > 0
}

// Listen opens the listener of the server.
func (a *App) Listen() (*httpx.Server, error) {
	l := a.Config.Limits
	opt := httpx.ServerOptions{
		HeaderTimeout: l.HeaderTimeout, ReadTimeout: l.ReadTimeout, WriteTimeout: l.WriteTimeout, IdleTimeout: l.IdleTimeout,
		ConnsPerIP: l.ConnsPerIP, Proxies: a.Config.TrustedProxies,
	}
	if a.Config.ServesTLS() {
		certs, err := a.certificates()
		if err != nil {
			return nil, err
		}
		opt.TLS, a.certs = certs, certs
		a.Ready.Add("certificate", a.checkCert)
		a.Metrics.CertExpires(a.CertExpires)
		a.Also("certificates", certs.Keep)
	}
	srv, err := httpx.Listen(a.Config.Listen, a.Handler(), a.opt.Log, opt)
	if err != nil {
		return nil, fmt.Errorf("app: listen on %s: %w", a.Config.Listen, err)
	}
	srv.OnShutdown(a.Hub.Close)
	srv.OnShutdown(a.Streams.Close)
	bound := srv.Addr()
	a.bound.Store(&bound)
	return srv, nil
}

// BaseURL returns the address that people reach a server at which listens on bound.
func (a *App) BaseURL(bound net.Addr) string { return a.Config.BaseURL(bound) }

// Close ends the background work and closes the database. It may be called on an App that was only half built.
func (a *App) Close(ctx context.Context) error {
	if a.stop != nil {
		a.stop()
	}
	a.work.Wait()
	var problems []error
	if a.node != nil {
		problems = append(problems, a.node.Release(ctx))
	}
	if a.bus != nil {
		problems = append(problems, a.bus.Close())
	}
	if a.DB != nil {
		problems = append(problems, a.DB.Close())
	}
	return errors.Join(problems...)
}

// https reports whether people reach the server by https.
func (a *App) https() bool { return a.Config.HTTPS() }

// accountOptions returns what the account package is told.
func (a *App) accountOptions() account.Options {
	return account.Options{
		HTTPS: a.https(), Demo: a.opt.Demo, Fail: a.failUnknown, App: a.ownToken, Audit: a.Audit.Write, SecondStep: a.secondStep, OnEstrange: a.estrange,
		Gone: a.handleGone, OnCreate: a.accountMade, OnChange: a.accountChanged,
		OnNewDevice: func(ctx context.Context, tx *db.Tx, who account.Account, session account.Session) error {
			return a.SignIns.NewDevice(ctx, tx, who, session)
		},
		OnSignIn: func(ctx context.Context, tx *db.Tx, who id.ID, guest string) error {
			return a.Carts.Adopt(ctx, tx, who, guest)
		},
		Place: func(ctx context.Context, slug string) (id.ID, error) {
			shop, err := a.Restaurants.ShopBySlug(ctx, slug)
			if err != nil {
				return 0, err
			}
			return shop.ID, nil
		},
	}
}
