package profile

import (
	"io"
	"mime/multipart"
	"net/url"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Routes registers the operations of Mastodon's API, and the drawn pictures. Those that are about oneself take the parameter as, the handle of
// the profile to act as: a restaurant that one works at, a group that one moderates.
func (s *Service) Routes(rt *httpx.Router) {
	reads, writes, open := httpx.May("profile.read"), httpx.May("profile.write"), httpx.GuestOr("profile.read")
	mastodon.Handle(rt, "GET /api/v1/accounts/verify_credentials", httpx.May("profile.self"), s.handleSelf)
	mastodon.Handle(rt, "PATCH /api/v1/accounts/update_credentials", writes, s.handleUpdate)
	mastodon.Handle(rt, "DELETE /api/v1/profile/avatar", writes, s.without(false))
	mastodon.Handle(rt, "DELETE /api/v1/profile/header", writes, s.without(true))
	mastodon.Handle(rt, "GET /api/v1/preferences", reads, s.handlePreferences)

	mastodon.Handle(rt, "GET /api/v1/accounts", open, s.handleList)
	mastodon.Handle(rt, "GET /api/v1/accounts/{id}", open, s.handleOne)
	mastodon.Handle(rt, "GET /api/v1/accounts/lookup", open, s.handleLookup)
	mastodon.Handle(rt, "GET /api/v1/accounts/search", open, s.handleSearch)

	mastodon.Handle(rt, "GET /api/v1/accounts/{id}/featured_tags", open, s.handleTagsOf)
	mastodon.Handle(rt, "GET /api/v1/featured_tags", reads, s.handleTags)
	mastodon.Handle(rt, "POST /api/v1/featured_tags", writes, s.handleFeature)
	mastodon.Handle(rt, "DELETE /api/v1/featured_tags/{id}", writes, s.handleUnfeature)
	mastodon.Handle(rt, "GET /api/v1/featured_tags/suggestions", reads, s.handleSuggestions)
	mastodon.Handle(rt, "POST /api/v1/tags/{name}/feature", writes, s.featureTag(true))
	mastodon.Handle(rt, "POST /api/v1/tags/{name}/unfeature", writes, s.featureTag(false))

	rt.Raw("GET "+avatarPath+"{file}", httpx.Anyone, s.serve(avatarPath, s.drawn.avatar))
	rt.Raw("GET "+headerPath+"{file}", httpx.Anyone, s.serve(headerPath, s.drawn.header))
}

// me returns the profile that a request acts as; 0 for a stranger.
func (s *Service) me(r *mastodon.Request) (id.ID, error) {
	if !r.Actor().SignedIn() {
		return 0, nil
	}
	var in struct {
		As string `json:"as"`
	}
	if err := r.Decode(&in); err != nil {
		return 0, err
	}
	return s.ActAs(r.Context(), r.Actor(), in.As)
}

// Credentials is a profile as its own person sees it (docs.joinmastodon.org/entities/Account/#CredentialAccount).
type Credentials struct {
	*social.Account
	Source source `json:"source"`
	Role   role   `json:"role"`
}

type source struct {
	Privacy      social.Visibility `json:"privacy"`
	Sensitive    bool              `json:"sensitive"`
	Language     *string           `json:"language"`
	Note         string            `json:"note"`
	Fields       []social.Field    `json:"fields"`
	Requests     int               `json:"follow_requests_count"`
	Secretive    bool              `json:"hide_collections"`
	Discoverable bool              `json:"discoverable"`
	Indexable    bool              `json:"indexable"`
	Quotes       string            `json:"quote_policy"`
	Domains      []string          `json:"attribution_domains"`
}

// role is what somebody may do besides; permissions are a sum of bits.
type role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Color       string `json:"color"`
	Permissions string `json:"permissions"`
	Highlighted bool   `json:"highlighted"`
}

// roleOf returns the highest role of an actor as Mastodon's API knows it.
func roleOf(a access.Actor) role {
	switch {
	case a.Has(access.RoleAdmin):
		return role{ID: "3", Name: "Admin", Permissions: "1"} // everything
	case a.Has(access.RoleModerator):
		return role{ID: "2", Name: "Moderator", Permissions: "1308"} // dashboard, audit log, reports, trends, users
	}
	return role{ID: "-99", Permissions: "0"}
}

// wire returns a visibility as apps know it: those of the town are public to them.
func wire(v social.Visibility) social.Visibility { return social.Visibility(v.Wire(false)) }

// credentials returns a profile as whoever acts as it sees it.
func (s *Service) credentials(r *mastodon.Request, profile id.ID) (any, error) {
	p, err := s.entry(r.Context(), profile)
	if err != nil {
		return nil, err
	}
	out := Credentials{Account: p.account, Role: roleOf(r.Actor())}
	out.Source = source{
		Privacy: wire(p.Defaults.Visibility), Sensitive: p.Defaults.Sensitive, Note: p.Note, Fields: []social.Field{}, Secretive: p.Secretive,
		Discoverable: p.Discoverable, Indexable: p.Indexable, Quotes: p.Defaults.Quotes, Domains: []string{},
	}
	if p.Defaults.Language != "" {
		out.Source.Language = &p.Defaults.Language
	}
	for _, f := range p.Fields {
		out.Source.Fields = append(out.Source.Fields, social.Field{Name: f.Name, Value: f.Value, VerifiedAt: social.Time{Time: f.Verified}})
	}
	if p.Locked { // else nobody waits
		out.Source.Requests, err = s.opt.Requests(r.Context(), profile)
	}
	return out, err
}

func (s *Service) handleSelf(r *mastodon.Request) (any, error) {
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	return s.credentials(r, me)
}

// wanted is what apps send to change a profile.
type wanted struct {
	Name         *string      `json:"display_name"`
	Note         *string      `json:"note"`
	Fields       *[]FieldText `json:"fields_attributes"`
	AvatarAlt    *string      `json:"avatar_description"`
	HeaderAlt    *string      `json:"header_description"`
	Locked       *bool        `json:"locked"`
	Bot          *bool        `json:"bot"`
	Discoverable *bool        `json:"discoverable"`
	Indexable    *bool        `json:"indexable"`
	Secretive    *bool        `json:"hide_collections"`
	Source       struct {
		Visibility *string `json:"privacy"`
		Sensitive  *bool   `json:"sensitive"`
		Language   *string `json:"language"`
		Quotes     *string `json:"quote_policy"`
	} `json:"source"`
}

func (s *Service) handleUpdate(r *mastodon.Request) (any, error) {
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	var in wanted
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	c := Change{
		Name: in.Name, Note: in.Note, Fields: in.Fields, AvatarAlt: in.AvatarAlt, HeaderAlt: in.HeaderAlt, Locked: in.Locked, Bot: in.Bot,
		Discoverable: in.Discoverable, Indexable: in.Indexable, Secretive: in.Secretive, Visibility: in.Source.Visibility,
		Sensitive: in.Source.Sensitive, Language: in.Source.Language, Quotes: in.Source.Quotes,
	}
	for name, to := range map[string]*[]byte{"avatar": &c.Avatar, "header": &c.Header} {
		if f, ok := r.File(name); ok {
			if *to, err = content(name, f); err != nil {
				return nil, err
			}
		}
	}
	if err := s.Update(r.Context(), me, c); err != nil {
		return nil, err
	}
	return s.credentials(r, me)
}

// content reads a picture that was sent.
func content(name string, f *multipart.FileHeader) ([]byte, error) {
	if f.Size > files.MaxBytes {
		return nil, errs.InvalidField(name, "Validation failed: a picture has at most %d MB.", files.MaxBytes>>20)
	}
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}

func (s *Service) without(header bool) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		me, err := s.me(r)
		if err != nil {
			return nil, err
		}
		if err := s.RemovePicture(r.Context(), me, header); err != nil {
			return nil, err
		}
		return s.credentials(r, me)
	}
}

func (s *Service) handlePreferences(r *mastodon.Request) (any, error) {
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	d, err := s.Defaults(r.Context(), me)
	if err != nil {
		return nil, err
	}
	var lang *string
	if d.Language != "" {
		lang = &d.Language
	}
	return map[string]any{
		"posting:default:visibility": wire(d.Visibility), "posting:default:sensitive": d.Sensitive, "posting:default:language": lang,
		"posting:default:quote_policy": d.Quotes, "reading:expand:media": "default", "reading:expand:spoilers": false, "reading:autoplay:gifs": false,
	}, nil
}

func (s *Service) handleOne(r *mastodon.Request) (any, error) {
	i, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	return s.Entity(r.Context(), i)
}

// handleList answers with the profiles asked for by id[], in their order.
func (s *Service) handleList(r *mastodon.Request) (any, error) {
	var in struct {
		ID []string `json:"id"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	var ids []id.ID
	for _, text := range in.ID[:min(len(in.ID), 80)] {
		if i, err := id.Parse(text); err == nil {
			ids = append(ids, i)
		}
	}
	found, err := s.Entities(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	out := []*social.Account{}
	for _, i := range ids {
		if a := found[i]; a != nil {
			out = append(out, a)
			delete(found, i)
		}
	}
	return out, nil
}

func (s *Service) handleLookup(r *mastodon.Request) (any, error) {
	i, err := s.Resolve(r.Context(), r.URL.Query().Get("acct"))
	if err != nil {
		return nil, err
	}
	return s.Entity(r.Context(), i)
}

func (s *Service) handleSearch(r *mastodon.Request) (any, error) {
	in := struct {
		Text      string `json:"q"`
		Following bool   `json:"following"`
		Limit     int    `json:"limit"`
		Offset    int    `json:"offset"`
	}{Limit: 40}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	q := Query{Text: in.Text, Viewer: me, Followed: in.Following, Limit: min(max(in.Limit, 1), 80), Offset: min(max(in.Offset, 0), 10_000)}
	return s.Search(r.Context(), q)
}

func (s *Service) handleTagsOf(r *mastodon.Request) (any, error) {
	i, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	return s.Featured(r.Context(), i)
}

func (s *Service) handleTags(r *mastodon.Request) (any, error) {
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	return s.Featured(r.Context(), me)
}

func (s *Service) handleFeature(r *mastodon.Request) (any, error) {
	var in struct {
		Name string `json:"name"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	return s.Feature(r.Context(), me, in.Name)
}

func (s *Service) handleUnfeature(r *mastodon.Request) (any, error) {
	tag, err := r.ID("id")
	if err != nil || tag == 0 {
		return nil, errUnknown
	}
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	return nil, s.Unfeature(r.Context(), me, tag, "")
}

// tagReply is a hashtag (docs.joinmastodon.org/entities/Tag) as far as profiles know it.
type tagReply struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	URL       string `json:"url"`
	History   []any  `json:"history"`
	Featuring bool   `json:"featuring"`
}

func (s *Service) tag(name string, featuring bool) tagReply {
	return tagReply{ID: name, Name: name, URL: s.opt.URL() + "/tags/" + url.PathEscape(name), History: []any{}, Featuring: featuring}
}

// featureTag shows the hashtag in the path on one's profile, or no longer.
func (s *Service) featureTag(on bool) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		name, _ := Tag(r.PathValue("name"))
		if name == "" {
			return nil, errUnknown
		}
		me, err := s.me(r)
		if err != nil {
			return nil, err
		}
		if on {
			_, err = s.Feature(r.Context(), me, r.PathValue("name"))
		} else {
			err = s.Unfeature(r.Context(), me, 0, name)
		}
		if err != nil {
			return nil, err
		}
		return s.tag(name, on), nil
	}
}

// handleSuggestions answers with hashtags (docs.joinmastodon.org/entities/Tag) that one might show.
func (s *Service) handleSuggestions(r *mastodon.Request) (any, error) {
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	uses, err := s.Suggested(r.Context(), me)
	if err != nil {
		return nil, err
	}
	out := make([]tagReply, len(uses))
	for i, u := range uses {
		out[i] = s.tag(u.Tag, false)
	}
	return out, nil
}
