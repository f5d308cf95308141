package browser

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// Measure has every page that comes add up how far it moves what is on it; see Findings.
func (p *Person) Measure() {
	p.t.Helper()
	p.Before(`window.__cls = 0; window.__moved = [];
const seen = list => { for (const e of list) if (!e.hadRecentInput) { window.__cls += e.value; for (const s of e.sources) if (s.node) window.__moved.push(s.node.id ? "#" + s.node.id : s.node.nodeName + "." + s.node.className) } };
window.__shifts = new PerformanceObserver(l => seen(l.getEntries())); window.__shifts.observe({type: "layout-shift", buffered: true}); window.__seen = seen;`)
}

// settled is true when everything that a page loads by itself is there and painted.
const settled = `(async () => {
	if (document.readyState !== "complete") return false;
	await document.fonts.ready;
	for (const i of document.images) if (i.loading !== "lazy" && i.checkVisibility({visibilityProperty: true}) && !i.complete) return false;
	if (document.querySelector(".htmx-request")) return false;
	for (const m of document.querySelectorAll("stoa-map")) if (m.checkVisibility({visibilityProperty: true}) && !m.querySelector(".leaflet-container")) return false;
	await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));
	return true;
})()`

// Settle waits until the page and what it loads is there and painted.
func (p *Person) Settle() {
	p.t.Helper()
	p.await(settled, "see the page settle", chromedp.EvalAwaitPromise)
}

// found is what is wrong with a page as its document tells it.
type found struct {
	Wider  []string `json:"wider"`
	Broken []string `json:"broken"`
	Shift  float64  `json:"shift"`
	Moved  []string `json:"moved"`
}

// Findings returns what is wrong with the page, in words: it scrolls sideways, a picture is missing, a control has no name, or it moved
// what was on it while it loaded (needs Measure).
func (p *Person) Findings() []string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(() => {
	const out = {wider: [], broken: [], shift: 0, moved: []};
	const name = e => e.nodeName.toLowerCase() + (e.id ? "#" + e.id : "") + (typeof e.className === "string" && e.className ? "." + e.className.trim().split(/\s+/).join(".") : "");
	const clipped = e => { for (let a = e.parentElement; a && a !== document.body; a = a.parentElement) if (getComputedStyle(a).overflowX !== "visible") return true; return false };
	if (document.documentElement.scrollWidth > innerWidth) {
		out.wider.push(document.documentElement.scrollWidth + " px wide in a window of " + innerWidth);
		for (const e of document.body.querySelectorAll("*")) if (e.checkVisibility({visibilityProperty: true}) && e.getBoundingClientRect().right > innerWidth + 0.5 && !clipped(e)) out.wider.push(name(e));
	}
	for (const i of document.images) if (i.checkVisibility({visibilityProperty: true}) && (i.complete ? i.naturalWidth === 0 : i.loading !== "lazy")) out.broken.push(i.src);
	if (window.__shifts) { window.__seen(window.__shifts.takeRecords()); out.shift = window.__cls; out.moved = window.__moved }
	return JSON.stringify(out);
})()`))
	var f found
	if err == nil {
		err = json.Unmarshal([]byte(text), &f)
	}
	if err != nil {
		p.t.Fatalf("%s: look at the page: %v", p.Name, err)
	}
	var out []string
	if len(f.Wider) > 0 {
		out = append(out, fmt.Sprintf("scrolls sideways: %v", f.Wider[:min(len(f.Wider), 6)]))
	}
	if len(f.Broken) > 0 {
		out = append(out, fmt.Sprintf("pictures are missing: %v", f.Broken))
	}
	if f.Shift > 0.05 {
		out = append(out, fmt.Sprintf("moved while it loaded: %.3f, %v", f.Shift, f.Moved[:min(len(f.Moved), 6)]))
	}
	return append(out, p.nameless(ctx)...)
}

// controls are the roles of what one presses or fills in.
var controls = []string{"button", "link", "textbox", "searchbox", "checkbox", "radio", "combobox", "listbox", "spinbutton", "slider", "switch", "tab", "menuitem"}

// nameless returns the controls that a screen reader can't name, as the browser's own accessibility tree has them.
func (p *Person) nameless(ctx context.Context) []string {
	p.t.Helper()
	tree, err := chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) (accessibility.GetFullAXTreeResult, error) {
		return cdp.Call(ctx, t, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	})
	if err != nil {
		p.t.Fatalf("%s: read the accessibility tree: %v", p.Name, err)
	}
	word := func(v *accessibility.Value) string {
		var s string
		if v != nil {
			_ = json.Unmarshal(v.Value, &s) // what is no text is no name
		}
		return s
	}
	n := map[string]int{}
	for _, node := range tree.Nodes {
		if role := word(node.Role); !node.Ignored && slices.Contains(controls, role) && word(node.Name) == "" {
			n[role]++
		}
	}
	var out []string
	for _, role := range controls {
		if n[role] > 0 {
			out = append(out, fmt.Sprintf("%d × %s without a name", n[role], role))
		}
	}
	return out
}

// ScriptBytes returns how many bytes of JavaScript the page has loaded, as they came over the wire.
func (p *Person) ScriptBytes() int {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	n, err := chromedp.Run(ctx, chromedp.Evaluate[int](`performance.getEntriesByType("resource").filter(e => new URL(e.name).pathname.endsWith(".js")).reduce((n, e) => n + e.encodedBodySize, 0)`))
	if err != nil {
		p.t.Fatalf("%s: measure the scripts: %v", p.Name, err)
	}
	return n
}

// Whole writes a picture of the whole page, as far as it scrolls, to a file.
func (p *Person) Whole(file string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(file, png, 0o600)
	}
	if err != nil {
		p.t.Errorf("picture of %s's page: %v", p.Name, err)
	}
}

// Faults returns what the page's scripts have thrown and what its content security policy has refused since it was last asked.
func (p *Person) Faults() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.faults
	p.faults = nil
	return out
}

// Fetch returns what the server answers at a path to this tab's person, as a script of the page gets it.
func (p *Person) Fetch(path string) []byte {
	p.t.Helper()
	p.await(fmt.Sprintf(`(async () => {
	const blob = await (await fetch(%q)).blob();
	window.__got = await new Promise(r => { const f = new FileReader(); f.onload = () => r(f.result.slice(f.result.indexOf(",") + 1)); f.readAsDataURL(blob) });
	return true;
})()`, path), "fetch "+path, chromedp.EvalAwaitPromise)
	b, err := base64.StdEncoding.DecodeString(p.Eval(`window.__got`))
	if err != nil {
		p.t.Fatalf("%s: what %s answers: %v", p.Name, path, err)
	}
	return b
}
