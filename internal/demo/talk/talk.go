// Package talk is what the people of the demo town have to say: posts, answers to them and what the author says to those, put together from
// sentences with gaps. What fills a gap stays the same for a whole conversation, so that an answer is about what was asked.
//
// It is pure: the same random source gives the same words.
package talk

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed topics.txt
var topics string

// Topic is something that people talk about.
type Topic struct {
	Name     string
	Lang     string
	Weight   int
	From, To int    // hours of the day at which it comes up
	Picture  string // what is drawn beside it: see draw.Scenes; empty: nothing
	Opens    []string
	Answers  []string // of others
	Returns  []string // of the author, to those
}

// Talk knows the topics and the words for gaps. Safe for concurrent use after New.
type Talk struct {
	Topics []Topic
	words  map[string][]string
}

// New returns the talk of a town; places are words for the gaps street, place, restaurant and so on.
func New(places map[string][]string) (*Talk, error) {
	t := &Talk{words: map[string][]string{}}
	for k, v := range places {
		t.words[k] = v
	}
	var topic *Topic
	for n, line := range strings.Split(topics, "\n") {
		line = strings.TrimSpace(line)
		bad := func(what string) error { return fmt.Errorf("talk: line %d: %s: %q", n+1, what, line) }
		if line == "" {
			continue
		}
		kind, rest := line[0], strings.TrimSpace(line[1:])
		switch kind {
		case '#':
		case '@':
			name, list, ok := strings.Cut(rest, ":")
			if !ok {
				return nil, bad("a list has a name and words")
			}
			for w := range strings.SplitSeq(list, ";") {
				t.words[name] = append(t.words[name], strings.TrimSpace(w))
			}
		case '[':
			f := strings.Fields(strings.TrimSuffix(rest, "]"))
			if len(f) < 5 {
				return nil, bad("a topic is a name, a language, a weight and two hours")
			}
			nums := [3]int{}
			for i := range nums {
				var err error
				if nums[i], err = strconv.Atoi(f[2+i]); err != nil {
					return nil, bad("not a number")
				}
			}
			t.Topics = append(t.Topics, Topic{Name: f[0], Lang: f[1], Weight: nums[0], From: nums[1], To: nums[2]})
			topic = &t.Topics[len(t.Topics)-1]
			if len(f) > 5 {
				topic.Picture = f[5]
			}
		case '=', '>', '<':
			if topic == nil {
				return nil, bad("no topic yet")
			}
			to := map[byte]*[]string{'=': &topic.Opens, '>': &topic.Answers, '<': &topic.Returns}[kind]
			*to = append(*to, rest)
		default:
			return nil, bad("neither a list, a topic nor a sentence")
		}
	}
	return t, nil
}

// Thread is a conversation.
type Thread struct {
	Topic *Topic
	Text  string // with which it begins
	gaps  map[string]string
	said  []string // sentences, before their gaps were filled
}

// Begin begins a conversation at an hour of the day in one of the languages. It returns nil where nothing comes up then.
func (t *Talk) Begin(r *rand.Rand, hour int, langs ...string) *Thread {
	sum := 0
	fits := func(p *Topic) bool {
		return slices.Contains(langs, p.Lang) && p.Weight > 0 && hour >= p.From && hour < p.To
	}
	for i := range t.Topics {
		if fits(&t.Topics[i]) {
			sum += t.Topics[i].Weight
		}
	}
	if sum == 0 {
		return nil
	}
	n := r.IntN(sum)
	for i := range t.Topics {
		p := &t.Topics[i]
		if !fits(p) {
			continue
		}
		if n -= p.Weight; n < 0 {
			return t.start(r, p, nil)
		}
	}
	return nil
}

// On begins a conversation on a topic, some of whose gaps are filled already. It returns nil for an unknown one.
func (t *Talk) On(r *rand.Rand, name, lang string, gaps map[string]string) *Thread {
	for i := range t.Topics {
		if p := &t.Topics[i]; p.Name == name && p.Lang == lang {
			return t.start(r, p, gaps)
		}
	}
	return nil
}

func (t *Talk) start(r *rand.Rand, p *Topic, gaps map[string]string) *Thread {
	th := &Thread{Topic: p, gaps: map[string]string{}}
	for k, v := range gaps {
		th.gaps[k] = v
	}
	th.Text, _ = t.say(r, th, p.Opens)
	return th
}

// Answer returns what somebody else says next, and false where all is said.
func (t *Talk) Answer(r *rand.Rand, th *Thread) (string, bool) { return t.say(r, th, th.Topic.Answers) }

// Return returns what the author says to an answer, and false where all is said.
func (t *Talk) Return(r *rand.Rand, th *Thread) (string, bool) { return t.say(r, th, th.Topic.Returns) }

// say says one of the sentences that was not said yet in the conversation.
func (t *Talk) say(r *rand.Rand, th *Thread, list []string) (string, bool) {
	var left []string
	for _, s := range list {
		if !slices.Contains(th.said, s) {
			left = append(left, s)
		}
	}
	if len(left) == 0 {
		return "", false
	}
	s := left[r.IntN(len(left))]
	th.said = append(th.said, s)
	return t.fill(r, th, s), true
}

// fill fills the gaps of a sentence: {cat} is a word of a list, the same for the whole conversation, {cat2} another; {a|b} is either.
func (t *Talk) fill(r *rand.Rand, th *Thread, s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "{")
		b.WriteString(before)
		if !ok {
			return strings.ReplaceAll(b.String(), `\n`, "\n")
		}
		gap, after, _ := strings.Cut(rest, "}")
		if choices := strings.Split(gap, "|"); len(choices) > 1 {
			b.WriteString(choices[r.IntN(len(choices))])
		} else {
			w := t.word(r, th, gap)
			if b.Len() == 0 || strings.HasSuffix(b.String(), ". ") || strings.HasSuffix(b.String(), "? ") || strings.HasSuffix(b.String(), "! ") {
				first, size := utf8.DecodeRuneInString(w)
				w = string(unicode.ToUpper(first)) + w[size:]
			}
			b.WriteString(w)
		}
		s = after
	}
}

func (t *Talk) word(r *rand.Rand, th *Thread, gap string) string {
	if w, ok := th.gaps[gap]; ok {
		return w
	}
	list := t.words[strings.TrimRight(gap, "23456789")]
	if len(list) == 0 {
		return "…"
	}
	taken := make([]string, 0, len(th.gaps))
	for _, w := range th.gaps {
		taken = append(taken, w)
	}
	w := list[r.IntN(len(list))]
	for range 10 {
		if !slices.Contains(taken, w) {
			break
		}
		w = list[r.IntN(len(list))]
	}
	th.gaps[gap] = w
	return w
}
