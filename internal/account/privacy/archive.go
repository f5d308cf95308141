package privacy

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// pieceSize is how much of an archive one row holds: little enough that writing it holds nobody up.
const pieceSize = 256 << 10

// pieceBatch is how many of those one transaction deletes.
const pieceBatch = 20

// pieces writes an archive into the database as it grows.
type pieces struct {
	ctx     context.Context //nolint:containedctx // an io.Writer has no other way to be told
	db      *db.DB
	copy    id.ID
	attempt int

	n    int
	size int64
	buf  bytes.Buffer
}

// Write keeps p, and stores whole pieces.
func (w *pieces) Write(p []byte) (int, error) {
	w.buf.Write(p)
	w.size += int64(len(p))
	for w.buf.Len() >= pieceSize {
		if err := w.store(w.buf.Next(pieceSize)); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (w *pieces) store(body []byte) error {
	err := w.db.Write(w.ctx, func(tx *db.Tx) error { return insertPiece(w.ctx, tx, w.copy, w.attempt, w.n, body) })
	w.n++
	return err
}

// flush stores what is left.
func (w *pieces) flush() error {
	if w.buf.Len() == 0 {
		return nil
	}
	return w.store(w.buf.Next(w.buf.Len()))
}

// entry is a file of the archive, for its index.
type entry struct {
	Name, What string
}

// archive is a copy as it is made: a ZIP of JSON documents and files, with an index for people.
type archive struct {
	out      *pieces
	zip      *zip.Writer
	pictures Pictures
	at       time.Time
	entries  []entry
	names    map[string]bool
}

func newArchive(out *pieces, pictures Pictures, at time.Time) *archive {
	return &archive{out: out, zip: zip.NewWriter(out), pictures: pictures, at: at.UTC(), names: map[string]bool{}}
}

// add begins a file. Names are given by parts of the house, never by people.
func (a *archive) add(name, what string) (io.Writer, error) {
	if a.names[name] || name != path.Clean(name) || path.IsAbs(name) || name[0] == '.' {
		return nil, fmt.Errorf("privacy: %q is no name for a file of an archive, or there are two", name)
	}
	a.names[name] = true
	if what != "" {
		a.entries = append(a.entries, entry{name, what})
	}
	w, err := a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: a.at})
	if err != nil {
		return nil, fmt.Errorf("privacy: add %s: %w", name, err)
	}
	return w, nil
}

// JSON adds a document.
func (a *archive) JSON(name, what string, doc any) error {
	w, err := a.add(name, what)
	if err != nil {
		return err
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(doc); err != nil {
		return fmt.Errorf("privacy: write %s: %w", name, err)
	}
	return nil
}

// File adds a file as it is.
func (a *archive) File(name, what string, r io.Reader) error {
	w, err := a.add(name, what)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, r); err != nil {
		return fmt.Errorf("privacy: write %s: %w", name, err)
	}
	return nil
}

// Picture adds a picture of this server, once; one that is gone is left out.
func (a *archive) Picture(url, what string) error {
	name := "pictures/" + path.Base(url)
	if a.names[name] {
		return nil
	}
	r, err := a.pictures.Read(url)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(a.File(name, what, r), r.Close())
}

// close adds the index, ends the archive and returns its size in bytes.
func (a *archive) close(ctx context.Context, owner account.Account, about []personal.About) (int64, error) {
	entries := a.entries
	w, err := a.add("index.html", "")
	if err != nil {
		return 0, err
	}
	if err := indexPage(owner, a.at, entries, about).Render(ctx, w); err != nil {
		return 0, fmt.Errorf("privacy: write the index: %w", err)
	}
	if err := a.zip.Close(); err != nil {
		return 0, fmt.Errorf("privacy: end the archive: %w", err)
	}
	return a.out.size, a.out.flush()
}

// decodeArgs reads a job's arguments; what can't be read is given up at once.
func decodeArgs(j jobs.Job, into any) error {
	if err := json.Unmarshal(j.Args, into); err != nil {
		return jobs.Discard(err)
	}
	return nil
}
