package event

import (
	"context"
	"net/http"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
	"golang.org/x/net/html"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Calendars are iCalendar (RFC 5545): the town's with what is for everybody, one for each event, and one for each person with what they
// come to, under a link that only they know.

const (
	calendarMost = 500                 // events in a calendar
	calendarPast = 30 * 24 * time.Hour // how long what is over stays in it
	linkPurpose  = "calendar of a person"
)

// calendar writes events as a calendar of a name.
func (s *Service) calendar(name string, list []row, texts map[id.ID]Event) string {
	base := s.opt.Base()
	cal := ics.NewCalendarFor("Stoa")
	cal.SetMethod(ics.MethodPublish)
	cal.SetName(name)
	cal.SetXWRCalName(name)
	cal.SetRefreshInterval("PT1H")
	cal.SetXPublishedTTL("PT1H")
	for i := range list {
		r := &list[i]
		seen, ok := texts[r.ID]
		if !ok {
			continue
		}
		e := cal.AddEvent("event-" + r.ID.String() + "@" + host(base))
		e.SetDtStampTime(r.changed)
		e.SetCreatedTime(r.created)
		e.SetModifiedAt(r.changed)
		e.SetStartAt(r.Starts)
		e.SetEndAt(r.Ends)
		e.SetSequence(int(r.rev))
		e.SetSummary(r.Title)
		e.SetURL(base + r.URL)
		if text := plain(seen.Text); text != "" {
			e.SetDescription(text)
		}
		if r.Place != "" {
			e.SetLocation(r.Place)
		}
		if r.Point != nil {
			e.SetGeo(r.Point.Lat, r.Point.Lon)
		}
		status := ics.ObjectStatusConfirmed
		if r.Cancelled {
			status = ics.ObjectStatusCancelled
		}
		e.SetStatus(status)
		switch seen.Answer {
		case Maybe, Waiting:
			e.SetTimeTransparency(ics.TransparencyTransparent)
		}
	}
	return cal.Serialize()
}

// host returns the host in the address of a server.
func host(base string) string {
	_, rest, _ := strings.Cut(base, "://")
	rest, _, _ = strings.Cut(rest, "/")
	return rest
}

// plain returns the text of a status' HTML.
func plain(content string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(content))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimSpace(b.String())
		case html.TextToken:
			b.Write(z.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			if name, _ := z.TagName(); string(name) == "br" {
				b.WriteByte('\n')
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "p" {
				b.WriteString("\n\n")
			}
		}
	}
}

// publish answers with a calendar of the rows that the actor of ctx may see.
func (s *Service) publish(ctx context.Context, w http.ResponseWriter, name, file string, rows []row) error {
	seen, err := s.seen(ctx, rows, false)
	if err != nil {
		return err
	}
	byID := make(map[id.ID]Event, len(seen))
	for _, e := range seen {
		byID[e.ID] = e
	}
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+file+`.ics"`)
	w.Header().Set("Cache-Control", "private, max-age=300")
	_, err = w.Write([]byte(s.calendar(name, rows, byID)))
	return err
}

// townCalendar answers with what is for everybody.
func (s *Service) townCalendar(w http.ResponseWriter, r *http.Request) error {
	ctx := access.With(r.Context(), access.Actor{}) // the same for everybody, whoever asks
	var rows []row
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		now := s.Now()
		rows, err = upcoming(ctx, tx, now.Add(-calendarPast), now.Add(2*farthest), true, moment{}, calendarMost)
		return err
	})
	if err != nil {
		return err
	}
	return s.publish(ctx, w, i18n.T(r.Context(), "Events in %s", s.opt.Town), "events", rows)
}

// eventCalendar answers with one event.
func (s *Service) eventCalendar(w http.ResponseWriter, r *http.Request) error {
	event, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return errMissing
	}
	if _, err := s.Get(r.Context(), event); err != nil {
		return err
	}
	var one row
	if err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		one, err = byID(r.Context(), tx, event)
		return err
	}); err != nil {
		return err
	}
	return s.publish(r.Context(), w, one.Title, "event", []row{one})
}

// Link returns the path of the actor's own calendar, which opens for whoever knows it; anew makes another one and closes the old.
func (s *Service) Link(ctx context.Context, anew bool) (path string, err error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return "", err
	}
	var gen int64
	do := s.DB.Read
	if anew {
		do = s.DB.Write
	}
	err = do(ctx, func(tx *db.Tx) error {
		if anew {
			if err := renew(ctx, tx, actor.ID); err != nil {
				return err
			}
		}
		gen, err = generation(ctx, tx, actor.ID)
		return err
	})
	if err != nil {
		return "", err
	}
	return "/calendar/" + actor.ID.String() + "." + s.Signer.Sign(linkPurpose, signed(actor.ID, gen)) + ".ics", nil
}

func signed(account id.ID, gen int64) string { return account.String() + ":" + id.ID(gen).String() }

// ownCalendar answers with what somebody holds or comes to, to whoever knows the link.
func (s *Service) ownCalendar(w http.ResponseWriter, r *http.Request) error {
	noLink := errs.New(errs.NotFound, "This link leads nowhere any more.")
	who, sig, ok := strings.Cut(strings.TrimSuffix(r.PathValue("token"), ".ics"), ".")
	account, err := id.Parse(who)
	if !ok || err != nil || account == 0 {
		return noLink
	}
	ctx := access.With(r.Context(), access.Actor{ID: account}) // reads what they may, and nothing else
	var rows []row
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		gen, err := generation(ctx, tx, account)
		if err != nil {
			return err
		}
		if !s.Signer.Check(linkPurpose, signed(account, gen), sig) {
			return noLink
		}
		rows, err = ofAccount(ctx, tx, account, s.Now().Add(-calendarPast), moment{}, calendarMost)
		return err
	})
	if err != nil {
		return err
	}
	return s.publish(ctx, w, i18n.T(r.Context(), "My events in %s", s.opt.Town), "my-events", rows)
}
