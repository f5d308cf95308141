package console

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/settings"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// name is what somebody or something is called, with the page that it has; Href is empty where it has none.
type name struct{ Text, Href string }

// deedLine is an entry of the audit log in words.
type deedLine struct {
	audit.Entry
	Who           name
	Before, After string // what is said around the thing
	Thing         name   // empty where the words name none
	Change        *[2]string
	Details       []detail
}

// detail is what an entry says besides.
type detail struct {
	Label string
	Value name
}

// teller puts entries into words.
type teller struct {
	handles map[id.ID]string                // "" for people who were erased
	setting func(key string) (string, bool) // its label
}

// tell puts entries into words, with one query for the people that all of them name.
func (s *Service) tell(ctx context.Context, entries []audit.Entry) ([]deedLine, error) {
	details := make([]map[string]any, len(entries))
	var people []id.ID
	for i, e := range entries {
		if err := json.Unmarshal(e.Detail, &details[i]); err != nil {
			details[i] = map[string]any{"cut": string(e.Detail)}
		}
		people = append(people, e.Actor, accountOf(e.Thing), idOf(details[i]["account"]))
	}
	handles, err := s.People.Handles(ctx, people)
	if err != nil {
		return nil, err
	}
	t := teller{handles, func(key string) (string, bool) {
		st, ok := s.Settings.Get(ctx, key)
		return st.Label, ok
	}}
	out := make([]deedLine, len(entries))
	for i, e := range entries {
		out[i] = t.line(ctx, e, details[i])
	}
	return out, nil
}

// accountOf returns the account that a thing is, or 0.
func accountOf(thing string) id.ID {
	text, ok := strings.CutPrefix(thing, "account:")
	if !ok {
		return 0
	}
	return idOf(text)
}

func idOf(v any) id.ID {
	text, _ := v.(string)
	i, err := id.Parse(text)
	if err != nil {
		return 0
	}
	return i
}

func (t teller) line(ctx context.Context, e audit.Entry, values map[string]any) deedLine {
	d := deedLine{Entry: e}
	about, w := accountOf(e.Thing), verbs[e.Verb]
	nobody := e.Actor == 0 && e.Handle == ""
	d.Who = t.actor(ctx, e)
	switch {
	case w.self != "" && about != 0 && (about == e.Actor || nobody):
		d.Who, d.Before = t.person(ctx, about), i18n.T(ctx, w.self)
	case w.other != "":
		d.Before, d.After, _ = strings.Cut(i18n.T(ctx, w.other), "%s")
		d.Thing = t.thing(ctx, e.Thing, values)
	default: // a verb without words
		d.Thing = t.thing(ctx, e.Thing, values)
	}
	if key, ok := strings.CutPrefix(e.Thing, "setting:"); ok {
		d.Change = changeOf(ctx, key, values)
	}
	d.Details = t.details(ctx, e, values)
	return d
}

// actor names who acted: by the handle of that time.
func (t teller) actor(ctx context.Context, e audit.Entry) name {
	if e.Actor == 0 {
		switch e.Handle {
		case "":
			return name{Text: i18n.T(ctx, "The server")}
		case "operator":
			return name{Text: i18n.T(ctx, "The operator")}
		}
		return name{Text: "@" + e.Handle}
	}
	n := t.person(ctx, e.Actor)
	if e.Handle != "" && n.Href != "" {
		n.Text = "@" + e.Handle
	}
	return n
}

// person names somebody. People who were erased have no page.
func (t teller) person(ctx context.Context, who id.ID) name {
	handle, known := t.handles[who]
	switch {
	case handle != "":
		return name{"@" + handle, "/admin/people/" + who.String()}
	case known:
		return name{Text: i18n.T(ctx, "(erased account)")}
	}
	return name{Text: i18n.T(ctx, "account %s", who.String())}
}

func (t teller) thing(ctx context.Context, thing string, values map[string]any) name {
	if who := accountOf(thing); who != 0 {
		return t.person(ctx, who)
	}
	kind, rest, _ := strings.Cut(thing, ":")
	text := func(key string) string {
		s, _ := values[key].(string)
		return cmp.Or(s, rest)
	}
	switch kind {
	case "setting":
		if label, ok := t.setting(rest); ok {
			return name{label, "/admin/settings/history?key=" + rest}
		}
		return name{Text: rest}
	case "app":
		return name{Text: text("name")}
	case "invite":
		return name{Text: text("mark")}
	case "job":
		return name{Text: rest, Href: "/admin/jobs"}
	case "schedule":
		return name{Text: rest, Href: "/admin/jobs#schedules"}
	}
	return name{Text: thing}
}

// changeOf returns what a setting was and became; nil where the entry does not say.
func changeOf(ctx context.Context, key string, values map[string]any) *[2]string {
	if len(values) == 0 || values["was"] == nil && values["became"] == nil {
		return nil
	}
	say := func(v any) string {
		text, ok := v.(string)
		switch {
		case !ok:
			return i18n.T(ctx, "the default")
		case text == "":
			return i18n.T(ctx, "nothing")
		}
		return settings.ChoiceLabel(ctx, key, text)
	}
	return &[2]string{say(values["was"]), say(values["became"])}
}

// labels name what entries say besides, in the order in which it is shown.
var labels = []struct{ key, label string }{
	{"reason", i18n.Key("Reason")},
	{"handle", i18n.Key("Handle")},
	{"account", i18n.Key("Account")},
	{"role", i18n.Key("Role")},
	{"roles", i18n.Key("Roles")},
	{"restaurant", i18n.Key("Restaurant")},
	{"until", i18n.Key("Until")},
	{"approved", i18n.Key("May join")},
	{"proof", i18n.Key("Proof")},
	{"provider", i18n.Key("Provider")},
	{"name", i18n.Key("Name")},
	{"mark", i18n.Key("Begins with")},
	{"app", i18n.Key("App")},
	{"scopes", i18n.Key("May do")},
	{"session", i18n.Key("Sign-in")},
	{"due", i18n.Key("Due")},
	{"left", i18n.Key("Codes left")},
	{"removed", i18n.Key("Removed")},
	{"uses", i18n.Key("People")},
	{"note", i18n.Key("For")},
	{"job", i18n.Key("Job")},
	{"cut", i18n.Key("Details")},
}

// details says what an entry holds besides. What the sentence says already, what is empty, and the number of a sign-in, which the exported log
// has, is left out; a key without a label comes last.
func (t teller) details(ctx context.Context, e audit.Entry, values map[string]any) (out []detail) {
	rest := maps.Clone(values)
	kind, _, _ := strings.Cut(e.Thing, ":")
	switch kind {
	case "setting":
		delete(rest, "was")
		delete(rest, "became")
	case "app":
		delete(rest, "name")
	case "invite":
		delete(rest, "mark")
	}
	if who := idOf(rest["account"]); who != 0 && who == e.Actor {
		delete(rest, "account")
	}
	if handle, ok := rest["handle"].(string); ok && handle == t.handles[accountOf(e.Thing)] {
		delete(rest, "handle")
	}
	if idOf(rest["session"]) != 0 {
		delete(rest, "session")
	}
	add := func(label, key string) {
		if v := t.value(ctx, key, rest[key]); v.Text != "" {
			out = append(out, detail{label, v})
		}
		delete(rest, key)
	}
	for _, l := range labels {
		add(i18n.T(ctx, l.label), l.key)
	}
	for _, key := range slices.Sorted(maps.Keys(rest)) {
		add(key, key)
	}
	return out
}

// value says one value; an empty name is none.
func (t teller) value(ctx context.Context, key string, v any) name {
	switch v := v.(type) {
	case nil:
		return name{}
	case bool:
		if v {
			return name{Text: i18n.T(ctx, "yes")}
		}
		return name{Text: i18n.T(ctx, "no")}
	case []any:
		list := make([]string, len(v))
		for i, one := range v {
			list[i] = fmt.Sprint(one)
		}
		return name{Text: strings.Join(list, ", ")}
	case string:
		if v == "" || v == "0" {
			return name{}
		}
		return t.text(ctx, key, v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return name{}
	}
	return name{Text: string(b)}
}

func (t teller) text(ctx context.Context, key, v string) name {
	switch key {
	case "account":
		if who := idOf(v); who != 0 {
			return t.person(ctx, who)
		}
	case "role", "roles":
		list := strings.Fields(v)
		for i, r := range list {
			role, place, of := strings.Cut(r, ":")
			if list[i] = roleName(ctx, access.Role(role)); of {
				list[i] += " (" + place + ")"
			}
		}
		return name{Text: strings.Join(list, ", ")}
	case "scopes":
		return name{Text: strings.Join(strings.Fields(v), ", ")}
	case "proof":
		return name{Text: proofName(ctx, account.Proof(v))}
	case "until", "due":
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			return name{Text: ui.Day(ctx, at, zone(ctx)) + ", " + ui.ClockTime(ctx, at, zone(ctx))}
		}
	case "session":
		if v == "all" {
			return name{Text: i18n.T(ctx, "all of them")}
		}
	}
	return name{Text: v}
}

func proofName(ctx context.Context, p account.Proof) string {
	switch p {
	case account.ByPassword:
		return i18n.T(ctx, "a password")
	case account.ByPasskey:
		return i18n.T(ctx, "a passkey")
	case account.ByEmail:
		return i18n.T(ctx, "a link by e-mail")
	case account.ByOIDC:
		return i18n.T(ctx, "another service")
	}
	return string(p)
}
