import type { SinkError, WriteIdentity } from '@ducksink/worker'

/** How a batch is there exactly once: by what it is known again, and who is told what became of it. */
export interface Delivery {
  readonly identity: WriteIdentity
  /** Settled before the batch may be sent. */
  readonly predecessor: Promise<void> | undefined
  /** Why it must not be sent: one before it was not written. */
  refusal(table: string): SinkError | undefined
  /** It is committed. */
  commit(): void
  /** It was not written. */
  refuse(): void
  /** It was written or not. */
  doubt(): void
}

/** A batch that its key names; what becomes of it concerns no other. */
export class KeyedDelivery implements Delivery {
  readonly identity: WriteIdentity
  readonly predecessor: undefined

  constructor(key: string) {
    this.identity = { kind: 'key', key }
  }

  refusal(): undefined {}

  commit(): void {}

  refuse(): void {}

  doubt(): void {}
}
