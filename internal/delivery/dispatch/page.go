package dispatch

import (
	"net/http"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// pages registers what people use: the courier's phone and the dispatcher's board.
func (s *Service) pages(rt *httpx.Router) {
	rt.Page("GET /courier", httpx.May("courier.work"), s.showCourier)
	rt.Page("GET /courier/live", httpx.May("courier.work"), s.showCourierLive)
	rt.Page("POST /courier/offers/{order}/{answer}", httpx.May("courier.work"), s.formOffer)
	rt.Page("POST /courier/tasks/{id}/{action}", httpx.May("courier.work"), s.formTask)
	rt.Page("GET /dispatch", httpx.May("dispatch.board"), s.showBoard)
	rt.Page("GET /dispatch/live", httpx.May("dispatch.board"), s.showBoardLive)
	rt.Page("POST /dispatch/assign", httpx.May("dispatch.assign"), s.formAssign)
	rt.Page("POST /dispatch/orders/{id}/{what}", httpx.May("dispatch.assign"), s.formFailed)
}

func (s *Service) showCourier(w http.ResponseWriter, r *http.Request) error {
	v, err := s.workView(r)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, courierPage(v))
}

func (s *Service) showCourierLive(w http.ResponseWriter, r *http.Request) error {
	v, err := s.workView(r)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, courierView(v))
}

func (s *Service) workView(r *http.Request) (*workView, error) {
	work, err := s.Tasks(r.Context())
	if err != nil {
		return nil, err
	}
	return newWorkView(work, s.opt.Zone), nil
}

// formOffer answers the buttons of an offer.
func (s *Service) formOffer(w http.ResponseWriter, r *http.Request) error {
	order, err := parse(r.PathValue("order"), errNoOffer)
	if err != nil {
		return err
	}
	switch r.PathValue("answer") {
	case "accept":
		err = s.Accept(r.Context(), order)
	case "decline":
		err = s.Decline(r.Context(), order)
	default:
		err = errNoOffer
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/courier")
}

// taskForm is what the buttons of a stop send.
type taskForm struct {
	At     string   `form:"at"`
	Code   string   `form:"code"`
	Note   string   `form:"note"`
	Reason string   `form:"reason"`
	Tasks  []string `form:"tasks"`
}

// did reads the form of an action.
func (f *taskForm) did() (Did, error) {
	d := Did{Reason: f.Reason, Note: f.Note, Proof: delivery.Proof{Code: f.Code, Note: f.Note}}
	if f.At != "" {
		at, err := time.Parse(time.RFC3339, f.At)
		if err != nil {
			return d, errs.InvalidField("at", "Give a time such as 2026-12-01T19:05:00Z.")
		}
		d.At = at
	}
	for _, text := range f.Tasks {
		task, err := id.Parse(text)
		if err != nil {
			return d, errs.InvalidField("tasks", "This is not the id of a task.")
		}
		d.Also = append(d.Also, task)
	}
	return d, nil
}

// formTask answers the buttons of a stop. The one that hands over may bring a photo along.
func (s *Service) formTask(w http.ResponseWriter, r *http.Request) error {
	task, err := parse(r.PathValue("id"), errNoTask)
	if err != nil {
		return err
	}
	a := Action(r.PathValue("action"))
	if a != Start && a != Arrive && a != Complete && a != Fail {
		return errNoTask
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		if err := readMultipart(w, r); err != nil {
			return err
		}
		defer func() { _ = r.MultipartForm.RemoveAll() }() // what is left of it the system sweeps
	}
	var f taskForm
	if err := httpx.DecodeForm(w, r, &f); err != nil {
		return err
	}
	d, err := f.did()
	if err != nil {
		return err
	}
	if d.Proof.Photo, err = s.formPhoto(r, task, a, &d); err != nil {
		return err
	}
	if err := s.Do(r.Context(), task, a, d); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/courier")
}

// readMultipart reads a form that may hold a photo.
func readMultipart(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxPhoto)
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		if httpx.StatusOf(err) == http.StatusRequestEntityTooLarge {
			return errs.New(errs.TooLarge, "This photo is too large.").WithCause(err)
		}
		return errs.InvalidField("body", "This form could not be read.").WithCause(err)
	}
	return nil
}

// formPhoto stores the photo that came with a hand-over, if it is needed: without a code.
func (s *Service) formPhoto(r *http.Request, task id.ID, a Action, d *Did) (string, error) {
	if r.MultipartForm == nil || a != Complete || strings.TrimSpace(d.Proof.Code) != "" {
		return "", nil
	}
	files := r.MultipartForm.File["photo"]
	if len(files) == 0 || files[0].Size == 0 {
		return "", nil
	}
	file, err := files[0].Open()
	if err != nil {
		return "", errs.InvalidField("photo", "This photo could not be read.").WithCause(err)
	}
	defer file.Close()
	return s.Photo(r.Context(), task, file)
}

func (s *Service) boardView(r *http.Request) (*boardView, error) {
	f := Filter{Only: r.URL.Query().Get("only"), Query: r.URL.Query().Get("q")}
	b, err := s.Board(r.Context(), f)
	if err != nil {
		return nil, err
	}
	return newBoardView(b, f, s.opt.Zone), nil
}

func (s *Service) showBoard(w http.ResponseWriter, r *http.Request) error {
	v, err := s.boardView(r)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, boardPage(v))
}

func (s *Service) showBoardLive(w http.ResponseWriter, r *http.Request) error {
	v, err := s.boardView(r)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, boardRegion(v))
}

// formAssign answers the select beside an order, and a drop onto a courier.
func (s *Service) formAssign(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Order   id.ID  `form:"order"`
		Courier string `form:"courier"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	var courier id.ID
	if in.Courier != "" {
		var err error
		if courier, err = id.Parse(in.Courier); err != nil {
			return errs.InvalidField("courier", "This is not the id of a courier.")
		}
	}
	return s.acted(w, r, s.Assign(r.Context(), in.Order, courier))
}

// formFailed answers the buttons of a failed hand-over.
func (s *Service) formFailed(w http.ResponseWriter, r *http.Request) error {
	order, err := parse(r.PathValue("id"), errNoTrip)
	if err != nil {
		return err
	}
	switch r.PathValue("what") {
	case "retry":
		err = s.Retry(r.Context(), order)
	case "dismiss":
		err = s.Dismiss(r.Context(), order)
	default:
		err = errNoTrip
	}
	return s.acted(w, r, err)
}

// acted shows the board after a button; what a dispatcher can mend is said beside it.
func (s *Service) acted(w http.ResponseWriter, r *http.Request, err error) error {
	if !httpx.IsFragment(r) {
		if err != nil {
			return err
		}
		return httpx.Redirect(w, r, "/dispatch")
	}
	said := ""
	switch errs.KindOf(err) {
	case errs.Conflict, errs.Invalid:
		said = httpx.Sentence(r.Context(), err)
	default:
		if err != nil {
			return err
		}
	}
	v, err := s.boardView(r)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, boardActed(v, said))
}
