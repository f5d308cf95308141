// Package personal is the words in which a part of the house says what it stores about people: which columns are about somebody, what that
// is in sentences, how it comes into a person's copy, how it is taken out when they leave, and when it is forgotten by itself.
//
// Each part that has tables fills a Part. A test holds all of them against the real schema of both databases: a column that nobody has
// classified fails it. internal/account/privacy does with the Parts what people and the settings ask for.
package personal

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Table is one table with each of its columns in one of three lists of words.
//
// Personal columns say something about somebody: an address, a note, a secret of theirs. They are erased. Link columns hold ids of accounts
// and of sessions: they lead to nothing once the account is gone, and stay where figures need them. Plain columns are neither.
type Table struct {
	Name     string
	Personal string
	Link     string
	Plain    string
}

// Columns returns all columns, sorted, and an error where one stands in two lists.
func (t Table) Columns() ([]string, error) {
	all := slices.Sorted(slices.Values(strings.Fields(t.Personal + " " + t.Link + " " + t.Plain)))
	for i := 1; i < len(all); i++ {
		if all[i] == all[i-1] {
			return nil, fmt.Errorf("personal: column %s of table %s is classified twice", all[i], t.Name)
		}
	}
	return all, nil
}

// About is what people read of a Part, in their language. An empty Title: the part stores nothing of people.
type About struct {
	Title string // "Orders"
	What  string // what is stored
	Why   string
	Kept  string // how long, and what remains after that
}

// Archive takes what a person's copy is made of. Names are relative paths such as "orders.json"; what is for people, in their language.
type Archive interface {
	// JSON adds a document. doc is written indented.
	JSON(name, what string, doc any) error
	// File adds a file as it is.
	File(name, what string, r io.Reader) error
	// Picture adds the picture at a URL path of this server; one that is gone is left out.
	Picture(path, what string) error
}

// Erased is what one call of a Part's Erase has done.
type Erased struct {
	More  bool     // there is more: call again, in another transaction
	Files []string // URL paths of pictures that nothing refers to any more
}

// Obstacle is why somebody can't leave yet: a sentence that says what to do, and where.
type Obstacle struct {
	Text  string
	Href  string // empty: nowhere
	Label string // of the link
}

// Rule forgets something by itself.
type Rule struct {
	Name string // for the log, such as "orders"
	// Keep returns how long it is kept; 0: for ever.
	Keep func() time.Duration
	// Sweep forgets what is older than before, in transactions of a size that holds nobody up.
	Sweep func(ctx context.Context, before time.Time) error
}

// Part is what one part of the house stores. All functions may be nil where there is nothing for them to do.
type Part struct {
	Name   string // a word, such as "orders"
	Tables []Table
	About  func(ctx context.Context) About
	// Count returns how many things are stored of an account: orders, addresses.
	Count func(ctx context.Context, account id.ID) (int, error)
	// Export writes everything that is stored of the account, in the language of ctx.
	Export func(ctx context.Context, account id.ID, to Archive) error
	// Erase takes the account's person out of some hundred rows. Doing it again changes nothing.
	Erase func(ctx context.Context, tx *db.Tx, account id.ID) (Erased, error)
	// Blocks returns what the person has to end before they can leave, in the language of ctx.
	Blocks func(ctx context.Context, account id.ID) ([]Obstacle, error)
	Rules  []Rule
	// Shows reports whether the part shows the picture at a URL path to everybody: then nobody's leaving deletes it.
	Shows func(ctx context.Context, tx *db.Tx, path string) (bool, error)
}

// Counting returns a Part's Count that reads count in a transaction of d.
func Counting(d *db.DB, count func(context.Context, *db.Tx, id.ID) (int, error)) func(context.Context, id.ID) (int, error) {
	return func(ctx context.Context, account id.ID) (n int, err error) {
		err = d.Read(ctx, func(tx *db.Tx) error {
			n, err = count(ctx, tx, account)
			return err
		})
		return n, err
	}
}

// Batches calls fn, each time in a write transaction of its own, until it returns fewer rows than size: how a Rule's Sweep goes through a
// long table without holding up other writers.
func Batches(ctx context.Context, d *db.DB, size int, fn func(tx *db.Tx) (n int64, err error)) error {
	for {
		var n int64
		err := d.Write(ctx, func(tx *db.Tx) (err error) {
			n, err = fn(tx)
			return err
		})
		if err != nil || n < int64(size) {
			return err
		}
	}
}

// Span says how long something is kept, in the reader's language: "30 days", "72 hours", "for ever".
func Span(ctx context.Context, d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d <= 0:
		return i18n.T(ctx, "for ever")
	case d%(365*day) == 0:
		n := int(d / (365 * day))
		return i18n.N(ctx, n, "%d year", "%d years")
	case d >= 4*day && d%day == 0 || d == day:
		n := int(d / day)
		return i18n.N(ctx, n, "%d day", "%d days")
	}
	n := int((d + time.Hour - 1) / time.Hour)
	return i18n.N(ctx, n, "%d hour", "%d hours")
}
