package guard

import (
	"net/netip"
	"strings"
	"time"
)

// table is all that is kept out, as it is asked for every request. Nobody changes one.
type table struct {
	ips     map[netip.Prefix]*Block
	four    []int // the lengths of ranges that there are, the longest first
	six     []int
	mails   map[string]*Block
	address map[string]*Block
}

// tableOf makes the table of some blocks.
func tableOf(all []*Block) *table {
	t := &table{ips: map[netip.Prefix]*Block{}, mails: map[string]*Block{}, address: map[string]*Block{}}
	four, six := [33]bool{}, [129]bool{}
	for _, b := range all {
		switch b.Kind {
		case IP:
			p, err := netip.ParsePrefix(b.Value)
			if err != nil {
				continue // nothing that check let through
			}
			t.ips[p] = b
			if p.Addr().Is4() {
				four[p.Bits()] = true
			} else {
				six[p.Bits()] = true
			}
		case Mail:
			t.mails[b.Value] = b
		case Address:
			t.address[b.Value] = b
		}
	}
	for n := 128; n >= 0; n-- {
		if n <= 32 && four[n] {
			t.four = append(t.four, n)
		}
		if six[n] {
			t.six = append(t.six, n)
		}
	}
	return t
}

// ranks says which severity is stronger.
var ranks = map[string]int{NeedsApproval: 1, NoSignUp: 2, NoAccess: 3}

// ip returns the strongest severity that holds for an address at now, "" for none.
func (t *table) ip(a netip.Addr, now time.Time) string {
	a = a.Unmap().WithZone("")
	lengths := t.six
	if a.Is4() {
		lengths = t.four
	}
	worst := ""
	for _, n := range lengths {
		p, err := a.Prefix(n)
		if err != nil {
			continue
		}
		if b := t.ips[p]; b != nil && b.holds(now) && ranks[b.Severity] > ranks[worst] {
			worst = b.Severity
		}
	}
	return worst
}

// mail returns the block of the domain of an e-mail address, or of one that it is below; nil for none.
func (t *table) mail(address string) *Block {
	_, domain, _ := strings.Cut(strings.ToLower(address), "@")
	for domain != "" {
		if b := t.mails[domain]; b != nil {
			return b
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return nil
}
