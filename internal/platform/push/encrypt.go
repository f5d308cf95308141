package push

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// MaxPlain is how many bytes a message may have: push services take 4,096 with all that encryption adds.
const MaxPlain = 3900

// recordSize is what the header of RFC 8188 names: more than any message has, so that each is one record.
const recordSize = 4096

// sealed is a message as it travels.
type sealed struct {
	body []byte
	salt []byte // both stand in headers with the draft, and in the body with the RFC
	own  []byte
}

// once is what is made anew for each message.
type once struct {
	pair *ecdh.PrivateKey
	salt []byte
}

func newOnce() (once, error) {
	pair, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return once{}, err
	}
	salt := make([]byte, 16)
	rand.Read(salt) // never fails since Go 1.24: it ends the process instead
	return once{pair, salt}, nil
}

// encrypt seals a message so that only who holds the private half of p256dh and auth reads it.
func encrypt(o once, plain, p256dh, auth []byte, standard bool) (sealed, error) {
	theirs, err := ecdh.P256().NewPublicKey(p256dh)
	if err != nil {
		return sealed{}, fmt.Errorf("push: the receiver's key: %w", err)
	}
	shared, err := o.pair.ECDH(theirs)
	if err != nil {
		return sealed{}, fmt.Errorf("push: agree on a key: %w", err)
	}
	own := o.pair.PublicKey().Bytes()
	if standard {
		return encryptRFC(o.salt, own, plain, shared, p256dh, auth)
	}
	return encryptDraft(o.salt, own, plain, shared, p256dh, auth)
}

// encryptRFC is RFC 8291 with the one record of RFC 8188 ("aes128gcm"): the body begins with salt, record size and our public key.
func encryptRFC(salt, own, plain, shared, p256dh, auth []byte) (sealed, error) {
	secret, err := derive(shared, auth, "WebPush: info\x00"+string(p256dh)+string(own), 32)
	if err != nil {
		return sealed{}, err
	}
	box, nonce, err := keys(secret, salt, "Content-Encoding: aes128gcm\x00", "Content-Encoding: nonce\x00")
	if err != nil {
		return sealed{}, err
	}
	body := make([]byte, 0, 16+4+1+publicLen+len(plain)+1+box.Overhead())
	body = append(body, salt...)
	body = binary.BigEndian.AppendUint32(body, recordSize)
	body = append(append(body, publicLen), own...)
	last := append(append(make([]byte, 0, len(plain)+1), plain...), 2) // 2: this record is the last
	return sealed{body: box.Seal(body, nonce, last, nil)}, nil
}

// encryptDraft is draft-ietf-webpush-encryption-04 with draft-ietf-httpbis-encryption-encoding-03 ("aesgcm"), without padding.
func encryptDraft(salt, own, plain, shared, p256dh, auth []byte) (sealed, error) {
	secret, err := derive(shared, auth, "Content-Encoding: auth\x00", 32)
	if err != nil {
		return sealed{}, err
	}
	about := "P-256\x00" + string(binary.BigEndian.AppendUint16(nil, publicLen)) + string(p256dh) + string(binary.BigEndian.AppendUint16(nil, publicLen)) + string(own)
	box, nonce, err := keys(secret, salt, "Content-Encoding: aesgcm\x00"+about, "Content-Encoding: nonce\x00"+about)
	if err != nil {
		return sealed{}, err
	}
	padded := append(make([]byte, 2, len(plain)+2), plain...) // two bytes say how much padding follows: none
	return sealed{body: box.Seal(nil, nonce, padded, nil), salt: salt, own: own}, nil
}

func derive(secret, salt []byte, info string, n int) ([]byte, error) {
	out, err := hkdf.Key(sha256.New, secret, salt, info, n)
	if err != nil {
		return nil, fmt.Errorf("push: derive a key: %w", err)
	}
	return out, nil
}

// keys returns what a record is sealed with.
func keys(secret, salt []byte, keyInfo, nonceInfo string) (cipher.AEAD, []byte, error) {
	key, err := derive(secret, salt, keyInfo, 16)
	if err != nil {
		return nil, nil, err
	}
	nonce, err := derive(secret, salt, nonceInfo, 12)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, fmt.Errorf("push: %w", err)
	}
	box, err := cipher.NewGCM(block)
	return box, nonce, err
}
