package console

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/audit"
)

// writers are what verbs are given to on their way into the audit log.
var writers = []string{"Write", "Audit", "note", "Note", "change", "changed", "onJob"}

// composed are the kinds of verbs that are put together where they are written, of what is done.
var composed = []string{"moderation", "report", "block", "announcement"}

// policies are verbs of the policy that stand where a verb of the log could.
var policies = []string{"admin.restaurants", "cart.manage", "cart.read", "courier.work", "dispatch.board", "notification.read", "restaurant.manage", "restaurant.work", "status.read"}

var aVerb = regexp.MustCompile(`^[a-z_]+\.[a-z_]+$`)

// written returns every verb that the source writes into the audit log, with a place where it does.
func written(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	set := token.NewFileSet()
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && aVerb.MatchString(text) {
				out[text] = set.Position(lit.Pos()).String()
			}
		}
	}
	for _, dir := range []string{"account", "app", "cli", "console", "delivery", "platform", "social"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if fn, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains(writers, fn.Sel.Name) {
						for _, a := range n.Args {
							add(a)
						}
					}
				case *ast.AssignStmt:
					for i, to := range n.Lhs {
						if v, ok := to.(*ast.Ident); ok && v.Name == "verb" && len(n.Rhs) == len(n.Lhs) {
							add(n.Rhs[i])
						} else if ok && v.Name == "verb" {
							add(n.Rhs[0])
						}
					}
				case *ast.KeyValueExpr:
					if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Verb" {
						add(n.Value)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestEveryVerbOfTheAuditLogHasWords(t *testing.T) {
	all := written(t)
	for verb, where := range all {
		if slices.Contains(policies, verb) {
			continue
		}
		w, ok := verbs[verb]
		if !ok {
			t.Errorf("%s writes %q, which the console has no words for: add them to verbs", where, verb)
		}
		if strings.Contains(w.self, "%s") || w.other != "" && strings.Count(w.other, "%s") != 1 {
			t.Errorf("%q: only the words for another say whom, and say it once: %+v", verb, w)
		}
	}
	for _, verb := range toOthers {
		if verbs[verb].other == "" {
			t.Errorf("%q has no words for another", verb)
		}
	}
	for verb := range verbs {
		if kind, _, _ := strings.Cut(verb, "."); all[verb] == "" && !slices.Contains(composed, kind) {
			t.Errorf("there are words for %q, which nothing writes", verb)
		}
	}
}

// said is a line as people read it.
func said(d deedLine) string {
	verb := d.Before + d.Thing.Text + d.After
	if d.Before == "" && d.After == "" {
		verb = d.Verb + " " + d.Thing.Text
	}
	out := []string{d.Who.Text + " " + verb}
	if d.Change != nil {
		out = append(out, d.Change[0]+" → "+d.Change[1])
	}
	for _, one := range d.Details {
		out = append(out, one.Label+": "+one.Value.Text)
	}
	return strings.Join(out, " | ")
}

func TestEntriesAreSaidInWords(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tell := teller{map[id.ID]string{7: "ada", 8: "ben", 9: ""}, func(key string) (string, bool) { return "Name of the town", key == "town.name" }}
	for _, c := range []struct {
		name    string
		e       audit.Entry
		detail  string
		en, de  string
		toThing string // where the thing leads
	}{
		{
			"to somebody",
			audit.Entry{Actor: 7, Handle: "ada", Verb: "account.suspend", Thing: "account:8"},
			`{"reason":"spam"}`,
			"@ada suspended @ben | Reason: spam", "@ada hat @ben gesperrt | Grund: spam", "/admin/people/8",
		},
		{
			"to oneself",
			audit.Entry{Actor: 7, Handle: "ada", Verb: "account.password", Thing: "account:7"},
			`{}`,
			"@ada changed their password", "@ada hat das eigene Passwort geändert", "",
		},
		{
			"before one is known",
			audit.Entry{Verb: "account.sign_in", Thing: "account:8"},
			`{"proof":"passkey","session":"250243460647354368"}`,
			"@ben signed in | Proof: a passkey", "@ben hat sich angemeldet | Nachweis: ein Passkey", "",
		},
		{
			"everywhere",
			audit.Entry{Actor: 7, Verb: "account.sign_out", Thing: "account:8"},
			`{"session":"all"}`,
			"@ada signed @ben out | Sign-in: all of them", "@ada hat @ben abgemeldet | Anmeldung: alle", "/admin/people/8",
		},
		{
			"under another handle",
			audit.Entry{Verb: "account.create", Thing: "account:8"},
			`{"handle":"benno"}`,
			"@ben got an account | Handle: benno", "@ben hat ein Konto bekommen | Kurzname: benno", "",
		},
		{
			"by the handle of that time",
			audit.Entry{Actor: 7, Handle: "adele", Verb: "account.note", Thing: "account:8"},
			`{}`,
			"@adele wrote a note about @ben", "@adele hat eine Notiz über @ben geschrieben", "/admin/people/8",
		},
		{
			"to who was erased",
			audit.Entry{Handle: "operator", Verb: "account.grant", Thing: "account:9"},
			`{"role":"admin"}`,
			"The operator gave a role to (erased account) | Role: Admin", "Der Betrieb hat eine Rolle an (gelöschtes Konto) vergeben | Rolle: Admin", "",
		},
		{
			"to who never was",
			audit.Entry{Actor: 7, Verb: "account.suspend", Thing: "account:5"},
			`{}`,
			"@ada suspended account 5", "@ada hat Konto 5 gesperrt", "",
		},
		{
			"a setting",
			audit.Entry{Actor: 7, Verb: "settings.change", Thing: "setting:town.name"},
			`{"was":"Arkadia","became":"Neustadt"}`,
			"@ada changed the setting Name of the town | Arkadia → Neustadt", "@ada hat die Einstellung Name of the town geändert | Arkadia → Neustadt", "/admin/settings/history?key=town.name",
		},
		{
			"a setting to its default",
			audit.Entry{Actor: 7, Verb: "settings.change", Thing: "setting:x.gone"},
			`{"was":"1","became":null}`,
			"@ada changed the setting x.gone | 1 → the default", "@ada hat die Einstellung x.gone geändert | 1 → die Vorgabe", "",
		},
		{
			"an app",
			audit.Entry{Actor: 7, Verb: "app.authorize", Thing: "app:3"},
			`{"name":"Tusky","scopes":["read","write"],"account":"7"}`,
			"@ada let Tusky use their account | May do: read, write", "@ada hat Tusky an das eigene Konto gelassen | Darf: read, write", "",
		},
		{
			"roles",
			audit.Entry{Actor: 7, Verb: "account.create", Thing: "account:8"},
			`{"roles":"courier owner:luigi","handle":"ben"}`,
			"@ada made an account for @ben | Roles: Courier, Owner of a restaurant (luigi)",
			"@ada hat ein Konto für @ben angelegt | Rollen: Kurier, Besitzt ein Restaurant (luigi)", "/admin/people/8",
		},
		{
			"a yes",
			audit.Entry{Actor: 7, Verb: "account.decide", Thing: "account:8"},
			`{"approved":true}`,
			"@ada decided whether @ben may join | May join: yes", "@ada hat entschieden, ob @ben mitmachen darf | Darf mitmachen: ja", "/admin/people/8",
		},
		{
			"a verb without words",
			audit.Entry{Actor: 7, Verb: "moon.eat", Thing: "moon:1"},
			`{"crumbs":3}`,
			"@ada moon.eat moon:1 | crumbs: 3", "@ada moon.eat moon:1 | crumbs: 3", "",
		},
	} {
		var values map[string]any
		if err := json.Unmarshal([]byte(c.detail), &values); err != nil {
			t.Fatal(err)
		}
		c.e.At = at
		for lang, want := range map[string]string{"en": c.en, "de": c.de} {
			got := tell.line(i18n.With(t.Context(), lang), c.e, values)
			if diff := cmp.Diff(want, said(got)); diff != "" {
				t.Errorf("%s in %s (-want +got):\n%s", c.name, lang, diff)
			}
			if got.Thing.Href != c.toThing {
				t.Errorf("%s: the thing leads to %q, want %q", c.name, got.Thing.Href, c.toThing)
			}
		}
	}
}

func TestVerbsAreChosenByTheirWords(t *testing.T) {
	for lang, want := range map[string][]string{
		"en": {"any", "moon.eat", "signed in", "suspended …"},
		"de": {"alle", "hat sich angemeldet", "hat … gesperrt", "moon.eat"},
	} {
		var got []string
		for _, o := range verbOptions(i18n.With(context.Background(), lang), []string{"account.sign_in", "account.suspend"}, "moon.eat") {
			got = append(got, o.Label)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in %s (-want +got):\n%s", lang, diff)
		}
	}
}
