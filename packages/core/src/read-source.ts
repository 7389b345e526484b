import { InvalidOptionsError } from '@ducksink/worker'
import { unlessAborted } from './race.ts'

/** What a source's items are handed to. */
export interface SourceSink<T> {
  /** Takes an item; false where the next one must wait for {@link pause}. */
  take(item: T): boolean
  /** Resolves when there is room again. */
  pause(): Promise<void>
}

/** Hands on what a source gives, as fast as the sink takes it; an aborted signal ends even a source that only waits. */
export async function readSource<T>(
  source: Iterable<T> | AsyncIterable<T>,
  sink: SourceSink<T>,
  signal: AbortSignal | undefined,
): Promise<void> {
  // a promise an item costs more than the item: an iterable that is not async is read without
  if (Symbol.iterator in source) {
    for (const item of source) if (!sink.take(item)) await sink.pause()
  } else {
    await readAsync(source[Symbol.asyncIterator](), sink, signal)
  }
}

async function readAsync<T>(
  iterator: AsyncIterator<T>,
  sink: SourceSink<T>,
  signal: AbortSignal | undefined,
): Promise<void> {
  let isTaking = false
  try {
    for (;;) {
      isTaking = false
      const next = await unlessAborted(iterator.next(), signal)
      if (next.done === true) return
      isTaking = true
      if (!sink.take(next.value)) await sink.pause()
    }
  } catch (error) {
    const isAborted = signal?.aborted === true
    // a source that failed has ended by itself
    const returned = isTaking || isAborted ? Promise.resolve(iterator.return?.()) : undefined
    const ended = returned?.catch(() => undefined)
    // one that is aborted may wait for what never comes, and would return only after that
    if (!isAborted) await ended
    throw error
  }
}

/** @throws {@link InvalidOptionsError} for what is no iterable. */
export function requireIterable(name: string, value: unknown): void {
  const isObject = typeof value === 'object' && value !== null
  if (isObject && (Symbol.iterator in value || Symbol.asyncIterator in value)) return
  throw new InvalidOptionsError(`${name} must be an iterable of records`, {}, 'INVALID_ARGUMENT')
}
