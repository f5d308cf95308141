package console

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/people"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/settings"
)

// api registers the operations of the REST API.
func (s *Service) api(rt *httpx.Router) {
	read, folk, set := httpx.May("admin.read"), httpx.May("admin.people"), httpx.May("admin.settings")
	op := func(method, path, summary string) huma.Operation {
		o := huma.Operation{Method: method, Path: path, Summary: summary, Tags: []string{"Administration"}, Security: []map[string][]string{{"bearer": {}}}}
		if method != http.MethodGet {
			o.MaxBodyBytes = 64 << 10
		}
		return o
	}
	httpx.Operation(rt, op(http.MethodGet, "/admin/health", "How the server is"), read, s.apiHealth)
	httpx.Operation(rt, op(http.MethodGet, "/admin/people", "Search the town's people"), read, s.apiPeople)
	httpx.Operation(rt, op(http.MethodGet, "/admin/people/{id}", "Read one person"), read, s.apiPerson)
	httpx.Operation(rt, op(http.MethodPatch, "/admin/people/{id}", "Suspend somebody, or let them in again"), folk, s.apiStanding)
	httpx.Operation(rt, op(http.MethodPost, "/admin/people/{id}/roles", "Give a role"), folk, s.apiGrant)
	httpx.Operation(rt, op(http.MethodDelete, "/admin/people/{id}/roles/{role}", "Take a role back"), folk, s.apiRevoke)
	httpx.Operation(rt, op(http.MethodPost, "/admin/people/{id}/sign-out", "Sign somebody out everywhere"), folk, s.apiSignOut)
	httpx.Operation(rt, op(http.MethodGet, "/admin/settings", "Read the settings"), read, s.apiSettings)
	httpx.Operation(rt, op(http.MethodPatch, "/admin/settings", "Change settings, all or none"), set, s.apiChange)
	httpx.Operation(rt, op(http.MethodGet, "/admin/audit", "Read the audit log"), read, s.apiAudit)
}

type healthOut struct {
	Body struct {
		Level  Level   `json:"level" enum:"good,warn,bad"`
		Checks []Check `json:"checks"`
	}
}

func (s *Service) apiHealth(ctx context.Context, _ *struct{}) (*healthOut, error) {
	out := &healthOut{}
	out.Body.Checks = s.Health(ctx)
	out.Body.Level = overview{Checks: out.Body.Checks}.worst()
	return out, nil
}

// personBody is a person as admins see them.
type personBody struct {
	ID        id.ID          `json:"id"`
	Handle    string         `json:"handle"`
	Name      string         `json:"name"`
	Email     string         `json:"email"`
	State     account.State  `json:"state" enum:"active,suspended,pending,leaving"`
	CreatedAt time.Time      `json:"created_at"`
	Roles     []access.Grant `json:"roles"`
}

func bodyOf(a account.Account) personBody {
	b := personBody{a.ID, a.Handle, a.Name, a.Email, a.State, a.CreatedAt, a.Roles}
	if b.Roles == nil {
		b.Roles = []access.Grant{}
	}
	return b
}

type peopleIn struct {
	Q      string `query:"q" maxLength:"100" doc:"Part of a name, handle or e-mail address."`
	Role   string `query:"role" enum:"owner,staff,courier,dispatcher,moderator,admin"`
	State  string `query:"state" enum:"active,suspended,pending,leaving"`
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
}

type peopleOut struct{ Body page.Page[personBody] }

func (s *Service) apiPeople(ctx context.Context, in *peopleIn) (*peopleOut, error) {
	list, err := s.People.Search(ctx, people.Query{Text: in.Q, Role: access.Role(in.Role), State: account.State(in.State)}, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &peopleOut{Body: page.Page[personBody]{Next: list.Next, Items: make([]personBody, len(list.Items))}}
	for i, a := range list.Items {
		out.Body.Items[i] = bodyOf(a)
	}
	return out, nil
}

// PathPerson names one account.
type PathPerson struct {
	ID string `path:"id" doc:"The account's id." maxLength:"20"`
}

func (p PathPerson) who() (id.ID, error) {
	i, err := id.Parse(p.ID)
	if err != nil || i == 0 {
		return 0, errs.New(errs.NotFound, "There is no such account.")
	}
	return i, nil
}

type personOut struct{ Body personBody }

func (s *Service) apiPerson(ctx context.Context, in *PathPerson) (*personOut, error) {
	who, err := in.who()
	if err != nil {
		return nil, err
	}
	return s.read(ctx, who)
}

func (s *Service) read(ctx context.Context, who id.ID) (*personOut, error) {
	a, err := s.Accounts.Get(ctx, who)
	if err != nil {
		return nil, err
	}
	return &personOut{bodyOf(a)}, nil
}

type standingIn struct {
	PathPerson
	Body struct {
		State  string `json:"state" enum:"active,suspended"`
		Reason string `json:"reason,omitempty" maxLength:"500" doc:"Why; required to suspend."`
	}
}

func (s *Service) apiStanding(ctx context.Context, in *standingIn) (*personOut, error) {
	who, err := in.who()
	if err != nil {
		return nil, err
	}
	if in.Body.State == string(account.Suspended) {
		err = s.Suspend(ctx, who, in.Body.Reason)
	} else {
		err = s.Accounts.Reinstate(ctx, who)
	}
	if err != nil {
		return nil, err
	}
	return s.read(ctx, who)
}

type grantIn struct {
	PathPerson
	Body struct {
		Role  string    `json:"role" maxLength:"100" doc:"Such as courier, or staff:luigi."`
		Until time.Time `json:"until,omitzero" doc:"When it ends; left out: never."`
	}
}

func (s *Service) apiGrant(ctx context.Context, in *grantIn) (*personOut, error) {
	who, err := in.who()
	if err != nil {
		return nil, err
	}
	g, err := s.parseGrant(ctx, in.Body.Role)
	if err != nil {
		return nil, err
	}
	g.Until = in.Body.Until
	if err := s.Accounts.Grant(ctx, who, g); err != nil {
		return nil, err
	}
	return s.read(ctx, who)
}

type revokeIn struct {
	PathPerson
	Role string `path:"role" maxLength:"100" doc:"Such as courier, or staff:luigi."`
}

func (s *Service) apiRevoke(ctx context.Context, in *revokeIn) (*personOut, error) {
	who, err := in.who()
	if err != nil {
		return nil, err
	}
	g, err := s.parseGrant(ctx, in.Role)
	if err != nil {
		return nil, err
	}
	if err := s.Accounts.Revoke(ctx, who, g); err != nil {
		return nil, err
	}
	return s.read(ctx, who)
}

func (s *Service) apiSignOut(ctx context.Context, in *PathPerson) (*struct{}, error) {
	who, err := in.who()
	if err != nil {
		return nil, err
	}
	if _, err := s.Accounts.Get(ctx, who); err != nil {
		return nil, err
	}
	return nil, s.Accounts.SignOutEverywhere(ctx, who, 0)
}

// settingBody is a setting as it stands.
type settingBody struct {
	Key     string   `json:"key"`
	Label   string   `json:"label"`
	Help    string   `json:"help"`
	Kind    string   `json:"kind"`
	Choices []string `json:"choices,omitempty"`
	Value   string   `json:"value"`
	Default string   `json:"default"`
	From    string   `json:"from,omitempty" doc:"Where it is set, for one that can't be changed here."`
	Own     bool     `json:"own" doc:"Whether an admin set it."`
}

type settingsOut struct {
	Body struct {
		Items []settingBody `json:"items"`
	}
}

func (s *Service) apiSettings(ctx context.Context, _ *struct{}) (*settingsOut, error) {
	out := &settingsOut{}
	for _, g := range s.Settings.Groups(ctx) {
		for _, st := range g.Settings {
			out.Body.Items = append(out.Body.Items, bodyOfSetting(st))
		}
	}
	return out, nil
}

func bodyOfSetting(st settings.State) settingBody {
	return settingBody{st.Name, st.Label, st.Help, string(st.Kind), st.Choices, st.Value, st.Default, st.From, st.Own}
}

type changeIn struct {
	Body map[string]*string `doc:"Settings by their key, such as town.name; null is the default."`
}

func (s *Service) apiChange(ctx context.Context, in *changeIn) (*settingsOut, error) {
	if err := s.Settings.Change(ctx, in.Body); err != nil {
		return nil, err
	}
	return s.apiSettings(ctx, nil)
}

type auditIn struct {
	Actor  string    `query:"actor" maxLength:"20" doc:"The id of the account that acted."`
	Handle string    `query:"handle" maxLength:"100"`
	Verb   string    `query:"verb" maxLength:"100" doc:"Such as account.suspend, or account for all verbs of accounts."`
	Thing  string    `query:"thing" maxLength:"300" doc:"Such as account:123."`
	From   time.Time `query:"from"`
	To     time.Time `query:"to"`
	Cursor string    `query:"cursor"`
	Limit  int       `query:"limit" minimum:"1" maximum:"100" default:"20"`
}

type auditOut struct{ Body page.Page[audit.Entry] }

func (s *Service) apiAudit(ctx context.Context, in *auditIn) (*auditOut, error) {
	f := audit.Filter{Handle: in.Handle, Verb: in.Verb, Thing: in.Thing, From: in.From, To: in.To}
	if in.Actor != "" {
		who, err := id.Parse(in.Actor)
		if err != nil {
			return nil, errs.InvalidField("query.actor", "Give the id of an account.")
		}
		f.Actor = who
	}
	list, err := s.Audit.List(ctx, f, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return &auditOut{list}, nil
}
