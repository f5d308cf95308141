package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/markup"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// one returns a status as the API shows it to the actor, or a NotFound error.
func (s *Service) one(ctx context.Context, actor access.Actor, status id.ID) (json.RawMessage, error) {
	_, rel, err := s.readable(ctx, actor, status)
	if err != nil {
		return nil, err
	}
	v, done, err := s.look(ctx, rel, []id.ID{status}, "")
	if err != nil {
		return nil, err
	}
	defer done()
	v.allow = status
	b, ok := v.status(nil, status, 0)
	if !ok {
		return nil, errGone
	}
	return b, nil
}

// Get returns a status as the API shows it to the actor, or a NotFound error.
func (s *Service) Get(ctx context.Context, actor access.Actor, status id.ID) (json.RawMessage, error) {
	return s.one(ctx, actor, status)
}

// Limits of a conversation as it is shown: those who are signed in see more.
const (
	maxThread    = 2000
	maxAncestors = 200
	guestThread  = 60
	guestAbove   = 40
)

// Context returns the ids of what a status answers, first to last, and of the answers to it and to those, in the order of reading: each
// answer is followed by its own. What the reader may not read is left out with what answers it. The author's own answers come first.
func (s *Service) Context(ctx context.Context, actor access.Actor, status id.ID) (above, answers []id.ID, err error) {
	r, rel, err := s.readable(ctx, actor, status)
	if err != nil {
		return nil, nil, err
	}
	if r.BoostOf != 0 {
		if r, rel, err = s.readable(ctx, actor, r.BoostOf); err != nil {
			return nil, nil, err
		}
	}
	most, height := maxThread, maxAncestors
	if !actor.SignedIn() {
		most, height = guestThread, guestAbove
	}
	byID := map[id.ID]*social.Head{}
	children := map[id.ID][]*social.Head{}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		hs, err := inThread(ctx, tx, r.Thread, maxThread)
		if err != nil {
			return err
		}
		for i := range hs {
			byID[hs[i].ID] = &hs[i]
			children[hs[i].ReplyTo] = append(children[hs[i].ReplyTo], &hs[i])
		}
		above, err = ancestors(ctx, tx, byID, r.ReplyTo, height)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	now := s.Now()
	answers = []id.ID{}
	var walk func(of id.ID, depth int)
	walk = func(of id.ID, depth int) {
		next := children[of]
		slices.SortStableFunc(next, func(a, b *social.Head) int { // the author goes on: that is read first
			return boolInt(b.Account == r.Account) - boolInt(a.Account == r.Account)
		})
		for _, h := range next {
			if len(answers) >= most || depth > maxThread {
				return
			}
			if !rel.MayRead(h) || rel.Blocks[h.Account] || rel.Muted(h.Account, now) {
				continue
			}
			answers = append(answers, h.ID)
			walk(h.ID, depth+1)
		}
	}
	walk(r.ID, 0)
	return above, answers, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ancestors returns what stands above, first to last. Who may not be read is left out when it is rendered.
func ancestors(ctx context.Context, tx *db.Tx, known map[id.ID]*social.Head, from id.ID, most int) ([]id.ID, error) {
	out := []id.ID{}
	for at := from; at != 0 && len(out) < most; {
		h := known[at]
		if h == nil {
			hs, err := headsOf(ctx, tx, []id.ID{at})
			if err != nil {
				return nil, err
			}
			one, ok := hs[at]
			if !ok {
				break
			}
			h = &one
		}
		out = append(out, h.ID)
		at = h.ReplyTo
	}
	slices.Reverse(out)
	return out, nil
}

// Version is a status as it was, or is.
type Version struct {
	Content   string          `json:"content"`
	Spoiler   string          `json:"spoiler_text"`
	Sensitive bool            `json:"sensitive"`
	CreatedAt social.Time     `json:"created_at"`
	Account   json.RawMessage `json:"account"`
	Poll      *VersionPoll    `json:"poll,omitempty"`
	Media     json.RawMessage `json:"media_attachments"`
	Emojis    []social.Emoji  `json:"emojis"`
}

// VersionPoll is the options that a poll had.
type VersionPoll struct {
	Options []VersionOption `json:"options"`
}

// VersionOption is one of them.
type VersionOption struct {
	Title string `json:"title"`
}

// History returns all versions of a status, first to last, the last of which it is now.
func (s *Service) History(ctx context.Context, actor access.Actor, status id.ID) ([]Version, error) {
	r, _, err := s.proper(ctx, actor, status)
	if err != nil {
		return nil, err
	}
	var vs []version
	now := version{at: r.editedAt, sensitive: r.sensitive, spoiler: r.spoiler, source: r.source, content: r.content, media: "[]", poll: "[]"}
	if now.at == 0 {
		now.at = r.At.UnixMicro()
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if vs, err = versions(ctx, tx, r.ID); err != nil {
			return err
		}
		media, err := s.Media.Of(ctx, tx, []id.ID{r.ID})
		if err != nil {
			return err
		}
		b, err := json.Marshal(or2(media[r.ID]))
		if err != nil {
			return err
		}
		now.media = string(b)
		if r.poll == 0 {
			return nil
		}
		p, err := pollOf(ctx, tx, r.poll)
		if err != nil {
			return err
		}
		b, err = json.Marshal(p.titles())
		now.poll = string(b)
		return err
	})
	if err != nil {
		return nil, err
	}
	as, err := s.accounts(ctx, []id.ID{r.Account})
	if err != nil {
		return nil, err
	}
	vs = append(vs, now)
	var codes []string
	for _, v := range vs {
		codes = append(append(codes, markup.Shortcodes(v.source)...), markup.Shortcodes(v.spoiler)...)
	}
	m := materials{}
	if m.emojis, err = s.emojis(ctx, codes); err != nil {
		return nil, err
	}
	out := make([]Version, len(vs))
	for i, v := range vs {
		out[i] = Version{
			Content: v.content, Spoiler: v.spoiler, Sensitive: v.sensitive, CreatedAt: social.Time{Time: micros(v.at)}, Account: as[r.Account].json,
			Media: json.RawMessage(v.media), Emojis: m.emojisIn(v.source, v.spoiler),
		}
		var titles []string
		if err := json.Unmarshal([]byte(v.poll), &titles); err != nil {
			return nil, fmt.Errorf("status: decode a poll of %s: %w", r.ID, err)
		}
		if len(titles) > 0 {
			out[i].Poll = &VersionPoll{}
			for _, t := range titles {
				out[i].Poll.Options = append(out[i].Poll.Options, VersionOption{t})
			}
		}
	}
	return out, nil
}

// Quotes returns what quotes a status, newest first, at most a thousand.
func (s *Service) Quotes(ctx context.Context, status id.ID) ([]social.Head, error) {
	return s.list(ctx, func(tx *db.Tx) ([]social.Head, error) { return quotesOf(ctx, tx, status, Newest, maxMarks) })
}

// QuotedBy returns the ids of what quotes a status and the actor may read, newest first, and below which the next are, 0 at the end.
func (s *Service) QuotedBy(ctx context.Context, actor access.Actor, status, before id.ID, limit int) (out []id.ID, next id.ID, err error) {
	r, rel, err := s.proper(ctx, actor, status)
	if err != nil {
		return nil, 0, err
	}
	hs, err := s.list(ctx, func(tx *db.Tx) ([]social.Head, error) {
		hs, err := quotesOf(ctx, tx, r.ID, below(before), limit)
		if len(hs) == limit {
			next = hs[limit-1].ID
		}
		return hs, err
	})
	for i := range hs {
		if rel.MayRead(&hs[i]) {
			out = append(out, hs[i].ID)
		}
	}
	return out, next, err
}

// SetQuotePolicy says who may quote a status from now on: public, followers or nobody.
func (s *Service) SetQuotePolicy(ctx context.Context, actor access.Actor, status id.ID, policy string) error {
	r, _, err := s.mine(ctx, actor, status)
	if err != nil {
		return err
	}
	in := Draft{Text: "-", Quotes: policy}
	if err := in.check(content{source: in.Text}); err != nil {
		return err
	}
	if policy == "" || r.BoostOf != 0 || r.Visibility == social.Followers || r.Visibility == social.Direct {
		return nil // those are quoted by nobody in any case
	}
	return s.beside(ctx, actor, r, func(tx *db.Tx) error { return setPolicy(ctx, tx, r.ID, policy) })
}

// beside changes something about a status that is no new version.
func (s *Service) beside(ctx context.Context, actor access.Actor, r *row, fn func(tx *db.Tx) error) error {
	told := social.Edited{Head: r.Head, Silent: true}
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return s.Log.Append(ctx, tx, s.Now(), actor.ID, told)
	})
	if err != nil {
		return err
	}
	s.tell(ctx, told)
	return nil
}

var errNotThere = errors.New("status: nothing to do")

// RevokeQuote takes the actor's status out of another that quotes it. It returns a NotFound error where that does not quote it.
func (s *Service) RevokeQuote(ctx context.Context, actor access.Actor, status, quoting id.ID) error {
	r, _, err := s.mine(ctx, actor, status)
	if err != nil {
		return err
	}
	var q *row
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		q, err = rowOf(ctx, tx, quoting)
		return err
	})
	if err != nil {
		return err
	}
	if q.QuoteOf != r.ID {
		return errGone
	}
	var told []events.Payload
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		stood, err := revoke(ctx, tx, q.ID, r.ID)
		if err != nil {
			return err
		}
		if !stood {
			return errNotThere
		}
		if _, err := bump(ctx, tx, countQuotes, r.ID, -1); err != nil {
			return err
		}
		told = []events.Payload{social.Edited{Head: q.Head, Silent: true}, social.Edited{Head: r.Head, Silent: true}}
		for _, p := range told {
			if err := s.Log.Append(ctx, tx, s.Now(), actor.ID, p); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errNotThere) {
		return nil
	}
	if err != nil {
		return err
	}
	s.tell(ctx, told...)
	return nil
}

// Searchable returns everything that a status says: its spoiler, text, choices and what its files show; and words for what it has: media,
// poll, link, reply, sensitive, and the kind of its card. ok is false for a boost and for one that is gone.
func (s *Service) Searchable(ctx context.Context, tx *db.Tx, status id.ID) (text string, about []string, ok bool, err error) {
	r, err := rowOf(ctx, tx, status)
	if errors.Is(err, db.ErrNoRow) || err == nil && r.BoostOf != 0 {
		return "", nil, false, nil
	}
	if err != nil {
		return "", nil, false, err
	}
	said := []string{r.spoiler, r.source}
	has := func(word string, is bool) {
		if is {
			about = append(about, word)
		}
	}
	has("media", r.Media)
	has("reply", r.ReplyTo != 0)
	has("sensitive", r.sensitive)
	has("link", len(markup.Find(r.source).Links) > 0)
	has(r.extraKind, r.extraKind != "")
	if r.poll != 0 {
		about = append(about, "poll")
		p, err := pollOf(ctx, tx, r.poll)
		if err != nil && !errors.Is(err, db.ErrNoRow) {
			return "", nil, false, err
		}
		if err == nil {
			said = append(said, p.titles()...)
		}
	}
	if r.Media {
		files, err := s.Media.Of(ctx, tx, []id.ID{status})
		if err != nil {
			return "", nil, false, err
		}
		for _, f := range files[status] {
			if f.Description != nil {
				said = append(said, *f.Description)
			}
		}
	}
	return strings.Join(said, "\n"), about, true, nil
}

// LinkOf returns the first address that a status links to, "" where there is none.
func (s *Service) LinkOf(ctx context.Context, tx *db.Tx, status id.ID) (string, error) {
	r, err := rowOf(ctx, tx, status)
	if errors.Is(err, db.ErrNoRow) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if links := markup.Find(r.source).Links; len(links) > 0 {
		return links[0], nil
	}
	return "", nil
}
