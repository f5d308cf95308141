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

	"github.com/stoa-town/stoa/internal/base/i18n"
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
	t = t.In(loc)
	switch days := daysTo(ctx, t, loc); {
	case days == 0:
		return i18n.T(ctx, "today")
	case days == 1:
		return i18n.T(ctx, "tomorrow")
	case days == -1:
		return i18n.T(ctx, "yesterday")
	case days > 1 && days < 7:
		return Weekday(ctx, t.Weekday())
	case t.Year() != ChromeFrom(ctx).Now.In(loc).Year():
		return i18n.T(ctx, "%d %s %d", t.Day(), i18n.T(ctx, months[t.Month()-1]), t.Year())
	}
	return i18n.T(ctx, "%s %d %s", i18n.T(ctx, shortDays[t.Weekday()]), t.Day(), i18n.T(ctx, months[t.Month()-1]))
}

// Today reports whether t is today in loc by the server's clock.
func Today(ctx context.Context, t time.Time, loc *time.Location) bool {
	return daysTo(ctx, t, loc) == 0
}

// daysTo returns how many midnights of loc lie between the server's clock and t, negative for the past.
func daysTo(ctx context.Context, t time.Time, loc *time.Location) int {
	y, m, d := ChromeFrom(ctx).Now.In(loc).Date()
	ty, tm, td := t.In(loc).Date()
	return int(time.Date(ty, tm, td, 12, 0, 0, 0, time.UTC).Sub(time.Date(y, m, d, 12, 0, 0, 0, time.UTC)).Hours() / 24)
}

// Weekday returns the name of a day of the week.
func Weekday(ctx context.Context, d time.Weekday) string { return i18n.Weekday(d).In(ctx) }

// ShortWeekday returns the name of a day of the week in two or three letters.
func ShortWeekday(ctx context.Context, d time.Weekday) string { return i18n.T(ctx, shortDays[d]) }

var (
	shortDays = [...]string{i18n.Key("Sun"), i18n.Key("Mon"), i18n.Key("Tue"), i18n.Key("Wed"), i18n.Key("Thu"), i18n.Key("Fri"), i18n.Key("Sat")}
	months    = [...]string{
		i18n.Key("Jan"), i18n.Key("Feb"), i18n.Key("Mar"), i18n.Key("Apr"), i18n.Key("May"), i18n.Key("Jun"),
		i18n.Key("Jul"), i18n.Key("Aug"), i18n.Key("Sep"), i18n.Key("Oct"), i18n.Key("Nov"), i18n.Key("Dec"),
	}
)

// ago returns the words of reltime.ts for the same moment, so that a page reads the same before its script runs.
func ago(ctx context.Context, t time.Time) string {
	d := ChromeFrom(ctx).Now.Sub(t)
	if d < 0 {
		if d > -time.Minute {
			return i18n.T(ctx, "in a moment")
		}
		return i18n.T(ctx, "in %s", rough(ctx, -d))
	}
	if d < time.Minute {
		return i18n.T(ctx, "just now")
	}
	return i18n.T(ctx, "%s ago", rough(ctx, d))
}

func rough(ctx context.Context, d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%d\u00a0min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d\u00a0h", int(d.Hours()))
	}
	return i18n.T(ctx, "%d\u00a0days", int(d.Hours()/24))
}
