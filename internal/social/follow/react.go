package follow

import (
	"encoding/json"

	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// React has this node forget relations that changed on any node.
func (s *Service) React(log *events.Log) {
	log.Watch(func(list []events.Event) {
		for _, e := range list {
			var f social.Followed
			if e.Kind != social.KindFollowed || json.Unmarshal(e.Data, &f) != nil {
				continue
			}
			s.cache.drop(f.From)
			if f.Tie == social.TieBlock {
				s.cache.drop(f.To)
			}
		}
	})
}
