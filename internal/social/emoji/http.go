package emoji

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Routes registers what apps read (docs.joinmastodon.org/methods/custom_emojis), and what admins do.
func (s *Service) Routes(rt *httpx.Router) {
	mastodon.Handle(rt, "GET /api/v1/custom_emojis", httpx.Anyone, s.handleList)
	may := httpx.May("admin.emoji")
	mastodon.Handle(rt, "POST "+httpx.Prefix+"/emojis", may, s.handleAdd)
	mastodon.Handle(rt, "PATCH "+httpx.Prefix+"/emojis/{shortcode}", may, s.handleChange)
	mastodon.Handle(rt, "DELETE "+httpx.Prefix+"/emojis/{shortcode}", may, s.handleRemove)
}

func (s *Service) handleList(r *mastodon.Request) (any, error) {
	known, err := s.all(r.Context())
	if err != nil {
		return nil, err
	}
	r.ReplyHeader().Set("Cache-Control", "public, max-age=60")
	return json.RawMessage(known.list), nil
}

// input is a form: the picture comes beside it as "image".
type input struct {
	Shortcode string `json:"shortcode"`
	Category  string `json:"category"`
	Visible   *bool  `json:"visible_in_picker"`
}

func (in input) said() Input {
	return Input{Category: in.Category, Hidden: in.Visible != nil && !*in.Visible}
}

func (s *Service) handleAdd(r *mastodon.Request) (any, error) {
	var in input
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	h, ok := r.File("image")
	if !ok {
		return nil, errs.InvalidField("image", "Send the picture as a file named image.")
	}
	if h.Size > MaxBytes {
		return nil, errs.New(errs.TooLarge, "The picture of an emoji has at most %d KB.", MaxBytes>>10)
	}
	f, err := h.Open()
	if err != nil {
		return nil, fmt.Errorf("emoji: open a picture: %w", err)
	}
	defer f.Close()
	body, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("emoji: read a picture: %w", err)
	}
	e, err := s.Add(r.Context(), in.Shortcode, in.said(), body)
	return mastodon.Reply{Status: http.StatusCreated, Body: e}, err
}

func (s *Service) handleChange(r *mastodon.Request) (any, error) {
	var in input
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	return s.Change(r.Context(), r.PathValue("shortcode"), in.said())
}

func (s *Service) handleRemove(r *mastodon.Request) (any, error) {
	return nil, s.Remove(r.Context(), r.PathValue("shortcode"))
}

// Personal says that emoji hold nothing about people.
func (s *Service) Personal() personal.Part {
	return personal.Part{Name: "emoji", Tables: []personal.Table{{Name: "custom_emoji", Plain: "shortcode path category hidden created_at"}}}
}
