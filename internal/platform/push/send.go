package push

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/stoa-town/stoa/internal/platform/fetch"
)

// Message is what is sent. A push service keeps it for TTL while the receiver is away.
type Message struct {
	Plain  []byte // at most MaxPlain
	TTL    time.Duration
	Urgent bool // it may wake a phone that saves power
}

// Errors of Send.
var (
	// ErrGone says that the receiver has left: the subscription is of no more use.
	ErrGone = errors.New("push: the subscription has ended")
	// ErrRefused says that the push service does not take this message, and will not when it is sent again.
	ErrRefused = errors.New("push: the push service refused the message")
)

// Later is returned by Send where the push service asks to wait.
type Later struct{ After time.Duration }

func (l *Later) Error() string { return "push: the push service asks to wait " + l.After.String() }

// maxWait bounds what a push service may ask for.
const maxWait = 6 * time.Hour

// Send encrypts a message and hands it to the subscription's push service. It returns ErrGone or ErrRefused (wrapped), where to try again is
// of no use, a *Later where it is asked to wait, and any other error where it may be tried again.
func (s *Service) Send(ctx context.Context, to *Subscription, m Message) error {
	if len(m.Plain) > MaxPlain {
		return fmt.Errorf("%w: %d bytes", ErrRefused, len(m.Plain))
	}
	req, err := s.request(ctx, to, m)
	if err != nil {
		return err
	}
	res, err := s.http.Do(req)
	if errors.Is(err, fetch.ErrForbidden) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err != nil {
		return fmt.Errorf("push: reach the push service: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4<<10)) // so that the connection can be used again
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusNotFound || code == http.StatusGone:
		return fmt.Errorf("%w: status %d", ErrGone, code)
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		if after, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && after > 0 {
			return &Later{min(time.Duration(after)*time.Second, maxWait)}
		}
		return fmt.Errorf("push: status %d", code)
	case code >= 500 || code == http.StatusRequestTimeout || code == http.StatusTooEarly:
		return fmt.Errorf("push: status %d", code)
	default:
		return fmt.Errorf("%w: status %d", ErrRefused, code)
	}
}

func (s *Service) request(ctx context.Context, to *Subscription, m Message) (*http.Request, error) {
	p256dh, auth, err := to.parse()
	if err != nil {
		return nil, errors.Join(ErrRefused, err)
	}
	endpoint, err := url.Parse(to.Endpoint)
	if err != nil {
		return nil, errors.Join(ErrRefused, err)
	}
	k, err := s.serverKey(ctx)
	if err != nil {
		return nil, err
	}
	token, err := s.sign(k, endpoint)
	if err != nil {
		return nil, err
	}
	o, err := newOnce()
	if err != nil {
		return nil, err
	}
	out, err := encrypt(o, m.Plain, p256dh, auth, to.Standard)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.Endpoint, bytes.NewReader(out.body))
	if err != nil {
		return nil, errors.Join(ErrRefused, err)
	}
	h := req.Header
	h.Set("Content-Type", "application/octet-stream")
	h.Set("TTL", strconv.Itoa(int(m.TTL/time.Second)))
	h.Set("Urgency", "normal")
	if m.Urgent {
		h.Set("Urgency", "high")
	}
	if to.Standard {
		h.Set("Content-Encoding", "aes128gcm")
		h.Set("Authorization", "vapid t="+token+", k="+k.text)
		return req, nil
	}
	b64 := base64.RawURLEncoding
	h.Set("Content-Encoding", "aesgcm")
	h.Set("Encryption", "salt="+b64.EncodeToString(out.salt))
	h.Set("Crypto-Key", "dh="+b64.EncodeToString(out.own)+";p256ecdsa="+k.text)
	h.Set("Authorization", "WebPush "+token)
	return req, nil
}
