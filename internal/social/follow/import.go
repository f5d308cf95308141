package follow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
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
	maxImports  = 20             // unfinished and past, of one profile, that are shown
	importStep  = 50             // lines between two notes of the progress
	importRun   = 2000           // lines before other jobs get their turn
	importFor   = 24 * time.Hour // after that a file that is not done never will be, and stands in nobody's way
	keepImports = 30 * 24 * time.Hour
)

type importArgs struct {
	Import id.ID `json:"import"`
}

// Import stores a file of a profile, to be taken in by a job. With overwrite, what is there and not in the file is taken away. It returns an
// Invalid error for what is no such file, and Conflict while another of the same kind is being taken in.
func (s *Service) Import(ctx context.Context, of id.ID, f File, body []byte, overwrite bool) (id.ID, error) {
	lines, err := f.parse(body)
	if err != nil {
		return 0, err
	}
	doc, err := json.Marshal(lines)
	if err != nil {
		return 0, fmt.Errorf("follow: encode the lines of %s: %w", f, err)
	}
	im := Import{ID: s.ids.Next(), File: f, Overwrite: overwrite, State: "waiting", Total: len(lines), CreatedAt: s.now().UTC()}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		busy, err := importing(ctx, tx, of, f, s.now().Add(-importFor))
		if err != nil {
			return err
		}
		if busy {
			return errs.New(errs.Conflict, "A file of this kind is being taken in already. Wait until it is done.")
		}
		if err := insertImport(ctx, tx, of, im, string(doc)); err != nil {
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
	if im.Overwrite && im.Done == 0 {
		if err := s.takeAway(ctx, of, im.File, lines); err != nil {
			return err
		}
	}
	im.State = "running"
	for until := im.Done + importRun; im.Done < len(lines); {
		for range min(importStep, len(lines)-im.Done) {
			if err := s.takeIn(ctx, of, im.File, lines[im.Done]); err != nil {
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
		if err := s.db.Write(ctx, func(tx *db.Tx) error { return noteImport(ctx, tx, im) }); err != nil {
			return err
		}
		if im.State != "done" && im.Done >= until {
			return jobs.Snooze(time.Second)
		}
	}
	return nil
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

func (s *Service) handleImports(r *mastodon.Request) (any, error) {
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	return s.Imports(r.Context(), me)
}
