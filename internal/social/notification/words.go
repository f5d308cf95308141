package notification

import (
	"context"
	"strings"

	"golang.org/x/net/html"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// words are what a notification says in the language of ctx.
type words struct{ title, body, url string }

// words returns what one of Stoa's own types says.
func (s *Service) words(ctx context.Context, n *Notification) (w words, err error) {
	d := n.Data
	if d == nil {
		d = &Data{}
	}
	w.url = d.URL
	switch n.Type {
	case Order, Kitchen:
		name, _, err := s.Shop(ctx, n.From)
		if err != nil {
			return w, err
		}
		w.title, w.body = orderWords(ctx, n.Type, d.What, name), i18n.T(ctx, "Order %s", d.Code)
		if d.What == refunded {
			w.title = i18n.T(ctx, "You get %s back for your order from %s", ui.Money(ctx, d.Amount, d.Currency), name)
		}
		return w, nil
	case Offer:
		w.title, w.body = i18n.T(ctx, "A ride for you"), i18n.T(ctx, "An order waits for a courier. Take it or leave it to others.")
		return w, nil
	}
	from, err := s.Profiles.Entities(ctx, []id.ID{n.From})
	if err != nil {
		return w, err
	}
	w.title, w.body = noticeWords(ctx, strings.TrimPrefix(n.Type, Own+"."), nameOf(ctx, from[n.From]), d.Title), d.Title
	return w, nil
}

func orderWords(ctx context.Context, kind, what, shop string) string {
	if kind == Kitchen {
		return i18n.T(ctx, "%s: an order waits for your answer", shop)
	}
	switch what {
	case delivery.OrderConfirmed:
		return i18n.T(ctx, "%s has taken your order", shop)
	case delivery.OrderReady:
		return i18n.T(ctx, "Your order is ready at %s", shop)
	case delivery.OrderPickedUp:
		return i18n.T(ctx, "Your order from %s is on its way", shop)
	case delivery.OrderArrived:
		return i18n.T(ctx, "Your order from %s is at your door", shop)
	case delivery.OrderDelivered:
		return i18n.T(ctx, "Your order from %s has arrived. Enjoy your meal!", shop)
	case delivery.OrderCancelled:
		return i18n.T(ctx, "Your order from %s was cancelled", shop)
	case delivery.OrderDelayed:
		return i18n.T(ctx, "Your order from %s comes later", shop)
	case delivery.OrderFailed:
		return i18n.T(ctx, "Your order from %s could not be handed over", shop)
	}
	return i18n.T(ctx, "There is news of your order from %s", shop)
}

func noticeWords(ctx context.Context, kind, from, title string) string {
	switch kind {
	case social.NoticeGroupInvite:
		return i18n.T(ctx, "%s invites you to %s", from, title)
	case social.NoticeGroupRequest:
		return i18n.T(ctx, "%s asks to join %s", from, title)
	case social.NoticeGroupJoined:
		return i18n.T(ctx, "You are a member of %s now", title)
	case social.NoticeEventSoon:
		return i18n.T(ctx, "%s begins soon", title)
	case social.NoticeEventChanged:
		return i18n.T(ctx, "%s has a new time or place", title)
	case social.NoticeEventOff:
		return i18n.T(ctx, "%s does not take place", title)
	case social.NoticeEventPlace:
		return i18n.T(ctx, "There is a place for you at %s now", title)
	case social.NoticeReviewDue:
		return i18n.T(ctx, "How was your food from %s?", title)
	case social.NoticeReviewed:
		return i18n.T(ctx, "%s has reviewed %s", from, title)
	case social.NoticeReviewAnswer:
		return i18n.T(ctx, "%s has answered your review", from)
	case social.NoticeImported:
		return importedWords(ctx, title)
	}
	return i18n.T(ctx, "There is news of %s", title)
}

// importedWords says what was taken in from a file.
func importedWords(ctx context.Context, what string) string {
	switch what {
	case "following_accounts":
		return i18n.T(ctx, "The people of your file are followed now")
	case "blocked_accounts":
		return i18n.T(ctx, "The people of your file are blocked now")
	case "muted_accounts":
		return i18n.T(ctx, "The people of your file are muted now")
	case "blocked_domains":
		return i18n.T(ctx, "The servers of your file are blocked now")
	case "lists":
		return i18n.T(ctx, "Your lists are here now")
	case "bookmarks":
		return i18n.T(ctx, "Your bookmarks are here now")
	case "posts":
		return i18n.T(ctx, "Your posts are here now")
	}
	return i18n.T(ctx, "Your file was taken in")
}

// nameOf returns what an account is called; somebody whose account is not there is "Somebody".
func nameOf(ctx context.Context, a *social.Account) string {
	switch {
	case a == nil:
		return i18n.T(ctx, "Somebody")
	case strings.TrimSpace(a.DisplayName) == "":
		return a.Username
	}
	return a.DisplayName
}

// sentence returns what a group of one of Mastodon's types says: who are its newest senders, count how many there are in all.
func sentence(ctx context.Context, n *Notification, who []string, count int, own, direct bool) string {
	first := i18n.T(ctx, "Somebody")
	if len(who) > 0 {
		first = who[0]
	}
	if rest := count - 1; rest > 0 {
		switch n.Type {
		case Favourite:
			return i18n.N(ctx, rest, "%s and %d other like your post", "%s and %d others like your post", first, rest)
		case Reblog:
			return i18n.N(ctx, rest, "%s and %d other boosted your post", "%s and %d others boosted your post", first, rest)
		case Follow:
			return i18n.N(ctx, rest, "%s and %d other follow you now", "%s and %d others follow you now", first, rest)
		case SignUp:
			return i18n.N(ctx, rest, "%s and %d other signed up", "%s and %d others signed up", first, rest)
		}
	}
	switch n.Type {
	case Mention:
		if direct {
			return i18n.T(ctx, "%s wrote to you", first)
		}
		return i18n.T(ctx, "%s mentioned you", first)
	case Status:
		return i18n.T(ctx, "%s has posted", first)
	case Reblog:
		return i18n.T(ctx, "%s boosted your post", first)
	case Follow:
		return i18n.T(ctx, "%s follows you now", first)
	case FollowRequest:
		return i18n.T(ctx, "%s asks to follow you", first)
	case Favourite:
		return i18n.T(ctx, "%s likes your post", first)
	case Poll:
		if own {
			return i18n.T(ctx, "Your poll has ended")
		}
		return i18n.T(ctx, "A poll that you voted in has ended")
	case Update:
		return i18n.T(ctx, "%s edited a post that you boosted", first)
	case Quote:
		return i18n.T(ctx, "%s quoted your post", first)
	case QuotedUpdate:
		return i18n.T(ctx, "%s edited a post that you quoted", first)
	case SignUp:
		return i18n.T(ctx, "%s signed up", first)
	case Report:
		return i18n.T(ctx, "%s has reported somebody to you", first)
	case Warning:
		return warning(ctx, n)
	}
	return i18n.T(ctx, "There is something new")
}

func warning(ctx context.Context, n *Notification) string {
	var what string
	if n.Data != nil {
		what = n.Data.What
	}
	switch what {
	case "silence":
		return i18n.T(ctx, "The moderators have limited your account")
	case "suspend":
		return i18n.T(ctx, "The moderators have suspended your account")
	case "disable":
		return i18n.T(ctx, "The moderators have closed your account for now")
	case "delete_statuses":
		return i18n.T(ctx, "The moderators have deleted posts of yours")
	case "mark_statuses_as_sensitive":
		return i18n.T(ctx, "The moderators have marked posts of yours as sensitive")
	case "sensitive":
		return i18n.T(ctx, "The moderators have your pictures shown only after a click")
	}
	return i18n.T(ctx, "The moderators have sent you a warning")
}

// excerpt is how much of a status is told, in characters.
const excerpt = 240

// Excerpt returns the beginning of a status as plain text: its warning alone, where it has one.
func Excerpt(st *social.Status) string {
	if st == nil {
		return ""
	}
	if st.SpoilerText != "" {
		return cut(st.SpoilerText)
	}
	return cut(plain(st.Content))
}

func cut(s string) string {
	if r := []rune(s); len(r) > excerpt {
		return strings.TrimSpace(string(r[:excerpt-1])) + "…"
	}
	return s
}

// plain returns the text of HTML that is ours.
func plain(content string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(content))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimSpace(b.String())
		case html.TextToken:
			b.Write(z.Text())
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			switch tag, _ := z.TagName(); string(tag) {
			case "br", "p", "li", "blockquote":
				if s := b.String(); s != "" && !strings.HasSuffix(s, " ") {
					b.WriteByte(' ')
				}
			}
		case html.CommentToken, html.DoctypeToken:
		}
	}
}
