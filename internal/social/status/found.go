package status

import (
	"context"
	"errors"
	"strings"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/markup"
	"github.com/stoa-town/stoa/internal/platform/db"
)

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
