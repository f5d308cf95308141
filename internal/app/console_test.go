package app

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/signup"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/console/setup"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/delivery/promo"
	"github.com/stoa-town/stoa/internal/delivery/wallet"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// desk is an admin who asks a served town.
type desk struct {
	*place
	url   string
	token string
}

func newDesk(t *testing.T, p *place) *desk {
	t.Helper()
	srv := httptest.NewServer(p.Handler())
	t.Cleanup(srv.Close)
	return &desk{p, srv.URL, p.newToken(t, p.admin.ID)}
}

func (p *place) newToken(t *testing.T, who id.ID) string {
	t.Helper()
	token, err := p.Accounts.CreateToken(t.Context(), who, "test", []string{"read", "write"})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// ask sends a request and returns the status and the body. Form values make it a form, other text JSON.
func (d *desk) ask(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if d.token != "" {
		req.Header.Set("Authorization", "Bearer "+d.token)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(path, "/api/") {
		req.Header.Set("Content-Type", "application/json")
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	reply, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	b, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(b)
}

// deeds are one good request for each route of admins that changes something.
func (d *desk) deeds(t *testing.T) map[string][2]string {
	t.Helper()
	ctx := as(d.admin)
	ben := d.person(t, "ben", "Ben")
	in, err := d.Accounts.Enter(ctx, ben.ID, account.ByPassword, account.Visit{Device: "test"})
	if err != nil {
		t.Fatal(err)
	}
	mode := "approval"
	if err := d.Settings.Change(ctx, map[string]*string{"signup.mode": &mode}); err != nil {
		t.Fatal(err)
	}
	wait := func(name string) string {
		_, err := d.SignUps.Join(ctx, signup.Request{SignUp: account.SignUp{Name: name, Handle: name, Email: name + "@canary.example", Password: password}, Agreed: true}, account.Visit{IP: "192.0.2.1"})
		if err != nil {
			t.Fatal(err)
		}
		a, err := d.Accounts.Find(ctx, name)
		if err != nil || a.State != account.Pending {
			t.Fatalf("%s is %v, %v; want pending", name, a.State, err)
		}
		return a.ID.String()
	}
	_, invite, err := d.SignUps.Invite(ctx, signup.InviteSpec{})
	if err != nil {
		t.Fatal(err)
	}
	change, err := d.Settings.History(ctx, "", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	job := func() string {
		var made id.ID
		if err := d.DB.Write(ctx, func(tx *db.Tx) (err error) {
			made, err = d.Jobs.Enqueue(ctx, tx, "order.conclude", struct{}{}, jobs.Opts{RunAt: d.clock.Now().Add(time.Hour)})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return made.String()
	}
	calendar, err := d.Jobs.Schedules(ctx)
	if err != nil || len(calendar) == 0 {
		t.Fatalf("the calendar: %v, %v", calendar, err)
	}
	promotion, err := d.Promotions.Create(ctx, promo.Promotion{Code: "OLD", Rules: promo.Rules{Kind: delivery.DiscountAmount, Amount: 100, Bearer: delivery.PartyPlatform}})
	if err != nil {
		t.Fatal(err)
	}
	gifts, err := d.Wallet.MakeGifts(ctx, id.Secret(), wallet.NewBatch{Amount: 1000, Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	err = d.DB.Write(ctx, func(tx *db.Tx) error { // the town owes somebody something
		owed := delivery.Entry{Book: delivery.Book{Kind: delivery.BookCourier, Owner: ben.ID, Currency: "EUR"}, Amount: -900, What: "pay"}
		pay := delivery.Entry{Book: delivery.Book{Kind: delivery.BookPlatform, Sub: delivery.SubCourierPay, Currency: "EUR"}, Amount: 900, What: "pay"}
		return d.Ledger.Post(ctx, tx, delivery.Posting{Ref: "test", What: "earned", At: d.clock.Now(), Entries: []delivery.Entry{owed, pay}})
	})
	if err != nil {
		t.Fatal(err)
	}
	run, err := d.Payouts.MakeDraft(ctx, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	shops, err := d.Restaurants.All(ctx)
	if err != nil || len(shops) == 0 {
		t.Fatalf("restaurants: %d, %v", len(shops), err)
	}
	payout, deal := "/admin/payouts/"+run.ID.String(), "/admin/restaurants/"+shops[0].Slug
	person, rest := "/admin/people/"+ben.ID.String(), "/api/stoa/v1/admin/people/"+ben.ID.String()
	return map[string][2]string{
		"POST /admin/people/{id}/suspend":                {person + "/suspend", "reason=spam"},
		"POST /admin/people/{id}/reinstate":              {person + "/reinstate", ""},
		"POST /admin/people/{id}/grant":                  {person + "/grant", "role=courier&days=7"},
		"POST /admin/people/{id}/revoke":                 {person + "/revoke", "role=courier"},
		"POST /admin/people/{id}/note":                   {person + "/note", "note=hello"},
		"POST /admin/people/{id}/sign-out":               {person + "/sign-out", ""},
		"POST /admin/people/{id}/sessions/{session}/end": {person + "/sessions/" + in.Session.ID.String() + "/end", ""},
		"POST /admin/people/{id}/link":                   {person + "/link", ""},
		"POST /admin/sign-ups/{id}/approve":              {"/admin/sign-ups/" + wait("wanda") + "/approve", ""},
		"POST /admin/sign-ups/{id}/reject":               {"/admin/sign-ups/" + wait("willi") + "/reject", "reason=no"},
		"POST /admin/invites":                            {"/admin/invites", "uses=1&days=7&note=Zoe"},
		"POST /admin/invites/{id}/revoke":                {"/admin/invites/" + invite.ID.String() + "/revoke", ""},
		"POST /admin/settings":                           {"/admin/settings", "group=town&town.name=Arkadia"},
		"POST /admin/settings/{key}/reset":               {"/admin/settings/town.name/reset", ""},
		"POST /admin/settings/history/{id}/put-back":     {"/admin/settings/history/" + change.Items[0].ID.String() + "/put-back", ""},
		"POST /admin/mail/test":                          {"/admin/mail/test", ""},
		"POST /admin/mail/{id}/retry":                    {"/admin/mail/" + job() + "/retry", ""},
		"POST /admin/jobs/{id}/retry":                    {"/admin/jobs/" + job() + "/retry", ""},
		"POST /admin/jobs/{id}/discard":                  {"/admin/jobs/" + job() + "/discard", ""},
		"POST /admin/jobs/schedules/{name}/run":          {"/admin/jobs/schedules/" + calendar[0].Name + "/run", ""},
		"PATCH /api/stoa/v1/admin/people/{id}":           {rest, `{"state":"active"}`},
		"POST /api/stoa/v1/admin/people/{id}/roles":      {rest + "/roles", `{"role":"dispatcher"}`},
		"POST /api/stoa/v1/admin/people/{id}/sign-out":   {rest + "/sign-out", ""},
		"PATCH /api/stoa/v1/admin/settings":              {"/api/stoa/v1/admin/settings", `{"town.accent_hue":"77","town.name":null}`},

		"POST /admin/credit":                       {"/admin/credit", "idempotency_key=deed-credit&who=ben&amount=5&reason=thanks"},
		"POST /admin/credit/gifts":                 {"/admin/credit/gifts", "idempotency_key=deed-gifts&amount=5&count=2"},
		"POST /admin/credit/gifts/{id}/end":        {"/admin/credit/gifts/" + gifts.ID.String() + "/end", ""},
		"POST /admin/promotions":                   {"/admin/promotions", "code=NEW&kind=amount&amount=2&bearer=platform"},
		"POST /admin/promotions/{id}":              {"/admin/promotions/" + promotion.ID.String(), "code=OLD&kind=amount&amount=3&bearer=platform"},
		"POST /admin/promotions/{id}/state":        {"/admin/promotions/" + promotion.ID.String() + "/state", "state=paused"},
		"POST /admin/restaurants/{slug}":           {deal, "commission=12&flat=0&pickup_commission=5&pickup_flat=0&card_fee=platform&fee_to=platform"},
		"POST /admin/restaurants/{slug}/town":      {deal + "/town", ""},
		"POST /admin/finance/incidents/{id}/close": {"/admin/finance/incidents/" + d.incident(t).String() + "/close", ""},
		"POST /admin/payouts":                      {"/admin/payouts", "minimum=0"},
		"POST /admin/payouts/{id}/exclude":         {payout + "/exclude", "kind=courier&owner=" + ben.ID.String() + "&currency=EUR&out=on&note=later"},
		"POST /admin/payouts/{id}/discard":         {payout + "/discard", ""},

		"DELETE /api/stoa/v1/admin/people/{id}/roles/{role}": {rest + "/roles/dispatcher", ""},
	}
}

// elsewhere are routes that are tried elsewhere, or are no deeds.
var elsewhere = map[string]string{
	"POST /admin/promotions/sentence":     "shows what a promotion would do and changes nothing",
	"POST /admin/bank":                    "asks who it is; tests/dinner answers, and looks into the log",
	"POST /admin/payouts/{id}/approve":    "asks who it is; tests/dinner answers, and looks into the log",
	"POST /admin/finance/orders/{id}/ask": "asks a provider what it owes an answer to, as a job does each minute",
	"POST /admin/payouts/{id}/fail":       "of a run that was sent, see above",
}

// inOrder are deeds that make room for others.
var inOrder = []string{
	"POST /admin/people/{id}/sessions/{session}/end", "POST /admin/people/{id}/link", "POST /admin/people/{id}/suspend", "POST /admin/people/{id}/reinstate",
	"POST /admin/people/{id}/grant", "POST /admin/people/{id}/revoke", "POST /admin/settings", "POST /admin/settings/{key}/reset",
	"POST /api/stoa/v1/admin/people/{id}/roles", "DELETE /api/stoa/v1/admin/people/{id}/roles/{role}",
	"POST /admin/restaurants/{slug}", "POST /admin/payouts/{id}/exclude", "POST /admin/payouts/{id}/discard",
}

func TestEveryDeedOfAnAdminIsInTheAuditLog(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		d := newDesk(t, p)
		deeds := d.deeds(t)
		order := append([]string{}, inOrder...)
		for _, r := range d.Router.Routes() {
			method, path, _ := strings.Cut(r.Pattern, " ")
			if method == http.MethodGet || !strings.HasPrefix(path, "/admin") && !strings.HasPrefix(path, "/api/stoa/v1/admin") {
				continue
			}
			if elsewhere[r.Pattern] != "" {
				continue
			}
			if _, ok := deeds[r.Pattern]; !ok {
				t.Errorf("%s is not tried here: give it a request", r.Pattern)
			}
			if !strings.Contains(strings.Join(inOrder, ","), r.Pattern) {
				order = append(order, r.Pattern)
			}
		}
		for _, pattern := range order {
			method, _, _ := strings.Cut(pattern, " ")
			before := d.entries(t)
			status, body := d.ask(t, method, deeds[pattern][0], deeds[pattern][1])
			if status >= 400 {
				t.Errorf("%s %s: %d %.300s", method, deeds[pattern][0], status, body)
				continue
			}
			if after := d.entries(t); after <= before {
				t.Errorf("%s left no entry", pattern)
			}
		}
	})
}

// entries returns how many entries are of the admin.
func (d *desk) entries(t *testing.T) int {
	t.Helper()
	var out bytes.Buffer
	if err := d.Audit.Lines(t.Context(), &out, audit.Filter{Actor: d.admin.ID}); err != nil {
		t.Fatal(err)
	}
	return strings.Count(out.String(), "\n")
}

func TestEveryPageOfTheConsoleShowsInBothLanguages(t *testing.T) {
	p := newPlace(t, "")
	d := newDesk(t, p)
	ben := d.person(t, "ben", "Ben <b>bold</b>", access.Grant{Role: access.RoleStaff, Place: d.shop})
	if err := d.Directory.AddNote(as(d.admin), ben.ID, "<script>alert(1)</script>"); err != nil {
		t.Fatal(err)
	}
	name := "Arkadia"
	if err := d.Settings.Change(as(d.admin), map[string]*string{"town.name": &name}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][2]string{
		"/admin":                                 {"Overview", "Überblick"},
		"/admin/health":                          {"Disk", "Platte"},
		"/admin/people?q=BEN":                    {"@ben", "@ben"},
		"/admin/people?role=admin&state=active":  {"@ada", "Verwaltung"},
		"/admin/people?q=zzz":                    {"Nobody found", "Niemand gefunden"},
		"/admin/people/" + ben.ID.String():       {"Staff of a restaurant", "Personal eines Restaurants"},
		"/admin/sign-ups":                        {"Nobody waits", "Niemand wartet"},
		"/admin/settings":                        {"Name of the town", "Name des Ortes"},
		"/admin/settings/history":                {"Put back", "Zurücknehmen"},
		"/admin/audit?verb=settings":             {"settings.change", "settings.change"},
		"/admin/audit?verb=no":                   {"No such entry", "Kein solcher Eintrag"},
		"/admin/mail":                            {"admin.test", "E-Mails kommen an"},
		"/admin/mail/samples/admin.test":         {"Letters arrive", "E-Mails kommen an"},
		"/admin/mail/samples/admin.test/html":    {"Letters arrive", "E-Mails kommen an"},
		"/admin/mail/samples/admin.test?lang=de": {"E-Mails kommen an", "E-Mails kommen an"},
		"/admin/jobs":                            {"Schedules", "Zeitpläne"},
		"/admin/jobs?state=discarded":            {"No such job", "Keine solche Aufgabe"},
	} {
		for i, lang := range []string{"en", "de"} {
			if _, err := d.Accounts.Update(t.Context(), d.admin.ID, account.Profile{Lang: &lang}); err != nil {
				t.Fatal(err)
			}
			status, body := d.ask(t, http.MethodGet, path, "")
			if status != http.StatusOK || !strings.Contains(body, want[i]) {
				t.Errorf("%s in %s: %d without %q", path, lang, status, want[i])
			}
			if strings.Contains(body, "<script>alert") || strings.Contains(body, "<b>bold") {
				t.Errorf("%s shows what people wrote as HTML", path)
			}
		}
	}
	for path, want := range map[string]int{
		"/admin/people/1": 404, "/admin/people/x": 404, "/admin/mail/samples/none": 404, "/admin/people?cursor=x": 422, "/admin/people?role=king": 422,
		"/admin/audit?from=tomorrow": 422, "/admin/audit/export?format=xml": 422, "/admin/jobs?cursor=x": 422, "/admin/settings/history?cursor=x": 422, "/setup": 404,
	} {
		if status, _ := d.ask(t, http.MethodGet, path, ""); status != want {
			t.Errorf("GET %s: %d; want %d", path, status, want)
		}
	}
}

func TestNobodyButAdminsSeesTheConsole(t *testing.T) {
	p := newPlace(t, "")
	d := newDesk(t, p)
	for _, role := range []access.Role{"", access.RoleCourier, access.RoleDispatcher, access.RoleModerator} {
		var grants []access.Grant
		if role != "" {
			grants = append(grants, access.Grant{Role: role})
		}
		d.token = d.tokenOf(t, "x"+string(role), grants...)
		for _, path := range []string{"/admin", "/admin/people", "/admin/audit/export", "/api/stoa/v1/admin/people", "/api/stoa/v1/admin/settings"} {
			if status, body := d.ask(t, http.MethodGet, path, ""); status != http.StatusForbidden || strings.Contains(body, "ada@") {
				t.Errorf("%q gets %s: %d", role, path, status)
			}
		}
	}
}

func (d *desk) tokenOf(t *testing.T, handle string, grants ...access.Grant) string {
	t.Helper()
	return d.newToken(t, d.person(t, handle, handle, grants...).ID)
}

func TestAdminsCanNeitherLockThemselvesOutNorBeTheLastToGo(t *testing.T) {
	p := newPlace(t, "")
	d := newDesk(t, p)
	me := d.admin.ID.String()
	for name, c := range map[string]struct {
		path, body string
		want       int
	}{
		"suspend oneself":        {"/admin/people/" + me + "/suspend", "reason=x", 409},
		"give up the last role":  {"/admin/people/" + me + "/revoke", "role=admin", 409},
		"suspend without reason": {"/admin/people/" + d.person(t, "ben", "Ben").ID.String() + "/suspend", "reason=+", 422},
		"a role of no place":     {"/admin/people/" + me + "/grant", "role=staff&place=nowhere", 422},
		"no role":                {"/admin/people/" + me + "/grant", "role=king", 422},
		"a setting out of range": {"/admin/settings", "group=town&town.accent_hue=900", 422},
		"a locked setting":       {"/admin/settings/mail.from/reset", "", 422},
		"an unknown schedule":    {"/admin/jobs/schedules/none/run", "", 404},
		"an unknown job":         {"/admin/jobs/12345/retry", "", 404},
		"somebody who is not":    {"/admin/people/12345/note", "note=x", 404},
	} {
		if status, body := d.ask(t, http.MethodPost, c.path, c.body); status != c.want {
			t.Errorf("%s: %d %.200s; want %d", name, status, body, c.want)
		}
	}
}

func TestTheAuditLogIsExportedAsItIsFiltered(t *testing.T) {
	p := newPlace(t, "")
	d := newDesk(t, p)
	for _, name := range []string{"=HYPERLINK(1)", "Two"} {
		if err := d.Settings.Change(as(d.admin), map[string]*string{"town.name": &name}); err != nil {
			t.Fatal(err)
		}
	}
	status, body := d.ask(t, http.MethodGet, "/admin/audit/export?format=csv&verb=settings.change", "")
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if status != 200 || err != nil || len(rows) != 3 || rows[1][5] != "settings.change" {
		t.Errorf("the table: %d, %v, %q", status, err, body)
	}
	_, body = d.ask(t, http.MethodGet, "/admin/audit/export?format=jsonl&verb=settings.change", "")
	for line := range strings.Lines(body) {
		var e audit.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Thing != "setting:town.name" {
			t.Errorf("the line %q: %v", line, err)
		}
	}
	_, body = d.ask(t, http.MethodGet, "/api/stoa/v1/admin/audit?verb=settings&limit=1", "")
	var page struct {
		Items []audit.Entry
		Next  string
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Items) != 1 || page.Next == "" {
		t.Errorf("the API: %v %s", err, body)
	}
}

func TestASettingIsSeenOnTheNextPage(t *testing.T) {
	p := newPlace(t, "")
	d := newDesk(t, p)
	if status, body := d.ask(t, http.MethodPatch, "/api/stoa/v1/admin/settings", `{"town.name":"Neustadt"}`); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if _, body := d.ask(t, http.MethodGet, "/docs/api", ""); !strings.Contains(body, "Neustadt") {
		t.Error("the page does not name the town as it is called now")
	}
	if status, body := d.ask(t, http.MethodPatch, "/api/stoa/v1/admin/settings", `{"limits.pages":"1/1h"}`); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	d.ask(t, http.MethodGet, "/docs/api", "")
	if status, _ := d.ask(t, http.MethodGet, "/docs/api", ""); status != http.StatusTooManyRequests {
		t.Errorf("the second page of an hour: %d; want 429", status)
	}
}

// bare is a town without an admin.
func bare(t *testing.T, database string) *place {
	t.Helper()
	p := newPlace(t, database)
	err := p.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `DELETE FROM account_role WHERE role = 'admin'`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOfManyWhoSetATownUpAtOnceOneBecomesAdmin(t *testing.T) {
	test := func(t *testing.T, database string) {
		p := bare(t, database)
		old, err := p.Setup.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		token, err := p.Setup.Begin(t.Context())
		if err != nil || token == "" || token == old {
			t.Fatalf("Begin = %q, %v", token, err)
		}
		for _, wrong := range []string{"", "x", old} {
			if err := p.Setup.Open(t.Context(), wrong); !errs.Is(err, errs.NotFound) {
				t.Errorf("Open(%q) = %v", wrong, err)
			}
		}
		if _, err := p.Setup.Finish(t.Context(), token, setup.Request{Name: "N", Email: "no", Password: password}); !errs.Is(err, errs.Invalid) {
			t.Errorf("a bad address: %v", err)
		}
		var wait sync.WaitGroup
		failed := make([]error, 5)
		for i := range failed {
			wait.Go(func() {
				in := setup.Request{Name: "New", Email: fmt.Sprintf("new%d@canary.example", i), Password: password, Settings: map[string]string{"town.name": "Newtown"}}
				_, failed[i] = p.Setup.Finish(t.Context(), token, in)
			})
		}
		wait.Wait()
		won := 0
		for _, err := range failed {
			if err == nil {
				won++
			} else if !errs.Is(err, errs.NotFound) {
				t.Errorf("who came too late: %v", err)
			}
		}
		admins, err := p.Accounts.Holders(t.Context(), access.Grant{Role: access.RoleAdmin})
		if won != 1 || err != nil || len(admins) != 1 {
			t.Errorf("%d won, and there are %d admins (%v)", won, len(admins), err)
		}
		if p.Settings.Config().Town.Name != "Newtown" {
			t.Error("what the town is called was not kept")
		}
		if again, err := p.Setup.Begin(t.Context()); again != "" || err != nil {
			t.Errorf("a link for a town with an admin: %q, %v", again, err)
		}
	}
	onDatabases(t, test)
}

func TestTheSetUpLinkEndsAfterADayAndWithAnyAdmin(t *testing.T) {
	onDatabases(t, func(t *testing.T, database string) {
		p := bare(t, database)
		token, err := p.Setup.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.clock.Advance(setup.LinkFor + time.Second)
		if err := p.Setup.Open(t.Context(), token); !errs.Is(err, errs.NotFound) {
			t.Errorf("after a day: %v", err)
		}
		if token, err = p.Setup.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _, made := p.Accounts.CreateWithRole(t.Context(), account.WithRole{Name: "byhand", Email: "byhand@canary.example", Password: password, Roles: []string{"admin"}})
		_, late := p.Setup.Finish(t.Context(), token, setup.Request{Name: "Late", Email: "late@canary.example", Password: password})
		if made != nil || !errs.Is(late, errs.NotFound) {
			t.Errorf("with an admin made by the command line: %v", errors.Join(made, late))
		}
	})
}

func onDatabases(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "") })
	t.Run("postgres", func(t *testing.T) { test(t, dbtest.PostgresURL(t)) })
}

func TestSettingUpByPageSignsInAndClosesThePage(t *testing.T) {
	p := bare(t, "")
	token, err := p.Setup.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, p)
	d.token = ""
	form := url.Values{"token": {token}, "name": {"Nora"}, "email": {"nora@canary.example"}, "password": {password}, "town.name": {"Neustadt"}, "town.lang": {"de"}, "signup.mode": {"invite"}}
	ask := func(method, path, body string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, d.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		reply, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		return reply
	}
	if r := ask(http.MethodGet, "/setup?token="+token, ""); r.StatusCode != 200 || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page: %d, %q", r.StatusCode, r.Header.Get("Cache-Control"))
	}
	bad := url.Values{"token": {token}, "name": {"Nora"}, "email": {"nora"}, "password": {""}}
	if r := ask(http.MethodPost, "/setup", bad.Encode()); r.StatusCode != 422 {
		t.Errorf("a bad form: %d", r.StatusCode)
	}
	r := ask(http.MethodPost, "/setup", form.Encode())
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/admin?welcome=1" || len(r.Cookies()) == 0 {
		t.Errorf("set up: %d to %q with %d cookies", r.StatusCode, r.Header.Get("Location"), len(r.Cookies()))
	}
	if c := p.Settings.Config(); c.Town.Name != "Neustadt" || c.Town.Lang != "de" || c.Signup.Mode != "invite" {
		t.Errorf("the settings are %+v, %+v", c.Town, c.Signup)
	}
	for _, path := range []string{"/setup", "/setup?token=" + token} {
		if r := ask(http.MethodGet, path, ""); r.StatusCode != 404 {
			t.Errorf("GET %s afterwards: %d", path, r.StatusCode)
		}
	}
	if r := ask(http.MethodPost, "/setup", form.Encode()); r.StatusCode != 404 {
		t.Errorf("a second time: %d", r.StatusCode)
	}
}

// incident reports something about a payment that does not agree, and returns its id.
func (p *place) incident(t *testing.T) id.ID {
	t.Helper()
	err := p.DB.Write(t.Context(), func(tx *db.Tx) error {
		return p.Payments.Report(t.Context(), tx, payment.Incident{Provider: "sandbox", Kind: "void_refused", Detail: "no_such_charge"})
	})
	list := must(p.Payments.Incidents(t.Context()))
	if err != nil || len(list) == 0 {
		t.Fatalf("no incident: %v", err)
	}
	return list[0].ID
}
