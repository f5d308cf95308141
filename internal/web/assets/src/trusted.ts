// The one Trusted Types policy of the pages, "town". It lets through markup that this server rendered (templ escapes what people wrote)
// and that htmx or our own islands insert. Scripts inside inserted markup are emptied, and script addresses must be of our own origin.
interface Policy {
  createHTML(s: string): string
  createScript(s: string): string
  createScriptURL(s: string): string
}

const rules: Policy = {
  createHTML: (s) => s,
  createScript: () => '',
  createScriptURL: (s) => {
    const url = new URL(s, location.href)
    if (url.origin !== location.origin) throw new TypeError('script of another origin')
    return url.href
  },
}

const factory = (window as { trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } }).trustedTypes

export const policy: Policy = factory ? factory.createPolicy('town', rules) : rules
