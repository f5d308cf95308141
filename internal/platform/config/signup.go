package config

import "unicode/utf8"

// Signup says who may become one of the town, and how.
type Signup struct {
	Mode    string `koanf:"mode"`    // open, approval, invite
	Confirm string `koanf:"confirm"` // auto, mail, none
	Rules   string `koanf:"rules"`   // paragraphs; empty: none
}

// maxRules is how long the rules of a town may be, in characters.
const maxRules = 8000

// ByMail reports whether an address is confirmed by letter, where letters can be sent or not.
func (s Signup) ByMail(letters bool) bool {
	return s.Confirm == "mail" || s.Confirm == "auto" && letters
}

func (s Signup) check(l *loader, c *Config) {
	oneOf(l, "signup.mode", s.Mode, "open", "approval", "invite")
	oneOf(l, "signup.confirm", s.Confirm, "auto", "mail", "none")
	if s.Confirm == "mail" && c.Mail.Mode == "off" {
		l.refuse("signup.confirm", "Addresses can't be confirmed while no letters are sent: set mail.mode first.")
	}
	if utf8.RuneCountInString(s.Rules) > maxRules {
		l.refuse("signup.rules", "Write at most %d characters.", maxRules)
	}
}
