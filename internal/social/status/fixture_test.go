package status

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/idem"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// town is a Service over a real database. Who people are and what is between them is said by the test.
type town struct {
	*Service
	t     testing.TB
	d     *db.DB
	clock *clock.Manual

	mu       sync.Mutex
	people   map[id.ID]*social.Account
	rel      map[id.ID]*social.Relations
	counts   map[id.ID]int
	files    map[id.ID][]social.Attachment // by status
	loose    map[id.ID]bool
	members  map[id.ID]map[id.ID]bool // of groups
	closed   map[id.ID]bool
	matchers map[id.ID]social.Matcher
	cards    map[string]*social.Card
	wanted   []string
}

const root = "https://town.example"

func newTown(t testing.TB, d *db.DB) *town {
	w := &town{
		t: t, d: d, clock: clock.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)), people: map[id.ID]*social.Account{}, rel: map[id.ID]*social.Relations{},
		counts: map[id.ID]int{}, files: map[id.ID][]social.Attachment{}, loose: map[id.ID]bool{}, members: map[id.ID]map[id.ID]bool{}, closed: map[id.ID]bool{},
		matchers: map[id.ID]social.Matcher{}, cards: map[string]*social.Card{},
	}
	bus := events.NewLocal()
	ids := id.NewSource(1)
	w.Service = w.node(bus, ids)
	return w
}

// node returns a Service over the town's database: another one is another node.
func (w *town) node(bus events.Bus, ids *id.Source) *Service {
	log := events.New(w.d, bus)
	q := jobs.New(w.d, bus, w.clock.Now, ids, jobs.Options{Poll: 20 * time.Millisecond})
	s := New(Deps{
		DB: w.d, Log: log, Jobs: q, IDs: ids, Now: w.clock.Now, Profiles: w, Relations: w, Media: media{w}, Filters: w, Groups: w, Cards: cards{w}, Emojis: w,
	}, Options{Address: func() string { return root }})
	s.React()
	return s
}

// onBoth runs a test in a town on each engine.
func onBoth(t *testing.T, test func(t *testing.T, w *town)) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, newTown(t, d)) }, Schema, events.Schema, jobs.Schema, idem.Schema)
}

func onLite(t testing.TB) *town {
	return newTown(t, dbtest.SQLite(t, Schema, events.Schema, jobs.Schema, idem.Schema))
}

// run has jobs and events handled until the test ends.
func (w *town) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = w.Log.Run(ctx) })
	wg.Go(func() { _ = w.Jobs.Run(ctx) })
	w.t.Cleanup(func() { cancel(); wg.Wait() })
}

// until waits for something that the background work does.
func (w *town) until(what string, is func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("after 20 s still not: %s", what)
		}
	}
}

// person adds somebody and returns them as actor.
func (w *town) person(name string) access.Actor {
	n := w.IDs.Next()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.people[n] = &social.Account{
		ID: n, Username: name, Acct: name, DisplayName: strings.ToUpper(name[:1]) + name[1:], URL: root + "/@" + name, URI: root + "/users/" + name,
		Avatar: root + "/a.png", AvatarStatic: root + "/a.png", Header: root + "/h.png", HeaderStatic: root + "/h.png", Fields: []social.Field{}, Emojis: []social.Emoji{}, Roles: []social.Role{},
	}
	return access.Actor{ID: n, Handle: name, Name: name}
}

// relate changes what is between a reader and others.
func (w *town) relate(reader id.ID, change func(r *social.Relations)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &social.Relations{
		Viewer: reader, Follows: map[id.ID]social.Follow{}, Blocks: map[id.ID]bool{}, BlockedBy: map[id.ID]bool{}, Mutes: map[id.ID]social.Mute{}, Groups: map[id.ID]bool{},
	}
	if old := w.rel[reader]; old != nil {
		*r = *old
	}
	change(r)
	w.rel[reader] = r
}

func (w *town) follow(who, whom access.Actor) {
	w.relate(who.ID, func(r *social.Relations) { r.Follows[whom.ID] = social.Follow{Boosts: true} })
}

func (w *town) post(a access.Actor, in Draft) id.ID {
	w.t.Helper()
	n, err := w.Post(w.t.Context(), a, in)
	if err != nil {
		w.t.Fatalf("post %q: %v", in.Text, err)
	}
	return n
}

func (w *town) say(a access.Actor, text string) id.ID { return w.post(a, Draft{Text: text}) }

// see returns a status as the actor sees it, or nil.
func (w *town) see(a access.Actor, n id.ID) *social.Status {
	w.t.Helper()
	b, err := w.Get(w.t.Context(), a, n)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		w.t.Fatalf("get %s: %v", n, err)
	}
	var s social.Status
	if err := json.Unmarshal(b, &s); err != nil {
		w.t.Fatalf("decode %s: %v", b, err)
	}
	return &s
}

func (w *town) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// Entities, Resolve and so on are what the town says of its people.
func (w *town) Entities(_ context.Context, ids []id.ID) (map[id.ID]*social.Account, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[id.ID]*social.Account{}
	for _, n := range ids {
		if a := w.people[n]; a != nil {
			c := *a
			c.Statuses = int64(w.counts[n])
			out[n] = &c
		}
	}
	return out, nil
}

func (w *town) Apart(context.Context) (map[id.ID]social.Standing, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[id.ID]social.Standing{}
	for n, a := range w.people {
		if a.Suspended || a.Limited {
			out[n] = social.Standing{ID: n, Suspended: a.Suspended, Limited: a.Limited}
		}
	}
	return out, nil
}

func (w *town) Resolve(_ context.Context, acct string) (id.ID, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	acct = strings.TrimSuffix(acct, "@town.example")
	for n, a := range w.people {
		if a.Acct == acct {
			return n, nil
		}
	}
	return 0, errGone
}

func (w *town) Defaults(context.Context, id.ID) (social.Defaults, error) {
	return social.Defaults{Visibility: social.Public, Language: "en", Quotes: ByPublic}, nil
}

func (w *town) Counts(_ context.Context, tx *db.Tx, profile id.ID, statuses, _, _ int, _ time.Time) error {
	tx.AfterCommit(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.counts[profile] += statuses
	})
	return nil
}

func (w *town) MayActAs(a access.Actor, profile id.ID) bool {
	return a.SignedIn() && (a.ID == profile || a.WorksAt(profile))
}

func (w *town) Relations(_ context.Context, reader id.ID) (*social.Relations, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.rel[reader]; r != nil {
		return r, nil
	}
	return &social.Relations{Viewer: reader}, nil
}

func (w *town) For(_ context.Context, reader id.ID) (social.Matcher, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.matchers[reader], nil
}

func (w *town) MayPost(_ context.Context, profile, group id.ID) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.members[group][profile] {
		return false, errGone
	}
	return w.closed[group], nil
}

func (w *town) GroupCards(_ context.Context, groups []id.ID) (map[id.ID]*social.GroupCard, error) {
	out := map[id.ID]*social.GroupCard{}
	for _, g := range groups {
		out[g] = &social.GroupCard{ID: g, Handle: "choir", Name: "Choir", Closed: w.closed[g]}
	}
	return out, nil
}

func (w *town) Named(_ context.Context, names []string) (out []social.Emoji, err error) {
	if slices.Contains(names, "stoa") {
		out = append(out, social.Emoji{Shortcode: "stoa", URL: root + "/stoa.png", StaticURL: root + "/stoa.png", Visible: true})
	}
	return out, nil
}

// media keeps the files of posts in the town's memory.
type media struct{ *town }

func (m media) Attach(_ context.Context, tx *db.Tx, _, status id.ID, ids []id.ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []social.Attachment
	for _, n := range ids {
		on := slices.ContainsFunc(m.files[status], func(a social.Attachment) bool { return a.ID == n })
		if !m.loose[n] && !on {
			return errs.InvalidField("media_ids", "Validation failed: a file is not there, is not yours, or belongs to another post.")
		}
		url := root + "/media/" + n.String()
		out = append(out, social.Attachment{ID: n, Type: "image", URL: &url, PreviewURL: &url})
	}
	tx.AfterCommit(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, a := range m.files[status] {
			m.loose[a.ID] = true
		}
		for _, n := range ids {
			delete(m.loose, n)
		}
		m.files[status] = out
	})
	return nil
}

func (m media) Of(_ context.Context, _ *db.Tx, statuses []id.ID) (map[id.ID][]social.Attachment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[id.ID][]social.Attachment{}
	for _, n := range statuses {
		if l := m.files[n]; len(l) > 0 {
			out[n] = slices.Clone(l)
		}
	}
	return out, nil
}

func (m media) Update(_ context.Context, tx *db.Tx, _, file id.ID, description *string, _ *social.Focus) error {
	tx.AfterCommit(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, list := range m.files {
			for i := range list {
				if list[i].ID == file {
					list[i].Description = description
				}
			}
		}
	})
	return nil
}

func (m media) Detach(_ context.Context, tx *db.Tx, status id.ID) error {
	return m.end(tx, status, true)
}

func (m media) Delete(_ context.Context, tx *db.Tx, status id.ID) error {
	return m.end(tx, status, false)
}

func (m media) end(tx *db.Tx, status id.ID, keep bool) error {
	tx.AfterCommit(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, a := range m.files[status] {
			m.loose[a.ID] = keep
		}
		delete(m.files, status)
	})
	return nil
}

// cards knows the previews that the test says.
type cards struct{ *town }

func (c cards) Want(_ context.Context, _ *db.Tx, _ id.ID, link string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = append(c.wanted, link)
	return nil
}

func (c cards) Of(_ context.Context, _ *db.Tx, links []string) (map[string]*social.Card, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]*social.Card{}
	for _, l := range links {
		if card := c.town.cards[l]; card != nil {
			out[l] = card
		}
	}
	return out, nil
}
