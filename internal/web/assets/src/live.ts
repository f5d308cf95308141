// One event stream for the tab. Elements say what they follow with data-live; see the package comment of internal/web/ui.
//
// The stream is read with fetch and not with EventSource: that one needs every event name in advance, and cannot send Last-Event-ID when
// it is opened anew for another set of topics.
export interface LiveDetail {
  event: string
  data: { topic?: string } & Record<string, unknown>
}

const strip = () => document.getElementById('offline')
const wanted = () => {
  const set = new Set<string>()
  for (const e of document.querySelectorAll<HTMLElement>('[data-live]')) for (const t of e.dataset['live']!.split(/\s+/)) if (t) set.add(t)
  return [...set].sort()
}

const state = (s: string) => (document.documentElement.dataset['stream'] = s)

let open = '' // topics of the present stream
let last = document.documentElement.dataset['liveId'] ?? ''
let stop: AbortController | undefined
let wait = 500
let retry: number | undefined
let warn: number | undefined

function tell(event: string, text: string): void {
  let data: LiveDetail['data'] = {}
  try {
    data = JSON.parse(text || '{}')
  } catch {
    return
  }
  const all = event === 'resync' ? '[data-live]' : `[data-live~="${CSS.escape(data.topic ?? '')}"]`
  for (const e of document.querySelectorAll<HTMLElement>(all)) {
    const only = e.dataset['liveOn']
    if (only && event !== 'resync' && !only.split(/\s+/).includes(event)) continue
    e.dispatchEvent(new CustomEvent<LiveDetail>('live', { detail: { event, data } }))
  }
}

/** Asks every live region to fetch itself again. */
export const resync = (): void => tell('resync', '{}')

function line(text: string, m: { event: string; data: string[]; id: string | undefined }): void {
  if (text === '') {
    if (m.id !== undefined) last = m.id
    if (m.data.length) tell(m.event || 'message', m.data.join('\n'))
    m.event = ''
    m.data = []
    m.id = undefined
    return
  }
  const colon = text.indexOf(':')
  const field = colon < 0 ? text : text.slice(0, colon)
  const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '')
  if (field === 'event') m.event = value
  else if (field === 'data') m.data.push(value)
  else if (field === 'id') m.id = value
}

async function read(topics: string[], signal: AbortSignal): Promise<void> {
  const source = document.querySelector<HTMLElement>('[data-live-src]')?.dataset['liveSrc'] ?? '/live'
  const url = source + '?' + topics.map((t) => 'topic=' + encodeURIComponent(t)).join('&')
  const headers: Record<string, string> = { Accept: 'text/event-stream' }
  if (last) headers['Last-Event-ID'] = last
  const answer = await fetch(url, { headers, signal, cache: 'no-store' })
  if (!answer.ok || !answer.body) throw Object.assign(new Error('live'), { status: answer.status })
  wait = 500
  window.clearTimeout(warn)
  warn = undefined
  state('on')
  // What was sent between a page and its stream is lost where nothing is kept of it.
  for (const e of document.querySelectorAll('[data-live-again]')) e.dispatchEvent(new CustomEvent('live'))
  const s = strip()
  if (s) s.hidden = true
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  const message = { event: '', data: [] as string[], id: undefined as string | undefined }
  let rest = ''
  // The server says something at least every half minute; a silent line is a dead one, which nobody else would notice.
  let silent = 0
  const alive = () => {
    window.clearTimeout(silent)
    silent = window.setTimeout(() => void reader.cancel(), 70_000)
  }
  alive()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      alive()
      const lines = (rest + value).split('\n')
      rest = lines.pop() ?? ''
      for (const l of lines) line(l.replace(/\r$/, ''), message)
    }
  } finally {
    window.clearTimeout(silent)
  }
}

async function connect(topics: string[]): Promise<void> {
  stop?.abort()
  window.clearTimeout(retry)
  open = topics.join(' ')
  if (!open) return
  const mine = (stop = new AbortController())
  try {
    await read(topics, mine.signal)
  } catch (err) {
    const status = (err as { status?: number }).status
    // Refused for good: not signed in any more, or not ours to see.
    if (status && status >= 400 && status < 500 && status !== 429 && status !== 408) return
  }
  if (mine.signal.aborted) return
  state('off')
  warn ??= window.setTimeout(() => {
    const s = strip()
    if (s) s.hidden = false
  }, 5000)
  retry = window.setTimeout(() => void connect(wanted()), wait * (0.75 + Math.random() / 2))
  wait = Math.min(wait * 2, 10_000)
}

const follow = () => {
  const topics = wanted()
  if (topics.join(' ') !== open) void connect(topics)
}

let pending: number | undefined
new MutationObserver(() => {
  pending ??= window.setTimeout(() => {
    pending = undefined
    follow()
  }, 50)
}).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['data-live'] })

// Browsers allow six connections to a plain HTTP server: a tab that nobody has looked at for a minute gives its own back, but for the
// kitchen's, which must ring. Last-Event-ID brings what it missed.
let hidden: number | undefined
document.addEventListener('visibilitychange', () => {
  window.clearTimeout(hidden)
  if (document.hidden && !document.querySelector('[data-alarm-host]')) {
    hidden = window.setTimeout(() => void connect([]), 60_000)
  } else if (!document.hidden) follow()
})
addEventListener('pagehide', () => void connect([]))
addEventListener('pageshow', (e) => {
  if (e.persisted) follow()
})
addEventListener('online', () => {
  if (open) void connect(wanted())
})
follow()
