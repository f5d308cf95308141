package app

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/stoa-town/stoa/internal/base/errs"
)

var errNoMap = errs.New(errs.NotFound, "This town has no map of its own. Put one into the data folder as town.geojson.")

// baseMap keeps the compressed form of the newest map, since every page with a map asks for it.
type baseMap struct {
	mu     sync.Mutex
	tag    string
	zipped []byte
}

// serve answers with a GeoJSON document, compressed where the client takes that, and 304 where the client has it.
func (m *baseMap) serve(w http.ResponseWriter, r *http.Request, body []byte) error {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	h := w.Header()
	h.Set("Content-Type", "application/geo+json")
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		zipped, err := m.compress(tag, body)
		if err != nil {
			return err
		}
		h.Set("Content-Encoding", "gzip")
		body = zipped
	}
	_, _ = w.Write(body) // the client may be gone: nobody to tell
	return nil
}

func (m *baseMap) compress(tag string, body []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tag == tag {
		return m.zipped, nil
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil {
		return nil, fmt.Errorf("app: compress the map: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("app: compress the map: %w", err)
	}
	m.tag, m.zipped = tag, b.Bytes()
	return m.zipped, nil
}
