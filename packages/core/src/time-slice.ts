/** How long work on the main thread may go on before the app's own events get their turn. */
const MAX_SLICE_MS = 4

/** Shares the event loop: work that takes long asks now and then whether it should yield. */
export class TimeSlice {
  #end = 0

  /** True where the slice is used up. */
  get isSpent(): boolean {
    return performance.now() >= this.#end
  }

  /** Lets the event loop turn once, and begins a new slice. */
  async yield(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.restart()
  }

  restart(): void {
    this.#end = performance.now() + MAX_SLICE_MS
  }
}
