package app

import (
	"context"
	"encoding/json"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/social/stream"
)

// streams builds what tells apps what happens while it happens. It comes after statuses, lists and notifications.
func (a *App) streams() {
	a.Streams = stream.New(stream.Deps{
		Now: a.Now, Log: a.Events, Statuses: a.Statuses, Graph: a.Follow, Lists: a.Lists, Filters: a.Filters, Others: herald{a},
	}, stream.Options{Most: a.Config.Limits.Streams})
	a.Also("streams", a.Streams.Run)
}

// herald shows what streams tell of beside statuses.
type herald struct{ *App }

func (h herald) Notification(ctx context.Context, account, which id.ID) (json.RawMessage, error) {
	return h.Notices.OneJSON(ctx, account, which)
}

func (h herald) Conversation(ctx context.Context, account, which id.ID) (json.RawMessage, error) {
	return h.Talks.OneJSON(ctx, account, which)
}

func (h herald) Announcement(ctx context.Context, which id.ID) (json.RawMessage, error) {
	one, err := h.Announcements.One(ctx, which)
	if err != nil {
		return nil, err
	}
	return json.Marshal(one)
}
