// Package assets holds the style sheets, scripts, fonts and pictures of the web pages, built by esbuild into dist and embedded.
//
// Run npm ci && npm run build here before building the server. A server that was built without does run: its pages come unstyled, and
// Built tells so.
package assets

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed all:dist
var dist embed.FS

// file is one built file with what is sent of it.
type file struct {
	kind   string // content type
	plain  []byte
	packed []byte // gzip; nil where it does not pay
}

type set struct {
	manifest map[string]string // "app.css" → "app-3f9c….css"
	files    map[string]file
}

// load reads the embedded files once, on first use. Text is packed at the highest level here rather than at every request.
var load = sync.OnceValue(func() set {
	s := set{manifest: map[string]string{}, files: map[string]file{}}
	data, err := dist.ReadFile("dist/manifest.json")
	if err != nil {
		return s
	}
	if json.Unmarshal(data, &s.manifest) != nil {
		return s
	}
	entries, _ := fs.ReadDir(dist, "dist")
	for _, e := range entries {
		name := e.Name()
		if name == ".keep" || name == "manifest.json" {
			continue
		}
		f := file{kind: mime.TypeByExtension(path.Ext(name))}
		f.plain, _ = dist.ReadFile("dist/" + name)
		switch path.Ext(name) {
		case ".js", ".css", ".svg":
			f.packed = pack(f.plain)
		case ".woff2":
			f.kind = "font/woff2"
		}
		s.files[name] = f
	}
	return s
})

func pack(plain []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = w.Write(plain) // to memory: cannot fail
	_ = w.Close()
	return b.Bytes()
}

// Built reports whether the assets were built before the server was; log a warning where not.
func Built() bool { return len(load().manifest) > 0 }

// Path returns the address of a file by its plain name: Path("app.css") is "/assets/app-3f9c….css". For a name that was not built it
// returns "/assets/" and the name, which is answered with 404.
func Path(name string) string {
	if hashed, ok := load().manifest[name]; ok {
		return "/assets/" + hashed
	}
	return "/assets/" + name
}

// Imports returns the addresses of the scripts that app.js imports at once, for <link rel="modulepreload">: without it the browser would
// hear of them only after app.js has arrived.
func Imports() []string {
	var paths []string
	for _, f := range strings.Fields(load().manifest["app.js imports"]) {
		paths = append(paths, "/assets/"+f)
	}
	return paths
}

// Handler serves everything under /assets/. Names carry a hash of the content, so browsers may keep files for ever.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/assets/")
		f, ok := load().files[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.kind)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Service-Worker-Allowed", "/")
		body := f.plain
		if f.packed != nil {
			h.Set("Vary", "Accept-Encoding")
			if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				h.Set("Content-Encoding", "gzip")
				body = f.packed
			}
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(body) // the client going away is its own affair
		}
	})
}
