// Writing a post: the counter, the draft that this device keeps, pictures by choosing, dropping or pasting, and the way out by keyboard.
import { make, on, watch } from './dom'
import { say } from './say'
import { toast } from './toast'

const field = (f: HTMLElement, name: string) => f.querySelector<HTMLInputElement | HTMLTextAreaElement>(`[name="${name}"]`)
const area = (f: HTMLElement) => f.querySelector<HTMLTextAreaElement>('textarea[name="text"]')!
const formOf = (e: Element) => e.closest<HTMLFormElement>('[data-compose]')

// Every link counts as 23 characters and of a mention only the name, as in all clients.
const length = (text: string) => [...text.replace(/https?:\/\/\S+/g, 'x'.repeat(23)).replace(/(@\w+)@[\w.-]+/g, '$1')].length

const count = (f: HTMLElement) => {
  const max = Number(f.dataset['max']) || 5000
  const left = max - length(area(f).value) - length(field(f, 'warning')?.value ?? '')
  const out = f.querySelector<HTMLElement>('[data-left]')
  if (out) {
    out.textContent = String(left)
    out.classList.toggle('compose-over', left < 0)
    out.classList.toggle('compose-near', left >= 0 && left <= 60)
  }
  const button = f.querySelector<HTMLButtonElement>('[data-send]')
  if (button) button.disabled = left < 0
}
const grow = (t: HTMLTextAreaElement) => {
  t.style.height = 'auto'
  t.style.height = Math.min(t.scrollHeight + 2, innerHeight * 0.5) + 'px'
}

// ---- the draft ----

const keyOf = (f: HTMLElement) => 'stoa-draft:' + (f.dataset['compose'] || 'new')
const kept = ['text', 'warning']
const timers = new WeakMap<HTMLElement, number>()
const keep = (f: HTMLElement) => {
  window.clearTimeout(timers.get(f))
  timers.set(
    f,
    window.setTimeout(() => {
      const d = Object.fromEntries(kept.map((n) => [n, field(f, n)?.value ?? '']))
      try {
        if (Object.values(d).some((v) => v.trim())) localStorage.setItem(keyOf(f), JSON.stringify(d))
        else localStorage.removeItem(keyOf(f))
      } catch {
        // full or forbidden: then there is no draft
      }
    }, 300),
  )
}
const restore = (f: HTMLElement) => {
  let d: Record<string, string> = {}
  try {
    d = JSON.parse(localStorage.getItem(keyOf(f)) ?? '{}')
  } catch {
    return
  }
  // What the server put there, such as the names of those who are answered, stays where nothing was written yet.
  if (!d['text'] || area(f).value.trim().length > d['text'].length) return
  for (const n of kept) {
    const e = field(f, n)
    if (e && d[n]) e.value = d[n]
  }
  const cw = f.querySelector<HTMLInputElement>('[data-part="warning"]')
  if (cw && d['warning']) cw.checked = true
}

on('input', '[data-compose]', (f, e) => {
  count(f)
  keep(f)
  if (e.target === area(f)) grow(area(f))
})
on('focusin', '[data-compose]', (f) => f.classList.add('compose-open'))

// ---- who may read it ----

const who = (f: HTMLElement) => {
  const chosen = f.querySelector<HTMLInputElement>('[name="visibility"]:checked')
  const label = f.querySelector('[data-who]')
  if (!chosen || !label) return
  const words = chosen.closest('label')?.querySelector('[data-word]')?.textContent
  if (words) label.textContent = words
}
on('change', '[data-compose]', (f, e) => {
  if ((e.target as HTMLInputElement).name === 'visibility') who(f)
  const t = e.target as HTMLInputElement
  if (t.dataset['part'] && t.checked) f.querySelector<HTMLElement>(`.compose-${t.dataset['part']} input, .compose-${t.dataset['part']} textarea`)?.focus()
})

// ---- pictures ----

const maxFiles = (f: HTMLElement) => Number(f.dataset['files']) || 8

function add(f: HTMLFormElement, file: File): void {
  const box = f.querySelector<HTMLElement>('[data-media]')
  if (!box) return
  if (box.children.length >= maxFiles(f)) {
    toast(say('No more files fit into one post.'))
    return
  }
  const alt = document.createElement('textarea')
  alt.className = 'textarea'
  alt.rows = 2
  alt.maxLength = 1500
  alt.placeholder = say('Describe it for people who cannot see it')
  alt.ariaLabel = alt.placeholder
  const remove = make('button', 'iconbutton compose-remove', '✕') as HTMLButtonElement
  remove.type = 'button'
  remove.ariaLabel = say('Remove')
  const url = URL.createObjectURL(file)
  let picture: HTMLElement
  if (file.type.startsWith('image/')) {
    picture = document.createElement('img')
    ;(picture as HTMLImageElement).src = url
    ;(picture as HTMLImageElement).alt = ''
  } else picture = make('span', 'compose-file', file.name)
  const bar = document.createElement('progress')
  bar.max = 1
  const figure = make('figure', 'compose-item', picture, bar, alt, remove)
  figure.setAttribute('aria-busy', 'true')
  box.append(figure)

  const body = new FormData()
  body.append('file', file)
  const send = new XMLHttpRequest() // fetch does not tell how far an upload is
  remove.addEventListener('click', () => {
    send.abort()
    figure.remove()
    URL.revokeObjectURL(url)
  })
  send.upload.addEventListener('progress', (p) => p.lengthComputable && (bar.value = p.loaded / p.total))
  const fail = (why?: string) => {
    figure.remove()
    toast(why || say('The file could not be sent.'))
  }
  send.addEventListener('load', () => {
    let answer: { id?: string; error?: string } = {}
    try {
      answer = JSON.parse(send.responseText)
    } catch {
      // not what was hoped for: refused below
    }
    if (send.status >= 300 || !answer.id) return fail(answer.error)
    const input = document.createElement('input')
    input.type = 'hidden'
    input.name = 'media'
    input.value = answer.id
    alt.name = 'alt-' + answer.id
    figure.append(input)
    figure.removeAttribute('aria-busy')
    bar.remove()
  })
  send.addEventListener('error', () => fail())
  send.open('POST', '/api/v2/media')
  send.setRequestHeader('Accept', 'application/json')
  send.send(body)
}

on('change', '[data-compose] input[type="file"]', (i) => {
  const f = formOf(i)
  const input = i as HTMLInputElement
  if (!f || !input.files) return
  for (const file of input.files) add(f, file)
  input.value = ''
})
document.addEventListener('paste', (e) => {
  const f = e.target instanceof Element ? formOf(e.target) : null
  const files = e.clipboardData?.files
  if (!f || !files?.length) return
  e.preventDefault()
  for (const file of files) add(f, file)
})
const over = (e: DragEvent) => (e.target instanceof Element && e.dataTransfer?.types.includes('Files') ? formOf(e.target) : null)
document.addEventListener('dragover', (e) => {
  const f = over(e)
  for (const c of document.querySelectorAll('.compose-drop')) if (c !== f) c.classList.remove('compose-drop')
  if (!f) return
  e.preventDefault()
  f.classList.add('compose-drop')
})
document.addEventListener('drop', (e) => {
  const f = over(e)
  if (!f) return
  e.preventDefault()
  f.classList.remove('compose-drop')
  for (const file of e.dataTransfer?.files ?? []) add(f, file)
})
on('click', '[data-remove-media]', (b) => b.closest('figure')?.remove())

// ---- sending ----

const reminded = new WeakSet<HTMLElement>()
// On the click and not on submit: a form that is being sent is held back from being sent twice.
on('click', '[data-compose] [data-send]', (b, e) => {
  const f = formOf(b)
  if (!f) return
  if (f.querySelector('[data-media] [aria-busy]')) {
    e.preventDefault()
    toast(say('A file is still on its way.'))
    return
  }
  const empty = [...f.querySelectorAll<HTMLTextAreaElement>('[data-media] textarea')].find((t) => !t.value.trim())
  if (!empty || reminded.has(f)) return
  e.preventDefault()
  reminded.add(f)
  const note = f.querySelector<HTMLElement>('[data-remind]')
  if (note) note.hidden = false
  empty.focus()
})
document.addEventListener('keydown', (e) => {
  if (e.key !== 'Enter' || !(e.ctrlKey || e.metaKey) || e.isComposing) return
  const f = e.target instanceof Element ? formOf(e.target) : null
  if (!f) return
  e.preventDefault()
  f.querySelector<HTMLElement>('[data-send]')?.click()
})
document.addEventListener('htmx:finally:request', (e) => {
  const { sourceElement: f, response } = (e as unknown as CustomEvent<{ ctx: { sourceElement: HTMLElement; response?: { status: number } } }>).detail.ctx
  if (!(f instanceof HTMLFormElement) || !f.matches('[data-compose]') || !response || response.status >= 300) return
  window.clearTimeout(timers.get(f))
  localStorage.removeItem(keyOf(f))
  const d = f.closest('dialog')
  if (d) {
    d.close()
    return
  }
  f.reset()
  f.querySelector('[data-media]')?.replaceChildren()
  f.querySelector('[data-picked]')?.replaceChildren()
  const key = f.querySelector<HTMLInputElement>('[name="idempotency_key"]')
  if (key) key.value = crypto.randomUUID()
  reminded.delete(f)
  f.classList.remove('compose-open')
  area(f).style.height = ''
  count(f)
  who(f)
})

// ---- names and hashtags while one types ----

let asked = 0
const word = (t: HTMLTextAreaElement) => /(?:^|\s)([@#][\p{L}\p{N}_.]{1,30})$/u.exec(t.value.slice(0, t.selectionStart))?.[1] ?? ''
const close = (f: HTMLElement) => f.querySelector('[data-suggest]')?.replaceChildren()
on('input', '[data-compose] textarea[name="text"]', (e) => {
  const t = e as HTMLTextAreaElement
  const f = formOf(t)!
  const q = word(t)
  window.clearTimeout(asked)
  if (q.length < 2) return close(f)
  asked = window.setTimeout(async () => {
    const kind = q.startsWith('#') ? 'hashtags' : 'accounts'
    const answer = await fetch(`/api/v2/search?limit=6&type=${kind}&q=${encodeURIComponent(q.slice(1))}`, { headers: { Accept: 'application/json' } }).catch(() => null)
    if (!answer?.ok || word(t) !== q) return
    const found = (await answer.json()) as { accounts: { acct: string; display_name: string }[]; hashtags: { name: string }[] }
    const list = [
      ...found.accounts.map((a) => ({ insert: '@' + a.acct, label: a.display_name || a.acct, note: '@' + a.acct })),
      ...found.hashtags.map((h) => ({ insert: '#' + h.name, label: '#' + h.name, note: '' })),
    ]
    const box = f.querySelector('[data-suggest]')
    box?.replaceChildren(
      ...list.map((s, i) => {
        const b = make('button', 'suggest-item', make('strong', '', s.label), make('span', 'muted small', s.note)) as HTMLButtonElement
        b.type = 'button'
        b.dataset['insert'] = s.insert
        b.setAttribute('aria-selected', String(i === 0))
        return b
      }),
    )
  }, 150)
})
const insert = (t: HTMLTextAreaElement, text: string) => {
  const end = t.selectionStart
  const begin = end - word(t).length
  t.setRangeText(text + ' ', begin, end, 'end')
  t.focus()
  t.dispatchEvent(new Event('input', { bubbles: true }))
  close(formOf(t)!)
}
on('click', '[data-suggest] [data-insert]', (b) => {
  const f = formOf(b)
  if (f) insert(area(f), b.dataset['insert'] ?? '')
})
on('keydown', '[data-compose] textarea[name="text"]', (e, ev) => {
  const items = [...formOf(e)!.querySelectorAll<HTMLElement>('[data-suggest] [data-insert]')]
  if (!items.length) return
  const i = items.findIndex((b) => b.getAttribute('aria-selected') === 'true')
  if (ev.key === 'ArrowDown' || ev.key === 'ArrowUp') {
    ev.preventDefault()
    items[i]?.setAttribute('aria-selected', 'false')
    items[(i + (ev.key === 'ArrowDown' ? 1 : -1) + items.length) % items.length]?.setAttribute('aria-selected', 'true')
  } else if ((ev.key === 'Enter' && !ev.ctrlKey && !ev.metaKey) || ev.key === 'Tab') {
    ev.preventDefault()
    insert(e as HTMLTextAreaElement, items[i]?.dataset['insert'] ?? '')
  } else if (ev.key === 'Escape') {
    ev.preventDefault()
    ev.stopPropagation()
    close(formOf(e)!)
  }
})

// ---- emoji: some that are used every day, and the town's own ----

const daily = '😀 😂 🙂 😉 😍 🥰 😋 🤔 😴 😢 😮 😡 👍 👎 👋 🙏 👏 💪 🤝 ❤️ 💛 💚 💙 🎉 ✨ 🔥 ☀️ 🌧️ ❄️ 🌱 🌻 🐝 🐶 🐱 🍕 🍝 🍜 🥗 🍞 🧀 🍰 🍎 ☕ 🍺 🍷 🚲 🏡 📚 🎵 ⚽'.split(' ')
interface Own {
  shortcode: string
  static_url: string
  visible_in_picker: boolean
}
let own: Promise<Own[]> | undefined
const put = (t: HTMLTextAreaElement, text: string) => {
  t.setRangeText(text, t.selectionStart, t.selectionEnd, 'end')
  t.dispatchEvent(new Event('input', { bubbles: true }))
}
watch('[data-emoji]', (place) => {
  const label = place.title
  const box = make('div', 'emoji-box')
  box.popover = 'auto'
  box.setAttribute('role', 'group')
  box.ariaLabel = label
  const choose = (text: string, ...show: (Node | string)[]) => {
    const b = make('button', 'emoji', ...show) as HTMLButtonElement
    b.type = 'button'
    b.title = text
    b.addEventListener('click', () => {
      const f = formOf(place)
      box.hidePopover()
      if (!f) return
      area(f).focus()
      put(area(f), text)
    })
    return b
  }
  const fill = async () => {
    if (box.childElementCount) return
    box.append(...daily.map((d) => choose(d, d)))
    own ??= fetch('/api/v1/custom_emojis', { headers: { Accept: 'application/json' } }).then((a) => (a.ok ? a.json() : []))
    for (const e of await own.catch((): Own[] => [])) {
      if (!e.visible_in_picker) continue
      const img = document.createElement('img')
      img.src = new URL(e.static_url).pathname
      img.alt = `:${e.shortcode}:`
      img.width = img.height = 24
      box.append(choose(`:${e.shortcode}: `, img))
    }
  }
  const open = make('button', 'compose-tool', '☺') as HTMLButtonElement
  open.type = 'button'
  open.title = open.ariaLabel = label
  open.popoverTargetElement = box
  open.addEventListener('click', () => void fill())
  place.append(open, box)
  place.removeAttribute('title')
  place.hidden = false
})

// Last: it begins with the forms that are there already.
watch('[data-compose]', (f) => {
  restore(f)
  count(f)
  who(f)
  const t = area(f)
  if (t.value) grow(t)
  if (t.value !== t.defaultValue) keep(f) // typed before this script was there
  if (f.closest('dialog') || f.hasAttribute('data-first')) {
    t.focus()
    t.setSelectionRange(t.value.length, t.value.length)
  }
})
