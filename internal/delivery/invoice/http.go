package invoice

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the pages and the documents' part of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	may := httpx.May("receipt.read")
	httpx.Operation(rt, huma.Operation{
		Method: http.MethodGet, Path: "/orders/{id}/receipt", OperationID: "read-receipt", Summary: "The receipt of an order, or a credit note",
		Description: "PDF, or JSON where Accept names application/json first. The JSON of a receipt lists the credit notes since.",
		Tags:        []string{"orders"}, Security: []map[string][]string{{"bearer": {}}},
	}, may, s.restReceipt)
	rt.Page("GET /orders/{code}/receipt", may, s.handlePage)
	rt.Page("POST /orders/{code}/receipt/letters", httpx.Person, s.handleLetters)
	rt.Raw("GET /orders/{code}/receipt/{file}", may, s.handleFile)
}

// Whole is a document with the credit notes that took of it back.
type Whole struct {
	Document
	Notes []Document `json:"credit_notes"`
}

type receiptInput struct {
	ID     string `path:"id" maxLength:"20"`
	Number string `query:"number" maxLength:"120" doc:"Of the document; left out: the newest receipt."`
	Accept string `header:"Accept" maxLength:"400"`
}

type receiptOutput struct {
	Type string `header:"Content-Type"`
	Name string `header:"Content-Disposition"`
	Body []byte
}

func (s *Service) restReceipt(ctx context.Context, in *receiptInput) (*receiptOutput, error) {
	list, err := s.Of(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d, err := pick(list, in.Number)
	if err != nil {
		return nil, err
	}
	if wantsPDF(in.Accept) {
		body, err := Draw(d)
		return &receiptOutput{"application/pdf", inline(d), body}, err
	}
	w := Whole{Document: d, Notes: []Document{}}
	for _, n := range list {
		if n.Of == d.Number {
			w.Notes = append(w.Notes, n)
		}
	}
	body, err := json.Marshal(w)
	return &receiptOutput{Type: "application/json", Body: body}, err
}

// wantsPDF reports whether PDF is named before JSON, or neither is.
func wantsPDF(accept string) bool {
	pdf, doc := strings.Index(accept, "application/pdf"), strings.Index(accept, "application/json")
	return doc < 0 || pdf >= 0 && pdf < doc
}

func inline(d Document) string {
	return mime.FormatMediaType("inline", map[string]string{"filename": d.Number + ".pdf"})
}

func (s *Service) handlePage(w http.ResponseWriter, r *http.Request) error {
	v := view{code: r.PathValue("code"), post: s.Post.On()}
	list, err := s.Of(r.Context(), v.code)
	if errs.CodeOf(err) == "no_receipt" {
		err = nil // it is to come
	}
	if err != nil {
		return err
	}
	v.list = list
	if v.letters, err = s.Letters(r.Context(), access.From(r.Context()).ID); err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, receiptPage(v))
}

func (s *Service) handleLetters(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		On bool `form:"on"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if _, err := s.Of(r.Context(), r.PathValue("code")); err != nil {
		return err
	}
	if err := s.SetLetters(r.Context(), in.On); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/orders/"+r.PathValue("code")+"/receipt")
}

func (s *Service) handleFile(w http.ResponseWriter, r *http.Request) error {
	list, err := s.Of(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	d, err := pick(list, strings.TrimSuffix(r.PathValue("file"), ".pdf"))
	if err != nil {
		return err
	}
	body, err := Draw(d)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/pdf")
	w.Header().Set("Content-Disposition", inline(d))
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Cache-Control", "private, no-cache")
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("invoice: send %s: %w", d.Number, err)
	}
	return nil
}
