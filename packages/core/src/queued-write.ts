import type { ChannelOffset } from '@ducksink/worker'
import type { BatchSource } from './batch-source.ts'
import type { Delivery } from './delivery.ts'
import type { Dispatch } from './dispatch.ts'
import type { Receipt } from './receipt.ts'

/** A write from the call to its receipt or failure. */
export interface QueuedWrite {
  readonly source: BatchSource
  readonly key: string | undefined
  readonly at: ChannelOffset | undefined
  readonly delivery: Delivery | undefined
  readonly startedAt: number
  /** What is left of the bytes that admission expects of this write. */
  expectedBytes: number
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (reason: unknown) => void
  removeAbortListener: () => void
  /** Its way to the worker, once it is on it. */
  dispatch: Dispatch | undefined
  /** True from its receipt or failure on: whichever comes first is its end. */
  isSettled: boolean
  readonly settled: Promise<void>
  readonly isCounted: boolean
}
