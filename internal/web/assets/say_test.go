package assets

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	said  = regexp.MustCompile(`\bsay\('([^']+)'\)`)
	entry = regexp.MustCompile(`(?m)^  '([^']+)': '[^']+',$`)
)

func TestScriptsSayNothingThatHasNoTranslation(t *testing.T) {
	table, err := os.ReadFile("src/say.ts")
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]bool{}, map[string]bool{}
	for _, m := range entry.FindAllStringSubmatch(string(table), -1) {
		got[m[1]] = true
	}
	files, err := filepath.Glob("src/*.ts")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range said.FindAllStringSubmatch(string(text), -1) {
			want[m[1]] = true
		}
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); d != "" || len(want) < 20 {
		t.Errorf("src/say.ts and what scripts say differ (-said +translated):\n%s", d)
	}
}
