package pages

import (
	"image/color"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

func TestAGroupAndAnEvent(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	s.Account(t, "anna")
	s.Account(t, "luca")
	anna, luca := signedIn(t, b, s, "anna", desk), signedIn(t, b, s, "luca", phone)

	anna.Go("/groups/new")
	anna.Fill(`[name=name]`, "Allotment")
	anna.Fill(`[name=handle]`, "allotment")
	anna.Fill(`[name=joining]`, "ask")
	anna.ClickText("Make the group")
	anna.Await(`location.pathname === "/groups/allotment"`, "have the group")
	luca.Go("/groups/allotment")
	luca.ClickText("Ask to join")
	luca.See("Asked to join")
	anna.Go("/groups/allotment")
	anna.ClickText("1 wants to join")
	anna.See("Let in")
	sound(t, anna, "who wants to join")
	shot(anna, "group-asked")
	anna.ClickText("Let in")
	anna.See("Nobody here")
	luca.Go("/groups/allotment")
	luca.See("Leave the group")
	luca.Go("/compose?group=" + luca.Eval(`document.querySelector("[name=group]").value`))
	luca.Fill(`#compose textarea[name=text]`, "Buy my seeds!")
	luca.Click(`#compose [data-send]`)
	luca.See("Posted.")
	anna.Go("/groups/allotment")
	anna.SeeIn(`.post`, "Buy my seeds!")
	sound(t, anna, "the group")
	anna.Click(`.post [data-act=m]`)
	anna.ClickText("Remove from the group")
	anna.Await(`!document.querySelector(".post")`, "see the post go")
	anna.Go("/groups/allotment/people")
	anna.ClickText("Make a moderator")
	anna.See("Moderator, since")
	sound(t, anna, "the members")
	shot(anna, "group-people")
	anna.Go("/groups/allotment/edit")
	anna.Fill(`[name=about]`, "Seeds and slugs")
	anna.ClickText("Save")
	anna.See("Seeds and slugs")

	anna.Go("/events/new")
	anna.Fill(`[name=title]`, "Repair café")
	anna.Fill(`[name=starts]`, time.Now().Add(48*time.Hour).UTC().Format("2006-01-02T15:04"))
	anna.Fill(`[name=place]`, "Library")
	anna.ClickText("Hold it")
	anna.See("Into my calendar")
	luca.Go("/events")
	luca.ClickText("I'm coming")
	luca.See("You are coming.")
	anna.Go(anna.Path() + "/guests")
	anna.SeeIn(`#guests`, "luca")
	sound(t, anna, "the guests")
	anna.Click(`.back`)
	anna.ClickText("Change or cancel")
	anna.Fill(`[name=place]`, "Town hall")
	shot(anna, "event-edit")
	anna.ClickText("Save")
	anna.See("Town hall")
	anna.ClickText("Change or cancel")
	anna.ClickText("It does not take place")
	anna.Await(`/^\/events\/\d+$/.test(location.pathname)`, "be back at the event")
	luca.Go("/notifications")
	luca.See("Repair café")
	sound(t, anna, "the event")
	shot(anna, "event-cancelled")
}

func TestAReportIsActedOn(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	s.Account(t, "anna")
	s.Account(t, "mod", "moderator")
	luca := s.Account(t, "luca")
	luca.Want(t, 200, "POST", "/api/v1/statuses", map[string]any{"status": "Buy gold at half price"}, nil)
	anna, mod := signedIn(t, b, s, "anna", phone), signedIn(t, b, s, "mod", desk)
	mod.Go("/moderation")
	sound(t, mod, "moderation without anything to do")
	shot(mod, "moderation-empty")

	anna.Go("/town")
	anna.Click(`.post [data-act=m]`)
	anna.ClickText("Report @luca")
	anna.SeeIn(`dialog[open]`, "For the moderators")
	anna.Eval(`(document.querySelector("dialog[open] input[value=spam]").click(), "")`)
	anna.Fill(`dialog[open] [name=comment]`, "He sells gold")
	anna.ClickText("Send to the moderators")
	anna.See("Thank you. The moderators will look at it.")

	mod.Go("/moderation")
	mod.ClickText("luca")
	mod.See("He sells gold")
	mod.See("Buy gold at half price")
	sound(t, mod, "a report")
	shot(mod, "moderation-report")
	for _, path := range []string{"/moderation/accounts", "/moderation/trends", "/moderation/appeals"} {
		mod.Go(path)
		sound(t, mod, path)
		shot(mod, "moderation-"+path[len("/moderation/"):])
	}
	mod.Go("/moderation/accounts")
	mod.ClickText("luca")
	mod.Fill(`[name=action]`, "silence")
	mod.Fill(`textarea[name=text]`, "No trade in gold, please.")
	mod.Click(`form[action$="/act"] button[type=submit]:not([formaction])`)
	mod.SeeIn(`main`, "No trade in gold")
	shot(mod, "moderation-acted")
}

func TestADeliveredOrderBecomesAVerifiedReview(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	boss := s.Account(t, "boss", "admin")
	luca := s.Account(t, "luca")
	shop := boss.Restaurant(t, "Taj Corner", nil)
	s.ImportMenu(t, shop, menu)
	boss.Grant(t, "staff:"+shop.Slug)
	wish := harness.Wish(shop, "pickup", harness.Line{Item: boss.Items(t, shop)["Dal Makhani"], Qty: 1})
	body, _ := luca.Quoted(t, wish)
	var o struct {
		ID   string `json:"id"`
		Code string `json:"code"`
		Pick string `json:"pickup_code"`
	}
	luca.Want(t, 201, "POST", "/orders", body, &o, "Idempotency-Key", "review-1")
	for _, step := range []struct {
		name string
		body any
	}{{"confirm", map[string]any{"minutes": 20}}, {"prepare", nil}, {"ready", nil}, {"collect", map[string]any{"code": o.Pick}}} {
		boss.Want(t, 200, "POST", "/orders/"+o.ID+"/"+step.name, step.body, nil)
	}

	p := signedIn(t, b, s, "luca", phone)
	p.Go("/orders/" + o.Code + "/review")
	p.Await(`(e => !!e && (e.click(), true))(document.querySelector("[name=stars][value='5']"))`, "give five stars")
	p.Fill(`[name=text]`, "A whole night, and one tastes it.")
	p.ClickText("Photos")
	choose(p, `[name=photo_0]`, "dal.png", "image/png", picture(t, color.RGBA{120, 60, 20, 255}))
	p.Fill(`[name=alt_0]`, "A bowl of dal")
	sound(t, p, "the form of a review")
	p.ClickText("Publish")
	p.SeeIn(`article`, "one tastes it")
	p.See("Ordered here")
	p.Await(`document.querySelector("article img")?.alt === "A bowl of dal"`, "see the photo")
	sound(t, p, "the reviews")
	shot(p, "review")
	p.Go("/@luca")
	p.SeeIn(`.post`, "one tastes it")
	p.SeeIn(`.post`, "Taj Corner")
}
