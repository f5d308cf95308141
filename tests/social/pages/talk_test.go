// Package pages has neighbours talk with each other: in a real Chromium, each with a profile of their own, against the real server.
package pages

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

// What they hold in their hands.
var (
	phone = [2]int64{390, 844}
	desk  = [2]int64{1280, 900}
)

// shot leaves a picture of a page where STOA_TEST_SHOTS says.
func shot(p *browser.Person, name string) {
	if dir := os.Getenv("STOA_TEST_SHOTS"); dir != "" {
		p.Settle()
		p.Shot(filepath.Join(dir, name+".png"))
	}
}

func signedIn(t *testing.T, b *browser.Browser, s *harness.Server, name string, size [2]int64) *browser.Person {
	t.Helper()
	p := b.Person(t, name, s.URL, size[0], size[1])
	p.Measure()
	p.SignIn(name+"@example.org", harness.Password)
	return p
}

// sound fails the test where something is wrong with the page that somebody looks at.
func sound(t *testing.T, p *browser.Person, where string) {
	t.Helper()
	p.Settle()
	for _, f := range p.Findings() {
		t.Errorf("%s at %s: %s", p.Name, where, f)
	}
}

func TestTwoNeighboursTalkLive(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	s.Account(t, "anna")
	s.Account(t, "luca")
	anna, luca := signedIn(t, b, s, "anna", desk), signedIn(t, b, s, "luca", phone)

	luca.Go("/@anna")
	luca.ClickText("Follow")
	luca.See("Following")
	sound(t, luca, "a profile")
	luca.Go("/home")
	luca.MarkLoaded()
	luca.See("Nobody to read yet")
	luca.Await(`document.documentElement.dataset.stream === "on"`, "listen to what happens")

	anna.Go("/home")
	anna.MarkLoaded()
	anna.Fill(`#compose textarea[name=text]`, "Soup is ready, come by! #soup")
	anna.Await(`!!localStorage.getItem("stoa-draft:new")?.includes("Soup is ready")`, "have her draft kept")
	anna.Click(`#compose [data-send]`)
	anna.SeeIn(`[data-feed=home] .post`, "Soup is ready")
	anna.Await(`localStorage.getItem("stoa-draft:new") === null && document.querySelector("#compose textarea[name=text]").value === ""`, "have an empty form again")
	anna.NotReloaded()

	// What anna writes comes to luca by itself, and moves nothing until he wants it.
	luca.See("1 new post")
	shot(luca, "pill")
	luca.Click(".news-pill")
	luca.SeeIn(`[data-feed=home] .post`, "Soup is ready")
	luca.Await(`!document.querySelector(".news-pill")`, "see no pill any more")
	luca.NotReloaded()

	// The star turns at once, and anna sees it counted.
	anna.Await(`document.documentElement.dataset.stream === "on"`, "listen to what happens")
	luca.Eval(`(document.querySelector("[data-feed=home] .act-favourite").click(), "pressed")`)
	if got := luca.Eval(`document.querySelector("[data-feed=home] .act-favourite").ariaPressed`); got != "true" {
		t.Errorf("the star is pressed: %s; want true before the server has answered", got)
	}
	anna.Await(`document.querySelector("[data-feed=home] .act-favourite .num").textContent.trim() === "1"`, "see the star of luca")
	anna.Await(`[...document.querySelectorAll(".bell-count")].some(e => !e.hidden && e.textContent.trim() === "2")`, "see that there is something new: a follower, a star")

	// luca answers in the dialog; anna reads the conversation meanwhile.
	anna.Click(`[data-feed=home] .post-time`)
	anna.Await(`/^\/@anna\/\d+$/.test(location.pathname)`, "open the conversation")
	anna.MarkLoaded()
	anna.Await(`document.documentElement.dataset.stream === "on"`, "listen to what happens")
	luca.Click(`[data-feed=home] [data-act=r]`)
	luca.Await(`document.querySelector("dialog[open] textarea[name=text]")?.value.startsWith("@anna ")`, "see whom he answers")
	sound(t, luca, "the dialog to answer in")
	shot(luca, "reply")
	luca.Eval(`(() => { const t = document.querySelector("dialog[open] textarea[name=text]"); t.value += "On my way!"; t.dispatchEvent(new Event("input", {bubbles: true})); t.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", ctrlKey: true, bubbles: true, cancelable: true})); return "" })()`)
	luca.Await(`!document.querySelector("dialog[open]")`, "see the dialog go")
	luca.See("Posted.")
	anna.SeeIn(`.replies .post`, "On my way!")
	anna.Await(`[...document.querySelectorAll(".post-full [data-count^=replies]")].some(e => e.textContent.trim() === "1")`, "see the answer counted")
	anna.NotReloaded()
	sound(t, anna, "the conversation")
	shot(anna, "thread")

	anna.Go("/notifications")
	anna.SeeIn(`#notices`, "On my way!")
	sound(t, anna, "her notifications")
	shot(anna, "notifications")
	anna.Await(`[...document.querySelectorAll(".bell-count")].every(e => e.hidden)`, "have nothing unread any more")

	if n := anna.ScriptBytes(); n > 60<<10 {
		t.Errorf("%d bytes of script on the page of notifications; want at most %d", n, 60<<10)
	}
}

const menu = `section,item,description,price,tax,diets,allergens,stock,group,group_min,group_max,rule,option,option_price
Curries,Dal Makhani,"Black lentils, butter, a whole night.",9.00,food,vegetarian,milk,,,,,,,
Curries,Lamb Rogan Josh,"Slowly cooked.",12.50,food,,milk,,,,,,,
Curries,Lamb Rogan Josh,,,,,,,Rice,1,1,SUM,Basmati,0
`

func TestADishInAPostIsOrderedInOneTap(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	boss := s.Account(t, "boss", "admin")
	s.Account(t, "anna")
	s.Account(t, "luca")
	shop := boss.Restaurant(t, "Taj Corner", nil)
	s.ImportMenu(t, shop, menu)
	items := boss.Items(t, shop)

	anna := signedIn(t, b, s, "anna", desk)
	for _, dish := range []string{"Dal Makhani", "Lamb Rogan Josh"} {
		anna.Go("/compose?dish=" + items[dish])
		anna.SeeIn(`[data-picked]`, dish)
		anna.Fill(`#compose textarea[name=text]`, "Try this: "+dish)
		anna.Click(`#compose [data-send]`)
		anna.See("Posted.")
	}

	luca := signedIn(t, b, s, "luca", phone)
	luca.Go("/town")
	luca.MarkLoaded()
	luca.SeeIn(`.eat`, "Dal Makhani")
	sound(t, luca, "the town")
	shot(luca, "dish")
	luca.Click(`.eat:has(form) .eat-order`)
	luca.SeeIn(`.eat-done`, "In your cart")
	luca.Await(`[...document.querySelectorAll(".cart-count")].some(e => e.textContent.trim() === "1")`, "see one portion in the cart")
	luca.NotReloaded()

	// What has to be chosen leads to the choices.
	luca.Click(`.eat:not(:has(form)) .eat-order`)
	luca.SeeIn(`dialog[open]`, "Basmati")
	luca.Go("/cart")
	luca.See("Dal Makhani")
}

func TestPagesWorkWithoutScriptAndForStrangers(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	anna := s.Account(t, "anna")
	var posted struct {
		ID string `json:"id"`
	}
	anna.Want(t, 200, "PATCH", "/api/v1/accounts/update_credentials", map[string]any{"indexable": true, "discoverable": true}, nil)
	anna.Want(t, 200, "POST", "/api/v1/statuses", map[string]any{"status": "Bread at seven. #bread", "visibility": "public"}, &posted)
	anna.Want(t, 200, "POST", "/api/v1/statuses", map[string]any{"status": "Only for you, neighbours", "visibility": "town"}, nil)

	p := b.Person(t, "stranger", s.URL, phone[0], phone[1])
	p.WithoutScript()
	for path, want := range map[string]string{
		"/town": "Bread at seven", "/@anna": "Bread at seven", "/@anna/" + posted.ID: "Bread at seven", "/tags/bread": "Bread at seven",
	} {
		p.Go(path)
		p.See(want)
		if text := p.Eval(`document.body.innerText`); strings.Contains(text, "Only for you") {
			t.Errorf("a stranger reads at %s what is for the town alone", path)
		}
		for _, f := range p.Findings() {
			t.Errorf("without script, %s: %s", path, f)
		}
	}
	for path, want := range map[string][]string{
		"/@anna.rss": {"<rss", "Bread at seven"}, "/tags/bread.rss": {"<rss", "Bread at seven"},
		"/@anna/" + posted.ID: {`property="og:type" content="article"`, `"@type":"SocialMediaPosting"`, `rel="canonical"`}, "/@anna": {`application/rss+xml`, `"@type":"ProfilePage"`},
	} {
		r := s.As("").Do(t, "GET", "//"+path, nil)
		for _, w := range want {
			if !strings.Contains(string(r.Body), w) {
				t.Errorf("GET %s = %d lacks %q", path, r.Status, w)
			}
		}
		if strings.Contains(string(r.Body), "Only for you") {
			t.Errorf("GET %s tells strangers what is for the town alone", path)
		}
	}

	// Somebody without script writes, likes and takes it back.
	q := signedIn(t, b, s, "anna", phone)
	q.WithoutScript()
	q.Go("/compose")
	q.Fill(`#compose textarea[name=text]`, "By hand")
	q.Click(`#compose [data-send]`)
	q.Await(`/^\/@anna\/\d+$/.test(location.pathname)`, "be led to the post")
	q.See("By hand")
	q.Click(`.post-full .act-favourite`)
	q.Await(`document.querySelector(".post-full .act-favourite")?.ariaPressed === "true"`, "see the star")
}

func TestALongListReadsOnAndKeepsItsPlace(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	anna := s.Account(t, "anna")
	for i := range 50 {
		anna.Want(t, 200, "POST", "/api/v1/statuses", map[string]any{"status": fmt.Sprintf("Post number %d of a long day, with a few words more.", i)}, nil)
	}
	p := b.Person(t, "reader", s.URL, phone[0], phone[1])
	p.Measure()
	p.Go("/town")
	p.Await(`document.querySelectorAll("[data-feed] > .post").length >= 20`, "see the first posts")
	for range 3 {
		p.Await(`(scrollTo(0, document.body.scrollHeight), document.querySelectorAll("[data-feed] > .post").length === 50)`, "read on to the end")
	}
	p.See("That is all there is.")
	p.Await(`new URL(location.href).searchParams.has("to")`, "have an address that says what is shown")
	p.Click(`[data-feed] > .post:nth-child(40) .post-time`)
	p.See("Post number 10 of")
	p.Eval(`(history.back(), "")`)
	p.Await(`location.pathname === "/town" && document.querySelectorAll("[data-feed] > .post").length === 50`, "come back to the same list")
	p.Await(`(r => r.top > -400 && r.bottom < innerHeight + 400)(document.querySelector("[data-feed] > .post:nth-child(40)").getBoundingClientRect())`, "be where they were")

	// The keys go from post to post.
	p.Go("/town")
	p.Await(`document.querySelector(".post") && document.documentElement.dataset.stream === "on"`, "have the page ready")
	press := func(key string) {
		p.Eval(fmt.Sprintf(`(document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: %q, bubbles: true, cancelable: true})), "")`, key))
	}
	press("j")
	press("j")
	p.Await(`document.activeElement.matches("[data-feed] > .post:nth-child(2)")`, "be at the second post")
	press("o")
	p.See("Post number 48 of")
	p.Await(`/^\/@anna\/\d+$/.test(location.pathname)`, "open it")
}
