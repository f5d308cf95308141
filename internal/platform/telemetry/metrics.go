package telemetry

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// scrapeWithin bounds what is asked of the database for one scrape.
const scrapeWithin = 2 * time.Second

// Metrics holds every figure that Stoa reports, in a registry of its own. Safe for concurrent use.
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	routes    sync.Map // routeKey → route: finding a metric by its labels takes longer than all else that is done for a request
	batch     prometheus.Histogram
	commit    prometheus.Histogram
	slow      prometheus.Counter
	jobs      *prometheus.CounterVec
	jobTime   *prometheus.HistogramVec
}

type routeKey struct {
	pattern string
	class   int
}

type route struct {
	count prometheus.Counter
	took  prometheus.Observer
}

// NewMetrics returns Metrics with the Go runtime's and the process's own figures.
func NewMetrics() *Metrics {
	seconds := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stoa_http_requests_total",
			Help: "Requests answered, by route pattern and class of status (2xx).",
		}, []string{"route", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "stoa_http_request_seconds",
			Help: "Time until a request was answered, by route pattern.", Buckets: seconds,
		}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "stoa_http_requests_in_flight", Help: "Requests being answered, streams included."}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "stoa_db_batch_transactions",
			Help: "Write transactions that shared one commit.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256},
		}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "stoa_db_batch_seconds",
			Help: "Time from the start of a batch of writes until it was on disk.", Buckets: seconds,
		}),
		slow: prometheus.NewCounter(prometheus.CounterOpts{Name: "stoa_db_slow_writes_total", Help: "Write transactions that held the writer too long."}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stoa_jobs_total",
			Help: "Attempts at jobs on this node, by kind and outcome.",
		}, []string{"kind", "outcome"}),
		jobTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "stoa_job_seconds",
			Help: "Time an attempt at a job took, by kind.", Buckets: append(seconds[:len(seconds):len(seconds)], 30, 60),
		}, []string{"kind"}),
	}
	m.registry.MustRegister(m.requests, m.durations, m.inFlight, m.batch, m.commit, m.slow, m.jobs, m.jobTime,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// CertExpires has the figures say when the server's certificate ends, in seconds since 1970; 0 while it has none.
func (m *Metrics) CertExpires(at func() (time.Time, bool)) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "stoa_certificate_expires_timestamp_seconds", Help: "When the certificate ends that the server shows.",
	}, func() float64 {
		t, ok := at()
		if !ok {
			return 0
		}
		return float64(t.Unix())
	}))
}

// Handler serves the figures in Prometheus's text format. It belongs on the admin listener, never on the public one.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, Timeout: 10 * time.Second})
}

// Request counts an answered request. pattern is the route's pattern ("GET /order/{id}"), never the path, of which there are endlessly
// many; "" counts as "none".
func (m *Metrics) Request(pattern string, status int, took time.Duration) {
	if pattern == "" {
		pattern = "none"
	}
	key := routeKey{pattern, status / 100}
	v, ok := m.routes.Load(key)
	if !ok {
		class := strconv.Itoa(key.class) + "xx"
		v, _ = m.routes.LoadOrStore(key, route{m.requests.WithLabelValues(pattern, class), m.durations.WithLabelValues(pattern)})
	}
	r := v.(route)
	r.count.Inc()
	r.took.Observe(took.Seconds())
}

// Count is a middleware that counts the requests next answers. next must hand its *http.Request on to the mux as it is, or the mux's
// pattern does not come back; a server that makes a new request on the way calls Request itself.
func (m *Metrics) Count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		m.inFlight.Inc()
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			m.inFlight.Dec()
			if p := recover(); p != nil {
				m.Request(r.Pattern, http.StatusInternalServerError, time.Since(began))
				panic(p) // not ours to handle
			}
			m.Request(r.Pattern, s.status, time.Since(began))
		}()
		next.ServeHTTP(s, r)
	})
}

// statusWriter notes the status. Everything else, flushing included, goes through Unwrap.
type statusWriter struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (s *statusWriter) WriteHeader(status int) {
	if !s.wrote && status >= 200 { // 1xx are not the answer yet
		s.status, s.wrote = status, true
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusWriter) Write(b []byte) (int, error) {
	s.wrote = true
	return s.ResponseWriter.Write(b)
}

// Unwrap gives http.ResponseController the writer beneath.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// Batch counts a commit that took n write transactions to disk.
func (m *Metrics) Batch(n int, took time.Duration) {
	m.batch.Observe(float64(n))
	m.commit.Observe(took.Seconds())
}

// SlowWrite counts a write transaction that held the writer too long.
func (m *Metrics) SlowWrite() { m.slow.Inc() }

// Job counts an attempt at a job.
func (m *Metrics) Job(kind, outcome string, took time.Duration) {
	m.jobs.WithLabelValues(kind, outcome).Inc()
	m.jobTime.WithLabelValues(kind).Observe(took.Seconds())
}

// EventLag reports, at each scrape, how many events each subscriber has still to read. fn must heed ctx.
func (m *Metrics) EventLag(fn func(ctx context.Context) (map[string]float64, error)) {
	m.gauges("stoa_event_lag", "Events in the log that a subscriber has not read yet.", "subscriber", fn)
}

// Jobs reports, at each scrape, how many jobs are in each state, over all nodes. fn must heed ctx.
func (m *Metrics) Jobs(fn func(ctx context.Context) (map[string]float64, error)) {
	m.gauges("stoa_jobs", "Jobs by state, over all nodes.", "state", fn)
}

// Payments reports, at each scrape, how many card payments are unclear at their providers or were refused, and how many incidents are open,
// over all nodes. fn must heed ctx.
func (m *Metrics) Payments(fn func(ctx context.Context) (map[string]float64, error)) {
	m.gauges("stoa_payments", "Card payments that somebody should look at, by why: unclear, refused, incidents.", "state", fn)
}

// Streams reports, at each scrape, how many live streams are open on this node, by kind.
func (m *Metrics) Streams(fn func(ctx context.Context) (map[string]float64, error)) {
	m.gauges("stoa_streams", "Open live streams on this node, by kind.", "kind", fn)
}

func (m *Metrics) gauges(name, help, label string, fn func(ctx context.Context) (map[string]float64, error)) {
	m.registry.MustRegister(&gauges{desc: prometheus.NewDesc(name, help, []string{label}, nil), fn: fn})
}

// gauges asks for its values when it is scraped.
type gauges struct {
	desc *prometheus.Desc
	fn   func(ctx context.Context) (map[string]float64, error)
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) { ch <- g.desc }

// Collect implements prometheus.Collector. A failure leaves out this figure and no other.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, stop := context.WithTimeout(context.Background(), scrapeWithin)
	defer stop()
	values, err := g.fn(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(g.desc, err)
		return
	}
	for label, v := range values {
		ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, v, label)
	}
}
