// Messages to this browser while no page is open. An element with data-push (the path that keeps subscriptions) holds a button and a line for
// what to say; pages that want another button call subscribe and unsubscribe.
import { watch } from './dom'
import { policy } from './trusted'

interface State {
  key: string // to subscribe with
  worker: string // path of the service worker
  endpoint: string // empty: nothing comes here
}

const scope = '/notifications'
const json = { 'Content-Type': 'application/json', Accept: 'application/json' }

/** Whether the browser can take messages at all. */
export const able = (): boolean => 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window

async function state(path: string): Promise<State> {
  const r = await fetch(path, { headers: json })
  if (!r.ok) throw new Error(String(r.status))
  return (await r.json()) as State
}

const registration = (): Promise<ServiceWorkerRegistration | undefined> => navigator.serviceWorker.getRegistration(scope + '/')

/** Whether messages come to this browser for whoever is signed in. */
export async function subscribed(path = '/notifications/push'): Promise<boolean> {
  const [s, r] = await Promise.all([state(path), registration()])
  const sub = await r?.pushManager.getSubscription()
  return s.endpoint !== '' && sub?.endpoint === s.endpoint
}

/** Asks the person, and has messages come here. Gives false where they, or the browser, say no. */
export async function subscribe(path = '/notifications/push'): Promise<boolean> {
  if ((await Notification.requestPermission()) !== 'granted') return false
  const s = await state(path)
  const r = await navigator.serviceWorker.register(policy.createScriptURL(s.worker), { scope: scope + '/' })
  const old = await r.pushManager.getSubscription()
  // One made with another key, by another server at this address, takes no messages of ours.
  await old?.unsubscribe()
  const sub = await r.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: s.key })
  const answer = await fetch(path, { method: 'POST', headers: json, body: JSON.stringify(sub) })
  if (!answer.ok) await sub.unsubscribe()
  return answer.ok
}

/** Has no more messages come here. */
export async function unsubscribe(path = '/notifications/push'): Promise<void> {
  await fetch(path + '/stop', { method: 'POST', headers: json })
  const r = await registration()
  await (await r?.pushManager.getSubscription())?.unsubscribe()
}

watch('[data-push]', (box) => {
  const path = box.dataset['push']!
  const button = box.querySelector('button')!
  const line = box.querySelector<HTMLElement>('[role="status"]')!
  const say = (text: string) => {
    line.textContent = text
    line.hidden = text === ''
  }
  if (!able()) return say(box.dataset['none'] ?? '')
  const show = (on: boolean) => {
    button.textContent = (on ? box.dataset['on'] : box.dataset['off']) ?? ''
    button.setAttribute('aria-pressed', String(on))
    button.hidden = false
    say(!on && Notification.permission === 'denied' ? (box.dataset['denied'] ?? '') : '')
  }
  const look = () => subscribed(path).then(show, () => show(false))
  button.addEventListener('click', () => {
    button.disabled = true
    const change = button.getAttribute('aria-pressed') === 'true' ? unsubscribe(path) : subscribe(path)
    void change
      .then(look, () => {
        show(false)
        say(box.dataset['denied'] ?? '')
      })
      .finally(() => (button.disabled = false))
  })
  void look()
})
