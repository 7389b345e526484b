import type { ChannelOffset } from '@ducksink/worker'

/** Rows that follow each other, and the channel that they are from. */
interface Run {
  readonly firstRow: number
  readonly channel: string | undefined
}

// an object and its place in the list
const BYTES_PER_RUN = 32

/** The channel and offset of each record of a batch, for the dead letters that some of them may become. */
export class RecordOrigins {
  #offsets = new BigInt64Array(0)
  readonly #runs: Run[] = []

  get byteLength(): number {
    return this.#offsets.byteLength + this.#runs.length * BYTES_PER_RUN
  }

  /** Takes down where a record is from; rows come in their order. */
  note(row: number, at: ChannelOffset | undefined): void {
    if (row >= this.#offsets.length) this.#grow(row)
    this.#offsets[row] = at?.offset ?? 0n
    const run = this.#runs[this.#runs.length - 1]
    if (run === undefined || run.channel !== at?.channel)
      this.#runs.push({ firstRow: row, channel: at?.channel })
  }

  of(row: number): ChannelOffset | undefined {
    const channel = this.#channelOf(row)
    return channel === undefined ? undefined : { channel, offset: this.#offsets[row] as bigint }
  }

  #channelOf(row: number): string | undefined {
    const runs = this.#runs
    let from = 0
    let end = runs.length
    // channels may alternate, so that there are as many runs as rows
    while (from < end) {
      const middle = (from + end) >> 1
      if ((runs[middle] as Run).firstRow <= row) from = middle + 1
      else end = middle
    }
    return runs[from - 1]?.channel
  }

  #grow(row: number): void {
    const grown = new BigInt64Array(Math.max(256, row * 2))
    grown.set(this.#offsets)
    this.#offsets = grown
  }
}
