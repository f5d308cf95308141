package passkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/go-webauthn/webauthn/protocol"
)

// softKey is an authenticator in software, with one key, that does what the browser asks; its fields are where a test makes it lie.
type softKey struct {
	private *ecdsa.PrivateKey
	id      []byte
	user    []byte
	signs   uint32
	origin  string // of the page
	rp      string
	flags   byte
	device  bool // its counter counts; that of synced keys is always 0
}

const (
	flagUP, flagUV, flagBE, flagBS, flagAT = 0x01, 0x04, 0x08, 0x10, 0x40
)

func newSoftKey(t testing.TB) *softKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := &softKey{private: private, id: make([]byte, 16), origin: testOrigin, rp: "food.example.org", flags: flagUP | flagUV, device: true}
	rand.Read(k.id)
	return k
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (k *softKey) clientData(t testing.TB, kind string, challenge []byte) []byte {
	return mustJSON(t, map[string]any{"type": kind, "challenge": b64(challenge), "origin": k.origin, "crossOrigin": false})
}

func (k *softKey) authData(flags byte) []byte {
	rp := sha256.Sum256([]byte(k.rp))
	if k.device {
		k.signs++
	}
	return binary.BigEndian.AppendUint32(append(rp[:], flags), k.signs)
}

// create answers an offer to make a key.
func (k *softKey) create(t testing.TB, o Offer) Answer {
	t.Helper()
	opt := o.Options.(protocol.PublicKeyCredentialCreationOptions)
	k.user = opt.User.ID.(protocol.URLEncodedBase64)
	public, err := k.private.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	cose, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: public[1:33], -3: public[33:]})
	if err != nil {
		t.Fatal(err)
	}
	data := append(k.authData(k.flags|flagAT), make([]byte, 16)...)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(k.id))), k.id...)
	object, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": append(data, cose...)})
	if err != nil {
		t.Fatal(err)
	}
	return Answer{o.Ticket, string(mustJSON(t, map[string]any{
		"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64(k.clientData(t, "webauthn.create", opt.Challenge)), "attestationObject": b64(object), "transports": []string{"usb"}},
	}))}
}

// get answers an offer to sign in.
func (k *softKey) get(t testing.TB, o Offer) Answer {
	t.Helper()
	return k.sign(t, o, o.Options.(protocol.PublicKeyCredentialRequestOptions).Challenge)
}

// sign answers an offer by signing any challenge.
func (k *softKey) sign(t testing.TB, o Offer, challenge []byte) Answer {
	t.Helper()
	client, data := k.clientData(t, "webauthn.get", challenge), k.authData(k.flags)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	sig, err := ecdsa.SignASN1(rand.Reader, k.private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return Answer{o.Ticket, string(mustJSON(t, map[string]any{
		"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(sig), "userHandle": b64(k.user)},
	}))}
}
