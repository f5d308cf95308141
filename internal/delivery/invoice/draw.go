package invoice

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/paper"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Draw returns a document as PDF, in the language in which it was issued, all of it from what is stored: drawn again it looks the same.
func Draw(d Document) ([]byte, error) {
	ctx := i18n.With(context.Background(), d.Lang)
	loc, err := time.LoadLocation(d.Zone)
	if err != nil {
		loc = time.UTC
	}
	sum := func(a int64) string { return ui.Money(ctx, a, d.Currency) }
	title := i18n.T(ctx, "Receipt")
	if d.Kind == CreditNote {
		title = i18n.T(ctx, "Credit note")
	}
	doc := paper.New(paper.Info{Title: title + " " + d.Number, Author: d.Seller.Name, At: d.Issued, Footer: footer(ctx, d)})
	doc.Title(title)
	doc.Sides(d.seller(ctx), d.head(ctx, loc))
	doc.Gap(8)
	if d.Buyer != "" {
		doc.Para(i18n.T(ctx, "For %s", d.Buyer))
	}
	if d.Of != "" {
		doc.Para(i18n.T(ctx, "It takes back from receipt %s what is listed here.", d.Of))
	}
	doc.Gap(8)
	doc.Table([]paper.Column{
		{Title: i18n.T(ctx, "Quantity"), Share: 1},
		{Title: i18n.T(ctx, "What"), Share: 5},
		{Title: i18n.T(ctx, "Tax"), Share: 1.2, Figure: true},
		{Title: i18n.T(ctx, "Each"), Share: 1.6, Figure: true},
		{Title: i18n.T(ctx, "Total"), Share: 1.8, Figure: true},
	}, d.rows(ctx, sum))
	doc.Rule()
	sums := []paper.Column{{Share: 4}, {Share: 1.4, Figure: true}}
	doc.Table(sums, d.sums(ctx, sum))
	if len(d.Taxes) > 0 {
		doc.Heading(i18n.T(ctx, "Tax in it"))
		var rows []paper.Row
		for _, t := range d.Taxes {
			rows = append(rows, paper.Row{Cells: []string{percent(ctx, t.Rate), sum(t.Net), sum(t.Tax), sum(t.Gross)}})
		}
		doc.Table([]paper.Column{
			{Title: i18n.T(ctx, "Rate"), Share: 1},
			{Title: i18n.T(ctx, "Net"), Share: 1, Figure: true},
			{Title: i18n.T(ctx, "Tax"), Share: 1, Figure: true},
			{Title: i18n.T(ctx, "Gross"), Share: 1, Figure: true},
		}, rows)
	}
	if len(d.Paid) > 0 {
		doc.Heading(i18n.T(ctx, "Paid"))
		var rows []paper.Row
		for _, p := range d.Paid {
			rows = append(rows, paper.Row{Cells: []string{how(ctx, p.How), sum(p.Amount)}})
		}
		doc.Table(sums, rows)
	}
	return doc.Bytes()
}

func footer(ctx context.Context, d Document) []string {
	out := []string{d.Number + " · " + d.Town}
	if d.FeeByTown && d.Fee != 0 {
		out = append(out, i18n.T(ctx, "Delivery is a service of %s.", d.Town))
	}
	return out
}

func (d Document) seller(ctx context.Context) []string {
	out := []string{d.Seller.Name}
	if d.Seller.Legal != "" && d.Seller.Legal != d.Seller.Name {
		out = append(out, d.Seller.Legal)
	}
	out = append(out, d.Seller.Street, d.Seller.City)
	if d.Seller.Phone != "" {
		out = append(out, d.Seller.Phone)
	}
	if d.Seller.TaxID != "" {
		out = append(out, i18n.T(ctx, "Tax number: %s", d.Seller.TaxID))
	}
	return out
}

func (d Document) head(ctx context.Context, loc *time.Location) []string {
	out := []string{d.Number, i18n.T(ctx, "Issued %s", moment(ctx, d.Issued, loc)), i18n.T(ctx, "Order %s of %s", d.Code, moment(ctx, d.Ordered, loc))}
	if !d.Delivered.IsZero() {
		words := i18n.T(ctx, "Delivered %s", moment(ctx, d.Delivered, loc))
		if d.Mode == delivery.Pickup {
			words = i18n.T(ctx, "Picked up %s", moment(ctx, d.Delivered, loc))
		}
		out = append(out, words)
	}
	return out
}

func (d Document) rows(ctx context.Context, sum func(int64) string) []paper.Row {
	var rows []paper.Row
	for _, l := range d.Lines {
		r := paper.Row{Cells: []string{strconv.Itoa(l.Qty), l.Name, percent(ctx, l.Rate), sum(l.Unit), sum(l.Total)}}
		if len(l.Options) > 0 {
			r.Under = []string{strings.Join(l.Options, ", ")}
		}
		rows = append(rows, r)
	}
	if d.Kind == CreditNote && len(d.Lines) == 0 {
		rows = append(rows, paper.Row{Cells: []string{"", i18n.T(ctx, "Given back of order %s", d.Code), "", "", sum(d.Total)}})
	}
	return rows
}

func (d Document) sums(ctx context.Context, sum func(int64) string) []paper.Row {
	var rows []paper.Row
	add := func(label string, a int64) { rows = append(rows, paper.Row{Cells: []string{label, sum(a)}}) }
	if d.Kind == Receipt {
		add(i18n.T(ctx, "Food"), d.Subtotal)
		for _, x := range d.Discounts {
			label := x.Label
			if x.Bearer == delivery.PartyPlatform {
				label = i18n.T(ctx, "%s (paid by %s)", x.Label, d.Town)
			}
			add(label, -x.Amount)
		}
		if d.Mode == delivery.ByCourier {
			add(i18n.T(ctx, "Delivery (tax %s)", percent(ctx, d.FeeRate)), d.Fee)
		}
		if d.Tip != 0 {
			add(i18n.T(ctx, "Tip (not taxed)"), d.Tip)
		}
	}
	return append(rows, paper.Row{Cells: []string{i18n.T(ctx, "Total"), sum(d.Total)}, Bold: true})
}

// how says in which way was paid.
func how(ctx context.Context, way string) string {
	switch way {
	case "card":
		return i18n.T(ctx, "By card")
	case "credit":
		return i18n.T(ctx, "With credit")
	}
	return i18n.T(ctx, "In cash")
}

// percent says a rate in basis points, such as "7 %".
func percent(ctx context.Context, rate int) string {
	s := strconv.FormatFloat(float64(rate)/100, 'f', -1, 64)
	if i18n.Lang(ctx) == "de" {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s + "\u00a0%"
}

// moment is a day and time on paper: whole, since nobody knows when it is read.
func moment(ctx context.Context, t time.Time, loc *time.Location) string {
	if i18n.Lang(ctx) == "de" {
		return t.In(loc).Format("02.01.2006 15:04")
	}
	return t.In(loc).Format("2 Jan 2006 15:04")
}
