package group

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// eraseBatch is how many groups one transaction takes somebody out of, and exportMost how many a copy holds.
const (
	eraseBatch = 100
	exportMost = 10_000
)

// Personal says what groups hold of people.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "groups",
		Tables: []personal.Table{
			{Name: "social_group", Link: "created_by", Plain: "id handle name folded about rules closed joining members created_at deleted_at"},
			{Name: "social_member", Link: "account by_account", Plain: "grp role at"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Groups"),
				What:  i18n.T(ctx, "The groups you are in, have asked to join or are invited to, since when, and whether you moderate them."),
				Why:   i18n.T(ctx, "So that you can read and write in them."),
				Kept:  i18n.T(ctx, "Until you leave them. A group that you own alone goes to the one who has moderated it longest, or has been in it longest."),
			}
		},
		Count:  personal.Counting(s.db, countTies),
		Export: s.export,
		Erase:  s.erase,
	}
}

type exported struct {
	Group string    `json:"group"`
	Name  string    `json:"name"`
	Role  Role      `json:"role"`
	Since time.Time `json:"since"`
}

func (s *Service) export(ctx context.Context, account id.ID, to personal.Archive) error {
	var out []exported
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		ties, err := tiesOf(ctx, tx, account, exportMost)
		for _, t := range ties {
			g, err := byID(ctx, tx, t.group)
			if err != nil {
				continue // it has ended
			}
			out = append(out, exported{g.Handle, g.Name, t.role, t.at})
		}
		return err
	})
	if err != nil || len(out) == 0 {
		return err
	}
	return to.JSON("groups.json", i18n.T(ctx, "Groups you are in, and what you are to them"), out)
}

// erase takes somebody out of their groups, and hands on those that they own alone.
func (s *Service) erase(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
	ties, err := tiesOf(ctx, tx, account, eraseBatch)
	if err != nil {
		return personal.Erased{}, err
	}
	for _, t := range ties {
		if err := s.part(ctx, tx, t); err != nil {
			return personal.Erased{}, err
		}
	}
	return personal.Erased{More: len(ties) == eraseBatch}, nil
}

func (s *Service) part(ctx context.Context, tx *db.Tx, t tie) error {
	there, err := lock(ctx, tx, t.group)
	if err != nil || !there {
		if err == nil {
			err = setRole(ctx, tx, t.group, t.account, Stranger, 0, s.now())
		}
		return err
	}
	g := Group{ID: t.group}
	if t.role == Owner {
		owners, err := countRole(ctx, tx, t.group, Owner)
		if err != nil {
			return err
		}
		if owners == 1 {
			next, err := heir(ctx, tx, t.group, t.account)
			if err == nil && next == 0 {
				err = s.end(ctx, tx, t.group)
			} else if err == nil {
				err = setRole(ctx, tx, t.group, next, Owner, 0, s.now())
			}
			if err != nil {
				return err
			}
		}
	}
	return s.become(ctx, tx, 0, t.account, &g, t.role, Stranger)
}
