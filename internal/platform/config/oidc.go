package config

import (
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/text"
)

// OIDC is another service by whose word people sign in (OpenID Connect).
type OIDC struct {
	Name       string   `koanf:"name"` // as people know it
	Issuer     string   `koanf:"issuer"`
	ClientID   string   `koanf:"client_id"`
	SecretFile string   `koanf:"client_secret_file"` // empty: the service wants none
	Scopes     []string `koanf:"scopes"`             // beside openid; empty: profile and email
}

// Secret returns what the service knows us by: the first line of SecretFile, read anew at each call.
func (o OIDC) Secret() (string, error) {
	b, err := os.ReadFile(o.SecretFile)
	if err != nil {
		return "", errs.InvalidField("oidc", "The secret file of %s cannot be read.", o.Name).WithCause(err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line), nil
}

// checkOIDC refuses services that can't be asked, and fills in the usual scopes.
func (c *Config) checkOIDC(l *loader) {
	if len(c.OIDC) == 0 {
		c.OIDC = nil
	}
	seen := map[string]bool{}
	for i := range c.OIDC {
		o := &c.OIDC[i]
		refuse := func(format string, args ...any) {
			l.refuse("oidc", "[[oidc]] %d: %s", i+1, fmt.Sprintf(format, args...))
		}
		slug := text.Slug(o.Name, 40)
		u, err := url.Parse(o.Issuer)
		switch {
		case slug == "" || len([]rune(o.Name)) > 40:
			refuse("Give it the name that people know it by, of at most 40 letters.")
		case seen["name "+slug] || seen["issuer "+o.Issuer]:
			refuse("There is another one with this name or issuer.")
		case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || (u.Scheme != "https" && (u.Scheme != "http" || !local(u.Hostname()))):
			refuse(`Write the issuer as "https://id.example.org", as the service itself writes it.`)
		case o.ClientID == "":
			refuse("Give the client_id that the service knows us by.")
		}
		if o.SecretFile != "" {
			if _, err := o.Secret(); err != nil {
				refuse("The file %s cannot be read.", o.SecretFile)
			}
		}
		if len(o.Scopes) == 0 {
			o.Scopes = []string{"profile", "email"}
		}
		seen["name "+slug], seen["issuer "+o.Issuer] = true, true
	}
}
