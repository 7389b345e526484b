import type { CommittedWrite, LedgerEntry, LedgerReply, WriteIdentity } from '@ducksink/worker'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type LostOutcome, LostWrites } from '../src/lost-writes.ts'
import type { WorkerThread } from '../src/worker-thread.ts'

const FIGURES = {
  ...{ rowCount: 1, deadLetterCount: 0, skippedCount: 0 },
  ...{ discardedRowCount: 0, discardedValueCount: 0 },
}
const entryOf = (hash: string, table = '"t"'): LedgerEntry => ({
  ...{ table, tableName: 't', digest: { version: 1, hash }, figures: FIGURES },
})
const keyed = (key: string): WriteIdentity => ({ kind: 'key', key })
const at = (channel: string, offset: bigint) => ({ channel, offset, generation: 0 })

/** A worker whose ledger has these writes. */
function threadWith(writes: Readonly<Record<string, CommittedWrite>>): Pick<WorkerThread, 'call'> {
  const call = (_method: string, keys: readonly string[]): Promise<LedgerReply> =>
    Promise.resolve({ status: 'read', writes: keys.map((key) => writes[key]) })
  return { call: call as WorkerThread['call'] }
}

const committedAs = (hash: string, sequence: number, table = '"t"'): CommittedWrite => ({
  ...FIGURES,
  ...{ sequence, table, digest: { version: 1, hash } },
})

const NOT_WRITTEN: LostOutcome = { status: 'not-written' }
const UNKNOWN: LostOutcome = { status: 'unknown' }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('a write with a key is committed where the ledger has that payload for that table, and not written otherwise', async () => {
  const lost = new LostWrites(() => 6)
  const asked = [
    lost.ask({ identity: keyed('there'), entry: entryOf('a') }, true),
    lost.ask({ identity: keyed('absent'), entry: entryOf('a') }, true),
    lost.ask({ identity: keyed('other payload'), entry: entryOf('a') }, true),
    lost.ask({ identity: keyed('other table'), entry: entryOf('a') }, true),
    lost.ask({ identity: keyed('other spelling'), entry: entryOf('a', '"T"') }, true),
    lost.ask({ identity: keyed('other version'), entry: entryOf('a') }, true),
  ]
  await lost.settle(
    threadWith({
      there: committedAs('a', 7),
      'other payload': committedAs('b', 3),
      'other table': committedAs('a', 4, '"u"'),
      'other spelling': committedAs('a', 8),
      'other version': { ...committedAs('b', 9), digest: { version: 0, hash: 'b' } },
    }),
    [],
  )
  expect(await Promise.all(asked)).toEqual([
    { status: 'committed', sequence: 7 },
    NOT_WRITTEN,
    NOT_WRITTEN,
    NOT_WRITTEN,
    { status: 'committed', sequence: 8 },
    { status: 'committed', sequence: 9 },
  ])
  expect(lost.outcomes).toEqual({ committed: 3, 'not-written': 3, unknown: 0 })
  expect(lost.lastSequence).toBe(12)
})

it('a write with offsets is committed where those of all its channels are', async () => {
  const lost = new LostWrites(() => 6)
  const asked = [
    [at('a', 1n)],
    [at('a', 2n), at('b', 5n)],
    [at('a', 3n)],
    [at('a', 2n), at('b', 6n)],
    [at('c', 1n)],
  ].map((offsets) => lost.ask({ identity: { kind: 'offsets', offsets } }, true))
  await lost.settle(threadWith({}), [
    { channel: 'a', offset: 2n },
    { channel: 'b', offset: 5n },
  ])
  expect(await Promise.all(asked)).toEqual([
    { status: 'committed', sequence: 7 },
    { status: 'committed', sequence: 8 },
    NOT_WRITTEN,
    NOT_WRITTEN,
    NOT_WRITTEN,
  ])
})

it('a write without a name, or of an engine that cannot restart, is left open at once', async () => {
  const lost = new LostWrites(() => 0)
  expect(await lost.ask({}, true)).toEqual(UNKNOWN)
  expect(await lost.ask({ identity: keyed('k'), entry: entryOf('a') }, false)).toEqual(UNKNOWN)
})

it('a write is left open when a second is nearly over, whatever the next worker finds later', async () => {
  const lost = new LostWrites(() => 0)
  const asked = lost.ask({ identity: keyed('k'), entry: entryOf('a') }, true)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await asked).toEqual(UNKNOWN)
  await lost.settle(threadWith({ k: committedAs('a', 1) }), [])
  expect(lost.outcomes).toEqual({ committed: 0, 'not-written': 0, unknown: 1 })
})

it('a ledger that cannot be read leaves the question to the next worker', async () => {
  const lost = new LostWrites(() => 0)
  const asked = lost.ask({ identity: keyed('k'), entry: entryOf('a') }, true)
  const broken = { call: () => Promise.reject(new Error('gone')) } as unknown as WorkerThread
  await expect(lost.settle(broken, [])).rejects.toThrow('gone')
  await lost.settle(threadWith({ k: committedAs('a', 1) }), [])
  expect(await asked).toEqual({ status: 'committed', sequence: 1 })
})
