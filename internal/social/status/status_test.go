package status

import (
	"testing"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
)

func TestPostedStatusesAreReadAsTheyWereWritten(t *testing.T) {
	onBoth(t, func(t *testing.T, w *town) {
		anna, ben := w.person("anna"), w.person("ben")
		n := w.post(anna, Draft{Text: "Hello @ben, **look**: https://example.com/a #Food :stoa:", Spoiler: "lunch"})
		s := w.see(ben, n)
		if s == nil {
			t.Fatal("ben can't read a public status")
		}
		want := `<p>Hello <span class="h-card"><a href="https://town.example/@ben" class="u-url mention">@<span>ben</span></a></span>, <strong>look</strong>: <a href="https://example.com/a" rel="nofollow noopener" target="_blank"><span class="invisible">https://</span><span>example.com/a</span><span class="invisible"></span></a> <a href="https://town.example/tags/food" class="mention hashtag" rel="tag">#<span>Food</span></a> :stoa:</p>`
		if s.Content != want {
			t.Errorf("content = %s\nwant      %s", s.Content, want)
		}
		if s.SpoilerText != "lunch" || !s.Sensitive || s.Visibility != "public" || s.LocalOnly || len(s.Mentions) != 1 || s.Mentions[0].ID != ben.ID || len(s.Tags) != 1 || s.Tags[0].Name != "food" || len(s.Emojis) != 1 {
			t.Errorf("status = %+v", s)
		}
		if s.URI != root+"/users/anna/statuses/"+n.String() || *s.URL != root+"/@anna/"+n.String() || s.Account.Acct != "anna" || s.Account.Statuses != 1 {
			t.Errorf("uri %s, url %s, account %+v", s.URI, *s.URL, s.Account)
		}
		heads, err := w.Heads(t.Context(), []id.ID{n, 12345})
		w.must(err)
		if len(heads) != 1 || heads[0].Account != anna.ID || heads[0].Thread != n || heads[0].Mentions[0] != ben.ID || heads[0].Tags[0] != "food" || heads[0].Lang != "en" {
			t.Errorf("heads = %+v", heads)
		}
		boost, err := w.Boost(t.Context(), ben, n, "")
		w.must(err)
		w.must(w.Mark(t.Context(), ben, n, social.Favourite, true))
		b := w.see(ben, boost)
		if b == nil || b.Reblog == nil || b.Reblog.ID != n || !b.Reblog.Favourited || !b.Reblog.Reblogged || b.Reblog.Boosts != 1 || b.Reblog.Favourites != 1 {
			t.Errorf("boost = %+v", b)
		}
		recent, err := w.Recent(t.Context(), 0, 10)
		w.must(err)
		if len(recent) != 2 || recent[0].ID != boost || recent[0].BoostFrom != anna.ID {
			t.Errorf("recent = %+v", recent)
		}
		by, err := w.By(t.Context(), []id.ID{anna.ID, ben.ID}, boost, 10)
		w.must(err)
		if len(by) != 1 || by[0].ID != n {
			t.Errorf("by = %+v", by)
		}
	})
}
