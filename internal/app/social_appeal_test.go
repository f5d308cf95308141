package app

import (
	"html"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/social/moderation"
)

var strikeHref = regexp.MustCompile(`href="(/account/strikes/\d+\?ticket=[^"]+)"`)

// Somebody who is kept out reads why where they sign in, and may answer there, whether or not letters reach them: once, within half an hour.
func TestWhoIsKeptOutReadsWhyAndAnswersWhereTheySignIn(t *testing.T) {
	onBothCircles(t, "bad odd nora", func(t *testing.T, c *circle) {
		mona := access.With(t.Context(), c.keeper(t, "mona", moderator))
		outside := browser{c.Handler(), ""}
		signIn := func(who, password string) *httptest.ResponseRecorder {
			return outside.ask("POST", "/sign-in", url.Values{"login": {who}, "password": {password}}.Encode())
		}
		// refused returns the way to answer that whoever signs in is shown, which must say some things; "": none.
		refused := func(who string, parts ...string) string {
			t.Helper()
			w := signIn(who, password)
			for _, p := range parts {
				if w.Code != 403 || !strings.Contains(w.Body.String(), p) {
					t.Fatalf("signing in as %s = %d %s; want 403 with %q", who, w.Code, w.Body, p)
				}
			}
			if m := strikeHref.FindStringSubmatch(w.Body.String()); m != nil {
				return html.UnescapeString(m[1])
			}
			return ""
		}
		act := func(a moderation.Action, who, why string) id.ID {
			t.Helper()
			k, err := c.Moderation.Act(mona, moderation.Deed{Action: a, Target: c.people[who].ID, Text: why})
			if err != nil {
				t.Fatal(err)
			}
			return k.ID
		}
		status := func(method, at, form string, want int, parts ...string) {
			t.Helper()
			w := outside.ask(method, at, form)
			for _, p := range append(parts, "") {
				if w.Code != want || !strings.Contains(w.Body.String(), p) {
					t.Fatalf("%s %s = %d %s; want %d with %q", method, at, w.Code, w.Body, want, p)
				}
			}
		}
		appeal := func(link, words string) (at, form string) {
			at, ticket, _ := strings.Cut(link, "?ticket=")
			ticket, err := url.QueryUnescape(ticket)
			if err != nil {
				t.Fatal(err)
			}
			return at + "/appeal", url.Values{"ticket": {ticket}, "appeal": {words}}.Encode()
		}

		first := act(moderation.Suspend, "bad", "Enough <b>now</b>.")
		act(moderation.Disable, "odd", "Cool down.")
		if w := signIn("bad", "a wrong password"); w.Code != 401 || strings.Contains(w.Body.String(), "Enough") || strikeHref.MatchString(w.Body.String()) {
			t.Fatalf("with a wrong password = %d %s", w.Code, w.Body)
		}
		if refused("odd", "Your account is closed for now", "Cool down.") == "" {
			t.Error("who is frozen can't answer")
		}
		old := refused("bad", "Your account is suspended", "Enough &lt;b&gt;now&lt;/b&gt;.", ">Appeal<")
		link := refused("bad")
		status("GET", link, "", 200, `action="/account/strikes/`+first.String()+`/appeal"`)
		others := refused("odd")
		for what, bad := range map[string]string{
			"an earlier one":           old,
			"a wrong one":              link[:len(link)-2] + "xx",
			"none":                     strings.Split(link, "?")[0],
			"that of another strike":   strings.Split(link, "?")[0] + "?" + strings.Split(others, "?")[1],
			"this, for another strike": strings.Split(others, "?")[0] + "?" + strings.Split(link, "?")[1],
		} {
			if w := outside.ask("GET", bad, ""); w.Code != 404 {
				t.Errorf("with %s the strike = %d; want 404", what, w.Code)
			}
			at, form := appeal(bad, "It was my cat.")
			if w := outside.ask("POST", at, form); w.Code != 404 {
				t.Errorf("with %s an appeal = %d; want 404", what, w.Code)
			}
		}
		c.clock.Advance(31 * time.Minute)
		at, form := appeal(link, "It was my cat.")
		status("GET", link, "", 404)
		status("POST", at, form, 404)

		link = refused("bad")
		at, form = appeal(link, " ")
		status("POST", at, form, 422, "Say why")
		at, form = appeal(link, "It was my cat.")
		status("POST", at, form, 303)
		status("POST", at, form, 409)
		status("GET", link+"&done=appeal", "", 200, "It was my cat.")
		link = refused("bad", "Read what became of it")
		at, form = appeal(link, "And my dog.")
		status("POST", at, form, 409)
		if err := c.Moderation.Decide(mona, first, true); err != nil {
			t.Fatal(err)
		}
		if w := signIn("bad", password); w.Code != 303 {
			t.Errorf("after the appeal signing in = %d %s", w.Code, w.Body)
		}

		// Whom the town's keepers suspend without the moderators has nothing to appeal against.
		if err := c.Accounts.SuspendFor(t.Context(), c.people["nora"].ID, "moved away"); err != nil {
			t.Fatal(err)
		}
		if link := refused("nora", "Ask the people who run this town"); link != "" {
			t.Errorf("an appeal against nobody's decision: %s", link)
		}
	})
}
