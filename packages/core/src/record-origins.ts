import type { ChannelOffset } from '@ducksink/worker'

/** Rows that follow each other, and the channel that they are from. */
interface Run {
  readonly firstRow: number
  readonly channel: string | undefined
}

/** The channel and offset of each record of a batch, for the dead letters that some of them may become. */
export class RecordOrigins {
  #offsets = new BigInt64Array(0)
  readonly #runs: Run[] = []

  get byteLength(): number {
    return this.#offsets.byteLength
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
    const channel = this.#runs.findLast(({ firstRow }) => firstRow <= row)?.channel
    return channel === undefined ? undefined : { channel, offset: this.#offsets[row] as bigint }
  }

  #grow(row: number): void {
    const grown = new BigInt64Array(Math.max(256, row * 2))
    grown.set(this.#offsets)
    this.#offsets = grown
  }
}
