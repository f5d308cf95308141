// Package schedule keeps statuses that are not posted yet: those with a time at which they are to be, and drafts.
//
// What a status is, it does not know: it keeps it as a document, and hands that to who posts when the time has come, with a key by which it
// is posted once, however often the job runs.
package schedule

import (
	"embed"
	"encoding/json"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// Limits, as Mastodon has them where it has any.
const (
	Soonest    = 5 * time.Minute // from now
	Latest     = 366 * 24 * time.Hour
	MaxWaiting = 300
	MaxADay    = 25
	MaxDrafts  = 100
	KeepDraft  = 90 * 24 * time.Hour // since it was last changed
	maxDoc     = 64 << 10            // bytes
)

// Entry is a status to be posted later.
type Entry struct {
	At     time.Time
	Doc    json.RawMessage // for Posts.PostLater
	Params json.RawMessage // for the author's apps: a JSON object
	Media  []id.ID
}

// Scheduled is a status that waits for its time (docs.joinmastodon.org/entities/ScheduledStatus).
type Scheduled struct {
	ID     id.ID               `json:"id"`
	At     social.Time         `json:"scheduled_at"`
	Params json.RawMessage     `json:"params"`
	Media  []social.Attachment `json:"media_attachments"`
	Doc    json.RawMessage     `json:"-"`                // as it was stored
	Failed string              `json:"failed,omitempty"` // why it was not posted; it stays until its author moves or deletes it
}

// Draft is a status that its author has not finished.
type Draft struct {
	ID        id.ID               `json:"id"`
	Doc       map[string]any      `json:"draft" doc:"What stands in the form, as it was stored."`
	Media     []social.Attachment `json:"media_attachments"`
	ChangedAt time.Time           `json:"changed_at"`
}

var errNone = errs.New(errs.NotFound, "Record not found")

// due checks a time at which something is to be posted.
func due(at, now time.Time) error {
	switch {
	case at.Before(now.Add(Soonest)):
		return errs.InvalidField("scheduled_at", "Validation failed: the time must be at least %d minutes from now", int(Soonest/time.Minute))
	case at.After(now.Add(Latest)):
		return errs.InvalidField("scheduled_at", "Validation failed: the time must be within a year")
	}
	return nil
}
