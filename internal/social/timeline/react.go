package timeline

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// React has timelines follow what happens to statuses on all nodes.
func (s *Service) React(log *events.Log) {
	log.Watch(func(list []events.Event) {
		for i := range list {
			if p := decode(&list[i]); p != nil {
				s.Heard(context.Background(), p)
			}
		}
	})
}

func decode(e *events.Event) events.Payload {
	switch e.Kind {
	case social.KindPosted:
		return payload[social.Posted](e)
	case social.KindEdited:
		return payload[social.Edited](e)
	case social.KindDeleted:
		return payload[social.Deleted](e)
	case social.KindProfileChanged:
		return payload[social.ProfileChanged](e)
	case social.KindModerated:
		return payload[social.Moderated](e)
	}
	return nil
}

func payload[P events.Payload](e *events.Event) events.Payload {
	var p P
	if err := json.Unmarshal(e.Data, &p); err != nil {
		slog.Error("timeline: an event can't be read", "kind", e.Kind, "seq", e.Seq, "err", err)
		return nil
	}
	return p
}

// Heard brings the log in step with something that happened. It may be told the same twice, and late.
func (s *Service) Heard(_ context.Context, p events.Payload) {
	switch p := p.(type) {
	case social.Posted:
		s.log.put(&p.Head, false)
	case social.Edited:
		s.log.put(&p.Head, true)
	case social.Deleted:
		s.log.remove(p.ID)
	case social.ProfileChanged:
		s.doubt(p.Profile)
	case social.Moderated:
		s.doubt(p.Profile)
	}
}

// doubt has Run look whether an author is silenced or suspended now.
func (s *Service) doubt(author id.ID) {
	s.mu.Lock()
	s.stale[author] = true
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // it has been told already
	}
}

// Run fills the log from the database, the newest first, and then keeps it true to what moderators do, until ctx ends. Meanwhile, and
// without it, timelines are read from the database.
func (s *Service) Run(ctx context.Context) error {
	next := id.ID(0)
	for on := true; on; {
		found, err := s.Statuses.Ranges(ctx, []social.Range{{Below: next, Limit: s.log.segment}})
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("timeline: load: %w", err)
		}
		next = 0
		if found[0].More {
			next = found[0].Last
		}
		on = s.log.before(found[0].Heads, next)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		}
		if err := s.restate(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "timeline: cannot look at authors", "err", err)
		}
	}
}

// restate reads the statuses of authors anew whose standing may have changed: those of suspended ones are not there any more, and those of
// silenced ones are marked.
func (s *Service) restate(ctx context.Context) error {
	s.mu.Lock()
	authors := s.stale
	s.stale = map[id.ID]bool{}
	s.mu.Unlock()
	for a := range authors {
		if err := s.restateOne(ctx, a); err != nil {
			s.doubt(a)
			return err
		}
	}
	return nil
}

func (s *Service) restateOne(ctx context.Context, author id.ID) error {
	ids := s.log.by(author)
	floor := s.log.from()
	there := map[id.ID]bool{}
	for next := newest; next > floor; {
		found, err := s.Statuses.Ranges(ctx, []social.Range{{Account: author, Above: max(floor, 1) - 1, Below: next, Limit: 1000}})
		if err != nil {
			return err
		}
		for i := range found[0].Heads {
			now := &found[0].Heads[i]
			there[now.ID] = true
			if old, ok := s.log.get(now.ID); !ok || old.Hidden != now.Hidden {
				s.log.put(now, true)
			}
		}
		if next = found[0].Last; !found[0].More {
			break
		}
	}
	for _, n := range ids {
		if !there[n] {
			s.log.leave(n)
		}
	}
	return nil
}
