package order

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
)

func TestPagesSpeakGermanToWhoReadsGerman(t *testing.T) {
	d := newEvening(t)
	d.lang = "de"
	fresh := d.place(t, supper(delivery.ByCourier, "", line(101, 2, "")))
	riding := d.place(t, supper(delivery.ByCourier, "", line(100, 1, "")))
	kitchen := "/kitchen/luigi/orders/"
	d.ask(cook, kitchen+riding.Code+"/delay", url.Values{"minutes": {"15"}, "note": {"A dish takes longer"}}, true)
	d.upTo(t, riding.Order, delivery.InDelivery)
	d.heads(t, riding.Order)
	gone := d.place(t, supper(delivery.ByCourier, "", line(103, 1, "")))
	must[*View](t)(d.Cancel(as(desk), gone.Order, Why{Reason: "NO_COURIER"}))
	d.paused = d.clock.Now().Add(90 * time.Minute)
	tags := regexp.MustCompile(`(?s)<(script|style|svg)\b.*?</(script|style|svg)>|<[^>]*>`)
	for _, c := range []struct {
		who    access.Actor
		path   string
		german []string
	}{
		{anna, "/orders", []string{"Deine Bestellungen", "Unterwegs", "etwa 19:"}},
		{anna, "/orders/" + riding.Code, []string{"Dora ist mit deinem Abendessen unterwegs.", "Sag Dora", "Später als versprochen:", "„Ein Gericht braucht länger“", "darin 10 % Steuer auf", "An der Tür zu zahlen: 14,40 €"}},
		{anna, "/orders/" + fresh.Code, []string{"hat die Bestellung und antwortet bis", "zu deiner Tür", "Stornieren"}},
		{anna, "/orders/" + fresh.Code + "/cancel", []string{"Diese Bestellung stornieren", "Du zahlst nichts.", "Ich habe aus Versehen bestellt"}},
		{anna, "/orders/" + gone.Code, []string{"Es tut uns leid: Diese Bestellung wurde um 19:00 storniert.", "Es war niemand da, der sie bringen konnte.", "Selbst abholen"}},
		{access.Actor{}, "/t/" + riding.Token, []string{"Essen von Da Nonna", "Dora ist mit dem Abendessen unterwegs.", "Was kommt"}},
		{cook, "/kitchen/luigi", []string{"Neu", "Annehmen", "Ablehnen", "Pause bis", "Die Theke ist leer.", "Lieferung", "in jedem:"}},
		{cook, "/kitchen/luigi/ended", []string{"Erledigt und storniert", "Kein Kurier da", "Wieder aufnehmen"}},
		{cook, kitchen + fresh.Code, []string{"Wartet auf die Küche", "Zahlt an der Tür", "Drucken"}},
		{cook, kitchen + fresh.Code + "/refuse", []string{"Ablehnen " + fresh.Code, "Gerade zu viel los", "Ablehnen und als ausverkauft markieren"}},
		{cook, kitchen + fresh.Code + "/delay", []string{"Geplant: fertig um", "In der Küche ist viel los"}},
		{cook, kitchen + fresh.Code + "/print", []string{"fertig", "in jedem von 2:", "2 insgesamt · bestellt 19:00"}},
	} {
		w := d.ask(c.who, c.path, nil, true)
		if w.Code != 200 {
			t.Errorf("%s: %d", c.path, w.Code)
		}
		said := strings.Join(strings.Fields(tags.ReplaceAllString(w.Body.String(), " ")), " ")
		for _, want := range c.german {
			if !strings.Contains(said, want) {
				t.Errorf("%s does not say %q: %s", c.path, want, said)
			}
		}
		if left := regexp.MustCompile(`(?i)\b(the|your|order|is|and|for|until|ready|by|cancel)\b[^.]*`).FindString(strings.ReplaceAll(said, "The gate code is", "")); left != "" {
			t.Errorf("%s says in English: %s", c.path, left)
		}
	}
	if got := d.ask(cook, kitchen+fresh.Code+"/ready", url.Values{}, true).Body.String(); !strings.Contains(got, "Das geht nicht: Die Bestellung ist noch nicht angenommen.") {
		t.Error("the toast does not say in German why a step is impossible")
	}
}
