// The server's clock, which in the demo town runs faster than ours: <html data-now data-speed data-zone>.
const root = document.documentElement.dataset
const speed = Number(root['speed']) || 1
const base = Number(root['now']) || Date.now()
const nav = performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming | undefined
// The page was rendered when its first byte left, not when this script ran.
const began = performance.timeOrigin + (nav?.responseStart ?? performance.now())

/** The server's time now, in milliseconds since 1970. */
export const now = (): number => base + (Date.now() - began) * speed

/** The server's time now as RFC 3339. */
export const stamp = (): string => new Date(now()).toISOString()
