package app

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/social/filter"
	"github.com/stoa-town/stoa/internal/social/moderation"
	"github.com/stoa-town/stoa/internal/social/profile"
	"github.com/stoa-town/stoa/internal/social/web"
)

// webSelf is how pages change a profile.
type webSelf struct{ *profile.Service }

// Self returns a profile as its owner changes it.
func (s webSelf) Self(ctx context.Context, who id.ID) (web.Profile, error) {
	p, err := s.Typed(ctx, who)
	if err != nil {
		return web.Profile{}, err
	}
	out := web.Profile{
		Name: p.Name, Note: p.Note, Locked: p.Locked, Discoverable: p.Discoverable, Indexable: p.Indexable, Secretive: p.Secretive,
		Visibility: string(p.Defaults.Visibility), Sensitive: p.Defaults.Sensitive, Quotes: p.Defaults.Quotes, Language: p.Defaults.Language,
	}
	for i, f := range p.Fields {
		if i < len(out.Fields) {
			out.Fields[i] = [2]string{f.Name, f.Value}
		}
	}
	return out, nil
}

// Update changes a profile.
func (s webSelf) Update(ctx context.Context, who id.ID, in web.Profile) error {
	fields := []profile.FieldText{}
	for _, f := range in.Fields {
		if f[0] != "" || f[1] != "" {
			fields = append(fields, profile.FieldText{Name: f[0], Value: f[1]})
		}
	}
	return s.Service.Update(ctx, who, profile.Change{
		Name: &in.Name, Note: &in.Note, Fields: &fields, Locked: &in.Locked, Discoverable: &in.Discoverable, Indexable: &in.Indexable, Secretive: &in.Secretive,
		Visibility: &in.Visibility, Sensitive: &in.Sensitive, Language: &in.Language, Quotes: &in.Quotes, Avatar: in.Avatar, Header: in.Header,
	})
}

// webFilters is how pages keep filters.
type webFilters struct{ *filter.Service }

// Filters returns somebody's filters.
func (f webFilters) Filters(ctx context.Context, owner id.ID) ([]web.Filter, error) {
	list, err := f.List(ctx, owner)
	var out []web.Filter
	for _, one := range list {
		w := web.Filter{ID: one.ID, Title: one.Title, Where: one.Context, Hide: one.Action == "hide", Expires: one.Expires.Time}
		for _, k := range one.Keywords {
			w.Words = append(w.Words, k.Word)
		}
		out = append(out, w)
	}
	return out, err
}

// AddFilter makes a filter.
func (f webFilters) AddFilter(ctx context.Context, owner id.ID, in web.Filter) error {
	action, whole := "warn", true
	if in.Hide {
		action = "hide"
	}
	to := filter.Input{Title: &in.Title, Context: &in.Where, Action: &action, Expires: &in.Expires}
	for i := range in.Words {
		to.Keywords = append(to.Keywords, filter.KeywordInput{Word: &in.Words[i], Whole: &whole})
	}
	_, err := f.Add(ctx, owner, to)
	return err
}

// RemoveFilter deletes a filter.
func (f webFilters) RemoveFilter(ctx context.Context, owner, which id.ID) error {
	return f.Remove(ctx, owner, which)
}

// webReports is how pages tell the moderators.
type webReports struct{ *moderation.Service }

// File tells the moderators of an account.
func (m webReports) File(ctx context.Context, account id.ID, statuses []id.ID, category, comment string) error {
	_, err := m.Service.File(ctx, moderation.Filing{Target: account, Statuses: statuses, Category: moderation.Category(category), Comment: comment})
	return err
}

// webTown is what stands beside pages.
type webTown struct{ *App }

// Trends returns the hashtags that are talked about.
func (t webTown) Trends(ctx context.Context, limit int) ([]string, error) {
	list, err := t.App.Trends.TagTrends(ctx, false, 0, limit)
	var out []string
	for _, tag := range list {
		out = append(out, tag.Name)
	}
	return out, err
}

// Suggested returns whom somebody might follow.
func (t webTown) Suggested(ctx context.Context, viewer id.ID, limit int) ([]*social.Account, error) {
	list, err := t.App.Suggested.Suggest(ctx, viewer, limit)
	var out []*social.Account
	for _, s := range list {
		out = append(out, s.Account)
	}
	return out, err
}
