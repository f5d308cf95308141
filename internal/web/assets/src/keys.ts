// Keyboard: any element with data-key="r" (or "g o", in turn) is pressed by it; "?" lists them all.
import { make } from './dom'
import { say } from './say'

const nameOf = (e: HTMLElement) => e.title || e.ariaLabel || e.textContent?.trim() || ''

function help(): void {
  if (document.querySelector('dialog[open]')) return
  const list = make('dl', 'keys')
  const seen = new Set<string>()
  // What acts on a post says its key as data-act until one is at the post.
  for (const e of document.querySelectorAll<HTMLElement>('[data-key], [data-act]')) {
    const key = e.dataset['key'] ?? e.dataset['act'] ?? ''
    if (seen.has(key) || !e.checkVisibility()) continue
    seen.add(key)
    list.append(make('dt', '', make('kbd', '', key)), make('dd', '', nameOf(e)))
  }
  list.append(make('dt', '', make('kbd', '', '?')), make('dd', '', say('This list')))
  const close = make('button', 'iconbutton', '✕')
  close.ariaLabel = say('Close')
  close.dataset['close'] = ''
  const d = make('dialog', 'dialog', make('div', 'dialog-head', make('h2', '', say('Keyboard')), close), make('div', 'dialog-body', list))
  d.setAttribute('data-modal', '')
  document.body.append(d)
}

let before = ''
let timer = 0
document.addEventListener('keydown', (ev) => {
  if (ev.ctrlKey || ev.metaKey || ev.altKey || ev.isComposing || ev.defaultPrevented) return
  const t = ev.target as HTMLElement
  if (t.matches?.('input, textarea, select, [contenteditable]')) {
    if (ev.key === 'Escape') t.blur()
    return
  }
  if (ev.key === '?') return help()
  const root: ParentNode = document.querySelector('dialog[open]') ?? document
  const find = (k: string) =>
    [...root.querySelectorAll<HTMLElement>(`[data-key="${CSS.escape(k)}"]`)].find((e) => e.checkVisibility() && !e.matches(':disabled'))
  const hit = (before && find(`${before} ${ev.key}`)) || find(ev.key)
  window.clearTimeout(timer)
  before = ev.key.length === 1 ? ev.key : ''
  timer = window.setTimeout(() => (before = ''), 900)
  if (!hit) return
  ev.preventDefault()
  before = ''
  if (hit.matches('input:not([type="checkbox"],[type="radio"]), textarea, select')) hit.focus()
  else hit.click()
})
