package xss

import (
	"slices"
	"strings"
)

// Words of the API that stand for something else and are never shown as they were sent: what is no such word is refused, as tests/badinput
// holds.
var words = []string{
	"id", "item", "option", "restaurant", "order", "courier", "section", "menu", "slug", "owner", "code", "card", "fingerprint", "photo", "currency",
	"password", "at", "items[]", "tasks[]", "option_groups[]", "spans[]", "date", "holidays[]", "hours", "pickup_hours", "time_zone", "to", "lang", "tz", "email", "handle", "role",
	"media_ids[]", "items[]", "sections[]", "group_id", "group", "as", "language", "account",
}

// excused reports whether a field needs no payload.
func excused(op, field string) bool {
	last := field[strings.LastIndex(field, ".")+1:]
	if last == "reason" { // of what becomes of an order it is a word of a list, and else written out
		return strings.HasPrefix(op, "POST /orders/") || strings.HasPrefix(op, "POST /courier/tasks/")
	}
	return slices.Contains(words, last)
}

// led are pages that lead away who has nothing to do there, or whose address holds a payload, which a browser may write differently.
var led = []string{"", "GET /letters/stop/{account}/{sig}", "GET /sign-in/second", "GET /sign-in/with/{provider}/callback"}

// nopages are routes that answer with something else than a page, or with a part of a page that another route shows whole.
var nopages = []string{
	"GET /assets/", "GET /live", "GET /media/{name}", "GET /town.geojson", "GET /restaurant/{slug}/menu/export",
	"GET /.well-known/oauth-authorization-server", "GET /oauth/userinfo", "GET /admin/audit/export", "GET /admin/health", "GET /admin/mail/samples/{kind}/html",
	"GET /account/confirm/link", "GET /account/connected/join", "GET /account/privacy/copies", "GET /account/privacy/copies/{id}", "GET /account/stay", "GET /account/two-step/set-up",
	"GET /courier/live", "GET /dispatch/live", "GET /kitchen/{slug}/live", "GET /orders/{code}/live", "GET /t/{token}/events", "GET /t/{token}/live", "GET /restaurant/{slug}/strip",
	"GET /.well-known/host-meta", "GET /.well-known/nodeinfo", "GET /.well-known/webfinger", "GET /nodeinfo/2.0", "GET /nodeinfo/2.1", "GET /avatars/{file}", "GET /headers/{file}",
	"GET /calendar/{token}", "GET /events.ics", "GET /events/{id}/calendar.ics", "GET /@/{handle}/menu", "GET /@/{handle}/{id}/live", "GET /home/newer", "GET /home/news",
	"GET /town/newer", "GET /town/news", "GET /notifications/live", "GET /notifications/push", "GET /statuses/{id}/card", "GET /statuses/{id}/menu", "GET /compose/pick",
	"GET /admin/export/accounting", "GET /admin/payouts/{id}/payouts.csv", "GET /admin/payouts/{id}/sepa.xml", "GET /orders/{code}/receipt/{file}", "GET /statements/{file}",
	"GET /settings/carry/progress", "GET /statuses/{id}/translation", "GET /orders/{code}/paid", "GET /g/{token}/paid", "GET /sandbox/3ds/{ref}", "GET /pay/{code}", "GET /admin/finance/{id}",
	"GET /lists/{id}/people", "GET /oauth/authorize/{$}", "GET /moderation/reports/{id}", "GET /tags/{tag}",
}
