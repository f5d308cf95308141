// Keeps <time data-rel> in step with the server's clock. The words are those of ui.Ago, ui.Countdown and ui.Elapsed in Go.
import { now } from './clock'
import { german, say } from './say'

const rough = (s: number) =>
  s < 3600 ? `${Math.floor(s / 60)}\u00a0min` : s < 172800 ? `${Math.floor(s / 3600)}\u00a0h` : `${Math.floor(s / 86400)}\u00a0${say('days')}`

const past = (span: string) => (german ? 'vor ' + span : span + ' ago')
const ago = (s: number) => (s < 0 ? (s > -60 ? say('in a moment') : 'in ' + rough(-s)) : s < 60 ? say('just now') : past(rough(s)))

const two = (n: number) => String(n).padStart(2, '0')
const clock = (s: number) => {
  s = Math.floor(s)
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`
}

const zone = document.documentElement.dataset['zone']
const wall = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', ...(zone ? { timeZone: zone } : {}) })

function tick(): void {
  const t = now()
  for (const e of document.querySelectorAll<HTMLTimeElement>('time[data-rel]')) {
    const s = (t - Date.parse(e.dateTime)) / 1000
    if (Number.isNaN(s)) continue
    let text = ''
    switch (e.dataset['rel']) {
      case 'countdown':
        text = s <= 0 ? clock(-s) : '+' + clock(s)
        e.classList.toggle('late', s > 0)
        e.classList.toggle('warn', s <= 0 && -s < (Number(e.dataset['warn']) || 0))
        break
      case 'elapsed': {
        const warn = Number(e.dataset['warn']) || Infinity
        const late = Number(e.dataset['late']) || Infinity
        text = clock(Math.max(s, 0))
        e.classList.toggle('warn', s >= warn && s < late)
        e.classList.toggle('late', s >= late)
        break
      }
      default:
        text = ago(s)
    }
    // Only where it changed: writing text makes the browser lay out and screen readers look up.
    if (e.textContent !== text) e.textContent = text
  }
  for (const e of document.querySelectorAll('[data-clock]')) {
    const text = wall.format(t)
    if (e.textContent !== text) e.textContent = text
  }
}

tick()
setInterval(tick, 1000)
document.addEventListener('visibilitychange', tick)
