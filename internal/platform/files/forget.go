package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Read opens the picture at a URL path, or returns a NotFound error.
func (d *Dir) Read(path string) (io.ReadCloser, error) {
	file, ok := strings.CutPrefix(path, Prefix)
	if !ok || !name.MatchString(file) {
		return nil, errMissing
	}
	f, err := os.Open(filepath.Join(d.root, file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errMissing
	}
	if err != nil {
		return nil, fmt.Errorf("files: open %s: %w", file, err)
	}
	return f, nil
}

// Remove deletes the picture at a URL path with its thumbnail. One that is gone already is no error, and neither is what is no picture here.
func (d *Dir) Remove(path string) error {
	for _, p := range []string{path, Thumb(path)} {
		file, ok := strings.CutPrefix(p, Prefix)
		if !ok || !name.MatchString(file) {
			continue
		}
		if err := os.Remove(filepath.Join(d.root, file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("files: remove %s: %w", file, err)
		}
	}
	return nil
}
