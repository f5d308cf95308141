package wallet

import (
	"context"
	"encoding/csv"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Routes registers the pages and the operations of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	admins, mine := httpx.May("admin.credit"), httpx.Person
	rt.Page("GET /account/credit", mine, s.creditPage)
	rt.Page("POST /account/credit", mine, s.redeemForm)
	rt.Page("GET /admin/credit", admins, s.adminPage)
	rt.Page("POST /admin/credit", admins, s.giveForm)
	rt.Page("POST /admin/credit/gifts", admins, s.giftsForm)
	rt.Page("POST /admin/credit/gifts/{id}/end", admins, s.endForm)

	op := func(method, path, name, summary string, status int) huma.Operation {
		return huma.Operation{
			Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{"Credit"}, DefaultStatus: status,
			Security: []map[string][]string{{"bearer": {}}},
		}
	}
	httpx.Operation(rt, op("GET", "/me/credit", "read-credit", "What I have to spend, with its history", 200), mine, s.restMine)
	httpx.Operation(rt, op("POST", "/me/credit/redeem", "redeem-gift-code", "Add a gift code to my credit, once", 200), mine, s.restRedeem)
	httpx.Operation(rt, op("POST", "/credit", "give-credit", "Give somebody credit", 201), admins, s.restGive)
	httpx.Operation(rt, op("GET", "/gifts", "list-gift-batches", "Batches of gift codes, newest first", 200), admins, s.restGifts)
	httpx.Operation(rt, op("POST", "/gifts", "make-gift-codes", "Make a batch of gift codes, which this answer alone shows", 201), admins, s.restMake)
	httpx.Operation(rt, op("DELETE", "/gifts/{id}", "end-gift-codes", "End those codes of a batch that nobody has redeemed", 204), admins, s.restEnd)
}

type creditOutput struct{ Body *Credit }

func (s *Service) restMine(ctx context.Context, _ *struct{}) (*creditOutput, error) {
	c, err := s.Mine(ctx)
	return &creditOutput{c}, err
}

type redeemInput struct {
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"60"`
	}
}

func (s *Service) restRedeem(ctx context.Context, in *redeemInput) (*creditOutput, error) {
	c, err := s.Redeem(ctx, in.Body.Code)
	return &creditOutput{c}, err
}

type giveInput struct {
	Key  string `header:"Idempotency-Key" doc:"Needed. The same key with the same body gives once."`
	Body Grant
}

type giveOutput struct{ Body Grant }

func (s *Service) restGive(ctx context.Context, in *giveInput) (*giveOutput, error) {
	g, err := s.Give(ctx, in.Key, in.Body)
	return &giveOutput{g}, err
}

type giftsInput struct {
	Cursor string `query:"cursor" maxLength:"200"`
	Limit  int    `query:"limit" minimum:"0" maximum:"100" doc:"20 where left out."`
}

type giftsOutput struct{ Body page.Page[Batch] }

func (s *Service) restGifts(ctx context.Context, in *giftsInput) (*giftsOutput, error) {
	list, err := s.Gifts(ctx, in.Cursor, in.Limit)
	return &giftsOutput{list}, err
}

type makeInput struct {
	Key  string `header:"Idempotency-Key" doc:"Needed. The same key with the same body makes the batch once; the codes are in the first answer only."`
	Body NewBatch
}

type makeOutput struct{ Body *Batch }

func (s *Service) restMake(ctx context.Context, in *makeInput) (*makeOutput, error) {
	b, err := s.MakeGifts(ctx, in.Key, in.Body)
	return &makeOutput{b}, err
}

type endInput struct {
	ID string `path:"id" maxLength:"20"`
}

func (s *Service) restEnd(ctx context.Context, in *endInput) (*struct{}, error) {
	n, err := id.Parse(in.ID)
	if err != nil {
		return nil, errs.InvalidField("path.id", "This is not an id.")
	}
	return nil, s.EndGifts(ctx, n)
}

// creditView is what the page of one's credit shows.
type creditView struct {
	*Credit
	Code string
	Done bool
	Zone *time.Location
	Err  error
}

func zone(ctx context.Context) *time.Location {
	if z := ui.ChromeFrom(ctx).Zone; z != nil {
		return z
	}
	return time.UTC
}

func (s *Service) creditPage(w http.ResponseWriter, r *http.Request) error {
	c, err := s.Mine(r.Context())
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, creditPage(&creditView{Credit: c, Done: r.URL.Query().Get("done") != "", Zone: zone(r.Context())}))
}

func (s *Service) redeemForm(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Code string `form:"code"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	_, err := s.Redeem(r.Context(), in.Code)
	if err == nil {
		return httpx.Redirect(w, r, "/account/credit?done=1")
	}
	if e := errs.As(err); e == nil || e.Kind == errs.Internal {
		return err
	}
	c, cerr := s.Mine(r.Context())
	if cerr != nil {
		return cerr
	}
	return httpx.Render(w, r, httpx.StatusOf(err), creditPage(&creditView{Credit: c, Code: in.Code, Err: err, Zone: zone(r.Context())}))
}

// adminView is what admins see of credit.
type adminView struct {
	Currency string
	List     page.Page[Batch]
	Key      string
	Give     giveFields
	Gifts    giftFields
	GiveErr  error
	GiftErr  error
	Done     bool
	Zone     *time.Location
}

type giveFields struct {
	Key    string `form:"idempotency_key"`
	Who    string `form:"who"`
	Amount string `form:"amount"`
	Reason string `form:"reason"`
}

type giftFields struct {
	Key    string `form:"idempotency_key"`
	Amount string `form:"amount"`
	Count  int64  `form:"count"`
	Until  string `form:"expires_at"`
	Note   string `form:"note"`
}

func (s *Service) showAdmin(w http.ResponseWriter, r *http.Request, v *adminView, status int) error {
	list, err := s.Gifts(r.Context(), r.URL.Query().Get("cursor"), 50)
	if err != nil {
		return err
	}
	v.List, v.Currency, v.Key, v.Zone = list, s.Currency, id.Secret(), zone(r.Context())
	return httpx.Render(w, r, status, adminPage(v))
}

func (s *Service) adminPage(w http.ResponseWriter, r *http.Request) error {
	return s.showAdmin(w, r, &adminView{Done: r.URL.Query().Get("done") != ""}, http.StatusOK)
}

// forPerson reports whether an error is something that the person can mend.
func forPerson(err error) bool {
	return errs.Is(err, errs.Invalid) || errs.Is(err, errs.NotFound) || errs.Is(err, errs.Conflict)
}

func (s *Service) giveForm(w http.ResponseWriter, r *http.Request) error {
	var in giveFields
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	amount, err := readAmount("amount", in.Amount, s.Currency)
	if err == nil {
		var who id.ID
		if who, err = s.Find(r.Context(), strings.TrimSpace(in.Who)); err == nil {
			_, err = s.Give(r.Context(), in.Key, Grant{Account: who, Amount: amount, Reason: in.Reason})
		} else if forPerson(err) {
			err = errs.InvalidField("who", "Nobody here has this handle or address.")
		}
	}
	switch {
	case err == nil:
		return httpx.Redirect(w, r, "/admin/credit?done=1")
	case forPerson(err):
		return s.showAdmin(w, r, &adminView{Give: in, GiveErr: err}, httpx.StatusOf(err))
	}
	return err
}

// giftsForm makes a batch and answers with its codes as a file: they are shown nowhere else.
func (s *Service) giftsForm(w http.ResponseWriter, r *http.Request) error {
	var in giftFields
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	nb := NewBatch{Count: in.Count, Note: in.Note}
	var err error
	if nb.Amount, err = readAmount("amount", in.Amount, s.Currency); err == nil && in.Until != "" {
		day, perr := time.ParseInLocation(time.DateOnly, in.Until, zone(r.Context()))
		if perr != nil {
			err = errs.InvalidField("expires_at", "Choose a day to come.")
		}
		nb.ExpiresAt = day.AddDate(0, 0, 1) // the day itself counts
	}
	var b *Batch
	if err == nil {
		b, err = s.MakeGifts(r.Context(), in.Key, nb)
	}
	if forPerson(err) {
		return s.showAdmin(w, r, &adminView{Gifts: in, GiftErr: err}, httpx.StatusOf(err))
	}
	if err != nil {
		return err
	}
	if len(b.Codes) == 0 {
		return httpx.Redirect(w, r, "/admin/credit?done=1")
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="gift-codes-`+b.ID.String()+`.csv"`)
	w.Header().Set("Cache-Control", "no-store")
	out := csv.NewWriter(w)
	rows := [][]string{{"code", "amount", "currency", "expires_at"}}
	until := ""
	if !b.ExpiresAt.IsZero() {
		until = b.ExpiresAt.Format(time.RFC3339)
	}
	for _, c := range b.Codes {
		rows = append(rows, []string{c, strings.TrimSuffix(money.Format(b.Amount, b.Currency), " "+b.Currency), b.Currency, until})
	}
	return out.WriteAll(rows)
}

func (s *Service) endForm(w http.ResponseWriter, r *http.Request) error {
	n, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return errUnknown
	}
	if err := s.EndGifts(r.Context(), n); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/admin/credit?done=1")
}

func readAmount(path, typed, currency string) (money.Amount, error) {
	n, ok := money.Parse(typed, currency)
	if !ok {
		return 0, errs.InvalidField(path, "Write an amount such as 2.50.")
	}
	return n, nil
}
