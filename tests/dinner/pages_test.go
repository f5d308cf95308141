package dinner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

// view is a page as somebody sees it.
type view struct {
	name, path string
	then       func(p *browser.Person) // what is pressed before one looks
	lively     bool                    // news moves it while one looks
}

// looker looks at pages in both widths and both themes.
type looker struct {
	shots string
}

// look opens the page at each width, checks it in light and dark, and leaves pictures where STOA_TEST_SHOTS says.
func (l *looker) look(t *testing.T, p *browser.Person, v view) {
	t.Helper()
	for _, width := range []int64{390, 1280} {
		height := int64(844)
		if width > 1000 {
			height = 900
		}
		p.Size(width, height)
		p.Look(false)
		p.Go(v.path)
		p.Settle()
		for _, f := range p.Findings() {
			if !v.lively || !strings.HasPrefix(f, "moved") {
				t.Errorf("%s at %d px: %s", v.name, width, f)
			}
		}
		if v.then != nil {
			v.then(p)
			p.Settle()
		}
		for _, dark := range []bool{false, true} {
			p.Look(dark)
			p.Settle()
			if dark || v.then != nil {
				for _, f := range p.Findings() {
					if !strings.HasPrefix(f, "moved") { // what was pressed may move things
						t.Errorf("%s at %d px, dark %t: %s", v.name, width, dark, f)
					}
				}
			}
			if l.shots != "" {
				theme := "light"
				if dark {
					theme = "dark"
				}
				p.Whole(filepath.Join(l.shots, fmt.Sprintf("%s-%d-%s.png", v.name, width, theme)))
			}
		}
		for _, f := range p.Faults() {
			t.Errorf("%s at %d px: %s", v.name, width, f)
		}
	}
}

// TestPages looks at every page, in both widths and both themes.
func TestPages(t *testing.T) {
	w, b := open(t), browser.Open(t)
	l := &looker{shots: os.Getenv("STOA_TEST_SHOTS")}
	orders := w.life(t)
	shop, item := "/r/"+w.shop.Slug, w.items["Lamb Rogan Josh"]
	settings, menu, kitchen := "/restaurant/"+w.shop.Slug+"/settings", "/restaurant/"+w.shop.Slug+"/menu", "/kitchen/"+w.shop.Slug
	section := func(p *browser.Person, css string) string {
		p.Go(menu)
		return strings.TrimPrefix(p.Eval(`document.querySelector('`+css+`').getAttribute("href")`), menu)
	}

	t.Run("nobody", func(t *testing.T) {
		p := b.Person(t, "nobody", w.s.URL, phone[0], phone[1])
		p.Measure()
		for _, v := range []view{
			{name: "home-new", path: "/"},
			{name: "sign-in", path: "/sign-in"},
			{name: "sign-up", path: "/sign-up"},
			{name: "place", path: "/place?next=/"},
			{name: "cart-empty", path: "/cart"},
			{name: "shop-new", path: shop},
			{name: "docs-api", path: "/docs/api"},
			{name: "not-found", path: "/nothing/here"},
			{name: "track", path: "/t/" + orders["carried"].Token},
			{name: "sign-in-wrong", path: "/sign-in", then: func(p *browser.Person) {
				p.Fill("main input[name=login]", "nobody@example.org")
				p.Fill("main input[name=password]", "wrong password")
				p.Click("main form button.button-primary")
				p.Await(`!!document.querySelector(".flash, [role=alert]")`, "see what is wrong")
			}},
		} {
			l.look(t, p, v)
		}
		p.Go("/")
		p.Settle()
		if n := p.ScriptBytes(); n == 0 || n > 60<<10 {
			t.Errorf("the first page loads %d bytes of script; want at most %d", n, 60<<10)
		}
	})
	t.Run("customer", func(t *testing.T) {
		p := b.Person(t, "otto", w.s.URL, phone[0], phone[1])
		p.Measure()
		p.SignIn("otto@example.org", harness.Password)
		p.Go("/place?next=/")
		p.Await(`!!document.querySelector("stoa-map .marker-pin")`, "see the pin")
		p.ClickText("Deliver to this pin")
		p.See("Who cooks for you now")
		fillCart(p)
		for _, v := range []view{
			{name: "home", path: "/"},
			{name: "home-pickup", path: "/?mode=pickup"},
			{name: "home-none", path: "/?q=sushi"},
			{name: "shop", path: shop},
			{name: "shop-filtered", path: shop + "?q=zzz"},
			{name: "dish", path: shop + "/i/" + item},
			{name: "dish-sheet", path: shop, then: func(p *browser.Person) {
				p.ClickText("Lamb Rogan Josh")
				p.SeeIn("dialog", "Slowly cooked")
			}},
			{name: "cart", path: "/cart"},
			{name: "checkout", path: "/checkout"},
			{name: "orders", path: "/orders"},
			{name: "order-created", path: "/orders/" + orders["created"].Code},
			{name: "order-cooking", path: "/orders/" + orders["cooking"].Code},
			{name: "order-carried", path: "/orders/" + orders["carried"].Code},
			{name: "order-delivered", path: "/orders/" + orders["delivered"].Code},
			{name: "order-cancelled", path: "/orders/" + orders["cancelled"].Code},
			{name: "order-cancel", path: "/orders/" + orders["created"].Code + "/cancel"},
			{name: "account", path: "/account"},
			{name: "addresses", path: "/addresses"},
			{name: "address-new", path: "/addresses/new"},
		} {
			l.look(t, p, v)
		}
	})
	t.Run("kitchen", func(t *testing.T) {
		p := b.Person(t, "meera", w.s.URL, tablet[0], tablet[1])
		p.Measure()
		p.SignIn("meera@example.org", harness.Password)
		for _, v := range []view{
			{name: "kitchen", path: kitchen},
			{name: "kitchen-sold-out", path: kitchen, then: func(p *browser.Person) {
				p.ClickText("Sold out")
				p.SeeIn("dialog", "Dal Makhani")
			}},
			{name: "kitchen-refuse", path: kitchen, then: func(p *browser.Person) {
				p.ClickText("Refuse")
				p.Await(`!!document.querySelector("dialog[open]")`, "be asked why")
			}},
			{name: "kitchen-done", path: kitchen + "/ended"},
			{name: "kitchen-menu", path: kitchen + "/menu"},
			{name: "kitchen-order", path: kitchen + "/orders/" + orders["cooking"].Code},
			{name: "kitchen-delay", path: kitchen + "/orders/" + orders["cooking"].Code + "/delay"},
			{name: "menu", path: menu},
			{name: "menu-item", path: menu + section(p, `[id^=item-] h3 a`)},
			{name: "menu-section", path: menu + "/sections/new"},
			{name: "menu-groups", path: menu + "/groups"},
			{name: "menu-group", path: menu + "/groups/new"},
			{name: "menu-import", path: menu + "/import"},
			{name: "settings", path: settings},
			{name: "settings-hours", path: settings + "/hours"},
			{name: "settings-zones", path: settings + "/zones"},
			{name: "settings-zone", path: settings + "/zones/0"},
			{name: "settings-kitchen", path: settings + "/kitchen"},
		} {
			l.look(t, p, v)
		}
	})
	t.Run("courier", func(t *testing.T) {
		p := b.Person(t, "kofi", w.s.URL, phone[0], phone[1])
		p.Measure()
		p.SignIn("kofi@example.org", harness.Password)
		l.look(t, p, view{name: "courier", path: "/courier"})
		p = b.Person(t, "lena", w.s.URL, phone[0], phone[1])
		p.Measure()
		p.SignIn("lena@example.org", harness.Password)
		l.look(t, p, view{name: "courier-off", path: "/courier"})
	})
	t.Run("dispatcher", func(t *testing.T) {
		p := b.Person(t, "dana", w.s.URL, desk[0], desk[1])
		p.Measure()
		p.SignIn("dana@example.org", harness.Password)
		l.look(t, p, view{name: "dispatch", path: "/dispatch"})
		l.look(t, p, view{name: "dispatch-none", path: "/dispatch?q=zzz"})
		l.look(t, p, view{name: "not-theirs", path: kitchen + "x"})
	})
}

// placed is what tests read of an order beside harness.Order.
type placed struct {
	ID    string `json:"id"`
	Code  string `json:"code"`
	Token string `json:"token"`
	Hand  string `json:"handover_code"`
}

// life puts orders of otto's into the town, one in each state, and a courier on the road.
func (w *town) life(t *testing.T) map[string]placed {
	t.Helper()
	otto := w.s.Account(t, "otto")
	w.s.Account(t, "lena", "courier")
	otto.Want(t, 201, "POST", "/addresses", map[string]any{
		"label": "Home", "default": true, "street": "Lindenweg 7", "city": "Berlin", "detail": "2nd floor, Weber", "notes": "The bell does not work.",
		"name": "Otto Weber", "phone": "+49 30 9999", "point": map[string]any{"lat": harness.HereLat + 0.004, "lon": harness.HereLon + 0.004},
	}, nil)
	w.courier.Want(t, 200, "POST", "/courier/duty", map[string]any{"on": true}, nil)
	w.courier.Want(t, 204, "POST", "/courier/position", map[string]any{"lat": harness.HereLat, "lon": harness.HereLon}, nil)
	act := func(o placed, verbs ...string) {
		for _, v := range verbs {
			body := map[string]any{}
			if v == "refuse" {
				body["reason"] = "RUSH_HOUR"
			}
			w.owner.Want(t, 200, "POST", "/orders/"+o.ID+"/"+v, body, nil)
		}
	}
	place := func(name, dish string) placed {
		wish := harness.Wish(w.shop, "delivery", harness.Line{Item: w.items[dish], Qty: 2}, harness.Line{Item: w.items["Garlic Naan"], Qty: 1})
		wish["note"] = "No cutlery, please. Allergic to nuts."
		body, _ := otto.Quoted(t, wish)
		var o placed
		otto.Want(t, 201, "POST", "/orders", body, &o, "Idempotency-Key", "life-"+name)
		return o
	}
	out := map[string]placed{}
	for _, name := range []string{"delivered", "carried"} {
		o := place(name, "Dal Makhani")
		act(o, "confirm", "prepare", "ready")
		w.carry(t, o, name == "delivered")
		out[name] = o
	}
	out["created"] = place("created", "Mango Lassi")
	out["cooking"] = place("cooking", "Dal Makhani")
	act(out["cooking"], "confirm", "prepare")
	out["cancelled"] = place("cancelled", "Dal Makhani")
	act(out["cancelled"], "refuse")
	return out
}

// carry has the courier bring an order: to the door, or only on the way there.
func (w *town) carry(t *testing.T, o placed, home bool) {
	t.Helper()
	type task struct {
		ID    string `json:"id"`
		Order string `json:"order"`
		Stop  string `json:"stop"`
	}
	var work struct {
		Offers []struct {
			Order string `json:"order"`
		} `json:"offers"`
		Tasks []task `json:"tasks"`
	}
	until(t, "the courier is offered "+o.Code, func() bool {
		w.courier.Want(t, 200, "GET", "/courier/tasks", nil, &work)
		return len(work.Offers) > 0 && work.Offers[0].Order == o.ID
	})
	w.courier.Want(t, 200, "POST", "/courier/offers/"+o.ID+"/accept", nil, &work)
	for _, stop := range []string{"pickup", "dropoff"} {
		for _, k := range work.Tasks {
			switch {
			case k.Order != o.ID || k.Stop != stop:
			case stop == "pickup":
				w.courier.Want(t, 200, "POST", "/courier/tasks/"+k.ID+"/complete", map[string]any{}, nil)
			case home:
				w.courier.Want(t, 200, "POST", "/courier/tasks/"+k.ID+"/complete", map[string]any{"code": o.Hand}, nil)
			default:
				w.courier.Want(t, 200, "POST", "/courier/tasks/"+k.ID+"/start", map[string]any{}, nil)
			}
		}
	}
}
