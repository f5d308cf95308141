package console

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/stoa-town/stoa/internal/account/people"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mail"
	"github.com/stoa-town/stoa/internal/platform/telemetry"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Level is how a check stands.
type Level string

// The levels: nothing to do, look at it, act now, and not there.
const (
	Good Level = "good"
	Warn Level = "warn"
	Bad  Level = "bad"
	None Level = "none"
)

// Check is one part of the server's health.
type Check struct {
	Name  string `json:"name" doc:"Such as database, disk, jobs."`
	Level Level  `json:"level" enum:"good,warn,bad,none"`
	Label string `json:"label"`
	Value string `json:"value"`
	Note  string `json:"note,omitempty" doc:"What to do, or what else is worth knowing."`
	Href  string `json:"-"`
}

// When a check stops being good.
const (
	diskLow, diskFull   = 0.15, 0.05 // share that is free
	jobsSlow, jobsStuck = time.Minute, 15 * time.Minute
	lagSlow             = 1000 // events
	certSoon, certNow   = 14 * 24 * time.Hour, 3 * 24 * time.Hour
)

// Health looks at everything that can go wrong, in the language of ctx. A part that cannot be asked is Bad.
func (s *Service) Health(ctx context.Context) []Check {
	return []Check{s.database(ctx), s.disk(ctx), s.files(ctx), s.jobs(ctx), s.events(ctx), s.letters(ctx), s.certificate(ctx), s.backup(ctx), s.streams(ctx), s.version(ctx)}
}

func (s *Service) database(ctx context.Context) Check {
	c := Check{Name: "database", Level: Good, Label: i18n.T(ctx, "Database"), Note: s.DB.Dialect().String()}
	size, err := s.DB.Size(ctx)
	if err != nil {
		c.Level, c.Value = Bad, i18n.T(ctx, "does not answer")
		return c
	}
	c.Value = bytes(size)
	return c
}

func (s *Service) disk(ctx context.Context) Check {
	c := Check{Name: "disk", Level: Good, Label: i18n.T(ctx, "Disk")}
	free, total, ok := telemetry.Disk(s.Data)
	if !ok || total == 0 {
		c.Level, c.Value = None, i18n.T(ctx, "unknown")
		return c
	}
	c.Value = i18n.T(ctx, "%s free", bytes(free))
	c.Note = i18n.T(ctx, "of %s", bytes(total))
	switch share := float64(free) / float64(total); {
	case share < diskFull:
		c.Level, c.Note = Bad, i18n.T(ctx, "Make room now: without it nothing can be stored.")
	case share < diskLow:
		c.Level, c.Note = Warn, i18n.T(ctx, "Make room soon.")
	}
	return c
}

// Shares of the room for files after which admins are told.
const filesMany, filesFull = 0.8, 0.95

func (s *Service) files(ctx context.Context) Check {
	c := Check{Name: "files", Level: Good, Label: i18n.T(ctx, "Files of posts")}
	used, most, err := s.Files(ctx)
	if err != nil || most == 0 {
		c.Level, c.Value = Bad, i18n.T(ctx, "cannot be read")
		return c
	}
	c.Value = bytes(used)
	c.Note = i18n.T(ctx, "of %s", bytes(most))
	switch share := float64(used) / float64(most); {
	case share > filesFull:
		c.Level, c.Note = Bad, i18n.T(ctx, "Make room now: without it nothing can be stored.")
	case share > filesMany:
		c.Level, c.Note = Warn, i18n.T(ctx, "Make room soon.")
	}
	return c
}

func (s *Service) jobs(ctx context.Context) Check {
	c := Check{Name: "jobs", Level: Good, Label: i18n.T(ctx, "Jobs"), Href: "/admin/jobs"}
	st, err := s.Jobs.Stats(ctx)
	if err != nil {
		c.Level, c.Value = Bad, i18n.T(ctx, "cannot be read")
		return c
	}
	c.Value = i18n.T(ctx, "%d due, %d running", st.Due, st.Running)
	switch {
	case st.Late > jobsStuck:
		c.Level, c.Note = Bad, i18n.T(ctx, "The oldest waits for %s: is a node running?", st.Late.Round(time.Second))
	case st.Late > jobsSlow:
		c.Level, c.Note = Warn, i18n.T(ctx, "The oldest waits for %s.", st.Late.Round(time.Second))
	case st.Discarded > 0:
		c.Level, c.Note, c.Href = Warn, i18n.N(ctx, st.Discarded, "%d was given up.", "%d were given up."), "/admin/jobs?state=discarded"
	}
	return c
}

func (s *Service) events(ctx context.Context) Check {
	c := Check{Name: "events", Level: Good, Label: i18n.T(ctx, "Event log"), Value: i18n.T(ctx, "up to date")}
	var worst int64
	for name, lag := range s.Lag(ctx) {
		if lag > worst {
			worst, c.Note = lag, name
		}
	}
	if worst > 0 {
		c.Value = i18n.T(ctx, "%d behind", worst)
	}
	if worst > lagSlow {
		c.Level = Warn
	}
	return c
}

func (s *Service) letters(ctx context.Context) Check {
	c := Check{Name: "mail", Level: Good, Label: i18n.T(ctx, "Mail"), Href: "/admin/mail"}
	if !s.Mail.On() {
		c.Level, c.Value, c.Note = Warn, i18n.T(ctx, "off"), i18n.T(ctx, "Nobody gets letters: see [mail] in stoa.toml.")
		return c
	}
	n, err := s.Mail.Counts(ctx)
	if err != nil {
		c.Level, c.Value = Bad, i18n.T(ctx, "cannot be read")
		return c
	}
	c.Value = i18n.T(ctx, "%d waiting", n[mail.Waiting]+n[mail.Sending])
	if n[mail.Failed] > 0 {
		c.Level, c.Note = Warn, i18n.N(ctx, n[mail.Failed], "%d could not be delivered.", "%d could not be delivered.")
	}
	return c
}

func (s *Service) certificate(ctx context.Context) Check {
	c := Check{Name: "certificate", Level: None, Label: i18n.T(ctx, "Certificate"), Value: i18n.T(ctx, "none of its own")}
	at, has := s.CertExpires()
	if !has {
		return c
	}
	left := time.Until(at) // certificates end by the real clock
	c.Level, c.Value = Good, i18n.N(ctx, int(left/(24*time.Hour)), "%d day left", "%d days left")
	switch {
	case left < certNow:
		c.Level, c.Note = Bad, i18n.T(ctx, "Renew it now: browsers will refuse the town.")
	case left < certSoon:
		c.Level, c.Note = Warn, i18n.T(ctx, "Renew it soon.")
	}
	return c
}

func (s *Service) backup(ctx context.Context) Check {
	return Check{
		Name: "backup", Level: None, Label: i18n.T(ctx, "Last backup"), Value: i18n.T(ctx, "not known"),
		Note: i18n.T(ctx, "This server makes none: copy the data folder as docs/operate.md says."),
	}
}

func (s *Service) streams(ctx context.Context) Check {
	return Check{Name: "streams", Level: Good, Label: i18n.T(ctx, "Open pages"), Value: fmt.Sprint(s.Streams()), Note: i18n.T(ctx, "live streams on this node")}
}

func (s *Service) version(ctx context.Context) Check {
	return Check{Name: "version", Level: Good, Label: i18n.T(ctx, "Version"), Value: s.Version, Note: i18n.T(ctx, "up for %s", upFor(s.Now().Sub(s.Started)))}
}

// upFor writes a time in its largest units.
func upFor(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d d", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d min", d/time.Minute)
}

// bytes writes a size.
func bytes(n int64) string {
	size, units := float64(n), []string{"B", "KB", "MB", "GB", "TB"}
	i := 0
	for size >= 1024 && i < len(units)-1 {
		size, i = size/1024, i+1
	}
	if i == 0 || size >= 100 {
		return fmt.Sprintf("%.0f %s", size, units[i])
	}
	return fmt.Sprintf("%.1f %s", size, units[i])
}

// overview is what the first page shows.
type overview struct {
	Checks  []Check
	People  people.Figures
	Waiting int // sign-ups
	Welcome bool
	Done    string
}

// worst returns the worst level of all checks.
func (v overview) worst() Level {
	worst := Good
	for _, c := range v.Checks {
		if c.Level == Bad || c.Level == Warn && worst == Good {
			worst = c.Level
		}
	}
	return worst
}

func (s *Service) overview(r *http.Request) (v overview, err error) {
	v = overview{Checks: s.Health(r.Context()), Welcome: r.URL.Query().Get("welcome") != "", Done: done(r)}
	if v.People, err = s.People.Count(r.Context()); err != nil {
		return v, err
	}
	v.Waiting = v.People.Pending
	return v, nil
}

func (s *Service) handleOverview(w http.ResponseWriter, r *http.Request) error {
	v, err := s.overview(r)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, overviewPage(v))
}

func (s *Service) handleHealth(w http.ResponseWriter, r *http.Request) error {
	v, err := s.overview(r)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, healthRegion(v))
}

// tone returns the colour of a level.
func (l Level) tone() ui.Tone {
	switch l {
	case Good:
		return ui.Good
	case Warn:
		return ui.Warn
	case Bad:
		return ui.Bad
	}
	return ui.Neutral
}

// word says a level for those who do not see its colour.
func (l Level) word(ctx context.Context) string {
	switch l {
	case Good:
		return i18n.T(ctx, "Fine")
	case Warn:
		return i18n.T(ctx, "Look at it")
	case Bad:
		return i18n.T(ctx, "Act now")
	}
	return "–"
}
