package discover

import (
	"context"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the REST operations and the pages.
func (s *Service) Routes(rt *httpx.Router) {
	op := func(method, path, name, summary, tag string, status int) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{tag}, DefaultStatus: status}
	}
	list := op("GET", "/restaurants", "list-restaurants", "Restaurants that serve a place, now or at a time", "Restaurants", 200)
	list.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
		"application/json": {Schema: rt.API.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[ListReply](), true, "ListReply")},
	}}}
	httpx.Operation(rt, list, httpx.Anyone, s.restList)
	httpx.Operation(rt, op("GET", "/addresses", "list-addresses", "My saved addresses", "Addresses", 200), httpx.May("address.read"), s.restAddresses)
	httpx.Operation(rt, op("POST", "/addresses", "add-address", "Save an address", "Addresses", 201), httpx.May("address.manage"), s.restAddAddress)
	httpx.Operation(rt, op("PATCH", "/addresses/{id}", "change-address", "Change a saved address", "Addresses", 200), httpx.May("address.manage"), s.restChangeAddress)
	httpx.Operation(rt, op("DELETE", "/addresses/{id}", "delete-address", "Delete a saved address", "Addresses", 204), httpx.May("address.manage"), s.restDeleteAddress)
	httpx.Operation(rt, op("POST", "/addresses/{id}/restore", "restore-address", "Bring a deleted address back, for an hour", "Addresses", 204), httpx.May("address.manage"), s.restRestoreAddress)
	httpx.Operation(rt, op("GET", "/geocode", "search-places", "Places by name", "Addresses", 200), httpx.Anyone, s.restGeocode)
	httpx.Operation(rt, op("GET", "/geocode/reverse", "name-place", "The address at a point", "Addresses", 200), httpx.Anyone, s.restReverse)
	s.pages(rt)
}

type listInput struct {
	Lat     float64       `query:"lat" minimum:"-90" maximum:"90" doc:"Where it should go; needed for delivery."`
	Lon     float64       `query:"lon" minimum:"-180" maximum:"180"`
	At      time.Time     `query:"at" doc:"When it should be there; left out: now."`
	Text    string        `query:"q" maxLength:"80" doc:"Words in names of restaurants, cuisines and dishes."`
	Cuisine []string      `query:"cuisine" maxItems:"10" doc:"Any of these, separated by commas."`
	Diet    []string      `query:"diet" maxItems:"10" doc:"With dishes that suit all of these, such as vegan,halal."`
	Open    bool          `query:"open" doc:"Only those that take the order at that time."`
	Price   int           `query:"price" minimum:"0" maximum:"4" doc:"Highest price level."`
	Mode    delivery.Mode `query:"mode" enum:"delivery,pickup" default:"delivery"`
	Sort    Sort          `query:"sort" enum:"recommended,fee,distance" default:"recommended"`
	Cursor  string        `query:"cursor" maxLength:"200"`
	Limit   int           `query:"limit" minimum:"0" maximum:"100" doc:"20 where left out."`
}

type listOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// pointOf returns nil for 0, 0: no place given.
func pointOf(lat, lon float64) *geo.Point {
	p := geo.Point{Lat: lat, Lon: lon}
	if p.IsZero() {
		return nil
	}
	return &p
}

func (s *Service) restList(ctx context.Context, in *listInput) (*listOutput, error) {
	q := Query{
		To: pointOf(in.Lat, in.Lon), Mode: in.Mode, Text: in.Text, Cuisine: in.Cuisine, Diet: in.Diet, OpenOnly: in.Open, Price: in.Price,
		Sort: in.Sort, Cursor: in.Cursor, Limit: in.Limit,
	}
	if !in.At.IsZero() {
		q.At = &in.At
	}
	r, err := s.find(ctx, q, false)
	if err != nil {
		return nil, err
	}
	return &listOutput{"application/json", appendReply(make([]byte, 0, 64+600*len(r.Items)), r)}, nil
}

// SavedList is the address book, which is short: it is not paged.
type SavedList struct {
	Items []Saved `json:"items"`
}

type addressesOutput struct{ Body SavedList }

func (s *Service) restAddresses(ctx context.Context, _ *struct{}) (*addressesOutput, error) {
	list, err := s.Addresses(ctx)
	if err != nil {
		return nil, err
	}
	return &addressesOutput{SavedList{list}}, nil
}

type savedOutput struct{ Body Saved }

type addInput struct {
	Body struct {
		Label   string `json:"label,omitempty" maxLength:"40" doc:"Such as Home; the street where left out."`
		Default bool   `json:"default,omitempty"`
		delivery.Address
	}
}

func (s *Service) restAddAddress(ctx context.Context, in *addInput) (*savedOutput, error) {
	a, err := s.AddAddress(ctx, Saved{Label: in.Body.Label, Default: in.Body.Default, Address: in.Body.Address})
	if err != nil {
		return nil, err
	}
	return &savedOutput{a}, nil
}

// AddressedByID is the path of everything about one saved address.
type AddressedByID struct {
	ID string `path:"id" maxLength:"20"`
}

func (a AddressedByID) parse() (id.ID, error) {
	aid, err := id.Parse(a.ID)
	if err != nil {
		return 0, errs.InvalidField("path.id", "This is not the id of an address.")
	}
	return aid, nil
}

type changeInput struct {
	AddressedByID
	Body struct {
		Label   *string    `json:"label,omitempty" maxLength:"40"`
		Default *bool      `json:"default,omitempty"`
		Point   *geo.Point `json:"point,omitempty"`
		Street  *string    `json:"street,omitempty" maxLength:"120"`
		City    *string    `json:"city,omitempty" maxLength:"80"`
		Detail  *string    `json:"detail,omitempty" maxLength:"120"`
		Notes   *string    `json:"notes,omitempty" maxLength:"300"`
		Name    *string    `json:"name,omitempty" maxLength:"80"`
		Phone   *string    `json:"phone,omitempty" maxLength:"40"`
	}
}

func set[T any](dst *T, v *T) {
	if v != nil {
		*dst = *v
	}
}

func (s *Service) restChangeAddress(ctx context.Context, in *changeInput) (*savedOutput, error) {
	aid, err := in.parse()
	if err != nil {
		return nil, err
	}
	a, err := s.ChangeAddress(ctx, aid, func(a *Saved) {
		b := &in.Body
		set(&a.Label, b.Label)
		set(&a.Default, b.Default)
		set(&a.Point, b.Point)
		set(&a.Street, b.Street)
		set(&a.City, b.City)
		set(&a.Detail, b.Detail)
		set(&a.Notes, b.Notes)
		set(&a.Name, b.Name)
		set(&a.Phone, b.Phone)
	})
	if err != nil {
		return nil, err
	}
	return &savedOutput{a}, nil
}

func (s *Service) restDeleteAddress(ctx context.Context, in *AddressedByID) (*struct{}, error) {
	aid, err := in.parse()
	if err != nil {
		return nil, err
	}
	return nil, s.DeleteAddress(ctx, aid)
}

func (s *Service) restRestoreAddress(ctx context.Context, in *AddressedByID) (*struct{}, error) {
	aid, err := in.parse()
	if err != nil {
		return nil, err
	}
	return nil, s.RestoreAddress(ctx, aid)
}

type geocodeInput struct {
	Text  string  `query:"q" required:"true" minLength:"1" maxLength:"80" doc:"Street, with or without number, or the name of a place."`
	Lat   float64 `query:"lat" minimum:"-90" maximum:"90" doc:"Those near this point come first."`
	Lon   float64 `query:"lon" minimum:"-180" maximum:"180"`
	Limit int     `query:"limit" minimum:"0" maximum:"20"`
}

// PlaceList is what a geocoder found, best first.
type PlaceList struct {
	Items []Place `json:"items"`
}

type placesOutput struct{ Body PlaceList }

func (s *Service) restGeocode(ctx context.Context, in *geocodeInput) (*placesOutput, error) {
	if in.Limit == 0 {
		in.Limit = 6
	}
	list, err := s.Search(ctx, in.Text, pointOf(in.Lat, in.Lon), in.Limit)
	if err != nil {
		return nil, err
	}
	return &placesOutput{PlaceList{list}}, nil
}

type reverseInput struct {
	Lat float64 `query:"lat" required:"true" minimum:"-90" maximum:"90"`
	Lon float64 `query:"lon" required:"true" minimum:"-180" maximum:"180"`
}

type placeOutput struct{ Body Place }

func (s *Service) restReverse(ctx context.Context, in *reverseInput) (*placeOutput, error) {
	p, err := s.Reverse(ctx, geo.Point{Lat: in.Lat, Lon: in.Lon})
	if err != nil {
		return nil, err
	}
	return &placeOutput{p}, nil
}
