package assets

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestUnknownFileIsNotFound(t *testing.T) {
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/assets/../manifest.json", nil))
	if w.Code != http.StatusNotFound {
		t.Fatalf("status = %d; want 404", w.Code)
	}
	if got := Path("no-such.css"); got != "/assets/no-such.css" {
		t.Fatalf("Path = %q", got)
	}
}

func TestBuiltFilesAreServedPackedAndForEver(t *testing.T) {
	if !Built() {
		t.Skip("assets are not built: run npm ci && npm run build in internal/web/assets")
	}
	for _, name := range []string{"app.css", "app.js", "sw.js", "map.css", "icon.svg", "text.woff2", "display.woff2"} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, Path(name), nil)
			r.Header.Set("Accept-Encoding", "gzip, br")
			w := httptest.NewRecorder()
			Handler().ServeHTTP(w, r)
			if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
				t.Fatalf("%s: status %d, headers %v", r.URL, w.Code, w.Header())
			}
			if strings.HasSuffix(name, ".woff2") {
				return
			}
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			if data, err := io.ReadAll(z); err != nil || len(data) == 0 {
				t.Fatalf("unpacked %d bytes, %v", len(data), err)
			}
		})
	}
	for _, p := range Imports() {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, p, nil))
		if w.Code != http.StatusOK {
			t.Fatalf("%s: status %d", p, w.Code)
		}
	}
}
