package instance

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// nodeInfo writes what the server is to other programs: nodeinfo.diaspora.software/protocol, schemas 2.0 and 2.1.
func (s *Service) nodeInfo(d *documents, conf *config.Config, base string, f Figures) {
	const rel = "http://nodeinfo.diaspora.software/ns/schema/"
	d.nodes = encode(object{"links": []object{
		{"rel": rel + "2.1", "href": base + "/nodeinfo/2.1"}, {"rel": rel + "2.0", "href": base + "/nodeinfo/2.0"},
	}})
	doc := object{
		"version": "2.0", "software": object{"name": Software, "version": semver(s.Version)},
		// The schema asks for one at least, and this is what the addresses of profiles and posts are made for.
		"protocols": []string{"activitypub"}, "services": object{"inbound": []string{}, "outbound": []string{}},
		"openRegistrations": conf.Signup.Mode != "invite",
		"usage": object{
			"users":      object{"total": f.Users, "activeMonth": f.ActiveMonth, "activeHalfyear": f.ActiveHalfYear},
			"localPosts": f.Statuses,
		},
		"metadata": object{"nodeName": conf.Town.Name, "features": []string{"mastodon_api", "local_only", "quote_posting"}},
	}
	d.node20 = encode(doc)
	doc["version"] = "2.1"
	doc["software"] = object{"name": Software, "version": semver(s.Version), "repository": Source, "homepage": base}
	d.node21 = encode(doc)
}

var notVersion = regexp.MustCompile(`[^A-Za-z0-9.+-]`)

// semver returns a version as NodeInfo allows it in a name: without anything that is no part of one.
func semver(v string) string {
	if v = notVersion.ReplaceAllString(strings.TrimPrefix(v, "v"), ""); v == "" {
		return "0"
	}
	return v
}

// finger answers WebFinger (RFC 7033) for accounts of this server, named as acct:anna@host or by the address of their profile.
func (s *Service) finger(ctx context.Context, resource string) (any, error) {
	base := s.URL()
	if resource == "" { // the one status that RFC 7033 asks for
		return mastodon.Reply{Status: http.StatusBadRequest, Body: object{"error": i18n.T(ctx, "Say whom you look for: resource=acct:name@host.")}}, nil
	}
	name, ok := s.local(base, resource)
	if !ok {
		return nil, errUnknown
	}
	who, err := s.Profiles.Resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	a, err := s.Profiles.Entity(ctx, who)
	if err != nil {
		return nil, err
	}
	if a.Suspended {
		return nil, errUnknown
	}
	links := []object{
		{"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": a.URL},
		{"rel": "self", "type": "application/activity+json", "href": a.URI},
	}
	if a.Avatar != "" {
		links = append(links, object{"rel": "http://webfinger.net/rel/avatar", "href": a.Avatar})
	}
	return object{"subject": "acct:" + a.Username + "@" + domain(base), "aliases": []string{a.URL, a.URI}, "links": links}, nil
}

var errUnknown = errs.New(errs.NotFound, "Record not found")

// local returns the handle that a resource names, and whether it is of this server. A host is compared with its port and without.
func (s *Service) local(base, resource string) (name string, ok bool) {
	if rest, ok := strings.CutPrefix(resource, base+"/"); ok {
		for _, prefix := range []string{"@", "users/"} {
			if name, ok := strings.CutPrefix(rest, prefix); ok && name != "" && !strings.ContainsAny(name, "/?#@") {
				return name, true
			}
		}
		return "", false
	}
	name, host, ok := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(resource, "acct:"), "@"), "@")
	u, err := url.Parse(base)
	if !ok || err != nil || name == "" {
		return "", false
	}
	return name, strings.EqualFold(host, u.Host) || strings.EqualFold(host, u.Hostname())
}

// statusPath is how a post's address goes on behind that of the server.
var statusPath = regexp.MustCompile(`^/(?:@[^/]+|users/[^/]+/statuses)/([0-9]{1,19})/?$`)

// embed answers oEmbed (oembed.com) for posts that everybody may read: a quotation, which needs no script.
func (s *Service) embed(r *mastodon.Request) (any, error) {
	q := r.URL.Query()
	if f := q.Get("format"); f != "" && f != "json" {
		return mastodon.Reply{Status: http.StatusNotImplemented, Body: object{"error": "Only JSON is spoken here."}}, nil
	}
	base := s.URL()
	rest, here := strings.CutPrefix(q.Get("url"), base)
	m := statusPath.FindStringSubmatch(rest)
	if !here || m == nil {
		return nil, errUnknown
	}
	n, err := id.Parse(m[1])
	if err != nil {
		return nil, errUnknown
	}
	list, err := s.Statuses.Statuses(r.Context(), &social.Relations{}, []id.ID{n}, "")
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || list[0].Visibility != string(social.Public) && list[0].Visibility != string(social.Unlisted) || list[0].URL == nil {
		return nil, errUnknown
	}
	st, width := list[0], 400
	if w, err := strconv.Atoi(q.Get("maxwidth")); err == nil && w > 0 {
		width = min(width, w)
	}
	name := st.Account.DisplayName
	if name == "" {
		name = st.Account.Username
	}
	text := st.Content
	if st.SpoilerText != "" {
		text = "<p>" + html.EscapeString(st.SpoilerText) + "</p>"
	}
	title := s.Config().Town.Name
	return object{
		"type": "rich", "version": "1.0", "title": fmt.Sprintf("%s (@%s)", name, st.Account.Acct), "author_name": name, "author_url": st.Account.URL,
		"provider_name": title, "provider_url": base + "/", "cache_age": 86400, "width": width, "height": nil,
		"html": fmt.Sprintf(`<blockquote cite="%s" style="max-width:%dpx">%s<footer>%s (@%s@%s), <a href="%s">%s</a></footer></blockquote>`,
			html.EscapeString(*st.URL), width, text, html.EscapeString(name), html.EscapeString(st.Account.Username), html.EscapeString(domain(base)),
			html.EscapeString(*st.URL), st.CreatedAt.UTC().Format("2006-01-02 15:04 UTC")),
	}, nil
}

// hostMeta says where WebFinger is (RFC 6415).
func (s *Service) hostMeta(w http.ResponseWriter, _ *http.Request) error {
	open(w)
	w.Header().Set("Content-Type", "application/xrd+xml; charset=utf-8")
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>
<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">
  <Link rel="lrdd" template="%s/.well-known/webfinger?resource={uri}"/>
</XRD>
`, html.EscapeString(s.URL())) // the client may be gone: nobody to tell
	return nil
}

// open lets pages of other sites read what is served.
func open(w http.ResponseWriter) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
}
