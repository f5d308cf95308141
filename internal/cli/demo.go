package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/stoa-town/stoa/internal/app"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/delivery/discover"
	"github.com/stoa-town/stoa/internal/demo"
	"github.com/stoa-town/stoa/internal/demo/friends"
	"github.com/stoa-town/stoa/internal/demo/town"
	"github.com/stoa-town/stoa/internal/platform/config"
)

type demoCmd struct {
	Seed          *int64  `help:"Which town: the same seed gives the same one (42)." placeholder:"N"`
	Speed         float64 `help:"How fast the town's clock runs." default:"30"`
	OrdersPerHour float64 `help:"Orders in an hour of the town's clock, in place of what the hour brings." placeholder:"N"`
}

// Run lives the demo town until it is interrupted.
func (c demoCmd) Run(e *env) (err error) {
	if c.Speed < 1 || c.Speed > 600 {
		return errs.InvalidField("speed", "--speed is between 1 and 600.")
	}
	if e.globals.LogLevel == "" {
		e.globals.LogLevel = "warn" // people watch the town, not its log
	}
	if e.globals.Data == "" {
		if e.globals.Data, err = os.MkdirTemp("", "stoa-demo-"); err != nil {
			return fmt.Errorf("demo: make a folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(e.globals.Data)) }()
	}
	cfg, log, err := e.settings()
	if err != nil {
		return err
	}
	a, _, err := c.build(e.ctx, cfg, log)
	if err != nil {
		return err
	}
	return serve(e.ctx, a, log, func(url string) {
		fmt.Fprintf(e.streams.Out, "%s is ready at %s\nStep into it at %s/demo, end it with Ctrl+C.\n", a.Config.Town.Name, url, url)
	})
}

// build puts a server together with the town in it.
func (c demoCmd) build(ctx context.Context, cfg config.Config, log *slog.Logger) (a *app.App, d *demo.Demo, err error) {
	seed, err := c.seed(cfg.Data)
	if err != nil {
		return nil, nil, err
	}
	t := town.Generate(seed)
	clk := demo.NewClock(demo.Opening(time.Now(), t.Location), c.Speed)
	a, err = app.Build(ctx, c.rules(cfg, t), app.Options{
		Log: log, Version: Version, Now: clk.Now, Speed: c.Speed, Demo: true, TownMap: t.GeoJSON(), Streets: streets{t},
		Wrap: func(next http.Handler) http.Handler { return d.Wrap(next) },
	})
	if err != nil {
		return nil, nil, err
	}
	d = demo.New(demo.Services{
		Events: a.Events, Hub: a.Hub, Accounts: a.Accounts, Restaurants: a.Restaurants, Menus: a.Menus, Discover: a.Discover,
		Quotes: a.Carts, Orders: a.Orders, Couriers: a.Couriers, Dispatch: a.Dispatch, Promotions: a.Promotions,
		Friends: friends.Services{
			Statuses: a.Statuses, Follow: a.Follow, Profiles: a.Profile, Media: a.Media, Groups: a.Town.Groups, Events: a.Town.Events,
			Reviews: a.Town.Reviews, Menus: a.Menus,
		},
	}, t, clk, demo.Options{Log: log, OrdersPerHour: c.OrdersPerHour})
	err = d.Settle(ctx)
	if err == nil {
		err = remember(cfg.Data, seed)
	}
	if err != nil {
		return nil, nil, errors.Join(err, a.Close(context.WithoutCancel(ctx)))
	}
	d.Routes(a.Router)
	a.Also("demo", d.Run)
	return a, d, nil
}

// rules gives people at the screen time to act at the town's speed, and the town its name.
func (c demoCmd) rules(cfg config.Config, t *town.Town) config.Config {
	scaled := func(real time.Duration) time.Duration { return time.Duration(float64(real) * c.Speed) }
	r := &cfg.Delivery
	r.OfferFor = max(r.OfferFor, scaled(25*time.Second))
	r.ConfirmWithin = max(r.ConfirmWithin, scaled(90*time.Second))
	r.WarnBefore = max(r.WarnBefore, r.ConfirmWithin/2)
	r.PromiseSlack = min(max(r.PromiseSlack, scaled(3*time.Minute)), 24*time.Hour)
	r.RestoreWithin = max(r.RestoreWithin, scaled(30*time.Second))
	if cfg.Pay == (config.Pay{}) {
		cfg.Pay = config.Pay{PerOrder: 250, PerKm: 80, HourlyFloor: 1400} // so that couriers have something to look at
	}
	if cfg.Mail.Mode == "off" {
		cfg.Mail.Mode = "dev" // letters are shown on a page: nobody here is real
	}
	if cfg.Pay == (config.Pay{}) {
		cfg.Pay = config.Pay{PerOrder: 3_00, PerKm: 70, HourlyFloor: 13_00}
	}
	if cfg.Terms.Commission == 0 {
		cfg.Terms.Commission, cfg.Terms.PickupCommission = 1200, 500
	}
	cfg.Town.Name, cfg.Town.Currency, cfg.Town.Timezone, cfg.Town.Lat, cfg.Town.Lon = t.Name, t.Currency, t.TimeZone, t.Center.Lat, t.Center.Lon
	return cfg
}

// remembered is what a demo's folder says of its town.
type remembered struct {
	Seed int64 `json:"seed"`
}

func rememberedIn(data string) string { return filepath.Join(data, "demo.json") }

// seed returns the seed to use: the one given, else that of the town in the folder, else 42.
func (c demoCmd) seed(data string) (int64, error) {
	if c.Seed != nil {
		return *c.Seed, nil
	}
	b, err := os.ReadFile(rememberedIn(data))
	if errors.Is(err, fs.ErrNotExist) {
		return 42, nil
	}
	if err != nil {
		return 0, fmt.Errorf("demo: read the town's seed: %w", err)
	}
	var m remembered
	if err := json.Unmarshal(b, &m); err != nil {
		return 0, fmt.Errorf("demo: read the town's seed in %s: %w", rememberedIn(data), err)
	}
	return m.Seed, nil
}

func remember(data string, seed int64) error {
	b, err := json.Marshal(remembered{seed})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(data, 0o750); err != nil {
		return fmt.Errorf("demo: make the folder: %w", err)
	}
	if err := os.WriteFile(rememberedIn(data), b, 0o600); err != nil {
		return fmt.Errorf("demo: keep the town's seed: %w", err)
	}
	return nil
}

// streets lets people find the places of the generated town.
type streets struct{ town *town.Town }

// Search returns the places that begin with q or have words that do.
func (s streets) Search(_ context.Context, q string, _ *geo.Point, limit int) ([]discover.Place, error) {
	var out []discover.Place
	for _, p := range s.town.Geocode(q, limit) {
		out = append(out, s.place(p))
	}
	return out, nil
}

// Reverse returns the address at a point of the town.
func (s streets) Reverse(_ context.Context, p geo.Point) (discover.Place, error) {
	return s.place(s.town.Reverse(p)), nil
}

func (s streets) place(p town.Place) discover.Place {
	out := discover.Place{Label: p.Label, Kind: p.Kind, City: s.town.Name, Point: p.Point}
	if p.Kind == "landmark" {
		out.Kind = "place"
	}
	if p.Street != "" && p.Number > 0 {
		out.Street = p.Label
	}
	return out
}
