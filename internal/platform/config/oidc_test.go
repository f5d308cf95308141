package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSignInServicesAreReadFromSections(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret\nnot this\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := load(t, nil, nil, "listen = ':1'\n[[oidc]]\nname = 'Riverside Campus'\nissuer = 'https://id.campus.example'\nclient_id = 'stoa'\nclient_secret_file = '"+secret+"'\n"+
		"[[oidc]]\nname = 'Chess Club'\nissuer = 'http://localhost:9/realm'\nclient_id = 'a'\nscopes = ['email']\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []OIDC{
		{Name: "Riverside Campus", Issuer: "https://id.campus.example", ClientID: "stoa", SecretFile: secret, Scopes: []string{"profile", "email"}},
		{Name: "Chess Club", Issuer: "http://localhost:9/realm", ClientID: "a", Scopes: []string{"email"}},
	}
	if d := cmp.Diff(want, got.OIDC); d != "" {
		t.Error(d)
	}
	if s, err := got.OIDC[0].Secret(); err != nil || s != "s3cret" {
		t.Errorf("secret = %q, %v; want the first line", s, err)
	}
}

func TestSignInServicesThatCantBeAskedAreRefused(t *testing.T) {
	const good = "[[oidc]]\nname = 'Campus'\nissuer = 'https://id.example.org'\nclient_id = 'stoa'\n"
	for name, text := range map[string]string{
		"no name":             strings.Replace(good, "'Campus'", "''", 1),
		"a name twice":        good + strings.Replace(good, "https://id", "https://other", 1),
		"an issuer twice":     good + strings.Replace(good, "Campus", "Club", 1),
		"no issuer":           strings.Replace(good, "https://id.example.org", "", 1),
		"http":                strings.Replace(good, "https:", "http:", 1),
		"no client":           strings.Replace(good, "'stoa'", "''", 1),
		"no secret there":     good + "client_secret_file = '/nowhere'\n",
		"an unknown word":     good + "secret = 'x'\n",
		"a text, not a list":  "oidc = 'campus'\n",
		"from an environment": "",
	} {
		t.Run(name, func(t *testing.T) {
			var env []string
			if text == "" {
				env = []string{"STOA_OIDC=campus"}
			}
			if got, err := load(t, nil, env, text); err == nil {
				t.Errorf("settings = %+v; want them refused", got.OIDC)
			} else if !strings.Contains(err.Error(), "oidc") {
				t.Errorf("error = %v; want it to name oidc", err)
			}
		})
	}
}
