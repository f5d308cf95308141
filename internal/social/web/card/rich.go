package card

import (
	"html"
	"strings"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/contract/social"
)

// Rich draws safe HTML of the API: custom emoji become pictures, and links to this server paths.
func Rich(v View, content string, emojis []social.Emoji) templ.Component {
	if v.Base != "" {
		content = strings.ReplaceAll(content, `href="`+v.Base+`/`, `href="/`)
	}
	return templ.Raw(emojify(v, content, emojis))
}

// named draws a name with its custom emoji.
func named(v View, a *social.Account) templ.Component {
	return templ.Raw(emojify(v, html.EscapeString(Name(a)), a.Emojis))
}

// emojify puts pictures in the place of :shortcodes: in the text of HTML, and leaves its tags alone.
func emojify(v View, content string, emojis []social.Emoji) string {
	if len(emojis) == 0 || !strings.Contains(content, ":") {
		return content
	}
	var pairs []string
	for _, e := range emojis {
		code := html.EscapeString(":" + e.Shortcode + ":")
		pairs = append(pairs, code, `<img class="emoji" src="`+html.EscapeString(v.Path(e.StaticURL))+`" alt="`+code+`" title="`+code+`" width="20" height="20">`)
	}
	r := strings.NewReplacer(pairs...)
	var b strings.Builder
	for content != "" {
		open := strings.IndexByte(content, '<')
		if open < 0 {
			b.WriteString(r.Replace(content))
			break
		}
		b.WriteString(r.Replace(content[:open]))
		shut := strings.IndexByte(content[open:], '>')
		if shut < 0 {
			b.WriteString(content[open:])
			break
		}
		b.WriteString(content[open : open+shut+1])
		content = content[open+shut+1:]
	}
	return b.String()
}

// Plain returns the text of safe HTML: for titles, descriptions and feeds. Paragraphs and breaks become spaces.
func Plain(content string) string {
	var b strings.Builder
	for content != "" {
		open := strings.IndexByte(content, '<')
		if open < 0 {
			b.WriteString(content)
			break
		}
		b.WriteString(content[:open])
		shut := strings.IndexByte(content[open:], '>')
		if shut < 0 {
			break
		}
		switch tag := content[open : open+shut+1]; {
		case strings.HasPrefix(tag, "<br"), strings.HasPrefix(tag, "</p"), strings.HasPrefix(tag, "</li"):
			b.WriteByte(' ')
		}
		content = content[open+shut+1:]
	}
	return strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
}

// Clip shortens a text to at most n characters at the end of a word.
func Clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	cut := string(r[:n])
	if i := strings.LastIndexByte(cut, ' '); i > n/2 {
		cut = cut[:i]
	}
	return cut + "…"
}
