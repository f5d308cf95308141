// Reading the social network: buttons that turn at once, counts that follow what others do, lists that read on by themselves, and keys.
import htmx from 'htmx.org'
import { make, on, watch } from './dom'
import { german, say } from './say'
import { toast } from './toast'
import type { LiveDetail } from './live'

interface Ctx {
  sourceElement: HTMLElement
  request: { action: string; body?: FormData | null }
  response?: { status: number }
}
const ctxOf = (e: Event) => (e as CustomEvent<{ ctx: Ctx }>).detail.ctx
const all = <E extends HTMLElement>(css: string, root: ParentNode = document) => [...root.querySelectorAll<E>(css)]

// ---- favourite, boost, bookmark: the button turns before the server has answered, and back where it refuses ----

const flip = (form: HTMLElement) => {
  const b = form.querySelector<HTMLElement>('[aria-pressed]')
  if (!b) return
  const is = b.ariaPressed !== 'true'
  b.ariaPressed = String(is)
  const n = b.querySelector<HTMLElement>('[data-count]')
  const text = n?.textContent ?? 'k'
  if (n && /^\d*$/.test(text)) n.textContent = String(Math.max(Number(text) + (is ? 1 : -1), 0) || '')
}
const turned = new WeakSet<HTMLElement>()
on('submit', '[data-toggle]', (f) => {
  turned.add(f)
  flip(f)
})
document.addEventListener('htmx:finally:request', (e) => {
  const { sourceElement: f, response } = ctxOf(e)
  if (!turned.delete(f)) return
  if (!response || response.status >= 400) flip(f)
})

// ---- what others do meanwhile ----

const show = (count: string, n: unknown) => {
  for (const e of all(`[data-count="${count}"]`)) {
    const v = Number(n)
    const exact = e.matches('strong')
    const text = exact ? v.toLocaleString(german ? 'de' : 'en') : v > 0 ? (v < 1000 ? String(v) : Math.floor(v / 100) / 10 + 'k') : ''
    if (e.textContent !== text) e.textContent = text
  }
}
document.addEventListener(
  'live',
  (e) => {
    const { event, data } = (e as CustomEvent<LiveDetail>).detail
    const id = String(data['status'] ?? '')
    if (event === 'status.counts') for (const k of ['replies', 'boosts', 'favourites']) show(`${k} ${id}`, data[k])
    else if (event === 'status.gone') for (const p of all(`.post[data-post="${id}"], .post[data-id="${id}"]`)) p.remove()
    else if (event === 'status.edited') {
      // Only what somebody looks at: the rest is read anew with its page.
      for (const p of all(`.post[data-post="${id}"]`)) {
        if (p.contains(document.activeElement) && document.activeElement?.matches('input, textarea')) continue
        const from = `/statuses/${p.dataset['id']}/card${p.matches('.post-full') ? '?full=1' : p.matches('.post-thread') ? '?thread=1' : ''}`
        void htmx.ajax('GET', from, { target: p, swap: 'outerMorph' })
      }
    } else if (event === 'me.unread') {
      for (const b of all('.bell-count')) {
        const n = Number(data['n'] ?? 0)
        b.textContent = n > 99 ? '99+' : String(n)
        b.hidden = n === 0
      }
    }
  },
  true, // the event does not bubble
)

// ---- a list reads on by itself, and keeps its place when one comes back to it ----

const feed = () => document.querySelector<HTMLElement>('[data-feed]')
const near = new IntersectionObserver(
  (seen) => {
    for (const s of seen) if (s.isIntersecting && s.target.isConnected) (s.target as HTMLElement).click()
  },
  { rootMargin: '1200px' },
)
watch('[data-more] a', (a) => near.observe(a))

// The address says what the list holds, so that coming back, or loading anew, shows the same and the browser finds its place in it.
document.addEventListener('htmx:after:swap', () => {
  const f = feed()
  if (!f || !f.hasAttribute('data-keep')) return
  const posts = f.querySelectorAll<HTMLElement>(':scope > [data-id]')
  const first = posts[0]?.dataset['id']
  const last = posts[posts.length - 1]?.dataset['id']
  if (!first || !last || posts.length <= Number(f.dataset['keep'])) return
  const url = new URL(location.href)
  url.searchParams.set('from', first)
  url.searchParams.set('to', last)
  history.replaceState(history.state, '', url)
})

// ---- "3 new posts" ----

document.addEventListener('htmx:config:request', (e) => {
  const { sourceElement, request } = ctxOf(e)
  if (!sourceElement.matches('[data-since]')) return
  const first = feed()?.querySelector<HTMLElement>(':scope > [data-id]:not([data-pinned])')?.dataset['id']
  if (first && request.body instanceof FormData) request.body.set('since', first)
})
on('click', '.news-pill', () => window.scrollTo({ top: 0, behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'instant' : 'smooth' }))

// ---- keys: j and k go from post to post, the letters of the buttons act on the one where one is ----

let at: HTMLElement | null = null
const name = () => {
  for (const b of at?.isConnected ? all('[data-act]', at) : []) b.setAttribute('data-key', b.dataset['act'] ?? '')
}
const enter = (p: HTMLElement | null) => {
  if (p === at) return
  for (const b of at ? all('[data-act]', at) : []) b.removeAttribute('data-key')
  at = p
  name()
}
document.addEventListener('htmx:after:swap', name) // the server's buttons know nothing of where one is
document.addEventListener('focusin', (e) => {
  const p = e.target instanceof Element ? e.target.closest<HTMLElement>('.post[data-id]') : null
  if (p) enter(p)
})
on('click', '[data-post-step]', (b) => {
  const posts = all('.post[data-id], .notice[data-id]').filter((p) => p.checkVisibility())
  if (!posts.length) return
  const step = Number(b.dataset['postStep'])
  let i = at?.isConnected ? posts.indexOf(at) + step : -1
  if (!at?.isConnected) {
    // From where one is reading.
    i = posts.findIndex((p) => p.getBoundingClientRect().bottom > 120)
    if (step < 0) i--
  }
  const to = posts[Math.min(Math.max(i, 0), posts.length - 1)]
  if (!to) return
  to.focus({ preventScroll: true })
  enter(to)
  to.scrollIntoView({ block: 'nearest' })
})
on('click', '[data-post-open]', () => at?.querySelector<HTMLElement>('.post-time, a.notice-link')?.click())
on('click', '[data-post-fold]', () => {
  const d = at?.querySelector<HTMLDetailsElement>('details.post-fold')
  if (d) d.open = !d.open
})

// ---- pictures ----

const crop = (i: HTMLElement) => {
  const [x = 0, y = 0] = (i.dataset['point'] ?? '').split(',').map(Number)
  i.style.objectPosition = `${((x + 1) / 2) * 100}% ${((1 - y) / 2) * 100}%`
}
watch('img[data-point]:not([data-point=""])', crop)

on('click', '[data-lightbox]', (a, e) => {
  if (e.ctrlKey || e.metaKey || e.shiftKey) return
  e.preventDefault()
  const links = all<HTMLAnchorElement>('[data-lightbox]', a.closest('[data-gallery]') ?? document)
  let i = links.indexOf(a as HTMLAnchorElement)
  const img = document.createElement('img')
  const words = make('p', 'lightbox-words')
  const count = make('span', 'num')
  const button = (cls: string, label: string, text: string, f: () => void) => {
    const b = make('button', cls, text)
    b.ariaLabel = label
    b.addEventListener('click', f)
    return b
  }
  const turn = (by: number) => {
    i = (i + by + links.length) % links.length
    const link = links[i]!
    const small = link.querySelector('img')
    img.src = link.href
    img.alt = small?.alt ?? ''
    words.textContent = img.alt
    words.hidden = !img.alt
    count.textContent = `${i + 1} / ${links.length}`
  }
  const d = make('dialog', 'lightbox') as HTMLDialogElement
  const bar = make('div', 'lightbox-bar', count, button('lightbox-button', say('Close'), '✕', () => d.close()))
  d.append(bar, img, words)
  if (links.length > 1) {
    d.append(button('lightbox-button lightbox-prev', say('Previous picture'), '‹', () => turn(-1)), button('lightbox-button lightbox-next', say('Next picture'), '›', () => turn(1)))
    d.addEventListener('keydown', (k) => {
      if (k.key === 'ArrowLeft') turn(-1)
      else if (k.key === 'ArrowRight') turn(1)
    })
    let from = 0
    d.addEventListener('pointerdown', (p) => (from = p.clientX))
    d.addEventListener('pointerup', (p) => Math.abs(p.clientX - from) > 60 && turn(p.clientX < from ? 1 : -1))
  }
  turn(0)
  d.addEventListener('click', (c) => c.target === d && d.close())
  d.addEventListener('close', () => d.remove())
  document.body.append(d)
  d.showModal()
})

// ---- films and sounds: what they are is said until they play ----

const playing = (e: Event) => {
  const figure = e.target instanceof HTMLMediaElement ? e.target.closest('.photo') : null
  figure?.toggleAttribute('data-playing', !(e.target as HTMLMediaElement).paused)
  figure?.toggleAttribute('data-played', true)
}
for (const what of ['play', 'pause', 'ended']) document.addEventListener(what, playing, true) // these do not bubble

// ---- a dish goes into the cart ----

document.addEventListener('htmx:finally:request', (e) => {
  const { sourceElement: f, response } = ctxOf(e)
  if (!f.matches('[data-order]') || !response || response.status >= 300) return
  const label = f.querySelector('button span')
  if (label) label.textContent = say('In your cart')
  f.querySelector('button')?.classList.add('eat-done')
  toast(say('In your cart'))
})
