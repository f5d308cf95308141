package security

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/tests/harness"
)

// least are the first versions without a fault that would reach people through this server, and what the fault was.
var least = map[string][2]string{
	"golang.org/x/net": {"v0.55.0", "its HTML parser let scripts through sanitisers"},
	"std":              {"1.25.1", "its protection against other sites was got around"},
}

// TestTheProgramTellsWhatItIsMadeOf reads the list that `stoa version --sbom` prints and holds it to go.mod, and to the least versions.
func TestTheProgramTellsWhatItIsMadeOf(t *testing.T) {
	out, problems, code := harness.CLI(t, "version", "--sbom")
	var bill struct {
		Format     string `json:"bomFormat"`
		Spec       string `json:"specVersion"`
		Components []struct {
			Name    string `json:"name"`
			Version string `json:"version"`
			PURL    string `json:"purl"`
		} `json:"components"`
	}
	if err := json.Unmarshal([]byte(out), &bill); err != nil || code != 0 {
		t.Fatalf("%v, code %d: %s", err, code, problems)
	}
	if bill.Format != "CycloneDX" || bill.Spec != "1.6" || len(bill.Components) < 30 {
		t.Errorf("%s %s with %d parts", bill.Format, bill.Spec, len(bill.Components))
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(?:require )?\s*(\S+\.\S+/\S+|\S+\.\S+) (v\S+)`).FindAllStringSubmatch(string(text), -1) {
		wanted[m[1]] = m[2]
	}
	has := map[string]string{}
	for _, c := range bill.Components {
		has[c.Name] = c.Version
		if c.PURL != "pkg:golang/"+c.Name+"@"+c.Version {
			t.Errorf("%s is called %s", c.Name, c.PURL)
		}
		if v, ok := wanted[c.Name]; c.Name != "std" && (!ok || v != c.Version) {
			t.Errorf("%s %s is in the program; go.mod has %q", c.Name, c.Version, v)
		}
	}
	for name, l := range least {
		if v, ok := has[name]; !ok || older(v, l[0]) {
			t.Errorf("%s is %q; want at least %s: %s", name, v, l[0], l[1])
		}
	}
}

// older compares versions of numbers.
func older(a, b string) bool {
	x, y := strings.Split(strings.TrimPrefix(a, "v"), "."), strings.Split(strings.TrimPrefix(b, "v"), ".")
	for i := range min(len(x), len(y)) {
		n, _ := strconv.Atoi(x[i])
		m, _ := strconv.Atoi(y[i])
		if n != m {
			return n < m
		}
	}
	return false
}
