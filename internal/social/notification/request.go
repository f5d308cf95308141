package notification

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Requests returns those whose notifications the account's policy holds, the newest request first, and were not dismissed. It reads below
// max, or, where min is not 0, the first above it.
func (s *Service) Requests(ctx context.Context, account, min, max id.ID, up bool, limit int) (out []Request, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = listRequests(ctx, tx, account, min, max, up, limit)
		return err
	})
	if up {
		slices.Reverse(out)
	}
	return out, err
}

// GetRequest returns one, or a NotFound error.
func (s *Service) GetRequest(ctx context.Context, account, request id.ID) (r Request, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err = getRequest(ctx, tx, account, request)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return r, errNone
	}
	return r, err
}

// AcceptRequests puts what requests hold among the account's other notifications, and lets in from then on what their senders do. It returns
// a NotFound error where one of them is not there, with nothing changed.
func (s *Service) AcceptRequests(ctx context.Context, account id.ID, requests ...id.ID) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		for _, i := range requests {
			r, err := getRequest(ctx, tx, account, i)
			if errors.Is(err, db.ErrNoRow) {
				return errNone
			}
			if err != nil {
				return err
			}
			if err := permit(ctx, tx, account, r.From, s.Now()); err != nil {
				return err
			}
			if _, err := release(ctx, tx, account, r.From); err != nil {
				return err
			}
			if err := dropRequest(ctx, tx, i); err != nil {
				return err
			}
			if err := s.tell(ctx, tx, account, "merged", r.From); err != nil {
				return err
			}
		}
		return nil
	})
}

// DismissRequests hides requests: what they hold stays held. It returns a NotFound error where one of them is not there.
func (s *Service) DismissRequests(ctx context.Context, account id.ID, requests ...id.ID) error {
	return s.change(ctx, account, "removed", 0, func(tx *db.Tx) (all int64, err error) {
		for _, i := range requests {
			n, err := dismissRequest(ctx, tx, account, i)
			if err != nil {
				return 0, err
			}
			if n == 0 {
				return 0, errNone
			}
			all += n
		}
		return all, nil
	})
}

// requestJSON is Mastodon's NotificationRequest.
type requestJSON struct {
	ID         id.ID           `json:"id"`
	CreatedAt  social.Time     `json:"created_at"`
	UpdatedAt  social.Time     `json:"updated_at"`
	Held       string          `json:"notifications_count"`
	Account    json.RawMessage `json:"account"`
	LastStatus json.RawMessage `json:"last_status"`
}

// renderRequests returns requests as Mastodon's API shows them; those of senders who are gone are left out.
func (s *Service) renderRequests(ctx context.Context, account id.ID, list []Request) ([]requestJSON, error) {
	rel, err := s.Graph.Relations(ctx, account)
	if err != nil {
		return nil, err
	}
	var senders, ids []id.ID
	for _, r := range list {
		senders = append(senders, r.From)
		if r.LastStatus != 0 {
			ids = append(ids, r.LastStatus)
		}
	}
	accounts, err := s.accountJSON(ctx, senders)
	if err != nil {
		return nil, err
	}
	statuses, err := s.statusJSON(ctx, rel, ids)
	if err != nil {
		return nil, err
	}
	out := make([]requestJSON, 0, len(list))
	for _, r := range list {
		if accounts[r.From] == nil {
			continue
		}
		out = append(out, requestJSON{r.ID, social.Time{Time: r.CreatedAt}, social.Time{Time: r.UpdatedAt}, fmt.Sprint(r.Held), accounts[r.From], statuses[r.LastStatus]})
	}
	return out, nil
}

// Waiting is a request as pages show it.
type Waiting struct {
	Request
	Sender *social.Account
	Last   *social.Status // nil: none
}

// WaitingFor returns the account's requests as pages show them.
func (s *Service) WaitingFor(ctx context.Context, account, max id.ID, limit int) ([]Waiting, error) {
	list, err := s.Requests(ctx, account, 0, max, false, limit)
	if err != nil {
		return nil, err
	}
	rel, err := s.Graph.Relations(ctx, account)
	if err != nil {
		return nil, err
	}
	var senders, ids []id.ID
	for _, r := range list {
		senders, ids = append(senders, r.From), append(ids, r.LastStatus)
	}
	found, err := s.Profiles.Entities(ctx, senders)
	if err != nil {
		return nil, err
	}
	statuses, err := s.Statuses.Statuses(ctx, rel, ids, "notifications")
	if err != nil {
		return nil, err
	}
	out := []Waiting{}
	for _, r := range list {
		if found[r.From] == nil {
			continue
		}
		w := Waiting{Request: r, Sender: found[r.From]}
		if i := slices.IndexFunc(statuses, func(st *social.Status) bool { return st.ID == r.LastStatus }); i >= 0 {
			w.Last = statuses[i]
		}
		out = append(out, w)
	}
	return out, nil
}
