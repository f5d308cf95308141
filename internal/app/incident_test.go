package app

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/platform/db"
)

func TestAnIncidentIsListedWithItsOrderUntilSomebodyHasSeenToIt(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		anna := p.canary(t, "anna")
		o := p.order(t, anna, "k1")
		admin := p.enter(t, p.admin)
		if got := admin.ask("GET", "/admin/finance", "").Body.String(); strings.Contains(got, `id="incidents"`) {
			t.Error("the page of money speaks of incidents where there are none")
		}
		err := p.DB.Write(t.Context(), func(tx *db.Tx) error {
			return p.Payments.Report(t.Context(), tx, payment.Incident{Order: o.Order, Provider: "sandbox", Ref: "pi_1", Kind: "capture_refused", Detail: "The bank says no."})
		})
		if err != nil {
			t.Fatal(err)
		}
		got := admin.ask("GET", "/admin/finance", "").Body.String()
		for _, want := range []string{`href="/orders/` + o.Code + `/refunds"`, "capture_refused", "The bank says no.", "pi_1"} {
			if !strings.Contains(got, want) {
				t.Errorf("the page of money lacks %q", want)
			}
		}
		way := regexp.MustCompile(`/admin/finance/incidents/\d+/close`).FindString(got)
		if w := p.enter(t, anna.Actor).ask("POST", way, url.Values{}.Encode()); w.Code != 403 && w.Code != 404 {
			t.Errorf("a customer closes an incident: %d", w.Code)
		}
		if w := admin.ask("POST", way, ""); w.Code != 303 {
			t.Errorf("close: %d %s", w.Code, w.Body)
		}
		if got := admin.ask("GET", "/admin/finance", "").Body.String(); strings.Contains(got, "capture_refused") {
			t.Error("what somebody has seen to is listed still")
		}
	})
}
