// Package push sends messages to browsers and apps that are not open: Web Push (RFC 8030), encrypted for the receiver alone (RFC 8291, and the
// draft before it, which older apps still ask for), signed with a key pair of this server (VAPID, RFC 8292).
//
// It keeps who wants to be told where; what is told, and of what, is for its callers. Push services are addresses that strangers name: they
// are contacted by platform/fetch alone.
package push

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/fetch"
	"github.com/stoa-town/stoa/internal/platform/secrets"
)

// Schema holds the tables of subscriptions, for db.Migrate.
//
//go:embed schema/*.sql
var Schema embed.FS

// Keys is where to reach a receiver, and how to write so that only they can read it.
type Keys struct {
	Endpoint string // http or https URL of a push service
	P256dh   string // the receiver's public key on P-256 in base64, of any alphabet
	Auth     string // 16 secret bytes of the receiver's in base64
	Standard bool   // RFC 8291; else the draft before it ("aesgcm")
}

// Subscription is where a session is told what.
type Subscription struct {
	ID      id.ID
	Account id.ID
	Session id.ID
	Keys
	Token  string   // of the session, for apps; empty: a browser on Stoa's own pages
	Alerts []string // words of what it is told of
	Policy string   // a word of the caller's: of whom it is told
	At     time.Time
}

// Wants reports whether the subscription is told of what goes by the word.
func (s *Subscription) Wants(word string) bool { return slices.Contains(s.Alerts, word) }

// Limits of a subscription.
const (
	maxEndpoint = 2000
	authLen     = 16
	publicLen   = 65 // an uncompressed point of P-256
)

// parse returns the keys as bytes, or an Invalid error that names the field.
func (k Keys) parse() (p256dh, auth []byte, err error) {
	u, err := url.Parse(k.Endpoint)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || len(k.Endpoint) > maxEndpoint {
		return nil, nil, errs.InvalidField("subscription.endpoint", "Validation failed: the endpoint must be an address that begins with https://.")
	}
	if p256dh, err = decode(k.P256dh); err == nil {
		_, err = ecdh.P256().NewPublicKey(p256dh)
	}
	if err != nil {
		return nil, nil, errs.InvalidField("subscription.keys.p256dh", "Validation failed: this is no public key of P-256.")
	}
	if auth, err = decode(k.Auth); err != nil || len(auth) != authLen {
		return nil, nil, errs.InvalidField("subscription.keys.auth", "Validation failed: the secret must be 16 bytes.")
	}
	return p256dh, auth, nil
}

// decode reads base64 of either alphabet, padded or not.
func decode(s string) ([]byte, error) {
	s = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(strings.TrimSpace(s), "="))
	return base64.RawURLEncoding.DecodeString(s)
}

// Options are what a Service is told.
type Options struct {
	Contact func() string // whom a push service may write to: "mailto:…" or an https address
	Now     clock.Func    // how long a signature holds is told by it; nil: time.Now, for push services are real
}

// Service keeps subscriptions and sends. Safe for concurrent use.
type Service struct {
	db   *db.DB
	box  *secrets.Box
	ids  *id.Source
	http *http.Client
	opt  Options

	mu     sync.Mutex
	key    *serverKey
	signed map[string]signature // by the origin of a push service
}

// New returns a Service that sends by client.
func New(d *db.DB, box *secrets.Box, ids *id.Source, client *fetch.Client, opt Options) *Service {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	own := *client.HTTP()
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a push service answers itself
	return &Service{db: d, box: box, ids: ids, http: &own, opt: opt, signed: map[string]signature{}}
}

// sealKey and sealToken are the purposes of what is sealed.
const (
	sealKey   = "push key"
	sealToken = "push token"
)

// PublicKey returns the key that browsers and apps subscribe with: the public half of the server's pair in base64url without padding. The
// pair is made by the first who asks, on whatever node, and is the same ever after.
func (s *Service) PublicKey(ctx context.Context) (string, error) {
	k, err := s.serverKey(ctx)
	if err != nil {
		return "", err
	}
	return k.text, nil
}

func (s *Service) serverKey(ctx context.Context) (*serverKey, error) {
	s.mu.Lock()
	k := s.key
	s.mu.Unlock()
	if k != nil {
		return k, nil
	}
	var public, sealed []byte
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		public, sealed, err = readKey(ctx, tx)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		public, sealed, err = s.makeKey(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("push: read the server's key: %w", err)
	}
	private, err := s.box.Open(sealKey, sealed)
	if err != nil {
		return nil, fmt.Errorf("push: open the server's key: %w", err)
	}
	if k, err = newServerKey(public, private); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = k
	return k, nil
}

// makeKey stores a new pair, unless another node was quicker, and returns the one that is stored.
func (s *Service) makeKey(ctx context.Context) (public, sealed []byte, err error) {
	pair, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if sealed, err = s.box.Seal(sealKey, pair.Bytes()); err != nil {
		return nil, nil, err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if err := insertKey(ctx, tx, pair.PublicKey().Bytes(), sealed); err != nil {
			return err
		}
		public, sealed, err = readKey(ctx, tx)
		return err
	})
	return public, sealed, err
}

// Put stores where a session is told what, in place of what it said before, and returns the subscription. It returns an Invalid error for
// keys that are none.
func (s *Service) Put(ctx context.Context, in Subscription) (*Subscription, error) {
	p256dh, auth, err := in.parse()
	if err != nil {
		return nil, err
	}
	r := row{Subscription: in, p256dh: p256dh, auth: auth}
	r.ID, r.At = s.ids.Next(), s.opt.Now().UTC()
	if in.Token != "" {
		if r.token, err = s.box.Seal(sealToken, []byte(in.Token)); err != nil {
			return nil, fmt.Errorf("push: seal a token: %w", err)
		}
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if err := dropSession(ctx, tx, in.Session); err != nil {
			return err
		}
		return insert(ctx, tx, &r)
	})
	if err != nil {
		return nil, fmt.Errorf("push: store a subscription: %w", err)
	}
	return &r.Subscription, nil
}

var errNone = errs.New(errs.NotFound, "There is no push subscription.")

// Get returns the subscription of a session, or a NotFound error.
func (s *Service) Get(ctx context.Context, session id.ID) (*Subscription, error) {
	return s.one(ctx, func(ctx context.Context, tx *db.Tx) (*row, error) { return bySession(ctx, tx, session) })
}

// ByID returns a subscription with its token, or a NotFound error.
func (s *Service) ByID(ctx context.Context, subscription id.ID) (*Subscription, error) {
	return s.one(ctx, func(ctx context.Context, tx *db.Tx) (*row, error) { return byID(ctx, tx, subscription) })
}

func (s *Service) one(ctx context.Context, read func(context.Context, *db.Tx) (*row, error)) (*Subscription, error) {
	var r *row
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = read(ctx, tx)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return nil, errNone
	}
	if err != nil {
		return nil, fmt.Errorf("push: read a subscription: %w", err)
	}
	return s.open(r)
}

// open fills in what a row holds sealed.
func (s *Service) open(r *row) (*Subscription, error) {
	r.P256dh, r.Auth = base64.RawURLEncoding.EncodeToString(r.p256dh), base64.RawURLEncoding.EncodeToString(r.auth)
	if len(r.token) > 0 {
		token, err := s.box.Open(sealToken, r.token)
		if err != nil {
			return nil, fmt.Errorf("push: open the token of a subscription: %w", err)
		}
		r.Token = string(token)
	}
	return &r.Subscription, nil
}

// Change sets what the session is told, and returns its subscription, or a NotFound error.
func (s *Service) Change(ctx context.Context, session id.ID, alerts []string, policy string) (*Subscription, error) {
	var n int64
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		n, err = update(ctx, tx, session, alerts, policy)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("push: change a subscription: %w", err)
	}
	if n == 0 {
		return nil, errNone
	}
	return s.Get(ctx, session)
}

// Of returns where an account is told what, without tokens, in the caller's transaction.
func (s *Service) Of(ctx context.Context, tx *db.Tx, account id.ID) ([]Subscription, error) {
	rows, err := byAccount(ctx, tx, account)
	if err != nil {
		return nil, fmt.Errorf("push: list subscriptions: %w", err)
	}
	out := make([]Subscription, len(rows))
	for i := range rows {
		out[i] = rows[i].Subscription
	}
	return out, nil
}

// Drop forgets the subscription of a session of the account, or with session 0 all of the account's, in the caller's transaction.
func (s *Service) Drop(ctx context.Context, tx *db.Tx, account, session id.ID) error {
	var err error
	if session == 0 {
		err = dropAccount(ctx, tx, account)
	} else {
		err = dropSession(ctx, tx, session)
	}
	if err != nil {
		return fmt.Errorf("push: drop subscriptions: %w", err)
	}
	return nil
}

// Remove forgets one subscription.
func (s *Service) Remove(ctx context.Context, subscription id.ID) error {
	err := s.db.Write(ctx, func(tx *db.Tx) error { return remove(ctx, tx, subscription) })
	if err != nil {
		return fmt.Errorf("push: remove a subscription: %w", err)
	}
	return nil
}
