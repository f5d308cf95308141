package social

import (
	"encoding/json"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// What breaks apps of Mastodon at servers that are none: a test each.

func TestQuirk01BodiesInEveryForm(t *testing.T) { onBoth(t, bodiesInEveryForm) }

func bodiesInEveryForm(t *testing.T, w *town) {
	anna, ben := w.person(t, "anna"), w.person(t, "ben")
	multi := func(fields map[string]string) [2]string {
		kind, body := parts(t, fields, nil)
		return [2]string{kind, body}
	}
	for name, b := range map[string][2]string{
		"form":  {formKind, "status=Dinner%3F&poll[options][]=Dal&poll[options][]=Pizza&poll[expires_in]=3600&poll[multiple]=true"},
		"json":  {jsonKind, `{"status":"Dinner?","poll":{"options":["Dal","Pizza"],"expires_in":3600,"multiple":true}}`},
		"index": {formKind, "status=Dinner%3F&poll[options][0]=Dal&poll[options][1]=Pizza&poll[expires_in]=3600&poll[multiple]=1"},
		"mixed": {jsonKind, `{"status":"Dinner?","poll":{"options":["Dal","Pizza"],"expires_in":"3600","multiple":"true"}}`},
		"parts": multi(map[string]string{"status": "Dinner?", "poll[options][0]": "Dal", "poll[options][1]": "Pizza", "poll[expires_in]": "3600", "poll[multiple]": "true"}),
	} {
		var got struct {
			Poll struct {
				Multiple bool                     `json:"multiple"`
				Options  []struct{ Title string } `json:"options"`
			} `json:"poll"`
		}
		w.send(t, anna.token, "POST", "/api/v1/statuses", b[0], b[1]).read(t, 200, name, &got)
		if fmt.Sprint(got.Poll) != "{true [{Dal} {Pizza}]}" {
			t.Errorf("%s: %v", name, got.Poll)
		}
	}
	for name, b := range map[string][2]string{
		"form":  {formKind, "display_name=Anna&fields_attributes[0][name]=Street&fields_attributes[0][value]=Main"},
		"json":  {jsonKind, `{"display_name":"Anna","fields_attributes":[{"name":"Street","value":"Main"}]}`},
		"map":   {jsonKind, `{"display_name":"Anna","fields_attributes":{"0":{"name":"Street","value":"Main"}}}`},
		"parts": multi(map[string]string{"display_name": "Anna", "fields_attributes[0][name]": "Street", "fields_attributes[0][value]": "Main"}),
	} {
		var got struct {
			Name   string `json:"display_name"`
			Fields []struct{ Name, Value string }
		}
		w.send(t, anna.token, "PATCH", "/api/v1/accounts/update_credentials", b[0], b[1]).read(t, 200, name, &got)
		if got.Name != "Anna" || len(got.Fields) != 1 || got.Fields[0].Name != "Street" {
			t.Errorf("%s: %+v", name, got)
		}
		w.send(t, anna.token, "PATCH", "/api/v1/accounts/update_credentials", jsonKind, `{"display_name":"x","fields_attributes":[]}`).read(t, 200, "undo", nil)
	}
	// Bodies of DELETE.
	anna.want(200, "POST", "/api/v1/accounts/"+ben.id+"/follow", url.Values{}, nil)
	var list struct {
		ID string `json:"id"`
	}
	anna.want(200, "POST", "/api/v1/lists", url.Values{"title": {"L"}}, &list)
	for name, b := range map[string][2]string{"form": {formKind, "account_ids[]=" + ben.id}, "json": {jsonKind, `{"account_ids":["` + ben.id + `"]}`}} {
		anna.want(200, "POST", "/api/v1/lists/"+list.ID+"/accounts", url.Values{"account_ids[]": {ben.id}}, nil)
		w.send(t, anna.token, "DELETE", "/api/v1/lists/"+list.ID+"/accounts", b[0], b[1]).read(t, 200, name, nil)
		var members []struct{}
		if anna.want(200, "GET", "/api/v1/lists/"+list.ID+"/accounts", nil, &members); len(members) != 0 {
			t.Errorf("DELETE with %s left the list as it was", name)
		}
	}
	for _, q := range []string{"id[]=" + ben.id, "id=" + ben.id, "id%5B%5D=" + ben.id + "&id%5B%5D=" + anna.id} {
		var got []struct {
			ID        string `json:"id"`
			Following bool   `json:"following"`
		}
		if anna.want(200, "GET", "/api/v1/accounts/relationships?"+q, nil, &got); len(got) == 0 || got[0].ID != ben.id || !got[0].Following {
			t.Errorf("%s: %+v", q, got)
		}
	}
}

func TestQuirk02BooleansInEveryWord(t *testing.T) { onBoth(t, booleansInEveryWord) }

func booleansInEveryWord(t *testing.T, w *town) {
	anna := w.person(t, "anna")
	for word, want := range map[string]bool{"true": true, "1": true, "on": true, "t": true, "True": true, "false": false, "0": false, "False": false, "off": false, "f": false} {
		var got struct {
			Sensitive bool `json:"sensitive"`
		}
		anna.want(200, "POST", "/api/v1/statuses", url.Values{"status": {"word " + word}, "sensitive": {word}}, &got)
		if got.Sensitive != want {
			t.Errorf("sensitive=%s is %v", word, got.Sensitive)
		}
		anna.want(200, "GET", "/api/v2/search?q=anna&type=accounts&resolve="+word, nil, nil)
		anna.want(200, "GET", "/api/v1/timelines/public?local="+word, nil, nil)
	}
	anna.want(422, "POST", "/api/v1/statuses", url.Values{"status": {"x"}, "sensitive": {"perhaps"}}, nil)
}

// walk calls fn for every value of a document with the name that it stands under.
func walk(name string, v any, fn func(name string, v any)) {
	fn(name, v)
	switch v := v.(type) {
	case map[string]any:
		for k, below := range v {
			walk(k, below, fn)
		}
	case []any:
		for _, below := range v {
			walk(name, below, fn)
		}
	}
}

// document reads any JSON.
func document(t *testing.T, r reply) (v any) {
	t.Helper()
	if err := json.Unmarshal(r.Body, &v); err != nil {
		t.Fatalf("%v in %.500s", err, r.Body)
	}
	return v
}

// lively is a town in which everything that statuses can carry has happened, and the paths that show it.
func lively(t *testing.T, w *town) (anna, ben *person, paths []string) {
	t.Helper()
	anna, ben = w.person(t, "anna"), w.person(t, "ben")
	ben.want(200, "POST", "/api/v1/accounts/"+anna.id+"/follow", url.Values{}, nil)
	kind, body := parts(t, map[string]string{"description": "A wall"}, map[string][]byte{"file": picture(t, 300, 200)})
	var file media
	w.send(t, anna.token, "POST", "/api/v2/media", kind, body).read(t, 200, "upload", &file)
	post := anna.post("Hello @ben #food https://example.org/a/long/way/to/a/page/of/somebody", "media_ids[]", file.ID, "spoiler_text", "Food")
	anna.post("Poll", "poll[options][]", "a", "poll[options][]", "b", "poll[expires_in]", "3600")
	answer := ben.post("@anna yes", "in_reply_to_id", post.ID)
	for _, verb := range []string{"reblog", "favourite", "bookmark"} {
		ben.want(200, "POST", "/api/v1/statuses/"+post.ID+"/"+verb, url.Values{}, nil)
	}
	ben.post("Quoted", "quoted_status_id", post.ID)
	anna.post("@ben psst", "visibility", "direct")
	ben.want(200, "POST", "/api/v1/lists", url.Values{"title": {"L"}}, nil)
	ben.want(200, "POST", "/api/v2/filters", url.Values{"title": {"F"}, "context[]": {"home"}, "keywords_attributes[0][keyword]": {"spam"}}, nil)
	await(t, "ben is notified", func() bool {
		var list []struct{}
		ben.want(200, "GET", "/api/v1/notifications", nil, &list)
		return len(list) >= 2
	})
	return anna, ben, []string{
		"/api/v1/timelines/home", "/api/v1/timelines/public", "/api/v1/statuses/" + post.ID, "/api/v1/statuses/" + answer.ID, "/api/v1/statuses/" + post.ID + "/context",
		"/api/v1/accounts/" + anna.id, "/api/v1/accounts/verify_credentials", "/api/v1/accounts/relationships?id[]=" + anna.id, "/api/v1/notifications", "/api/v2/notifications",
		"/api/v1/conversations", "/api/v1/lists", "/api/v2/filters", "/api/v1/media/" + file.ID, "/api/v2/search?q=food", "/api/v1/favourites", "/api/v1/bookmarks",
		"/api/v1/statuses/" + post.ID + "/history", "/api/v1/statuses/" + post.ID + "/source", "/api/v1/accounts/" + anna.id + "/statuses", "/api/v1/custom_emojis",
		"/api/v1/announcements", "/api/v1/followed_tags", "/api/v1/trends/tags", "/api/v1/directory", "/api/v2/suggestions", "/api/v1/notifications/policy", "/api/v1/instance",
	}
}

// own reports whether a path of lively is for anna alone.
func own(path string) bool {
	return strings.HasPrefix(path, "/api/v1/media/") || strings.HasSuffix(path, "/source")
}

func TestQuirk03IDsAreStringsThatSort(t *testing.T) { onBoth(t, idsAreStringsThatSort) }

func idsAreStringsThatSort(t *testing.T, w *town) {
	_, ben, paths := lively(t, w)
	for _, path := range paths {
		if own(path) {
			continue
		}
		seen := 0
		walk("", document(t, ben.want(200, "GET", path, nil, nil)), func(name string, v any) {
			if name != "id" && !strings.HasSuffix(name, "_id") || name == "most_recent_notification_id" { // Mastodon documents that one as a number
				return
			}
			switch v := v.(type) {
			case string:
				seen++
			case nil, map[string]any, []any:
			default:
				t.Errorf("%s: %s is %v", path, name, v)
			}
		})
		if seen == 0 && strings.Contains(path, "timelines") {
			t.Errorf("%s has no ids", path)
		}
	}
	last := ""
	for i := range 30 {
		got := ben.post(fmt.Sprint("number ", i)).ID
		if len(got) < len(last) || len(got) == len(last) && got <= last {
			t.Errorf("%s after %s", got, last)
		}
		last = got
	}
}

var linkOf = regexp.MustCompile(`^(?:<([^>]+)>; rel="next")?(?:, )?(?:<([^>]+)>; rel="prev")?$`)

func TestQuirk04PagesByTheLinkHeader(t *testing.T) { onBoth(t, pagesByTheLinkHeader) }

func pagesByTheLinkHeader(t *testing.T, w *town) {
	anna := w.person(t, "anna")
	var made []string
	for i := range 7 {
		made = append(made, anna.post(fmt.Sprint("number ", i)).ID)
	}
	page := func(path string) (list []status, next, prev string) {
		t.Helper()
		r := anna.want(200, "GET", path, nil, &list)
		if m := linkOf.FindStringSubmatch(r.Header.Get("Link")); m != nil {
			return list, m[1], m[2]
		}
		if r.Header.Get("Link") != "" {
			t.Errorf("GET %s: Link %q; want next first, then prev", path, r.Header.Get("Link"))
		}
		return list, "", ""
	}
	want := func(what string, got []status, numbers ...int) {
		t.Helper()
		var out []string
		for _, n := range numbers {
			out = append(out, made[n])
		}
		if ids(got) != fmt.Sprint(out) {
			t.Errorf("%s: %s; want %v", what, ids(got), out)
		}
	}
	list, next, prev := page("/api/v1/timelines/public?local=true&limit=3")
	want("first", list, 6, 5, 4)
	u, err := url.Parse(next)
	if err != nil || !strings.HasPrefix(next, w.URL) || u.Query().Get("local") != "true" || u.Query().Get("limit") != "3" || u.Query().Get("max_id") != made[4] {
		t.Errorf("next is %s", next)
	}
	if p, err := url.Parse(prev); err != nil || p.Query().Get("min_id") != made[6] || p.Query().Get("max_id") != "" {
		t.Errorf("prev is %s", prev)
	}
	list, next, _ = page(strings.TrimPrefix(next, w.URL))
	want("second", list, 3, 2, 1)
	list, _, prev = page(strings.TrimPrefix(next, w.URL))
	want("third", list, 0)
	list, _, _ = page(strings.TrimPrefix(prev, w.URL))
	want("back", list, 3, 2, 1)
	list, _, _ = page("/api/v1/timelines/home?since_id=" + made[1] + "&limit=2")
	want("since_id: the newest above", list, 6, 5)
	list, _, _ = page("/api/v1/timelines/home?min_id=" + made[1] + "&limit=2")
	want("min_id: those directly above, newest first", list, 3, 2)
	list, _, _ = page("/api/v1/accounts/" + anna.id + "/statuses?max_id=" + made[2] + "&limit=40")
	want("max_id is not in it", list, 1, 0)

	// Lists of people are paged by ids that only the header knows.
	var names []string
	for _, name := range []string{"ben", "cleo", "dan"} {
		p := w.person(t, name)
		p.want(200, "POST", "/api/v1/accounts/"+anna.id+"/follow", url.Values{}, nil)
		p.want(200, "POST", "/api/v1/statuses/"+made[0]+"/favourite", url.Values{}, nil)
	}
	for _, path := range []string{"/api/v1/accounts/" + anna.id + "/followers?limit=1", "/api/v1/statuses/" + made[0] + "/favourited_by?limit=1"} {
		names = nil
		for at := path; at != "" && len(names) < 5; {
			var people []struct{ Username string }
			r := anna.want(200, "GET", at, nil, &people)
			for _, p := range people {
				names = append(names, p.Username)
			}
			at = ""
			if m := linkOf.FindStringSubmatch(r.Header.Get("Link")); m != nil && len(people) > 0 {
				at = strings.TrimPrefix(m[1], w.URL)
			}
		}
		if slices.Sort(names); fmt.Sprint(names) != "[ben cleo dan]" {
			t.Errorf("%s leads to %v", path, names)
		}
	}
}

var (
	timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
	dateForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	lists    = strings.Fields("emojis fields media_attachments mentions tags roles options own_votes filtered context keywords statuses accounts hashtags languages rules ancestors descendants keyword_matches history")
	needed   = map[string][]string{
		"status":  strings.Fields("id uri account content created_at emojis reblogs_count favourites_count replies_count sensitive spoiler_text visibility media_attachments mentions tags filtered"),
		"account": strings.Fields("id username acct display_name created_at note url avatar avatar_static header header_static followers_count following_count statuses_count locked bot emojis fields"),
	}
)

func TestQuirk05NothingIsNullThatAppsRead(t *testing.T) { onBoth(t, nothingIsNullThatAppsRead) }

func nothingIsNullThatAppsRead(t *testing.T, w *town) {
	anna, ben, paths := lively(t, w)
	statuses, accounts := 0, 0
	for _, path := range paths {
		who := ben
		if own(path) {
			who = anna
		}
		walk("", document(t, who.want(200, "GET", path, nil, nil)), func(name string, v any) {
			if slices.Contains(lists, name) && v == nil {
				t.Errorf("%s: the list %s is null", path, name)
			}
			s, _ := v.(string)
			switch {
			case name == "last_status_at" && v != nil && !dateForm.MatchString(s):
				t.Errorf("%s: last_status_at is %v; want a date", path, v)
			case strings.HasSuffix(name, "_at") && name != "last_status_at" && v != nil && !timeForm.MatchString(s):
				t.Errorf("%s: %s is %v; want milliseconds and Z", path, name, v)
			case (name == "avatar" || name == "avatar_static" || name == "header" || name == "header_static") && !strings.HasPrefix(s, w.URL+"/"):
				t.Errorf("%s: %s is %v; want an absolute address", path, name, v)
			}
			o, _ := v.(map[string]any)
			kind := ""
			if _, ok := o["spoiler_text"]; ok && o["visibility"] != nil && o["content"] != nil {
				kind = "status"
				statuses++
			} else if _, ok := o["acct"]; ok && o["note"] != nil {
				kind = "account"
				accounts++
			}
			for _, field := range needed[kind] {
				if o[field] == nil {
					t.Errorf("%s: a %s without %s", path, kind, field)
				}
			}
		})
	}
	if statuses < 10 || accounts < 10 {
		t.Errorf("%d statuses and %d accounts were looked at", statuses, accounts)
	}
	var rel []map[string]any
	ben.want(200, "GET", "/api/v1/accounts/relationships?id[]="+anna.id, nil, &rel)
	for _, name := range strings.Fields("following showing_reblogs notifying followed_by blocking blocked_by muting muting_notifications requested requested_by domain_blocking endorsed") {
		if _, ok := rel[0][name].(bool); !ok {
			t.Errorf("the relationship's %s is %v", name, rel[0][name])
		}
	}
	// What the addresses lead to is there.
	var me map[string]any
	ben.want(200, "GET", "/api/v1/accounts/verify_credentials", nil, &me)
	for _, name := range []string{"avatar", "header"} {
		r := w.send(t, "", "GET", strings.TrimPrefix(me[name].(string), w.URL), "", "")
		if _, _, err := image.DecodeConfig(strings.NewReader(string(r.Body))); r.Status != 200 || err != nil {
			t.Errorf("%s %v: %d, %v", name, me[name], r.Status, err)
		}
	}
}

func TestQuirk06TheInstanceSaysAllThatAppsAsk(t *testing.T) {
	w := open(t, "--set", "signup.rules=Be kind.")
	w.person(t, "anna", "admin")
	doc := document(t, w.send(t, "", "GET", "/api/v2/instance", "", "").read(t, 200, "instance", nil))
	for _, path := range strings.Fields(`domain title version source_url description usage.users.active_month thumbnail.url icon languages configuration.urls.streaming
		configuration.vapid.public_key configuration.accounts.max_featured_tags configuration.statuses.max_characters configuration.statuses.max_media_attachments
		configuration.statuses.characters_reserved_per_url configuration.media_attachments.supported_mime_types configuration.media_attachments.image_size_limit
		configuration.media_attachments.image_matrix_limit configuration.media_attachments.video_size_limit configuration.media_attachments.video_frame_rate_limit
		configuration.media_attachments.video_matrix_limit configuration.media_attachments.description_limit configuration.polls.max_options
		configuration.polls.max_characters_per_option configuration.polls.min_expiration configuration.polls.max_expiration configuration.translation.enabled
		configuration.timelines_access registrations.enabled registrations.approval_required registrations.url api_versions.mastodon contact.email contact.account.id rules`) {
		v := doc
		for _, name := range strings.Split(path, ".") {
			o, _ := v.(map[string]any)
			v = o[name]
		}
		if v == nil {
			t.Errorf("there is no %s", path)
		}
	}
	rule := doc.(map[string]any)["rules"].([]any)[0].(map[string]any)
	if rule["id"] != "1" || rule["text"] != "Be kind." || rule["hint"] != "" {
		t.Errorf("%v", rule)
	}
	for _, path := range []string{"/api/v1/instance", "/api/v1/instance/rules", "/api/v1/instance/peers", "/api/v1/instance/activity", "/api/v1/instance/domain_blocks", "/api/v1/instance/privacy_policy", "/api/v1/instance/extended_description", "/api/v1/instance/terms_of_service", "/api/v1/instance/translation_languages", "/api/v1/instance/languages"} {
		if r := w.send(t, "", "GET", path, "", ""); r.Status != 200 || r.Header.Get("Access-Control-Allow-Origin") != "*" || !json.Valid(r.Body) {
			t.Errorf("GET %s = %d %v", path, r.Status, r.Header)
		}
	}
}

func TestQuirk07TheVersionIsOneThatAppsKnow(t *testing.T) {
	w := open(t)
	var v1, v2 struct{ Version string }
	w.send(t, "", "GET", "/api/v1/instance", "", "").read(t, 200, "v1", &v1)
	w.send(t, "", "GET", "/api/v2/instance", "", "").read(t, 200, "v2", &v2)
	if v1 != v2 || !regexp.MustCompile(`^\d+\.\d+\.\d+ \(compatible; Stoa [^)]+\)$`).MatchString(v2.Version) {
		t.Errorf("versions %q and %q", v1.Version, v2.Version)
	}
	var nodes struct {
		Links []struct{ Rel, Href string }
	}
	w.send(t, "", "GET", "/.well-known/nodeinfo", "", "").read(t, 200, "nodeinfo", &nodes)
	for _, l := range nodes.Links {
		var doc struct {
			Version  string
			Software struct{ Name, Version string }
			Usage    struct{ Users map[string]int }
		}
		w.send(t, "", "GET", strings.TrimPrefix(l.Href, w.URL), "", "").read(t, 200, l.Href, &doc)
		if doc.Software.Name != "stoa" || doc.Software.Version == "" || !strings.HasSuffix(l.Rel, doc.Version) {
			t.Errorf("%s: %+v", l.Href, doc)
		}
	}
	if len(nodes.Links) != 2 {
		t.Errorf("%+v", nodes)
	}
}

func TestQuirk09OnlyTheCodeFlowSignsPeopleIn(t *testing.T) { onBoth(t, onlyTheCodeFlowSignsPeopleIn) }

func onlyTheCodeFlowSignsPeopleIn(t *testing.T, w *town) {
	anna := w.person(t, "anna")
	a := w.register(t)
	token := func(form url.Values) reply {
		return w.send(t, "", "POST", "/oauth/token", formKind, form.Encode())
	}
	own := url.Values{"client_id": {a.ID}, "client_secret": {a.Secret}, "redirect_uri": {oob}}
	with := func(more ...string) url.Values {
		form := url.Values{}
		for k, v := range own {
			form[k] = v
		}
		for i := 0; i+1 < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form
	}
	var e struct{ Error string }
	token(with("grant_type", "password", "username", "anna", "password", "x")).read(t, 400, "password", &e)
	if e.Error == "" {
		t.Error("no error said")
	}
	var app struct {
		Token string `json:"access_token"`
	}
	token(with("grant_type", "client_credentials", "scope", "read write")).read(t, 200, "client credentials", &app)
	w.send(t, app.Token, "GET", "/api/v1/apps/verify_credentials", "", "").read(t, 200, "app", nil)
	w.send(t, app.Token, "GET", "/api/v1/timelines/home", "", "").read(t, 401, "an app is nobody", nil)
	code := w.consent(t, "anna", a.ask(w, "read:statuses"))
	narrow := a.token(t, w, code, "read:statuses")
	w.send(t, narrow, "GET", "/api/v1/timelines/home", "", "").read(t, 200, "what it may", nil)
	w.send(t, narrow, "POST", "/api/v1/statuses", formKind, "status=x").read(t, 403, "what it may not", &e)
	token(with("grant_type", "authorization_code", "code", code)).read(t, 400, "a code that was used", nil)
	// The address with a slash at its end leads to the page as well.
	w.consent(t, "anna", strings.Replace(a.ask(w, "read"), "/oauth/authorize?", "/oauth/authorize/?", 1))
	// An app of its own makes an account.
	form := url.Values{"username": {"cleo"}, "email": {"cleo@example.org"}, "password": {"stoa-of-attalos-18"}, "agreement": {"true"}, "locale": {"en"}}
	var made struct {
		Token string `json:"access_token"`
	}
	w.send(t, app.Token, "POST", "/api/v1/accounts", formKind, form.Encode()).read(t, 200, "sign up", &made)
	cleo := &person{t: t, town: w, name: "cleo", token: made.Token}
	var me struct{ Username string }
	if cleo.want(200, "GET", "/api/v1/accounts/verify_credentials", nil, &me); me.Username != "cleo" {
		t.Errorf("%+v", me)
	}
	w.send(t, "", "POST", "/api/v1/accounts", formKind, form.Encode()).read(t, 401, "sign up without an app", nil)
	_ = anna
}

func TestQuirk10ErrorsAreInTheirForm(t *testing.T) {
	onBoth(t, errorsAreInTheirForm, "--set", "limits.rate=on", "--set", "limits.api=60/5m")
}

func errorsAreInTheirForm(t *testing.T, w *town) {
	anna, ben := w.person(t, "anna"), w.person(t, "ben")
	secret := anna.post("only for who follows me", "visibility", "private")
	direct := anna.post("for myself", "visibility", "direct")
	for name, c := range map[string]struct {
		token, method, path, form string
		status                    int
	}{
		"bad token":       {"nonsense", "GET", "/api/v1/timelines/home", "", 401},
		"no token":        {"", "GET", "/api/v1/timelines/home", "", 401},
		"hidden":          {ben.token, "GET", "/api/v1/statuses/" + secret.ID, "", 404},
		"direct":          {ben.token, "POST", "/api/v1/statuses/" + direct.ID + "/favourite", "", 404},
		"none":            {ben.token, "GET", "/api/v1/statuses/1", "", 404},
		"no id":           {ben.token, "GET", "/api/v1/statuses/nonsense", "", 404},
		"no account":      {ben.token, "POST", "/api/v1/accounts/77/follow", "", 404},
		"empty":           {ben.token, "POST", "/api/v1/statuses", "status=", 422},
		"too long":        {ben.token, "POST", "/api/v1/statuses", "status=" + strings.Repeat("x", 20000), 422},
		"bad visibility":  {ben.token, "POST", "/api/v1/statuses", "status=x&visibility=everywhere", 422},
		"others' file":    {ben.token, "POST", "/api/v1/statuses", "status=x&media_ids[]=12345", 422},
		"another's":       {ben.token, "DELETE", "/api/v1/statuses/" + secret.ID, "", 404},
		"unknown v1":      {"", "GET", "/api/v1/nothing/here", "", 404},
		"unknown v2":      {"", "POST", "/api/v2/nothing", "", 404},
		"unknown, signed": {ben.token, "GET", "/api/v1/statuses/" + secret.ID + "/nothing", "", 404},
		"wrong method":    {ben.token, "PUT", "/api/v1/timelines/home", "", 405},
	} {
		r := w.send(t, c.token, c.method, c.path, formKind, c.form)
		var e map[string]any
		if err := json.Unmarshal(r.Body, &e); r.Status != c.status || err != nil || e["error"] == "" || e["error"] == nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %d %s; want %d and an error in JSON", name, r.Status, r.Body, c.status)
		}
		if r.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: other sites can't read the error", name)
		}
	}
	// Too many requests.
	for i := range 400 {
		r := w.send(t, ben.token, "GET", "/api/v1/accounts/verify_credentials", "", "")
		if r.Status == 200 {
			continue
		}
		var e map[string]any
		if err := json.Unmarshal(r.Body, &e); r.Status != 429 || err != nil || e["error"] == nil {
			t.Fatalf("request %d: %d %s", i, r.Status, r.Body)
		}
		if r.Header.Get("X-RateLimit-Limit") == "" || r.Header.Get("X-RateLimit-Remaining") != "0" || r.Header.Get("Retry-After") == "" {
			t.Errorf("headers %v", r.Header)
		}
		if _, err := time.Parse(time.RFC3339, r.Header.Get("X-RateLimit-Reset")); err != nil {
			t.Errorf("X-RateLimit-Reset: %v", err)
		}
		return
	}
	t.Error("400 requests were not too many")
}

func TestQuirk11ContentIsSafeHTML(t *testing.T) { onBoth(t, contentIsSafeHTML) }

func contentIsSafeHTML(t *testing.T, w *town) {
	anna := w.person(t, "anna")
	w.person(t, "ben")
	long := "https://example.org/" + strings.Repeat("way/", 60)
	s := anna.post("Hello @ben, #food & <b>more</b> <script>alert(1)</script>\n\nSee " + long + "\nand javascript:alert(1)")
	for _, want := range []string{
		`<p>`, `</p><p>`, `<br`, `class="u-url mention"`, `class="mention hashtag"`, `>#<span>food</span></a>`, `href="` + w.URL + `/@ben"`, `&amp;`, `&lt;script&gt;`,
		`<span class="invisible">https://</span>`, `class="ellipsis"`, `href="` + long + `"`, `rel="nofollow`,
	} {
		if !strings.Contains(s.Content, want) {
			t.Errorf("the content has no %s:\n%s", want, s.Content)
		}
	}
	for _, never := range []string{"<script", "<b>", `href="javascript`} {
		if strings.Contains(s.Content, never) {
			t.Errorf("the content has %s:\n%s", never, s.Content)
		}
	}
	// Every address counts as 23 characters, and a mention without its server.
	var doc struct {
		Configuration struct {
			Statuses struct {
				Max  int `json:"max_characters"`
				Link int `json:"characters_reserved_per_url"`
			}
		}
	}
	w.send(t, "", "GET", "/api/v2/instance", "", "").read(t, 200, "instance", &doc)
	left := doc.Configuration.Statuses.Max - doc.Configuration.Statuses.Link - 1
	if doc.Configuration.Statuses.Link != 23 || left < 100 {
		t.Fatalf("%+v", doc)
	}
	anna.want(200, "POST", "/api/v1/statuses", url.Values{"status": {strings.Repeat("é", left) + " " + long}}, nil)
	anna.want(422, "POST", "/api/v1/statuses", url.Values{"status": {strings.Repeat("é", left+1) + " " + long}}, nil)
}

func TestQuirk12FilesWithAndWithoutNames(t *testing.T) { onBoth(t, filesWithAndWithoutNames) }

func filesWithAndWithoutNames(t *testing.T, w *town) {
	anna, ben := w.person(t, "anna"), w.person(t, "ben")
	body := string(picture(t, 1200, 800))
	bare := "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n" + body + "\r\n--x--\r\n"
	typed := "--x\r\nContent-Disposition: form-data; name=\"file\"\r\nContent-Type: application/octet-stream\r\n\r\n" + body + "\r\n--x--\r\n"
	liar := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"virus.exe\"\r\nContent-Type: video/mp4\r\n\r\n" + body + "\r\n--x--\r\n"
	var a media
	for name, b := range map[string]string{"no name, no type": bare, "no name": typed, "wrong name and type": liar} {
		for _, path := range []string{"/api/v1/media", "/api/v2/media"} {
			w.send(t, anna.token, "POST", path, `multipart/form-data; boundary="x"`, b).read(t, 200, name, &a)
			if a.Type != "image" || a.Hash == "" || a.Meta.Original.Width != 1200 || a.Meta.Small.Width == 0 || a.Meta.Small.Width > 1200 {
				t.Errorf("%s: %+v", name, a)
			}
		}
	}
	kind, form := parts(t, map[string]string{"description": "A wall", "focus": "-0.5,0.25"}, map[string][]byte{"file": []byte(body), "thumbnail": picture(t, 100, 100)})
	doc := document(t, w.send(t, anna.token, "POST", "/api/v2/media", kind, form).read(t, 200, "all", &a))
	focus := doc.(map[string]any)["meta"].(map[string]any)["focus"].(map[string]any)
	if focus["x"] != -0.5 || focus["y"] != 0.25 || *a.Text != "A wall" {
		t.Errorf("%v", doc)
	}
	w.send(t, anna.token, "GET", "/api/v1/media/"+a.ID, "", "").read(t, 200, "get", nil)
	w.send(t, ben.token, "GET", "/api/v1/media/"+a.ID, "", "").read(t, 404, "another's", nil)
	w.send(t, anna.token, "PUT", "/api/v1/media/"+a.ID, jsonKind, `{"description":"A red wall","focus":"0,0"}`).read(t, 200, "put", &a)
	if *a.Text != "A red wall" {
		t.Errorf("%+v", a)
	}
	post := anna.post("", "media_ids[]", a.ID, "visibility", "private")
	if len(post.Media) != 1 || post.Media[0].ID != a.ID {
		t.Errorf("%+v", post)
	}
	r := w.send(t, "", "GET", strings.TrimPrefix(post.Media[0].URL, w.URL), "", "", "Range", "bytes=0-3")
	if r.Status != http.StatusPartialContent || len(r.Body) != 4 || r.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%d %v", r.Status, r.Header)
	}
	w.send(t, anna.token, "DELETE", "/api/v1/media/"+a.ID, "", "").read(t, 422, "delete from under a post", nil)
	for name, content := range map[string][]byte{"page": []byte("<html><script>alert(1)</script></html>"), "svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`)} {
		kind, form := parts(t, nil, map[string][]byte{"file": content})
		w.send(t, anna.token, "POST", "/api/v2/media", kind, form).read(t, 422, name, nil)
	}
	kind, form = parts(t, map[string]string{"description": "x"}, nil)
	w.send(t, anna.token, "POST", "/api/v2/media", kind, form).read(t, 422, "no file", nil)
	for size, want := range map[int]int{20 << 20: 422, 41 << 20: 413, 70 << 20: 413} {
		kind, form = parts(t, nil, map[string][]byte{"file": make([]byte, size)})
		var e struct{ Error string }
		if w.send(t, anna.token, "POST", "/api/v2/media", kind, form).read(t, want, fmt.Sprint(size>>20, " MB"), &e); e.Error == "" {
			t.Errorf("%d MB are refused without a word", size>>20)
		}
	}
}

func TestQuirk13NobodyHasToSayWhatTheyAre(t *testing.T) {
	w := open(t)
	anna := w.person(t, "anna")
	for _, agent := range []string{"", "x", strings.Repeat("long ", 200)} {
		r := w.send(t, anna.token, "GET", "/api/v1/timelines/home", "", "", "User-Agent", agent)
		if r.Status != 200 {
			t.Errorf("as %.20q: %d", agent, r.Status)
		}
	}
}

func TestQuirk14PlainHTTPOnThisMachine(t *testing.T) {
	w := open(t)
	_, ben, paths := lively(t, w)
	for _, path := range paths {
		if own(path) {
			continue
		}
		walk("", document(t, ben.want(200, "GET", path, nil, nil)), func(name string, v any) {
			s, _ := v.(string)
			if strings.HasPrefix(s, "https://127.") || strings.HasPrefix(s, "wss://") || strings.HasPrefix(s, "http://127.") && !strings.HasPrefix(s, w.URL) {
				t.Errorf("%s: %s is %s at a server that is %s", path, name, s, w.URL)
			}
		})
	}
	var doc struct {
		Configuration struct{ Urls struct{ Streaming string } }
	}
	w.send(t, "", "GET", "/api/v2/instance", "", "").read(t, 200, "instance", &doc)
	if doc.Configuration.Urls.Streaming != "ws"+strings.TrimPrefix(w.URL, "http") {
		t.Errorf("streams are at %s", doc.Configuration.Urls.Streaming)
	}
}
