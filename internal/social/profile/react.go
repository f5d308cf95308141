package profile

import (
	"encoding/json"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// React has this node forget profiles that changed on any node, their counters included, and has links looked at.
func (s *Service) React(log *events.Log, q *jobs.Queue) {
	q.Handle(verifyKind, s.verify)
	log.Watch(func(list []events.Event) {
		for _, e := range list {
			for _, profile := range changes(e) {
				s.cache.drop(profile)
			}
		}
	})
}

// changes returns whose profile or counters an event changes.
func changes(e events.Event) []id.ID {
	switch e.Kind {
	case social.KindProfileChanged, social.KindModerated:
		var p social.ProfileChanged
		if json.Unmarshal(e.Data, &p) == nil {
			return []id.ID{p.Profile}
		}
	case social.KindPosted, social.KindDeleted:
		var h struct {
			Account id.ID `json:"account"`
		}
		if json.Unmarshal(e.Data, &h) == nil {
			return []id.ID{h.Account}
		}
	case social.KindFollowed:
		var f social.Followed
		if json.Unmarshal(e.Data, &f) == nil && (f.Tie == social.TieFollow || f.Tie == social.TieBlock) {
			return []id.ID{f.From, f.To}
		}
	}
	return nil
}
