// Package joining is somebody on a phone who becomes one of the town, in a real browser: letters included.
package joining

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

const password = "correct horse battery"

// shot leaves a picture of the page where STOA_TEST_SHOTS says, for people to judge.
func shot(p *browser.Person, name string) {
	if dir := os.Getenv("STOA_TEST_SHOTS"); dir != "" {
		p.Whole(filepath.Join(dir, name+".png"))
	}
}

var (
	inList = regexp.MustCompile(`href="(/dev/mail/\d+)"`)
	inText = regexp.MustCompile(`https?://[^/\s"<]+(/[a-z/-]+\?ticket=[A-Za-z0-9_-]{43}[^\s"<]*)`)
)

// letter returns the path of the link in the newest letter, once that has a word in it.
func letter(t *testing.T, p *browser.Person, word string) string {
	t.Helper()
	page := ""
	for late := time.Now().Add(20 * time.Second); time.Now().Before(late); {
		m := inList.FindStringSubmatch(string(p.Fetch("/dev/mail")))
		if m == nil {
			continue
		}
		page = string(p.Fetch(m[1]))
		if link := inText.FindStringSubmatch(page); link != nil && strings.Contains(page, word) {
			return strings.ReplaceAll(link[1], "&amp;", "&")
		}
	}
	t.Fatalf("no letter has %q; the newest is:\n%s", word, page)
	return ""
}

func TestANeighbourJoinsAndComesBackByLetter(t *testing.T) {
	s := harness.Start(t, "serve", "--set", "mail.mode=dev", "--set", "signup.rules=Be kind.", "--set", "mail.per_hour=100")
	b := browser.Open(t)
	anna := b.Person(t, "anna", s.URL, 390, 844)
	anna.Go("/sign-up?next=/account")
	shot(anna, "1-sign-up")
	anna.Fill("main input[name=email]", "anna@example.org")
	anna.Click("main form[action='/sign-up'] button[type=submit]")
	anna.See("Look into your mailbox")
	shot(anna, "2-sent")
	anna.Go(letter(t, anna, "one more step"))
	anna.Fill("main input[name=name]", "Anna")
	anna.Fill("main input[name=handle]", "admin")
	anna.See("kept for the town itself")
	anna.Fill("main input[name=handle]", "anna_k")
	anna.See("This handle is free.")
	anna.Await(`document.querySelector("main select[name=tz]").value === Intl.DateTimeFormat().resolvedOptions().timeZone`, "have the browser's time zone chosen")
	anna.Fill("main input[name=password]", password)
	anna.Click("main input[name=agreed]")
	shot(anna, "3-finish")
	anna.Click("main form[action='/sign-up/finish'] button[type=submit]")
	anna.Await(`location.pathname === "/account"`, "be signed in")
	anna.See("@anna_k")
	shot(anna, "4-profile")
	anna.Go("/account/security")
	shot(anna, "5-security")
	anna.Fill("main input[name=email]", "anna@example.net")
	anna.Click("main form[action='/account/email'] button[type=submit]")
	anna.See("A letter is on the way to the new address")
	anna.Go(letter(t, anna, "new address"))
	shot(anna, "6-move")
	anna.Click("main form[action='/account/email/move'] button")
	anna.See("anna@example.net")
	letter(t, anna, "another address now")

	anna.Go("/account")
	anna.Click("main form[action='/sign-out'] button")
	anna.Await(`location.pathname === "/"`, "sign out")
	anna.Go("/sign-in?next=/account/sessions")
	anna.Fill("main input[name=login]", "anna@example.net")
	shot(anna, "7-sign-in")
	anna.Click("main button[formaction='/sign-in/link']")
	anna.See("Look into your mailbox")
	link := letter(t, anna, "sign-in link")
	other := b.Person(t, "other", s.URL, 1280, 800)
	other.Go(link)
	other.See("another browser")
	shot(other, "8-link-elsewhere")
	anna.Go(link)
	anna.Click("main form[action='/sign-in/link/enter'] button")
	anna.Await(`location.pathname === "/account/sessions"`, "be signed in by the link")
	anna.See("This device")
	shot(anna, "9-devices")

	other.Go("/sign-in?next=/account/sessions")
	other.Fill("main input[name=login]", "anna_k")
	other.Fill("main input[name=password]", password)
	other.Click("main form[action='/sign-in'] button.primary, main form[action='/sign-in'] button[type=submit]")
	other.Await(`location.pathname === "/account/sessions"`, "be signed in")
	anna.Go(letter(t, anna, "new device"))
	shot(anna, "11-not-me")
	anna.Click("main form[action='/sign-in/not-me'] button")
	anna.See("Look into your mailbox")
	other.Go("/account")
	other.Await(`location.pathname === "/sign-in"`, "be locked out")
	anna.Go(letter(t, anna, "new password"))
	anna.Look(true)
	shot(anna, "12-reset-dark")
	anna.Fill("main input[name=password]", "another good one")
	anna.Click("main form[action='/sign-in/reset'] button")
	anna.Await(`location.pathname === "/account/security"`, "be in with a new password")
	for _, p := range []*browser.Person{anna, other} {
		if faults := p.Faults(); len(faults) > 0 {
			t.Errorf("the browser complains: %v", faults)
		}
	}
}
