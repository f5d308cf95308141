package ui

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"github.com/stoa-town/stoa/internal/base/money"
)

// numerals are how a language groups digits and marks the fraction, and on which side the currency stands.
type numerals struct {
	group, point string
	symbolFirst  bool
	gap          string // between symbol and digits
}

var numeralsOf sync.Map // language tag → numerals

func lang(ctx context.Context) numerals {
	tag := ChromeFrom(ctx).Lang
	if n, ok := numeralsOf.Load(tag); ok {
		return n.(numerals)
	}
	t, err := language.Parse(tag)
	if err != nil {
		t = language.English
	}
	n := numerals{group: ",", point: "."}
	// The library has the separators but no currency patterns; reading them off one printed number keeps prices exact and quick.
	sample := message.NewPrinter(t).Sprint(number.Decimal(1234567.5, number.Scale(1)))
	var marks []string
	for _, r := range sample {
		if !unicode.IsDigit(r) {
			marks = append(marks, string(r))
		}
	}
	if len(marks) > 0 {
		n.point = marks[len(marks)-1]
		n.group = ""
		if len(marks) > 1 {
			n.group = marks[0]
		}
	}
	base, _ := t.Base()
	switch base.String() {
	case "en", "ja", "zh", "ko", "hi", "ga", "cy", "tr":
		n.symbolFirst = true
	case "nl", "nb", "pt":
		n.symbolFirst, n.gap = true, "\u00a0"
	default:
		n.gap = "\u00a0"
	}
	numeralsOf.Store(tag, n)
	return n
}

var symbols = map[string]string{
	"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "BRL": "R$", "PLN": "zł", "CZK": "Kč", "INR": "₹", "KRW": "₩", "UAH": "₴", "TRY": "₺", "CAD": "CA$", "AUD": "A$",
}

// Money returns minor units of currency as the person's language writes them: "€12.50", "12,50 €", "−¥300".
func Money(ctx context.Context, minor int64, currency string) string {
	n := lang(ctx)
	sign := ""
	abs := uint64(minor)
	if minor < 0 {
		sign, abs = "−", -abs
	}
	digits := strconv.FormatUint(abs, 10)
	dec := money.Decimals(currency)
	for len(digits) <= dec {
		digits = "0" + digits
	}
	amount := group(digits[:len(digits)-dec], n.group)
	if dec > 0 {
		amount += n.point + digits[len(digits)-dec:]
	}
	symbol, gap := symbols[currency], n.gap
	if symbol == "" {
		symbol, gap = currency, "\u00a0"
	}
	if n.symbolFirst {
		return sign + symbol + gap + amount
	}
	return sign + amount + gap + symbol
}

func group(digits, mark string) string {
	if mark == "" || len(digits) <= 3 {
		return digits
	}
	var b strings.Builder
	for i, r := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(mark)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Count returns a whole number with its digits grouped.
func Count(ctx context.Context, n int) string {
	if n < 0 {
		return "−" + group(strconv.Itoa(-n), lang(ctx).group)
	}
	return group(strconv.Itoa(n), lang(ctx).group)
}

// Distance returns metres as people say them: "80 m", "450 m", "1.2 km", "14 km".
func Distance(ctx context.Context, metres float64) string {
	switch {
	case metres < 95:
		return fmt.Sprintf("%.0f\u00a0m", math.Round(metres/10)*10)
	case metres < 975:
		return fmt.Sprintf("%.0f\u00a0m", math.Round(metres/50)*50)
	case metres < 9950:
		return strings.Replace(strconv.FormatFloat(metres/1000, 'f', 1, 64), ".", lang(ctx).point, 1) + "\u00a0km"
	}
	return fmt.Sprintf("%.0f\u00a0km", metres/1000)
}

// Minutes returns a duration rounded up to the minute: "5 min", "1 h 20 min".
func Minutes(d time.Duration) string {
	m := int(math.Ceil(d.Minutes()))
	if m < 60 {
		return fmt.Sprintf("%d\u00a0min", max(m, 0))
	}
	if m%60 == 0 {
		return fmt.Sprintf("%d\u00a0h", m/60)
	}
	return fmt.Sprintf("%d\u00a0h %d\u00a0min", m/60, m%60)
}

// Span returns a promise between two durations, "25–35 min", each end rounded to five minutes outwards.
func Span(from, to time.Duration) string {
	lo, hi := int(from.Minutes())/5*5, int(math.Ceil(to.Minutes()/5))*5
	if lo >= hi {
		return Minutes(time.Duration(hi) * time.Minute)
	}
	if hi >= 120 {
		return Minutes(time.Duration(lo)*time.Minute) + " – " + Minutes(time.Duration(hi)*time.Minute)
	}
	return fmt.Sprintf("%d–%d\u00a0min", lo, hi)
}

// ClockTime returns the time of day in loc, "19:05", or "7:05 pm" where the language is American English.
func ClockTime(ctx context.Context, t time.Time, loc *time.Location) string {
	if ChromeFrom(ctx).Lang == "en-US" {
		return t.In(loc).Format("3:04\u00a0pm")
	}
	return t.In(loc).Format("15:04")
}

// Day returns the day of t in loc as seen from the server's clock: "today", "tomorrow", "yesterday", "Thursday" within the week, else
// "Thu 3 Dec" and, in another year, "3 Dec 2027".
func Day(ctx context.Context, t time.Time, loc *time.Location) string {
	now := ChromeFrom(ctx).Now.In(loc)
	t = t.In(loc)
	y, m, d := now.Date()
	ty, tm, td := t.Date()
	days := int(time.Date(ty, tm, td, 12, 0, 0, 0, time.UTC).Sub(time.Date(y, m, d, 12, 0, 0, 0, time.UTC)).Hours() / 24)
	switch {
	case days == 0:
		return "today"
	case days == 1:
		return "tomorrow"
	case days == -1:
		return "yesterday"
	case days > 1 && days < 7:
		return t.Weekday().String()
	case y != ty:
		return t.Format("2 Jan 2006")
	}
	return t.Format("Mon 2 Jan")
}

// ago returns the words of reltime.ts for the same moment, so that a page reads the same before its script runs.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	if d < 0 {
		if d > -time.Minute {
			return "in a moment"
		}
		return "in " + rough(-d)
	}
	if d < time.Minute {
		return "just now"
	}
	return rough(d) + " ago"
}

func rough(d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%d\u00a0min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d\u00a0h", int(d.Hours()))
	}
	return fmt.Sprintf("%d\u00a0days", int(d.Hours()/24))
}
