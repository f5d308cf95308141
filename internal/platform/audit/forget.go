package audit

import (
	"context"
	"fmt"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Forget takes handle, address and detail out of up to limit entries of an account or about it, and returns how many it changed: what was
// done to what and when stays, by an id that leads to nobody. This is the one thing that changes an entry; it is for people who left.
func (a *Audit) Forget(ctx context.Context, tx *db.Tx, account id.ID, limit int) (int64, error) {
	n, err := forget(ctx, tx, account, limit)
	if err != nil {
		return 0, fmt.Errorf("audit: forget %s: %w", account, err)
	}
	return n, nil
}

// Count returns how many entries there are of an account or about it.
func (a *Audit) Count(ctx context.Context, tx *db.Tx, account id.ID) (int, error) {
	return count(ctx, tx, account)
}

// Of returns entries of an account or about it, oldest first, those after an id.
func (a *Audit) Of(ctx context.Context, tx *db.Tx, account, after id.ID, limit int) ([]Entry, error) {
	return entriesOf(ctx, tx, account, after, limit)
}
