package discover

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// forty is a town of the size that the figures are for.
func forty() street {
	var all street
	for i := range 40 {
		all = append(all, listing(i+1, fmt.Sprintf("Restaurant %d", i), func(l *delivery.Listing) {
			l.Card.Blurb = "Wood-fired pizza and what the market had this morning."
			l.Card.Photo, l.Card.Street, l.Card.City = "/media/0123456789abcdef.svg", "Lindenallee 12", "Stoa"
			l.MinIn, l.DistM, l.Open = 20+i%5*5, float64(i*97%40*100), i%7 != 0
		}))
	}
	return all
}

func benchService() *Service {
	return New(nil, id.NewSource(1), func() time.Time { return now }, forty(), cards, Options{})
}

// BenchmarkNear is 20 of 40 restaurants without HTTP and without computing the listings (restaurant has a benchmark for those).
func BenchmarkNear(b *testing.B) {
	s := benchService()
	buf := make([]byte, 0, 32<<10)
	b.ReportAllocs()
	for b.Loop() {
		r, err := s.find(b.Context(), Query{To: &doorstep, Limit: 20}, false)
		if err != nil {
			b.Fatal(err)
		}
		buf = appendReply(buf[:0], r)
	}
	b.SetBytes(int64(len(buf)))
}

// BenchmarkNearThroughRouter is the same through routing, input checks and output of the REST API.
func BenchmarkNearThroughRouter(b *testing.B) {
	rt := router(benchService())
	r := httptest.NewRequestWithContext(b.Context(), "GET", httpx.Prefix+"/restaurants?lat=52.5&lon=13.4", nil)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
