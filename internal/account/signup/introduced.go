package signup

import (
	"context"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Terms are what a form for a new account has to ask for.
type Terms struct {
	Mode   Mode
	ByMail bool // an address that nobody has proven is confirmed by letter first
	Rules  bool // there are some to agree to
}

// Terms returns what a form for a new account has to ask for now.
func (s *Service) Terms() Terms {
	return Terms{Mode: s.opt.Mode(), ByMail: s.opt.ByMail(), Rules: s.opt.Rules() != ""}
}

// Introduced is Join for somebody whom another service has introduced; also runs in the transaction that makes the account.
func (s *Service) Introduced(ctx context.Context, in Request, v account.Visit, also func(tx *db.Tx, a account.Account) error) (account.SignedIn, error) {
	if err := s.invited(ctx, in.Invite, v); err != nil {
		return account.SignedIn{}, err
	}
	return s.join(ctx, in, v, also)
}
