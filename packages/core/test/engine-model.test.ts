import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Receipt, SinkEngine, type SinkEngineOptions, type SinkError } from '../src/index.ts'
import { databasePath } from './open-engine.ts'
import { readFile } from './read-file.ts'

// Engines, one after another on one file, are called at random: batches by key and by channel, again, changed, bad, as
// records and as columns, aborted at any moment. What they answered is compared with what another process finds.

/** `npm run test:model` tries more. */
const RUNS = Number(process.env.MODEL_RUNS ?? 8)

/** A batch that fails has this for a number. */
const BAD = 'no number'

/** One call of a write, and what became of it. */
interface Call {
  readonly batch: number
  readonly rowCount: number
  readonly kind: 'good' | 'bad' | 'changed'
  readonly key?: string
  readonly channel?: string
  readonly offset?: bigint
  outcome?: Receipt | string
}

interface Row {
  readonly batch: number
  readonly row: number
}

interface Way {
  readonly asColumns: boolean
  /** Turns of the event loop until it is aborted. */
  readonly abortAfter: number | undefined
}

/** An app, the file that it writes, and all that it was told. */
class World {
  readonly path = databasePath()
  readonly calls: Call[] = []
  /** By channel, offsets that a skip may have left out. */
  readonly skipped = new Map<string, Set<bigint>>()
  readonly #options: Partial<SinkEngineOptions>
  #engine: SinkEngine | undefined
  #pending: Promise<void>[] = []
  #nextBatch = 0
  readonly #nextOffsets = new Map<string, bigint>()

  constructor(options: Partial<SinkEngineOptions>) {
    this.#options = options
  }

  async open(): Promise<void> {
    const tables = { t: { columns: { batch: 'INTEGER', row: 'INTEGER' } } }
    this.#engine = await SinkEngine.open({
      ...{ path: this.path, deliveryMode: 'exactly-once', tables },
      ...this.#options,
    })
    for (const channel of CHANNELS) await this.#readOn(channel)
  }

  async close(isEarly: boolean): Promise<void> {
    if (!isEarly) await this.settle()
    await this.#engine?.close()
    // a close waits for all that was called before
    expect(this.calls.filter(({ outcome }) => outcome === undefined)).toEqual([])
    expect(this.#engine).toMatchObject({ state: 'closed', bufferedBytes: 0, bufferedBatches: 0 })
  }

  async settle(): Promise<void> {
    await Promise.all(this.#pending.splice(0))
  }

  writeKeyed(rowCount: number, kind: 'good' | 'bad', way: Way): void {
    const batch = this.#nextBatch++
    this.#call({ batch, rowCount, kind, key: `key ${batch}` }, way)
  }

  /** A batch comes again, as it was or, where it is known to be there, with other values. */
  writeAgain(back: number, isChanged: boolean, way: Way): void {
    const keyed = this.calls.filter(({ key, kind }) => key !== undefined && kind === 'good')
    const before = keyed.at(-1 - (back % Math.max(1, keyed.length)))
    if (before === undefined) return
    const { batch, rowCount, key = '' } = before
    const kind = isChanged && isReceipt(before.outcome) ? 'changed' : 'good'
    this.#call({ batch, rowCount, kind, key }, way)
  }

  writeNext(channel: string, rowCount: number, kind: 'good' | 'bad', way: Way): void {
    const offset = this.#nextOffsets.get(channel) ?? 0n
    this.#nextOffsets.set(channel, offset + 1n)
    this.#call({ batch: batchAt(channel, offset), rowCount, kind, channel, offset }, way)
  }

  async resume(channel: string, resolution: 'skip' | 'retry'): Promise<void> {
    await this.settle()
    await this.#engine?.resolveFailure(channel, resolution)
    const committed = await this.#readOn(channel)
    const last = this.calls.findLast((call) => call.channel === channel && call.offset === committed)
    // what is left out was tried, and failed for its own sake
    if (last !== undefined && !isReceipt(last.outcome)) {
      expect(last.outcome).not.toBe('PRECEDING_BATCH_FAILED')
      this.skipped.set(channel, (this.skipped.get(channel) ?? new Set()).add(committed))
    }
  }

  /** The app goes on with its source from where that is committed. */
  async #readOn(channel: string): Promise<bigint> {
    const committed = (await this.#engine?.committedOffset(channel)) ?? -1n
    this.#nextOffsets.set(channel, committed + 1n)
    return committed
  }

  #call(call: Call, { asColumns, abortAfter }: Way): void {
    const { batch, rowCount, kind, key, channel, offset } = call
    const engine = this.#engine as SinkEngine
    const controller = new AbortController()
    const { signal } = controller
    const named = key === undefined ? { channel: channel as string, offset: offset as bigint } : { key }
    const records = Array.from({ length: rowCount }, (_, row) => ({
      batch,
      row: valueAt(kind, row, rowCount),
    }))
    const columns = { batch: records.map((one) => one.batch), row: records.map(({ row }) => row) }
    const written = asColumns
      ? engine.writeColumns('t', columns, { ...named, signal })
      : engine.write('t', records, { ...named, signal })
    this.calls.push(call)
    this.#pending.push(
      written.then(
        (receipt) => {
          call.outcome = receipt
        },
        (error: SinkError | 'aborted') => {
          call.outcome = error === 'aborted' ? error : error.code
        },
      ),
    )
    if (abortAfter !== undefined) void abortLater(controller, abortAfter)
  }
}

const isReceipt = (outcome: Call['outcome']): outcome is Receipt => typeof outcome === 'object'

const CHANNELS = ['a', 'b']

const batchAt = (channel: string, offset: bigint): number =>
  1_000_000 * (1 + CHANNELS.indexOf(channel)) + Number(offset)

function valueAt(kind: Call['kind'], row: number, rowCount: number): number | string {
  if (row < rowCount - 1 || kind === 'good') return row
  return kind === 'bad' ? BAD : -1
}

async function abortLater(controller: AbortController, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await setImmediate()
  controller.abort('aborted')
}

/** The batches that another process finds, each with its rows in their order. */
async function batchesIn(path: string): Promise<Map<number, number[]>> {
  const batches = new Map<number, number[]>()
  const rows = (await readFile(path, 'SELECT batch, row FROM t ORDER BY rowid')) as readonly unknown[]
  for (const { batch, row } of rows as readonly Row[]) {
    const known = batches.get(batch)
    if (known === undefined) batches.set(batch, [row])
    else known.push(row)
  }
  return batches
}

function expectKept({ calls, skipped }: World, batches: Map<number, number[]>): void {
  const written = calls.filter(({ outcome }) => isReceipt(outcome) && !outcome.duplicate)
  // nothing twice, nothing that was not told, and all of what was
  const wanted = written.filter(({ rowCount }) => rowCount > 0)
  expect([...batches.keys()].sort((a, b) => a - b)).toEqual(
    wanted.map(({ batch }) => batch).sort((a, b) => a - b),
  )
  for (const { batch, rowCount } of wanted)
    expect(batches.get(batch)).toEqual(Array.from({ length: rowCount }, (_, row) => row))
  const bySequence = (one: Call): number => (one.outcome as Receipt).sequence
  const inOrder = [...wanted].sort((one, other) => bySequence(one) - bySequence(other))
  expect([...batches.keys()]).toEqual(inOrder.map(({ batch }) => batch))
  expect(new Set(written.map(bySequence)).size).toBe(written.length)
  for (const { kind, outcome } of calls) {
    if (kind === 'changed') expect(['KEY_CONFLICT', 'aborted', 'BACKPRESSURE']).toContain(outcome)
    if (kind === 'bad') expect(isReceipt(outcome) && !outcome.duplicate).toBe(false)
  }
  for (const channel of CHANNELS) {
    const offsets = written.flatMap((call) => (call.channel === channel ? (call.offset as bigint) : []))
    const holes = new Set<bigint>()
    for (let offset = 0n; offset < (offsets.at(-1) ?? 0n); offset++)
      if (!offsets.includes(offset)) holes.add(offset)
    for (const offset of skipped.get(channel) ?? []) holes.delete(offset)
    expect([...holes]).toEqual([])
  }
}

type Step = (world: World) => void | Promise<void>

const often = (times: number): fc.Arbitrary<boolean> => fc.nat(times - 1).map((chance) => chance === 0)
const way: fc.Arbitrary<Way> = fc.record({
  asColumns: often(4),
  abortAfter: fc.option(fc.nat(6), { freq: 3, nil: undefined }),
})
const kind = often(8).map((isBad) => (isBad ? 'bad' : 'good') as 'bad' | 'good')
const rowCount = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 1, max: 5 }) },
  { weight: 2, arbitrary: fc.integer({ min: 2_040, max: 2_060 }) },
  { weight: 1, arbitrary: fc.integer({ min: 8_190, max: 20_000 }) },
)
const channel = fc.constantFrom(...CHANNELS)

const writeKeyed = fc.tuple(rowCount, kind, way).map(
  ([...of]): Step =>
    (world) =>
      world.writeKeyed(...of),
)
const writeAgain = fc.tuple(fc.nat(6), often(4), way).map(
  ([...of]): Step =>
    (world) =>
      world.writeAgain(...of),
)
const writeNext = fc.tuple(channel, rowCount, kind, way).map(
  ([...of]): Step =>
    (world) =>
      world.writeNext(...of),
)
const resume = fc.tuple(channel, fc.constantFrom('skip' as const, 'retry' as const)).map(
  ([...of]): Step =>
    (world) =>
      world.resume(...of),
)
const reopen = fc.boolean().map(
  (isEarly): Step =>
    async (world) => {
      await world.close(isEarly)
      await world.open()
    },
)
const step = fc.oneof(
  { weight: 8, arbitrary: writeKeyed },
  { weight: 5, arbitrary: writeAgain },
  { weight: 12, arbitrary: writeNext },
  { weight: 3, arbitrary: resume },
  { weight: 2, arbitrary: fc.constant<Step>(async () => void (await setImmediate())) },
  { weight: 1, arbitrary: fc.constant<Step>((world) => world.settle()) },
  { weight: 1, arbitrary: reopen },
)
const options: fc.Arbitrary<Partial<SinkEngineOptions>> = fc.record({
  groupCommit: fc.oneof(
    fc.constant(false as const),
    fc.record({ maxBatches: fc.constantFrom(1, 3, 128), maxDelayMs: fc.constantFrom(0, 30) }),
  ),
  maxBufferedBytes: fc.constantFrom(1_000, 100_000, 2 ** 26),
  whenFull: fc.constantFrom('block', 'block', 'reject'),
})

it(
  'what receipts and errors have said is what another process finds, whatever was called',
  async () => {
    await fc.assert(
      fc.asyncProperty(options, fc.array(step, { minLength: 20, maxLength: 70 }), async (opened, steps) => {
        const world = new World(opened)
        await world.open()
        try {
          for (const run of steps) await run(world)
        } finally {
          await world.close(false)
        }
        expectKept(world, await batchesIn(world.path))
      }),
      { numRuns: RUNS, endOnFailure: true },
    )
  },
  RUNS * 10_000,
)
