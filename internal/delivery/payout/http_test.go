package payout

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

func TestTheSmallestPayoutIsInWholeCoinsOfTheTown(t *testing.T) {
	for currency, want := range map[string]money.Amount{"EUR": 2000, "JPY": 20, "KWD": 20_000} {
		tw := newTown(t, dbtest.SQLite(t, Schema))
		tw.Currency = currency
		r := httptest.NewRequest("POST", "/admin/payouts", strings.NewReader("minimum=20&note=November"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if err := tw.handleMake(httptest.NewRecorder(), r.WithContext(admin)); err != nil {
			t.Fatal(err)
		}
		runs, err := tw.Runs(admin, 0, 10)
		if err != nil || len(runs) != 1 || runs[0].Minimum != want {
			t.Errorf("20 %s: %+v, %v; want %d", currency, runs, err, want)
		}
	}
}
