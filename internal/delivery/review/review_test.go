package review

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

var start = time.Date(2026, 12, 1, 17, 0, 0, 0, time.UTC)

// town is what reviews see of the rest: orders, restaurants, posts and faces, which are tested where they are.
type town struct {
	mu     sync.Mutex
	orders map[id.ID]Purchase
	posts  map[id.ID]social.Note
	next   id.ID
	refuse error // of posts that can't be
	broken error // of the transactions that posts are stored in
}

func (w *town) Bought(_ context.Context, order id.ID) (Purchase, error) {
	if p, ok := w.orders[order]; ok {
		return p, nil
	}
	return Purchase{}, errNoOrder
}

func (w *town) OrderOf(_ context.Context, code string) (id.ID, error) {
	for _, p := range w.orders {
		if p.Code == code {
			return p.Order, nil
		}
	}
	return 0, errNoOrder
}

func (w *town) Shop(_ context.Context, restaurant id.ID) (*delivery.Shop, error) {
	return &delivery.Shop{ID: restaurant, Slug: "luigi", Name: "Luigi", Loc: time.UTC}, nil
}

func (w *town) ShopBySlug(ctx context.Context, slug string) (*delivery.Shop, error) {
	if slug != "luigi" {
		return nil, errs.New(errs.NotFound, "There is no such restaurant.")
	}
	return w.Shop(ctx, 50)
}

func (w *town) Prepare(_ context.Context, _ access.Actor, n social.Note) (id.ID, func(context.Context, *db.Tx) error, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	status := w.next
	return status, func(context.Context, *db.Tx) error { return w.put(status, n) }, w.refuse
}

// put has a status be there, unless posts fail in their transactions just now.
func (w *town) put(status id.ID, n social.Note) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == nil {
		w.posts[status] = n
	}
	return w.broken
}

func (w *town) Rewrite(_ context.Context, _ access.Actor, status id.ID, text string) (func(context.Context, *db.Tx) error, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.posts[status]
	n.Text = text
	return func(context.Context, *db.Tx) error { return w.put(status, n) }, nil
}

func (w *town) Text(_ context.Context, status id.ID) (string, error) {
	return w.posts[status].Text, nil
}

func (w *town) TakeAway(_ context.Context, _ *db.Tx, _, status id.ID) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == nil {
		delete(w.posts, status)
	}
	return w.broken == nil, w.broken
}

func (w *town) Redraw(context.Context, *db.Tx, id.ID) error { return nil }

func (w *town) Upload(context.Context, access.Actor, []byte, string) (id.ID, error) {
	return 0, errs.New(errs.Unavailable, "This town keeps no pictures.")
}

func (w *town) Photos(_ context.Context, statuses []id.ID) (map[id.ID][]social.Attachment, error) {
	out, url := map[id.ID][]social.Attachment{}, "/p.jpg"
	for _, s := range statuses {
		for range w.posts[s].Media {
			out[s] = append(out[s], social.Attachment{Type: "image", URL: &url})
		}
	}
	return out, nil
}

func (w *town) Entities(_ context.Context, ids []id.ID) (map[id.ID]*social.Account, error) {
	out := map[id.ID]*social.Account{}
	for _, p := range ids {
		out[p] = &social.Account{ID: p, Acct: "p" + p.String()}
	}
	return out, nil
}

type stage struct {
	*Service
	town *town
	now  time.Time
}

// setup has person 1 order 101 to 120 delivered by restaurant 50, each with the dishes 61 and 62.
func setup(d *db.DB) *stage {
	s := &stage{now: start, town: &town{orders: map[id.ID]Purchase{}, posts: map[id.ID]social.Note{}, next: 1000}}
	for i := range id.ID(20) {
		s.town.orders[101+i] = Purchase{
			Order: 101 + i, Code: "K" + (101 + i).String(), Customer: 1, Restaurant: 50, State: delivery.Delivered, Placed: start.Add(-time.Hour),
			Lines: []Line{{61, "Dal"}, {62, "Naan"}},
		}
	}
	now, bus, ids := func() time.Time { return s.now }, events.NewLocal(), id.NewSource(1)
	s.Service = New(Deps{
		DB: d, Log: events.New(d, bus), Jobs: jobs.New(d, bus, now, ids, jobs.Options{}), IDs: ids, Now: now,
		Orders: s.town, Shops: s.town, Posts: s.town, Faces: s.town,
		Staff: func(context.Context, id.ID) ([]id.ID, error) { return []id.ID{1, 9}, nil },
	}, Options{})
	return s
}

func each(t *testing.T, fn func(t *testing.T, s *stage)) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) { fn(t, setup(d)) }, Schema, events.Schema, jobs.Schema)
}

func as(t *testing.T, account id.ID) context.Context {
	if account == 0 {
		return t.Context()
	}
	a := access.Actor{ID: account}
	switch account {
	case 8:
		a.Roles = []access.Grant{{Role: access.RoleModerator}}
	case 9:
		a.Roles = []access.Grant{{Role: access.RoleStaff, Place: 50}}
	}
	return access.With(t.Context(), a)
}

func ptr[T any](v T) *T { return &v }

func rate(t *testing.T, s *stage) delivery.Rating {
	t.Helper()
	r, err := s.Rating(t.Context(), 50)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTwentyReviewsOfOneOrderMakeOne(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		var work sync.WaitGroup
		out := make([]error, 20)
		for i := range out {
			ctx := as(t, 1)
			work.Go(func() { _, out[i] = s.Create(ctx, 101, Input{Stars: ptr(4), Dishes: &[]Stars{{Item: 61, Stars: 5}}}) })
		}
		work.Wait()
		made := 0
		for _, err := range out {
			if err == nil {
				made++
			} else if errs.CodeOf(err) != "reviewed" {
				t.Fatal(err)
			}
		}
		r := rate(t, s)
		if made != 1 || r.Count != 1 || r.Sum != 4 || len(s.town.posts) != 1 {
			t.Fatalf("%d made, rating %+v, %d posts; want one of each", made, r, len(s.town.posts))
		}
		dishes, err := s.DishRatings(t.Context(), 50)
		if err != nil || len(dishes) != 1 || dishes[61].Count != 1 || dishes[61].Mean != 5 {
			t.Fatalf("dishes %v, %v", dishes, err)
		}
		list, err := s.Log.Since(t.Context(), 0, 200)
		if err != nil {
			t.Fatal(err)
		}
		told := slices.DeleteFunc(list, func(e events.Event) bool { return e.Kind != social.KindNotice })
		if len(told) != 1 || !strings.Contains(string(told[0].Data), `"to":["9"],"type":"review.added"`) {
			t.Fatalf("the restaurant's people are told %v; want once, and the author not, who works there", told)
		}
	})
}

func TestOnlyTheCustomerOfADeliveredOrder(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		late, cooking, staff := s.town.orders[102], s.town.orders[103], s.town.orders[104]
		late.Placed, cooking.State, staff.Customer = start.AddDate(0, -6, 0), delivery.Preparing, 9
		s.town.orders[102], s.town.orders[103], s.town.orders[104] = late, cooking, staff
		in := Input{Stars: ptr(5)}
		if _, err := s.Create(t.Context(), 101, in); !errs.Is(err, errs.Unauthenticated) {
			t.Errorf("a stranger = %v; want unauthenticated", err)
		}
		if _, err := s.Create(as(t, 2), 101, in); !errs.Is(err, errs.NotFound) {
			t.Errorf("another's order = %v; want not found", err)
		}
		if _, err := s.Create(as(t, 1), 99, in); !errs.Is(err, errs.NotFound) {
			t.Errorf("no order = %v; want not found", err)
		}
		if _, err := s.Create(as(t, 1), 102, in); errs.CodeOf(err) != "too_late" {
			t.Errorf("half a year later = %v; want too_late", err)
		}
		if _, err := s.Create(as(t, 1), 103, in); errs.CodeOf(err) != "not_delivered" {
			t.Errorf("still cooking = %v; want not_delivered", err)
		}
		r, err := s.Create(as(t, 9), 104, in)
		if err != nil || r.Verified {
			t.Errorf("who works there = %+v, %v; want unverified", r, err)
		}
		if got := rate(t, s); got.Count != 0 {
			t.Errorf("what is not verified counts: %+v", got)
		}
		s.town.refuse = errs.New(errs.Invalid, "No such photo.")
		if _, err := s.Create(as(t, 1), 101, in); !errs.Is(err, errs.Invalid) {
			t.Errorf("what can't be posted = %v; want invalid", err)
		}
		if _, err := s.OfOrder(as(t, 1), 101); !errs.Is(err, errs.NotFound) || rate(t, s).Count != 0 {
			t.Errorf("it left a review behind: %v, %+v", err, rate(t, s))
		}
	})
}

// TestReviewAndPostAreOne has the post fail after the review was stored, in every way to store both: neither has changed.
func TestReviewAndPostAreOne(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		old, err := s.Create(as(t, 1), 101, Input{Stars: ptr(4), Text: ptr("Warm.")})
		if err != nil {
			t.Fatal(err)
		}
		staff := access.With(t.Context(), access.Actor{ID: 9, Roles: []access.Grant{{Role: access.RoleStaff, Place: 50}}})
		if _, err := s.Answer(staff, old.ID, "Thank you."); err != nil {
			t.Fatal(err)
		}
		before := len(s.town.posts)
		s.town.broken = errs.New(errs.Unavailable, "The disk is full.")
		for what, err := range map[string]error{
			"creating":  fails(s.Create(as(t, 1), 102, Input{Stars: ptr(1)})),
			"editing":   fails(s.Edit(as(t, 1), old.ID, Input{Stars: ptr(1), Text: ptr("Cold.")})),
			"deleting":  s.Delete(as(t, 1), old.ID),
			"answering": fails(s.Answer(staff, old.ID, "Thanks!")),
		} {
			if !errs.Is(err, errs.Unavailable) {
				t.Errorf("%s = %v; want what the post says", what, err)
			}
		}
		if _, err := s.OfOrder(as(t, 1), 102); !errs.Is(err, errs.NotFound) {
			t.Errorf("a review without its post: %v", err)
		}
		got, err := s.Get(as(t, 1), old.ID)
		if err != nil || got.Stars != 4 || got.Text != "Warm." || got.Answer != "Thank you." || len(s.town.posts) != before {
			t.Errorf("the review is %+v, %v with %d posts; want it as it was, with %d", got, err, len(s.town.posts), before)
		}
		if r := rate(t, s); r.Count != 1 {
			t.Errorf("the restaurant has %+v; want one review", r)
		}
	})
}

func fails(_ *Review, err error) error { return err }

// TestFiguresFollow does anything in any order and compares the figures with counting by hand.
func TestFiguresFollow(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		reviews := map[id.ID]*Review{} // by order
		rapid.Check(t, func(rt *rapid.T) {
			for range rapid.IntRange(1, 6).Draw(rt, "steps") {
				order := id.ID(rapid.Int64Range(101, 108).Draw(rt, "order"))
				in := Input{Stars: ptr(rapid.IntRange(1, 5).Draw(rt, "stars"))}
				if rapid.Bool().Draw(rt, "dish") {
					in.Dishes = &[]Stars{{Item: id.ID(rapid.Int64Range(61, 62).Draw(rt, "item")), Stars: rapid.IntRange(1, 5).Draw(rt, "dish stars")}}
				}
				var err error
				r := reviews[order]
				switch what := rapid.IntRange(0, 3).Draw(rt, "what"); {
				case r == nil:
					r, err = s.Create(as(t, 1), order, in)
				case what == 0:
					r, err = s.Edit(as(t, 1), r.ID, in)
				case what == 1:
					r, err = nil, s.Delete(as(t, 1), r.ID)
				default:
					r, err = s.Hide(as(t, 8), r.ID, what == 2)
				}
				if err != nil {
					rt.Fatal(err)
				}
				if reviews[order] = r; r == nil {
					delete(reviews, order)
				}
			}
			want, dishes := [5]int64{}, map[id.ID]int64{}
			for _, r := range reviews {
				if r.Hidden {
					continue
				}
				want[r.Stars-1]++
				for _, d := range r.Dishes {
					dishes[d.Item] += int64(d.Stars)
				}
			}
			got, err := s.Rating(t.Context(), 50)
			if err != nil || got.Each != want {
				rt.Fatalf("figures %v, %v; want %v", got.Each, err, want)
			}
			of, err := s.DishRatings(t.Context(), 50)
			if err != nil || of[61].Sum != dishes[61] || of[62].Sum != dishes[62] {
				rt.Fatalf("dishes %v, %v; want %v", of, err, dishes)
			}
			if len(s.town.posts) != len(reviews) {
				rt.Fatalf("%d posts of %d reviews", len(s.town.posts), len(reviews))
			}
		})
	})
}

func TestRestaurantAnswers(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		r, err := s.Create(as(t, 1), 101, Input{Stars: ptr(2), Text: ptr("Cold.")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Answer(as(t, 2), r.ID, "No!"); !errs.Is(err, errs.Forbidden) {
			t.Fatalf("somebody else answers = %v; want forbidden", err)
		}
		for _, text := range []string{"Sorry.", "We are very sorry."} {
			got, err := s.Answer(as(t, 9), r.ID, text)
			if err != nil || got.Answer != text || len(s.town.posts) != 2 {
				t.Fatalf("answer = %+v, %v, %d posts; want the review and one answer", got, err, len(s.town.posts))
			}
		}
		if n := s.town.posts[s.town.next]; n.As != 50 || n.ReplyTo != r.Status {
			t.Fatalf("the answer is %+v; want an answer by the restaurant", n)
		}
		unpost(t, s, s.town.next)
		if got, err := s.Get(as(t, 1), r.ID); err != nil || got.Answer != "" {
			t.Fatalf("after its post was deleted the answer is %q, %v", got.Answer, err)
		}
	})
}

// hear has reviews hear an event.
func hear(t *testing.T, s *stage, p events.Payload) {
	t.Helper()
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DB.Write(t.Context(), func(tx *db.Tx) error {
		return s.heard(t.Context(), tx, events.Event{Kind: p.EventKind(), Data: data, At: s.now})
	}); err != nil {
		t.Fatal(err)
	}
}

func unpost(t *testing.T, s *stage, status id.ID) {
	t.Helper()
	hear(t, s, social.Deleted{Head: social.Head{ID: status}})
}

func TestReviewFollowsItsPost(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		r, err := s.Create(as(t, 1), 101, Input{Stars: ptr(3), Text: ptr("Fine")})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.town.put(r.Status, social.Note{Text: "Fine, after all"}); err != nil {
			t.Fatal(err)
		}
		args, err := json.Marshal(textMoved{r.ID})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.takeText(t.Context(), jobs.Job{Args: args}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), r.ID); err != nil || got.Text != "Fine, after all" || got.Edited.IsZero() {
			t.Fatalf("after its post was edited: %+v, %v", got, err)
		}
		hear(t, s, social.Moderated{Profile: 1, Action: "suspend"})
		if _, err := s.Get(t.Context(), r.ID); !errs.Is(err, errs.NotFound) || rate(t, s).Count != 0 {
			t.Fatalf("of a suspended author = %v, %+v; want not found, not counted", err, rate(t, s))
		}
		hear(t, s, social.Moderated{Profile: 1, Action: "undo"})
		if got := rate(t, s); got.Count != 1 {
			t.Fatalf("back again: %+v", got)
		}
		unpost(t, s, r.Status)
		if got := rate(t, s); got.Count != 0 {
			t.Fatalf("after its post was deleted: %+v", got)
		}
	})
}

func TestCustomerIsAskedOnce(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		for _, order := range []id.ID{101, 101, 102} {
			hear(t, s, delivery.Order{What: delivery.OrderDelivered, Order: order})
		}
		if _, err := s.Create(as(t, 1), 102, Input{Stars: ptr(5)}); err != nil {
			t.Fatal(err)
		}
		p, err := s.Jobs.List(t.Context(), jobs.Filter{}, "", 10)
		if err != nil || len(p.Items) != 2 {
			t.Fatalf("%d jobs, %v; want one for each order", len(p.Items), err)
		}
		for _, j := range p.Items {
			if err := s.ask(t.Context(), jobs.Job{Args: j.Args}); err != nil {
				t.Fatal(err)
			}
		}
		list, err := s.Log.Since(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		for _, e := range list {
			if e.Kind == social.KindNotice && strings.Contains(string(e.Data), "/orders/K101/review") {
				asked++
			}
		}
		if asked != 1 {
			t.Fatalf("asked %d times; want once, and not of what is reviewed", asked)
		}
	})
}

func TestErasedReviewsCountNoMore(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		for _, order := range []id.ID{101, 102} {
			if _, err := s.Create(as(t, 1), order, Input{Stars: ptr(5)}); err != nil {
				t.Fatal(err)
			}
		}
		part := s.Personal()
		if n, err := part.Count(t.Context(), 1); err != nil || n != 2 {
			t.Fatalf("count = %d, %v", n, err)
		}
		if err := s.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := part.Erase(t.Context(), tx, 1)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if n, err := part.Count(t.Context(), 1); err != nil || n != 0 || rate(t, s).Count != 0 {
			t.Fatalf("after erasing: %d, %v, %+v", n, err, rate(t, s))
		}
	})
}

func TestREST(t *testing.T) {
	s := setup(dbtest.SQLite(t, Schema, events.Schema, jobs.Schema))
	rt := httpx.NewRouter(slog.New(slog.NewTextHandler(io.Discard, nil)), "test", func(w http.ResponseWriter, r *http.Request, status int, sentence string) {
		http.Error(w, sentence, status)
	})
	s.Routes(rt)
	inTown, err := s.Create(as(t, 1), 120, Input{Stars: ptr(1), Text: ptr("Between us"), Visibility: social.Town})
	if err != nil {
		t.Fatal(err)
	}
	const p = httpx.Prefix
	first := ""
	for _, c := range []struct {
		name               string
		person             id.ID
		method, path, body string
		status             int
		want               string
	}{
		{"review as a guest", 0, "POST", p + "/orders/101/review", `{"stars":5}`, 401, "sign in"},
		{"no stars", 1, "POST", p + "/orders/101/review", `{}`, 422, `"path":"body.stars"`},
		{"six stars", 1, "POST", p + "/orders/101/review", `{"stars":6}`, 422, `"path":"body.stars"`},
		{"another dish", 1, "POST", p + "/orders/101/review", `{"stars":5,"dishes":[{"item":"70","stars":5}]}`, 422, `"path":"body.dishes"`},
		{"a dish twice", 1, "POST", p + "/orders/101/review", `{"stars":5,"dishes":[{"item":"61","stars":5},{"item":"61","stars":1}]}`, 422, `"path":"body.dishes"`},
		{"in secret", 1, "POST", p + "/orders/101/review", `{"stars":5,"visibility":"direct"}`, 422, `"path":"body.visibility"`},
		{"none yet", 1, "GET", p + "/orders/101/review", "", 404, "no such review"},
		{"review", 1, "POST", p + "/orders/101/review", `{"stars":4,"text":" Good  dal. ","dishes":[{"item":"61","stars":5}],"media_ids":["7"]}`, 201, `"text":"Good dal."`},
		{"review again", 1, "POST", p + "/orders/101/review", `{"stars":4}`, 409, "reviewed"},
		{"mine", 1, "GET", p + "/orders/101/review", "", 200, `"order_id":"101"`},
		{"not another's", 2, "GET", p + "/orders/101/review", "", 404, "no such review"},
		{"list with a photo", 0, "GET", p + "/restaurants/luigi/reviews", "", 200, `"url":"/p.jpg"`},
		{"list with averages", 0, "GET", p + "/restaurants/luigi/reviews", "", 200, `"stars":2.5,"each":[1,0,0,1,0]`},
		{"list of nobody", 0, "GET", p + "/restaurants/mario/reviews", "", 404, "no such restaurant"},
		{"for the town, as a stranger", 0, "GET", p + "/reviews/" + inTown.ID.String(), "", 200, `"handle":"","name":"","avatar":"","stars":1,"text":""`},
		{"for the town, as a neighbour", 2, "GET", p + "/reviews/" + inTown.ID.String(), "", 200, `"text":"Between us"`},
		{"change another's", 2, "PATCH", p + "/reviews/$", `{"stars":1}`, 404, "no such review"},
		{"change who reads it", 1, "PATCH", p + "/reviews/$", `{"visibility":"town"}`, 422, "stay as they are"},
		{"change", 1, "PATCH", p + "/reviews/$", `{"stars":3}`, 200, `"text":"Good dal."`},
		{"answer as a guest", 0, "PUT", p + "/reviews/$/answer", `{"text":"Thanks"}`, 401, "sign in"},
		{"answer as another", 2, "PUT", p + "/reviews/$/answer", `{"text":"Thanks"}`, 403, "work at the restaurant"},
		{"answer", 9, "PUT", p + "/reviews/$/answer", `{"text":"Thanks"}`, 200, `"answer":"Thanks"`},
		{"take it back", 9, "DELETE", p + "/reviews/$/answer", "", 200, `"verified":true`},
		{"hide as a customer", 1, "PUT", p + "/reviews/$/hidden", `{"hidden":true}`, 403, ""},
		{"hide", 8, "PUT", p + "/reviews/$/hidden", `{"hidden":true}`, 200, `"hidden":true`},
		{"hidden from others", 2, "GET", p + "/reviews/$", "", 404, "no such review"},
		{"but not from its author", 1, "GET", p + "/reviews/$", "", 200, `"hidden":true`},
		{"delete another's", 2, "DELETE", p + "/reviews/$", "", 404, "no such review"},
		{"delete", 1, "DELETE", p + "/reviews/$", "", 204, ""},
		{"review anew", 1, "POST", p + "/orders/101/review", `{"stars":5}`, 201, `"stars":5`},
	} {
		path := strings.Replace(c.path, "$", first, 1)
		r := httptest.NewRequestWithContext(as(t, c.person), c.method, path, strings.NewReader(c.body))
		if c.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %s %s = %d %s; want %d with %s", c.name, c.method, path, w.Code, w.Body, c.status, c.want)
		}
		if w.Code == 201 && first == "" {
			var made Review
			if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil {
				t.Fatal(err)
			}
			first = made.ID.String()
		}
	}
}

func TestPages(t *testing.T) {
	s := setup(dbtest.SQLite(t, Schema, events.Schema, jobs.Schema))
	rt := httpx.NewRouter(slog.New(slog.NewTextHandler(io.Discard, nil)), "test", func(w http.ResponseWriter, r *http.Request, status int, sentence string) {
		http.Error(w, sentence, status)
	})
	s.Routes(rt)
	for _, c := range []struct {
		name               string
		person             id.ID
		method, path, body string
		status             int
		want               string
	}{
		{"nothing yet", 0, "GET", "/r/luigi/reviews", "", 200, "No reviews yet"},
		{"the form", 1, "GET", "/orders/K101/review", "", 200, "How was it from Luigi?"},
		{"of another's order", 2, "GET", "/orders/K101/review", "", 404, "no such order"},
		{"without stars", 1, "POST", "/orders/K101/review", "text=Good", 422, "Give one to five stars."},
		{"publish", 1, "POST", "/orders/K101/review", "stars=4&text=Good+%3Cb%3Edal&dish=5&dish=&visibility=public", 303, ""},
		{"it is there", 0, "GET", "/r/luigi/reviews", "", 200, "Good &lt;b&gt;dal"},
		{"counted", 0, "GET", "/r/luigi/reviews", "", 200, "★ 4.0 · 1 verified review"},
		{"the form again", 1, "GET", "/orders/K101/review", "", 200, `value="4" checked`},
		{"change", 1, "POST", "/orders/K101/review", "stars=2&text=Cold&dish=&dish=", 303, ""},
		{"changed", 0, "GET", "/r/luigi/reviews", "", 200, "★ 2.0 · 1 verified review"},
		{"delete", 1, "POST", "/orders/K101/review/delete", "", 303, ""},
		{"gone", 0, "GET", "/r/luigi/reviews", "", 200, "No reviews yet"},
	} {
		r := httptest.NewRequestWithContext(as(t, c.person), c.method, c.path, strings.NewReader(c.body))
		if c.method == "POST" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %s %s = %d %s; want %d with %s", c.name, c.method, c.path, w.Code, w.Body, c.status, c.want)
		}
	}
}
