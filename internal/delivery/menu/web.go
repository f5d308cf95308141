package menu

import "github.com/stoa-town/stoa/internal/platform/httpx"

func (s *Service) pageRoutes(rt *httpx.Router) {}
