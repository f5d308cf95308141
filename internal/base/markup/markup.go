// Package markup turns what people type into HTML that is safe to show: a readable part of Markdown (bold, italic, code, lists, quotes,
// links), mentions, hashtags, and links with the classes that Mastodon's apps look for. No HTML that is typed is taken over.
package markup

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/stoa-town/stoa/internal/base/text"
)

// URLLength is how many characters every link counts, as Mastodon has it.
const URLLength = 23

// maxDepth is how deep quotes, and emphasis, are nested; what is deeper is shown as typed.
const maxDepth = 4

// Links tells where mentions and hashtags lead. A nil function leaves them text.
type Links struct {
	// Mention returns the name shown (without '@') and the address of an account, typed as "anna" or "anna@town.example" in lower case; false:
	// there is none.
	Mention func(acct string) (name, url string, ok bool)
	// Tag returns the address of a hashtag, folded and without '#'.
	Tag func(tag string) string
}

// Found is what a text speaks of.
type Found struct {
	Mentions []string // as typed, in lower case, without the first '@', each once
	Tags     []string // folded, without '#', each once
	Links    []string // addresses, each once
	Length   int      // characters as people count them; a link counts URLLength, a mention without its server
}

// Clean returns a typed text as it is kept: composed (NFC), lines ended by \n, without control characters, marks that turn the direction of
// text, bytes that are not UTF-8, and space at its ends. Cleaning twice changes nothing.
func Clean(s string) string {
	if plain(s) {
		return strings.TrimSpace(s)
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0xFEFF:
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(norm.NFC.String(s))
}

// plain reports whether s holds printable ASCII and line ends alone.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x7f || c < ' ' && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

// Find returns what a clean text speaks of.
func Find(s string) Found {
	r := renderer{found: &Found{}}
	r.blocks(s, 0)
	f := r.found
	f.Length = count(s) + r.surplus
	return *f
}

// HTML returns a clean text as HTML, empty for an empty text.
func HTML(s string, to Links) string {
	r := renderer{to: to, out: make([]byte, 0, 2*len(s)+64)}
	r.blocks(s, 0)
	return string(r.out)
}

// Shortcodes returns the names in a text that stand between colons, each once: custom emoji, if there are any of that name.
func Shortcodes(s string) (out []string) {
	for {
		i := strings.IndexByte(s, ':')
		if i < 0 {
			return out
		}
		s = s[i+1:]
		n := 0
		for n < len(s) && (isAlnum(s[n]) || s[n] == '_') {
			n++
		}
		if n >= 2 && n <= 64 && n < len(s) && s[n] == ':' {
			if !slices.Contains(out, s[:n]) {
				out = append(out, s[:n])
			}
			s = s[n+1:]
		}
	}
}

// count returns how many characters a text has, as people see them: marks, joiners and what follows a joiner count nothing.
func count(s string) (n int) {
	joined := false
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i, n, joined = i+1, n+1, false
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case r == 0x200D:
			joined = true
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf), r >= 0x1F3FB && r <= 0x1F3FF: // and the colours of skin
		case joined:
			joined = false
		default:
			n++
		}
	}
	return n
}

// renderer writes one text. With found it only looks.
type renderer struct {
	to      Links
	out     []byte
	found   *Found
	surplus int // what Length counts more than the characters, mostly less
	fails   [4]fail
	bad     fail // a stretch that looks like an address and is none
}

// fail says that a delimiter has no end between two places, so that a text of nothing but stars takes no longer than another.
type fail struct {
	s      string
	lo, hi int
}

func (r *renderer) write(s string) { r.out = append(r.out, s...) }

// escape writes text.
func (r *renderer) escape(s string) {
	last := 0
	for i := range len(s) {
		var with string
		switch s[i] {
		case '&':
			with = "&amp;"
		case '<':
			with = "&lt;"
		case '>':
			with = "&gt;"
		case '"':
			with = "&#34;"
		case '\'':
			with = "&#39;"
		default:
			continue
		}
		r.out = append(append(r.out, s[last:i]...), with...)
		last = i + 1
	}
	r.out = append(r.out, s[last:]...)
}

// blocks writes paragraphs, lists, quotes and code.
func (r *renderer) blocks(s string, depth int) {
	para := -1 // where the paragraph began
	end := func(at int) {
		if para < 0 {
			return
		}
		lo, hi := trim(s, para, at)
		para = -1
		if lo == hi {
			return
		}
		r.write("<p>")
		r.inline(s, lo, hi, 0, false)
		r.write("</p>")
	}
	for at := 0; at < len(s); {
		next := lineEnd(s, at)
		line := s[at:next]
		switch {
		case strings.TrimSpace(line) == "":
			end(at)
			at = next + 1
		case strings.HasPrefix(line, "```"):
			end(at)
			at = r.fence(s, next)
		case line[0] == '>' && depth < maxDepth:
			end(at)
			at = r.quote(s, at, depth)
		case bullet(line) > 0:
			end(at)
			at = r.list(s, at)
		default:
			if para < 0 {
				para = at
			}
			at = next + 1
		}
	}
	end(len(s))
}

func lineEnd(s string, at int) int {
	if n := strings.IndexByte(s[at:], '\n'); n >= 0 {
		return at + n
	}
	return len(s)
}

func trim(s string, lo, hi int) (int, int) {
	for lo < hi && isSpace(s[lo]) {
		lo++
	}
	for lo < hi && isSpace(s[hi-1]) {
		hi--
	}
	return lo, hi
}

// fence writes the code after a line of ``` that ended at end, and returns where it goes on.
func (r *renderer) fence(s string, end int) int {
	from := min(end+1, len(s))
	to, next := len(s), len(s)
	for at := from; at < len(s); {
		e := lineEnd(s, at)
		if strings.TrimRight(s[at:e], " \t") == "```" {
			to, next = max(from, at-1), e+1
			break
		}
		at = e + 1
	}
	r.write("<pre><code>")
	r.escape(s[from:to])
	r.write("</code></pre>")
	return next
}

func (r *renderer) quote(s string, at, depth int) int {
	var inner strings.Builder
	for at < len(s) && s[at] == '>' {
		e := lineEnd(s, at)
		inner.WriteString(strings.TrimPrefix(s[at+1:e], " "))
		inner.WriteByte('\n')
		at = e + 1
	}
	r.write("<blockquote>")
	r.blocks(inner.String(), depth+1)
	r.write("</blockquote>")
	return at
}

// bullet returns how long the mark is that begins a line of a list, 0 where it is none.
func bullet(line string) int {
	if len(line) > 2 && (line[0] == '-' || line[0] == '*' || line[0] == '+') && line[1] == ' ' {
		return 2
	}
	return ordinal(line)
}

// ordinal is bullet for "1. " to "999. ".
func ordinal(line string) int {
	n := 0
	for n < len(line) && n < 4 && line[n] >= '0' && line[n] <= '9' {
		n++
	}
	if n == 0 || n == 4 || len(line) < n+3 || line[n] != '.' && line[n] != ')' || line[n+1] != ' ' {
		return 0
	}
	return n + 2
}

func (r *renderer) list(s string, at int) int {
	ordered := ordinal(s[at:lineEnd(s, at)]) > 0
	open, shut := "<ul>", "</ul>"
	if ordered {
		open, shut = "<ol>", "</ol>"
		if first, _ := strconv.Atoi(s[at : at+ordinal(s[at:lineEnd(s, at)])-2]); first != 1 {
			open = `<ol start="` + strconv.Itoa(first) + `">`
		}
	}
	r.write(open)
	for at < len(s) {
		e := lineEnd(s, at)
		n := bullet(s[at:e])
		if n == 0 || (ordinal(s[at:e]) > 0) != ordered {
			break
		}
		lo, hi := trim(s, at+n, e)
		r.write("<li>")
		r.inline(s, lo, hi, 0, false)
		r.write("</li>")
		at = e + 1
	}
	r.write(shut)
	return at
}

// tag returns a hashtag that begins at s[i], which is '#', as typed; empty where there is none.
func tagAt(s string, i, hi int) string {
	letter, n := false, 0
	j := i + 1
	for j < hi {
		c, size := utf8.DecodeRuneInString(s[j:hi])
		if unicode.IsLetter(c) {
			letter = true
		} else if !unicode.IsDigit(c) && !unicode.Is(unicode.M, c) && c != '_' {
			break
		}
		j += size
		n++
	}
	if !letter || n > 100 {
		return ""
	}
	return s[i+1 : j]
}

func (r *renderer) hashtag(name string) {
	folded := text.Fold(name)
	if r.found != nil {
		if !slices.Contains(r.found.Tags, folded) {
			r.found.Tags = append(r.found.Tags, folded)
		}
		return
	}
	if r.to.Tag == nil {
		r.write("#")
		r.escape(name)
		return
	}
	r.write(`<a href="`)
	r.escape(r.to.Tag(folded))
	r.write(`" class="mention hashtag" rel="tag">#<span>`)
	r.escape(name)
	r.write(`</span></a>`)
}

// mentionAt returns an account named at s[i], which is '@': its name, and its name with the server. Both are empty where there is none.
func mentionAt(s string, i, hi int) (name, acct string) {
	j := i + 1
	word := func(k int) bool { return k < hi && (isAlnum(s[k]) || s[k] == '_') }
	run := func() {
		for word(j) || j < hi && (s[j] == '.' || s[j] == '-') && word(j+1) && j > i+1 {
			j++
		}
	}
	if run(); j == i+1 {
		return "", ""
	}
	name = s[i+1 : j]
	if j < hi && s[j] == '@' && word(j+1) {
		j++
		run()
		if j+1 < hi && s[j] == ':' && s[j+1] >= '0' && s[j+1] <= '9' {
			for j++; j < hi && s[j] >= '0' && s[j] <= '9'; j++ {
			}
		}
	}
	return name, s[i+1 : j]
}

func (r *renderer) mention(name, acct string) {
	folded := strings.ToLower(acct)
	if r.found != nil {
		r.surplus -= len(acct) - len(name)
		if !slices.Contains(r.found.Mentions, folded) {
			r.found.Mentions = append(r.found.Mentions, folded)
		}
		return
	}
	var shown, url string
	ok := false
	if r.to.Mention != nil {
		shown, url, ok = r.to.Mention(folded)
	}
	if !ok {
		r.write("@")
		r.escape(acct)
		return
	}
	r.write(`<span class="h-card"><a href="`)
	r.escape(url)
	r.write(`" class="u-url mention">@<span>`)
	r.escape(shown)
	r.write(`</span></a></span>`)
}
