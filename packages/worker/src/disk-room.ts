import { rmSync } from 'node:fs'
import { open, rm, stat, statfs } from 'node:fs/promises'
import { errorKind, isDiskFull, messageOf } from './duckdb-error.ts'

// Some blocks of 256 KiB, and what a small write adds to the log. No more, however long the log is: it may never be
// that there is as much again, and a checkpoint, which most often needs far less, makes room of it.
const ENOUGH_BYTES = 2 ** 20

/** Whether the disk that a database file is on has room for more. */
export class DiskRoom {
  readonly #file: string
  readonly #probe: string
  #state: 'roomy' | 'full' | 'invalidated' = 'roomy'
  /** Settled while the database is not invalidated. */
  #valid: PromiseWithResolvers<void> | undefined

  constructor(file: string) {
    this.#file = file
    this.#probe = `${file}.ducksink-probe`
    // one that was killed while it tried has left this
    rmSync(this.#probe, { force: true })
  }

  /** True from the first write that found no room until {@link look} finds some. */
  get isFull(): boolean {
    return this.#state !== 'roomy'
  }

  /** True where DuckDB takes and gives nothing any more: a checkpoint found no room. */
  get isInvalidated(): boolean {
    return this.#state === 'invalidated'
  }

  /** Hears what a call of DuckDB failed with. */
  failed(error: unknown): void {
    if (!isDiskFull(error)) return
    const isLost = errorKind(error) === 'FATAL' || messageOf(error).includes('has been invalidated')
    if (isLost) {
      this.#state = 'invalidated'
      this.#valid ??= Promise.withResolvers()
    } else if (this.#state === 'roomy') this.#state = 'full'
  }

  /** Resolves when the database is not, or no longer, invalidated. */
  get valid(): Promise<void> {
    return this.#valid?.promise ?? Promise.resolve()
  }

  /** The database was opened anew. */
  reopened(): void {
    this.#state = 'full'
    this.#valid?.resolve()
    this.#valid = undefined
  }

  /**
   * Tries whether there is room again, by a file beside the database that goes at once: what a file system says is
   * free may be kept from this user by a quota.
   */
  async look(): Promise<boolean> {
    if ((await this.freeBytes()) < ENOUGH_BYTES || !(await this.#takesEnough())) return false
    this.#state = 'roomy'
    return true
  }

  /** Bytes of the write-ahead log. */
  async logBytes(): Promise<number> {
    const log = await stat(`${this.#file}.wal`).catch(() => undefined)
    return log?.size ?? 0
  }

  /** Bytes that the file system says are free; as many as may be, where it says nothing. */
  async freeBytes(): Promise<number> {
    const told = await statfs(this.#file).catch(() => undefined)
    return told === undefined ? Number.POSITIVE_INFINITY : told.bavail * told.bsize
  }

  async #takesEnough(): Promise<boolean> {
    try {
      // not with the module: to load it takes 3 ms
      const { randomFillSync } = await import('node:crypto')
      const file = await open(this.#probe, 'w')
      try {
        // a file system may store a page of zeros as nothing
        await file.writeFile(randomFillSync(Buffer.allocUnsafe(ENOUGH_BYTES)))
        // some find out only now
        await file.datasync()
      } finally {
        await file.close()
      }
      return true
    } catch {
      return false
    } finally {
      await rm(this.#probe, { force: true }).catch(() => undefined)
    }
  }
}
