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
		Now: a.Now, Log: a.Events, Statuses: a.Statuses, Graph: a.Follow, Lists: a.Lists, Filters: a.Filters, Others: news{a},
	}, stream.Options{Most: a.Config.Limits.Streams})
	a.Also("streams", a.Streams.Run)
}

// news shows what streams tell of beside statuses.
type news struct{ *App }

func (n news) Notification(ctx context.Context, account, which id.ID) (json.RawMessage, error) {
	return n.Notices.OneJSON(ctx, account, which)
}

func (n news) Conversation(ctx context.Context, account, which id.ID) (json.RawMessage, error) {
	return n.Talks.OneJSON(ctx, account, which)
}

func (n news) Announcement(ctx context.Context, which id.ID) (json.RawMessage, error) {
	one, err := n.Announcements.One(ctx, which)
	if err != nil {
		return nil, err
	}
	return json.Marshal(one)
}
