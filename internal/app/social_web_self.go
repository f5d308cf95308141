package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/social/filter"
	"github.com/stoa-town/stoa/internal/social/follow"
	"github.com/stoa-town/stoa/internal/social/moderation"
	"github.com/stoa-town/stoa/internal/social/notification"
	"github.com/stoa-town/stoa/internal/social/profile"
	"github.com/stoa-town/stoa/internal/social/schedule"
	"github.com/stoa-town/stoa/internal/social/status"
	"github.com/stoa-town/stoa/internal/social/web"
	"github.com/stoa-town/stoa/internal/social/web/own"
)

// webSelf is how pages change a profile.
type webSelf struct{ *profile.Service }

// Self returns a profile as its owner changes it.
func (s webSelf) Self(ctx context.Context, who id.ID) (own.Profile, error) {
	p, err := s.Typed(ctx, who)
	if err != nil {
		return own.Profile{}, err
	}
	out := own.Profile{
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
func (s webSelf) Update(ctx context.Context, who id.ID, in own.Profile) error {
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
func (f webFilters) Filters(ctx context.Context, owner id.ID) ([]own.Filter, error) {
	list, err := f.List(ctx, owner)
	var out []own.Filter
	for _, one := range list {
		w := own.Filter{ID: one.ID, Title: one.Title, Where: one.Context, Hide: one.Action == "hide", Expires: one.Expires.Time}
		for _, k := range one.Keywords {
			w.Words = append(w.Words, k.Word)
		}
		out = append(out, w)
	}
	return out, err
}

// AddFilter makes a filter.
func (f webFilters) AddFilter(ctx context.Context, owner id.ID, in own.Filter) error {
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

// webStrangers is how pages keep what strangers may tell.
type webStrangers struct{ *notification.Service }

// Policy returns the verdicts in the order of own.Kinds.
func (s webStrangers) Policy(ctx context.Context, account id.ID) ([]string, error) {
	p, _, _, err := s.Service.Policy(ctx, account)
	var out []string
	for _, v := range []notification.Verdict{p.NotFollowing, p.NotFollowers, p.NewAccounts, p.PrivateMentions, p.LimitedAccounts} {
		out = append(out, string(v))
	}
	return out, err
}

// SetPolicy changes the verdicts.
func (s webStrangers) SetPolicy(ctx context.Context, account id.ID, v []string) error {
	if len(v) != len(own.Kinds) {
		return errs.InvalidField("verdict", "This form could not be read.")
	}
	w := make([]notification.Verdict, len(v))
	for i := range v {
		w[i] = notification.Verdict(v[i])
	}
	return s.Service.SetPolicy(ctx, account, notification.Policy{NotFollowing: w[0], NotFollowers: w[1], NewAccounts: w[2], PrivateMentions: w[3], LimitedAccounts: w[4]})
}

// Requests returns whose notifications are held back.
func (s webStrangers) Requests(ctx context.Context, account, below id.ID, limit int) (out []own.Request, older id.ID, err error) {
	list, err := s.WaitingFor(ctx, account, below, limit)
	for _, q := range list {
		out = append(out, own.Request{ID: q.ID, Sender: q.Sender, Held: q.Held, Last: q.Last})
	}
	if len(list) == limit {
		older = list[limit-1].ID
	}
	return out, older, err
}

// Accept lets in what requests hold back.
func (s webStrangers) Accept(ctx context.Context, account id.ID, requests ...id.ID) error {
	return s.AcceptRequests(ctx, account, requests...)
}

// Dismiss hides requests.
func (s webStrangers) Dismiss(ctx context.Context, account id.ID, requests ...id.ID) error {
	return s.DismissRequests(ctx, account, requests...)
}

// webFiles is how pages bring lists from other servers.
type webFiles struct{ *follow.Service }

// Bring stores a file to be taken in.
func (f webFiles) Bring(ctx context.Context, account id.ID, kind string, body []byte, overwrite bool) error {
	file, err := follow.FileOf(kind)
	if err != nil {
		return err
	}
	_, err = f.Import(ctx, account, file, body, overwrite)
	return err
}

// BringPosts stores an archive of posts to be taken in.
func (f webFiles) BringPosts(ctx context.Context, account id.ID, archive io.ReaderAt, size int64) error {
	_, err := f.ImportArchive(ctx, account, archive, size)
	return err
}

// Brought returns how far files are taken in.
func (f webFiles) Brought(ctx context.Context, account id.ID) ([]own.Brought, error) {
	list, err := f.Imports(ctx, account)
	var out []own.Brought
	for _, im := range list {
		b := own.Brought{Kind: string(im.File), Done: im.Done, Total: im.Total, Failed: im.Failed, Ended: im.State == "done", At: im.CreatedAt}
		for _, p := range im.Problems {
			b.Problems = append(b.Problems, [2]string{p.Line, p.Why})
		}
		out = append(out, b)
	}
	return out, err
}

// webWaiting is how pages keep posts that are not posted yet.
type webWaiting struct{ *App }

// Scheduled returns posts that wait for their time.
func (w webWaiting) Scheduled(ctx context.Context, account, below id.ID, limit int) (out []own.Scheduled, older id.ID, err error) {
	list, err := w.Later.List(ctx, account, mastodon.Page{MaxID: below, Limit: limit})
	for _, s := range list {
		var d status.Draft
		if err := json.Unmarshal(s.Doc, &d); err != nil {
			return nil, 0, fmt.Errorf("app: read a waiting post: %w", err)
		}
		out = append(out, own.Scheduled{ID: s.ID, At: s.At.Time, Text: d.Text, Files: len(d.Media), Failed: s.Failed})
	}
	if len(list) == limit {
		older = list[limit-1].ID
	}
	return out, older, err
}

// Move has a post posted at another time.
func (w webWaiting) Move(ctx context.Context, account, post id.ID, at time.Time) error {
	_, err := w.Later.Move(ctx, account, post, at)
	return err
}

// Unschedule has a post never posted.
func (w webWaiting) Unschedule(ctx context.Context, account, post id.ID) error {
	return w.Later.Delete(ctx, account, post)
}

// Drafts returns posts that were not finished.
func (w webWaiting) Drafts(ctx context.Context, account id.ID) ([]own.Draft, error) {
	list, err := w.Later.Drafts(ctx, account)
	var out []own.Draft
	for _, d := range list {
		typed := draftOf(d)
		out = append(out, own.Draft{ID: d.ID, Text: typed.Text, Files: len(d.Media), Changed: d.ChangedAt})
	}
	return out, err
}

// DeleteDraft deletes a draft.
func (w webWaiting) DeleteDraft(ctx context.Context, account, draft id.ID) error {
	return w.Later.DeleteDraft(ctx, account, draft)
}

// draftOf returns what a draft's document says to pages; apps may have stored others, of which they find nothing but the text.
func draftOf(d schedule.Draft) (out web.Draft) {
	b, err := json.Marshal(d.Doc)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		text, _ := d.Doc["text"].(string)
		out = web.Draft{Text: text}
	}
	out.Media = nil
	for _, m := range d.Media {
		alt := ""
		if m.Description != nil {
			alt = *m.Description
		}
		out.Media = append(out.Media, web.Medium{ID: m.ID, Alt: alt})
	}
	return out
}

// webDesk is how pages write on at what is not posted yet.
type webDesk struct{ *App }

// Scheduled returns a post that waits for its time.
func (w webDesk) Scheduled(ctx context.Context, account, post id.ID) (web.Draft, time.Time, error) {
	s, err := w.Later.Get(ctx, account, post)
	if err != nil {
		return web.Draft{}, time.Time{}, err
	}
	var d status.Draft
	if err := json.Unmarshal(s.Doc, &d); err != nil {
		return web.Draft{}, time.Time{}, fmt.Errorf("app: read a waiting post: %w", err)
	}
	out := draftOf(schedule.Draft{Media: s.Media})
	out.As, out.Text, out.Warning, out.Visibility, out.Replies, out.Lang = d.As, d.Text, d.Spoiler, d.Visibility, d.Replies, d.Lang
	out.ReplyTo, out.QuoteOf, out.Group, out.Kind, out.Thing = d.ReplyTo, d.QuoteOf, d.Group, d.Kind, d.Thing
	out.Sensitive = d.Sensitive != nil && *d.Sensitive
	if d.Poll != nil {
		out.Options, out.OpenFor, out.Multiple = d.Poll.Options, d.Poll.ExpiresIn, d.Poll.Multiple
	}
	return out, s.At.Time, nil
}

// Reschedule has another post wait in place of one.
func (w webDesk) Reschedule(ctx context.Context, actor access.Actor, post id.ID, d web.Draft, at time.Time) error {
	e, err := webPosts(w).entry(ctx, actor, d, at)
	if err != nil {
		return err
	}
	_, err = w.Later.Replace(ctx, actor.ID, post, e)
	return err
}

// Draft returns a draft.
func (w webDesk) Draft(ctx context.Context, account, draft id.ID) (web.Draft, error) {
	list, err := w.Later.Drafts(ctx, account)
	if err != nil {
		return web.Draft{}, err
	}
	for _, d := range list {
		if d.ID == draft {
			return draftOf(d), nil
		}
	}
	return web.Draft{}, errs.New(errs.NotFound, "This draft is not there any more.")
}

// Keep keeps a draft.
func (w webDesk) Keep(ctx context.Context, account, draft id.ID, d web.Draft) error {
	var media []id.ID
	for _, m := range d.Media {
		media = append(media, m.ID)
	}
	d.Media, d.Key = nil, ""
	b, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("app: keep a draft: %w", err)
	}
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		return fmt.Errorf("app: keep a draft: %w", err)
	}
	_, err = w.Later.PutDraft(ctx, account, draft, doc, media)
	return err
}

// DeleteDraft deletes a draft.
func (w webDesk) DeleteDraft(ctx context.Context, account, draft id.ID) error {
	return w.Later.DeleteDraft(ctx, account, draft)
}

// webTranslator is how pages have posts translated.
type webTranslator struct{ *App }

// On reports whether there is a service that translates.
func (t webTranslator) On() bool {
	address, _ := t.translator()
	return address != ""
}

// Translate returns a status in another language.
func (t webTranslator) Translate(ctx context.Context, viewer, which id.ID, lang string) (warning, content, provider string, err error) {
	got, err := t.Translator.Status(ctx, viewer, which, lang)
	if err != nil {
		return "", "", "", err
	}
	return got.Spoiler, got.Content, got.Provider, nil
}
