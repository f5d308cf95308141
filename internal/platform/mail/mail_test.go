package mail

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

var start = time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)

type silence struct{}

func (silence) Publish(string, []byte) error                              { return nil }
func (silence) Subscribe(string, func([]byte)) (cancel func(), err error) { return func() {}, nil }

// office is a town's mail with a queue that runs.
type office struct {
	*Mailer
	t     *testing.T
	d     *db.DB
	clock *clock.Manual
	done  chan string // outcomes of attempts
}

func open(t *testing.T, d *db.DB, opt Options) *office {
	t.Helper()
	o := &office{t: t, d: d, clock: clock.NewManual(start), done: make(chan string, 100)}
	opt.Log = slog.New(slog.DiscardHandler)
	if opt.From == "" {
		opt.From = "Food & Friends <food@town.example>"
	}
	q := jobs.New(d, silence{}, o.clock.Now, id.NewSource(1), jobs.Options{
		Poll: 5 * time.Millisecond, Log: opt.Log, OnDone: func(kind, outcome string, _ time.Duration) {
			if kind == jobKind {
				o.done <- outcome
			}
		},
	})
	o.Mailer = New(d, q, o.clock.Now, opt)
	ctx, stop := context.WithCancel(t.Context())
	var ran sync.WaitGroup
	ran.Go(func() {
		if err := q.Run(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("the queue ended: %v", err)
		}
	})
	t.Cleanup(func() { stop(); ran.Wait() })
	return o
}

// through returns the options for letters that go through a mail server.
func through(p *post) Options {
	return Options{Mode: SMTP, Host: "127.0.0.1", Port: p.port(), TLS: "starttls", Trust: p.trust}
}

func (o *office) send(l Letter) error {
	return o.d.Write(o.t.Context(), func(tx *db.Tx) error { return o.Send(o.t.Context(), tx, l) })
}

func (o *office) mustSend(l Letter) {
	o.t.Helper()
	if err := o.send(l); err != nil {
		o.t.Fatal(err)
	}
}

// attempt waits for the next attempt to end and returns how it did.
func (o *office) attempt() string {
	o.t.Helper()
	select {
	case out := <-o.done:
		return out
	case <-time.After(20 * time.Second):
		o.t.Fatal("nothing was tried")
		return ""
	}
}

// newest returns the record of the newest letter.
func (o *office) newest() Record {
	o.t.Helper()
	list, err := o.List(o.t.Context(), "", 1)
	if err != nil || len(list.Items) != 1 {
		o.t.Fatalf("list = %v, %v", list, err)
	}
	return list.Items[0]
}

func confirm() Letter {
	return Letter{
		Kind: "account.confirm", To: "anna@home.example", Name: "Anna Grün", Lang: "en", Subject: "Confirm your address – please",
		Lines: []string{"Somebody, probably you, wants an account with this address."}, Action: &Action{"Confirm the address", "https://town.example/confirm/abc?x=1&y=2"},
		After: []string{"If it was not you, do nothing."},
	}
}

func TestLetterArrivesWholeInBothForms(t *testing.T) {
	for name, way := range map[string]struct {
		tls    string
		change func(*post)
	}{
		"by STARTTLS":            {"starttls", nil},
		"by TLS from the start":  {"tls", func(p *post) { p.implicit = true }},
		"in the clear, at home":  {"none", func(p *post) { p.noTLS = true }},
		"with a name to sign in": {"starttls", func(p *post) { p.user, p.password = "stoa", "correct horse" }},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, way.change)
			opt := through(p)
			opt.TLS, opt.User = way.tls, p.user
			opt.Password = func() (string, error) { return p.password, nil }
			o := open(t, dbtest.SQLite(t, jobs.Schema, Schema), opt)
			o.mustSend(confirm())
			if out := o.attempt(); out != "completed" {
				t.Fatalf("the attempt is %s: %s", out, o.newest().Error)
			}
			got := p.letters()
			if len(got) != 1 {
				t.Fatalf("%d letters arrived", len(got))
			}
			e := got[0]
			if e.From != "food@town.example" || e.To != "anna@home.example" || e.Private != (way.tls != "none") || e.SignedIn != (p.user != "") {
				t.Errorf("envelope %+v", e)
			}
			check(t, e.Data, o.newest())
		})
	}
}

// check reads a letter as a mail program does.
func check(t *testing.T, data string, r Record) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var words mime.WordDecoder
	subject, err := words.DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "Confirm your address – please" {
		t.Errorf("subject %q, %v", subject, err)
	}
	to, err := m.Header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Name != "Anna Grün" || to[0].Address != "anna@home.example" {
		t.Errorf("to %v, %v", to, err)
	}
	from, err := m.Header.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != "Food & Friends" {
		t.Errorf("from %v, %v", from, err)
	}
	if date, err := m.Header.Date(); err != nil || !date.Equal(start) {
		t.Errorf("date %v, %v", date, err)
	}
	if got := m.Header.Get("Message-ID"); got != "<"+r.MessageID+">" || !strings.HasSuffix(got, "@town.example>") {
		t.Errorf("Message-ID %q", got)
	}
	for name, want := range map[string]string{"Auto-Submitted": "auto-generated", "List-Unsubscribe": "", "Bcc": "", "Cc": "", "Mime-Version": "1.0"} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s is %q; want %q", name, got, want)
		}
	}
	parts := partsOf(t, m)
	for kind, want := range map[string][]string{
		"text/plain": {"Hello Anna Grün,", "Somebody, probably you,", "Confirm the address:\nhttps://town.example/confirm/abc?x=1&y=2\n", "If it was not you"},
		"text/html":  {"Hello Anna Grün,", `href="https://town.example/confirm/abc?x=1&amp;y=2"`, "prefers-color-scheme: dark"},
	} {
		for _, w := range want {
			if !strings.Contains(parts[kind], w) {
				t.Errorf("%s lacks %q:\n%s", kind, w, parts[kind])
			}
		}
	}
}

func partsOf(t *testing.T, m *netmail.Message) map[string]string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("the letter is %q, %v", kind, err)
	}
	out := map[string]string{}
	mr := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := mr.NextRawPart()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		var r io.Reader = part
		if part.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			r = quotedprintable.NewReader(part)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[kind] = strings.ReplaceAll(string(b), "\r\n", "\n")
	}
}

func TestRefusedForNowIsTriedAgainAndArrivesOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p := newPost(t, func(p *post) {
			p.answers["connect"] = []string{""}
			p.answers["RCPT"] = []string{"451 4.7.1 greylisted"}
			p.answers["end"] = []string{"452 4.3.1 full"}
			p.answers["QUIT"] = []string{""}
		})
		o := open(t, d, through(p))
		o.mustSend(confirm())
		for range 3 {
			if out := o.attempt(); out != "retried" {
				t.Fatalf("a refusal for now is %s", out)
			}
			if r := o.newest(); r.State != Waiting || r.Error == "" {
				t.Errorf("the letter is %+v", r)
			}
			o.clock.Advance(2 * time.Minute)
		}
		// The server hangs up where it should say goodbye: the letter is delivered nevertheless.
		if out := o.attempt(); out != "completed" {
			t.Fatalf("the last attempt is %s", out)
		}
		if r := o.newest(); r.State != Sent || r.Attempt != 4 || len(p.letters()) != 1 {
			t.Errorf("%d arrived; %+v", len(p.letters()), r)
		}
	}, jobs.Schema, Schema)
}

func TestCopiesOfALetterWhoseReceiptWasLostShareTheirMessageID(t *testing.T) {
	p := newPost(t, func(p *post) { p.answers["end"] = []string{""} })
	o := open(t, dbtest.SQLite(t, jobs.Schema, Schema), through(p))
	o.mustSend(confirm())
	if out := o.attempt(); out != "retried" {
		t.Fatalf("a lost receipt is %s", out)
	}
	o.clock.Advance(time.Minute)
	o.attempt()
	ids := map[string]bool{}
	for _, e := range p.letters() {
		m, err := netmail.ReadMessage(strings.NewReader(e.Data))
		if err != nil {
			t.Fatal(err)
		}
		ids[m.Header.Get("Message-ID")] = true
	}
	if len(p.letters()) != 2 || len(ids) != 1 {
		t.Errorf("%d copies with the Message-IDs %v", len(p.letters()), ids)
	}
}

func TestRefusedForGoodIsGivenUpAndForgotten(t *testing.T) {
	for name, command := range map[string]string{"the recipient": "RCPT", "the sender": "MAIL", "the letter": "end"} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, func(p *post) { p.answers[command] = []string{"550 5.1.1 no"} })
			o := open(t, dbtest.SQLite(t, jobs.Schema, Schema), through(p))
			o.mustSend(confirm())
			if out := o.attempt(); out != "discarded" {
				t.Fatalf("a refusal for good is %s", out)
			}
			if r := o.newest(); r.State != Failed || !strings.Contains(r.Error, "550") || len(p.letters()) != 0 {
				t.Errorf("%d arrived; %+v", len(p.letters()), r)
			}
			if body := o.body(); body != "" {
				t.Errorf("what the letter says is still there: %s", body)
			}
		})
	}
}

func (o *office) body() (body string) {
	o.t.Helper()
	err := o.d.Read(o.t.Context(), func(tx *db.Tx) (err error) {
		_, body, err = get(o.t.Context(), tx, o.newest().ID)
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return body
}

func TestPasswordAndLetterNeverGoToAServerThatIsNotTrusted(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*post)
		trust  bool
	}{
		"an unknown certificate": {nil, false},
		"no TLS at all":          {func(p *post) { p.noTLS = true }, true},
		"a wrong password":       {func(p *post) { p.password = "another" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, func(p *post) {
				p.user, p.password = "stoa", "correct horse"
				if c.change != nil {
					c.change(p)
				}
			})
			opt := through(p)
			opt.User, opt.Password = "stoa", func() (string, error) { return "correct horse", nil }
			if !c.trust {
				opt.Trust = nil
			}
			o := open(t, dbtest.SQLite(t, jobs.Schema, Schema), opt)
			o.mustSend(confirm())
			// The operator can mend that: it is tried again, not given up.
			if out := o.attempt(); out != "retried" || len(p.letters()) != 0 {
				t.Errorf("%s, %d letters arrived", out, len(p.letters()))
			}
			if p.mu.Lock(); p.signIns > 0 && name != "a wrong password" {
				t.Error("the password was sent")
			}
			p.mu.Unlock()
		})
	}
}

func TestNothingIsSentWhenTheTransactionFails(t *testing.T) {
	p := newPost(t, nil)
	o := open(t, dbtest.SQLite(t, jobs.Schema, Schema), through(p))
	boom := errors.New("boom")
	err := o.d.Write(t.Context(), func(tx *db.Tx) error {
		if err := o.Send(t.Context(), tx, confirm()); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	other := confirm()
	other.To = "ben@home.example"
	o.mustSend(other)
	o.attempt()
	if got := p.letters(); len(got) != 1 || got[0].To != "ben@home.example" {
		t.Errorf("arrived: %+v", got)
	}
}

func TestWhatIsSentIsKeptNoLonger(t *testing.T) {
	p := newPost(t, nil)
	o := open(t, dbtest.SQLite(t, jobs.Schema, Schema), through(p))
	o.mustSend(confirm())
	o.attempt()
	if body := o.body(); body != "" {
		t.Errorf("the letter is still stored: %s", body)
	}
	if _, _, err := o.Shown(t.Context(), o.newest().ID); !errs.Is(err, errs.NotFound) {
		t.Errorf("Shown = %v; want NotFound", err)
	}
}

func TestLetterThatLostItsPointIsNotSent(t *testing.T) {
	p := newPost(t, func(p *post) { p.answers["RCPT"] = []string{"451 later"} })
	o := open(t, dbtest.SQLite(t, jobs.Schema, Schema), through(p))
	l := confirm()
	l.Until = start.Add(15 * time.Minute)
	o.mustSend(l)
	o.attempt()
	o.clock.Advance(20 * time.Minute)
	o.attempt()
	if r := o.newest(); r.State != Late || len(p.letters()) != 0 {
		t.Errorf("%d arrived; %+v", len(p.letters()), r)
	}
}

func TestNobodyIsFlooded(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := open(t, d, Options{Mode: Dev, PerHour: 3})
		var flood sync.WaitGroup
		for i := range 12 {
			flood.Go(func() {
				l := confirm()
				if i%2 == 0 {
					l.To = "ANNA@Home.example" // the same mailbox
				}
				if err := o.send(l); err != nil {
					t.Errorf("what is too much is an error: %v", err)
				}
			})
		}
		flood.Wait()
		count := func() int {
			list, err := o.List(t.Context(), "", 100)
			if err != nil {
				t.Fatal(err)
			}
			return len(list.Items)
		}
		if n := count(); n != 3 {
			t.Errorf("an address got %d letters of a kind; want 3", n)
		}
		other, another := confirm(), confirm()
		other.Kind, another.To = "account.reset", "ben@home.example"
		o.mustSend(other)
		o.mustSend(another)
		if n := count(); n != 5 {
			t.Errorf("%d letters; want another kind and another address to have limits of their own", n)
		}
		o.clock.Advance(59 * time.Minute)
		o.mustSend(confirm())
		if n := count(); n != 5 {
			t.Errorf("%d letters; want none more within the hour", n)
		}
		o.clock.Advance(2 * time.Minute)
		o.mustSend(confirm())
		if n := count(); n != 6 {
			t.Errorf("%d letters; want one more after the hour", n)
		}
	}, jobs.Schema, Schema)
}

func TestNothingSlipsIntoTheHeaders(t *testing.T) {
	p := newPost(t, nil)
	o := open(t, dbtest.SQLite(t, jobs.Schema, Schema), through(p))
	for _, to := range []string{
		"", "anna", "anna@", "@home.example", "anna@home.example, eve@evil.example", "anna@home.example\r\nBcc: eve@evil.example", "Anna <anna@home.example>",
		"anna@home.example\n", `"a b"@home.example`, "<anna@home.example>", "anna@home.example;eve@evil.example", strings.Repeat("a", 250) + "@b.example", "a\x00@home.example",
	} {
		l := confirm()
		l.To = to
		if err := o.send(l); strings.TrimSpace(to) != "anna@home.example" && !errs.Is(err, errs.Invalid) {
			t.Errorf("a letter to %q: %v; want Invalid", to, err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		l := confirm()
		evil := rapid.SampledFrom([]string{"\r\nBcc: eve@evil.example", "\nX-Evil: 1", "\r\n\r\n<p>", "\u2028Bcc: e@e.e", "a\x00b", "=?utf-8?q?x=0d=0aBcc:_eve@evil.example?="})
		l.Subject = rapid.String().Draw(rt, "subject") + evil.Draw(rt, "in subject")
		l.Name = rapid.String().Draw(rt, "name") + evil.Draw(rt, "in name")
		l.Leave = "https://town.example/" + rapid.String().Draw(rt, "leave") + evil.Draw(rt, "in leave")
		msg, err := o.message(Record{CreatedAt: start, MessageID: "1@town.example"}, l)
		if err != nil {
			rt.Fatal(err)
		}
		var b strings.Builder
		if _, err := msg.WriteTo(&b); err != nil {
			rt.Fatal(err)
		}
		m, err := netmail.ReadMessage(strings.NewReader(b.String()))
		if err != nil {
			rt.Fatalf("%v in\n%s", err, b.String())
		}
		for name := range m.Header {
			if !wanted[name] {
				rt.Fatalf("there is a header %q in\n%s", name, b.String())
			}
		}
		if rcpt, err := msg.GetRecipients(); err != nil || len(rcpt) != 1 || rcpt[0] != "<anna@home.example>" {
			rt.Fatalf("it goes to %v, %v", rcpt, err)
		}
	})
}

// wanted are the headers of a letter.
var wanted = map[string]bool{
	"Date": true, "Mime-Version": true, "Message-Id": true, "Subject": true, "From": true, "To": true, "Auto-Submitted": true, "X-Auto-Response-Suppress": true,
	"Content-Language": true, "List-Id": true, "List-Unsubscribe": true, "List-Unsubscribe-Post": true, "Content-Type": true, "Content-Transfer-Encoding": true,
}

func TestLettersSpeakTheReadersLanguageAndHideNothing(t *testing.T) {
	o := open(t, dbtest.SQLite(t, jobs.Schema, Schema), Options{Mode: Dev, Town: func() string { return "Lindenau <b>" }, URL: func() string { return "https://essen.example" }})
	l := confirm()
	l.Lang, l.Lines, l.Leave = "de-AT", []string{`<script>alert(1)</script> & "so"`}, "https://essen.example/leave"
	text, html := o.Render(l)
	for _, want := range []string{"Hallo Anna Grün,", `<script>alert(1)</script> & "so"`, "Solche E-Mails nicht mehr schicken: https://essen.example/leave", "(essen.example)"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	for _, want := range []string{`<html lang="de">`, "Hallo Anna Grün,", "&lt;script&gt;alert(1)", "Lindenau &lt;b&gt;", `href="https://essen.example/leave"`} {
		if !strings.Contains(html, want) {
			t.Errorf("the HTML lacks %q", want)
		}
	}
	if strings.Contains(html, "<script") {
		t.Error("a letter brings a script")
	}
	l.Action.URL = "javascript:alert(1)"
	if _, html := o.Render(l); strings.Contains(html, `href="javascript:`) {
		t.Error("a button runs a script")
	}
	for line := range strings.Lines(text) {
		if len([]rune(line)) > 200 {
			t.Errorf("a line of the text is %d characters long", len([]rune(line)))
		}
	}
}

func TestDevKeepsLettersToBeShownNewestFirst(t *testing.T) {
	o := open(t, dbtest.SQLite(t, jobs.Schema, Schema), Options{Mode: Dev})
	for _, subject := range []string{"one", "two", "three"} {
		l := confirm()
		l.Subject = subject
		o.mustSend(l)
		o.attempt()
	}
	first, err := o.List(t.Context(), "", 2)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := o.List(t.Context(), first.Next, 2)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range append(first.Items, rest.Items...) {
		got = append(got, r.Subject)
	}
	if d := cmp.Diff([]string{"three", "two", "one"}, got); d != "" {
		t.Error(d)
	}
	if _, l, err := o.Shown(t.Context(), rest.Items[0].ID); err != nil || l.Action == nil || l.Action.URL != confirm().Action.URL {
		t.Errorf("Shown = %+v, %v", l, err)
	}
}

func TestOffDropsLettersWithoutAnError(t *testing.T) {
	o := open(t, dbtest.SQLite(t, jobs.Schema, Schema), Options{})
	o.mustSend(confirm())
	if list, err := o.List(t.Context(), "", 10); err != nil || len(list.Items) != 0 || o.On() {
		t.Errorf("list = %v, %v; on %v", list.Items, err, o.On())
	}
}

func TestOldLettersAreForgotten(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := open(t, d, Options{Mode: Dev, Keep: 24 * time.Hour})
		o.mustSend(confirm())
		o.attempt()
		o.clock.Advance(25 * time.Hour)
		l := confirm()
		l.Subject = "today's"
		o.mustSend(l)
		if err := o.clean(t.Context(), jobs.Job{}); err != nil {
			t.Fatal(err)
		}
		list, err := o.List(t.Context(), "", 10)
		if err != nil || len(list.Items) != 1 || list.Items[0].Subject != "today's" {
			t.Errorf("kept: %+v, %v", list.Items, err)
		}
	}, jobs.Schema, Schema)
}

func TestSamplesComeInTheLanguageAskedForAndAreNotSent(t *testing.T) {
	o := open(t, dbtest.SQLite(t, jobs.Schema, Schema), Options{Mode: Dev})
	o.Sample("account.confirm", func(context.Context) Letter { return confirm() })
	got := o.Samples(t.Context())
	if len(got) != 1 || got[0].Kind != "account.confirm" {
		t.Errorf("samples = %+v", got)
	}
	if list, err := o.List(t.Context(), "", 10); err != nil || len(list.Items) != 0 {
		t.Errorf("a sample was sent: %v, %v", list.Items, err)
	}
}
