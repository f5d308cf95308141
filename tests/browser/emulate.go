package browser

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// command is an action that sends one command of the DevTools protocol.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// Offline takes the tab's connection away, or gives it back.
func (p *Person) Offline(is bool) {
	p.t.Helper()
	var rules []*network.Conditions
	if is {
		rules = []*network.Conditions{{Offline: true, DownloadThroughput: -1, UploadThroughput: -1}}
	}
	p.do(fmt.Sprintf("be offline: %t", is), command(network.Enable, network.EnableParams{}),
		command(network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: rules, EmulateOfflineServiceWorker: &is}),
		command(network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: is, DownloadThroughput: -1, UploadThroughput: -1}))
}

// WithoutScript opens the pages that come as a browser does in which JavaScript is turned off.
func (p *Person) WithoutScript() {
	p.t.Helper()
	p.do("turn scripts off", command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
}

// Look sets what the system prefers: dark or light colours.
func (p *Person) Look(dark bool) {
	p.t.Helper()
	value := "light"
	if dark {
		value = "dark"
	}
	p.do("prefer "+value, command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	}))
}

// Size makes the window width × height CSS pixels.
func (p *Person) Size(width, height int64) {
	p.t.Helper()
	p.do("resize the window", chromedp.EmulateViewport(width, height))
}

// Before has every document that comes run a script before its own.
func (p *Person) Before(script string) {
	p.t.Helper()
	p.do("prepare documents", command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}))
}

// Key presses keys one after the other, as a keyboard does.
func (p *Person) Key(keys string) {
	p.t.Helper()
	p.do("press "+keys, chromedp.KeyEvent(keys))
}

// Tap presses the first visible element that a CSS selector finds with real mouse events, as often as times says and as fast as they go.
func (p *Person) Tap(css string, times int) {
	p.t.Helper()
	p.Await(fmt.Sprintf(`(() => { const e = [...document.querySelectorAll(%q)].find(e => e.checkVisibility({visibilityProperty: true}) && !e.disabled); if (!e) return false; e.scrollIntoView({block: "center", behavior: "instant"}); const r = e.getBoundingClientRect(); window.__tap = [r.x + r.width / 2, r.y + r.height / 2]; return e.contains(document.elementFromPoint(...window.__tap)) })()`, css), "reach "+css)
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	at, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](`window.__tap`))
	if err != nil || len(at) != 2 {
		p.t.Fatalf("%s: where is %s: %v", p.Name, css, err)
	}
	var taps []chromedp.Action[chromedp.Void]
	for range times {
		taps = append(taps, chromedp.MouseClickXY(at[0], at[1]))
	}
	p.do("tap "+css, taps...)
}
