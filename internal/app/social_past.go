package app

import (
	"bytes"
	"context"
	"io"
	"time"
	"unicode/utf8"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/social/follow/archive"
	"github.com/stoa-town/stoa/internal/social/media"
)

// pastPosts are people's posts of other servers.
type pastPosts struct{ *App }

// Put restores a post with its files; those that can't be shown here are left out.
func (p pastPosts) Put(ctx context.Context, owner id.ID, post *archive.Post, open func(name string) (io.ReadCloser, error)) error {
	_, here, err := p.Statuses.Restored(ctx, owner, post.URI, post.At)
	if err != nil || here {
		return err
	}
	past := social.Past{
		Key: post.URI, At: post.At, Text: post.Text, Spoiler: post.Spoiler, Sensitive: post.Sensitive, Visibility: post.Visibility, Lang: post.Lang,
	}
	for _, m := range post.Media {
		n, err := p.file(ctx, owner, m, open)
		if err != nil {
			return err
		}
		if n != 0 {
			past.Media = append(past.Media, n)
		}
	}
	if past.Text == "" && len(past.Media) == 0 {
		return errs.New(errs.Invalid, "None of its files can be shown here.")
	}
	if post.ReplyTo != "" {
		to, there, err := p.Statuses.Restored(ctx, owner, post.ReplyTo, post.ReplyAt)
		if err != nil {
			return err
		}
		if there {
			past.ReplyTo = to
		}
	}
	_, err = p.Statuses.Restore(ctx, access.Actor{ID: owner}, past)
	return err
}

// file stores a file of a post and returns its id, 0 for what can't be shown here.
func (p pastPosts) file(ctx context.Context, owner id.ID, m archive.Media, open func(name string) (io.ReadCloser, error)) (id.ID, error) {
	in, err := open(m.Name)
	if err != nil {
		return 0, nil //nolint:nilerr // the archive is damaged there: the post comes without this file
	}
	defer in.Close()
	body, err := io.ReadAll(io.LimitReader(in, media.MaxFilm+1))
	if err != nil {
		return 0, nil //nolint:nilerr // as above
	}
	alt := m.Alt
	for utf8.RuneCountInString(alt) > media.MaxDescription {
		_, size := utf8.DecodeLastRuneInString(alt)
		alt = alt[:len(alt)-size]
	}
	a, err := p.Media.Add(ctx, owner, media.Upload{File: bytes.NewReader(body), Size: int64(len(body)), Description: alt, Focus: m.Focus})
	switch {
	case errs.Is(err, errs.Invalid), errs.Is(err, errs.TooLarge) && len(body) > media.MaxPicture:
		return 0, nil
	case errs.Is(err, errs.TooMany): // many are being read just now
		return 0, errs.New(errs.Unavailable, "There is too much to do just now.").WithRetry(time.Second).WithCause(err)
	case err != nil:
		return 0, err
	}
	return a.ID, nil
}
