package api

import (
	"encoding/json"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/social/status"
)

// poll is a poll as it is sent.
type poll struct {
	Options    []string `json:"options"`
	ExpiresIn  int64    `json:"expires_in"` // seconds
	Multiple   bool     `json:"multiple"`
	HideTotals bool     `json:"hide_totals"`
}

// asked returns the poll, or nil where none was sent. Forms send the fields of a poll that was not filled in.
func (p *poll) asked() *status.NewPoll {
	if p == nil || len(p.Options) == 0 {
		return nil
	}
	return &status.NewPoll{Options: p.Options, ExpiresIn: seconds(p.ExpiresIn), Multiple: p.Multiple, HideTotals: p.HideTotals}
}

// posted is a new status as it is sent.
type posted struct {
	Text        string            `json:"status"`
	Spoiler     string            `json:"spoiler_text"`
	Sensitive   *bool             `json:"sensitive"`
	Visibility  social.Visibility `json:"visibility"`
	Language    string            `json:"language"`
	ReplyTo     id.ID             `json:"in_reply_to_id"`
	Media       []id.ID           `json:"media_ids"`
	Poll        *poll             `json:"poll"`
	ScheduledAt time.Time         `json:"scheduled_at"`
	QuoteOf     id.ID             `json:"quoted_status_id"`
	Quotes      string            `json:"quote_approval_policy"`
	Replies     string            `json:"reply_policy"`
	LocalOnly   bool              `json:"local_only"`
	Group       id.ID             `json:"group_id"`
	As          string            `json:"as"`
	Attach      *struct {
		Kind string `json:"kind"`
		ID   id.ID  `json:"id"`
	} `json:"attach"`
}

// Params is what apps are shown of a status that waits.
type params struct {
	Text       string            `json:"text"`
	Poll       *poll             `json:"poll"`
	Media      []id.ID           `json:"media_ids"`
	Sensitive  *bool             `json:"sensitive"`
	Spoiler    *string           `json:"spoiler_text"`
	Visibility social.Visibility `json:"visibility"`
	ReplyTo    *id.ID            `json:"in_reply_to_id"`
	Language   *string           `json:"language"`
	App        id.ID             `json:"application_id"`
	Scheduled  *string           `json:"scheduled_at"` // null: it stands beside these
	Key        *string           `json:"idempotency"`
	RateLimit  bool              `json:"with_rate_limit"`
}

func filled[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func (a *API) post(r *mastodon.Request) (any, error) {
	var in posted
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	as, err := a.faces.ActAs(r.Context(), r.Actor(), in.As)
	if err != nil {
		return nil, err
	}
	d := status.Draft{
		As: as, Text: in.Text, Spoiler: in.Spoiler, Sensitive: in.Sensitive, Visibility: in.Visibility, LocalOnly: in.LocalOnly, Lang: in.Language, ReplyTo: in.ReplyTo,
		QuoteOf: in.QuoteOf, Quotes: in.Quotes, Replies: in.Replies, Group: in.Group, Media: in.Media, Poll: in.Poll.asked(), Key: r.Header.Get("Idempotency-Key"),
	}
	if in.Attach != nil {
		d.Kind, d.Thing = in.Attach.Kind, in.Attach.ID
	}
	if !in.ScheduledAt.IsZero() {
		return a.wait(r, in, d)
	}
	n, err := a.statuses.Post(r.Context(), r.Actor(), d)
	if err != nil {
		return nil, err
	}
	return a.statuses.Get(r.Context(), r.Actor(), n)
}

// wait has a status posted later. What can be seen to be wrong with it is said now.
func (a *API) wait(r *mastodon.Request, in posted, d status.Draft) (any, error) {
	if a.later == nil {
		return nil, errs.New(errs.Unavailable, "Posts can't be kept for later here.")
	}
	if err := a.statuses.Check(r.Context(), r.Actor(), d); err != nil {
		return nil, err
	}
	p, err := json.Marshal(params{
		Text: in.Text, Poll: in.Poll, Media: in.Media, Sensitive: in.Sensitive, Spoiler: filled(in.Spoiler), Visibility: in.Visibility, ReplyTo: filled(in.ReplyTo),
		Language: filled(in.Language), App: r.Actor().App,
	})
	if err != nil {
		return nil, err
	}
	return a.later.Later(r.Context(), r.Actor().ID, in.ScheduledAt, d, p)
}

func (a *API) edit(r *mastodon.Request) (any, error) {
	var in struct {
		Text      string  `json:"status"`
		Spoiler   string  `json:"spoiler_text"`
		Sensitive bool    `json:"sensitive"`
		Language  string  `json:"language"`
		Media     []id.ID `json:"media_ids"`
		Details   []struct {
			ID          id.ID   `json:"id"`
			Description *string `json:"description"`
			Focus       string  `json:"focus"`
		} `json:"media_attributes"`
		Poll   *poll  `json:"poll"`
		Quotes string `json:"quote_approval_policy"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	e := status.Edit{Text: in.Text, Spoiler: in.Spoiler, Sensitive: in.Sensitive, Lang: in.Language, Media: in.Media, Poll: in.Poll.asked(), Quotes: in.Quotes}
	for _, d := range in.Details {
		m := status.MediaEdit{ID: d.ID, Description: d.Description}
		if d.Focus != "" {
			f, err := at(d.Focus)
			if err != nil {
				return nil, err
			}
			m.Focus = f
		}
		e.Details = append(e.Details, m)
	}
	return a.one(r, func(which id.ID) error { return a.statuses.Edit(r.Context(), r.Actor(), which, e) })
}
