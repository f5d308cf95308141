package profile

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Query is what profiles are searched for.
type Query struct {
	Text     string // beginnings of words of a name or a handle; "@anna@this.host" as well
	Viewer   id.ID  // who searches, 0: a stranger
	Followed bool   // only whom the viewer follows
	Limit    int
	Offset   int
}

// maxWords is how many words of a search count.
const maxWords = 5

// Search returns profiles that have a word beginning with each of a query's: the one with just that handle first, then the most followed. Who
// blocks the viewer is left out.
func (s *Service) Search(ctx context.Context, q Query) ([]*social.Account, error) {
	prefixes := s.prefixes(q.Text)
	if len(prefixes) == 0 || q.Limit <= 0 {
		return []*social.Account{}, nil
	}
	rel, err := s.opt.Relations(ctx, q.Viewer)
	if err != nil {
		return nil, err
	}
	var among []id.ID
	if q.Followed {
		for i := range rel.Follows {
			among = append(among, i)
		}
		if len(among) == 0 {
			return []*social.Account{}, nil
		}
	}
	var ids []id.ID
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		ids, err = search(ctx, tx, prefixes, among, q.Limit, q.Offset)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("profile: search: %w", err)
	}
	found, err := s.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*social.Account, 0, len(ids))
	for _, i := range ids {
		if a := found[i]; a != nil && !rel.BlockedBy[i] {
			out = append(out, a)
		}
	}
	return out, nil
}

// prefixes returns what the words of those must begin with who are searched for.
func (s *Service) prefixes(q string) []string {
	q = text.Clean(q, 100)
	if at, host, ok := strings.Cut(strings.TrimPrefix(q, "@"), "@"); ok {
		if !strings.HasPrefix(strings.ToLower(s.host()), strings.ToLower(host)) {
			return nil // nobody of elsewhere is known here
		}
		q = at
	}
	words := strings.FieldsFunc(text.Fold(q), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
	return words[:min(len(words), maxWords)]
}

// TagUse is how somebody has used a hashtag.
type TagUse struct {
	Tag  string // folded
	Uses int
	Last time.Time
}

// FeaturedTag is a hashtag that somebody shows on their profile (docs.joinmastodon.org/entities/FeaturedTag).
type FeaturedTag struct {
	ID           id.ID   `json:"id"`
	Name         string  `json:"name"`
	URL          string  `json:"url"`
	Uses         string  `json:"statuses_count"`
	LastStatusAt *string `json:"last_status_at"` // a date
}

// Featured returns the hashtags that somebody shows, the one added first in front; none of a profile that is hidden or suspended.
func (s *Service) Featured(ctx context.Context, profile id.ID) ([]FeaturedTag, error) {
	e, err := s.entry(ctx, profile)
	if err != nil {
		return nil, err
	}
	if !e.standing().Here() {
		return []FeaturedTag{}, nil
	}
	var tags []featured
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		tags, err = featuredTags(ctx, tx, profile)
		return err
	})
	if err != nil || len(tags) == 0 {
		return []FeaturedTag{}, err
	}
	uses, err := s.opt.Uses(ctx, profile)
	if err != nil {
		return nil, err
	}
	out := make([]FeaturedTag, len(tags))
	for i, t := range tags {
		out[i] = s.featured(e.Handle, t, uses)
	}
	return out, nil
}

func (s *Service) featured(handle string, t featured, uses []TagUse) FeaturedTag {
	out := FeaturedTag{ID: t.ID, Name: t.Shown, URL: s.opt.URL() + "/@" + handle + "/tagged/" + url.PathEscape(t.Name), Uses: "0"}
	for _, u := range uses {
		if u.Tag == t.Name {
			date := u.Last.UTC().Format("2006-01-02")
			out.Uses, out.LastStatusAt = strconv.Itoa(u.Uses), &date
		}
	}
	return out
}

// Feature has a profile show a hashtag. It returns an Invalid error for what is none, one that is shown already, or too many.
func (s *Service) Feature(ctx context.Context, profile id.ID, name string) (FeaturedTag, error) {
	t := featured{ID: s.ids.Next()}
	if t.Name, t.Shown = Tag(name); t.Name == "" {
		return FeaturedTag{}, errs.InvalidField("name", "Validation failed: this is not a hashtag.")
	}
	e, err := s.entry(ctx, profile)
	if err != nil {
		return FeaturedTag{}, err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := hold(ctx, tx, []id.ID{profile}); err != nil {
			return err
		}
		tags, err := featuredTags(ctx, tx, profile)
		if err != nil {
			return err
		}
		if len(tags) >= MaxTags {
			return errs.InvalidField("name", "Validation failed: a profile shows at most %d hashtags.", MaxTags)
		}
		return insertFeatured(ctx, tx, profile, t, s.now())
	})
	if db.IsUnique(err) {
		return FeaturedTag{}, errs.InvalidField("name", "Validation failed: your profile shows this hashtag already.")
	}
	if err != nil {
		return FeaturedTag{}, err
	}
	uses, err := s.opt.Uses(ctx, profile)
	return s.featured(e.Handle, t, uses), err
}

// Unfeature takes a hashtag from a profile, by its id or, where that is 0, its name. It returns a NotFound error where it is not shown.
func (s *Service) Unfeature(ctx context.Context, profile, tag id.ID, name string) error {
	name, _ = Tag(name)
	return s.db.Write(ctx, func(tx *db.Tx) error {
		ok, err := deleteFeatured(ctx, tx, profile, tag, name)
		if err == nil && !ok {
			return errUnknown
		}
		return err
	})
}

// Suggested returns the hashtags that somebody has used most lately and does not show yet.
func (s *Service) Suggested(ctx context.Context, profile id.ID) ([]TagUse, error) {
	uses, err := s.opt.Uses(ctx, profile)
	if err != nil {
		return nil, err
	}
	var tags []featured
	if err := s.db.Read(ctx, func(tx *db.Tx) error {
		tags, err = featuredTags(ctx, tx, profile)
		return err
	}); err != nil {
		return nil, err
	}
	out := []TagUse{}
	for _, u := range uses {
		shown := false
		for _, t := range tags {
			shown = shown || t.Name == u.Tag
		}
		if !shown && len(out) < MaxTags {
			out = append(out, u)
		}
	}
	return out, nil
}
