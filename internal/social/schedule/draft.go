package schedule

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Drafts returns somebody's drafts, those changed last first.
func (s *Service) Drafts(ctx context.Context, account id.ID) ([]Draft, error) {
	var rows []draft
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = drafts(ctx, tx, account)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]Draft, len(rows))
	for i, w := range rows {
		if out[i], err = s.draft(ctx, account, w); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Service) draft(ctx context.Context, account id.ID, w draft) (Draft, error) {
	d := Draft{ID: w.id, ChangedAt: w.at}
	if err := json.Unmarshal([]byte(w.doc), &d.Doc); err != nil {
		return d, err
	}
	var err error
	d.Media, err = s.attachments(ctx, account, w.media)
	return d, err
}

// PutDraft keeps a draft: a new one where draft is 0, else in place of that one. It returns an Invalid error for one that is too large, for more
// than MaxDrafts and for files of others, and a NotFound error for a draft of others.
func (s *Service) PutDraft(ctx context.Context, account, which id.ID, doc map[string]any, media []id.ID) (Draft, error) {
	text, err := json.Marshal(doc)
	switch {
	case err != nil:
		return Draft{}, err
	case len(text) > maxDoc:
		return Draft{}, errs.InvalidField("body.draft", "A draft has room for %d KB.", maxDoc>>10)
	case len(doc) == 0 && len(media) == 0:
		return Draft{}, errs.InvalidField("body.draft", "There is nothing in this draft.")
	}
	w := draft{id: which, doc: string(text), media: media, at: s.now().UTC().Truncate(time.Microsecond)}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if which == 0 {
			if all, err := drafts(ctx, tx, account); err != nil || len(all) >= MaxDrafts {
				return errsOr(err, errs.InvalidField("body.draft", "You have %d drafts already. Delete some first.", MaxDrafts))
			}
			w.id = s.ids.Next()
		}
		if err := s.files.Hold(ctx, tx, account, media, w.at.Add(KeepDraft)); err != nil {
			return err
		}
		n, err := putDraft(ctx, tx, account, w)
		if err == nil && n == 0 {
			return errNone
		}
		return err
	})
	if err != nil {
		return Draft{}, err
	}
	return s.draft(ctx, account, w)
}

func errsOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// DeleteDraft deletes a draft, or returns a NotFound error for one of others.
func (s *Service) DeleteDraft(ctx context.Context, account, which id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		n, err := deleteDraft(ctx, tx, account, which)
		return errsOr(err, gone(n))
	})
}

// Sweep deletes drafts that nobody has touched since a time.
func (s *Service) Sweep(ctx context.Context, before time.Time) error {
	const batch = 500
	return personal.Batches(ctx, s.db, batch, func(tx *db.Tx) (int64, error) { return sweepDrafts(ctx, tx, before, batch) })
}
