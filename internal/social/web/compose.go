package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/card"
	"github.com/stoa-town/stoa/internal/social/web/frame"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Limits of a post, as the form tells them.
const (
	maxFiles   = 8
	maxOptions = 6
)

// Picks finds what a post can show: dishes, restaurants, events.
type Picks interface {
	// Pick returns what has a name like q, the best first. Of one that is asked for by kind and id it returns that alone.
	Pick(ctx context.Context, q string, limit int) ([]Pick, error)
	Picked(ctx context.Context, kind string, thing id.ID) (Pick, error)
}

// Desk keeps posts that are not posted yet.
type Desk interface {
	// Scheduled returns a post that waits for its time, and Draft one that was not finished. Errors: NotFound.
	Scheduled(ctx context.Context, account, post id.ID) (Draft, time.Time, error)
	Draft(ctx context.Context, account, draft id.ID) (Draft, error)
	// Reschedule has another post wait in place of one. It returns the errors of Posts.Later, and NotFound for what was posted meanwhile.
	Reschedule(ctx context.Context, actor access.Actor, post id.ID, d Draft, at time.Time) error
	// Keep keeps a draft: a new one where draft is 0, else in place of that one. Errors: Invalid; NotFound.
	Keep(ctx context.Context, account, draft id.ID, d Draft) error
	DeleteDraft(ctx context.Context, account, draft id.ID) error
}

// Pick is something that a post can show.
type Pick struct {
	Kind  string // dish, restaurant, event
	ID    id.ID
	Name  string
	Note  string // the restaurant of a dish, the day of an event
	Photo string
}

// Value is what the form sends of it.
func (k Pick) Value() string { return k.Kind + ":" + k.ID.String() }

// composeForm is a post as it is typed.
type composeForm struct {
	As         id.ID    `form:"as"`
	Text       string   `form:"text"`
	Warning    string   `form:"warning"`
	HasWarning bool     `form:"has_warning"`
	Visibility string   `form:"visibility"`
	Replies    string   `form:"replies"`
	Lang       string   `form:"lang"`
	Reply      id.ID    `form:"reply"`
	Quote      id.ID    `form:"quote"`
	Edit       id.ID    `form:"edit"`
	Group      id.ID    `form:"group"`
	Media      []string `form:"media"`
	HasPoll    bool     `form:"has_poll"`
	Options    []string `form:"option"`
	OpenFor    int      `form:"open_for"` // minutes
	Multiple   bool     `form:"multiple"`
	Extra      string   `form:"extra"` // "dish:12"
	Mention    string   `form:"mention"`
	HasLater   bool     `form:"has_later"`
	At         string   `form:"at"` // in the town's time, as browsers write it
	Dish       id.ID    `form:"dish"`
	Restaurant id.ID    `form:"restaurant"`
	Event      id.ID    `form:"event"`
	Key        string   `form:"idempotency_key"`
	Wait       id.ID    `form:"wait"`  // a post that waits already
	Draft      id.ID    `form:"draft"` // a draft of the desk
	Keep       bool     `form:"keep"`  // as a draft

	alt map[string]string
}

// composer is the form to write with.
type composer struct {
	composeForm
	id      string // of the form: there may be two on a page
	view    card.View
	max     int               // characters
	faces   []*social.Account // as whom one may post; the first is oneself
	answers *social.Status
	quotes  *social.Status
	picked  *Pick
	picks   bool
	err     error
	first   bool // the page is about writing: it begins in the text
}

// title says what is being written.
func (c *composer) title(ctx context.Context) string {
	switch {
	case c.Edit != 0 || c.Wait != 0:
		return i18n.T(ctx, "Edit a post")
	case c.answers != nil:
		return i18n.T(ctx, "Reply to %s", card.Name(&c.answers.Account))
	case c.quotes != nil:
		return i18n.T(ctx, "Quote %s", card.Name(&c.quotes.Account))
	}
	return i18n.T(ctx, "Write a post")
}

// draft names what the browser keeps until it is sent: one draft for each place where one writes.
func (c *composer) draft() string {
	switch {
	case c.Edit != 0:
		return "edit-" + c.Edit.String()
	case c.Wait != 0:
		return "wait-" + c.Wait.String()
	case c.Draft != 0:
		return "draft-" + c.Draft.String()
	case c.Reply != 0:
		return "reply-" + c.Reply.String()
	case c.Quote != 0:
		return "quote-" + c.Quote.String()
	case c.Group != 0:
		return "group-" + c.Group.String()
	}
	return "new"
}

// composer prepares the form: as whom, to whom, what is answered.
func (p *Pages) composer(r *http.Request, in composeForm) (*composer, error) {
	ctx, actor := r.Context(), access.From(r.Context())
	c := &composer{composeForm: in, id: "compose", view: p.View(r), max: p.MaxText(), picks: p.Picks != nil}
	rel, err := p.relations(ctx)
	if err != nil {
		return nil, err
	}
	ids := append([]id.ID{actor.ID}, actor.Places()...)
	found, err := p.Profiles.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, i := range ids {
		if a := found[i]; a != nil {
			c.faces = append(c.faces, a)
		}
	}
	defaults, err := p.Profiles.Defaults(ctx, actor.ID)
	if err != nil {
		return nil, err
	}
	if c.Visibility == "" {
		c.Visibility = string(defaults.Visibility)
	}
	if c.Lang == "" {
		if c.Lang = defaults.Language; c.Lang == "" {
			c.Lang = i18n.Lang(ctx)
		}
	}
	if c.Replies == "" {
		c.Replies = "everybody"
	}
	if c.Reply != 0 && c.Edit == 0 {
		if c.answers, err = p.one(ctx, rel, c.Reply, ""); err != nil {
			return nil, err
		}
		c.answering(rel.Viewer)
	}
	if c.Quote != 0 {
		if c.quotes, err = p.one(ctx, rel, c.Quote, ""); err != nil {
			return nil, err
		}
	}
	if c.Mention != "" && c.Text == "" {
		c.Text = "@" + text.Clean(c.Mention, 200) + " "
	}
	return c, p.picked(ctx, c)
}

// answering fills in what an answer begins with: those who take part, and no wider circle than what is answered has.
func (c *composer) answering(viewer id.ID) {
	s := c.answers
	if c.Text == "" {
		var names []string
		if s.Account.ID != viewer {
			names = append(names, card.Acct(&s.Account))
		}
		for _, m := range s.Mentions {
			if m.ID != viewer && m.ID != s.Account.ID {
				names = append(names, "@"+m.Acct)
			}
		}
		if len(names) > 0 {
			c.Text = strings.Join(names, " ") + " "
		}
	}
	if c.Warning == "" && s.SpoilerText != "" {
		c.Warning, c.HasWarning = s.SpoilerText, true
	}
	wide := map[string]int{string(social.Direct): 0, string(social.Group): 1, string(social.Followers): 1, string(social.Town): 2, string(social.Unlisted): 3, string(social.Public): 4}
	of := s.Visibility
	if s.Stoa != nil && s.Stoa.Visibility != "" {
		of = string(s.Stoa.Visibility)
	}
	if wide[of] < wide[c.Visibility] {
		c.Visibility = of
	}
	if s.Language != nil && *s.Language != "" {
		c.Lang = *s.Language
	}
	if s.Stoa != nil && s.Stoa.Group != nil {
		c.Group = s.Stoa.Group.ID
	}
}

// picked looks up the card that a post is to show.
func (p *Pages) picked(ctx context.Context, c *composer) error {
	kind, thing := c.thing()
	if kind == "" || p.Picks == nil {
		return nil
	}
	k, err := p.Picks.Picked(ctx, kind, thing)
	if errs.Is(err, errs.NotFound) {
		return nil // gone: the post goes without it
	}
	c.picked = &k
	return err
}

// thing returns what a post is to show.
func (f *composeForm) thing() (string, id.ID) {
	switch {
	case f.Dish != 0:
		return "dish", f.Dish
	case f.Restaurant != 0:
		return "restaurant", f.Restaurant
	case f.Event != 0:
		return "event", f.Event
	}
	kind, rest, _ := strings.Cut(f.Extra, ":")
	thing, err := id.Parse(rest)
	if err != nil {
		return "", 0
	}
	return kind, thing
}

// formOf returns a draft as the form shows it.
func formOf(d Draft) composeForm {
	f := composeForm{
		As: d.As, Text: d.Text, Warning: d.Warning, HasWarning: d.Warning != "", Visibility: string(d.Visibility), Replies: d.Replies, Lang: d.Lang, Reply: d.ReplyTo,
		Quote: d.QuoteOf, Group: d.Group, HasPoll: len(d.Options) > 0, Options: d.Options, OpenFor: int(d.OpenFor / time.Minute), Multiple: d.Multiple,
		alt: map[string]string{},
	}
	for _, m := range d.Media {
		f.Media = append(f.Media, m.ID.String())
		f.alt[m.ID.String()] = m.Alt
	}
	if d.Kind != "" {
		f.Extra = d.Kind + ":" + d.Thing.String()
	}
	return f
}

// draftOf returns the form as a draft.
func (f *composeForm) draftOf() (Draft, error) {
	d := Draft{
		As: f.As, Text: f.Text, Visibility: social.Visibility(f.Visibility), Replies: f.Replies, Lang: f.Lang, ReplyTo: f.Reply, QuoteOf: f.Quote, Group: f.Group, Key: f.Key,
	}
	if f.HasWarning {
		d.Warning = f.Warning
		d.Sensitive = f.Warning != ""
	}
	if f.Group != 0 {
		d.Visibility = social.Group
	}
	for _, m := range f.Media {
		file, err := id.Parse(m)
		if err != nil {
			return d, errs.InvalidField("media", "This file is not there any more.")
		}
		d.Media = append(d.Media, Medium{ID: file, Alt: strings.TrimSpace(f.alt[m])})
	}
	if f.HasPoll {
		for _, o := range f.Options {
			if o = strings.TrimSpace(o); o != "" {
				d.Options = append(d.Options, o)
			}
		}
		d.OpenFor, d.Multiple = time.Duration(f.OpenFor)*time.Minute, f.Multiple
	}
	d.Kind, d.Thing = f.thing()
	return d, nil
}

// compose is the page to write on, or the dialog.
func (p *Pages) compose(w http.ResponseWriter, r *http.Request) error {
	var in composeForm
	if err := httpx.DecodeValues(r.URL.Query(), &in); err != nil {
		return err
	}
	ctx := r.Context()
	if in.Edit != 0 {
		d, err := p.Posts.Source(ctx, access.From(ctx), in.Edit)
		if err != nil {
			return err
		}
		edit := in.Edit
		in = formOf(d)
		in.Edit = edit
	}
	if p.Desk != nil && (in.Wait != 0 || in.Draft != 0) {
		var err error
		if in, err = p.fromDesk(ctx, in); err != nil {
			return err
		}
	}
	c, err := p.composer(r, in)
	if err != nil {
		return err
	}
	if ui.IsFragment(r) {
		c.id = "compose-over"
		return httpx.Render(w, r, http.StatusOK, frame.Dialog(c.title(ctx), compose(c)))
	}
	c.first = true
	return httpx.Render(w, r, http.StatusOK, p.composeWhole(c.view, c))
}

// fromDesk returns what was written before, to be written on.
func (p *Pages) fromDesk(ctx context.Context, in composeForm) (composeForm, error) {
	who := access.From(ctx).ID
	if in.Draft != 0 {
		d, err := p.Desk.Draft(ctx, who, in.Draft)
		out := formOf(d)
		out.Draft = in.Draft
		return out, err
	}
	d, at, err := p.Desk.Scheduled(ctx, who, in.Wait)
	out := formOf(d)
	out.Wait, out.HasLater, out.At = in.Wait, true, at.In(p.Zone).Format(frame.LocalTime)
	return out, err
}

// keep keeps what was typed as a draft.
func (p *Pages) keep(w http.ResponseWriter, r *http.Request, in composeForm, d Draft) error {
	if err := p.Desk.Keep(r.Context(), access.From(r.Context()).ID, in.Draft, d); err != nil {
		return p.refused(w, r, in, err)
	}
	if !ui.IsFragment(r) {
		return httpx.Redirect(w, r, "/waiting")
	}
	return httpx.Render(w, r, http.StatusOK, postedToast(i18n.T(r.Context(), "Kept as a draft."), "/waiting"))
}

// written takes the draft away of what was posted.
func (p *Pages) written(ctx context.Context, in composeForm) error {
	if in.Draft == 0 || p.Desk == nil {
		return nil
	}
	err := p.Desk.DeleteDraft(ctx, access.From(ctx).ID, in.Draft)
	if errs.Is(err, errs.NotFound) {
		return nil // deleted meanwhile
	}
	return err
}

// send posts what was typed, or changes a post.
func (p *Pages) send(w http.ResponseWriter, r *http.Request) error {
	var in composeForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	in.alt = map[string]string{}
	for name, values := range r.PostForm {
		if of, ok := strings.CutPrefix(name, "alt-"); ok && len(values) > 0 {
			in.alt[of] = values[0]
		}
	}
	ctx, actor := r.Context(), access.From(r.Context())
	d, err := in.draftOf()
	if err == nil && in.Keep && in.Edit == 0 && p.Desk != nil {
		return p.keep(w, r, in, d)
	}
	if err == nil && (in.HasLater || in.Wait != 0) && in.Edit == 0 {
		return p.later(w, r, in, d)
	}
	status := in.Edit
	if err == nil {
		if status != 0 {
			err = p.Posts.Edit(ctx, actor, status, d)
		} else {
			status, err = p.Posts.Post(ctx, actor, d)
		}
	}
	if err != nil {
		return p.refused(w, r, in, err)
	}
	if err := p.written(ctx, in); err != nil {
		return err
	}
	rel, err := p.relations(ctx)
	if err != nil {
		return err
	}
	s, err := p.one(ctx, rel, status, "")
	if err != nil {
		return err
	}
	if !ui.IsFragment(r) {
		return httpx.Redirect(w, r, card.Link(s))
	}
	v := p.View(r)
	v.Back = "/home"
	said := i18n.T(ctx, "Posted.")
	if in.Edit != 0 {
		said = i18n.T(ctx, "Changed.")
	}
	parts := []templ.Component{postedToast(said, card.Link(s))}
	if in.Edit == 0 && in.Reply == 0 {
		parts = append(parts, ontoHome(v, s))
	}
	return httpx.Render(w, r, http.StatusOK, templ.Join(parts...))
}

// later keeps a post until its time.
func (p *Pages) later(w http.ResponseWriter, r *http.Request, in composeForm, d Draft) error {
	ctx, actor := r.Context(), access.From(r.Context())
	at, err := time.ParseInLocation(frame.LocalTime, in.At, p.Zone)
	switch {
	case err != nil:
		err = errs.InvalidField("at", "Say when it should be posted.")
	case in.Wait != 0 && p.Desk != nil:
		err = p.Desk.Reschedule(ctx, actor, in.Wait, d, at)
	default:
		err = p.Posts.Later(ctx, actor, d, at)
	}
	if err != nil {
		return p.refused(w, r, in, err)
	}
	if err := p.written(ctx, in); err != nil {
		return err
	}
	if !ui.IsFragment(r) {
		return httpx.Redirect(w, r, "/waiting")
	}
	return httpx.Render(w, r, http.StatusOK, postedToast(i18n.T(ctx, "It will be posted then."), "/waiting"))
}

// refused says what is wrong with a post.
func (p *Pages) refused(w http.ResponseWriter, r *http.Request, in composeForm, why error) error {
	switch errs.KindOf(why) {
	case errs.Invalid, errs.Conflict, errs.Forbidden:
	default:
		return why
	}
	if ui.IsFragment(r) {
		return httpx.Render(w, r, httpx.StatusOf(why), ui.FormErrors(why))
	}
	c, err := p.composer(r, in)
	if err != nil {
		return err
	}
	c.err, c.first = why, true
	return httpx.Render(w, r, httpx.StatusOf(why), p.composeWhole(c.view, c))
}

// pick finds something that a post can show.
func (p *Pages) pick(w http.ResponseWriter, r *http.Request) error {
	q := text.Clean(r.URL.Query().Get("pick"), 100)
	var list []Pick
	if q != "" {
		var err error
		if list, err = p.Picks.Pick(r.Context(), q, 8); err != nil {
			return err
		}
	}
	return httpx.Render(w, r, http.StatusOK, pickList(list, q))
}
