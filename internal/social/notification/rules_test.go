package notification

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
)

const (
	reader id.ID = 1
	sender id.ID = 2
)

func TestPoliciesHoldBackWhomTheReaderDoesNotKnow(t *testing.T) {
	now := time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)
	known := &social.Relations{Viewer: reader, Follows: map[id.ID]social.Follow{sender: {}}}
	stranger := &social.Relations{Viewer: reader}
	old := now.Add(-365 * 24 * time.Hour)
	drop := func(set func(*Policy)) Policy {
		p := Policy{Accept, Accept, Accept, Accept, Accept}
		set(&p)
		return p
	}
	for name, c := range map[string]struct {
		a    about
		want Verdict
	}{
		"a stranger's mention":                       {about{to: stranger, kind: Mention, since: old, policy: DefaultPolicy}, Accept},
		"a stranger's message":                       {about{to: stranger, kind: Mention, since: old, policy: DefaultPolicy, direct: true}, Filter},
		"an answer to a message of the reader's":     {about{to: stranger, kind: Mention, since: old, policy: DefaultPolicy, direct: true, answers: true}, Accept},
		"a message of somebody followed":             {about{to: known, kind: Mention, since: old, policy: DefaultPolicy, direct: true}, Accept},
		"a message of a moderator":                   {about{to: stranger, kind: Mention, since: old, policy: DefaultPolicy, direct: true, official: true}, Accept},
		"a message of somebody let in":               {about{to: stranger, kind: Mention, since: old, policy: DefaultPolicy, direct: true, allowed: true}, Accept},
		"a silenced stranger's favourite":            {about{to: stranger, kind: Favourite, since: old, policy: DefaultPolicy, limited: true}, Filter},
		"a silenced follower's request":              {about{to: stranger, kind: FollowRequest, since: old, policy: DefaultPolicy, limited: true}, Accept},
		"not followed, dropped":                      {about{to: stranger, kind: Reblog, since: old, policy: drop(func(p *Policy) { p.NotFollowing = Drop })}, Drop},
		"followed":                                   {about{to: known, kind: Reblog, since: old, policy: drop(func(p *Policy) { p.NotFollowing = Drop })}, Accept},
		"no follower":                                {about{to: known, kind: Reblog, since: old, policy: drop(func(p *Policy) { p.NotFollowers = Filter })}, Filter},
		"a follower":                                 {about{to: known, kind: Reblog, since: old, follows: true, policy: drop(func(p *Policy) { p.NotFollowers = Filter })}, Accept},
		"a new account":                              {about{to: stranger, kind: Follow, since: now.Add(-time.Hour), policy: drop(func(p *Policy) { p.NewAccounts = Filter })}, Filter},
		"an old account":                             {about{to: stranger, kind: Follow, since: old, policy: drop(func(p *Policy) { p.NewAccounts = Filter })}, Accept},
		"the stricter of two rules":                  {about{to: stranger, kind: Mention, since: now, policy: Policy{Filter, Drop, Filter, Filter, Filter}}, Drop},
		"a report, for whom a policy drops all":      {about{to: stranger, kind: Report, since: now, policy: Policy{Drop, Drop, Drop, Drop, Drop}}, Accept},
		"an order, for whom a policy drops all":      {about{to: stranger, kind: Order, since: now, policy: Policy{Drop, Drop, Drop, Drop, Drop}}, Accept},
		"somebody blocked who was once let in":       {about{to: &social.Relations{Viewer: reader, Blocks: map[id.ID]bool{sender: true}}, kind: Mention, allowed: true, policy: DefaultPolicy}, Drop},
		"somebody who blocks the reader":             {about{to: &social.Relations{Viewer: reader, BlockedBy: map[id.ID]bool{sender: true}}, kind: Follow, policy: DefaultPolicy}, Drop},
		"somebody muted":                             {about{to: &social.Relations{Viewer: reader, Mutes: map[id.ID]social.Mute{sender: {Notifications: true}}}, kind: Mention, policy: DefaultPolicy}, Drop},
		"somebody muted in timelines alone":          {about{to: &social.Relations{Viewer: reader, Mutes: map[id.ID]social.Mute{sender: {}}}, kind: Mention, since: old, policy: DefaultPolicy}, Accept},
		"somebody whose mute has ended":              {about{to: &social.Relations{Viewer: reader, Mutes: map[id.ID]social.Mute{sender: {Notifications: true, Until: now}}}, kind: Mention, since: old, policy: DefaultPolicy}, Accept},
		"the end of a muted one's poll":              {about{to: &social.Relations{Viewer: reader, Mutes: map[id.ID]social.Mute{sender: {Notifications: true}}}, kind: Poll, policy: DefaultPolicy}, Drop},
		"the reader's own poll":                      {about{to: &social.Relations{Viewer: sender}, kind: Poll, policy: DefaultPolicy}, Accept},
		"the reader's own favourite of their status": {about{to: &social.Relations{Viewer: sender}, kind: Favourite, policy: DefaultPolicy}, Drop},
	} {
		c.a.from, c.a.now = sender, now
		if got := decide(&c.a); got != c.want {
			t.Errorf("%s: %s; want %s", name, got, c.want)
		}
	}
}

func TestNotificationsOfOneKindAboutOneThingShareAGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := append([]string{Order, Own + ".event.soon"}, Types...)
		draw := func() Notification {
			return Notification{
				ID: id.ID(rapid.IntRange(1, 1<<40).Draw(t, "id")), Type: rapid.SampledFrom(kinds).Draw(t, "type"), Status: id.ID(rapid.IntRange(1, 2).Draw(t, "status")),
				Thing: id.ID(rapid.IntRange(1, 2).Draw(t, "thing")), At: time.Unix(int64(rapid.IntRange(0, 100_000).Draw(t, "at")), 0),
			}
		}
		a, b := draw(), draw()
		a.Group, b.Group = groupOf(&a), groupOf(&b)
		if a.ID == b.ID {
			return
		}
		if a.Key(grouped) == b.Key(grouped) {
			if a.Type != b.Type || a.At.Sub(b.At).Abs() >= bucket && !IsOwn(a.Type) || (a.Type == Favourite || a.Type == Reblog) && a.Status != b.Status || a.Type == Order && a.Thing != b.Thing {
				t.Fatalf("%+v and %+v share %s", a, b, a.Key(grouped))
			}
		}
		if !IsOwn(a.Type) && a.Key([]string{}) != "ungrouped-"+a.ID.String() {
			t.Fatalf("%s is grouped where nothing is to be", a.Key([]string{}))
		}
	})
}

func TestAppsAreGivenStoasTypesOnlyWhenTheyAskForThem(t *testing.T) {
	order, event, mention := &Notification{Type: Order}, &Notification{Type: Own + ".event.soon"}, &Notification{Type: Mention}
	for name, c := range map[string]struct {
		q    Query
		want [3]bool // order, event, mention
	}{
		"nothing said":        {Query{}, [3]bool{false, false, true}},
		"a page":              {Query{All: true}, [3]bool{true, true, true}},
		"orders":              {Query{Types: []string{"stoa.order"}}, [3]bool{true, false, false}},
		"all of Stoa's":       {Query{Types: []string{"stoa"}}, [3]bool{true, true, false}},
		"all of events":       {Query{Types: []string{"stoa.event", Mention}}, [3]bool{false, true, true}},
		"half a word":         {Query{Types: []string{"stoa.ord", "ment"}}, [3]bool{}},
		"all but orders":      {Query{All: true, Exclude: []string{"stoa.order"}}, [3]bool{false, true, true}},
		"asked for and taken": {Query{Types: []string{"stoa"}, Exclude: []string{"stoa"}}, [3]bool{}},
	} {
		if got := [3]bool{c.q.wants(order), c.q.wants(event), c.q.wants(mention)}; got != c.want {
			t.Errorf("%s: %v; want %v", name, got, c.want)
		}
	}
}

func TestExcerptsArePlainAndShort(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "<p>one</p><p>two</p>": "one two", "<p>a &amp; b &lt;i&gt;<br>c</p>": "a & b <i> c",
		`<p><span class="h-card"><a href="x" class="u-url mention">@<span>anna</span></a></span> hi</p>`: "@anna hi",
	} {
		if got := Excerpt(&social.Status{Content: in}); got != want {
			t.Errorf("%q: %q; want %q", in, got, want)
		}
	}
	if got := Excerpt(&social.Status{Content: "<p>" + strings.Repeat("ü", 1000) + "</p>"}); len([]rune(got)) != excerpt || !strings.HasSuffix(got, "…") {
		t.Errorf("a long one has %d characters", len([]rune(got)))
	}
	if got := Excerpt(&social.Status{SpoilerText: "the end", Content: "<p>they die</p>"}); got != "the end" {
		t.Errorf("with a warning: %q", got)
	}
}
