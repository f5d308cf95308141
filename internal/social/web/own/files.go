package own

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Files are lists that people bring from another server, as Mastodon's CSV files.
type Files interface {
	// Bring stores a file to be taken in. Errors: Invalid for what is no such file; Conflict while another of its kind is taken in.
	Bring(ctx context.Context, account id.ID, kind string, body []byte, overwrite bool) error
	// BringPosts stores an archive of Mastodon, a zip or the outbox.json in it, whose posts are to be taken in. Errors as of Bring.
	BringPosts(ctx context.Context, account id.ID, archive io.ReaderAt, size int64) error
	// Brought returns the files, the newest first.
	Brought(ctx context.Context, account id.ID) ([]Brought, error)
}

// Brought is a file, and how far it is taken in.
type Brought struct {
	Kind                string // one of kinds, or posts
	Done, Total, Failed int    // lines, or posts
	Ended               bool
	At                  time.Time
	Problems            [][2]string // a line, or how many of something, and why it was left out
}

// The kinds of files, as their addresses are called.
var kinds = []string{"following_accounts", "blocked_accounts", "muted_accounts", "blocked_domains", "lists", "bookmarks"}

// maxFile bounds the form with a file.
const maxFile = 5 << 20

func kindWord(ctx context.Context, kind string) string {
	switch kind {
	case "following_accounts":
		return i18n.T(ctx, "Whom I follow")
	case "blocked_accounts":
		return i18n.T(ctx, "Blocked")
	case "muted_accounts":
		return i18n.T(ctx, "Muted")
	case "blocked_domains":
		return i18n.T(ctx, "Blocked servers")
	case "lists":
		return i18n.T(ctx, "Lists")
	case posts:
		return i18n.T(ctx, "Posts")
	}
	return i18n.T(ctx, "Bookmarks")
}

func (p *Pages) fileRoutes(rt *httpx.Router) {
	rt.Page("GET /settings/carry", httpx.May("follow.read"), p.carry)
	rt.Page("POST /settings/carry", httpx.May("follow.write"), p.bring)
	rt.Page("GET /settings/carry/progress", httpx.May("follow.read"), p.progress)
}

func (p *Pages) carry(w http.ResponseWriter, r *http.Request) error {
	return p.showCarry(w, r, http.StatusOK, nil)
}

func (p *Pages) showCarry(w http.ResponseWriter, r *http.Request, status int, wrong error) error {
	list, err := p.Files.Brought(r.Context(), me(r))
	if err != nil {
		return err
	}
	return httpx.Render(w, r, status, p.carryWhole(p.View(r), ofPosts(list, false), wrong))
}

func (p *Pages) progress(w http.ResponseWriter, r *http.Request) error {
	list, err := p.Files.Brought(r.Context(), me(r))
	if err != nil {
		return err
	}
	of := ""
	if r.URL.Query().Get("of") == posts {
		of = posts
	}
	return httpx.Render(w, r, http.StatusOK, broughtList(ofPosts(list, of == posts), true, of))
}

func (p *Pages) bring(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxFile)
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		return p.showCarry(w, r, http.StatusUnprocessableEntity, errs.InvalidField("data", "This form could not be read.").WithCause(err))
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }() // what is left of it the system sweeps
	f, _, err := r.FormFile("data")
	if errors.Is(err, http.ErrMissingFile) {
		return p.showCarry(w, r, http.StatusUnprocessableEntity, errs.InvalidField("data", "Choose a file."))
	}
	if err != nil {
		return err
	}
	defer f.Close()
	body, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	err = p.Files.Bring(r.Context(), me(r), r.FormValue("kind"), body, r.FormValue("mode") == "overwrite")
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Conflict:
		return p.showCarry(w, r, httpx.StatusOf(err), err)
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/settings/carry")
}

// going reports whether a file is still being taken in.
func going(list []Brought) bool {
	for _, b := range list {
		if !b.Ended {
			return true
		}
	}
	return false
}
