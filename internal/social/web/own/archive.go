package own

import (
	"errors"
	"net/http"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// posts is the kind of a file that holds posts: it has a page of its own.
const posts = "posts"

func (p *Pages) archiveRoutes(rt *httpx.Router) {
	rt.Page("GET /settings/archive", httpx.May("follow.read"), p.archive)
	rt.Page("POST /settings/archive", httpx.May("status.write"), p.bringPosts)
}

func (p *Pages) archive(w http.ResponseWriter, r *http.Request) error {
	return p.showArchive(w, r, http.StatusOK, nil)
}

// showArchive answers with the form and how far archives are taken in: alone where the script asks, which says how far a file is sent.
func (p *Pages) showArchive(w http.ResponseWriter, r *http.Request, status int, wrong error) error {
	list, err := p.Files.Brought(r.Context(), me(r))
	if err != nil {
		return err
	}
	list = ofPosts(list, true)
	if ui.IsFragment(r) {
		return httpx.Render(w, r, status, archiveForm(list, wrong))
	}
	return httpx.Render(w, r, status, p.archiveWhole(p.View(r), list, wrong))
}

func (p *Pages) bringPosts(w http.ResponseWriter, r *http.Request) error {
	err := p.takeArchive(r)
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Conflict, errs.TooLarge:
		return p.showArchive(w, r, httpx.StatusOf(err), err)
	}
	if err != nil {
		return err
	}
	if ui.IsFragment(r) {
		return p.showArchive(w, r, http.StatusOK, nil)
	}
	return httpx.Redirect(w, r, "/settings/archive")
}

// takeArchive stores the archive of a form. The edge bounds how long it may be.
func (p *Pages) takeArchive(r *http.Request) error {
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return errs.InvalidField("data", "This file is too large.")
		}
		return errs.InvalidField("data", "This form could not be read.").WithCause(err)
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }() // what is left of it the system sweeps
	f, head, err := r.FormFile("data")
	if errors.Is(err, http.ErrMissingFile) {
		return errs.InvalidField("data", "Choose a file.")
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return p.Files.BringPosts(r.Context(), me(r), f, head.Size)
}

// ofPosts returns the files that hold posts, or the others.
func ofPosts(list []Brought, are bool) (out []Brought) {
	for _, b := range list {
		if (b.Kind == posts) == are {
			out = append(out, b)
		}
	}
	return out
}
