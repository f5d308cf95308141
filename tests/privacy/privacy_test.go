// Package privacy is a person who has a copy made of everything about them and leaves, in a real browser on a phone.
package privacy

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

func TestAPersonTakesTheirCopyLeavesAndComesBack(t *testing.T) {
	srv := harness.Start(t, "serve", "--set", "mail.mode=dev", "--set", "mail.from=town@example.org")
	srv.Admin(t, "admin", "account", "create", "--name", "anna", "--email", "anna@example.org", "--password", "correct horse battery")
	anna := browser.Open(t).Person(t, "anna", srv.URL, 390, 844)
	shot := func(name string) {
		if dir := os.Getenv("STOA_TEST_SHOTS"); dir != "" {
			anna.Whole(filepath.Join(dir, name+".png"))
		}
		for _, f := range anna.Findings() {
			t.Errorf("%s: %s", name, f)
		}
	}
	anna.Go("/privacy")
	anna.See("What we store about you")
	shot("about")
	anna.SignIn("anna@example.org", "correct horse battery")
	anna.Go("/account/privacy")
	anna.See("Get a copy of everything")
	shot("before")
	anna.ClickText("Get a copy of everything")
	anna.See("Your copy is ready") // the page hears of it
	shot("ready")
	body := anna.Fetch(anna.Eval(`document.querySelector('a[href*="/copies/"]').getAttribute("href")`))
	if string(body[:2]) != "PK" {
		t.Errorf("the copy begins with %q: no ZIP archive", body[:2])
	}
	anna.ClickText("Delete your account")
	anna.See("Your handle, to be sure")
	shot("leave")
	anna.Fill(`input[name="handle"]`, "anna")
	anna.ClickText("Delete my account")
	anna.See("You are signed out everywhere")
	anna.SignIn("anna@example.org", "correct horse battery")
	anna.See("Do you want to stay?")
	shot("stay")
	anna.Look(true)
	shot("stay-dark")
	anna.ClickText("Stay")
	anna.See("What is stored about you")
	shot("stayed-dark")
}
