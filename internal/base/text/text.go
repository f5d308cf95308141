// Package text cleans, folds and checks short texts that people type: names, searches, handles, e-mail addresses.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxEmail is the longest e-mail address in bytes that mail servers carry (RFC 5321).
const MaxEmail = 254

// folds are the letters that Unicode does not take apart into a plain one and a mark.
var folds = map[rune]string{
	'ß': "ss", 'ẞ': "ss", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'æ': "ae", 'œ': "oe", 'ħ': "h", 'ı': "i",
	'ŋ': "n", 'ŧ': "t", 'ĸ': "k", 'ς': "σ", 'ɐ': "a",
}

// Fold returns s for searching and comparing: lower case, without diacritics, ligatures and wide forms taken apart
// ("Straße" and "STRASSE" fold to "strasse", "Łódź" to "lodz"). Folding twice changes nothing. It is for comparing and
// never for showing, and it keeps scripts other than Latin as they are but for case and marks.
func Fold(s string) string {
	if isFolded(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	// To take a letter apart can bring out one that has a lower case or a plain form of its own, hence both orders:
	// decompose, lower, decompose what that gave.
	for _, r := range norm.NFKD.String(strings.ToLower(norm.NFKD.String(s))) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		if plain, ok := folds[r]; ok {
			b.WriteString(plain)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isFolded spares plain lower-case ASCII, which most searches are, the work.
func isFolded(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return true
}

// Slug returns s as a part of a URL: a-z, 0-9 and single hyphens between words, at most maxBytes bytes, cut between words
// where that keeps at least half. It is empty when s has no Latin letter or digit.
func Slug(s string, maxBytes int) string {
	var b strings.Builder
	gap := false
	for _, r := range Fold(s) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			gap = false
		case r == '\'' || r == '’':
			// "Joe's" is one word.
		default:
			gap = true
		}
	}
	slug := b.String()
	if len(slug) <= maxBytes {
		return slug
	}
	if maxBytes <= 0 {
		return ""
	}
	// When the cut falls on a hyphen nothing of a word is lost.
	if i := strings.LastIndexByte(slug[:maxBytes+1], '-'); i >= maxBytes/2 && i > 0 {
		return slug[:i]
	}
	return strings.TrimRight(slug[:maxBytes], "-")
}

// Clean returns s as one line that can be shown: composed (NFC), white space trimmed and collapsed to single spaces,
// without control characters, invisible marks that turn the direction of text, and bytes that are not UTF-8, at most
// maxRunes characters. Cleaning twice changes nothing.
func Clean(s string, maxRunes int) string {
	s = norm.NFC.String(strings.ToValidUTF8(s, ""))
	var b strings.Builder
	b.Grow(len(s))
	n := 0
	gap := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			gap = n > 0
			continue
		}
		if unicode.IsControl(r) || isHidden(r) {
			continue
		}
		if gap {
			// A space that nothing could follow is left out.
			if n+2 > maxRunes {
				break
			}
			b.WriteByte(' ')
			n++
			gap = false
		}
		if n >= maxRunes {
			break
		}
		b.WriteRune(r)
		n++
	}
	// What was left out can have kept a letter and its mark apart.
	return norm.NFC.String(b.String())
}

// isHidden reports characters that change how their neighbours are shown, or that show nothing: overrides of direction
// with which "gpj.exe" reads "exe.jpg", and stowaways. Joiners stay, families of emoji and Indic scripts need them.
func isHidden(r rune) bool {
	switch {
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069': // embeddings, overrides, isolates
		return true
	case r == '\u200e', r == '\u200f', r == '\u061c': // direction marks
		return true
	case r == '\u200b', r == '\u2060', r == '\ufeff', r == '\u00ad': // zero width, byte order mark, soft hyphen
		return true
	case r >= '\U000e0000' && r <= '\U000e007f': // tags
		return true
	}
	return unicode.Is(unicode.Co, r) || unicode.Is(unicode.Noncharacter_Code_Point, r)
}

// Handle reports whether s may be the name of an account: 2 to 30 of a-z, 0-9 and _.
func Handle(s string) bool {
	if len(s) < 2 || len(s) > 30 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// Email returns an e-mail address in the form in which accounts compare it, trimmed and in lower case, and whether its
// syntax is one that mail servers deliver to. It takes neither quoted local parts nor addresses by IP, which nobody has,
// nor letters outside ASCII, which many servers bounce; a domain in other letters is given as xn--….
func Email(s string) (normalised string, ok bool) {
	s = strings.TrimSpace(s)
	local, domain, found := strings.Cut(s, "@")
	if !found || len(s) > MaxEmail || !emailLocal(local) || !emailDomain(domain) {
		return "", false
	}
	return strings.ToLower(s), true
}

func emailLocal(s string) bool {
	if s == "" || len(s) > 64 || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		if !isAlnum(s[i]) && strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", s[i]) < 0 {
			return false
		}
	}
	return true
}

func emailDomain(s string) bool {
	labels := strings.Split(s, ".")
	if len(labels) < 2 {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		for i := range len(l) {
			if !isAlnum(l[i]) && l[i] != '-' {
				return false
			}
		}
	}
	// No top-level domain is a number: this is where an IP address ends up.
	top := labels[len(labels)-1]
	return len(top) >= 2 && strings.Trim(top, "0123456789") != ""
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
