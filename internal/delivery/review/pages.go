package review

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

func (s *Service) pages(rt *httpx.Router) {
	rt.Page("GET /r/{slug}/reviews", httpx.GuestOr("status.read"), s.showList)
	rt.Page("GET /orders/{code}/review", httpx.May("order.read"), s.showForm)
	rt.Page("POST /orders/{code}/review", httpx.May("status.write"), s.saveForm)
	rt.Page("POST /orders/{code}/review/delete", httpx.May("status.write"), s.deleteForm)
}

func (s *Service) showList(w http.ResponseWriter, r *http.Request) error {
	shop, err := s.Shops.ShopBySlug(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	v := &listView{Shop: shop}
	if v.List, err = s.List(r.Context(), shop.ID, r.URL.Query().Get("cursor"), 0); err != nil {
		return err
	}
	if v.Rating, err = s.Rating(r.Context(), shop.ID); err != nil {
		return err
	}
	if ui.IsFragment(r) && r.URL.Query().Get("cursor") != "" {
		return httpx.Render(w, r, http.StatusOK, items(v))
	}
	return httpx.Render(w, r, http.StatusOK, listPage(v))
}

// form is a review as it is typed.
type form struct {
	Stars      string   `form:"stars"`
	Text       string   `form:"text"`
	Dishes     []string `form:"dish"` // as the order's lines: the stars of each, empty for none
	Visibility string   `form:"visibility"`
}

// mark returns the stars of the i-th line.
func (f *form) mark(i int) string {
	if i < len(f.Dishes) {
		return f.Dishes[i]
	}
	return ""
}

// input returns what the form says.
func (f *form) input(bought []Line) Input {
	n, _ := strconv.Atoi(f.Stars) // what is no number is no star
	in := Input{Stars: &n, Text: &f.Text, Dishes: &[]Stars{}, Visibility: social.Visibility(f.Visibility)}
	seen := map[id.ID]bool{}
	for i, l := range bought {
		if k, err := strconv.Atoi(f.mark(i)); err == nil && !seen[l.Item] { // a dish that was ordered twice is one
			*in.Dishes, seen[l.Item] = append(*in.Dishes, Stars{Item: l.Item, Stars: k}), true
		}
	}
	return in
}

// open returns what the form is about.
func (s *Service) open(r *http.Request) (*formView, error) {
	order, err := s.Orders.OrderOf(r.Context(), r.PathValue("code"))
	if err != nil {
		return nil, err
	}
	v := &formView{Photos: s.Posts != nil, Form: form{Visibility: string(social.Public)}}
	if _, v.Purchase, err = s.reviewable(r.Context(), order); err != nil {
		return nil, err
	}
	if v.Shop, err = s.Shops.Shop(r.Context(), v.Purchase.Restaurant); err != nil {
		return nil, err
	}
	if v.Review, err = s.OfOrder(r.Context(), order); err != nil && !errs.Is(err, errs.NotFound) {
		return nil, err
	}
	if v.Review != nil {
		v.Form = form{Stars: strconv.Itoa(v.Review.Stars), Text: v.Review.Text, Dishes: make([]string, len(v.Purchase.Lines))}
		for i, l := range v.Purchase.Lines {
			for _, d := range v.Review.Dishes {
				if d.Item == l.Item {
					v.Form.Dishes[i] = strconv.Itoa(d.Stars)
				}
			}
		}
	}
	return v, nil
}

func (s *Service) showForm(w http.ResponseWriter, r *http.Request) error {
	v, err := s.open(r)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, formPage(v))
}

func (s *Service) saveForm(w http.ResponseWriter, r *http.Request) error {
	v, err := s.open(r)
	if err != nil {
		return err
	}
	v.Form = form{}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return errs.InvalidField("body", "This form could not be read.").WithCause(err)
	}
	if r.MultipartForm != nil {
		defer func() { _ = r.MultipartForm.RemoveAll() }() // what is left of it the system sweeps
	}
	if err := httpx.DecodeForm(w, r, &v.Form); err != nil {
		return err
	}
	in := v.Form.input(v.Purchase.Lines)
	if v.Review == nil && s.Posts != nil {
		in.Media, err = s.upload(r)
	}
	if err != nil {
		// refused: said below
	} else if v.Review == nil {
		_, err = s.Create(r.Context(), v.Purchase.Order, in)
	} else {
		in.Visibility = ""
		_, err = s.Edit(r.Context(), v.Review.ID, in)
	}
	if errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge) {
		v.Err = err
		return httpx.Render(w, r, httpx.StatusOf(err), formPage(v))
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, PathOf(v.Shop.Slug))
}

// maxForm bounds the form with its photos.
const maxForm = MaxPhotos * 12 << 20

// upload keeps the photos of a form and returns their ids.
func (s *Service) upload(r *http.Request) (out []id.ID, err error) {
	for i := range MaxPhotos {
		n := strconv.Itoa(i)
		f, _, err := r.FormFile("photo_" + n)
		if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
			continue
		}
		if err != nil {
			return nil, errs.InvalidField("photo_"+n, "This file could not be read.").WithCause(err)
		}
		b, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, errs.InvalidField("photo_"+n, "This file could not be read.").WithCause(err)
		}
		if len(b) == 0 {
			continue
		}
		photo, err := s.Posts.Upload(r.Context(), access.From(r.Context()), b, text.Clean(r.FormValue("alt_"+n), 1500))
		if err != nil {
			return nil, err
		}
		out = append(out, photo)
	}
	return out, nil
}

func (s *Service) deleteForm(w http.ResponseWriter, r *http.Request) error {
	v, err := s.open(r)
	if err != nil {
		return err
	}
	if v.Review == nil {
		return errMissing
	}
	if err := s.Delete(r.Context(), v.Review.ID); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/orders/"+v.Purchase.Code)
}
