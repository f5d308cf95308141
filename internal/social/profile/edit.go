package profile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Update changes a profile; who calls it has checked that the actor may act as it. It returns an Invalid error with every fault of the input.
func (s *Service) Update(ctx context.Context, profile id.ID, c Change) error {
	avatar, header, err := s.pictures(ctx, c)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		old, err := own(ctx, tx, profile)
		if errors.Is(err, db.ErrNoRow) {
			return errUnknown
		}
		if err != nil {
			return err
		}
		r, err := c.apply(old)
		if err != nil {
			return err
		}
		if avatar != "" {
			r.Avatar = avatar
		}
		if header != "" {
			r.Header = header
		}
		if r.Name != old.Name {
			if r.Kind != social.Person {
				return errs.InvalidField("display_name", "The name of a restaurant or a group is changed on its own page.")
			}
			if err := s.opt.Rename(ctx, tx, profile, r.Name); err != nil {
				return err
			}
		}
		return s.store(ctx, tx, old, r)
	})
}

// RemovePicture takes the avatar, or the header, from a profile: a drawn one is shown from then on.
func (s *Service) RemovePicture(ctx context.Context, profile id.ID, header bool) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		old, err := own(ctx, tx, profile)
		if errors.Is(err, db.ErrNoRow) {
			return errUnknown
		}
		if err != nil {
			return err
		}
		r := old
		if header {
			r.Header, r.HeaderAlt = "", ""
		} else {
			r.Avatar, r.AvatarAlt = "", ""
		}
		return s.store(ctx, tx, old, r)
	})
}

// store writes what has changed of a profile, and what follows from it.
func (s *Service) store(ctx context.Context, tx *db.Tx, old, r row) error {
	if err := update(ctx, tx, r, s.now()); err != nil {
		return err
	}
	var unused []string
	for _, p := range [][2]string{{old.Avatar, r.Avatar}, {old.Header, r.Header}} {
		if p[0] != "" && p[0] != p[1] {
			unused = append(unused, p[0])
		}
	}
	if err := s.opt.Unlink(ctx, tx, unused); err != nil {
		return err
	}
	if old.Locked && !r.Locked && s.opt.Unlocked != nil {
		if err := s.opt.Unlocked(ctx, tx, r.ID); err != nil {
			return err
		}
	}
	for _, f := range r.Fields {
		if address(f.Value) != "" && f.Verified.IsZero() {
			if _, err := s.opt.Jobs.Enqueue(ctx, tx, verifyKind, verifyArgs{r.ID}, jobs.Opts{MaxAttempts: 3}); err != nil {
				return err
			}
			break
		}
	}
	return s.announce(ctx, tx, r.ID)
}

// pictures keeps the pictures of a change and returns their URL paths.
func (s *Service) pictures(ctx context.Context, c Change) (avatar, header string, err error) {
	for _, p := range []struct {
		field string
		body  []byte
		to    *string
		small bool
	}{{"avatar", c.Avatar, &avatar, true}, {"header", c.Header, &header, false}} {
		if len(p.body) == 0 {
			continue
		}
		photo, err := s.opt.Files.Put(ctx, p.body)
		if e := errs.As(err); e != nil && e.Kind == errs.Invalid && len(e.Fields) == 1 {
			named := *e
			named.Fields = []errs.Field{e.Fields[0]}
			named.Fields[0].Path = p.field
			return "", "", &named
		}
		if err != nil {
			return "", "", err
		}
		*p.to = photo.Path
	}
	return avatar, header, nil
}

const verifyKind = "profile.verify"

type verifyArgs struct {
	Profile id.ID `json:"profile"`
}

// verify looks at the pages that a profile names, and notes of those that link back by rel="me" that they are the same person's. Pages that
// don't answer, or don't link back, are not.
func (s *Service) verify(ctx context.Context, j jobs.Job) error {
	var args verifyArgs
	if err := json.Unmarshal(j.Args, &args); err != nil {
		return jobs.Discard(err)
	}
	r, err := s.row(ctx, args.Profile)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	fresh := append([]field(nil), r.Fields...)
	changed := false
	for i, f := range fresh {
		if address(f.Value) == "" || !f.Verified.IsZero() {
			continue
		}
		page, err := s.opt.Fetch.Get(ctx, f.Value)
		if errs.Is(err, errs.Unavailable) && j.Attempt < 3 {
			return err
		}
		if err != nil || page.Status != 200 || !strings.Contains(page.Type, "html") || !s.linksBack(page.Body, page.URL, r.Handle) {
			continue
		}
		fresh[i].Verified, changed = s.now().UTC(), true
	}
	if !changed {
		return nil
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		ok, err := setFields(ctx, tx, r.ID, r.Fields, fresh, s.now())
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("profile: fields of %s changed meanwhile", r.ID) // once more
		}
		return s.announce(ctx, tx, r.ID)
	})
}

// linksBack reports whether a page has a link with rel="me" to the profile with a handle.
func (s *Service) linksBack(page []byte, at, handle string) bool {
	base, err := url.Parse(at)
	if err != nil {
		return false
	}
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return false
		case html.StartTagToken, html.SelfClosingTagToken:
		default:
			continue
		}
		t := z.Token()
		if t.DataAtom != atom.A && t.DataAtom != atom.Link {
			continue
		}
		var rel, href string
		for _, a := range t.Attr {
			switch a.Key {
			case "rel":
				rel = strings.ToLower(a.Val)
			case "href":
				href = a.Val
			}
		}
		to, err := base.Parse(strings.TrimSpace(href))
		if err == nil && strings.Contains(" "+strings.Join(strings.Fields(rel), " ")+" ", " me ") && s.isMine(to, handle) {
			return true
		}
	}
}

// isMine reports whether an address is that of the profile with a handle.
func (s *Service) isMine(to *url.URL, handle string) bool {
	path := strings.TrimSuffix(to.Path, "/")
	return strings.EqualFold(to.Host, s.host()) && (strings.EqualFold(path, "/@"+handle) || strings.EqualFold(path, "/users/"+handle))
}

// Pictures keeps what people send; files.Dir is one.
type Pictures interface {
	Put(ctx context.Context, body []byte) (files.Photo, error)
}
