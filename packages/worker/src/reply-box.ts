import type { InsertAnswer, InsertReply, InsertRequest } from './protocol/insert-messages.ts'

/** Holds the replies to parts that shared a message with one that is to be run again, until main calls for them. */
export class ReplyBox {
  readonly #deferred = new Map<number, Promise<InsertReply>>()

  /**
   * Resolves when all have their reply, or one of them is `run-again`: main must hear of that at once, as those after
   * it wait for it.
   */
  async answer(
    requests: readonly InsertRequest[],
    replies: readonly Promise<InsertReply>[],
  ): Promise<readonly InsertAnswer[]> {
    const settled: InsertReply[] = []
    await new Promise<void>((resolve) => {
      replies.forEach(async (promise, index) => {
        const reply = await promise
        settled[index] = reply
        if (reply.status === 'run-again' || index === replies.length - 1) resolve()
      })
    })
    return requests.map(({ writeId }, index) => {
      const reply = settled[index]
      if (reply !== undefined) return reply
      this.#deferred.set(writeId, replies[index] as Promise<InsertReply>)
      return { status: 'deferred' }
    })
  }

  /** The reply that was deferred. */
  async take(writeId: number): Promise<InsertReply> {
    const reply = this.#deferred.get(writeId)
    if (reply === undefined) throw new Error(`no reply to write ${writeId} was deferred`)
    this.#deferred.delete(writeId)
    return reply
  }
}
