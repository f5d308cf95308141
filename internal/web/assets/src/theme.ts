// Light or dark by hand. The choice is kept in a cookie, so that the server renders the right one at once; choosing what the system
// prefers anyway forgets it.
import { on, watch } from './dom'

const dark = matchMedia('(prefers-color-scheme: dark)')

watch('[data-theme-switch]', (e) => (e.hidden = false))
on('click', '[data-theme-switch]', () => {
  const root = document.documentElement
  const isDark = root.dataset['theme'] ? root.dataset['theme'] === 'dark' : dark.matches
  const next = isDark ? 'light' : 'dark'
  const keep = (next === 'dark') !== dark.matches
  root.dataset['theme'] = keep ? next : ''
  document.cookie = `theme=${keep ? next : ''}; Path=/; SameSite=Lax; Max-Age=${keep ? 31536000 : 0}`
  document.dispatchEvent(new Event('themechange'))
})
dark.addEventListener('change', () => document.dispatchEvent(new Event('themechange')))
