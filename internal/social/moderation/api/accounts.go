// Package api is how apps for moderators speak to a town (docs.joinmastodon.org/methods/admin).
package api

import (
	"context"
	"net/netip"
	"slices"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/social/moderation"
	"github.com/stoa-town/stoa/internal/social/moderation/guard"
)

// Door decides who may join; signup.Service is one.
type Door interface {
	Approve(ctx context.Context, who id.ID) error
	Reject(ctx context.Context, who id.ID, reason string) error
}

// Rule is one of the town's rules.
type Rule struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	Hint string `json:"hint"`
}

// Deps are what a Service needs.
type Deps struct {
	DB    *db.DB
	Now   clock.Func
	Mod   *moderation.Service
	Guard *guard.Service
	Door  Door
	Rules func() []Rule
	Tags  Tags
	Audit func(ctx context.Context, tx *db.Tx, verb, thing string, detail map[string]any) error
	// Remove begins the deletion of an account.
	Remove func(ctx context.Context, who id.ID) error
}

// Service serves the API of moderators.
type Service struct{ Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d} }

// Account is an account as moderators see it (docs.joinmastodon.org/entities/Admin_Account).
type Account struct {
	ID         id.ID           `json:"id"`
	Username   string          `json:"username"`
	Domain     *string         `json:"domain"`
	CreatedAt  social.Time     `json:"created_at"`
	Email      string          `json:"email"`
	IP         *string         `json:"ip"`
	IPs        []IP            `json:"ips"`
	Locale     *string         `json:"locale"`
	Invite     *string         `json:"invite_request"`
	Role       *Role           `json:"role"`
	Confirmed  bool            `json:"confirmed"`
	Approved   bool            `json:"approved"`
	Disabled   bool            `json:"disabled"`
	Sensitized bool            `json:"sensitized"`
	Silenced   bool            `json:"silenced"`
	Suspended  bool            `json:"suspended"`
	Account    *social.Account `json:"account"`
}

// IP is an address from which somebody was here.
type IP struct {
	IP   string      `json:"ip"`
	Used social.Time `json:"used_at"`
}

// Role is what somebody may do besides.
type Role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Color       string `json:"color"`
	Permissions string `json:"permissions"`
	Highlighted bool   `json:"highlighted"`
}

// roleOf returns the highest role as Mastodon's API knows it; see social/profile, which says the same of oneself.
func roleOf(roles []access.Grant) *Role {
	a := access.Actor{Roles: roles}
	switch {
	case a.Has(access.RoleAdmin):
		return &Role{ID: "3", Name: "Admin", Permissions: "1", Highlighted: true}
	case a.Has(access.RoleModerator):
		return &Role{ID: "2", Name: "Moderator", Permissions: "1308", Highlighted: true}
	}
	return &Role{ID: "-99", Permissions: "65536"}
}

// Accounts returns profiles as moderators see them, by id; restaurants and groups among them. Those that are not there are left out.
func (s *Service) Accounts(ctx context.Context, ids []id.ID) (map[id.ID]*Account, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	ids = slices.DeleteFunc(ids, func(n id.ID) bool { return n == 0 })
	out := make(map[id.ID]*Account, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var list []*person
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		list, err = byIDs(ctx, tx, ids)
		return err
	})
	if err != nil {
		return nil, err
	}
	found, err := s.dress(ctx, list)
	if err != nil {
		return nil, err
	}
	for _, a := range found {
		out[a.ID] = a
	}
	return out, s.others(ctx, ids, out)
}

// others adds the profiles among ids that are no people's.
func (s *Service) others(ctx context.Context, ids []id.ID, out map[id.ID]*Account) error {
	var rest []id.ID
	for _, n := range ids {
		if out[n] == nil {
			rest = append(rest, n)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	faces, err := s.Mod.Profiles.Entities(ctx, rest)
	if err != nil {
		return err
	}
	standings, err := s.Mod.Profiles.Standings(ctx, rest)
	for n, f := range faces {
		st := standings[n]
		out[n] = &Account{
			ID: n, Username: f.Username, CreatedAt: f.CreatedAt, IPs: []IP{}, Role: roleOf(nil), Confirmed: true, Approved: true,
			Sensitized: st.Guarded, Silenced: st.Limited, Suspended: st.Suspended, Account: f,
		}
	}
	return err
}

// dress makes the entities of people.
func (s *Service) dress(ctx context.Context, list []*person) ([]*Account, error) {
	if len(list) == 0 {
		return []*Account{}, nil
	}
	ids := make([]id.ID, len(list))
	for i, p := range list {
		ids[i] = p.ID
	}
	faces, err := s.Mod.Profiles.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	var where []place
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		where, err = placesOf(ctx, tx, ids)
		return err
	}); err != nil {
		return nil, err
	}
	out := make([]*Account, len(list))
	for i, p := range list {
		a := &Account{
			ID: p.ID, Username: p.Handle, CreatedAt: social.Time{Time: p.CreatedAt}, Email: p.Email, IPs: []IP{}, Role: roleOf(p.Roles), Confirmed: true,
			Approved: p.State != account.Pending, Disabled: p.Frozen, Sensitized: p.Guarded, Silenced: p.Limited, Suspended: p.State == account.Suspended,
			Account: faces[p.ID],
		}
		if p.Lang != "" {
			a.Locale = &p.Lang
		}
		if p.About != "" {
			a.Invite = &p.About
		}
		if a.Account == nil { // who waits is not there for others yet
			a.Account = &social.Account{
				ID: p.ID, Username: p.Handle, Acct: p.Handle, DisplayName: p.Name, Fields: []social.Field{}, Emojis: []social.Emoji{}, Roles: []social.Role{},
				CreatedAt: social.Time{Time: p.CreatedAt},
			}
		}
		for _, at := range where {
			if at.account == p.ID {
				a.IPs = append(a.IPs, IP{at.IP, social.Time{Time: at.Used}})
			}
		}
		if len(a.IPs) > 0 {
			a.IP = &a.IPs[0].IP
		}
		out[i] = a
	}
	return out, nil
}

// Find returns a page of accounts.
func (s *Service) Find(ctx context.Context, q Query, limit int) ([]*Account, error) {
	if q.Nobody {
		return []*Account{}, nil
	}
	if q.IP != "" {
		a, err := netip.ParseAddr(q.IP)
		if err != nil {
			return nil, errs.InvalidField("ip", "Write an IP address, or a range such as 203.0.113.0/24.")
		}
		q.IP = a.Unmap().String()
	}
	if _, known := states[q.Status]; q.Status != "" && !known {
		return nil, errs.InvalidField("status", "There is no status %q.", q.Status)
	}
	if q.Below == 0 {
		q.Below = 1<<63 - 1
	}
	var list []*person
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		list, err = find(ctx, tx, q, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.dress(ctx, list)
}

// One returns an account, or a NotFound error.
func (s *Service) One(ctx context.Context, who id.ID) (*Account, error) {
	found, err := s.Accounts(ctx, []id.ID{who})
	if err != nil {
		return nil, err
	}
	if found[who] == nil {
		return nil, errGone
	}
	return found[who], nil
}

var errGone = errs.New(errs.NotFound, "Record not found")

func (s *Service) accountRoutes(rt *httpx.Router) {
	see, do := httpx.May("moderation.read_accounts"), httpx.May("moderation.write_accounts")
	mastodon.Handle(rt, "GET /api/v1/admin/accounts", see, s.handleFind(queryV1))
	mastodon.Handle(rt, "GET /api/v2/admin/accounts", see, s.handleFind(queryV2))
	one := func(pattern string, g httpx.Guard, fn func(r *mastodon.Request, who id.ID) error) {
		mastodon.Handle(rt, pattern, g, func(r *mastodon.Request) (any, error) {
			who, err := r.ID("id")
			if err != nil {
				return nil, err
			}
			before, err := s.One(r.Context(), who)
			if err != nil {
				return nil, err
			}
			if err := fn(r, who); err != nil {
				return nil, err
			}
			after, err := s.One(r.Context(), who)
			if errs.Is(err, errs.NotFound) {
				return before, nil // it was turned away, and is gone
			}
			return after, err
		})
	}
	const base = "/api/v1/admin/accounts/{id}"
	one("GET "+base, see, func(*mastodon.Request, id.ID) error { return nil })
	one("POST "+base+"/approve", do, func(r *mastodon.Request, who id.ID) error { return s.admit(r.Context(), who, true) })
	one("POST "+base+"/reject", do, func(r *mastodon.Request, who id.ID) error { return s.admit(r.Context(), who, false) })
	one("DELETE "+base, do, func(r *mastodon.Request, who id.ID) error { return s.remove(r.Context(), who) })
	for path, a := range map[string]moderation.Action{
		"enable": moderation.Disable, "unsilence": moderation.Silence, "unsuspend": moderation.Suspend, "unsensitive": moderation.Sensitive,
	} {
		one("POST "+base+"/"+path, do, func(r *mastodon.Request, who id.ID) error {
			err := s.Mod.Undo(r.Context(), who, a)
			if errs.Is(err, errs.Conflict) {
				return nil // it does not hold: the app sees that in the account
			}
			return err
		})
	}
	mastodon.Handle(rt, "POST "+base+"/action", do, s.handleAction)
}

// admit lets somebody join who waits, or turns them away, and notes it.
func (s *Service) admit(ctx context.Context, who id.ID, yes bool) error {
	verb := "account.reject"
	var err error
	if yes {
		verb, err = "account.approve", s.Door.Approve(ctx, who)
	} else {
		err = s.Door.Reject(ctx, who, "")
	}
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error { return s.Audit(ctx, tx, verb, audit.Thing("account", who), nil) })
}

// remove begins the deletion of an account that is suspended; others may not be.
func (s *Service) remove(ctx context.Context, who id.ID) error {
	a, err := s.One(ctx, who)
	if err != nil {
		return err
	}
	if !a.Suspended {
		return errs.New(errs.Forbidden, "Only accounts that are suspended can be deleted.")
	}
	return s.Remove(ctx, who)
}

func (s *Service) handleAction(r *mastodon.Request) (any, error) {
	who, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	in := struct {
		Type   string `json:"type"`
		Report id.ID  `json:"report_id"`
		Text   string `json:"text"`
		Mail   bool   `json:"send_email_notification"`
	}{Mail: true}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	switch moderation.Action(in.Type) {
	case moderation.Warn, moderation.Sensitive, moderation.Silence, moderation.Disable, moderation.Suspend:
	default:
		return nil, errs.InvalidField("type", "There is no action %q.", in.Type)
	}
	_, err = s.Mod.Act(r.Context(), moderation.Deed{Action: moderation.Action(in.Type), Target: who, Report: in.Report, Text: in.Text, Quiet: !in.Mail})
	return nil, err
}

// filters are what both versions know.
type filters struct {
	Username string   `json:"username"`
	Display  string   `json:"display_name"`
	Email    string   `json:"email"`
	IP       string   `json:"ip"`
	ByDomain string   `json:"by_domain"`
	Staff    bool     `json:"staff"`
	Local    bool     `json:"local"`
	Remote   bool     `json:"remote"`
	Active   bool     `json:"active"`
	Pending  bool     `json:"pending"`
	Disabled bool     `json:"disabled"`
	Silenced bool     `json:"silenced"`
	Suspend  bool     `json:"suspended"`
	Sensitiz bool     `json:"sensitized"`
	Origin   string   `json:"origin"`
	Status   string   `json:"status"`
	Perms    string   `json:"permissions"`
	Roles    []string `json:"role_ids"`
	Invited  id.ID    `json:"invited_by"`
}

func (f filters) query() Query {
	return Query{Username: f.Username, DisplayName: f.Display, Email: f.Email, IP: f.IP, Nobody: f.ByDomain != ""}
}

func queryV1(f filters) (Query, error) {
	q := f.query()
	q.Staff, q.Nobody = f.Staff, q.Nobody || f.Remote
	for status, on := range map[string]bool{
		"active": f.Active, "pending": f.Pending, "disabled": f.Disabled, "silenced": f.Silenced, "suspended": f.Suspend, "sensitized": f.Sensitiz,
	} {
		if on {
			q.Status = status
		}
	}
	return q, nil
}

func queryV2(f filters) (Query, error) {
	q := f.query()
	switch f.Origin {
	case "", "local":
	case "remote":
		q.Nobody = true
	default:
		return q, errs.InvalidField("origin", "Accounts are local or remote.")
	}
	q.Status = f.Status
	q.Staff = f.Perms == "staff" || slices.Contains(f.Roles, "2") || slices.Contains(f.Roles, "3")
	q.Nobody = q.Nobody || f.Invited != 0 // invitations are not kept with who came by them
	return q, nil
}

func (s *Service) handleFind(read func(f filters) (Query, error)) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		var f filters
		if err := r.Decode(&f); err != nil {
			return nil, err
		}
		q, err := read(f)
		if err != nil {
			return nil, err
		}
		p, err := r.Page(100, 200)
		if err != nil {
			return nil, err
		}
		q.Below, q.Above, q.Up = bounds(p)
		list, err := s.Find(r.Context(), q, p.Limit)
		if err != nil {
			return nil, err
		}
		return paged(r, p, list, func(a *Account) id.ID { return a.ID }), nil
	}
}

// bounds returns the ids between which a page lies, and whether it is read from below.
func bounds(p mastodon.Page) (below, above id.ID, up bool) {
	return p.MaxID, max(p.SinceID, p.MinID), p.MinID != 0
}

// paged puts a page into order, the newest first, and names the pages beside it.
func paged[T any](r *mastodon.Request, p mastodon.Page, list []T, key func(T) id.ID) []T {
	if p.MinID != 0 {
		slices.Reverse(list)
	}
	if list == nil {
		list = []T{}
	}
	if len(list) > 0 {
		var next id.ID
		if len(list) == p.Limit {
			next = key(list[len(list)-1])
		}
		r.Link(next, key(list[0]))
	}
	return list
}
