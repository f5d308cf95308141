package follow

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/social/profile"
)

// fixture is a town with people and a restaurant, of real slices.
type fixture struct {
	*Service
	d        *db.DB
	ids      *id.Source
	log      *events.Log
	jobs     *jobs.Queue
	clock    *clock.Manual
	accounts *account.Service
	people   *profile.Service
}

func setup(t testing.TB, d *db.DB) *fixture {
	t.Helper()
	bus := events.NewLocal()
	f := &fixture{d: d, log: events.New(d, bus), clock: clock.NewManual(time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)), ids: id.NewSource(1)}
	f.jobs = jobs.New(d, bus, f.clock.Now, f.ids, jobs.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	of := func(a account.Account) profile.Person {
		return profile.Person{ID: a.ID, Handle: a.Handle, Name: a.Name}
	}
	f.accounts = account.New(d, f.log, f.ids, f.clock.Now, account.Options{
		OnCreate: func(ctx context.Context, tx *db.Tx, a account.Account) error {
			return f.people.AccountMade(ctx, tx, of(a))
		},
		OnChange: func(ctx context.Context, tx *db.Tx, a account.Account) error {
			return f.people.AccountChanged(ctx, tx, of(a))
		},
	})
	f.people = profile.New(d, f.log, f.ids, f.clock.Now, profile.Options{
		URL: func() string { return "https://town.example" }, Jobs: f.jobs, Rename: f.accounts.Rename,
		Unlink:    func(context.Context, *db.Tx, []string) error { return nil },
		Unlocked:  func(ctx context.Context, tx *db.Tx, p id.ID) error { return f.AuthorizeAll(ctx, tx, p) },
		Relations: func(ctx context.Context, v id.ID) (*social.Relations, error) { return f.Relations(ctx, v) },
	})
	f.Service = New(d, f.log, f.ids, f.clock.Now, f.people, Options{
		URL: func() string { return "https://town.example" }, Tag: profile.Tag, Resolve: f.people.Resolve, Jobs: f.jobs,
	})
	f.React(f.log, f.jobs)
	f.people.React(f.log, f.jobs)
	return f
}

func both(t *testing.T, test func(*testing.T, *fixture)) {
	t.Helper()
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, setup(t, d)) }, account.Schema, restaurant.Schema, profile.Schema, Schema, events.Schema, jobs.Schema)
}

// add makes people by their handles and returns their ids.
func (f *fixture) add(t testing.TB, handles ...string) []id.ID {
	t.Helper()
	list := make([]account.Person, len(handles))
	for i, h := range handles {
		list[i] = account.Person{Handle: h, Name: "Name " + h, Email: h + "@example.org"}
	}
	out, err := f.accounts.Add(t.Context(), list...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (f *fixture) shop(t testing.TB, slug string) id.ID {
	t.Helper()
	rid := f.ids.Next()
	err := f.d.Write(t.Context(), func(tx *db.Tx) error {
		return f.people.RestaurantSaved(t.Context(), tx, profile.Shop{ID: rid, Slug: slug, Name: slug, Active: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	return rid
}

func (f *fixture) lock(t testing.TB, who id.ID, locked bool) {
	t.Helper()
	if err := f.people.Update(t.Context(), who, profile.Change{Locked: &locked}); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// whole fails the test unless counters are what a recount gives, nobody follows whom they block, and what is kept in memory is what is stored.
func (f *fixture) whole(t interface{ Fatalf(string, ...any) }, all []id.ID) {
	ctx := context.Background()
	following, followers := map[id.ID]int64{}, map[id.ID]int64{}
	blocked := map[[2]id.ID]bool{}
	err := f.d.Read(ctx, func(tx *db.Tx) error {
		err := tx.Each(ctx, func(s db.Scanner) error {
			var p [2]id.ID
			err := s.Scan(&p[0], &p[1])
			blocked[p], blocked[[2]id.ID{p[1], p[0]}] = true, true
			return err
		}, `SELECT blocker, blocked FROM social_block`)
		if err != nil {
			return err
		}
		return tx.Each(ctx, func(s db.Scanner) error {
			var p [2]id.ID
			var pending bool
			if err := s.Scan(&p[0], &p[1], &pending); err != nil {
				return err
			}
			if blocked[p] {
				t.Fatalf("%d follows %d beside a block", p[0], p[1])
			}
			if !pending {
				following[p[0]]++
				followers[p[1]]++
			}
			return nil
		}, `SELECT follower, followee, pending FROM social_follow`)
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	found, err := f.people.Entities(ctx, all)
	if err != nil {
		t.Fatalf("Entities: %v", err)
	}
	for _, i := range all {
		if a := found[i]; a.Following != following[i] || a.Followers != followers[i] {
			t.Fatalf("%s counts %d following, %d followers; a recount gives %d, %d", a.Acct, a.Following, a.Followers, following[i], followers[i])
		}
		kept, err := f.Relations(ctx, i)
		if err != nil {
			t.Fatalf("Relations: %v", err)
		}
		fresh, err := f.readRelations(ctx, i)
		if err != nil {
			t.Fatalf("Relations: %v", err)
		}
		if diff := cmp.Diff(fresh, kept); diff != "" {
			t.Fatalf("what is kept of %s differs from what is stored:\n%s", found[i].Acct, diff)
		}
	}
}

func TestNoOrderOfDeedsLeavesCountersOrSnapshotsWrong(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		all := append(f.add(t, "ada", "bob", "cem"), f.shop(t, "taj"))
		f.lock(t, all[1], true)
		rapid.Check(t, func(rt *rapid.T) {
			for range rapid.IntRange(1, 25).Draw(rt, "deeds") {
				a, b := rapid.SampledFrom(all).Draw(rt, "who"), rapid.SampledFrom(all).Draw(rt, "whom")
				var err error
				switch rapid.IntRange(0, 9).Draw(rt, "deed") {
				case 0, 1, 2:
					boosts := rapid.Bool().Draw(rt, "boosts")
					err = f.Follow(context.Background(), a, b, How{Boosts: &boosts})
				case 3:
					err = f.Unfollow(context.Background(), a, b)
				case 4:
					err = f.Authorize(context.Background(), a, b)
				case 5:
					err = f.Reject(context.Background(), a, b)
				case 6:
					err = f.Block(context.Background(), a, b)
				case 7:
					err = f.Unblock(context.Background(), a, b)
				case 8:
					err = f.RemoveFollower(context.Background(), a, b)
				case 9:
					err = f.Mute(context.Background(), a, b, true, 0)
				}
				if err != nil && errs.As(err) == nil {
					rt.Fatalf("%v", err)
				}
			}
			f.whole(rt, all)
		})
	})
}

func TestAHundredAtOnceEndConsistent(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		all := append(f.add(t, "ada", "bob", "cem", "dot"), f.shop(t, "taj"))
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(i), 1))
				a, b := all[r.IntN(len(all))], all[r.IntN(len(all))]
				var err error
				switch {
				case i%10 == 9:
					err = f.Block(context.Background(), a, b)
				case i%10 == 8:
					err = f.Unblock(context.Background(), a, b)
				case i%2 == 0:
					err = f.Follow(context.Background(), a, b, How{})
				default:
					err = f.Unfollow(context.Background(), a, b)
				}
				if err != nil && errs.As(err) == nil {
					t.Error(err)
				}
				if _, err := f.Relations(context.Background(), a); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		f.whole(t, all)
	})
}

func TestALockedProfileIsAskedFirst(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		p := f.add(t, "ada", "bob", "cem")
		ada, bob, cem := p[0], p[1], p[2]
		f.lock(t, bob, true)
		must(t, f.Follow(t.Context(), ada, bob, How{}))
		must(t, f.Follow(t.Context(), cem, bob, How{}))
		r, err := f.Relationship(t.Context(), ada, bob)
		if err != nil || r.Following || !r.Requested {
			t.Fatalf("after asking: %+v, %v", r, err)
		}
		if n, err := f.Requested(t.Context(), bob); n != 2 || err != nil {
			t.Errorf("%d wait, %v", n, err)
		}
		must(t, f.Authorize(t.Context(), bob, ada))
		if err := f.Authorize(t.Context(), bob, ada); !errs.Is(err, errs.NotFound) {
			t.Errorf("a second yes: %v", err)
		}
		r, err = f.Relationship(t.Context(), bob, ada)
		if err != nil || !r.FollowedBy || r.RequestedBy {
			t.Errorf("after the yes: %+v, %v", r, err)
		}
		f.lock(t, bob, false) // who waits need wait no longer
		if r, err = f.Relationship(t.Context(), cem, bob); err != nil || !r.Following {
			t.Errorf("after unlocking: %+v, %v", r, err)
		}
		f.whole(t, p)
		es, err := f.log.Since(t.Context(), 0, 100)
		must(t, err)
		var ties []string
		for _, e := range es {
			if e.Kind == social.KindFollowed {
				ties = append(ties, string(e.Data))
			}
		}
		want := []string{
			fmt.Sprintf(`{"from":"%d","to":"%d","tie":"request"}`, ada, bob), fmt.Sprintf(`{"from":"%d","to":"%d","tie":"request"}`, cem, bob),
			fmt.Sprintf(`{"from":"%d","to":"%d","tie":"follow","was":true}`, ada, bob), fmt.Sprintf(`{"from":"%d","to":"%d","tie":"follow","was":true}`, cem, bob),
		}
		if diff := cmp.Diff(want, ties); diff != "" {
			t.Errorf("events:\n%s", diff)
		}
	})
}

func TestAMuteEndsByItself(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		p := f.add(t, "ada", "bob")
		must(t, f.Mute(t.Context(), p[0], p[1], false, time.Hour))
		r, err := f.Relationship(t.Context(), p[0], p[1])
		if err != nil || !r.Muting || r.MutingNotifications || !r.MutingExpiresAt.Equal(f.clock.Now().Add(time.Hour)) {
			t.Fatalf("muted: %+v, %v", r, err)
		}
		f.clock.Advance(time.Hour + time.Second)
		if r, err = f.Relationship(t.Context(), p[0], p[1]); err != nil || r.Muting {
			t.Errorf("after an hour: %+v, %v", r, err)
		}
		list, _, _, err := f.List(t.Context(), p[0], p[0], Muted, mastodon.Page{Limit: 10})
		if err != nil || len(list) != 0 {
			t.Errorf("still listed: %v, %v", list, err)
		}
		for _, wrong := range []time.Duration{-time.Second, MaxMute + time.Second} {
			if err := f.Mute(t.Context(), p[0], p[1], true, wrong); !errs.Is(err, errs.Invalid) {
				t.Errorf("Mute for %s: %v", wrong, err)
			}
		}
	})
}

func TestBlocksEndWhatWas(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		p := f.add(t, "ada", "bob")
		must(t, f.Follow(t.Context(), p[0], p[1], How{}))
		must(t, f.Follow(t.Context(), p[1], p[0], How{}))
		must(t, f.Endorse(t.Context(), p[0], p[1]))
		must(t, f.Block(t.Context(), p[1], p[0]))
		f.whole(t, p)
		r, err := f.Relationship(t.Context(), p[0], p[1])
		if err != nil || r.Following || r.FollowedBy || r.Endorsed || !r.BlockedBy {
			t.Errorf("after the block: %+v, %v", r, err)
		}
		if err := f.Follow(t.Context(), p[0], p[1], How{}); !errs.Is(err, errs.Forbidden) {
			t.Errorf("followed who blocks: %v", err)
		}
		if err := f.Endorse(t.Context(), p[0], p[1]); !errs.Is(err, errs.Invalid) {
			t.Errorf("recommended whom one does not follow: %v", err)
		}
	})
}

func TestOtherNodesHearOfChanges(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		p := f.add(t, "ada", "bob")
		bus := events.NewLocal()
		log := events.New(f.d, bus)
		other := New(f.d, log, id.NewSource(2), f.clock.Now, f.people, f.opt)
		other.React(log, jobs.New(f.d, bus, f.clock.Now, id.NewSource(2), jobs.Options{}))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- log.Run(ctx) }()
		defer func() { cancel(); <-done }()
		for _, i := range p {
			if rel, err := other.Relations(t.Context(), i); err != nil || len(rel.BlockedBy)+len(rel.Blocks) != 0 {
				t.Fatal(rel, err)
			}
		}
		must(t, f.Block(t.Context(), p[0], p[1]))
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			mine, err := other.Relations(t.Context(), p[0])
			must(t, err)
			theirs, err := other.Relations(t.Context(), p[1])
			must(t, err)
			if mine.Blocks[p[1]] && theirs.BlockedBy[p[0]] {
				return
			}
			if time.Now().After(deadline) {
				t.Fatal("the other node never heard of the block")
			}
		}
	})
}

func TestFiveThousandFollowsLoadQuickly(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ada := f.add(t, "ada")[0]
		err := f.d.Write(t.Context(), func(tx *db.Tx) error {
			for i := range 5000 {
				if err := insertTie(t.Context(), tx, ada, tie{ID: f.ids.Next(), Other: id.ID(1000 + i), Follow: social.Follow{Boosts: true}}, f.clock.Now()); err != nil {
					return err
				}
			}
			return nil
		})
		must(t, err)
		best := time.Hour
		for range 5 {
			f.Forget(ada)
			began := time.Now()
			rel, err := f.Relations(t.Context(), ada)
			must(t, err)
			best = min(best, time.Since(began))
			if len(rel.Follows) != 5000 {
				t.Fatalf("%d follows", len(rel.Follows))
			}
		}
		t.Logf("5,000 follows in %s", best)
		if best > 100*time.Millisecond {
			t.Errorf("5,000 follows took %s", best)
		}
		list, err := f.Followers(t.Context(), 1000, 0, 10)
		if err != nil || !slices.Equal(list, []id.ID{ada}) {
			t.Errorf("Followers = %v, %v", list, err)
		}
	})
}

func TestTheCacheForgetsWhoWasNotAskedForLongest(t *testing.T) {
	c := newCache(100)
	for i := range id.ID(10) {
		_, mark := c.get(i)
		c.put(i, &social.Relations{Viewer: i, Blocks: map[id.ID]bool{1: true, 2: true, 3: true, 4: true}}, mark)
		c.get(0)
	}
	if got := slices.Sorted(maps.Keys(c.of)); !slices.Equal(got, []id.ID{0, 6, 7, 8, 9}) || c.ties != 100 {
		t.Errorf("%v are kept, %d ties", got, c.ties)
	}
	_, mark := c.get(50)
	c.drop(50)
	c.put(50, &social.Relations{Viewer: 50}, mark)
	if c.of[50] != nil {
		t.Error("what was dropped while it was read is kept")
	}
	if len(c.reads)+len(c.drops) != 0 {
		t.Errorf("left over: %v %v", c.reads, c.drops)
	}
}

func TestWhoLeavesTakesTheirTiesAlong(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		var handles []string
		for i := range 60 {
			handles = append(handles, fmt.Sprintf("p%02d", i))
		}
		all := f.add(t, append(handles, "ada")...)
		ada := all[60]
		for _, p := range all[:60] {
			must(t, f.Follow(t.Context(), ada, p, How{}))
			must(t, f.Follow(t.Context(), p, ada, How{}))
		}
		must(t, f.Mute(t.Context(), all[0], ada, true, 0))
		must(t, f.Note(t.Context(), ada, all[0], "owes me a pie"))
		must(t, f.BlockDomain(t.Context(), ada, "bad.example"))
		must(t, f.FollowTag(t.Context(), ada, "pie", "Pie"))
		part := f.Personal()
		for again := 0; ; again++ {
			var more bool
			must(t, f.d.Write(t.Context(), func(tx *db.Tx) error {
				out, err := part.Erase(t.Context(), tx, ada)
				more = out.More
				return err
			}))
			if !more {
				break
			}
			if again > 5 {
				t.Fatal("there is always more")
			}
		}
		f.whole(t, all)
		for _, table := range []string{"social_follow", "social_mute", "social_note", "social_domain_block", "social_tag_follow"} {
			must(t, f.d.Read(t.Context(), func(tx *db.Tx) error {
				left, err := tx.Exists(t.Context(), `SELECT 1 FROM `+table)
				if left {
					t.Errorf("something is left in %s", table)
				}
				return err
			}))
		}
	})
}

// profileChange keeps to oneself whom one follows.
func profileChange(secretive *bool) profile.Change { return profile.Change{Secretive: secretive} }

// shelf is an archive that keeps what it is given.
type shelf map[string]string

func (s shelf) JSON(name, _ string, doc any) error {
	b, err := json.Marshal(doc)
	s[name] = string(b)
	return err
}

func (s shelf) File(name, _ string, r io.Reader) error {
	b, err := io.ReadAll(r)
	s[name] = string(b)
	return err
}

func (s shelf) Picture(path, _ string) error { return fmt.Errorf("no picture was expected: %s", path) }

func TestACopyHoldsWhomOneFollowsAndShutsOut(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		p := f.add(t, "ada", "bob", "cem")
		must(t, f.Follow(t.Context(), p[0], p[1], How{}))
		must(t, f.Follow(t.Context(), p[2], p[0], How{}))
		must(t, f.Block(t.Context(), p[0], p[2]))
		must(t, f.Note(t.Context(), p[0], p[1], "owes me a pie"))
		must(t, f.Note(t.Context(), p[1], p[0], "sings badly"))
		must(t, f.FollowTag(t.Context(), p[0], "pie", "Pie"))
		got := shelf{}
		must(t, f.Personal().Export(t.Context(), p[0], got))
		want := shelf{
			"follows.json":           `{"blocked":["cem@town.example"],"following":["bob@town.example"],"notes":{"bob@town.example":"owes me a pie"},"tags":["Pie"]}`,
			"following_accounts.csv": "Account address,Show boosts,Notify on new posts,Languages\nbob@town.example,true,false,\n",
			"blocked_accounts.csv":   "cem@town.example\n",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if n, err := f.Personal().Count(t.Context(), p[0]); n != 1 || err != nil {
			t.Errorf("Count = %d, %v", n, err)
		}
	})
}
