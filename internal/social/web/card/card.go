// Package card draws statuses and accounts: the parts that every page of the social network is made of. It reads nothing and decides
// nothing; what a reader may not see never comes here.
package card

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// View is what the parts of a page have to know of the page that they stand on.
type View struct {
	Viewer id.ID          // 0: a stranger
	Base   string         // address of this server, such as "https://example.org": links below it become paths
	Back   string         // path of the page, where forms lead back without script
	Zone   *time.Location // of the town
	Into   string         // language that posts can be translated into; empty: none
	Full   bool           // the one status that its page is about: with its date, its figures in words and all of its text
	Thread bool           // among others of the same conversation: what it answers stands above it
	Quoted bool           // inside another: without buttons
	First  bool           // high on the page: its pictures are not loaded lazily
}

// Inside returns the view of what stands inside something else: without buttons.
func Inside(v View) View {
	v.Quoted = true
	return v
}

// Path returns an address as a path where it is one of this server: pictures and links then work by whatever name the server was reached.
func (v View) Path(address string) string {
	if rest, ok := strings.CutPrefix(address, v.Base); ok && v.Base != "" && (rest == "" || rest[0] == '/') {
		if rest == "" {
			return "/"
		}
		return rest
	}
	return address
}

// Acct returns how people are written to: "@anna", "@bo@example.org".
func Acct(a *social.Account) string { return "@" + a.Acct }

// foreign reports whether a status is offered in the reader's language: public ones, written in another.
func foreign(v View, s *social.Status) bool {
	if v.Into == "" || v.Quoted || s.Content == "" || s.Language == nil || s.LocalOnly {
		return false
	}
	if vis := visibilityOf(s); vis != social.Public && vis != social.Unlisted {
		return false
	}
	from, _, _ := strings.Cut(strings.ToLower(*s.Language), "-")
	return from != "" && from != v.Into
}

// Home returns the path of an account's page here.
func Home(a *social.Account) string { return "/@" + a.Acct }

// Link returns the path of a status' page here.
func Link(s *social.Status) string { return "/@" + s.Account.Acct + "/" + s.ID.String() }

// Name returns what an account is called, its handle where it has given no name.
func Name(a *social.Account) string {
	if name := strings.TrimSpace(a.DisplayName); name != "" {
		return name
	}
	return a.Username
}

// act returns the path of something that is done with a status.
func act(s *social.Status, what string) string { return "/statuses/" + s.ID.String() + "/" + what }

// visibilityOf returns who may read a status, with the words that only Stoa has.
func visibilityOf(s *social.Status) social.Visibility {
	if s.Stoa != nil && s.Stoa.Visibility != "" {
		return s.Stoa.Visibility
	}
	return social.Visibility(s.Visibility)
}

// VisibilityIcon returns the icon of who may read a status.
func VisibilityIcon(v social.Visibility) string {
	switch v {
	case social.Unlisted:
		return "moon"
	case social.Followers:
		return "lock"
	case social.Direct:
		return "at-sign"
	case social.Town:
		return "landmark"
	case social.Group:
		return "users"
	}
	return "globe"
}

// VisibilityWord says in two words who may read a status.
func VisibilityWord(ctx context.Context, v social.Visibility) string {
	switch v {
	case social.Unlisted:
		return i18n.T(ctx, "Quietly public")
	case social.Followers:
		return i18n.T(ctx, "Followers")
	case social.Direct:
		return i18n.T(ctx, "Only who is mentioned")
	case social.Town:
		return i18n.T(ctx, "This town")
	case social.Group:
		return i18n.T(ctx, "The group")
	}
	return i18n.T(ctx, "Everybody")
}

// boostable reports whether a status may be boosted: what only some may read is not passed on.
func boostable(s *social.Status, viewer id.ID) bool {
	switch visibilityOf(s) {
	case social.Public, social.Unlisted, social.Town:
		return true
	case social.Followers:
		return s.Account.ID == viewer
	}
	return false
}

// answers says whom a status answers, "" for one that answers nobody, or where that stands above it.
func answers(ctx context.Context, v View, s *social.Status) string {
	if v.Thread || v.Full || s.InReplyToID == nil {
		return ""
	}
	if s.InReplyToAccountID != nil {
		if *s.InReplyToAccountID == s.Account.ID {
			return i18n.T(ctx, "Continues")
		}
		for _, m := range s.Mentions {
			if m.ID == *s.InReplyToAccountID {
				return i18n.T(ctx, "In reply to %s", "@"+m.Acct)
			}
		}
	}
	return i18n.T(ctx, "A reply")
}

// hidden returns the title of the filter that folds a status, "" where none does.
func hidden(s *social.Status) string {
	for _, f := range s.Filtered {
		if f.Filter.Action == "warn" || f.Filter.Action == "" {
			return f.Filter.Title
		}
	}
	return ""
}

// blurred reports whether a status' pictures are covered at first.
func blurred(s *social.Status) bool {
	if s.Sensitive {
		return true
	}
	for _, f := range s.Filtered {
		if f.Filter.Action == "blur" {
			return true
		}
	}
	return false
}

// shows reports whether a status carries a card of Stoa's own. Apps are given a preview of it, which here would say the same twice.
func shows(s *social.Status) bool {
	x := s.Stoa
	return x != nil && (x.Dish != nil || x.Restaurant != nil || x.Event != nil || x.Review != nil)
}

// longText is how many bytes of a status' HTML are shown in a list before the rest is left to its own page.
const longText = 1500

func lang(s *social.Status) string {
	if s.Language == nil {
		return ""
	}
	return *s.Language
}

// short writes a count as people read it: "", "12", "1.2k".
func short(n int64) string {
	switch {
	case n <= 0:
		return ""
	case n < 1000:
		return strconv.FormatInt(n, 10)
	case n < 10_000:
		return strconv.FormatFloat(float64(n/100)/10, 'f', -1, 64) + "k"
	case n < 1_000_000:
		return strconv.FormatInt(n/1000, 10) + "k"
	}
	return strconv.FormatFloat(float64(n/100_000)/10, 'f', -1, 64) + "M"
}

// host returns the name of the site that an address leads to.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Host, "www.")
}

// pressed is an ARIA state.
func pressed(is bool) string { return strconv.FormatBool(is) }

// flip is what a form sends to turn something over.
func flip(is bool) string {
	if is {
		return "0"
	}
	return "1"
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// dimensions returns the width and height of what an attachment shows in pixels, usual ones where they are not known, so that its place is
// kept until it comes. A film has its own from the beginning: what stands for it is a picture of another shape.
func dimensions(a *social.Attachment) (w, h string) {
	sizes := []*social.Size{a.Meta.Small, a.Meta.Original}
	if plays(a) {
		slices.Reverse(sizes)
	}
	for _, s := range sizes {
		if s != nil && s.Width > 0 && s.Height > 0 {
			return strconv.Itoa(s.Width), strconv.Itoa(s.Height)
		}
	}
	return "640", "400"
}

// point returns what a crop keeps as data for the script: "x,y".
func point(a *social.Attachment) string {
	if f := a.Meta.Focus; f != nil && (f.X != 0 || f.Y != 0) {
		return strconv.FormatFloat(f.X, 'f', 2, 64) + "," + strconv.FormatFloat(f.Y, 'f', 2, 64)
	}
	return ""
}

// share returns a choice's part of all votes as a whole percentage. Of several choices it is that of the voters.
func share(p *social.Poll, c social.Choice) int {
	all := p.VotesCount
	if p.Multiple && p.VotersCount != nil && *p.VotersCount > 0 {
		all = *p.VotersCount
	}
	if c.VotesCount == nil || all == 0 {
		return 0
	}
	return int((*c.VotesCount*100 + all/2) / all)
}

func isVoted(p *social.Poll) bool { return p.Voted != nil && *p.Voted }

func own(p *social.Poll, i int) bool {
	if p.OwnVotes != nil {
		for _, n := range *p.OwnVotes {
			if n == i {
				return true
			}
		}
	}
	return false
}

// voters says how many took part in a poll.
func voters(ctx context.Context, p *social.Poll) string {
	n := p.VotesCount
	if p.VotersCount != nil {
		n = *p.VotersCount
	}
	return i18n.N(ctx, int(n), "%d person", "%d people")
}
