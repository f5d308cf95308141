package statement

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// shown is how many statements a list has.
const shown = 60

// Routes registers the pages and the statements' part of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	may := httpx.May("statement.read")
	op := func(path, name, summary, more string) huma.Operation {
		return huma.Operation{
			Method: http.MethodGet, Path: path, OperationID: name, Summary: summary, Description: more, Tags: []string{"payouts"},
			Security: []map[string][]string{{"bearer": {}}},
		}
	}
	httpx.Operation(rt, op("/statements", "list-statements", "My statements as a courier, or those of my restaurant, newest first", ""), may, s.restList)
	httpx.Operation(rt, op("/statements/{id}", "read-statement", "A statement", "JSON, or PDF or CSV where Accept names them."), may, s.restGet)
	rt.Page("GET /restaurant/{slug}/statements", may, s.handleRestaurant)
	rt.Page("GET /courier/statements", may, s.handleCourier)
	rt.Page("GET /admin/statements", httpx.May("admin.read"), s.handleAll)
	rt.Raw("GET /statements/{file}", may, s.handleFile)
}

type listOutput struct {
	Body struct {
		Items []Statement `json:"items"`
	}
}

func (s *Service) restList(ctx context.Context, in *struct {
	Restaurant string `query:"restaurant" maxLength:"80" doc:"The short name of a restaurant of mine; left out: mine as a courier."`
	Before     string `query:"before" maxLength:"20" doc:"Id of the statement before which to read on."`
},
) (*listOutput, error) {
	var below id.ID
	if in.Before != "" {
		var err error
		if below, err = id.Parse(in.Before); err != nil {
			return nil, errs.InvalidField("query.before", "This is not an id.")
		}
	}
	kind, owner := Courier, access.From(ctx).ID
	if in.Restaurant != "" {
		var err error
		if owner, err = s.Slug(ctx, in.Restaurant); err != nil {
			return nil, err
		}
		kind = Restaurant
	}
	out := &listOutput{}
	var err error
	out.Body.Items, err = s.List(ctx, kind, owner, below, shown)
	return out, err
}

type fileOutput struct {
	Type string `header:"Content-Type"`
	Body []byte
}

func (s *Service) restGet(ctx context.Context, in *struct {
	ID     string `path:"id" maxLength:"20"`
	Accept string `header:"Accept" maxLength:"400"`
},
) (*fileOutput, error) {
	n, err := id.Parse(in.ID)
	if err != nil {
		return nil, errNone
	}
	st, err := s.Get(ctx, n)
	if err != nil {
		return nil, err
	}
	ending := ""
	switch {
	case strings.HasPrefix(in.Accept, "application/pdf"):
		ending = ".pdf"
	case strings.HasPrefix(in.Accept, "text/csv"):
		ending = ".csv"
	}
	kind, body, err := file(ctx, st, ending)
	return &fileOutput{kind, body}, err
}

// file returns a statement in the form that a file's ending names.
func file(ctx context.Context, st Statement, ending string) (kind string, body []byte, err error) {
	switch ending {
	case ".pdf":
		body, err = PDF(ctx, st)
		return "application/pdf", body, err
	case ".csv":
		body, err = CSV(st)
		return "text/csv; charset=utf-8", body, err
	}
	body, err = json.Marshal(st)
	return "application/json", body, err
}

func (s *Service) handleFile(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	at := strings.LastIndexByte(name, '.')
	if at < 0 || name[at:] != ".pdf" && name[at:] != ".csv" {
		return errNone
	}
	n, err := id.Parse(name[:at])
	if err != nil {
		return errNone
	}
	st, err := s.Get(r.Context(), n)
	if err != nil {
		return err
	}
	kind, body, err := file(r.Context(), st, name[at:])
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `inline; filename="`+strings.Map(plain, st.Number)+name[at:]+`"`)
	w.Header().Set("Cache-Control", "private, no-cache")
	_, err = w.Write(body)
	return err
}

// plain keeps what may stand in a file's name.
func plain(r rune) rune {
	if r < ' ' || r > '~' || strings.ContainsRune(`"\/`, r) {
		return '_'
	}
	return r
}

func (s *Service) page(w http.ResponseWriter, r *http.Request, v view) (err error) {
	var below id.ID
	if cursor := r.URL.Query().Get("before"); cursor != "" {
		if below, err = id.Parse(cursor); err != nil {
			return errs.InvalidField("before", "This is not an id.")
		}
	}
	if v.List, err = s.List(r.Context(), v.kind, v.owner, below, shown); err != nil {
		return err
	}
	if len(v.List) == shown {
		v.Next = r.URL.Path + "?before=" + v.List[shown-1].ID.String()
	}
	return httpx.Render(w, r, http.StatusOK, listPage(v))
}

func (s *Service) handleRestaurant(w http.ResponseWriter, r *http.Request) error {
	slug := r.PathValue("slug")
	owner, err := s.Slug(r.Context(), slug)
	if err != nil {
		return err
	}
	return s.page(w, r, view{kind: Restaurant, owner: owner, Bank: "/restaurant/" + slug + "/bank"})
}

func (s *Service) handleCourier(w http.ResponseWriter, r *http.Request) error {
	return s.page(w, r, view{kind: Courier, owner: access.From(r.Context()).ID, Bank: "/courier/bank"})
}

func (s *Service) handleAll(w http.ResponseWriter, r *http.Request) error {
	return s.page(w, r, view{All: true})
}
