import type { Flight } from './flight-file.ts'

/** Flights of one month, to be written as one unit. */
export interface FlightBatch {
  /** The month and the batch's number in it, such as `2001-01/3`. */
  readonly key: string
  readonly month: string
  readonly flights: readonly Flight[]
}

/** Cuts flights, which come in the order of their departure, into batches that each belong to one month. */
export async function* batchesByMonth(
  slices: AsyncIterable<readonly Flight[]>,
  maxBatchRows: number,
): AsyncGenerator<FlightBatch> {
  let batch: MonthBatch | undefined
  for await (const slice of slices) {
    for (let taken = 0; taken < slice.length; ) {
      batch ??= new MonthBatch(slice[taken]!.date)
      taken = batch.fill(slice, taken, maxBatchRows)
      if (taken === slice.length) break
      yield batch
      batch = batch.next(slice[taken]!.date)
    }
  }
  if (batch !== undefined) yield batch
}

class MonthBatch implements FlightBatch {
  readonly month: string
  readonly flights: Flight[] = []
  readonly #number: number
  readonly #monthEnd: number

  /** @param date - a day of the month. */
  constructor(date: Date, number = 1) {
    this.month = date.toISOString().slice(0, 7)
    this.#number = number
    this.#monthEnd = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
  }

  get key(): string {
    return `${this.month}/${this.#number}`
  }

  /** Takes flights from `start` on, until one of a later month or `maxRows`; returns where it ended. */
  fill(slice: readonly Flight[], start: number, maxRows: number): number {
    const end = Math.min(slice.length, start + maxRows - this.flights.length)
    for (let i = start; i < end; i++) {
      const flight = slice[i]!
      if (flight.date.getTime() >= this.#monthEnd) return i
      this.flights.push(flight)
    }
    return end
  }

  /** The batch after this one, which begins on that day. */
  next(date: Date): MonthBatch {
    return new MonthBatch(date, date.getTime() < this.#monthEnd ? this.#number + 1 : 1)
  }
}
