// Package account holds the events of people's accounts, for the slices that react to them.
package account

import "github.com/stoa-town/stoa/internal/base/id"

// The kinds of the events below.
const (
	KindCreated        = "account.created"
	KindChanged        = "account.changed"
	KindErased         = "account.erased"
	KindSessionEnded   = "session.ended"
	KindSessionRenewed = "session.renewed"
)

// Created says that somebody has signed up, or was added by an operator.
type Created struct {
	Account id.ID  `json:"account"`
	Handle  string `json:"handle"`
	Name    string `json:"name"`
}

// EventKind returns "account.created".
func (Created) EventKind() string { return KindCreated }

// EventSubject returns "account:ID".
func (c Created) EventSubject() string { return "account:" + c.Account.String() }

// Changed says that an account's name, roles, state or password is no longer what it was. Whoever keeps such things reads them again.
type Changed struct {
	Account id.ID `json:"account"`
}

// EventKind returns "account.changed".
func (Changed) EventKind() string { return KindChanged }

// EventSubject returns "account:ID".
func (c Changed) EventSubject() string { return "account:" + c.Account.String() }

// SessionEnded says that a session or token of the account ended before its time; Session is zero where all of its sessions did.
type SessionEnded struct {
	Account id.ID `json:"account"`
	Session id.ID `json:"session,omitzero"`
}

// EventKind returns "session.ended".
func (SessionEnded) EventKind() string { return KindSessionEnded }

// EventSubject returns "account:ID".
func (s SessionEnded) EventSubject() string { return "account:" + s.Account.String() }

// Erased says that everything personal of an account is gone for good. Whoever keeps something of the person forgets it now.
type Erased struct {
	Account id.ID `json:"account"`
}

// EventKind returns "account.erased".
func (Erased) EventKind() string { return KindErased }

// EventSubject returns "account:ID".
func (e Erased) EventSubject() string { return "account:" + e.Account.String() }

// SessionRenewed says that a session of the account has another secret, or that its owner has shown anew who they are. It goes on.
type SessionRenewed struct {
	Account id.ID `json:"account"`
}

// EventKind returns "session.renewed".
func (SessionRenewed) EventKind() string { return KindSessionRenewed }

// EventSubject returns "account:ID".
func (s SessionRenewed) EventSubject() string { return "account:" + s.Account.String() }
