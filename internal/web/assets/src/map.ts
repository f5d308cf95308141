// <stoa-map>: see ui.MapProps for its attributes.
import * as L from 'leaflet'
import bike from 'lucide-static/icons/bike.svg'
import utensils from 'lucide-static/icons/utensils.svg'
import house from 'lucide-static/icons/house.svg'
import pin from 'lucide-static/icons/map-pin.svg'
import plus from 'lucide-static/icons/plus.svg'
import minus from 'lucide-static/icons/minus.svg'
import locate from 'lucide-static/icons/locate-fixed.svg'
import undo from 'lucide-static/icons/undo-2.svg'
import trash from 'lucide-static/icons/trash-2.svg'
import { make } from './dom'
import type { LiveDetail } from './live'
import { Base } from './map-base'
import { toast } from './toast'
import { policy } from './trusted'
import { say } from './say'

interface Point {
  id: string
  lat: number
  lon: number
  kind: string
  label?: string
  href?: string
}

const pictures: Record<string, string> = { courier: bike, restaurant: utensils, home: house, pin }
const still = matchMedia('(prefers-reduced-motion: reduce)')

function picture(svg: string): HTMLElement {
  const s = document.createElement('span')
  s.innerHTML = policy.createHTML(svg)
  s.firstElementChild?.setAttribute('aria-hidden', 'true')
  return s
}

function icon(kind: string): L.DivIcon {
  const big = kind === 'pin'
  const small = kind === 'vertex'
  const size = big ? 44 : small ? 24 : 36
  return L.divIcon({
    className: `marker marker-${kind}`,
    html: big || !small ? picture(pictures[kind] ?? pin) : make('span', ''),
    iconSize: [size, size],
    iconAnchor: [size / 2, big ? 41 : size / 2],
    tooltipAnchor: [0, big ? -36 : -16],
  })
}

const parse = <T>(text: string | null, otherwise: T): T => {
  try {
    return text ? (JSON.parse(text) as T) : otherwise
  } catch {
    return otherwise
  }
}

class StoaMap extends HTMLElement {
  static observedAttributes = ['markers', 'route', 'zones']

  private map: L.Map | undefined
  private readonly marks = new Map<string, { mark: L.Marker; point: Point; frame: number }>()
  private line: L.Layer | undefined
  private areas: L.Layer | undefined
  private base: Base | undefined
  private readonly recolour = () => {
    this.base?.repaint()
    this.route()
    this.zones()
  }
  private readonly arrival = (e: Event) => this.live((e as CustomEvent<LiveDetail>).detail)

  connectedCallback(): void {
    if (this.map) return
    const inside = make('div', 'map-in')
    this.replaceChildren(inside)
    const centre: L.LatLngTuple = [Number(this.getAttribute('lat')), Number(this.getAttribute('lon'))]
    const map = (this.map = L.map(inside, {
      zoomControl: false,
      attributionControl: false,
      center: centre,
      zoom: Number(this.getAttribute('zoom')) || 15,
      minZoom: 11,
      maxZoom: 19,
      zoomSnap: 0.5,
      zoomAnimation: !still.matches,
      fadeAnimation: false,
      // A page is scrolled over a map more often than a map is zoomed; ctrl and the buttons zoom.
      scrollWheelZoom: this.classList.contains('map-tall'),
    }))
    // From far above, markers are drawn smaller: they would hide each other.
    const far = () => inside.classList.toggle('map-far', map.getZoom() < 15)
    map.on('zoomend', far)
    far()
    inside.setAttribute('aria-label', this.getAttribute('aria-label') ?? say('Map'))
    this.base = new Base(this).addTo(map)
    this.buttons()
    this.zones()
    this.route()
    this.update(parse<Point[]>(this.getAttribute('markers'), []))
    if (this.hasAttribute('fit')) this.fit()
    if (this.hasAttribute('pick')) this.pick()
    if (this.hasAttribute('draw')) this.draw()
    this.addEventListener('live', this.arrival)
    document.addEventListener('themechange', this.recolour)
    new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(this)
  }

  disconnectedCallback(): void {
    // Moved within the page, as a morph does, is not gone.
    queueMicrotask(() => {
      if (this.isConnected) return
      document.removeEventListener('themechange', this.recolour)
      this.removeEventListener('live', this.arrival)
      this.map?.remove()
      this.map = undefined
      this.marks.clear()
    })
  }

  attributeChangedCallback(name: string): void {
    if (!this.map) return
    if (name === 'markers') this.update(parse<Point[]>(this.getAttribute('markers'), []))
    else if (name === 'route') this.route()
    else this.zones()
  }

  /** Shows exactly these markers; those already there move. */
  update(points: Point[]): void {
    const keep = new Set(points.map((p) => p.id))
    for (const [id, m] of this.marks)
      if (!keep.has(id)) {
        m.mark.remove()
        this.marks.delete(id)
      }
    for (const p of points) this.place(p)
  }

  private place(p: Point): void {
    const map = this.map
    if (!map) return
    const old = this.marks.get(p.id)
    if (old) {
      this.move(p.id, p.lat, p.lon)
      return
    }
    const mark = L.marker([p.lat, p.lon], {
      icon: icon(p.kind),
      keyboard: Boolean(p.href || p.label),
      alt: p.label ?? '',
      interactive: Boolean(p.href || p.label),
      zIndexOffset: p.kind === 'courier' ? 1000 : p.kind === 'home' ? 500 : 0,
    }).addTo(map)
    if (p.label) {
      const words = document.createElement('span')
      words.textContent = p.label
      mark.bindTooltip(words, { direction: 'top' })
      mark.getElement()?.setAttribute('aria-label', p.label)
      mark.on('focus', () => mark.openTooltip())
    }
    if (p.href) {
      const to = p.href
      mark.on('click', () => location.assign(to))
    }
    this.marks.set(p.id, { mark, point: p, frame: 0 })
  }

  private move(id: string, lat: number, lon: number): void {
    const m = this.marks.get(id)
    if (!m || !this.map) return
    cancelAnimationFrame(m.frame)
    const from = m.mark.getLatLng()
    const dy = lat - from.lat
    const dx = (lon - from.lng) * Math.cos((lat * Math.PI) / 180)
    if (Math.hypot(dx, dy) < 1e-7) return
    const e = m.mark.getElement()
    e?.style.setProperty('--heading', `${(Math.atan2(dx, dy) * 180) / Math.PI}deg`)
    e?.style.setProperty('--moving', '1')
    // A jump of more than half a kilometre is no ride.
    if (still.matches || document.hidden || Math.hypot(dx, dy) > 0.005) {
      m.mark.setLatLng([lat, lon])
      return
    }
    const start = performance.now()
    const step = (t: number) => {
      const f = Math.min((t - start) / 1000, 1)
      m.mark.setLatLng([from.lat + (lat - from.lat) * f, from.lng + (lon - from.lng) * f])
      if (f < 1) m.frame = requestAnimationFrame(step)
    }
    m.frame = requestAnimationFrame(step)
  }

  private live({ event, data }: LiveDetail): void {
    if (event !== 'courier.position') return
    const lat = Number(data['lat'])
    const lon = Number(data['lon'])
    if (Number.isNaN(lat) || Number.isNaN(lon)) return
    const id = `courier-${String(data['courier'])}`
    if (this.marks.has(id)) this.move(id, lat, lon)
    else this.place({ id, lat, lon, kind: 'courier', label: typeof data['name'] === 'string' ? data['name'] : say('Courier') })
  }

  private colour(name: string): string {
    const probe = make('i', '')
    this.append(probe)
    probe.style.color = `var(--${name})`
    const c = getComputedStyle(probe).color
    probe.remove()
    return c
  }

  private route(): void {
    this.line?.remove()
    const path = parse<[number, number][]>(this.getAttribute('route'), [])
    if (!this.map || path.length < 2) return
    this.line = L.polyline(path, { color: this.colour('accent'), weight: 4, opacity: 0.85, dashArray: '1 8', interactive: false }).addTo(this.map)
  }

  private zones(): void {
    this.areas?.remove()
    const json = parse<L.GeoJSON | null>(this.getAttribute('zones'), null)
    if (!this.map || !json) return
    this.areas = L.geoJSON(json as never, { style: { color: this.colour('accent'), weight: 2, fillOpacity: 0.1 }, interactive: false }).addTo(this.map)
  }

  private fit(): void {
    const at = [...this.marks.values()].map((m) => m.mark.getLatLng())
    if (at.length) this.map?.fitBounds(L.latLngBounds(at), { paddingTopLeft: [44, 48], paddingBottomRight: [76, 44], maxZoom: 17, animate: false })
  }

  private buttons(): void {
    this.button(plus, say('Zoom in'), () => this.map?.zoomIn(1))
    this.button(minus, say('Zoom out'), () => this.map?.zoomOut(1))
  }

  private button(svg: string, name: string, f: () => void): void {
    let box = this.querySelector('.map-buttons')
    if (!box) this.append((box = make('div', 'map-buttons')))
    const b = document.createElement('button')
    b.type = 'button'
    b.title = name
    b.setAttribute('aria-label', name)
    b.append(...picture(svg).childNodes)
    b.addEventListener('click', f)
    box.append(b)
  }

  private input(attribute: string): HTMLInputElement | null {
    const name = this.getAttribute(attribute)
    if (!name) return null
    const root: ParentNode = this.closest('form') ?? document
    return root.querySelector<HTMLInputElement>(`[name="${CSS.escape(name)}"]`)
  }

  private pick(): void {
    const map = this.map!
    const [lat, lon] = [this.input('lat-input'), this.input('lon-input')]
    const start: L.LatLngTuple = lat?.value && lon?.value ? [Number(lat.value), Number(lon.value)] : [map.getCenter().lat, map.getCenter().lng]
    map.keyboard.disable()
    const mark = L.marker(start, { icon: icon('pin'), draggable: true, autoPan: true, keyboard: true, zIndexOffset: 2000 }).addTo(map)
    map.setView(start, undefined, { animate: false })
    const e = mark.getElement()
    e?.setAttribute('aria-label', say('Your place. Move it with the arrow keys.'))
    const put = (at: L.LatLng, say: boolean) => {
      mark.setLatLng(at)
      for (const [i, v] of [[lat, at.lat], [lon, at.lng]] as const) {
        if (!i) continue
        i.value = v.toFixed(6)
        if (say) i.dispatchEvent(new Event('change', { bubbles: true }))
      }
      if (!map.getBounds().pad(-0.1).contains(at)) map.panTo(at)
    }
    map.on('click', (ev) => put(ev.latlng, true))
    mark.on('dragend', () => put(mark.getLatLng(), true))
    const ways: Record<string, [number, number]> = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }
    e?.addEventListener('keydown', (ev) => {
      const way = ways[ev.key]
      if (!way) return
      ev.preventDefault()
      const far = ev.shiftKey ? 40 : 8
      put(map.layerPointToLatLng(map.latLngToLayerPoint(mark.getLatLng()).add([way[0] * far, way[1] * far])), true)
    })
    this.button(locate, say('Where I am'), () => {
      navigator.geolocation.getCurrentPosition(
        (p) => put(L.latLng(p.coords.latitude, p.coords.longitude), true),
        () => toast(say('Your position is not available. Tap the map instead.')),
        { enableHighAccuracy: true, timeout: 10_000 },
      )
    })
  }

  private draw(): void {
    const map = this.map!
    const input = this.input('draw')
    let ring: L.LatLng[] = []
    const area = L.polygon([], { color: this.colour('accent'), weight: 2.5, fillOpacity: 0.12, interactive: false }).addTo(map)
    const corners = L.layerGroup().addTo(map)
    const write = () => {
      if (!input) return
      const at = ring.map((p) => [Number(p.lng.toFixed(6)), Number(p.lat.toFixed(6))])
      input.value = ring.length < 3 ? '' : JSON.stringify({ type: 'Polygon', coordinates: [[...at, at[0]]] })
      input.dispatchEvent(new Event('change', { bubbles: true }))
    }
    const show = () => {
      area.setLatLngs(ring)
      corners.clearLayers()
      ring.forEach((p, i) => {
        const m = L.marker(p, { icon: icon('vertex'), draggable: true }).addTo(corners)
        m.getElement()?.setAttribute('aria-label', `${say('Corner')} ${i + 1}`)
        m.on('drag', () => {
          ring[i] = m.getLatLng()
          area.setLatLngs(ring)
        })
        m.on('dragend', write)
      })
    }
    const old = parse<{ type?: string; coordinates?: [number, number][][] } | null>(input?.value ?? null, null)
    const outer = old?.type === 'Polygon' ? old.coordinates?.[0] : undefined
    if (outer) ring = outer.slice(0, -1).map(([lon, lat]) => L.latLng(lat, lon))
    show()
    if (ring.length) map.fitBounds(area.getBounds(), { padding: [32, 32], animate: false })
    map.on('click', (ev) => {
      ring.push(ev.latlng)
      show()
      write()
    })
    const change = (next: L.LatLng[]) => {
      ring = next
      show()
      write()
    }
    this.button(undo, say('Take back the last corner'), () => change(ring.slice(0, -1)))
    this.button(trash, say('Start again'), () => change([]))
  }
}

customElements.define('stoa-map', StoaMap)
