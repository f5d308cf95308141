package social

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-mastodon"

	"github.com/stoa-town/stoa/tests/harness"
)

// client signs somebody in as go-mastodon does it.
func (w *town) client(t *testing.T, name string) *mastodon.Client {
	t.Helper()
	w.account(t, name)
	made, err := mastodon.RegisterApp(t.Context(), &mastodon.AppConfig{Server: w.URL, ClientName: "smoke", RedirectURIs: oob, Scopes: allScopes, Website: "https://smoke.example"})
	if err != nil {
		t.Fatal(err)
	}
	c := mastodon.NewClient(&mastodon.Config{Server: w.URL, ClientID: made.ClientID, ClientSecret: made.ClientSecret})
	if err := c.GetUserAccessToken(t.Context(), w.consent(t, name, made.AuthURI), oob); err != nil {
		t.Fatal(err)
	}
	me, err := c.GetAccountCurrentUser(t.Context())
	if err != nil || me.Username != name || me.Avatar == "" || !strings.HasPrefix(me.URL, w.URL) {
		t.Fatalf("who am I: %+v, %v", me, err)
	}
	return c
}

// fail ends the test at an error.
func fail(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// got fails the test unless err is nil, and returns v.
func got[T any](v T, err error) func(t *testing.T, what string) T {
	return func(t *testing.T, what string) T {
		t.Helper()
		fail(t, what, err)
		return v
	}
}

// TestGoMastodonDoesAllThatPeopleDo has two people use go-mastodon for everything that it can do and a server of one town has.
func TestGoMastodonDoesAllThatPeopleDo(t *testing.T) {
	harness.Databases(t, func(t *testing.T, args ...string) {
		w := open(t, args...)
		anna, ben := w.client(t, "anna"), w.client(t, "ben")
		ctx := t.Context()
		annaID := got(anna.GetAccountCurrentUser(ctx))(t, "anna").ID
		benID := got(ben.GetAccountCurrentUser(ctx))(t, "ben").ID

		here := got(anna.GetInstance(ctx))(t, "instance")
		if !strings.HasPrefix(here.Version, "4.5.0 (compatible; Stoa") || here.URLs["streaming_api"] == "" {
			t.Errorf("%+v", here)
		}

		// Ben follows Anna and listens.
		if r := got(ben.AccountFollow(ctx, annaID))(t, "follow"); !r.Following {
			t.Errorf("%+v", r)
		}
		listening, end := context.WithCancel(ctx)
		defer end()
		heard := got(ben.NewWSClient().StreamingWSUser(listening))(t, "stream")
		time.Sleep(300 * time.Millisecond) // the library tells nobody when its socket is open

		// A post with a picture.
		file := got(anna.UploadMediaFromMedia(ctx, &mastodon.Media{File: strings.NewReader(string(picture(t, 900, 600))), Description: "A sunset", Focus: "0.1,0.2"}))(t, "upload")
		if file.Type != "image" || file.Description != "A sunset" || file.Meta.Original.Width != 900 || file.BlurHash == "" || !strings.HasPrefix(file.URL, w.URL) {
			t.Errorf("%+v", file)
		}
		post := got(anna.PostStatus(ctx, &mastodon.Toot{Status: "Sunset over the #market, @ben", MediaIDs: []mastodon.ID{file.ID}}))(t, "post")
		if len(post.MediaAttachments) != 1 || len(post.Mentions) != 1 || len(post.Tags) != 1 || !strings.Contains(post.Content, "<p>") {
			t.Errorf("%+v", post)
		}
		for seen, end := map[string]bool{}, time.After(15*time.Second); !seen["update"] || !seen["notification"]; {
			select {
			case e := <-heard:
				switch e := e.(type) {
				case *mastodon.UpdateEvent:
					seen["update"] = e.Status.ID == post.ID
				case *mastodon.NotificationEvent:
					if e.Notification.Type == "mention" {
						seen["notification"] = e.Notification.Status.ID == post.ID
					}
				case *mastodon.ErrorEvent:
					t.Fatalf("stream: %v", e)
				}
			case <-end:
				t.Fatalf("heard only %v", seen)
			}
		}

		// A poll.
		poll := got(anna.PostStatus(ctx, &mastodon.Toot{Status: "Dinner?", Poll: &mastodon.TootPoll{Options: []string{"Dal", "Pizza"}, ExpiresInSeconds: 3600}}))(t, "poll").Poll
		if v := got(ben.PollVote(ctx, poll.ID, 0))(t, "vote"); !v.Voted || v.VotesCount != 1 || v.Options[0].VotesCount != 1 {
			t.Errorf("%+v", v)
		}
		if v := got(ben.GetPoll(ctx, poll.ID))(t, "poll"); !slices.Equal(v.OwnVotes, []int{0}) {
			t.Errorf("%+v", v)
		}
		if _, err := ben.PollVote(ctx, poll.ID, 1); err == nil {
			t.Error("voted twice")
		}

		// Answers, boosts, favourites, bookmarks.
		answer := got(ben.PostStatus(ctx, &mastodon.Toot{Status: "@anna lovely", InReplyToID: post.ID}))(t, "answer")
		if talk := got(anna.GetStatusContext(ctx, post.ID))(t, "context"); len(talk.Descendants) != 1 || talk.Descendants[0].ID != answer.ID {
			t.Errorf("%+v", talk)
		}
		if b := got(ben.Reblog(ctx, post.ID))(t, "boost"); b.Reblog == nil || b.Reblog.ID != post.ID || b.Reblogged != true {
			t.Errorf("%+v", b)
		}
		if f := got(ben.Favourite(ctx, post.ID))(t, "favourite"); f.FavouritesCount != 1 || f.Favourited != true {
			t.Errorf("%+v", f)
		}
		got(ben.Bookmark(ctx, post.ID))(t, "bookmark")
		if l := got(ben.GetBookmarks(ctx, nil))(t, "bookmarks"); len(l) != 1 || l[0].ID != post.ID {
			t.Errorf("%v", l)
		}
		if l := got(ben.GetFavourites(ctx, nil))(t, "favourites"); len(l) != 1 {
			t.Errorf("%v", l)
		}
		if l := got(anna.GetRebloggedBy(ctx, post.ID, nil))(t, "boosted by"); len(l) != 1 || l[0].ID != benID {
			t.Errorf("%v", l)
		}
		if l := got(anna.GetFavouritedBy(ctx, post.ID, nil))(t, "favourited by"); len(l) != 1 {
			t.Errorf("%v", l)
		}
		if s := got(anna.GetStatus(ctx, post.ID))(t, "status"); s.RepliesCount != 1 || s.ReblogsCount != 1 || s.FavouritesCount != 1 {
			t.Errorf("counts %d %d %d", s.RepliesCount, s.ReblogsCount, s.FavouritesCount)
		}
		await(t, "anna is notified of all", func() bool {
			kinds := map[string]bool{}
			for _, n := range got(anna.GetNotifications(ctx, nil))(t, "notifications") {
				kinds[n.Type] = true
			}
			return kinds["follow"] && kinds["mention"] && kinds["reblog"] && kinds["favourite"]
		})

		// An edit.
		edited := got(anna.UpdateStatus(ctx, &mastodon.Toot{Status: "Sunset over the #harbour, @ben", MediaIDs: []mastodon.ID{file.ID}}, post.ID))(t, "edit")
		if !strings.Contains(edited.Content, "harbour") || edited.EditedAt.IsZero() || len(edited.MediaAttachments) != 1 {
			t.Errorf("%+v", edited)
		}
		if l := got(anna.GetStatusHistory(ctx, post.ID))(t, "history"); len(l) != 2 || !strings.Contains(l[0].Content, "market") {
			t.Errorf("%v", l)
		}
		if s := got(anna.GetStatusSource(ctx, post.ID))(t, "source"); s.Text != "Sunset over the #harbour, @ben" {
			t.Errorf("%+v", s)
		}

		// Timelines.
		for name, read := range map[string]func() ([]*mastodon.Status, error){
			"home":   func() ([]*mastodon.Status, error) { return ben.GetTimelineHome(ctx, nil) },
			"local":  func() ([]*mastodon.Status, error) { return ben.GetTimelinePublic(ctx, true, nil) },
			"public": func() ([]*mastodon.Status, error) { return ben.GetTimelinePublic(ctx, false, nil) },
			"tag":    func() ([]*mastodon.Status, error) { return ben.GetTimelineHashtag(ctx, "harbour", false, nil) },
			"media":  func() ([]*mastodon.Status, error) { return ben.GetTimelineMedia(ctx, true, nil) },
			"anna's": func() ([]*mastodon.Status, error) { return ben.GetAccountStatuses(ctx, annaID, nil) },
		} {
			if l := got(read())(t, name); !slices.ContainsFunc(l, func(s *mastodon.Status) bool { return s.ID == post.ID }) {
				t.Errorf("%s lacks the post: %d statuses", name, len(l))
			}
		}
		page := &mastodon.Pagination{Limit: 1}
		first := got(ben.GetTimelinePublic(ctx, true, page))(t, "first page")
		next := got(ben.GetTimelinePublic(ctx, true, &mastodon.Pagination{MaxID: page.MaxID, Limit: 1}))(t, "second page")
		if len(first) != 1 || len(next) != 1 || first[0].ID <= next[0].ID {
			t.Errorf("pages %v, %v", first, next)
		}

		// Lists, filters, tags.
		list := got(ben.CreateList(ctx, "Neighbours"))(t, "list")
		fail(t, "add to list", ben.AddToList(ctx, list.ID, annaID))
		if l := got(ben.GetTimelineList(ctx, list.ID, nil))(t, "list timeline"); len(l) == 0 {
			t.Error("the list's timeline is empty")
		}
		if l := got(ben.GetListAccounts(ctx, list.ID))(t, "members"); len(l) != 1 {
			t.Errorf("%v", l)
		}
		got(ben.RenameList(ctx, list.ID, "Friends"))(t, "rename")
		fail(t, "take off list", ben.RemoveFromList(ctx, list.ID, annaID))
		fail(t, "delete list", ben.DeleteList(ctx, list.ID))
		filter := got(ben.CreateFilter(ctx, &mastodon.Filter{Phrase: "spoilers", Context: []string{"home"}, WholeWord: true}))(t, "filter")
		if l := got(ben.GetFilters(ctx))(t, "filters"); len(l) != 1 || l[0].Phrase != "spoilers" {
			t.Errorf("%v", l)
		}
		fail(t, "delete filter", ben.DeleteFilter(ctx, filter.ID))
		if tag := got(ben.TagFollow(ctx, "harbour"))(t, "follow tag"); !tag.Following {
			t.Errorf("%+v", tag)
		}
		if l := got(ben.TagsFollowed(ctx, nil))(t, "tags"); len(l) != 1 {
			t.Errorf("%v", l)
		}

		// Search.
		if r := got(ben.Search(ctx, "anna", false))(t, "search"); len(r.Accounts) != 1 || r.Accounts[0].ID != annaID {
			t.Errorf("%+v", r)
		}
		if l := got(ben.AccountsSearch(ctx, "ann", 5))(t, "search accounts"); len(l) != 1 {
			t.Errorf("%v", l)
		}

		// A letter between two.
		got(anna.PostStatus(ctx, &mastodon.Toot{Status: "@ben psst", Visibility: "direct"}))(t, "direct")
		var talks []*mastodon.Conversation
		await(t, "ben has a conversation", func() bool {
			talks = got(ben.GetConversations(ctx, nil))(t, "conversations")
			return len(talks) == 1 && talks[0].Unread
		})
		fail(t, "read", ben.MarkConversationAsRead(ctx, talks[0].ID))

		// A profile.
		name, note := "Anna of the market", "I cook."
		if me := got(anna.AccountUpdate(ctx, &mastodon.Profile{DisplayName: &name, Note: &note}))(t, "profile"); me.DisplayName != name || !strings.Contains(me.Note, "I cook.") {
			t.Errorf("%+v", me)
		}

		// Mutes and blocks.
		if r := got(ben.AccountMute(ctx, annaID))(t, "mute"); !r.Muting {
			t.Errorf("%+v", r)
		}
		if l := got(ben.GetTimelineHome(ctx, nil))(t, "home"); slices.ContainsFunc(l, func(s *mastodon.Status) bool { return s.Account.ID == annaID }) {
			t.Error("a muted account is at home")
		}
		if l := got(ben.GetMutes(ctx, nil))(t, "mutes"); len(l) != 1 {
			t.Errorf("%v", l)
		}
		got(ben.AccountUnmute(ctx, annaID))(t, "unmute")
		if r := got(anna.AccountBlock(ctx, benID))(t, "block"); !r.Blocking {
			t.Errorf("%+v", r)
		}
		if _, err := ben.GetStatus(ctx, post.ID); err == nil {
			t.Error("who is blocked reads on")
		}
		if r := got(ben.GetAccountRelationships(ctx, []string{string(annaID)}))(t, "relationships"); len(r) != 1 || r[0].Following {
			t.Errorf("%+v", r)
		}
		got(anna.AccountUnblock(ctx, benID))(t, "unblock")

		if _, err := ben.Report(ctx, annaID, []mastodon.ID{post.ID}, "too beautiful"); err != nil {
			t.Errorf("report: %v", err)
		}

		// Gone.
		fail(t, "delete", anna.DeleteStatus(ctx, post.ID))
		if _, err := anna.GetStatus(ctx, post.ID); err == nil {
			t.Error("a deleted post is there")
		}
		fail(t, "clear", anna.ClearNotifications(ctx))
		if l := got(anna.GetNotifications(ctx, nil))(t, "notifications"); len(l) != 0 {
			t.Errorf("%v", l)
		}
		fail(t, "revoke", anna.RevokeToken(ctx))
		if _, err := anna.GetAccountCurrentUser(ctx); err == nil {
			t.Error("a token that was given back still works")
		}
	})
}
