// Package arch says who may import whom: the rank of each folder, and the few edges that go sideways, each with its reason. Its test
// reads the source and enforces both.
package arch

import "strings"

// module is the path that imports of our own begin with.
const module = "github.com/stoa-town/stoa/"

// ranks gives the rank of the folders below the module's root; the longest matching prefix counts. A package imports only packages of
// lower rank, or of its own folder.
var ranks = map[string]int{
	"internal/base":     0,
	"internal/contract": 1,
	"internal/platform": 2,
	"internal/web":      3,
	"internal/learn":    3,
	"internal/account":  4,
	"internal/delivery": 5,
	"internal/social":   5,
	"internal/insight":  6,
	"internal/console":  6,
	"internal/automate": 6,
	"internal/demo":     7,
	"internal/app":      8,
	"internal/cli":      9,
	"cmd":               10,
	"client":            1, // the public client speaks HTTP: it may know values, nothing of the server
	"tests":             11,
	"internal/arch":     0,
}

// slices are folders whose children are packages of equal rank that must not import each other.
var slices = []string{"internal/delivery/", "internal/social/", "internal/platform/", "internal/base/", "internal/learn/", "internal/contract/"}

// allowed are the imports between packages of equal rank: importer and imported, and why. An edge that nothing uses fails the test.
var allowed = map[[2]string]string{
	{"internal/platform/events", "internal/platform/db"}:       "events are rows of the caller's transaction",
	{"internal/platform/jobs", "internal/platform/db"}:         "jobs are rows of the caller's transaction",
	{"internal/platform/audit", "internal/platform/db"}:        "entries are rows of the caller's transaction",
	{"internal/platform/audit", "internal/platform/access"}:    "who acted is the request's actor",
	{"internal/platform/settings", "internal/platform/db"}:     "what admins set is rows of the database",
	{"internal/platform/settings", "internal/platform/config"}: "values are laid over those of the file, and checked like them",
	{"internal/platform/settings", "internal/platform/audit"}:  "every change is noted in its transaction",
	{"internal/platform/settings", "internal/platform/access"}: "who changed it is the request's actor",
	{"internal/platform/secrets", "internal/platform/db"}:      "nodes of one database agree on one key",
	{"internal/platform/idem", "internal/platform/db"}:         "saved replies are rows of the caller's transaction",
	{"internal/platform/mail", "internal/platform/db"}:         "letters are rows of the caller's transaction",
	{"internal/platform/mail", "internal/platform/jobs"}:       "a letter is sent by a job",
	{"internal/platform/personal", "internal/platform/db"}:     "people are taken out of rows in the caller's transaction",
	{"internal/platform/push", "internal/platform/db"}:         "subscriptions are rows of the database",
	{"internal/platform/push", "internal/platform/secrets"}:    "the key pair and tokens are kept sealed",
	{"internal/platform/push", "internal/platform/fetch"}:      "push services are addresses that strangers name",
	{"internal/platform/realtime", "internal/platform/events"}: "realtime shows the event log live",
	{"internal/platform/realtime", "internal/platform/access"}: "who listens is the request's actor",
	{"internal/platform/httpx", "internal/platform/access"}:    "the door of every route asks who may come",
	{"internal/platform/mastodon", "internal/platform/httpx"}:  "its routes are routes like others",
	{"internal/platform/mastodon", "internal/platform/access"}: "who asks is the request's actor",
	{"internal/base/markup", "internal/base/text"}:             "hashtags are folded as everything that is searched for",
	{"internal/base/page", "internal/base/errs"}:               "a broken cursor is an error for the person",
	{"internal/base/i18n", "internal/base/errs"}:               "errors are said in the person's language, too",
	{"internal/web/ui", "internal/web/assets"}:                 "pages name the bundles they load",
}

// rankOf returns the rank of a package given by its path below the module, and whether it has one.
func rankOf(pkg string) (int, bool) {
	best, rank, found := -1, 0, false
	for prefix, r := range ranks {
		if (pkg == prefix || strings.HasPrefix(pkg, prefix+"/")) && len(prefix) > best {
			best, rank, found = len(prefix), r, true
		}
	}
	return rank, found
}

// room returns the folder within which packages may import each other: the slice a package belongs to.
func room(pkg string) string {
	for _, s := range slices {
		if rest, ok := strings.CutPrefix(pkg, s); ok {
			name, _, _ := strings.Cut(rest, "/")
			return s + name
		}
	}
	for prefix := range ranks {
		if pkg == prefix || strings.HasPrefix(pkg, prefix+"/") {
			return prefix
		}
	}
	return pkg
}
