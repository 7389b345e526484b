// One listener a signal for all engines of the process, there only while one asks for it.

const SIGNALS = ['SIGTERM', 'SIGINT'] as const
type Signal = (typeof SIGNALS)[number]

const closings = new Set<() => Promise<void>>()
let isDraining = false

/** Has SIGTERM and SIGINT call this; returns what undoes it. */
export function handleSignals(close: () => Promise<void>): () => void {
  if (closings.size === 0) for (const signal of SIGNALS) process.on(signal, onSignal)
  closings.add(close)
  return () => {
    if (closings.delete(close) && closings.size === 0 && !isDraining) ignore()
  }
}

function ignore(): void {
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

async function onSignal(signal: Signal): Promise<void> {
  if (isDraining) {
    endBy(signal)
    return
  }
  isDraining = true
  // what is not settled at the deadline was told to its caller, or will not be
  await Promise.allSettled([...closings].map((close) => close()))
  isDraining = false
  endBy(signal)
  if (closings.size === 0) ignore()
}

/** Ends the process as the signal does without listeners; where the app has one of its own, that is the app's to do. */
function endBy(signal: Signal): void {
  if (process.listenerCount(signal) > 1) return
  ignore()
  process.kill(process.pid, signal)
}
