package access

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/harness"
)

// patience is how long a stream may go on after its listener lost the right to it.
const patience = 5 * time.Second

// listener is an open stream.
type listener struct {
	ended chan struct{} // closed at its end
	heard chan string   // the names of events
}

// listen opens a stream, which must be let in, and waits for its greeting.
func (w *world) listen(t *testing.T, token, path string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 {
		b, _ := io.ReadAll(res.Body)
		t.Fatalf("GET %s = %d %s; want a stream", path, res.StatusCode, b)
	}
	l := &listener{make(chan struct{}), make(chan string, 1000)}
	go func() {
		defer close(l.ended)
		defer res.Body.Close()
		in := bufio.NewScanner(res.Body)
		for in.Scan() {
			if name, ok := strings.CutPrefix(in.Text(), "event: "); ok {
				l.heard <- name
			}
		}
	}()
	l.await(t, "hello")
	return l
}

// await waits for an event.
func (l *listener) await(t *testing.T, name string) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case got := <-l.heard:
			if got == name {
				return
			}
		case <-l.ended:
			t.Fatalf("the stream ended before %s", name)
		case <-late:
			t.Fatalf("no %s within %v", name, patience)
		}
	}
}

// end waits for the end of a stream.
func (l *listener) end(t *testing.T, why string) {
	t.Helper()
	select {
	case <-l.ended:
	case <-time.After(patience):
		t.Errorf("%v after %s the stream still goes on", patience, why)
	}
}

// lives asserts that a stream goes on, by an event that it must hear.
func (l *listener) lives(t *testing.T, cause func(), name string) {
	t.Helper()
	cause()
	l.await(t, name)
}

// refused asserts that a stream is not let in; want are the classes of the matrix that will do.
func (w *world) refused(t *testing.T, token, path, want string) {
	t.Helper()
	if a := w.send("GET", path, nil, token, ""); strings.IndexByte(want, a.class()) < 0 {
		t.Errorf("GET %s = %d; want it refused as one of %q", path, a.status, want)
	}
}

func TestStreamsEndWithTheRightToListen(t *testing.T) {
	w := newTown(t)
	a, b := w.sides[0], w.sides[1]
	w.orderOn(a)
	w.orderOn(b)
	order := "/live?topic=order:" + a.order.ID
	events := api + "/orders/" + a.order.ID + "/events"
	owner := w.s.Account(t, "meera", "owner:"+a.shop.Slug)

	t.Run("one topic of others refuses the whole stream", func(t *testing.T) {
		w.refused(t, a.customer.Token, order+"&topic=order:"+b.order.ID, "34")
		w.refused(t, a.courier.Token, "/live?topic=courier:"+a.rider+"&topic=courier:"+b.rider, "34")
		w.refused(t, owner.Token, "/live?topic=restaurant:"+a.shop.ID+"&topic=restaurant:"+b.shop.ID, "34")
		w.refused(t, a.customer.Token, "/live?topic=order:"+a.order.ID+"&topic=dispatch", "34")
		w.refused(t, a.customer.Token, "/live?topic=no-such-thing:1", "4")
	})
	t.Run("the courier's, when the order is given to another", func(t *testing.T) {
		one, two := w.listen(t, a.courier.Token, order), w.listen(t, a.courier.Token, events)
		w.admin.Want(t, 200, "POST", "/dispatch/assignments", map[string]any{"order": a.order.ID, "courier": b.rider}, nil)
		one.end(t, "the order was given to another courier")
		two.end(t, "the order was given to another courier")
		w.refused(t, a.courier.Token, order, "34")
		w.refused(t, a.courier.Token, events, "34")
		w.listen(t, b.courier.Token, order)
	})
	t.Run("the owner's, when the role is taken away", func(t *testing.T) {
		kitchen, own := w.listen(t, owner.Token, "/live?topic=restaurant:"+a.shop.ID), w.listen(t, owner.Token, order)
		w.s.Admin(t, "admin", "role", "revoke", "owner:"+a.shop.Slug, "--account", "meera")
		kitchen.end(t, "the role was taken away")
		own.end(t, "the role was taken away")
		w.refused(t, owner.Token, order, "4")
	})
	t.Run("a helper's, when the time of the role is over", func(t *testing.T) {
		helper := w.s.Account(t, "hugo")
		w.s.Admin(t, "admin", "role", "add", "hugo", "staff:"+a.shop.Slug, "--for", "4s")
		kitchen := "/live?topic=restaurant:" + a.shop.ID
		w.until("the role holds", func() bool {
			return helper.Do(t, "GET", "/restaurants/"+a.shop.Slug+"/orders", nil).Status == 200
		})
		l := w.listen(t, helper.Token, kitchen)
		l.end(t, "the role was over")
		w.refused(t, helper.Token, kitchen, "3")
		if r := helper.Do(t, "GET", "/restaurants/"+a.shop.Slug+"/orders", nil); r.Status != 404 {
			t.Errorf("the orders of the restaurant = %d after the role was over; want 404", r.Status)
		}
	})
	t.Run("a helper's requests, when the role is taken away", func(t *testing.T) {
		helper := w.s.Account(t, "hedda", "dispatcher")
		helper.Want(t, 200, "GET", "/dispatch/board", nil, nil)
		w.s.Admin(t, "admin", "role", "remove", "hedda", "dispatcher")
		w.until("the role is gone", func() bool { return helper.Do(t, "GET", "/dispatch/board", nil).Status == 403 })
	})
	t.Run("an app's, when its token is revoked", func(t *testing.T) {
		token := w.signIn("customera")
		l := w.listen(t, token, order)
		w.s.As(token).Want(t, 204, "DELETE", "/session", nil, nil)
		l.end(t, "its token was revoked")
		w.refused(t, token, order, "1")
	})
	t.Run("everybody's, when the account is suspended, and nobody else's", func(t *testing.T) {
		guest := w.listen(t, "", "/t/"+a.token+"/events")
		other := w.listen(t, b.customer.Token, "/live?topic=order:"+b.order.ID)
		var mine []*listener
		for _, path := range []string{order, events, "/live?topic=shop:" + a.shop.ID} {
			mine = append(mine, w.listen(t, a.customer.Token, path))
		}
		w.s.Admin(t, "admin", "account", "suspend", "--name", "customera")
		for _, l := range mine {
			l.end(t, "the account was suspended")
		}
		for _, path := range []string{order, events, "/live?topic=shop:" + a.shop.ID} {
			w.refused(t, a.customer.Token, path, "1")
		}
		guest.lives(t, func() {
			w.admin.Want(t, 200, "POST", "/orders/"+a.order.ID+"/prepare", nil, nil)
		}, "order.preparing")
		other.lives(t, func() {
			w.admin.Want(t, 200, "POST", "/orders/"+b.order.ID+"/prepare", nil, nil)
		}, "order.preparing")
		w.s.Admin(t, "admin", "account", "reinstate", "--name", "customera")
		token := ""
		w.until("a reinstated account may sign in", func() bool {
			r, err := w.s.As("").Try("POST", "/session", map[string]string{"email": a.secret.email, "password": harness.Password})
			if err != nil || r.Status != 201 {
				return false
			}
			_, rest, _ := strings.Cut(string(r.Body), `"token":"`)
			token, _, _ = strings.Cut(rest, `"`)
			return true
		})
		w.listen(t, token, order)
	})
	t.Run("resuming far back tells nothing of others", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.s.URL+"/live?topic=order:"+b.order.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+b.customer.Token)
		req.Header.Set("Last-Event-ID", "0")
		res, err := w.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if !strings.Contains(string(body), "order.placed") && !strings.Contains(string(body), "order.created") {
			t.Errorf("the stream does not begin with the order: %s", body)
		}
		for _, word := range []string{a.order.ID, a.order.Code, a.secret.phone, a.secret.street, a.rider} {
			if strings.Contains(string(body), word) {
				t.Errorf("the stream of an order tells %q of another: %s", word, body)
			}
		}
	})
}
