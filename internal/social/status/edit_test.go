package status

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/idem"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

func TestAnEditKeepsWhatWasThere(t *testing.T) {
	onBoth(t, func(t *testing.T, w *town) {
		anna, ben := w.person("anna"), w.person("ben")
		one, two := w.IDs.Next(), w.IDs.Next()
		w.loose[one], w.loose[two] = true, true
		n := w.post(anna, Draft{Text: "First #a @ben", Spoiler: "cw", Media: []id.ID{one, two}})
		w.clock.Advance(time.Minute)
		says := "a dish"
		w.must(w.Edit(t.Context(), anna, n, Edit{Text: "Second #b", Lang: "de", Media: []id.ID{two}, Details: []MediaEdit{{ID: two, Description: &says}}}))
		s := w.see(ben, n)
		if s.Content != `<p>Second <a href="https://town.example/tags/b" class="mention hashtag" rel="tag">#<span>b</span></a></p>` || s.SpoilerText != "" || s.Sensitive ||
			s.EditedAt == nil || !s.EditedAt.Equal(w.clock.Now()) || *s.Language != "de" || len(s.Media) != 1 || s.Media[0].ID != two || *s.Media[0].Description != says || len(s.Mentions) != 0 || s.Tags[0].Name != "b" {
			t.Errorf("edited: %+v", s)
		}
		src, err := w.Source(t.Context(), anna, n)
		if err != nil || src.Text != "Second #b" || src.Spoiler != "" {
			t.Errorf("source = %+v, %v", src, err)
		}
		hs, err := w.History(t.Context(), ben, n)
		w.must(err)
		if len(hs) != 2 || hs[0].Spoiler != "cw" || !strings.Contains(hs[0].Content, "First") || hs[1].Content != s.Content || !hs[0].CreatedAt.Before(hs[1].CreatedAt.Time) {
			t.Errorf("history = %+v", hs)
		}
		var files []social.Attachment
		if err := json.Unmarshal(hs[0].Media, &files); err != nil || len(files) != 2 {
			t.Errorf("files of the first version: %s, %v", hs[0].Media, err)
		}
		if err := w.Edit(t.Context(), anna, n, Edit{Text: "x", Details: []MediaEdit{{ID: two}}}); !errs.Is(err, errs.Invalid) {
			t.Errorf("a file that is not attached: %v", err)
		}
		if err := w.Edit(t.Context(), anna, n, Edit{}); !errs.Is(err, errs.Invalid) {
			t.Errorf("an edit to nothing: %v", err)
		}
		if got := w.see(ben, n); got.Content != s.Content {
			t.Errorf("a refused edit changed it: %s", got.Content)
		}
		for _, tag := range []struct {
			name string
			want int
		}{{"a", 0}, {"b", 1}} {
			st, err := w.Ranges(t.Context(), []social.Range{{Tag: tag.name, Limit: 5}})
			if err != nil || len(st[0].Heads) != tag.want {
				t.Errorf("#%s: %+v, %v", tag.name, st, err)
			}
		}
	})
}

func TestDeletingLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, w *town) {
		anna, ben := w.person("anna"), w.person("ben")
		file := w.IDs.Next()
		w.loose[file] = true
		first := w.say(anna, "root")
		n := w.post(anna, Draft{Text: "Text #a @ben", ReplyTo: first, QuoteOf: first, Media: []id.ID{file}})
		w.must(w.Mark(t.Context(), ben, n, social.Favourite, true))
		b, err := w.Boost(t.Context(), ben, n, "")
		w.must(err)
		w.must(w.Edit(t.Context(), anna, n, Edit{Text: "Text 2 #a @ben", Media: []id.ID{file}}))
		answer := w.post(ben, Draft{Text: "answer", ReplyTo: n})
		if err := w.Delete(t.Context(), ben, n, false); !errs.Is(err, errs.NotFound) {
			t.Errorf("another deletes it: %v", err)
		}
		w.must(w.Delete(t.Context(), anna, n, false))
		if err := w.Delete(t.Context(), anna, n, false); !errs.Is(err, errs.NotFound) {
			t.Errorf("deleted twice: %v", err)
		}
		if w.see(anna, n) != nil || w.see(ben, b) != nil {
			t.Error("it is still seen, or its boost")
		}
		if s := w.see(ben, answer); s == nil || *s.InReplyToID != n {
			t.Errorf("the answer stays: %+v", s)
		}
		if s := w.see(ben, first); s.Replies != 0 || s.Quotes != 0 {
			t.Errorf("counters above: %d, %d", s.Replies, s.Quotes)
		}
		if !w.loose[file] {
			t.Error("the file can't be posted anew")
		}
		w.run()
		w.until("the boost is swept", func() bool {
			hs, err := w.Recent(t.Context(), 0, 10)
			return err == nil && len(hs) == 2
		})
		recount(t, w)
	})
}

func TestModeratorsDeleteWhatTheyCannotRead(t *testing.T) {
	w := onLite(t)
	anna, mod := w.person("anna"), w.person("mod")
	mod.Roles = []access.Grant{{Role: access.RoleModerator}}
	n := w.post(anna, Draft{Text: "x", Visibility: social.Followers})
	w.must(w.Delete(t.Context(), mod, n, true))
	if w.see(anna, n) != nil {
		t.Error("it is still there")
	}
	in := w.post(anna, Draft{Text: "x"})
	if err := w.TakeDown(t.Context(), 5, in, mod.ID); !errs.Is(err, errs.NotFound) {
		t.Errorf("a group takes down what was not written in it: %v", err)
	}
	w.members[5] = map[id.ID]bool{anna.ID: true}
	grouped := w.post(anna, Draft{Text: "x", Group: 5})
	w.must(w.TakeDown(t.Context(), 5, grouped, mod.ID))
	if w.see(anna, grouped) != nil {
		t.Error("it still stands in the group")
	}
}

func TestQuotesSayHowTheyStand(t *testing.T) {
	onBoth(t, func(t *testing.T, w *town) {
		anna, ben, cem := w.person("anna"), w.person("ben"), w.person("cem")
		n := w.say(anna, "quoted")
		q := w.post(ben, Draft{Text: "look", QuoteOf: n})
		again := w.post(cem, Draft{Text: "look there", QuoteOf: q})
		if s := w.see(cem, again); s.Quote == nil || s.Quote.State != "accepted" || s.Quote.Status == nil || s.Quote.Status.ID != q || s.Quote.Status.Quote == nil || s.Quote.Status.Quote.Status != nil || *s.Quote.Status.Quote.ID != n {
			t.Errorf("a quote of a quote: %+v", s.Quote)
		}
		if s := w.see(cem, q); s.Content != quoteInline+`RE: <a href="`+root+`/@anna/`+n.String()+`" rel="nofollow noopener" target="_blank">`+root+`/@anna/`+n.String()+`</a></p><p>look</p>` {
			t.Errorf("content for apps that know no quotes: %s", s.Content)
		}
		if list, err := w.Statuses(t.Context(), w.relOf(cem.ID), []id.ID{again}, ""); err != nil || list[0].Content != "<p>look there</p>" || list[0].Quote.Status.Content != "<p>look</p>" {
			t.Errorf("content for pages: %+v, %v", list, err)
		}
		if s := w.see(anna, n); s.Quotes != 1 {
			t.Errorf("quoted %d times", s.Quotes)
		}
		by, next, err := w.QuotedBy(t.Context(), cem, n, 0, 10)
		if err != nil || !slices.Equal(by, []id.ID{q}) || next != 0 {
			t.Errorf("quoted by %v, %v, %v", by, next, err)
		}
		state := func(reader access.Actor) string {
			t.Helper()
			s := w.see(reader, q)
			if s == nil || s.Quote == nil {
				t.Fatalf("no quote: %+v", s)
			}
			if (s.Quote.Status != nil) != (s.Quote.State == "accepted") {
				t.Errorf("in state %s the quoted status is %+v", s.Quote.State, s.Quote.Status)
			}
			return s.Quote.State
		}
		w.relate(cem.ID, func(r *social.Relations) { r.Mutes[anna.ID] = social.Mute{} })
		if got := state(cem); got != "muted_account" {
			t.Errorf("muted: %s", got)
		}
		w.relate(cem.ID, func(r *social.Relations) { r.Blocks[anna.ID] = true })
		if got := state(cem); got != "blocked_account" {
			t.Errorf("blocked: %s", got)
		}
		dan := w.person("dan")
		w.relate(dan.ID, func(r *social.Relations) { r.BlockedBy[anna.ID] = true })
		if got := state(dan); got != "unauthorized" {
			t.Errorf("blocked by the author: %s", got)
		}
		if err := w.RevokeQuote(t.Context(), cem, n, q); !errs.Is(err, errs.NotFound) {
			t.Errorf("another revokes: %v", err)
		}
		w.must(w.RevokeQuote(t.Context(), anna, n, q))
		w.must(w.RevokeQuote(t.Context(), anna, n, q))
		if got := state(ben); got != "revoked" {
			t.Errorf("revoked: %s", got)
		}
		if s := w.see(anna, n); s.Quotes != 0 {
			t.Errorf("still quoted %d times", s.Quotes)
		}
		w.must(w.Delete(t.Context(), ben, q, false))
		if s := w.see(ben, again); s.Quote.State != "deleted" || s.Quote.Status != nil {
			t.Errorf("deleted: %+v", s.Quote)
		}
		w.must(w.SetQuotePolicy(t.Context(), anna, n, Nobody))
		if s := w.see(ben, n); s.Approval.Current != "denied" || len(s.Approval.Automatic) != 0 {
			t.Errorf("policy: %+v", s.Approval)
		}
		if err := w.SetQuotePolicy(t.Context(), anna, n, "friends"); !errs.Is(err, errs.Invalid) {
			t.Errorf("a policy that is none: %v", err)
		}
		recount(t, w)
	})
}

func TestAThreadIsReadInOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, w *town) {
		anna, ben, cem := w.person("anna"), w.person("ben"), w.person("cem")
		root := w.say(anna, "root")
		b1 := w.post(ben, Draft{Text: "b1", ReplyTo: root})
		c1 := w.post(cem, Draft{Text: "c1", ReplyTo: b1})
		a1 := w.post(anna, Draft{Text: "a1", ReplyTo: root})
		a2 := w.post(anna, Draft{Text: "a2", ReplyTo: b1})
		secret := w.post(ben, Draft{Text: "@cem", ReplyTo: root, Visibility: social.Direct})
		below := w.post(cem, Draft{Text: "below", ReplyTo: secret})
		above, answers, err := w.Context(t.Context(), access.Actor{}, root)
		if err != nil || len(above) != 0 || !slices.Equal(answers, []id.ID{a1, b1, a2, c1}) {
			t.Errorf("context of the root = %v, %v, %v; want %v", above, answers, err, []id.ID{a1, b1, a2, c1})
		}
		_, answers, err = w.Context(t.Context(), cem, root)
		if err != nil || !slices.Equal(answers, []id.ID{a1, b1, a2, c1, secret, below}) {
			t.Errorf("for who is mentioned: %v, %v", answers, err)
		}
		above, answers, err = w.Context(t.Context(), ben, c1)
		if err != nil || !slices.Equal(above, []id.ID{root, b1}) || len(answers) != 0 {
			t.Errorf("context of an answer = %v, %v, %v", above, answers, err)
		}
		w.relate(anna.ID, func(r *social.Relations) { r.Mutes[ben.ID] = social.Mute{} })
		if _, answers, err = w.Context(t.Context(), anna, root); err != nil || !slices.Equal(answers, []id.ID{a1}) {
			t.Errorf("without whom the reader mutes: %v, %v", answers, err)
		}
		last := root
		for i := range 80 {
			last = w.post(anna, Draft{Text: fmt.Sprint(i), ReplyTo: last})
		}
		above, _, err = w.Context(t.Context(), access.Actor{}, last)
		if err != nil || len(above) != guestAbove {
			t.Errorf("a stranger sees %d above, %v", len(above), err)
		}
		if _, answers, err = w.Context(t.Context(), access.Actor{}, root); err != nil || len(answers) != guestThread {
			t.Errorf("a stranger sees %d below, %v", len(answers), err)
		}
		if above, _, err = w.Context(t.Context(), anna, last); err != nil || len(above) != 80 || above[0] != root {
			t.Errorf("who is signed in sees %d above, %v", len(above), err)
		}
		muted, err := w.Muted(t.Context(), ben.ID, &social.Head{Thread: root})
		if err != nil || muted {
			t.Errorf("muted: %v, %v", muted, err)
		}
		w.must(w.Mark(t.Context(), ben, c1, social.MuteTalk, true))
		h, err := w.Head(t.Context(), a2)
		w.must(err)
		if muted, err = w.Muted(t.Context(), ben.ID, &h); err != nil || !muted || !w.see(ben, root).Muted {
			t.Errorf("after muting: %v, %v", muted, err)
		}
	})
}

func TestCardsAndFiltersAreThoseOfNow(t *testing.T) {
	w := onLite(t)
	anna, ben := w.person("anna"), w.person("ben")
	n := w.say(anna, "See https://a.example/x and https://b.example, it has nuts")
	if len(w.wanted) != 1 || w.wanted[0] != "https://a.example/x" || w.see(ben, n).Card != nil {
		t.Errorf("wanted %v", w.wanted)
	}
	w.cards["https://a.example/x"] = &social.Card{URL: "https://a.example/x", Title: "A page", Type: "link", Authors: []any{}}
	w.must(w.DB.Write(t.Context(), func(tx *db.Tx) error { return w.Redraw(t.Context(), tx, n) }))
	if c := w.see(ben, n).Card; c == nil || c.Title != "A page" {
		t.Errorf("card = %+v", c)
	}
	w.matchers[ben.ID] = words{"nuts", false}
	boost, err := w.Boost(t.Context(), anna, n, "")
	w.must(err)
	rel := w.relOf(ben.ID)
	for _, which := range []id.ID{n, boost} {
		list, err := w.Statuses(t.Context(), rel, []id.ID{which}, "home")
		if err != nil || len(list) != 1 || len(list[0].Filtered) != 1 || list[0].Filtered[0].Keywords[0] != "nuts" {
			t.Errorf("filtered: %+v, %v", list, err)
		}
	}
	w.matchers[ben.ID] = words{"nuts", true}
	if list, err := w.JSON(t.Context(), rel, []id.ID{n, boost}, "home"); err != nil || len(list) != 0 {
		t.Errorf("hidden: %s, %v", list, err)
	}
	if list, err := w.JSON(t.Context(), rel, []id.ID{n, boost}, ""); err != nil || len(list) != 2 {
		t.Errorf("nowhere in particular: %s, %v", list, err)
	}
	w.matchers[anna.ID] = words{"nuts", true}
	if list, err := w.JSON(t.Context(), w.relOf(anna.ID), []id.ID{n}, "home"); err != nil || len(list) != 1 {
		t.Errorf("one's own: %s, %v", list, err)
	}
}

// words is a filter for one word.
type words struct {
	word string
	hide bool
}

func (m words) Match(_, text string, _ ...id.ID) ([]social.Filtered, bool) {
	if !strings.Contains(text, m.word) {
		return nil, false
	}
	return []social.Filtered{{Filter: social.FilterHead{ID: 1, Context: []string{"home"}, Action: "warn"}, Keywords: []string{m.word}, Statuses: []string{}}}, m.hide
}

func TestPinsAreFewAndOnesOwn(t *testing.T) {
	w := onLite(t)
	anna, ben := w.person("anna"), w.person("ben")
	var ids []id.ID
	for i := range MaxPins + 1 {
		ids = append(ids, w.say(anna, fmt.Sprint(i)))
	}
	for i, n := range ids {
		if err := w.Mark(t.Context(), anna, n, social.Pin, true); (err == nil) != (i < MaxPins) || err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("pin %d: %v", i, err)
		}
	}
	w.must(w.Mark(t.Context(), anna, ids[0], social.Pin, true)) // is pinned already
	w.must(w.Mark(t.Context(), anna, ids[0], social.Pin, false))
	w.must(w.Mark(t.Context(), anna, ids[MaxPins], social.Pin, true))
	if err := w.Mark(t.Context(), ben, ids[1], social.Pin, true); !errs.Is(err, errs.Invalid) {
		t.Errorf("another's: %v", err)
	}
	d := w.post(anna, Draft{Text: "@ben", Visibility: social.Direct})
	if err := w.Mark(t.Context(), anna, d, social.Pin, true); !errs.Is(err, errs.Invalid) {
		t.Errorf("a direct one: %v", err)
	}
	ms, err := w.Marked(t.Context(), anna.ID, social.Pin, 0, 0, false, 10)
	if err != nil || len(ms) != MaxPins || ms[0].Status != ids[MaxPins] || !w.see(anna, ids[1]).Pinned || w.see(ben, ids[1]).Pinned {
		t.Errorf("pins = %v, %v", ms, err)
	}
}

// archive keeps a copy in memory.
type archive map[string]string

func (a archive) JSON(name, _ string, doc any) error {
	b, err := json.Marshal(doc)
	a[name] = string(b)
	return err
}
func (a archive) File(string, string, io.Reader) error { return nil }
func (a archive) Picture(string, string) error         { return nil }

func TestWhoLeavesTakesEverythingAlong(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		anna, ben := w.person("anna"), w.person("ben")
		theirs := w.post(ben, Draft{Text: "Hi @anna", Poll: &NewPoll{Options: []string{"a", "b"}, ExpiresIn: time.Hour}})
		var ids []id.ID
		for i := range eraseBatch + 5 {
			ids = append(ids, w.say(anna, fmt.Sprintf("secretword %d #secrettag", i)))
		}
		w.must(w.Edit(t.Context(), anna, ids[0], Edit{Text: "secretword, changed"}))
		w.must(w.Vote(t.Context(), anna, w.see(anna, theirs).Poll.ID, []int{1}))
		w.must(w.Mark(t.Context(), anna, theirs, social.Favourite, true))
		w.must(w.Mark(t.Context(), anna, theirs, social.Bookmark, true))
		_, err := w.Boost(t.Context(), anna, theirs, "")
		w.must(err)
		answer := w.post(anna, Draft{Text: "secretword", ReplyTo: theirs, Poll: &NewPoll{Options: []string{"secretoption", "b"}, ExpiresIn: time.Hour}})
		w.must(w.Mark(t.Context(), ben, answer, social.Favourite, true))
		part := w.Personal()
		n, err := part.Count(t.Context(), anna.ID)
		if err != nil || n != eraseBatch+7 {
			t.Errorf("count = %d, %v", n, err)
		}
		copied := archive{}
		w.must(part.Export(t.Context(), anna.ID, copied))
		for _, want := range []string{"secretword 7", "secretword, changed", "secretoption", `"boosted":"` + theirs.String()} {
			if !strings.Contains(copied["posts-1.json"], want) {
				t.Errorf("the copy has no %q", want)
			}
		}
		if !strings.Contains(copied["marks.json"], `"choices":"1"`) || !strings.Contains(copied["marks.json"], "bookmark") {
			t.Errorf("marks in the copy: %s", copied["marks.json"])
		}
		for more, rounds := true, 0; more; rounds++ {
			w.must(d.Write(t.Context(), func(tx *db.Tx) error {
				e, err := part.Erase(t.Context(), tx, anna.ID)
				more = e.More
				return err
			}))
			if rounds > 9 {
				t.Fatal("erasing does not end")
			}
		}
		for _, table := range part.Tables {
			for _, column := range strings.Fields(table.Personal + " " + table.Link) {
				w.must(d.Read(t.Context(), func(tx *db.Tx) error {
					return tx.Each(t.Context(), func(s db.Scanner) error {
						var text string
						if err := s.Scan(&text); err != nil {
							return err
						}
						if strings.Contains(text, "secret") || strings.Contains(text, anna.ID.String()) && column != "mentions" {
							t.Errorf("%s.%s still has %q", table.Name, column, text)
						}
						return nil
					}, `SELECT CAST(`+column+` AS TEXT) FROM `+table.Name)
				}))
			}
		}
		w.must(d.Read(t.Context(), func(tx *db.Tx) error {
			found, err := tx.Exists(t.Context(), `SELECT 1 FROM event WHERE data LIKE '%secret%'`)
			if found {
				t.Error("the event log still has a hashtag")
			}
			return err
		}))
		if s := w.see(ben, theirs); s.Favourites != 0 || s.Boosts != 0 || s.Replies != 0 || s.Poll.VotesCount != 0 {
			t.Errorf("what others wrote still counts them: %+v", s)
		}
		recount(t, w)
	}, Schema, events.Schema, jobs.Schema, idem.Schema)
}
