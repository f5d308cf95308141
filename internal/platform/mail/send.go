package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Trust is whose certificates are believed.
type Trust = x509.CertPool

// sendTimeout bounds each step of the talk with the mail server.
const sendTimeout = 20 * time.Second

// cleanKind is the kind and schedule that forgets old letters; cleanBatch how many one transaction takes.
const (
	cleanKind  = "mail.clean"
	cleanBatch = 500
)

func (m *Mailer) clean(ctx context.Context, _ jobs.Job) error {
	for {
		var n int64
		err := m.db.Write(ctx, func(tx *db.Tx) (err error) {
			n, err = sweep(ctx, tx, m.now().Add(-m.opt.Keep), cleanBatch)
			return err
		})
		if err != nil {
			return fmt.Errorf("mail: forget old letters: %w", err)
		}
		if n < cleanBatch {
			return nil
		}
	}
}

// deliver does one attempt at one letter. Only one attempt can have the letter, and one that is sent is never taken again.
func (m *Mailer) deliver(ctx context.Context, j jobs.Job) error {
	var r Record
	var body string
	err := m.db.Write(ctx, func(tx *db.Tx) (err error) {
		r, body, err = take(ctx, tx, j.ID, j.Attempt)
		return err
	})
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var l Letter
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		return jobs.Discard(fmt.Errorf("mail: decode letter %d: %w", j.ID, err))
	}
	if !l.Until.IsZero() && m.now().After(l.Until) {
		return m.end(ctx, r, Late, "")
	}
	err = m.carry(ctx, r, l)
	switch {
	case err == nil:
		return m.end(ctx, r, Sent, "")
	case final(err) || r.Attempt >= attempts:
		return errors.Join(m.end(ctx, r, Failed, err.Error()), jobs.Discard(fmt.Errorf("mail: letter %d: %w", j.ID, err)))
	}
	// ctx may have ended with the attempt: the note is worth its own moment.
	noted := m.db.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error { return wait(ctx, tx, j.ID, j.Attempt, err.Error()) })
	return errors.Join(fmt.Errorf("mail: letter %d: %w", j.ID, err), noted)
}

// end records how a letter ended. A letter that was sent must not be sent again for want of this note: it is tried some more.
func (m *Mailer) end(ctx context.Context, r Record, to State, reason string) (err error) {
	ctx = context.WithoutCancel(ctx)
	for range 3 {
		err = m.db.Write(ctx, func(tx *db.Tx) error { return end(ctx, tx, r.ID, r.Attempt, to, reason, m.now(), m.opt.Mode == Dev) })
		if err == nil {
			return nil
		}
	}
	return err
}

// carry brings a letter where the mode says.
func (m *Mailer) carry(ctx context.Context, r Record, l Letter) error {
	if m.opt.Mode == Dev {
		link := ""
		if l.Action != nil {
			link = l.Action.URL
		}
		m.opt.Log.Info("mail", "to", l.To, "subject", l.Subject, "link", link, "page", m.opt.URL()+"/dev/mail/"+r.ID.String())
		return nil
	}
	msg, err := m.message(r, l)
	if err != nil {
		return err
	}
	line := &line{}
	defer line.hangUp()
	c, err := m.client(line)
	if err != nil {
		return err
	}
	if err := c.DialWithContext(ctx); err != nil {
		return fmt.Errorf("reach the mail server: %w", err)
	}
	defer func() { _ = c.Close() }() // the letter is delivered or not by now; how the server says goodbye changes nothing
	if err := c.Send(msg); err != nil && !msg.IsDelivered() {
		return err
	}
	return nil
}

// final reports whether trying again would not help: the server refuses this letter or this recipient for good. Trouble with the
// connection or the password is the operator's to mend, and is tried again.
func final(err error) bool {
	e, ok := errors.AsType[*gomail.SendError](err)
	if !ok || e.IsTemp() || e.ErrorCode() < 500 {
		return false
	}
	switch e.Reason {
	case gomail.ErrSMTPMailFrom, gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		return true
	}
	return false
}

// line is the connection to the mail server. The library leaves it open where the server can't be agreed with; with TLS from the first byte
// it insists on dialling itself, and the line stays empty.
type line struct{ conn net.Conn }

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: sendTimeout}
	c, err := d.DialContext(ctx, network, address)
	l.conn = c
	return c, err
}

func (l *line) hangUp() {
	if l.conn != nil {
		_ = l.conn.Close() // closed already after a talk that ended well
	}
}

// client returns a client for one connection to the mail server.
func (m *Mailer) client(l *line) (*gomail.Client, error) {
	opt := []gomail.Option{
		gomail.WithTimeout(sendTimeout),
		gomail.WithTLSConfig(&tls.Config{ServerName: m.opt.Host, RootCAs: m.opt.Trust, MinVersion: tls.VersionTLS12}),
		gomail.WithoutNoop(),
	}
	port := m.opt.Port
	switch m.opt.TLS {
	case "tls":
		opt = append(opt, gomail.WithSSL())
		if port == 0 {
			port = 465
		}
	case "none":
		opt = append(opt, gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithDialContextFunc(l.dial))
		if port == 0 {
			port = 25
		}
	default:
		opt = append(opt, gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithDialContextFunc(l.dial))
		if port == 0 {
			port = 587
		}
	}
	opt = append(opt, gomail.WithPort(port))
	if m.opt.User != "" {
		opt = append(opt, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(m.opt.User))
		if m.opt.Password != nil {
			password, err := m.opt.Password()
			if err != nil {
				return nil, err
			}
			opt = append(opt, gomail.WithPassword(password))
		}
	}
	c, err := gomail.NewClient(m.opt.Host, opt...)
	if err != nil {
		return nil, fmt.Errorf("mail: settings of the mail server: %w", err)
	}
	return c, nil
}

// message builds the letter as it travels.
func (m *Mailer) message(r Record, l Letter) (*gomail.Msg, error) {
	from, err := netmail.ParseAddress(m.opt.Sender())
	if err != nil {
		return nil, fmt.Errorf("mail: the sender's address: %w", err)
	}
	if from.Name == "" {
		from.Name = oneLine(m.opt.Town())
	}
	to, err := Address(l.To)
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	msg.AddToMailAddress(&netmail.Address{Name: oneLine(l.Name), Address: to})
	msg.Subject(oneLine(l.Subject))
	msg.SetDateWithValue(r.CreatedAt)
	msg.SetMessageIDWithValue(r.MessageID)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // no holiday note answers it
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	if l.Lang != "" {
		msg.SetGenHeader("Content-Language", oneLine(l.Lang))
	}
	if l.Leave != "" {
		msg.SetGenHeader("List-Id", "<"+oneLine(l.Kind)+"."+host(from.Address)+">")
		msg.SetGenHeader("List-Unsubscribe", "<"+oneLine(l.Leave)+">")
		msg.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	text, html := m.Render(l)
	msg.SetBodyString(gomail.TypeTextPlain, text)
	msg.AddAlternativeString(gomail.TypeTextHTML, html)
	return msg, nil
}
