// Keeps the courier's page readable in a dead spot: pages from the network when it answers within four seconds, else the last one seen.
// The compiler knows pages, not workers: this is the part of a worker's world that we use.
interface Waiting extends Event {
  waitUntil(p: Promise<unknown>): void
}
interface Fetching extends Event {
  request: Request
  respondWith(r: Promise<Response>): void
}
interface Worker {
  skipWaiting(): Promise<void>
  clients: { claim(): Promise<void> }
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

export {}
