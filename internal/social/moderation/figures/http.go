package figures

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Measure is a figure over time (docs.joinmastodon.org/entities/Admin_Measure). Figures are texts there.
type Measure struct {
	Key      string  `json:"key"`
	Unit     *string `json:"unit"`
	Total    string  `json:"total"`
	Human    string  `json:"human_value,omitempty"`
	Previous string  `json:"previous_total,omitempty"`
	Data     []Point `json:"data"`
}

// Point is the figure of one day.
type Point struct {
	Date  string `json:"date"`
	Value string `json:"value"`
}

// Dimension is how a figure falls into parts (docs.joinmastodon.org/entities/Admin_Dimension).
type Dimension struct {
	Key  string `json:"key"`
	Data []Part `json:"data"`
}

// Part is one of them.
type Part struct {
	Key   string `json:"key"`
	Human string `json:"human_key"`
	Value string `json:"value"`
	Unit  string `json:"unit,omitempty"`
	Shown string `json:"human_value,omitempty"`
}

// Cohort is how many of those who joined in a period came back (docs.joinmastodon.org/entities/Admin_Cohort).
type Cohort struct {
	Period    string  `json:"period"`
	Frequency string  `json:"frequency"` // day or month
	Data      []Share `json:"data"`
}

// Share is how many of a cohort were here in a period.
type Share struct {
	Date  string  `json:"date"`
	Rate  float64 `json:"rate"` // of the cohort, 0 to 1
	Value string  `json:"value"`
}

// mostDays is the longest time that figures are asked for.
const mostDays = 366

// params are what some measures and dimensions are about.
type params struct {
	ID     string `json:"id"`     // of a hashtag: its name
	Domain string `json:"domain"` // another server
}

type input struct {
	Keys      []string `json:"keys"`
	Start     string   `json:"start_at"`
	End       string   `json:"end_at"`
	Limit     int      `json:"limit"`
	Frequency string   `json:"frequency"`

	TagAccounts  params `json:"tag_accounts"`
	TagUses      params `json:"tag_uses"`
	TagServers   params `json:"tag_servers"`
	TagLanguages params `json:"tag_languages"`
	from, to     int64  // days
}

// when reads a time as apps write them.
func when(s, field string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errs.InvalidField(field, "Write a date such as 2026-11-22.")
}

func read(r *mastodon.Request) (in input, err error) {
	if err := r.Decode(&in); err != nil {
		return in, err
	}
	from, err := when(in.Start, "start_at")
	if err != nil {
		return in, err
	}
	to, err := when(in.End, "end_at")
	if err != nil {
		return in, err
	}
	in.from, in.to = dayOf(from), dayOf(to)
	if in.from > in.to || in.to-in.from > mostDays {
		return in, errs.InvalidField("end_at", "Ask for a time of a year at most.")
	}
	if in.Limit <= 0 || in.Limit > 100 {
		in.Limit = 10
	}
	if len(in.Keys) > 30 {
		return in, errs.InvalidField("keys", "Ask for at most %d figures at once.", 30)
	}
	return in, nil
}

// Routes registers docs.joinmastodon.org/methods/admin/measures, dimensions and retention.
func (s *Service) Routes(rt *httpx.Router) {
	see := httpx.May("moderation.read")
	handle := func(path string, fn func(ctx context.Context, in input) (any, error)) {
		mastodon.Handle(rt, "POST /api/v1/admin/"+path, see, func(r *mastodon.Request) (any, error) {
			in, err := read(r)
			if err != nil {
				return nil, err
			}
			if err := s.Count(r.Context()); err != nil {
				return nil, err
			}
			return fn(r.Context(), in)
		})
	}
	handle("measures", func(ctx context.Context, in input) (any, error) {
		out := []Measure{}
		for _, key := range in.Keys {
			m, known, err := s.measure(ctx, key, in)
			if err != nil {
				return nil, err
			}
			if known {
				out = append(out, m)
			}
		}
		return out, nil
	})
	handle("dimensions", func(ctx context.Context, in input) (any, error) {
		out := []Dimension{}
		for _, key := range in.Keys {
			d, known, err := s.dimension(ctx, key, in)
			if err != nil {
				return nil, err
			}
			if known {
				out = append(out, Dimension{key, d})
			}
		}
		return out, nil
	})
	handle("retention", func(ctx context.Context, in input) (any, error) {
		return s.Retention(ctx, in.Frequency, in.from, in.to)
	})
}

// measure returns one figure, and whether there is one of that name.
func (s *Service) measure(ctx context.Context, key string, in input) (m Measure, known bool, err error) {
	span := in.to - in.from + 1
	now, total, known, err := s.figure(ctx, key, in, in.from, in.to)
	if err != nil || !known {
		return m, known, err
	}
	_, before, _, err := s.figure(ctx, key, in, in.from-span, in.from-1)
	m = Measure{Key: key, Total: strconv.FormatInt(total, 10), Previous: strconv.FormatInt(before, 10), Data: make([]Point, 0, span)}
	for d := in.from; d <= in.to; d++ {
		m.Data = append(m.Data, Point{timeOf(d).Format(time.RFC3339), strconv.FormatInt(now[d], 10)})
	}
	return m, true, err
}

// figure returns a figure by day, and in all.
func (s *Service) figure(ctx context.Context, key string, in input, from, to int64) (days map[int64]int64, total int64, known bool, err error) {
	known = true
	sum := func() {
		for n := range maps.Values(days) {
			total += n
		}
	}
	switch key {
	case "opened_reports", "resolved_reports":
		days, err = s.Reports(ctx, key == "resolved_reports", timeOf(from), timeOf(to+1))
		sum()
		return days, total, known, err
	case "instance_accounts", "instance_media_attachments", "instance_reports", "instance_statuses", "instance_follows", "instance_followers", "tag_servers":
		days = map[int64]int64{} // of other servers: none is known
		if key == "tag_servers" {
			err = s.DB.Read(ctx, func(tx *db.Tx) error {
				days, err = tagPerDay(ctx, tx, true, text.Fold(in.TagServers.ID), from, to)
				return err
			})
			for d := range days {
				days[d], total = 1, 1 // this server alone
			}
		}
		return days, total, known, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		switch key {
		case "active_users":
			if days, err = activePerDay(ctx, tx, from, to); err == nil {
				total, err = active(ctx, tx, from, to)
			}
		case "new_users", "interactions", "statuses":
			days, err = perDay(ctx, tx, key, from, to)
			sum()
		case "tag_uses":
			days, err = tagPerDay(ctx, tx, false, text.Fold(in.TagUses.ID), from, to)
			sum()
		case "tag_accounts":
			tag := text.Fold(in.TagAccounts.ID)
			if days, err = tagPerDay(ctx, tx, true, tag, from, to); err == nil {
				total, err = tagPeople(ctx, tx, tag, from, to)
			}
		default:
			known = false
		}
		return err
	})
	return days, total, known, err
}

// dimension returns the parts of a figure, and whether there is one of that name.
func (s *Service) dimension(ctx context.Context, key string, in input) (out []Part, known bool, err error) {
	out = []Part{}
	switch key {
	case "languages", "tag_languages":
		var list []slice
		err = s.DB.Read(ctx, func(tx *db.Tx) error {
			if key == "languages" {
				list, err = languages(ctx, tx, in.from, in.to, in.Limit)
			} else {
				list, err = tagLanguages(ctx, tx, text.Fold(in.TagLanguages.ID), in.from, in.to, in.Limit)
			}
			return err
		})
		for _, p := range list {
			out = append(out, Part{Key: p.key, Human: languageName(p.key), Value: strconv.FormatInt(p.n, 10)})
		}
	case "sources":
		days, total, _, err := s.figure(ctx, "new_users", in, in.from, in.to)
		if err == nil && len(days) > 0 {
			out = append(out, Part{Key: "web", Human: s.Host(), Value: strconv.FormatInt(total, 10)})
		}
		return out, true, err
	case "servers", "tag_servers":
		what := "statuses"
		if key == "tag_servers" {
			what, in.TagUses = "tag_uses", in.TagServers
		}
		_, total, _, err := s.figure(ctx, what, in, in.from, in.to)
		if err == nil && total > 0 {
			out = append(out, Part{Key: s.Host(), Human: s.Host(), Value: strconv.FormatInt(total, 10)})
		}
		return out, true, err
	case "space_usage":
		out, err = s.space(ctx)
	case "software_versions":
		out, err = s.software(ctx)
	case "instance_accounts", "instance_languages": // of other servers: none is known
	default:
		return nil, false, nil
	}
	return out, true, err
}

func languageName(tag string) string {
	t, err := language.Parse(tag)
	if err != nil || tag == "" {
		return tag
	}
	return display.Self.Name(t)
}

func (s *Service) space(ctx context.Context) ([]Part, error) {
	size, err := s.DB.Size(ctx)
	if err != nil {
		return nil, err
	}
	files, err := s.Files(ctx)
	if err != nil {
		return nil, err
	}
	part := func(key, human string, n int64) Part {
		return Part{Key: key, Human: human, Value: strconv.FormatInt(n, 10), Unit: "bytes", Shown: bytesText(n)}
	}
	return []Part{part("database", engine(s.DB), size), part("media", "Media storage", files)}, nil
}

func engine(d *db.DB) string {
	if d.Dialect() == db.Postgres {
		return "PostgreSQL"
	}
	return "SQLite"
}

// bytesText writes a size as people read it: "1.5 MB".
func bytesText(n int64) string {
	units, v, i := []string{"B", "KB", "MB", "GB", "TB"}, float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " " + units[i]
}

func (s *Service) software(ctx context.Context) ([]Part, error) {
	var v string
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		v, err = version(ctx, tx)
		return err
	})
	part := func(key, human, v string) Part { return Part{Key: key, Human: human, Value: v, Shown: v} }
	return []Part{part("stoa", "Stoa", s.Version), part("go", "Go", strings.TrimPrefix(runtime.Version(), "go")), part(strings.ToLower(engine(s.DB)), engine(s.DB), v)}, err
}

// Retention returns, for those who joined on each day (or in each month) between two days, how many were here in each period since.
func (s *Service) Retention(ctx context.Context, frequency string, from, to int64) ([]Cohort, error) {
	months := frequency == "month"
	if !months && frequency != "day" {
		return nil, errs.InvalidField("frequency", "Ask by day or by month.")
	}
	unit, start := dayUnit, timeOf
	if months {
		unit, start = monthUnit, func(n int64) time.Time { return time.Date(int(n/12), time.Month(n%12+1), 1, 0, 0, 0, 0, time.UTC) }
	}
	var sizes map[int64]int64
	var found []cohort
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		sizes, found, err = cohorts(ctx, tx, months, from, to)
		return err
	})
	if err != nil {
		return nil, err
	}
	at := map[[2]int64]int64{}
	for _, c := range found {
		at[[2]int64{c.joined, c.here}] = c.n
	}
	out := []Cohort{}
	for _, p := range span(unit(from), unit(to)) {
		c := Cohort{Period: start(p).Format(time.RFC3339), Frequency: frequency, Data: []Share{}}
		for _, q := range span(p, unit(to)) {
			n, share := at[[2]int64{p, q}], 0.0
			if sizes[p] > 0 {
				share = float64(n) / float64(sizes[p])
			}
			c.Data = append(c.Data, Share{start(q).Format(time.RFC3339), share, strconv.FormatInt(n, 10)})
		}
		out = append(out, c)
	}
	return out, nil
}

func dayUnit(d int64) int64   { return d }
func monthUnit(d int64) int64 { return monthOf(d) }

func span(from, to int64) []int64 {
	return slices.Collect(func(yield func(int64) bool) {
		for n := from; n <= to && yield(n); n++ {
		}
	})
}
