package follow

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/social/follow/archive"
)

// Import is a file that somebody brought along, and how far it is taken in.
type Import struct {
	ID        id.ID     `json:"id"`
	File      File      `json:"type"`
	Overwrite bool      `json:"overwrite"` // what is not in the file is taken away
	State     string    `json:"state"`     // waiting, running, done
	Total     int       `json:"total"`     // lines
	Done      int       `json:"done"`      // lines looked at
	Failed    int       `json:"failed"`    // lines that could not be taken in
	Problems  []Problem `json:"problems"`  // why, of the first hundred
	CreatedAt time.Time `json:"created_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
}

// Problem is why a line could not be taken in.
type Problem struct {
	Line string `json:"line"`
	Why  string `json:"why"`
}

const (
	importKind  = "follow.import"
	maxProblems = 100
	maxImports  = 20   // unfinished and past, of one profile, that are shown
	importStep  = 50   // lines between two notes of the progress
	importRun   = 2000 // lines before other jobs get their turn
	postsStep   = 5    // posts, whose pictures take their time
	postsRun    = 25
	importFor   = 24 * time.Hour // after that a file that is not done never will be, and stands in nobody's way
	keepImports = 30 * 24 * time.Hour
)

type importArgs struct {
	Import id.ID `json:"import"`
}

// Import stores a file of a profile, to be taken in by a job. With overwrite, what is there and not in the file is taken away. It returns an
// Invalid error for what is no such file, and Conflict while another of the same kind is being taken in.
func (s *Service) Import(ctx context.Context, of id.ID, f File, body []byte, overwrite bool) (id.ID, error) {
	if f == FilePosts {
		return s.ImportArchive(ctx, of, bytes.NewReader(body), int64(len(body)))
	}
	lines, err := f.parse(body)
	if err != nil {
		return 0, err
	}
	return s.bring(ctx, of, f, lines, overwrite, brought{})
}

// brought is what there is to an archive besides its posts.
type brought struct {
	path string    // of its files; empty where there are none
	left []Problem // what is not taken over
}

// bring stores the lines of a file.
func (s *Service) bring(ctx context.Context, of id.ID, f File, lines []line, overwrite bool, more brought) (id.ID, error) {
	doc, err := json.Marshal(lines)
	if err != nil {
		return 0, fmt.Errorf("follow: encode the lines of %s: %w", f, err)
	}
	im := Import{ID: s.ids.Next(), File: f, Overwrite: overwrite, State: "waiting", Total: len(lines), Problems: more.left, CreatedAt: s.now().UTC()}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		busy, err := importing(ctx, tx, of, f, s.now().Add(-importFor))
		if err != nil {
			return err
		}
		if busy {
			return errs.New(errs.Conflict, "A file of this kind is being taken in already. Wait until it is done.")
		}
		if err := insertImport(ctx, tx, of, im, string(doc), more.path); err != nil {
			return err
		}
		_, err = s.opt.Jobs.Enqueue(ctx, tx, importKind, importArgs{im.ID}, jobs.Opts{Unique: importKind + ":" + im.ID.String()})
		return err
	})
	if err != nil {
		return 0, err
	}
	return im.ID, nil
}

// Imports returns the files that a profile brought along, newest first.
func (s *Service) Imports(ctx context.Context, of id.ID) (out []Import, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = imports(ctx, tx, of, maxImports)
		return err
	})
	return out, err
}

// runImport takes in a file, or a part of it: then it asks to be called again. Doing a line twice changes nothing.
func (s *Service) runImport(ctx context.Context, j jobs.Job) error {
	var args importArgs
	if err := json.Unmarshal(j.Args, &args); err != nil {
		return jobs.Discard(err)
	}
	var im Import
	var of id.ID
	var doc string
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		im, of, doc, err = importByID(ctx, tx, args.Import)
		return err
	})
	if errors.Is(err, db.ErrNoRow) || err == nil && im.State == "done" {
		return nil // its person has left, or it was done before
	}
	if err != nil {
		return err
	}
	var lines []line
	if err := json.Unmarshal([]byte(doc), &lines); err != nil {
		return jobs.Discard(fmt.Errorf("follow: lines of import %s: %w", im.ID, err))
	}
	ctx = access.With(ctx, access.Actor{ID: of})
	takeIn, step, run, path := s.takeIn, importStep, importRun, ""
	if im.File == FilePosts {
		z, shut, err := s.openArchive(ctx, im.ID)
		if err != nil {
			return err
		}
		defer shut()
		takeIn, step, run, path = s.takePost(z), postsStep, postsRun, z.path
	}
	if im.Overwrite && im.Done == 0 {
		if err := s.takeAway(ctx, of, im.File, lines); err != nil {
			return err
		}
	}
	im.State = "running"
	for until := im.Done + run; im.Done < len(lines); {
		for range min(step, len(lines)-im.Done) {
			if err := takeIn(ctx, of, im.File, lines[im.Done]); err != nil {
				e := errs.As(err)
				if e == nil || errs.Is(err, errs.Unavailable) {
					return err // ours: once more from the last note on
				}
				if im.Failed++; len(im.Problems) < maxProblems {
					im.Problems = append(im.Problems, Problem{lines[im.Done].Name, e.Message})
				}
			}
			im.Done++
		}
		if im.Done == len(lines) {
			im.State, im.EndedAt = "done", s.now().UTC()
		}
		err := s.db.Write(ctx, func(tx *db.Tx) error {
			if err := noteImport(ctx, tx, im); err != nil || im.State != "done" {
				return err
			}
			if path != "" {
				if err := s.opt.Unlink(ctx, tx, []string{path}); err != nil {
					return err
				}
			}
			return s.log.Append(ctx, tx, s.now(), 0, social.Notice{
				To: []id.ID{of}, Type: social.NoticeImported, From: of, Thing: im.ID, Title: string(im.File), URL: im.File.page(),
			})
		})
		if err != nil {
			return err
		}
		if im.State != "done" && im.Done >= until {
			return jobs.Snooze(time.Second)
		}
	}
	return nil
}

// Posts takes in what somebody has posted elsewhere.
type Posts interface {
	// Put restores a post, once however often it is called; open opens the files that it carries by their names.
	Put(ctx context.Context, owner id.ID, p *archive.Post, open func(name string) (io.ReadCloser, error)) error
}

// ImportArchive is Import for an archive of Mastodon, a zip of so many bytes, or for the outbox.json in it.
func (s *Service) ImportArchive(ctx context.Context, of id.ID, r io.ReaderAt, size int64) (id.ID, error) {
	if s.opt.Posts == nil {
		return 0, errUnknown
	}
	var posts []archive.Post
	var left archive.Left
	alone := archive.Alone(r)
	if alone {
		var err error
		if posts, left, err = archive.ReadAlone(io.NewSectionReader(r, 0, size), s.now()); err != nil {
			return 0, err
		}
	} else {
		z, err := archive.Open(r, size)
		if err != nil {
			return 0, err
		}
		if posts, left, err = archive.Read(z, s.now()); err != nil {
			return 0, err
		}
	}
	lines := make([]line, len(posts))
	for i := range posts {
		lines[i] = line{Name: posts[i].URI, Post: &posts[i]}
	}
	more := brought{left: leftOut(left)}
	if alone {
		return s.bring(ctx, of, FilePosts, lines, false, more)
	}
	more.path = files.NewPath(".zip")
	if err := s.opt.Files.Store(more.path, io.NewSectionReader(r, 0, size)); err != nil {
		return 0, err
	}
	made, err := s.bring(ctx, of, FilePosts, lines, false, more)
	if err != nil {
		return 0, errors.Join(err, s.opt.Files.Remove(more.path))
	}
	return made, nil
}

// leftOut says what of an archive is not taken over.
func leftOut(l archive.Left) []Problem {
	out := []Problem{}
	for _, p := range []struct {
		n   int
		why string
	}{
		{l.Boosts, i18n.Key("What you boosted is others'.")},
		{l.Direct, i18n.Key("What you wrote to a few people is theirs as well.")},
		{l.Other, i18n.Key("These are no posts of yours that could be read.")},
		{l.Files, i18n.Key("These pictures, films and sounds are not in the archive.")},
	} {
		if p.n > 0 {
			out = append(out, Problem{strconv.Itoa(p.n) + " ×", p.why})
		}
	}
	return out
}

// opened is an archive that is being taken in.
type opened struct {
	*zip.Reader
	path string
}

func (s *Service) openArchive(ctx context.Context, which id.ID) (*opened, func(), error) {
	var path string
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		path, err = archiveOf(ctx, tx, which)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if path == "" {
		return &opened{new(zip.Reader), ""}, func() {}, nil
	}
	f, err := s.opt.Files.Read(path)
	if err != nil {
		return nil, nil, jobs.Discard(err)
	}
	at, ok := f.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return nil, nil, errors.Join(errUnknown, f.Close())
	}
	size, err := at.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	z, err := archive.Open(at, size)
	if err != nil {
		return nil, nil, errors.Join(jobs.Discard(err), f.Close())
	}
	return &opened{z, path}, func() { _ = f.Close() }, nil // it was only read
}

// takePost returns takeIn for the posts of an archive.
func (s *Service) takePost(z *opened) func(context.Context, id.ID, File, line) error {
	byName := make(map[string]*zip.File, len(z.File))
	for _, f := range z.File {
		byName[f.Name] = f
	}
	return func(ctx context.Context, of id.ID, _ File, l line) error {
		if l.Post == nil {
			return errUnknown
		}
		return s.opt.Posts.Put(ctx, of, l.Post, func(name string) (io.ReadCloser, error) {
			if f := byName[name]; f != nil {
				return f.Open()
			}
			return nil, errUnknown
		})
	}
}

// takeIn does what a line says.
func (s *Service) takeIn(ctx context.Context, of id.ID, f File, l line) error {
	switch f {
	case FileDomains:
		return s.BlockDomain(ctx, of, l.Name)
	case FileBookmarks:
		if s.opt.Bookmarks == nil {
			return errUnknown
		}
		return s.opt.Bookmarks.Put(ctx, of, l.Name)
	}
	other, err := s.opt.Resolve(ctx, l.Name)
	if err != nil {
		return err
	}
	switch f {
	case FileFollowing:
		how := How{Boosts: l.Boosts, Notify: l.Notify}
		if l.Langs != "" {
			langs := strings.FieldsFunc(l.Langs, func(r rune) bool { return r == ',' || r == ' ' })
			how.Langs = &langs
		}
		return s.Follow(ctx, of, other, how)
	case FileBlocks:
		return s.Block(ctx, of, other)
	case FileMutes:
		return s.Mute(ctx, of, other, l.Hide == nil || *l.Hide, 0)
	}
	if s.opt.Lists == nil {
		return errUnknown
	}
	return s.opt.Lists.Put(ctx, of, ListPair{l.List, other})
}

// takeAway removes what is there and not in the file.
func (s *Service) takeAway(ctx context.Context, of id.ID, f File, lines []line) error {
	keep := map[line]bool{}
	for _, l := range lines {
		keep[line{Name: s.normal(f, l.Name), List: l.List}] = true
	}
	have, err := s.lines(ctx, of, f)
	if err != nil {
		return err
	}
	for _, cells := range have {
		l := lineOf(f.columns(), cells)
		if keep[line{Name: s.normal(f, l.Name), List: l.List}] {
			continue
		}
		if err := s.takeOne(ctx, of, f, l); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	return nil
}

// takeOne takes away what a line says.
func (s *Service) takeOne(ctx context.Context, of id.ID, f File, l line) error {
	switch f {
	case FileDomains:
		return s.UnblockDomain(ctx, of, l.Name)
	case FileBookmarks:
		return s.opt.Bookmarks.Take(ctx, of, l.Name)
	}
	other, err := s.opt.Resolve(ctx, l.Name)
	if err != nil {
		return err
	}
	switch f {
	case FileFollowing:
		return s.Unfollow(ctx, of, other)
	case FileBlocks:
		return s.Unblock(ctx, of, other)
	case FileMutes:
		return s.Unmute(ctx, of, other)
	}
	return s.opt.Lists.Take(ctx, of, ListPair{l.List, other})
}

// normal returns the name of a line in the form in which names are compared: "@Anna" and "anna@this.host" are the same.
func (s *Service) normal(f File, name string) string {
	if f == FileBookmarks {
		return name
	}
	name = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(name), "@"))
	if f != FileDomains && !strings.Contains(name, "@") {
		name = s.address(&social.Account{Acct: name})
	}
	return name
}

// fileRoutes registers the files of what somebody follows and shuts out: to take along, and to bring.
func (s *Service) fileRoutes(rt *httpx.Router) {
	for _, f := range Files {
		rt.Raw("GET /api/v1/exports/"+string(f)+".csv", httpx.May(f.verb(false)), s.handleExport(f))
	}
	mastodon.Handle(rt, "POST /api/v1/import", httpx.May("follow.write"), s.handleImport)
	mastodon.Handle(rt, "GET /api/v1/imports", httpx.May("follow.read"), s.handleImports)
}

func (s *Service) handleExport(f File) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		me, err := s.profiles.ActAs(r.Context(), access.From(r.Context()), r.URL.Query().Get("as"))
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := s.Export(r.Context(), me, f, &out); err != nil {
			return err
		}
		h := w.Header()
		h.Set("Content-Type", "text/csv; charset=utf-8")
		h.Set("Content-Disposition", `attachment; filename="`+string(f)+`.csv"`)
		h.Set("Cache-Control", "private, no-store")
		_, _ = w.Write(out.Bytes()) // the client may be gone: nobody to tell
		return nil
	}
}

func (s *Service) handleImport(r *mastodon.Request) (any, error) {
	var in struct {
		Type string `json:"type"`
		Mode string `json:"mode"`
		Data string `json:"data"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	f, err := FileOf(in.Type)
	if err != nil {
		return nil, err
	}
	if err := access.Can(r.Actor(), f.verb(true), access.Thing{}); err != nil {
		return nil, err
	}
	if in.Mode != "" && in.Mode != "merge" && in.Mode != "overwrite" {
		return nil, errs.InvalidField("mode", "The mode is merge or overwrite.")
	}
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	if f == FilePosts {
		return s.handleArchive(r, me)
	}
	body := []byte(in.Data)
	if file, ok := r.File("data"); ok {
		in, err := file.Open()
		if err != nil {
			return nil, err
		}
		defer in.Close()
		if body, err = io.ReadAll(io.LimitReader(in, MaxFile+1)); err != nil {
			return nil, err
		}
	}
	made, err := s.Import(r.Context(), me, f, body, in.Mode == "overwrite")
	if err != nil {
		return nil, err
	}
	return mastodon.Reply{Status: http.StatusAccepted, Body: map[string]any{"id": made, "state": "waiting"}}, nil
}

func (s *Service) handleArchive(r *mastodon.Request, me id.ID) (any, error) {
	file, ok := r.File("data")
	if !ok {
		return nil, errs.InvalidField("data", "Send the archive as a file.")
	}
	if me != r.Actor().ID {
		return nil, errs.New(errs.Forbidden, "Only a person's own posts can be brought along.")
	}
	in, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	made, err := s.ImportArchive(r.Context(), me, in, file.Size)
	if err != nil {
		return nil, err
	}
	return mastodon.Reply{Status: http.StatusAccepted, Body: map[string]any{"id": made, "state": "waiting"}}, nil
}

func (s *Service) handleImports(r *mastodon.Request) (any, error) {
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	return s.Imports(r.Context(), me)
}
