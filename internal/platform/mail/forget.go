package mail

import (
	"context"
	"fmt"
	"strings"

	"github.com/stoa-town/stoa/internal/platform/db"
)

// Of returns what is kept of the letters to an address, oldest first, at most a thousand.
func (m *Mailer) Of(ctx context.Context, tx *db.Tx, address string) ([]Record, error) {
	out, err := lettersTo(ctx, tx, strings.ToLower(address))
	if err != nil {
		return nil, fmt.Errorf("mail: list the letters of a recipient: %w", err)
	}
	return out, nil
}

// Forget deletes everything about an address: letters that still wait are not sent.
func (m *Mailer) Forget(ctx context.Context, tx *db.Tx, address string) error {
	if err := forget(ctx, tx, strings.ToLower(address)); err != nil {
		return fmt.Errorf("mail: forget a recipient: %w", err)
	}
	return nil
}
