package notification

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// Feed returns an account's notifications as pages show them, Stoa's own among them, in the language of ctx and newest first; next is what to
// read on below, 0 at the end. kinds chooses types; nil is all.
func (s *Service) Feed(ctx context.Context, account id.ID, kinds []string, below id.ID, limit int) (out []social.Entry, next id.ID, err error) {
	rel, read, err := s.reader(ctx, account)
	if err != nil {
		return nil, 0, err
	}
	q := Query{Types: kinds, All: true, MaxID: below, Limit: limit}
	list, _, last, err := s.groups(ctx, rel, &q)
	if err != nil {
		return nil, 0, err
	}
	if len(list) == limit {
		next = last
	}
	if out, err = s.entries(ctx, rel, list); err != nil {
		return nil, 0, err
	}
	for i := range out {
		out[i].Unread = out[i].ID > read
	}
	return out, next, nil
}

// entries puts groups together for pages; those are left out whose senders are gone or whose status can't be read.
func (s *Service) entries(ctx context.Context, rel *social.Relations, list []*Group) ([]social.Entry, error) {
	var senders, ids []id.ID
	for _, g := range list {
		senders = append(senders, g.Senders...)
		if g.Newest.Status != 0 {
			ids = append(ids, g.Newest.Status)
		}
	}
	found, err := s.Profiles.Entities(ctx, senders)
	if err != nil {
		return nil, err
	}
	statuses, err := s.Statuses.Statuses(ctx, rel, ids, "notifications")
	if err != nil {
		return nil, err
	}
	byID := make(map[id.ID]*social.Status, len(statuses))
	for _, st := range statuses {
		byID[st.ID] = st
	}
	out := make([]social.Entry, 0, len(list))
	for _, g := range list {
		e, ok, err := s.entry(ctx, rel, g, found, byID[g.Newest.Status])
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, e)
		}
	}
	return out, nil
}

func (s *Service) entry(ctx context.Context, rel *social.Relations, g *Group, found map[id.ID]*social.Account, st *social.Status) (e social.Entry, ok bool, err error) {
	n := g.Newest
	e = social.Entry{ID: n.ID, Key: g.Key, Type: n.Type, At: n.At, Count: g.Count, Status: st}
	var who []string
	for _, i := range g.Senders {
		if a := found[i]; a != nil && !a.Suspended {
			e.Accounts = append(e.Accounts, a)
			who = append(who, nameOf(ctx, a))
		}
	}
	if IsOwn(n.Type) {
		w, err := s.words(ctx, n)
		e.Text, e.Detail, e.URL = w.title, w.body, w.url
		return e, true, err
	}
	if len(who) == 0 || n.Status != 0 && st == nil {
		return e, false, nil
	}
	e.Text = sentence(ctx, n, who, g.Count, n.From == rel.Viewer, st != nil && st.Visibility == string(social.Direct))
	if e.Detail = Excerpt(st); st != nil && st.URL != nil {
		e.URL = *st.URL
	} else {
		e.URL = e.Accounts[0].URL
	}
	return e, true, nil
}

// Entry returns one notification as pages show it, or a NotFound error for one that tells of nothing that the account can see.
func (s *Service) Entry(ctx context.Context, account, notification id.ID) (*social.Entry, *Notification, error) {
	n, err := s.Get(ctx, account, notification)
	if err != nil {
		return nil, nil, err
	}
	rel, err := s.Graph.Relations(ctx, account)
	if err != nil {
		return nil, nil, err
	}
	if !welcome(rel, n.From, s.Now()) && !IsOwn(n.Type) {
		return nil, nil, errNone
	}
	g := &Group{Key: n.Key(nil), Newest: &n, Oldest: n.ID}
	g.take(&n, false)
	list, err := s.entries(ctx, rel, []*Group{g})
	if err != nil {
		return nil, nil, err
	}
	if len(list) == 0 {
		return nil, nil, errNone
	}
	return &list[0], &n, nil
}

// News returns the newest unread notifications of some types that came after a time, at most limit, as pages show them, and how many there
// are in all, at most a hundred.
func (s *Service) News(ctx context.Context, account id.ID, kinds []string, after id.ID, limit int) ([]social.Entry, int, error) {
	rel, read, err := s.reader(ctx, account)
	if err != nil {
		return nil, 0, err
	}
	list, _, _, err := s.groups(ctx, rel, &Query{Types: kinds, SinceID: max(read, after), Limit: 100})
	if err != nil {
		return nil, 0, err
	}
	out, err := s.entries(ctx, rel, list)
	return out[:min(limit, len(out))], len(out), err
}

// Newest returns the id of an account's newest notification, 0 where there is none.
func (s *Service) Newest(ctx context.Context, account id.ID) (id.ID, error) {
	known, err := s.newest(ctx, account)
	if err != nil || len(known.rows) == 0 {
		return 0, err
	}
	return known.rows[0].ID, nil
}
