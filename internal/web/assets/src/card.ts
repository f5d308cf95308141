// A restaurant's card: dishes are dragged into order, and a chosen picture is shown before it is sent. The buttons beside a dish do the
// same without a mouse; what is dropped sends their form.
import { on } from './dom'

let dragged: HTMLElement | null = null

const row = (e: Event) => (e.target instanceof Element ? e.target.closest<HTMLElement>('[data-sort-item]') : null)
const list = (e: Event) => (e.target instanceof Element ? e.target.closest<HTMLElement>('[data-sort]') : null)

// Draggable only while the pointer is not in a control: text in inputs stays selectable.
on('pointerover', '[data-sort-item]', (r, e) => (r.draggable = !(e.target as Element).closest('input, button, a, select, textarea')))

document.addEventListener('dragstart', (e) => {
  dragged = row(e)
  if (!dragged) return
  e.dataTransfer?.setData('text/plain', dragged.dataset['sortItem'] ?? '')
})
document.addEventListener('dragover', (e) => {
  const to = list(e)
  if (!dragged || !to) return
  e.preventDefault()
  const over = row(e)
  if (over === dragged) return
  if (!over || over.parentElement !== to) {
    if (!to.contains(dragged)) to.append(dragged)
    return
  }
  const box = over.getBoundingClientRect()
  over[e.clientY > box.top + box.height / 2 ? 'after' : 'before'](dragged)
})
document.addEventListener('drop', (e) => {
  if (dragged && list(e)) e.preventDefault()
})
document.addEventListener('dragend', () => {
  const item = dragged
  dragged = null
  if (!item) return
  const to = item.closest<HTMLElement>('[data-sort]')
  const form = item.querySelector<HTMLFormElement>('form[data-move]')
  const index = form?.elements.namedItem('index')
  const target = form?.elements.namedItem('to')
  if (!to || !form || !(index instanceof HTMLInputElement) || !(target instanceof HTMLInputElement)) return
  index.value = String([...to.querySelectorAll('[data-sort-item]')].indexOf(item))
  target.value = to.dataset['sort'] ?? ''
  form.requestSubmit()
})

on('change', '[data-preview]', (e) => {
  const image = document.getElementById(e.dataset['preview'] ?? '')
  const file = e instanceof HTMLInputElement ? e.files?.[0] : undefined
  if (!(image instanceof HTMLImageElement)) return
  if (image.src) URL.revokeObjectURL(image.src)
  image.hidden = !file
  if (file) image.src = URL.createObjectURL(file)
})
