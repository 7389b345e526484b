import type { WriteStream } from 'node:tty'
import { SingleBar } from 'cli-progress'

/** Shows how many rows are committed. */
export interface Progress {
  /** So many rows more, of that month. */
  advance(rows: number, month: string): void
  stop(): void
}

/** A bar on a terminal, a line a month elsewhere. */
export function createProgress(totalRows: number, stream: WriteStream): Progress {
  return stream.isTTY ? new ProgressBar(totalRows, stream) : new ProgressLines(stream)
}

class ProgressBar implements Progress {
  readonly #bar: SingleBar

  constructor(totalRows: number, stream: WriteStream) {
    this.#bar = new SingleBar({
      stream,
      format: '{bar} {percentage}% | {value} flights | {month}',
      formatValue: (value, _options, type) =>
        type === 'value' ? value.toLocaleString('en').padStart(9) : String(value),
      barCompleteChar: '\u2588',
      barIncompleteChar: '\u2591',
      hideCursor: true,
      gracefulExit: false,
    })
    this.#bar.start(totalRows, 0, { month: '' })
  }

  advance(rows: number, month: string): void {
    this.#bar.increment(rows, { month })
  }

  stop(): void {
    this.#bar.stop()
  }
}

class ProgressLines implements Progress {
  readonly #stream: WriteStream
  #month = ''
  #rows = 0

  constructor(stream: WriteStream) {
    this.#stream = stream
  }

  advance(rows: number, month: string): void {
    if (month !== this.#month) this.stop()
    this.#month = month
    this.#rows += rows
  }

  stop(): void {
    if (this.#rows > 0) this.#stream.write(`${this.#month} ${this.#rows.toLocaleString('en')} flights\n`)
    this.#rows = 0
  }
}
