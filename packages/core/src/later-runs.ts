import { errorFromData, type InsertReply, type SinkError } from '@ducksink/worker'
import type { BatchPart } from './batch-parts.ts'
import type { Exchange } from './exchange.ts'
import type { Outbox } from './outbox.ts'

// as many as the worker has for one statement; they are held beside what admission counts room for
const MAX_PARTS_AGAIN = 4

/**
 * The runs of a batch that the worker has asked for once more. It takes nothing else meanwhile, so a few parts at a time
 * go past whatever waits, without asking for room.
 */
export class LaterRuns {
  readonly #exchange: Exchange
  readonly #outbox: Outbox
  /** True where the worker looks at each row, because DuckDB has refused one. */
  #isChecked = false

  constructor(exchange: Exchange, outbox: Outbox) {
    this.#exchange = exchange
    this.#outbox = outbox
  }

  /** Sends the batch as often as the worker asks for it or the records set aside make it necessary; never rejects. */
  async send(because: SinkError): Promise<void> {
    let outcome: 'settled' | 'begin-again' | SinkError = because
    try {
      while (outcome !== 'settled') {
        this.#exchange.beginAgain()
        if (outcome !== 'begin-again') this.#answerTo(outcome)
        outcome = await this.#run()
      }
    } catch (error) {
      await this.#exchange.giveUp(error)
    }
  }

  /** Does what another run needs to end better than the one that failed with this error. */
  #answerTo(error: SinkError): void {
    if (error.code === 'TABLE_CHANGED') this.#exchange.batch.source.table.invalidate()
    else if (this.#isChecked) throw error
    else this.#isChecked = true
  }

  /** One run, with some parts on their way at a time. */
  async #run(): Promise<'settled' | 'begin-again' | SinkError> {
    const exchange = this.#exchange
    exchange.throwIfCancelled()
    const inFlight = new InFlight()
    const parts = exchange.parts({ isChecked: this.#isChecked, settled: () => inFlight.settle(0) })
    for (let first = true; ; first = false) {
      const next = await parts.next()
      const asked = await inFlight.settle(MAX_PARTS_AGAIN - 1)
      if (asked !== undefined) return asked
      if (next === 'begin-again') return next
      if (next === 'left-out') {
        await exchange.abandon()
        exchange.batch.onLeftOut()
        return 'settled'
      }
      exchange.throwIfCancelled()
      inFlight.add(this.#answer(exchange.send(next, first), next))
      this.#outbox.flush()
      if (next.last) return (await inFlight.settle(0)) ?? 'settled'
    }
  }

  /** Takes the answer to a part; gives what the worker asks for yet another run for. */
  async #answer(sent: Promise<InsertReply>, { last, rowOf }: BatchPart): Promise<SinkError | undefined> {
    const exchange = this.#exchange
    const reply = await sent.catch((error: unknown) => {
      if (!last) throw error
      exchange.end(error)
    })
    if (reply === undefined) return undefined
    switch (reply.status) {
      case 'inserted':
        if (rowOf === undefined) return undefined
        for (const { row, fault } of reply.refused)
          exchange.batch.source.badRecords.refuseRow(rowOf(row), fault)
        return undefined
      case 'committed':
        exchange.commit(reply)
        return undefined
      case 'rolled-back': {
        const error = errorFromData(reply.error)
        if (!last) throw error
        exchange.end(error)
        return undefined
      }
      case 'cancelled':
        throw exchange.cancelled?.reason
      case 'run-again':
        return errorFromData(reply.error)
      default:
        return reply satisfies never
    }
  }
}

/** The answers that are awaited, in the order of their parts. */
class InFlight {
  readonly #answers: Promise<SinkError | undefined>[] = []

  add(answer: Promise<SinkError | undefined>): void {
    this.#answers.push(answer)
    // it is awaited later, and told then
    answer.catch(() => undefined)
  }

  /** Resolves when at most so many are left; with what one of them asks for, which ends the run. */
  async settle(left: number): Promise<SinkError | undefined> {
    while (this.#answers.length > left) {
      const asked = await this.#answers.shift()
      if (asked !== undefined) return asked
    }
    return undefined
  }
}
