// The base map: the town's GeoJSON painted on one canvas in the page's own colours, street names included. No tiles from anywhere.
import * as L from 'leaflet'

interface Shape {
  kind: string
  main: boolean
  name: string
  parts: [number, number][][] // [lon, lat]
  area: boolean
  box: L.LatLngBounds
}

type Position = [number, number]
interface Feature {
  geometry: { type: string; coordinates: unknown } | null
  properties: { kind?: string; name?: string; class?: string } | null
}

let town: Promise<Shape[]> | undefined

/** The town's shapes, fetched once a page; empty where the server has none. */
export function shapes(): Promise<Shape[]> {
  town ??= fetch('/town.geojson')
    .then((r) => (r.ok ? (r.json() as Promise<{ features: Feature[] }>) : { features: [] }))
    .then((c) => c.features.flatMap(shape))
    .catch(() => [])
  return town
}

const order = ['water', 'park', 'square', 'building', 'rail', 'path', 'street', 'label']

function shape(f: Feature): Shape[] {
  const g = f.geometry
  if (!g) return []
  const c = g.coordinates
  let parts: Position[][]
  switch (g.type) {
    case 'Point':
      parts = [[c as Position]]
      break
    case 'LineString':
      parts = [c as Position[]]
      break
    case 'MultiLineString':
    case 'Polygon':
      parts = c as Position[][]
      break
    case 'MultiPolygon':
      parts = (c as Position[][][]).flat()
      break
    default:
      return []
  }
  const box = L.latLngBounds(parts.flat().map(([lon, lat]) => [lat, lon]))
  const kind = f.properties?.kind ?? 'path'
  return [{ kind, main: f.properties?.class === 'main', name: f.properties?.name ?? '', parts, area: g.type.endsWith('Polygon'), box }]
}

const colours = ['land', 'water', 'park', 'square', 'building', 'street', 'main', 'casing', 'path', 'rail', 'label'] as const
type Palette = Record<(typeof colours)[number], string>

/** Reads the palette off the style sheet, resolved for light or dark. */
function palette(host: HTMLElement): Palette {
  const p = {} as Palette
  for (const c of colours) {
    // A probe for each colour: one that changes colour would show the old one, since with reduced motion every change is a very short
    // transition.
    const probe = document.createElement('i')
    probe.style.color = `var(--map-${c})`
    host.append(probe)
    p[c] = getComputedStyle(probe).color
    probe.remove()
  }
  return p
}

/** A layer that paints shapes; call repaint after a change of theme. */
export class Base extends L.Layer {
  private canvas!: HTMLCanvasElement
  private all: Shape[] = []

  constructor(private readonly host: HTMLElement) {
    super()
    void shapes().then((s) => {
      this.all = [...s].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
      this.repaint()
    })
  }

  override onAdd(map: L.Map): this {
    this._map = map
    this.canvas = L.DomUtil.create('canvas', 'leaflet-zoom-hide', map.getPane('tilePane')) as HTMLCanvasElement
    map.on('moveend zoomend resize viewreset', this.repaint, this)
    this.repaint()
    return this
  }

  override onRemove(map: L.Map): this {
    map.off('moveend zoomend resize viewreset', this.repaint, this)
    this.canvas.remove()
    return this
  }

  repaint(): void {
    const map = this._map
    if (!map || !this.canvas) return
    const size = map.getSize()
    // Half a screen more on every side, so that a drag does not bare the edge before it ends.
    const pad = size.multiplyBy(0.5)
    const full = size.add(pad.multiplyBy(2))
    const dense = Math.min(devicePixelRatio || 1, 2)
    this.canvas.width = full.x * dense
    this.canvas.height = full.y * dense
    this.canvas.style.width = full.x + 'px'
    this.canvas.style.height = full.y + 'px'
    const corner = map.containerPointToLayerPoint([-pad.x, -pad.y])
    L.DomUtil.setPosition(this.canvas, corner)
    const g = this.canvas.getContext('2d')
    if (!g) return
    g.scale(dense, dense)
    const p = palette(this.host)
    const zoom = map.getZoom()
    const at = ([lon, lat]: Position) => map.latLngToLayerPoint([lat, lon]).subtract(corner)
    if (!this.all.length) return graticule(g, full, p)
    const view = map.getBounds().pad(0.5)
    const seen = this.all.filter((s) => s.box.intersects(view))
    const trace = (s: Shape) => {
      g.beginPath()
      for (const part of s.parts) {
        part.forEach((q, i) => {
          const { x, y } = at(q)
          if (i) g.lineTo(x, y)
          else g.moveTo(x, y)
        })
        if (s.area) g.closePath()
      }
    }
    const line = (s: Shape, colour: string, width: number) => {
      trace(s)
      g.strokeStyle = colour
      g.lineWidth = width
      g.stroke()
    }
    g.lineCap = g.lineJoin = 'round'
    const grow = 2 ** (zoom - 16)
    const wide = (s: Shape) => Math.max((s.main ? 13 : 8) * grow, s.main ? 2 : 1)
    for (const s of seen) {
      if (s.area) {
        if (s.kind === 'building' && zoom < 15) continue
        trace(s)
        g.fillStyle = p[(s.kind as keyof Palette) in p ? (s.kind as keyof Palette) : 'square']
        g.fill('evenodd')
      } else if (s.kind === 'water') line(s, p.water, Math.max(18 * grow, 3))
      else if (s.kind === 'rail') {
        line(s, p.rail, Math.max(3 * grow, 1.5))
      } else if (s.kind === 'path') {
        g.setLineDash([4, 5])
        line(s, p.path, 1.5)
        g.setLineDash([])
      }
    }
    const streets = seen.filter((s) => s.kind === 'street' && !s.area)
    for (const s of streets) line(s, p.casing, wide(s) + 2)
    for (const s of streets) if (!s.main) line(s, p.street, wide(s))
    for (const s of streets) if (s.main) line(s, p.main, wide(s))
    names(g, seen, at, zoom, p)
  }
}

function graticule(g: CanvasRenderingContext2D, size: L.Point, p: Palette): void {
  g.strokeStyle = p.casing
  g.lineWidth = 1
  g.beginPath()
  for (let x = 0.5; x < size.x; x += 64) {
    g.moveTo(x, 0)
    g.lineTo(x, size.y)
  }
  for (let y = 0.5; y < size.y; y += 64) {
    g.moveTo(0, y)
    g.lineTo(size.x, y)
  }
  g.stroke()
}

/** Writes names along streets and on places, each once, and none over another. */
function names(g: CanvasRenderingContext2D, seen: Shape[], at: (q: Position) => L.Point, zoom: number, p: Palette): void {
  const taken: { x: number; y: number; r: number }[] = []
  const done = new Map<string, L.Point[]>()
  g.textAlign = 'center'
  g.textBaseline = 'middle'
  const put = (text: string, mid: L.Point, angle: number, font: string, room: number) => {
    g.font = font
    const w = g.measureText(text).width
    if (w > room) return
    const spots: { x: number; y: number; r: number }[] = []
    for (let d = -w / 2; d <= w / 2; d += 12) spots.push({ x: mid.x + Math.cos(angle) * d, y: mid.y + Math.sin(angle) * d, r: 12 })
    if (spots.some((a) => taken.some((b) => Math.hypot(a.x - b.x, a.y - b.y) < a.r + b.r - 4))) return
    if ((done.get(text) ?? []).some((q) => q.distanceTo(mid) < 300)) return
    taken.push(...spots)
    done.set(text, [...(done.get(text) ?? []), mid])
    g.save()
    g.translate(mid.x, mid.y)
    g.rotate(angle)
    g.lineWidth = 3.5
    g.lineJoin = 'round'
    g.strokeStyle = p.land
    g.strokeText(text, 0, 0)
    g.fillStyle = p.label
    g.fillText(text, 0, 0)
    g.restore()
  }
  const face = getComputedStyle(document.documentElement).getPropertyValue('--font-text') || 'sans-serif'
  for (const s of seen) {
    if (!s.name || s.kind === 'street' || s.kind === 'building') continue
    const mid = s.area || s.parts[0]?.length === 1 ? at([s.box.getCenter().lng, s.box.getCenter().lat]) : undefined
    if (!mid || zoom < (s.kind === 'label' ? 13 : 15)) continue
    put(s.name, mid, 0, `600 ${s.kind === 'label' ? 15 : 13}px ${face}`, 400)
  }
  for (const s of [...seen].sort((a, b) => Number(b.main) - Number(a.main))) {
    if (!s.name || s.kind !== 'street' || zoom < (s.main ? 15 : 16)) continue
    for (const part of s.parts) {
      // The whole line where it is nearly straight, which town streets mostly are; else its longest leg.
      let [a, b] = [at(part[0]!), at(part[part.length - 1]!)]
      const whole = a.distanceTo(b)
      let walked = 0
      let best: [L.Point, L.Point] = [a, b]
      for (let i = 1; i < part.length; i++) {
        const [c, d] = [at(part[i - 1]!), at(part[i]!)]
        walked += c.distanceTo(d)
        if (i === 1 || c.distanceTo(d) > best[0].distanceTo(best[1])) best = [c, d]
      }
      if (walked > whole * 1.03) [a, b] = best
      let angle = Math.atan2(b.y - a.y, b.x - a.x)
      if (Math.abs(angle) > Math.PI / 2) angle += Math.PI
      const length = a.distanceTo(b)
      const times = Math.max(1, Math.floor(length / 380))
      for (let i = 0; i < times; i++) {
        const f = (i + 0.5) / times
        put(s.name, L.point(a.x + (b.x - a.x) * f, a.y + (b.y - a.y) * f), angle, `550 ${s.main ? 13 : 12}px ${face}`, length / times)
      }
    }
  }
}
