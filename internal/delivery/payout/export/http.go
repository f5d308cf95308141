package export

import (
	"net/http"

	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/sheet"
)

// Routes registers the page and the files.
func (s *Service) Routes(rt *httpx.Router) {
	read := httpx.May("admin.read")
	rt.Page("GET /admin/export", read, s.handlePage)
	rt.Raw("GET /admin/export/accounting", read, s.handleFile)
	rt.Raw("GET "+httpx.Prefix+"/admin/export/accounting", read, s.handleFile)
}

func (s *Service) handlePage(w http.ResponseWriter, r *http.Request) error {
	y, m, _ := s.Now().In(s.Zone).Date()
	first, last := dayOf(y, m-1, 1), dayOf(y, m, 0)
	return httpx.Render(w, r, http.StatusOK, exportPage(first, last))
}

// handleFile streams the table of ?from to ?to (days, both included) as ?format csv or xlsx.
func (s *Service) handleFile(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	from, to, err := s.Days(q.Get("from"), q.Get("to"))
	if err != nil {
		return err
	}
	name, kind := "accounting-"+q.Get("from")+"-"+q.Get("to"), "text/csv; charset=utf-8"
	out, ending := sheet.CSV(w), ".csv"
	if q.Get("format") == "xlsx" {
		kind, ending = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"
		if out, err = sheet.XLSX(w, "Accounting"); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+ending+`"`)
	w.Header().Set("Cache-Control", "no-store")
	return s.Write(r.Context(), out, from, to)
}
