package search

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// React keeps the index, from the first status ever.
func (s *Service) React(log *events.Log) {
	log.SubscribeFromStart("search", []string{social.KindPosted, social.KindEdited, social.KindDeleted, social.KindMarked}, s.handle)
}

func (s *Service) handle(ctx context.Context, tx *db.Tx, e events.Event) error {
	switch e.Kind {
	case social.KindMarked:
		var m social.Marked
		if err := json.Unmarshal(e.Data, &m); err != nil {
			return fmt.Errorf("search: read a mark: %w", err)
		}
		if m.Mark != social.Favourite && m.Mark != social.Bookmark {
			return nil
		}
		return keep(ctx, tx, m.By, m.Status, string(m.Mark), m.Gone)
	case social.KindPosted, social.KindEdited, social.KindDeleted:
		var h social.Head
		if err := json.Unmarshal(e.Data, &h); err != nil {
			return fmt.Errorf("search: read a status' event: %w", err)
		}
		return s.index(ctx, tx, e.Kind, &h)
	}
	return nil
}

func (s *Service) index(ctx context.Context, tx *db.Tx, kind string, h *social.Head) error {
	if h.BoostOf != 0 {
		return keep(ctx, tx, h.Account, h.BoostOf, "boost", kind == social.KindDeleted)
	}
	counted := h.Visibility == social.Public || h.Visibility == social.Unlisted || h.Visibility == social.Town
	switch kind {
	case social.KindDeleted:
		if counted {
			if err := countTags(ctx, tx, h.Tags, -1, h.At); err != nil {
				return err
			}
		}
		if err := forgetKept(ctx, tx, h.ID); err != nil {
			return err
		}
		return remove(ctx, tx, h.ID)
	case social.KindPosted:
		if counted {
			if err := countTags(ctx, tx, h.Tags, 1, h.At); err != nil {
				return err
			}
		}
	}
	said, about, ok, err := s.Deps.Statuses.Searchable(ctx, tx, h.ID)
	if err != nil || !ok {
		return err // deleted since: its event comes
	}
	return put(ctx, tx, h, Words(said), about)
}

// Personal says that the index holds nothing that is not said by the statuses themselves.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "search",
		Tables: []personal.Table{
			{Name: "search_text", Personal: "body", Plain: "rowid"},
			{Name: "search_status", Personal: "about", Link: "account", Plain: "status at lang"},
			{Name: "search_kept", Link: "account", Plain: "status mark"},
			{Name: "search_tag", Plain: "name uses last_at"},
		},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			more, err := forget(ctx, tx, account, 200)
			return personal.Erased{More: more}, err
		},
	}
}
