// Package secrets keeps what must not be read: one master key in a file that only its owner can read, and of it keys for each purpose,
// sealing of what is stored, and signatures for links.
//
// The file holds a line for each key, the newest first: its number (1 to 255) and 32 bytes in base64. What was sealed or signed with an
// older key is still understood as long as its line is there. Tokens need no key: only their Digest is stored.
package secrets

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

const keySize = 32

// Box seals, opens and signs with the master keys. Safe for concurrent use.
type Box struct {
	keys []key // the newest first
}

// key is a master key with the number that sealed texts begin with.
type key struct {
	id    byte
	bytes [keySize]byte
}

// ErrSealed is returned by Open for what no key of this server has sealed for the purpose, or what was changed since.
var ErrSealed = errors.New("secrets: this was not sealed here for this purpose, or it was changed")

// Key returns n secret bytes (at most 8,160) of the newest master key for a purpose, the same ones each time. They are others after a
// rotation: for what is kept use Seal and Sign, which know which key they used.
func (b *Box) Key(purpose string, n int) []byte { return b.keys[0].derive("key", purpose, n) }

// derive returns n bytes for one use of the key and no other.
func (k *key) derive(use, purpose string, n int) []byte {
	out, err := hkdf.Key(sha256.New, k.bytes[:], nil, "stoa "+use+": "+purpose, n)
	if err != nil {
		panic("secrets: " + err.Error()) // only for more bytes than HKDF has: a mistake of the caller
	}
	return out
}

// Seal encrypts plain by AES-256-GCM so that only Open with the same purpose reads it. The result is 29 bytes longer than plain: the
// number of the key, a random nonce, the text with its tag.
func (b *Box) Seal(purpose string, plain []byte) ([]byte, error) {
	k := &b.keys[0]
	aead, err := k.aead(purpose)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 1+aead.NonceSize(), 1+aead.NonceSize()+len(plain)+aead.Overhead())
	out[0] = k.id
	rand.Read(out[1:])
	return aead.Seal(out, out[1:], plain, out[:1]), nil
}

// Open returns what Seal was given. It returns ErrSealed for everything else, and where the key is no longer in the file.
func (b *Box) Open(purpose string, sealed []byte) ([]byte, error) {
	k := b.byID(sealed)
	if k == nil {
		return nil, ErrSealed
	}
	aead, err := k.aead(purpose)
	if err != nil {
		return nil, err
	}
	if len(sealed) < 1+aead.NonceSize() {
		return nil, ErrSealed
	}
	plain, err := aead.Open(nil, sealed[1:1+aead.NonceSize()], sealed[1+aead.NonceSize():], sealed[:1])
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func (k *key) aead(purpose string) (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.derive("seal", purpose, keySize))
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	return cipher.NewGCM(block)
}

// byID returns the key that b begins with, nil where there is none.
func (b *Box) byID(sealed []byte) *key {
	if len(sealed) == 0 {
		return nil
	}
	for i := range b.keys {
		if b.keys[i].id == sealed[0] {
			return &b.keys[i]
		}
	}
	return nil
}

// Sign returns the signature of a text for a purpose: 44 characters that may stand in a URL.
func (b *Box) Sign(purpose, text string) string {
	k := &b.keys[0]
	return base64.RawURLEncoding.EncodeToString(k.mac(purpose, text))
}

// Check reports whether sig is the signature of the text for the purpose. It takes as long for a wrong one as for a right one.
func (b *Box) Check(purpose, text, sig string) bool {
	got, err := base64.RawURLEncoding.Strict().DecodeString(sig)
	if err != nil {
		return false
	}
	k := b.byID(got)
	return k != nil && hmac.Equal(got, k.mac(purpose, text))
}

// mac returns the number of the key and the HMAC of the text.
func (k *key) mac(purpose, text string) []byte {
	h := hmac.New(sha256.New, k.derive("sign", purpose, keySize))
	h.Write([]byte(text))
	return h.Sum([]byte{k.id})
}

// Digest returns what is stored of a token: its SHA-256. Tokens are random, so nobody finds one by trying.
func Digest(token string) [32]byte { return sha256.Sum256([]byte(token)) }
