package app

import (
	"context"
	"errors"
	"testing"
)

func TestAPanicInTheBackgroundIsNotTheEnd(t *testing.T) {
	a := build(t)
	again := make(chan struct{})
	tries := 0
	a.Also("shaky", func(ctx context.Context) error {
		if tries++; tries == 1 {
			panic("boom")
		}
		close(again)
		<-ctx.Done()
		return nil
	})
	a.Start(t.Context())
	select {
	case <-again:
	case err := <-a.Lost():
		t.Fatalf("the server was to end: %v", err)
	case <-t.Context().Done():
		t.Fatal("it did not begin anew")
	}
	why := errors.New("no more")
	a.run(t.Context(), "failing", func(context.Context) error { return why })
	if err := <-a.Lost(); !errors.Is(err, why) {
		t.Errorf("work that fails: %v; want the server told", err)
	}
}
