package xss

import "strings"

// Words of the API that stand for something else and are never shown as they were sent: what is no such word is refused, as tests/badinput
// holds.
var words = []string{
	"id", "item", "option", "restaurant", "order", "courier", "section", "menu", "slug", "owner", "reason", "code", "card", "fingerprint", "photo", "currency",
	"password", "at", "items[]", "tasks[]", "option_groups[]", "spans[]", "date", "holidays[]", "hours", "pickup_hours", "time_zone", "to", "lang", "tz", "email", "handle", "role",
}

// twins are operations that write the same fields by the same code as one that payloads are sent to.
var twins = map[string]string{
	"POST /restaurants":                     "PATCH /restaurants/{slug}",
	"PUT /restaurants/{slug}/zones":         "PATCH /restaurants/{slug}",
	"PUT /restaurants/{slug}/hours":         "PATCH /restaurants/{slug}",
	"POST /cart/lines":                      "PUT /cart",
	"PATCH /cart/lines/{n}":                 "PUT /cart",
	"POST /courier/tasks/{id}/fail":         "POST /orders/{id}/cancel",
	"POST /courier/tasks/{id}/complete":     "POST /orders/{id}/cancel",
	"POST /orders/{id}/refuse":              "POST /orders/{id}/cancel",
	"POST /restaurants/{slug}/menu/options": "PUT /restaurants/{slug}/menu/groups/{id}",
	"POST /accounts":                        "PATCH /me",
}

// excused reports whether a field needs no payload.
func excused(op, field string) bool {
	last := field[strings.LastIndex(field, ".")+1:]
	for _, w := range words {
		if last == w {
			return true
		}
	}
	return twins[op] != ""
}

// nopages are routes that answer with something else than a page, or with a part of a page that another route shows whole.
var nopages = []string{
	"GET /assets/", "GET /live", "GET /media/{name}", "GET /town.geojson", "GET /restaurant/{slug}/menu/export",
	"GET /.well-known/oauth-authorization-server", "GET /oauth/userinfo", "GET /admin/audit/export", "GET /admin/health", "GET /admin/mail/samples/{kind}/html",
	"GET /account/confirm/link", "GET /account/connected/join", "GET /account/privacy/copies", "GET /account/privacy/copies/{id}", "GET /account/stay", "GET /account/two-step/set-up",
	"GET /courier/live", "GET /dispatch/live", "GET /kitchen/{slug}/live", "GET /orders/{code}/live", "GET /t/{token}/events", "GET /t/{token}/live", "GET /restaurant/{slug}/strip",
}
