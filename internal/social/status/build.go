package status

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/markup"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

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
			if r.QuoteOf != 0 {
				who = append(who, r.QuoteFrom)
			}
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

// quoteInline begins the line that names a quoted status to apps that know nothing of quotes; the others leave it out by its class.
const quoteInline = `<p class="quote-inline">`

// quoteLine returns that line, empty where nothing is quoted.
func (m *materials) quoteLine(r *row) string {
	a := m.accounts[r.QuoteFrom]
	if r.QuoteOf == 0 || r.quoteState != quoteAccepted || a == nil {
		return ""
	}
	at := html.EscapeString(a.URL + "/" + r.QuoteOf.String())
	return quoteInline + `RE: <a href="` + at + `" rel="nofollow noopener" target="_blank">` + at + `</a></p>`
}

// entryOf makes the entry of a status.
func (s *Service) entryOf(r *row, m *materials, now time.Time) (*entry, error) {
	e := &entry{head: r.Head, state: r.quoteState, quote: r.quotePolicy}
	b := body{
		CreatedAt: social.Time{Time: r.At}, Sensitive: r.sensitive, Spoiler: r.spoiler, Visibility: r.Visibility.Wire(r.Closed), LocalOnly: r.Visibility == social.Town,
		Replies: r.replies, Boosts: r.boosts, Favourites: r.favourites, Quotes: r.quotes, Content: m.quoteLine(r) + r.content, Media: or2(m.media[r.ID]), Mentions: []social.Mention{},
		Tags: []social.Tag{}, Emojis: m.emojisIn(r.source, r.spoiler), Card: m.cards[m.links[r.ID]], Stoa: social.Extra{Visibility: r.Visibility, Replies: r.replyPolicy},
	}
	if a := m.accounts[r.Account]; a != nil {
		b.Sensitive = b.Sensitive || a.Guarded && len(b.Media) > 0
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
		b.Tags = append(b.Tags, social.Tag{Name: t, URL: s.opt.Address() + "/tags/" + url.PathEscape(t)})
	}
	if r.Group != 0 {
		b.Stoa.Group = m.groups[r.Group]
	}
	if x := m.extras[r.extraKind][r.extraID]; x != nil {
		b.Stoa.Dish, b.Stoa.Restaurant, b.Stoa.Event, b.Stoa.Review = x.Dish, x.Restaurant, x.Event, x.Review
		if b.Card == nil {
			b.Card = x.Preview
		}
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
