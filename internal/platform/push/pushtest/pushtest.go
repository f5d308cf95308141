// Package pushtest is a push service for tests: a real server on loopback that checks who sends, and receivers that decrypt by the protocols'
// texts, apart from the code that encrypts.
package pushtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

var b64 = base64.RawURLEncoding

// Service is the push service.
type Service struct {
	URL string

	mu        sync.Mutex
	receivers map[string]*Receiver
}

// Message is what a receiver got.
type Message struct {
	Plain   []byte
	Header  http.Header
	Sender  string // the public key that signed, in base64url
	Contact string
}

// Receiver is a browser or an app.
type Receiver struct {
	Endpoint, P256dh, Auth string
	Got                    chan Message

	private *ecdh.PrivateKey
	auth    []byte
	audible string

	mu     sync.Mutex
	answer []func(http.ResponseWriter)
}

// New starts a push service that ends with the test.
func New(t testing.TB) *Service {
	t.Helper()
	s := &Service{receivers: map[string]*Receiver{}}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// Receiver returns a new one, known by the last part of its endpoint.
func (s *Service) Receiver(t testing.TB, name string) *Receiver {
	t.Helper()
	pair, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	auth := make([]byte, 16)
	rand.Read(auth)
	r := &Receiver{
		Endpoint: s.URL + "/" + name, P256dh: b64.EncodeToString(pair.PublicKey().Bytes()), Auth: b64.EncodeToString(auth),
		Got: make(chan Message, 100), private: pair, auth: auth, audible: s.URL,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receivers["/"+name] = r
	return r
}

// Next has the following message answered with a status and, where not empty, Retry-After, and not received.
func (r *Receiver) Next(status int, retryAfter string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = append(r.answer, func(w http.ResponseWriter) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
	})
}

// Wait returns the next message, or fails the test.
func (r *Receiver) Wait(t testing.TB) Message {
	t.Helper()
	select {
	case m := <-r.Got:
		return m
	case <-time.After(20 * time.Second):
		t.Fatal("no push message came")
		return Message{}
	}
}

// ServeHTTP takes a message as RFC 8030 says.
func (s *Service) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	s.mu.Lock()
	r := s.receivers[q.URL.Path]
	s.mu.Unlock()
	if r == nil || q.Method != http.MethodPost {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	r.mu.Lock()
	var answer func(http.ResponseWriter)
	if len(r.answer) > 0 {
		answer, r.answer = r.answer[0], r.answer[1:]
	}
	r.mu.Unlock()
	if answer != nil {
		answer(w)
		return
	}
	m, err := r.take(q)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Got <- m
	w.WriteHeader(http.StatusCreated)
}

// take checks and decrypts a message.
func (r *Receiver) take(q *http.Request) (Message, error) {
	body, err := io.ReadAll(io.LimitReader(q.Body, 4097))
	if err != nil || len(body) > 4096 {
		return Message{}, fmt.Errorf("body of %d bytes: %w", len(body), err)
	}
	if q.Header.Get("TTL") == "" {
		return Message{}, errors.New("no TTL")
	}
	m := Message{Header: q.Header}
	fields := params(q.Header.Get("Crypto-Key"))
	var token string
	if t, ok := strings.CutPrefix(q.Header.Get("Authorization"), "vapid "); ok {
		p := params2(t)
		token, m.Sender = p["t"], p["k"]
	} else {
		token, _ = strings.CutPrefix(q.Header.Get("Authorization"), "WebPush ")
		m.Sender = fields["p256ecdsa"]
	}
	if m.Contact, err = verify(token, m.Sender, r.audible); err != nil {
		return Message{}, err
	}
	switch q.Header.Get("Content-Encoding") {
	case "aes128gcm":
		m.Plain, err = r.Open(body)
	case "aesgcm":
		m.Plain, err = r.openDraft(body, params2(q.Header.Get("Encryption"))["salt"], fields["dh"])
	default:
		err = errors.New("no encoding")
	}
	return m, err
}

func params(s string) map[string]string { return split(s, ";") }

func params2(s string) map[string]string { return split(s, ",") }

func split(s, by string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(s, by) {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		out[k] = v
	}
	return out
}

// verify checks a token of RFC 8292 and returns its contact.
func verify(token, key, audience string) (string, error) {
	public, err := b64.DecodeString(key)
	if err != nil || len(public) != 65 {
		return "", fmt.Errorf("sender's key %q: %w", key, err)
	}
	head, rest, _ := strings.Cut(token, ".")
	claims, sig, _ := strings.Cut(rest, ".")
	raw, err := b64.DecodeString(sig)
	if err != nil || len(raw) != 64 {
		return "", errors.New("no signature")
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public)
	if err != nil {
		return "", fmt.Errorf("sender's key %q: %w", key, err)
	}
	digest := sha256.Sum256([]byte(head + "." + claims))
	if !ecdsa.Verify(pub, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])) {
		return "", errors.New("the signature is wrong")
	}
	text, err := b64.DecodeString(claims)
	if err != nil {
		return "", err
	}
	var c struct {
		Aud, Sub string
		Exp      int64
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return "", err
	}
	if left := time.Until(time.Unix(c.Exp, 0)); c.Aud != audience || left <= 0 || left > 24*time.Hour {
		return "", fmt.Errorf("claims %s", text)
	}
	return c.Sub, nil
}

// hkdf is RFC 5869 for one block of output.
func hkdf(salt, secret, info []byte, n int) []byte {
	mac := func(key, text []byte) []byte {
		h := hmac.New(sha256.New, key)
		h.Write(text)
		return h.Sum(nil)
	}
	return mac(mac(salt, secret), append(append([]byte{}, info...), 1))[:n]
}

func open(key, nonce, body []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return gcm.Open(nil, nonce, body, nil)
}

// Open decrypts a body of RFC 8291.
func (r *Receiver) Open(body []byte) ([]byte, error) {
	if len(body) < 86 || body[20] != 65 || binary.BigEndian.Uint32(body[16:20]) < uint32(len(body)-86) {
		return nil, errors.New("no header of RFC 8188")
	}
	salt, sender := body[:16], body[21:86]
	pub, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return nil, err
	}
	shared, err := r.private.ECDH(pub)
	if err != nil {
		return nil, err
	}
	info := append(append([]byte("WebPush: info\x00"), r.private.PublicKey().Bytes()...), sender...)
	secret := hkdf(r.auth, shared, info, 32)
	plain, err := open(hkdf(salt, secret, []byte("Content-Encoding: aes128gcm\x00"), 16), hkdf(salt, secret, []byte("Content-Encoding: nonce\x00"), 12), body[86:])
	if err != nil {
		return nil, err
	}
	end := len(plain) - 1
	for end >= 0 && plain[end] == 0 {
		end--
	}
	if end < 0 || plain[end] != 2 {
		return nil, errors.New("no end of the last record")
	}
	return plain[:end], nil
}

// openDraft decrypts a body of draft-ietf-webpush-encryption-04.
func (r *Receiver) openDraft(body []byte, saltText, senderText string) ([]byte, error) {
	salt, err := b64.DecodeString(saltText)
	if err != nil || len(salt) != 16 {
		return nil, errors.New("no salt")
	}
	sender, err := b64.DecodeString(senderText)
	if err != nil {
		return nil, err
	}
	pub, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return nil, err
	}
	shared, err := r.private.ECDH(pub)
	if err != nil {
		return nil, err
	}
	secret := hkdf(r.auth, shared, []byte("Content-Encoding: auth\x00"), 32)
	about := []byte("P-256\x00")
	for _, k := range [][]byte{r.private.PublicKey().Bytes(), sender} {
		about = append(append(about, 0, byte(len(k))), k...)
	}
	info := func(what string) []byte { return append([]byte("Content-Encoding: "+what+"\x00"), about...) }
	plain, err := open(hkdf(salt, secret, info("aesgcm"), 16), hkdf(salt, secret, info("nonce"), 12), body)
	if err != nil {
		return nil, err
	}
	pad := 2 + int(binary.BigEndian.Uint16(plain))
	if len(plain) < pad {
		return nil, errors.New("padding")
	}
	return plain[pad:], nil
}
