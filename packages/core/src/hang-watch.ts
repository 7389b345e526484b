// A native call that does not return leaves no other trace than that nothing comes any more.

// As many turns of the event loop must have found nothing: time alone would take a main thread that was busy itself, or
// a machine that slept, for a worker that hangs.
const TICKS = 10

/** Notices that calls are pending and the worker has not got on with them for long. */
export class HangWatch {
  readonly #timeoutMs: number
  readonly #onHang: () => void
  #timer: NodeJS.Timeout | undefined
  #pending = 0
  #ticks = 0
  #isPaused = false

  /** @param timeoutMs - how long nothing may come; 0: for ever */
  constructor(timeoutMs: number, onHang: () => void) {
    this.#timeoutMs = timeoutMs
    this.#onHang = onHang
  }

  /** A call was made that is to be answered within the time. */
  begin(): void {
    if (this.#pending++ === 0) this.#ticks = 0
    if (this.#timer !== undefined || this.#timeoutMs === 0) return
    this.#timer = setInterval(() => this.#tick(), this.#timeoutMs / TICKS)
    this.#timer.unref()
  }

  /** Such a call was answered. */
  end(): void {
    this.#pending--
  }

  /** The worker has got on. */
  progress(): void {
    this.#ticks = 0
  }

  /** While the worker does what may take long, nothing need come. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused
    this.#ticks = 0
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    // the timer of an engine at rest costs it nothing
    if (this.#pending === 0) this.stop()
    else if (!this.#isPaused && ++this.#ticks > TICKS) this.#onHang()
  }
}
