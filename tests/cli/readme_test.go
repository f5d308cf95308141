package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/tests/harness"
)

// TestTheReadmesCommandsWorkAsTheyStand runs "An order by hand" in a shell, but for the lines that build and start the server.
func TestTheReadmesCommandsWorkAsTheyStand(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, ok := strings.Cut(string(text), "## An order by hand")
	if !ok {
		t.Fatal("the README has no part about an order by hand")
	}
	s := harness.Start(t, "serve")
	var script strings.Builder
	for line := range strings.Lines(part) {
		command, ok := strings.CutPrefix(line, "    ")
		if !ok || strings.HasPrefix(command, "make build") || strings.HasPrefix(command, "stoa serve") {
			continue
		}
		command = strings.ReplaceAll(command, "http://127.0.0.1:8080", s.URL)
		script.WriteString(strings.ReplaceAll(command, "./data", s.Data))
	}
	dir := t.TempDir()
	if err := os.Symlink(harness.Binary(t), filepath.Join(dir, "stoa")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-euc", script.String())
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// The server beside which all this was done shows it at once.
	for _, want := range []string{`"slug":"da-nonna"`, `"open":true`, `"name":"Margherita","price":950`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %s in:\n%s", want, out)
		}
	}
}
