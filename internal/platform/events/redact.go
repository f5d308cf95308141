package events

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/stoa-town/stoa/internal/platform/db"
)

// Redact takes out of the events of a subject what a person may have forgotten: edit is given each event with its data's fields, deletes
// from them, and reports whether it did. Nothing else of the log is ever changed. Who has heard of an event before is not told.
func Redact(ctx context.Context, tx *db.Tx, subject string, edit func(e Event, fields map[string]json.RawMessage) bool) error {
	const batch = 200
	for after := int64(0); ; {
		es, err := ofSubject(ctx, tx, subject, after, math.MaxInt64, batch)
		if err != nil {
			return err
		}
		for _, e := range es {
			after = e.Seq
			fields := map[string]json.RawMessage{}
			if err := json.Unmarshal(e.Data, &fields); err != nil {
				return fmt.Errorf("events: redact %d: %w", e.Seq, err)
			}
			if !edit(e, fields) {
				continue
			}
			b, err := json.Marshal(fields)
			if err != nil {
				return fmt.Errorf("events: redact %d: %w", e.Seq, err)
			}
			if err := rewrite(ctx, tx, e.Seq, b); err != nil {
				return err
			}
		}
		if len(es) < batch {
			return nil
		}
	}
}
