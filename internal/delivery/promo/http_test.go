package promo

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

func TestAChangeWithBadRulesNamesTheFieldsOfItsBody(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, Schema, events.Schema))
	p := tw.make(t, percent(10, Rules{}))
	most, code := int64(-1), "x"
	bad := Rules{Kind: delivery.DiscountPercent, Percent: 200, Bearer: delivery.PartyRestaurant, Hours: "never ever"}
	_, err := tw.restChange(asAdmin(t), &changeInput{AddressedByID{p.ID.String()}, Changes{Most: &most, Code: &code, Rules: &bad}})
	e, ok := errors.AsType[*errs.Error](err)
	if !ok {
		t.Fatal(err)
	}
	var got []string
	for _, f := range e.Fields {
		got = append(got, f.Path)
	}
	if diff := cmp.Diff([]string{"code", "rules.percent", "most", "rules.hours"}, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if _, err := tw.restChange(asAdmin(t), &changeInput{AddressedByID{"x"}, Changes{}}); errs.As(err) == nil || errs.As(err).Fields[0].Path != "path.id" {
		t.Errorf("an address that is none: %v", err)
	}
}

func TestAmountsAreTypedAsTheirCurrencyHasThem(t *testing.T) {
	for currency, want := range map[string]string{"EUR": "12.50", "JPY": "1250", "KWD": "1.250"} {
		p := &Promotion{Rules: Rules{Currency: currency, Kind: delivery.DiscountAmount, Amount: 1250, Minimum: 5000}}
		f := formOf(p, time.UTC)
		if f.Amount != want {
			t.Errorf("1250 of %s is shown as %q; want %q", currency, f.Amount, want)
		}
		var again Promotion
		if err := f.into(&again, currency, time.UTC); err != nil || again.Amount != money.Amount(1250) || again.Minimum != 5000 {
			t.Errorf("%s: typed as shown: %d and %d, %v", currency, again.Amount, again.Minimum, err)
		}
	}
}
