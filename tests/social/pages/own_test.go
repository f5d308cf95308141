package pages

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

// picture returns a PNG of one colour as base64.
func picture(t *testing.T, c color.Color) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 320, 240))
	for y := range 240 {
		for x := range 320 {
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// choose puts files, each base64, into the first input that a CSS selector finds, as if somebody had chosen them.
func choose(p *browser.Person, css, name, kind string, files ...string) {
	var parts []string
	for i, f := range files {
		parts = append(parts, fmt.Sprintf(`t.items.add(new File([Uint8Array.from(atob(%q), c => c.charCodeAt(0))], "%d-%s", {type: %q}));`, f, i, name, kind))
	}
	p.Await(fmt.Sprintf(`(() => { const e = document.querySelector(%q); if (!e || document.readyState !== "complete") return false; const t = new DataTransfer(); %s e.files = t.files; e.dispatchEvent(new Event("input", {bubbles: true})); e.dispatchEvent(new Event("change", {bubbles: true})); return true })()`, css, strings.Join(parts, "")), "choose "+name)
}

// forgive forgets how far the page has moved: somebody wanted it to.
func forgive(p *browser.Person) {
	p.Eval(`(window.__seen(window.__shifts.takeRecords()), window.__cls = 0, window.__moved = [], "")`)
}

func press(p *browser.Person, key string) {
	p.Eval(fmt.Sprintf(`((document.querySelector("dialog[open]")?.contains(document.activeElement) ? document.activeElement : document.querySelector("dialog[open]") ?? document.activeElement).dispatchEvent(new KeyboardEvent("keydown", {key: %q, bubbles: true, cancelable: true})), "")`, key))
}

func TestPicturesAPollAndWhatWaits(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	s.Account(t, "anna")
	luca := s.Account(t, "luca")
	luca.Want(t, 200, "POST", "/api/v1/statuses", map[string]any{"status": "Where to?", "poll": map[string]any{"options": []string{"Lake", "Hill"}, "expires_in": 3600}}, nil)
	p := signedIn(t, b, s, "anna", phone)

	// Two pictures, one of them without words at first.
	p.Go("/compose")
	p.Await(`document.querySelector("[data-emoji] button") !== null`, "have the form ready")
	choose(p, "#compose input[type=file]", "a.png", "image/png", picture(t, color.RGBA{200, 90, 40, 255}), picture(t, color.RGBA{40, 90, 200, 255}))
	p.Await(`document.querySelectorAll("#compose .compose-item").length === 2`, "see both pictures")
	forgive(p)
	p.Await(`document.querySelectorAll("#compose [name=media]").length === 2`, "see both pictures taken")
	sound(t, p, "the form while its pictures are taken")
	p.Fill(`#compose .compose-item:nth-child(1) textarea`, "A pumpkin")
	p.Fill(`#compose textarea[name=text]`, "From the market ")
	p.Click(`[data-emoji] button`)
	p.Click(`.emoji[title="🍕"]`)
	p.Await(`document.querySelector("#compose textarea[name=text]").value === "From the market 🍕"`, "see the emoji in the text")
	shot(p, "compose-media")
	p.Click(`#compose [data-send]`)
	p.See("A picture has no description yet")
	p.Fill(`#compose .compose-item:nth-child(2) textarea`, "The blue door")
	p.Click(`#compose [data-send]`)
	p.See("Posted.")
	p.Go("/@anna")
	p.Await(`document.querySelector("[data-lightbox] img")?.alt === "A pumpkin"`, "see her picture with its words")
	sound(t, p, "a profile with pictures")
	p.Click(`[data-lightbox]`)
	p.SeeIn(`.lightbox`, "1 / 2")
	press(p, "ArrowRight")
	p.SeeIn(`.lightbox`, "The blue door")
	shot(p, "lightbox")
	p.Click(`.lightbox-bar button`)
	p.Await(`!document.querySelector(".lightbox")`, "leave the picture")

	p.Go("/town")
	p.Click(`.poll input[value="1"]`)
	p.Click(`.poll button`)
	p.Await(`!!document.querySelector(".poll-own")`, "see her vote")
	sound(t, p, "the town with a poll and pictures")

	// A draft is written on, scheduled, changed, and moved.
	p.Go("/compose")
	p.Fill(`#compose textarea[name=text]`, "Half a thought")
	p.Click(`[data-keep-draft]`)
	p.See("Kept as a draft.")
	p.Go("/waiting")
	p.See("Half a thought")
	sound(t, p, "what waits")
	p.ClickText("Write on")
	p.Fill(`#compose textarea[name=text]`, "A whole thought")
	p.Click(`[data-part=later]`)
	p.Fill(`#compose [name=at]`, time.Now().Add(26*time.Hour).UTC().Format("2006-01-02T15:04"))
	p.Click(`#compose [data-send]`)
	p.See("It will be posted then.")
	p.Go("/waiting")
	p.See("A whole thought")
	p.Missing("Half a thought")
	shot(p, "waiting")
	p.Click(`#scheduled a`)
	p.Fill(`#compose textarea[name=text]`, "A better thought")
	p.Click(`#compose [data-send]`)
	p.See("It will be posted then.")
	p.Go("/waiting")
	p.See("A better thought")
	p.Missing("A whole thought")
	p.Fill(`#scheduled [name=at]`, time.Now().Add(50*time.Hour).UTC().Format("2006-01-02T15:04"))
	p.ClickText("Move")
	p.See("A better thought")
	p.Click(`#scheduled form[action$=delete] button`)
	p.See("Nothing waits for its time")
}

func TestWhatIsOnesOwn(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	s.Account(t, "anna")
	s.Account(t, "luca")
	p := signedIn(t, b, s, "anna", desk)

	p.Go("/settings/profile")
	p.Fill(`[name=display_name]`, "Anna of the Mill")
	choose(p, `[name=avatar]`, "me.png", "image/png", picture(t, color.RGBA{20, 160, 90, 255}))
	p.Click(`main form.form button[type=submit]`)
	p.See("Saved.")
	p.Go("/@anna")
	p.See("Anna of the Mill")

	p.Go("/settings/notifications")
	p.Fill(`#f-not_following`, "filter")
	sound(t, p, "what strangers may tell")
	shot(p, "strangers")
	p.Click(`main form.form button[type=submit]`)
	p.See("Saved.")
	luca := signedIn(t, b, s, "luca", phone)
	luca.Go("/compose")
	luca.Fill(`#compose textarea[name=text]`, "Hello @anna, nice mill")
	luca.Click(`#compose [data-send]`)
	luca.See("Posted.")
	for range 50 { // told by the event log, a moment later
		if p.Go("/notifications/requests"); strings.Contains(p.Eval(`document.body.innerText`), "nice mill") {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.See("nice mill")
	sound(t, p, "what is held back")
	shot(p, "requests")
	p.ClickText("Let in")
	p.See("Nobody waits")
	p.Go("/notifications")
	p.See("nice mill")

	p.Go("/settings/carry")
	choose(p, `[name=data]`, "follows.csv", "text/csv", base64.StdEncoding.EncodeToString([]byte("Account address,Show boosts\nluca,true\nnobody_here,true\n")))
	p.Click(`main form.form button[type=submit]`)
	p.See("1 of 2 lines taken in")
	p.See("1 line was left out")
	sound(t, p, "what is brought along")
	shot(p, "carry")
	p.Go("/@luca")
	p.See("Following")
}
