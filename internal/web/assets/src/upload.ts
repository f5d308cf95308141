// Forms with a large file say how far it is on its way. The server answers with what takes the place of data-upload.
import htmx from 'htmx.org'
import { make, on } from './dom'
import { say } from './say'
import { toast } from './toast'
import { policy } from './trusted'

const sending = new WeakSet<HTMLElement>()

on('submit', 'form[data-upload]', (e, ev) => {
  const form = e as HTMLFormElement
  ev.preventDefault()
  if (sending.has(form)) return
  sending.add(form)
  const bar = document.createElement('progress')
  bar.max = 1
  bar.ariaLabel = say('Sending the file')
  const text = make('span', 'num small muted')
  const row = make('p', 'upload', bar, text)
  form.append(row)
  const send = new XMLHttpRequest() // fetch does not tell how far an upload is
  const done = () => {
    sending.delete(form)
    row.remove()
  }
  send.upload.addEventListener('progress', (p) => {
    if (!p.lengthComputable) return
    bar.value = p.loaded / p.total
    text.textContent = p.loaded < p.total ? `${Math.floor(bar.value * 100)} %` : say('Looking into the file …')
  })
  send.addEventListener('error', () => {
    done()
    toast(say('No answer from the server. Is there a connection?'))
  })
  send.addEventListener('load', () => {
    done()
    const place = document.querySelector<HTMLElement>(form.dataset['upload'] ?? '')
    if (!place || send.status >= 500 || !send.getResponseHeader('Content-Type')?.startsWith('text/html') || /^\s*<!doctype/i.test(send.responseText)) {
      toast(say('The file could not be sent.'))
      return
    }
    const id = place.id
    place.outerHTML = policy.createHTML(send.responseText)
    const now = document.getElementById(id)
    if (now) htmx.process(now)
    now?.querySelector<HTMLElement>('[role="alert"], [aria-live]')?.scrollIntoView({ block: 'nearest' })
  })
  send.open('POST', form.action)
  send.setRequestHeader('HX-Request', 'true')
  send.send(new FormData(form))
})
