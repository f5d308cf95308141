package menu

import (
	"strings"

	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// JSONLDMenu returns a card as a schema.org Menu, for the structured data of a shop's page: sections, items with their offers in currency,
// and the diets they suit. Addresses are made absolute with baseURL, which has no slash at its end. Hidden items are left out.
func JSONLDMenu(m *delivery.Menu, currency, baseURL string) map[string]any {
	sections := []any{}
	for _, sec := range m.Sections {
		items := []any{}
		for _, it := range sec.Items {
			if !it.Hidden {
				items = append(items, jsonLDItem(it, currency, baseURL))
			}
		}
		if len(items) == 0 {
			continue
		}
		s := map[string]any{"@type": "MenuSection", "name": sec.Name, "hasMenuItem": items}
		if sec.Note != "" {
			s["description"] = sec.Note
		}
		sections = append(sections, s)
	}
	return map[string]any{"@context": "https://schema.org", "@type": "Menu", "hasMenuSection": sections}
}

func jsonLDItem(it *delivery.Item, currency, baseURL string) map[string]any {
	availability := "https://schema.org/InStock"
	if !it.OutUntil.IsZero() || it.Stock == 0 {
		availability = "https://schema.org/SoldOut"
	}
	out := map[string]any{
		"@type": "MenuItem", "name": it.Name,
		"offers": map[string]any{
			"@type": "Offer", "price": formatPrice(it.Price, money.Decimals(currency)), "priceCurrency": currency, "availability": availability,
		},
	}
	if it.Description != "" {
		out["description"] = it.Description
	}
	if it.Photo != "" {
		out["image"] = baseURL + it.Photo
	}
	if len(it.Diets) > 0 {
		diets := make([]string, 0, len(it.Diets))
		for _, d := range it.Diets {
			diets = append(diets, "https://schema.org/"+dietClass(d))
		}
		out["suitableForDiet"] = diets
	}
	return out
}

// dietClass turns low_lactose into LowLactoseDiet.
func dietClass(diet string) string {
	var b strings.Builder
	for _, w := range strings.Split(diet, "_") {
		b.WriteString(upper(w))
	}
	return b.String() + "Diet"
}
