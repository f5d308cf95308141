package status

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/markup"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
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

// marshal encodes without escaping the signs of HTML, of which content is full.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// accounts returns authors by their ids; those that are not there are left out.
func (s *Service) accounts(ctx context.Context, ids []id.ID) (map[id.ID]*account, error) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	found, gens := make([]*account, len(ids)), make([]uint32, len(ids))
	missing := s.cache.accounts.get(ids, found, gens)
	out := make(map[id.ID]*account, len(ids))
	if missing > 0 {
		want := make([]id.ID, 0, missing)
		for i, n := range ids {
			if found[i] == nil {
				want = append(want, n)
			}
		}
		as, err := s.Profiles.Entities(ctx, want)
		if err != nil {
			return nil, fmt.Errorf("status: authors: %w", err)
		}
		for i, n := range ids {
			if e := as[n]; found[i] == nil && e != nil {
				b, err := marshal(e)
				if err != nil {
					return nil, fmt.Errorf("status: encode an author: %w", err)
				}
				found[i] = &account{json: b, suspended: e.Suspended, limited: e.Limited}
				s.cache.accounts.put(gens[i], n, found[i], len(b)+256)
			}
		}
	}
	for i, n := range ids {
		if found[i] != nil {
			out[n] = found[i]
		}
	}
	return out, nil
}

// entries returns statuses as they are kept, those that are missing built anew; nil for those that are not there.
func (s *Service) entries(ctx context.Context, ids []id.ID, now time.Time) ([]*entry, error) {
	found, gens := make([]*entry, len(ids)), make([]uint32, len(ids))
	missing := s.cache.statuses.get(ids, found, gens)
	for i, e := range found {
		if e != nil && !e.until.IsZero() && !now.Before(e.until) {
			found[i], gens[i] = nil, s.cache.statuses.expire(ids[i])
			missing++
		}
	}
	if missing == 0 {
		return found, nil
	}
	want := make([]id.ID, 0, missing)
	for i, e := range found {
		if e == nil {
			want = append(want, ids[i])
		}
	}
	built, err := s.build(ctx, want, now)
	if err != nil {
		return nil, err
	}
	for i, n := range ids {
		if e := built[n]; found[i] == nil && e != nil {
			found[i] = e
			s.cache.statuses.put(gens[i], n, e, len(e.body)+len(e.text)+512)
		}
	}
	return found, nil
}

// body is what is the same for all readers, but for the author and the poll.
type body struct {
	URI         string              `json:"uri"`
	URL         string              `json:"url"`
	CreatedAt   social.Time         `json:"created_at"`
	EditedAt    social.Time         `json:"edited_at"`
	ReplyTo     *id.ID              `json:"in_reply_to_id"`
	ReplyFrom   *id.ID              `json:"in_reply_to_account_id"`
	Sensitive   bool                `json:"sensitive"`
	Spoiler     string              `json:"spoiler_text"`
	Visibility  string              `json:"visibility"`
	LocalOnly   bool                `json:"local_only"`
	Lang        *string             `json:"language"`
	Replies     int64               `json:"replies_count"`
	Boosts      int64               `json:"reblogs_count"`
	Favourites  int64               `json:"favourites_count"`
	Quotes      int64               `json:"quotes_count"`
	Content     string              `json:"content"`
	Application json.RawMessage     `json:"application,omitempty"`
	Media       []social.Attachment `json:"media_attachments"`
	Mentions    []social.Mention    `json:"mentions"`
	Tags        []social.Tag        `json:"tags"`
	Emojis      []social.Emoji      `json:"emojis"`
	Card        *social.Card        `json:"card"`
	Stoa        social.Extra        `json:"stoa"`
}

// pollBody is a poll but for what depends on the reader and the time.
type pollBody struct {
	ID          id.ID           `json:"id"`
	ExpiresAt   social.Time     `json:"expires_at"`
	Multiple    bool            `json:"multiple"`
	VotesCount  int64           `json:"votes_count"`
	VotersCount int64           `json:"voters_count"`
	Options     []social.Choice `json:"options"`
	Emojis      []social.Emoji  `json:"emojis"`
}

func (p *poll) body(now time.Time, emojis []social.Emoji) pollBody {
	b := pollBody{ID: p.id, ExpiresAt: social.Time{Time: micros(p.expiresAt)}, Multiple: p.multiple, VotesCount: p.votes, VotersCount: p.voters, Options: []social.Choice{}, Emojis: emojis}
	for _, c := range p.choices {
		o := social.Choice{Title: c.title}
		if n := c.votes; !p.hideTotals || p.over(now) {
			o.VotesCount = &n
		}
		b.Options = append(b.Options, o)
	}
	return b
}

func (p *poll) over(now time.Time) bool { return p.ended || p.expiresAt <= now.UnixMicro() }

// materials is what bodies are built of.
type materials struct {
	rows     map[id.ID]*row
	polls    map[id.ID]*poll
	media    map[id.ID][]social.Attachment
	accounts map[id.ID]*social.Account
	groups   map[id.ID]*social.GroupCard
	extras   map[string]map[id.ID]*social.Extra
	cards    map[string]*social.Card
	links    map[id.ID]string // whose card a status shows
	emojis   map[string]social.Emoji
}

// build reads statuses and makes their entries.
func (s *Service) build(ctx context.Context, ids []id.ID, now time.Time) (map[id.ID]*entry, error) {
	m, err := s.gather(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[id.ID]*entry, len(m.rows))
	for n, r := range m.rows {
		if out[n], err = s.entryOf(r, m, now); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// gather reads what statuses are made of, each kind at once.
func (s *Service) gather(ctx context.Context, ids []id.ID) (*materials, error) {
	m := &materials{links: map[id.ID]string{}}
	var links []string
	var who, media, polls, groups []id.ID
	things := map[string][]id.ID{}
	var codes []string
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if m.rows, err = rowsOf(ctx, tx, ids); err != nil {
			return err
		}
		for _, r := range m.rows {
			who = append(append(who, r.Account), r.Mentions...)
			codes = append(append(codes, markup.Shortcodes(r.source)...), markup.Shortcodes(r.spoiler)...)
			if s.Cards != nil && strings.Contains(r.source, "://") {
				if at := r.cardLink(markup.Find(r.source).Links); at != "" {
					links, m.links[r.ID] = append(links, at), at
				}
			}
			if r.Media {
				media = append(media, r.ID)
			}
			if r.poll != 0 {
				polls = append(polls, r.poll)
			}
			if r.Group != 0 {
				groups = append(groups, r.Group)
			}
			if r.extraKind != "" {
				things[r.extraKind] = append(things[r.extraKind], r.extraID)
			}
		}
		if len(media) > 0 {
			if m.media, err = s.Media.Of(ctx, tx, media); err != nil {
				return err
			}
		}
		if len(links) > 0 {
			if m.cards, err = s.Cards.Of(ctx, tx, links); err != nil {
				return err
			}
		}
		if len(polls) > 0 {
			m.polls, err = pollsOf(ctx, tx, polls)
		}
		return err
	})
	if err != nil || len(m.rows) == 0 {
		return m, err
	}
	for _, p := range m.polls {
		for _, c := range p.choices {
			codes = append(codes, markup.Shortcodes(c.title)...)
		}
	}
	slices.Sort(who)
	if m.accounts, err = s.Profiles.Entities(ctx, slices.Compact(who)); err != nil {
		return nil, err
	}
	if len(groups) > 0 && s.Groups != nil {
		if m.groups, err = s.Groups.GroupCards(ctx, groups); err != nil {
			return nil, err
		}
	}
	if m.emojis, err = s.emojis(ctx, codes); err != nil {
		return nil, err
	}
	m.extras = map[string]map[id.ID]*social.Extra{}
	for kind, list := range things {
		if s.Extras == nil {
			break
		}
		if m.extras[kind], err = s.Extras.Cards(ctx, kind, list); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// emojis returns the custom emoji among names.
func (s *Service) emojis(ctx context.Context, names []string) (map[string]social.Emoji, error) {
	out := map[string]social.Emoji{}
	if s.Emojis == nil || len(names) == 0 {
		return out, nil
	}
	list, err := s.Emojis.Named(ctx, names)
	for _, e := range list {
		out[e.Shortcode] = e
	}
	return out, err
}

func (m *materials) emojisIn(texts ...string) []social.Emoji {
	out := []social.Emoji{}
	if len(m.emojis) == 0 {
		return out
	}
	for _, t := range texts {
		for _, name := range markup.Shortcodes(t) {
			if e, ok := m.emojis[name]; ok && !slices.ContainsFunc(out, func(x social.Emoji) bool { return x.Shortcode == name }) {
				out = append(out, e)
			}
		}
	}
	return out
}

// extraLasts is how long what a card shows of another slice is taken for true: dishes sell out.
const extraLasts = 15 * time.Second

// entryOf makes the entry of a status.
func (s *Service) entryOf(r *row, m *materials, now time.Time) (*entry, error) {
	e := &entry{head: r.Head, state: r.quoteState, quote: r.quotePolicy}
	b := body{
		CreatedAt: social.Time{Time: r.At}, Sensitive: r.sensitive, Spoiler: r.spoiler, Visibility: r.Visibility.Wire(r.Closed), LocalOnly: r.Visibility == social.Town,
		Replies: r.replies, Boosts: r.boosts, Favourites: r.favourites, Quotes: r.quotes, Content: r.content, Media: or2(m.media[r.ID]), Mentions: []social.Mention{},
		Tags: []social.Tag{}, Emojis: m.emojisIn(r.source, r.spoiler), Card: m.cards[m.links[r.ID]], Stoa: social.Extra{Visibility: r.Visibility, Replies: r.replyPolicy},
	}
	if a := m.accounts[r.Account]; a != nil {
		b.URI, b.URL = a.URI+"/statuses/"+r.ID.String(), a.URL+"/"+r.ID.String()
	}
	if r.editedAt != 0 {
		b.EditedAt = social.Time{Time: micros(r.editedAt)}
	}
	if r.ReplyTo != 0 {
		b.ReplyTo, b.ReplyFrom = &r.ReplyTo, &r.ReplyFrom
	}
	if r.Lang != "" {
		b.Lang = &r.Lang
	}
	if r.appName != "" {
		app := struct {
			Name    string  `json:"name"`
			Website *string `json:"website"`
		}{Name: r.appName}
		if r.appURL != "" {
			app.Website = &r.appURL
		}
		var err error
		if b.Application, err = marshal(app); err != nil {
			return nil, err
		}
	}
	for _, n := range r.Mentions {
		if a := m.accounts[n]; a != nil {
			b.Mentions = append(b.Mentions, social.Mention{ID: a.ID, Username: a.Username, URL: a.URL, Acct: a.Acct})
		}
	}
	for _, t := range r.Tags {
		b.Tags = append(b.Tags, social.Tag{Name: t, URL: s.opt.Address() + "/tags/" + t})
	}
	if r.Group != 0 {
		b.Stoa.Group = m.groups[r.Group]
	}
	if x := m.extras[r.extraKind][r.extraID]; x != nil {
		b.Stoa.Dish, b.Stoa.Restaurant, b.Stoa.Event, b.Stoa.Review = x.Dish, x.Restaurant, x.Event, x.Review
		e.until = now.Add(extraLasts)
	}
	var parts strings.Builder
	for _, t := range []string{r.spoiler, r.source} {
		parts.WriteString(t)
		parts.WriteByte('\n')
	}
	for i := range b.Media {
		if d := b.Media[i].Description; d != nil {
			parts.WriteString(*d)
			parts.WriteByte('\n')
		}
	}
	out, err := marshal(b)
	if err != nil {
		return nil, fmt.Errorf("status: encode %s: %w", r.ID, err)
	}
	out[0] = ',' // after the author
	out = out[:len(out)-1]
	if p := m.polls[r.poll]; p != nil {
		pb, err := marshal(p.body(now, m.emojisIn(p.titles()...)))
		if err != nil {
			return nil, fmt.Errorf("status: encode the poll of %s: %w", r.ID, err)
		}
		out = append(append(out, `,"poll":`...), pb[:len(pb)-1]...)
		e.poll, e.ends = true, micros(p.expiresAt)
		if p.ended {
			e.ends = now.Add(-time.Second)
		} else if now.Before(e.ends) && (e.until.IsZero() || e.ends.Before(e.until)) {
			e.until = e.ends // what was hidden is shown then
		}
		parts.WriteString(strings.Join(p.titles(), "\n"))
	} else {
		out = append(out, `,"poll":null`...)
	}
	e.body, e.text = slices.Clip(out), text.Fold(parts.String())
	return e, nil
}

// or2 returns a list that is not nil.
func or2[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
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
	allow    bool // whoever asks acts for the author
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
	if a == nil || a.suspended || !v.allow && !v.rel.MayRead(&e.head) {
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
		{`,"favourited":`, b&bitFavourite != 0}, {`,"reblogged":`, b&bitBoost != 0}, {`,"bookmarked":`, b&bitBookmark != 0},
		{`,"muted":`, v.own.muted(about.head.Thread)}, {`,"pinned":`, b&bitPin != 0},
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
