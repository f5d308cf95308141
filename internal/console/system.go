package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/console/setup"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

// auditForm is the filter of the audit log as the page sends it. Days are of the town's calendar.
type auditForm struct {
	Handle string `form:"handle"`
	Verb   string `form:"verb"`
	Thing  string `form:"thing"` // as in the book, or "@ada"
	From   string `form:"from"`  // 2006-01-02
	To     string `form:"to"`    // that day included
}

// filter reads the form. It returns an Invalid error for what is no day.
func (s *Service) filter(r *http.Request) (f auditForm, out audit.Filter, err error) {
	if err := httpx.DecodeValues(r.URL.Query(), &f); err != nil {
		return f, out, err
	}
	out = audit.Filter{Handle: strings.TrimPrefix(strings.TrimSpace(f.Handle), "@"), Verb: strings.TrimSpace(f.Verb), Thing: strings.TrimSpace(f.Thing)}
	day := func(name, text string) (t time.Time) {
		if text != "" && err == nil {
			if t, err = time.ParseInLocation(time.DateOnly, text, s.Zone); err != nil {
				err = errs.InvalidField(name, "Write the day as 2026-12-31.")
			}
		}
		return t
	}
	if handle, ok := strings.CutPrefix(out.Thing, "@"); ok {
		if a, err := s.Accounts.Find(r.Context(), handle); err == nil {
			out.Thing = audit.Thing("account", a.ID)
		} else if !errs.Is(err, errs.NotFound) {
			return f, out, err
		}
	}
	out.From = day("from", f.From)
	if to := day("to", f.To); !to.IsZero() {
		out.To = to.AddDate(0, 0, 1)
	}
	for _, text := range []string{f.Handle, f.Verb, f.Thing} {
		if strings.ContainsAny(text, "\x00") {
			return f, out, errs.InvalidField("filter", "Write text.")
		}
	}
	return f, out, err
}

// auditView is what the page of the audit log shows.
type auditView struct {
	Form   auditForm
	Verbs  []string
	Deeds  []deedLine
	Next   string
	Export string // the query of the same entries as a file
}

func (s *Service) handleAudit(w http.ResponseWriter, r *http.Request) error {
	form, f, err := s.filter(r)
	if err != nil {
		return err
	}
	list, err := s.Audit.List(r.Context(), f, r.URL.Query().Get("cursor"), 50)
	if err != nil {
		return err
	}
	known, err := s.Audit.Verbs(r.Context())
	if err != nil {
		return err
	}
	deeds, err := s.tell(r.Context(), list.Items)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	next := more("/admin/audit", q, list.Next)
	q.Del("cursor")
	return httpx.Render(w, r, http.StatusOK, auditPage(auditView{form, known, deeds, next, q.Encode()}))
}

// handleExport sends the entries of a filter as a file. What fails on the way can only break the file off.
func (s *Service) handleExport(w http.ResponseWriter, r *http.Request) error {
	_, f, err := s.filter(r)
	if err != nil {
		return err
	}
	write, kind, ext := s.Audit.CSV, "text/csv; charset=utf-8", "csv"
	switch r.URL.Query().Get("format") {
	case "", "csv":
	case "jsonl":
		write, kind, ext = s.Audit.Lines, "application/jsonl; charset=utf-8", "jsonl"
	default:
		return errs.InvalidField("format", "Choose csv or jsonl.")
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="audit-`+s.Now().In(s.Zone).Format(time.DateOnly)+"."+ext+`"`)
	h.Set("Cache-Control", "no-store")
	return write(r.Context(), w, f)
}

// mailView is what the page of letters shows.
type mailView struct {
	Mode   string
	From   string
	Counts map[mail.State]int
	List   page.Page[mail.Record]
	Next   string
	Kinds  []mail.Letter // samples
	Done   string
}

func (s *Service) handleMail(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	counts, err := s.Mail.Counts(ctx)
	if err != nil {
		return err
	}
	list, err := s.Mail.List(ctx, q.Get("cursor"), 30)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, mailPage(mailView{
		s.Mail.Mode(), s.Settings.Config().Mail.From, counts, list, more("/admin/mail", q, list.Next), s.Mail.Samples(ctx), done(r),
	}))
}

func (s *Service) handleTestLetter(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if !s.Mail.On() {
		return errs.New(errs.Conflict, "This server sends no letters: see [mail] in stoa.toml.")
	}
	me, err := s.Accounts.Get(ctx, actor(ctx).ID)
	if err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.Audit.Write(ctx, tx, "mail.test", audit.Thing("account", me.ID), nil); err != nil {
			return err
		}
		return s.Mail.Send(ctx, tx, setup.TestLetter(ctx, me))
	})
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/admin/mail?done=link")
}

// handleRetryLetter has a letter that waits for its next try go out now. A letter that was given up is empty, and cannot.
func (s *Service) handleRetryLetter(w http.ResponseWriter, r *http.Request) error {
	return s.onJob(w, r, "/admin/mail", "retry", "mail.retry", s.Jobs.Hurry)
}

// sampleView is a preview of one letter.
type sampleView struct {
	Kind, Lang string
	Letter     mail.Letter
	Text       string
}

// sample renders the sample of a kind in a language, or returns a NotFound error.
func (s *Service) sample(r *http.Request) (v sampleView, html string, err error) {
	v.Kind, v.Lang = r.PathValue("kind"), i18n.Nearest(r.URL.Query().Get("lang"))
	if v.Lang == "" {
		v.Lang = i18n.Lang(r.Context())
	}
	for _, l := range s.Mail.Samples(i18n.With(r.Context(), v.Lang)) {
		if l.Kind == v.Kind {
			v.Letter = l
			v.Letter.Lang = v.Lang
			v.Text, html = s.Mail.Render(v.Letter)
			return v, html, nil
		}
	}
	return v, "", errs.New(errs.NotFound, "There is no such letter.")
}

func (s *Service) handleSample(w http.ResponseWriter, r *http.Request) error {
	v, _, err := s.sample(r)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", h.Get("Content-Security-Policy")+"; frame-src 'self'") // for the letter's own look
	return httpx.Render(w, r, http.StatusOK, samplePage(v))
}

// handleSampleHTML is a letter as mail programs show it, in a frame of its own: letters carry their look in style attributes.
func (s *Service) handleSampleHTML(w http.ResponseWriter, r *http.Request) error {
	_, html, err := s.sample(r)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	_, _ = w.Write([]byte(html)) // the client may be gone: nobody to tell
	return nil
}

// jobsView is what the page of jobs shows.
type jobsView struct {
	State, Kind string
	Stats       jobs.Stats
	Kinds       []jobs.KindStats
	List        page.Page[jobs.Record]
	Next        string
	Schedules   []jobs.Scheduled
	Done        string
}

func (s *Service) handleJobs(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	v := jobsView{State: q.Get("state"), Kind: q.Get("kind"), Done: done(r)}
	var err error
	if v.Stats, err = s.Jobs.Stats(ctx); err != nil {
		return err
	}
	if v.Kinds, err = s.Jobs.Kinds(ctx); err != nil {
		return err
	}
	if v.Schedules, err = s.Jobs.Schedules(ctx); err != nil {
		return err
	}
	if strings.ContainsAny(v.State+v.Kind, "\x00") {
		return errs.InvalidField("state", "Write text.")
	}
	if v.List, err = s.Jobs.List(ctx, jobs.Filter{State: jobs.State(v.State), Kind: v.Kind}, q.Get("cursor"), 30); err != nil {
		return err
	}
	v.Next = more("/admin/jobs", q, v.List.Next)
	return httpx.Render(w, r, http.StatusOK, jobsPage(v))
}

// onJob does something to a job, notes it in the same transaction, and leads back.
func (s *Service) onJob(w http.ResponseWriter, r *http.Request, back, said, verb string, deed func(context.Context, *db.Tx, id.ID) error) error {
	job, err := pathID(r, "id")
	if err != nil {
		return err
	}
	ctx := r.Context()
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := deed(ctx, tx, job); err != nil {
			return err
		}
		return s.Audit.Write(ctx, tx, verb, audit.Thing("job", job), nil)
	})
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, back+"?done="+said)
}

func (s *Service) handleRetryJob(w http.ResponseWriter, r *http.Request) error {
	return s.onJob(w, r, "/admin/jobs", "retry", "job.retry", func(ctx context.Context, tx *db.Tx, job id.ID) error {
		if err := s.Jobs.Hurry(ctx, tx, job); !errs.Is(err, errs.Conflict) {
			return err
		}
		return s.Jobs.Retry(ctx, tx, job) // it does not wait: it was given up, or done
	})
}

func (s *Service) handleDiscardJob(w http.ResponseWriter, r *http.Request) error {
	return s.onJob(w, r, "/admin/jobs", "discard", "job.discard", s.Jobs.Cancel)
}

func (s *Service) handleRunSchedule(w http.ResponseWriter, r *http.Request) error {
	ctx, name := r.Context(), r.PathValue("name")
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		job, err := s.Jobs.RunNow(ctx, tx, name)
		if err != nil {
			return err
		}
		return s.Audit.Write(ctx, tx, "schedule.run", "schedule:"+name, map[string]any{"job": job.String()})
	})
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/admin/jobs?done=run")
}

// stateLabel says the state of an account.
func stateLabel(ctx context.Context, st account.State) string {
	switch st {
	case account.Active:
		return i18n.T(ctx, "active")
	case account.Suspended:
		return i18n.T(ctx, "suspended")
	case account.Pending:
		return i18n.T(ctx, "waiting")
	case account.Leaving:
		return i18n.T(ctx, "leaving")
	}
	return string(st)
}
