// Package fakestripe is a card provider that answers as Stripe's API does, over a socket, for tests: it keeps intents, charges, refunds,
// customers, cards, connected accounts, disputes and idempotency keys, and sends signed webhooks. It can be told to lose answers after
// their effect, to fail, to be slow, and to send webhooks twice, late and in any order. It keeps books of what it did, and Verify says
// whether money was taken or given back twice. The shapes are those that Stripe publishes (API 2026-03-25.dahlia), as far as Stoa uses them.
package fakestripe

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// APIVersion is the version that replies and events name.
const APIVersion = "2026-03-25.dahlia"

// The keys that the fake knows, of a test account.
const (
	SecretKey      = "sk_test_fake"
	PublishableKey = "pk_test_fake"
	WebhookSecret  = "whsec_fake"
)

// Faults are what goes wrong, in shares from 0 to 1 of the requests that change something.
type Faults struct {
	Drop  float64       // the connection ends without an answer, after the effect
	Fail  float64       // 500 before any effect
	Busy  float64       // 429 before any effect
	Delay time.Duration // an answer takes up to so long
}

// Hooks are how webhooks are sent.
type Hooks struct {
	URL     string // empty: not at all
	Secret  string // empty: WebhookSecret
	Copies  int    // how often each is sent; 0 is once
	Shuffle bool   // in any order, those waiting at the same time
	Late    time.Duration
}

// Server is a fake Stripe. Safe for concurrent use.
type Server struct {
	// URL is where it answers, such as "http://127.0.0.1:4242".
	URL string
	// Live makes it say that it is no test: livemode in every object.
	Live bool

	mu       sync.Mutex
	faults   Faults
	rnd      *rand.Rand
	serial   int
	now      func() time.Time
	keys     map[string]*reply
	intents  map[string]*Intent
	charges  map[string]*Charge
	refunds  map[string]*Refund
	disputes map[string]*Dispute
	people   map[string]*Customer
	cards    map[string]*Card
	setups   map[string]*Setup
	accounts map[string]*Account
	moves    map[string]*Balance
	others   map[string]map[string]any // transfers, payouts: as they were asked for
	events   []Event
	asked    map[string]int // requests by method and path with ids left out
	captures map[string]int // by intent

	hooks   chan Event
	sending Hooks
	work    sync.WaitGroup
	stop    chan struct{}
	http    *http.Server
}

// Start answers on a free port of this machine until Close. seed decides which requests meet faults.
func Start(seed uint64) (*Server, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("fakestripe: listen: %w", err)
	}
	s := &Server{
		URL: "http://" + ln.Addr().String(), rnd: rand.New(rand.NewPCG(seed, 7)), now: time.Now,
		keys: map[string]*reply{}, intents: map[string]*Intent{}, charges: map[string]*Charge{}, refunds: map[string]*Refund{},
		disputes: map[string]*Dispute{}, people: map[string]*Customer{}, cards: map[string]*Card{}, setups: map[string]*Setup{},
		accounts: map[string]*Account{}, moves: map[string]*Balance{}, others: map[string]map[string]any{},
		asked: map[string]int{}, captures: map[string]int{}, hooks: make(chan Event, 10_000), stop: make(chan struct{}),
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	s.work.Go(func() { _ = s.http.Serve(ln) }) // ends with Close
	s.work.Go(s.send)
	return s, nil
}

// Close ends the server and the sending of webhooks.
func (s *Server) Close() {
	close(s.stop)
	_ = s.http.Close()
	s.work.Wait()
}

// SetFaults changes what goes wrong from now on.
func (s *Server) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// SetHooks says where webhooks go from now on.
func (s *Server) SetHooks(h Hooks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sending = h
}

// Asked returns how often a request was made, such as "POST /v1/payment_intents/:id/capture", repetitions under one key included.
func (s *Server) Asked(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[what]
}

// failure is an error as Stripe words it.
type failure struct {
	status int
	Type   string  `json:"type"`
	Code   string  `json:"code,omitempty"`
	Why    string  `json:"decline_code,omitempty"`
	Msg    string  `json:"message"`
	Param  string  `json:"param,omitempty"`
	Charge string  `json:"charge,omitempty"`
	Intent *Intent `json:"payment_intent,omitempty"`
}

func (f *failure) Error() string { return f.Msg }

func invalid(code, param, format string, args ...any) *failure {
	return &failure{status: http.StatusBadRequest, Type: "invalid_request_error", Code: code, Param: param, Msg: fmt.Sprintf(format, args...)}
}

func missing(what, id string) *failure {
	f := invalid("resource_missing", "id", "No such %s: '%s'", what, id)
	f.status = http.StatusNotFound
	return f
}

// reply is what was answered under an idempotency key.
type reply struct {
	request string
	status  int
	body    []byte
}

// ServeHTTP answers a request of the API, or shows the pages that a customer's bank and Stripe itself would.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/v1/") {
		s.page(w, r)
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, Stripe-Version")
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err := r.ParseForm(); err != nil {
		answer(w, http.StatusBadRequest, []byte(`{"error":{"type":"invalid_request_error","message":"unreadable form"}}`))
		return
	}
	status, body, drop := s.handle(r)
	if drop {
		panic(http.ErrAbortHandler) // the effect stays, the answer is lost
	}
	w.Header().Set("Request-Id", "req_fake")
	answer(w, status, body)
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away hears nothing
}

// handle answers one request; drop says that the answer gets lost.
func (s *Server) handle(r *http.Request) (status int, body []byte, drop bool) {
	s.mu.Lock()
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
	s.asked[r.Method+" "+shape(parts)]++
	var f Faults
	if r.Method != http.MethodGet {
		f = s.faults
	}
	wait := time.Duration(0)
	if f.Delay > 0 {
		wait = time.Duration(s.rnd.Int64N(int64(f.Delay)))
	}
	dice := s.rnd.Float64()
	drop = s.rnd.Float64() < f.Drop
	switch {
	case dice < f.Fail:
		status, body = render(nil, &failure{status: http.StatusInternalServerError, Type: "api_error", Msg: "Something went wrong on Stripe's end."})
	case dice < f.Fail+f.Busy:
		status, body = render(nil, &failure{status: http.StatusTooManyRequests, Type: "invalid_request_error", Code: "rate_limit", Msg: "Too many requests."})
	default:
		status, body = s.once(r, parts)
	}
	s.mu.Unlock()
	if wait > 0 {
		time.Sleep(wait)
	}
	return status, body, drop
}

// shape returns a path with the ids in it left out.
func shape(parts []string) string {
	out := "/v1"
	for i, p := range parts {
		if i == 1 {
			p = ":id"
		}
		out += "/" + p
	}
	return out
}

// once answers a request, or with what its key was answered before.
func (s *Server) once(r *http.Request, parts []string) (int, []byte) {
	if bad := s.allowed(r, parts); bad != nil {
		return render(nil, bad)
	}
	form := r.Form
	key := r.Header.Get("Idempotency-Key")
	if key == "" || r.Method == http.MethodGet {
		return render(s.route(r.Method, parts, form))
	}
	request := r.Method + " " + r.URL.Path + "?" + form.Encode()
	if old := s.keys[key]; old != nil {
		if old.request != request {
			return render(nil, &failure{
				status: http.StatusBadRequest, Type: "idempotency_error",
				Msg: "Keys for idempotent requests can only be used with the same parameters they were first used with.",
			})
		}
		return old.status, old.body
	}
	status, body := render(s.route(r.Method, parts, form))
	if status != http.StatusNotFound && status != http.StatusUnauthorized {
		s.keys[key] = &reply{request, status, body}
	}
	return status, body
}

// allowed checks the key: the secret one for everything, the publishable one of a browser for what it has the secret of.
func (s *Server) allowed(r *http.Request, parts []string) *failure {
	key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if user, _, ok := r.BasicAuth(); ok {
		key = user
	}
	if key == "" {
		key = r.Form.Get("key")
	}
	switch {
	case key == SecretKey:
		return nil
	case key == PublishableKey && len(parts) > 1 && parts[0] == "payment_intents":
		if in := s.intents[parts[1]]; in != nil && in.ClientSecret == r.Form.Get("client_secret") {
			r.Form.Del("key")
			return nil
		}
	}
	return &failure{status: http.StatusUnauthorized, Type: "invalid_request_error", Msg: "Invalid API Key provided: " + key[:min(len(key), 7)] + "****"}
}

// render makes an answer of an object or of what was wrong.
func render(v any, bad *failure) (int, []byte) {
	status, out := http.StatusOK, v
	if bad != nil {
		status, out = bad.status, map[string]any{"error": bad}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return http.StatusInternalServerError, []byte(`{"error":{"type":"api_error","message":"encoding"}}`)
	}
	return status, b
}

// route calls what a request is for.
func (s *Server) route(method string, parts []string, f url.Values) (any, *failure) {
	ref, verb := "", ""
	if len(parts) > 1 {
		ref = parts[1]
	}
	if len(parts) > 2 {
		verb = parts[2]
	}
	switch parts[0] {
	case "payment_intents":
		return s.intentRoute(method, ref, verb, f)
	case "customers", "payment_methods", "setup_intents":
		return s.peopleRoute(method, parts[0], ref, verb, f)
	case "accounts", "account_links", "transfers", "payouts":
		return s.connectRoute(method, parts[0], ref, verb, f)
	case "refunds":
		return s.refundRoute(method, ref, f)
	case "charges":
		return found(s.charges, "charge", ref)
	case "balance_transactions":
		return found(s.moves, "balance_transaction", ref)
	case "disputes":
		return found(s.disputes, "dispute", ref)
	case "events":
		if ref == "" {
			return list("/v1/events", s.events), nil
		}
		for _, e := range s.events {
			if e.ID == ref {
				return e, nil
			}
		}
		return nil, missing("event", ref)
	}
	f404 := invalid("", "", "Unrecognized request URL (%s: /v1/%s).", method, strings.Join(parts, "/"))
	f404.status = http.StatusNotFound
	return nil, f404
}

// found returns what has an id.
func found[T any](all map[string]*T, what, id string) (any, *failure) {
	if v := all[id]; v != nil {
		return v, nil
	}
	return nil, missing(what, id)
}

// list is a page of a list, which is always all of it.
func list[T any](url string, data []T) map[string]any {
	if data == nil {
		data = []T{}
	}
	return map[string]any{"object": "list", "url": url, "has_more": false, "data": data}
}

// id returns a new id with a prefix.
func (s *Server) id(prefix string) string {
	s.serial++
	return fmt.Sprintf("%s_fake%010d", prefix, s.serial)
}

// metadata returns what is in a form's metadata[…].
func metadata(f url.Values) map[string]string {
	out := map[string]string{}
	for k, v := range f {
		if name, ok := strings.CutPrefix(k, "metadata["); ok {
			out[strings.TrimSuffix(name, "]")] = v[0]
		}
	}
	return out
}

// expands reports whether a form asks for something to be given whole.
func expands(f url.Values, what string) bool {
	for k, v := range f {
		if strings.HasPrefix(k, "expand[") && (v[0] == what || strings.HasPrefix(v[0], what+".")) {
			return true
		}
	}
	return false
}
