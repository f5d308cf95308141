// Chooses the browser's time zone where nobody has chosen one yet. (The page itself has a data-zone of its own, for clocks.)
import { watch } from './dom'

watch('[data-zone]:not(html) select', (e) => {
  const select = e as HTMLSelectElement
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone
  if (select.value || !here) return
  if (![...select.options].some((o) => o.value === here)) select.add(new Option(here.replaceAll('_', ' '), here))
  select.value = here
})
