// Passkeys. A button with data-passkey="get" or "create" runs a ceremony: POST data-path + "/options" gives {ticket, options}, the browser
// has a key answer, POST data-path takes the answer and says where to go on. A field whose autocomplete ends in "webauthn" offers the
// passkeys as suggestions, too.
import { watch } from './dom'
import { toast } from './toast'

interface Descriptor {
  id: string
  type: 'public-key'
  transports?: AuthenticatorTransport[]
}
interface Offer {
  ticket: string
  options: Record<string, unknown> & { challenge: string; user?: { id: string }; allowCredentials?: Descriptor[]; excludeCredentials?: Descriptor[] }
}

const bytes = (s: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(s.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
const text = (b: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(b)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '')
const list = (d?: Descriptor[]) => d?.map((c) => ({ ...c, id: bytes(c.id) }))

const post = (path: string, fields: Record<string, string>): Promise<Response> =>
  fetch(path, { method: 'POST', body: new URLSearchParams(fields), headers: { 'HX-Request': 'true', Accept: 'application/problem+json, text/html' } })

class Refused extends Error {}

async function good(r: Response): Promise<Response> {
  if (r.ok) return r
  let words = ''
  try {
    words = ((await r.json()) as { detail?: string }).detail ?? ''
  } catch {
    // no problem document: there are general words for that
  }
  throw new Refused(words)
}

/** Has one of the browser's keys answer an offer; gives its answer as JSON. */
async function answer(b: HTMLElement, o: Offer, signal: AbortSignal, mediation?: CredentialMediationRequirement): Promise<string> {
  const p = o.options
  const creating = b.dataset['passkey'] === 'create'
  const publicKey = {
    ...p,
    challenge: bytes(p.challenge),
    ...(p.user && { user: { ...p.user, id: bytes(p.user.id) } }),
    ...(p.allowCredentials && { allowCredentials: list(p.allowCredentials) }),
    ...(p.excludeCredentials && { excludeCredentials: list(p.excludeCredentials) }),
  }
  const c = (creating
    ? await navigator.credentials.create({ publicKey: publicKey as unknown as PublicKeyCredentialCreationOptions, signal })
    : await navigator.credentials.get({ publicKey: publicKey as PublicKeyCredentialRequestOptions, signal, ...(mediation && { mediation }) })) as PublicKeyCredential
  const r = c.response as AuthenticatorAttestationResponse & AuthenticatorAssertionResponse
  return JSON.stringify({
    id: c.id,
    rawId: text(c.rawId),
    type: c.type,
    authenticatorAttachment: c.authenticatorAttachment ?? undefined,
    clientExtensionResults: {},
    response: creating
      ? { clientDataJSON: text(r.clientDataJSON), attestationObject: text(r.attestationObject), transports: r.getTransports?.() ?? [] }
      : {
          clientDataJSON: text(r.clientDataJSON),
          authenticatorData: text(r.authenticatorData),
          signature: text(r.signature),
          userHandle: r.userHandle ? text(r.userHandle) : undefined,
        },
  })
}

/** Begins a ceremony. */
async function ask(b: HTMLElement): Promise<Offer> {
  return (await (await good(await post((b.dataset['path'] ?? '') + '/options', {}))).json()) as Offer
}

async function ceremony(b: HTMLElement, offer: Offer, signal: AbortSignal, mediation?: CredentialMediationRequirement): Promise<void> {
  const path = b.dataset['path'] ?? ''
  const credential = await answer(b, offer, signal, mediation)
  const r = await good(await post(path, { ticket: offer.ticket, credential, next: b.dataset['next'] ?? '' }))
  location.assign(r.headers.get('HX-Redirect') ?? location.href)
}

function say(b: HTMLElement, e: unknown): void {
  const name = e instanceof Error ? e.name : ''
  const words =
    e instanceof Refused && e.message
      ? e.message
      : b.dataset[name === 'InvalidStateError' ? 'sayKnown' : name === 'NotAllowedError' || name === 'AbortError' ? 'sayNone' : name === 'TypeError' ? 'sayLost' : 'sayFault']
  toast(words ?? '')
}

let running: AbortController | undefined

/** Offers the passkeys as suggestions of a field until one is chosen; a challenge lasts five minutes, so there is a new one after four. */
async function suggest(b: HTMLElement): Promise<void> {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return
  while (b.isConnected) {
    const mine = (running = new AbortController())
    const renew = window.setTimeout(() => mine.abort('renew'), 240_000)
    try {
      // Nobody has asked for anything yet: where there can't be passkeys, the button goes without a word.
      const offer = await ask(b).catch(() => undefined)
      if (!offer) {
        b.hidden = true
        return
      }
      await ceremony(b, offer, mine.signal, 'conditional')
      return
    } catch (e) {
      if (e === 'renew') continue
      if (e instanceof Refused) say(b, e)
      return // the button remains
    } finally {
      window.clearTimeout(renew)
    }
  }
}

watch('[data-passkey]', (b) => {
  if (!window.PublicKeyCredential) return
  b.hidden = false
  for (const e of document.querySelectorAll<HTMLElement>('[data-passkey-none]')) e.hidden = true
  b.addEventListener('click', () => {
    if (b.getAttribute('aria-busy')) return
    running?.abort('button')
    running = new AbortController()
    b.setAttribute('aria-busy', 'true')
    const { signal } = running
    ask(b)
      .then((offer) => ceremony(b, offer, signal))
      .catch((e: unknown) => say(b, e))
      .finally(() => b.removeAttribute('aria-busy'))
  })
  if (b.dataset['passkey'] === 'get' && document.querySelector('input[autocomplete~="webauthn"]')) void suggest(b)
})
