// The position of a courier on duty, posted at most every five seconds for as long as an element with data-geoloc is on the page.
import { stamp } from './clock'
import { watch } from './dom'
import { toast } from './toast'
import { say } from './say'

let id: number | undefined
let sent = 0

function post(p: GeolocationPosition): void {
  if (!document.querySelector('[data-geoloc]')) {
    if (id !== undefined) navigator.geolocation.clearWatch(id)
    id = undefined
    return
  }
  if (Date.now() - sent < 5000) return
  sent = Date.now()
  const { latitude: lat, longitude: lon } = p.coords
  // A lost position is replaced by the next one: nothing to retry and nobody to tell.
  fetch('/api/stoa/v1/courier/position', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ lat, lon, at: stamp() }),
    keepalive: true,
  }).catch(() => undefined)
}

watch('[data-geoloc]', () => {
  if (id !== undefined || !('geolocation' in navigator)) return
  // A watch is silent while a courier stands still, and one who has not been heard of for minutes gets no offers.
  const again = setInterval(() => {
    if (id === undefined) clearInterval(again)
    else navigator.geolocation.getCurrentPosition(post, () => undefined, { maximumAge: 30_000 })
  }, 60_000)
  id = navigator.geolocation.watchPosition(
    post,
    (e) => {
      if (e.code === e.PERMISSION_DENIED) toast(say('Without your position, nobody sees how far away dinner is.'))
    },
    { enableHighAccuracy: true, maximumAge: 5000 },
  )
})
