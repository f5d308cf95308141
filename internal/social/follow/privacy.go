package follow

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// eraseBatch is how many ties one transaction removes.
const eraseBatch = 100

// Personal says what is stored about whom somebody follows and shuts out.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "follows",
		Tables: []personal.Table{
			{Name: "social_follow", Link: "follower followee", Plain: "id pending boosts notify langs created_at"},
			{Name: "social_block", Link: "blocker blocked", Plain: "id created_at"},
			{Name: "social_mute", Link: "muter muted", Plain: "id notifications until created_at"},
			{Name: "social_domain_block", Personal: "domain", Link: "profile", Plain: "id created_at"},
			{Name: "social_tag_follow", Personal: "name shown", Link: "profile", Plain: "id created_at"},
			{Name: "social_note", Personal: "text", Link: "author about", Plain: "changed_at"},
			{Name: "social_endorsement", Link: "profile target", Plain: "id created_at"},
			{
				Name: "social_import", Personal: "lines problems", Link: "profile",
				Plain: "id kind overwrite state total done failed created_at ended_at archive",
			},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Follows and blocks"),
				What:  i18n.T(ctx, "Whom you follow, mute and block, the hashtags you follow, the servers you block, what you noted about others, and the files of such lists that you brought along."),
				Why:   i18n.T(ctx, "So that you read what you chose, and nothing of whom you shut out."),
				Kept:  i18n.T(ctx, "Until you take it back, or delete your account. Files you brought along: 30 days."),
			}
		},
		Count:  personal.Counting(s.db, countTies),
		Export: s.export,
		Erase:  s.erase,
	}
}

// export writes whom somebody follows and shuts out into their copy: as a document, and as the files that other servers take.
func (s *Service) export(ctx context.Context, account id.ID, to personal.Archive) error {
	doc := map[string]any{}
	for _, c := range []Circle{Following, Followers, Requests, Asked, Blocked, Muted, Endorsed} {
		lines, err := s.accountLines(ctx, account, c, func(Place) []string { return nil })
		if err != nil {
			return err
		}
		for _, l := range lines {
			list, _ := doc[string(c)].([]string)
			doc[string(c)] = append(list, l[0])
		}
	}
	tags, _, _, err := s.Tags(ctx, account, mastodon.Page{Limit: MaxTags})
	if err != nil {
		return err
	}
	for _, t := range tags {
		list, _ := doc["tags"].([]string)
		doc["tags"] = append(list, t.Shown)
	}
	notes, err := s.notes(ctx, account)
	if err != nil {
		return err
	}
	if len(notes) > 0 {
		doc["notes"] = notes
	}
	files, err := s.Imports(ctx, account)
	if err != nil {
		return err
	}
	if len(files) > 0 {
		doc["files_brought_along"] = files
	}
	if len(doc) > 0 {
		if err := to.JSON("follows.json", i18n.T(ctx, "Whom you follow, mute and block, and what you noted about others"), doc); err != nil {
			return err
		}
	}
	for _, f := range []File{FileFollowing, FileBlocks, FileMutes, FileDomains} {
		lines, err := s.lines(ctx, account, f)
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			continue
		}
		var out bytes.Buffer
		if err := s.Export(ctx, account, f, &out); err != nil {
			return err
		}
		if err := to.File(string(f)+".csv", i18n.T(ctx, "The same as a file that other servers of the social network take"), &out); err != nil {
			return err
		}
	}
	return nil
}

// notes returns what somebody noted about others, by their addresses.
func (s *Service) notes(ctx context.Context, author id.ID) (map[string]string, error) {
	var notes map[id.ID]string
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		notes, err = notesBy(ctx, tx, author)
		return err
	})
	if err != nil {
		return nil, err
	}
	address, err := s.addresses(ctx, slices.Collect(maps.Keys(notes)))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for about, text := range notes {
		out[cmp.Or(address[about], about.String())] = text
	}
	return out, nil
}

// erase ends ties of somebody who leaves, with the counters of the others, and then removes the rest.
func (s *Service) erase(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
	pairs, err := tiesOf(ctx, tx, account, eraseBatch)
	if err != nil {
		return personal.Erased{}, err
	}
	all := []id.ID{account}
	for _, p := range pairs {
		all = append(all, p[0], p[1])
	}
	if _, err := s.profiles.Hold(ctx, tx, all...); err != nil {
		return personal.Erased{}, err
	}
	for _, p := range pairs {
		if err := s.end(ctx, tx, p[0], p[1]); err != nil {
			return personal.Erased{}, fmt.Errorf("follow: end a tie of %s: %w", account, err)
		}
	}
	if len(pairs) == eraseBatch {
		return personal.Erased{More: true}, nil
	}
	if err := s.unlinkArchives(ctx, tx, account, time.Time{}); err != nil {
		return personal.Erased{}, err
	}
	blocked, err := eraseRest(ctx, tx, account)
	if err != nil {
		return personal.Erased{}, fmt.Errorf("follow: remove what is left of %s: %w", account, err)
	}
	for _, other := range blocked {
		if err := s.announce(ctx, tx, social.Followed{From: other, To: account, Tie: social.TieBlock, Gone: true}); err != nil {
			return personal.Erased{}, err
		}
	}
	return personal.Erased{}, nil
}
