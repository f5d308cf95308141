package dispatch

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/web/ui"
)

var (
	markup  = regexp.MustCompile(`(?s)<(script|style|svg)\b.*?</(script|style|svg)>|<[^>]*>`)
	english = regexp.MustCompile(`(?i)\b(the|your|order|is|and|for|until|ready|by|since|free|with|dish)\b[^.]*`)
)

func TestCouriersAndDispatchersReadGerman(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, Schema, events.Schema, jobs.Schema))
	rt := newRouter(w.Service)
	page := func(who id.ID, what string, want ...string) {
		t.Helper()
		ctx := ui.WithChrome(i18n.With(w.as(t, who), "de"), ui.Chrome{TownName: "Lindenau", Now: w.clock.Now(), Lang: "de"})
		a := ask(rt, ctx, what, "application/x-www-form-urlencoded", strings.NewReader("order=1&courier=999"))
		said := strings.Join(strings.Fields(markup.ReplaceAllString(a.Body.String(), " ")), " ")
		if a.Code != http.StatusOK {
			t.Errorf("%s: %d %s", what, a.Code, said)
		}
		for _, s := range want {
			if !strings.Contains(said, s) {
				t.Errorf("%s does not say %q: %s", what, s, said)
			}
		}
		if left := english.FindString(strings.ReplaceAll(said, "Ring twice", "")); left != "" {
			t.Errorf("%s says in English: %s", what, left)
		}
	}
	page(anna, "GET /courier", "Warten auf eine Bestellung", "Im Dienst", "Fahrrad", "seit 12:00", "Dienst beenden")
	page(dispatcherID, "GET /dispatch/live", "Trattoria: Andrang", "Nichts zu bringen", "Frei", "Fahrrad, gesehen")
	trip := w.confirmed(t, 1)
	w.clock.Advance(time.Minute)
	w.seeks(t, 1)
	page(anna, "GET /courier/live", "Neue Bestellung", "fertig 12:10", "bis 12:40", "Trinkgeld für dich", "An der Tür zu kassieren 23,50 €", "Annehmen", "Ablehnen")
	page(dispatcherID, "GET /dispatch/live", "Angeboten", "versprochen 12:40", "(frei)", "Zuteilen")
	if err := w.Accept(w.as(t, anna), 1); err != nil {
		t.Fatal(err)
	}
	page(anna, "GET /courier/live", "Abholen", "Die Küche ist noch dran. Fertig etwa 12:10", "Los zum Restaurant", "Bin da", "Geht nicht", "Das Wetter ist zu schlecht")
	page(dispatcherID, "POST /dispatch/assign", "Zugeteilt", "Dieser Kurier ist nicht im Dienst.", "1 Bestellung")
	w.becomes(t, 1, delivery.Ready)
	w.does(t, anna, trip.Pickup.ID, Complete)
	page(anna, "GET /courier/live", "Bringen", "An der Tür bis 12:40", "Kassieren 23,50 €", "Die vier Ziffern des Kunden", "Niemand hat geöffnet")
	if err := w.Do(w.as(t, anna), trip.Dropoff.ID, Fail, Did{Reason: "NOT_AT_HOME"}); err != nil {
		t.Fatal(err)
	}
	page(anna, "GET /courier/live", "Heute 1 Bestellung", "K7Q-2PM, Niemand hat geöffnet")
	page(dispatcherID, "GET /dispatch/live", "Niemand hat geöffnet", "Noch einmal losschicken", "Storniert lassen")
}
