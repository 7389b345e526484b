// One listener a signal for all engines of the process, there only while one asks for it. Where the app has one of its
// own, to end the process is the app's to do.

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

const closings = new Set<() => Promise<void>>()
let isDraining = false

/** Has SIGTERM and SIGINT call this; returns what undoes it. */
export function handleSignals(close: () => Promise<void>): () => void {
  if (closings.size === 0) for (const signal of SIGNALS) process.prependListener(signal, onSignal)
  closings.add(close)
  return () => {
    if (closings.delete(close) && closings.size === 0 && !isDraining) ignore()
  }
}

function ignore(): void {
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

async function onSignal(signal: NodeJS.Signals): Promise<void> {
  // told now, before all others: Node takes a listener for once away as it calls it
  const isForApp = process.listenerCount(signal) > 1
  if (isDraining) {
    if (!isForApp) endBy(signal)
    return
  }
  isDraining = true
  // what is not settled at the deadline was told to its caller, or will not be
  await Promise.allSettled([...closings].map((close) => close()))
  isDraining = false
  if (!isForApp) endBy(signal)
  if (closings.size === 0) ignore()
}

/** Ends the process as the signal does without listeners. */
function endBy(signal: NodeJS.Signals): void {
  ignore()
  process.kill(process.pid, signal)
}
