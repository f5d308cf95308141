package media

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Routes registers the API: docs.joinmastodon.org/methods/media.
func (s *Service) Routes(rt *httpx.Router) {
	may := httpx.May("media.write")
	mastodon.Handle(rt, "POST /api/v1/media", may, s.handleAdd)
	mastodon.Handle(rt, "POST /api/v2/media", may, s.handleAdd)
	mastodon.Handle(rt, "GET /api/v1/media/{id}", may, s.handleGet)
	mastodon.Handle(rt, "PUT /api/v1/media/{id}", may, s.handleChange)
	mastodon.Handle(rt, "DELETE /api/v1/media/{id}", may, s.handleRemove)
}

// about is what is said about a file. What is left out stays as it is.
type about struct {
	Description *string `json:"description"`
	Focus       string  `json:"focus"`
}

// read decodes the form and returns what is said about the file, and the picture that stands for it.
func read(r *mastodon.Request) (in about, focus *social.Focus, thumb []byte, err error) {
	if err := r.Decode(&in); err != nil {
		return in, nil, nil, err
	}
	if focus, err = ParseFocus(in.Focus); err != nil {
		return in, nil, nil, err
	}
	if h, ok := r.File("thumbnail"); ok {
		if h.Size > MaxPicture {
			return in, nil, nil, errs.New(errs.TooLarge, "A picture has at most %d MB.", int64(MaxPicture>>20))
		}
		f, err := h.Open()
		if err != nil {
			return in, nil, nil, fmt.Errorf("media: open a thumbnail: %w", err)
		}
		defer f.Close()
		if thumb, err = io.ReadAll(f); err != nil {
			return in, nil, nil, fmt.Errorf("media: read a thumbnail: %w", err)
		}
	}
	return in, focus, thumb, nil
}

func (s *Service) handleAdd(r *mastodon.Request) (any, error) {
	in, focus, thumb, err := read(r)
	if err != nil {
		return nil, err
	}
	up := Upload{Thumb: thumb, Focus: focus}
	if h, ok := r.File("file"); ok {
		f, err := h.Open()
		if err != nil {
			return nil, fmt.Errorf("media: open a file: %w", err)
		}
		defer f.Close()
		up.File, up.Size = f, h.Size
	} else if r.MultipartForm != nil && len(r.MultipartForm.Value["file"]) > 0 {
		// Without a name and a type a part is not known for a file; some apps send neither.
		text := r.MultipartForm.Value["file"][0]
		up.File, up.Size = strings.NewReader(text), int64(len(text))
	}
	if in.Description != nil {
		up.Description = *in.Description
	}
	return s.Add(r.Context(), r.Actor().ID, up)
}

func (s *Service) handleGet(r *mastodon.Request) (any, error) {
	a, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	return s.Get(r.Context(), r.Actor().ID, a)
}

func (s *Service) handleChange(r *mastodon.Request) (any, error) {
	a, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	in, focus, thumb, err := read(r)
	if err != nil {
		return nil, err
	}
	return s.Change(r.Context(), r.Actor().ID, a, Change{Description: in.Description, Focus: focus, Thumb: thumb})
}

func (s *Service) handleRemove(r *mastodon.Request) (any, error) {
	a, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	return nil, s.Remove(r.Context(), r.Actor().ID, a)
}

// IsUpload reports whether a request brings a file of up to MaxFilm bytes: it may take longer than others, and be longer.
func IsUpload(r *http.Request) bool {
	return r.Method == http.MethodPost && (r.URL.Path == "/api/v1/media" || r.URL.Path == "/api/v2/media")
}
