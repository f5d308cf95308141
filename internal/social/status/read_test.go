package status

import (
	"context"
	"slices"
	"testing"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// TestWhoMayReadWhat holds every visibility against every kind of reader, through everything that shows or touches a status.
func TestWhoMayReadWhat(t *testing.T) {
	onBoth(t, func(t *testing.T, w *town) {
		author := w.person("author")
		author.Roles = []access.Grant{{Role: access.RoleOwner, Place: w.person("taj").ID}}
		taj := author.Roles[0].Place
		staff := w.person("staff")
		staff.Roles = []access.Grant{{Role: access.RoleStaff, Place: taj}}
		moderator := w.person("moderator")
		moderator.Roles = []access.Grant{{Role: access.RoleModerator}}
		readers := map[string]access.Actor{
			"author": author, "follower": w.person("follower"), "mentioned": w.person("mentioned"), "stranger": w.person("stranger"), "anonymous": {},
			"blocked": w.person("blocked"), "blocked mention": w.person("blockedmention"), "member": w.person("member"), "moderator": moderator, "staff": staff,
		}
		open, closed := w.person("open").ID, w.person("closed").ID
		for _, g := range []id.ID{open, closed} {
			w.members[g] = map[id.ID]bool{author.ID: true, readers["member"].ID: true, taj: true}
		}
		w.closed[closed] = true
		for _, who := range []string{"follower", "blocked"} { // to be blocked ends following elsewhere; here it must not matter
			w.relate(readers[who].ID, func(r *social.Relations) { r.Follows[author.ID], r.Follows[taj] = social.Follow{}, social.Follow{} })
		}
		for _, who := range []string{"blocked", "blocked mention"} {
			w.relate(readers[who].ID, func(r *social.Relations) { r.BlockedBy[author.ID], r.BlockedBy[taj] = true, true })
		}
		for _, who := range []string{"author", "member"} {
			w.relate(readers[who].ID, func(r *social.Relations) { r.Groups[open], r.Groups[closed] = true, true })
		}
		everybody := []string{"author", "follower", "mentioned", "stranger", "anonymous", "member", "moderator", "staff"}
		but := func(list []string, gone ...string) []string {
			return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(gone, s) })
		}
		const mentions = "Hi @mentioned @blockedmention"
		for name, c := range map[string]struct {
			as  id.ID
			in  Draft
			may []string
		}{
			"public":                  {in: Draft{Visibility: social.Public}, may: everybody},
			"unlisted":                {in: Draft{Visibility: social.Unlisted}, may: everybody},
			"followers":               {in: Draft{Visibility: social.Followers}, may: []string{"author", "follower", "mentioned"}},
			"direct":                  {in: Draft{Visibility: social.Direct}, may: []string{"author", "mentioned"}},
			"town":                    {in: Draft{Visibility: social.Town}, may: but(everybody, "anonymous")},
			"local only":              {in: Draft{Visibility: social.Public, LocalOnly: true}, may: but(everybody, "anonymous")},
			"open group":              {in: Draft{Group: open}, may: everybody},
			"closed group":            {in: Draft{Group: closed}, may: []string{"author", "member"}},
			"restaurant to all":       {in: Draft{As: taj, Visibility: social.Public}, may: everybody},
			"restaurant to followers": {in: Draft{As: taj, Visibility: social.Followers}, may: []string{"author", "staff", "follower", "mentioned"}},
			"restaurant to one":       {in: Draft{As: taj, Visibility: social.Direct}, may: []string{"author", "staff", "mentioned"}},
			"restaurant to a group":   {in: Draft{As: taj, Group: closed}, may: []string{"author", "staff", "member"}},
		} {
			t.Run(name, func(t *testing.T) {
				in := c.in
				in.Text, in.Poll = mentions, &NewPoll{Options: []string{"yes", "no"}, ExpiresIn: MaxExpiry}
				n := w.post(author, in)
				ours := Draft{As: c.in.As, Text: "Mine", Visibility: c.in.Visibility, LocalOnly: c.in.LocalOnly, ReplyTo: n}
				if c.in.Visibility == social.Direct {
					ours.Text = "Mine @mentioned"
				}
				answer := w.post(author, ours)
				for who, actor := range readers {
					may := slices.Contains(c.may, who)
					if got := w.see(actor, n) != nil; got != may {
						t.Errorf("%s sees it: %v; want %v", who, got, may)
					}
					if got := w.MayRead(t.Context(), actor.ID, n) == nil; got != may && who != "staff" && !(who == "author" && c.in.As != 0) {
						t.Errorf("MayRead by %s = %v; want %v", who, got, may)
					}
					rel, err := w.Relations(t.Context(), actor.ID)
					w.must(err)
					list, err := w.JSON(t.Context(), rel, []id.ID{n}, "home")
					w.must(err)
					// In lists one reads with one's own eyes, not with the restaurant's.
					if got := len(list) == 1; got != may && who != "staff" && !(who == "author" && c.in.As != 0) {
						t.Errorf("%s finds it in lists: %v; want %v", who, got, may)
					}
					checkTouch(t, w, actor, who, n, answer, may)
				}
			})
		}
	})
}

// checkTouch tries everything that needs a status to be readable.
func checkTouch(t *testing.T, w *town, actor access.Actor, who string, n, answer id.ID, may bool) {
	t.Helper()
	ctx := context.Background()
	want := func(what string, err error, may bool) {
		t.Helper()
		if gone := errs.Is(err, errs.NotFound); gone == may || err != nil && !gone {
			t.Errorf("%s by %s = %v; want it done: %v", what, who, err, may)
		}
	}
	_, _, err := w.Context(ctx, actor, n)
	want("context", err, may)
	_, err = w.History(ctx, actor, n)
	want("history", err, may)
	_, err = w.Who(ctx, actor, n, social.Favourite, Span{Limit: 10})
	want("who favourited", err, may)
	_, _, err = w.QuotedBy(ctx, actor, n, 0, 10)
	want("quotes", err, may)
	h, err := w.Head(ctx, n)
	w.must(err)
	mine := w.MayActAs(actor, h.Account)
	_, err = w.Source(ctx, actor, n)
	if mine {
		want("source", err, true)
	} else if !errs.Is(err, errs.NotFound) && !errs.Is(err, errs.Unauthenticated) {
		t.Errorf("source for %s = %v", who, err)
	}
	if !mine {
		if err := w.Edit(ctx, actor, n, Edit{Text: "stolen"}); !errs.Is(err, errs.NotFound) && !errs.Is(err, errs.Unauthenticated) {
			t.Errorf("edit by %s = %v", who, err)
		}
	}
	if !actor.SignedIn() {
		for what, err := range map[string]error{
			"favourite": w.Mark(ctx, actor, n, social.Favourite, true), "vote": w.Vote(ctx, actor, 1, []int{0}), "unboost": w.Unboost(ctx, actor, n), "delete": w.Delete(ctx, actor, n, false),
		} {
			if !errs.Is(err, errs.Unauthenticated) {
				t.Errorf("%s by nobody = %v", what, err)
			}
		}
		return
	}
	for _, k := range []social.Mark{social.Favourite, social.Bookmark, social.MuteTalk} {
		want(string(k), w.Mark(ctx, actor, n, k, true), may)
		want("un"+string(k), w.Mark(ctx, actor, n, k, false), may)
	}
	above, _, err := w.Context(ctx, actor, answer)
	if err == nil && len(above) != 1 {
		t.Errorf("above the answer %s finds %v", who, above)
	}
	if _, err := w.Post(ctx, actor, Draft{Text: "Answer", ReplyTo: n, Visibility: social.Direct}); errs.Is(err, errs.NotFound) == (may && !(mine && who == "staff")) && who != "staff" && !(mine && actor.ID != h.Account) {
		t.Errorf("answer by %s = %v", who, err)
	}
	if !may {
		_, err := w.Boost(ctx, actor, n, "")
		want("boost", err, false)
		_, err = w.Post(ctx, actor, Draft{Text: "Quote", QuoteOf: n})
		want("quote", err, false)
	}
}

func TestTheSuspendedAndTheSilenced(t *testing.T) {
	w := onLite(t)
	anna, ben := w.person("anna"), w.person("ben")
	n := w.say(anna, "Hello")
	if w.see(ben, n) == nil {
		t.Fatal("not there")
	}
	w.people[anna.ID].Limited = true
	w.tell(t.Context(), social.ProfileChanged{Profile: anna.ID})
	if h, err := w.Head(t.Context(), n); err != nil || !h.Hidden {
		t.Errorf("head of a silenced author = %+v, %v", h, err)
	}
	w.people[anna.ID].Suspended = true
	w.tell(t.Context(), social.ProfileChanged{Profile: anna.ID})
	if w.see(ben, n) != nil {
		t.Error("a suspended author is still read")
	}
	if _, err := w.Head(t.Context(), n); !errs.Is(err, errs.NotFound) {
		t.Errorf("head of a suspended author: %v", err)
	}
	rel, _ := w.Relations(t.Context(), ben.ID)
	if list, err := w.JSON(t.Context(), rel, []id.ID{n}, "home"); err != nil || len(list) != 0 {
		t.Errorf("lists show a suspended author: %s, %v", list, err)
	}
}
