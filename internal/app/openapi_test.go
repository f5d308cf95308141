package app

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

var update = flag.Bool("update", false, "write api/openapi.json and api/routes.txt anew")

// build returns a server over a fresh SQLite database.
func build(t *testing.T) *App {
	t.Helper()
	cfg, err := config.Load(config.Overrides{"data": t.TempDir()}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	a, err := Build(t.Context(), cfg, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(t.Context()) })
	return a
}

// TestOpenAPI holds api/openapi.json, which clients are generated from, to the registered operations. -update writes it.
func TestOpenAPI(t *testing.T) {
	doc := build(t).Router.API.OpenAPI()
	for path, item := range doc.Paths {
		for _, op := range operations(item) {
			if op.Summary == "" || len(op.Tags) == 0 || op.OperationID == "" {
				t.Errorf("%s %s lacks a summary, a tag or an id", op.Method, path)
			}
			for _, p := range op.Parameters {
				if !slices.Contains([]string{"path", "query", "header", "cookie"}, p.In) {
					t.Errorf("%s %s has a parameter %s in %q, which OpenAPI does not know", op.Method, path, p.Name, p.In)
				}
			}
		}
	}
	got, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "openapi.json", append(got, '\n'))
}

// TestRoutes holds api/routes.txt, which the access matrix goes through, to the registered routes and who may come to them. -update
// writes it.
func TestRoutes(t *testing.T) {
	routes := build(t).Router.Routes()
	wide := 0
	for _, r := range routes {
		wide = max(wide, len(r.Pattern))
	}
	var b strings.Builder
	for _, r := range routes {
		fmt.Fprintf(&b, "%-*s  %s\n", wide, r.Pattern, r.Guard)
	}
	golden(t, "routes.txt", []byte(b.String()))
}

// open are the routes by which strangers change something, each with the reason. All others ask who comes.
var open = map[string]string{
	"POST /sign-in":                      "who signs in is nobody yet",
	"POST /sign-up":                      "who signs up is nobody yet",
	"POST /sign-out":                     "whoever holds a session may end it, also one that has run out",
	"POST /sign-up/finish":               "the letter's link says who it is",
	"POST /sign-in/link":                 "who asks for a letter is nobody yet",
	"POST /sign-in/link/enter":           "the letter's link says who it is",
	"POST /sign-in/forgot":               "who asks for a letter is nobody yet",
	"POST /sign-in/reset":                "the letter's link says who it is",
	"POST /sign-in/not-me":               "the letter's link says who it is",
	"POST /account/email/move":           "the letter's link says who it is, in whatever browser it is opened",
	"POST /account/email/undo":           "the letter's link says who it is, and somebody else is signed in perhaps",
	"POST /sign-in/passkey":              "the passkey says who it is",
	"POST /sign-in/passkey/options":      "who signs in is nobody yet",
	"POST /sign-in/second":               "the first step's cookie says who it is",
	"POST /sign-in/with/{provider}":      "who signs in is nobody yet",
	"POST /sign-up/with":                 "the other service's word says who it is",
	"POST /language":                     "a guest's language is kept in a cookie of theirs",
	"POST /api/v1/accounts":              "an app signs somebody up, by a token of its own",
	"POST /letters/stop/{account}/{sig}": "the letter's link says who it is",
	"POST /account/strikes/{id}/appeal":  "the letter's link says who it is: whoever is suspended can't sign in",
	"POST /api/v1/apps":                  "apps of Mastodon introduce themselves before anybody lets them in",
	"POST /webhooks/stripe":              "its signature says that it is from Stripe",
	"POST /sandbox/3ds/{ref}":            "it stands for a bank's own page, whose link says which payment it is about",
	"POST /oauth/token":                  "the code or the app's secret says who it is",
	"POST /oauth/revoke":                 "whoever holds a token may end it",
	"POST /place":                        "a guest's address is kept in a cookie of theirs",
	"POST /setup":                        "whoever holds the link that the server printed makes its first admin",
	"POST /api/stoa/v1/accounts":         "who signs up is nobody yet",
	"POST /api/stoa/v1/session":          "who signs in is nobody yet",
	"DELETE /api/stoa/v1/session":        "whoever holds a session or a token may end it, whatever its scopes",
	"POST /api/stoa/v1/quotes":           "asking for a price changes nothing",
}

// TestOnlyListedRoutesLetStrangersChangeSomething holds each route that is no GET to a guard, and each guard to a verb that exists.
func TestOnlyListedRoutesLetStrangersChangeSomething(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range build(t).Router.Routes() {
		seen[r.Pattern] = true
		if r.Guard == (httpx.Guard{}) {
			t.Errorf("%s has no guard and serves nobody", r.Pattern)
		}
		if verb := r.Guard.Verb(); verb != "" {
			if err := access.Could(access.Actor{}, verb); errs.Is(err, errs.Internal) {
				t.Errorf("%s: %v", r.Pattern, err)
			}
		}
		// A guest's cart belongs to who holds its cookie: the guard asks those for a verb who are somebody.
		if r.Guard == httpx.Anyone && !strings.HasPrefix(r.Pattern, "GET ") && open[r.Pattern] == "" {
			t.Errorf("%s lets strangers in: give it a guard, or a line with the reason here", r.Pattern)
		}
	}
	for pattern := range open {
		if !seen[pattern] {
			t.Errorf("%s is listed here, and no route", pattern)
		}
	}
}

// golden compares got with a file in api.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("..", "..", "api", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("api/%s is not what the server serves: run make gen", name)
	}
}
