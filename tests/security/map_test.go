package security

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// later are the requirements, whole or in part, of what is not built yet, and with what they arrive. Whoever builds it takes them out.
var later = map[string]string{}

var (
	testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	quoted   = regexp.MustCompile("`([^`]+)`")
	arrives  = regexp.MustCompile(`arrives with ([a-z ]+)`)
)

// testsOf returns the tests of every folder of the repository.
func testsOf(t *testing.T) map[string]map[string]bool {
	t.Helper()
	root := filepath.Join("..", "..")
	out := map[string]map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".git")) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
			if out[dir] == nil {
				out[dir] = map[string]bool{}
			}
			out[dir][m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEveryRequirementNamesTestsThatExist reads the table of docs/security.md.
func TestEveryRequirementNamesTestsThatExist(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests, seen, waits := testsOf(t), map[string]bool{}, map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || !strings.HasPrefix(line, "| R") {
			continue
		}
		name, what, cell := strings.TrimSpace(cells[0]), strings.TrimSpace(cells[1]), cells[2]
		if seen[name] || what == "" {
			t.Errorf("%s stands twice, or says nothing", name)
		}
		seen[name] = true
		if m := arrives.FindStringSubmatch(cell); m != nil {
			waits[name] = strings.TrimSpace(m[1])
		}
		folder, named := "", 0
		for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
			if !strings.HasPrefix(m[1], "Test") {
				folder = m[1]
				continue
			}
			named++
			if !tests[folder][m[1]] {
				t.Errorf("%s: there is no %s in %s", name, m[1], folder)
			}
		}
		if named == 0 && waits[name] == "" {
			t.Errorf("%s names no test", name)
		}
	}
	for i := 1; i <= 52; i++ {
		if !seen["R"+strconv.Itoa(i)] {
			t.Errorf("R%d has no line", i)
		}
	}
	if len(seen) != 52 {
		t.Errorf("%d requirements; want 52", len(seen))
	}
	if d := cmp.Diff(later, waits); d != "" {
		t.Errorf("what arrives later (-the test's list +the table):\n%s", d)
	}
}
