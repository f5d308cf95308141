package app

import (
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/platform/config"
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

// TestRoutes holds api/routes.txt, which the access matrix goes through, to the registered routes. -update writes it.
func TestRoutes(t *testing.T) {
	golden(t, "routes.txt", []byte(strings.Join(build(t).Router.Routes(), "\n")+"\n"))
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
