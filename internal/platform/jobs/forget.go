package jobs

import (
	"context"
	"fmt"

	"github.com/stoa-town/stoa/internal/platform/db"
)

// Forget empties the stored errors of jobs that speak of somebody by a text of theirs, such as the e-mail address that a mail server
// refused. Arguments of jobs hold ids and no texts of people.
func (q *Queue) Forget(ctx context.Context, tx *db.Tx, text string) error {
	if text == "" {
		return nil
	}
	if err := dropErrors(ctx, tx, text); err != nil {
		return fmt.Errorf("jobs: forget: %w", err)
	}
	return nil
}
