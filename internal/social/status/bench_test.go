package status

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// street is a town of 30 who follow each other and have posted.
func street(w *town, posts int) (people []access.Actor, ids []id.ID) {
	for i := range 30 {
		people = append(people, w.person(fmt.Sprintf("p%d", i)))
	}
	for _, a := range people {
		for _, b := range people {
			if a.ID != b.ID {
				w.follow(a, b)
			}
		}
	}
	for i := range posts {
		in := Draft{Text: fmt.Sprintf("Post %d: heute gibt es wieder *Dal* und Brot, kommt vorbei! @p%d #essen https://example.com/rezepte/%d", i, i%30, i)}
		if i%5 == 4 {
			in.ReplyTo = ids[i-1]
		}
		ids = append(ids, w.post(people[i%30], in))
		if i%3 == 0 {
			w.must(w.Mark(context.Background(), people[(i+1)%30], ids[i], social.Favourite, true))
		}
	}
	return people, ids
}

func BenchmarkJSON(b *testing.B) {
	w := onLite(b)
	people, ids := street(w, 100)
	page := ids[80:]
	rel, _ := w.Relations(b.Context(), people[0].ID)
	dst := make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		out, n, err := w.Append(b.Context(), dst[:0], rel, page, "home")
		if err != nil || n != 20 {
			b.Fatal(n, err)
		}
		b.SetBytes(int64(len(out)))
	}
}

// BenchmarkJSONCold is a page that nobody has seen since it was dropped from memory.
func BenchmarkJSONCold(b *testing.B) {
	w := onLite(b)
	people, ids := street(w, 100)
	page := ids[80:]
	rel, _ := w.Relations(b.Context(), people[0].ID)
	for b.Loop() {
		w.cache.drop(page...)
		if _, n, err := w.Append(b.Context(), nil, rel, page, "home"); err != nil || n != 20 {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkPost(b *testing.B) {
	for _, clients := range []int{1, 32} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			w := onLite(b)
			people, _ := street(w, 10)
			var n atomic.Int64
			b.SetParallelism(clients)
			began := time.Now()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					if _, err := w.Post(context.Background(), people[i%30], Draft{Text: fmt.Sprintf("Post %d: heute gibt es *Dal* und Brot! @p%d #essen", i, i%30)}); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(n.Load())/time.Since(began).Seconds(), "posts/s")
		})
	}
}

// BenchmarkRanges reads what twenty of every four hundred statuses say, as a page far below memory does for a reader who follows thousands:
// with all heads, and by what is worth reading.
func BenchmarkRanges(b *testing.B) {
	w := onLite(b)
	author := w.person("anna")
	w.must(w.DB.Write(b.Context(), func(tx *db.Tx) error {
		for i := range 5000 {
			r := row{Head: social.Head{
				ID: id.ID(i+1) << 22, Account: author.ID + id.ID(i*7%200), Visibility: social.Public, At: w.clock.Now(), Tags: []string{"essen"}, Lang: "de",
			}, content: "<p>Heute gibt es wieder Dal und Brot, kommt alle vorbei und bringt etwas mit!</p>", source: "Heute gibt es wieder Dal und Brot, kommt alle vorbei!"}
			if err := insert(b.Context(), tx, &r, 0); err != nil {
				return err
			}
		}
		return nil
	}))
	worth := func(h *social.Head) bool { return h.Account < author.ID+10 }
	for name, r := range map[string]social.Range{
		"all":   {Below: 4500 << 22, Limit: 420},
		"worth": {Below: 4500 << 22, Limit: 420, Worth: worth, Enough: 21},
	} {
		b.Run(name, func(b *testing.B) {
			var before, after syscall.Rusage
			w.must(syscall.Getrusage(syscall.RUSAGE_SELF, &before))
			for b.Loop() {
				got, err := w.Ranges(b.Context(), []social.Range{r})
				if err != nil || len(got[0].Heads) == 0 {
					b.Fatal(got, err)
				}
			}
			w.must(syscall.Getrusage(syscall.RUSAGE_SELF, &after))
			b.ReportMetric(float64(after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano())/1000/float64(b.N), "cpu-µs/op")
		})
	}
}
