// Package archive reads the posts in the archive that a server of Mastodon makes for who asks for their data: a zip with an outbox of
// ActivityPub (www.w3.org/TR/activitypub), outbox.json, and the files that its posts carry; or the outbox.json alone. Boosts and direct posts are
// left out: they are others' as well.
package archive

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// What is read of an archive.
const (
	MaxZip   = 256 << 20 // bytes
	MaxPosts = 20_000

	maxOutbox    = 64 << 20
	maxDirectory = 8 << 20 // bytes of the list of files in a zip
	maxMedia     = 8       // files of a post
)

// Post is a post of the archive's owner.
type Post struct {
	URI        string            `json:"uri"`
	At         time.Time         `json:"at"`
	Text       string            `json:"text"` // as one would type it
	Spoiler    string            `json:"spoiler,omitempty"`
	Sensitive  bool              `json:"sensitive,omitempty"`
	Lang       string            `json:"lang,omitempty"`
	Visibility social.Visibility `json:"visibility"`         // public, unlisted, private (followers)
	ReplyTo    string            `json:"reply_to,omitempty"` // URI of an own post that it answers
	ReplyAt    time.Time         `json:"reply_at,omitzero"`
	Media      []Media           `json:"media,omitempty"`
}

// Media is a file of a post.
type Media struct {
	Name  string        `json:"name"` // of the file in the zip
	Alt   string        `json:"alt,omitempty"`
	Focus *social.Focus `json:"focus,omitempty"`
}

// Left is what stands in an outbox and is not taken over.
type Left struct {
	Boosts int
	Direct int // posts that only some were told
	Other  int // what is no post, or not the owner's, or says nothing
	Files  int // of posts that are taken over: they are not in the archive, or too many for a post
}

var (
	errNone  = errs.InvalidField("data", "This is no archive of Mastodon: send its zip file, or the outbox.json in it.")
	errEmpty = errs.InvalidField("data", "There is nothing in this file that could be taken over.")
	errMany  = errs.InvalidField("data", "An archive has at most %d posts.", MaxPosts)
)

// Open opens a zip. It returns an Invalid error for what is none, or has too much in it.
func Open(r io.ReaderAt, size int64) (*zip.Reader, error) {
	if size > MaxZip {
		return nil, errs.InvalidField("data", "An archive has at most %d MB.", MaxZip>>20)
	}
	// The list of files is read as a whole: one that is made to take all memory is refused before.
	tail := make([]byte, min(size, 1<<16+22))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	at := strings.LastIndex(string(tail), "PK\x05\x06")
	if at < 0 || len(tail)-at < 22 {
		return nil, errNone
	}
	length, from := int64(binary.LittleEndian.Uint32(tail[at+12:])), int64(binary.LittleEndian.Uint32(tail[at+16:]))
	if end := size - int64(len(tail)-at); length > maxDirectory || end-from > maxDirectory {
		return nil, errNone
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errNone
	}
	return z, nil
}

// Alone reports whether a file is an outbox.json without its archive.
func Alone(r io.ReaderAt) bool {
	var head [64]byte
	n, err := r.ReadAt(head[:], 0)
	return (err == nil || errors.Is(err, io.EOF)) && bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(head[:n], []byte("\ufeff")), " \t\r\n"), []byte("{"))
}

// Read returns the posts of an archive, the oldest first. It returns an Invalid error where there are none, or too many.
func Read(z *zip.Reader, now time.Time) ([]Post, Left, error) {
	i := slices.IndexFunc(z.File, func(f *zip.File) bool { return path.Base(f.Name) == "outbox.json" })
	if i < 0 {
		return nil, Left{}, errNone
	}
	f, err := z.File[i].Open()
	if err != nil {
		return nil, Left{}, errNone
	}
	defer f.Close()
	names := map[string]string{}
	for _, f := range z.File {
		names[short(f.Name)] = f.Name
	}
	return read(f, names, now)
}

// ReadAlone is Read for an outbox.json without its archive: the posts come without their files.
func ReadAlone(r io.Reader, now time.Time) ([]Post, Left, error) { return read(r, nil, now) }

// read returns the posts of an outbox; names are those of the files in its archive, by what is short of them.
func read(r io.Reader, names map[string]string, now time.Time) (out []Post, left Left, err error) {
	var box struct {
		Items []activity `json:"orderedItems"`
	}
	b := bufio.NewReader(io.LimitReader(r, maxOutbox))
	if mark, err := b.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = b.Discard(len(mark)) // as much was peeked at
	}
	if err := json.NewDecoder(b).Decode(&box); err != nil {
		return nil, left, errNone
	}
	at := map[string]time.Time{}
	for _, a := range box.Items {
		p, lost := a.post(names, &left)
		switch {
		case p == nil:
		case p.At.After(now) || !at[p.URI].IsZero():
			left.Other++
		default:
			out, at[p.URI] = append(out, *p), p.At
			left.Files += lost
		}
	}
	switch {
	case len(out) == 0:
		return nil, left, errEmpty
	case len(out) > MaxPosts:
		return nil, left, errMany
	}
	slices.SortStableFunc(out, func(a, b Post) int { return a.At.Compare(b.At) })
	for i := range out {
		if out[i].ReplyAt = at[out[i].ReplyTo]; out[i].ReplyAt.IsZero() {
			out[i].ReplyTo = "" // an answer to somebody else, who is not here
		}
	}
	return out, left, nil
}

// short returns the part of a file's name, or of its address, by which the two are compared.
func short(name string) string {
	if _, after, found := strings.Cut(name, "media_attachments/"); found {
		return after
	}
	return path.Base(name)
}

// activity is what somebody did.
type activity struct {
	Type   string          `json:"type"`
	Actor  string          `json:"actor"`
	Object json.RawMessage `json:"object"`
}

// note is a post as ActivityPub writes it.
type note struct {
	ID         string            `json:"id"`
	Type       string            `json:"type"`
	Author     string            `json:"attributedTo"`
	Published  time.Time         `json:"published"`
	Summary    string            `json:"summary"`
	Content    string            `json:"content"`
	ContentMap map[string]string `json:"contentMap"`
	Sensitive  bool              `json:"sensitive"`
	ReplyTo    string            `json:"inReplyTo"`
	To         many              `json:"to"`
	CC         many              `json:"cc"`
	OneOf      []choice          `json:"oneOf"`
	AnyOf      []choice          `json:"anyOf"`
	Attachment []struct {
		URL   string    `json:"url"`
		Name  string    `json:"name"`
		Focus []float64 `json:"focalPoint"`
	} `json:"attachment"`
}

type choice struct {
	Name string `json:"name"`
}

// many are one address or several.
type many []string

// UnmarshalJSON reads a text or a list of texts.
func (m *many) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*m = many{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(m))
}

func (m many) public() bool {
	return slices.ContainsFunc(m, func(s string) bool {
		return s == "https://www.w3.org/ns/activitystreams#Public" || s == "as:Public" || s == "Public"
	})
}

// post returns the post that somebody made and how many of its files are not there, or nil for what is left out, which it counts.
func (a *activity) post(names map[string]string, left *Left) (p *Post, lost int) {
	if a.Type == "Announce" {
		left.Boosts++
		return nil, 0
	}
	var n note
	if a.Type != "Create" || json.Unmarshal(a.Object, &n) != nil || n.Type != "Note" && n.Type != "Question" || n.ID == "" || n.Author != a.Actor || n.Published.Before(oldest) {
		left.Other++
		return nil, 0
	}
	p = &Post{URI: n.ID, At: n.Published.UTC().Truncate(time.Second), Text: Text(n.Content), Spoiler: strings.TrimSpace(n.Summary), Sensitive: n.Sensitive, ReplyTo: n.ReplyTo}
	switch {
	case n.To.public():
		p.Visibility = social.Public
	case n.CC.public():
		p.Visibility = social.Unlisted
	case slices.ContainsFunc(n.To, func(s string) bool { return strings.HasSuffix(s, "/followers") }):
		p.Visibility = social.Followers
	default:
		left.Direct++
		return nil, 0
	}
	for lang := range n.ContentMap {
		p.Lang = lang
	}
	for _, c := range append(n.OneOf, n.AnyOf...) { // the question is over: what is left are its words
		p.Text += "\n- " + strings.TrimSpace(c.Name)
	}
	for _, f := range n.Attachment {
		name := names[short(f.URL)]
		if name == "" || len(p.Media) == maxMedia {
			lost++
			continue
		}
		m := Media{Name: name, Alt: f.Name}
		if len(f.Focus) == 2 {
			m.Focus = &social.Focus{X: min(max(f.Focus[0], -1), 1), Y: min(max(f.Focus[1], -1), 1)}
		}
		p.Media = append(p.Media, m)
	}
	if p.Text == "" && len(p.Media) == 0 {
		left.Other++
		return nil, 0
	}
	return p, lost
}

// oldest is before which nobody has posted.
var oldest = time.Date(2006, 1, 1, 0, 0, 0, 0, time.UTC)

// Text returns the text of a post as one would type it. Links become addresses, and people of other servers are named with their server.
func Text(content string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(content))
	var inner *strings.Builder // of a link
	var href, class string
	write := func(s string) {
		if inner != nil {
			inner.WriteString(s)
			return
		}
		b.WriteString(s)
	}
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		t := z.Token()
		switch {
		case kind == html.TextToken:
			write(t.Data)
		case t.Data == "br" && kind != html.EndTagToken:
			write("\n")
		case t.Data == "p" && kind == html.EndTagToken, t.Data == "ul" && kind == html.EndTagToken, t.Data == "ol" && kind == html.EndTagToken:
			write("\n\n")
		case t.Data == "li" && kind == html.StartTagToken:
			write("\n- ")
		case t.Data == "a" && kind == html.StartTagToken:
			inner, href, class = &strings.Builder{}, "", ""
			for _, at := range t.Attr {
				switch at.Key {
				case "href":
					href = at.Val
				case "class":
					class = at.Val
				}
			}
		case t.Data == "a" && kind == html.EndTagToken && inner != nil:
			b.WriteString(linkText(inner.String(), href, class))
			inner = nil
		}
	}
	if inner != nil {
		b.WriteString(inner.String())
	}
	return strings.TrimSpace(b.String())
}

// linkText returns what one would type for a link.
func linkText(inner, href, class string) string {
	u, err := url.Parse(href)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || strings.HasPrefix(inner, "#") {
		return inner
	}
	if name, ok := strings.CutPrefix(inner, "@"); ok && strings.Contains(class, "mention") {
		if strings.Contains(name, "@") {
			return inner
		}
		return inner + "@" + u.Host
	}
	return href
}
