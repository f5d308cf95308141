package pages

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/color"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

// libre is a LibreTranslate that knows one sentence.
func libre(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /languages", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"code":"de","name":"German","targets":["de","en"]},{"code":"en","name":"English","targets":["de"]}]`)
	})
	mux.HandleFunc("POST /translate", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Q              []string
			Source, Target string
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Target != "en" {
			http.Error(w, `{"error":"no"}`, http.StatusBadRequest)
			return
		}
		out := struct {
			Translated []string `json:"translatedText"`
			Detected   []any    `json:"detectedLanguage"`
		}{}
		for _, q := range in.Q {
			out.Translated = append(out.Translated, strings.ReplaceAll(q, "Guten Morgen", "Good morning"))
			out.Detected = append(out.Detected, map[string]any{"language": "de", "confidence": 90})
		}
		_ = json.NewEncoder(w).Encode(out) // the server may be gone: nobody to tell
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestAPostIsReadInOnesOwnLanguage(t *testing.T) {
	s, b := harness.Start(t, "serve", "--set", "translate.url="+libre(t).URL, "--set", "fetch_allow=127.0.0.0/8"), browser.Open(t)
	s.Account(t, "anna")
	luca := s.Account(t, "luca")
	for lang, text := range map[string]string{"de": "Guten Morgen, Nachbarn", "en": "Bread is out"} {
		luca.Want(t, 200, "POST", "/api/v1/statuses", map[string]any{"status": text, "language": lang}, nil)
	}
	p := signedIn(t, b, s, "anna", phone)
	p.Go("/town")
	p.MarkLoaded()
	p.SeeIn(`.post`, "Bread is out")
	if n := p.Eval(`String(document.querySelectorAll(".post-translate").length)`); n != "1" {
		t.Errorf("%s posts can be translated; want that in another language alone", n)
	}
	p.Click(`.post-translate a`)
	p.SeeIn(`.post-translate`, "Good morning, Nachbarn")
	p.SeeIn(`.post-translate`, "Translated by LibreTranslate")
	p.SeeIn(`.post-text`, "Guten Morgen")
	p.NotReloaded()
	sound(t, p, "a translated post")
	shot(p, "translated")
}

func TestEveryKeyDoesWhatItsHelpSays(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	s.Account(t, "anna")
	luca := s.Account(t, "luca")
	luca.Want(t, 200, "POST", "/api/v1/statuses", map[string]any{"status": "Bread is out"}, nil)
	luca.Want(t, 200, "POST", "/api/v1/statuses", map[string]any{"status": "And so is the cake", "spoiler_text": "Food"}, nil)
	p := signedIn(t, b, s, "anna", desk)
	ready := func(path string) {
		p.Await(fmt.Sprintf(`location.pathname === %q && document.readyState === "complete" && document.documentElement.dataset.stream === "on" && !document.querySelector("dialog[open]")`, path), "be ready at "+path)
	}
	p.Go("/town")
	ready("/town")
	p.Await(`!!document.querySelector("[data-feed] > .post")`, "see posts")

	p.Key("?")
	p.SeeIn(`dialog[open]`, "Show or fold what is hidden")
	keys := strings.Split(p.Eval(`[...document.querySelectorAll("dialog[open] kbd")].map(e => e.textContent).join(",")`), ",")
	slices.Sort(keys)
	if want := strings.Split("/,?,b,d,f,g b,g c,g e,g f,g g,g h,g i,g l,g n,g s,j,k,m,n,o,r,x", ","); !slices.Equal(keys, want) {
		t.Errorf("the help lists %q; want %q", keys, want)
	}
	if n := p.Eval(`String([...document.querySelectorAll("dialog[open] dd")].filter(e => !e.textContent.trim()).length)`); n != "0" {
		t.Errorf("the help says of %s keys not what they do", n)
	}
	sound(t, p, "the help of the keyboard")
	shot(p, "keys")
	p.Click(`dialog[open] [data-close]`)
	ready("/town")

	for key, path := range map[string]string{
		"h": "/home", "n": "/notifications", "c": "/conversations", "s": "/search", "g": "/groups", "e": "/events", "i": "/lists", "b": "/bookmarks", "f": "/favourites", "l": "/town",
	} {
		p.Key("g" + key)
		ready(path)
	}
	p.Go("/town")
	ready("/town")
	p.Key("/")
	p.Await(`document.activeElement.matches("input[type=search]")`, "be in the search")
	p.Key(escape)
	p.Await(`document.activeElement === document.body`, "leave the search")
	p.Key("n")
	p.SeeIn(`dialog[open]`, "Write a post")
	p.Key(escape)
	ready("/town")

	post := `[data-feed] > .post:nth-child(1)`
	p.Key("jjk")
	p.Await(`document.activeElement.matches("`+post+`")`, "be at the first post")
	p.Key("x")
	p.SeeIn(post, "so is the cake")
	for key, button := range map[string]string{"b": "boost", "f": "favourite", "d": "bookmark"} {
		p.Key(key)
		p.Await(`document.querySelector("`+post+` .act-`+button+`").ariaPressed === "true" && !document.querySelector(".htmx-request")`, button+" it")
	}
	p.Key("m")
	p.SeeIn(`dialog[open]`, "Report @luca")
	p.Key(escape)
	ready("/town")
	p.Key("r")
	p.Await(`document.querySelector("dialog[open] textarea[name=text]")?.value.startsWith("@luca")`, "answer it")
	p.Key(escape)
	ready("/town")
	p.Key("o")
	p.Await(`/^\/@luca\/\d+$/.test(location.pathname)`, "open it")
}

const escape = "\u001b"

// archive returns a zip of what a server of Mastodon gives to who leaves: two posts, one of them with a picture, a boost, and a message.
func archive(t *testing.T) string {
	t.Helper()
	me := "https://old.example/users/anna"
	note := func(n int, to, more string) string {
		return fmt.Sprintf(`{"type":"Create","actor":%[1]q,"object":{"id":"%[1]s/statuses/%[2]d","type":"Note","attributedTo":%[1]q,"published":"2018-05-0%[2]dT10:00:00Z","to":[%[3]q],%[4]s}}`, me, n, to, more)
	}
	public := "https://www.w3.org/ns/activitystreams#Public"
	outbox := `{"type":"OrderedCollection","orderedItems":[` + strings.Join([]string{
		note(1, public, `"content":"<p>First words from far away</p>"`),
		note(2, public, `"content":"<p>The old harbour</p>","attachment":[{"type":"Document","url":"/media_attachments/files/1/original/a.png","name":"Masts in the fog"}]`),
		note(3, "https://other.example/users/ben", `"content":"<p>Between us</p>"`),
		`{"type":"Announce","actor":"` + me + `","object":"https://other.example/2"}`,
	}, ",") + `]}`
	png, err := base64.StdEncoding.DecodeString(picture(t, color.RGBA{90, 110, 130, 255}))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, body := range map[string][]byte{"outbox.json": []byte(outbox), "media_attachments/files/1/original/a.png": png} {
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
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

func TestPostsOfAnotherServerComeAlong(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	s.Account(t, "anna")
	p := signedIn(t, b, s, "anna", phone)
	p.Go("/settings/carry")
	p.Click(`a[href="/settings/archive"]`)
	p.Await(`location.pathname === "/settings/archive" && document.readyState === "complete"`, "be where posts are brought")
	sound(t, p, "the form for an archive")
	p.MarkLoaded()
	send := func(name, kind, file string) {
		choose(p, `[name=data]`, name, kind, file)
		p.Click(`#archive form button`)
	}
	send("diary.zip", "application/zip", base64.StdEncoding.EncodeToString([]byte("Dear diary")))
	p.See("This is no archive of Mastodon")
	send("archive.zip", "application/zip", archive(t))
	p.SeeIn(`#brought`, "2 posts")
	forgive(p)
	p.See("2 of 2 posts taken in")
	p.See("What you boosted is others'.")
	p.See("What you wrote to a few people is theirs as well.")
	p.NotReloaded()
	sound(t, p, "what was brought")
	shot(p, "archive")
	p.Go("/@anna")
	p.SeeIn(`.post`, "First words from far away")
	p.Await(`!!document.querySelector(".post:has(img[alt='Masts in the fog']) time[datetime^='2018-05-02']")`, "see the picture on its day")
	p.Missing("Between us")
	p.Go("/notifications")
	p.SeeIn(`#notices`, "Your posts are here now")
}

func TestAFilmSaysWhatItIsBeforeItPlays(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	s.Account(t, "anna")
	p := signedIn(t, b, s, "anna", phone)
	for _, f := range []struct{ file, kind, words string }{
		{"film.mp4", "video/mp4", "The ferry comes in"}, {"sound.mp3", "audio/mpeg", "Its horn"}, {"moving.gif", "image/gif", "A flag in the wind"},
	} {
		body, err := os.ReadFile(filepath.Join("../../../internal/social/media/testdata", f.file))
		if err != nil {
			t.Fatal(err)
		}
		p.Go("/compose")
		p.Await(`document.querySelector("[data-emoji] button") !== null`, "have the form ready")
		choose(p, "#compose input[type=file]", f.file, f.kind, base64.StdEncoding.EncodeToString(body))
		p.Await(`document.querySelectorAll("#compose [name=media]").length === 1`, "see the file taken")
		p.Fill(`#compose .compose-item textarea`, f.words)
		p.Click(`#compose [data-send]`)
		p.See("Posted.")
	}
	p.Go("/@anna")
	p.Settle()
	film := `.photo-video video[controls][poster^="data:image/svg"][aria-label="Film: The ferry comes in"]`
	p.SeeIn(`.photo-video .photo-kind`, "Film · 0:0")
	p.SeeIn(`.photo-video .photo-kind`, " MB")
	p.Await(`(v => !!v && Math.abs(v.getBoundingClientRect().width / v.getBoundingClientRect().height - v.width / v.height) < 0.05)(document.querySelector('`+film+`'))`, "see the room of the film kept in its own shape")
	p.SeeIn(`.photo-audio .photo-kind`, "Sound · 0:0")
	p.Await(`!!document.querySelector('.photo-audio audio[controls][aria-label="Sound: Its horn"]') && document.querySelector(".photo-audio img").naturalWidth > 0`, "see what stands for the sound")
	p.SeeIn(`.photo-image .photo-kind`, "GIF")
	p.Await(`document.querySelector(".photo-image a[href$='.gif'] img:not([src$='.gif'])")?.naturalWidth > 0`, "see a still of the GIF")
	p.Await(`document.querySelector(".photo-video .photo-still").naturalWidth > 0`, "see what stands for the film")
	if poster := p.Fetch(p.Eval(`document.querySelector(".photo-video .photo-still").getAttribute("src")`)); http.DetectContentType(poster) != "image/jpeg" {
		t.Errorf("the poster of the film is %s; want a JPEG", http.DetectContentType(poster))
	}
	sound(t, p, "films and sounds")
	shot(p, "films")
	p.Click(`.photo-video .alt summary`)
	p.SeeIn(`.photo-video .alt`, "The ferry comes in")

	// The keyboard plays it, and its label goes out of the way.
	p.Eval(`(document.querySelector("video").focus(), "")`)
	p.Key(" ")
	p.Await(`!!document.querySelector(".photo-video[data-playing]") || document.querySelector("video").played.length > 0`, "play the film")
}
