import { BackpressureError, type SinkError } from '@ducksink/worker'

/** The bounds of what an engine holds. */
export interface AdmissionLimits {
  readonly maxBufferedBytes: number
  readonly maxBufferedBatches: number
  readonly whenFull: 'block' | 'reject'
}

// Pressure begins at half of the bounds, so that callers who heed it never meet the refusal at the bounds.
const HIGH_WATER = 0.5

/** Why nothing can be sent for a while. */
export type Suspension = 'no-worker' | 'disk-full'

/** Who is told when pressure begins and ends. */
export interface AdmissionEvents {
  onPressure(on: boolean): void
  /** See {@link Admission.isAtStandstill}. */
  onStandstill(): void
}

// More than this on its way to the worker only makes receipts later and buffers colder.
const MAX_IN_FLIGHT_BYTES = 8 * 2 ** 20

/** Counts what the engine holds, in bytes and batches, and says who has to wait. */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #window: number
  readonly #events: AdmissionEvents
  #isAtStandstill = false
  readonly #suspensions = new Set<Suspension>()
  #batches = 0
  /** Encoded bytes held for batches that are not sent yet: those of collectors. */
  #heldBytes = 0
  /** Encoded bytes sent to the worker and not answered. */
  #sentBytes = 0
  /** What the writes that wait will take when they are encoded, by the measure of earlier ones. */
  #waitingBytes = 0
  #room: { bytes: number; proceed: () => void } | undefined
  #ready: PromiseWithResolvers<void> | undefined
  #readyPromise: Promise<void> = Promise.resolve()
  #failure: SinkError | undefined

  constructor(limits: AdmissionLimits, events: AdmissionEvents) {
    this.#limits = limits
    this.#window = Math.min(MAX_IN_FLIGHT_BYTES, limits.maxBufferedBytes)
    this.#events = events
  }

  get bufferedBytes(): number {
    return this.#heldBytes + this.#sentBytes
  }

  get bufferedBatches(): number {
    return this.#batches
  }

  /** True from the high-water mark on. */
  get underPressure(): boolean {
    return this.#ready !== undefined
  }

  /** True while only what collectors gather makes the pressure: no batch is under way whose end would ease it. */
  get isAtStandstill(): boolean {
    return this.#isAtStandstill
  }

  /** Settled while there is room. */
  get ready(): Promise<void> {
    return this.#readyPromise
  }

  /**
   * Lets a batch in; it counts until {@link leave}.
   * @throws {@link BackpressureError} where there are as many as may be, or with `whenFull: 'reject'` as many bytes.
   */
  enter(expectedBytes: number, table: string): void {
    const { maxBufferedBatches, maxBufferedBytes, whenFull } = this.#limits
    if (this.#batches >= maxBufferedBatches) {
      throw this.#refusal(`${this.#batches} batches wait, which is maxBufferedBatches`, table)
    }
    const isFull = this.#batches > 0 && this.bufferedBytes + this.#waitingBytes >= maxBufferedBytes
    if (whenFull === 'reject' && isFull)
      throw this.#refusal(`maxBufferedBytes (${maxBufferedBytes}) is used up`, table)
    this.#batches++
    this.#waitingBytes += expectedBytes
    this.#update()
  }

  /** Lets in a collector's batch, whose bytes are held already. */
  enterCollected(): void {
    this.#batches++
    this.#update()
  }

  /** A batch is settled. */
  leave(): void {
    this.#batches--
    this.#update()
  }

  /** Some of what `enter` expected is encoded now, or will never be. */
  expectLess(bytes: number): void {
    this.#waitingBytes = Math.max(0, this.#waitingBytes - bytes)
    this.#update()
  }

  /**
   * Checks that a collector may take one more record.
   * @throws {@link BackpressureError} at either bound, and the engine's failure where it has one.
   */
  requireRoom(table: string): void {
    if (this.#failure !== undefined) throw this.#failure
    const { maxBufferedBytes, maxBufferedBatches } = this.#limits
    if (this.bufferedBytes >= maxBufferedBytes) {
      throw this.#refusal(`maxBufferedBytes (${maxBufferedBytes}) is used up`, table)
    }
    if (this.#batches >= maxBufferedBatches) {
      throw this.#refusal(`${this.#batches} batches wait, which is maxBufferedBatches`, table)
    }
  }

  /** Counts bytes of a batch that is not sent yet; a negative number when they are let go. */
  hold(bytes: number): void {
    this.#heldBytes += bytes
    this.#update()
  }

  /** True where a part of so many bytes may be sent; one larger than the bound when nothing else is under way. */
  hasRoom(bytes: number): boolean {
    if (this.#sentBytes === 0) return true
    const { maxBufferedBytes } = this.#limits
    // of parts that are large by themselves one is on its way while the next is inserted
    const window = Math.max(this.#window, 2 * bytes)
    return this.#sentBytes + bytes <= window && this.bufferedBytes + bytes <= maxBufferedBytes
  }

  /** Resolves when {@link hasRoom} has become true, or {@link leaveLine} is called; one at a time may wait. */
  room(bytes: number): Promise<void> {
    return new Promise((proceed) => {
      this.#room = { bytes, proceed }
    })
  }

  /** Ends the waiting for room. */
  leaveLine(): void {
    this.#room?.proceed()
    this.#room = undefined
  }

  /** Counts a part that is sent; it counts until {@link release}. */
  acquire(bytes: number): void {
    this.#sentBytes += bytes
    this.#update()
  }

  /** A part was answered. */
  release(bytes: number): void {
    this.#sentBytes -= bytes
    this.#update()
  }

  /** Makes pressure whatever is held, until {@link resume} is called for each reason that there is. */
  suspend(because: Suspension): void {
    this.#suspensions.add(because)
    this.#update()
  }

  resume(because: Suspension): void {
    this.#suspensions.delete(because)
    this.#update()
  }

  /** Ends all waiting for room, as nothing will be sent any more. */
  fail(error: SinkError): void {
    this.#failure = error
    if (this.#ready === undefined) this.#readyPromise = Promise.reject(error)
    else this.#ready.reject(error)
    this.#readyPromise.catch(() => undefined)
    this.leaveLine()
  }

  #update(): void {
    const room = this.#room
    if (room !== undefined && this.hasRoom(room.bytes)) {
      this.#room = undefined
      room.proceed()
    }
    const { maxBufferedBatches, maxBufferedBytes } = this.#limits
    const bytes = this.bufferedBytes + this.#waitingBytes
    const isHigh =
      bytes >= maxBufferedBytes * HIGH_WATER || this.#batches >= Math.max(1, maxBufferedBatches * HIGH_WATER)
    const isOn = isHigh || this.#suspensions.size > 0
    if (isOn !== this.underPressure) this.#setPressure(isOn)
    const wasAtStandstill = this.#isAtStandstill
    this.#isAtStandstill = isHigh && this.#batches === 0
    if (this.#isAtStandstill && !wasAtStandstill) this.#events.onStandstill()
  }

  #setPressure(isHigh: boolean): void {
    if (isHigh) {
      this.#ready = Promise.withResolvers()
      this.#readyPromise = this.#ready.promise
      this.#readyPromise.catch(() => undefined)
      if (this.#failure !== undefined) this.#ready.reject(this.#failure)
    } else {
      this.#ready?.resolve()
      this.#ready = undefined
    }
    this.#events.onPressure(isHigh)
  }

  #refusal(because: string, table: string): BackpressureError {
    return new BackpressureError(`there is no room for a batch of table "${table}": ${because}`, { table })
  }
}
