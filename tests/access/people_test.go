package access

import (
	"net/url"
	"strings"

	"github.com/stoa-town/stoa/tests/harness"
)

// peopleForm returns what the forms of people, apps and the console are sent; nil for other forms.
func (q request) peopleForm(path string) url.Values {
	name := "guest" + strings.ReplaceAll(q.w.key(), "-", "")
	var pairs []string
	switch path {
	case "/sign-in/link", "/sign-in/forgot":
		pairs = []string{"login", "door@example.org", "email", "door@example.org"}
	case "/account/email":
		pairs = []string{"email", name + "@example.org", "password", harness.Password}
	case "/account/confirm":
		pairs = []string{"password", harness.Password}
	case "/account/tokens":
		pairs = []string{"name", "till", "scope", "read", "days", "30"}
	case "/language":
		pairs = []string{"lang", "en", "next", "/"}
	case "/admin/people/{id}/suspend", "/admin/people/{id}/note", "/admin/sign-ups/{id}/reject":
		pairs = []string{"reason", "Why not", "note", "Seen"}
	case "/admin/people/{id}/grant", "/admin/people/{id}/revoke":
		pairs = []string{"role", "courier"}
	case "/admin/invites":
		pairs = []string{"uses", "1", "days", "7", "note", "For a friend"}
	case "/api/v1/apps":
		pairs = []string{"client_name", "An app", "redirect_uris", "urn:ietf:wg:oauth:2.0:oob", "scopes", "read"}
	case "/oauth/token":
		pairs = []string{"grant_type", "client_credentials", "client_id", "nobody", "client_secret", "nothing"}
	case "/oauth/revoke":
		pairs = []string{"token", "nothing"}
	default:
		return nil
	}
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}
