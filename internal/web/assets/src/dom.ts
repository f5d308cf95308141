// Small help with elements that come and go.

type Seen = { selector: string; added: (e: HTMLElement) => void; marks: WeakSet<HTMLElement> }
const watched: Seen[] = []

const scan = (root: ParentNode, w: Seen) => {
  const all = [...root.querySelectorAll<HTMLElement>(w.selector)]
  if (root instanceof HTMLElement && root.matches(w.selector)) all.unshift(root)
  for (const e of all) {
    if (w.marks.has(e)) continue
    w.marks.add(e)
    w.added(e)
  }
}

/** Calls added once for every element that matches, now and whenever one comes. */
export function watch(selector: string, added: (e: HTMLElement) => void): void {
  const w = { selector, added, marks: new WeakSet<HTMLElement>() }
  watched.push(w)
  scan(document, w)
}

new MutationObserver((records) => {
  for (const r of records)
    for (const n of r.addedNodes) if (n instanceof HTMLElement && n.isConnected) for (const w of watched) scan(n, w)
}).observe(document.documentElement, { childList: true, subtree: true })

/** Listens on the document for an event on any element that matches, also in capture for events that do not bubble. */
export function on<K extends keyof DocumentEventMap>(type: K, selector: string, f: (e: HTMLElement, ev: DocumentEventMap[K]) => void): void {
  document.addEventListener(type, (ev) => {
    const e = ev.target instanceof Element ? ev.target.closest<HTMLElement>(selector) : null
    if (e) f(e, ev)
  })
}

/** Makes an element with a class and children. */
export function make(tag: string, cls: string, ...children: (Node | string)[]): HTMLElement {
  const e = document.createElement(tag)
  e.className = cls
  e.append(...children)
  return e
}
