package social

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var tags = regexp.MustCompile("<[^>]*>")

// timeline returns the texts of a timeline, without their HTML.
func (p *person) timeline(path string) (texts []string) {
	p.t.Helper()
	var list []status
	p.want(200, "GET", path, nil, &list)
	for _, s := range list {
		if s.Reblog != nil {
			s.Content = "boost " + s.Reblog.Content
		}
		texts = append(texts, tags.ReplaceAllString(s.Content, ""))
	}
	return texts
}

// sees fails the test unless a timeline shows just these texts.
func (p *person) sees(path string, texts ...string) {
	p.t.Helper()
	if got := p.timeline(path); !slices.Equal(got, texts) {
		p.t.Errorf("%s sees %q at %s; want %q", p.name, got, path, texts)
	}
}

func TestTimelinesShowWhatTheirReaderWants(t *testing.T) {
	w := open(t)
	anna, ben, cora := w.person(t, "anna"), w.person(t, "ben"), w.person(t, "cora")
	const home, local = "/api/v1/timelines/home", "/api/v1/timelines/public?local=true"
	do := func(p *person, path string, form url.Values, out any) {
		p.want(200, "POST", "/api/v1/"+path, form, out)
	}

	first := anna.post("one")
	cora.post("two")
	ben.sees(home)
	do(ben, "accounts/"+anna.id+"/follow", url.Values{}, nil)
	ben.sees(home, "one") // what was posted before is there at once
	anna.post("three")
	ben.sees(home, "three", "one")
	theirs := cora.post("four")
	do(anna, "statuses/"+theirs.ID+"/reblog", url.Values{}, nil)
	ben.sees(home, "boost four", "three", "one")
	do(ben, "accounts/"+anna.id+"/follow", url.Values{"reblogs": {"false"}}, nil)
	ben.sees(home, "three", "one")

	anna.post("for the town", "visibility", "town")
	anna.post("for followers", "visibility", "private")
	anna.post("for nobody", "visibility", "direct")
	ben.sees(home, "for followers", "for the town", "three", "one")
	cora.sees(local, "for the town", "four", "three", "two", "one")
	if r := w.send(t, "", "GET", local, "", ""); r.Status != 200 || strings.Contains(string(r.Body), "for the town") || !strings.Contains(string(r.Body), "three") {
		t.Errorf("a stranger sees %d %s", r.Status, r.Body)
	}

	// An answer to somebody whom the reader does not follow is not for their home.
	anna.post("to cora", "in_reply_to_id", theirs.ID)
	anna.post("to myself", "in_reply_to_id", first.ID)
	ben.sees(home, "to myself", "for followers", "for the town", "three", "one")
	ben.sees("/api/v1/accounts/"+anna.id+"/statuses?exclude_replies=true&exclude_reblogs=true", "to myself", "for followers", "for the town", "three", "one")

	do(ben, "tags/soup/follow", url.Values{}, nil)
	var tagged status
	do(cora, "statuses", url.Values{"status": {"hot #Soup"}}, &tagged)
	if got := ben.timeline(home); len(got) == 0 || !strings.Contains(got[0], "hot") {
		t.Errorf("ben follows a hashtag and sees %q", got)
	}
	if got := ben.timeline("/api/v1/timelines/tag/SOUP?none[]=bread"); len(got) != 1 {
		t.Errorf("the hashtag shows %q", got)
	}
	do(ben, "accounts/"+cora.id+"/mute", url.Values{}, nil)
	ben.sees(home, "to myself", "for followers", "for the town", "three", "one")
	ben.sees(local, "to myself", "for the town", "three", "one")

	// A filter hides on the server, and the page is filled from below.
	var filter struct{ ID string }
	ben.want(200, "POST", "/api/v2/filters", url.Values{"title": {"t"}, "context[]": {"home"}, "filter_action": {"hide"}, "keywords_attributes[][keyword]": {"FÖR"}, "keywords_attributes[][whole_word]": {"true"}}, &filter)
	ben.sees(home+"?limit=2", "to myself", "three")
	ben.want(200, "DELETE", "/api/v2/filters/"+filter.ID, nil, nil)

	var list struct{ ID string }
	do(ben, "lists", url.Values{"title": {"close"}, "exclusive": {"true"}}, &list)
	do(ben, "lists/"+list.ID+"/accounts", url.Values{"account_ids[]": {anna.id}}, nil)
	ben.sees(home)
	ben.sees("/api/v1/timelines/list/"+list.ID, "to myself", "for followers", "for the town", "three", "one")
	if r := w.send(t, cora.token, "GET", "/api/v1/timelines/list/"+list.ID, "", ""); r.Status != 404 {
		t.Errorf("another's list = %d; want 404", r.Status)
	}
	do(ben, "accounts/"+anna.id+"/unfollow", url.Values{}, nil)
	ben.sees(home)
	cora.want(200, "DELETE", "/api/v1/statuses/"+theirs.ID, nil, nil)
	cora.sees(local, "hot #Soup", "to myself", "for the town", "three", "two", "one")
}

// Pages put together by the Link header give each status once, in both directions.
func TestTimelinesArePagedByTheirLinks(t *testing.T) {
	w := open(t)
	anna, ben := w.person(t, "anna"), w.person(t, "ben")
	ben.want(200, "POST", "/api/v1/accounts/"+anna.id+"/follow", url.Values{}, nil)
	var want []string
	for range 25 {
		want = append(want, anna.post("a post").ID)
	}
	slices.Reverse(want)
	follow := func(path, rel string) (ids []string) {
		for path != "" {
			var list []status
			r := ben.want(200, "GET", path, nil, &list)
			page := []string{}
			for _, s := range list {
				page = append(page, s.ID)
			}
			if rel == "prev" {
				ids = append(page, ids...)
			} else {
				ids = append(ids, page...)
			}
			path = ""
			for _, l := range strings.Split(r.Header.Get("Link"), ", ") {
				if at, ok := strings.CutSuffix(l, `>; rel="`+rel+`"`); ok && len(list) > 0 {
					path = strings.TrimPrefix(at, "<"+w.URL)
				}
			}
		}
		return ids
	}
	for _, path := range []string{"/api/v1/timelines/home?limit=7", "/api/v1/timelines/public?limit=7&local=true", "/api/v1/accounts/" + anna.id + "/statuses?limit=7"} {
		if got := follow(path, "next"); !slices.Equal(got, want) {
			t.Errorf("%s downwards gives %d statuses; want %d", path, len(got), len(want))
		}
		if got := follow(path+"&min_id="+want[24], "prev"); !slices.Equal(got, want[:24]) {
			t.Errorf("%s upwards gives %d statuses; want 24", path, len(got))
		}
	}
	for _, id := range want[:3] {
		ben.want(200, "POST", "/api/v1/statuses/"+id+"/favourite", url.Values{}, nil)
	}
	if got := follow("/api/v1/favourites?limit=2", "next"); !slices.Equal(got, []string{want[2], want[1], want[0]}) {
		t.Errorf("favourites: %v; want the last marked first", got)
	}
}

// What people say of a page is found by its address, however they wrote it, and only what everybody may read of those who want to be found.
func TestThePublicStatusesThatLinkToAPage(t *testing.T) { onBoth(t, linksToAPage) }

func linksToAPage(t *testing.T, w *town) {
	anna, ben, cora := w.person(t, "anna"), w.person(t, "ben"), w.person(t, "cora")
	const path = "/api/v1/timelines/link?url=https%3A%2F%2Fnews.example%2Fa%3Fb%3D1"
	first := anna.post("Look: https://NEWS.example/a?b=1#top and https://other.example")
	anna.post("https://news.example/a")
	anna.post("https://news.example/a?b=1 for followers", "visibility", "private")
	anna.post("https://news.example/a?b=1 for the town", "visibility", "town")
	anna.post("https://news.example/a?b=1 not for lists", "visibility", "unlisted")
	second := ben.post("[this](https://news.example/a?b=1), and again https://news.example/a?b=1")
	third := anna.post("https://news.example/a?b=1", "spoiler_text", "a page")
	ids := func(path string) (ids []string) {
		t.Helper()
		var list []status
		w.send(t, "", "GET", path, "", "").read(t, 200, path, &list)
		for _, s := range list {
			ids = append(ids, s.ID)
		}
		return ids
	}
	sees := func(path string, want ...string) {
		t.Helper()
		if got := ids(path); !slices.Equal(got, want) {
			t.Errorf("%s = %q; want %q", path, got, want)
		}
	}
	sees(path, third.ID, second.ID, first.ID)
	sees(path+"&limit=2", third.ID, second.ID)
	sees(path+"&limit=2&max_id="+second.ID, first.ID)
	sees(path+"&limit=1&min_id="+first.ID, second.ID)
	sees("/api/v1/timelines/link?url=https://other.example/", first.ID)
	sees("/api/v1/timelines/link?url=https://nobody.example/")
	for _, bad := range []string{"", "?url=", "?url=ftp://news.example/a", "?url=news.example"} {
		w.send(t, "", "GET", "/api/v1/timelines/link"+bad, "", "").read(t, 422, bad, nil)
	}

	anna.want(200, "PUT", "/api/v1/statuses/"+third.ID, url.Values{"status": {"https://elsewhere.example/"}}, nil)
	cora.want(200, "POST", "/api/v1/accounts/"+ben.id+"/block", url.Values{}, nil)
	cora.sees(path, "Look: https://NEWS.example/a?b=1#top and https://other.example")
	sees("/api/v1/timelines/link?url=https://elsewhere.example", third.ID)
	anna.want(200, "DELETE", "/api/v1/statuses/"+first.ID, nil, nil)
	sees(path, second.ID)
	ben.want(200, "PATCH", "/api/v1/accounts/update_credentials", url.Values{"discoverable": {"false"}}, nil)
	sees(path)
}

func TestARevokedTokenEndsItsStream(t *testing.T) {
	w := open(t)
	app := w.register(t)
	w.account(t, "anna")
	token := app.token(t, w, w.consent(t, "anna", app.ask(w, allScopes)), allScopes)
	socket, lines := w.dial(t, "?stream=user&access_token="+token, nil), w.listen(t, token, "/api/v1/streaming/user")
	time.Sleep(300 * time.Millisecond)
	form := url.Values{"token": {token}, "client_id": {app.ID}, "client_secret": {app.Secret}}
	w.send(t, "", "POST", "/oauth/revoke", formKind, form.Encode()).read(t, 200, "revoke", nil)
	end := time.After(5 * time.Second)
	for open := 2; open > 0; {
		select {
		case _, ok := <-socket.messages:
			if !ok {
				open, socket.messages = open-1, nil
			}
		case _, ok := <-lines:
			if !ok {
				open, lines = open-1, nil
			}
		case <-end:
			t.Fatalf("5 s later %d of its 2 streams are still open", open)
		}
	}
}
