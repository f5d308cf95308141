// Chooses the browser's time zone where nobody has chosen one yet.
import { watch } from './dom'

watch('[data-zone] select', (e) => {
  const select = e as HTMLSelectElement
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone
  if (select.value || !here) return
  if (![...select.options].some((o) => o.value === here)) select.add(new Option(here.replaceAll('_', ' '), here))
  select.value = here
})
