package notification

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// newest are an account's newest notifications that are not held, as they were read: nobody changes them.
type newest struct {
	rows []Notification // newest first
	all  bool           // there are no older ones
	sums map[string]sum // of the groups that the rows belong to
}

// keptRows is how many notifications of a reader are kept in memory: what an app asks for at once, and some more for groups.
const keptRows = 120

// chunk is how many rows are read at once beyond those.
const chunk = 200

// maxScanned bounds how many rows one request looks at.
const maxScanned = 4000

// newest returns an account's newest notifications, from memory where they are there.
func (s *Service) newest(ctx context.Context, account id.ID) (*newest, error) {
	known, ok, mark := s.readers.Get(account)
	if ok {
		return known, nil
	}
	out := &newest{}
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if out.rows, err = below(ctx, tx, account, 0, 0, 0, false, keptRows); err != nil {
			return err
		}
		out.all = len(out.rows) < keptRows
		var keys []string
		for i := range out.rows {
			if k := out.rows[i].Group; k != "" && !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
		out.sums, err = sums(ctx, tx, account, keys)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("notification: read the newest: %w", err)
	}
	s.readers.Put(account, out, mark)
	return out, nil
}

// walk gives fn those notifications of the reader that the query means and the reader welcomes, until it returns false: newest first, or
// with MinID oldest first.
func (s *Service) walk(ctx context.Context, rel *social.Relations, q *Query, fn func(*Notification) bool) error {
	now, account := s.Now(), rel.Viewer
	give := func(rows []Notification) bool {
		for i := range rows {
			n := &rows[i]
			if q.wants(n) && (welcome(rel, n.From, now) || n.Type == Warning) && !fn(n) {
				return false
			}
		}
		return true
	}
	if q.MinID != 0 {
		return s.walkUp(ctx, account, q, give)
	}
	max := q.MaxID
	if q.From == 0 && !q.Held {
		known, err := s.newest(ctx, account)
		if err != nil {
			return err
		}
		rows := known.rows
		if max != 0 {
			rows = rows[firstBelow(rows, max):]
		}
		if q.SinceID != 0 {
			rows = rows[:firstBelow(rows, q.SinceID+1)]
		}
		if !give(rows) || known.all || len(known.rows) > 0 && known.rows[len(known.rows)-1].ID <= q.SinceID {
			return nil
		}
		if last := known.rows[len(known.rows)-1].ID; max == 0 || last < max {
			max = last
		}
	}
	for scanned := 0; scanned < maxScanned; {
		var rows []Notification
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			rows, err = below(ctx, tx, account, q.From, max, q.SinceID, q.Held, chunk)
			return err
		})
		if err != nil {
			return fmt.Errorf("notification: list: %w", err)
		}
		if !give(rows) || len(rows) < chunk {
			return nil
		}
		scanned += len(rows)
		max = rows[len(rows)-1].ID
	}
	return nil
}

func (s *Service) walkUp(ctx context.Context, account id.ID, q *Query, give func([]Notification) bool) error {
	min := q.MinID
	for scanned := 0; scanned < maxScanned; {
		var rows []Notification
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			rows, err = above(ctx, tx, account, min, q.MaxID, q.Held, chunk)
			return err
		})
		if err != nil {
			return fmt.Errorf("notification: list: %w", err)
		}
		if !give(rows) || len(rows) < chunk {
			return nil
		}
		scanned += len(rows)
		min = rows[len(rows)-1].ID
	}
	return nil
}

// firstBelow returns the index of the first of rows, newest first, that is older than an id.
func firstBelow(rows []Notification, than id.ID) int {
	i, _ := slices.BinarySearchFunc(rows, than, func(n Notification, than id.ID) int {
		if n.ID >= than {
			return -1
		}
		return 1
	})
	return i
}

// list returns the notifications that the query means, newest first. They are shared: nobody changes them.
func (s *Service) list(ctx context.Context, rel *social.Relations, q *Query) ([]*Notification, error) {
	out := make([]*Notification, 0, q.Limit)
	err := s.walk(ctx, rel, q, func(n *Notification) bool {
		out = append(out, n)
		return len(out) < q.Limit
	})
	if q.MinID != 0 {
		slices.Reverse(out)
	}
	return out, err
}

// Unread returns how many groups of notifications of all types an account has not read, at most a hundred: what a bell shows.
func (s *Service) Unread(ctx context.Context, account id.ID) (int, error) {
	return s.UnreadGroups(ctx, account, Query{All: true}, usualCount)
}

// CountUnread returns how many notifications an account has not read, at most limit.
func (s *Service) CountUnread(ctx context.Context, account id.ID, q Query, limit int) (n int, err error) {
	rel, last, err := s.reader(ctx, account)
	if err != nil {
		return 0, err
	}
	q.SinceID = max(q.SinceID, last)
	err = s.walk(ctx, rel, &q, func(*Notification) bool {
		n++
		return n < limit
	})
	return n, err
}

func (s *Service) reader(ctx context.Context, account id.ID) (rel *social.Relations, last id.ID, err error) {
	if rel, err = s.Graph.Relations(ctx, account); err != nil {
		return nil, 0, err
	}
	last, err = s.Markers.LastRead(ctx, account)
	return rel, last, err
}

// encoded is an account as bytes, good as long as profiles give out the same value.
type encoded struct {
	of    *social.Account
	bytes []byte
}

// accountJSON returns accounts as bytes, by id; those that are not there, or suspended, are left out.
func (s *Service) accountJSON(ctx context.Context, ids []id.ID) (map[id.ID][]byte, error) {
	found, err := s.Profiles.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[id.ID][]byte, len(found))
	for i, a := range found {
		if a.Suspended {
			continue
		}
		e, ok, mark := s.encoded.Get(i)
		if !ok || e.of != a {
			b, err := json.Marshal(a)
			if err != nil {
				return nil, fmt.Errorf("notification: encode account %d: %w", i, err)
			}
			e = encoded{a, b}
			s.encoded.Put(i, e, mark)
		}
		out[i] = e.bytes
	}
	return out, nil
}

// statusJSON returns statuses as the reader's app is given them, by id.
func (s *Service) statusJSON(ctx context.Context, rel *social.Relations, ids []id.ID) (map[id.ID]json.RawMessage, error) {
	out := make(map[id.ID]json.RawMessage, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	list, err := s.Statuses.JSON(ctx, rel, ids, "notifications")
	if err != nil {
		return nil, err
	}
	for _, b := range list {
		i, err := leadingID(b)
		if err != nil {
			return nil, err
		}
		out[i] = b
	}
	return out, nil
}

// leadingID returns the id that an entity begins with.
func leadingID(b []byte) (id.ID, error) {
	const head = `{"id":"`
	if end := bytes.IndexByte(b[min(len(head), len(b)):], '"'); bytes.HasPrefix(b, []byte(head)) && end > 0 {
		n, err := strconv.ParseInt(string(b[len(head):len(head)+end]), 10, 64)
		if err == nil {
			return id.ID(n), nil
		}
	}
	return 0, fmt.Errorf("notification: a status begins with %.20q", b)
}

// parts are the accounts and statuses that notifications name, as bytes.
type parts struct {
	accounts map[id.ID][]byte
	statuses map[id.ID]json.RawMessage
}

func (s *Service) parts(ctx context.Context, rel *social.Relations, list []*Notification) (p parts, err error) {
	senders, statuses := make([]id.ID, 0, len(list)), make([]id.ID, 0, len(list))
	for _, n := range list {
		senders = append(senders, n.From)
		if n.Status != 0 {
			statuses = append(statuses, n.Status)
		}
	}
	slices.Sort(senders)
	slices.Sort(statuses)
	if p.accounts, err = s.accountJSON(ctx, slices.Compact(senders)); err != nil {
		return p, err
	}
	p.statuses, err = s.statusJSON(ctx, rel, slices.Compact(statuses))
	return p, err
}

// shows reports whether all that a notification can't do without is there.
func (p *parts) shows(n *Notification) bool {
	if p.accounts[n.From] == nil {
		return false
	}
	return n.Status == 0 || IsOwn(n.Type) || p.statuses[n.Status] != nil
}

// besides is about how many bytes a notification takes without its account and status.
const besides = 256

// appendOne appends a notification as Mastodon's API shows it.
func (s *Service) appendOne(ctx context.Context, dst []byte, p *parts, n *Notification) ([]byte, error) {
	dst = append(dst, `{"id":"`...)
	dst = strconv.AppendInt(dst, int64(n.ID), 10)
	dst = append(dst, `","type":"`...)
	dst = append(dst, n.Type...)
	dst = append(dst, `","created_at":`...)
	dst = appendTime(dst, n)
	dst = append(dst, `,"group_key":`...)
	dst = strconv.AppendQuote(dst, n.Key(grouped))
	dst = append(append(dst, `,"account":`...), p.accounts[n.From]...)
	if b := p.statuses[n.Status]; b != nil && n.Status != 0 {
		dst = append(append(dst, `,"status":`...), b...)
	}
	dst, err := s.appendExtra(ctx, dst, n)
	return append(dst, '}'), err
}

func appendTime(dst []byte, n *Notification) []byte {
	return n.At.AppendFormat(dst, `"2006-01-02T15:04:05.000Z"`)
}

// extra is what only some types carry.
type extra struct {
	Stoa    *own `json:"stoa,omitempty"`
	Report  any  `json:"report,omitempty"`
	Warning any  `json:"moderation_warning,omitempty"`
}

func (s *Service) extra(ctx context.Context, n *Notification) (e extra, err error) {
	switch {
	case IsOwn(n.Type):
		w, err := s.words(ctx, n)
		if err != nil {
			return e, err
		}
		e.Stoa = &own{Title: w.title, Body: w.body, URL: w.url, Thing: n.Thing}
		if n.Data != nil {
			e.Stoa.What, e.Stoa.Code = n.Data.What, n.Data.Code
		}
	case n.Type == Report && s.Report != nil:
		e.Report, err = s.Report(ctx, n.Thing)
	case n.Type == Warning && s.Warning != nil:
		e.Warning, err = s.Warning(ctx, n.Thing)
	}
	return e, err
}

func (s *Service) appendExtra(ctx context.Context, dst []byte, n *Notification) ([]byte, error) {
	e, err := s.extra(ctx, n)
	if err != nil || e == (extra{}) {
		return dst, err
	}
	b, err := json.Marshal(e)
	if err != nil {
		return dst, fmt.Errorf("notification: encode what %d carries: %w", n.ID, err)
	}
	return append(append(dst, ','), b[1:len(b)-1]...), nil
}

// own is what Stoa's types carry.
type own struct {
	Title string `json:"title"`
	Body  string `json:"body"`
	URL   string `json:"url"`
	What  string `json:"what,omitempty"`
	Code  string `json:"code,omitempty"`
	Thing id.ID  `json:"thing"`
}

// Append appends the notifications that the query means as bytes of Mastodon's API, newest first, and returns the ids of the first and the last
// of those looked at, for pages before and after; both are 0 where there is none.
func (s *Service) Append(ctx context.Context, dst []byte, account id.ID, q Query) (body []byte, first, last id.ID, err error) {
	rel, err := s.Graph.Relations(ctx, account)
	if err != nil {
		return nil, 0, 0, err
	}
	list, err := s.list(ctx, rel, &q)
	if err != nil {
		return nil, 0, 0, err
	}
	p, err := s.parts(ctx, rel, list)
	if err != nil {
		return nil, 0, 0, err
	}
	size := 2
	for _, n := range list {
		size += len(p.accounts[n.From]) + len(p.statuses[n.Status]) + besides
	}
	out := append(slices.Grow(dst, size), '[')
	begin := len(out)
	for _, n := range list {
		if !p.shows(n) {
			continue
		}
		if len(out) > begin {
			out = append(out, ',')
		}
		if out, err = s.appendOne(ctx, out, &p, n); err != nil {
			return nil, 0, 0, err
		}
	}
	if len(list) > 0 {
		first, last = list[0].ID, list[len(list)-1].ID
	}
	return append(out, ']'), first, last, nil
}

// OneJSON is JSON for one notification. It returns a NotFound error for one that is not the account's, or tells of what they can't read.
func (s *Service) OneJSON(ctx context.Context, account, notification id.ID) (json.RawMessage, error) {
	n, err := s.Get(ctx, account, notification)
	if err != nil {
		return nil, err
	}
	rel, err := s.Graph.Relations(ctx, account)
	if err != nil {
		return nil, err
	}
	p, err := s.parts(ctx, rel, []*Notification{&n})
	if err != nil {
		return nil, err
	}
	if !p.shows(&n) {
		return nil, errNone
	}
	return s.appendOne(ctx, nil, &p, &n)
}
