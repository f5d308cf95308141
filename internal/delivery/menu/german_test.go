package menu

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// german returns what somebody who reads German is answered.
func (h *house) german(method, path, body string) string {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("HX-Request", "true")
	}
	w := httptest.NewRecorder()
	h.rt.ServeHTTP(w, r.WithContext(i18n.With(access.With(r.Context(), owner), "de")))
	return w.Body.String()
}

func TestPagesSpeakGerman(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		group := must(h.SaveGroup(ctx, owner, 7, 0, GroupInput{Name: "Portion", Min: 1, Max: 1, Options: []OptionInput{{Name: "Klein"}, {Name: "Riesig", Stock: ptr(int64(0))}}}))(t)
		item := h.dish(t, "Dal", 4)
		ok(t, h.EditItem(ctx, owner, 7, item, ItemPatch{Groups: &[]id.ID{group}, Diets: &[]string{"gluten_free"}}))
		ok(t, h.Set(ctx, owner, 7, h.dish(t, "Reis", -1), Availability{SoldOut: &delivery.Forever}))
		for _, tt := range []struct {
			name, body, want, not string
		}{
			{
				"the card", h.german("GET", pages, ""), "Neuer Abschnitt|Glutenfrei|ausverkauft|Dal ist bis morgen ausverkauft|Dal nach oben schieben|Portionen von Dal übrig|Wieder auf die Karte",
				"New |Delete|Move |Sold|sold|Copy|Price|Portions|left<|Count|Back|Settings|Undo",
			},
			{
				"the sold-out list", h.german("GET", "/kitchen/dal/menu", ""), "Ausverkauft|nichts übrig|noch 4|Reis gibt es wieder|Gericht suchen|Länger",
				"Sold|· sold|none|left<|Today|Longer|Find|again",
			},
			{
				"a dish", h.german("GET", pages+"/items/"+item.String(), ""), "Preis mit Steuer|Sulfite|Kalorienarm|Getränke|Enthält|Passt zu|(1 wählen)",
				"Contains|Suits|Drinks|Low |choose|Taxed",
			},
			{"the options", h.german("GET", pages+"/groups", ""), "1 wählen, bei einem Gericht|Neue Optionsgruppe", "choose|used|Options<"},
			{"a toast", h.german("POST", pages+"/items/"+item.String()+"/price", "price=8"), `data-toast="Preis gespeichert"`, "Price"},
			{"a bad price", h.german("POST", pages+"/items/"+item.String(), url.Values{"name": {"Dal"}, "price": {"7,505"}}.Encode()), "Trennt das Zeichen", "decimal point"},
			{"a bad group", h.german("POST", pages+"/groups/new", "name=&min=0&max=0"), "Gib einen Namen an.|Zwischen 1 und 40, und nicht unter der Mindestzahl.", "Give it|Between"},
		} {
			for want := range strings.SplitSeq(tt.want, "|") {
				if !strings.Contains(tt.body, want) {
					t.Errorf("%s lacks %q", tt.name, want)
				}
			}
			for not := range strings.SplitSeq(tt.not, "|") {
				if i := strings.Index(tt.body, not); i >= 0 {
					t.Errorf("%s says %q in English: …%s", tt.name, not, tt.body[max(0, i-60):min(len(tt.body), i+60)])
				}
			}
		}
	})
}

func TestWhatIsWrongIsSaidInTheLanguageOfTheReader(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := i18n.With(t.Context(), "de")
		item := h.dish(t, "Dal", 2)
		must(h.Menu(ctx, 7))(t)
		err := h.take(ctx, delivery.Portion{Path: "lines[0]", Item: item, Qty: 3})
		if got := i18n.Error(ctx, err); got != "Nur noch 2 von Dal übrig." {
			t.Errorf("too large an order: %q", got)
		}
		rep, err := h.Import(ctx, owner, 7, "csv", strings.NewReader("item,price\nNaan,7.505\n"), ImportOptions{})
		if errs.CodeOf(err) != "bad_lines" || len(rep.Problems) != 1 {
			t.Fatalf("Import = %v, %v; want one bad line", rep, err)
		}
		const price = "Trennt das Zeichen Nachkommastellen oder Tausender? Schreib den Preis mit so vielen Nachkommastellen, wie die Währung hat."
		if got := rep.Problems[0].In(ctx); got != price {
			t.Errorf("the bad line says %q; want %q", got, price)
		}
		if got, want := i18n.Error(ctx, err), "Nichts wurde importiert: Zeile 2, price: "+price; got != want {
			t.Errorf("the refusal says %q; want %q", got, want)
		}
		if got := rep.Problems[0].String(); !strings.HasPrefix(got, "line 2, price: Is this a decimal point") {
			t.Errorf("the command line says %q; want English", got)
		}
	})
}
