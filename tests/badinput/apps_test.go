package badinput

import (
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/tests/harness"
)

// appFields are the names under which apps of Mastodon send something, to whatever route.
var appFields = strings.Fields(`id id[] limit max_id since_id min_id offset q type types[] exclude_types[] account_id status in_reply_to_id media_ids[] media_ids poll poll[options][]
	poll[expires_in] poll[multiple] visibility language scheduled_at spoiler_text sensitive quoted_status_id quote_approval_policy title replies_policy exclusive account_ids[]
	phrase context context[] expires_in filter_action keywords_attributes keywords_attributes[0][keyword] keyword whole_word status_id choices choices[] display_name note locked
	fields_attributes fields_attributes[0][name] source source[privacy] avatar reblogs notify languages[] duration notifications comment domain acct resolve following only_media
	local remote any[] all[] none[] tagged pinned home[last_read_id] home subscription subscription[endpoint] subscription[keys][p256dh] data data[alerts][mention] data[policy] focus
	description thumbnail status_ids[] category rule_ids[] name username email password agreement locale keys[] start_at end_at frequency for_not_following ids[] lang order mode`)

// appInputs returns inputs for a route of Mastodon's API of which nearly all are wrong.
func appInputs(r *rand.Rand, method, path string, n int) []input {
	var out []input
	add := func(what, path, kind, body string) {
		in := input{what, method, path, map[string]string{"Content-Type": kind}, nil}
		if method == "GET" {
			if body != "" && kind == "application/x-www-form-urlencoded" {
				in.path += "?" + body
			}
			in.header = map[string]string{}
		} else {
			in.body = []byte(body)
		}
		out = append(out, in)
	}
	text := func() string { return badTexts[r.IntN(len(badTexts))] }
	field := func() string { return appFields[r.IntN(len(appFields))] }
	fill := func(with func() string) string {
		parts := strings.Split(path, "/")
		for i, p := range parts {
			if strings.HasPrefix(p, "{") {
				parts[i] = url.PathEscape(with())
			}
		}
		return strings.Join(parts, "/")
	}
	one := fill(func() string { return "1" })
	whole := []string{"", "{", "[]", "null", "\x00", "{}{}", `{"":{}}`, `"x"`, strings.Repeat("[", 20_000), `{"a":` + strings.Repeat(`{"a":`, 5000), "%", "a[b[c]]=1", "[]=1", "a[][][][]=1&a=2"}
	for _, body := range whole {
		if method == "GET" && len(body) > 1000 {
			continue // no address may be that long
		}
		add("the body "+show(body), one, "application/json", body)
		add("the form "+show(body), one, "application/x-www-form-urlencoded", body)
	}
	add("a broken form in parts", one, "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nno file\r\n--x\r\n")
	add("parts without a boundary", one, "multipart/form-data", "x")
	add("a file that is none", one, "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../../a.png\"\r\nContent-Type: image/png\r\n\r\nno file\r\n--x--\r\n")
	for len(out) < n {
		switch r.IntN(3) {
		case 0:
			add("a bad path", fill(text), "application/x-www-form-urlencoded", "")
		case 1:
			form := url.Values{}
			for range 1 + r.IntN(4) {
				form.Add(field(), text())
			}
			add("the form "+show(form.Encode()), one, "application/x-www-form-urlencoded", form.Encode())
		default:
			doc := map[string]any{}
			for range 1 + r.IntN(4) {
				v := badValues[r.IntN(len(badValues))]
				if _, none := v.(nothing); !none {
					doc[strings.TrimSuffix(field(), "[]")] = v
				}
			}
			add("the document "+show(string(encode(doc))), one, "application/json", string(encode(doc)))
		}
	}
	return out
}

// wrongForApps says what is wrong about an answer to an app: below 500, and its errors are documents with a sentence.
func wrongForApps(a answer) string {
	switch {
	case a.err != nil:
		return a.err.Error()
	case a.status >= 500:
		return "a server error"
	case a.status >= 400:
		var out struct {
			Error string `json:"error"`
		}
		if err := json.Unmarshal(a.body, &out); err != nil || out.Error == "" {
			return "an error without a sentence for apps"
		}
	}
	return ""
}

func TestNoAppBreaksTheServerByBadInput(t *testing.T) {
	each := 44 // 30 that are the same for all routes, and some by chance
	if longRun() {
		each = 1000
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "api", "routes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	harness.Databases(t, func(t *testing.T, args ...string) {
		w := newWorld(t, args...)
		r := newReport()
		seed, count := rand.New(rand.NewPCG(3, 3)), 0
		for line := range strings.Lines(string(text)) {
			pattern, _, _ := strings.Cut(line, "  ")
			method, path, _ := strings.Cut(pattern, " ")
			if !strings.HasPrefix(path, "/api/v1/") && !strings.HasPrefix(path, "/api/v2/") || strings.HasPrefix(path, "/api/v1/streaming") {
				continue
			}
			n := 2
			if path == "/api/v1/accounts" && method == "POST" { // hashing passwords is slow on purpose
				n = 1
			}
			w.all(r, appInputs(seed, method, path, each), min(n, len(w.people)), wrongForApps)
			count++
		}
		if count < 150 {
			t.Errorf("only %d routes of Mastodon's API were asked", count)
		}
		t.Logf("%d routes", count)
		r.fail(t, w)
	})
}
