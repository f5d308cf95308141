// What every page loads: htmx and the small islands. The large ones come when a page holds something for them.
import htmx from 'htmx.org'
import { policy } from './trusted'
import { watch } from './dom'
import './theme'
import './reltime'
import './forms'
import './toast'
import './dialog'
import './keys'
import './live'

htmx.config.includeIndicatorCSS = false
// Leaflet owns what is inside a map; a morph around it must leave that alone.
htmx.config.morphSkipChildren = '[hx-morph-skip-children], stoa-map'
htmx.registerExtension('town', {
  init: (api: { initSecurity(p: unknown): void }) => api.initSecurity(policy),
})

// Of a row that is wider than the window one sees where one is.
watch('nav [aria-current="page"]', (a) => {
  const row = a.parentElement
  if (!row || row.scrollWidth <= row.clientWidth) return
  const [r, c] = [row.getBoundingClientRect(), a.getBoundingClientRect()]
  row.scrollLeft += c.left + c.width / 2 - (r.left + r.width / 2)
})

const load = (selector: string, island: () => Promise<unknown>) => {
  let loaded = false
  watch(selector, () => {
    if (loaded) return
    loaded = true
    island().catch(() => (loaded = false))
  })
}
load('stoa-map', () => import('./map'))
load('[data-alarm], [data-alarm-host]', () => import('./sound'))
load('[data-queue], .layout-phone', () => import('./queue'))
load('[data-geoloc]', () => import('./geoloc'))
load('[data-sort], [data-preview]', () => import('./card'))
load('[data-passkey]', () => import('./passkey'))
load('[data-push]', () => import('./push'))
load('[data-pay]', () => import('./pay'))
load('[data-zone]:not(html)', () => import('./zone'))
load('.post, [data-feed], [data-post-step]', () => import('./social'))
load('[data-upload]', () => import('./upload'))
load('[data-compose]', () => import('./social-write'))
