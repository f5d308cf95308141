package config

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/base/errs"
)

func TestATownThatAsksForItsCertificateSaysWhatItIsFor(t *testing.T) {
	good := Overrides{"tls": "auto", "url": "https://eat.example.org", "acme.agree": "true"}
	c, err := Load(good, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if !c.ServesTLS() || !c.HTTPS() || c.HTTPAddr() != ":80" || c.ACMEDir() != filepath.Join("data", "tls", "acme") {
		t.Errorf("plain http at %q, kept in %s", c.HTTPAddr(), c.ACMEDir())
	}
	for set, want := range map[string]string{
		"http_listen=none": "", "http_listen=127.0.0.1:8081": "127.0.0.1:8081",
	} {
		key, v, _ := strings.Cut(set, "=")
		o := maps.Clone(good)
		o[key] = v
		if c, err := Load(o, nil, ""); err != nil || c.HTTPAddr() != want {
			t.Errorf("%s: plain http at %q, %v; want %q", set, c.HTTPAddr(), err, want)
		}
	}
	for bad, field := range map[string]string{
		"acme.agree=false": "acme.agree", "url=": "url", "url=https://192.0.2.1": "url", "url=https://localhost": "url", "url=http://eat.example.org": "url",
		"acme.ca=http://ca.example": "acme.ca", "acme.email=nobody": "acme.email", "acme.check=1ms": "acme.check", "http_listen=x": "http_listen", "tls=on": "tls",
	} {
		key, v, _ := strings.Cut(bad, "=")
		o := maps.Clone(good)
		o[key] = v
		var e *errs.Error
		if _, err := Load(o, nil, ""); !errors.As(err, &e) || len(e.Fields) == 0 || !slices.ContainsFunc(e.Fields, func(f errs.Field) bool { return f.Path == field }) {
			t.Errorf("%s: %v; want %s refused", bad, err, field)
		}
	}
	if _, err := Load(Overrides{"http_listen": "127.0.0.1:8081"}, nil, ""); err == nil {
		t.Error("a second listener for plain http is taken without tls")
	}
}
