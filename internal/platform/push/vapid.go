package push

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"time"
)

// serverKey is the pair by which push services know this server.
type serverKey struct {
	private *ecdsa.PrivateKey
	text    string // the public half in base64url
}

func newServerKey(public, private []byte) (*serverKey, error) {
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), private)
	if err != nil {
		return nil, fmt.Errorf("push: the server's key: %w", err)
	}
	return &serverKey{k, base64.RawURLEncoding.EncodeToString(public)}, nil
}

// A signature holds for signedFor, of which push services allow a day; it is used for reuseFor.
const (
	signedFor = 12 * time.Hour
	reuseFor  = 6 * time.Hour
	maxSigned = 1000 // push services that signatures are kept for
)

type signature struct {
	token string
	made  time.Time
}

// sign returns the token (RFC 8292) that tells the push service of an endpoint who sends.
func (s *Service) sign(k *serverKey, endpoint *url.URL) (string, error) {
	origin, now := endpoint.Scheme+"://"+endpoint.Host, s.opt.Now()
	s.mu.Lock()
	old, ok := s.signed[origin]
	s.mu.Unlock()
	if ok && now.Sub(old.made) < reuseFor && !now.Before(old.made) {
		return old.token, nil
	}
	claims, err := json.Marshal(struct {
		Aud string `json:"aud"`
		Exp int64  `json:"exp"`
		Sub string `json:"sub,omitempty"`
	}{origin, now.Add(signedFor).Unix(), s.opt.Contact()})
	if err != nil {
		return "", fmt.Errorf("push: encode claims: %w", err)
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." + b64.EncodeToString(claims)
	digest := sha256.Sum256([]byte(text))
	r, v, err := ecdsa.Sign(rand.Reader, k.private, digest[:])
	if err != nil {
		return "", fmt.Errorf("push: sign: %w", err)
	}
	var sig [64]byte
	r.FillBytes(sig[:32])
	v.FillBytes(sig[32:])
	token := text + "." + b64.EncodeToString(sig[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.signed) >= maxSigned {
		clear(s.signed)
	}
	s.signed[origin] = signature{token, now}
	return token, nil
}
