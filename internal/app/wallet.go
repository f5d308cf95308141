package app

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/delivery/wallet"
)

// wallet builds what keeps credit and gift codes.
func (a *App) wallet() *wallet.Service {
	return wallet.New(wallet.Deps{
		DB: a.DB, IDs: a.IDs, Now: a.Now, Books: a.Ledger, Currency: a.Config.Town.Currency, Try: a.Accounts.Try, Name: a.Accounts.Name, Audit: a.Audit.Write,
		Find: func(ctx context.Context, login string) (id.ID, error) {
			acc, err := a.Accounts.Find(ctx, login)
			return acc.ID, err
		},
	})
}
