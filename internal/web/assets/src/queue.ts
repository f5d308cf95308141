// The courier's outbox: what a form with data-queue says is kept on the device first and sent then, in order, with the time at which it
// was true (at) and one Idempotency-Key for all attempts. A dead spot costs nothing but patience.
import { stamp } from './clock'
import { resync } from './live'
import { toast } from './toast'
import { policy } from './trusted'
import { say } from './say'

interface Entry {
  n?: number
  url: string
  fields: [string, FormDataEntryValue][]
  key: string
}

const store = new Promise<IDBDatabase>((resolve, reject) => {
  const r = indexedDB.open('stoa-queue', 1)
  r.onupgradeneeded = () => r.result.createObjectStore('out', { keyPath: 'n', autoIncrement: true })
  r.onsuccess = () => resolve(r.result)
  r.onerror = () => reject(r.error)
})

async function run<T>(mode: IDBTransactionMode, f: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await store
  return new Promise((resolve, reject) => {
    const tx = db.transaction('out', mode, { durability: 'strict' })
    const r = f(tx.objectStore('out'))
    tx.oncomplete = () => resolve(r.result)
    tx.onabort = tx.onerror = () => reject(tx.error)
  })
}
const all = () => run<Entry[]>('readonly', (s) => s.getAll())

async function count(): Promise<number> {
  const n = (await all()).length
  for (const e of document.querySelectorAll<HTMLElement>('[data-queue-count]')) {
    e.hidden = n === 0
    e.textContent = n === 1 ? '1 action waiting' : `${n} actions waiting`
  }
  return n
}

function body(e: Entry): BodyInit {
  if (e.fields.some(([, v]) => v instanceof File)) {
    const d = new FormData()
    for (const [k, v] of e.fields) d.append(k, v)
    return d
  }
  return new URLSearchParams(e.fields as [string, string][])
}

let last: Promise<void> = Promise.resolve()
let runs = 0

/** Sends what waits; resolves when that was tried. What is added while a run is under way belongs to the next. */
function flush(): Promise<void> {
  if (runs > 1) return last // one is under way and one is due: the latter takes everything
  runs++
  return (last = last.then(send).finally(() => runs--))
}

/** Sends what waits, oldest first, and stops at the first that finds no connection. */
async function send(): Promise<void> {
  let sent = 0
  try {
    for (const e of await all()) {
      const answer = await fetch(e.url, {
        method: 'POST',
        body: body(e),
        headers: { 'Idempotency-Key': e.key, 'HX-Request': 'true', Accept: 'application/problem+json, text/html' },
        signal: AbortSignal.timeout(20_000),
      })
      if (answer.status === 401 || answer.status === 408 || answer.status === 429 || answer.status >= 500) break
      await run('readwrite', (s) => s.delete(e.n!))
      sent++
      if (answer.status >= 400) toast((await words(answer)) ?? say('The server did not accept one of your actions.'))
    }
  } catch {
    // no connection: the next attempt is due in ten seconds
  }
  const left = await count()
  if (sent > 0 && left === 0) resync()
}

async function words(r: Response): Promise<string | undefined> {
  try {
    return ((await r.json()) as { detail?: string }).detail
  } catch {
    return undefined
  }
}

document.addEventListener(
  'submit',
  (ev) => {
    const f = ev.target as HTMLFormElement
    if (!f.matches('[data-queue]')) return
    ev.preventDefault()
    ev.stopImmediatePropagation()
    const button = ev.submitter as HTMLButtonElement | null
    const data = new FormData(f, button)
    data.set('at', stamp())
    const key = String(data.get('idempotency_key') ?? crypto.randomUUID())
    const url = button?.formAction && button.hasAttribute('formaction') ? button.formAction : f.action
    for (const b of f.querySelectorAll('button')) b.disabled = true
    button?.setAttribute('aria-busy', 'true')
    navigator.vibrate?.(30)
    void run('readwrite', (s) => s.add({ url, fields: [...data.entries()], key }))
      .then(count)
      .then(flush)
      .then(async () => {
        if ((await count()) === 0) return
        button?.removeAttribute('aria-busy')
        toast(say('Kept on this phone. It is sent as soon as there is a connection.'))
      })
  },
  true,
)

addEventListener('online', () => void flush())
setInterval(() => void flush(), 10_000)
void count().then(flush)

const sw = document.documentElement.dataset['sw']
if (sw && 'serviceWorker' in navigator) {
  // Without it a reload in a dead spot shows the browser's error page in place of the tasks.
  navigator.serviceWorker.register(policy.createScriptURL(sw), { scope: '/courier' }).catch(() => undefined)
}
