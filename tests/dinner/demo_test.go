package dinner

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

// TestDemo has a visitor step into one role after the other of the demo town, in which others order, cook and ride meanwhile.
func TestDemo(t *testing.T) {
	s, b := harness.Start(t, "demo", "--orders-per-hour", "120"), browser.Open(t)
	l := &looker{shots: os.Getenv("STOA_TEST_SHOTS")}
	p := b.Person(t, "visitor", s.URL, desk[0], desk[1])
	p.Measure()
	p.Go("/demo")
	p.MarkLoaded()
	p.Await(`document.querySelectorAll("#demo-map .marker-courier").length > 3`, "see couriers on the map")
	p.Await(`document.querySelectorAll("#pulse .demo-news li").length > 5`, "read news")
	p.NotReloaded()
	step := func(role, path string) {
		t.Helper()
		p.Go("/demo")
		p.Click(`.demo-list form:has(input[name=role][value=` + role + `]) button`)
		p.Await(`location.pathname.startsWith("`+path+`")`, "be led to "+path)
	}
	l.look(t, p, view{name: "demo", path: "/demo", lively: true})
	step("neighbour", "/")
	p.See("Who cooks for you now")
	l.look(t, p, view{name: "demo-home", path: "/"})
	shop := p.Eval(`document.querySelector("#list .card a").getAttribute("href")`)
	l.look(t, p, view{name: "demo-shop", path: shop})
	l.look(t, p, view{name: "demo-dish", path: shop, then: func(p *browser.Person) {
		p.Click(".dish .dish-name a")
		p.Await(`!!document.querySelector("dialog[open] #dish-body")`, "see the dish")
	}})
	l.look(t, p, view{name: "demo-search", path: "/?q=pizza"})
	l.look(t, p, view{name: "demo-orders", path: "/orders"})
	step("kitchen", "/kitchen/")
	l.look(t, p, view{name: "demo-kitchen", path: p.Path(), lively: true})
	step("courier", "/courier")
	l.look(t, p, view{name: "demo-courier", path: "/courier", lively: true})
	step("dispatcher", "/dispatch")
	l.look(t, p, view{name: "demo-dispatch", path: "/dispatch", lively: true})
	if l.shots != "" {
		p.Look(false)
		p.Size(1280, 860)
		p.Go("/demo")
		p.Await(`document.querySelectorAll("#demo-map .marker-courier").length > 3`, "see couriers on the map")
		p.Settle()
		p.Shot(filepath.Join(l.shots, "stoa.png"))
	}
}
