// Short messages in the corner, with undo. Fragments bring them along (ui.Toast, or data-toast="text" on any element).
import htmx from 'htmx.org'
import { make, watch } from './dom'

function show(t: HTMLElement): void {
  const box = document.getElementById('toasts')
  if (!box) return
  t.removeAttribute('data-toast')
  box.append(t)
  htmx.process(t)
  let timer = 0
  const start = () => (timer = window.setTimeout(() => t.remove(), 6000))
  const hold = () => window.clearTimeout(timer)
  t.addEventListener('pointerenter', hold)
  t.addEventListener('focusin', hold)
  t.addEventListener('pointerleave', start)
  t.addEventListener('focusout', start)
  // The request is on its way; the toast may go.
  t.addEventListener('htmx:after:request', () => t.remove())
  start()
}

/** Shows a message for six seconds. */
export const toast = (text: string): void => show(make('div', 'toast', make('span', '', text)))

watch('[data-toast]', (e) => {
  const text = e.dataset['toast']
  if (!text) show(e)
  else {
    e.removeAttribute('data-toast')
    toast(text)
  }
})
