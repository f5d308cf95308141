package cart

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

func TestStructuredDataTellsHoursMenuAndHowToOrder(t *testing.T) {
	st := newStreet()
	st.pizza.menu.Items[11].Hidden = true
	st.pizza.menu.Items[10].Diets = []string{"vegetarian", "of their own"}
	p := &delivery.Profile{Card: &delivery.Card{Name: "Da Test", Cuisines: []string{"italian"}, Price: 2, Photo: "/media/x.jpg"}, Active: true, Delivers: true, PicksUp: true}
	p.Hours[time.Friday] = []hours.ClockSpan{{From: 17 * 60, To: 25 * 60}, {From: 11 * 60, To: 24 * 60}}
	p.Special = []hours.Day{{Date: hours.Date{Year: 2026, Month: 12, Day: 24}}, {Date: hours.Date{Year: 2026, Month: 1, Day: 1}}}
	b, err := RestaurantLD("https://town.example", st.pizza.shop, p, st.pizza.menu, delivery.Rating{Count: 3, Sum: 13, Mean: 4.3}, hours.Date{Year: 2026, Month: 12, Day: 1})
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Type  string `json:"@type"`
		Image string
		Rated struct {
			Value float64 `json:"ratingValue"`
			Count int     `json:"ratingCount"`
		} `json:"aggregateRating"`
		Hours []struct{ DayOfWeek, Opens, Closes, ValidFrom string } `json:"openingHoursSpecification"`
		Menu  struct {
			Sections []struct {
				Items []struct {
					Name   string
					Offers struct{ Price, PriceCurrency string }
					Diets  []string `json:"suitableForDiet"`
				} `json:"hasMenuItem"`
			} `json:"hasMenuSection"`
		} `json:"hasMenu"`
		Action struct {
			Method []string `json:"deliveryMethod"`
			Target struct{ URLTemplate string }
		} `json:"potentialAction"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Type != "Restaurant" || doc.Image != "https://town.example/media/x.jpg" || len(doc.Action.Method) != 2 || doc.Action.Target.URLTemplate != "https://town.example/r/da-test" {
		t.Errorf("restaurant %+v", doc)
	}
	if doc.Rated.Value != 4.3 || doc.Rated.Count != 3 {
		t.Errorf("rating %+v", doc.Rated)
	}
	if len(doc.Hours) != 3 || doc.Hours[0].Closes != "01:00" || doc.Hours[1].Closes != "23:59" || !strings.HasSuffix(doc.Hours[0].DayOfWeek, "Friday") {
		t.Errorf("hours %+v", doc.Hours)
	}
	if h := doc.Hours[2]; h.ValidFrom != "2026-12-24" || h.Opens != h.Closes {
		t.Errorf("a closed day: %+v; what is past must be left out", h)
	}
	items := doc.Menu.Sections[0].Items
	if len(items) != 1 || items[0].Offers.Price != "8.00" || items[0].Offers.PriceCurrency != "EUR" || len(items[0].Diets) != 1 {
		t.Errorf("items %+v; hidden ones and unknown diets must be left out", items)
	}
}
