package dispatch

import "github.com/stoa-town/stoa/internal/platform/httpx"

func (s *Service) pages(*httpx.Router) {}
