package group

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the groups' part of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	op := func(method, path, name, summary string, status int) huma.Operation {
		return huma.Operation{
			Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{"Groups"}, DefaultStatus: status,
			Security: []map[string][]string{{"bearer": {}}},
		}
	}
	read, write := httpx.GuestOr("profile.read"), httpx.May("follow.write")
	httpx.Operation(rt, op("GET", "/groups", "list-groups", "Groups by name, or mine", 200), read, s.restList)
	httpx.Operation(rt, op("POST", "/groups", "make-group", "Make a group", 201), write, s.restCreate)
	httpx.Operation(rt, op("GET", "/groups/{handle}", "read-group", "A group", 200), read, s.restGet)
	httpx.Operation(rt, op("PATCH", "/groups/{handle}", "change-group", "Change a group", 200), write, s.restUpdate)
	httpx.Operation(rt, op("DELETE", "/groups/{handle}", "delete-group", "End a group", 204), write, s.restDelete)
	httpx.Operation(rt, op("POST", "/groups/{handle}/join", "join-group", "Join, accept an invitation, or ask to be let in", 200), write, s.restJoin)
	httpx.Operation(rt, op("POST", "/groups/{handle}/leave", "leave-group", "Leave, decline an invitation, or ask no more", 204), write, s.restLeave)
	httpx.Operation(rt, op("POST", "/groups/{handle}/invitations", "invite-to-group", "Invite somebody by handle", 200), write, s.restInvite)
	httpx.Operation(rt, op("GET", "/groups/{handle}/people", "list-group-people", "Its members, or who has asked, is invited or barred", 200), read, s.restPeople)
	httpx.Operation(rt, op("PUT", "/groups/{handle}/people/{id}", "set-group-role", "Let somebody in, give them a role, or bar them", 200), write, s.restSetRole)
	httpx.Operation(rt, op("DELETE", "/groups/{handle}/people/{id}", "remove-from-group", "Remove somebody, decline their request, or take an invitation back", 204), write, s.restRemove)
	httpx.Operation(rt, op("DELETE", "/groups/{handle}/statuses/{id}", "remove-group-status", "Take a status out of the group", 204), write, s.restRemovePost)
}

// AddressedByHandle is the path of everything about one group. It is exported because huma fills no embedded struct that is not.
type AddressedByHandle struct {
	Handle string `path:"handle" maxLength:"40"`
}

type groupOutput struct{ Body *Group }

func replied(g *Group, err error) (*groupOutput, error) {
	if err != nil {
		return nil, err
	}
	return &groupOutput{g}, nil
}

type listInput struct {
	Text   string `query:"q" maxLength:"80" doc:"Words in names and handles."`
	Mine   bool   `query:"mine" doc:"Only those that I am in, have asked to join or am invited to."`
	Cursor string `query:"cursor" maxLength:"400"`
	Limit  int    `query:"limit" minimum:"0" maximum:"100" doc:"20 where left out."`
}

type listOutput struct{ Body page.Page[Group] }

func (s *Service) restList(ctx context.Context, in *listInput) (*listOutput, error) {
	p, err := s.List(ctx, in.Text, in.Mine, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return &listOutput{p}, nil
}

func (s *Service) restCreate(ctx context.Context, in *struct{ Body Input }) (*groupOutput, error) {
	return replied(s.Create(ctx, in.Body))
}

func (s *Service) restGet(ctx context.Context, in *AddressedByHandle) (*groupOutput, error) {
	return replied(s.Get(ctx, in.Handle))
}

type updateInput struct {
	AddressedByHandle
	Body Input
}

func (s *Service) restUpdate(ctx context.Context, in *updateInput) (*groupOutput, error) {
	return replied(s.Update(ctx, in.Handle, in.Body))
}

func (s *Service) restDelete(ctx context.Context, in *AddressedByHandle) (*struct{}, error) {
	return nil, s.Delete(ctx, in.Handle)
}

func (s *Service) restJoin(ctx context.Context, in *AddressedByHandle) (*groupOutput, error) {
	return replied(s.Join(ctx, in.Handle))
}

func (s *Service) restLeave(ctx context.Context, in *AddressedByHandle) (*struct{}, error) {
	return nil, s.Leave(ctx, in.Handle)
}

type inviteInput struct {
	AddressedByHandle
	Body struct {
		Account string `json:"account" minLength:"1" maxLength:"80" doc:"Their handle."`
	}
}

func (s *Service) restInvite(ctx context.Context, in *inviteInput) (*groupOutput, error) {
	return replied(s.Invite(ctx, in.Handle, in.Body.Account))
}

type peopleInput struct {
	AddressedByHandle
	Which  string `query:"which" enum:"member,asked,invited,barred" default:"member" doc:"member: whoever is in it."`
	Cursor string `query:"cursor" maxLength:"200"`
	Limit  int    `query:"limit" minimum:"0" maximum:"100" doc:"20 where left out."`
}

type peopleOutput struct{ Body page.Page[Person] }

func (s *Service) restPeople(ctx context.Context, in *peopleInput) (*peopleOutput, error) {
	p, err := s.People(ctx, in.Handle, Role(in.Which), in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return &peopleOutput{p}, nil
}

// AddressedByBoth is the path of somebody or something in a group. It is exported as AddressedByHandle is.
type AddressedByBoth struct {
	AddressedByHandle
	ID string `path:"id" maxLength:"20"`
}

func (a AddressedByBoth) parse() (id.ID, error) {
	n, err := id.Parse(a.ID)
	if err != nil {
		return 0, errs.InvalidField("path.id", "This is not an id.")
	}
	return n, nil
}

type roleInput struct {
	AddressedByBoth
	Body struct {
		Role string `json:"role" enum:"owner,moderator,member,barred"`
	}
}

func (s *Service) restSetRole(ctx context.Context, in *roleInput) (*groupOutput, error) {
	account, err := in.parse()
	if err != nil {
		return nil, err
	}
	return replied(s.SetRole(ctx, in.Handle, account, Role(in.Body.Role)))
}

func (s *Service) restRemove(ctx context.Context, in *AddressedByBoth) (*struct{}, error) {
	account, err := in.parse()
	if err != nil {
		return nil, err
	}
	_, err = s.SetRole(ctx, in.Handle, account, Stranger)
	return nil, err
}

func (s *Service) restRemovePost(ctx context.Context, in *AddressedByBoth) (*struct{}, error) {
	status, err := in.parse()
	if err != nil {
		return nil, err
	}
	return nil, s.RemovePost(ctx, in.Handle, status)
}
