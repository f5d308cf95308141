package social

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// toots is toot, the program for terminals, with a folder of its own for each person.
type toots struct {
	t    *testing.T
	path string
	home string
}

// newToots returns toot for one person, or skips the test where it is not installed; in CI that is a failure.
func newToots(t *testing.T) *toots {
	t.Helper()
	path, err := exec.LookPath("toot")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("toot is not installed: tests/setup.sh does that")
		}
		t.Skip("skipped: toot is not installed; tests/setup.sh does that")
	}
	return &toots{t: t, path: path, home: t.TempDir()}
}

func (o *toots) command(args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(o.t.Context(), time.Minute)
	o.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, o.path, args...)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+o.home, "HOME="+o.home, "PYTHONUNBUFFERED=1", "NO_COLOR=1", "BROWSER=true", "PYTHONIOENCODING=utf-8")
	return cmd
}

// run runs a command and returns what it prints.
func (o *toots) run(args ...string) string {
	o.t.Helper()
	out, err := o.command(args...).CombinedOutput()
	if err != nil {
		o.t.Fatalf("toot %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// see runs a command and fails the test unless it prints all of the texts.
func (o *toots) see(args []string, texts ...string) string {
	o.t.Helper()
	out := o.run(args...)
	for _, want := range texts {
		if !strings.Contains(out, want) {
			o.t.Errorf("toot %s does not show %q:\n%s", strings.Join(args, " "), want, out)
		}
	}
	return out
}

var loginURL = regexp.MustCompile(`https?://\S+/oauth/authorize/?\?\S+`)

// signIn has somebody sign in as toot asks for it: it prints an address, which they open, and they type the code that the page shows.
func (o *toots) signIn(w *town, name string) {
	o.t.Helper()
	cmd := o.command("login", "--disable-https", "--instance", strings.TrimPrefix(w.URL, "http://"))
	in, err := cmd.StdinPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	lines, address := bufio.NewScanner(out), ""
	for address == "" && lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		address = loginURL.FindString(lines.Text())
	}
	if address == "" {
		o.t.Fatalf("toot shows no address:\n%s", said.String())
	}
	if _, err := io.WriteString(in, "n\n"+w.consent(o.t, name, address)+"\n"); err != nil {
		o.t.Fatal(err)
	}
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
	}
	if err := cmd.Wait(); err != nil {
		o.t.Fatalf("toot login: %v\n%s", err, said.String())
	}
}

var statusURL = regexp.MustCompile(`/@[a-z0-9_]+/([0-9]+)`)

// TestTootDoesAllThatPeopleDo has two people sit at terminals.
func TestTootDoesAllThatPeopleDo(t *testing.T) {
	onBoth(t, tootDoesAllThatPeopleDo, "--set", "town.name=Arkadia", "--set", "signup.rules=Be kind.")
}

func tootDoesAllThatPeopleDo(t *testing.T, w *town) {
	anna, ben := newToots(t), newToots(t)
	w.account(t, "anna")
	w.account(t, "ben")
	anna.signIn(w, "anna")
	ben.signIn(w, "ben")
	anna.see([]string{"whoami"}, "@anna")
	anna.see([]string{"instance", "--disable-https"}, "Arkadia", "Be kind.", "running Mastodon 4.5.0 (compatible; Stoa")
	ben.see([]string{"follow", "anna"}, "You are now following anna")
	ben.see([]string{"following", "ben"}, "@anna")
	anna.see([]string{"followers", "anna"}, "@ben")

	file := filepath.Join(t.TempDir(), "sunset.png")
	if err := os.WriteFile(file, picture(t, 300, 200), 0o600); err != nil {
		t.Fatal(err)
	}
	anna.see([]string{"upload", file}, "Successfully uploaded media", w.URL)
	posted := anna.run("post", "Sunset over the #market", "--media", file, "--description", "A red sky", "--language", "en")
	m := statusURL.FindStringSubmatch(posted)
	if m == nil {
		t.Fatalf("no address of the post in %q", posted)
	}
	post := m[1]
	ben.see([]string{"timeline", "--once"}, "Sunset over the #market", w.URL+"/media/")
	var seen status
	w.send(t, ben.token(t), "GET", "/api/v1/statuses/"+post, "", "").read(t, 200, "the post", &seen)
	if len(seen.Media) != 1 || seen.Media[0].Text == nil || *seen.Media[0].Text != "A red sky" {
		t.Errorf("the picture is described as %+v", seen.Media)
	}
	ben.see([]string{"timeline", "--once", "--public", "--local"}, "Sunset")
	ben.see([]string{"timeline", "--once", "--tag", "market"}, "Sunset")
	m = statusURL.FindStringSubmatch(ben.run("post", "@anna lovely", "--reply-to", post, "--visibility", "unlisted"))
	if m == nil {
		t.Fatal("no address of the answer")
	}
	ben.see([]string{"thread", post}, "Sunset", "lovely")
	for _, c := range [][2]string{
		{"favourite", "favourited"}, {"bookmark", "bookmarked"}, {"reblog", "reblogged"},
	} {
		ben.see([]string{c[0], post}, c[1])
	}
	ben.see([]string{"bookmarks", "--once"}, "Sunset")
	anna.see([]string{"reblogged_by", post}, "@ben")
	anna.see([]string{"pin", post}, "pinned")
	await(t, "anna is notified", func() bool {
		out := anna.run("notifications")
		return strings.Contains(out, "favourited your status") && strings.Contains(out, "reblogged your status") && strings.Contains(out, "now follows you") && strings.Contains(out, "lovely")
	})
	for _, verb := range []string{"unfavourite", "unbookmark", "unreblog"} {
		ben.run(verb, post)
	}
	anna.run("unpin", post)

	ben.see([]string{"search", "anna"}, "@anna")
	ben.see([]string{"search", "#market"}, "market")
	ben.see([]string{"whois", "anna"}, "@anna")
	ben.see([]string{"tags_follow", "market"}, "You are now following #market")
	ben.see([]string{"tags_followed"}, "#market", w.URL)
	ben.run("tags_unfollow", "market")
	anna.see([]string{"post", "Later", "--scheduled-in", "1 hour"}, "scheduled")

	// The list is made by hand: this version of toot only reads them.
	var made struct {
		ID string `json:"id"`
	}
	token := ben.token(t)
	w.send(t, token, "POST", "/api/v1/lists", formKind, "title=Neighbours").read(t, 200, "list", &made)
	var who struct {
		ID string `json:"id"`
	}
	w.send(t, token, "GET", "/api/v1/accounts/lookup?acct=anna", "", "").read(t, 200, "lookup", &who)
	w.send(t, token, "POST", "/api/v1/lists/"+made.ID+"/accounts", formKind, url.Values{"account_ids[]": {who.ID}}.Encode()).read(t, 200, "add", nil)
	ben.see([]string{"timeline", "--once", "--list", made.ID}, "Sunset")

	ben.see([]string{"mute", "anna"}, "You have muted anna")
	ben.run("unmute", "anna")
	ben.see([]string{"block", "anna"}, "You are now blocking anna")
	ben.run("unblock", "anna")
	ben.see([]string{"unfollow", "anna"}, "You are no longer following anna")
	anna.see([]string{"delete", post}, "Status deleted")
	if out, err := ben.command("thread", post).CombinedOutput(); err == nil && strings.Contains(string(out), "Sunset") {
		t.Errorf("a deleted post is shown:\n%s", out)
	}
	anna.see([]string{"notifications", "--clear"}, "Cleared notifications")
	anna.see([]string{"logout", "anna@" + strings.TrimPrefix(w.URL, "http://")}, "logged out")
}

// token returns the token that toot keeps.
func (o *toots) token(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(o.home, "toot", "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		Users map[string]struct {
			Token string `json:"access_token"`
		} `json:"users"`
	}
	if err := json.Unmarshal(b, &kept); err != nil {
		t.Fatal(err)
	}
	for _, u := range kept.Users {
		return u.Token
	}
	t.Fatalf("toot keeps no token: %s", b)
	return ""
}
