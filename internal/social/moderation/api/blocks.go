package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/social/moderation/guard"
)

// Routes registers docs.joinmastodon.org/methods/admin but for figures and trends, which package figures and social/trend have.
func (s *Service) Routes(rt *httpx.Router) {
	s.accountRoutes(rt)
	s.reportRoutes(rt)
	s.tagRoutes(rt)
	s.blocks(rt, guard.IP, "ip_blocks", "ips")
	s.blocks(rt, guard.Mail, "email_domain_blocks", "mails")
	s.blocks(rt, guard.Address, "canonical_email_blocks", "addresses")
	s.blocks(rt, guard.Domain, "domain_blocks", "domains")
	s.blocks(rt, guard.Allow, "domain_allows", "allows")
	mastodon.Handle(rt, "POST /api/v1/admin/canonical_email_blocks/test", httpx.May("moderation.read_addresses"), func(r *mastodon.Request) (any, error) {
		var in input
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		hash, err := guard.Hash(in.Email)
		if err != nil {
			return nil, err
		}
		b, err := s.Guard.By(r.Context(), guard.Address, hash)
		if errs.Is(err, errs.NotFound) {
			return []any{}, nil
		}
		if err != nil {
			return nil, err
		}
		return []any{s.entity(b, nil)}, nil
	})
}

// input is what apps send about any kind of block.
type input struct {
	Domain    string `json:"domain"`
	IP        string `json:"ip"`
	Email     string `json:"email"`
	Hash      string `json:"canonical_email_hash"`
	Severity  string `json:"severity"`
	Comment   string `json:"comment"`
	Expires   int64  `json:"expires_in"` // seconds
	Private   string `json:"private_comment"`
	Public    string `json:"public_comment"`
	Media     bool   `json:"reject_media"`
	Reports   bool   `json:"reject_reports"`
	Obfuscate bool   `json:"obfuscate"`
	Approval  bool   `json:"allow_with_approval"`
}

// mostExpiry is the longest time after which a block runs out by itself.
const mostExpiry = 20 * 366 * 24 * time.Hour

// apply puts what was sent into a block.
func (s *Service) apply(r *mastodon.Request, b *guard.Block) error {
	in := input{Severity: b.Severity, Comment: b.Comment, Private: b.Comment, Public: b.Public}
	in.Media, in.Reports, in.Obfuscate, in.Approval = b.Has(guard.RejectMedia), b.Has(guard.RejectReports), b.Has(guard.Obfuscate), b.Has(guard.WithApproval)
	if err := r.Decode(&in); err != nil {
		return err
	}
	b.Severity = in.Severity
	switch b.Kind {
	case guard.IP:
		if b.Comment = in.Comment; r.Has("ip") {
			b.Value = in.IP
		}
		if r.Has("expires_in") {
			if in.Expires < 0 || in.Expires > int64(mostExpiry/time.Second) {
				return errs.InvalidField("expires_in", "Write a number of seconds, of twenty years at most.")
			}
			if b.ExpiresAt = (time.Time{}); in.Expires > 0 {
				b.ExpiresAt = s.Now().Add(time.Duration(in.Expires) * time.Second).UTC()
			}
		}
	case guard.Address:
		if b.Value = in.Hash; b.Value == "" {
			hash, err := guard.Hash(in.Email)
			if err != nil {
				return err
			}
			b.Value = hash
		}
	default:
		b.Comment, b.Public = in.Private, in.Public
		if b.ID == 0 {
			b.Value = in.Domain
		}
	}
	b.Options = nil
	for o, on := range map[string]bool{guard.RejectMedia: in.Media, guard.RejectReports: in.Reports, guard.Obfuscate: in.Obfuscate, guard.WithApproval: in.Approval} {
		if on {
			b.Options = append(b.Options, o)
		}
	}
	slices.Sort(b.Options)
	return nil
}

// blocks registers what is done with a kind of blocks.
func (s *Service) blocks(rt *httpx.Router, kind guard.Kind, path, verb string) {
	see, do := httpx.May("moderation.read_"+verb), httpx.May("moderation.write_"+verb)
	base := "/api/v1/admin/" + path
	show := func(ctx context.Context, b *guard.Block, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		return s.full(ctx, b)
	}
	mastodon.Handle(rt, "GET "+base, see, func(r *mastodon.Request) (any, error) { return s.handleBlocks(r, kind) })
	mastodon.Handle(rt, "POST "+base, do, func(r *mastodon.Request) (any, error) { return s.handleBlock(r, kind) })
	one := func(pattern string, g httpx.Guard, fn func(r *mastodon.Request, n id.ID) (any, error)) {
		mastodon.Handle(rt, pattern, g, func(r *mastodon.Request) (any, error) {
			n, err := r.ID("id")
			if err != nil {
				return nil, err
			}
			return fn(r, n)
		})
	}
	one("GET "+base+"/{id}", see, func(r *mastodon.Request, n id.ID) (any, error) {
		b, err := s.Guard.Get(r.Context(), kind, n)
		return show(r.Context(), b, err)
	})
	one("DELETE "+base+"/{id}", do, func(r *mastodon.Request, n id.ID) (any, error) {
		_, err := s.Guard.Remove(r.Context(), kind, n)
		return nil, err
	})
	if kind == guard.IP || kind == guard.Domain {
		one("PUT "+base+"/{id}", do, func(r *mastodon.Request, n id.ID) (any, error) {
			b, err := s.Guard.Get(r.Context(), kind, n)
			if err != nil {
				return nil, err
			}
			if err := s.apply(r, b); err != nil {
				return nil, err
			}
			b, err = s.Guard.Save(r.Context(), *b)
			return show(r.Context(), b, err)
		})
	}
}

func (s *Service) handleBlocks(r *mastodon.Request, kind guard.Kind) (any, error) {
	p, err := r.Page(100, 200)
	if err != nil {
		return nil, err
	}
	below, above, up := bounds(p)
	list, err := s.Guard.List(r.Context(), kind, below, above, up, p.Limit)
	if err != nil {
		return nil, err
	}
	list = paged(r, p, list, func(b *guard.Block) id.ID { return b.ID })
	out := []any{}
	for _, b := range list {
		e, err := s.full(r.Context(), b)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (s *Service) handleBlock(r *mastodon.Request, kind guard.Kind) (any, error) {
	b := guard.Block{Kind: kind}
	if err := s.apply(r, &b); err != nil {
		return nil, err
	}
	made, err := s.Guard.Add(r.Context(), b)
	if errs.CodeOf(err) != "taken" {
		if err != nil {
			return nil, err
		}
		return s.full(r.Context(), made)
	}
	if kind != guard.Allow && kind != guard.Domain {
		return nil, err
	}
	old, bad := s.Guard.Find(r.Context(), b)
	if bad != nil {
		return nil, bad
	}
	e, bad := s.full(r.Context(), old)
	if bad != nil || kind == guard.Allow {
		return e, bad
	}
	return mastodon.Reply{Status: http.StatusUnprocessableEntity, Body: map[string]any{"error": err.Error(), "existing_domain_block": e}}, nil
}

// full returns a block as the API shows it, with what it kept out.
func (s *Service) full(ctx context.Context, b *guard.Block) (any, error) {
	if b.Kind != guard.Mail {
		return s.entity(b, nil), nil
	}
	tries, today, err := s.Guard.Tries(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	history := make([]map[string]string, len(tries))
	for i, n := range tries {
		history[i] = map[string]string{"day": strconv.FormatInt((today-int64(i))*86400, 10), "accounts": strconv.FormatInt(n, 10), "uses": strconv.FormatInt(n, 10)}
	}
	return s.entity(b, history), nil
}

// entity returns a block as the API shows it.
func (s *Service) entity(b *guard.Block, history any) map[string]any {
	at := social.Time{Time: b.CreatedAt}
	switch b.Kind {
	case guard.IP:
		return map[string]any{"id": b.ID, "ip": b.Value, "severity": b.Severity, "comment": b.Comment, "created_at": at, "expires_at": social.Time{Time: b.ExpiresAt}}
	case guard.Mail:
		return map[string]any{"id": b.ID, "domain": b.Value, "created_at": at, "history": history, "allow_with_approval": b.Has(guard.WithApproval)}
	case guard.Address:
		return map[string]any{"id": b.ID, "canonical_email_hash": b.Value}
	case guard.Domain:
		sum := sha256.Sum256([]byte(b.Value))
		return map[string]any{
			"id": b.ID, "domain": b.Value, "digest": hex.EncodeToString(sum[:]), "created_at": at, "severity": b.Severity, "reject_media": b.Has(guard.RejectMedia),
			"reject_reports": b.Has(guard.RejectReports), "private_comment": orNull(b.Comment), "public_comment": orNull(b.Public), "obfuscate": b.Has(guard.Obfuscate),
		}
	}
	return map[string]any{"id": b.ID, "domain": b.Value, "created_at": at}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
