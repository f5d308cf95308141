package profile

import (
	"context"
	"fmt"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what a profile tells of its person.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "profile",
		Tables: []personal.Table{
			{
				Name: "social_profile", Personal: "handle name note fields avatar avatar_alt header header_alt", Link: "id",
				Plain: "kind host uri page photo locked bot discoverable indexable hide_collections post_visibility post_sensitive post_language post_quotes " +
					"state limited guarded statuses followers following last_status_at indexed created_at changed_at",
			},
			{Name: "social_profile_word", Personal: "word", Link: "profile"},
			{Name: "social_featured_tag", Personal: "name shown", Link: "profile", Plain: "id created_at"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Profile"),
				What:  i18n.T(ctx, "What you show others of yourself: handle, name, pictures, a few words, links, hashtags; and how your posts are by default."),
				Why:   i18n.T(ctx, "So that others can find you and know who they deal with."),
				Kept:  i18n.T(ctx, "Until you delete your account."),
			}
		},
		Export: s.export,
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			pictures, was, err := remove(ctx, tx, account)
			if err != nil {
				return personal.Erased{}, fmt.Errorf("profile: remove that of %s: %w", account, err)
			}
			if !was {
				return personal.Erased{}, nil
			}
			return personal.Erased{Files: pictures}, s.announce(ctx, tx, account)
		},
		Shows: shows,
	}
}

// export writes somebody's own profile into their copy.
func (s *Service) export(ctx context.Context, account id.ID, to personal.Archive) error {
	r, err := s.row(ctx, account)
	if err != nil {
		return err
	}
	doc := map[string]any{
		"handle": r.Handle, "name": r.Name, "note": r.Note, "fields": r.Fields, "avatar_description": r.AvatarAlt, "header_description": r.HeaderAlt,
		"locked": r.Locked, "bot": r.Bot, "discoverable": r.Discoverable, "indexable": r.Indexable, "hide_collections": r.Secretive,
		"post_visibility": r.Defaults.Visibility, "post_sensitive": r.Defaults.Sensitive, "post_language": r.Defaults.Language,
		"quotes_by": r.Defaults.Quotes, "posts": r.Statuses, "followers": r.Followers, "following": r.Following, "since": r.CreatedAt,
	}
	if err := to.JSON("profile.json", i18n.T(ctx, "Your profile"), doc); err != nil {
		return err
	}
	for _, p := range []struct{ path, what string }{{r.Avatar, i18n.T(ctx, "Picture of your profile")}, {r.Header, i18n.T(ctx, "Header of your profile")}} {
		if p.path == "" {
			continue
		}
		if err := to.Picture(p.path, p.what); err != nil {
			return err
		}
	}
	return nil
}
