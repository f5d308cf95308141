package status

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what statuses tell of people.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "statuses",
		Tables: []personal.Table{
			{
				Name: "status", Personal: "tags lang spoiler source content app_name app_url", Link: "account written_by boost_from reply_from quote_from mentions",
				Plain: "id visibility at edited_at boost_of reply_to thread quote_of quote_state quote_policy reply_policy group_id closed media sensitive " +
					"extra_kind extra_id poll replies boosts favourites quotes",
			},
			{Name: "status_tag", Personal: "tag", Plain: "status"},
			{Name: "status_link", Plain: "page status"},
			{Name: "status_mention", Link: "account", Plain: "status"},
			{Name: "status_edit", Personal: "spoiler source content media poll", Plain: "status version at sensitive"},
			{Name: "status_mark", Personal: "value", Link: "account", Plain: "id kind status"},
			{Name: "poll", Link: "account", Plain: "id status expires_at multiple hide_totals voters votes ended"},
			{Name: "poll_choice", Personal: "title", Plain: "poll n votes"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Posts"),
				What:  i18n.T(ctx, "What you posted, with its earlier versions, and who may read it; what you boosted, favourited, bookmarked and pinned, and how you voted."),
				Why:   i18n.T(ctx, "So that those you write for can read it, and you find it again."),
				Kept:  i18n.T(ctx, "Until you delete it, or your account."),
			}
		},
		Count:  personal.Counting(s.DB, countOf),
		Export: s.export,
		Erase:  s.eraseAll,
	}
}

// exported is a status in its author's copy.
type exported struct {
	ID         id.ID             `json:"id"`
	At         time.Time         `json:"at"`
	Edited     *time.Time        `json:"edited,omitempty"`
	Visibility social.Visibility `json:"visibility"`
	Spoiler    string            `json:"spoiler,omitempty"`
	Text       string            `json:"text,omitempty"`
	Language   string            `json:"language,omitempty"`
	Boosted    id.ID             `json:"boosted,omitzero"`
	Answers    id.ID             `json:"answers,omitzero"`
	Quotes     id.ID             `json:"quotes,omitzero"`
	Group      id.ID             `json:"group,omitzero"`
	Poll       []string          `json:"poll,omitempty"`
	Earlier    []string          `json:"earlier_versions,omitempty"`
	App        string            `json:"app,omitempty"`
}

type exportedMark struct {
	What    social.Mark `json:"what"`
	Status  id.ID       `json:"status"`
	Choices string      `json:"choices,omitempty"`
}

const (
	exportPage = 500
	exportFile = 5000 // statuses in a file of the copy
)

// export writes an account's statuses and marks into its copy.
func (s *Service) export(ctx context.Context, account id.ID, to personal.Archive) error {
	what := i18n.T(ctx, "What you posted and boosted")
	var all []exported
	file := 0
	flush := func() error {
		if len(all) == 0 {
			return nil
		}
		file++
		err := to.JSON(fmt.Sprintf("posts-%d.json", file), what, all)
		all = nil
		return err
	}
	for before := Newest; before != 0; {
		part, next, err := s.exportSome(ctx, account, before)
		if err != nil {
			return err
		}
		all, before = append(all, part...), next
		if len(all) >= exportFile {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	var marks []exportedMark
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		for _, kind := range []social.Mark{social.Favourite, social.Bookmark, social.Pin, social.MuteTalk, markVote} {
			ms, err := markedBy(ctx, tx, account, kind, 0, Newest, false, 100_000)
			if err != nil {
				return err
			}
			for _, m := range ms {
				marks = append(marks, exportedMark{m.kind, m.status, m.value})
			}
		}
		return nil
	})
	if err != nil || len(marks) == 0 {
		return err
	}
	return to.JSON("marks.json", i18n.T(ctx, "What you favourited, bookmarked, pinned and muted, and how you voted"), marks)
}

// exportSome returns some statuses below an id, and below which the next are, 0 at the end.
func (s *Service) exportSome(ctx context.Context, account, before id.ID) (out []exported, next id.ID, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		hs, err := byAuthor(ctx, tx, account, before, exportPage)
		if err != nil || len(hs) == 0 {
			return err
		}
		if len(hs) == exportPage {
			next = hs[len(hs)-1].ID
		}
		ids := make([]id.ID, len(hs))
		for i := range hs {
			ids[i] = hs[i].ID
		}
		rows, err := rowsOf(ctx, tx, ids)
		if err != nil {
			return err
		}
		for _, n := range ids {
			e, err := exportOne(ctx, tx, rows[n])
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return nil
	})
	return out, next, err
}

func exportOne(ctx context.Context, tx *db.Tx, r *row) (exported, error) {
	e := exported{
		ID: r.ID, At: r.At, Visibility: r.Visibility, Spoiler: r.spoiler, Text: r.source, Language: r.Lang, Boosted: r.BoostOf, Answers: r.ReplyTo, Quotes: r.QuoteOf,
		Group: r.Group, App: r.appName,
	}
	if r.poll != 0 {
		p, err := pollOf(ctx, tx, r.poll)
		if err != nil {
			return e, err
		}
		e.Poll = p.titles()
	}
	if r.editedAt == 0 {
		return e, nil
	}
	at := micros(r.editedAt)
	e.Edited = &at
	vs, err := versions(ctx, tx, r.ID)
	for _, v := range vs {
		e.Earlier = append(e.Earlier, v.source)
	}
	return e, err
}

const eraseBatch = 50

// eraseAll deletes what an account posted and marked. What somebody wrote for a restaurant stays the restaurant's.
func (s *Service) eraseAll(ctx context.Context, tx *db.Tx, who id.ID) (personal.Erased, error) {
	hs, err := byAuthor(ctx, tx, who, Newest, eraseBatch)
	if err != nil {
		return personal.Erased{}, err
	}
	var ids []id.ID
	for i := range hs {
		ids = append(ids, hs[i].ID)
	}
	rows, err := rowsOf(ctx, tx, ids)
	if err != nil {
		return personal.Erased{}, err
	}
	for _, n := range ids {
		if err := s.eraseOne(ctx, tx, rows[n]); err != nil {
			return personal.Erased{}, err
		}
	}
	ms, err := someMarks(ctx, tx, who, eraseBatch)
	if err != nil {
		return personal.Erased{}, err
	}
	for _, m := range ms {
		if err := s.unmark(ctx, tx, m); err != nil {
			return personal.Erased{}, err
		}
	}
	if len(hs) == eraseBatch || len(ms) == eraseBatch {
		return personal.Erased{More: true}, nil
	}
	tx.AfterCommit(func() { s.readers.drop(who) })
	if err := forgetLinks(ctx, tx, who); err != nil {
		return personal.Erased{}, err
	}
	return personal.Erased{}, events.Redact(ctx, tx, "profile:"+who.String(), func(_ events.Event, fields map[string]json.RawMessage) bool {
		_, tags := fields["tags"]
		_, lang := fields["lang"]
		delete(fields, "tags")
		delete(fields, "lang")
		return tags || lang
	})
}

func (s *Service) eraseOne(ctx context.Context, tx *db.Tx, r *row) error {
	if r.BoostOf != 0 {
		if _, err := s.unboost(ctx, tx, r.Head); err != nil {
			return err
		}
		if _, err := bump(ctx, tx, countBoosts, r.BoostOf, -1); err != nil {
			return err
		}
	} else if _, err := s.erase(ctx, tx, r.ID, true); err != nil {
		return err
	}
	told := social.Deleted{Head: r.Head}
	told.Tags, told.Lang = nil, ""
	tx.AfterCommit(func() { s.heard(told) })
	return s.Log.Append(ctx, tx, s.Now(), 0, told)
}

// unmark takes back a mark of somebody who leaves.
func (s *Service) unmark(ctx context.Context, tx *db.Tx, m mark) error {
	there, err := dropMark(ctx, tx, m.account, m.kind, m.status)
	if err != nil || !there {
		return err
	}
	switch m.kind {
	case social.Favourite:
		_, err = bump(ctx, tx, countFavourites, m.status, -1)
	case markVote:
		err = uncountVotes(ctx, tx, m.status, idList(m.value))
	}
	tx.AfterCommit(func() { s.cache.drop(m.status) })
	return err
}
