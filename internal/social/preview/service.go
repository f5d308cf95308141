package preview

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	_ "image/jpeg" // pictures are stored as such
	_ "image/png"
	"net/url"
	"strings"
	"time"

	"github.com/buckket/go-blurhash"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/markup"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/fetch"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// kindFetch is the job that fetches a page for a status.
const kindFetch = "preview.fetch"

// Statuses are told when what stands below one has changed.
type Statuses interface {
	// Redraw has a status shown anew, in the caller's transaction. One that is gone is no error.
	Redraw(ctx context.Context, tx *db.Tx, status id.ID) error
}

// Service makes cards. Safe for concurrent use.
type Service struct {
	db       *db.DB
	jobs     *jobs.Queue
	now      clock.Func
	fetch    *fetch.Client
	files    *files.Dir
	statuses Statuses
	address  func() string
}

// New returns a Service. address is where people reach this server: absolute URLs of pictures begin with it.
func New(d *db.DB, q *jobs.Queue, now clock.Func, f *fetch.Client, dir *files.Dir, statuses Statuses, address func() string) *Service {
	return &Service{d, q, now, f, dir, statuses, address}
}

// React registers the slice's jobs.
func (s *Service) React() { s.jobs.Handle(kindFetch, s.handleFetch) }

type fetchArgs struct {
	Status id.ID  `json:"status"`
	URL    string `json:"url"`
}

// Want has the card of a page made for a status that was just written, in its transaction. It does nothing where one is there that is
// fresh, or for what can have none.
func (s *Service) Want(ctx context.Context, tx *db.Tx, status id.ID, link string) error {
	at, ok := markup.Page(link)
	if !ok || strings.HasPrefix(at, s.address()+"/") {
		return nil
	}
	_, known, err := find(ctx, tx, []string{at})
	if err != nil || s.now().Sub(known[at]) < Fresh {
		return err
	}
	_, err = s.jobs.Enqueue(ctx, tx, kindFetch, fetchArgs{status, at}, jobs.Opts{MaxAttempts: 4})
	return err
}

// Of returns the cards of those pages that have one, by the links as given.
func (s *Service) Of(ctx context.Context, tx *db.Tx, links []string) (map[string]*social.Card, error) {
	asked := make([]string, 0, len(links))
	for _, l := range links {
		if at, ok := markup.Page(l); ok {
			asked = append(asked, at)
		}
	}
	if len(asked) == 0 {
		return nil, nil //nolint:nilnil // a map without entries
	}
	cards, _, err := find(ctx, tx, asked)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*social.Card, len(cards))
	for _, l := range links {
		at, _ := markup.Page(l)
		c, ok := cards[at]
		if !ok {
			continue
		}
		c.URL = l
		if c.Image != nil {
			absolute := s.address() + *c.Image
			c.Image = &absolute
		}
		out[l] = &c
	}
	return out, nil
}

// handleFetch fetches a page and its picture. A page that is not there, or says nothing, is noted as such.
func (s *Service) handleFetch(ctx context.Context, j jobs.Job) error {
	var in fetchArgs
	if err := json.Unmarshal(j.Args, &in); err != nil {
		return jobs.Discard(err)
	}
	var known time.Time
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		_, all, err := find(ctx, tx, []string{in.URL})
		known = all[in.URL]
		return err
	})
	if err != nil {
		return err
	}
	var card *social.Card
	if s.now().Sub(known) >= Fresh {
		if card, err = s.look(ctx, in.URL); err != nil && j.Attempt < 4 {
			return err
		}
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if s.now().Sub(known) >= Fresh {
			if err := store(ctx, tx, in.URL, card, s.now()); err != nil {
				return err
			}
		}
		return s.statuses.Redraw(ctx, tx, in.Status)
	})
}

// look fetches a page and makes its card; nil where it has none. It returns an error only for what may be better later.
func (s *Service) look(ctx context.Context, at string) (*social.Card, error) {
	res, err := s.fetch.Get(ctx, at)
	if errors.Is(err, fetch.ErrForbidden) || errors.Is(err, fetch.ErrTooLarge) {
		return nil, nil //nolint:nilnil // no card, and no reason to ask again
	}
	if err != nil {
		return nil, err
	}
	if res.Status != 200 || res.Type != "text/html" && res.Type != "application/xhtml+xml" {
		return nil, nil //nolint:nilnil // as above
	}
	p, ok := parse(res.Body, res.Type, res.URL)
	if !ok {
		return nil, nil //nolint:nilnil // as above
	}
	p.URL = at
	if p.picture != "" {
		s.picture(ctx, &p, res.URL)
	}
	return &p.Card, nil
}

// picture fetches a page's picture and keeps it. A card without one is still a card.
func (s *Service) picture(ctx context.Context, p *page, at string) {
	base, err := url.Parse(at)
	if err != nil {
		return
	}
	ref, err := base.Parse(p.picture)
	if err != nil {
		return
	}
	res, err := s.fetch.Get(ctx, ref.String())
	if err != nil || res.Status != 200 {
		return
	}
	photo, err := s.files.Put(ctx, res.Body)
	if err != nil {
		return
	}
	p.Image, p.Width, p.Height = &photo.Path, photo.Width, photo.Height
	if hash, err := s.blur(photo.Thumb); err == nil {
		p.Blurhash = &hash
	}
}

// blur returns the blurhash (blurha.sh) of a picture kept here.
func (s *Service) blur(path string) (string, error) {
	f, err := s.files.Read(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // it was only read
	img, _, err := image.Decode(f)
	if err != nil {
		return "", err
	}
	return blurhash.Encode(4, 3, img)
}

// Sweep deletes the pictures of cards that were fetched before a time. The cards stay, without them.
func (s *Service) Sweep(ctx context.Context, before time.Time) error {
	const batch = 100
	return personal.Batches(ctx, s.db, batch, func(tx *db.Tx) (int64, error) {
		old, err := withPicture(ctx, tx, before, batch)
		if err != nil {
			return 0, err
		}
		for path, key := range old {
			if err := s.files.Remove(path); err != nil {
				return 0, err
			}
			if err := forgetPicture(ctx, tx, key); err != nil {
				return 0, err
			}
		}
		return int64(len(old)), nil
	})
}

// Personal says that cards hold nothing about people here.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name:   "link previews",
		Tables: []personal.Table{{Name: "preview", Plain: "url_sha256 card image fetched_at"}},
		Rules:  []personal.Rule{{Name: "link previews", Keep: func() time.Duration { return KeepPictures }, Sweep: s.Sweep}},
		Shows:  shows,
	}
}

// decoded returns a stored card.
func decoded(text, picture string) (social.Card, error) {
	var c social.Card
	err := json.NewDecoder(bytes.NewReader([]byte(text))).Decode(&c)
	if c.Image = nil; picture != "" {
		c.Image = &picture
	}
	return c, err
}
