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

// advice says what to do where a check of the books has found something.
var advice = map[string]string{
	ledger.CheckPosting:   "Rows of the books were changed or lost outside Stoa. Stop the server, take the last backup of which stoa verify is clean, and keep this one to compare.",
	ledger.CheckTotal:     "Look at the postings above first: the total is wrong where one of them is.",
	ledger.CheckReference: "Rows were lost outside Stoa. Take them from the last backup of which stoa verify is clean.",
	ledger.CheckWallet:    "The entries are what counts. Look at the account on /admin/finance, and pay nobody's credit out before it agrees.",
	ledger.CheckOrder:     "Open the order at /orders/CODE and compare it with what stands below /admin/finance. Make good by a refund or credit what somebody has lost.",
	ledger.CheckPayment:   "Compare the order with the provider's own pages; where /admin/finance calls it unclear, ask the provider again there.",
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
		fmt.Fprintln(e.streams.Out, "\nWhat to do:")
		for _, check := range ledger.Checks {
			if c.Found[check] > 0 {
				fmt.Fprintf(e.streams.Out, "%s: %s\n", check, advice[check])
			}
		}
		return fmt.Errorf("the books are wrong in %d places", wrong)
	})
}
