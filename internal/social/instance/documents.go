package instance

import (
	"context"
	"fmt"
	"html"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/config"
)

// build puts all documents together.
func (s *Service) build(ctx context.Context, conf *config.Config, base string) (*documents, error) {
	if err := s.Count(ctx); err != nil {
		return nil, err
	}
	f, err := s.Figures(ctx)
	if err != nil {
		return nil, err
	}
	ctx = i18n.With(ctx, i18n.Nearest(conf.Town.Lang))
	d := &documents{of: conf, base: base, languages: languages}
	about := i18n.T(ctx, "%s: food from here, and what the neighbours say. A server that the town runs for itself.", conf.Town.Name)
	var contact *social.Account
	if s.Contact != nil {
		who, err := s.Contact(ctx)
		if err != nil {
			return nil, err
		}
		if who != 0 {
			if contact, err = s.Profiles.Entity(ctx, who); err != nil && !errs.Is(err, errs.NotFound) {
				return nil, err
			}
		}
	}
	pic, err := s.picture(ctx, conf.Town.AccentHue)
	if err != nil {
		return nil, err
	}
	key := ""
	if s.Push != nil {
		if key, err = s.Push(ctx); err != nil {
			return nil, err
		}
	}
	peers, blocks := []string{}, []Block{}
	if s.Peers != nil {
		if peers, err = s.Peers(ctx); err != nil {
			return nil, err
		}
	}
	if s.Blocks != nil {
		if blocks, err = s.Blocks(ctx); err != nil {
			return nil, err
		}
	}
	rules := []object{}
	for i, p := range paragraphs(conf.Signup.Rules) {
		rules = append(rules, object{"id": strconv.Itoa(i + 1), "text": p, "hint": "", "translations": object{}})
	}
	d.rules, d.peers, d.blocks = encode(rules), encode(peers), encode(blocks)
	version := Compatible + " (compatible; Stoa " + s.Version + ")"
	sender := ""
	if a, err := mail.ParseAddress(conf.Mail.From); err == nil {
		sender = a.Address
	}
	var terms any
	if len(rules) > 0 {
		terms = base + "/rules"
	}
	all := s.configuration(base, key, terms)
	d.v2 = encode(object{
		"domain": domain(base), "title": conf.Town.Name, "version": version, "source_url": Source, "description": about,
		"usage":         object{"users": object{"active_month": f.ActiveMonth}},
		"thumbnail":     object{"url": base + pic.wide, "blurhash": pic.hash, "versions": object{"@1x": base + pic.wide}},
		"icon":          []object{{"src": base + pic.small, "size": "192x192"}, {"src": base + pic.large, "size": "512x512"}},
		"languages":     []string{conf.Town.Lang},
		"configuration": all,
		"registrations": object{
			"enabled": conf.Signup.Mode != "invite", "approval_required": conf.Signup.Mode == "approval", "reason_required": false, "message": nil,
			"min_age": nil, "url": base + "/sign-up",
		},
		"api_versions": object{"mastodon": APIVersion},
		"contact":      object{"email": sender, "account": contact},
		"rules":        rules,
	})
	d.v1 = encode(object{
		"uri": domain(base), "title": conf.Town.Name, "short_description": about, "description": about, "email": sender, "version": version,
		"urls":      object{"streaming_api": streaming(base)},
		"stats":     object{"user_count": f.Users, "status_count": f.Statuses, "domain_count": len(peers)},
		"thumbnail": base + pic.wide, "languages": []string{conf.Town.Lang},
		"registrations": conf.Signup.Mode != "invite", "approval_required": conf.Signup.Mode == "approval", "invites_enabled": conf.Signup.Mode == "invite",
		"configuration": all, "contact_account": contact, "rules": rules,
	})
	weeks := make([]object, len(f.Weeks))
	for i, w := range f.Weeks {
		weeks[i] = object{
			"week":     strconv.FormatInt(f.Monday.Add(-time.Duration(i)*week).Unix(), 10),
			"statuses": strconv.FormatInt(w.Statuses, 10), "logins": strconv.FormatInt(w.Logins, 10), "registrations": strconv.FormatInt(w.Registrations, 10),
		}
	}
	d.activity = encode(weeks)
	since := social.Time{Time: s.boot}
	d.about = encode(object{"updated_at": since, "content": "<p>" + html.EscapeString(about) + "</p>"})
	d.policy = encode(object{"updated_at": since, "content": s.policyHTML(ctx)})
	if len(rules) > 0 {
		var b strings.Builder
		for _, p := range paragraphs(conf.Signup.Rules) {
			b.WriteString("<p>" + html.EscapeString(p) + "</p>")
		}
		d.terms = encode(object{"effective_date": s.boot.UTC().Format(time.DateOnly), "effective": true, "content": b.String(), "succeeded_by": nil})
	}
	s.nodeInfo(d, conf, base, f)
	return d, nil
}

// configuration is what apps may send, and where what is. terms is the address of the rules, nil where there are none.
func (s *Service) configuration(base, pushKey string, terms any) object {
	l := s.Limits
	return object{
		"urls": object{
			"streaming": streaming(base), "status": nil, "about": base + "/", "privacy_policy": base + "/privacy", "terms_of_service": terms,
		},
		"vapid": object{"public_key": pushKey},
		"accounts": object{
			"max_featured_tags": l.FeaturedTags, "max_pinned_statuses": l.Pins, "max_profile_fields": l.Fields,
			"profile_field_name_limit": l.FieldName, "profile_field_value_limit": l.Field, "max_display_name_length": l.Name, "max_note_length": l.Note,
			"max_avatar_description_length": l.Description, "max_header_description_length": l.Description,
		},
		"statuses": object{
			"max_characters": l.Characters(), "max_media_attachments": l.Attachments, "characters_reserved_per_url": l.Link,
			"supported_mime_types": []string{"text/plain"},
		},
		"media_attachments": object{
			"description_limit": l.Description, "supported_mime_types": l.Types, "image_size_limit": l.Picture, "image_matrix_limit": l.Pixels,
			"video_size_limit": l.Film, "video_matrix_limit": l.FilmPixels, "video_frame_rate_limit": l.Rate,
		},
		"polls": object{
			"max_options": l.Options, "max_characters_per_option": l.OptionChars,
			"min_expiration": int64(l.MinExpiry / time.Second), "max_expiration": int64(l.MaxExpiry / time.Second),
		},
		"translation": object{"enabled": s.Config().Translate.URL != ""},
		"timelines_access": object{
			"live_feeds": object{"local": "public", "remote": "public"}, "hashtag_feeds": object{"local": "public", "remote": "public"},
			"trending_link_feeds": object{"local": "public", "remote": "public"},
		},
		"limited_federation": false,
	}
}

// policyHTML says what is stored of people, part by part.
func (s *Service) policyHTML(ctx context.Context) string {
	var b strings.Builder
	b.WriteString("<p>" + html.EscapeString(i18n.T(ctx, "What is stored about people here, why, and for how long. Everybody can take a copy of theirs and delete it.")) + "</p>")
	if s.Policy == nil {
		return b.String()
	}
	for _, a := range s.Policy(ctx) {
		if a.Title == "" {
			continue
		}
		fmt.Fprintf(&b, "<h2>%s</h2>", html.EscapeString(a.Title))
		for _, text := range []string{a.What, a.Why, a.Kept} {
			if text != "" {
				fmt.Fprintf(&b, "<p>%s</p>", html.EscapeString(text))
			}
		}
	}
	return b.String()
}

// languages are those that people write in, in English words and ordered by their codes.
var languages = func() []byte {
	out := []object{}
	for _, code := range strings.Fields("af am ar az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu he hi hr hu hy id is it ja ka kk km kn ko ku lb lo lt lv mk ml mn mr ms mt my nb ne nl nn oc pa pl ps pt ro ru sc sk sl so sq sr sv sw ta te th tr uk ur uz vi yi zh") {
		out = append(out, object{"code": code, "name": display.English.Languages().Name(language.MustParse(code))})
	}
	return encode(out)
}()
