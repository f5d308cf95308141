// Package profile is how people, restaurants and groups are known to each other: handle, name, picture, a few words, what a new post of theirs
// is by default, and how many posts, followers and follows they have.
//
// A profile has the id of the account, restaurant or group that it stands for, and is made and changed in the same transactions as those: by
// AccountMade, AccountChanged, RestaurantSaved and Add. All of them share one namespace of handles. Others read Entities, which are cached.
package profile

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/markup"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// Limits of what stands on a profile. Lengths are in characters.
const (
	MaxName      = 60
	MaxNote      = 1000
	MaxFields    = 6
	MaxFieldName = 255
	MaxField     = 255
	MaxAlt       = 1500
	MaxTags      = 10 // featured
	maxTag       = 100
)

// state says whether others meet a profile.
type state string

const (
	here      state = "here"
	hidden    state = "hidden"
	suspended state = "suspended"
)

// field is a line of the table on a profile, as it was written.
type field struct {
	Name     string    `json:"name"`
	Value    string    `json:"value"`
	Verified time.Time `json:"verified,omitzero"` // when the page that it names was last found to link back
}

// row is a profile as it is stored.
type row struct {
	ID        id.ID
	Kind      social.Kind
	Handle    string
	Page      string // path of the shop or the group
	Photo     string // URL path of the restaurant's picture: the header where there is no other
	Name      string
	Note      string
	Fields    []field
	Avatar    string // URL path, empty: a drawn one
	AvatarAlt string
	Header    string
	HeaderAlt string

	Locked, Bot, Discoverable, Indexable, Secretive bool

	Defaults social.Defaults
	State    state
	Limited  bool
	Guarded  bool

	Statuses, Followers, Following int64
	LastStatus                     time.Time
	CreatedAt                      time.Time
}

// standing returns what decides how others may deal with the profile.
func (r row) standing() social.Standing {
	return social.Standing{
		ID: r.ID, Kind: r.Kind, Handle: r.Handle, Locked: r.Locked, Secretive: r.Secretive, Hidden: r.State == hidden, Suspended: r.State == suspended,
		Limited: r.Limited, Guarded: r.Guarded, Findable: r.Discoverable,
	}
}

// Change is what somebody changes of a profile; nil leaves a thing as it is.
type Change struct {
	Name         *string
	Note         *string
	Fields       *[]FieldText // all of them
	AvatarAlt    *string
	HeaderAlt    *string
	Locked       *bool
	Bot          *bool
	Discoverable *bool
	Indexable    *bool
	Secretive    *bool
	Visibility   *string // of new posts
	Sensitive    *bool
	Language     *string
	Quotes       *string

	Avatar, Header []byte // pictures as they were sent; nil: leave them
}

// FieldText is a line of the table on a profile as somebody writes it.
type FieldText struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// apply returns r with the changes, or an Invalid error with all their faults. Pictures are not looked at.
func (c Change) apply(r row) (row, error) {
	var wrong []errs.Field
	fault := func(f errs.Field) { wrong = append(wrong, f) }
	if c.Name != nil {
		r.Name = text.Clean(*c.Name, MaxName+1)
		switch {
		case utf8.RuneCountInString(r.Name) > MaxName:
			fault(errs.FieldOf("display_name", "A name has at most %d characters.", MaxName))
		case r.Name == "":
			r.Name = r.Handle
		}
	}
	if c.Note != nil {
		if r.Note = markup.Clean(*c.Note); utf8.RuneCountInString(r.Note) > MaxNote {
			fault(errs.FieldOf("note", "Write at most %d characters about yourself.", MaxNote))
		}
	}
	if c.Fields != nil {
		r.Fields = merge(r.Fields, *c.Fields, fault)
	}
	for _, alt := range []struct {
		path string
		in   *string
		out  *string
	}{{"avatar_description", c.AvatarAlt, &r.AvatarAlt}, {"header_description", c.HeaderAlt, &r.HeaderAlt}} {
		if alt.in == nil {
			continue
		}
		if *alt.out = text.Clean(*alt.in, MaxAlt+1); utf8.RuneCountInString(*alt.out) > MaxAlt {
			fault(errs.FieldOf(alt.path, "Describe the picture in at most %d characters.", MaxAlt))
		}
	}
	set(&r.Locked, c.Locked)
	set(&r.Bot, c.Bot)
	set(&r.Discoverable, c.Discoverable)
	set(&r.Indexable, c.Indexable)
	set(&r.Secretive, c.Secretive)
	set(&r.Defaults.Sensitive, c.Sensitive)
	if c.Visibility != nil {
		v := social.Visibility(*c.Visibility)
		if !slices.Contains([]social.Visibility{social.Public, social.Unlisted, social.Followers, social.Direct, social.Town}, v) {
			fault(errs.FieldOf("source[privacy]", "Posts are public, unlisted, private, direct or town."))
		}
		r.Defaults.Visibility = v
	}
	if c.Quotes != nil {
		if !slices.Contains([]string{"public", "followers", "nobody"}, *c.Quotes) {
			fault(errs.FieldOf("source[quote_policy]", "Quotes are by public, followers or nobody."))
		}
		r.Defaults.Quotes = *c.Quotes
	}
	if c.Language != nil {
		if _, err := language.Parse(*c.Language); *c.Language != "" && (err != nil || len(*c.Language) > 35) {
			fault(errs.FieldOf("source[language]", "This is not a language tag such as en or de-AT."))
		}
		r.Defaults.Language = *c.Language
	}
	return r, errs.InvalidFields(wrong)
}

func set(to, from *bool) {
	if from != nil {
		*to = *from
	}
}

// merge returns the lines of a table that somebody wrote, those without name and value left out; a line that was verified and is the same stays so.
func merge(old []field, in []FieldText, fault func(errs.Field)) []field {
	out := []field{}
	for _, f := range in {
		name, value := text.Clean(f.Name, MaxFieldName+1), text.Clean(f.Value, MaxField+1)
		switch {
		case name == "" && value == "":
			continue
		case utf8.RuneCountInString(name) > MaxFieldName || utf8.RuneCountInString(value) > MaxField:
			fault(errs.FieldOf("fields", "A field has at most %d characters.", MaxField))
		}
		line := field{Name: name, Value: value}
		if i := slices.IndexFunc(old, func(o field) bool { return o.Value == value }); i >= 0 {
			line.Verified = old[i].Verified
		}
		out = append(out, line)
	}
	if len(out) > MaxFields {
		fault(errs.FieldOf("fields", "A profile has at most %d fields.", MaxFields))
	}
	return out
}

// handleFor returns the handle that a restaurant with a slug would like, and one that nobody else can have.
func handleFor(slug string, rid id.ID) (first, second string) {
	h := strings.ReplaceAll(slug, "-", "_")
	second = h[:min(len(h), 10)] + "_" + rid.String()
	if !text.Handle(h) {
		h = second
	}
	return h, second
}

// words returns the words by which a profile is found: its handle, the parts of it, and those of its name, folded.
func words(handle, name string) []string {
	out := append([]string{handle}, strings.Split(handle, "_")...)
	out = append(out, strings.FieldsFunc(text.Fold(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	out = slices.DeleteFunc(out, func(w string) bool { return w == "" || len(w) > 120 })
	slices.Sort(out)
	return slices.Compact(out)
}

// Tag returns a hashtag in the form in which it is compared, and as it is shown; empty for what is none.
func Tag(s string) (name, shown string) {
	shown = text.Clean(strings.TrimPrefix(strings.TrimSpace(s), "#"), maxTag+1)
	if shown == "" || utf8.RuneCountInString(shown) > maxTag ||
		strings.ContainsFunc(shown, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) && r != '_'
		}) ||
		!strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsDigit(r) }) {
		return "", ""
	}
	return text.Fold(shown), shown
}

func encodeFields(list []field) string {
	if len(list) == 0 {
		return "[]"
	}
	b, err := json.Marshal(list)
	if err != nil {
		return "[]" // can't be: strings and times only
	}
	return string(b)
}

var errUnknown = errs.New(errs.NotFound, "Record not found")

// errTaken is said where a handle is somebody's.
var errTaken = errs.InvalidField("handle", i18n.Key("This handle is taken. Choose another."))
