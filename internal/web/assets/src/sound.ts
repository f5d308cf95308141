// The kitchen's bell. As long as the page holds an element with data-alarm it rings every three seconds. Browsers allow sound only after
// a tap on the page; until then a button asks for it.
import { make, watch } from './dom'
import { say } from './say'

let audio: AudioContext | undefined
let timer: number | undefined
const title = document.title

function bell(): void {
  if (!audio || audio.state !== 'running') return
  const t = audio.currentTime
  for (const [at, hz] of [[0, 1046.5], [0.18, 1318.5], [0.36, 1568]] as const) {
    const tone = audio.createOscillator()
    const loud = audio.createGain()
    tone.type = 'triangle'
    tone.frequency.value = hz
    loud.gain.setValueAtTime(0.0001, t + at)
    loud.gain.exponentialRampToValueAtTime(0.5, t + at + 0.015)
    loud.gain.exponentialRampToValueAtTime(0.0001, t + at + 0.55)
    tone.connect(loud).connect(audio.destination)
    tone.start(t + at)
    tone.stop(t + at + 0.6)
  }
}

function ring(): void {
  const n = document.querySelectorAll('[data-alarm]').length
  document.title = n ? `(${n}) ${title}` : title
  if (!n) {
    window.clearInterval(timer)
    timer = undefined
    return
  }
  bell()
  navigator.vibrate?.([200, 100, 200])
}

const arm = make('button', 'button button-primary button-big alarm-arm', say('Tap to turn the bell on'))
arm.setAttribute('type', 'button')

async function unlock(): Promise<void> {
  audio ??= new AudioContext()
  await audio.resume()
  if (audio.state === 'running') {
    arm.remove()
    document.removeEventListener('pointerdown', unlock)
    document.removeEventListener('keydown', unlock)
  }
}

watch('[data-alarm-host], [data-alarm]', () => {
  if (!audio && !arm.isConnected) {
    document.body.append(arm)
    document.addEventListener('pointerdown', unlock)
    document.addEventListener('keydown', unlock)
  }
})
watch('[data-chime]', bell)
watch('[data-alarm]', () => {
  if (timer) return
  timer = window.setInterval(ring, 3000)
  ring()
})
