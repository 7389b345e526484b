/** Settles as the promise does, or rejects with the signal's reason as soon as that is aborted. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Settles as the promise does, or rejects with what `error` makes when the time is up. */
export async function unlessTimedOut<T>(
  promise: Promise<T>,
  timeoutMs: number | undefined,
  error: () => Error,
): Promise<T> {
  if (timeoutMs === undefined) return promise
  const timedOut = Promise.withResolvers<never>()
  const timer = setTimeout(() => timedOut.reject(error()), timeoutMs)
  try {
    return await Promise.race([promise, timedOut.promise])
  } finally {
    clearTimeout(timer)
  }
}
