// Native dialogs: opened by data-dialog, or by arriving in a fragment (ui.DialogProps.Auto).
import { on, watch } from './dom'

on('click', '[data-dialog]', (a, e) => {
  const d = document.getElementById(a.dataset['dialog'] ?? '')
  if (!(d instanceof HTMLDialogElement) || e.ctrlKey || e.metaKey || e.shiftKey) return
  e.preventDefault()
  d.showModal()
})
on('click', '[data-close]', (b) => b.closest('dialog')?.close())
// The backdrop belongs to the dialog; a click on its content has another target.
on('click', 'dialog', (d, e) => {
  if (e.target === d && (d as HTMLDialogElement).open) (d as HTMLDialogElement).close()
})
// Menus that fold out close when one goes elsewhere.
const fold = (except: Node | null) => {
  for (const d of document.querySelectorAll<HTMLDetailsElement>('details[data-fold][open]')) if (!except || !d.contains(except)) d.open = false
}
document.addEventListener('click', (e) => fold(e.target as Node))
document.addEventListener('keydown', (e) => e.key === 'Escape' && fold(null))

watch('dialog[data-modal]', (e) => {
  const d = e as HTMLDialogElement
  if (!d.open) d.showModal()
  d.addEventListener('close', () => d.remove())
})

// A form in a dialog that is answered with other parts of the page, and nothing for the dialog itself, is done.
document.addEventListener('htmx:before:swap', (e) => {
  const { ctx, tasks } = (e as CustomEvent<{ ctx: { target?: unknown; response?: { status: number } }; tasks: { type: string }[] }>).detail
  const to = ctx.target
  if (!(to instanceof HTMLElement) || to.id !== 'sheet') return
  // htmx gives what comes the attributes of what had the same id, and takes them away again: a dialog in place of another would close.
  for (const d of to.querySelectorAll('dialog')) d.removeAttribute('id')
  if ((ctx.response?.status ?? 500) >= 400) return
  if (!tasks.some((t) => t.type === 'main')) to.querySelector('dialog')?.close()
})
