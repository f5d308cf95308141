package social

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNobodyReachesAStatusThatIsNotForThem holds every visibility against every kind of reader, by every way that leads to a status: itself, its
// thread, timelines, search, a quote, streams, pages and feeds, and the address of its picture.
func TestNobodyReachesAStatusThatIsNotForThem(t *testing.T) {
	w := open(t) // internal/social/status holds the rules against both databases
	anna := w.person(t, "anna")
	readers := map[string]*person{"author": anna, "nobody": {t: t, town: w}}
	for _, name := range []string{"follower", "mentioned", "stranger", "blocked"} {
		readers[name] = w.person(t, name)
	}
	for _, name := range []string{"follower", "blocked"} {
		readers[name].want(200, "POST", "/api/v1/accounts/"+anna.id+"/follow", url.Values{}, nil)
	}
	anna.want(200, "POST", "/api/v1/accounts/"+readers["blocked"].id+"/block", url.Values{}, nil)
	// They want to hear of letters from people whom they don't follow.
	readers["mentioned"].want(200, "PATCH", "/api/v2/notifications/policy", url.Values{"for_private_mentions": {"accept"}}, nil)
	// To be blocked makes strangers of people who are signed in; what is public anybody reads who is not.
	everybody := []string{"author", "follower", "mentioned", "stranger", "nobody"}
	heard := map[string]*socket{}
	for name, r := range readers {
		if r.token == "" {
			continue
		}
		s := w.dial(t, "?access_token="+r.token, nil)
		for _, stream := range []string{"user", "public", "public:local", "direct"} {
			s.say(`{"type":"subscribe","stream":"` + stream + `"}`)
		}
		heard[name] = s
	}
	time.Sleep(500 * time.Millisecond) // nothing says that a subscription has been heard

	type sample struct {
		visibility string
		may        []string
		lists      []string // who finds it in public timelines
		post       status
		word       string
	}
	samples := []*sample{
		{visibility: "public", may: everybody, lists: everybody},
		{visibility: "unlisted", may: everybody},
		{visibility: "town", may: []string{"author", "follower", "mentioned", "stranger"}, lists: []string{"author", "follower", "mentioned", "stranger"}},
		{visibility: "private", may: []string{"author", "follower", "mentioned"}},
		{visibility: "direct", may: []string{"author", "mentioned"}},
	}
	root := anna.post("A root for all")
	for _, s := range samples {
		s.word = "quixotic" + s.visibility
		kind, form := parts(t, map[string]string{"description": "picture of " + s.word}, map[string][]byte{"file": picture(t, 40+len(s.visibility), 40)})
		var m media
		w.send(t, anna.token, "POST", "/api/v2/media", kind, form).read(t, 200, "media", &m)
		s.post = anna.post(s.word+" @mentioned #tag"+s.visibility+" https://news.example/"+s.visibility, "visibility", s.visibility, "in_reply_to_id", root.ID, "media_ids[]", m.ID)
		anna.want(200, "POST", "/api/v1/statuses/"+s.post.ID+"/bookmark", url.Values{}, nil)
	}
	quotes := map[string]string{}
	for _, s := range samples {
		var q status
		r := w.send(t, anna.token, "POST", "/api/v1/statuses", formKind, url.Values{"status": {"Look at this"}, "quoted_status_id": {s.post.ID}}.Encode())
		if r.Status == 200 { // what is for few may be refused
			r.read(t, 200, "quote", &q)
			quotes[s.visibility] = q.ID
		}
	}
	if quotes["public"] == "" {
		t.Error("a public status can't be quoted")
	}
	end := anna.post("quixotic end @follower @mentioned @stranger")

	for name, r := range readers {
		signed := r.token != ""
		see := func(path string) string {
			t.Helper()
			got := w.send(t, r.token, "GET", path, "", "", "Accept", "application/json")
			if got.Status >= 500 {
				t.Errorf("GET %s for %s = %d", path, name, got.Status)
			}
			return string(got.Body)
		}
		for _, s := range samples {
			may := slices.Contains(s.may, name)
			local := func(address string) string { return strings.TrimPrefix(address, w.URL) }
			ways := map[string]string{
				"status": see("/api/v1/statuses/" + s.post.ID), "many statuses": see("/api/v1/statuses?id[]=" + s.post.ID),
				"its thread": see("/api/v1/statuses/" + s.post.ID + "/context"), "the thread above": see("/api/v1/statuses/" + root.ID + "/context"),
				"history": see("/api/v1/statuses/" + s.post.ID + "/history"), "card": see("/api/v1/statuses/" + s.post.ID + "/card"),
				"account": see("/api/v1/accounts/" + anna.id + "/statuses?limit=40"), "account's media": see("/api/v1/accounts/" + anna.id + "/statuses?only_media=true"),
				"account's tag":  see("/api/v1/accounts/" + anna.id + "/statuses?tagged=tag" + s.visibility),
				"public":         see("/api/v1/timelines/public?limit=40"),
				"local":          see("/api/v1/timelines/public?local=true&limit=40"),
				"public's media": see("/api/v1/timelines/public?only_media=true&limit=40"),
				"tag":            see("/api/v1/timelines/tag/tag" + s.visibility), "link": see("/api/v1/timelines/link?url=https://news.example/" + s.visibility),
				"home": see("/api/v1/timelines/home?limit=40"), "notices": see("/api/v1/notifications"), "grouped notices": see("/api/v2/notifications"),
				"conversations": see("/api/v1/conversations"), "bookmarks": see("/api/v1/bookmarks"),
				"search": see("/api/v2/search?type=statuses&q=" + s.word), "search for the author's": see("/api/v2/search?type=statuses&q=" + s.word + "+from:anna"),
				"trends": see("/api/v1/trends/statuses"), "oembed": see("/api/oembed?url=" + url.QueryEscape(s.post.URL)),
				"profile's page": see("/@anna"), "page": see(local(s.post.URL)), "feed": see("/@anna.rss"), "tag's page": see("/tags/tag" + s.visibility),
			}
			if q := quotes[s.visibility]; q != "" {
				ways["quote"] = see("/api/v1/statuses/" + q)
			}
			for way, body := range ways {
				if name == "blocked" && (way == "feed" || way == "oembed") {
					continue // they ask nobody who they are
				}
				if leaks := strings.Contains(body, s.word) || strings.Contains(body, local(s.post.Media[0].URL)); leaks && !may {
					t.Errorf("%s finds a %s status by its %s", name, s.visibility, way)
				}
			}
			must := []string{"status", "many statuses", "the thread above"}
			if slices.Contains(s.lists, name) && signed {
				must = append(must, "public", "local", "tag")
			}
			if name == "follower" && may || name == "author" {
				must = append(must, "account")
			}
			if name == "author" {
				must = append(must, "bookmarks", "search")
			}
			if name == "follower" && may {
				must = append(must, "home")
			}
			if name == "mentioned" {
				must = append(must, "notices", "search")
			}
			if name == "mentioned" && s.visibility == "direct" {
				must = append(must, "conversations")
			}
			for _, way := range must {
				if may && !strings.Contains(ways[way], s.word) {
					t.Errorf("%s may read a %s status and does not find it by its %s: %.300s", name, s.visibility, way, ways[way])
				}
			}
			if may && !strings.Contains(ways["status"], local(s.post.Media[0].URL)) {
				t.Errorf("%s sees no picture of a %s status", name, s.visibility)
			}
		}
	}
	for name, s := range heard {
		all := new(bytes.Buffer)
		for done := false; !done; {
			select {
			case m, ok := <-s.messages:
				all.WriteString(m.Payload)
				done = !ok || m.Event == "update" && strings.Contains(m.Payload, end.ID)
			case <-time.After(20 * time.Second):
				if done = true; name != "blocked" {
					t.Errorf("%s hears no end", name)
				}
			}
			if name == "blocked" && len(s.messages) == 0 {
				done = true // they hear nothing of it; what was sent before them all has come by now
			}
		}
		for _, x := range samples {
			may := slices.Contains(x.may, name)
			if got := strings.Contains(all.String(), x.word); got && !may || !got && may && (name == "author" || name == "mentioned") {
				t.Errorf("%s hears of a %s status: %v", name, x.visibility, got)
			}
		}
	}
}
