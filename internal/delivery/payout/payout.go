// Package payout pays restaurants and couriers what the town owes them: an admin makes a draft of a run, looks through it and approves it;
// each payee is then paid once, in the books and by a file for the town's bank.
package payout

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// The kinds of payees. Town is the town itself, whose bank account the money comes from.
const (
	Restaurant = "restaurant"
	Courier    = "courier"
	Town       = "town"
)

// The states of a run.
const (
	Draft     = "draft"
	Approved  = "approved"
	Discarded = "discarded"
)

// The states of a payee in a run.
const (
	Waiting  = "waiting"  // the run is a draft
	Excluded = "excluded" // not this time
	Sent     = "sent"     // in the books, and in the file for the bank
	NoBank   = "no_bank"  // nobody has said where to send it
	Short    = "short"    // less was owed by the time of approval
	Failed   = "failed"   // the bank sent it back; it is owed again
)

// Payee is who is paid, in one currency.
type Payee struct {
	Kind     string `json:"kind" enum:"restaurant,courier"`
	Owner    id.ID  `json:"id"`
	Currency string `json:"currency"`
}

func (p Payee) String() string { return p.Kind + ":" + p.Owner.String() + ":" + p.Currency }

// Item is what a payee gets in a run.
type Item struct {
	Payee
	Name    string           `json:"name"`
	Amount  money.Amount     `json:"amount"`
	Cash    money.Amount     `json:"cash" doc:"Kept back or set off: cash that they hold."`
	State   string           `json:"state" enum:"waiting,excluded,sent,no_bank,short,failed"`
	Note    string           `json:"note"`
	Tail    string           `json:"account,omitempty" doc:"The end of the IBAN that it goes to."`
	At      time.Time        `json:"changed_at,omitzero"`
	Entries []delivery.Entry `json:"-"`
	sealed  []byte
}

// Run is a payout run.
type Run struct {
	ID         id.ID        `json:"id"`
	State      string       `json:"state" enum:"draft,approved,discarded"`
	Minimum    money.Amount `json:"minimum" doc:"Whoever is owed less is left out."`
	Note       string       `json:"note"`
	Made       time.Time    `json:"made_at"`
	MadeBy     id.ID        `json:"made_by"`
	Approved   time.Time    `json:"approved_at,omitzero"`
	ApprovedBy id.ID        `json:"approved_by,omitzero"`
	Items      []Item       `json:"items,omitempty" doc:"Only in replies about one run."`
}

// Total returns what a run sends in a currency, or would.
func (r Run) Total(currency string) (sum money.Amount) {
	for _, i := range r.Items {
		if i.Currency == currency && (i.State == Waiting || i.State == Sent) {
			sum += i.Amount
		}
	}
	return sum
}

// Currencies returns the currencies of a run, sorted.
func (r Run) Currencies() []string {
	var out []string
	for _, i := range r.Items {
		if !slices.Contains(out, i.Currency) {
			out = append(out, i.Currency)
		}
	}
	slices.Sort(out)
	return out
}

// draft returns who gets how much, of what stands on their accounts. A restaurant is owed its account and its tax accounts, less the cash at
// its own counter, which is set off; a courier is owed their account, less the cash that they hold, which they have yet to hand in. Whoever
// gets less than the least amount is left out.
func draft(accounts []delivery.BookAccount, least money.Amount) []Item {
	byPayee := map[Payee]*Item{}
	var order []Payee
	item := func(kind string, b delivery.Book) *Item {
		p := Payee{kind, b.Owner, b.Currency}
		if byPayee[p] == nil {
			byPayee[p] = &Item{Payee: p, State: Waiting}
			order = append(order, p)
		}
		return byPayee[p]
	}
	shops := map[id.ID]bool{}
	for _, a := range accounts {
		if a.Book.Kind == delivery.BookRestaurant || a.Book.Kind == delivery.BookTax {
			shops[a.Book.Owner] = true
		}
	}
	for _, a := range accounts {
		switch a.Book.Kind {
		case delivery.BookRestaurant, delivery.BookTax:
			it := item(Restaurant, a.Book)
			it.Amount -= a.Balance
			it.Entries = append(it.Entries, delivery.Entry{Book: a.Book, Amount: -a.Balance, What: "payout"})
		case delivery.BookCourier:
			it := item(Courier, a.Book)
			it.Amount -= a.Balance
		case delivery.BookCash:
			if !shops[a.Book.Owner] {
				it := item(Courier, a.Book)
				it.Amount -= max(0, a.Balance)
				it.Cash += max(0, a.Balance)
				continue
			}
			it := item(Restaurant, a.Book)
			it.Amount -= a.Balance
			it.Cash += a.Balance
			it.Entries = append(it.Entries, delivery.Entry{Book: a.Book, Amount: -a.Balance, What: "payout"})
		}
	}
	var out []Item
	for _, p := range order {
		it := *byPayee[p]
		if it.Amount < max(least, 1) {
			continue
		}
		if p.Kind == Courier {
			it.Entries = []delivery.Entry{{Book: delivery.Book{Kind: delivery.BookCourier, Owner: p.Owner, Currency: p.Currency}, Amount: it.Amount, What: "payout"}}
		}
		out = append(out, it)
	}
	return out
}

// posting returns what an item enters in the books, or takes back where it failed.
func posting(run id.ID, it Item, by id.ID, at time.Time, back bool) delivery.Posting {
	p := delivery.Posting{Ref: "payout:" + run.String() + ":" + it.Payee.String(), What: "payout", By: by, At: at, Note: it.Note}
	p.Entries = append(p.Entries, it.Entries...)
	p.Entries = append(p.Entries, delivery.Entry{Book: delivery.Book{Kind: delivery.BookBank, Currency: it.Currency}, Amount: -it.Amount, What: "payout"})
	if back {
		p.Ref, p.What = p.Ref+":back", "payout_back"
		for i := range p.Entries {
			p.Entries[i].Amount, p.Entries[i].What = -p.Entries[i].Amount, "payout_back"
		}
	}
	return p
}

// Bank is a bank account.
type Bank struct {
	Holder string `json:"holder" maxLength:"70"`
	IBAN   string `json:"iban" maxLength:"42"`
	BIC    string `json:"bic,omitempty" maxLength:"11"`
}

// Check cleans a bank account and returns an Invalid error that names what is wrong with it.
func (b *Bank) Check() error {
	b.Holder = strings.Join(strings.Fields(b.Holder), " ")
	b.IBAN = strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(b.IBAN))
	b.BIC = strings.ToUpper(strings.ReplaceAll(b.BIC, " ", ""))
	var wrong []errs.Field
	if b.Holder == "" || len([]rune(b.Holder)) > 70 {
		wrong = append(wrong, errs.FieldOf("holder", "Say whose account it is, in 70 letters at most."))
	}
	if !validIBAN(b.IBAN) {
		wrong = append(wrong, errs.FieldOf("iban", "This is not an IBAN: its check digits are wrong, or letters are missing."))
	}
	if b.BIC != "" && !validBIC(b.BIC) {
		wrong = append(wrong, errs.FieldOf("bic", "A BIC has 8 or 11 letters and digits. Leave it out if you don't know it."))
	}
	return errs.InvalidFields(wrong)
}

// Tail returns the last four characters of the IBAN.
func (b Bank) Tail() string { return b.IBAN[max(0, len(b.IBAN)-4):] }

// validIBAN reports whether an IBAN without spaces has a country, a length within ISO 13616 and right check digits (mod 97).
func validIBAN(s string) bool {
	if len(s) < 15 || len(s) > 34 || !upper(s[:2]) || !digits(s[2:4]) {
		return false
	}
	if n, known := ibanLength[s[:2]]; known && len(s) != n {
		return false
	}
	rest := 0
	for _, r := range s[4:] + s[:4] {
		switch {
		case r >= '0' && r <= '9':
			rest = (rest*10 + int(r-'0')) % 97
		case r >= 'A' && r <= 'Z':
			rest = (rest*100 + int(r-'A') + 10) % 97
		default:
			return false
		}
	}
	return rest == 1
}

// ibanLength is how long IBANs are in the countries of the SEPA.
var ibanLength = map[string]int{
	"AD": 24, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22,
	"GI": 23, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18,
	"NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "VA": 22,
}

func validBIC(s string) bool {
	if len(s) != 8 && len(s) != 11 || !upper(s[:6]) {
		return false
	}
	return strings.Trim(s[6:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

func upper(s string) bool  { return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" }
func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func encode(e []delivery.Entry) (string, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return "", fmt.Errorf("payout: encode entries: %w", err)
	}
	return string(b), nil
}
