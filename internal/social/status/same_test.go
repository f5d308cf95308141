package status

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// deeds is a town of some people who do whatever comes to their minds.
type deeds struct {
	w      *town
	mu     sync.Mutex
	people []access.Actor
	ids    []id.ID
}

func (d *deeds) pick(r *rand.Rand) id.ID {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.ids) == 0 {
		return 1
	}
	return d.ids[max(0, len(d.ids)-1-r.IntN(min(len(d.ids), 12)))]
}

// do does one thing. Refusals are as good as deeds; anything else that goes wrong is a fault.
func (d *deeds) do(ctx context.Context, r *rand.Rand) error {
	s, a, n := d.w.Service, d.people[r.IntN(len(d.people))], d.pick(r)
	var err error
	switch r.IntN(14) {
	case 0, 1, 2:
		in := Draft{Text: fmt.Sprintf("Text %d @p%d #t%d", r.IntN(1000), r.IntN(len(d.people)), r.IntN(3)), Visibility: []social.Visibility{social.Public, social.Public, social.Followers, social.Direct, social.Town}[r.IntN(5)]}
		switch r.IntN(4) {
		case 0:
			in.ReplyTo = n
		case 1:
			in.QuoteOf = n
		case 2:
			in.Poll = &NewPoll{Options: []string{"a", "b", "c"}, ExpiresIn: time.Hour, Multiple: r.IntN(2) == 0, HideTotals: r.IntN(2) == 0}
		}
		var fresh id.ID
		if fresh, err = s.Post(ctx, a, in); err == nil {
			d.mu.Lock()
			d.ids = append(d.ids, fresh)
			d.mu.Unlock()
		}
	case 3:
		var fresh id.ID
		if fresh, err = s.Boost(ctx, a, n, ""); err == nil && r.IntN(3) == 0 {
			d.mu.Lock()
			d.ids = append(d.ids, fresh)
			d.mu.Unlock()
		}
	case 4:
		err = s.Unboost(ctx, a, n)
	case 5, 6:
		err = s.Mark(ctx, a, n, []social.Mark{social.Favourite, social.Bookmark, social.Pin, social.MuteTalk}[r.IntN(4)], true)
	case 7:
		err = s.Mark(ctx, a, n, []social.Mark{social.Favourite, social.Bookmark, social.Pin, social.MuteTalk}[r.IntN(4)], false)
	case 8, 9:
		var p id.ID
		if p, err = d.pollOf(ctx, n); err == nil && p != 0 {
			err = s.Vote(ctx, a, p, [][]int{{0}, {1}, {0, 2}, {5}}[r.IntN(4)])
		}
	case 10:
		e := Edit{Text: fmt.Sprintf("Edited %d #t%d", r.IntN(1000), r.IntN(3))}
		if r.IntN(2) == 0 {
			e.Poll = &NewPoll{Options: []string{"x", "y"}, ExpiresIn: time.Hour}
		}
		err = s.Edit(ctx, a, n, e)
	case 11:
		err = s.Delete(ctx, a, n, r.IntN(2) == 0)
	case 12:
		var h social.Head
		if h, err = s.Head(ctx, n); err == nil && h.QuoteOf != 0 {
			err = s.RevokeQuote(ctx, access.Actor{ID: h.QuoteFrom}, h.QuoteOf, n)
		}
	case 13:
		_, err = s.JSON(ctx, d.w.relOf(a.ID), []id.ID{n, d.pick(r)}, "home")
	}
	if k := errs.KindOf(err); err != nil && k == errs.Internal {
		return err
	}
	return nil
}

func (d *deeds) pollOf(ctx context.Context, n id.ID) (p id.ID, err error) {
	err = d.w.d.Read(ctx, func(tx *db.Tx) error {
		r, err := rowOf(ctx, tx, n)
		if err == nil {
			p = r.poll
		}
		return err
	})
	return p, err
}

func (w *town) relOf(reader id.ID) *social.Relations {
	r, _ := w.Relations(context.Background(), reader)
	return r
}

// recount compares every counter with what it counts.
func recount(t *testing.T, w *town) {
	t.Helper()
	for what, q := range map[string]string{
		"replies":    `SELECT COUNT(*) FROM status s WHERE s.boost_of = 0 AND s.replies <> (SELECT COUNT(*) FROM status r WHERE r.reply_to = s.id)`,
		"boosts":     `SELECT COUNT(*) FROM status s WHERE s.boosts <> (SELECT COUNT(*) FROM status r WHERE r.boost_of = s.id)`,
		"quotes":     `SELECT COUNT(*) FROM status s WHERE s.quotes <> (SELECT COUNT(*) FROM status r WHERE r.quote_of = s.id AND r.quote_state = 'accepted')`,
		"favourites": `SELECT COUNT(*) FROM status s WHERE s.favourites <> (SELECT COUNT(*) FROM status_mark m WHERE m.status = s.id AND m.kind = 'favourite')`,
		"boost marks": `SELECT COUNT(*) FROM status s WHERE s.boost_of <> 0 AND NOT EXISTS
			(SELECT 1 FROM status_mark m WHERE m.id = s.id AND m.kind = 'boost' AND m.status = s.boost_of AND m.account = s.account)`,
		"marks without a boost":  `SELECT COUNT(*) FROM status_mark m WHERE m.kind = 'boost' AND NOT EXISTS (SELECT 1 FROM status s WHERE s.id = m.id)`,
		"voters":                 `SELECT COUNT(*) FROM poll p WHERE p.voters <> (SELECT COUNT(*) FROM status_mark m WHERE m.status = p.status AND m.kind = 'vote')`,
		"votes":                  `SELECT COUNT(*) FROM poll p WHERE p.votes <> (SELECT COALESCE(SUM(c.votes), 0) FROM poll_choice c WHERE c.poll = p.id)`,
		"polls without a status": `SELECT COUNT(*) FROM poll p WHERE NOT EXISTS (SELECT 1 FROM status s WHERE s.id = p.status AND s.poll = p.id)`,
		"left over marks":        `SELECT COUNT(*) FROM status_mark m WHERE m.kind NOT IN ('boost', 'mute') AND NOT EXISTS (SELECT 1 FROM status s WHERE s.id = m.status)`,
		"left over tags":         `SELECT COUNT(*) FROM status_tag x WHERE NOT EXISTS (SELECT 1 FROM status s WHERE s.id = x.status)`,
		"left over links":        `SELECT COUNT(*) FROM status_link x WHERE NOT EXISTS (SELECT 1 FROM status s WHERE s.id = x.status)`,
		"left over mentions":     `SELECT COUNT(*) FROM status_mention x WHERE NOT EXISTS (SELECT 1 FROM status s WHERE s.id = x.status)`,
		"too many pins":          `SELECT COUNT(*) FROM (SELECT account FROM status_mark WHERE kind = 'pin' GROUP BY account HAVING COUNT(*) > 5) x`,
	} {
		var wrong int
		w.must(w.d.Read(t.Context(), func(tx *db.Tx) error { return tx.Row(t.Context(), q).Scan(&wrong) }))
		if wrong != 0 {
			t.Errorf("%s: %d rows are wrong", what, wrong)
		}
	}
	var listed []mark
	w.must(w.d.Read(t.Context(), func(tx *db.Tx) (err error) {
		listed, err = db.All(t.Context(), tx, scanMark, `SELECT `+markColumns+` FROM status_mark WHERE kind = 'vote'`)
		return err
	}))
	votes := map[[2]id.ID]int64{}
	for _, m := range listed {
		for _, c := range idList(m.value) {
			votes[[2]id.ID{m.status, c}]++
		}
	}
	w.must(w.d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Each(t.Context(), func(s db.Scanner) error {
			var status, n id.ID
			var got int64
			if err := s.Scan((*int64)(&status), (*int64)(&n), &got); err != nil {
				return err
			}
			if want := votes[[2]id.ID{status, n}]; got != want {
				t.Errorf("choice %d of the poll of %d has %d votes; %d were cast", n, status, got, want)
			}
			return nil
		}, `SELECT p.status, c.n, c.votes FROM poll_choice c JOIN poll p ON p.id = c.poll`)
	}))
	for n, a := range w.people {
		var posts int
		w.must(w.d.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Row(t.Context(), `SELECT COUNT(*) FROM status WHERE account = $1 AND visibility <> 'direct'`, int64(n)).Scan(&posts)
		}))
		if w.counts[n] != posts {
			t.Errorf("%s has %d posts and is said to have %d", a.Acct, posts, w.counts[n])
		}
	}
}

// all returns what every reader sees of everything, from a Service's memory.
func all(t *testing.T, s *Service, w *town, ids []id.ID) map[string]string {
	t.Helper()
	out := map[string]string{}
	for n := range w.people {
		list, err := s.JSON(t.Context(), w.relOf(n), ids, "home")
		w.must(err)
		for _, b := range list {
			var v struct {
				ID id.ID `json:"id"`
			}
			w.must(json.Unmarshal(b, &v))
			var nice bytes.Buffer
			w.must(json.Indent(&nice, b, "", " "))
			out[n.String()+" sees "+v.ID.String()] = nice.String()
		}
	}
	return out
}

// TestWhatIsKeptIsWhatIsStored has people do anything in any order, on several threads, and then compares the counters with what they count,
// and what this node and another one have in memory with what a new one reads from the database.
func TestWhatIsKeptIsWhatIsStored(t *testing.T) {
	onBoth(t, func(t *testing.T, w *town) {
		bus := events.NewLocal()
		other := w.node(bus, id.NewSource(2))
		d := &deeds{w: w}
		for i := range 5 {
			d.people = append(d.people, w.person(fmt.Sprintf("p%d", i)))
		}
		for i, a := range d.people {
			for j, b := range d.people {
				if (i+j)%3 != 0 && i != j {
					w.follow(a, b)
				}
			}
		}
		w.relate(d.people[4].ID, func(r *social.Relations) { r.BlockedBy[d.people[0].ID] = true })
		w.relate(d.people[3].ID, func(r *social.Relations) { r.Mutes[d.people[1].ID] = social.Mute{} })
		w.run()
		ctx, cancel := context.WithCancel(context.Background())
		var back sync.WaitGroup
		back.Go(func() { _ = other.Log.Run(ctx) })
		defer func() { cancel(); back.Wait() }()

		var threads sync.WaitGroup
		for i := range 4 {
			threads.Go(func() {
				r := rand.New(rand.NewPCG(uint64(i), 7))
				for range 150 {
					if err := d.do(ctx, r); err != nil {
						t.Error(err)
						return
					}
					if r.IntN(4) == 0 { // the other node looks, too, so that it has something to forget
						a := d.people[r.IntN(len(d.people))]
						if _, err := other.JSON(ctx, w.relOf(a.ID), []id.ID{d.pick(r)}, "home"); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		threads.Wait()
		w.until("the boosts of what is gone are swept", func() bool {
			st, err := w.Jobs.Stats(ctx)
			return err == nil && st.Due+st.Running == 0
		})
		recount(t, w)
		head, err := w.Log.Head(ctx)
		w.must(err)
		w.until("both nodes have heard of everything", func() bool { return w.Log.Watched() >= head && other.Log.Watched() >= head })
		var hs []social.Head
		hs, err = w.Recent(ctx, 0, 10_000)
		w.must(err)
		var ids []id.ID
		for _, h := range hs {
			ids = append(ids, h.ID)
		}
		fresh := all(t, w.node(bus, id.NewSource(3)), w, ids)
		if len(fresh) < 50 {
			t.Fatalf("only %d sights: that tells nothing", len(fresh))
		}
		for name, s := range map[string]*Service{"the node that did it": w.Service, "another node": other} {
			got := all(t, s, w, ids)
			if diff := cmp.Diff(fresh, got); diff != "" {
				t.Errorf("%s (-stored +kept):\n%s", name, diff[:min(len(diff), 3000)])
			}
		}
	})
}

func TestTheSameKeyGivesTheSameStatus(t *testing.T) {
	onBoth(t, func(t *testing.T, w *town) {
		anna, ben := w.person("anna"), w.person("ben")
		var mu sync.Mutex
		var got []id.ID
		var threads sync.WaitGroup
		for i := range 12 {
			threads.Go(func() {
				n, err := w.Post(t.Context(), anna, Draft{Text: fmt.Sprintf("Take %d", i), Key: "once"})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				got = append(got, n)
			})
		}
		threads.Wait()
		if slices.Sort(got); len(slices.Compact(got)) != 1 {
			t.Errorf("the same key gave %v", got)
		}
		if other := w.post(ben, Draft{Text: "Mine", Key: "once"}); slices.Contains(got, other) {
			t.Error("another's key gives this one's status")
		}
		hs, err := w.Recent(t.Context(), 0, 10)
		w.must(err)
		if len(hs) != 2 {
			t.Errorf("%d statuses; want 2", len(hs))
		}
		if _, err := w.Post(t.Context(), anna, Draft{Text: "x", Key: "no such\nkey"}); !errs.Is(err, errs.Invalid) {
			t.Errorf("a broken key: %v", err)
		}
	})
}

func TestMarksOnOldStatusesAreFoundToo(t *testing.T) {
	w := onLite(t)
	anna, ben := w.person("anna"), w.person("ben")
	old := w.post(anna, Draft{Text: "old", Poll: &NewPoll{Options: []string{"a", "b"}, ExpiresIn: time.Hour}})
	w.must(w.Mark(t.Context(), ben, old, social.Bookmark, true))
	w.must(w.Mark(t.Context(), ben, old, social.MuteTalk, true))
	w.must(w.Vote(t.Context(), ben, w.see(ben, old).Poll.ID, []int{1}))
	unmarked := w.say(anna, "old, too")
	for i := range maxMarks + 5 {
		w.must(w.Mark(t.Context(), ben, w.say(anna, fmt.Sprint(i)), social.Favourite, true))
	}
	fresh := w.say(anna, "new")
	w.must(w.Mark(t.Context(), ben, fresh, social.Favourite, true))
	for _, s := range []*Service{w.Service, w.node(events.NewLocal(), id.NewSource(2))} {
		list, err := s.Statuses(t.Context(), w.relOf(ben.ID), []id.ID{old, unmarked, fresh}, "")
		if err != nil || len(list) != 3 {
			t.Fatal(list, err)
		}
		if o := list[0]; !o.Bookmarked || !o.Muted || !*o.Poll.Voted || (*o.Poll.OwnVotes)[0] != 1 || o.Favourited || list[1].Bookmarked || !list[2].Favourited {
			t.Errorf("old: %+v, unmarked: %+v, new: %+v", o, list[1], list[2])
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	l := newLRU[int](1000)
	gens := make([]uint32, 1)
	for i := range 100 {
		l.get([]id.ID{id.ID(i + 1)}, make([]int, 1), gens)
		l.put(gens[0], id.ID(i+1), i, 30)
		l.get([]id.ID{1}, make([]int, 1), nil) // the first is used again and again
	}
	if l.size > 1000 || l.used.Len() != len(l.by) || l.used.Len() != 33 {
		t.Errorf("%d bytes of %d values in %d places", l.size, len(l.by), l.used.Len())
	}
	got := []int{-1}
	if l.get([]id.ID{1}, got, nil) != 0 || got[0] != 0 {
		t.Error("what was used all the time is gone")
	}
	l.get([]id.ID{7}, got, gens)
	l.drop(7)
	l.put(gens[0], 7, 7, 30)
	if l.get([]id.ID{7}, got, nil) != 1 {
		t.Error("what was read before a drop was kept")
	}
	var rs readers
	for i := range 3 {
		r := &reader{marks: make(map[id.ID]bits)}
		for j := range maxKept/2 + 1 {
			r.marks[id.ID(j)] = bitBoost
		}
		if rs.by == nil {
			rs.by = map[id.ID]*reader{}
		}
		rs.by[id.ID(i)] = r
		rs.weigh(id.ID(i), r)
	}
	if len(rs.by) != 1 || rs.size > maxKept {
		t.Errorf("%d marks of %d readers", rs.size, len(rs.by))
	}
}

// TestAWarmPageAsksNoDatabase asks for the page again with a context that has ended, in which nothing is read any more.
func TestAWarmPageAsksNoDatabase(t *testing.T) {
	w := onLite(t)
	people, ids := street(w, 40)
	boost, err := w.Boost(t.Context(), people[3], ids[2], "")
	w.must(err)
	quote := w.post(people[4], Draft{Text: "see", QuoteOf: ids[5]})
	w.must(w.Mark(t.Context(), people[0], ids[3], social.Bookmark, true))
	page, rel := append([]id.ID{boost, quote}, ids[:18]...), w.relOf(people[0].ID)
	first, n, err := w.Append(t.Context(), nil, rel, page, "home")
	if err != nil || n != 20 {
		t.Fatal(n, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.d.Ping(ended); err == nil {
		t.Fatal("the database answers: this tells nothing")
	}
	again, n, err := w.Append(ended, nil, rel, page, "home")
	if err != nil || n != 20 || !bytes.Equal(first, again) {
		t.Errorf("without a database: %d statuses, %v, the same: %v", n, err, bytes.Equal(first, again))
	}
}

func TestThisNodeHearsBeforeTheAnswer(t *testing.T) {
	w := onLite(t)
	anna := w.person("anna")
	var heard []string
	w.OnChange(func(_ context.Context, p events.Payload) { heard = append(heard, p.EventKind()) })
	n := w.say(anna, "x")
	w.must(w.Edit(t.Context(), anna, n, Edit{Text: "y"}))
	w.must(w.Mark(t.Context(), anna, n, social.Favourite, true))
	w.must(w.Mark(t.Context(), anna, n, social.Favourite, true)) // again: nothing happens
	_, err := w.Boost(t.Context(), anna, n, "")
	w.must(err)
	w.must(w.Delete(t.Context(), anna, n, true))
	if want := []string{social.KindPosted, social.KindEdited, social.KindMarked, social.KindPosted, social.KindDeleted}; !slices.Equal(heard, want) {
		t.Errorf("heard %v; want %v", heard, want)
	}
	stored, err := w.Log.Since(t.Context(), 0, 100)
	w.must(err)
	var kinds []string
	for _, e := range stored {
		kinds = append(kinds, e.Kind)
	}
	if !slices.Equal(kinds, heard) {
		t.Errorf("the log has %v; heard were %v", kinds, heard)
	}
}
