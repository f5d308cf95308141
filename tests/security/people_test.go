package security

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/tests/harness"
)

// TestOnlyTheDigestOfATokenIsOnDisk signs in and reads the files of the database.
func TestOnlyTheDigestOfATokenIsOnDisk(t *testing.T) {
	s := harness.Start(t, "serve")
	var tokens []string
	seen := map[string]bool{}
	for range 5 {
		token := s.SignUp(t).Token
		if len(token) < 22 || seen[token] {
			t.Fatalf("the token %q is short, or was given before", token)
		}
		seen[token] = true
		tokens = append(tokens, token)
	}
	s.Stop(t)
	files, err := filepath.Glob(filepath.Join(s.Data, "stoa.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no database in %s: %v", s.Data, err)
	}
	var all []byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	for _, token := range tokens {
		digest := sha256.Sum256([]byte(token))
		if bytes.Contains(all, []byte(token)) {
			t.Error("a token is on disk as it is")
		}
		if !bytes.Contains(all, digest[:]) {
			t.Error("the test does not find what is stored of a token: it proves nothing")
		}
	}
	if bytes.Contains(all, []byte(harness.Password)) {
		t.Error("a password is on disk")
	}
}

// TestAPasswordIsTakenExactlyAsItWasTyped signs up with passwords of which some readers lose a part.
func TestAPasswordIsTakenExactlyAsItWasTyped(t *testing.T) {
	s := harness.Start(t, "serve", "--set", "limits.rate=off")
	long := strings.Repeat("correct horse ", 5) // 70 bytes
	for i, c := range []struct {
		password string
		others   []string
	}{
		{long + "abX", []string{long + "abY", long + "ab", strings.ToLower(long + "abX")}},                 // the 73rd byte
		{"  spaces around me  ", []string{"spaces around me", "  spaces around me", "spaces around me  "}}, // not trimmed
		{"Grün-Käse-Ähre-77", []string{"Grun-Kase-Ahre-77", "grün-käse-ähre-77"}},                          // not folded
		{"pass\tword\u00a0🍕🍕🍕", []string{"pass word 🍕🍕🍕"}},
		{strings.Repeat("zq7 ", 32), []string{strings.Repeat("zq7 ", 31)}}, // 128 of them
	} {
		email := "p" + string(rune('a'+i)) + "@example.org"
		s.As("").Want(t, 201, "POST", "/accounts", map[string]string{"name": "Pia", "email": email, "password": c.password}, nil)
		for _, other := range c.others {
			if r := s.As("").Do(t, "POST", "/session", map[string]string{"email": email, "password": other}); r.Status != 401 {
				t.Errorf("%q opens the account of %q: %d", other, c.password, r.Status)
			}
		}
		s.As("").Want(t, 201, "POST", "/session", map[string]string{"email": email, "password": c.password}, nil)
	}
	for _, bad := range []string{"", "short", "1234567", "password", "password1", "iloveyou", "qwertyuiop", "12345678"} {
		if r := s.As("").Do(t, "POST", "/accounts", map[string]string{"name": "Pia", "email": "bad@example.org", "password": bad}); r.Status != 422 {
			t.Errorf("signing up with %q = %d; want 422", bad, r.Status)
		}
	}
}

// TestNobodyMakesThemselvesMoreThanTheyAre sends what only others may set, beside what one may.
func TestNobodyMakesThemselvesMoreThanTheyAre(t *testing.T) {
	s := harness.Start(t, "serve")
	admin := s.Account(t, "boss", "admin")
	for i, extra := range []map[string]any{
		{"role": "admin"}, {"roles": []string{"admin"}}, {"admin": true}, {"is_admin": true}, {"verified": true}, {"id": "1"}, {"state": "active"}, {"handle": "boss"}, {"scopes": []string{"admin:write"}},
	} {
		body := map[string]any{"name": "Eve", "email": "eve" + string(rune('a'+i)) + "@example.org", "password": harness.Password}
		for k, v := range extra {
			body[k] = v
		}
		var out struct {
			Token string `json:"token"`
		}
		r := s.As("").Do(t, "POST", "/accounts", body)
		if r.Status == 422 {
			continue
		}
		if r.Status != 201 {
			t.Errorf("signing up with %v = %d", extra, r.Status)
			continue
		}
		out.Token = tokenOf(t, r)
		if r := s.As(out.Token).Do(t, "POST", "/restaurants", map[string]any{"name": "x"}); r.Status != 403 && r.Status != 404 {
			t.Errorf("with %v one may open a restaurant: %d", extra, r.Status)
		}
	}
	shop := admin.Restaurant(t, "Taj", nil)
	s.ImportMenu(t, shop, "item,price\nDal,6.50\n")
	items := admin.Items(t, shop)
	cleo := s.SignUp(t)
	wish, q := cleo.Quoted(t, harness.Wish(shop, "pickup", harness.Line{Item: items["Dal"], Qty: 2}))
	for i, extra := range []map[string]any{{"total": 1}, {"paid": true}, {"subtotal": 0}, {"fee": -500}, {"owner": "1"}, {"customer": "1"}, {"state": "DELIVERED"}, {"currency": "XXX"}} {
		body := map[string]any{}
		for k, v := range wish {
			body[k] = v
		}
		for k, v := range extra {
			body[k] = v
		}
		var o harness.Order
		r := cleo.Do(t, "POST", "/orders", body, "Idempotency-Key", "k"+string(rune('a'+i)))
		if r.Status == 422 {
			continue
		}
		decode(t, r, &o)
		if r.Status != 201 || o.Total != q.Total || o.State == "DELIVERED" || o.Currency != "EUR" {
			t.Errorf("an order with %v = %d, total %d %s, %s; want %d EUR", extra, r.Status, o.Total, o.Currency, o.State, q.Total)
		}
	}
	// And what others see of a person holds nothing that is theirs alone.
	for _, path := range []string{"/restaurants", "/restaurants/" + shop.Slug, "/restaurants/" + shop.Slug + "/menu"} {
		r := s.As("").Do(t, "GET", path+"?mode=pickup", nil)
		for _, word := range []string{"@example.org", "argon2", "password", "token"} {
			if bytes.Contains(r.Body, []byte(word)) {
				t.Errorf("%s shows %q", path, word)
			}
		}
	}
}

func decode(t *testing.T, r harness.Reply, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		t.Fatalf("%v in %s", err, r.Body)
	}
}

func tokenOf(t *testing.T, r harness.Reply) string {
	t.Helper()
	var out struct {
		Token string `json:"token"`
	}
	decode(t, r, &out)
	return out.Token
}
