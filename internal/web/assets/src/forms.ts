// Forms: no double submit, the idempotency key as a header, answers that are no fragment as a toast, and small comforts.
import { on, watch } from './dom'
import { toast } from './toast'
import { say } from './say'

interface Ctx {
  sourceElement: HTMLElement
  text?: string
  request: { headers: Record<string, string>; body?: FormData | null; form?: HTMLFormElement | null }
  response?: { status: number; headers: Headers }
}
const ctxOf = (e: Event) => (e as CustomEvent<{ ctx: Ctx }>).detail.ctx

const busy = new WeakMap<HTMLFormElement, { button: HTMLElement | null; timer: number }>()

function release(f: HTMLFormElement): void {
  const b = busy.get(f)
  if (!b) return
  window.clearTimeout(b.timer)
  b.button?.removeAttribute('aria-busy')
  busy.delete(f)
}

document.addEventListener(
  'submit',
  (e) => {
    const f = e.target as HTMLFormElement
    if (f.method !== 'post' && !f.matches('[hx-post],[hx-put],[hx-patch],[hx-delete]')) return
    if (f.matches('[data-queue], [data-pay]')) return // these disable their buttons themselves, and their forms are used again for the next step
    if (busy.has(f)) {
      e.preventDefault()
      e.stopImmediatePropagation()
      return
    }
    const button = e.submitter ?? f.querySelector<HTMLElement>('button:not([type="button"])')
    // After this task: a disabled or busy button must not keep its own name out of what is sent.
    setTimeout(() => busy.has(f) && button?.setAttribute('aria-busy', 'true'))
    busy.set(f, { button, timer: window.setTimeout(() => release(f), 15_000) })
  },
  true,
)
document.addEventListener('htmx:finally:request', (e) => {
  // Only what the form itself sent: a part of it that asks for something, such as a new total, may end earlier.
  const f = ctxOf(e).sourceElement
  if (f instanceof HTMLFormElement) release(f)
})
// What is changed in a form that is being sent would put its own request in the place of that one.
document.addEventListener(
  'change',
  (e) => {
    const f = (e.target as HTMLInputElement).form
    if (f && busy.has(f)) e.stopImmediatePropagation()
  },
  true,
)
// A page that comes back from the back/forward cache is as it was when it was left: busy.
addEventListener('pageshow', (e) => {
  if (e.persisted) for (const f of document.forms) release(f)
})

document.addEventListener('htmx:config:request', (e) => {
  const { request } = ctxOf(e)
  const key = request.body instanceof FormData ? request.body.get('idempotency_key') : null
  if (typeof key === 'string') request.headers['Idempotency-Key'] = key
})

document.addEventListener('htmx:after:request', (e) => {
  const { response, text = '' } = ctxOf(e)
  if (!response || response.status < 400) return
  if (response.status === 401) {
    location.href = '/sign-in?next=' + encodeURIComponent(location.pathname + location.search)
    e.preventDefault()
    return
  }
  const kind = response.headers.get('Content-Type') ?? ''
  const whole = /^\s*<!doctype/i.test(text)
  if (kind.startsWith('text/html') && !whole && response.status < 500) return // a fragment that says what is wrong
  e.preventDefault()
  let words = say('That did not work. Please try again in a moment.')
  if (kind.includes('json')) {
    try {
      const p = JSON.parse(text) as { detail?: string; title?: string }
      words = p.detail || p.title || words
    } catch {
      // not the JSON it said it was: keep the general words
    }
  }
  toast(words)
})
document.addEventListener('htmx:error', (e) => {
  const error = (e as CustomEvent<{ error?: unknown }>).detail.error
  if (error instanceof TypeError || error === 'timeout') toast(say('No answer from the server. Is there a connection?'))
})

on('change', '[data-autosubmit]', (f, e) => {
  if ((e.target as HTMLElement).closest('[data-no-autosubmit]')) return
  ;(f as HTMLFormElement).requestSubmit()
})

on('click', '[data-step]', (b) => {
  const input = b.closest('[data-stepper]')?.querySelector('input')
  if (!input) return
  const min = input.min === '' ? 0 : Number(input.min)
  const max = input.max === '' ? Infinity : Number(input.max)
  const next = Math.min(Math.max((Number(input.value) || 0) + Number(b.dataset['step']), min), max)
  if (String(next) === input.value) return
  input.value = String(next)
  input.dispatchEvent(new Event('input', { bubbles: true }))
  input.dispatchEvent(new Event('change', { bubbles: true }))
})

watch('[data-focus]', (e) => e.focus({ preventScroll: false }))

on('click', '[data-print]', () => print())
watch('[data-print-now]', () => void document.fonts.ready.then(() => print()))
on('click', '[data-copy]', (b) => {
  const text = b.dataset['copy'] ?? ''
  void navigator.clipboard.writeText(text.startsWith('/') ? new URL(text, location.href).href : text).then(
    () => toast(say('Copied')),
    () => toast(say('This browser does not let pages copy.')),
  )
})
watch('[data-share]', (b) => (b.hidden = !navigator.share))
on('click', '[data-share]', (b) => {
  // Closing the share sheet rejects; there is nothing to tell.
  navigator.share({ title: document.title, url: new URL(b.dataset['share'] || location.href, location.href).href }).catch(() => undefined)
})
