// Package keys is people who sign in without a password, or with more than one, in a real browser.
package keys

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

const password = "correct horse battery"

// byName returns the server's address with a name: browsers know no passkeys for a bare address.
func byName(s *harness.Server) string { return strings.Replace(s.URL, "127.0.0.1", "localhost", 1) }

// join signs somebody up.
func join(p *browser.Person, handle string) {
	p.Go("/sign-up")
	p.Fill("main input[name=name]", strings.ToUpper(handle[:1])+handle[1:])
	p.Fill("main input[name=email]", handle+"@example.org")
	p.Fill("main input[name=password]", password)
	p.Click("main form[action='/sign-up'] button[type=submit]")
	p.Await(`!location.pathname.startsWith("/sign-up")`, "sign up")
}

// shot leaves a picture of the page where STOA_TEST_SHOTS says, for people to judge.
func shot(p *browser.Person, name string) {
	if dir := os.Getenv("STOA_TEST_SHOTS"); dir != "" {
		p.Whole(filepath.Join(dir, name+".png"))
	}
}

func leave(p *browser.Person) {
	p.Go("/account")
	p.Click("main form[action='/sign-out'] button")
	p.Await(`location.pathname === "/"`, "sign out")
}

func TestAPasskeyReplacesThePassword(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	anna := b.Person(t, "anna", byName(s), 390, 844)
	device := anna.Authenticator()
	join(anna, "anna")

	anna.Go("/account/security")
	anna.Click("main a[href='/account/passkeys']")
	anna.See("You have none yet.")
	device.Touch(true)
	anna.Click("[data-passkey=create]")
	anna.See("The passkey is kept")
	shot(anna, "passkeys")
	for _, f := range anna.Findings() {
		t.Errorf("the page of passkeys: %s", f)
	}
	anna.Click("[data-passkey=create]")
	anna.See("This device holds a passkey for you already.")

	// By the button, without a name.
	device.Touch(false)
	leave(anna)
	anna.Go("/sign-in?next=/account")
	anna.See("Sign in with a passkey")
	anna.Settle()
	shot(anna, "sign-in")
	device.Touch(true)
	anna.Click("[data-passkey=get]")
	anna.Await(`location.pathname === "/account"`, "sign in with the passkey")
	anna.SeeIn("main", "Anna")

	// To show once more that it is her.
	device.Touch(false)
	anna.Go("/account/confirm?next=/account/two-step")
	anna.See("Use a passkey")
	device.Touch(true)
	anna.Click("[data-passkey=get]")
	anna.Await(`location.pathname === "/account/two-step"`, "show with the passkey that it is her")

	anna.Go("/account/passkeys")
	anna.ClickText("Rename")
	anna.Fill("main input[name=name]", "My phone")
	anna.Click("main form[action$='/name'] button")
	anna.SeeIn("main", "My phone")
	anna.Click("main form[action$='/remove'] button")
	anna.See("The passkey is removed.")

	// The device still has it, the server no longer.
	device.Touch(false)
	leave(anna)
	anna.Go("/sign-in")
	anna.See("Sign in with a passkey")
	device.Touch(true)
	anna.Click("[data-passkey=get]")
	anna.See("This server does not know that passkey.")
	if got := anna.Path(); got != "/sign-in" {
		t.Errorf("with a removed passkey Anna is at %s", got)
	}
}

func TestTheFieldForTheNameOffersPasskeys(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	anna := b.Person(t, "anna", byName(s), 1280, 800)
	device := anna.Authenticator()
	join(anna, "anna")
	anna.Go("/account/passkeys")
	device.Touch(true)
	anna.Click("[data-passkey=create]")
	anna.See("The passkey is kept")
	leave(anna)
	// The virtual authenticator chooses the suggestion by itself.
	anna.Go("/sign-in?next=/account")
	anna.Await(`location.pathname === "/account"`, "sign in by the suggestion")
}

func TestAtABareAddressThePageSaysWhyThereAreNoPasskeys(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	anna := b.Person(t, "anna", s.URL, 390, 844)
	join(anna, "anna")
	anna.Go("/account/passkeys")
	anna.See("Passkeys can't be used at this address")
}

// codeOf returns the code of an authenticator app, steps of half a minute from now.
func codeOf(t testing.TB, secret string, steps int64) string {
	t.Helper()
	key, err := base32.StdEncoding.DecodeString(strings.ReplaceAll(secret, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()/30+steps)))
	sum := mac.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[19]&15:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

func TestTheSecondStepAsksForACodeOfThePhone(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	anna := b.Person(t, "anna", s.URL, 390, 844)
	join(anna, "anna")
	anna.Go("/account/two-step")
	anna.ClickText("Set up")
	anna.See("Scan this with an authenticator app")
	shot(anna, "two-step-set-up")
	secret := anna.Eval(`document.querySelector("[data-secret]").textContent`)
	if dark := anna.Eval(`String(document.querySelector("svg.qr path").getAttribute("d").length > 1000)`); dark != "true" {
		t.Error("there is no QR code")
	}
	anna.Fill("main input[name=code]", "000000")
	anna.ClickText("Turn on")
	anna.See("This code is not right")
	anna.Fill("main input[name=code]", codeOf(t, secret, 0))
	anna.ClickText("Turn on")
	anna.See("Your recovery codes")
	for _, f := range anna.Findings() {
		t.Errorf("the page of recovery codes: %s", f)
	}
	shot(anna, "two-step-codes")
	spare := anna.Eval(`document.querySelector("[data-codes] code").textContent`)
	leave(anna)

	first := func() {
		anna.Go("/sign-in?next=/account")
		anna.Fill("main input[name=login]", "anna@example.org")
		anna.Fill("main input[name=password]", password)
		anna.Click("main form[action='/sign-in'] button[type=submit]")
		anna.See("One more step")
	}
	first()
	shot(anna, "second-step")
	anna.Go("/account")
	anna.Await(`location.pathname === "/sign-in" || document.body.innerText.includes("Sign in")`, "stay outside before the second step")
	first()
	anna.Fill("main input[name=code]", codeOf(t, secret, 1)) // the next one: the last was taken
	anna.Click("main form[action='/sign-in/second'] button[type=submit]")
	anna.Await(`location.pathname === "/account"`, "come in with the code")
	leave(anna)

	first()
	anna.ClickText("I don't have my phone")
	anna.Fill("main input[name=recovery]", strings.ToLower(spare))
	anna.ClickText("Sign in with a recovery code")
	anna.Await(`location.pathname === "/account"`, "come in with a recovery code")
	anna.Go("/account/two-step")
	anna.See("9 recovery codes are left.")
	anna.ClickText("Turn off")
	anna.See("Two-step sign-in is off.")
	leave(anna)
	anna.SignIn("anna@example.org", password)
}
