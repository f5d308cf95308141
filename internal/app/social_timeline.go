package app

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/social/filter"
	"github.com/stoa-town/stoa/internal/social/list"
	"github.com/stoa-town/stoa/internal/social/timeline"
)

// filters builds what readers don't want to meet. It comes before statuses, which ask it.
func (a *App) filters() {
	a.Filters = filter.New(a.DB, a.Events, a.IDs, a.Now, readable{a})
	a.Filters.React(a.Events)
}

// timelines builds the lists in which statuses are read. It comes after statuses.
func (a *App) timelines() {
	a.Lists = list.New(a.DB, a.Events, a.IDs, a.Now, a.Profile, a.Follow)
	a.Lists.React(a.Events)
	a.Timelines = timeline.New(timeline.Deps{Now: a.Now, Statuses: a.Statuses, Graph: a.Follow, Lists: a.Lists, Profiles: a.Profile}, timeline.Options{})
	a.Statuses.OnChange(a.Timelines.Heard)
	a.Timelines.React(a.Events)
	a.Also("timelines", a.Timelines.Run)
}

func (a *App) timelineRoutes() {
	a.Filters.Routes(a.Router)
	a.Lists.Routes(a.Router)
	a.Timelines.Routes(a.Router)
}

// readable says who may read which status.
type readable struct{ *App }

func (r readable) MayRead(ctx context.Context, reader, status id.ID) error {
	head, err := r.Statuses.Head(ctx, status)
	if err != nil {
		return err
	}
	rel, err := r.Follow.Relations(ctx, reader)
	if err == nil && !rel.MayRead(&head) {
		err = errs.New(errs.NotFound, "Record not found")
	}
	return err
}
