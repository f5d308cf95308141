package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMailSettingsThatCannotWorkAreRefusedByName(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("fish and chips\r\nold one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"smtp without a server":             {"[mail]\nmode = 'smtp'\nfrom = 'a@example.org'", "mail.host"},
		"smtp without a sender":             {"[mail]\nmode = 'smtp'\nhost = 'smtp.example.org'", "mail.from"},
		"a sender with a second header":     {"[mail]\nfrom = \"a@example.org\\r\\nBcc: b@example.org\"", "mail.from"},
		"a user without a password":         {"[mail]\nuser = 'a'", "mail.password_file"},
		"a password that is not there":      {"[mail]\nmode = 'smtp'\nhost = 'h'\nfrom = 'a@b.c'\nuser = 'a'\npassword_file = '/nowhere/password'", "mail.password_file"},
		"a password in the clear":           {"[mail]\nmode = 'smtp'\nhost = 'smtp.example.org'\nfrom = 'a@b.c'\ntls = 'none'\nuser = 'a'\npassword_file = '" + secret + "'", "mail.tls"},
		"an unknown way":                    {"[mail]\nmode = 'pigeon'", "mail.mode"},
		"letters shown to the public":       {"url = 'https://eat.example.org'\n[mail]\nmode = 'dev'", "mail.mode"},
		"letters shown to the whole net":    {"listen = ':8080'\n[mail]\nmode = 'dev'", "mail.mode"},
		"letters shown, listening to a LAN": {"listen = '192.168.1.5:8080'\n[mail]\nmode = 'dev'", "mail.mode"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, nil, nil, c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("load = %v; want %s refused", err, c.want)
			}
		})
	}
	for name, text := range map[string]string{
		"shown on this machine": "url = 'http://localhost:8080'\n[mail]\nmode = 'dev'",
		"a relay on this one":   "[mail]\nmode = 'smtp'\nhost = '127.0.0.1'\nport = 2525\ntls = 'none'\nfrom = 'Our Town <food@example.org>'",
	} {
		if _, err := load(t, nil, nil, text); err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
	}
	if got, err := (Mail{PasswordFile: secret}).Password(); err != nil || got != "fish and chips" {
		t.Errorf("the password is %q, %v", got, err)
	}
}
