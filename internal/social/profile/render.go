package profile

import (
	"html"
	"net/url"
	"regexp"
	"strings"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// part finds what becomes a link in a text: addresses of the web, mentions and hashtags.
var part = regexp.MustCompile(`https?://[^\s<>"]+|(?:^|[^\pL\pN_/@#])[@#][\pL\pN\p{Mn}_]+`)

// mentions returns the handles that a text mentions.
func mentions(s string) []string {
	var out []string
	for _, m := range part.FindAllString(s, -1) {
		if i := strings.IndexByte(m, '@'); i >= 0 && !strings.HasPrefix(m, "http") {
			if h := strings.ToLower(m[i+1:]); text.Handle(h) {
				out = append(out, h)
			}
		}
	}
	return out
}

// renderer makes HTML of what people wrote. known are the handles that mentions link to.
type renderer struct {
	base  string // of all URLs
	known map[string]id.ID
}

// note returns a text of several lines as paragraphs; "" for an empty one.
func (r renderer) note(s string) string {
	if s == "" {
		return ""
	}
	var b strings.Builder
	for para := range strings.SplitSeq(s, "\n\n") {
		b.WriteString("<p>")
		for i, line := range strings.Split(para, "\n") {
			if i > 0 {
				b.WriteString("<br>")
			}
			r.line(&b, line, false)
		}
		b.WriteString("</p>")
	}
	return b.String()
}

// value returns the value of a field; its links say that they lead to the same person.
func (r renderer) value(s string) string {
	var b strings.Builder
	r.line(&b, s, true)
	return b.String()
}

func (r renderer) line(b *strings.Builder, s string, own bool) {
	at := 0
	for _, m := range part.FindAllStringIndex(s, -1) {
		from, to := m[0], m[1]
		word := s[from:to]
		if !strings.HasPrefix(word, "http") {
			i := strings.IndexAny(word, "@#")
			from += i
			word = s[from:to]
		} else {
			word = trimURL(word)
			to = from + len(word)
		}
		link := r.link(word, own)
		if link == "" {
			continue
		}
		b.WriteString(html.EscapeString(s[at:from]))
		b.WriteString(link)
		at = to
	}
	b.WriteString(html.EscapeString(s[at:]))
}

// trimURL leaves out what ends the sentence rather than the address.
func trimURL(s string) string {
	for {
		t := strings.TrimRight(s, ".,;:!?'*_~\u2019\u201d")
		if strings.HasSuffix(t, ")") && strings.Count(t, "(") < strings.Count(t, ")") {
			t = t[:len(t)-1]
		}
		if t == s {
			return s
		}
		s = t
	}
}

// link returns the HTML of a word that may lead somewhere, or "".
func (r renderer) link(word string, own bool) string {
	switch word[0] {
	case '@':
		handle := strings.ToLower(word[1:])
		if _, ok := r.known[handle]; !ok {
			return ""
		}
		return `<span class="h-card" translate="no"><a href="` + html.EscapeString(r.base+"/@"+handle) + `" class="u-url mention">@<span>` + handle + `</span></a></span>`
	case '#':
		name, shown := Tag(word)
		if name == "" {
			return ""
		}
		return `<a href="` + html.EscapeString(r.base+"/tags/"+url.PathEscape(name)) + `" class="mention hashtag" rel="tag">#<span>` + html.EscapeString(shown) + `</span></a>`
	}
	u, err := url.Parse(word)
	if err != nil || u.Host == "" || u.User != nil {
		return ""
	}
	rel := "nofollow noopener noreferrer"
	if own {
		rel += " me"
	}
	scheme, rest, _ := strings.Cut(word, "://")
	shown, hiddenTail := rest, ""
	if www, ok := strings.CutPrefix(shown, "www."); ok {
		scheme, shown = scheme+"://www.", www
	} else {
		scheme += "://"
	}
	class := ""
	if runes := []rune(shown); len(runes) > 30 {
		shown, hiddenTail, class = string(runes[:30]), string(runes[30:]), "ellipsis"
	}
	return `<a href="` + html.EscapeString(word) + `" target="_blank" rel="` + rel + `" translate="no"><span class="invisible">` + html.EscapeString(scheme) +
		`</span><span class="` + class + `">` + html.EscapeString(shown) + `</span><span class="invisible">` + html.EscapeString(hiddenTail) + `</span></a>`
}

// entry returns the profile as it is kept in memory.
func (r renderer) entry(p row) *entry {
	e := &entry{standing: p.standing(), defaults: p.Defaults}
	e.defaults.Sensitive = e.defaults.Sensitive || p.Guarded
	a := &social.Account{
		ID: p.ID, Username: p.Handle, Acct: p.Handle, URL: r.base + "/@" + p.Handle, URI: r.base + "/users/" + p.Handle,
		Locked: p.Locked, Bot: p.Bot, Group: p.Kind == social.OfGroup, Discoverable: p.Discoverable, Indexable: p.Indexable, NoIndex: !p.Indexable,
		HideCollection: p.Secretive, Limited: p.Limited, Fields: []social.Field{}, Emojis: []social.Emoji{}, Roles: []social.Role{},
	}
	a.CreatedAt.Time = p.CreatedAt.Truncate(day)
	a.Avatar, a.Header = r.base+avatarPath+p.Handle+".png", r.base+headerPath+p.Handle+".png"
	if p.Kind != social.Person {
		a.Stoa = &social.Place{Kind: string(p.Kind), URL: r.base + p.Page}
	}
	if p.State == suspended {
		a.Suspended, a.AvatarStatic, a.HeaderStatic = true, a.Avatar, a.Header
		e.account = a
		return e
	}
	a.DisplayName, a.Note, a.AvatarAlt, a.HeaderAlt = p.Name, r.note(p.Note), p.AvatarAlt, p.HeaderAlt
	if p.Avatar != "" {
		a.Avatar = r.base + p.Avatar
	}
	if p.Header != "" {
		a.Header = r.base + p.Header
	}
	a.AvatarStatic, a.HeaderStatic = a.Avatar, a.Header
	for _, f := range p.Fields {
		line := social.Field{Name: f.Name, Value: r.value(f.Value)}
		line.VerifiedAt.Time = f.Verified
		a.Fields = append(a.Fields, line)
	}
	a.Statuses, a.Followers, a.Following = p.Statuses, p.Followers, p.Following
	if !p.LastStatus.IsZero() {
		date := p.LastStatus.Format("2006-01-02")
		a.LastStatusAt = &date
	}
	e.account = a
	return e
}
