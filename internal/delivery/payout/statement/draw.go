package statement

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/paper"
	"github.com/stoa-town/stoa/internal/platform/sheet"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// PDF returns a statement on paper, in the language of ctx.
func PDF(ctx context.Context, s Statement) ([]byte, error) {
	sum := func(a int64) string { return ui.Money(ctx, a, s.Currency) }
	doc := paper.New(paper.Info{Title: s.Number, Author: s.Town, At: s.Issued, Footer: []string{s.Number + " · " + s.Town}})
	doc.Title(i18n.T(ctx, "Statement"))
	doc.Sides([]string{s.Town, i18n.T(ctx, "For %s", s.Name)}, []string{s.Number, s.period(ctx)})
	doc.Gap(12)
	rows := []paper.Row{{Cells: []string{i18n.T(ctx, "Carried over"), "", sum(s.Opening)}}}
	if s.Late != 0 {
		rows = append(rows, paper.Row{Cells: []string{i18n.T(ctx, "Entered late, for earlier times"), "", sum(s.Late)}})
	}
	for _, l := range s.Lines {
		rows = append(rows, paper.Row{Cells: []string{l.words(ctx), strconv.Itoa(l.Count), sum(l.Amount)}})
	}
	rows = append(rows, paper.Row{Cells: []string{i18n.T(ctx, "Owed to you"), "", sum(s.Closing)}, Bold: true})
	doc.Table([]paper.Column{{Title: i18n.T(ctx, "What"), Share: 5}, {Title: i18n.T(ctx, "Entries"), Share: 1, Figure: true}, {Title: i18n.T(ctx, "Amount"), Share: 2, Figure: true}}, rows)
	if s.Kind == Courier {
		doc.Gap(8)
		doc.Para(i18n.T(ctx, "Cash that you hold for the town: %s.", sum(s.Cash)))
	}
	return doc.Bytes()
}

// CSV returns a statement as a table.
func CSV(s Statement) ([]byte, error) {
	var b bytes.Buffer
	w := sheet.CSV(&b)
	m := func(a int64) sheet.Money { return sheet.Money{Amount: a, Currency: s.Currency} }
	rows := [][]any{{"statement", "payee", "from", "to", "account", "what", "rate", "entries", "amount", "currency"}}
	row := func(book, what string, rate, n int, amount int64) {
		rows = append(rows, []any{s.Number, s.Name, s.From.Format(time.RFC3339), s.To.Format(time.RFC3339), book, what, rate, n, m(amount), s.Currency})
	}
	row("", "opening", 0, 0, s.Opening)
	row("", "late", 0, 0, s.Late)
	for _, l := range s.Lines {
		row(string(l.Book), l.What, l.Rate, l.Count, l.Amount)
	}
	row("", "closing", 0, 0, s.Closing)
	for _, r := range rows {
		if err := w.Row(r...); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// period is "16.11.2026 – 22.11.2026".
func (s Statement) period(ctx context.Context) string {
	loc, err := time.LoadLocation(s.Zone)
	if err != nil {
		loc = time.UTC
	}
	layout := "2 Jan 2006"
	if i18n.Lang(ctx) == "de" {
		layout = "02.01.2006"
	}
	return s.From.In(loc).Format(layout) + " – " + s.To.In(loc).AddDate(0, 0, -1).Format(layout)
}

// words says what a line is.
func (l Line) words(ctx context.Context) string {
	if l.Book == delivery.BookCash {
		return i18n.T(ctx, "Cash taken at your counter")
	}
	if l.Book == delivery.BookTax {
		rate := strings.Replace(strconv.FormatFloat(float64(l.Rate)/100, 'f', -1, 64), ".", point(ctx), 1)
		if l.What == "payout" {
			return i18n.T(ctx, "Paid out (tax at %s %%)", rate)
		}
		return i18n.T(ctx, "Tax at %s %% in it (%s)", rate, word(ctx, l.What))
	}
	return word(ctx, l.What)
}

// point is what stands before fractions.
func point(ctx context.Context) string {
	if i18n.Lang(ctx) == "de" {
		return ","
	}
	return "."
}

func word(ctx context.Context, what string) string {
	switch what {
	case "sale":
		return i18n.T(ctx, "Sold, net of tax")
	case "option":
		return i18n.T(ctx, "Options, net of tax")
	case "tax":
		return i18n.T(ctx, "Tax on what was sold")
	case "fee_tax":
		return i18n.T(ctx, "Tax on delivery")
	case "discount":
		return i18n.T(ctx, "Discounts that you bear")
	case "fee":
		return i18n.T(ctx, "Delivery fees")
	case "tip":
		return i18n.T(ctx, "Tips")
	case "commission":
		return i18n.T(ctx, "Commission")
	case "pay":
		return i18n.T(ctx, "Pay for orders")
	case "floor":
		return i18n.T(ctx, "Up to the hourly floor")
	case "refund":
		return i18n.T(ctx, "Refunds")
	case "compensation":
		return i18n.T(ctx, "Made good, or answered for")
	case "card_fee":
		return i18n.T(ctx, "Card fees")
	case "sent":
		return i18n.T(ctx, "Sent to you by the card provider")
	case "pulled":
		return i18n.T(ctx, "Taken back by the card provider")
	case "unsale":
		return i18n.T(ctx, "Cancelled orders")
	case "payout":
		return i18n.T(ctx, "Paid out")
	case "payout_back":
		return i18n.T(ctx, "Payouts that came back")
	case "paid":
		return i18n.T(ctx, "Taken in")
	case "paid_back":
		return i18n.T(ctx, "Given back")
	}
	return what
}
