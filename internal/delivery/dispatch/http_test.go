package dispatch

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// ask sends a request as somebody and returns the answer. what is "GET /path" or "POST /path".
func ask(rt *httpx.Router, ctx context.Context, what, kind string, body io.Reader) *httptest.ResponseRecorder {
	method, path, _ := strings.Cut(what, " ")
	r := httptest.NewRequestWithContext(ctx, method, path, body)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("HX-Request", "true")
	r.Header.Set("Accept", "application/problem+json, text/html")
	w := httptest.NewRecorder()
	rt.ServeHTTP(w, r)
	return w
}

func newRouter(s *Service) *httpx.Router {
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", func(w http.ResponseWriter, _ *http.Request, status int, said string) { http.Error(w, said, status) })
	s.Routes(rt)
	return rt
}

func photoForm(t *testing.T) (kind string, body io.Reader) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	part, err := m.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="photo"; filename="door.jpg"`}, "Content-Type": {"image/jpeg"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write([]byte("\xff\xd8\xff")); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return m.FormDataContentType(), &b
}

func TestRequestsOfCouriersAndDispatchers(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		trip := w.carries(t, 1, anna)
		rt := newRouter(w.Service)
		pick, drop := trip.Pickup.ID.String(), trip.Dropoff.ID.String()
		const rest, form, json = httpx.Prefix, "application/x-www-form-urlencoded", "application/json"
		for _, c := range []struct {
			who              id.ID
			what, kind, body string
			status           int
			want             string
		}{
			{anna, "GET /courier", "", "", 200, "Head to restaurant"},
			{anna, "GET /courier/live", "", "", 200, `href="tel:0301"`},
			{anna, "GET " + rest + "/courier/tasks", "", "", 200, `"stop":"pickup"`},
			{anna, "POST " + rest + "/courier/tasks/" + pick + "/start", "", "", 200, `"DOING"`},
			{anna, "POST " + rest + "/courier/tasks/" + pick + "/arrive", json, `{"at":"2026-11-24T11:00:00Z"}`, 200, `"ARRIVED"`},
			{anna, "POST " + rest + "/courier/tasks/" + pick + "/arrive", json, `{"at":"soon"}`, 422, "at"},
			{anna, "POST " + rest + "/courier/tasks/x/start", "", "", 404, "task"},
			{ben, "POST " + rest + "/courier/tasks/" + pick + "/start", "", "", 404, "task"},
			{anna, "POST /courier/tasks/" + pick + "/complete", form, "at=2026-11-24T12:00:00Z", 409, `"code":"not_ready"`},
			{anna, "POST /courier/tasks/" + pick + "/complete", form, "at=noon", 422, "body.at"},
			{anna, "POST /courier/tasks/" + pick + "/complete", form, "tasks=x", 422, "body.tasks"},
			{anna, "POST /courier/tasks/" + pick + "/dance", form, "", 404, ""},
			{anna, "POST " + rest + "/courier/tasks/" + pick + "/fail", json, `{"reason":"BORED"}`, 422, "reason"},
			{anna, "POST " + rest + "/courier/offers/1/accept", "", "", 200, ""},
			{anna, "POST " + rest + "/courier/offers/7/accept", "", "", 404, "offer"},
			{anna, "POST /courier/offers/1/maybe", form, "", 404, ""},
			{anna, "GET " + rest + "/dispatch/board", "", "", 403, ""},
			{anna, "GET /dispatch", "", "", 403, ""},
			{dispatcherID, "GET /dispatch?only=late&q=k7q", "", "", 200, `id="board"`},
			{dispatcherID, "GET /dispatch/live", "", "", 200, "K7Q-2PM"},
			{dispatcherID, "GET " + rest + "/dispatch/board?only=odd", "", "", 422, "only"},
			{dispatcherID, "POST " + rest + "/dispatch/assignments", json, `{"order":"1","courier":"102"}`, 200, `"courier":"102"`},
			{dispatcherID, "POST " + rest + "/dispatch/assignments", json, `{"order":"1","courier":"nobody"}`, 422, "courier"},
			{dispatcherID, "POST " + rest + "/dispatch/assignments", json, `{"courier":"102"}`, 422, "order"},
			{dispatcherID, "POST /dispatch/assign", form, "order=1&courier=999", 200, "not on duty"},
			{dispatcherID, "POST /dispatch/assign", form, "order=1&courier=101", 200, `id="board"`},
			{dispatcherID, "POST " + rest + "/dispatch/orders/1/retry", "", "", 409, "did not fail"},
			{dispatcherID, "POST /dispatch/orders/x/retry", form, "", 404, ""},
		} {
			a := ask(rt, w.as(t, c.who), c.what, c.kind, strings.NewReader(c.body))
			if a.Code != c.status || !strings.Contains(a.Body.String(), c.want) {
				t.Errorf("%s by %s: %d %.300s; want %d with %q", c.what, c.who, a.Code, a.Body, c.status, c.want)
			}
		}
		w.becomes(t, 1, delivery.Ready)
		w.does(t, anna, trip.Pickup.ID, Complete)
		kind, body := photoForm(t)
		if a := ask(rt, w.as(t, anna), "POST "+rest+"/courier/tasks/"+drop+"/photo", kind, body); a.Code != 201 || !strings.Contains(a.Body.String(), "/media/door.jpg") {
			t.Errorf("photo: %d %s", a.Code, a.Body)
		}
		kind, body = photoForm(t)
		if a := ask(rt, w.as(t, anna), "POST /courier/tasks/"+drop+"/complete", kind, body); a.Code != 204 || w.trip(t, 1).State != TripDone {
			t.Errorf("hand-over by photo: %d %s, trip %s", a.Code, a.Body, w.trip(t, 1).State)
		}
	})
}
