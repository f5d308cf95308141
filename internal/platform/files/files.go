// Package files keeps pictures in a directory, under names made from their content or of chance: a name never stands for another file, so
// browsers may keep what they have. Pictures that people upload are decoded, scaled and encoded anew: nothing of the sent bytes is ever
// served. Films and sounds are kept as they are (Store), after their owner has looked into them.
package files

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

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
var name = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,99}\.(jpg|png|svg|webp|gif|mp4|webm|mp3|ogg|flac|wav|m4a|zip)$`)

var types = map[string]string{
	".jpg": "image/jpeg", ".png": "image/png", ".svg": "image/svg+xml", ".webp": "image/webp", ".gif": "image/gif",
	".mp4": "video/mp4", ".webm": "video/webm", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".flac": "audio/flac", ".wav": "audio/wav", ".m4a": "audio/mp4",
}

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
	p, err := d.Prepare(ctx, body, Shape{MaxBytes: MaxBytes, Large: largeSide, Small: smallSide})
	if err != nil {
		return Photo{}, err
	}
	stem := hash(p.Large)
	for _, f := range []struct {
		name string
		data []byte
	}{{stem + small, p.Small}, {stem + large, p.Large}} {
		if err := d.write(f.name, bytes.NewReader(f.data)); err != nil {
			return Photo{}, err
		}
	}
	return Photo{Path: Prefix + stem + large, Thumb: Prefix + stem + small, Width: p.Width, Height: p.Height}, nil
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
		return Prefix + full, d.write(full, bytes.NewReader(data))
	}
	return "", fmt.Errorf("files: pictures of type %q are not kept", contentType)
}

// hash returns 160 bits of the content's SHA-256 in lower-case base32.
func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20]))
}

// Store keeps a file as it is at a URL path of NewPath. It takes what somebody sent: whoever calls it has looked whether the content is of
// the type that the ending says.
func (d *Dir) Store(path string, r io.Reader) error {
	file, ok := strings.CutPrefix(path, Prefix)
	if !ok || !name.MatchString(file) {
		return fmt.Errorf("files: %q is not a path for a file", path)
	}
	return d.write(file, r)
}

// NewPath returns the URL path of a file that is not there yet, with an ending such as ".mp4": 200 random bits, which nobody guesses.
func NewPath(ending string) string {
	var b [25]byte
	rand.Read(b[:])
	return Prefix + strings.ToLower(base32.StdEncoding.EncodeToString(b[:])) + ending
}

// write stores a file whole or not at all. A file that is there already has the same content.
func (d *Dir) write(name string, r io.Reader) error {
	path := filepath.Join(d.root, name)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	tmp, err := os.CreateTemp(d.root, ".new-*")
	if err != nil {
		return fmt.Errorf("files: make %s: %w", name, err)
	}
	defer os.Remove(tmp.Name())
	_, err = io.Copy(tmp, r)
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

// Files of more than longFile bytes may take longTime to be read.
const (
	longFile = 2 << 20
	longTime = 10 * time.Minute
)

// Serve answers GET /media/{name}, also for parts of files (Range). Browsers are told to keep the file for ever, to take its type as given,
// and to run nothing in it. It returns a NotFound error for what is not there.
func (d *Dir) Serve(w http.ResponseWriter, r *http.Request) error {
	file := r.PathValue("name")
	if !name.MatchString(file) || types[filepath.Ext(file)] == "" { // a zip is kept to be read here, and shown to nobody
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
	// People's apps that live on other sites show them, and read their pixels.
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; sandbox")
	if st.Size() > longFile {
		// A slow line takes longer than the server waits for pages to be read. Where the connection can't say so its limit stays.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(longTime))
	}
	h.Set("ETag", `"`+strings.TrimSuffix(file, filepath.Ext(file))+`"`)
	http.ServeContent(w, r, "", st.ModTime(), f)
	return nil
}
