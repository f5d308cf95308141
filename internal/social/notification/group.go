package notification

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// maxSamples is how many senders of a group are named.
const maxSamples = 8

// Group is some notifications that are shown as one.
type Group struct {
	Key     string
	Newest  *Notification // of the page; it is shared
	Oldest  id.ID         // of the page
	Senders []id.ID       // of the page, the newest first, each once, at most maxSamples
	Count   int           // of all, beyond the page
	Last    id.ID         // the newest of all
}

// groups returns the groups that the query means, newest first, and the ids of the first and the last notification looked at.
func (s *Service) groups(ctx context.Context, rel *social.Relations, q *Query) (out []*Group, first, last id.ID, err error) {
	types, byKey := q.group(), map[string]*Group{}
	err = s.walk(ctx, rel, q, func(n *Notification) bool {
		key := n.Key(types)
		g := byKey[key]
		if g == nil {
			if len(out) == q.Limit {
				return false
			}
			g = &Group{Key: key, Newest: n, Oldest: n.ID}
			byKey[key], out = g, append(out, g)
		}
		g.take(n, q.MinID != 0)
		if first = max(first, n.ID); last == 0 || n.ID < last {
			last = n.ID
		}
		return true
	})
	if err != nil {
		return nil, 0, 0, err
	}
	slices.SortFunc(out, func(a, b *Group) int { return int(b.Newest.ID - a.Newest.ID) })
	return out, first, last, s.count(ctx, rel.Viewer, out)
}

// take adds a notification to its group; up says that they come oldest first.
func (g *Group) take(n *Notification, up bool) {
	g.Count++
	if n.ID > g.Newest.ID {
		g.Newest = n
	}
	g.Oldest, g.Last = min(g.Oldest, n.ID), max(g.Last, n.ID)
	switch {
	case up:
		g.Senders = slices.DeleteFunc(g.Senders, func(i id.ID) bool { return i == n.From })
		g.Senders = slices.Insert(g.Senders, 0, n.From)
		g.Senders = g.Senders[:min(len(g.Senders), maxSamples)]
	case len(g.Senders) < maxSamples && !slices.Contains(g.Senders, n.From):
		g.Senders = append(g.Senders, n.From)
	}
}

// count fills in how many there are of each group beyond the page.
func (s *Service) count(ctx context.Context, account id.ID, list []*Group) error {
	known, err := s.newest(ctx, account)
	if err != nil {
		return err
	}
	var missing []string
	for _, g := range list {
		if g.Key != g.Newest.Group {
			continue // one alone
		}
		if v, ok := known.sums[g.Key]; ok {
			g.Count, g.Last = max(g.Count, v.count), max(g.Last, v.newest)
		} else {
			missing = append(missing, g.Key)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var found map[string]sum
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		found, err = sums(ctx, tx, account, missing)
		return err
	})
	if err != nil {
		return fmt.Errorf("notification: count groups: %w", err)
	}
	for _, g := range list {
		if v, ok := found[g.Key]; ok {
			g.Count, g.Last = max(g.Count, v.count), max(g.Last, v.newest)
		}
	}
	return nil
}

// result is Mastodon's GroupedNotificationsResults.
type result struct {
	accounts [][]byte
	partial  []partial // nil: not asked for
	statuses [][]byte
	groups   []byte // with a comma between
}

// append puts a result together. Accounts and statuses are bytes already: to have them encoded again would cost more than all the rest.
func (r *result) append(dst []byte) ([]byte, error) {
	var some []byte
	if r.partial != nil {
		var err error
		if some, err = json.Marshal(r.partial); err != nil {
			return nil, fmt.Errorf("notification: encode accounts: %w", err)
		}
	}
	size := len(r.groups) + len(some) + besides
	for _, list := range [][][]byte{r.accounts, r.statuses} {
		for _, b := range list {
			size += len(b) + 1
		}
	}
	out := append(slices.Grow(dst, size), `{"accounts":[`...)
	out = append(appendList(out, r.accounts), ']')
	if some != nil {
		out = append(append(out, `,"partial_accounts":`...), some...)
	}
	out = append(appendList(append(out, `,"statuses":[`...), r.statuses), `],"notification_groups":[`...)
	return append(append(out, r.groups...), "]}"...), nil
}

func appendList(dst []byte, list [][]byte) []byte {
	for i, b := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, b...)
	}
	return dst
}

// partial is an account of which only the picture is shown.
type partial struct {
	ID           id.ID  `json:"id"`
	Acct         string `json:"acct"`
	URL          string `json:"url"`
	Avatar       string `json:"avatar"`
	AvatarStatic string `json:"avatar_static"`
	Locked       bool   `json:"locked"`
	Bot          bool   `json:"bot"`
}

// render appends groups as they are in Mastodon's API. With avatars, all but the newest sender of each group are given in part.
func (s *Service) render(ctx context.Context, dst []byte, rel *social.Relations, list []*Group, avatars, pages bool) ([]byte, error) {
	out := &result{groups: make([]byte, 0, len(list)*besides)}
	var senders, statuses []id.ID
	for _, g := range list {
		senders = append(senders, g.Senders...)
		if g.Newest.Status != 0 {
			statuses = append(statuses, g.Newest.Status)
		}
	}
	slices.Sort(senders)
	slices.Sort(statuses)
	var p parts
	var err error
	if p.accounts, err = s.accountJSON(ctx, slices.Compact(senders)); err != nil {
		return nil, err
	}
	if p.statuses, err = s.statusJSON(ctx, rel, slices.Compact(statuses)); err != nil {
		return nil, err
	}
	full, some, shown := map[id.ID]bool{}, []id.ID{}, map[id.ID]bool{}
	for _, g := range list {
		g.Senders = slices.DeleteFunc(g.Senders, func(i id.ID) bool { return p.accounts[i] == nil })
		if len(g.Senders) == 0 || !p.shows(&Notification{Type: g.Newest.Type, From: g.Senders[0], Status: g.Newest.Status}) {
			continue
		}
		if len(out.groups) > 0 {
			out.groups = append(out.groups, ',')
		}
		if out.groups, err = s.appendGroup(ctx, out.groups, g, pages); err != nil {
			return nil, err
		}
		if st := g.Newest.Status; p.statuses[st] != nil && !shown[st] {
			shown[st], out.statuses = true, append(out.statuses, p.statuses[st])
		}
		for i, from := range g.Senders {
			switch {
			case full[from]:
			case i == 0 || !avatars:
				full[from], out.accounts = true, append(out.accounts, p.accounts[from])
			default:
				some = append(some, from)
			}
		}
	}
	if avatars {
		if err := s.partials(ctx, out, some, full); err != nil {
			return nil, err
		}
	}
	return out.append(dst)
}

func (s *Service) partials(ctx context.Context, out *result, some []id.ID, full map[id.ID]bool) error {
	found, err := s.Profiles.Entities(ctx, some)
	if err != nil {
		return err
	}
	out.partial = []partial{}
	for _, i := range some {
		if a := found[i]; a != nil && !full[i] {
			full[i] = true
			out.partial = append(out.partial, partial{a.ID, a.Acct, a.URL, a.Avatar, a.AvatarStatic, a.Locked, a.Bot})
		}
	}
	return nil
}

// appendGroup appends a group as Mastodon's NotificationGroup; page says that it is part of a page. The id of the newest is a number there, and
// so it is here: it fits.
func (s *Service) appendGroup(ctx context.Context, dst []byte, g *Group, page bool) ([]byte, error) {
	n := g.Newest
	number := func(name string, v int64, quote string) {
		dst = append(append(append(append(dst, `,"`...), name...), `":`...), quote...)
		dst = append(strconv.AppendInt(dst, v, 10), quote...)
	}
	dst = strconv.AppendQuote(append(dst, `{"group_key":`...), g.Key)
	number("notifications_count", int64(g.Count), "")
	dst = strconv.AppendQuote(append(dst, `,"type":`...), n.Type)
	number("most_recent_notification_id", int64(g.Last), "")
	if page {
		number("page_min_id", int64(g.Oldest), `"`)
		number("page_max_id", int64(n.ID), `"`)
		dst = appendTime(append(dst, `,"latest_page_notification_at":`...), n)
	}
	dst = append(dst, `,"sample_account_ids":[`...)
	for i, from := range g.Senders {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(strconv.AppendInt(append(dst, '"'), int64(from), 10), '"')
	}
	dst = append(dst, ']')
	if n.Status != 0 {
		number("status_id", int64(n.Status), `"`)
	}
	dst, err := s.appendExtra(ctx, dst, n)
	return append(dst, '}'), err
}

// oneGroup returns the rows of a group that is the account's as a Group, or a NotFound error.
func (s *Service) oneGroup(ctx context.Context, account id.ID, key string, most int) (*Group, []Notification, error) {
	var rows []Notification
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = inGroup(ctx, tx, account, key, most)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("notification: read a group: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil, errNone
	}
	g := &Group{Key: key, Newest: &rows[0], Oldest: rows[0].ID}
	for i := range rows {
		g.take(&rows[i], false)
	}
	return g, rows, nil
}

// UnreadGroups returns how many groups an account has not read, at most limit.
func (s *Service) UnreadGroups(ctx context.Context, account id.ID, q Query, limit int) (int, error) {
	rel, last, err := s.reader(ctx, account)
	if err != nil {
		return 0, err
	}
	q.SinceID = last
	seen, types := map[string]bool{}, q.group()
	err = s.walk(ctx, rel, &q, func(n *Notification) bool {
		seen[n.Key(types)] = true
		return len(seen) < limit
	})
	return len(seen), err
}
