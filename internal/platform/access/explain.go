package access

import "strings"

// Fact is something that policies ask about an actor, a thing or a token, by the name that policy.cedar gives it: `Its::"staff"`.
type Fact struct {
	Name  string
	Holds bool
}

// Explanation is why an actor may do something to a thing, or may not.
type Explanation struct {
	Verb    string
	Allowed bool
	Line    int      // of policy.cedar that decides; 0: none permits it
	Policy  string   // what stands there
	Facts   []Fact   // what the policies of this verb ask, in the file's order
	Change  [][]Fact // each would turn the decision, were these facts as given here; the shortest only
}

// Explain returns why Can decides as it does. It returns a plain error for a verb that stands in no policy.
func Explain(a Actor, verb string, t Thing) (Explanation, error) {
	l, err := about(verb)
	if err != nil {
		return Explanation{}, err
	}
	f := gather(a, t)
	d := l.decide(f)
	e := Explanation{Verb: verb, Allowed: d.allowed, Line: d.line}
	if d.line > 0 {
		e.Policy = policyAt(d.line)
	}
	var asked []fact
	for i, name := range l.names {
		bit := fact(1) << i
		if l.relevant&bit == 0 {
			continue
		}
		e.Facts = append(e.Facts, Fact{name.String(), f&bit != 0})
		if a.Scopes != nil || bit&tokens == 0 { // who has no token gains nothing by one
			asked = append(asked, bit)
		}
	}
	e.Change = l.turn(f, asked)
	return e, nil
}

// turn returns the changes of one fact that turn the decision, or else those of two.
func (l *verbPolicies) turn(f facts, asked []fact) (out [][]Fact) {
	was := l.decide(f).allowed
	for _, bit := range asked {
		if l.ask(f^bit).allowed != was {
			out = append(out, []Fact{l.flipped(f, bit)})
		}
	}
	if out != nil {
		return out
	}
	for i, one := range asked {
		for _, two := range asked[i+1:] {
			if l.ask(f^one^two).allowed != was {
				out = append(out, []Fact{l.flipped(f, one), l.flipped(f, two)})
			}
		}
	}
	return out
}

// flipped returns a fact as it is not.
func (l *verbPolicies) flipped(f facts, bit fact) Fact {
	for i, name := range l.names {
		if bit == 1<<i {
			return Fact{name.String(), f&bit == 0}
		}
	}
	return Fact{}
}

// policyAt returns the policy that begins at a line, on one line.
func policyAt(line int) string {
	rest := strings.Join(strings.Split(string(policyText), "\n")[line-1:], "\n")
	if end := strings.Index(rest, ";"); end >= 0 {
		rest = rest[:end+1]
	}
	return strings.Join(strings.Fields(rest), " ")
}

// ScopeOf returns the scope that a verb needs of a token, the first where several would do; "" for one that needs none, or that no app may do.
func ScopeOf(verb string) string {
	l, err := about(verb)
	if err != nil {
		return ""
	}
	for i, scope := range load().scopes {
		if l.relevant&(1<<(firstScope+i)) != 0 {
			return scope
		}
	}
	return ""
}
