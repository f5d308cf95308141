package payment

import (
	"context"
	"errors"
	"net/http"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the page that stands for a customer's bank, which sends its customers back to what back says of an order or share. Whoever
// knows a charge's name may decide there, as at a bank: nothing but the sandbox's own money depends on it.
func (s *Sandbox) Routes(rt *httpx.Router, back func(ctx context.Context, paid id.ID) string) {
	s.back = back
	rt.Page("GET /sandbox/3ds/{ref}", httpx.Anyone, s.askPage)
	rt.Page("POST /sandbox/3ds/{ref}", httpx.Anyone, s.decidePage)
}

var errNoCharge = errs.New(errs.NotFound, "There is no such charge here.")

func (s *Sandbox) askPage(w http.ResponseWriter, r *http.Request) error {
	c, err := s.charge(r.Context(), r.PathValue("ref"))
	if errors.Is(err, db.ErrNoRow) {
		return errNoCharge
	}
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, bankPage(c, s.back(r.Context(), c.order)))
}

func (s *Sandbox) decidePage(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Answer string `form:"answer"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	order, err := s.Decide(r.Context(), r.PathValue("ref"), in.Answer == "confirm")
	if errors.Is(err, db.ErrNoRow) {
		return errNoCharge
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, s.back(r.Context(), order))
}
