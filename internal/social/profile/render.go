package profile

import (
	"cmp"
	"html"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/markup"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// renderer makes what others see of profiles. known are the handles that mentions link to.
type renderer struct {
	base   string // of all URLs
	known  map[string]id.ID
	emojis map[string]social.Emoji // of the town, by their names
}

// shortcodes returns the names of emoji that stand on a profile, each once.
func (r row) shortcodes() []string {
	all := r.Name + "\n" + r.Note
	for _, f := range r.Fields {
		all += "\n" + f.Name + "\n" + f.Value
	}
	return markup.Shortcodes(all)
}

// mentions returns the handles that a text mentions.
func mentions(s string) []string {
	return slices.DeleteFunc(markup.Find(s).Mentions, func(h string) bool { return !text.Handle(h) })
}

// links returns where mentions and hashtags lead.
func (r renderer) links() markup.Links {
	return markup.Links{
		Mention: func(acct string) (string, string, bool) {
			_, ok := r.known[acct]
			return acct, r.base + "/@" + acct, ok
		},
		Tag: func(tag string) string { return r.base + "/tags/" + url.PathEscape(tag) },
	}
}

// value returns the value of a field. An address alone becomes a link which says that it leads to the same person.
func (r renderer) value(s string) string {
	if address(s) == "" {
		out := markup.HTML(s, r.links())
		if line, ok := strings.CutPrefix(out, "<p>"); ok && strings.Count(out, "<p>") == 1 && strings.HasSuffix(line, "</p>") {
			return strings.TrimSuffix(line, "</p>")
		}
		return html.EscapeString(s)
	}
	scheme, shown, _ := strings.Cut(s, "://")
	scheme += "://"
	tail, class := "", ""
	if runes := []rune(shown); len(runes) > 30 {
		shown, tail, class = string(runes[:30]), string(runes[30:]), "ellipsis"
	}
	return `<a href="` + html.EscapeString(s) + `" target="_blank" rel="nofollow noopener noreferrer me" translate="no"><span class="invisible">` + scheme +
		`</span><span class="` + class + `">` + html.EscapeString(shown) + `</span><span class="invisible">` + html.EscapeString(tail) + `</span></a>`
}

// address returns s where it is the address of a page and nothing else, else "".
func address(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.ContainsAny(s, " <>\"") {
		return ""
	}
	return s
}

// entry returns the profile as it is kept in memory.
func (r renderer) entry(p row) *entry {
	e := &entry{row: p}
	a := &social.Account{
		ID: p.ID, Username: p.Handle, Acct: p.Handle, URL: r.base + "/@" + p.Handle, URI: r.base + "/users/" + p.Handle,
		Locked: p.Locked, Bot: p.Bot, Group: p.Kind == social.OfGroup, Discoverable: p.Discoverable, Indexable: p.Indexable, NoIndex: !p.Indexable,
		HideCollection: p.Secretive, Limited: p.Limited, Guarded: p.Guarded, Fields: []social.Field{}, Emojis: []social.Emoji{}, Roles: []social.Role{},
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
	a.DisplayName, a.Note, a.AvatarAlt, a.HeaderAlt = p.Name, markup.HTML(p.Note, r.links()), p.AvatarAlt, p.HeaderAlt
	if p.Avatar != "" {
		a.Avatar = r.base + p.Avatar
	}
	if picture := cmp.Or(p.Header, p.Photo); picture != "" {
		a.Header = r.base + picture
	}
	a.AvatarStatic, a.HeaderStatic = a.Avatar, a.Header
	for _, f := range p.Fields {
		line := social.Field{Name: f.Name, Value: r.value(f.Value)}
		line.VerifiedAt.Time = f.Verified
		a.Fields = append(a.Fields, line)
	}
	for _, name := range p.shortcodes() {
		if emoji, ok := r.emojis[name]; ok {
			a.Emojis = append(a.Emojis, emoji)
		}
	}
	a.Statuses, a.Followers, a.Following = p.Statuses, p.Followers, p.Following
	if !p.LastStatus.IsZero() {
		date := p.LastStatus.Format("2006-01-02")
		a.LastStatusAt = &date
	}
	e.account = a
	return e
}

// The cache has shards, so that a change of one profile hinders few others; each holds two halves of so many profiles.
const (
	shards    = 64
	shardHalf = 128
)

// entry is a profile as it was read, with how others see it. Nobody changes it.
type entry struct {
	row
	account *social.Account
}

// cache keeps profiles in memory.
type cache [shards]shard

// shard keeps some profiles: the recently used in young, those before them in old, which is forgotten when young is full.
type shard struct {
	mu         sync.RWMutex
	young, old map[id.ID]*entry
	drops      uint64 // how often something was dropped
}

func (c *cache) of(i id.ID) *shard { return &c[uint64(i)*0x9E3779B97F4A7C15>>58] }

// get returns a profile, nil where it is not known. mark is for put.
func (c *cache) get(i id.ID) (e *entry, mark uint64) {
	s := c.of(i)
	s.mu.RLock()
	e, mark = s.young[i], s.drops
	aged := e == nil && s.old[i] != nil
	s.mu.RUnlock()
	if aged {
		s.mu.Lock()
		if e = s.old[i]; e != nil {
			s.add(i, e)
		}
		s.mu.Unlock()
	}
	return e, mark
}

// put keeps what was read after get returned mark, unless something was dropped since: then it may be out of date.
func (c *cache) put(i id.ID, e *entry, mark uint64) {
	s := c.of(i)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drops == mark {
		s.add(i, e)
	}
}

func (s *shard) add(i id.ID, e *entry) {
	if s.young == nil || len(s.young) >= shardHalf {
		s.young, s.old = make(map[id.ID]*entry, shardHalf), s.young
	}
	s.young[i] = e
}

// drop forgets a profile.
func (c *cache) drop(i id.ID) {
	s := c.of(i)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drops++
	delete(s.young, i)
	delete(s.old, i)
}
