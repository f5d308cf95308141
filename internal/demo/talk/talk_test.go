package talk

import (
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func places() map[string][]string {
	return map[string][]string{
		"street": {"Lindenallee", "Hafenstraße", "Kirchgasse", "Ringweg"}, "place": {"Stadtpark", "the station", "the market square"},
		"restaurant": {"Luigi", "Ganesha", "Zum Anker"}, "dish": {"Dal", "Pizza"}, "neighbour": {"Anna", "Bert"}, "number": {"4", "12"},
	}
}

// TestEverythingCanBeSaid goes through all topics to their end: each begins, can be answered, and leaves no gap open.
func TestEverythingCanBeSaid(t *testing.T) {
	k, err := New(places())
	if err != nil {
		t.Fatal(err)
	}
	if len(k.Topics) < 25 {
		t.Fatalf("%d topics", len(k.Topics))
	}
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")))
		p := rapid.SampledFrom(k.Topics).Draw(t, "topic")
		th := k.On(r, p.Name, p.Lang, map[string]string{"dish": "Soup"})
		if th == nil || th.Text == "" {
			t.Fatalf("nothing to say on %s", p.Name)
		}
		said := []string{th.Text}
		for _, say := range []func(*rand.Rand, *Thread) (string, bool){k.Answer, k.Return} {
			for n := 0; ; n++ {
				s, ok := say(r, th)
				if !ok {
					break
				}
				said = append(said, s)
				if n > 30 {
					t.Fatal("it never ends")
				}
			}
		}
		if p.Weight > 0 && len(said) < 4 {
			t.Errorf("only %q on %s", said, p.Name)
		}
		for _, s := range said {
			if strings.ContainsAny(s, "{}|") || s == "" || strings.Contains(s, "…") && s != "…" && !strings.Contains(s, "were… free") {
				t.Errorf("%q on %s has a gap", s, p.Name)
			}
		}
	})
}

func TestAnswersAreAboutTheSame(t *testing.T) {
	k, err := New(places())
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		th := k.On(r, "cat", "en", nil)
		for {
			s, ok := k.Return(r, th)
			if !ok {
				break
			}
			if cat := th.gaps["cat"]; strings.Contains(s, "greenhouse") && !strings.HasPrefix(s, cat) {
				t.Fatalf("%q is not about %s", s, cat)
			}
		}
	}
}

func TestTopicsKeepTheirHours(t *testing.T) {
	k, err := New(places())
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for hour := range 24 {
		for range 50 {
			th := k.Begin(r, hour, "en", "de")
			if th == nil {
				if hour >= 7 && hour < 22 {
					t.Fatalf("nothing to say at %d", hour)
				}
				continue
			}
			if hour < th.Topic.From || hour >= th.Topic.To || th.Topic.Weight == 0 {
				t.Fatalf("%s at %d", th.Topic.Name, hour)
			}
		}
	}
}
