package push_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"
	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/fetch"
	"github.com/stoa-town/stoa/internal/platform/push"
	"github.com/stoa-town/stoa/internal/platform/push/pushtest"
	"github.com/stoa-town/stoa/internal/platform/secrets"
)

func service(t *testing.T, d *db.DB, dir string, o fetch.Options) *push.Service {
	t.Helper()
	box, err := secrets.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return push.New(d, box, id.NewSource(1), fetch.New(o), push.Options{Contact: func() string { return "mailto:town@example.org" }})
}

func keysOf(r *pushtest.Receiver, standard bool) push.Keys {
	return push.Keys{Endpoint: r.Endpoint, P256dh: r.P256dh, Auth: r.Auth, Standard: standard}
}

func TestMessagesReachTheirReceiverAloneInBothEncodings(t *testing.T) {
	d, far := dbtest.SQLite(t, push.Schema), pushtest.New(t)
	s := service(t, d, t.TempDir(), fetch.Options{AllowLoopback: true})
	key, err := s.PublicKey(t.Context())
	if err != nil || len(key) != 87 {
		t.Fatalf("PublicKey = %q, %v", key, err)
	}
	for name, standard := range map[string]bool{"rfc": true, "draft": false} {
		to := far.Receiver(t, name)
		sub, err := s.Put(t.Context(), push.Subscription{Account: 1, Session: id.ID(len(name)), Keys: keysOf(to, standard), Token: "secret token"})
		if err != nil {
			t.Fatal(err)
		}
		for _, plain := range []string{`{"title":"Grüße"}`, "", strings.Repeat("x", push.MaxPlain)} {
			if err := s.Send(t.Context(), sub, push.Message{Plain: []byte(plain), TTL: time.Hour, Urgent: plain == ""}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got := to.Wait(t)
			if string(got.Plain) != plain || got.Sender != key || got.Contact != "mailto:town@example.org" || got.Header.Get("TTL") != "3600" {
				t.Errorf("%s: %d bytes of %s with %v", name, len(got.Plain), got.Sender, got.Header)
			}
			if want := map[bool]string{true: "high", false: "normal"}[plain == ""]; got.Header.Get("Urgency") != want {
				t.Errorf("Urgency = %q; want %q", got.Header.Get("Urgency"), want)
			}
		}
		if err := s.Send(t.Context(), sub, push.Message{Plain: make([]byte, push.MaxPlain+1)}); !errors.Is(err, push.ErrRefused) {
			t.Errorf("too long: %v; want it refused", err)
		}
	}
}

// TestTheReceiverOfTheTestsReadsWhatAnotherProgramEncrypts holds the receiver, and so the sender, against code that is not ours.
func TestTheReceiverOfTheTestsReadsWhatAnotherProgramEncrypts(t *testing.T) {
	far := pushtest.New(t)
	to := far.Receiver(t, "x")
	private, public, err := webpush.GenerateVAPIDKeys()
	if err != nil {
		t.Fatal(err)
	}
	res, err := webpush.SendNotification([]byte("from elsewhere"), &webpush.Subscription{Endpoint: to.Endpoint, Keys: webpush.Keys{Auth: to.Auth, P256dh: to.P256dh}},
		&webpush.Options{Subscriber: "town@example.org", VAPIDPublicKey: public, VAPIDPrivateKey: private, TTL: 30})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("status %d", res.StatusCode)
	}
	if got := to.Wait(t); string(got.Plain) != "from elsewhere" || got.Sender != public {
		t.Errorf("%q of %s", got.Plain, got.Sender)
	}
}

func TestAnswersOfPushServicesSayWhatToDo(t *testing.T) {
	d, far := dbtest.SQLite(t, push.Schema), pushtest.New(t)
	s := service(t, d, t.TempDir(), fetch.Options{AllowLoopback: true})
	to := far.Receiver(t, "r")
	sub, err := s.Put(t.Context(), push.Subscription{Account: 1, Session: 2, Keys: keysOf(to, true)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		status      int
		retry       string
		gone, never bool
		later       time.Duration
	}{
		{http.StatusNotFound, "", true, false, 0},
		{http.StatusGone, "", true, false, 0},
		{http.StatusBadRequest, "", false, true, 0},
		{http.StatusRequestEntityTooLarge, "", false, true, 0},
		{http.StatusTooManyRequests, "120", false, false, 2 * time.Minute},
		{http.StatusTooManyRequests, "", false, false, 0},
		{http.StatusServiceUnavailable, "999999", false, false, 6 * time.Hour},
		{http.StatusBadGateway, "", false, false, 0},
		{http.StatusFound, "", false, true, 0},
	} {
		to.Next(c.status, c.retry)
		err := s.Send(t.Context(), sub, push.Message{Plain: []byte("x")})
		later, _ := errors.AsType[*push.Later](err)
		var wait time.Duration
		if later != nil {
			wait = later.After
		}
		if err == nil || errors.Is(err, push.ErrGone) != c.gone || errors.Is(err, push.ErrRefused) != c.never || wait != c.later {
			t.Errorf("status %d: %v", c.status, err)
		}
	}
}

func TestNothingThatIsNotPublicIsSentTo(t *testing.T) {
	d, far := dbtest.SQLite(t, push.Schema), pushtest.New(t)
	s := service(t, d, t.TempDir(), fetch.Options{})
	to := far.Receiver(t, "r")
	for _, endpoint := range []string{to.Endpoint, "https://127.0.0.1/x", "https://[::1]/x", "http://169.254.169.254/", "https://10.0.0.5/"} {
		k := keysOf(to, true)
		k.Endpoint = endpoint
		sub, err := s.Put(t.Context(), push.Subscription{Account: 1, Session: 2, Keys: k})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(t.Context(), sub, push.Message{Plain: []byte("x")}); !errors.Is(err, push.ErrRefused) {
			t.Errorf("%s: %v; want it refused", endpoint, err)
		}
	}
	if len(to.Got) != 0 {
		t.Error("something came")
	}
}

func TestSubscriptionsAreKeptOncePerSession(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		dir := t.TempDir()
		s, far := service(t, d, dir, fetch.Options{}), pushtest.New(t)
		first, second := far.Receiver(t, "first"), far.Receiver(t, "second")
		if _, err := s.Get(t.Context(), 7); !errs.Is(err, errs.NotFound) {
			t.Errorf("Get of none = %v", err)
		}
		for _, r := range []*pushtest.Receiver{first, second} {
			if _, err := s.Put(t.Context(), push.Subscription{Account: 1, Session: 7, Keys: keysOf(r, true), Token: "a token", Alerts: []string{"mention", "admin.report"}, Policy: "all"}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := service(t, d, dir, fetch.Options{}).Get(t.Context(), 7) // another node
		if err != nil || got.Endpoint != second.Endpoint || got.Token != "a token" || !got.Wants("admin.report") || got.Wants("admin") || !got.Standard {
			t.Fatalf("Get = %+v, %v", got, err)
		}
		var stored []byte
		if err := d.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Row(t.Context(), `SELECT token FROM push_subscription`).Scan(&stored)
		}); err != nil || bytes.Contains(stored, []byte("a token")) {
			t.Errorf("the token is stored as %q, %v", stored, err)
		}
		if got, err = s.Change(t.Context(), 7, []string{"follow"}, "followed"); err != nil || !cmp.Equal(got.Alerts, []string{"follow"}) || got.Policy != "followed" || got.Token != "a token" {
			t.Errorf("Change = %+v, %v", got, err)
		}
		if _, err = s.Change(t.Context(), 8, nil, "all"); !errs.Is(err, errs.NotFound) {
			t.Errorf("Change of none = %v", err)
		}
		list := func() (out []push.Subscription) {
			if err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
				out, err = s.Of(t.Context(), tx, 1)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return out
		}
		if l := list(); len(l) != 1 || l[0].ID != got.ID || l[0].Token != "" {
			t.Errorf("Of = %+v", l)
		}
		drop := func(session id.ID) {
			if err := d.Write(t.Context(), func(tx *db.Tx) error { return s.Drop(t.Context(), tx, 1, session) }); err != nil {
				t.Fatal(err)
			}
		}
		if drop(9); len(list()) != 1 {
			t.Error("another session's end took the subscription")
		}
		if drop(7); len(list()) != 0 {
			t.Error("the subscription outlives its session")
		}
		a, err := s.PublicKey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b, err := service(t, d, dir, fetch.Options{}).PublicKey(t.Context()); err != nil || a != b {
			t.Errorf("two nodes have the keys %s and %s, %v", a, b, err)
		}
	}, push.Schema)
}

func TestKeysThatAreNoneAreRefused(t *testing.T) {
	d, far := dbtest.SQLite(t, push.Schema), pushtest.New(t)
	s, good := service(t, d, t.TempDir(), fetch.Options{}), far.Receiver(t, "r")
	for field, change := range map[string]func(*push.Keys){
		"subscription.endpoint":    func(k *push.Keys) { k.Endpoint = "ftp://example.org/" },
		"subscription.keys.p256dh": func(k *push.Keys) { k.P256dh = k.Auth },
		"subscription.keys.auth":   func(k *push.Keys) { k.Auth = k.P256dh },
	} {
		k := keysOf(good, true)
		change(&k)
		_, err := s.Put(t.Context(), push.Subscription{Account: 1, Session: 1, Keys: k})
		if e := errs.As(err); e == nil || len(e.Fields) != 1 || e.Fields[0].Path != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	k := keysOf(good, true)
	k.P256dh = strings.NewReplacer("-", "+", "_", "/").Replace(k.P256dh) + "=" // the other alphabet
	if _, err := s.Put(t.Context(), push.Subscription{Account: 1, Session: 1, Keys: k}); err != nil {
		t.Error(err)
	}
}
