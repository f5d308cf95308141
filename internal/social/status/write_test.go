package status

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/events"
)

func TestWhatCannotBePostedIsRefusedWithAReason(t *testing.T) {
	w := onLite(t)
	anna := w.person("anna")
	taj := w.person("taj")
	long := strings.Repeat("ä", DefaultLength)
	opts := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprint("option ", i))
		}
		return out
	}
	for name, c := range map[string]struct {
		in    Draft
		field string // "" where it is fine
		kind  errs.Kind
	}{
		"nothing":               {Draft{}, "status", errs.Invalid},
		"space":                 {Draft{Text: " \n\u200b "}, "", 0},
		"just long enough":      {Draft{Text: long}, "", 0},
		"too long":              {Draft{Text: long + "x"}, "status", errs.Invalid},
		"too long by spoiler":   {Draft{Text: long, Spoiler: "x"}, "status", errs.Invalid},
		"links are short":       {Draft{Text: strings.Repeat("https://example.com/"+strings.Repeat("x", 500)+" ", 200)}, "", 0},
		"unknown visibility":    {Draft{Text: "x", Visibility: "secret"}, "visibility", errs.Invalid},
		"group without one":     {Draft{Text: "x", Visibility: social.Group}, "group", errs.Invalid},
		"another's group":       {Draft{Text: "x", Group: 77}, "", errs.NotFound},
		"unknown quote policy":  {Draft{Text: "x", Quotes: "friends"}, "quote_approval_policy", errs.Invalid},
		"unknown reply policy":  {Draft{Text: "x", Replies: "friends"}, "reply_policy", errs.Invalid},
		"nine files":            {Draft{Text: "x", Media: make([]id.ID, 9)}, "media_ids", errs.Invalid},
		"a file that is not":    {Draft{Text: "x", Media: []id.ID{5}}, "media_ids", errs.Invalid},
		"poll and file":         {Draft{Text: "x", Media: []id.ID{5}, Poll: &NewPoll{Options: opts(2), ExpiresIn: time.Hour}}, "poll", errs.Invalid},
		"one option":            {Draft{Text: "x", Poll: &NewPoll{Options: opts(1), ExpiresIn: time.Hour}}, "poll[options]", errs.Invalid},
		"nine options":          {Draft{Text: "x", Poll: &NewPoll{Options: opts(9), ExpiresIn: time.Hour}}, "poll[options]", errs.Invalid},
		"the same option twice": {Draft{Text: "x", Poll: &NewPoll{Options: []string{"a", "a "}, ExpiresIn: time.Hour}}, "poll[options]", errs.Invalid},
		"an empty option":       {Draft{Text: "x", Poll: &NewPoll{Options: []string{"a", " "}, ExpiresIn: time.Hour}}, "poll[options]", errs.Invalid},
		"a long option":         {Draft{Text: "x", Poll: &NewPoll{Options: []string{"a", strings.Repeat("b", MaxOption+1)}, ExpiresIn: time.Hour}}, "poll[options]", errs.Invalid},
		"over too soon":         {Draft{Text: "x", Poll: &NewPoll{Options: opts(2), ExpiresIn: time.Minute}}, "poll[expires_in]", errs.Invalid},
		"open too long":         {Draft{Text: "x", Poll: &NewPoll{Options: opts(2), ExpiresIn: MaxExpiry + 1}}, "poll[expires_in]", errs.Invalid},
		"poll alone":            {Draft{Poll: &NewPoll{Options: opts(2), ExpiresIn: MaxExpiry}}, "", 0},
		"answer to nothing":     {Draft{Text: "x", ReplyTo: 9}, "", errs.NotFound},
		"quote of nothing":      {Draft{Text: "x", QuoteOf: 9}, "", errs.NotFound},
		"for another":           {Draft{Text: "x", As: taj.ID}, "", errs.Forbidden},
		"many mentions": {Draft{Text: func() (s string) {
			for i := range MaxMentions + 1 {
				s += fmt.Sprintf("@a%d ", i)
			}
			return s
		}()}, "status", errs.Invalid},
	} {
		_, err := w.Post(t.Context(), anna, c.in)
		e := errs.As(err)
		switch {
		case c.kind == 0 && name == "space":
			if err == nil {
				continue // what shows nothing may be posted: it is somebody's own affair
			}
		case c.kind == 0 && err != nil, c.kind != 0 && errs.KindOf(err) != c.kind:
			t.Errorf("%s: %v", name, err)
		case c.field != "" && (e == nil || len(e.Fields) != 1 || e.Fields[0].Path != c.field):
			t.Errorf("%s: %v names another field than %s", name, err, c.field)
		}
	}
	if _, err := w.Post(t.Context(), access.Actor{}, Draft{Text: "x"}); !errs.Is(err, errs.Unauthenticated) {
		t.Errorf("nobody posts: %v", err)
	}
}

func TestWhoMayAnswerAndQuote(t *testing.T) {
	w := onLite(t)
	anna, follower, mentioned, stranger := w.person("anna"), w.person("follower"), w.person("mentioned"), w.person("stranger")
	w.follow(follower, anna)
	people := map[string]access.Actor{"author": anna, "follower": follower, "mentioned": mentioned, "stranger": stranger}
	for policy, may := range map[string][]string{
		Everybody: {"author", "follower", "mentioned", "stranger"}, ByFollowers: {"author", "follower", "mentioned"}, ByMentioned: {"author", "mentioned"}, Nobody: {"author"},
	} {
		n := w.post(anna, Draft{Text: "Hi @mentioned", Replies: policy})
		for who, a := range people {
			_, err := w.Post(t.Context(), a, Draft{Text: "Answer", ReplyTo: n})
			if ok := slices.Contains(may, who); ok != (err == nil) || err != nil && !errs.Is(err, errs.Forbidden) {
				t.Errorf("answer by %s where %s may: %v", who, policy, err)
			}
		}
		if got := w.see(anna, n).Stoa.Replies; got != policy {
			t.Errorf("the status says %q may answer; want %q", got, policy)
		}
	}
	for policy, may := range map[string][]string{
		ByPublic: {"author", "follower", "mentioned", "stranger"}, ByFollowers: {"author", "follower"}, Nobody: {"author"},
	} {
		n := w.post(anna, Draft{Text: "Hi @mentioned", Quotes: policy})
		for who, a := range people {
			ok := slices.Contains(may, who)
			if got := w.see(a, n).Approval.Current; (got == "automatic") != ok {
				t.Errorf("%s is told that quoting is %s where %s may", who, got, policy)
			}
			_, err := w.Post(t.Context(), a, Draft{Text: "Quote", QuoteOf: n})
			if ok != (err == nil) || err != nil && !errs.Is(err, errs.Forbidden) {
				t.Errorf("quote by %s where %s may: %v", who, policy, err)
			}
		}
	}
	private := w.post(anna, Draft{Text: "Hi @mentioned", Visibility: social.Followers, Quotes: ByPublic})
	if _, err := w.Post(t.Context(), follower, Draft{Text: "Quote", QuoteOf: private}); !errs.Is(err, errs.Forbidden) {
		t.Errorf("a follower quotes what is for followers: %v", err)
	}
	if _, err := w.Post(t.Context(), anna, Draft{Text: "Quote", QuoteOf: private}); err != nil {
		t.Errorf("the author quotes themselves: %v", err)
	}
}

func TestWhatMayBeBoosted(t *testing.T) {
	w := onLite(t)
	anna, ben := w.person("anna"), w.person("ben")
	w.follow(ben, anna)
	open, closed := w.person("open").ID, w.person("shut").ID
	w.members[open], w.members[closed], w.closed[closed] = map[id.ID]bool{anna.ID: true, ben.ID: true}, map[id.ID]bool{anna.ID: true, ben.ID: true}, true
	w.relate(ben.ID, func(r *social.Relations) { r.Groups[closed] = true })
	for name, c := range map[string]struct {
		in       Draft
		by       access.Actor
		as, want social.Visibility // want "": refused
	}{
		"public":                  {Draft{Visibility: social.Public}, ben, "", social.Public},
		"public, for followers":   {Draft{Visibility: social.Public}, ben, social.Followers, social.Followers},
		"unlisted":                {Draft{Visibility: social.Unlisted}, ben, "", social.Unlisted},
		"town":                    {Draft{Visibility: social.Town}, ben, social.Public, social.Town},
		"followers by another":    {Draft{Visibility: social.Followers}, ben, "", ""},
		"followers by the author": {Draft{Visibility: social.Followers}, anna, "", social.Followers},
		"direct":                  {Draft{Text: "@ben", Visibility: social.Direct}, ben, "", ""},
		"own direct":              {Draft{Visibility: social.Direct}, anna, "", ""},
		"open group":              {Draft{Group: open}, ben, "", social.Unlisted},
		"closed group":            {Draft{Group: closed}, ben, "", ""},
	} {
		c.in.Text += " x"
		n := w.post(anna, c.in)
		b, err := w.Boost(t.Context(), c.by, n, c.as)
		if c.want == "" {
			if !errs.Is(err, errs.Forbidden) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		w.must(err)
		h, err := w.Head(t.Context(), b)
		w.must(err)
		if h.Visibility != c.want || h.BoostOf != n || h.BoostFrom != anna.ID || h.Thread != 0 {
			t.Errorf("%s: boost %+v; want visibility %s", name, h, c.want)
		}
		again, err := w.Boost(t.Context(), c.by, b, "")
		if err != nil || again != b {
			t.Errorf("%s: boosted again by the boost's id: %s, %v; want %s", name, again, err, b)
		}
		if s := w.see(c.by, n); s.Boosts != 1 || !s.Reblogged {
			t.Errorf("%s: %d boosts, reblogged %v", name, s.Boosts, s.Reblogged)
		}
		w.must(w.Unboost(t.Context(), c.by, b))
		w.must(w.Unboost(t.Context(), c.by, n))
		if s := w.see(c.by, n); s.Boosts != 0 || s.Reblogged || w.see(c.by, b) != nil {
			t.Errorf("%s: not taken back", name)
		}
	}
}

func TestManyAtOnceCountOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *town) {
		anna := w.person("anna")
		n := w.post(anna, Draft{Text: "x", Poll: &NewPoll{Options: []string{"a", "b"}, ExpiresIn: time.Hour}})
		p := w.see(anna, n).Poll.ID
		var voted atomic.Int64
		var threads sync.WaitGroup
		for i := range 8 {
			who := w.person(fmt.Sprintf("q%d", i))
			for range 4 {
				threads.Go(func() {
					if err := w.Mark(t.Context(), who, n, social.Favourite, true); err != nil {
						t.Error(err)
					}
					if _, err := w.Boost(t.Context(), who, n, ""); err != nil {
						t.Error(err)
					}
					switch err := w.Vote(t.Context(), who, p, []int{i % 2}); {
					case err == nil:
						voted.Add(1)
					case !errs.Is(err, errs.Invalid):
						t.Error(err)
					}
				})
			}
		}
		threads.Wait()
		s := w.see(anna, n)
		if s.Favourites != 8 || s.Boosts != 8 || voted.Load() != 8 || s.Poll.VotesCount != 8 || *s.Poll.VotersCount != 8 || *s.Poll.Options[0].VotesCount != 4 {
			t.Errorf("8 people: %d favourites, %d boosts, %d votes taken, poll %+v", s.Favourites, s.Boosts, voted.Load(), s.Poll)
		}
		recount(t, w)
	})
}

func TestPollsAreVotedInOnceAndEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, w *town) {
		anna, ben, cem := w.person("anna"), w.person("ben"), w.person("cem")
		n := w.post(anna, Draft{Text: "Lunch?", Poll: &NewPoll{Options: []string{"Dal", "Pho", "Pie"}, ExpiresIn: time.Hour, Multiple: true, HideTotals: true}})
		p := w.see(ben, n).Poll
		if p.Expired || !p.Multiple || len(p.Options) != 3 || p.Options[0].VotesCount != nil || *p.Voted || len(*p.OwnVotes) != 0 {
			t.Errorf("poll = %+v", p)
		}
		if g := w.see(access.Actor{}, n).Poll; g.Voted != nil || g.OwnVotes != nil {
			t.Errorf("a stranger's poll = %+v", g)
		}
		for _, bad := range [][]int{{}, {3}, {-1}, {0, 9}} {
			if err := w.Vote(t.Context(), ben, p.ID, bad); !errs.Is(err, errs.Invalid) {
				t.Errorf("vote %v = %v", bad, err)
			}
		}
		w.must(w.Vote(t.Context(), ben, p.ID, []int{2, 0, 2}))
		if err := w.Vote(t.Context(), ben, p.ID, []int{1}); !errs.Is(err, errs.Invalid) {
			t.Errorf("a second vote = %v", err)
		}
		if err := w.Vote(t.Context(), anna, p.ID, []int{1}); !errs.Is(err, errs.Invalid) {
			t.Errorf("a vote in one's own poll = %v", err)
		}
		p = w.see(ben, n).Poll
		if !*p.Voted || !slices.Equal(*p.OwnVotes, []int{0, 2}) || p.VotesCount != 2 || *p.VotersCount != 1 || p.Options[0].VotesCount != nil {
			t.Errorf("poll after the vote = %+v", p)
		}
		if c := w.see(cem, n).Poll; *c.Voted || len(*c.OwnVotes) != 0 {
			t.Errorf("another's poll = %+v", c)
		}
		var ended []social.PollEnded
		var mu sync.Mutex
		w.OnChange(func(_ context.Context, e events.Payload) {
			if p, ok := e.(social.PollEnded); ok {
				mu.Lock()
				ended = append(ended, p)
				mu.Unlock()
			}
		})
		w.run()
		w.clock.Advance(time.Hour)
		if err := w.Vote(t.Context(), cem, p.ID, []int{1}); !errs.Is(err, errs.Invalid) {
			t.Errorf("a vote after the end = %v", err)
		}
		p = w.see(ben, n).Poll
		if !p.Expired || p.Options[0].VotesCount == nil || *p.Options[0].VotesCount != 1 {
			t.Errorf("poll after the end = %+v", p)
		}
		w.until("the end is told", func() bool { mu.Lock(); defer mu.Unlock(); return len(ended) > 0 })
		if e := ended[0]; len(ended) != 1 || e.Status != n || e.Author != anna.ID || !slices.Equal(e.Voters, []id.ID{ben.ID}) {
			t.Errorf("told: %+v", ended)
		}
	})
}

func TestAPollThatIsChangedLosesItsVotes(t *testing.T) {
	w := onLite(t)
	anna, ben := w.person("anna"), w.person("ben")
	in := NewPoll{Options: []string{"a", "b"}, ExpiresIn: time.Hour}
	n := w.post(anna, Draft{Text: "x", Poll: &in})
	w.must(w.Vote(t.Context(), ben, w.see(ben, n).Poll.ID, []int{1}))
	longer := NewPoll{Options: []string{"a", "b"}, ExpiresIn: 3 * time.Hour}
	w.must(w.Edit(t.Context(), anna, n, Edit{Text: "y", Poll: &longer}))
	w.clock.Advance(2 * time.Hour)
	if p := w.see(ben, n).Poll; p.Expired || p.VotesCount != 1 || !*p.Voted {
		t.Errorf("with more time: %+v", p)
	}
	w.must(w.Edit(t.Context(), anna, n, Edit{Text: "y", Poll: &NewPoll{Options: []string{"a", "c"}, ExpiresIn: time.Hour}}))
	p := w.see(ben, n).Poll
	if p.VotesCount != 0 || *p.Voted || p.Options[1].Title != "c" {
		t.Errorf("with other options: %+v", p)
	}
	w.must(w.Vote(t.Context(), ben, p.ID, []int{0}))
	w.must(w.Edit(t.Context(), anna, n, Edit{Text: "y"}))
	if s := w.see(ben, n); s.Poll != nil {
		t.Errorf("without a poll: %+v", s.Poll)
	}
	recount(t, w)
	hs, err := w.History(t.Context(), ben, n)
	w.must(err)
	if len(hs) != 4 || hs[0].Poll == nil || hs[0].Poll.Options[1].Title != "b" || hs[2].Poll.Options[1].Title != "c" || hs[3].Poll != nil {
		t.Errorf("history = %+v", hs)
	}
}

func TestPastPostsStandWhereTheyBelong(t *testing.T) {
	onBoth(t, func(t *testing.T, w *town) {
		anna, ben := w.person("anna"), w.person("ben")
		rel, _ := w.Relations(t.Context(), anna.ID)
		var told []events.Payload
		w.OnChange(func(_ context.Context, p events.Payload) { told = append(told, p) })
		past := func(key, at string) social.Past {
			day, err := time.Parse(time.DateTime, at)
			w.must(err)
			return social.Past{Key: key, At: day, Text: "Once #soup " + key, Visibility: social.Public}
		}
		var ids []id.ID
		for _, p := range []social.Past{past("a", "2012-03-01 10:00:00"), past("b", "2012-03-01 10:00:01"), past("c", "2024-12-31 23:59:59"), past("d", "2025-06-01 10:00:00")} {
			if len(ids) > 0 {
				p.ReplyTo = ids[0]
			}
			n, err := w.Restore(t.Context(), anna, p)
			w.must(err)
			again, err := w.Restore(t.Context(), anna, p)
			w.must(err)
			if n != again || len(ids) > 0 && n <= ids[len(ids)-1] {
				t.Fatalf("post %s has the ids %s and %s after %s", p.Key, n, again, ids)
			}
			ids = append(ids, n)
		}
		if n, err := w.Restore(t.Context(), ben, past("a", "2012-03-01 10:00:00")); err != nil || n == ids[0] {
			t.Errorf("another's post with the same key: %s %v", n, err)
		}
		list, err := w.Statuses(t.Context(), rel, ids, "")
		w.must(err)
		if len(list) != 4 || list[0].CreatedAt.Year() != 2012 || list[0].Replies != 3 || list[3].InReplyToID == nil || *list[3].InReplyToID != ids[0] {
			t.Errorf("they are shown as %+v", list)
		}
		if w.counts[anna.ID] != 4 {
			t.Errorf("their author has %d posts", w.counts[anna.ID])
		}
		for _, p := range told {
			if e, ok := p.(social.Edited); !ok || !e.Silent {
				t.Errorf("%T %+v was told", p, p)
			}
		}
		if newer := w.post(anna, Draft{Text: "Now"}); newer <= ids[3] {
			t.Errorf("a new post %s stands before %s", newer, ids[3])
		}
	})
}
