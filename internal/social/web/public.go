package web

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/social/web/card"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// object is a node of a JSON-LD document.
type object map[string]any

func encode(o object) string {
	b, err := json.Marshal(o)
	if err != nil {
		return "" // strings and times always encode
	}
	return string(b)
}

// personOf returns an account as schema.org describes it.
func personOf(base string, a *social.Account) object {
	kind := "Person"
	switch {
	case a.Stoa != nil && a.Stoa.Kind == "restaurant":
		kind = "Restaurant"
	case a.Group:
		kind = "Organization"
	}
	return object{"@type": kind, "name": card.Name(a), "alternateName": card.Acct(a), "url": base + card.Home(a), "image": a.Avatar}
}

// personLD returns a profile as structured data, "" for one that search engines are kept away from.
func personLD(base string, a *social.Account) string {
	if a.NoIndex || a.Suspended || a.Limited {
		return ""
	}
	p := personOf(base, a)
	if note := card.Plain(a.Note); note != "" {
		p["description"] = note
	}
	p["interactionStatistic"] = object{"@type": "InteractionCounter", "interactionType": "https://schema.org/FollowAction", "userInteractionCount": a.Followers}
	return encode(object{"@context": "https://schema.org", "@type": "ProfilePage", "dateCreated": a.CreatedAt.UTC().Format(time.RFC3339), "mainEntity": p})
}

// postingLD returns a public status as structured data.
func postingLD(base string, t *threadPage) string {
	s := t.status
	o := object{
		"@context": "https://schema.org", "@type": "SocialMediaPosting", "@id": t.url, "url": t.url, "datePublished": s.CreatedAt.UTC().Format(time.RFC3339),
		"headline": card.Clip(summary(s), 110), "author": personOf(base, &s.Account), "articleBody": summary(s),
		"interactionStatistic": []object{
			{"@type": "InteractionCounter", "interactionType": "https://schema.org/LikeAction", "userInteractionCount": s.Favourites},
			{"@type": "InteractionCounter", "interactionType": "https://schema.org/ShareAction", "userInteractionCount": s.Boosts},
			{"@type": "InteractionCounter", "interactionType": "https://schema.org/CommentAction", "userInteractionCount": s.Replies},
		},
	}
	if s.EditedAt != nil {
		o["dateModified"] = s.EditedAt.UTC().Format(time.RFC3339)
	}
	if s.Language != nil {
		o["inLanguage"] = *s.Language
	}
	var images []string
	for i := range s.Media {
		if m := &s.Media[i]; m.Type == "image" && m.URL != nil && !s.Sensitive {
			images = append(images, *m.URL)
		}
	}
	if len(images) > 0 {
		o["image"] = images
	}
	if s.Stoa != nil && s.Stoa.Event != nil {
		e := s.Stoa.Event
		about := object{"@type": "Event", "name": e.Title, "startDate": e.Starts.UTC().Format(time.RFC3339), "url": e.URL}
		if e.Place != "" {
			about["location"] = object{"@type": "Place", "name": e.Place}
		}
		if !e.Ends.IsZero() {
			about["endDate"] = e.Ends.UTC().Format(time.RFC3339)
		}
		o["about"] = about
	}
	return encode(o)
}

// The shape of an RSS 2.0 feed (rssboard.org/rss-specification), with media:content for pictures.
type (
	rss struct {
		XMLName xml.Name `xml:"rss"`
		Version string   `xml:"version,attr"`
		Media   string   `xml:"xmlns:media,attr"`
		Atom    string   `xml:"xmlns:atom,attr"`
		Channel channel  `xml:"channel"`
	}
	channel struct {
		Title       string    `xml:"title"`
		Link        string    `xml:"link"`
		Description string    `xml:"description"`
		Self        selfLink  `xml:"atom:link"`
		Image       *rssImage `xml:"image,omitempty"`
		Built       string    `xml:"lastBuildDate,omitempty"`
		Items       []rssItem `xml:"item"`
	}
	selfLink struct {
		Href string `xml:"href,attr"`
		Rel  string `xml:"rel,attr"`
		Type string `xml:"type,attr"`
	}
	rssImage struct {
		URL   string `xml:"url"`
		Title string `xml:"title"`
		Link  string `xml:"link"`
	}
	rssItem struct {
		GUID        guid       `xml:"guid"`
		Link        string     `xml:"link"`
		Title       string     `xml:"title"`
		Published   string     `xml:"pubDate"`
		Description string     `xml:"description"`
		Media       []rssMedia `xml:"media:content"`
		Tags        []string   `xml:"category"`
	}
	guid struct {
		Permanent bool   `xml:"isPermaLink,attr"`
		Value     string `xml:",chardata"`
	}
	rssMedia struct {
		URL    string `xml:"url,attr"`
		Medium string `xml:"medium,attr"`
		Words  string `xml:"media:description,omitempty"`
	}
)

// feedStatuses reads the newest public statuses of a list as a stranger sees them.
func (p *Pages) feedStatuses(r *http.Request, f Feed) ([]*social.Status, error) {
	rel, err := p.Graph.Relations(r.Context(), 0)
	if err != nil {
		return nil, err
	}
	ids, _, err := p.Feeds.Feed(r.Context(), rel, f, 0, 0, 2*pageSize)
	if err != nil {
		return nil, err
	}
	list, err := p.Statuses.Statuses(r.Context(), rel, ids, "")
	if err != nil {
		return nil, err
	}
	var out []*social.Status
	for _, s := range list {
		// What is for the town alone is not for feed readers, and of what others wrote only that it was passed on would be told.
		if s.Visibility == string(social.Public) && !s.LocalOnly && s.Reblog == nil {
			out = append(out, s)
		}
	}
	return out, nil
}

func (p *Pages) profileFeed(w http.ResponseWriter, r *http.Request, a *social.Account) error {
	if a.Suspended {
		return errNoProfile
	}
	list, err := p.feedStatuses(r, Feed{Kind: "profile", Of: a.ID})
	if err != nil {
		return err
	}
	base := p.URL()
	c := channel{
		Title: card.Name(a), Link: base + card.Home(a), Description: i18n.T(r.Context(), "What %s posts to everybody", card.Acct(a)),
		Self: selfLink{base + card.Home(a) + ".rss", "self", "application/rss+xml"}, Image: &rssImage{a.AvatarStatic, card.Name(a), base + card.Home(a)},
	}
	return writeFeed(w, base, c, list, a.NoIndex)
}

func (p *Pages) tagFeed(w http.ResponseWriter, r *http.Request, f *feedPage) error {
	list, err := p.feedStatuses(r, f.feed)
	if err != nil {
		return err
	}
	base := p.URL()
	c := channel{
		Title: f.title + " · " + ui.ChromeFrom(r.Context()).TownName, Link: base + f.path, Description: i18n.T(r.Context(), "Public posts with %s", f.title),
		Self: selfLink{base + f.rss, "self", "application/rss+xml"},
	}
	return writeFeed(w, base, c, list, false)
}

func writeFeed(w http.ResponseWriter, base string, c channel, list []*social.Status, noIndex bool) error {
	for _, s := range list {
		link := base + card.Link(s)
		it := rssItem{GUID: guid{true, link}, Link: link, Title: card.Clip(summary(s), 80), Published: s.CreatedAt.UTC().Format(time.RFC1123Z), Description: s.Content}
		if s.SpoilerText != "" {
			it.Description = "<p>" + html.EscapeString(s.SpoilerText) + "</p>"
		}
		for i := range s.Media {
			if m := &s.Media[i]; m.URL != nil && !s.Sensitive {
				words := ""
				if m.Description != nil {
					words = *m.Description
				}
				it.Media = append(it.Media, rssMedia{*m.URL, strings.Replace(m.Type, "gifv", "video", 1), words})
			}
		}
		for _, t := range s.Tags {
			it.Tags = append(it.Tags, t.Name)
		}
		c.Items = append(c.Items, it)
	}
	if len(list) > 0 {
		c.Built = list[0].CreatedAt.UTC().Format(time.RFC1123Z)
	}
	b, err := xml.Marshal(rss{Version: "2.0", Media: "http://search.yahoo.com/mrss/", Atom: "http://www.w3.org/2005/Atom", Channel: c})
	if err != nil {
		return fmt.Errorf("web: write the feed of %s: %w", c.Link, err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/rss+xml; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=60")
	if noIndex {
		h.Set("X-Robots-Tag", "noindex")
	}
	_, _ = w.Write(append([]byte(xml.Header), b...)) // the client may be gone: nobody to tell
	return nil
}
