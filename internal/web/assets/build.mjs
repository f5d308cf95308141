// Builds src and css into dist: content-hashed names, and manifest.json from plain to hashed names for assets.Path.
import { build } from 'esbuild'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { gzipSync } from 'node:zlib'

const out = 'dist'
mkdirSync(out, { recursive: true })
for (const f of readdirSync(out)) if (f !== '.keep') rmSync(`${out}/${f}`)
if (!existsSync(`${out}/.keep`)) writeFileSync(`${out}/.keep`, '')

const common = {
  bundle: true,
  minify: true,
  metafile: true,
  outdir: out,
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  legalComments: 'none',
  logLevel: 'warning',
  target: ['chrome123', 'firefox121', 'safari17.5'],
}
// Leaflet asks whether the browser knows SVG by assigning markup, which Trusted Types refuse and which would stop the whole module.
const leaflet = {
  name: 'leaflet',
  setup(b) {
    b.onLoad({ filter: /leaflet-src\.esm\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
      const probe = "div.innerHTML = '<svg/>'"
      if (!source.includes(probe)) throw new Error('Leaflet asks for SVG in another way now: see build.mjs')
      return { contents: source.replace(probe, "div.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'svg'))") }
    })
  },
}

const results = await Promise.all([
  build({
    ...common,
    entryPoints: ['src/app.ts'],
    format: 'esm',
    splitting: true,
    loader: { '.svg': 'text' },
    // The ES build of Leaflet, so that what is not used can be left out.
    alias: { leaflet: 'leaflet/dist/leaflet-src.esm.js' },
    plugins: [leaflet],
  }),
  build({ ...common, entryPoints: ['src/sw.ts'], format: 'iife' }),
  build({
    ...common,
    entryPoints: ['css/app.css', 'css/map.css'],
    publicPath: '/assets',
    // Leaflet's style sheet names pictures of controls that we draw ourselves.
    loader: { '.woff2': 'file', '.png': 'empty' },
  }),
])

const manifest = {}
for (const { metafile } of results) {
  for (const [path, o] of Object.entries(metafile.outputs)) {
    const file = basename(path)
    if (o.entryPoint) manifest[basename(o.entryPoint).replace(/\.ts$/, '.js')] = file
    else if (/^source-sans-3-latin-wght/.test(file)) manifest['text.woff2'] = file
    else if (/^newsreader-latin-wght/.test(file)) manifest['display.woff2'] = file
  }
}
for (const f of readdirSync('static')) {
  const data = readFileSync(`static/${f}`)
  const dot = f.lastIndexOf('.')
  const hashed = `${f.slice(0, dot)}-${createHash('sha256').update(data).digest('hex').slice(0, 8)}${f.slice(dot)}`
  writeFileSync(`${out}/${hashed}`, data)
  manifest[f] = hashed
}
// The budget: what a first page loads at once, without what it asks for later.
const seen = new Set()
const eager = (path) => {
  if (seen.has(path)) return
  seen.add(path)
  for (const i of results[0].metafile.outputs[path].imports) if (i.kind === 'import-statement') eager(i.path)
}
eager(`${out}/${manifest['app.js']}`)
seen.delete(`${out}/${manifest['app.js']}`)
manifest['app.js imports'] = [...seen].map((p) => basename(p)).join(' ')
writeFileSync(`${out}/manifest.json`, JSON.stringify(manifest, null, 1))
seen.add(`${out}/${manifest['app.js']}`)
const kb = (paths) => [...paths].reduce((n, p) => n + gzipSync(readFileSync(p), { level: 9 }).length, 0) / 1024
const first = kb(seen)
console.log(`script on a first page ${first.toFixed(1)} KB gzip; style ${kb([`${out}/${manifest['app.css']}`]).toFixed(1)} KB`)
if (first > 60) {
  console.error('more than 60 KB of script on a first page')
  process.exit(1)
}
