package cart

import "github.com/stoa-town/stoa/internal/platform/httpx"

// Routes registers the pages and the operations of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	_ = rt
}
