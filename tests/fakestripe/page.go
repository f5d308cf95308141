package fakestripe

import (
	_ "embed"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
)

// script stands for Stripe.js: a form that is mounted in the page and pays by the numbers of Stripe's test cards.
//
//go:embed stripe.js
var script string

// page shows what a person sees of Stripe: the script of the pay page, the bank's question, a connected account's form.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case r.URL.Path == "/v3/":
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		cards := "{"
		for number, name := range numbers {
			cards += fmt.Sprintf("%q:%q,", number, name)
		}
		fmt.Fprint(w, strings.NewReplacer("FAKE_URL", s.URL, "FAKE_CARDS", cards+"}").Replace(script))
	case len(parts) == 2 && parts[0] == "3ds" && r.Method == http.MethodGet:
		in, ok := s.Intent(parts[1])
		if !ok {
			http.NotFound(w, r)
			return
		}
		ask(w, "Your bank", fmt.Sprintf("Pay %d %s?", in.Amount, html.EscapeString(in.Currency)), "/3ds/"+in.ID, "")
	case len(parts) == 2 && parts[0] == "3ds":
		in, ok := s.Intent(parts[1])
		yes := r.FormValue("answer") == "yes"
		if !ok || !s.Authenticate(in.ID, yes) {
			http.Error(w, "nothing is asked", http.StatusConflict)
			return
		}
		to, err := url.Parse(in.returnURL)
		if err != nil || in.returnURL == "" {
			fmt.Fprint(w, "Thank you.")
			return
		}
		q := to.Query()
		q.Set("payment_intent", in.ID)
		q.Set("payment_intent_client_secret", in.ClientSecret)
		q.Set("redirect_status", map[bool]string{true: "succeeded", false: "failed"}[yes])
		to.RawQuery = q.Encode()
		http.Redirect(w, r, to.String(), http.StatusSeeOther)
	case len(parts) == 2 && parts[0] == "onboard" && r.Method == http.MethodGet:
		ask(w, "Your account", "Are these your figures?", "/onboard/"+parts[1], r.URL.Query().Get("return_url"))
	case len(parts) == 2 && parts[0] == "onboard":
		if r.FormValue("answer") == "yes" {
			s.Onboard(parts[1])
		}
		http.Redirect(w, r, r.FormValue("to"), http.StatusSeeOther)
	default:
		http.NotFound(w, r)
	}
}

// ask shows a question with two answers.
func ask(w http.ResponseWriter, title, question, action, to string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><title>%s</title><p>%s</p><form method="post" action="%s"><input type="hidden" name="to" value="%s">`+
		`<button name="answer" value="yes">Confirm</button> <button name="answer" value="no">Refuse</button></form>`,
		title, question, html.EscapeString(action), html.EscapeString(to))
}
