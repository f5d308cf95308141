package media

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what is stored of files that people sent with their posts.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "media",
		Tables: []personal.Table{
			{
				Name: "attachment", Personal: "path preview description blurhash", Link: "owner",
				Plain: "id status position loose_at kind own_preview bytes width height small_width small_height length rate focused focus_x focus_y",
			},
			{Name: "attachment_use", Link: "owner", Plain: "files bytes"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Pictures, films and sounds"),
				What:  i18n.T(ctx, "Files that you sent with your posts and what you wrote about them. Where a picture or film was taken is taken out of it before it is stored."),
				Why:   i18n.T(ctx, "So that your posts show them."),
				Kept:  i18n.T(ctx, "Until you delete the post or your account; a file that no post carries for a day."),
			}
		},
		Count: func(ctx context.Context, account id.ID) (int, error) {
			u, err := s.Use(ctx, account)
			return int(u.Files), err
		},
		Export: s.export,
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			paths, n, err := remove(ctx, tx, ofOwner, account)
			if err == nil && n < 200 {
				err = dropUse(ctx, tx, account)
			}
			return personal.Erased{More: n == 200, Files: paths}, err
		},
	}
}

// sent is a file in its owner's copy.
type sent struct {
	ID          id.ID     `json:"id"`
	Status      id.ID     `json:"status,omitzero"`
	Type        string    `json:"type"`
	Path        string    `json:"path"`
	Bytes       int64     `json:"bytes"`
	Description string    `json:"description,omitempty"`
	Sent        time.Time `json:"sent_at"`
}

func (s *Service) export(ctx context.Context, account id.ID, to personal.Archive) error {
	var out []sent
	for above := id.ID(0); ; {
		var rows []*record
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			rows, err = after(ctx, tx, account, above, 200)
			return err
		})
		if err != nil {
			return err
		}
		for _, r := range rows {
			above = r.id
			out = append(out, sent{ID: r.id, Status: r.status, Type: r.kind, Path: r.path, Bytes: r.bytes, Description: r.description, Sent: r.id.Time()})
			if err := to.Picture(r.path, i18n.T(ctx, "A file of a post of yours")); err != nil {
				return err
			}
		}
		if len(rows) < 200 {
			break
		}
	}
	if len(out) == 0 {
		return nil
	}
	return to.JSON("media.json", i18n.T(ctx, "Files that you sent with your posts"), out)
}
