package cart

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// object is a node of a JSON-LD document.
type object map[string]any

// RestaurantLD returns a restaurant with its menu as a schema.org document in JSON. base is the address of the server, such as
// "https://example.org".
func RestaurantLD(base string, shop *delivery.Shop, p *delivery.Profile, menu *delivery.Menu, rating delivery.Rating, today hours.Date) ([]byte, error) {
	url := base + "/r/" + shop.Slug
	o := object{
		"@context": "https://schema.org", "@type": "Restaurant", "@id": url + "#restaurant", "url": url, "name": shop.Name,
		"address": object{"@type": "PostalAddress", "streetAddress": shop.Street, "addressLocality": shop.City},
		"geo":     object{"@type": "GeoCoordinates", "latitude": shop.Point.Lat, "longitude": shop.Point.Lon},
		"hasMenu": menuLD(url, shop, menu), "currenciesAccepted": shop.Currency,
	}
	if p.Card != nil {
		o["servesCuisine"] = p.Card.Cuisines
		o["priceRange"] = strings.Repeat("€", max(p.Card.Price, 1))
		if p.Card.Blurb != "" {
			o["description"] = p.Card.Blurb
		}
		if p.Card.Photo != "" {
			o["image"] = base + p.Card.Photo
		}
	}
	if p.Phone != "" {
		o["telephone"] = p.Phone
	}
	if rating.Count > 0 {
		o["aggregateRating"] = object{"@type": "AggregateRating", "ratingValue": rating.Mean, "ratingCount": rating.Count, "bestRating": 5, "worstRating": 1}
	}
	if spec := openingLD(p, today); len(spec) > 0 {
		o["openingHoursSpecification"] = spec
	}
	if action := orderLD(url, p); action != nil {
		o["potentialAction"] = action
	}
	b, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("cart: structured data of %s: %w", shop.Slug, err)
	}
	return b, nil
}

// openingLD returns the hours of an ordinary week and of the special days. Where food is not delivered they are those of pickup.
func openingLD(p *delivery.Profile, today hours.Date) []object {
	week := p.Hours
	if !p.Delivers {
		week = p.Pickup
	}
	var out []object
	for day, spans := range week {
		for _, c := range spans {
			out = append(out, object{
				"@type": "OpeningHoursSpecification", "dayOfWeek": "https://schema.org/" + time.Weekday(day).String(),
				"opens": clockLD(c.From), "closes": clockLD(c.To),
			})
		}
	}
	for _, d := range p.Special {
		if d.Date.Compare(today) < 0 {
			continue
		}
		valid := object{"@type": "OpeningHoursSpecification", "validFrom": d.Date.String(), "validThrough": d.Date.String()}
		if len(d.Spans) == 0 { // opens and closes the same: closed all day
			valid["opens"], valid["closes"] = "00:00", "00:00"
			out = append(out, valid)
		}
		for _, c := range d.Spans {
			out = append(out, object{
				"@type": "OpeningHoursSpecification", "validFrom": d.Date.String(), "validThrough": d.Date.String(),
				"opens": clockLD(c.From), "closes": clockLD(c.To),
			})
		}
	}
	return out
}

// clockLD returns a time of day within 24 hours: 25:00 is one o'clock of the next day.
func clockLD(c hours.Clock) string {
	m := int(c) % (24 * 60)
	if m == 0 && c > 0 {
		return "23:59" // midnight as an end: 00:00 would be read as the beginning of the day
	}
	return fmt.Sprintf("%02d:%02d", m/60, m%60)
}

func orderLD(url string, p *delivery.Profile) object {
	var how []string
	if p.Delivers {
		how = append(how, "http://purl.org/goodrelations/v1#DeliveryModeOwnFleet")
	}
	if p.PicksUp {
		how = append(how, "http://purl.org/goodrelations/v1#DeliveryModePickUp")
	}
	if len(how) == 0 {
		return nil
	}
	return object{
		"@type": "OrderAction", "deliveryMethod": how,
		"target": object{
			"@type": "EntryPoint", "urlTemplate": url,
			"actionPlatform": []string{"https://schema.org/DesktopWebPlatform", "https://schema.org/MobileWebPlatform"},
		},
	}
}

// dietLD are schema.org's names of diets.
var dietLD = map[string]string{
	"diabetic": "DiabeticDiet", "gluten_free": "GlutenFreeDiet", "halal": "HalalDiet", "hindu": "HinduDiet", "kosher": "KosherDiet", "low_calorie": "LowCalorieDiet",
	"low_fat": "LowFatDiet", "low_lactose": "LowLactoseDiet", "low_salt": "LowSaltDiet", "vegan": "VeganDiet", "vegetarian": "VegetarianDiet",
}

func menuLD(url string, shop *delivery.Shop, menu *delivery.Menu) object {
	sections := []object{}
	for _, sec := range menu.Sections {
		items := []object{}
		for _, it := range sec.Items {
			if !it.Hidden {
				items = append(items, itemLD(url, shop, it))
			}
		}
		if len(items) == 0 {
			continue
		}
		o := object{"@type": "MenuSection", "name": sec.Name, "hasMenuItem": items}
		if sec.Note != "" {
			o["description"] = sec.Note
		}
		sections = append(sections, o)
	}
	return object{"@type": "Menu", "@id": url + "#menu", "url": url, "name": "Menu of " + shop.Name, "hasMenuSection": sections}
}

func itemLD(url string, shop *delivery.Shop, it *delivery.Item) object {
	o := object{
		"@type": "MenuItem", "@id": url + "/i/" + it.ID.String(), "name": it.Name,
		"offers": object{"@type": "Offer", "price": strings.TrimSuffix(money.Format(it.Price, shop.Currency), " "+shop.Currency), "priceCurrency": shop.Currency},
	}
	if it.Description != "" {
		o["description"] = it.Description
	}
	if it.Photo != "" {
		o["image"] = strings.TrimSuffix(url, "/r/"+shop.Slug) + it.Photo
	}
	var diets []string
	for _, d := range it.Diets {
		if name := dietLD[d]; name != "" {
			diets = append(diets, "https://schema.org/"+name)
		}
	}
	if len(diets) > 0 {
		o["suitableForDiet"] = diets
	}
	return o
}
