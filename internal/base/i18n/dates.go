package i18n

import "time"

var (
	weekdays = [...]string{Key("Sunday"), Key("Monday"), Key("Tuesday"), Key("Wednesday"), Key("Thursday"), Key("Friday"), Key("Saturday")}
	months   = [...]string{
		Key("January"), Key("February"), Key("March"), Key("April"), Key("May"), Key("June"),
		Key("July"), Key("August"), Key("September"), Key("October"), Key("November"), Key("December"),
	}
)

// Weekday returns the name of a day of the week.
func Weekday(d time.Weekday) Phrase { return P(weekdays[d]) }

// Month returns the name of a month.
func Month(m time.Month) Phrase { return P(months[m-1]) }
