package markup

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// special are the bytes at which something other than text may begin.
var special = func() (t [256]bool) {
	for _, c := range []byte("\\`*_[@#hH\n<>&\"'") {
		t[c] = true
	}
	return t
}()

// inline writes s[lo:hi]: emphasis, code, links, mentions, hashtags. within says that it stands in a link already.
func (r *renderer) inline(s string, lo, hi, depth int, within bool) {
	from := lo // of the text not written yet
	flush := func(to int) {
		if r.found == nil {
			r.escape(s[from:to])
		}
	}
	for i := lo; i < hi; {
		if !special[s[i]] {
			i++
			continue
		}
		n := 0 // how much of the source was taken
		switch c := s[i]; c {
		case '\n':
			flush(i)
			if r.found == nil {
				r.write("<br>")
			}
			n = 1
		case '\\':
			if i+1 < hi && strings.IndexByte("\\`*_[]@#", s[i+1]) >= 0 {
				flush(i)
				from = i + 1
				i += 2
				continue
			}
		case '`':
			if e := strings.IndexByte(s[i+1:hi], '`'); e > 0 {
				flush(i)
				r.code(s[i+1 : i+1+e])
				n = e + 2
			}
		case '*', '_':
			if n = r.opens(s, i, hi, depth); n > 0 {
				flush(i)
				r.emphasis(s, i, i+n, depth, within)
			}
		case '[':
			if text, address, taken := linkAt(s, i, hi); taken > 0 && !within {
				flush(i)
				if n = taken; r.found != nil {
					r.noteLink(s[i+text+3:i+n-1], address)
				}
				r.namedLink(s, i+1, i+1+text, address, depth)
			}
		case 'h', 'H':
			if within || r.bad.s == s && i < r.bad.hi {
				break
			}
			address, taken, end := addressAt(s, lo, i, hi)
			if taken == 0 {
				r.bad = fail{s, i, end}
			} else {
				flush(i)
				r.link(s[i:i+taken], address)
				n = taken
			}
		case '@':
			if name, acct := mentionAt(s, i, hi); name != "" && !within && mayBegin(s, lo, i) {
				flush(i)
				r.mention(name, acct)
				n = 1 + len(acct)
			}
		case '#':
			if tag := tagAt(s, i, hi); tag != "" && !within && mayBegin(s, lo, i) {
				flush(i)
				r.hashtag(tag)
				n = 1 + len(tag)
			}
		}
		if n == 0 {
			i++
			continue
		}
		i += n
		from = i
	}
	flush(hi)
}

// mayBegin reports whether a mention or hashtag may begin at i: not within a word or an address.
func mayBegin(s string, lo, i int) bool {
	if i == lo && lo == 0 {
		return true
	}
	c, _ := utf8.DecodeLastRuneInString(s[:i])
	return !isWord(c) && c != '/' && c != '@' && c != '#' && c != '&'
}

func (r *renderer) code(s string) {
	if r.found != nil {
		return
	}
	r.write("<code>")
	r.escape(strings.ReplaceAll(s, "\n", " "))
	r.write("</code>")
}

// opens returns how long the emphasis is that begins at s[i], delimiters included; 0 where none does.
func (r *renderer) opens(s string, i, hi, depth int) int {
	delim, kind := s[i:i+1], 0
	if s[i] == '_' {
		kind = 1
	}
	if i+1 < hi && s[i+1] == s[i] {
		delim = s[i : i+2]
		kind += 2
	}
	n := len(delim)
	after := i + n
	if depth >= maxDepth || after >= hi || isSpace(s[after]) || s[after] == s[i] || beforeIsWord(s, i) {
		return 0
	}
	if f := r.fails[kind]; f.s == s && i >= f.lo && hi <= f.hi {
		return 0
	}
	for j := after + 1; j+n <= hi; j++ {
		if s[j] != delim[0] {
			continue
		}
		run := 1
		for j+run < hi && s[j+run] == delim[0] {
			run++
		}
		if (run == n || run == 3) && !isSpace(s[j-1]) && s[j-1] != '\\' {
			e := j
			if run == 3 && n == 1 { // **a *b***: the inner one ends first
				e = j
			}
			if next, _ := utf8.DecodeRuneInString(s[e+n : hi]); e+n == hi || !isWord(next) || next == '_' {
				return e + n - i
			}
		}
		j += run - 1
	}
	r.fails[kind] = fail{s, i, hi}
	return 0
}

func beforeIsWord(s string, i int) bool {
	if i == 0 {
		return false
	}
	c, _ := utf8.DecodeLastRuneInString(s[:i])
	return isWord(c)
}

// emphasis writes s[lo:hi], which begins and ends with the same delimiter.
func (r *renderer) emphasis(s string, lo, hi, depth int, within bool) {
	n, name := 1, "em"
	if s[lo+1] == s[lo] {
		n, name = 2, "strong"
	}
	r.write("<" + name + ">")
	r.inline(s, lo+n, hi-n, depth+1, within)
	r.write("</" + name + ">")
}

// maxAddress is how far the end of an address is looked for, in bytes. What goes on behind it stays text.
const maxAddress = 2000

// addressAt returns the address that is typed at s[i], normalised, and how long it is as typed; 0 where there is none, and where what could
// have been one ends.
func addressAt(s string, lo, i, hi int) (address string, n, end int) {
	var scheme int
	switch {
	case hasFold(s[i:hi], "https://"):
		scheme = len("https://")
	case hasFold(s[i:hi], "http://"):
		scheme = len("http://")
	default:
		return "", 0, i
	}
	if i > lo && beforeIsWord(s, i) {
		return "", 0, i
	}
	end = i + scheme
	for end < min(hi, i+maxAddress) {
		c := s[end]
		if c <= ' ' || c == 0x7f || strings.IndexByte("<>\"`|\\^{}", c) >= 0 {
			break
		}
		if c < utf8.RuneSelf {
			end++
			continue
		}
		u, size := utf8.DecodeRuneInString(s[end:hi])
		if unicode.IsSpace(u) || !unicode.IsPrint(u) {
			break
		}
		end += size
	}
	to := trimAddress(s, i+scheme, end)
	u, ok := parse(s[i:to])
	if !ok {
		return "", 0, end
	}
	return u, to - i, end
}

// trimAddress leaves out what stands behind an address rather than in it: the end of a sentence, a bracket that was opened before it.
func trimAddress(s string, lo, hi int) int {
	for hi > lo {
		switch c, size := utf8.DecodeLastRuneInString(s[lo:hi]); {
		case strings.ContainsRune(".,;:!?'*_~…”“»«’‘。、，）】」", c):
			hi -= size
		case c == ')' && strings.Count(s[lo:hi], "(") < strings.Count(s[lo:hi], ")"),
			c == ']' && strings.Count(s[lo:hi], "[") < strings.Count(s[lo:hi], "]"):
			hi -= size
		default:
			return hi
		}
	}
	return hi
}

// parse returns an address normalised, and whether it is one that people may be led to.
func parse(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || strings.Contains(s, "\n") {
		return "", false
	}
	return u.String(), true
}

// Page returns the address of the page that an address leads to, without what names a place in it: two addresses of one page have the same. It
// returns false for what is no page of the web.
func Page(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || len(address) > maxAddress {
		return "", false
	}
	u.Fragment, u.RawFragment, u.User, u.Host = "", "", nil, strings.ToLower(u.Host)
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), true
}

// linkAt returns how long the text of a link [text](address) at s[i] is, its address, and how long the whole is; 0 where there is none.
func linkAt(s string, i, hi int) (text int, address string, taken int) {
	shut := strings.IndexAny(s[i+1:hi], "]\n[")
	if shut < 1 || s[i+1+shut] != ']' {
		return 0, "", 0
	}
	at := i + 1 + shut + 1
	if at >= hi || s[at] != '(' || strings.TrimSpace(s[i+1:i+1+shut]) == "" {
		return 0, "", 0
	}
	most := min(hi, at+maxAddress)
	if strings.IndexByte(s[at:most], ')') < 0 {
		return 0, "", 0
	}
	depth, end := 0, -1
	for j := at; j < most && end < 0; j++ {
		switch s[j] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				end = j
			}
		case '\n', ' ', '<', '>', '"', '\\', '`':
			return 0, "", 0
		}
	}
	if end < 0 {
		return 0, "", 0
	}
	u, ok := parse(s[at+1 : end])
	if !ok {
		return 0, "", 0
	}
	return shut, u, end + 1 - i
}

// noteLink keeps an address that was found, and counts it.
func (r *renderer) noteLink(typed, address string) {
	r.surplus += URLLength - count(typed)
	if !slices.Contains(r.found.Links, address) {
		r.found.Links = append(r.found.Links, address)
	}
}

const anchor = `" rel="nofollow noopener" target="_blank">`

// namedLink writes a link with the text s[lo:hi]. A text that looks like an address itself would lie about where it leads: the address is
// shown in place of it.
func (r *renderer) namedLink(s string, lo, hi int, address string, depth int) {
	if r.found != nil {
		return
	}
	if t := strings.ToLower(s[lo:hi]); strings.Contains(t, "://") || strings.Contains(t, "www.") {
		r.link(address, address)
		return
	}
	r.write(`<a href="`)
	r.escape(address)
	r.write(anchor)
	r.inline(s, lo, hi, depth+1, true)
	r.write(`</a>`)
}

// shownURL is how many characters of an address are shown.
const shownURL = 30

// link writes an address as a link, with what is not shown of it in spans.
func (r *renderer) link(typed, address string) {
	if r.found != nil {
		r.noteLink(typed, address)
		return
	}
	rest := typed[strings.Index(typed, "://")+3:]
	if hasFold(rest, "www.") && len(rest) > 4 {
		rest = rest[4:]
	}
	shown, n := len(rest), 0
	for i := range rest {
		if n == shownURL {
			shown = i
			break
		}
		n++
	}
	r.write(`<a href="`)
	r.escape(address)
	r.write(anchor + `<span class="invisible">`)
	r.escape(typed[:len(typed)-len(rest)])
	if shown < len(rest) {
		r.write(`</span><span class="ellipsis">`)
	} else {
		r.write(`</span><span>`)
	}
	r.escape(rest[:shown])
	r.write(`</span><span class="invisible">`)
	r.escape(rest[shown:])
	r.write(`</span></a>`)
}

func hasFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' }

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
