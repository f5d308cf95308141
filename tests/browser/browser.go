// Package browser drives a real Chromium for black-box tests: one process, and a separate profile (cookies, storage) for each person.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what a test waits for. It bounds a failure; a passing test never waits that long.
const patience = 15 * time.Second

// Browser is a running Chromium.
type Browser struct{ ctx context.Context }

// Anew are features of Chromium that make a tab which opens thousands of pages, one after the other, slow: those that keep the last page, or
// prepare a process for the next.
var Anew = []string{"BackForwardCache", "PaintHolding", "RenderDocument", "ProactivelySwapBrowsingInstance", "SpareRendererForSitePerProcess"}

// Open starts Chromium without some of its features, or skips the test where none is installed (and fails it under CI=true). It ends with
// the test.
func Open(t testing.TB, without ...string) *Browser {
	t.Helper()
	path := find()
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no Chromium is installed: tests/setup.sh installs it")
		}
		t.Skip("no Chromium is installed: this test did not run")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-features", strings.Join(append([]string{"Translate", "BlinkGenPropertyTrees"}, without...), ",")),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost")) // nothing but the server under test
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancelBrowser := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		cancelBrowser()
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return &Browser{ctx: ctx}
}

func find() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	return ""
}

// Person is a tab with a profile of its own.
type Person struct {
	Name string
	t    testing.TB
	base string
	ctx  context.Context

	mu     sync.Mutex
	faults []string
}

// Person opens a tab of width × height CSS pixels for somebody who uses the server at base. What the page's scripts throw, and every
// violation of its content security policy, fails the test at its end.
func (b *Browser) Person(t testing.TB, name, base string, width, height int64) *Person {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	p := &Person{Name: name, t: t, base: base, ctx: ctx}
	messages := chromedp.Console(ctx)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height)); err != nil {
		t.Fatalf("open a tab for %s: %v", name, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range messages {
			if err != nil {
				return
			}
			// A transition between two views ends early when the window changes: nothing is lost.
			if m.IsException() && strings.Contains(m.Text, "Transition was") {
				continue
			}
			if m.IsException() || (m.Source == "security" && strings.Contains(m.Text, "Content Security Policy")) {
				p.mu.Lock()
				p.faults = append(p.faults, m.String())
				p.mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() {
		if t.Failed() {
			p.dump()
		}
		cancel()
		<-done
		for _, f := range p.Faults() {
			t.Errorf("%s's page: %s", name, f)
		}
	})
	return p
}

// dump leaves a picture of the page where STOA_TEST_SHOTS says.
func (p *Person) dump() {
	if dir := os.Getenv("STOA_TEST_SHOTS"); dir != "" {
		p.Shot(filepath.Join(dir, "failed-"+p.Name+".png"))
	}
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText.slice(0, 3000)`))
	p.t.Logf("%s's page when the test failed (%v):\n%s", p.Name, err, text)
}

// Shot writes a picture of the window to a file.
func (p *Person) Shot(file string) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Logf("picture of %s's page: %v", p.Name, err)
		return
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		p.t.Log(err)
	}
}

func (p *Person) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %s: %v", p.Name, what, err)
	}
}

// Go opens a path of the server.
func (p *Person) Go(path string) {
	p.t.Helper()
	p.do("open "+path, chromedp.Navigate(p.base+path))
}

// Click presses the first visible element that a CSS selector finds, once it is there and can be pressed.
func (p *Person) Click(css string) {
	p.t.Helper()
	p.Await(fmt.Sprintf(`(() => { if (document.readyState !== "complete") return false; const e = [...document.querySelectorAll(%q)].find(e => e.checkVisibility({visibilityProperty: true}) && !e.disabled); if (!e) return false; e.scrollIntoView({block: "center"}); e.click(); return true })()`, css), "press "+css)
}

// ClickText presses the first visible button or link whose words contain text.
func (p *Person) ClickText(text string) {
	p.t.Helper()
	p.Await(fmt.Sprintf(`(() => { if (document.readyState !== "complete") return false; const e = [...document.querySelectorAll("button, a, summary, label, [role=button]")].find(e => e.checkVisibility({visibilityProperty: true}) && !e.disabled && e.innerText.includes(%q)); if (!e) return false; e.scrollIntoView({block: "center"}); e.click(); return true })()`, text), "press “"+text+"”")
}

// Fill types into a field in place of what it holds, as a person would: with input and change events.
func (p *Person) Fill(css, value string) {
	p.t.Helper()
	p.Await(fmt.Sprintf(`(() => { if (document.readyState !== "complete") return false; const e = [...document.querySelectorAll(%q)].find(e => e.checkVisibility({visibilityProperty: true})); if (!e) return false; e.focus(); e.value = %q; e.dispatchEvent(new Event("input", {bubbles: true})); e.dispatchEvent(new Event("change", {bubbles: true})); return true })()`, css, value), "fill "+css)
}

// See waits until the page shows text, without reloading it.
func (p *Person) See(text string) {
	p.t.Helper()
	p.Await(fmt.Sprintf(`document.body.innerText.toLowerCase().includes(%q)`, strings.ToLower(text)), "see “"+text+"”")
}

// SeeIn waits until an element shows text.
func (p *Person) SeeIn(css, text string) {
	p.t.Helper()
	p.Await(fmt.Sprintf(`[...document.querySelectorAll(%q)].some(e => e.checkVisibility({visibilityProperty: true}) && e.innerText.toLowerCase().includes(%q))`, css, strings.ToLower(text)), fmt.Sprintf("see “%s” in %s", text, css))
}

// Missing waits until the page no longer shows text.
func (p *Person) Missing(text string) {
	p.t.Helper()
	p.Await(fmt.Sprintf(`!document.body.innerText.toLowerCase().includes(%q)`, strings.ToLower(text)), "see no more “"+text+"”")
}

// Queueing waits until the page keeps what is sent from it on the device first (data-queue).
func (p *Person) Queueing() {
	p.t.Helper()
	p.await(`indexedDB.databases().then(l => l.some(d => d.name === "stoa-queue"))`, "see the queue", chromedp.EvalAwaitPromise)
}

// Await evaluates a JavaScript expression again and again until it is true. It survives navigations.
func (p *Person) Await(js, what string) {
	p.t.Helper()
	p.await(js, what)
}

func (p *Person) await(js, what string, opts ...chromedp.EvaluateOption) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	var last error
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](js, opts...))
		if err == nil && ok {
			return
		}
		if err != nil {
			last = err
		}
		select {
		case <-ctx.Done():
			p.t.Fatalf("%s could not %s (%v)", p.Name, what, last)
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// Eval evaluates a JavaScript expression that gives a string.
func (p *Person) Eval(js string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[string](js))
	if err != nil {
		p.t.Fatalf("%s: evaluate %s: %v", p.Name, js, err)
	}
	return s
}

// Path returns the path that the tab shows.
func (p *Person) Path() string {
	p.t.Helper()
	return p.Eval(`location.pathname`)
}

// MarkLoaded remembers this very document; NotReloaded fails the test if it was replaced by a navigation since.
func (p *Person) MarkLoaded() {
	p.t.Helper()
	p.Eval(`(window.__stoaMark = "kept")`)
}

// NotReloaded fails the test if the document is not the one that MarkLoaded saw.
func (p *Person) NotReloaded() {
	p.t.Helper()
	if got := p.Eval(`String(window.__stoaMark)`); got != "kept" {
		p.t.Errorf("%s's page was loaded anew", p.Name)
	}
}

// SignIn signs in with the page for it.
func (p *Person) SignIn(email, password string) {
	p.t.Helper()
	p.Go("/sign-in")
	p.Fill(`main input[name=login]`, email)
	p.Fill(`main input[name=password]`, password)
	p.Click(`main form button[type=submit]`)
	p.Await(`!location.pathname.startsWith("/sign-in")`, "sign in")
}
