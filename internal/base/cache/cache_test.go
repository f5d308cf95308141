package cache_test

import (
	"testing"

	"github.com/stoa-town/stoa/internal/base/cache"
)

func TestWhatWasReadBeforeADropIsNotKept(t *testing.T) {
	c := cache.New[int, string](4)
	_, _, mark := c.Get(1)
	c.Drop(1)
	c.Put(1, "old", mark)
	if v, ok, _ := c.Get(1); ok {
		t.Fatalf("Get(1) = %q; want nothing", v)
	}
	_, _, mark = c.Get(1)
	c.Put(1, "new", mark)
	if v, ok, _ := c.Get(1); !ok || v != "new" {
		t.Fatalf("Get(1) = %q, %v; want new", v, ok)
	}
}

func TestTheCacheForgetsWhatIsNotUsed(t *testing.T) {
	c := cache.New[int, int](4)
	for i := range 100 {
		_, _, mark := c.Get(0)
		c.Put(i, i, mark)
	}
	if _, ok, _ := c.Get(0); !ok {
		t.Error("what is asked for again and again was forgotten")
	}
	kept := 0
	for i := range 100 {
		if _, ok, _ := c.Get(i); ok {
			kept++
		}
	}
	if kept > 8 {
		t.Errorf("%d values are kept; want at most 8", kept)
	}
}
