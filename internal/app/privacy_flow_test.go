package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// browser asks a server as somebody who has signed in there.
type browser struct {
	h     http.Handler
	token string
}

// enter signs a person in by password.
func (p *place) enter(t *testing.T, who access.Actor) browser {
	t.Helper()
	in, err := p.Accounts.SignIn(t.Context(), who.Handle, password, account.Visit{IP: "192.0.2.9", Device: "Firefox"})
	if err != nil {
		t.Fatal(err)
	}
	return browser{p.Handler(), in.Token}
}

func (b browser) ask(method, path, form string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	if form != "" || method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if b.token != "" {
		r.AddCookie(&http.Cookie{Name: "stoa", Value: b.token})
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	return w
}

func TestACopyIsFetchedByItsPersonAloneAndInTime(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		anna, bert := p.person(t, "anna", "Anna"), p.person(t, "bert", "Bert")
		here, there := p.enter(t, anna), p.enter(t, bert)
		if w := here.ask("POST", "/account/privacy/copies", ""); w.Code != http.StatusSeeOther {
			t.Fatalf("asking for a copy = %d %s", w.Code, w.Body)
		}
		until(t, "the page offers the copy", func() bool {
			return strings.Contains(here.ask("GET", "/account/privacy", "").Body.String(), "Fetch the copy")
		})
		c, err := p.Privacy.LastCopy(t.Context(), anna.ID)
		if err != nil {
			t.Fatal(err)
		}
		link := p.Privacy.Link(c)
		before := p.dump(t)
		if w := here.ask("GET", link, ""); w.Code != 200 || w.Header().Get("Content-Type") != "application/zip" || int64(w.Body.Len()) != c.Size {
			t.Errorf("the person's own copy = %d, %s, %d bytes", w.Code, w.Header().Get("Content-Type"), w.Body.Len())
		}
		if d := cmp.Diff(before["privacy_copy.state"], p.dump(t)["privacy_copy.state"]); d != "" {
			t.Errorf("fetching changed something:\n%s", d)
		}
		forged := strings.Replace(link, "sig=", "sig=A", 1)
		for name, got := range map[string]int{
			"somebody else": there.ask("GET", link, "").Code, "a forged signature": here.ask("GET", forged, "").Code,
			"no signature": here.ask("GET", "/account/privacy/copies/"+c.ID.String(), "").Code, "no number": here.ask("GET", "/account/privacy/copies/x?sig=1", "").Code,
		} {
			if got != http.StatusNotFound {
				t.Errorf("the copy for %s = %d; want 404", name, got)
			}
		}
		if w := (browser{p.Handler(), ""}).ask("GET", link, ""); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/sign-in") {
			t.Errorf("the copy for a stranger = %d to %s", w.Code, w.Header().Get("Location"))
		}
		p.clock.Advance(account.FreshFor + time.Minute)
		if w := here.ask("GET", link, ""); w.Code == http.StatusOK {
			t.Error("the copy was handed to a session whose person has not proven for long who they are")
		}
		p.clock.Advance(p.Config.Retention.Copies)
		if w := p.enter(t, anna).ask("GET", link, ""); w.Code != http.StatusNotFound {
			t.Errorf("the copy after its time = %d; want 404", w.Code)
		}
	})
}

func TestCopiesAreMadeOneAtATimeAndNotTooOften(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		anna := p.person(t, "anna", "Anna")
		for range p.Config.Retention.CopiesPerDay {
			p.archiveOf(t, anna)
		}
		_, err := p.Privacy.AskCopy(as(anna), anna.ID)
		if e := errs.As(err); !errs.Is(err, errs.TooMany) || e.Retry <= 0 || e.Retry > 24*time.Hour {
			t.Errorf("one more copy = %v; want TooMany with a time within a day", err)
		}
		p.clock.Advance(24*time.Hour + time.Second)
		err = p.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO privacy_copy (id, account, state, done, parts, size, asked_at, ready_at, expires_at, attempt)
				VALUES ($1, $2, 'waiting', 0, 1, 0, 0, 0, 0, 0)`, p.IDs.Next(), anna.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Privacy.AskCopy(as(anna), anna.ID); errs.CodeOf(err) != "running" {
			t.Errorf("a second copy while one is made = %v", err)
		}
	})
}

func TestWhoLeavesIsKeptOutUntilTheyStay(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		anna := p.canary(t, "annableibt")
		token, err := p.Accounts.CreateToken(t.Context(), anna.ID, "app", []string{"read", "write"})
		if err != nil {
			t.Fatal(err)
		}
		b := p.enter(t, anna.Actor)
		if w := b.ask("POST", "/account/privacy/leave", url.Values{"handle": {"somebody"}}.Encode()); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("leaving without one's handle = %d; want 422", w.Code)
		}
		if w := b.ask("POST", "/account/privacy/leave", url.Values{"handle": {"@" + anna.Handle}}.Encode()); w.Code != http.StatusSeeOther {
			t.Fatalf("leaving = %d %s", w.Code, w.Body)
		}
		for name, old := range map[string]browser{"session": b, "token": {p.Handler(), ""}} {
			r := httptest.NewRequest("GET", "/api/stoa/v1/me", nil)
			if name == "token" {
				r.Header.Set("Authorization", "Bearer "+token)
			} else {
				r.AddCookie(&http.Cookie{Name: "stoa", Value: old.token})
			}
			w := httptest.NewRecorder()
			old.h.ServeHTTP(w, r)
			if w.Code != http.StatusUnauthorized {
				t.Errorf("the old %s still answers %d", name, w.Code)
			}
		}
		b = p.enter(t, anna.Actor)
		for _, path := range []string{"/", "/orders", "/account"} {
			if w := b.ask("GET", path, ""); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/account/stay" {
				t.Errorf("GET %s of somebody who is leaving = %d to %q", path, w.Code, w.Header().Get("Location"))
			}
		}
		if w := b.ask("GET", "/api/stoa/v1/me", ""); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), `"leaving"`) {
			t.Errorf("the API for somebody who is leaving = %d %s", w.Code, w.Body)
		}
		if w := b.ask("GET", "/account/stay", ""); w.Code != 200 || !strings.Contains(w.Body.String(), "Do you want to stay?") {
			t.Errorf("the page that offers to stay = %d", w.Code)
		}
		if w := b.ask("POST", "/account/stay", ""); w.Code != http.StatusSeeOther {
			t.Fatalf("staying = %d %s", w.Code, w.Body)
		}
		if w := b.ask("GET", "/account", ""); w.Code != 200 {
			t.Errorf("the account of who stayed = %d", w.Code)
		}
		p.clock.Advance(p.Config.Retention.Leaving + time.Hour)
		if err := p.Privacy.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a, err := p.Accounts.Get(t.Context(), anna.ID); err != nil || a.Name != anna.Name || a.State != account.Active {
			t.Errorf("who stayed is %+v, %v", a, err)
		}
		if _, err := p.Privacy.Leave(as(anna.Actor), anna.ID); err != nil {
			t.Errorf("leaving after having stayed: %v", err)
		}
		if _, err := p.Privacy.Leave(as(anna.Actor), anna.ID); !errs.Is(err, errs.Conflict) {
			t.Errorf("leaving twice = %v; want Conflict", err)
		}
	})
}

func TestLeavingSaysWhatIsInTheWay(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		courier, zara := p.canary(t, "kurt", access.Grant{Role: access.RoleCourier}), p.canary(t, "zara")
		owner, err := p.Accounts.Find(t.Context(), "olga")
		if err != nil {
			t.Fatal(err)
		}
		p.order(t, zara, "k1")
		if err := p.Couriers.SetDuty(as(courier.Actor), true, time.Time{}); err != nil {
			t.Fatal(err)
		}
		for who, want := range map[id.ID]string{
			zara.ID: "1 order of yours is still on its way", courier.ID: "You are on duty", owner.ID: "only owner of Taj", p.admin.ID: "the last admin",
		} {
			list, err := p.Privacy.Obstacles(t.Context(), who)
			if err != nil || len(list) != 1 || !strings.Contains(list[0].Text, want) {
				t.Errorf("in the way is %+v, %v; want %q", list, err, want)
			}
			if _, err := p.Privacy.Leave(t.Context(), who); errs.CodeOf(err) != "not_yet" {
				t.Errorf("leaving all the same = %v; want not_yet", err)
			}
		}
		second := p.person(t, "alma", "Alma", access.Grant{Role: access.RoleAdmin})
		if _, err := p.Privacy.Leave(t.Context(), p.admin.ID); err != nil {
			t.Errorf("one of two admins can't leave: %v", err)
		}
		if _, err := p.Privacy.Leave(t.Context(), second.ID); errs.CodeOf(err) != "not_yet" {
			t.Errorf("the other one = %v; want not_yet", err)
		}
	})
}

// old writes what is forgotten by itself and that nobody in these tests does, as of a time.
func (p *place) old(t *testing.T, at time.Time) {
	t.Helper()
	us, day := at.UnixMicro(), at.Unix()/86400
	err := p.DB.Write(t.Context(), func(tx *db.Tx) error {
		for query, args := range map[string][]any{
			`INSERT INTO trend_use (kind, name, day, account, uses, last_at) VALUES ('tag', 'old', $1, 1, 1, $2)`:                                                                              {day, us},
			`INSERT INTO schedule_draft (id, account, doc, media, changed_at) VALUES (1, 1, '{"text":"old"}', '', $1)`:                                                                         {us},
			`INSERT INTO preview (url_sha256, card, image, fetched_at) VALUES ($2, '', '/media/old.jpg', $1)`:                                                                                  {us, []byte("old")},
			`INSERT INTO figures_tag (tag, day, account, lang, uses) VALUES ('old', $1, 1, '', 1)`:                                                                                             {day},
			`INSERT INTO moderation_block (id, kind, value, severity, comment, public, options, account, created_at, expires_at) VALUES (1, 'mail', 'old.example', '', '', '', '', 0, $1, $1)`: {us},
			`INSERT INTO group_order (id, token, restaurant, host, state, deadline, order_id, created_at) VALUES (1, 'old', 1, 1, 'closed', 0, 0, $1)`:                                         {us},
			`INSERT INTO invoice (id, kind, number, order_id, ref, restaurant, account, buyer, issued_at, currency, total, data)
				VALUES (1, 'receipt', 'old', 1, 'sale:1', 1, 1, 'Zara', $1, 'EUR', 1, '{}')`: {us},
			`INSERT INTO moderation_report (id, target, by_account, category, comment, rules, statuses, forward, assigned, resolved_by, resolved_at, created_at, updated_at)
				VALUES (1, 1, 1, 'other', 'old', '', '', 0, 0, 0, $1, $1, $1)`: {us},
		} {
			if _, err := tx.Exec(t.Context(), query, args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEveryRuleForgetsInTimeAndNotBefore lets years go by and looks, around the time of each rule, whether what it is about is there.
func TestEveryRuleForgetsInTimeAndNotBefore(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		courier, rider, zara := p.canary(t, "kurt", access.Grant{Role: access.RoleCourier}), p.canary(t, "rita", access.Grant{Role: access.RoleCourier}), p.canary(t, "zara")
		// Everything happens within an hour.
		start := p.clock.Now()
		p.live(t, zara, courier)
		if err := p.Couriers.SetDuty(as(rider.Actor), true, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if err := p.Couriers.Position(as(rider.Actor), geo.Point{Lat: 52.5, Lon: 13.4}, p.clock.Now()); err != nil {
			t.Fatal(err)
		}
		p.archiveOf(t, zara.Actor)
		count := func(query string) func() int {
			return func() (n int) {
				if err := p.DB.Read(t.Context(), func(tx *db.Tx) error { return tx.Row(t.Context(), query).Scan(&n) }); err != nil {
					t.Fatal(err)
				}
				return n
			}
		}
		p.old(t, start)
		keep := p.Config.Retention
		const day = 24 * time.Hour
		type rule struct {
			name  string
			keep  time.Duration
			there func() int
			late  time.Duration // after which it is gone; 0: an hour. Figures are forgotten by whole days
		}
		rules := []rule{
			{"addresses.deleted", time.Hour, count(`SELECT COUNT(*) FROM saved_address WHERE deleted_at <> 0`), 0},
			{"group orders", 90 * day, count(`SELECT COUNT(*) FROM group_order WHERE token = 'old'`), 0},
			{"invoices.buyer", keep.Orders, count(`SELECT COUNT(*) FROM invoice WHERE number = 'old' AND buyer <> ''`), 0},
			{"courier.positions", keep.Positions, count(`SELECT COUNT(*) FROM courier WHERE pos_at <> 0`), 0},
			{"replies", keep.Replies, count(`SELECT COUNT(*) FROM idempotency`), 0},
			{"copies", keep.Copies, count(`SELECT COUNT(*) FROM privacy_copy c JOIN privacy_piece p ON p.copy = c.id`), 0},
			{"carts", keep.Carts, count(`SELECT COUNT(*) FROM cart`), 0},
			{"orders.way", keep.Way, count(`SELECT COUNT(*) FROM task WHERE stop = 'dropoff' AND street <> ''`), 0},
			{"sign_ins", keep.SignIns, count(`SELECT COUNT(*) FROM account_device`), 0},
			{"notifications", 180 * 24 * time.Hour, count(`SELECT COUNT(*) FROM notification WHERE type = 'stoa.order'`), 0},
			{"audit", keep.Audit, count(`SELECT COUNT(*) FROM audit WHERE verb = 'account.sign_in'`), 0},
			{"orders.buyer", keep.Orders, count(`SELECT COUNT(*) FROM orders WHERE snapshot LIKE '%Bell zara%'`), 0},
			{"trends", 14 * day, count(`SELECT COUNT(*) FROM trend_use WHERE name = 'old'`), day},
			{"blocks", 30 * day, count(`SELECT COUNT(*) FROM moderation_block WHERE value = 'old.example'`), 0},
			{"drafts", 90 * day, count(`SELECT COUNT(*) FROM schedule_draft WHERE doc = '{"text":"old"}'`), 0},
			{"link previews", 180 * day, count(`SELECT COUNT(*) FROM preview WHERE image = '/media/old.jpg'`), 0},
			{"figures", 400 * day, count(`SELECT COUNT(*) FROM figures_tag WHERE tag = 'old'`), day},
			{"moderation", 2 * 365 * day, count(`SELECT COUNT(*) FROM moderation_report WHERE comment = 'old'`), 0},
		}
		slices.SortStableFunc(rules, func(a, b rule) int { return int((a.keep - b.keep) / time.Minute) })
		known := map[string]bool{}
		for _, part := range p.Privacy.Parts() {
			for _, r := range part.Rules {
				known[r.Name] = true
			}
		}
		for len(rules) > 0 {
			n := slices.IndexFunc(rules, func(r rule) bool { return r.keep != rules[0].keep })
			if n < 0 {
				n = len(rules)
			}
			same, late := rules[:n], time.Hour
			rules = rules[n:]
			p.clock.Advance(start.Add(same[0].keep - time.Minute).Sub(p.clock.Now()))
			p.sweep(t)
			for _, r := range same {
				if !known[r.name] {
					t.Errorf("there is no rule %s", r.name)
				}
				delete(known, r.name)
				if r.there() == 0 {
					t.Errorf("%s: forgotten before its time", r.name)
				}
				late = max(late, r.late)
			}
			p.clock.Advance(late)
			p.sweep(t)
			for _, r := range same {
				if n := r.there(); n != 0 {
					t.Errorf("%s: %d still there after its time", r.name, n)
				}
			}
		}
		if len(known) > 0 {
			t.Errorf("no test of the rules %v", known)
		}
		// The person still sees what they bought.
		list, err := p.Orders.ListMine(as(zara.Actor), "", "", 10)
		if err != nil || len(list.Items) != 2 || list.Items[0].Total == 0 || list.Items[0].To != nil || list.Items[0].Name != "" {
			t.Errorf("orders after their time: %+v, %v", list.Items, err)
		}
	})
}

func (p *place) sweep(t *testing.T) {
	t.Helper()
	if err := p.Privacy.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestErasingAgainChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		courier, zara := p.canary(t, "kurt", access.Grant{Role: access.RoleCourier}), p.canary(t, "zara")
		p.live(t, zara, courier)
		p.leave(t, zara)
		before := p.dump(t)
		ctx := context.WithoutCancel(t.Context())
		for _, part := range p.Privacy.Parts() {
			if part.Erase == nil {
				continue
			}
			err := p.DB.Write(ctx, func(tx *db.Tx) error {
				done, err := part.Erase(ctx, tx, zara.ID)
				if done.More || len(done.Files) > 0 {
					t.Errorf("%s found something to erase once more: %+v", part.Name, done)
				}
				return err
			})
			if err != nil {
				t.Errorf("erasing %s again: %v", part.Name, err)
			}
		}
		after := p.dump(t)
		for _, moving := range []string{"job.", "job_schedule.", "node.", "event_cursor.", "figures_", "instance_", "payout_statement"} {
			for _, m := range []map[string][]string{before, after} {
				for column := range m {
					if strings.HasPrefix(column, moving) {
						delete(m, column)
					}
				}
			}
		}
		if d := cmp.Diff(before, after); d != "" {
			t.Errorf("erasing again changed something (-before +after):\n%s", d)
		}
	})
}

func TestAHandleOfWhoLeftIsNobodyElses(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		zara := p.canary(t, "zara")
		p.leave(t, zara)
		_, err := p.Accounts.Create(t.Context(), account.SignUp{Name: "Thief", Email: "thief@example.org", Password: password, Handle: zara.Handle}, account.Visit{})
		if e := errs.As(err); !errs.Is(err, errs.Invalid) || len(e.Fields) != 1 || e.Fields[0].Path != "handle" {
			t.Errorf("signing up under the handle of who left = %v", err)
		}
		in, err := p.Accounts.Create(t.Context(), account.SignUp{Name: zara.Handle, Email: "other@example.org", Password: password}, account.Visit{})
		if err != nil || in.Account.Handle == zara.Handle {
			t.Errorf("a handle made from a name is %q, %v", in.Account.Handle, err)
		}
	})
}
