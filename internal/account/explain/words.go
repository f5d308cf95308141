package explain

import (
	"context"
	"strings"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// factWords say the facts of policy.cedar.
var factWords = map[string]string{
	`Any::"person"`:            i18n.Key("Signed in"),
	`Its::"holder"`:            i18n.Key("It is their own: they ordered it, or it is their account"),
	`Its::"owner"`:             i18n.Key("Owns the restaurant it belongs to"),
	`Its::"staff"`:             i18n.Key("Works at the restaurant it belongs to"),
	`Its::"courier"`:           i18n.Key("Is the courier who carries it"),
	`The::"couriers"`:          i18n.Key("Is a courier of the town"),
	`The::"dispatchers"`:       i18n.Key("Is a dispatcher"),
	`The::"moderators"`:        i18n.Key("Is a moderator"),
	`The::"admins"`:            i18n.Key("Is an admin"),
	`Thing::"without courier"`: i18n.Key("Nobody carries it"),
	`Token::"of an app"`:       i18n.Key("Comes through an app that was let in"),
}

// FactWord says a fact of policy.cedar.
func FactWord(ctx context.Context, name string) string {
	if w, ok := factWords[name]; ok {
		return i18n.T(ctx, w)
	}
	if scope, ok := strings.CutPrefix(name, `Token::"without `); ok {
		return i18n.T(ctx, "Comes with a token that lacks the scope %s", strings.TrimSuffix(scope, `"`))
	}
	return name
}

// Because says which line decides.
func Because(ctx context.Context, e access.Explanation) string {
	switch {
	case e.Line == 0:
		return i18n.T(ctx, "No line of the policy file permits it.")
	case e.Allowed:
		return i18n.T(ctx, "Line %d of the policy file permits it:", e.Line)
	}
	return i18n.T(ctx, "Line %d of the policy file forbids it:", e.Line)
}

// Turning introduces Ways.
func Turning(ctx context.Context, e access.Explanation) string {
	if e.Allowed {
		return i18n.T(ctx, "It would be refused if this were otherwise:")
	}
	return i18n.T(ctx, "It would be allowed by any one of these:")
}

// Ways says each of the changes that would turn the decision.
func Ways(ctx context.Context, e access.Explanation) []string {
	out := make([]string, 0, len(e.Change))
	for _, change := range e.Change {
		parts := make([]string, len(change))
		for i, f := range change {
			parts[i] = FactWord(ctx, f.Name)
			if f.Holds || e.Allowed {
				continue
			}
			parts[i] = i18n.T(ctx, "not: %s", parts[i])
			if scope, ok := strings.CutPrefix(f.Name, `Token::"without `); ok {
				parts[i] = i18n.T(ctx, "Comes with a token that has the scope %s", strings.TrimSuffix(scope, `"`))
			}
		}
		out = append(out, strings.Join(parts, i18n.T(ctx, ", and ")))
	}
	return out
}

// verbGroup is verbs about one kind of thing.
type verbGroup struct {
	Title string
	Verbs []verbWord
}

type verbWord struct{ Verb, Sentence string }

// verbGroups say every verb of the policy file, a test holds them to it.
var verbGroups = []verbGroup{
	{i18n.Key("Orders"), []verbWord{
		{"order.place", i18n.Key("Order food")},
		{"order.read", i18n.Key("See an order")},
		{"order.cancel", i18n.Key("Cancel an order")},
		{"order.confirm", i18n.Key("Accept an order")},
		{"order.refuse", i18n.Key("Turn an order down")},
		{"order.prepare", i18n.Key("Begin to cook")},
		{"order.ready", i18n.Key("Say that an order is ready")},
		{"order.delay", i18n.Key("Move an order's time")},
		{"order.restore", i18n.Key("Take a cancelled order up again")},
		{"order.refund", i18n.Key("Give something of an order's price back")},
		{"cash.manage", i18n.Key("Take couriers' cash in")},
		{"receipt.read", i18n.Key("See receipts")},
		{"statement.read", i18n.Key("See statements of who earned what")},
		{"ledger.read", i18n.Key("See what stands in the books")},
		{"bank.manage", i18n.Key("Say where money is sent")},
		{"order.pickup", i18n.Key("Take an order from the restaurant")},
		{"order.deliver", i18n.Key("Hand an order over")},
		{"order.fail", i18n.Key("Say that an order could not be handed over")},
	}},
	{i18n.Key("Restaurants"), []verbWord{
		{"restaurant.read", i18n.Key("See a restaurant")},
		{"menu.read", i18n.Key("See a menu")},
		{"restaurant.work", i18n.Key("Work in a kitchen: pause, rush, sell out")},
		{"menu.manage", i18n.Key("Change a menu")},
		{"restaurant.manage", i18n.Key("Change a restaurant's settings")},
	}},
	{i18n.Key("Bringing food"), []verbWord{
		{"courier.work", i18n.Key("Ride as a courier")},
		{"dispatch.board", i18n.Key("See the dispatch board")},
		{"dispatch.assign", i18n.Key("Give orders to couriers")},
	}},
	{i18n.Key("Yourself"), []verbWord{
		{"account.read", i18n.Key("See an account")},
		{"account.manage", i18n.Key("Change name, language and time zone of an account")},
		{"account.secure", i18n.Key("Change keys, passwords, devices and apps of an account, and delete it")},
		{"address.read", i18n.Key("See saved addresses")},
		{"address.manage", i18n.Key("Change saved addresses")},
		{"cart.read", i18n.Key("See a cart")},
		{"cart.manage", i18n.Key("Change a cart")},
		{"person.read", i18n.Key("Open pages that are for people, not for apps")},
		{"person.write", i18n.Key("Use forms that are for people, not for apps")},
	}},
	{i18n.Key("Friends"), []verbWord{
		{"profile.self", i18n.Key("See one's own name, handle and picture")},
		{"profile.read", i18n.Key("See profiles")},
		{"profile.write", i18n.Key("Change one's profile")},
		{"status.read", i18n.Key("Read posts")},
		{"status.write", i18n.Key("Post, boost and vote")},
		{"media.write", i18n.Key("Upload pictures and other files")},
		{"favourite.read", i18n.Key("See one's favourites")},
		{"favourite.write", i18n.Key("Favour posts")},
		{"bookmark.read", i18n.Key("See one's bookmarks")},
		{"bookmark.write", i18n.Key("Bookmark posts")},
		{"follow.read", i18n.Key("See whom one follows")},
		{"follow.write", i18n.Key("Follow people")},
		{"block.read", i18n.Key("See whom one blocks")},
		{"block.write", i18n.Key("Block people")},
		{"mute.read", i18n.Key("See whom one mutes")},
		{"mute.write", i18n.Key("Mute people and conversations")},
		{"list.read", i18n.Key("See one's lists")},
		{"list.write", i18n.Key("Change one's lists")},
		{"filter.read", i18n.Key("See one's filters")},
		{"filter.write", i18n.Key("Change one's filters")},
		{"search.read", i18n.Key("Search among friends")},
		{"notification.read", i18n.Key("See one's notifications")},
		{"notification.write", i18n.Key("Clear one's notifications")},
		{"conversation.write", i18n.Key("Mark and delete conversations")},
		{"push.write", i18n.Key("Have notifications sent to a device")},
		{"report.write", i18n.Key("Report somebody to the moderators")},
	}},
	{i18n.Key("Moderation"), []verbWord{
		{"moderation.read", i18n.Key("See what moderators see")},
		{"moderation.write", i18n.Key("Do what moderators do")},
		{"moderation.read_accounts", i18n.Key("See what moderators see of people")},
		{"moderation.write_accounts", i18n.Key("Act on people as a moderator")},
		{"moderation.read_reports", i18n.Key("See reports")},
		{"moderation.write_reports", i18n.Key("Act on reports")},
		{"moderation.read_domains", i18n.Key("See which servers are shut out")},
		{"moderation.write_domains", i18n.Key("Shut servers out")},
		{"moderation.read_allows", i18n.Key("See which servers are let in")},
		{"moderation.write_allows", i18n.Key("Let servers in")},
		{"moderation.read_ips", i18n.Key("See which addresses are shut out")},
		{"moderation.write_ips", i18n.Key("Shut addresses out")},
		{"moderation.read_mails", i18n.Key("See which e-mail providers are shut out")},
		{"moderation.write_mails", i18n.Key("Shut e-mail providers out")},
		{"moderation.read_addresses", i18n.Key("See which e-mail addresses are shut out")},
		{"moderation.write_addresses", i18n.Key("Shut e-mail addresses out")},
	}},
	{i18n.Key("Running the town"), []verbWord{
		{"admin.read", i18n.Key("See what admins see")},
		{"admin.*", i18n.Key("Do what admins do")},
	}},
}

// roleWords say the roles.
var roleWords = map[access.Role]string{
	access.RoleOwner: i18n.Key("Restaurant owner"), access.RoleStaff: i18n.Key("Restaurant staff"), access.RoleCourier: i18n.Key("Courier"),
	access.RoleDispatcher: i18n.Key("Dispatcher"), access.RoleModerator: i18n.Key("Moderator"), access.RoleAdmin: i18n.Key("Admin"),
}
