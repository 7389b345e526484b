import type { SinkError } from '@ducksink/worker'
import { OptionsCheck } from './options-check.ts'
import type { Receipt } from './receipt.ts'

/**
 * What made a collector send a batch: a limit of its own, `bytes` also where the engine has no room for more;
 * `schema` is a table that may have been altered.
 */
export type FlushReason = 'rows' | 'bytes' | 'delay' | 'schema' | 'flush' | 'close'

/** Any record, when its type is not known. */
export type SinkRecord = Record<string, unknown>

/** When a collector sends a batch, and who is told. */
export interface CollectOptions {
  /**
   * Rows of a batch.
   * @defaultValue 122_880, a DuckDB row group
   */
  readonly maxBatchRows?: number
  /**
   * Encoded bytes of a batch.
   * @defaultValue a quarter of `maxBufferedBytes`
   */
  readonly maxBatchBytes?: number
  /**
   * Milliseconds from a batch's first record to its sending.
   * @defaultValue 1_000
   */
  readonly maxDelayMs?: number
  /** Called for every batch that is committed. */
  onReceipt?(receipt: Receipt & { readonly reason: FlushReason }): void
  /** Called for every batch that failed; `records` gives them back. Without it the engine emits `'error'`. */
  onFailure?(error: SinkError, records: () => SinkRecord[]): void
}

/** A collector's options with every default filled in. */
export interface ResolvedCollectOptions {
  readonly maxBatchRows: number
  readonly maxBatchBytes: number
  readonly maxDelayMs: number
  readonly onReceipt: ((receipt: Receipt & { readonly reason: FlushReason }) => void) | undefined
  readonly onFailure: ((error: SinkError, records: () => SinkRecord[]) => void) | undefined
}

/**
 * Checks a collector's options and fills in the defaults.
 * @throws {@link InvalidOptionsError} with every problem at once.
 */
export function resolveCollectOptions(
  options: CollectOptions,
  maxBufferedBytes: number,
): ResolvedCollectOptions {
  const check = new OptionsCheck()
  const fields = ['maxBatchRows', 'maxBatchBytes', 'maxDelayMs', 'onReceipt', 'onFailure', 'signal']
  const given = check.object('options', options, fields)
  const quarter = Math.max(1, Math.floor(maxBufferedBytes / 4))
  const maxBatchRows = check.count('maxBatchRows', given.maxBatchRows, 122_880)
  const maxBatchBytes = check.count('maxBatchBytes', given.maxBatchBytes, quarter)
  const maxDelayMs = check.duration('maxDelayMs', given.maxDelayMs, 1_000)
  check.fn('onReceipt', given.onReceipt)
  check.fn('onFailure', given.onFailure)
  check.done('wrong collector options')
  return {
    maxBatchRows,
    maxBatchBytes,
    maxDelayMs,
    onReceipt: options.onReceipt?.bind(options),
    onFailure: options.onFailure?.bind(options),
  }
}
