package emoji

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"mime/multipart"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// node is a Service of one node of a town.
type node struct {
	*Service
	rt *httpx.Router
}

func newNode(t *testing.T, d *db.DB, bus events.Bus, dir *files.Dir) *node {
	t.Helper()
	log := events.New(d, bus)
	n := &node{Service: New(Deps{
		DB: d, Log: log, Files: dir, Now: clock.NewManual(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)).Now, URL: func() string { return "https://town.example" },
		Unlink: func(_ context.Context, tx *db.Tx, paths []string) error {
			tx.AfterCommit(func() {
				for _, p := range paths {
					if err := dir.Remove(p); err != nil {
						t.Error(err)
					}
				}
			})
			return nil
		},
	}), rt: httpx.NewRouter(slog.New(slog.DiscardHandler), "test", nil)}
	n.React()
	n.Routes(n.rt)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = log.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return n
}

func picture(t *testing.T) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 300, 300))
	img.Set(150, 150, color.White)
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// do sends a form with a picture, where there is one.
func (n *node) do(t *testing.T, role access.Role, method, path string, form map[string]string, file []byte) *httptest.ResponseRecorder {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for k, v := range form {
		if err := w.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	if file != nil {
		f, err := w.CreateFormFile("image", "x")
		if err == nil {
			_, err = f.Write(file)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	actor := access.Actor{ID: 5, Handle: "ada"}
	if role != "" {
		actor.Roles = []access.Grant{{Role: role}}
	}
	rec := httptest.NewRecorder()
	n.rt.ServeHTTP(rec, r.WithContext(access.With(r.Context(), actor)))
	return rec
}

func (n *node) list(t *testing.T) (out []social.Emoji) {
	t.Helper()
	rec := httptest.NewRecorder()
	n.rt.ServeHTTP(rec, httptest.NewRequest("GET", "/api/v1/custom_emojis", nil))
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil || !strings.HasPrefix(rec.Body.String(), "[") {
		t.Fatalf("%v in %s", err, rec.Body)
	}
	return out
}

func TestAdminsGiveTheTownEmojiAndAllNodesKnow(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		dir, err := files.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		bus := events.NewLocal()
		one, two := newNode(t, d, bus, dir), newNode(t, d, bus, dir)
		if len(one.list(t)) != 0 || len(two.list(t)) != 0 {
			t.Fatal("there are emoji already")
		}
		await := func(what string, is func() bool) {
			t.Helper()
			for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("not after 10 s: %s", what)
				}
			}
		}
		for role, want := range map[access.Role]int{"": 403, access.RoleModerator: 403, access.RoleAdmin: 201} {
			if rec := one.do(t, role, "POST", "/api/stoa/v1/emojis", map[string]string{"shortcode": "dal", "category": "Food"}, picture(t)); rec.Code != want {
				t.Errorf("as %q: %d %s", role, rec.Code, rec.Body)
			}
		}
		await("the other node knows", func() bool { return len(two.list(t)) == 1 })
		e := two.list(t)[0]
		f, err := dir.Read(strings.TrimPrefix(e.URL, "https://town.example"))
		if err != nil {
			t.Fatal(err)
		}
		c, kind, err := image.DecodeConfig(f)
		f.Close()
		if err != nil || kind != "png" || c.Width != side || *e.Category != "Food" || !e.Visible {
			t.Errorf("%+v: %s of %d px, %v", e, kind, c.Width, err)
		}
		if rec := one.do(t, access.RoleAdmin, "PATCH", "/api/stoa/v1/emojis/dal", map[string]string{"visible_in_picker": "false"}, nil); rec.Code != 200 {
			t.Errorf("change: %d %s", rec.Code, rec.Body)
		}
		await("it is hidden", func() bool { return len(two.list(t)) == 0 })
		if named, err := two.Named(t.Context(), []string{"dal", "nothing"}); err != nil || len(named) != 1 || named[0].Visible {
			t.Errorf("%+v, %v", named, err)
		}
		for name, c := range map[string]struct {
			form   map[string]string
			file   []byte
			status int
		}{
			"taken": {map[string]string{"shortcode": "dal"}, picture(t), 409}, "no name": {map[string]string{"shortcode": "d l"}, picture(t), 422},
			"no file": {map[string]string{"shortcode": "naan"}, nil, 422}, "no picture": {map[string]string{"shortcode": "naan"}, []byte("<svg/>"), 422},
			"too long": {map[string]string{"shortcode": "naan"}, make([]byte, MaxBytes+1), 413},
		} {
			if rec := one.do(t, access.RoleAdmin, "POST", "/api/stoa/v1/emojis", c.form, c.file); rec.Code != c.status {
				t.Errorf("%s: %d %s; want %d", name, rec.Code, rec.Body, c.status)
			}
		}
		if rec := one.do(t, access.RoleAdmin, "DELETE", "/api/stoa/v1/emojis/dal", nil, nil); rec.Code != 200 {
			t.Errorf("remove: %d %s", rec.Code, rec.Body)
		}
		await("it is gone", func() bool { named, _ := two.Named(t.Context(), []string{"dal"}); return len(named) == 0 })
		if _, err := dir.Read(strings.TrimPrefix(e.URL, "https://town.example")); !errs.Is(err, errs.NotFound) {
			t.Errorf("its picture: %v", err)
		}
		if rec := one.do(t, access.RoleAdmin, "DELETE", "/api/stoa/v1/emojis/dal", nil, nil); rec.Code != 404 {
			t.Errorf("again: %d", rec.Code)
		}
	}, events.Schema, Schema)
}
