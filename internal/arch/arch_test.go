package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// imports returns every import of our own packages: importer, imported (paths below the module) and the file it stands in.
func imports(t *testing.T) (edges map[[2]string]string) {
	t.Helper()
	edges = map[[2]string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if name == "node_modules" || name == "testdata" || name == "tools" || name == "data" || (strings.HasPrefix(name, ".") && path != root) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, im := range f.Imports {
			p, err := strconv.Unquote(im.Path.Value)
			if err != nil {
				return err
			}
			to, ours := strings.CutPrefix(p, module)
			// Tests may reach sideways for real neighbours (a real database, a real menu beside an order), never up to app.
			if ours && !(strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(to, "internal/app")) {
				edges[[2]string{filepath.ToSlash(from), to}] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return edges
}

func TestPackagesImportOnlyLowerRanks(t *testing.T) {
	for edge, file := range imports(t) {
		from, to := edge[0], edge[1]
		fr, ok1 := rankOf(from)
		tr, ok2 := rankOf(to)
		switch {
		case !ok1 || !ok2:
			t.Errorf("%s: %s or %s has no rank: add its folder to arch.go", file, from, to)
		case tr < fr || room(from) == room(to):
		case allowed[edge] != "":
		default:
			t.Errorf("%s: %s (rank %d) imports %s (rank %d): go by event, or by an interface that the importer declares", file, from, fr, to, tr)
		}
	}
}

func TestAllowedEdgesAreUsed(t *testing.T) {
	used := imports(t)
	for edge := range allowed {
		if used[edge] == "" {
			t.Errorf("nothing uses the allowed edge %s → %s: delete it", edge[0], edge[1])
		}
	}
}

// TestMapIsTrue holds docs/design.md to the folders that exist: each package folder is named in the map, and each name in it exists.
func TestMapIsTrue(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "docs/design.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "```map\n")
	if !ok {
		t.Fatal("docs/design.md has no ```map block")
	}
	block, _, _ := strings.Cut(rest, "```")
	named := map[string]bool{}
	for line := range strings.Lines(block) {
		if fields := strings.Fields(line); len(fields) > 0 {
			named[strings.TrimSuffix(fields[0], "/")] = true
		}
	}
	for dir := range named {
		if st, err := os.Stat(filepath.Join(root, dir)); err != nil || !st.IsDir() {
			t.Errorf("docs/design.md names %s, which is no folder", dir)
		}
	}
	packages, err := filepath.Glob(filepath.Join(root, "internal/*/*/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(root, "internal/*/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(packages, more...) {
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		if dir = filepath.ToSlash(dir); !named[dir] {
			t.Errorf("the map in docs/design.md does not name %s", dir)
		}
	}
}
