package secrets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func open(t testing.TB, dir string) *Box {
	t.Helper()
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func seal(t testing.TB, b *Box, purpose, plain string) []byte {
	t.Helper()
	s, err := b.Seal(purpose, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOnlyThePurposeOpensWhatWasSealed(t *testing.T) {
	dir := t.TempDir()
	b, other := open(t, dir), open(t, t.TempDir())
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		sealed, err := b.Seal("totp", plain)
		if err != nil || len(sealed) != len(plain)+29 {
			t.Fatalf("Seal = %d bytes of %d, %v", len(sealed), len(plain), err)
		}
		if got, err := b.Open("totp", sealed); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("Open = %x, %v; want %x", got, err, plain)
		}
		at := rapid.IntRange(0, len(sealed)-1).Draw(t, "at")
		changed := bytes.Clone(sealed)
		changed[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		for name, try := range map[string]func() ([]byte, error){
			"another purpose":   func() ([]byte, error) { return b.Open("oidc", sealed) },
			"another key":       func() ([]byte, error) { return other.Open("totp", sealed) },
			"one bit is other":  func() ([]byte, error) { return b.Open("totp", changed) },
			"cut short":         func() ([]byte, error) { return b.Open("totp", sealed[:at]) },
			"a byte at the end": func() ([]byte, error) { return b.Open("totp", append(bytes.Clone(sealed), 0)) },
		} {
			if got, err := try(); err != ErrSealed { //nolint:errorlint // Open returns it bare
				t.Errorf("%s: %x, %v; want ErrSealed", name, got, err)
			}
		}
	})
	if bytes.Equal(seal(t, b, "totp", "same"), seal(t, b, "totp", "same")) {
		t.Error("the same text sealed twice looks the same")
	}
	if got, err := open(t, dir).Open("totp", seal(t, b, "totp", "kept")); err != nil || string(got) != "kept" {
		t.Errorf("after a restart: %q, %v", got, err)
	}
}

func TestSignaturesHoldForOneTextAndPurpose(t *testing.T) {
	b := open(t, t.TempDir())
	sig := b.Sign("unsubscribe", "account=1")
	if len(sig) != 44 || strings.Trim(sig, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("Sign = %q; want 44 characters for a URL", sig)
	}
	if !b.Check("unsubscribe", "account=1", sig) {
		t.Error("the right signature is refused")
	}
	for _, c := range [][3]string{
		{"unsubscribe", "account=2", sig},
		{"confirm", "account=1", sig},
		{"unsubscribe", "account=1", ""},
		{"unsubscribe", "account=1", sig[:43]},
		{"unsubscribe", "account=1", sig + "A"},
		{"unsubscribe", "account=1", "B" + sig[1:]},
		{"unsubscribe", "account=1", "!" + sig[1:]},
		{"unsubscribe", "account=1", open(t, t.TempDir()).Sign("unsubscribe", "account=1")},
	} {
		if b.Check(c[0], c[1], c[2]) {
			t.Errorf("Check%q = true", c)
		}
	}
}

func TestKeysAreOfTheirPurposeAlone(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	if a := b.Key("a", 32); !bytes.Equal(a, open(t, dir).Key("a", 32)) || bytes.Equal(a, b.Key("b", 32)) || len(b.Key("a", 64)) != 64 {
		t.Error("a key is not the same each time, or the same for two purposes")
	}
}

func TestTheMasterKeyIsReadableByItsOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	open(t, dir)
	file := filepath.Join(dir, FileName)
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v; want mode 0600", st.Mode(), err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o601, 0o644} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %04o: %v; want it refused with what to do", mode, err)
		}
	}
	for _, mode := range []os.FileMode{0o600, 0o400} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		open(t, dir)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%v beside the key, %v", left, err)
	}
}

func TestProgramsThatStartTogetherShareOneKey(t *testing.T) {
	dir := t.TempDir()
	var boxes [16]*Box
	var wg sync.WaitGroup
	for i := range boxes {
		wg.Go(func() { boxes[i], _ = Open(dir) })
	}
	wg.Wait()
	for i, b := range boxes {
		if b == nil || !bytes.Equal(b.Key("x", 32), boxes[0].Key("x", 32)) {
			t.Fatalf("box %d has another key", i)
		}
	}
}

func TestRotationKeepsWhatWasSealedBefore(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, FileName)
	old := open(t, dir)
	sealed, sig := seal(t, old, "p", "text"), old.Sign("p", "text")
	if n, err := Rotate(file); err != nil || n != 2 {
		t.Fatalf("Rotate = %d, %v; want key 2", n, err)
	}
	now := open(t, dir)
	if got, err := now.Open("p", sealed); err != nil || string(got) != "text" || !now.Check("p", "text", sig) {
		t.Errorf("after a rotation: %q, %v", got, err)
	}
	fresh := seal(t, now, "p", "text")
	if fresh[0] != 2 || bytes.Equal(old.Key("x", 32), now.Key("x", 32)) {
		t.Error("the new key is not used")
	}
	if _, err := old.Open("p", fresh); err != ErrSealed { //nolint:errorlint // Open returns it bare
		t.Errorf("the old key opens the new: %v", err)
	}
	for range 253 {
		if _, err := Rotate(file); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Rotate(file); err == nil {
		t.Error("there is a 256th key")
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v; want mode 0600", st.Mode(), err)
	}
}

func TestABrokenFileIsNeitherUsedNorReplaced(t *testing.T) {
	good := "1 " + strings.Repeat("A", 43) + "="
	for name, text := range map[string]string{
		"empty": "", "no number": strings.Repeat("A", 43) + "=", "number 0": "0 " + good[2:], "number 256": "256 " + good[2:], "short": "1 AAAA",
		"twice": good + "\n" + good + "\n", "not base64": "1 hunter2!", "only a remark": "# gone\n",
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, FileName)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir)
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: %v; want it refused without a word of it", name, err)
		}
		if after, _ := os.ReadFile(file); string(after) != text {
			t.Errorf("%s: the file is now %q", name, after)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, FileName), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("a folder was taken for a key")
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	s := Secret("hunter2")
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "in", struct{ S Secret }{s})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "in", []Secret{s})
	b, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(b) + fmt.Sprintf("%v %s %q %x %#v %+v %d", s, s, s, s, s, []Secret{s}, s)
	if strings.Contains(all, "hunter2") || strings.Contains(all, fmt.Sprintf("%x", "hunter2")) || !strings.Contains(all, redacted) {
		t.Errorf("a secret is shown: %s", all)
	}
	if string(s) != "hunter2" {
		t.Error("the secret is lost")
	}
}

func TestDigestIsSHA256(t *testing.T) {
	if got := fmt.Sprintf("%x", Digest("abc")); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("Digest(abc) = %s", got)
	}
}
