package config

import (
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// Mail is how letters are sent.
type Mail struct {
	Mode         string `koanf:"mode"` // off, smtp, dev
	Host         string `koanf:"host"`
	Port         int    `koanf:"port"` // 0: the usual one of TLS
	TLS          string `koanf:"tls"`  // starttls, tls, none
	User         string `koanf:"user"` // empty: no authentication
	PasswordFile string `koanf:"password_file"`
	From         string `koanf:"from"`
	PerHour      int    `koanf:"per_hour"` // letters of a kind to one address
}

// Password returns the password of the mail server: the first line of PasswordFile, read anew at each call.
func (m Mail) Password() (string, error) {
	if m.PasswordFile == "" {
		return "", nil
	}
	b, err := os.ReadFile(m.PasswordFile)
	if err != nil {
		return "", errs.InvalidField("mail.password_file", "The password file of the mail server cannot be read.").WithCause(err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimRight(line, "\r"), nil
}

func (m Mail) check(l *loader, c *Config) {
	oneOf(l, "mail.mode", m.Mode, "off", "smtp", "dev")
	oneOf(l, "mail.tls", m.TLS, "starttls", "tls", "none")
	within(l, "mail.port", m.Port, 0, 65535)
	within(l, "mail.per_hour", m.PerHour, 1, 1000)
	if (m.User == "") != (m.PasswordFile == "") {
		l.refuse("mail.password_file", "mail.user and mail.password_file belong together: name both or none.")
	}
	if a, err := mail.ParseAddress(m.From); m.From != "" && (err != nil || strings.ContainsAny(a.Name+a.Address, "\r\n")) {
		l.refuse("mail.from", `Write the sender as "food@example.org" or "Our Town <food@example.org>".`)
	}
	switch m.Mode {
	case "smtp":
		m.checkSMTP(l)
	case "dev":
		if !c.onThisMachine() {
			l.refuse("mail.mode", `"dev" shows every letter to whoever comes by: it is for a server whose url and listen are on this machine.`)
		}
	}
}

func (m Mail) checkSMTP(l *loader) {
	if m.Host == "" || strings.ContainsAny(m.Host, "/: \r\n") {
		l.refuse("mail.host", `Name the mail server, such as "smtp.example.org".`)
	}
	if m.From == "" {
		l.refuse("mail.from", "Say from which address letters come.")
	}
	if m.User != "" && m.TLS == "none" && !local(m.Host) {
		l.refuse("mail.tls", "A password is not sent to another machine without TLS.")
	}
	if _, err := m.Password(); err != nil {
		l.refuse("mail.password_file", "The file %s cannot be read.", m.PasswordFile)
	}
}

// onThisMachine reports whether nobody elsewhere reaches the server: it listens here and its links lead here.
func (c *Config) onThisMachine() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil || !local(host) {
		return false
	}
	u, err := url.Parse(c.URL)
	return c.URL == "" || err == nil && local(u.Hostname())
}

func local(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}
