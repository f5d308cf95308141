package oauth

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/db"
)

func TestThePageOfAppsListsThemAndPutsThemOut(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		if w := k.do("GET", "/account/apps", nil, k.asAnna()...); !strings.Contains(w.Body.String(), "None yet") {
			t.Errorf("empty: %d", w.Code)
		}
		a, secret := k.register(false, "read write:statuses", callback)
		other, otherSecret := k.register(false, "read", callback)
		first, second := k.token(a, secret, k.code(ask(a, "scope", "read"))), k.token(a, secret, k.code(ask(a, "scope", "write:statuses")))
		kept := k.token(other, otherSecret, k.code(ask(other)))
		page := k.do("GET", "/account/apps", nil, k.asAnna()...).Body.String()
		if strings.Count(page, "Test App</strong>") != 2 || !strings.Contains(page, "Write and delete posts.") {
			t.Errorf("the page: %s", page)
		}
		waiting := k.code(ask(a, "scope", "read"))
		w := k.do("POST", "/account/apps/"+a.ID.String()+"/end", url.Values{}, k.asAnna()...)
		if w.Code != http.StatusSeeOther || k.lives(first) || k.lives(second) || !k.lives(kept) {
			t.Errorf("%d; live: %v %v, kept: %v", w.Code, k.lives(first), k.lives(second), k.lives(kept))
		}
		if w := k.do("POST", "/oauth/token", exchangeForm(a, secret, waiting)); w.Code != http.StatusBadRequest {
			t.Errorf("a code from before gives a token: %d", w.Code)
		}
	})
}

func TestOthersAppsAreTheirs(t *testing.T) {
	k := lite(t)
	a, secret := k.register(false, "read", callback)
	token := k.token(a, secret, k.code(ask(a)))
	ben := []string{"Cookie", "stoa=" + k.signIn(k.person("ben"))}
	if page := k.do("GET", "/account/apps", nil, ben...).Body.String(); strings.Contains(page, "Test App") {
		t.Error("ben sees anna's app")
	}
	k.do("POST", "/account/apps/"+a.ID.String()+"/end", url.Values{}, ben...)
	sessions, err := k.accounts.Sessions(t.Context(), k.anna)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sessions {
		k.do("POST", "/account/tokens/"+s.ID.String()+"/end", url.Values{}, ben...)
	}
	if !k.lives(token) {
		t.Error("ben put anna's app out")
	}
}

func TestATokenOfOnesOwnIsMadeShownOnceAndRevoked(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		form := url.Values{"name": {"Kitchen printer"}, "scopes": {"read", "stoa:orders"}, "days": {"7"}}
		w := k.do("POST", "/account/tokens", form, k.asAnna()...)
		_, rest, _ := strings.Cut(w.Body.String(), `data-copy="`)
		token, _, _ := strings.Cut(rest, `"`)
		if w.Code != http.StatusOK || len(token) != 43 || w.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		got := decode[map[string]any](t, k.do("GET", "/whoami", nil, "Authorization", "Bearer "+token))
		if diff := cmp.Diff(map[string]any{"handle": "anna", "app": "0", "scopes": []any{"read", "stoa:orders"}}, got); diff != "" {
			t.Errorf("who it acts for (-want +got):\n%s", diff)
		}
		page := k.do("GET", "/account/apps", nil, k.asAnna()...).Body.String()
		if !strings.Contains(page, "Kitchen printer") || !strings.Contains(page, "until 2026-12-08") || strings.Contains(page, token) {
			t.Errorf("the page: %s", page)
		}
		_, own, err := k.s.Granted(t.Context(), k.anna)
		if err != nil || len(own) != 1 {
			t.Fatalf("%v %v", own, err)
		}
		for range 2 { // the second time it is over already
			if w := k.do("POST", "/account/tokens/"+own[0].ID.String()+"/end", url.Values{}, k.asAnna()...); w.Code != http.StatusSeeOther || k.lives(token) {
				t.Errorf("%d", w.Code)
			}
		}
	})
}

func TestATokenOfOnesOwnRunsOut(t *testing.T) {
	k := lite(t)
	token, err := k.s.NewPersonal(t.Context(), k.anna, Personal{Name: "x", Scopes: []string{"read"}, Days: 30})
	if err != nil {
		t.Fatal(err)
	}
	k.now.Advance(30*24*time.Hour - time.Second)
	if !k.lives(token) {
		t.Error("it ends early")
	}
	k.now.Advance(time.Second)
	if k.lives(token) {
		t.Error("it outlives its time")
	}
}

func TestATokenNeedsAPersonWhoHasJustShownWhoTheyAre(t *testing.T) {
	k := lite(t)
	form := url.Values{"name": {"x"}, "scopes": {"read"}, "days": {"7"}}
	all, err := k.s.NewPersonal(t.Context(), k.anna, Personal{Name: "x", Scopes: []string{"read", "write"}})
	if err != nil {
		t.Fatal(err)
	}
	if w := k.do("POST", "/account/tokens", form, "Authorization", "Bearer "+all); w.Code != http.StatusForbidden {
		t.Errorf("a token makes a token: %d %s", w.Code, w.Body)
	}
	k.now.Advance(16 * time.Minute)
	if w := k.do("POST", "/account/tokens", form, k.asAnna()...); w.Code != http.StatusForbidden {
		t.Errorf("late: %d", w.Code)
	}
	if w := k.do("GET", "/account/tokens/new", nil, k.asAnna()...); !strings.HasPrefix(w.Header().Get("Location"), "/account/confirm?next=") {
		t.Errorf("led to %q", w.Header().Get("Location"))
	}
}

func TestTheFormForATokenSaysWhatIsWrong(t *testing.T) {
	k := lite(t)
	for field, form := range map[string]url.Values{
		"name":   {"name": {" "}, "scopes": {"read"}, "days": {"7"}},
		"scopes": {"name": {"x"}, "days": {"7"}},
		"days":   {"name": {"x"}, "scopes": {"read"}, "days": {"8"}},
	} {
		w := k.do("POST", "/account/tokens", form, k.asAnna()...)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `id="f-`+field+`-error"`) || strings.Contains(w.Body.String(), "data-copy") {
			t.Errorf("%s: %d %s", field, w.Code, w.Body)
		}
	}
	if _, err := k.s.NewPersonal(t.Context(), k.anna, Personal{Name: "x", Scopes: []string{"root"}}); !errs.Is(err, errs.Invalid) {
		t.Errorf("an unknown scope: %v", err)
	}
	for range maxPersonal {
		if _, err := k.s.NewPersonal(t.Context(), k.anna, Personal{Name: "x", Scopes: []string{"read"}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.s.NewPersonal(t.Context(), k.anna, Personal{Name: "x", Scopes: []string{"read"}}); !errs.Is(err, errs.Conflict) {
		t.Errorf("one more than enough: %v", err)
	}
}
