package follow

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/social/follow/archive"
)

// File is a kind of the files that Mastodon's servers write and read of what somebody follows and shuts out.
type File string

// The files, by the names that they have there without ".csv".
const (
	FileFollowing File = "following_accounts"
	FileBlocks    File = "blocked_accounts"
	FileMutes     File = "muted_accounts"
	FileDomains   File = "blocked_domains"
	FileLists     File = "lists"
	FileBookmarks File = "bookmarks"
	FilePosts     File = "posts" // an archive of Mastodon: brought along only, as there is a copy of all data to be taken along
)

// Files are all kinds but FilePosts.
var Files = []File{FileFollowing, FileBlocks, FileMutes, FileDomains, FileLists, FileBookmarks}

// words by which apps and people call the files.
var fileWords = map[string]File{
	"following": FileFollowing, "follows": FileFollowing, "blocking": FileBlocks, "blocks": FileBlocks, "muting": FileMutes, "mutes": FileMutes,
	"domain_blocking": FileDomains, "domain_blocks": FileDomains, "domains": FileDomains, "posts": FilePosts, "archive": FilePosts,
}

// FileOf returns the file that a word or a name means, or an Invalid error.
func FileOf(word string) (File, error) {
	word = strings.TrimSuffix(strings.ToLower(word), ".csv")
	if f, ok := fileWords[word]; ok {
		return f, nil
	}
	if f := File(word); slices.Contains(Files, f) {
		return f, nil
	}
	return "", errs.InvalidField("type", "This is no such file: following, blocks, mutes, domain_blocks, lists, bookmarks or posts.")
}

// page returns the path of the page on which one sees how far a file is taken in.
func (f File) page() string {
	if f == FilePosts {
		return "/settings/archive"
	}
	return "/settings/carry"
}

// verb returns what reading or writing a file takes.
func (f File) verb(write bool) string {
	kind := map[File]string{
		FileFollowing: "follow", FileBlocks: "block", FileMutes: "mute", FileDomains: "block", FileLists: "list", FileBookmarks: "bookmark", FilePosts: "status",
	}[f]
	if write {
		return kind + ".write"
	}
	return kind + ".read"
}

// header is the first line of a file; nil where it has none.
func (f File) header() []string {
	switch f {
	case FileFollowing:
		return []string{"Account address", "Show boosts", "Notify on new posts", "Languages"}
	case FileMutes:
		return []string{"Account address", "Hide notifications"}
	}
	return nil
}

// columns are what the columns of a file mean that has no header.
func (f File) columns() []string {
	switch f {
	case FileDomains:
		return []string{"#domain"}
	case FileBookmarks:
		return []string{"#uri"}
	case FileLists:
		return []string{"List name", "Account address"}
	case FileBlocks:
		return []string{"Account address"}
	}
	return f.header()
}

// Lists are somebody's lists as their file has them.
type Lists interface {
	// Pairs returns the titles of an owner's lists, each with one of its members.
	Pairs(ctx context.Context, owner id.ID) ([]ListPair, error)
	// Put adds a member to the list with a title, which is made where it is missing.
	Put(ctx context.Context, owner id.ID, p ListPair) error
	// Take removes the member.
	Take(ctx context.Context, owner id.ID, p ListPair) error
}

// ListPair is a list and one of its members.
type ListPair struct {
	Title  string
	Member id.ID
}

// Bookmarks are somebody's bookmarks as their file has them, by the URIs of statuses.
type Bookmarks interface {
	URIs(ctx context.Context, owner id.ID) ([]string, error)
	Put(ctx context.Context, owner id.ID, uri string) error
	Take(ctx context.Context, owner id.ID, uri string) error
}

// Export writes a file of a profile to w, as Mastodon's servers write it.
func (s *Service) Export(ctx context.Context, of id.ID, f File, w io.Writer) error {
	out := csv.NewWriter(w)
	if h := f.header(); h != nil {
		if err := out.Write(h); err != nil {
			return err
		}
	}
	lines, err := s.lines(ctx, of, f)
	if err != nil {
		return fmt.Errorf("follow: export %s of %s: %w", f, of, err)
	}
	return out.WriteAll(lines)
}

// lines returns what stands in a file of a profile.
func (s *Service) lines(ctx context.Context, of id.ID, f File) (out [][]string, err error) {
	switch f {
	case FileFollowing:
		rel, err := s.Relations(ctx, of)
		if err != nil {
			return nil, err
		}
		return s.accountLines(ctx, of, Following, func(p Place) []string {
			how := rel.Follows[p.Profile]
			return []string{fmt.Sprint(how.Boosts), fmt.Sprint(how.Notify), strings.Join(how.Langs, ", ")}
		})
	case FileBlocks:
		return s.accountLines(ctx, of, Blocked, func(Place) []string { return nil })
	case FileMutes:
		rel, err := s.Relations(ctx, of)
		if err != nil {
			return nil, err
		}
		return s.accountLines(ctx, of, Muted, func(p Place) []string { return []string{fmt.Sprint(rel.Mutes[p.Profile].Notifications)} })
	case FileDomains:
		list, _, _, err := s.Domains(ctx, of, mastodon.Page{Limit: MaxDomains})
		for _, d := range list {
			out = append(out, []string{d})
		}
		return out, err
	case FileLists:
		return s.listLines(ctx, of)
	}
	if s.opt.Bookmarks == nil {
		return nil, nil
	}
	uris, err := s.opt.Bookmarks.URIs(ctx, of)
	for _, u := range uris {
		out = append(out, []string{u})
	}
	return out, err
}

// accountLines returns a line for each profile of a circle: its address, and what more says.
func (s *Service) accountLines(ctx context.Context, of id.ID, circle Circle, more func(Place) []string) (out [][]string, err error) {
	for p := (mastodon.Page{Limit: 1000}); ; {
		list, next, _, err := s.List(ctx, of, of, circle, p)
		if err != nil {
			return nil, err
		}
		address, err := s.addresses(ctx, profilesOf(list))
		if err != nil {
			return nil, err
		}
		for _, pl := range list {
			if a := address[pl.Profile]; a != "" {
				out = append(out, append([]string{a}, more(pl)...))
			}
		}
		if p.MaxID = next; next == 0 {
			return out, nil
		}
	}
}

// addresses returns "anna@this.host" of profiles by their ids.
func (s *Service) addresses(ctx context.Context, ids []id.ID) (map[id.ID]string, error) {
	found, err := s.profiles.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[id.ID]string, len(found))
	for i, a := range found {
		out[i] = s.address(a)
	}
	return out, nil
}

func (s *Service) address(a *social.Account) string {
	if strings.Contains(a.Acct, "@") {
		return a.Acct
	}
	_, host, _ := strings.Cut(s.opt.URL(), "://")
	return a.Acct + "@" + host
}

func (s *Service) listLines(ctx context.Context, of id.ID) (out [][]string, err error) {
	if s.opt.Lists == nil {
		return nil, nil
	}
	pairs, err := s.opt.Lists.Pairs(ctx, of)
	if err != nil {
		return nil, err
	}
	var members []id.ID
	for _, p := range pairs {
		members = append(members, p.Member)
	}
	address, err := s.addresses(ctx, members)
	if err != nil {
		return nil, err
	}
	for _, p := range pairs {
		if a := address[p.Member]; a != "" {
			out = append(out, []string{p.Title, a})
		}
	}
	return out, nil
}

// Limits of a file that is brought along.
const (
	MaxFile  = 4 << 20 // bytes
	MaxLines = 20_000
)

// line is a line of a file as it is taken in.
type line struct {
	Name   string `json:"n"`           // address, server or URI
	List   string `json:"l,omitempty"` // title
	Boosts *bool  `json:"b,omitempty"`
	Notify *bool  `json:"y,omitempty"`
	Langs  string `json:"t,omitempty"`
	Hide   *bool  `json:"h,omitempty"` // notifications, too

	Post *archive.Post `json:"p,omitempty"`
}

// parse reads a file, with or without a header. It returns an Invalid error for what is none, or too long.
func (f File) parse(body []byte) ([]line, error) {
	if len(body) > MaxFile {
		return nil, errs.InvalidField("data", "A file has at most %d lines.", MaxLines)
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(bytes.ToValidUTF8(body, nil), []byte("\ufeff"))))
	in.FieldsPerRecord, in.LazyQuotes, in.TrimLeadingSpace = -1, true, true
	columns := f.columns()
	var out []line
	for first := true; ; first = false {
		cells, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, errs.InvalidField("data", "This file can't be read: it is no CSV.")
		}
		if first && slices.ContainsFunc(cells, func(c string) bool {
			return slices.Contains([]string{"Account address", "List name", "#domain", "#uri"}, c)
		}) {
			columns = cells
			continue
		}
		l := lineOf(columns, cells)
		if l.Name == "" || f == FileLists && l.List == "" {
			continue
		}
		if out = append(out, l); len(out) > MaxLines {
			return nil, errs.InvalidField("data", "A file has at most %d lines.", MaxLines)
		}
	}
	if len(out) == 0 {
		return nil, errs.InvalidField("data", "There is nothing in this file that could be taken over.")
	}
	return out, nil
}

func lineOf(columns, cells []string) (l line) {
	truth := func(s string) *bool {
		switch strings.ToLower(s) {
		case "true", "1", "yes":
			yes := true
			return &yes
		case "false", "0", "no":
			return new(bool)
		}
		return nil
	}
	for i, cell := range cells {
		if i >= len(columns) {
			break
		}
		cell = strings.TrimSpace(strings.ReplaceAll(cell, "\x00", ""))
		switch columns[i] {
		case "Account address", "#domain", "#uri":
			l.Name = cell
		case "List name":
			l.List = cell
		case "Show boosts":
			l.Boosts = truth(cell)
		case "Notify on new posts":
			l.Notify = truth(cell)
		case "Languages":
			l.Langs = cell
		case "Hide notifications":
			l.Hide = truth(cell)
		}
	}
	return l
}
