// The pay page: mounts Stripe's form in data-pay (the publishable key), and confirms the intent whose client secret is data-secret. What
// Stripe says of a card is shown above the form; the order waits, so another card can be tried at once.
import { watch } from './dom'
import { say } from './say'

interface Problem {
  message?: string
  code?: string
  decline_code?: string
}
interface Elements {
  create(kind: 'payment', options?: object): { mount(at: HTMLElement): void; on(event: 'ready', fn: () => void): void }
  submit(): Promise<{ error?: Problem }>
  fetchUpdates(): Promise<{ error?: Problem }>
}
interface Client {
  elements(options: { clientSecret: string; locale?: string; appearance?: object }): Elements
  confirmPayment(options: { elements: Elements; confirmParams: { return_url: string }; redirect: 'if_required' }): Promise<{ error?: Problem }>
}
declare global {
  interface Window {
    Stripe?: (key: string, options?: { locale?: string }) => Client
  }
}

/** Waits for Stripe's own script, which the page loads beside ours. */
async function script(): Promise<(key: string, options?: { locale?: string }) => Client> {
  for (let i = 0; i < 150; i++) {
    if (window.Stripe) return window.Stripe
    await new Promise((r) => setTimeout(r, 100))
  }
  throw new Error('no script')
}

const words = (p: Problem): string => {
  switch (p.decline_code ?? p.code) {
    case 'insufficient_funds':
      return say('Your card has not enough money for this order. Try another card.')
    case 'expired_card':
      return say('Your card has expired. Try another card.')
    case 'generic_decline':
    case 'card_declined':
      return say('Your card was declined. Try another card.')
  }
  return p.message || say('That did not work. Please try again in a moment.')
}

async function mount(form: HTMLFormElement): Promise<void> {
  const at = form.querySelector<HTMLElement>('.pay-element')
  const box = document.getElementById('pay-error')
  const button = form.querySelector<HTMLButtonElement>('button[type=submit], button:not([type])')
  const tell = (text: string) => {
    if (!box) return
    const p = document.createElement('p')
    p.className = 'flash flash-bad'
    p.textContent = text
    box.replaceChildren(...(text ? [p] : []))
    if (text) box.scrollIntoView({ block: 'nearest' })
  }
  if (!at || !button) return
  button.disabled = true
  let stripe: Client
  let elements: Elements
  try {
    const locale = document.documentElement.lang
    stripe = (await script())(form.dataset['pay'] ?? '', { locale })
    elements = stripe.elements({ clientSecret: form.dataset['secret'] ?? '', locale })
    const element = elements.create('payment', { layout: 'tabs' })
    element.on('ready', () => (button.disabled = false))
    element.mount(at)
  } catch {
    tell(say('The form for your card could not be loaded. Please reload the page.'))
    return
  }
  let done = false
  form.addEventListener('submit', async (ev) => {
    if (done) return // paid: the form goes on to the server, which asks Stripe itself
    ev.preventDefault()
    ev.stopImmediatePropagation()
    if (button.disabled) return
    button.disabled = true
    form.setAttribute('aria-busy', 'true')
    tell('')
    const fail = (p: Problem) => {
      tell(words(p))
      button.disabled = false
      form.removeAttribute('aria-busy')
    }
    try {
      const checked = await elements.submit()
      if (checked.error) return fail(checked.error)
      const keep = form.querySelector<HTMLInputElement>('input[name=keep]')?.checked ?? false
      const told = await fetch(form.action + '/keep', { method: 'POST', body: new URLSearchParams({ keep: keep ? 'true' : 'false' }) })
      if (told.ok) await elements.fetchUpdates()
      else if (keep) return fail({})
      const { error } = await stripe.confirmPayment({ elements, confirmParams: { return_url: form.dataset['return'] ?? location.href }, redirect: 'if_required' })
      if (error) return fail(error)
      done = true
      form.submit()
    } catch {
      fail({})
    }
  })
}

watch('form[data-pay]', (f) => void mount(f as HTMLFormElement))
