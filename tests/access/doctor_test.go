package access

import (
	"strings"
	"testing"
)

// TestDoctorSaysWhatTheServerDoes compares the words of stoa doctor access with the server's answers about one order.
func TestDoctorSaysWhatTheServerDoes(t *testing.T) {
	w := newTown(t)
	a := w.sides[0]
	w.orderOn(a)
	for _, c := range []struct {
		who, verb string
		token     string
		want      int
		says      []string
	}{
		{"customera", "order.prepare", a.customer.Token, 403, []string{"@customera may not", "No line of the policy file permits it.", "- Works at the restaurant"}},
		{"customerb", "order.prepare", w.sides[1].customer.Token, 404, []string{"@customerb may not", "There is no such thing here."}},
		{"boss", "order.prepare", w.admin.Token, 200, []string{"@boss may:", "permit (principal in The::\"admins\"", "+ Is an admin", "It would be refused if this were otherwise:"}},
	} {
		out := w.s.Admin(t, "doctor", "access", "--as", c.who, c.verb, "order:"+a.order.Code)
		for _, part := range c.says {
			if !strings.Contains(out, part) {
				t.Errorf("doctor access --as %s %s says\n%s\nwant %q in it", c.who, c.verb, out, part)
			}
		}
		if r := w.s.As(c.token).Do(t, "POST", "/orders/"+a.order.ID+"/prepare", nil); r.Status != c.want {
			t.Errorf("%s as %s = %d; want %d", c.verb, c.who, r.Status, c.want)
		}
	}
	if out := w.s.Admin(t, "doctor", "access", "--as", "customera", "--app", "--scopes", "read", "order.cancel", "order:"+a.order.ID); !strings.Contains(out, "that has the scope stoa:orders") {
		t.Errorf("an app without the scope is told\n%s", out)
	}
}
