import type { WriteStream } from 'node:tty'
import { SingleBar } from 'cli-progress'

/** Shows how far the bench has come. */
export interface Progress {
  /** So many steps more are to come. */
  expect(steps: number): void
  /** A step is done, and this is what it showed. */
  advance(scenario: string, what: string): void
  stop(): void
}

/** A bar on a terminal, a line a step elsewhere. */
export function createProgress(stream: WriteStream): Progress {
  return stream.isTTY ? new ProgressBar(stream) : new ProgressLines(stream)
}

class ProgressBar implements Progress {
  readonly #bar: SingleBar
  #steps = 0

  constructor(stream: WriteStream) {
    this.#bar = new SingleBar({
      stream,
      format: '{bar} {value}/{total} | {eta_formatted} left | {scenario} {what}',
      barCompleteChar: '\u2588',
      barIncompleteChar: '\u2591',
      barsize: 24,
      hideCursor: true,
      gracefulExit: false,
      // Steps are seconds apart, and differ much in length.
      etaBuffer: 40,
    })
    this.#bar.start(0, 0, { scenario: '', what: '' })
  }

  expect(steps: number): void {
    this.#steps += steps
    this.#bar.setTotal(this.#steps)
  }

  advance(scenario: string, what: string): void {
    this.#bar.increment(1, { scenario, what })
  }

  stop(): void {
    this.#bar.stop()
  }
}

class ProgressLines implements Progress {
  readonly #stream: WriteStream
  #steps = 0
  #done = 0

  constructor(stream: WriteStream) {
    this.#stream = stream
  }

  expect(steps: number): void {
    this.#steps += steps
  }

  advance(scenario: string, what: string): void {
    this.#done++
    this.#stream.write(`${`${this.#done}/${this.#steps}`.padStart(7)} ${scenario.padEnd(24)} ${what}\n`)
  }

  stop(): void {}
}
