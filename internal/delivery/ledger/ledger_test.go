package ledger

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// dinner is two pizzas with cheese (7 % tax), a bottle of wine (19 %), the way (19 %) and a tip: customer 7, restaurant 5. The town takes 10 %
// of the food and 0.20.
func dinner() delivery.Sale {
	return delivery.Sale{
		Order: 1, Customer: 7, Restaurant: 5, Mode: delivery.ByCourier, Currency: "EUR",
		Lines: []delivery.QuoteLine{
			{Name: "Pizza", Qty: 2, Unit: 1070, Extra: 70, Total: 2140, Rate: 700},
			{Name: "Wine", Qty: 1, Unit: 1190, Total: 1190, Rate: 1900},
		},
		Taxes:    []delivery.TaxLine{{Rate: 1900, Gross: 1428, Tax: 228}, {Rate: 700, Gross: 2140, Tax: 140}},
		Subtotal: 3330, Fee: 238, FeeRate: 1900, Tip: 200, Total: 3768,
		Deal:  delivery.Deal{Commission: 1000, CommissionFlat: 20, CardFee: delivery.PartyPlatform, FeeTo: delivery.PartyPlatform},
		DistM: 2345.6,
	}
}

// written are entries as the tests write them: "kind[/owner][/sub][@rate] amount what" a line.
func written(list []delivery.Entry) string {
	var b strings.Builder
	for _, e := range list {
		b.WriteString(string(e.Book.Kind))
		if e.Book.Owner != 0 {
			fmt.Fprintf(&b, "/%d", e.Book.Owner)
		}
		if e.Book.Sub != "" {
			b.WriteString("/" + e.Book.Sub)
		}
		if e.Book.Rate != 0 {
			fmt.Fprintf(&b, "@%d", e.Book.Rate)
		}
		fmt.Fprintf(&b, " %d %s\n", e.Amount, e.What)
	}
	return b.String()
}

// books compares entries with what was worked out by hand, and sums them up.
func books(t *testing.T, got []delivery.Entry, want string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line+"\n")
		}
	}
	if diff := cmp.Diff(strings.Join(lines, ""), written(got)); diff != "" {
		t.Errorf("the entries differ (-want +got):\n%s", diff)
	}
	var sum money.Amount
	for _, e := range got {
		sum += e.Amount
		if e.Book.Currency != "EUR" {
			t.Errorf("an entry is in %q", e.Book.Currency)
		}
	}
	if sum != 0 {
		t.Errorf("the entries sum to %d", sum)
	}
}

func TestSellSharesEachCent(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*delivery.Sale)
		want   string
	}{
		"two rates, the fee is the town's": {func(*delivery.Sale) {}, `
			customer/7 3768 sale
			restaurant/5 -2874 sale
			restaurant/5 -126 option
			tax/5@1900 -190 tax
			tax/5@700 -140 tax
			platform/fees -200 fee
			tax@1900 -38 fee_tax
			tips -200 tip`},
		"the fee is the restaurant's": {func(s *delivery.Sale) { s.Deal.FeeTo = delivery.PartyRestaurant }, `
			customer/7 3768 sale
			restaurant/5 -2874 sale
			restaurant/5 -126 option
			tax/5@1900 -190 tax
			tax/5@700 -140 tax
			restaurant/5 -200 fee
			tax/5@1900 -38 fee_tax
			tips -200 tip`},
		"the restaurant takes 10 % off": {func(s *delivery.Sale) {
			s.Discounts = []delivery.Discount{{Kind: delivery.DiscountPercent, Amount: 333, Bearer: delivery.PartyRestaurant}}
			s.Taxes = []delivery.TaxLine{{Rate: 1900, Gross: 1071 + 238, Tax: 209}, {Rate: 700, Gross: 1926, Tax: 126}}
			s.Total = 3435
		}, `
			customer/7 3435 sale
			restaurant/5 -2905 sale
			restaurant/5 -128 option
			restaurant/5 333 discount
			tax/5@1900 -171 tax
			tax/5@700 -126 tax
			platform/fees -200 fee
			tax@1900 -38 fee_tax
			tips -200 tip`},
		"the town takes 5.00 off": {func(s *delivery.Sale) {
			s.Discounts = []delivery.Discount{{Kind: delivery.DiscountAmount, Amount: 500, Bearer: delivery.PartyPlatform}}
			s.Total = 3268
		}, `
			customer/7 3268 sale
			restaurant/5 -2874 sale
			restaurant/5 -126 option
			tax/5@1900 -190 tax
			tax/5@700 -140 tax
			platform/fees -200 fee
			tax@1900 -38 fee_tax
			tips -200 tip
			platform/promotions 500 discount`},
		"the restaurant pays the town for bringing it": {func(s *delivery.Sale) {
			s.Discounts = []delivery.Discount{{Kind: delivery.DiscountFee, Amount: 238, Bearer: delivery.PartyRestaurant}}
			s.Taxes[0] = delivery.TaxLine{Rate: 1900, Gross: 1190, Tax: 190}
			s.Total = 3530
		}, `
			customer/7 3530 sale
			restaurant/5 -2874 sale
			restaurant/5 -126 option
			tax/5@1900 -190 tax
			tax/5@700 -140 tax
			restaurant/5 238 discount
			platform/fees -238 discount
			tips -200 tip`},
		"the restaurant forgoes its own fee": {func(s *delivery.Sale) {
			s.Deal.FeeTo = delivery.PartyRestaurant
			s.Discounts = []delivery.Discount{{Kind: delivery.DiscountFee, Amount: 238, Bearer: delivery.PartyRestaurant}}
			s.Taxes[0] = delivery.TaxLine{Rate: 1900, Gross: 1190, Tax: 190}
			s.Total = 3530
		}, `
			customer/7 3530 sale
			restaurant/5 -2874 sale
			restaurant/5 -126 option
			tax/5@1900 -190 tax
			tax/5@700 -140 tax
			tips -200 tip`},
		"the town pays for all of it": {func(s *delivery.Sale) {
			s.Tip = 0
			s.Discounts = []delivery.Discount{{Kind: delivery.DiscountAmount, Amount: 3330, Bearer: delivery.PartyPlatform}, {Kind: delivery.DiscountFee, Amount: 238, Bearer: delivery.PartyPlatform}}
			s.Total = 0
		}, `
			restaurant/5 -2874 sale
			restaurant/5 -126 option
			tax/5@1900 -190 tax
			tax/5@700 -140 tax
			platform/fees -200 fee
			tax@1900 -38 fee_tax
			platform/promotions 3330 discount
			platform/promotions 238 discount`},
		"nothing is taxed, nothing is brought": {func(s *delivery.Sale) {
			s.Mode, s.Fee, s.Tip, s.Total, s.Taxes = delivery.Pickup, 0, 0, 3330, nil
		}, `
			customer/7 3330 sale
			restaurant/5 -3190 sale
			restaurant/5 -140 option`},
	} {
		t.Run(name, func(t *testing.T) {
			s := dinner()
			c.change(&s)
			got, err := sell(&s)
			if err != nil {
				t.Fatal(err)
			}
			books(t, got, c.want)
		})
	}
}

func TestASaleWhoseFiguresDisagreeIsNotEntered(t *testing.T) {
	for name, change := range map[string]func(*delivery.Sale){
		"total":             func(s *delivery.Sale) { s.Total++ },
		"taxed on too much": func(s *delivery.Sale) { s.Taxes[0].Gross++ },
		"negative discount": func(s *delivery.Sale) { s.Discounts = []delivery.Discount{{Amount: -1}}; s.Total++ },
		"negative tip":      func(s *delivery.Sale) { s.Total -= 201; s.Tip = -1 },
		"more off the fee than it is": func(s *delivery.Sale) {
			s.Discounts = []delivery.Discount{{Kind: delivery.DiscountFee, Amount: 239, Bearer: delivery.PartyRestaurant}}
			s.Taxes[0].Gross -= 239
			s.Total -= 239
		},
		"more off the food than it is": func(s *delivery.Sale) {
			s.Discounts = []delivery.Discount{{Kind: delivery.DiscountAmount, Amount: 3331, Bearer: delivery.PartyRestaurant}}
			s.Taxes = []delivery.TaxLine{{Rate: 1900, Gross: 237}}
			s.Total -= 3331
		},
		"more credit than price": func(s *delivery.Sale) { s.Credit = s.Total + 1 },
		"negative credit":        func(s *delivery.Sale) { s.Credit = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			s := dinner()
			change(&s)
			if got, err := sell(&s); err == nil {
				t.Errorf("it was entered:\n%s", written(got))
			}
		})
	}
}

func TestSpendMovesCreditToTheOrder(t *testing.T) {
	s := dinner()
	s.Credit = 1000
	books(t, spend(&s), `
		wallet/7 1000 credit
		customer/7 -1000 credit`)
}

func TestEarnPaysTheTownAndTheCourier(t *testing.T) {
	pay := delivery.CourierPay{PerOrder: 300, PerKm: 100}
	for name, c := range map[string]struct {
		change  func(*delivery.Sale)
		courier id.ID
		want    string
	}{
		"brought by a courier": {func(*delivery.Sale) {}, 9, `
			restaurant/5 353 commission
			platform/commission -353 commission
			tips 200 tip
			courier/9 -200 tip
			platform/courier_pay 535 pay
			courier/9 -535 pay`},
		"brought by nobody": {func(s *delivery.Sale) {}, 0, `
			restaurant/5 353 commission
			platform/commission -353 commission
			tips 200 tip
			restaurant/5 -200 tip`},
		"collected, with a courier by mistake": {func(s *delivery.Sale) { s.Mode, s.Tip = delivery.Pickup, 0 }, 9, `
			restaurant/5 353 commission
			platform/commission -353 commission`},
		"less what the restaurant took off the food, not off the fee": {func(s *delivery.Sale) {
			s.Tip = 0
			s.Discounts = []delivery.Discount{
				{Kind: delivery.DiscountAmount, Amount: 330, Bearer: delivery.PartyRestaurant},
				{Kind: delivery.DiscountFee, Amount: 100, Bearer: delivery.PartyRestaurant},
				{Kind: delivery.DiscountAmount, Amount: 700, Bearer: delivery.PartyPlatform},
			}
		}, 0, `
			restaurant/5 320 commission
			platform/commission -320 commission`},
		"no commission": {func(s *delivery.Sale) { s.Tip, s.Deal = 0, delivery.Deal{} }, 0, ``},
	} {
		t.Run(name, func(t *testing.T) {
			s := dinner()
			c.change(&s)
			books(t, earn(&s, c.courier, payFor(&s, pay)), c.want)
		})
	}
}

func TestTakeBooksWhereTheMoneyIs(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*delivery.Sale)
		m      delivery.Taken
		want   string
	}{
		"a card, the town bears its fee": {func(*delivery.Sale) {}, delivery.Taken{Method: delivery.PayByCard, Provider: "stripe", Amount: 3768, Fee: 78}, `
			provider/stripe 3768 paid
			customer/7 -3768 paid
			platform/card_fees 78 card_fee
			provider/stripe -78 card_fee`},
		"a card, the restaurant bears its fee and gets its share there": {
			func(s *delivery.Sale) { s.Deal.CardFee = delivery.PartyRestaurant },
			delivery.Taken{Method: delivery.PayByCard, Provider: "stripe", Amount: 3768, Fee: 78, Sent: 2500},
			`
			provider/stripe 3768 paid
			customer/7 -3768 paid
			restaurant/5 78 card_fee
			provider/stripe -78 card_fee
			restaurant/5 2500 sent
			provider/stripe -2500 sent`,
		},
		"at the door": {func(*delivery.Sale) {}, delivery.Taken{Method: delivery.PayOnDelivery, Amount: 3768, By: 9}, `
			cash/9 3768 paid
			customer/7 -3768 paid`},
		"at the counter": {func(s *delivery.Sale) { s.Mode = delivery.Pickup }, delivery.Taken{Method: delivery.PayOnDelivery, Amount: 3768, By: 11}, `
			cash/5 3768 paid
			customer/7 -3768 paid`},
	} {
		t.Run(name, func(t *testing.T) {
			s := dinner()
			c.change(&s)
			c.m.Currency = "EUR"
			books(t, take(&s, &c.m), c.want)
		})
	}
}

func TestReturnBooksWhereItWent(t *testing.T) {
	for name, c := range map[string]struct {
		m    delivery.Returned
		want string
	}{
		"to a card, partly from the restaurant's account": {delivery.Returned{Method: delivery.PayByCard, Provider: "stripe", Amount: 1190, Pulled: 1000}, `
			customer/7 1190 paid_back
			provider/stripe -1190 paid_back
			provider/stripe 1000 pulled
			restaurant/5 -1000 pulled`},
		"in cash": {delivery.Returned{Method: delivery.PayOnDelivery, Amount: 1190, By: 9}, `
			customer/7 1190 paid_back
			cash/9 -1190 paid_back`},
		"as credit": {delivery.Returned{Method: delivery.PayByCredit, Amount: 1190}, `
			customer/7 1190 paid_back
			wallet/7 -1190 paid_back`},
	} {
		t.Run(name, func(t *testing.T) {
			s := dinner()
			c.m.Currency = "EUR"
			books(t, giveBack(&s, &c.m), c.want)
		})
	}
}

func TestRefundSaysWhoBearsIt(t *testing.T) {
	wine := delivery.Refund{ID: 3, Amount: 1190, Currency: "EUR", Lines: []delivery.RefundLine{{Line: 1, Qty: 1, Amount: 1190}}, Taxes: []delivery.TaxLine{{Rate: 1900, Gross: 1190, Tax: 190}}}
	all := delivery.Refund{ID: 3, Amount: 3768, Currency: "EUR", Taxes: []delivery.TaxLine{{Rate: 1900, Gross: 1428, Tax: 228}, {Rate: 700, Gross: 2140, Tax: 140}}}
	for name, c := range map[string]struct {
		r       delivery.Refund
		liable  delivery.Party
		courier id.ID
		want    string
	}{
		"the restaurant": {wine, delivery.PartyRestaurant, 9, `
			tax/5@1900 190 refund
			restaurant/5 1000 refund
			customer/7 -1190 refund`},
		"the town": {wine, delivery.PartyPlatform, 9, `
			tax/5@1900 190 refund
			restaurant/5 1000 refund
			customer/7 -1190 refund
			platform/refunds 1000 compensation
			restaurant/5 -1000 compensation`},
		"the courier": {wine, delivery.PartyCourier, 9, `
			tax/5@1900 190 refund
			restaurant/5 1000 refund
			customer/7 -1190 refund
			courier/9 1000 compensation
			restaurant/5 -1000 compensation`},
		"a courier whom nobody knows": {wine, delivery.PartyCourier, 0, `
			tax/5@1900 190 refund
			restaurant/5 1000 refund
			customer/7 -1190 refund
			platform/refunds 1000 compensation
			restaurant/5 -1000 compensation`},
		"all of it, fee and tip too": {all, delivery.PartyRestaurant, 9, `
			tax/5@1900 190 refund
			tax@1900 38 refund
			tax/5@700 140 refund
			restaurant/5 3400 refund
			customer/7 -3768 refund`},
	} {
		t.Run(name, func(t *testing.T) {
			s := dinner()
			c.r.Liable = c.liable
			got, err := refund(&s, &c.r, c.courier)
			if err != nil {
				t.Fatal(err)
			}
			books(t, got, c.want)
		})
	}
	for name, r := range map[string]delivery.Refund{
		"nothing":              {Currency: "EUR"},
		"less than nothing":    {Amount: -1, Currency: "EUR"},
		"another currency":     {Amount: 1, Currency: "CHF"},
		"more tax than amount": {Amount: 1, Currency: "EUR", Taxes: []delivery.TaxLine{{Rate: 700, Tax: 2}}},
		"negative tax":         {Amount: 1, Currency: "EUR", Taxes: []delivery.TaxLine{{Rate: 700, Tax: -1}}},
	} {
		s := dinner()
		if got, err := refund(&s, &r, 0); err == nil {
			t.Errorf("%s is refunded:\n%s", name, written(got))
		}
	}
}

func TestWhoeverAnswersForCookedFoodPaysWhatTheRestaurantLoses(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*delivery.Sale)
		answers delivery.Party
		courier id.ID
		cooked  bool
		want    string
	}{
		"the town": {func(*delivery.Sale) {}, delivery.PartyPlatform, 9, true, `
			platform/refunds 2647 compensation
			restaurant/5 -2647 compensation`},
		"the courier, for what brings the fee, too": {func(s *delivery.Sale) { s.Deal.FeeTo = delivery.PartyRestaurant }, delivery.PartyCourier, 9, true, `
			courier/9 2847 compensation
			restaurant/5 -2847 compensation`},
		"the customer, whom the town lets go": {func(*delivery.Sale) {}, delivery.PartyCustomer, 9, true, `
			platform/refunds 2647 compensation
			restaurant/5 -2647 compensation`},
		"less what the restaurant would have paid for bringing it": {func(s *delivery.Sale) {
			s.Discounts = []delivery.Discount{{Kind: delivery.DiscountFee, Amount: 238, Bearer: delivery.PartyRestaurant}}
			s.Taxes[0] = delivery.TaxLine{Rate: 1900, Gross: 1190, Tax: 190}
			s.Total = 3530
		}, delivery.PartyPlatform, 0, true, `
			platform/refunds 2409 compensation
			restaurant/5 -2409 compensation`},
		"nothing for who would have had to pay": {func(s *delivery.Sale) { s.Deal.CommissionFlat = 3000 }, delivery.PartyPlatform, 9, true, ``},
		"the restaurant":                        {func(*delivery.Sale) {}, delivery.PartyRestaurant, 9, true, ``},
		"not cooked":                            {func(*delivery.Sale) {}, delivery.PartyPlatform, 9, false, ``},
	} {
		t.Run(name, func(t *testing.T) {
			s := dinner()
			c.change(&s)
			got, err := owed(&s, c.answers, c.courier, c.cooked)
			if err != nil {
				t.Fatal(err)
			}
			books(t, got, c.want)
		})
	}
}

func TestLessThanLeavesTheTarget(t *testing.T) {
	s := dinner()
	stands, err := sell(&s)
	if err != nil {
		t.Fatal(err)
	}
	target, err := owed(&s, delivery.PartyPlatform, 0, true)
	if err != nil {
		t.Fatal(err)
	}
	change := lessThan(target, stands)
	if left := lessThan(target, append(stands, change...)); len(left) != 0 {
		t.Errorf("this is left:\n%s", written(left))
	}
	books(t, change, `
		customer/7 -3768 unsale
		platform/fees 200 unsale
		platform/refunds 2647 unsale
		restaurant/5 353 unsale
		tax@1900 38 unsale
		tax/5@700 140 unsale
		tax/5@1900 190 unsale
		tips 200 unsale`)
}
