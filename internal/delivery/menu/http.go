package menu

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc64"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the API and the pages.
func (s *Service) Routes(rt *httpx.Router) {
	s.readRoutes(rt)
	s.partRoutes(rt)
	s.itemRoutes(rt)
	s.fileRoutes(rt)
	s.pageRoutes(rt)
}

// menuCard is a card as customers see it. What changes without a new version (hours, sold out, stock) is data that a client can follow by
// its own clock; available_now is true to the minute.
type menuCard struct {
	Restaurant id.ID         `json:"restaurant"`
	Version    int64         `json:"version"`
	Currency   string        `json:"currency"`
	TimeZone   string        `json:"time_zone"`
	Sections   []menuSection `json:"sections"`
}

type menuSection struct {
	ID        id.ID      `json:"id"`
	Name      string     `json:"name"`
	Menu      id.ID      `json:"menu" doc:"Sections of one menu share it: lunch, dinner."`
	Note      string     `json:"note,omitempty"`
	Hours     string     `json:"hours,omitempty" doc:"When it can be ordered, in OSM opening_hours and the restaurant's time zone; absent: whenever the restaurant is open."`
	Available bool       `json:"available_now"`
	Items     []menuItem `json:"items"`
}

type menuItem struct {
	ID           id.ID        `json:"id"`
	Name         string       `json:"name"`
	Description  string       `json:"description,omitempty"`
	Price        money.Amount `json:"price" doc:"Tax included."`
	Tax          string       `json:"tax_category"`
	Photo        string       `json:"photo,omitempty"`
	Allergens    []string     `json:"allergens,omitempty"`
	Diets        []string     `json:"diets,omitempty"`
	SoldOutUntil *time.Time   `json:"sold_out_until,omitempty" doc:"9999-01-01: until the restaurant says otherwise."`
	Stock        *int64       `json:"stock,omitempty" doc:"Portions left; absent: not counted."`
	Available    bool         `json:"available_now"`
	Hidden       bool         `json:"hidden,omitempty"`
	Groups       []menuGroup  `json:"option_groups,omitempty"`
}

type menuGroup struct {
	ID      id.ID        `json:"id"`
	Name    string       `json:"name"`
	Min     int          `json:"min"`
	Max     int          `json:"max"`
	Rule    string       `json:"rule" doc:"How the prices of the chosen options add up: SUM, MAX or AVG."`
	Options []menuOption `json:"options"`
}

type menuOption struct {
	ID           id.ID        `json:"id"`
	Name         string       `json:"name"`
	Price        money.Amount `json:"price" doc:"Added to the item's."`
	SoldOutUntil *time.Time   `json:"sold_out_until,omitempty"`
	Stock        *int64       `json:"stock,omitempty"`
	Available    bool         `json:"available_now"`
}

// encoded is a card as the API shows it, good for one minute of the clock and one version of the restaurant.
type encoded struct {
	minute int64
	shop   int64
	body   []byte
	etag   string
}

var etagTable = crc64.MakeTable(crc64.ECMA)

// encode returns the card as JSON, from memory where nothing has changed within the minute.
func (snap *snapshot) encode(shop *delivery.Shop, now time.Time) (*encoded, error) {
	minute := now.Unix() / 60
	if e := snap.body.Load(); e != nil && e.minute == minute && e.shop == shop.Version {
		return e, nil
	}
	b, err := json.Marshal(snap.public(shop, now, false))
	if err != nil {
		return nil, fmt.Errorf("menu: encode the card of %s: %w", shop.Slug, err)
	}
	e := &encoded{minute: minute, shop: shop.Version, body: b, etag: `"` + strconv.FormatUint(crc64.Checksum(b, etagTable), 36) + `"`}
	snap.body.Store(e)
	return e, nil
}

func (snap *snapshot) public(shop *delivery.Shop, now time.Time, hidden bool) menuCard {
	out := menuCard{Restaurant: shop.ID, Version: snap.menu.Version, Currency: shop.Currency, TimeZone: shop.Loc.String(), Sections: []menuSection{}}
	menus := map[id.ID]id.ID{}
	for _, m := range snap.card.Menus {
		for _, sec := range m.Sections {
			menus[sec.ID] = m.ID
		}
	}
	for _, sec := range snap.menu.Sections {
		sb := menuSection{ID: sec.ID, Menu: menus[sec.ID], Name: sec.Name, Note: sec.Note, Available: served(sec, shop.Loc, now), Items: []menuItem{}}
		if sec.Hours != nil {
			sb.Hours = sec.Hours.String()
		}
		for _, it := range sec.Items {
			if it.Hidden && !hidden {
				continue
			}
			ib := menuItem{
				ID: it.ID, Name: it.Name, Description: it.Description, Price: it.Price, Tax: it.Tax, Photo: it.Photo, Allergens: it.Allergens,
				Diets: it.Diets, SoldOutUntil: stamp(it.OutUntil, now), Stock: counted(it.Stock),
			}
			ib.Hidden = it.Hidden
			ib.Available = !it.Hidden && sb.Available && ib.SoldOutUntil == nil && it.Stock != 0
			for _, g := range it.Groups {
				ib.Groups = append(ib.Groups, publicGroup(g, now))
			}
			sb.Items = append(sb.Items, ib)
		}
		out.Sections = append(out.Sections, sb)
	}
	return out
}

func publicGroup(g *delivery.OptionGroup, now time.Time) menuGroup {
	gb := menuGroup{ID: g.ID, Name: g.Name, Min: g.Min, Max: g.Max, Rule: g.Rule, Options: []menuOption{}}
	for _, o := range g.Options {
		ob := menuOption{ID: o.ID, Name: o.Name, Price: o.Price, SoldOutUntil: stamp(o.OutUntil, now), Stock: counted(o.Stock)}
		ob.Available = ob.SoldOutUntil == nil && o.Stock != 0
		gb.Options = append(gb.Options, ob)
	}
	return gb
}

// served reports whether a section can be ordered now.
func served(sec *delivery.Section, loc *time.Location, now time.Time) bool {
	return sec.Hours == nil || sec.Hours.OpenAt(now, hours.Options{Loc: loc})
}

// stamp returns until when something is sold out, nil where it is not.
func stamp(until, now time.Time) *time.Time {
	if !until.After(now) {
		return nil
	}
	return &until
}

func counted(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

type menuIn struct {
	Slug  string `path:"slug" maxLength:"80"`
	Match string `header:"If-None-Match" maxLength:"200"`
	All   bool   `query:"all" doc:"Hidden items too, for those who work there."`
}

type bytesOut struct {
	Status      int
	ContentType string `header:"Content-Type"`
	ETag        string `header:"ETag"`
	Cache       string `header:"Cache-Control"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

const tag = "Menus"

var bearer = []map[string][]string{{"bearer": {}}}

func (s *Service) readRoutes(rt *httpx.Router) {
	schema := rt.API.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[menuCard](), true, "MenuCard")
	httpx.Operation(rt, huma.Operation{
		Method: http.MethodGet, Path: "/restaurants/{slug}/menu", Summary: "A restaurant's card", Tags: []string{tag},
		Description: "Sections, items, option groups, what is sold out and how much is left. Send If-None-Match with the ETag to learn cheaply that nothing has changed.",
		Responses: map[string]*huma.Response{
			"200": {Description: "The card.", Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}},
			"304": {Description: "Nothing has changed."},
		},
	}, httpx.Anyone, s.getMenu)
}

func (s *Service) getMenu(ctx context.Context, in *menuIn) (*bytesOut, error) {
	shop, err := s.shops.ShopBySlug(ctx, in.Slug)
	if err != nil {
		return nil, err
	}
	if in.All {
		return s.getAll(ctx, shop)
	}
	snap, err := s.snapshot(ctx, shop.ID)
	if err != nil {
		return nil, err
	}
	e, err := snap.encode(shop, s.now())
	if err != nil {
		return nil, err
	}
	out := &bytesOut{Status: http.StatusOK, ContentType: "application/json", ETag: e.etag, Cache: "no-cache", Body: e.body}
	if in.Match != "" && strings.Contains(in.Match, e.etag) {
		out.Status, out.Body = http.StatusNotModified, nil
	}
	return out, nil
}

// getAll answers with the card as its restaurant sees it.
func (s *Service) getAll(ctx context.Context, shop *delivery.Shop) (*bytesOut, error) {
	if err := mayWork(access.From(ctx), shop.ID); err != nil {
		return nil, err
	}
	snap, err := s.snapshot(ctx, shop.ID)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(snap.public(shop, s.now(), true))
	if err != nil {
		return nil, fmt.Errorf("menu: encode the card of %s: %w", shop.Slug, err)
	}
	return &bytesOut{Status: http.StatusOK, ContentType: "application/json", Cache: "no-store", Body: b}, nil
}

type partIn struct {
	Slug string `path:"slug" maxLength:"80"`
	ID   string `path:"id" maxLength:"20"`
}

// at returns the restaurant that a request is about, and the part's id where part is not empty.
func (s *Service) at(ctx context.Context, slug, part string) (*delivery.Shop, id.ID, error) {
	shop, err := s.shops.ShopBySlug(ctx, slug)
	if err != nil || part == "" {
		return shop, 0, err
	}
	thing, err := id.Parse(part)
	if err != nil || thing == 0 {
		return nil, 0, errs.InvalidField("path.id", "This is not an identifier.")
	}
	return shop, thing, nil
}

type menuID struct {
	Status int
	Body   struct {
		ID id.ID `json:"id"`
	}
}

type menuEdit struct {
	Name  string `json:"name" maxLength:"120"`
	Hours string `json:"hours,omitempty" maxLength:"1000" doc:"OSM opening_hours in the restaurant's time zone, such as Mo-Fr 11:30-14:30."`
}

type menuSectionEdit struct {
	Menu  id.ID  `json:"menu,omitempty" doc:"Left out: a new section joins the first menu, a known one stays where it is."`
	Name  string `json:"name" maxLength:"120"`
	Note  string `json:"note,omitempty" maxLength:"600"`
	Hours string `json:"hours,omitempty" maxLength:"1000"`
}

type menuGroupEdit struct {
	Name    string           `json:"name" maxLength:"120"`
	Min     int              `json:"min" minimum:"0" maximum:"40"`
	Max     int              `json:"max" minimum:"1" maximum:"40"`
	Rule    string           `json:"rule,omitempty" enum:"SUM,MAX,AVG"`
	Options []menuOptionEdit `json:"options" minItems:"1" maxItems:"100"`
}

type menuOptionEdit struct {
	ID    id.ID        `json:"id,omitempty" doc:"Left out: a new option."`
	Name  string       `json:"name" maxLength:"120"`
	Price money.Amount `json:"price,omitempty" minimum:"0" maximum:"10000000"`
	Stock *int64       `json:"stock,omitempty" minimum:"-1" maximum:"1000000" doc:"Portions left; -1: not counted; left out: as it is."`
}

func (g *menuGroupEdit) input() GroupInput {
	in := GroupInput{Name: g.Name, Min: g.Min, Max: g.Max, Rule: g.Rule}
	for _, o := range g.Options {
		in.Options = append(in.Options, OptionInput(o))
	}
	return in
}

type saveIn[B any] struct {
	Slug string `path:"slug" maxLength:"80"`
	ID   string `path:"id" maxLength:"20"`
	Body B
}

type newIn[B any] struct {
	Slug string `path:"slug" maxLength:"80"`
	Body B
}

// save registers POST below path for a new part and PUT for a known one.
func save[B any](s *Service, rt *httpx.Router, path, what string, fn func(ctx context.Context, a access.Actor, shop, part id.ID, b B) (id.ID, error)) {
	run := func(ctx context.Context, slug, part string, b B, status int) (*menuID, error) {
		shop, thing, err := s.at(ctx, slug, part)
		if err != nil {
			return nil, err
		}
		out := &menuID{Status: status}
		out.Body.ID, err = fn(ctx, access.From(ctx), shop.ID, thing, b)
		return out, err
	}
	base := "/restaurants/{slug}/menu/" + path
	httpx.Operation(rt, huma.Operation{Method: http.MethodPost, Path: base, Summary: "Add " + what, Tags: []string{tag}, Security: bearer, DefaultStatus: http.StatusCreated}, httpx.May("menu.manage"),
		func(ctx context.Context, in *newIn[B]) (*menuID, error) {
			return run(ctx, in.Slug, "", in.Body, http.StatusCreated)
		})
	httpx.Operation(rt, huma.Operation{Method: http.MethodPut, Path: base + "/{id}", Summary: "Change " + what, Tags: []string{tag}, Security: bearer}, httpx.May("menu.manage"),
		func(ctx context.Context, in *saveIn[B]) (*menuID, error) {
			return run(ctx, in.Slug, in.ID, in.Body, http.StatusOK)
		})
}

// act registers an operation that answers with nothing but success.
func act[B any](s *Service, rt *httpx.Router, op huma.Operation, g httpx.Guard, fn func(ctx context.Context, a access.Actor, shop, part id.ID, b B) error) {
	op.Tags, op.Security, op.DefaultStatus = []string{tag}, bearer, http.StatusNoContent
	op.Path = "/restaurants/{slug}/menu/" + op.Path
	httpx.Operation(rt, op, g, func(ctx context.Context, in *saveIn[B]) (*struct{}, error) {
		shop, thing, err := s.at(ctx, in.Slug, in.ID)
		if err != nil {
			return nil, err
		}
		return nil, fn(ctx, access.From(ctx), shop.ID, thing, in.Body)
	})
}

type menuMove struct {
	To    id.ID `json:"to,omitempty" doc:"The menu of a section, the section of an item; left out: where it is now."`
	Index int   `json:"index,omitempty" minimum:"0" doc:"Its new place, from 0."`
	Step  int   `json:"step,omitempty" minimum:"-5000" maximum:"5000" doc:"In place of index: so many places down, or up where negative."`
}

func (s *Service) partRoutes(rt *httpx.Router) {
	save(s, rt, "menus", "a menu", func(ctx context.Context, a access.Actor, shop, part id.ID, b menuEdit) (id.ID, error) {
		return s.SaveMenu(ctx, a, shop, part, MenuInput(b))
	})
	save(s, rt, "sections", "a section", func(ctx context.Context, a access.Actor, shop, part id.ID, b menuSectionEdit) (id.ID, error) {
		return s.SaveSection(ctx, a, shop, part, SectionInput(b))
	})
	save(s, rt, "groups", "an option group", func(ctx context.Context, a access.Actor, shop, part id.ID, b menuGroupEdit) (id.ID, error) {
		return s.SaveGroup(ctx, a, shop, part, b.input())
	})
	for path, part := range map[string]Part{"menus": PartMenu, "sections": PartSection, "items": PartItem, "groups": PartGroup} {
		remove := huma.Operation{
			Method: http.MethodDelete, Path: "/restaurants/{slug}/menu/" + path + "/{id}", Summary: "Delete a " + string(part),
			Description: "It can be restored for a month.", Tags: []string{tag}, Security: bearer, DefaultStatus: http.StatusNoContent,
		}
		httpx.Operation(rt, remove, httpx.May("menu.manage"), s.onPart(part, s.Delete))
		restore := huma.Operation{
			Method: http.MethodPost, Path: "/restaurants/{slug}/menu/" + path + "/{id}/restore", Summary: "Bring a deleted " + string(part) + " back",
			Tags: []string{tag}, Security: bearer, DefaultStatus: http.StatusNoContent,
		}
		httpx.Operation(rt, restore, httpx.May("menu.manage"), s.onPart(part, s.Restore))
		if part == PartGroup {
			continue
		}
		act(s, rt, huma.Operation{Method: http.MethodPost, Path: path + "/{id}/move", Summary: "Move a " + string(part)}, httpx.May("menu.manage"),
			func(ctx context.Context, a access.Actor, shop, thing id.ID, b menuMove) error {
				return s.Reorder(ctx, a, shop, part, thing, Move(b))
			})
	}
}

func (s *Service) onPart(part Part, fn func(ctx context.Context, a access.Actor, shop id.ID, part Part, thing id.ID) error) func(context.Context, *partIn) (*struct{}, error) {
	return func(ctx context.Context, in *partIn) (*struct{}, error) {
		shop, thing, err := s.at(ctx, in.Slug, in.ID)
		if err != nil {
			return nil, err
		}
		return nil, fn(ctx, access.From(ctx), shop.ID, part, thing)
	}
}

type menuItemEdit struct {
	Section     id.ID        `json:"section"`
	Name        string       `json:"name" maxLength:"120"`
	Description string       `json:"description,omitempty" maxLength:"600"`
	Price       money.Amount `json:"price" minimum:"0" maximum:"10000000"`
	Tax         string       `json:"tax_category,omitempty" enum:"food,drink,alcohol"`
	Photo       string       `json:"photo,omitempty" maxLength:"200"`
	Allergens   []string     `json:"allergens,omitempty" maxItems:"14"`
	Diets       []string     `json:"diets,omitempty" maxItems:"11"`
	Hidden      bool         `json:"hidden,omitempty"`
	Groups      []id.ID      `json:"option_groups,omitempty" maxItems:"20"`
	Stock       *int64       `json:"stock,omitempty" minimum:"-1" maximum:"1000000"`
}

type menuItemChange struct {
	Section     *id.ID        `json:"section,omitempty"`
	Name        *string       `json:"name,omitempty" maxLength:"120"`
	Description *string       `json:"description,omitempty" maxLength:"600"`
	Price       *money.Amount `json:"price,omitempty" minimum:"0" maximum:"10000000"`
	Tax         *string       `json:"tax_category,omitempty" enum:"food,drink,alcohol"`
	Photo       *string       `json:"photo,omitempty" maxLength:"200"`
	Allergens   *[]string     `json:"allergens,omitempty" maxItems:"14"`
	Diets       *[]string     `json:"diets,omitempty" maxItems:"11"`
	Hidden      *bool         `json:"hidden,omitempty"`
	Groups      *[]id.ID      `json:"option_groups,omitempty" maxItems:"20"`
	Stock       *int64        `json:"stock,omitempty" minimum:"-1" maximum:"1000000"`
}

type menuAvailability struct {
	SoldOut   string     `json:"sold_out,omitempty" enum:"today,forever" doc:"Sold out until tomorrow's opening, or until somebody says otherwise."`
	Until     *time.Time `json:"sold_out_until,omitempty" doc:"In place of sold_out: until this time."`
	Available bool       `json:"available,omitempty" doc:"To be had again."`
	Stock     *int64     `json:"stock,omitempty" minimum:"-1" maximum:"1000000" doc:"Portions left; -1: no longer counted."`
}

type menuCopy struct {
	Section id.ID `json:"section,omitempty" doc:"Left out: the item's own."`
}

func (s *Service) itemRoutes(rt *httpx.Router) {
	httpx.Operation(rt, huma.Operation{Method: http.MethodPost, Path: "/restaurants/{slug}/menu/items", Summary: "Add an item", Tags: []string{tag}, Security: bearer, DefaultStatus: http.StatusCreated}, httpx.May("menu.manage"),
		func(ctx context.Context, in *newIn[menuItemEdit]) (*menuID, error) {
			shop, err := s.shops.ShopBySlug(ctx, in.Slug)
			if err != nil {
				return nil, err
			}
			out := &menuID{Status: http.StatusCreated}
			out.Body.ID, err = s.AddItem(ctx, access.From(ctx), shop.ID, ItemInput(in.Body))
			return out, err
		})
	act(s, rt, huma.Operation{Method: http.MethodPatch, Path: "items/{id}", Summary: "Change an item"}, httpx.May("menu.manage"),
		func(ctx context.Context, a access.Actor, shop, item id.ID, b menuItemChange) error {
			return s.EditItem(ctx, a, shop, item, ItemPatch(b))
		})
	httpx.Operation(rt, huma.Operation{Method: http.MethodPost, Path: "/restaurants/{slug}/menu/items/{id}/copy", Summary: "Copy an item", Tags: []string{tag}, Security: bearer, DefaultStatus: http.StatusCreated}, httpx.May("menu.manage"),
		func(ctx context.Context, in *saveIn[menuCopy]) (*menuID, error) {
			shop, item, err := s.at(ctx, in.Slug, in.ID)
			if err != nil {
				return nil, err
			}
			out := &menuID{Status: http.StatusCreated}
			out.Body.ID, err = s.CopyItem(ctx, access.From(ctx), shop.ID, item, in.Body.Section)
			return out, err
		})
	for path, what := range map[string]string{"items": "an item", "options": "an option"} {
		act(s, rt, huma.Operation{Method: http.MethodPut, Path: path + "/{id}/availability", Summary: "Say whether " + what + " can be had"}, httpx.May("restaurant.work"), s.setAvailability)
	}
}

func (s *Service) setAvailability(ctx context.Context, a access.Actor, restaurant, thing id.ID, b menuAvailability) error {
	shop, err := s.shops.Shop(ctx, restaurant)
	if err != nil {
		return err
	}
	set := Availability{Stock: b.Stock}
	n := 0
	choose := func(t time.Time) { set.SoldOut = &t; n++ }
	if b.Available {
		choose(time.Time{})
	}
	if b.Until != nil {
		choose(*b.Until)
	}
	if b.SoldOut != "" {
		choose(soldOut(b.SoldOut, s.now(), shop.Loc))
	}
	if n > 1 || n == 0 && b.Stock == nil {
		return errs.InvalidField("available", "Say one of available, sold_out and sold_out_until, or how many are left.")
	}
	if b.Until != nil && b.Until.After(delivery.Forever) {
		return errs.InvalidField("sold_out_until", "Give a time before the year 9999.")
	}
	return s.Set(ctx, a, restaurant, thing, set)
}

// soldOut returns until when "today" and "forever" last.
func soldOut(word string, now time.Time, loc *time.Location) time.Time {
	if word == "today" {
		return Tomorrow(now, loc)
	}
	return delivery.Forever
}

type importIn struct {
	Slug        string `path:"slug" maxLength:"80"`
	ContentType string `header:"Content-Type" doc:"text/csv or application/json."`
	DryRun      bool   `query:"dry_run" doc:"Change nothing, report what would be."`
	Replace     bool   `query:"replace" doc:"Delete what the file does not name."`
	RawBody     []byte `contentType:"text/csv"`
}

type menuImport Report

type importOut struct{ Body menuImport }

type exportIn struct {
	Slug   string `path:"slug" maxLength:"80"`
	Format string `query:"format" enum:"csv,json" default:"csv"`
}

func (s *Service) fileRoutes(rt *httpx.Router) {
	httpx.Operation(rt, huma.Operation{
		Method: http.MethodPost, Path: "/restaurants/{slug}/menu/import", Summary: "Import a card", Tags: []string{tag}, Security: bearer, MaxBodyBytes: MaxImport + 1,
		Description: "All of the file or nothing. As CSV: " + strings.Join(Columns, ", ") + "; only item and price are needed. As JSON: what export gives.",
	}, httpx.May("menu.manage"), func(ctx context.Context, in *importIn) (*importOut, error) {
		shop, err := s.shops.ShopBySlug(ctx, in.Slug)
		if err != nil {
			return nil, err
		}
		format := "csv"
		if strings.Contains(in.ContentType, "json") {
			format = "json"
		}
		rep, err := s.Import(ctx, access.From(ctx), shop.ID, format, bytes.NewReader(in.RawBody), ImportOptions{Replace: in.Replace, DryRun: in.DryRun})
		if err != nil {
			return nil, err
		}
		return &importOut{Body: menuImport(rep)}, nil
	})
	httpx.Operation(rt, huma.Operation{
		Method: http.MethodGet, Path: "/restaurants/{slug}/menu/export", Summary: "Export the card", Tags: []string{tag}, Security: bearer,
	}, httpx.May("menu.manage"), func(ctx context.Context, in *exportIn) (*bytesOut, error) {
		shop, err := s.shops.ShopBySlug(ctx, in.Slug)
		if err != nil {
			return nil, err
		}
		return s.exported(ctx, shop, in.Format)
	})
}

func (s *Service) exported(ctx context.Context, shop *delivery.Shop, format string) (*bytesOut, error) {
	var buf bytes.Buffer
	if err := s.Export(ctx, access.From(ctx), shop.ID, format, &buf); err != nil {
		return nil, err
	}
	contentType := map[string]string{"csv": "text/csv; charset=utf-8", "json": "application/json"}[format]
	return &bytesOut{
		Status: http.StatusOK, ContentType: contentType, Cache: "no-store", Body: buf.Bytes(),
		Disposition: `attachment; filename="menu-` + shop.Slug + "." + format + `"`,
	}, nil
}
