import type { InsertAnswer, InsertReply, InsertRequest, SinkError } from '@ducksink/worker'
import type { WorkerClient } from './worker-client.ts'

// A message costs each thread some 30 us, more than a small write does by itself.
const MAX_MESSAGE_BYTES = 2 ** 18

/** A part on its way to the worker, and who waits for the answer. */
export interface Outgoing {
  readonly request: InsertRequest
  readonly byteLength: number
  /** Why it must not be sent any more, where it had to wait for a worker. */
  readonly refusal: () => SinkError | undefined
  readonly onReply: (reply: InsertReply) => void
  /** The worker ended before it answered. */
  readonly onLoss: (error: unknown) => void
}

/** Sends parts in order; small whole writes that are there together share a message. */
export class Outbox {
  readonly #client: WorkerClient
  readonly #maxWrites: number
  #outgoing: Outgoing[] = []
  #bytes = 0
  #isHeld = false

  constructor(client: WorkerClient, maxWrites: number) {
    this.#client = client
    this.#maxWrites = maxWrites
  }

  /** Takes a part; it leaves at the next {@link flush}, or at once where nothing can share its message. */
  post(outgoing: Outgoing): void {
    this.#outgoing.push(outgoing)
    this.#bytes += outgoing.byteLength
    const { first, last } = outgoing.request
    const isWhole = first && last
    if (!isWhole || this.#outgoing.length >= this.#maxWrites || this.#bytes >= MAX_MESSAGE_BYTES) this.flush()
  }

  /** Sends what is there; to be called before waiting for anything. */
  flush(): void {
    if (this.#outgoing.length === 0) return
    if (!this.#client.isRunning) {
      void this.#hold()
      return
    }
    const outgoing = this.#outgoing
    this.#outgoing = []
    this.#bytes = 0
    this.#client.insert(outgoing.map(({ request }) => request)).then(
      (answers) => {
        for (let index = 0; index < outgoing.length; index++)
          this.#onAnswer(outgoing[index] as Outgoing, answers[index] as InsertAnswer)
      },
      (error: unknown) => {
        for (const { onLoss } of outgoing) onLoss(error)
      },
    )
  }

  /** Keeps what is there until there is a worker, and then sends what may still be sent. */
  async #hold(): Promise<void> {
    if (this.#isHeld) return
    this.#isHeld = true
    const failure: unknown = await this.#client.running().catch((error: unknown) => error)
    this.#isHeld = false
    const held = this.#outgoing.splice(0)
    this.#bytes = 0
    for (const outgoing of held) {
      const refusal = failure ?? outgoing.refusal()
      if (refusal === undefined) this.post(outgoing)
      else outgoing.onLoss(refusal)
    }
    this.flush()
  }

  #onAnswer({ request, onReply, onLoss }: Outgoing, answer: InsertAnswer): void {
    if (answer.status === 'deferred') this.#client.insertReply(request.writeId).then(onReply, onLoss)
    else onReply(answer)
  }
}
