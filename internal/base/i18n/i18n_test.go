package i18n

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
)

func TestMatchFollowsTheBrowsersOrder(t *testing.T) {
	for accept, want := range map[string]string{
		"":                                     "",
		"de":                                   "de",
		"de-AT,de;q=0.9,en;q=0.8":              "de",
		"en-US,en;q=0.9":                       "en",
		"fr, de;q=0.5, en;q=0.3":               "de",
		"en;q=0.3, de;q=0.5":                   "de",
		"de;q=0, en":                           "en",
		"fr, ja":                               "",
		"*":                                    "",
		"de\r\nX: 1":                           "",
		"not a header at all, honestly!":       "",
		"de" + string(make([]byte, maxAccept)): "",
	} {
		if got := Match(accept); got != want {
			t.Errorf("Match(%q) = %q; want %q", accept, got, want)
		}
	}
}

func TestAnyTagIsSaidInTheNearestLanguage(t *testing.T) {
	for tag, want := range map[string]string{"": "en", "de": "de", "de-CH": "de", "en-GB": "en", "fr": "en", "nonsense!": "en", "pt-BR": "en"} {
		if got := Lang(With(t.Context(), tag)); got != want {
			t.Errorf("Lang(With(%q)) = %q; want %q", tag, got, want)
		}
	}
	if got := Lang(context.Background()); got != "en" {
		t.Errorf("without a language it is %q", got)
	}
}

func TestSentencesWithoutATranslationStayEnglish(t *testing.T) {
	for _, lang := range Langs {
		ctx := With(t.Context(), lang)
		if got := T(ctx, "Nobody has ever said %d of this.", 3); got != "Nobody has ever said 3 of this." {
			t.Errorf("%s: %q", lang, got)
		}
		if got := N(ctx, 2, "%d unheard word", "%d unheard words"); got != "2 unheard words" {
			t.Errorf("%s: %q", lang, got)
		}
	}
}

func TestNumbersChooseTheFormOfTheLanguage(t *testing.T) {
	de := With(t.Context(), "de")
	for n, want := range map[int][2]string{
		0: {"Cart, 0 portions", "Warenkorb, 0 Portionen"}, 1: {"Cart, 1 portion", "Warenkorb, 1 Portion"},
		2: {"Cart, 2 portions", "Warenkorb, 2 Portionen"}, 21: {"Cart, 21 portions", "Warenkorb, 21 Portionen"},
	} {
		got := [2]string{N(t.Context(), n, "Cart, %d portion", "Cart, %d portions"), N(de, n, "Cart, %d portion", "Cart, %d portions")}
		if got != want {
			t.Errorf("%d: %q; want %q", n, got, want)
		}
	}
	one := "One dish of that order is no longer on the menu and was left out."
	if got := N(de, 1, one, "%d dishes of that order are no longer on the menu and were left out."); got != "Ein Gericht dieser Bestellung steht nicht mehr auf der Karte und wurde weggelassen." {
		t.Errorf("a form without its number: %q", got)
	}
}

func TestErrorsAreSaidInTheReadersLanguageWithTheirValues(t *testing.T) {
	de := With(t.Context(), "de")
	plain := errs.New(errs.Conflict, "This dish is no longer on the menu.")
	valued := errs.InvalidField("qty", "Order between 1 and %d of each dish.", 50)
	until := errs.New(errs.Conflict, "The kitchen takes no new orders until %s.", P("further notice"))
	passed := errs.New(errs.Conflict, "%s", "This dish is no longer on the menu.")
	for _, c := range []struct {
		err      error
		en, want string
	}{
		{plain, "This dish is no longer on the menu.", "Dieses Gericht steht nicht mehr auf der Karte."},
		{fmt.Errorf("cart: %w", valued), "Order between 1 and 50 of each dish.", "Bestell zwischen 1 und 50 von jedem Gericht."},
		{until, "The kitchen takes no new orders until further notice.", "Die Küche nimmt bis auf Weiteres keine neuen Bestellungen an."},
		{passed, "This dish is no longer on the menu.", "Dieses Gericht steht nicht mehr auf der Karte."},
		{errors.New("disk on fire"), "", ""},
	} {
		if got := Error(t.Context(), c.err); got != c.en {
			t.Errorf("English: %q; want %q", got, c.en)
		}
		if got := Error(de, c.err); got != c.want {
			t.Errorf("German: %q; want %q", got, c.want)
		}
	}
	if got := Field(de, valued.Fields[0]); got != "Bestell zwischen 1 und 50 von jedem Gericht." {
		t.Errorf("field: %q", got)
	}
}

func TestPhrasesWithinPhrasesAreTranslatedAndCallersKeepTheirs(t *testing.T) {
	at := P("%s %s", Weekday(4), "18:00")
	args := []any{at}
	got := T(With(t.Context(), "de"), "The kitchen takes no new orders until %s.", args...)
	if got != "Die Küche nimmt bis Donnerstag 18:00 keine neuen Bestellungen an." {
		t.Errorf("German: %q", got)
	}
	if fmt.Sprint(args[0]) != "Thursday 18:00" {
		t.Errorf("English afterwards: %v", args[0])
	}
}

func TestWhatPeopleTypeIsNeverTakenForAFormat(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		typed := rapid.String().Draw(rt, "typed")
		for _, lang := range Langs {
			ctx := With(context.Background(), lang)
			if got, want := T(ctx, "nobody says this: %s", typed), "nobody says this: "+typed; got != want {
				rt.Fatalf("%s: %q; want %q", lang, got, want)
			}
			if got := T(ctx, "100% of "+typed); got != "100% of "+typed {
				rt.Fatalf("%s: %q", lang, got)
			}
		}
	})
}

func TestBrokenCataloguesAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no TOML":        `"a" = `,
		"no text":        `"a" = 1`,
		"a form missing": "[\"%d a\"]\none = \"%d b\"\n",
		"a form more":    "[\"%d a\"]\none = \"1\"\nother = \"2\"\nmany = \"3\"\n",
	} {
		if _, err := load(fstest.MapFS{"catalog/x.de.toml": {Data: []byte(text)}}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	m, err := load(fstest.MapFS{"catalog/x.de.toml": {Data: []byte("\"Other\" = \"Anderes\"\n\"Description\" = \"Beschreibung\"\n\"a {{.B}}\" = \"b {{.B}}\"\n")}})
	if err != nil || m["de"].plain["Other"] != "Anderes" || m["de"].plain["a {{.B}}"] != "b {{.B}}" {
		t.Errorf("words that the library keeps for itself: %v, %v", m, err)
	}
}
