import type { ChannelOffset, CommittedWrite } from '@ducksink/worker'
import type { BatchSource } from './batch-source.ts'
import type { Delivery } from './delivery.ts'

/** One batch to be sent, and who is told of it; of the last three one is called, once. */
export interface Consignment {
  readonly source: BatchSource
  readonly key: string | undefined
  readonly at: ChannelOffset | undefined
  /** Present where the batch is to be there exactly once. */
  readonly delivery: Delivery | undefined
  readonly onEncoded: (rowCount: number) => void
  /** Nothing of it is written: its rows have no table. */
  readonly onLeftOut: () => void
  readonly onCommitted: (commit: Commit) => void
  readonly onFailed: (error: unknown) => void
}

/** How a batch was committed. */
export interface Commit {
  readonly sequence: number
  readonly byteLength: number
  /** Present where it was committed before. */
  readonly duplicateOf?: CommittedWrite | undefined
}
