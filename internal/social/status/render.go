package status

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// A status in a reply is its id, its author (kept as bytes by account), its body (the same for all readers, kept as bytes) and a short tail that
// depends on the reader: their marks and votes, filters, what it boosts or quotes. So a page that was shown before costs no query and
// little more than copying.

// entry is a status as it is kept in memory.
type entry struct {
	head  social.Head
	body  []byte    // from ,"uri": to where the reader's part begins; within the poll where there is one
	text  string    // all that can be read in it, folded, for filters
	poll  bool      // body ends within the poll
	ends  time.Time // of the poll; zero: never
	state string    // of the quote
	quote string    // who may quote it
	until time.Time // build it anew then; zero: never
}

// account is an author as they are kept in memory.
type account struct {
	json      []byte
	suspended bool
	limited   bool
}

// view is one reply to one reader.
type view struct {
	rel      *social.Relations
	where    string
	now      time.Time
	matcher  social.Matcher
	entries  map[id.ID]*entry
	accounts map[id.ID]*account
	own      own
	allow    id.ID // a status whose author the reader acts for
	all      bool  // whoever asks is a moderator
}

// look reads what a reply needs of statuses and of what they boost and quote. done must be called.
func (s *Service) look(ctx context.Context, rel *social.Relations, ids []id.ID, where string) (v *view, done func(), err error) {
	v = &view{rel: rel, where: where, now: s.Now(), entries: make(map[id.ID]*entry, len(ids)+4)}
	var who, marks []id.ID
	for depth, want := 0, ids; len(want) > 0 && depth < 4; depth++ { // a boost of a quote, and what is quoted there
		es, err := s.entries(ctx, want, v.now)
		if err != nil {
			return nil, nil, err
		}
		var next []id.ID
		for i, e := range es {
			if e == nil || v.entries[want[i]] != nil {
				continue
			}
			v.entries[want[i]] = e
			who = append(who, e.head.Account)
			if e.head.BoostOf != 0 {
				next = append(next, e.head.BoostOf)
			} else {
				marks = append(marks, want[i])
			}
			if e.head.QuoteOf != 0 {
				next = append(next, e.head.QuoteOf)
			}
		}
		want = next
	}
	if v.accounts, err = s.accounts(ctx, who); err != nil {
		return nil, nil, err
	}
	if rel.Viewer != 0 && s.Filters != nil && where != "" {
		if v.matcher, err = s.Filters.For(ctx, rel.Viewer); err != nil {
			return nil, nil, err
		}
	}
	v.own, done, err = s.marksFor(ctx, rel.Viewer, marks)
	return v, done, err
}

// JSON returns statuses as the API shows them to a reader, in the order asked for. What the reader may not read is left out, and what one
// of their filters hides in the place where they stand: home, public, thread, account, notifications; with "" no filter is asked.
func (s *Service) JSON(ctx context.Context, rel *social.Relations, ids []id.ID, where string) ([]json.RawMessage, error) {
	v, done, err := s.look(ctx, rel, ids, where)
	if err != nil {
		return nil, err
	}
	defer done()
	out := make([]json.RawMessage, 0, len(ids))
	for _, n := range ids {
		if b, ok := v.status(nil, n, 0); ok {
			out = append(out, b)
		}
	}
	return out, nil
}

// Append is JSON that appends the statuses to dst, with commas between, and returns how many they are.
func (s *Service) Append(ctx context.Context, dst []byte, rel *social.Relations, ids []id.ID, where string) ([]byte, int, error) {
	v, done, err := s.look(ctx, rel, ids, where)
	if err != nil {
		return dst, 0, err
	}
	defer done()
	n := 0
	for _, status := range ids {
		at := len(dst)
		if n > 0 {
			dst = append(dst, ',')
		}
		var ok bool
		if dst, ok = v.status(dst, status, 0); !ok {
			dst = dst[:at]
			continue
		}
		n++
	}
	return dst, n, nil
}

// Statuses is JSON, decoded for pages.
func (s *Service) Statuses(ctx context.Context, rel *social.Relations, ids []id.ID, where string) ([]*social.Status, error) {
	list, err := s.JSON(ctx, rel, ids, where)
	if err != nil {
		return nil, err
	}
	out := make([]*social.Status, len(list))
	for i, b := range list {
		out[i] = &social.Status{}
		if err := json.Unmarshal(b, out[i]); err != nil {
			return nil, fmt.Errorf("status: decode: %w", err)
		}
		withoutLine(out[i])
	}
	return out, nil
}

// withoutLine takes out the line that names what a status quotes: pages show the quoted status itself.
func withoutLine(st *social.Status) {
	if strings.HasPrefix(st.Content, quoteInline) {
		_, st.Content, _ = strings.Cut(st.Content, "</p>")
	}
	if st.Reblog != nil {
		withoutLine(st.Reblog)
	}
	if st.Quote != nil && st.Quote.Status != nil {
		withoutLine(st.Quote.Status)
	}
}

// Exhibit returns statuses whoever may read them, those of suspended authors included: for moderators, to whom they were reported.
func (s *Service) Exhibit(ctx context.Context, ids []id.ID) ([]*social.Status, error) {
	v, done, err := s.look(ctx, &social.Relations{}, ids, "")
	if err != nil {
		return nil, err
	}
	defer done()
	v.all = true
	out := make([]*social.Status, 0, len(ids))
	for _, n := range ids {
		b, ok := v.status(nil, n, 0)
		if !ok {
			continue
		}
		st := &social.Status{}
		if err := json.Unmarshal(b, st); err != nil {
			return nil, fmt.Errorf("status: decode: %w", err)
		}
		withoutLine(st)
		out = append(out, st)
	}
	return out, nil
}

// shown returns what is kept of a status where the reader may see it.
func (v *view) shown(n id.ID) (*entry, *account) {
	e := v.entries[n]
	if e == nil {
		return nil, nil
	}
	a := v.accounts[e.head.Account]
	if a == nil || !v.all && (a.suspended || n != v.allow && !v.rel.MayRead(&e.head)) {
		return nil, nil
	}
	return e, a
}

// status appends a status, and reports whether there is one for the reader; dst is then to be cut by the caller. depth is how deep it is
// within another.
func (v *view) status(dst []byte, n id.ID, depth int) ([]byte, bool) {
	e, a := v.shown(n)
	if e == nil {
		return dst, false
	}
	about, target := e, n // marks and filters of a boost are those of what it boosts
	if e.head.BoostOf != 0 {
		if about, _ = v.shown(e.head.BoostOf); about == nil {
			return dst, false
		}
		target = e.head.BoostOf
	}
	var found []social.Filtered
	if v.matcher != nil && about.head.Account != v.rel.Viewer {
		var hide bool
		if found, hide = v.matcher.Match(v.where, about.text, n, target); hide {
			return dst, false
		}
	}
	dst = strconv.AppendInt(append(dst, `{"id":"`...), int64(n), 10)
	dst = append(append(append(dst, `","account":`...), a.json...), e.body...)
	if e.poll {
		dst = v.pollTail(dst, e, n)
	}
	if e.head.BoostOf != 0 {
		var ok bool
		dst = append(dst, `,"reblog":`...)
		if dst, ok = v.status(dst, e.head.BoostOf, depth); !ok {
			return dst, false
		}
	} else {
		dst = append(dst, `,"reblog":null`...)
	}
	dst = v.quote(dst, e, depth)
	dst = v.approval(dst, e)
	b := v.own.of(target)
	for _, f := range [...]struct {
		name string
		on   bool
	}{
		{`,"favourited":`, b&bitFavourite != 0},
		{`,"reblogged":`, b&bitBoost != 0},
		{`,"bookmarked":`, b&bitBookmark != 0},
		{`,"muted":`, v.own.muted(about.head.Thread)},
		{`,"pinned":`, b&bitPin != 0},
	} {
		dst = strconv.AppendBool(append(dst, f.name...), f.on)
	}
	if len(found) == 0 {
		return append(dst, `,"filtered":[]}`...), true
	}
	list, err := marshal(found)
	if err != nil {
		return dst, false // strings and numbers always encode
	}
	return append(append(append(dst, `,"filtered":`...), list...), '}'), true
}

// pollTail ends the poll in a body.
func (v *view) pollTail(dst []byte, e *entry, n id.ID) []byte {
	dst = strconv.AppendBool(append(dst, `,"expired":`...), !v.now.Before(e.ends))
	if v.rel.Viewer != 0 {
		votes := v.own.vote(n)
		dst = strconv.AppendBool(append(dst, `,"voted":`...), votes != "" || e.head.Account == v.rel.Viewer)
		dst = append(append(dst, `,"own_votes":[`...), strings.ReplaceAll(votes, " ", ",")...)
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// quote appends what a status quotes.
func (v *view) quote(dst []byte, e *entry, depth int) []byte {
	dst = append(dst, `,"quote":`...)
	of := e.head.QuoteOf
	if of == 0 {
		return append(dst, "null"...)
	}
	state, show := quoteAccepted, true
	quoted := v.entries[of]
	switch {
	case e.state != quoteAccepted:
		state, show = e.state, false
	case quoted == nil:
		state, show = "deleted", false
	case v.rel.Blocks[quoted.head.Account]:
		state, show = "blocked_account", false
	case v.rel.Muted(quoted.head.Account, v.now):
		state, show = "muted_account", false
	default:
		if q, _ := v.shown(of); q == nil {
			state, show = "unauthorized", false
		}
	}
	dst = append(append(append(dst, `{"state":"`...), state...), '"')
	if depth > 0 {
		dst = append(dst, `,"quoted_status_id":`...)
		if show {
			return append(strconv.AppendInt(append(dst, '"'), int64(of), 10), `"}`...)
		}
		return append(dst, "null}"...)
	}
	dst = append(dst, `,"quoted_status":`...)
	at := len(dst)
	if show {
		var ok bool
		if dst, ok = v.status(dst, of, depth+1); ok {
			return append(dst, '}')
		}
	}
	return append(dst[:at], "null}"...)
}

// approval appends who may quote a status.
func (v *view) approval(dst []byte, e *entry) []byte {
	dst = append(dst, `,"quote_approval":{"automatic":[`...)
	switch {
	case e.head.Visibility != social.Public && e.head.Visibility != social.Unlisted && e.head.Visibility != social.Town && (e.head.Visibility != social.Group || e.head.Closed):
	case e.quote == ByPublic:
		dst = append(dst, `"public"`...)
	case e.quote == ByFollowers:
		dst = append(dst, `"followers"`...)
	}
	dst = append(dst, `],"manual":[],"current_user":`...)
	if v.rel.Viewer != 0 && mayQuote(v.rel, &e.head, e.quote) {
		return append(dst, `"automatic"}`...)
	}
	return append(dst, `"denied"}`...)
}
