package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stoa-town/stoa/internal/app"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/delivery/menu"
	"github.com/stoa-town/stoa/internal/platform/access"
)

type importCmd struct {
	Menu importMenu `cmd:"" help:"Read a restaurant's menu from a CSV or JSON file: all of it, or nothing where a line is wrong."`
}

type importMenu struct {
	File       string `arg:"" help:"A .csv or .json file."`
	Restaurant string `required:"" help:"The restaurant's slug."`
	Replace    bool   `help:"Take the old menu off the card first."`
	DryRun     bool   `help:"Only say what would happen."`
}

func (c *importMenu) Run(e *env) error {
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("import menu: %w", err)
	}
	defer f.Close()
	format := strings.TrimPrefix(strings.ToLower(filepath.Ext(c.File)), ".")
	return e.with(func(a *app.App) error {
		shop, err := a.Restaurants.ShopBySlug(e.ctx, c.Restaurant)
		if err != nil {
			return err
		}
		ctx := operator(e.ctx)
		report, err := a.Menus.Import(ctx, access.From(ctx), shop.ID, format, f, menu.ImportOptions{Replace: c.Replace, DryRun: c.DryRun})
		if err != nil {
			return badLines(err)
		}
		for _, w := range report.Warnings {
			fmt.Fprintln(e.streams.Err, "  "+w.String())
		}
		if !report.Applied {
			for _, p := range report.Problems {
				fmt.Fprintln(e.streams.Err, "  "+p.String())
			}
		}
		done := "imported"
		if c.DryRun {
			done = "would be imported"
		}
		fmt.Fprintf(e.streams.Out, "%d dishes in %d sections %s: %d new, %d changed, %d unchanged, %d removed.\n",
			report.Items, report.Sections, done, report.Added, report.Changed, report.Unchanged, report.Removed)
		return nil
	})
}

// badLines writes each bad line of an import on a line of its own, even where there is only one.
func badLines(err error) error {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	lines := []string{"nothing was imported:"}
	for _, f := range e.Fields {
		where := f.Path
		if n, column, ok := strings.Cut(strings.TrimPrefix(f.Path, "line["), "]"); ok && strings.HasPrefix(f.Path, "line[") {
			where = "line " + n + strings.Replace(column, ".", ", ", 1)
		}
		lines = append(lines, "  "+where+": "+f.Message)
	}
	return errors.New(strings.Join(lines, "\n"))
}
