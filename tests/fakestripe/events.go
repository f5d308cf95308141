package fakestripe

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Event is an event as webhooks carry it.
type Event struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Account  string `json:"account,omitempty"`
	Version  string `json:"api_version"`
	Created  int64  `json:"created"`
	Data     Data   `json:"data"`
	Livemode bool   `json:"livemode"`
	Pending  int    `json:"pending_webhooks"`
	Request  any    `json:"request"`
	Type     string `json:"type"`
}

// Data is what an event is about, as it was then.
type Data struct {
	Object json.RawMessage `json:"object"`
}

// tell writes an event of the town's own account down and has it sent.
func (s *Server) tell(kind string, about any) { s.tellOf("", kind, about) }

// tellOf writes an event of a connected account down and has it sent.
func (s *Server) tellOf(account, kind string, about any) {
	b, err := json.Marshal(about)
	if err != nil {
		panic(err) // our own types
	}
	e := Event{ID: s.id("evt"), Object: "event", Account: account, Version: APIVersion, Created: s.now().Unix(), Data: Data{b}, Livemode: s.Live, Pending: 1, Type: kind}
	s.events = append(s.events, e)
	if s.sending.URL != "" {
		select {
		case s.hooks <- e:
		default: // more than anybody waits for
		}
	}
}

// Events returns every event so far of a type, the oldest first; "" is all.
func (s *Server) Events(kind string) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Event
	for _, e := range s.events {
		if kind == "" || e.Type == kind {
			out = append(out, e)
		}
	}
	return out
}

// Body returns an event as it is sent.
func (e Event) Body() []byte {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // our own type
	}
	return b
}

// Sign returns the Stripe-Signature header of a body: t=…,v1=….
func Sign(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.", at.Unix())
	mac.Write(body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}

// Post sends a body as a webhook, with the signature given, and returns the status of the answer.
func Post(ctx context.Context, url string, body []byte, signature string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Stripe-Signature", signature)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// tries is how often an event is sent that is not taken.
const tries = 5

// send sends events until Close: each as often as asked, those that wait together in any order, again where it was not taken.
func (s *Server) send() {
	for {
		var batch []Event
		select {
		case <-s.stop:
			return
		case e := <-s.hooks:
			batch = append(batch, e)
		}
		s.mu.Lock()
		how := s.sending
		s.mu.Unlock()
		if how.Late > 0 {
			select {
			case <-s.stop:
				return
			case <-time.After(how.Late):
			}
		}
		for more := true; more; {
			select {
			case e := <-s.hooks:
				batch = append(batch, e)
			default:
				more = false
			}
		}
		once := batch
		for range how.Copies - 1 {
			batch = append(batch, once...)
		}
		if how.Shuffle {
			s.mu.Lock()
			s.rnd.Shuffle(len(batch), func(i, k int) { batch[i], batch[k] = batch[k], batch[i] })
			s.mu.Unlock()
		}
		if !s.deliver(batch, how) {
			return
		}
	}
}

// deliver sends events; false: the server was closed.
func (s *Server) deliver(batch []Event, how Hooks) bool {
	secret := how.Secret
	if secret == "" {
		secret = WebhookSecret
	}
	for _, e := range batch {
		for try := range tries {
			body := e.Body()
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			status, err := Post(ctx, how.URL, body, Sign(secret, time.Now(), body))
			cancel()
			if err == nil && status < 300 {
				break
			}
			select {
			case <-s.stop:
				return false
			case <-time.After(time.Duration(try+1) * 100 * time.Millisecond):
			}
		}
	}
	return true
}
