// Package console sets a real town up in Chromium and runs it from /admin, as its first admin does.
package console

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

// link waits until the server has printed the link of its first start, and returns its path.
func link(t *testing.T, s *harness.Server) string {
	t.Helper()
	find := regexp.MustCompile(`http://[^/]+(/setup\?token=\S+)`)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if m := find.FindStringSubmatch(s.Log()); m != nil {
			return m[1]
		}
		if time.Now().After(deadline) {
			t.Fatal("no link was printed")
		}
	}
}

func TestATownIsSetUpAndRunFromItsConsole(t *testing.T) {
	b := browser.Open(t)
	s := harness.Start(t, "serve", "--set", "mail.mode=dev", "--set", "mail.from=town@example.org")
	path := link(t, s)
	guest := b.Person(t, "a guest", s.URL, 390, 844)
	guest.Go("/sign-in")
	guest.See("Stoa")

	p := b.Person(t, "the first admin", s.URL, 390, 844)
	look(t, p, "setup", path)
	p.Go(path)
	p.Fill(`[name="name"]`, "Nora Anker")
	p.Fill(`[name="email"]`, "nora@example.org")
	p.Fill(`[name="handle"]`, "nora")
	p.Fill(`[name="password"]`, "four words make one")
	p.Fill(`[name="town.name"]`, "Arkadia")
	p.ClickText("Open the town")
	p.See("The town is yours")
	p.See("Database")
	guest.Go(path)
	guest.See("Not here")

	// Somebody signs up; the town gets another name, which they see.
	s.Account(t, "ben")
	p.Go("/admin/settings")
	p.Fill(`[name="town.name"]`, "Neustadt")
	p.Click(`#town button:not([formaction])`)
	p.See("Saved. It holds on all nodes.")
	guest.Go("/sign-in")
	guest.See("Neustadt")
	p.Go("/admin/settings/history")
	p.See("Neustadt")
	p.ClickText("Put back")
	p.See("Saved. It holds on all nodes.")
	guest.Go("/sign-in")
	guest.See("Arkadia")

	p.Go("/admin/people?q=ben")
	p.Click(`#people a`)
	p.See("A customer, and nothing else.")
	person := p.Path()
	p.Fill(`[name="reason"]`, "sends spam")
	p.ClickText("Suspend")
	p.See("The account is suspended")
	p.See("sends spam")

	p.Go("/admin/audit?verb=account.suspend")
	p.See("sends spam")
	if got := p.Eval(`(() => { const x = new XMLHttpRequest(); x.open("GET", "/admin/audit/export?format=csv&verb=account.suspend", false); x.send(); return x.responseText })()`); !strings.Contains(got, "account.suspend") || !strings.Contains(got, "nora") {
		t.Errorf("the exported log is %q", got)
	}
	p.Go("/admin/mail/samples/admin.test?lang=de")
	p.See("E-Mails kommen an")

	for _, v := range []struct{ name, path string }{
		{"overview", "/admin"},
		{"people", "/admin/people"},
		{"person", person},
		{"sign-ups", "/admin/sign-ups"},
		{"settings", "/admin/settings"},
		{"history", "/admin/settings/history"},
		{"audit", "/admin/audit"},
		{"mail", "/admin/mail"},
		{"letter", "/admin/mail/samples/admin.test"},
		{"jobs", "/admin/jobs"},
	} {
		look(t, p, v.name, v.path)
	}
}

// look checks a page at both widths and in both themes, and leaves pictures where STOA_TEST_SHOTS says.
func look(t *testing.T, p *browser.Person, name, path string) {
	t.Helper()
	shots := os.Getenv("STOA_TEST_SHOTS")
	for _, width := range []int64{390, 1280} {
		p.Size(width, 900)
		p.Look(false)
		p.Go(path)
		for _, dark := range []bool{false, true} {
			p.Look(dark)
			p.Settle()
			for _, f := range p.Findings() {
				if !strings.HasPrefix(f, "moved") || !dark { // what is live moves things later
					t.Errorf("%s at %d px, dark %t: %s", name, width, dark, f)
				}
			}
			if shots != "" {
				p.Whole(filepath.Join(shots, fmt.Sprintf("%s-%d-%t.png", name, width, dark)))
			}
		}
	}
	p.Size(390, 844)
	p.Look(false)
}

func TestAnAdminOfTheCommandLineEndsTheLinkOfTheFirstStart(t *testing.T) {
	s := harness.Start(t, "serve")
	path := link(t, s)
	status := func() int {
		reply, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		return reply.StatusCode
	}
	if got := status(); got != http.StatusOK {
		t.Fatalf("the link gives %d before", got)
	}
	s.Account(t, "anna", "admin")
	if got := status(); got != http.StatusNotFound {
		t.Errorf("the link gives %d with an admin; want 404", got)
	}
	s.Stop(t)
	before := strings.Count(s.Log(), "/setup?token=")
	s.Run(t)
	s.Stop(t)
	if got := strings.Count(s.Log(), "/setup?token="); got != before {
		t.Error("another start prints a link although there is an admin")
	}
}
