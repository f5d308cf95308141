package web

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/social/web/card"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// -gallery DIR writes the pages of the gallery there, to be looked at through any file server that also serves /assets/.
var galleryDir = flag.String("gallery", "", "write the gallery's pages to this directory")

var now = time.Date(2026, 11, 20, 18, 42, 0, 0, time.UTC)

const base = "https://lindenau.example"

func in(t *testing.T, lang string, c templ.Component) string {
	t.Helper()
	ctx := i18n.With(ui.WithChrome(context.Background(), ui.Chrome{
		TownName: "Lindenau", Lang: lang, Nonce: "gallery", Now: now, Path: "/home", CartCount: 2, Bell: &ui.Link{Href: "/notifications", Label: "Notifications", Count: 3},
		Viewer: &ui.Viewer{ID: "1", Name: "Anna Weber", Handle: "anna"},
		Nav:    []ui.Link{{Href: "/", Label: "Restaurants", Icon: "utensils"}, {Href: "/home", Label: "Town", Icon: "users"}, {Href: "/orders", Label: "Orders", Icon: "receipt-text"}},
	}), lang)
	var b bytes.Buffer
	if err := c.Render(ctx, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func ptr[T any](v T) *T { return &v }

func person(n id.ID, handle, name string) social.Account {
	face := base + "/avatars/" + handle + ".svg"
	return social.Account{
		ID: n, Username: handle, Acct: handle, DisplayName: name, URL: base + "/@" + handle, Avatar: face, AvatarStatic: face, Header: base + "/header.svg", HeaderStatic: base + "/header.svg",
		Note: "<p>Bread, bikes, books. Runs the seed library in the Marktgasse.</p>", CreatedAt: social.Time{Time: now.AddDate(-1, 0, 0)}, Statuses: 214, Followers: 128, Following: 96,
	}
}

var (
	anna = person(1, "anna", "Anna Weber")
	luca = person(2, "luca", "Luca Ferri")
	sofi = func() social.Account {
		a := person(3, "trattoria-da-sofia", "Trattoria Da Sofia")
		a.Stoa = &social.Place{Kind: "restaurant", URL: base + "/r/da-sofia"}
		a.Fields = []social.Field{{Name: "Kitchen", Value: "Tue–Sun, 12–22"}, {Name: "Web", Value: `<a href="https://dasofia.example" rel="me">dasofia.example</a>`, VerifiedAt: social.Time{Time: now}}}
		return a
	}()
	shop = social.ShopCard{ID: 30, Slug: "da-sofia", Name: "Trattoria Da Sofia", Photo: "/pic.svg", URL: "/r/da-sofia", Open: true}
)

func status(n id.ID, by social.Account, ago time.Duration, text string) *social.Status {
	return &social.Status{
		ID: n, URI: base + "/users/" + by.Username + "/statuses/" + n.String(), Account: by, CreatedAt: now.Add(-ago), Content: text, Visibility: "public", Language: ptr("en"),
		Replies: int64(n % 4), Boosts: int64(n % 13), Favourites: int64(n % 29),
	}
}

func photo(n id.ID, alt string) social.Attachment {
	return social.Attachment{
		ID: n, Type: "image", URL: ptr(base + "/pic.svg"), PreviewURL: ptr(base + "/pic.svg"), Description: ptr(alt), Blurhash: ptr("LEHV6nWB2yk8pyo0adR*.7kCMdnj"),
		Meta: social.Meta{Original: &social.Size{Width: 1200, Height: 800}},
	}
}

// sample returns a status of every kind.
func sample() []*social.Status {
	plain := status(1001, luca, 4*time.Minute, `<p>Rode past the new <a href="`+base+`/tags/allotment" class="mention hashtag" rel="tag">#<span>allotment</span></a> today. <span class="h-card"><a href="`+base+`/@anna" class="u-url mention">@<span>anna</span></a></span> your beans are up!</p>`)
	plain.Favourited, plain.Mentions = true, []social.Mention{{ID: 1, Username: "anna", Acct: "anna", URL: base + "/@anna"}}
	dish := status(1002, sofi, 20*time.Minute, "<p>First porcini of the year are in. Tonight only, until they are gone.</p>")
	dish.Stoa = &social.Extra{Visibility: social.Public, Dish: &social.DishCard{ID: 77, Name: "Tagliatelle ai porcini", Price: 1450, Currency: "EUR", Photo: "/pic.svg", Available: true, Simple: true, Restaurant: shop}}
	boost := status(1003, anna, 30*time.Minute, "")
	boost.Reblog = status(1004, luca, 3*time.Hour, "<p>Two hands wanted to carry a piano. Cake for everybody who comes.</p>")
	boost.Reblog.Boosts = 12
	pictures := status(1005, anna, 2*time.Hour, "<p>Saturday's market.</p>")
	pictures.Media = []social.Attachment{photo(1, "A table full of pumpkins"), photo(2, ""), photo(3, "Two people laugh over a crate of apples")}
	one := status(1013, luca, 3*time.Hour, "<p>Fog over the canal this morning.</p>")
	one.Media = []social.Attachment{photo(4, "A barge in the fog")}
	warned := status(1006, luca, 5*time.Hour, "<p>The knife slipped. Eleven stitches, no tendon.</p>")
	warned.SpoilerText, warned.Sensitive = "Kitchen accident, blood", true
	asked := status(1007, anna, 6*time.Hour, "<p>When shall we meet for the street party?</p>")
	asked.Poll = &social.Poll{ID: 5, ExpiresAt: social.Time{Time: now.Add(26 * time.Hour)}, VotesCount: 31, VotersCount: ptr(int64(31)), Options: []social.Choice{{Title: "Friday evening", VotesCount: ptr(int64(9))}, {Title: "Saturday noon", VotesCount: ptr(int64(18))}, {Title: "Sunday, with breakfast", VotesCount: ptr(int64(4))}}, Voted: ptr(true), OwnVotes: &[]int{1}}
	open := status(1008, luca, 7*time.Hour, "<p>Next film night?</p>")
	open.Poll = &social.Poll{ID: 6, ExpiresAt: social.Time{Time: now.Add(2 * time.Hour)}, Options: []social.Choice{{Title: "Paterson"}, {Title: "Babette's Feast"}}, Voted: ptr(false)}
	event := status(1009, anna, 9*time.Hour, "<p>Bring tools, there is soup.</p>")
	event.Visibility, event.LocalOnly = "public", true
	event.Stoa = &social.Extra{Visibility: social.Town, Event: &social.EventCard{ID: 9, Title: "Repair café", Starts: social.Time{Time: now.Add(44 * time.Hour)}, Ends: social.Time{Time: now.Add(47 * time.Hour)}, TZ: "Europe/Berlin", Place: "Library, first floor", Coming: 14, URL: base + "/events/9"}}
	review := status(1010, luca, 11*time.Hour, "<p>Fast, hot, and they remembered the chilli.</p>")
	review.Stoa = &social.Extra{Visibility: social.Public, Review: &social.ReviewCard{ID: 4, Stars: 4, Verified: true, Restaurant: shop, Dishes: []social.DishMark{{Item: 1, Name: "Margherita", Stars: 5}, {Item: 2, Name: "Diavola", Stars: 3}}}}
	quoting := status(1011, anna, 12*time.Hour, "<p>This. All of this.</p>")
	quoting.Quote = &social.Quote{State: "accepted", Status: status(1012, luca, 13*time.Hour, "<p>A town is what happens between the doors.</p>")}
	link := status(1014, luca, 26*time.Hour, "<p>Worth reading.</p>")
	link.Visibility = "private"
	link.Card = &social.Card{URL: "https://paper.example/trams", Title: "The tram comes back to the Marktgasse", Description: "After forty years the council voted for rails.", ProviderName: "The Paper", Image: ptr(base + "/pic.svg")}
	reply := status(1015, anna, 50*time.Hour, "<p>Yes, from seven.</p>")
	reply.InReplyToID, reply.InReplyToAccountID, reply.Mentions = ptr(id.ID(1)), ptr(id.ID(2)), []social.Mention{{ID: 2, Username: "luca", Acct: "luca"}}
	filtered := status(1016, luca, 60*time.Hour, "<p>The match ended 3:2.</p>")
	filtered.Filtered = []social.Filtered{{Filter: social.FilterHead{Title: "Football", Action: "warn"}}}
	return []*social.Status{plain, dish, boost, pictures, one, warned, asked, open, event, review, quoting, link, reply, filtered}
}

func pages() *Pages {
	return New(Deps{Now: func() time.Time { return now }, URL: func() string { return base }, Zone: time.UTC, Parts: Parts{Notices: noNotices{}, Talks: noTalks{}, Search: noSearch{}, Lists: noLists{}, Groups: noGroups{}, Happenings: noEvents{}, Picks: noPicks{}}})
}

// These stand for slices that are there, so that the navigation shows their pages; nobody asks them anything.
type (
	noNotices struct{ Notices }
	noTalks   struct{ Talks }
	noSearch  struct{ Search }
	noLists   struct{ Lists }
	noGroups  struct{ Groups }
	noEvents  struct{ Happenings }
	noPicks   struct{ Picks }
)

func gallery() map[string]templ.Component {
	p, v, list := pages(), card.View{Viewer: 1, Base: base, Back: "/home", Zone: time.UTC}, sample()
	write := &composer{composeForm: composeForm{Visibility: "public", Lang: "en", Replies: "everybody"}, id: "compose", view: v, faces: []*social.Account{&anna, &sofi}, picks: true}
	full := &composer{composeForm: composeForm{Text: "Soup is ready", Visibility: "town", HasWarning: true, Warning: "Food", HasPoll: true, Lang: "en", Media: []string{"12"}, alt: map[string]string{}}, id: "compose", view: v, faces: []*social.Account{&anna}, picks: true, picked: &Pick{Kind: "dish", ID: 4, Name: "Lentil soup", Note: "Da Sofia"}, first: true}
	thread := &threadPage{status: list[3], url: base + "/@anna/1005", above: []*social.Status{list[0], list[12]}, below: []answered{{list[10], false}, {list[0], true}, {list[9], false}}}
	garden := Group{ID: 40, Handle: "garden", Name: "The allotment", About: "Seeds, tools and what to do with forty courgettes.", Rules: "Be kind to slugs.", Members: 31, Role: "member", Joining: "open"}
	happens := Happening{EventCard: *list[8].Stoa.Event, Status: 1009, Handle: "anna", Name: "Anna Weber", Answer: "coming", Capacity: 30, Calendar: "/events/9/calendar.ics"}
	followed := social.Relationship{ID: 3, Following: true, ShowingReblogs: true, FollowedBy: true}
	return map[string]templ.Component{
		"home":    p.feedWhole(v, &feedPage{title: "Home", path: "/home", topic: "me:1", feed: Feed{Kind: "home"}, list: list, write: write, older: "/home?before=1"}),
		"news":    p.feedWhole(v, &feedPage{title: "Home", path: "/home", topic: "me:1", feed: Feed{Kind: "home"}, list: list[:1]}),
		"empty":   p.feedWhole(v, &feedPage{title: "Home", path: "/home", feed: Feed{Kind: "home"}, empty: ui.StateProps{Icon: "users", Title: "Nobody to read yet", Text: "Follow people.", ActionLabel: "See the town", ActionHref: "/town"}}),
		"thread":  p.threadWhole(v, thread),
		"profile": p.profileWhole(v, &profilePage{feedPage: feedPage{path: "/@trattoria-da-sofia", feed: Feed{Kind: "profile"}, list: list[1:3], rss: "/@trattoria-da-sofia.rss"}, account: &sofi, tie: &followed, url: base + "/@trattoria-da-sofia"}),
		"compose": p.composeWhole(v, full),
		"notices": p.noticesWhole(v, &noticesPage{list: []social.Entry{
			{ID: 9, Type: "favourite", Count: 5, At: now.Add(-time.Minute), Unread: true, Accounts: []*social.Account{&luca, &sofi}, Status: list[3], Text: "Luca Ferri and 4 others like your post"},
			{ID: 8, Type: "mention", Count: 1, At: now, Accounts: []*social.Account{&luca}, Status: list[0]},
			{ID: 7, Type: "follow", Count: 2, At: now.Add(-3 * time.Hour), Accounts: []*social.Account{&luca, &sofi}, Text: "Luca Ferri and Trattoria Da Sofia follow you"},
			{ID: 6, Type: "reblog", Count: 1, At: now.Add(-5 * time.Hour), Accounts: []*social.Account{&luca}, Status: list[2].Reblog, Text: "Luca Ferri boosted your post"},
			{ID: 5, Type: "stoa.order", Count: 1, At: now.Add(-6 * time.Hour), Text: "Your order from Da Sofia is on its way", Detail: "Between 19:10 and 19:20", URL: "/orders/K7QX"},
		}}),
		"talks":  p.talksWhole(v, []social.Conversation{{ID: 1, Unread: true, Accounts: []*social.Account{&luca}, Last: list[0]}}, ""),
		"search": p.searchWhole(v, &searchPage{q: "sofia", people: &peoplePage{view: v, list: []*social.Account{&sofi, &luca}, ties: map[id.ID]social.Relationship{3: followed, 2: {ID: 2}}}, statuses: list[:1], found: Found{Tags: []string{"sofia"}, Dishes: []*social.DishCard{list[1].Stoa.Dish}}}),
		"groups": p.groupsWhole(v, &groupsPage{mine: []Group{garden}, list: []Group{garden, {Handle: "choir", Name: "Choir of the canal", Members: 24, Closed: true, About: "Wednesdays at eight."}}}),
		"group":  p.feedWhole(v, &feedPage{title: garden.Name, kicker: "Group", path: garden.path(), feed: Feed{Kind: "group"}, list: list[:2], actions: groupHead(v, garden)}),
		"events": p.eventsWhole(v, []Happening{happens}, false, ""),
		"event":  p.eventWhole(v, happens, &threadPage{status: list[8], url: base + "/events/9"}),
		"menu":   p.SheetPage(v, "Post by Luca Ferri", "/@luca/1001", statusMenu(menu{view: v, status: list[0], tie: followed, url: base})),
		"people": p.SheetPage(v, "Followers of Anna", "/@anna", peopleList(&peoplePage{view: v, list: []*social.Account{&luca, &sofi}, ties: map[id.ID]social.Relationship{2: {ID: 2, FollowedBy: true}, 3: followed}})),
	}
}

func TestWriteGallery(t *testing.T) {
	if *galleryDir == "" {
		t.Skip("only with -gallery DIR")
	}
	for name, c := range gallery() {
		for _, lang := range i18n.Langs {
			page := in(t, lang, c)
			for _, theme := range []string{"light", "dark"} {
				out := strings.Replace(page, `data-theme=""`, `data-theme="`+theme+`"`, 1)
				if err := os.WriteFile(filepath.Join(*galleryDir, name+"-"+lang+"-"+theme+".html"), []byte(out), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestEveryPageKeepsTheRulesOfItsContentSecurityPolicy(t *testing.T) {
	for name, c := range gallery() {
		page := in(t, "en", c)
		for _, bad := range []string{` style="`, ` onclick=`, ` onload=`, `javascript:`, `hx-on`, `<script>`} {
			if strings.Contains(page, bad) {
				t.Errorf("%s holds %q", name, bad)
			}
		}
		if strings.Contains(page, `src="`+base) {
			t.Errorf("%s asks for a picture by the whole address: it would not come where the server is reached by another name", name)
		}
	}
}

func TestStructuredDataIsJSONAndTellsNothingBelowAWarning(t *testing.T) {
	s := sample()[5]
	ld := postingLD(base, &threadPage{status: s, url: base + card.Link(s)})
	var o map[string]any
	if err := json.Unmarshal([]byte(ld), &o); err != nil {
		t.Fatal(err)
	}
	if o["@type"] != "SocialMediaPosting" || o["articleBody"] != s.SpoilerText || strings.Contains(ld, "tendon") {
		t.Errorf("structured data = %s; want the warning alone", ld)
	}
	if summary(s) != s.SpoilerText || strings.Contains(title(s), "tendon") {
		t.Errorf("summary %q, title %q; want the warning alone", summary(s), title(s))
	}
}
