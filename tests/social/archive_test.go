package social

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// archived returns an archive as a server of Mastodon makes it: so many posts of 2019, the first with a picture.
func archived(t *testing.T, posts int) []byte {
	t.Helper()
	var items string
	for i := range posts {
		more := ""
		if i == 0 {
			more = `,"attachment":[{"type":"Document","mediaType":"image/png","url":"https://files.old.example/media_attachments/files/1/original/pot.png","name":"A pot"}]`
		}
		items += fmt.Sprintf(`{"type":"Create","actor":"https://old.example/users/anna","object":{"type":"Note","id":"https://old.example/users/anna/statuses/%d","attributedTo":"https://old.example/users/anna",
			"published":"2019-05-04T10:00:%02dZ","to":["https://www.w3.org/ns/activitystreams#Public"],"content":"<p>Old times %d <a href=\"https://old.example/tags/soup\" class=\"mention hashtag\">#<span>soup</span></a></p>"%s}},`, i, i, i, more)
	}
	items += `{"type":"Announce","actor":"https://old.example/users/anna","object":"https://other.example/1"}`
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, body := range map[string][]byte{"outbox.json": []byte(`{"orderedItems":[` + items + `]}`), "media_attachments/files/1/original/pot.png": picture(t, 40, 30)} {
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write(body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnArchivesPostsComeAlong(t *testing.T) {
	w := open(t)
	anna, ben := w.person(t, "anna"), w.person(t, "ben")
	ben.want(200, "POST", "/api/v1/accounts/"+anna.id+"/follow", url.Values{"notify": {"true"}}, nil)
	anna.post("I am here now")
	bring := func() {
		t.Helper()
		kind, body := parts(t, map[string]string{"type": "posts"}, map[string][]byte{"data": archived(t, 12)})
		w.send(t, anna.token, "POST", "/api/v1/import", kind, body).read(t, 202, "import", nil)
		await(t, "the archive is taken in", func() bool {
			var list []struct {
				Type   string `json:"type"`
				State  string `json:"state"`
				Done   int    `json:"done"`
				Failed int    `json:"failed"`
			}
			anna.want(200, "GET", "/api/v1/imports", nil, &list)
			if list[0].Failed > 0 {
				t.Fatalf("%+v", list)
			}
			return list[0].State == "done" && list[0].Done == 12 && list[0].Type == "posts"
		})
	}
	streams := map[string]*socket{"user": w.dial(t, "?stream=user&access_token="+ben.token, nil), "public": w.dial(t, "?stream=public&access_token="+ben.token, nil)}
	for range 2 { // the second time nothing is new
		bring()
		var list []status
		anna.want(200, "GET", "/api/v1/accounts/"+anna.id+"/statuses?limit=40", nil, &list)
		if len(list) != 13 || list[0].Content != "<p>I am here now</p>" || len(list[12].Media) != 1 {
			t.Fatalf("%d posts: %+v", len(list), list)
		}
	}
	var notices []struct {
		Type string `json:"type"`
	}
	await(t, "anna is told", func() bool {
		anna.want(200, "GET", "/api/v1/notifications?types[]=stoa.import.done", nil, &notices)
		return len(notices) == 2
	})
	var told []struct {
		Status *status `json:"status"`
	}
	ben.want(200, "GET", "/api/v1/notifications?types[]=status", nil, &told)
	if slices.ContainsFunc(told, func(n struct {
		Status *status `json:"status"`
	},
	) bool {
		return n.Status != nil && n.Status.Content != "<p>I am here now</p>"
	}) {
		t.Errorf("ben was told of %+v", told)
	}
	// Nor was anybody's open page or app told of what it has never shown.
	anna.post("I am here for good")
	for name, s := range streams {
		for at := (message{}); !strings.Contains(at.Payload, "for good"); {
			select {
			case at = <-s.messages:
				if at.Event == "status.update" {
					t.Fatalf("%s: told of %s", name, at.Payload)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("%s: nothing came of what was posted last", name)
			}
		}
	}
	kind, body := parts(t, map[string]string{"type": "posts"}, map[string][]byte{"data": []byte("no zip")})
	w.send(t, anna.token, "POST", "/api/v1/import", kind, body).read(t, 422, "no archive", nil)
}
