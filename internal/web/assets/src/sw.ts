// Keeps the courier's page readable in a dead spot: pages from the network when it answers within four seconds, else the last one seen. And
// shows messages that come while no page is open.
// The compiler knows pages, not workers: this is the part of a worker's world that we use.
interface Waiting extends Event {
  waitUntil(p: Promise<unknown>): void
}
interface Fetching extends Event {
  request: Request
  respondWith(r: Promise<Response>): void
}
interface Pushed extends Waiting {
  data: { json(): unknown } | null
}
interface Clicked extends Waiting {
  notification: Notification
}
interface Page {
  url: string
  focus(): Promise<unknown>
}
interface Worker {
  skipWaiting(): Promise<void>
  clients: { claim(): Promise<void>; matchAll(o: { type: 'window'; includeUncontrolled: boolean }): Promise<Page[]>; openWindow(url: string): Promise<unknown> }
  registration: { showNotification(title: string, o: NotificationOptions): Promise<void> }
  addEventListener(type: 'push', f: (e: Pushed) => void): void
  addEventListener(type: 'notificationclick', f: (e: Clicked) => void): void
  addEventListener(type: 'install' | 'activate', f: (e: Waiting) => void): void
  addEventListener(type: 'fetch', f: (e: Fetching) => void): void
}
const worker = globalThis as unknown as Worker

const kept = 'courier'

worker.addEventListener('install', () => void worker.skipWaiting())
worker.addEventListener('activate', (e) => e.waitUntil(worker.clients.claim()))

async function page(r: Request): Promise<Response> {
  const cache = await caches.open(kept)
  try {
    const answer = await fetch(r, { signal: AbortSignal.timeout(4000) })
    // Signed out: nothing of the last one's tasks stays on the phone.
    if (answer.redirected || answer.status === 401) await caches.delete(kept)
    else if (answer.ok) await cache.put(r, answer.clone())
    return answer
  } catch {
    return (await cache.match(r)) ?? Response.error()
  }
}

async function asset(r: Request): Promise<Response> {
  const cache = await caches.open('assets')
  const old = await cache.match(r)
  if (old) return old
  const answer = await fetch(r)
  if (answer.ok) await cache.put(r, answer.clone())
  return answer
}

worker.addEventListener('fetch', (e) => {
  const url = new URL(e.request.url)
  if (e.request.method !== 'GET' || url.origin !== location.origin) return
  if (e.request.mode === 'navigate' && url.pathname.startsWith('/courier')) e.respondWith(page(e.request))
  else if (url.pathname.startsWith('/assets/')) e.respondWith(asset(e.request))
})

interface Message {
  title?: string
  body?: string
  icon?: string
  url?: string
  tag?: string
  preferred_locale?: string
}

worker.addEventListener('push', (e) => {
  let m: Message = {}
  try {
    m = (e.data?.json() ?? {}) as Message
  } catch {
    // Something must be shown all the same, or the browser shows words of its own.
  }
  const o: NotificationOptions = { body: m.body ?? '', data: m.url || '/notifications', lang: m.preferred_locale ?? '' }
  if (m.icon) o.icon = m.icon
  if (m.tag) o.tag = m.tag
  e.waitUntil(worker.registration.showNotification(m.title || 'Stoa', o))
})

worker.addEventListener('notificationclick', (e) => {
  e.notification.close()
  const to = new URL(String(e.notification.data ?? ''), location.origin)
  // Only ever to a page of this town, whatever the message says.
  const url = to.origin === location.origin ? to.href : location.origin + '/notifications'
  e.waitUntil(
    worker.clients.matchAll({ type: 'window', includeUncontrolled: true }).then((pages) => {
      const open = pages.find((p) => p.url === url)
      return open ? open.focus() : worker.clients.openWindow(url)
    }),
  )
})

export {}
