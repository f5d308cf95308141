package refund

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

// post is the town's post, which falls over once after it has taken a letter.
type post struct {
	*mail.Mailer
	fallen atomic.Bool
}

func (p *post) Send(ctx context.Context, tx *db.Tx, l mail.Letter) error {
	if err := p.Mailer.Send(ctx, tx, l); err != nil {
		return err
	}
	if p.fallen.CompareAndSwap(false, true) {
		return errors.New("the server is killed before this is kept")
	}
	return nil
}

type people struct{ lang string }

func (p people) Get(_ context.Context, who id.ID) (account.Account, error) {
	return account.Account{ID: who, Name: "Anna", Email: "anna@example.org", Lang: p.lang, State: account.Active}, nil
}

// posted is a town whose letters are kept, and a start of its server: it returns the letters as they are sent.
func posted(t *testing.T, d *db.DB, lang string, wanted bool) (tw *town, sent func() []mail.Record) {
	t.Helper()
	tw = newTown(d)
	queue := jobs.New(d, events.NewLocal(), tw.Now, id.NewSource(2), jobs.Options{})
	p := &post{Mailer: mail.New(d, queue, tw.Now, mail.Options{Mode: mail.Dev})}
	tw.Write(Letters{
		Post: p, People: people{lang}, URL: func() string { return "https://stoa.example" },
		Restaurant: func(context.Context, id.ID) (string, error) { return "Nonna", nil },
		Wanted:     func(context.Context, id.ID) (bool, error) { return wanted, nil },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tw.Log.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return tw, func() (out []mail.Record) {
		for begun := time.Now(); tw.Log.Lag(t.Context())["refund.letter"] > 0; time.Sleep(5 * time.Millisecond) {
			if time.Since(begun) > 20*time.Second {
				t.Fatal("what is said of refunds is not heard")
			}
		}
		err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
			out, err = p.Of(t.Context(), tx, "anna@example.org")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func TestMoneyThatWentIsWrittenOfOnceThoughTheServerDies(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw, sent := posted(t, d, "en", true)
		tw.order(t, 1, delivery.PayByCard)
		if _, err := tw.Grant(as(desk), 1, "k", Wish{Amount: 450, Reason: "MISSING", Liable: "restaurant"}); err != nil {
			t.Fatal(err)
		}
		if got := sent(); len(got) != 0 {
			t.Fatalf("before the provider has answered: %+v", got)
		}
		tw.settle(t, 1)
		tw.settle(t, 1)
		if got := sent(); len(got) != 1 || got[0].Subject != "You get €4.50 back" || got[0].Kind != "refund.done" {
			t.Fatalf("letters: %+v", got)
		}
	}, append(schemas, mail.Schema)...)
}

func TestNoLetterSaysThatRefusedMoneyWent(t *testing.T) {
	d := dbtest.SQLite(t, append(schemas, mail.Schema)...)
	tw, sent := posted(t, d, "en", true)
	tw.pay.Providers[0].Provider = refuses{payment.NewSandbox(d)}
	tw.order(t, 1, delivery.PayByCard)
	if _, err := tw.Grant(as(desk), 1, "k", Wish{Reason: "LATE", Liable: "restaurant"}); err != nil {
		t.Fatal(err)
	}
	tw.settle(t, 1)
	if got := sent(); len(got) != 0 {
		t.Fatalf("letters: %+v", got)
	}
	if _, err := tw.Grant(as(desk), 1, "cash", Wish{Reason: "LATE", Liable: "restaurant", To: ToCash}); err != nil {
		t.Fatal(err)
	}
	if got := sent(); len(got) != 1 || got[0].Subject != "You get €42.60 back" {
		t.Fatalf("in cash instead: %+v", got)
	}
}

func TestWhoWantsNoLettersGetsNoneAboutRefunds(t *testing.T) {
	tw, sent := posted(t, dbtest.SQLite(t, append(schemas, mail.Schema)...), "en", false)
	tw.order(t, 1, delivery.PayOnDelivery)
	if _, err := tw.Grant(as(desk), 1, "k", Wish{Amount: 100, Reason: "LATE", Liable: "restaurant"}); err != nil {
		t.Fatal(err)
	}
	if got := sent(); len(got) != 0 {
		t.Fatalf("letters: %+v", got)
	}
}

func TestALetterSaysHowMuchWhyAndWhichWay(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, schemas...))
	mailer := mail.New(tw.d, jobs.New(tw.d, events.NewLocal(), tw.Now, id.NewSource(2), jobs.Options{}), tw.Now, mail.Options{})
	tw.order(t, 1, delivery.PayByCard)
	for name, c := range map[string]struct {
		lang, to, note string
		earned         bool
		want           []string
	}{
		"to a card":             {"en", ToCard, "Sorry!", true, []string{"You get €4.50 back", "order K7Q-2PM from Nonna", "Why: Something was missing.", "“Sorry!”", "goes to the card", "https://stoa.example/orders/K7Q-2PM/receipt"}},
		"in cash":               {"en", ToCash, "", true, []string{"You get the money in cash."}},
		"as credit":             {"de", ToCredit, "", true, []string{"Du bekommst 4,50 € zurück", "Warum: Etwas hat gefehlt.", "in deinem Guthaben", "Gutschrift öffnen"}},
		"before it has arrived": {"de", ToCard, "", false, []string{"auf die Karte", "Bestellung öffnen", "https://stoa.example/orders/K7Q-2PM"}},
	} {
		r := Refund{ID: tw.IDs.Next(), Order: 1, restaurant: 7, Amount: 450, Currency: "EUR", To: c.to, State: Done, Reason: "MISSING", Note: c.note, At: tw.Now()}
		b := tw.orders[1]
		b.Earned = c.earned
		tw.orders[1] = b
		var got mail.Letter
		tw.write(t, func(ctx context.Context, tx *db.Tx) error {
			if err := insert(ctx, tx, &r); err != nil {
				return err
			}
			return tw.Service.write(ctx, tx, Letters{
				Post: hand(func(l mail.Letter) { got = l }), People: people{c.lang}, URL: func() string { return "https://stoa.example" },
				Restaurant: func(context.Context, id.ID) (string, error) { return "Nonna", nil },
				Wanted:     func(context.Context, id.ID) (bool, error) { return true, nil },
			}, delivery.RefundChanged{Refund: r.ID, Order: 1, Code: "K7Q-2PM", Restaurant: 7, Customer: anna.ID, State: Done})
		})
		plain, html := mailer.Render(got)
		text := strings.ReplaceAll(got.Subject+"\n"+strings.ReplaceAll(plain, "\n", " ")+got.Action.Label+got.Action.URL, "\u00a0", " ")
		for _, w := range c.want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: the letter does not say %q:\n%s", name, w, text)
			}
		}
		if c.earned != strings.Contains(html, "/receipt") {
			t.Errorf("%s: a link to the credit note: %t", name, !c.earned)
		}
	}
}

// hand takes letters.
type hand func(mail.Letter)

func (h hand) Send(_ context.Context, _ *db.Tx, l mail.Letter) error { h(l); return nil }
