package discover

import "github.com/stoa-town/stoa/internal/platform/httpx"

func (s *Service) pages(rt *httpx.Router) {}
