package archive

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/contract/social"
)

func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, body := range files {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(body))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func readZip(t *testing.T, body []byte) ([]Post, Left, error) {
	t.Helper()
	if Alone(bytes.NewReader(body)) {
		t.Errorf("%.20q is taken for an outbox", body)
	}
	z, err := Open(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, Left{}, err
	}
	return Read(z, noon)
}

const outbox = `{"@context":"https://www.w3.org/ns/activitystreams","id":"outbox.json","type":"OrderedCollection","totalItems":5,"orderedItems":[
{"id":"https://old.example/users/anna/statuses/2/activity","type":"Create","actor":"https://old.example/users/anna","object":
 {"id":"https://old.example/users/anna/statuses/2","type":"Note","summary":"food","inReplyTo":"https://old.example/users/anna/statuses/1","published":"2019-05-04T10:00:00Z",
 "attributedTo":"https://old.example/users/anna","to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["https://old.example/users/anna/followers"],"sensitive":true,
 "content":"<p>With <span class=\"h-card\"><a href=\"https://other.example/@ben\" class=\"u-url mention\">@<span>ben</span></a></span> at <a href=\"https://example.com/a?b=1&amp;c\"><span class=\"invisible\">https://</span><span>example.com/a</span></a></p><p>Two &lt;b&gt;<br />lines <a href=\"https://old.example/tags/soup\" class=\"mention hashtag\" rel=\"tag\">#<span>soup</span></a></p>",
 "contentMap":{"de":"x"},"attachment":[{"type":"Document","mediaType":"image/png","url":"/media_attachments/files/001/original/a.png","name":"A pot","focalPoint":[0.5,-2]}]}},
{"type":"Create","actor":"https://old.example/users/anna","object":{"id":"https://old.example/users/anna/statuses/1","type":"Note","inReplyTo":"https://other.example/1","published":"2018-05-04T10:00:00Z",
 "attributedTo":"https://old.example/users/anna","to":"https://old.example/users/anna/followers","cc":[],"content":"<p>First</p>"}},
{"type":"Announce","actor":"https://old.example/users/anna","published":"2019-05-04T10:00:00Z","object":"https://other.example/2"},
{"type":"Create","actor":"https://old.example/users/anna","object":{"id":"https://old.example/users/anna/statuses/3","type":"Note","published":"2018-05-04T10:00:00Z",
 "attributedTo":"https://old.example/users/anna","to":["https://other.example/users/ben"],"content":"<p>secret</p>"}},
{"type":"Create","actor":"https://old.example/users/anna","object":{"id":"https://old.example/users/ben/statuses/4","type":"Note","published":"2018-05-04T10:00:00Z",
 "attributedTo":"https://old.example/users/ben","to":["https://www.w3.org/ns/activitystreams#Public"],"content":"<p>not hers</p>"}}]}`

func TestOwnPostsAreReadAsTheyWereTyped(t *testing.T) {
	got, left, err := readZip(t, zipped(t, map[string]string{"outbox.json": outbox, "actor.json": "{}", "media_attachments/files/001/original/a.png": "png"}))
	if err != nil {
		t.Fatal(err)
	}
	want := []Post{
		{URI: "https://old.example/users/anna/statuses/1", At: time.Date(2018, 5, 4, 10, 0, 0, 0, time.UTC), Text: "First", Visibility: social.Followers},
		{
			URI: "https://old.example/users/anna/statuses/2", At: time.Date(2019, 5, 4, 10, 0, 0, 0, time.UTC), Spoiler: "food", Sensitive: true, Lang: "de",
			Text: "With @ben@other.example at https://example.com/a?b=1&c\n\nTwo <b>\nlines #soup", Visibility: social.Public,
			ReplyTo: "https://old.example/users/anna/statuses/1", ReplyAt: time.Date(2018, 5, 4, 10, 0, 0, 0, time.UTC),
			Media: []Media{{Name: "media_attachments/files/001/original/a.png", Alt: "A pot", Focus: &social.Focus{X: 0.5, Y: -1}}},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff(Left{Boosts: 1, Direct: 1, Other: 1}, left); d != "" {
		t.Errorf("left out (-want +got):\n%s", d)
	}
}

func TestAnOutboxComesWithoutItsArchive(t *testing.T) {
	for _, before := range []string{"", "\ufeff", " \r\n"} {
		body := before + outbox
		if !Alone(strings.NewReader(body)) {
			t.Errorf("%.20q is not taken for an outbox", body)
		}
		got, left, err := ReadAlone(strings.NewReader(body), noon)
		if err != nil {
			t.Fatalf("%.20q: %v", body, err)
		}
		if len(got) != 2 || got[1].Media != nil || left != (Left{Boosts: 1, Direct: 1, Other: 1, Files: 1}) {
			t.Errorf("read %+v, left out %+v; want both posts without the picture, and all that counted", got, left)
		}
	}
}

func TestWhatIsNoArchiveIsRefused(t *testing.T) {
	whole := zipped(t, map[string]string{"outbox.json": outbox})
	for name, body := range map[string][]byte{
		"nothing": nil, "a text": []byte("outbox.json"), "cut off": whole[:len(whole)/2], "no outbox": zipped(t, map[string]string{"a.json": "{}"}),
		"no JSON": zipped(t, map[string]string{"outbox.json": "<p>"}), "no posts": zipped(t, map[string]string{"outbox.json": `{"orderedItems":[{"type":"Announce","object":7}]}`}),
	} {
		if got, _, err := readZip(t, body); err == nil {
			t.Errorf("%s: %v was read", name, got)
		}
	}
}
