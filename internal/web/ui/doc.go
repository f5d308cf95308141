// Package ui is the frame and the component set that every page of Stoa is built from. It knows how things look and are laid out;
// it knows neither food nor friends, reads no database and holds no rule. The look itself is CSS in internal/web/assets.
//
// # A page
//
// A handler renders a templ component; the composition root has put a Chrome (town, viewer, language, clock) into the context.
//
//	templ ordersPage(list []Row) {
//		@ui.Page(ui.PageProps{Title: "Your orders", Active: "/orders"}) {
//			@ui.Heading(ui.HeadingProps{Title: "Your orders", Lead: "Newest first."})
//			if len(list) == 0 {
//				@ui.EmptyState(ui.StateProps{Icon: "soup", Title: "Nothing here yet", Text: "Dinner is two taps away.", ActionLabel: "Find food", ActionHref: "/"})
//			}
//			…
//		}
//	}
//
// Layouts: LayoutReading (default; masthead, tab bar on phones, footer), LayoutBoard (full height, slim bar, for kitchen and dispatcher),
// LayoutPhone (one column, large targets, for the courier). Set Map: true on a page that shows a MapBox.
//
// # Rules that the content security policy enforces
//
// No style="…" attribute, no on…="…" handler, no hx-on, no [filter] in hx-trigger, no <script> without the nonce. Use a class, a data
// attribute that an island reads, or ask for a component. Scripts inside swapped fragments never run. Icon names: see icons.txt in assets.
//
// # A fragment
//
// A fragment is any component rendered without Page. htmx 4 is loaded on every page. What differs from htmx 2: attributes are not
// inherited unless written hx-target:inherited; responses of 4xx are swapped like others, so answer 422 with the form again; use
// hx-swap="outerMorph" to replace a region in place without losing focus, scroll or open details. A request from htmx carries the header
// HX-Request: true (see IsFragment). A response of 5xx, or a problem document, is not swapped but shown as a toast.
//
// A fragment may change other places of the page as well: CartUpdate(n) sets the number on the cart, and
// Partial("#toasts", "beforeend") { Toast(…) } shows a toast even where nothing else is swapped (hx-swap="none").
//
// A dish sheet, an address picker and their like are pages of their own that htmx opens as a dialog:
//
//	<a href="/d/12" hx-get="/d/12" hx-target="#sheet">…</a>   and once on the page   <div id="sheet"></div>
//
// The handler answers a fragment request with Dialog{Auto: true}, others with a whole Page of the same content. Answering the form in
// the dialog with an empty fragment (and a Partial or two) closes it when its hx-target is #sheet and its hx-swap "innerHTML swapEmpty:true".
// Answering it with the dialog again needs another ID each time, or the form alone as target.
//
// # A live region
//
//	<section id="order" data-live={ "order:" + id } hx-get={ "/orders/" + id + "/live" } hx-trigger="live" hx-swap="outerMorph">…</section>
//
// The tab opens one event stream (/live?topic=…&topic=…) for the space-separated topics of all [data-live] elements. Each message is
// {event name, id, data JSON with "topic"}. Every element that lists the topic gets a DOM event "live" (detail {event, data}; it does not
// bubble, so nested regions refresh alone); data-live-on="order.ready order.delayed" keeps only those names. The stream's event "resync"
// reaches all elements. data-live-src on a region names another stream than /live (a guest's); data-live-again has a region fetch itself once its stream is open, where nothing is kept of what was sent before. <html data-stream> is "on" or "off". The answer to hx-get must contain the region itself, with the same id and attributes. Bursts are merged.
//
// # A form
//
//	<form method="post" action="/addresses" hx-post="/addresses" hx-swap="outerMorph">
//		@ui.Once()
//		@ui.FormErrors(err)
//		@ui.Field(ui.FieldProps{Name: "street", Label: "Street and number", Value: in.Street, Autocomplete: "street-address", Required: true, Err: err})
//		@ui.Button(ui.ButtonProps{Label: "Save address", Kind: ui.Primary})
//	</form>
//
// Err is the error that the service returned (nil the first time): a Field shows the message of the errs.Field whose Path is its Name (or
// its Path, where that differs), and FormErrors lists all of them as links to the fields. Once adds a hidden idempotency_key; requests by
// htmx send it as the header Idempotency-Key too. Double submits are swallowed in the browser.
//
// # Islands, switched on by data attributes
//
//	data-rel                                        on <time datetime>: relative words kept up to date (Ago, In, Countdown write it)
//	data-alarm="order:12"                           as long as such an element exists the kitchen alarm repeats; needs one tap to arm
//	data-chime                                      rings once when such an element comes
//	data-alarm-host                                 on the kitchen page's root: asks for that tap before the first order comes
//	data-queue                                      on a form: stored on the device and sent later with its true time ("at") when offline
//	data-geoloc                                     posts the position of a courier on duty to /api/stoa/v1/courier/position
//	data-dialog="id"                                on a link: opens <dialog id> in place of following the link (Dialog)
//	data-autosubmit                                 on a form: sent when one of its inputs changes (filters, selects)
//	data-key="r"                                    presses the element with a key; "g o" are two keys in turn; listed by "?" with its title
//	data-copy="text" · data-print · data-share      copy, print, share buttons; a text that begins with / is copied as a whole address
//	data-print-now                                  prints the page as soon as it is there
//	data-toast="Saved"                              on any element that appears in a swap: shown as a toast and removed
//
// # Layout classes for page authors
//
//	stack, stack-s, stack-l      children below each other with a gap of 16, 8, 32 px
//	row, row-between             children in a line, centred, wrapping; the second pushes them apart
//	grid                         cards of at least 16 rem side by side
//	split                        main column and a sticky side column (cart, totals) on wide screens
//	columns > column             board columns that scroll on their own; column-head inside
//	ticket                       a kitchen ticket: ticket-head, lines, ticket-foot
//	lines > li                   order lines: qty, name, price; sub for options
//	sums (a dl)                  totals: div > dt + dd; class total on the last
//	dish                         a menu row: text and picture; price below
//	kicker, lead, muted, small   text; num for tabular figures; clamp-2 for two lines at most
//	actionbar                    sticky bar at the bottom of a phone with the one primary action
//	only-phone, only-wide, vh    shown on small or wide screens only; for screen readers only
package ui
