package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/gif"
	"io"
	"math"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/files"
)

// Deps are what a Service needs.
type Deps struct {
	DB    *db.DB
	Files *files.Dir
	IDs   *id.Source
	Now   clock.Func
	URL   func() string // the address of the server, without a slash at its end
	// Unlink has files deleted once tx is on disk.
	Unlink func(ctx context.Context, tx *db.Tx, paths []string) error
}

// Options bound what is kept, in bytes.
type Options struct {
	Person int64 // of one person
	Total  int64 // of all
}

// Service keeps attachments. Safe for concurrent use.
type Service struct {
	Deps
	opt    func() Options
	stands map[string]standIn // by kind
}

// New draws what stands for films and sounds without a picture, and returns a Service. o is asked whenever a file is to be kept.
func New(d Deps, o func() Options) (*Service, error) {
	s := &Service{Deps: d, opt: o, stands: map[string]standIn{}}
	for _, kind := range []string{Video, Audio} {
		p, err := stand(kind)
		if err != nil {
			return nil, fmt.Errorf("media: draw what stands for %s: %w", kind, err)
		}
		in := standIn{width: p.Width, height: p.Height}
		if in.path, err = d.Files.PutTrusted(context.Background(), kind, "image/jpeg", p.Large); err != nil {
			return nil, err
		}
		if in.hash, err = hashOf(p.Thumb); err != nil {
			return nil, err
		}
		s.stands[kind] = in
	}
	s.stands[Gifv] = s.stands[Video]
	return s, nil
}

// Upload is a file that somebody sends. Its name and the type that it came with are not asked for.
type Upload struct {
	File        io.ReaderAt
	Size        int64  // of File
	Thumb       []byte // a picture that stands for a film or sound; nil: ours
	Description string
	Focus       *social.Focus
}

// Add stores a file for a person. It returns an Invalid error for what can't be shown, a TooLarge error for too many bytes, here or of the
// person altogether, an Unavailable error where all of the room for files is taken, and a TooMany error while many others are being read.
func (s *Service) Add(ctx context.Context, owner id.ID, up Upload) (*social.Attachment, error) {
	r, content, err := s.prepare(ctx, owner, up)
	if err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.room(ctx, tx, owner, 1, r.bytes); err != nil {
			return err
		}
		return insert(ctx, tx, r, s.Now())
	})
	if err != nil {
		return nil, err
	}
	// The row comes first: a file that is written beside it is swept with it when something ends between the two.
	for path, body := range content {
		if err := s.Files.Store(path, body); err != nil {
			return nil, errors.Join(err, s.drop(context.WithoutCancel(ctx), r.id))
		}
	}
	return s.entity(r), nil
}

// drop removes an attachment that no status carries.
func (s *Service) drop(ctx context.Context, attachment id.ID) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := s.take(ctx, tx, looseOne, attachment)
		return err
	})
}

// room takes the room for bytes, or says that there is none.
func (s *Service) room(ctx context.Context, tx *db.Tx, owner id.ID, count, size int64) error {
	most := s.opt()
	ok, err := take(ctx, tx, owner, count, size, most.Person)
	if err != nil {
		return err
	}
	if !ok {
		return errs.New(errs.TooLarge, "All of your files together may have %d MB: delete posts with files first.", most.Person>>20)
	}
	if ok, err = take(ctx, tx, 0, count, size, most.Total); err != nil {
		return err
	}
	if !ok {
		return errs.New(errs.Unavailable, "There is no room for more files on this server just now. Its admins can make some.").WithRetry(time.Hour)
	}
	return nil
}

// prepare looks into a file and returns what is stored of it, by path.
func (s *Service) prepare(ctx context.Context, owner id.ID, up Upload) (*record, map[string]io.Reader, error) {
	r := &record{id: s.IDs.Next(), owner: owner, focus: up.Focus}
	var err error
	if r.description, err = checkDescription(up.Description); err != nil {
		return nil, nil, err
	}
	if up.File == nil || up.Size == 0 {
		return nil, nil, errNoFile
	}
	if up.Size > MaxFilm {
		return nil, nil, errs.New(errs.TooLarge, "A film or sound has at most %d MB.", int64(MaxFilm>>20))
	}
	f, err := sniff(up.File, up.Size)
	if err != nil {
		return nil, nil, err
	}
	content := map[string]io.Reader{}
	if f.kind == Image {
		if up.Size > MaxPicture {
			return nil, nil, errs.New(errs.TooLarge, "A picture has at most %d MB.", int64(MaxPicture>>20))
		}
		body := make([]byte, up.Size)
		if _, err := up.File.ReadAt(body, 0); err != nil && !errors.Is(err, io.EOF) {
			return nil, nil, fmt.Errorf("media: read a picture: %w", err)
		}
		return r, content, s.picture(ctx, r, f, body, content)
	}
	r.kind, r.path, r.bytes, r.length, r.rate = f.kind, files.NewPath(f.ending), up.Size, f.length, f.rate
	r.width, r.height = f.width, f.height
	content[r.path] = &patched{r: io.NewSectionReader(up.File, 0, up.Size), patches: f.patches}
	stand := s.stands[f.kind]
	r.preview, r.smallWidth, r.smallHeight, r.blurhash = stand.path, stand.width, stand.height, stand.hash
	return r, content, s.thumb(ctx, r, up.Thumb, content)
}

var shape = files.Shape{MaxBytes: MaxPicture, Large: largeSide, Small: smallSide, Alpha: true}

// picture reads a picture. A GIF that moves keeps moving; its first picture is its preview.
func (s *Service) picture(ctx context.Context, r *record, f *found, body []byte, content map[string]io.Reader) error {
	moving := false
	if f.ending == ".gif" {
		rebuilt, frames, err := rebuildGIF(body)
		if err != nil {
			return errContent
		}
		body, moving = rebuilt, frames > 1
	}
	p, err := s.Files.Prepare(ctx, body, shape)
	if err != nil {
		return ofFile(err)
	}
	r.kind = Image
	if r.blurhash, err = hashOf(p.Thumb); err != nil {
		return fmt.Errorf("media: hash a picture: %w", err)
	}
	r.width, r.height, r.path = p.Width, p.Height, files.NewPath(p.Ending)
	large := p.Large
	if moving {
		c, err := gif.DecodeConfig(bytes.NewReader(body))
		if err != nil {
			return errContent
		}
		r.width, r.height, r.path, large = c.Width, c.Height, files.NewPath(".gif"), body
	}
	r.preview, r.ownPreview = files.NewPath(p.Ending), true
	r.smallWidth, r.smallHeight = p.Thumb.Rect.Dx(), p.Thumb.Rect.Dy()
	r.bytes = int64(len(large) + len(p.Small))
	content[r.path], content[r.preview] = bytes.NewReader(large), bytes.NewReader(p.Small)
	return nil
}

// ofFile names the field of this API in an error about a picture.
func ofFile(err error) error {
	if e := errs.As(err); e != nil && e.Kind == errs.Invalid {
		return errContent.WithCause(err)
	}
	return err
}

// thumb gives a film or sound the picture that its owner sent for it.
func (s *Service) thumb(ctx context.Context, r *record, body []byte, content map[string]io.Reader) error {
	if len(body) == 0 {
		return nil
	}
	p, err := s.Files.Prepare(ctx, body, files.Shape{MaxBytes: MaxPicture, Large: smallSide, Small: smallSide})
	if err != nil {
		return ofFile(err)
	}
	if r.blurhash, err = hashOf(p.Thumb); err != nil {
		return fmt.Errorf("media: hash a picture: %w", err)
	}
	r.preview, r.ownPreview, r.smallWidth, r.smallHeight = files.NewPath(p.Ending), true, p.Width, p.Height
	r.bytes += int64(len(p.Large))
	content[r.preview] = bytes.NewReader(p.Large)
	return nil
}

var errMissing = errs.New(errs.NotFound, "Record not found")

// Get returns an attachment of its owner's, whether a status carries it or not, or a NotFound error.
func (s *Service) Get(ctx context.Context, owner, attachment id.ID) (a *social.Attachment, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := own(ctx, tx, owner, attachment)
		if err == nil {
			a = s.entity(r)
		}
		return err
	})
	return a, err
}

func own(ctx context.Context, tx *db.Tx, owner, attachment id.ID) (*record, error) {
	r, err := find(ctx, tx, owner, attachment)
	if errors.Is(err, db.ErrNoRow) {
		return nil, errMissing
	}
	return r, err
}

// Change is what an owner changes about an attachment that no status carries yet; what is nil stays.
type Change struct {
	Description *string
	Focus       *social.Focus
	Thumb       []byte // of a film or sound
}

// Change changes an attachment. It returns a NotFound error for one of others, or that a status carries: then the status is edited.
func (s *Service) Change(ctx context.Context, owner, attachment id.ID, c Change) (a *social.Attachment, err error) {
	thumb, content := &record{}, map[string]io.Reader{}
	if err := s.thumb(ctx, thumb, c.Thumb, content); err != nil {
		return nil, err
	}
	for path, body := range content {
		if err := s.Files.Store(path, body); err != nil {
			return nil, err
		}
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := own(ctx, tx, owner, attachment)
		if err != nil {
			return err
		}
		if r.status != 0 {
			return errMissing
		}
		if thumb.ownPreview && r.kind != Image {
			if err := s.replace(ctx, tx, r, thumb); err != nil {
				return err
			}
		}
		a, err = s.change(ctx, tx, r, c.Description, c.Focus)
		return err
	})
	if thumb.ownPreview && (err != nil || a.Type == Image) {
		err = errors.Join(err, s.Files.Remove(thumb.preview))
	}
	return a, err
}

// replace gives a film or sound another picture.
func (s *Service) replace(ctx context.Context, tx *db.Tx, r, thumb *record) error {
	if err := s.room(ctx, tx, r.owner, 0, thumb.bytes); err != nil {
		return err
	}
	if r.ownPreview {
		if err := s.Unlink(ctx, tx, []string{r.preview}); err != nil {
			return err
		}
	}
	r.preview, r.ownPreview, r.blurhash, r.smallWidth, r.smallHeight = thumb.preview, true, thumb.blurhash, thumb.smallWidth, thumb.smallHeight
	r.bytes += thumb.bytes // what the picture before took is given back with the whole
	return nil
}

func (s *Service) change(ctx context.Context, tx *db.Tx, r *record, description *string, focus *social.Focus) (_ *social.Attachment, err error) {
	if description != nil {
		if r.description, err = checkDescription(*description); err != nil {
			return nil, err
		}
	}
	if focus != nil {
		r.focus = focus
	}
	if err := update(ctx, tx, r); err != nil {
		return nil, fmt.Errorf("media: change %s: %w", r.id, err)
	}
	return s.entity(r), nil
}

// Update changes what is said about a file of the owner's within tx, also of one that a status carries, as editing a status does. nil
// leaves a thing as it is. It returns a NotFound error for a file of others.
func (s *Service) Update(ctx context.Context, tx *db.Tx, owner, attachment id.ID, description *string, focus *social.Focus) error {
	r, err := own(ctx, tx, owner, attachment)
	if err != nil {
		return err
	}
	_, err = s.change(ctx, tx, r, description, focus)
	return err
}

// Attach has a status carry exactly these files, in this order: those that it carried before and that are not named become loose. owner is
// the account that has sent them, whatever profile the status is posted as. It returns an Invalid error for more than MaxAttached, and for
// files of others or of other statuses.
func (s *Service) Attach(ctx context.Context, tx *db.Tx, owner, status id.ID, ids []id.ID) error {
	if len(ids) > MaxAttached {
		return errs.InvalidField("media_ids", "Validation failed: a post carries at most %d files.", MaxAttached)
	}
	if err := shift(ctx, tx, status, MaxAttached); err != nil {
		return fmt.Errorf("media: make room at %s: %w", status, err)
	}
	for i, a := range ids {
		ok, err := attach(ctx, tx, owner, status, a, i)
		if err != nil {
			return fmt.Errorf("media: attach to %s: %w", status, err)
		}
		if !ok {
			return errs.InvalidField("media_ids", "Validation failed: a file is not there, is not yours, or belongs to another post.")
		}
	}
	if err := loosen(ctx, tx, status, MaxAttached, s.Now()); err != nil {
		return fmt.Errorf("media: detach from %s: %w", status, err)
	}
	return nil
}

// Of returns what statuses carry, each in its order; those without files are left out.
func (s *Service) Of(ctx context.Context, tx *db.Tx, statuses []id.ID) (map[id.ID][]social.Attachment, error) {
	rows, err := of(ctx, tx, statuses)
	if err != nil {
		return nil, fmt.Errorf("media: read attachments: %w", err)
	}
	out := make(map[id.ID][]social.Attachment, len(rows))
	for status, list := range rows {
		for _, r := range list {
			out[status] = append(out[status], *s.entity(r))
		}
	}
	return out, nil
}

// Detach takes all files from a status. They can be attached to another one for a day: so a post is deleted and written anew.
func (s *Service) Detach(ctx context.Context, tx *db.Tx, status id.ID) error {
	return loosen(ctx, tx, status, 0, s.Now())
}

// Delete deletes all files of a status.
func (s *Service) Delete(ctx context.Context, tx *db.Tx, status id.ID) error {
	_, err := s.take(ctx, tx, ofStatus, status)
	return err
}

// Hold keeps files that no status carries yet until some time, and Loose longer: those of a status that is to be posted then. It returns an
// Invalid error for files of others or of statuses.
func (s *Service) Hold(ctx context.Context, tx *db.Tx, owner id.ID, ids []id.ID, until time.Time) error {
	if len(ids) > MaxAttached {
		return errs.InvalidField("media_ids", "Validation failed: a post carries at most %d files.", MaxAttached)
	}
	for _, a := range ids {
		ok, err := hold(ctx, tx, owner, a, until)
		if err != nil {
			return fmt.Errorf("media: hold %s: %w", a, err)
		}
		if !ok {
			return errs.InvalidField("media_ids", "Validation failed: a file is not there, is not yours, or belongs to another post.")
		}
	}
	return nil
}

// Remove deletes an attachment of its owner's. It returns a NotFound error for one of others and an Invalid error where a status carries it.
func (s *Service) Remove(ctx context.Context, owner, attachment id.ID) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := own(ctx, tx, owner, attachment)
		if err != nil {
			return err
		}
		if r.status != 0 {
			return errs.New(errs.Invalid, "A post carries this file: edit or delete the post.")
		}
		_, err = s.take(ctx, tx, looseOne, attachment)
		return err
	})
}

// take removes some hundred rows and has their files deleted; it returns how many rows it were.
func (s *Service) take(ctx context.Context, tx *db.Tx, where string, arg any) (int, error) {
	paths, n, err := remove(ctx, tx, where, arg)
	if err != nil {
		return 0, fmt.Errorf("media: remove files: %w", err)
	}
	return n, s.Unlink(ctx, tx, paths)
}

// Use is how much room files take, and how much there may be.
type Use struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
	Limit int64 `json:"limit"` // bytes
}

// Use returns what a person's files take; everybody's for 0.
func (s *Service) Use(ctx context.Context, owner id.ID) (u Use, err error) {
	most := s.opt()
	u.Limit = most.Person
	if owner == 0 {
		u.Limit = most.Total
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		u.Files, u.Bytes, err = use(ctx, tx, owner)
		if errors.Is(err, db.ErrNoRow) {
			return nil
		}
		return err
	})
	return u, err
}

// Sweep deletes what no status has carried for Loose.
func (s *Service) Sweep(ctx context.Context) error {
	before := s.Now().Add(-Loose).UnixMicro()
	for {
		var n int
		err := s.DB.Write(ctx, func(tx *db.Tx) (err error) {
			n, err = s.take(ctx, tx, looseAt, before)
			return err
		})
		if err != nil || n < 200 {
			return err
		}
	}
}

// entity shows an attachment as the API does.
func (s *Service) entity(r *record) *social.Attachment {
	base := s.URL()
	url, preview := base+r.path, base+r.preview
	a := &social.Attachment{ID: r.id, Type: r.kind, URL: &url, PreviewURL: &preview}
	if r.description != "" {
		a.Description = &r.description
	}
	if r.blurhash != "" {
		a.Blurhash = &r.blurhash
	}
	a.Meta = social.Meta{Original: size(r.width, r.height), Small: size(r.smallWidth, r.smallHeight), Focus: r.focus}
	if r.kind != Image {
		if a.Meta.Original == nil {
			a.Meta.Original = &social.Size{}
		}
		a.Meta.Original.Duration = math.Round(r.length.Seconds()*1000) / 1000
		if r.length > 0 {
			a.Meta.Original.Bitrate = int64(float64(r.bytes) * 8 / r.length.Seconds())
		}
		if r.rate > 0 {
			a.Meta.Original.FrameRate = fmt.Sprintf("%d/1000", int64(math.Round(r.rate*1000)))
		}
	}
	return a
}
