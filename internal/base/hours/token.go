package hours

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind byte

const (
	tokEnd tokenKind = iota
	tokNumber
	tokWord    // letters, in lower case
	tokComment // without its quotes
	tokSign
)

type token struct {
	kind   tokenKind
	text   string
	num    int
	column int
}

func (t token) is(sign string) bool { return t.kind == tokSign && t.text == sign }

func (t token) isNumber(n int) bool { return t.kind == tokNumber && t.num == n }

// String shows the token in a message.
func (t token) String() string {
	if t.kind == tokEnd {
		return "the end"
	}
	return strconv.Quote(t.text)
}

// parser holds the tokens of one text; the last is always tokEnd.
type parser struct {
	tokens []token
	pos    int
}

func (p *parser) tok() token { return p.tokens[p.pos] }

func (p *parser) peek(n int) token { return p.tokens[min(p.pos+n, len(p.tokens)-1)] }

// next returns the present token and moves on; it stays at the end.
func (p *parser) next() token {
	t := p.tok()
	p.pos = min(p.pos+1, len(p.tokens)-1)
	return t
}

func (p *parser) fail(format string, args ...any) error {
	return &ParseError{Column: p.tok().column, Reason: fmt.Sprintf(format, args...)}
}

func (p *parser) expected(what string) error { return p.fail("expected %s, found %s", what, p.tok()) }

// newParser cuts s into tokens. Its errors are *ParseError.
func newParser(s string) (*parser, error) {
	if len(s) > MaxLength {
		return nil, &ParseError{Column: 1, Reason: fmt.Sprintf("too long: at most %d bytes", MaxLength)}
	}
	p := &parser{}
	column := 1
	for len(s) > 0 {
		c, size := utf8.DecodeRuneInString(s)
		n, t := size, token{kind: tokSign, column: column}
		switch {
		case unicode.IsSpace(c):
			s, column = s[size:], column+1
			continue
		case isDigit(c):
			n = prefix(s, isDigit)
			t.kind, t.text = tokNumber, s[:n]
			if n > 4 {
				return nil, &ParseError{Column: column, Reason: fmt.Sprintf("the number %.20s is too long", t.text)}
			}
			t.num, _ = strconv.Atoi(t.text) // one to four digits: cannot fail
		case unicode.IsLetter(c):
			n = prefix(s, unicode.IsLetter)
			t.kind, t.text = tokWord, strings.ToLower(s[:n])
		case c == '"':
			end := strings.IndexByte(s[1:], '"')
			if end < 0 {
				return nil, &ParseError{Column: column, Reason: "the comment has no closing quote"}
			}
			n = end + 2
			t.kind, t.text = tokComment, s[1:end+1]
			if !utf8.ValidString(t.text) || strings.ContainsFunc(t.text, unicode.IsControl) {
				return nil, &ParseError{Column: column, Reason: "the comment has characters that cannot be shown"}
			}
		case strings.HasPrefix(s, "||"):
			n, t.text = 2, "||"
		case c == '–' || c == '—':
			// What word processors make of a hyphen.
			t.text = "-"
		case strings.ContainsRune(":-,;[]()+/", c):
			t.text = string(c)
		default:
			return nil, &ParseError{Column: column, Reason: fmt.Sprintf("unexpected character %q", c)}
		}
		p.tokens = append(p.tokens, t)
		column += utf8.RuneCountInString(s[:n])
		s = s[n:]
	}
	p.tokens = append(p.tokens, token{kind: tokEnd, column: column})
	return p, nil
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

// prefix returns how many bytes at the start of s hold only runes for which ok holds.
func prefix(s string, ok func(rune) bool) int {
	for i, c := range s {
		if !ok(c) {
			return i
		}
	}
	return len(s)
}
