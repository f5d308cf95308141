// Package mail sends letters: one layout as text and HTML, in the reader's language, stored in the caller's transaction and sent by a job.
//
// A letter is sent at least once. It is sent twice only where the mail server took it and the connection or this process died before the
// word of that arrived; both copies then have the same Message-ID, by which mailboxes know the second. What a letter says is kept no longer
// than until it is sent, because it may hold a link that lets its reader in.
//
// Nobody is flooded: of each kind an address gets Options.PerHour letters in any hour, over all nodes; what is more is dropped silently,
// so that nobody learns from the answer who has an account.
package mail

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Schema holds the tables of letters, for db.Migrate.
//
//go:embed schema/*.sql
var Schema embed.FS

// Letter is a letter to one person. Its sentences are already in Lang; the frame around them is put into Lang by Render.
type Letter struct {
	Kind    string // "account.confirm": what is counted for the limit, and shown to admins
	To      string // an address without a name
	Name    string // of the person, may be empty
	Lang    string // BCP 47; "" is English
	Subject string
	Lines   []string // paragraphs
	Action  *Action  // the one thing to do, may be nil
	After   []string // paragraphs below the action, in small print

	// Leave, where not empty, is the https address that ends letters of this kind; it becomes List-Unsubscribe. Letters that belong to
	// something the person does (sign-in links, receipts) have none.
	Leave string
	// Until, where not zero, is when the letter loses its point (its link ends): it is not sent after.
	Until time.Time
}

// Action is a button.
type Action struct{ Label, URL string }

// The modes of sending.
const (
	Off  = "off"  // letters are dropped; On is false
	SMTP = "smtp" // they go to a mail server
	Dev  = "dev"  // they are logged, and shown by Shown: never where real people live
)

// Options says how letters are sent. Zero values stand for the defaults named.
type Options struct {
	Mode     string                 // Off by default
	Host     string                 // of the mail server
	Port     int                    // 587 with starttls, 465 with tls, 25 with none
	User     string                 // empty: no authentication
	Password func() (string, error) // read anew for each letter; may be nil without User
	From     string                 // "Town <food@example.org>" or an address alone
	Sender   func() string          // asked for each letter instead of From; nil: From
	TLS      string                 // "starttls" (default), "tls" from the first byte, "none" for a server on this machine
	PerHour  int                    // letters of a kind to an address in an hour; 6
	Keep     time.Duration          // how long it is kept that a letter was sent, and with Dev the letter; 30 days
	Town     func() string          // its name, under each letter; nil: "Stoa"
	URL      func() string          // the address of its pages; nil: none is named
	Log      *slog.Logger           // nil: slog.Default()
	Trust    *Trust                 // nil: the system's authorities
}

// jobKind is the kind of the job that sends a letter.
const jobKind = "mail.send"

// attempts is how often a letter is tried: over some six hours, as pauses between jobs grow.
const attempts = 12

// Mailer sends letters. Safe for concurrent use.
type Mailer struct {
	db      *db.DB
	jobs    *jobs.Queue
	now     clock.Func
	opt     Options
	samples []sample
}

type sample struct {
	kind string
	fn   func(ctx context.Context) Letter
}

// New returns a Mailer on a database with this package's Schema and registers its jobs with q.
func New(d *db.DB, q *jobs.Queue, now clock.Func, opt Options) *Mailer {
	if opt.Mode == "" {
		opt.Mode = Off
	}
	if opt.PerHour <= 0 {
		opt.PerHour = 6
	}
	if opt.Keep <= 0 {
		opt.Keep = 30 * 24 * time.Hour
	}
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if opt.Town == nil {
		opt.Town = func() string { return "Stoa" }
	}
	if opt.URL == nil {
		opt.URL = func() string { return "" }
	}
	if opt.Sender == nil {
		opt.Sender = func() string { return opt.From }
	}
	m := &Mailer{db: d, jobs: q, now: now, opt: opt}
	q.Handle(jobKind, m.deliver)
	q.Handle(cleanKind, m.clean)
	q.Schedule(cleanKind, "41 3 * * *", "UTC", cleanKind, struct{}{})
	return m
}

// On reports whether letters reach anybody.
func (m *Mailer) On() bool { return m.opt.Mode != Off }

// Mode returns how letters are sent.
func (m *Mailer) Mode() string { return m.opt.Mode }

// Counts returns how many letters that are still kept stand where.
func (m *Mailer) Counts(ctx context.Context) (out map[State]int, err error) {
	err = m.db.Read(ctx, func(tx *db.Tx) error {
		out, err = counts(ctx, tx)
		return err
	})
	return out, err
}

// Sample registers what a letter of a kind looks like, for Samples.
func (m *Mailer) Sample(kind string, fn func(ctx context.Context) Letter) {
	m.samples = append(m.samples, sample{kind, fn})
}

// Samples returns one letter of each kind that was registered, in the language of ctx, as a preview. None is sent.
func (m *Mailer) Samples(ctx context.Context) []Letter {
	out := make([]Letter, 0, len(m.samples))
	for _, s := range m.samples {
		l := s.fn(ctx)
		l.Kind = s.kind
		out = append(out, l)
	}
	return out
}

// Send stores a letter in the caller's transaction; it goes out when that commits. It returns an Invalid error for an address that can't be
// one. With Off, and beyond the limit of its address, the letter is dropped without an error.
func (m *Mailer) Send(ctx context.Context, tx *db.Tx, l Letter) error {
	if m.opt.Mode == Off {
		m.opt.Log.Info("mail: off, a letter was dropped", "kind", l.Kind)
		return nil
	}
	to, err := Address(l.To)
	if err != nil {
		return err
	}
	l.To, l.Subject, l.Name = to, oneLine(l.Subject), oneLine(l.Name)
	key := strings.ToLower(to)
	free, err := m.mayHave(ctx, tx, key, l.Kind)
	if err != nil {
		return err
	}
	if !free {
		m.opt.Log.Warn("mail: an address has had its letters of this hour, one more was dropped", "kind", l.Kind, "per_hour", m.opt.PerHour)
		return nil
	}
	body, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("mail: encode a letter: %w", err)
	}
	job, err := m.jobs.Enqueue(ctx, tx, jobKind, struct{}{}, jobs.Opts{MaxAttempts: attempts})
	if err != nil {
		return err
	}
	r := Record{ID: job, Kind: l.Kind, To: key, Subject: l.Subject, MessageID: m.messageID(job), CreatedAt: m.now()}
	return insert(ctx, tx, r, string(body))
}

// mayHave reports whether an address may have one more letter of a kind, and holds it against others until the transaction ends.
func (m *Mailer) mayHave(ctx context.Context, tx *db.Tx, address, kind string) (bool, error) {
	now := m.now()
	if err := hold(ctx, tx, address, kind, now); err != nil {
		return false, err
	}
	n, err := countSince(ctx, tx, address, kind, now.Add(-time.Hour))
	return n < m.opt.PerHour, err
}

// messageID returns the Message-ID of a letter, without its brackets: one for all tries.
func (m *Mailer) messageID(letter id.ID) string {
	host := "localhost"
	if from, err := netmail.ParseAddress(m.opt.Sender()); err == nil {
		_, host, _ = strings.Cut(from.Address, "@")
	}
	return letter.String() + "." + id.Code(12) + "@" + host
}

// maxAddress is the longest address that SMTP can carry.
const maxAddress = 254

// Address returns an e-mail address as it is written on a letter, or an Invalid error about the field "email". Names, comments, quotes and
// line ends are refused: nothing of it can become another header or another recipient.
func Address(s string) (string, error) {
	s = strings.TrimSpace(s)
	a, err := netmail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" || len(s) > maxAddress || strings.ContainsAny(s, "\r\n\t \"<>(),;:\\") {
		return "", errs.InvalidField("email", "Write an e-mail address such as name@example.org.")
	}
	if local, host, _ := strings.Cut(s, "@"); len(local) > 64 || strings.Contains(host, "@") {
		return "", errs.InvalidField("email", "Write an e-mail address such as name@example.org.")
	}
	return s, nil
}

// oneLine makes a header's text one line without control characters.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == '\u2028' || r == '\u2029' }), " ")
}

// List returns a page of letters, newest first, without what they say. cursor is the Next of the page before.
func (m *Mailer) List(ctx context.Context, cursor string, limit int) (page.Page[Record], error) {
	below, ok, err := page.Decode[id.ID](cursor)
	if err != nil {
		return page.Page[Record]{}, err
	}
	if !ok {
		below = 1<<63 - 1
	}
	limit = page.Limit(limit)
	var rows []Record
	err = m.db.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = list(ctx, tx, below, limit+1)
		return err
	})
	if err != nil {
		return page.Page[Record]{}, fmt.Errorf("mail: list: %w", err)
	}
	return page.Cut(rows, limit, func(r Record) id.ID { return r.ID }), nil
}

// Shown returns a letter that is kept with Dev, or a NotFound error.
func (m *Mailer) Shown(ctx context.Context, letter id.ID) (Record, Letter, error) {
	var r Record
	var body string
	err := m.db.Read(ctx, func(tx *db.Tx) (err error) {
		r, body, err = get(ctx, tx, letter)
		return err
	})
	if errs.Is(err, errs.NotFound) || err == nil && (body == "" || m.opt.Mode != Dev) {
		return Record{}, Letter{}, errs.New(errs.NotFound, "There is no such letter.")
	}
	if err != nil {
		return Record{}, Letter{}, fmt.Errorf("mail: read letter %d: %w", letter, err)
	}
	var l Letter
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		return Record{}, Letter{}, fmt.Errorf("mail: decode letter %d: %w", letter, err)
	}
	return r, l, nil
}
