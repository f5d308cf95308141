package ui

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// -gallery DIR writes the pages of the gallery there, to be looked at through any file server that also serves /assets/.
var galleryDir = flag.String("gallery", "", "write the gallery's pages to this directory")

var (
	galleryNow = time.Date(2026, 11, 20, 18, 42, 0, 0, time.UTC)
	berlin     = time.FixedZone("CET", 3600)
)

func galleryChrome() Chrome {
	return Chrome{
		TownName: "Lindenau", Lang: "en", Nonce: "gallery", Now: galleryNow, Demo: true, Speed: 1, CartCount: 3, Path: "/gallery",
		Viewer: &Viewer{ID: "1", Name: "Anna Weber", Handle: "anna", Places: []Link{{Href: "/kitchen", Label: "Kitchen", Icon: "chef-hat"}, {Href: "/dispatch", Label: "Dispatch", Icon: "map"}}},
	}
}

// with renders c around its children.
func with(c templ.Component, children ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return c.Render(templ.WithChildren(ctx, templ.Join(children...)), w)
	})
}

func html(s string) templ.Component { return raw(s) }

// gallery returns every component at least once, grouped into the pages that they would stand on.
func gallery() map[string]templ.Component {
	bad := errs.InvalidFields([]errs.Field{{Path: "street", Message: "Give a street and a number."}, {Path: "lines[0].qty", Message: "Order between 1 and 99 of each dish."}})
	return map[string]templ.Component{
		"parts":   partsPage(),
		"forms":   formsPage(bad),
		"front":   frontPage(),
		"place":   placePage(),
		"order":   orderPage(),
		"kitchen": kitchenPage(),
		"courier": courierPage(),
	}
}

func frontPage() templ.Component {
	var cards []templ.Component
	for i, n := range []string{"Trattoria Da Sofia", "Noodle Yard", "The Old Bakehouse", "Casa Verde", "Curry Lane", "Hafen Grill"} {
		c := CardProps{Href: "/r/1", Image: "/pic.svg", Title: n, Meta: "Italian, pizza · 1.2 km", Lazy: i > 2, Dim: i == 5}
		cards = append(cards, with(Card(c), html(`<p class="row small"><strong class="num">25–35 min</strong><span class="muted num">€2.50 delivery · from €12.00</span></p>`)))
	}
	return with(Page(PageProps{Title: "Restaurants", Active: "/", Description: "Dinner from here."}),
		with(Heading(HeadingProps{Kicker: "Friday evening", Title: "What is cooking in Lindenau", Lead: "27 kitchens bring food to Marktgasse 4 right now."}),
			LinkButton(ButtonProps{Label: "Marktgasse 4", Icon: "map-pin", Href: "/address"})),
		html(`<div class="stack">`),
		SearchBox(SearchProps{Action: "/", Placeholder: "Restaurant or dish"}),
		Chips("Cuisine", []Tab{{Href: "/", Label: "All", Active: true}, {Href: "/?c=1", Label: "Pizza"}, {Href: "/?c=2", Label: "Noodles"}, {Href: "/?c=3", Label: "Vegan"}, {Href: "/?c=4", Label: "Breakfast"}, {Href: "/?c=5", Label: "Burgers"}}),
		html(`</div>`),
		with(Section(SectionProps{Title: "Open now", Note: "nearest first", LinkLabel: "On the map", LinkHref: "/map"}), html(`<div class="grid">`), templ.Join(cards...), html(`</div>`)),
		Pager("list", "/?cursor=x"))
}

func dish(name, note, price, extra string) templ.Component {
	return html(`<article class="dish"><div class="dish-text"><h3 class="dish-name"><a href="/d/1">` + name + `</a></h3><p class="dish-note clamp-2">` + note + `</p><p class="row small"><span class="price num">` + price + `</span>` + extra + `</p></div><img class="dish-image" src="/pic.svg" alt="" width="104" height="104"></article>`)
}

func placePage() templ.Component {
	return with(Page(PageProps{Title: "Trattoria Da Sofia", Active: "/"}),
		html(`<div class="split"><div>`),
		with(Heading(HeadingProps{Kicker: "Italian · Marktgasse 12", Title: "Trattoria Da Sofia", Lead: "Wood oven, four tables, no hurry. Since 1987."})),
		with(Notice(Warn), html(`<p>Busy evening: the kitchen asks for 15 minutes more.</p>`)),
		with(Section(SectionProps{Title: "Pizza"}), html(`<div class="menu">`),
			dish("Margherita", "San Marzano tomatoes, fior di latte, basil from the yard", "€8.50", `<span class="badge badge-good">Vegetarian</span>`),
			dish("Diavola", "Spicy salame, chilli oil, red onion, a little honey on request", "€11.00", ""),
			dish("Quattro formaggi", "Gorgonzola, taleggio, pecorino, mozzarella", "€12.50", `<span class="badge">Sold out until tomorrow</span>`),
			html(`</div>`)),
		html(`</div><aside class="panel stack"><h2>Your order</h2><ul class="lines"><li><span class="qty">2×</span><span>Margherita</span><span class="num">€17.00</span><span class="sub">extra basil, thin base</span></li><li><span class="qty">1×</span><span>Diavola</span><span class="num">€11.00</span></li></ul><dl class="sums"><div><dt>Food</dt><dd>€28.00</dd></div><div><dt>Delivery, 1.2 km</dt><dd>€2.50</dd></div><div class="total"><dt>Total</dt><dd>€30.50</dd></div></dl>`),
		LinkButton(ButtonProps{Label: "Check out · €30.50", Kind: Primary, Wide: true, Big: true, Href: "/checkout"}),
		html(`</aside></div>`))
}

func orderPage() templ.Component {
	return with(Page(PageProps{Title: "Your order", Active: "/orders", Map: true}),
		html(`<div class="split"><div class="stack-l">`),
		html(`<div class="promise"><p class="kicker">Trattoria Da Sofia · order K7QX</p><h1 class="promise-time num">19:10–19:20</h1><p class="lead">Luca has your food and is on the way.</p></div>`),
		Steps("Progress", OrderSteps(context.Background(), "in_delivery", false, map[string]string{"created": "18:21", "confirmed": "18:22", "preparing": "18:30", "ready": "18:39"})),
		MapBox(MapProps{
			Label: "Luca is 900 m from Marktgasse 4", Lat: 51.336, Lon: 12.334, Fit: true, Topics: "order:12",
			Markers: []Marker{{ID: "r", Lat: 51.3365, Lon: 12.3325, Kind: "restaurant", Label: "Trattoria Da Sofia"}, {ID: "h", Lat: 51.334, Lon: 12.337, Kind: "home", Label: "You"}, {ID: "courier-3", Lat: 51.3353, Lon: 12.3352, Kind: "courier", Label: "Luca"}},
			Route:   [][2]float64{{51.3353, 12.3352}, {51.3353, 12.337}, {51.334, 12.337}},
		}),
		html(`</div><aside class="panel stack"><h2>Receipt</h2><ul class="lines"><li><span class="qty">2×</span><span>Margherita</span><span class="num">€17.00</span></li></ul></aside></div>`))
}

func kitchenPage() templ.Component {
	ticket := func(cls, code, foot string, at time.Time) templ.Component {
		return templ.Join(html(`<article class="ticket `+cls+`"><header class="ticket-head"><span class="ticket-code">`+code+`</span><span class="muted">`), Elapsed(at, 8*time.Minute, 15*time.Minute),
			html(`</span></header><p class="small muted">Delivery at 19:10 · Anna W.</p><ul class="lines"><li><span class="qty">2×</span><span>Margherita</span><span></span><span class="sub">extra basil, thin base</span></li><li><span class="qty">1×</span><span>Diavola</span></li></ul><p class="ticket-note">No onions, allergic.</p><footer class="ticket-foot">`), html(foot), html(`</footer></article>`))
	}
	column := func(state, title string, tickets ...templ.Component) templ.Component {
		return templ.Join(html(`<section class="column column-`+state+`"><header class="column-head"><h2>`+title+`</h2><span class="count num">2</span></header><div class="column-body">`), templ.Join(tickets...), html(`</div></section>`))
	}
	return with(Page(PageProps{Title: "Da Sofia, kitchen", Layout: LayoutBoard}), html(`<div class="columns">`),
		column("created", "New", ticket("ticket-new", "K7QX", `<button class="button button-primary">Accept, 20 min</button><button class="button">Refuse</button>`, galleryNow.Add(-40*time.Second)), ticket("", "B2MN", `<button class="button button-primary">Accept, 20 min</button>`, galleryNow.Add(-130*time.Second))),
		column("preparing", "Cooking", ticket("ticket-late", "P9WD", `<button class="button button-primary">Ready</button><button class="button">Delay</button>`, galleryNow.Add(-17*time.Minute))),
		column("ready", "Ready", ticket("", "T4HA", `<button class="button">Print</button>`, galleryNow.Add(-9*time.Minute))),
		html(`</div>`))
}

func courierPage() templ.Component {
	return with(Page(PageProps{Title: "On duty", Layout: LayoutPhone}), html(`<div class="stack"><article class="task"><div class="row-between"><span class="kicker">Pick up</span>`), Countdown(galleryNow.Add(6*time.Minute)),
		html(`</div><p class="task-where">Trattoria Da Sofia</p><p>Marktgasse 12 · order K7QX · 3 bags</p>`),
		LinkButton(ButtonProps{Label: "Navigate", Icon: "navigation", Href: "geo:51,12", Wide: true}),
		Button(ButtonProps{Label: "I have the food", Kind: Primary, Wide: true, Big: true}), html(`</article></div>`))
}

func formsPage(bad error) templ.Component {
	return with(Page(PageProps{Title: "Where to?", NoIndex: true, JSONLD: `{"@type":"Thing","name":"</script>"}`}),
		with(Heading(HeadingProps{Title: "Where shall we bring it?"})),
		html(`<form class="form" method="post" action="/x">`), Once(), Hidden("lat", "51.3"), FormErrors(bad),
		Field(FieldProps{Name: "street", Label: "Street and number", Required: true, Err: bad, Autocomplete: "street-address"}),
		Field(FieldProps{Name: "prep", Label: "Cooking time", Suffix: "min", Icon: "clock", InputMode: "numeric", Hint: "As on a normal evening.", Value: "20"}),
		TextArea(FieldProps{Name: "note", Label: "For the courier", MaxLen: 200}),
		Select(FieldProps{Name: "slot", Label: "When", Required: true, Options: []Option{{Value: "", Label: "As soon as possible"}, {Value: "1", Label: "today, 19:30"}}}),
		RadioCards(FieldProps{Name: "pay", Label: "Payment", Value: "cash", Required: true, Options: []Option{{Value: "card", Label: "Card", Hint: "Charged when the kitchen confirms"}, {Value: "cash", Label: "Cash at the door", Price: "+ €0.00"}}}),
		Checkbox(FieldProps{Name: "save", Label: "Keep this address", Checked: true}),
		Stepper(FieldProps{Name: "lines[0].qty", Path: "lines[0].qty", Label: "Margherita", Min: "1", Max: "99", Value: "2"}),
		html(`<div class="row">`), Button(ButtonProps{Label: "Save address", Kind: Primary}), Button(ButtonProps{Label: "Not now", Kind: Quiet}), Button(ButtonProps{Label: "Delete", Icon: "trash-2", Kind: Danger}), Button(ButtonProps{Icon: "heart", Title: "Favourite"}), html(`</div></form>`))
}

func partsPage() templ.Component {
	var pills []templ.Component
	for _, s := range []string{"created", "confirmed", "preparing", "ready", "in_delivery", "delivered", "concluded", "cancelled"} {
		pills = append(pills, StatusPill(s))
	}
	return with(Page(PageProps{Title: "Parts", Active: "/orders", NoIndex: true}),
		with(Heading(HeadingProps{Title: "Parts"}), Button(ButtonProps{Label: "Action"})),
		html(`<div class="stack-l"><div class="row">`), templ.Join(pills...), html(`</div><div class="row">`),
		Badge("Vegan", Good), Badge("New", News), Badge("Busy", Warn), Badge("Closed", Neutral), Badge("Failed", Bad), Badge("Town deal", Hot),
		Avatar("Anna Weber"), Avatar("Luca"), Avatar("Ömer Çelik"), Avatar("Björk G"), html(`</div>`),
		Flash("Address saved.", Good), Flash("The kitchen closes in 20 minutes.", Warn), Flash("The card was declined.", Bad), Flash("Prices include tax.", News),
		with(Notice(Hot), html(`<p>Your quote has changed.</p>`)),
		Tabs("Orders", []Tab{{Href: "/a", Label: "Running", Count: 2, Active: true}, {Href: "/b", Label: "Past"}}),
		Steps("Progress", OrderSteps(context.Background(), "preparing", true, map[string]string{"created": "18:21", "preparing": "ready about 18:50"})),
		with(Table("Payouts", []Column{{Label: "Day"}, {Label: "Orders", Num: true}, {Label: "Total", Num: true}}),
			html(`<tr><td>Thu 19 Nov</td><td class="num" data-label="Orders">41</td><td class="num" data-label="Total">€1,204.50</td></tr><tr><td>Wed 18 Nov</td><td class="num" data-label="Orders">38</td><td class="num" data-label="Total">€988.00</td></tr>`)),
		html(`<dl class="stats">`), Stat("Orders today", "41", "3 more than last Friday"), Stat("On time", "93%", ""), Stat("Taken", "€1,204", ""), html(`</dl>`),
		Meter("Oven", 0.7, Good), with(Details("Allergens", true), html(`<p>Gluten, milk</p>`)),
		html(`<p class="row">`), Price(1250, "EUR"), Time(galleryNow, berlin), DayTime(galleryNow.Add(24*time.Hour), berlin), Ago(galleryNow.Add(-5*time.Minute)), Countdown(galleryNow.Add(90*time.Second)), Elapsed(galleryNow.Add(-90*time.Second), time.Minute, 0), html(`</p>`),
		EmptyState(StateProps{Icon: "soup", Title: "Nothing here yet", Text: "Dinner is two taps away.", ActionLabel: "Find food", ActionHref: "/"}),
		ErrorState(StateProps{Text: "The kitchen's answer did not arrive."}), Skeleton(2), EndOfList("That is everyone."),
		with(Dialog(DialogProps{ID: "d", Title: "Margherita", Sheet: true}), html(`<p>Choose a base.</p>`)),
		Toast(ToastProps{Text: "Margherita removed", UndoHref: "/undo"}), html(`</div>`))
}

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(WithChrome(context.Background(), galleryChrome()), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriteGallery(t *testing.T) {
	if *galleryDir == "" {
		t.Skip("only with -gallery DIR")
	}
	for name, c := range gallery() {
		page := render(t, c)
		for theme, want := range map[string]string{"light": "light", "dark": "dark"} {
			out := strings.Replace(page, `data-theme=""`, `data-theme="`+want+`"`, 1)
			if err := os.WriteFile(filepath.Join(*galleryDir, name+"-"+theme+".html"), []byte(out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
