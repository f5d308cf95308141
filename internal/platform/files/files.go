// Package files keeps pictures in a directory, under names made from their content: a name never stands for another picture, so browsers
// may keep what they have. What people upload is decoded, scaled and encoded anew: nothing of the sent bytes is ever served.
package files

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// Prefix is where pictures are served.
const Prefix = "/media/"

// Photo is a stored picture. Path and Thumb are URL paths; Thumb is at most 480 px wide and high.
type Photo struct {
	Path   string
	Thumb  string
	Width  int
	Height int
}

// Dir is a directory of pictures. Safe for concurrent use.
type Dir struct {
	root string
	gate *gate // before decoding
}

// Open makes the directory where it is missing and returns it.
func Open(root string) (*Dir, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("files: make the folder: %w", err)
	}
	return &Dir{root: root, gate: newGate()}, nil
}

// name is how stored files are called: no dot but that of the known ending, so nothing outside the folder can be named.
var name = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,99}\.(jpg|png|svg|webp)$`)

var types = map[string]string{".jpg": "image/jpeg", ".png": "image/png", ".svg": "image/svg+xml", ".webp": "image/webp"}

// Thumb returns the URL path of the small version of the picture at path: path itself where that is no uploaded picture.
func Thumb(path string) string {
	if base, ok := strings.CutSuffix(path, large); ok && strings.HasPrefix(path, Prefix) {
		return base + small
	}
	return path
}

// Uploaded pictures are stored in two sizes under one stem.
const (
	large = "-l.jpg"
	small = "-s.jpg"
)

// Put checks a picture that somebody sent (JPEG, PNG, GIF or WebP, at most MaxBytes, MaxPixels and MaxSide), turns it upright, scales it to
// at most 1,600 px and to a thumbnail of 480 px, and stores both as JPEG without anything else the file carried. It returns an Invalid
// error about the field "photo" for what is no such picture, a TooLarge error for too many bytes, and a TooMany error while many others are being read.
func (d *Dir) Put(ctx context.Context, body []byte) (Photo, error) {
	p, err := d.prepare(ctx, body)
	if err != nil {
		return Photo{}, err
	}
	stem := hash(p.large)
	for _, f := range []struct {
		name string
		data []byte
	}{{stem + small, p.small}, {stem + large, p.large}} {
		if err := d.write(f.name, f.data); err != nil {
			return Photo{}, err
		}
	}
	return Photo{Path: Prefix + stem + large, Thumb: Prefix + stem + small, Width: p.width, Height: p.height}, nil
}

// PutTrusted stores a picture of our own making (SVG, JPEG, PNG or WebP) as it is and returns its URL path, which holds name (a-z, 0-9 and
// hyphens) and a hash of the content. Never give it what somebody sent.
func (d *Dir) PutTrusted(_ context.Context, stem, contentType string, data []byte) (string, error) {
	for ext, t := range types {
		if t != contentType {
			continue
		}
		full := stem + "-" + hash(data)[:12] + ext
		if !name.MatchString(full) {
			return "", fmt.Errorf("files: %q is not a name for a picture", stem)
		}
		return Prefix + full, d.write(full, data)
	}
	return "", fmt.Errorf("files: pictures of type %q are not kept", contentType)
}

// hash returns 160 bits of the content's SHA-256 in lower-case base32.
func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20]))
}

// write stores a file whole or not at all. A file that is there already has the same content.
func (d *Dir) write(name string, data []byte) error {
	path := filepath.Join(d.root, name)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	tmp, err := os.CreateTemp(d.root, ".new-*")
	if err != nil {
		return fmt.Errorf("files: make %s: %w", name, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("files: write %s: %w", name, err)
	}
	return nil
}

var errMissing = errs.New(errs.NotFound, "There is no such picture.")

// Serve answers GET /media/{name}. Browsers are told to keep the picture for ever, to take its type as given, and to run nothing in it.
// It returns a NotFound error for what is not there.
func (d *Dir) Serve(w http.ResponseWriter, r *http.Request) error {
	file := r.PathValue("name")
	if !name.MatchString(file) {
		return errMissing
	}
	f, err := os.Open(filepath.Join(d.root, file))
	if errors.Is(err, fs.ErrNotExist) {
		return errMissing
	}
	if err != nil {
		return fmt.Errorf("files: open %s: %w", file, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("files: look at %s: %w", file, err)
	}
	h := w.Header()
	h.Set("Content-Type", types[filepath.Ext(file)])
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	h.Set("ETag", `"`+strings.TrimSuffix(file, filepath.Ext(file))+`"`)
	http.ServeContent(w, r, "", st.ModTime(), f)
	return nil
}
