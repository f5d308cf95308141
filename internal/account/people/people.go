// Package people is the town's people as its admins look through them: a directory to search and filter, figures, and the notes that admins
// write to each other about somebody. It changes no account.
package people

import (
	"context"
	"embed"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the table of notes.
//
//go:embed schema/*.sql
var Schema embed.FS

// Limits of what admins write.
const (
	MaxNote  = 2000 // characters
	maxQuery = 100  // characters
	maxNotes = 200  // of one person that are shown
)

// Query chooses people; an empty field chooses all.
type Query struct {
	Text  string // part of a name, handle or e-mail address
	Role  access.Role
	State account.State
}

// Note is what an admin wrote about somebody.
type Note struct {
	ID     id.ID
	At     time.Time
	Author id.ID
	Handle string // of the author, at the time
	Text   string
}

// Figures counts the town's people.
type Figures struct {
	Active, Suspended, Pending, Leaving int
}

// Directory is the town's people. Safe for concurrent use.
type Directory struct {
	db    *db.DB
	ids   *id.Source
	now   clock.Func
	audit *audit.Audit
}

// New returns the Directory of a database with the Schemas of this package and of account.
func New(d *db.DB, ids *id.Source, now clock.Func, book *audit.Audit) *Directory {
	return &Directory{d, ids, now, book}
}

// Search returns a page of people with their roles, the newest first. cursor is the Next of the page before, empty for the first. It returns
// an Invalid error for a broken cursor, and for a role or state that does not exist.
func (d *Directory) Search(ctx context.Context, q Query, cursor string, limit int) (out page.Page[account.Account], err error) {
	before, _, err := page.Decode[int64](cursor)
	if err != nil {
		return out, err
	}
	if q, err = q.clean(); err != nil {
		return out, err
	}
	limit = page.Limit(limit)
	err = d.db.Read(ctx, func(tx *db.Tx) error {
		rows, err := search(ctx, tx, q, before, limit+1)
		if err != nil {
			return err
		}
		out = page.Cut(rows, limit, func(a account.Account) int64 { return int64(a.ID) })
		for i := range out.Items {
			if out.Items[i].Roles, err = roles(ctx, tx, out.Items[i].ID); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// clean returns the query in the form it is asked in.
func (q Query) clean() (Query, error) {
	q.Text = strings.TrimPrefix(strings.TrimSpace(q.Text), "@")
	if len([]rune(q.Text)) > maxQuery || strings.ContainsFunc(q.Text, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }) {
		return q, errs.InvalidField("q", "Search for a name, a handle or an address of at most %d characters.", maxQuery)
	}
	known := q.Role == ""
	for _, r := range access.Roles {
		known = known || r == q.Role
	}
	if !known {
		return q, errs.InvalidField("role", "There is no role %q.", string(q.Role))
	}
	switch q.State {
	case "", account.Active, account.Suspended, account.Pending, account.Leaving:
		return q, nil
	}
	return q, errs.InvalidField("state", "There is no state %q.", string(q.State))
}

// Handles returns the handles of accounts; "" for one whose owner was erased, and none for one that never was.
func (d *Directory) Handles(ctx context.Context, list []id.ID) (out map[id.ID]string, err error) {
	list = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(list))), func(i id.ID) bool { return i == 0 })
	if len(list) == 0 {
		return nil, nil
	}
	err = d.db.Read(ctx, func(tx *db.Tx) error {
		out, err = handles(ctx, tx, list)
		return err
	})
	return out, err
}

// Count returns how many people there are in which state.
func (d *Directory) Count(ctx context.Context) (f Figures, err error) {
	err = d.db.Read(ctx, func(tx *db.Tx) error {
		f, err = count(ctx, tx)
		return err
	})
	return f, err
}

// AddNote stores what the context's actor wrote about somebody. It returns an Invalid error for an empty or too long text.
func (d *Directory) AddNote(ctx context.Context, about id.ID, text string) error {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	if text == "" || len([]rune(text)) > MaxNote || strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\t' || r == unicode.ReplacementChar
	}) {
		return errs.InvalidField("note", "Write 1 to %d characters.", MaxNote)
	}
	actor := access.From(ctx)
	n := Note{ID: d.ids.Next(), At: d.now(), Author: actor.ID, Handle: actor.Handle, Text: text}
	return d.db.Write(ctx, func(tx *db.Tx) error {
		if err := insertNote(ctx, tx, about, n); err != nil {
			return err
		}
		return d.audit.Write(ctx, tx, "account.note", audit.Thing("account", about), nil)
	})
}

// Notes returns what admins wrote about somebody, the newest first.
func (d *Directory) Notes(ctx context.Context, about id.ID) (out []Note, err error) {
	err = d.db.Read(ctx, func(tx *db.Tx) error {
		out, err = notes(ctx, tx, about, maxNotes)
		return err
	})
	return out, err
}
