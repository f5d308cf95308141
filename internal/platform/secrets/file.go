package secrets

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// FileName is how the file of the master key is called.
const FileName = "master.key"

// Open reads the master key in dir, or makes one where there is none: programs that start at the same time come to the same key. It
// refuses a file that anybody but its owner can read.
func Open(dir string) (*Box, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("secrets: make the folder: %w", err)
	}
	return OpenFile(filepath.Join(dir, FileName))
}

// OpenFile does what Open does with a file of any name, whose folder must be there.
func OpenFile(file string) (*Box, error) {
	b, err := read(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	fresh := newKey(1)
	if err := write(file, []key{fresh}, os.Link); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("secrets: make the master key: %w", err)
	}
	return read(file)
}

// Rotate puts a new key before those in the file. Running servers go on with the old one until they start again; what is sealed can be
// opened by both. It returns the number of the new key.
func Rotate(file string) (int, error) {
	b, err := read(file)
	if err != nil {
		return 0, err
	}
	used := map[byte]bool{0: true}
	for _, k := range b.keys {
		used[k.id] = true
	}
	next := b.keys[0].id + 1
	for range 256 {
		if !used[next] {
			break
		}
		next++
	}
	if used[next] {
		return 0, errors.New("secrets: all 255 numbers of keys are in use: take old lines out of the file")
	}
	if err := write(file, append([]key{newKey(next)}, b.keys...), os.Rename); err != nil {
		return 0, fmt.Errorf("secrets: store the new master key: %w", err)
	}
	return int(next), nil
}

func newKey(id byte) key {
	k := key{id: id}
	rand.Read(k.bytes[:])
	return k
}

// read returns the keys of a file.
func read(file string) (*Box, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("secrets: open the master key: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("secrets: look at the master key: %w", err)
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("secrets: %s is no file", file)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("secrets: others can read %s (mode %04o): run chmod 600 on it, and think of its keys as known to them", file, st.Mode().Perm())
	}
	b := &Box{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := parse(line)
		if err != nil || b.byID([]byte{k.id}) != nil {
			return nil, fmt.Errorf("secrets: line %d of %s is no key: restore the file from where you keep a copy", len(b.keys)+1, file)
		}
		b.keys = append(b.keys, k)
	}
	if len(b.keys) == 0 {
		return nil, fmt.Errorf("secrets: there is no key in %s: restore the file from where you keep a copy", file)
	}
	return b, nil
}

// parse reads a line of the file. Its errors never carry the line.
func parse(line string) (key, error) {
	number, text, _ := strings.Cut(line, " ")
	id, err := strconv.ParseUint(number, 10, 8)
	if err != nil || id == 0 {
		return key{}, errors.New("no number of a key")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != keySize {
		return key{}, errors.New("not 32 bytes in base64")
	}
	return key{byte(id), [keySize]byte(raw)}, nil
}

// write writes the keys into a file of mode 0600 whole or not at all, and has place bring it to its name: os.Link takes no name that is
// taken, os.Rename takes any.
func write(file string, keys []key, place func(from, to string) error) error {
	var text bytes.Buffer
	for _, k := range keys {
		fmt.Fprintf(&text, "%d %s\n", k.id, base64.StdEncoding.EncodeToString(k.bytes[:]))
	}
	dir := filepath.Dir(file)
	f, err := os.CreateTemp(dir, ".new-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after a rename there is nothing left to remove
	_, err = f.Write(text.Bytes())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := place(f.Name(), file); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close()) // the name is on disk, too
}
