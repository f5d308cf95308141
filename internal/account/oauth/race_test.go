package oauth

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/platform/db"
)

// TestFiftyUsesOfOneCodeGiveOneToken holds that an app whose request comes fifty times at once gets one token that works, and that whoever
// comes with the code after that gets nothing and ends it.
func TestFiftyUsesOfOneCodeGiveOneToken(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		a, secret := k.register(false, "read", callback)
		code := k.code(ask(a))
		// One that never ends makes all fifty run at the same time, however busy the machine is.
		held := k.s.races.enter(code, k.now.Now())
		replies := make([]*httptest.ResponseRecorder, 50)
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range replies {
			wg.Go(func() {
				<-start
				replies[i] = k.do("POST", "/oauth/token", exchangeForm(a, secret, code))
			})
		}
		close(start)
		wg.Wait()
		k.s.races.leave(code, held)
		var token string
		for _, w := range replies {
			switch {
			case w.Code == http.StatusOK && token == "":
				token = decode[tokenReply](t, w).AccessToken
			case w.Code == http.StatusOK:
				t.Error("a second token was given")
			case w.Code != http.StatusBadRequest || decode[errorReply](t, w).Error != invalidGrant:
				t.Errorf("a loser was told %d %s", w.Code, w.Body)
			}
		}
		if token == "" || !k.lives(token) {
			t.Fatal("the winner has no token that lives")
		}
		if w := k.do("POST", "/oauth/token", exchangeForm(a, secret, code)); w.Code != http.StatusBadRequest {
			t.Errorf("a later use: %d %s", w.Code, w.Body)
		}
		if k.lives(token) {
			t.Error("the token outlives a later use of its code")
		}
		if n := len(k.s.races.running); n != 0 {
			t.Errorf("%d races are still kept", n)
		}
	})
}

func TestAFailedTryLeavesTheCodeToItsOwner(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		a, _ := k.register(true, "read", callback)
		verifier, challenge := pkce()
		wrong, _ := pkce()
		code := k.code(ask(a, "code_challenge", challenge, "code_challenge_method", "S256"))
		if w := k.do("POST", "/oauth/token", exchangeForm(a, "", code, "code_verifier", wrong)); w.Code != http.StatusBadRequest {
			t.Fatalf("wrong verifier: %d %s", w.Code, w.Body)
		}
		token := k.token(a, "", code, "code_verifier", verifier)
		if w := k.do("POST", "/oauth/token", exchangeForm(a, "", code, "code_verifier", wrong)); w.Code != http.StatusBadRequest || k.lives(token) {
			t.Errorf("a used code with a wrong verifier: %d, the token lives: %v", w.Code, k.lives(token))
		}
	})
}

func TestARaceDoesNotLastBecauseItIsKeptBusy(t *testing.T) {
	var rs races
	now := time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)
	first := rs.enter("code", now)
	rs.claim(first, 1)
	if again := rs.enter("code", now.Add(raceLasts-1)); !rs.isWon(again) {
		t.Error("a use at the same time counts as a later one")
	}
	late := rs.enter("code", now.Add(raceLasts))
	if rs.isWon(late) {
		t.Error("a late use counts as one at the same time")
	}
	rs.leave("code", first)
	rs.leave("code", late)
	if next := rs.enter("code", now.Add(raceLasts)); rs.isWon(next) {
		t.Error("a race that is over goes on")
	}
}
