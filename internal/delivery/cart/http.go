package cart

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the pages and the operations of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	rt.Page("GET /r/{slug}", httpx.Anyone, s.shopPage)
	rt.Page("GET /r/{slug}/i/{item}", httpx.Anyone, s.dishPage)
	rt.Page("GET /cart", httpx.GuestOr("cart.read"), s.cartPage)
	rt.Page("POST /cart/lines", httpx.GuestOr("cart.manage"), s.addLine)
	rt.Page("POST /cart/lines/{n}", httpx.GuestOr("cart.manage"), s.changeLine)
	rt.Page("POST /cart/lines/{n}/fix", httpx.GuestOr("cart.manage"), s.fixLine)
	rt.Page("POST /cart/mode", httpx.GuestOr("cart.manage"), s.cartMode)
	rt.Page("POST /cart/clear", httpx.GuestOr("cart.manage"), s.clearCart)
	rt.Page("POST /cart/undo", httpx.GuestOr("cart.manage"), s.undo)
	rt.Page("POST /cart/again/{code}", httpx.May("cart.manage"), s.orderAgain)
	rt.Page("GET /checkout", httpx.GuestOr("cart.read"), s.checkoutPage)
	rt.Page("POST /checkout", httpx.GuestOr("order.place"), s.place)
	rt.Page("POST /checkout/code", httpx.GuestOr("cart.manage"), s.applyCode)
	rt.Page("POST /checkout/update", httpx.GuestOr("cart.manage"), s.updateCheckout)

	op := func(method, path, name, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{"Cart"}, DefaultStatus: http.StatusOK, MaxBodyBytes: 256 << 10}
	}
	httpx.Operation(rt, op("POST", "/quotes", "quote", "What an order would cost, when it would come, and what stands in its way"), httpx.Anyone, s.restQuote)
	httpx.Operation(rt, op("GET", "/cart", "get-cart", "The cart of the account, or of the guest's cookie"), httpx.GuestOr("cart.read"), s.restGet)
	httpx.Operation(rt, op("PUT", "/cart", "put-cart", "Replace the cart"), httpx.GuestOr("cart.manage"), s.restPut)
	httpx.Operation(rt, op("DELETE", "/cart", "clear-cart", "Empty the cart"), httpx.GuestOr("cart.manage"), s.restClear)
	httpx.Operation(rt, op("POST", "/cart/undo", "undo-cart", "Bring back what the last change threw out"), httpx.GuestOr("cart.manage"), s.restUndo)
	httpx.Operation(rt, op("POST", "/cart/lines", "add-cart-line", "Put a dish into the cart"), httpx.GuestOr("cart.manage"), s.restAdd)
	httpx.Operation(rt, op("PATCH", "/cart/lines/{n}", "change-cart-line", "Change quantity, options or note of a line"), httpx.GuestOr("cart.manage"), s.restPatch)
	httpx.Operation(rt, op("DELETE", "/cart/lines/{n}", "delete-cart-line", "Take a line out of the cart"), httpx.GuestOr("cart.manage"), s.restDelete)
}

type quoteInput struct {
	Body delivery.QuoteRequest
}

type quoteOutput struct {
	Body *delivery.Quote
}

func (s *Service) restQuote(ctx context.Context, in *quoteInput) (*quoteOutput, error) {
	if in.Body.Restaurant == 0 {
		return nil, errs.InvalidField("restaurant", "Say which restaurant.")
	}
	q, err := s.Quote(ctx, in.Body)
	return &quoteOutput{q}, err
}

// CartView is a cart as the REST API shows it.
type CartView struct {
	Restaurant id.ID             `json:"restaurant,omitzero" doc:"Absent in an empty cart."`
	Mode       delivery.Mode     `json:"mode,omitempty"`
	At         *time.Time        `json:"at,omitempty"`
	To         *delivery.Address `json:"to,omitempty"`
	Lines      []Line            `json:"lines"`
	Tip        money.Amount      `json:"tip,omitempty"`
	Note       string            `json:"note,omitempty"`
	Code       string            `json:"code,omitempty" doc:"Of a promotion."`
	Portions   int               `json:"portions"`
	CanUndo    bool              `json:"can_undo" doc:"The last change threw something out that undo brings back."`
	Quote      *delivery.Quote   `json:"quote,omitempty" doc:"What it costs now; absent for an empty cart."`
}

type cartOutput struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      *CartView
}

// reply prices a cart and shows it.
func (s *Service) reply(ctx context.Context, c Cart, err error, cookies ...http.Cookie) (*cartOutput, error) {
	if err != nil {
		return nil, err
	}
	b, err := s.basket(ctx, c, nil)
	if err != nil {
		return nil, err
	}
	v := &CartView{
		Restaurant: c.Restaurant, Mode: c.Mode, At: c.At, To: c.To, Lines: c.Lines, Tip: c.Tip, Note: c.Note, Code: c.Code, Portions: c.Portions(), CanUndo: c.aside != nil,
	}
	if v.Lines == nil {
		v.Lines = []Line{}
	}
	if b != nil {
		v.Quote = b.Quote
	}
	return &cartOutput{Body: v, SetCookie: cookies}, nil
}

// Guest is the cookie by which a guest's cart is known. Exported, as are the other parts of inputs here, because huma does not see into
// embedded structs that are not.
type Guest struct {
	Token string `cookie:"stoa_guest" maxLength:"64" required:"false" doc:"For guests: set by the first change of a cart."`
}

// owner returns whose cart a request is about. write: the request changes it, so that a guest without a token gets one, and an app's token
// must allow it.
func (s *Service) owner(ctx context.Context, g Guest, write bool) (o Owner, cookies []http.Cookie, err error) {
	actor := access.From(ctx)
	if !actor.SignedIn() {
		o = OwnerOf(0, g.Token)
		if write && o.key() == "" {
			token, cookie := s.newGuest()
			return OwnerOf(0, token), []http.Cookie{*cookie}, nil
		}
		return o, nil, nil
	}
	verb := "cart.read"
	if write {
		verb = "cart.manage"
	}
	return OwnerOf(actor.ID, ""), nil, access.Can(actor, verb, access.Thing{Kind: "account", ID: actor.ID})
}

// onCart is one step with the cart of whoever asks.
func (s *Service) onCart(ctx context.Context, g Guest, write bool, step func(Owner) (Cart, error)) (*cartOutput, error) {
	o, cookies, err := s.owner(ctx, g, write)
	if err != nil {
		return nil, err
	}
	c, err := step(o)
	return s.reply(ctx, c, err, cookies...)
}

func (s *Service) restGet(ctx context.Context, in *Guest) (*cartOutput, error) {
	return s.onCart(ctx, *in, false, func(o Owner) (Cart, error) { return s.Get(ctx, o) })
}

type cartPutInput struct {
	Guest
	Body delivery.QuoteRequest
}

func (s *Service) restPut(ctx context.Context, in *cartPutInput) (*cartOutput, error) {
	return s.onCart(ctx, in.Guest, true, func(o Owner) (Cart, error) { return s.Put(ctx, o, in.Body) })
}

func (s *Service) restClear(ctx context.Context, in *Guest) (*cartOutput, error) {
	return s.onCart(ctx, *in, true, func(o Owner) (Cart, error) { return s.Clear(ctx, o) })
}

func (s *Service) restUndo(ctx context.Context, in *Guest) (*cartOutput, error) {
	return s.onCart(ctx, *in, true, func(o Owner) (Cart, error) { return s.Undo(ctx, o) })
}

type cartAddInput struct {
	Guest
	Body struct {
		Restaurant id.ID         `json:"restaurant"`
		Mode       delivery.Mode `json:"mode,omitempty" enum:"delivery,pickup" doc:"Left out: as the cart has it, or as is usual there."`
		delivery.LineRequest
	}
}

func (s *Service) restAdd(ctx context.Context, in *cartAddInput) (*cartOutput, error) {
	return s.onCart(ctx, in.Guest, true, func(o Owner) (Cart, error) {
		return s.Add(ctx, o, in.Body.Restaurant, in.Body.Mode, in.Body.LineRequest)
	})
}

// Numbered is the path of one line.
type Numbered struct {
	N int `path:"n" minimum:"1" maximum:"1000000" doc:"The line's n, which it keeps while others come and go."`
}

type cartPatchInput struct {
	Guest
	Numbered
	Body struct {
		Qty     *int               `json:"qty,omitempty" minimum:"0" maximum:"99" doc:"0 takes the line out."`
		Options *[]delivery.Choice `json:"options,omitempty" maxItems:"40"`
		Note    *string            `json:"note,omitempty" maxLength:"200"`
	}
}

func (s *Service) restPatch(ctx context.Context, in *cartPatchInput) (*cartOutput, error) {
	return s.onCart(ctx, in.Guest, true, func(o Owner) (Cart, error) {
		if b := in.Body; b.Qty != nil && b.Options == nil && b.Note == nil {
			return s.SetQty(ctx, o, in.N, *b.Qty)
		}
		c, err := s.Get(ctx, o)
		if err != nil {
			return c, err
		}
		l, err := c.line(in.N)
		if err != nil {
			return c, err
		}
		to := l.LineRequest
		if in.Body.Qty != nil {
			to.Qty = *in.Body.Qty
		}
		if in.Body.Options != nil {
			to.Options = *in.Body.Options
		}
		if in.Body.Note != nil {
			to.Note = *in.Body.Note
		}
		return s.SetLine(ctx, o, in.N, to)
	})
}

type cartLineInput struct {
	Guest
	Numbered
}

func (s *Service) restDelete(ctx context.Context, in *cartLineInput) (*cartOutput, error) {
	return s.onCart(ctx, in.Guest, true, func(o Owner) (Cart, error) { return s.Remove(ctx, o, in.N) })
}

// lineNumber reads a line's number from a path.
func lineNumber(r *http.Request) (int, error) {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil {
		return 0, errNoLine
	}
	return n, nil
}
