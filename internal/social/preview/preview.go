// Package preview makes the cards below statuses that link to a page: its title, a sentence, a picture.
//
// A page is fetched once by a job, through platform/fetch, however many statuses link to it, and again when it is linked after Fresh. Its
// picture is encoded anew and kept here, so that readers' browsers ask nobody but this server.
package preview

import (
	"bytes"
	"embed"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"

	"github.com/stoa-town/stoa/internal/contract/social"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// How long what was fetched is taken as it is, and how long pictures are kept that nobody has linked to anew.
const (
	Fresh        = 7 * 24 * time.Hour
	KeepPictures = 180 * 24 * time.Hour
)

// Limits of what a card shows, in characters.
const (
	maxTitle       = 200
	maxDescription = 500
	maxName        = 80
)

// page is what a document says of itself.
type page struct {
	social.Card
	picture string // URL of its picture, may be relative
}

// parse reads a document of HTML: Open Graph (ogp.me) first, then what Twitter's cards say, then its title and description. at is the URL it
// came from, kind its Content-Type. It returns false where it names no title.
func parse(body []byte, kind, at string) (page, bool) {
	r, err := charset.NewReader(bytes.NewReader(body), kind)
	if err != nil {
		return page{}, false
	}
	meta := map[string]string{}
	note := func(name, value string) {
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if _, ok := meta[name]; !ok && value != "" {
			meta[name] = value
		}
	}
	z := html.NewTokenizer(r)
	z.SetMaxBuf(1 << 20)
	inTitle := false
read:
	for {
		switch z.Next() {
		case html.ErrorToken:
			break read
		case html.TextToken:
			if inTitle {
				note("title", string(z.Text()))
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if inTitle = false; string(name) == "head" {
				break read
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			switch t.Data {
			case "title":
				inTitle = true
			case "html":
				note("lang", attr(t, "lang"))
			case "meta":
				note(attr(t, "property"), attr(t, "content"))
				note(attr(t, "name"), attr(t, "content"))
			case "body":
				break read
			}
		}
	}
	first := func(names ...string) string {
		for _, n := range names {
			if v := meta[n]; v != "" {
				return v
			}
		}
		return ""
	}
	p := page{picture: first("og:image:secure_url", "og:image:url", "og:image", "twitter:image", "twitter:image:src")}
	p.Card = social.Card{
		URL: at, Type: "link", Authors: []any{},
		Title: short(first("og:title", "twitter:title", "title"), maxTitle), Description: short(first("og:description", "twitter:description", "description"), maxDescription),
		ProviderName: short(first("og:site_name", "application-name"), maxName), AuthorName: short(first("author", "article:author"), maxName),
		ImageAlt: short(first("og:image:alt", "twitter:image:alt"), maxDescription),
	}
	if strings.Contains(p.AuthorName, "://") {
		p.AuthorName = "" // a link in place of a name
	}
	if lang := first("lang", "og:locale"); lang != "" {
		lang, _, _ = strings.Cut(strings.ReplaceAll(lang, "_", "-"), "-")
		if lang = strings.ToLower(lang); len(lang) == 2 || len(lang) == 3 {
			p.Language = &lang
		}
	}
	if when, err := time.Parse(time.RFC3339, first("article:published_time")); err == nil {
		p.PublishedAt = social.Time{Time: when}
	}
	if u, err := url.Parse(at); err == nil && p.ProviderName == "" {
		p.ProviderName = strings.TrimPrefix(u.Hostname(), "www.")
	}
	return p, p.Title != ""
}

// short returns a text as one line of at most n characters.
func short(s string, n int) string {
	s = strings.Join(strings.Fields(strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")), " ")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:n-1])) + "…"
}

func attr(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
