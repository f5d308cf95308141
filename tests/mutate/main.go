// Command mutate says how well a package's own tests test it: it makes small faults in the code, one at a time, and counts those that no test
// notices.
//
//	go run ./tests/mutate [-skip REGEXP] [-out FILE.json] ./internal/delivery/ledger …
//
// The faults are the five kinds that gremlins (github.com/go-gremlins/gremlins) makes by default, under its names. Unlike gremlins it builds a
// package once, with all faults in it and each asleep until an environment variable wakes it; so a fault costs a run of those tests that reach
// it and no build, and one that would not compile is none. What is constant when the program is built (1000 * money.Max) is left alone.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// status is what became of a fault.
type status string

const (
	killed   status = "KILLED"
	lived    status = "LIVED"
	timedOut status = "TIMED OUT"
	uncalled status = "NOT COVERED" // no test comes there
)

// mutant is one fault.
type mutant struct {
	N      int    `json:"-"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Col    int    `json:"col"`
	Kind   string `json:"kind"`
	Source string `json:"source"`
	Status status `json:"status"`
	Killer string `json:"killer,omitempty"`
	tests  []string
}

func main() {
	skip := flag.String("skip", `(_templ|/pages?|/http|/privacy)\.go$`, "files that are left out")
	only := flag.String("only", "", "files that are taken, of the others")
	out := flag.String("out", "", "write all faults here, as JSON")
	workers := flag.Int("workers", 2, "how many faults are tried at once")
	limit := flag.Duration("limit", 90*time.Second, "how long the tests of a fault may take")
	checks := flag.Int("checks", 100, "how many walks rapid makes in each of its tests")
	flag.Parse()
	if err := run(flag.Args(), options{regexp.MustCompile(*skip), regexp.MustCompile(*only), *out, *workers, *limit, *checks}); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

type options struct {
	skip, only *regexp.Regexp
	out        string
	workers    int
	limit      time.Duration
	checks     int
}

func run(patterns []string, o options) error {
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pkgs, err := list(patterns)
	if err != nil {
		return err
	}
	var all []*mutant
	for i, p := range pkgs {
		started := time.Now()
		work := filepath.Join(dir, fmt.Sprint(i))
		list, err := try(p, work, o)
		if err != nil {
			return fmt.Errorf("%s: %w", p.ImportPath, err)
		}
		for _, m := range list {
			if m.Status != killed {
				fmt.Printf("%-11s %-21s %s:%d:%d  %s\n", m.Status, m.Kind, m.File, m.Line, m.Col, m.Source)
			}
		}
		fmt.Printf("%s: %s, %s\n", p.ImportPath, sum(list), time.Since(started).Round(time.Second))
		all = append(all, list...)
	}
	if len(pkgs) > 1 {
		fmt.Println("all:", sum(all))
	}
	if o.out == "" {
		return nil
	}
	b, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.out, b, 0o644)
}

// sum says how many faults were noticed: of those that tests come to (efficacy, as gremlins calls it), and of all. What ran out of time is in
// neither part: a test that hangs notices something, but who knows what.
func sum(list []*mutant) string {
	n := map[status]int{}
	for _, m := range list {
		n[m.Status]++
	}
	reached := n[killed] + n[lived]
	share := func(of int) float64 { return 100 * float64(n[killed]) / float64(max(1, of)) }
	return fmt.Sprintf("%d faults, %d killed, %d lived, %d timed out, %d not covered: %.1f %% of what is covered, %.1f %% of all",
		len(list), n[killed], n[lived], n[timedOut], n[uncalled], share(reached), share(reached+n[uncalled]))
}

// try makes and tries all faults of a package.
func try(p *pkg, work string, o options) ([]*mutant, error) {
	if err := os.MkdirAll(work, 0o755); err != nil {
		return nil, err
	}
	list, overlay, err := plant(p, work, o)
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(work, "mutants.test")
	if out, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", bin, p.ImportPath).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	b := &binary{path: bin, dir: p.Dir, o: o, rapid: slices.Contains(p.TestImports, "pgregory.net/rapid")}
	if err := b.cover(list, work); err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	todo := make(chan *mutant)
	for range o.workers {
		wg.Go(func() {
			for m := range todo {
				b.try(m)
			}
		})
	}
	for _, m := range list {
		if m.Status = uncalled; len(m.tests) > 0 {
			todo <- m
		}
	}
	close(todo)
	wg.Wait()
	return list, nil
}

// binary is the test program of a package, with the faults in it.
type binary struct {
	path, dir string
	o         options
	rapid     bool
	took      map[string]time.Duration // by test
}

func (b *binary) run(tests, env string) ([]byte, error) {
	args := []string{`ulimit -v 8000000; exec "$0" "$@"`, b.path, "-test.run", tests, "-test.failfast", "-test.timeout", b.o.limit.String()}
	if b.rapid { // one seed, so that a run can be repeated, and no time spent on small counterexamples
		args = append(args, fmt.Sprintf("-rapid.checks=%d", b.o.checks), "-rapid.seed=1", "-rapid.nofailfile", "-rapid.shrinktime=0s")
	}
	cmd := exec.Command("sh", append([]string{"-c"}, args...)...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), env, "STOA_TEST_POSTGRES=off")
	return cmd.CombinedOutput()
}

func exactly(tests []string) string { return "^(" + strings.Join(tests, "|") + ")$" }

// cover finds out which tests come to which fault.
func (b *binary) cover(list []*mutant, work string) error {
	out, err := exec.Command(b.path, "-test.list", "^Test").Output()
	if err != nil {
		return fmt.Errorf("list tests: %w", err)
	}
	b.took = map[string]time.Duration{}
	for _, test := range strings.Fields(string(out)) {
		seen := filepath.Join(work, "seen")
		if err := os.RemoveAll(seen); err != nil {
			return err
		}
		started := time.Now()
		if out, err := b.run(exactly([]string{test}), "MUTATE_SEEN="+seen); err != nil {
			return fmt.Errorf("%s fails without any fault: %w\n%s", test, err, out)
		}
		b.took[test] = time.Since(started)
		text, err := os.ReadFile(seen)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		for _, n := range strings.Fields(string(text)) {
			for _, m := range list {
				if fmt.Sprint(m.N) == n {
					m.tests = append(m.tests, test)
				}
			}
		}
	}
	return nil
}

// try wakes a fault and runs the tests that come there, the quickest first.
func (b *binary) try(m *mutant) {
	slices.SortStableFunc(m.tests, func(x, y string) int { return cmp.Compare(b.took[x], b.took[y]) })
	m.Status = lived
	for _, test := range m.tests {
		out, err := b.run(exactly([]string{test}), fmt.Sprint("MUTATE=", m.N))
		if err == nil {
			continue
		}
		m.Status, m.Killer = killed, test
		if strings.Contains(string(out), "panic: test timed out") {
			m.Status = timedOut
		}
		return
	}
}
