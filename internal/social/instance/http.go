package instance

import (
	"encoding/json"
	"net/http"

	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Routes registers docs.joinmastodon.org/methods/instance and oembed, and what other servers ask below /.well-known.
func (s *Service) Routes(rt *httpx.Router) {
	for path, pick := range map[string]func(*documents) []byte{
		"/api/v2/instance":                      func(d *documents) []byte { return d.v2 },
		"/api/v1/instance":                      func(d *documents) []byte { return d.v1 },
		"/api/v1/instance/rules":                func(d *documents) []byte { return d.rules },
		"/api/v1/instance/peers":                func(d *documents) []byte { return d.peers },
		"/api/v1/instance/activity":             func(d *documents) []byte { return d.activity },
		"/api/v1/instance/domain_blocks":        func(d *documents) []byte { return d.blocks },
		"/api/v1/instance/privacy_policy":       func(d *documents) []byte { return d.policy },
		"/api/v1/instance/extended_description": func(d *documents) []byte { return d.about },
		"/api/v1/instance/terms_of_service":     func(d *documents) []byte { return d.terms },
		"/api/v1/instance/languages":            func(d *documents) []byte { return d.languages },
		"/.well-known/nodeinfo":                 func(d *documents) []byte { return d.nodes },
		"/nodeinfo/2.0":                         func(d *documents) []byte { return d.node20 },
		"/nodeinfo/2.1":                         func(d *documents) []byte { return d.node21 },
	} {
		mastodon.Handle(rt, "GET "+path, httpx.Anyone, s.document(pick))
	}
	mastodon.Handle(rt, "GET /.well-known/webfinger", httpx.Anyone, s.handleFinger)
	mastodon.Handle(rt, "GET /api/oembed", httpx.Anyone, s.handleEmbed)
	rt.Raw("GET /.well-known/host-meta", httpx.Anyone, s.hostMeta)
}

var (
	minute  = []string{"public, max-age=60"}
	anybody = []string{"*"}
	across  = []string{"cross-origin"}
)

// document serves one of the documents.
func (s *Service) document(pick func(*documents) []byte) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		d, err := s.current(r.Context())
		if err != nil {
			return nil, err
		}
		body := pick(d)
		if body == nil {
			return nil, errUnknown
		}
		h := r.ReplyHeader()
		h["Cache-Control"], h["Access-Control-Allow-Origin"], h["Cross-Origin-Resource-Policy"] = minute, anybody, across
		return json.RawMessage(body), nil
	}
}

func (s *Service) handleFinger(r *mastodon.Request) (any, error) {
	h := r.ReplyHeader()
	h["Access-Control-Allow-Origin"], h["Cross-Origin-Resource-Policy"] = anybody, across
	doc, err := s.finger(r.Context(), r.URL.Query().Get("resource"))
	if _, done := doc.(mastodon.Reply); err != nil || done {
		return doc, err
	}
	h["Cache-Control"] = minute
	return mastodon.Reply{Header: http.Header{"Content-Type": {"application/jrd+json; charset=utf-8"}}, Body: doc}, nil
}

func (s *Service) handleEmbed(r *mastodon.Request) (any, error) {
	h := r.ReplyHeader()
	h["Access-Control-Allow-Origin"], h["Cross-Origin-Resource-Policy"] = anybody, across
	return s.embed(r)
}
