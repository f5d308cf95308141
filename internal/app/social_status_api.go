package app

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/social/schedule"
	"github.com/stoa-town/stoa/internal/social/status"
	"github.com/stoa-town/stoa/internal/social/status/api"
)

// statusRoutes registers how Mastodon's apps reach statuses.
func (a *App) statusRoutes() {
	api.New(a.Statuses, a.Follow, a.Profile, waiting{a}).Routes(a.Router)
}

// waiting keeps posts until their time.
type waiting struct{ *App }

// Later keeps a post; social/schedule hands it to PostLater when its time has come.
func (w waiting) Later(ctx context.Context, account id.ID, at time.Time, doc status.Draft, params json.RawMessage) (any, error) {
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	return w.App.Later.Put(ctx, account, schedule.Entry{At: at, Doc: b, Params: params, Media: doc.Media})
}
