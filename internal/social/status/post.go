package status

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/markup"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/idem"
)

// Post posts a status and returns its id. It returns an Invalid error for what can't be posted, NotFound where what it answers or quotes
// can't be read, and Forbidden where its author does not let it be answered or quoted.
func (s *Service) Post(ctx context.Context, actor access.Actor, in Draft) (id.ID, error) {
	d, err := s.drafted(ctx, actor, &in)
	if err != nil {
		return 0, err
	}
	var once *idem.Request
	if in.Key != "" {
		// Mastodon knows a request by its key alone: apps that retry may have added a word.
		req, err := idem.New(d.Account, "statuses.post", in.Key, nil)
		if err != nil {
			return 0, err
		}
		once = &req
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error { return s.store(ctx, tx, actor, d, &in, once) })
	if errors.Is(err, idem.ErrTaken) {
		return s.replay(ctx, once)
	}
	if err != nil {
		return 0, err
	}
	s.tell(ctx, social.Posted{Head: d.Head})
	return d.ID, nil
}

// Check returns the error that Post would return for a status, as far as that can be told before it is stored.
func (s *Service) Check(ctx context.Context, actor access.Actor, in Draft) error {
	_, err := s.drafted(ctx, actor, &in)
	return err
}

// drafted is draft for what anybody sends: a thing that the status shows must be there.
func (s *Service) drafted(ctx context.Context, actor access.Actor, in *Draft) (*piece, error) {
	d, err := s.draft(ctx, actor, in)
	if err != nil || in.Kind == "" || s.Extras == nil {
		return d, err
	}
	return d, s.Extras.Check(ctx, d.Account, in.Kind, in.Thing)
}

// Prepare checks a note of another slice, and returns the id that its status will have and what stores it in the caller's transaction: that is
// where the caller stores the thing that the status shows. The errors are those of Post.
func (s *Service) Prepare(ctx context.Context, actor access.Actor, n social.Note) (status id.ID, store func(ctx context.Context, tx *db.Tx) error, err error) {
	in := Draft{
		As: n.As, Text: n.Text, Visibility: n.Visibility, Lang: n.Lang, Media: n.Media, Group: n.Group, ReplyTo: n.ReplyTo, Kind: n.Kind, Thing: n.Thing,
	}
	d, err := s.draft(ctx, actor, &in)
	if err != nil {
		return 0, nil, err
	}
	return d.ID, func(ctx context.Context, tx *db.Tx) error {
		tx.AfterCommit(func() { s.tell(ctx, social.Posted{Head: d.Head}) })
		return s.store(ctx, tx, actor, d, &in, nil)
	}, nil
}

// Restored returns the id that a past status of an author has, and whether it is here. Who posted it before ids begin gets one of the first
// hour of 2025, when nobody ran this: ids are in the order of the posts.
func (s *Service) Restored(ctx context.Context, author id.ID, key string, at time.Time) (n id.ID, here bool, err error) {
	for try := byte(0); ; try++ {
		n = pastID(author, key, at, try)
		var hs map[id.ID]social.Head
		err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			hs, err = headsOf(ctx, tx, []id.ID{n})
			return err
		})
		h, taken := hs[n]
		if err != nil || !taken || h.Account == author && h.At.Equal(at) {
			return n, taken, err
		}
	}
}

// pastID returns the id of a past status. Where another has it, the next try is for another.
func pastID(author id.ID, key string, at time.Time, try byte) id.ID {
	const before = 1 << 14 // ids of each second before the first hour of 2025
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", try, author, key))
	chance := binary.BigEndian.Uint64(sum[:])
	first := id.ID(time.Hour.Milliseconds()) << 22
	if n := id.ID(at.Sub(id.ID(0).Time()).Milliseconds()) << 22; n >= first {
		return n | id.ID(chance%(1<<22))
	}
	seconds := max(at.Unix()-time.Date(2006, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), 0)
	return 1 + id.ID(seconds)*before + id.ID(chance%before)
}

// Restore puts a past status of the actor's where it belongs by its time. Nobody is told, and doing it twice is doing it once. It returns an
// Invalid error for what can't be posted.
func (s *Service) Restore(ctx context.Context, actor access.Actor, p social.Past) (id.ID, error) {
	n, here, err := s.Restored(ctx, actor.ID, p.Key, p.At)
	if err != nil || here {
		return n, err
	}
	in := Draft{Text: p.Text, Spoiler: p.Spoiler, Sensitive: &p.Sensitive, Visibility: p.Visibility, Lang: p.Lang, Media: p.Media}
	d, err := s.draft(ctx, actor, &in)
	if err != nil {
		return 0, err
	}
	d.ID, d.Thread, d.At, d.links = n, n, p.At, nil
	if p.ReplyTo != 0 {
		to, _, err := s.proper(ctx, actor, p.ReplyTo)
		if err == nil && to.Account == actor.ID {
			d.ReplyTo, d.ReplyFrom, d.Thread = to.ID, to.Account, to.Thread
		} else if err != nil && !errs.Is(err, errs.NotFound) {
			return 0, err
		}
	}
	told := social.Edited{Head: d.Head, Silent: true, Past: true} // as if it had been here for long
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.hang(ctx, tx, actor, d, &in); err != nil {
			return err
		}
		return s.Log.Append(ctx, tx, s.Now(), actor.ID, told)
	})
	if err != nil {
		return 0, err
	}
	s.tell(ctx, told)
	return n, nil
}

// replay returns the status that was posted with the same key before.
func (s *Service) replay(ctx context.Context, once *idem.Request) (id.ID, error) {
	answer, found, err := once.Replay(ctx, s.DB)
	if err != nil {
		return 0, err
	}
	if !found {
		return 0, errs.New(errs.Conflict, "This request is still being worked on.").WithRetry(time.Second)
	}
	n, err := id.Parse(string(answer))
	if err != nil {
		return 0, fmt.Errorf("status: a stored answer: %w", err)
	}
	return n, nil
}

// piece is a status that is about to be stored.
type piece struct {
	row
	poll  *poll
	links []string
}

// draft checks all that can be checked before the transaction, and renders the text.
func (s *Service) draft(ctx context.Context, actor access.Actor, in *Draft) (*piece, error) {
	if err := signedIn(actor); err != nil {
		return nil, err
	}
	author := in.As
	if author == 0 {
		author = actor.ID
	}
	if author != actor.ID && !s.Profiles.MayActAs(actor, author) {
		return nil, errs.New(errs.Forbidden, "You can't post for this account.")
	}
	text, err := read(in.Text, in.Spoiler, s.opt.MaxLength())
	if err != nil {
		return nil, err
	}
	if err := in.check(text); err != nil {
		return nil, err
	}
	def, err := s.Profiles.Defaults(ctx, author)
	if err != nil {
		return nil, err
	}
	now := s.Now().UTC().Truncate(time.Microsecond)
	n := s.IDs.Next()
	d := &piece{links: text.found.Links, row: row{
		Head:      social.Head{ID: n, Account: author, Thread: n, Visibility: or(in.Visibility, or(def.Visibility, social.Public)), Lang: or(in.Lang, def.Language), At: now, Media: len(in.Media) > 0},
		writtenBy: actor.ID, spoiler: text.spoiler, source: text.source, quotePolicy: or(in.Quotes, or(def.Quotes, ByPublic)), replyPolicy: or(in.Replies, Everybody),
		sensitive: def.Sensitive, extraKind: in.Kind, extraID: in.Thing,
	}}
	if in.Sensitive != nil {
		d.sensitive = *in.Sensitive
	}
	d.sensitive = d.sensitive || d.spoiler != ""
	if in.LocalOnly && (d.Visibility == social.Public || d.Visibility == social.Unlisted) {
		d.Visibility = social.Town
	}
	if err := s.place(ctx, d, in); err != nil {
		return nil, err
	}
	if d.Visibility == social.Followers || d.Visibility == social.Direct {
		d.quotePolicy = Nobody // what not everybody reads is not shown to others
	}
	if d.appName, d.appURL, err = s.app(ctx, actor); err != nil {
		return nil, err
	}
	if in.Poll != nil {
		d.poll = in.Poll.stored(s.IDs.Next(), d.ID, author, now)
		d.row.poll = d.poll.id
	}
	return d, s.render(ctx, &d.row, text.found)
}

func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// stored returns a poll as it is kept.
func (p *NewPoll) stored(n, status, account id.ID, now time.Time) *poll {
	out := &poll{id: n, status: status, account: account, expiresAt: now.Add(p.ExpiresIn).UnixMicro(), multiple: p.Multiple, hideTotals: p.HideTotals}
	for _, o := range p.Options {
		out.choices = append(out.choices, choice{title: o})
	}
	return out
}

// app returns what the program that the actor uses is called; empty for Stoa's own pages.
func (s *Service) app(ctx context.Context, actor access.Actor) (name, website string, err error) {
	if actor.App == 0 || s.Apps == nil {
		return "", "", nil
	}
	return s.Apps.AppName(ctx, actor.App)
}

// place puts a draft where it belongs: below what it answers, beside what it quotes, into its group.
func (s *Service) place(ctx context.Context, d *piece, in *Draft) error {
	as := access.Actor{ID: d.Account} // answers and quotes are those of the profile, whoever writes for it
	if in.ReplyTo != 0 {
		to, rel, err := s.proper(ctx, as, in.ReplyTo)
		if err != nil {
			return err
		}
		if !mayAnswer(rel, &to.Head, to.replyPolicy) {
			return errs.New(errs.Forbidden, "Its author doesn't let you answer this.")
		}
		d.ReplyTo, d.ReplyFrom, d.Thread = to.ID, to.Account, to.Thread
		if to.Visibility == social.Group && d.Visibility != social.Direct {
			in.Group = to.Group
		}
	}
	if in.QuoteOf != 0 {
		of, rel, err := s.proper(ctx, as, in.QuoteOf)
		if err != nil {
			return err
		}
		if !mayQuote(rel, &of.Head, of.quotePolicy) {
			return errs.New(errs.Forbidden, "Its author doesn't let you quote this.")
		}
		d.QuoteOf, d.QuoteFrom, d.quoteState = of.ID, of.Account, quoteAccepted
	}
	if in.Group == 0 {
		if d.Visibility == social.Group {
			return errs.InvalidField("group", "Validation failed: say which group this is for")
		}
		return nil
	}
	if s.Groups == nil {
		return errGone
	}
	closed, err := s.Groups.MayPost(ctx, d.Account, in.Group)
	d.Group, d.Closed, d.Visibility = in.Group, closed, social.Group
	return err
}

// render finds whom a text mentions and makes its HTML.
func (s *Service) render(ctx context.Context, r *row, found markup.Found) error {
	r.Mentions, r.Tags = nil, found.Tags
	named := map[string]*social.Account{}
	if len(found.Mentions) > 0 {
		var err error
		if named, err = s.named(ctx, found.Mentions); err != nil {
			return err
		}
		for _, acct := range found.Mentions {
			if a := named[acct]; a != nil && !slices.Contains(r.Mentions, a.ID) {
				r.Mentions = append(r.Mentions, a.ID)
			}
		}
	}
	address := s.opt.Address()
	r.content = markup.HTML(r.source, markup.Links{
		Mention: func(acct string) (string, string, bool) {
			a := named[acct]
			if a == nil {
				return "", "", false
			}
			return a.Acct, a.URL, true
		},
		Tag: func(tag string) string { return address + "/tags/" + url.PathEscape(tag) },
	})
	return nil
}

// named returns the accounts of the given names that there are.
func (s *Service) named(ctx context.Context, accts []string) (map[string]*social.Account, error) {
	who := map[string]id.ID{}
	var ids []id.ID
	for _, acct := range accts {
		n, err := s.Profiles.Resolve(ctx, acct)
		if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Invalid) {
			continue
		}
		if err != nil {
			return nil, err
		}
		who[acct], ids = n, append(ids, n)
	}
	out := map[string]*social.Account{}
	if len(ids) == 0 {
		return out, nil
	}
	as, err := s.Profiles.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	for acct, n := range who {
		if a := as[n]; a != nil && !a.Suspended {
			out[acct] = a
		}
	}
	return out, nil
}

// store writes a draft with all that hangs on it.
func (s *Service) store(ctx context.Context, tx *db.Tx, actor access.Actor, d *piece, in *Draft, once *idem.Request) error {
	if once != nil {
		if err := once.Save(ctx, tx, []byte(d.ID.String()), d.At); err != nil {
			return err
		}
	}
	if err := s.hang(ctx, tx, actor, d, in); err != nil {
		return err
	}
	return s.Log.Append(ctx, tx, d.At, actor.ID, social.Posted{Head: d.Head})
}

// hang is store without telling of it.
func (s *Service) hang(ctx context.Context, tx *db.Tx, actor access.Actor, d *piece, in *Draft) error {
	for _, to := range []struct {
		status id.ID
		c      counter
	}{{d.ReplyTo, countReplies}, {d.QuoteOf, countQuotes}} {
		if to.status == 0 {
			continue
		}
		// Deleted since it was read: then there is nothing to answer.
		there, err := bump(ctx, tx, to.c, to.status, 1)
		if err != nil {
			return err
		}
		if !there {
			return errGone
		}
	}
	if err := insert(ctx, tx, &d.row, len(in.Media)); err != nil {
		return err
	}
	if err := link(ctx, tx, &d.Head, d.links); err != nil {
		return err
	}
	if len(in.Media) > 0 {
		if err := s.Media.Attach(ctx, tx, actor.ID, d.ID, in.Media); err != nil {
			return err
		}
	}
	if d.poll != nil {
		if err := s.openPoll(ctx, tx, d.poll); err != nil {
			return err
		}
	}
	if err := s.wantCard(ctx, tx, &d.row, d.links); err != nil {
		return err
	}
	if d.Visibility == social.Direct {
		return nil
	}
	return s.Profiles.Counts(ctx, tx, d.Account, 1, 0, 0, d.At)
}

// cardLink returns the address whose card a status shows; empty where it has none, or something else in that place.
func (r *row) cardLink(links []string) string {
	if len(links) == 0 || r.Media || r.poll != 0 || r.QuoteOf != 0 || r.extraKind != "" {
		return ""
	}
	return links[0]
}

// wantCard has a status' first link looked at.
func (s *Service) wantCard(ctx context.Context, tx *db.Tx, r *row, links []string) error {
	at := r.cardLink(links)
	if s.Cards == nil || at == "" {
		return nil
	}
	return s.Cards.Want(ctx, tx, r.ID, at)
}

// Redraw says in tx that something beside a status' text is no longer what it was: its card, its event. One that is gone is no error.
func (s *Service) Redraw(ctx context.Context, tx *db.Tx, status id.ID) error {
	hs, err := headsOf(ctx, tx, []id.ID{status})
	if err != nil {
		return err
	}
	h, ok := hs[status]
	if !ok {
		return nil
	}
	told := social.Edited{Head: h, Silent: true}
	tx.AfterCommit(func() { s.heard(told) })
	return s.Log.Append(ctx, tx, s.Now(), 0, told)
}
