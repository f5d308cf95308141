// Package dinner has people eat: in a real Chromium, each with a profile of their own, against the real server.
package dinner

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

// What each of them holds in their hands.
var (
	phone  = [2]int64{390, 844}
	tablet = [2]int64{1180, 820}
	desk   = [2]int64{1280, 900}
)

// card is the menu of the restaurant: a dish with a choice that must be made and one that may be, one dish of which one portion is left.
const card = `section,item,description,price,tax,diets,allergens,stock,group,group_min,group_max,rule,option,option_price
Curries,Lamb Rogan Josh,"Slowly cooked with Kashmiri chillies.",12.50,food,,milk,,,,,,,
Curries,Lamb Rogan Josh,,,,,,,Rice,1,1,SUM,Basmati,0
Curries,Lamb Rogan Josh,,,,,,,Rice,1,1,SUM,Saffron rice,1.50
Curries,Lamb Rogan Josh,,,,,,,Extras,0,2,SUM,Raita,2.00
Curries,Lamb Rogan Josh,,,,,,,Extras,0,2,SUM,Pickle,1.00
Curries,Dal Makhani,"Black lentils, butter, a whole night.",9.00,food,vegetarian,milk,,,,,,,
Curries,Goan Fish Curry,"Today's catch.",14.00,food,,fish,1,,,,,,
Breads,Garlic Naan,"From the tandoor.",3.20,food,vegetarian,gluten,,,,,,,
Drinks,Mango Lassi,,4.10,drink,vegetarian,milk,,,,,,,
`

// town is a server with a restaurant, and everybody it takes to get dinner from there.
type town struct {
	s                                 *harness.Server
	admin, owner, courier, dispatcher *harness.Client
	shop                              harness.Shop
	items                             map[string]string
}

// build makes a town on a running server.
func build(t *testing.T, s *harness.Server) *town {
	t.Helper()
	w := &town{s: s, admin: s.Account(t, "boss", "admin"), owner: s.Account(t, "meera"), courier: s.Account(t, "kofi", "courier"), dispatcher: s.Account(t, "dana", "dispatcher")}
	w.shop = w.admin.Restaurant(t, "Taj Corner", map[string]any{"blurb": "Curries as in Lucknow."})
	w.owner.Grant(t, "owner:"+w.shop.Slug)
	s.ImportMenu(t, w.shop, card)
	w.items = w.admin.Items(t, w.shop)
	return w
}

// open starts a server with a town. Its maps open where the restaurant is.
func open(t *testing.T, args ...string) *town {
	t.Helper()
	return build(t, harness.Start(t, "serve", append(args, here()...)...))
}

func here() []string {
	return []string{"--set", fmt.Sprintf("town.lat=%.6f", harness.HereLat+0.004), "--set", fmt.Sprintf("town.lon=%.6f", harness.HereLon+0.004)}
}

// person opens a browser for somebody with an account.
func (w *town) person(t *testing.T, b *browser.Browser, name string, size [2]int64) *browser.Person {
	t.Helper()
	p := b.Person(t, name, w.s.URL, size[0], size[1])
	p.SignIn(name+"@example.org", harness.Password)
	return p
}

// neighbour opens a browser for somebody who signs up with the page for it and sets the pin where the map opens.
func neighbour(t *testing.T, b *browser.Browser, name, url string) *browser.Person {
	t.Helper()
	p := b.Person(t, name, url, phone[0], phone[1])
	p.Go("/sign-up?next=/")
	p.Fill(`main input[name=name]`, name)
	p.Fill(`main input[name=email]`, strings.ToLower(name)+"@example.net")
	p.Fill(`main input[name=password]`, harness.Password)
	p.Click(`main form button.button-primary`)
	p.See("Where should dinner go?")
	p.ClickText("pick on the map")
	p.See("Where should it go?")
	p.Await(`!!document.querySelector("stoa-map .marker-pin")`, "see the pin")
	p.ClickText("Deliver to this pin")
	p.See("Who cooks for you now")
	return p
}

// fillCart puts a curry with saffron rice and raita, and two naan, into the cart of somebody at home.
func fillCart(p *browser.Person) {
	p.ClickText("Taj Corner")
	p.See("Curries as in Lucknow")
	p.Await(`document.documentElement.dataset.stream === "on"`, "hear of news")
	p.Settle()
	p.ClickText("Lamb Rogan Josh")
	p.SeeIn("dialog", "Slowly cooked")
	p.ClickText("Saffron rice")
	p.SeeIn("dialog button.button-primary", "14.00")
	p.ClickText("Raita")
	p.SeeIn("dialog button.button-primary", "16.00")
	p.Click("dialog button.button-primary")
	p.Await(`!document.querySelector("dialog[open]")`, "see the dialog close")
	p.Click(`button[aria-label="Add Garlic Naan"]`)
	p.SeeIn("#cart-bar", "19.20")
}

// checkout goes from the cart to a checkout that is filled in.
func checkout(p *browser.Person) {
	p.Click("#cart-bar a")
	p.SeeIn("#cart-side", "Saffron rice, Raita")
	p.ClickText("Go to checkout")
	p.See("As soon as possible")
	p.Fill(`input[name=street]`, "Lindenweg 7")
	p.Fill(`input[name=detail]`, "2nd floor, Weber")
	p.Fill(`input[name=phone]`, "+49 30 9999")
}

// until waits for what another part of the server does in its own time.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 15 s in vain: %s", what)
		}
	}
}
