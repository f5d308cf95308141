package cli

import (
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/stoa-town/stoa/internal/app"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
)

type verifyCmd struct{}

// verified says what each check of the books is about.
var verified = map[string]string{
	ledger.CheckPosting:   "every posting sums to zero and is whole",
	ledger.CheckTotal:     "all accounts together hold nothing",
	ledger.CheckReference: "nothing refers to what there is not",
	ledger.CheckWallet:    "wallets hold what their entries say",
	ledger.CheckOrder:     "each order's entries are what was bought",
	ledger.CheckPayment:   "what came in and went back is what was paid",
}

// Run checks the books and lists what is wrong. It returns an error where anything is, so that the exit code is 1.
func (verifyCmd) Run(e *env) error {
	return e.with(func(a *app.App) error {
		c, err := a.Ledger.Verify(e.ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(e.streams.Out, 0, 0, 2, ' ', 0)
		fmt.Fprintf(w, "accounts\t%d\npostings\t%d\nentries\t%d\norders\t%d\n", c.Accounts, c.Postings, c.Entries, c.Orders)
		for _, currency := range slices.Sorted(maps.Keys(c.Debits)) {
			fmt.Fprintf(w, "turnover\t%s\n", money.Format(c.Debits[currency], currency))
		}
		fmt.Fprintln(w)
		wrong := 0
		for _, check := range ledger.Checks {
			says := "ok"
			if n := c.Found[check]; n > 0 {
				says = fmt.Sprintf("%d WRONG", n)
				wrong += n
			} else if check == ledger.CheckPayment && !c.Payments {
				says = "not checked"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", check, says, verified[check])
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if wrong == 0 {
			return nil
		}
		for _, f := range c.Findings {
			fmt.Fprintf(e.streams.Out, "%s: %s\n", f.Check, f.What)
		}
		return fmt.Errorf("the books are wrong in %d places", wrong)
	})
}
