import type { Account, BatchAccount } from './account.ts'
import type { FileContent, FoundBatch } from './file-content.ts'
import type { Mode } from './job.ts'
import {
  batchOf,
  CHANNELS,
  type ExpectedBatch,
  expectedOf,
  type PayloadShape,
  positionOf,
} from './payload.ts'

/**
 * What is wrong with what is in a file, or with what was told of it.
 *
 * `lost`: a receipt without its rows. `doubled`: rows more often than they were acknowledged. `torn`: a part of a batch.
 * `ghost`: rows of a batch whose caller was told that it is not written. `untrue`: a receipt with other figures than the
 * file has. `unopenable`: the file, or the engine after it, does not open. `unbounded`: more was held than is allowed. `unmet`: the run did not do what it was for.
 */
export interface Finding {
  readonly kind: 'lost' | 'doubled' | 'torn' | 'ghost' | 'untrue' | 'unopenable' | 'unbounded' | 'unmet'
  readonly message: string
}

/** What a file is compared with. */
export interface Expectation {
  readonly account: Account
  readonly mode: Mode
  readonly shape: PayloadShape
  /** True where commits may be gone with the end of the log, the last ones first. */
  readonly mayLoseLast?: boolean
}

/** Compares a file with what was told of it. */
export function judge(content: FileContent, expectation: Expectation): Finding[] {
  if (content.status === 'unreadable') return [{ kind: 'unopenable', message: content.message }]
  const { account, mode, shape, mayLoseLast = false } = expectation
  const findings: Finding[] = account.contradictions.map((message) => ({ kind: 'untrue', message }))
  const found = new Map<number, FoundBatch>()
  for (const batch of content.batches) {
    if (found.has(batch.number))
      findings.push({ kind: 'torn', message: `batch ${batch.number} is in two tables` })
    found.set(batch.number, batch)
    const told = account.get(batch.number)
    if (told === undefined) findings.push({ kind: 'ghost', message: `batch ${batch.number} was never sent` })
  }
  for (const told of account.batches) {
    const batch = found.get(told.number)
    const expected = expectedOf(batchOf(shape, told.number))
    if (batch !== undefined) findings.push(...judgeWhole(batch, expected), ...judgeReceipt(told, expected))
    findings.push(...judgeCopies(told, batch, { mode, mayBeLost: mayLoseLast }))
  }
  if (mayLoseLast) findings.push(...judgeOrder(account, found))
  if (mode === 'keys') findings.push(...judgeLedger(content.keys, found, shape))
  if (mode === 'channels') findings.push(...judgeChannels(content.offsets, found))
  return findings
}

function judgeWhole(batch: FoundBatch, expected: ExpectedBatch): Finding[] {
  const { number, rows, rowSum, rowSquares, letters, minCopies, maxCopies, wrongRows } = batch
  const findings: Finding[] = []
  if (
    rows !== expected.rows ||
    rowSum !== expected.rowSum ||
    rowSquares !== expected.rowSquares ||
    letters !== expected.letters
  )
    findings.push({
      kind: 'torn',
      message: `batch ${number} has ${rows} of ${expected.rows} rows and ${letters} of ${expected.letters} letters`,
    })
  if (wrongRows > 0)
    findings.push({ kind: 'torn', message: `batch ${number} has ${wrongRows} rows with other values` })
  if (minCopies !== maxCopies)
    findings.push({
      kind: 'torn',
      message: `some rows of batch ${number} are there ${minCopies} times, some ${maxCopies}`,
    })
  return findings
}

function judgeReceipt(
  { number, rowCount, deadLetterCount }: BatchAccount,
  expected: ExpectedBatch,
): Finding[] {
  if (rowCount === undefined || (rowCount === expected.rows && deadLetterCount === expected.letters))
    return []
  const message = `the receipt of batch ${number} says ${rowCount} rows and ${deadLetterCount} letters, not ${expected.rows} and ${expected.letters}`
  return [{ kind: 'untrue', message }]
}

function judgeCopies(
  told: BatchAccount,
  batch: FoundBatch | undefined,
  { mode, mayBeLost }: { readonly mode: Mode; readonly mayBeLost: boolean },
): Finding[] {
  const { number, receipts, duplicates, rejections, unknowns } = told
  const copies = batch?.maxCopies ?? 0
  const isOnce = mode !== 'at-least-once'
  const acknowledged = isOnce ? Math.min(1, receipts + duplicates) : receipts
  const most = isOnce ? Math.min(1, receipts + duplicates + unknowns) : receipts + unknowns
  if (isOnce && receipts > 1)
    return [
      {
        kind: 'untrue',
        message: `batch ${number} has ${receipts} receipts that say it was written just then`,
      },
    ]
  if (copies < acknowledged && !mayBeLost)
    return [
      { kind: 'lost', message: `batch ${number} has ${acknowledged} receipts and is there ${copies} times` },
    ]
  if (copies <= most) return []
  if (most === 0)
    return [
      {
        kind: 'ghost',
        message: `batch ${number} is there, and was ${rejections} times rejected as not written`,
      },
    ]
  return [
    {
      kind: 'doubled',
      message: `batch ${number} is there ${copies} times, at most ${most} are accounted for`,
    },
  ]
}

/** Where the end of the log is gone, what is left is all that was committed up to some moment. */
function judgeOrder(account: Account, found: ReadonlyMap<number, FoundBatch>): Finding[] {
  const acknowledged = account.batches
    .filter(({ receipts }) => receipts > 0)
    .sort((a, b) => a.order - b.order)
  const firstLost = acknowledged.findIndex(({ number }) => !found.has(number))
  if (firstLost === -1) return []
  return acknowledged
    .slice(firstLost)
    .filter(({ number }) => found.has(number))
    .map(({ number }) => ({
      kind: 'lost',
      message: `batch ${acknowledged[firstLost]?.number} is gone, and batch ${number}, which was committed later, is there`,
    }))
}

function judgeLedger(
  keys: readonly string[],
  found: ReadonlyMap<number, FoundBatch>,
  shape: PayloadShape,
): Finding[] {
  const inFile = new Set([...found.keys()].map((number) => batchOf(shape, number).key))
  const inLedger = new Set(keys)
  const findings: Finding[] = []
  for (const key of inFile)
    if (!inLedger.has(key))
      findings.push({ kind: 'torn', message: `key ${key} has rows and no entry in the ledger` })
  for (const key of inLedger)
    if (!inFile.has(key))
      findings.push({ kind: 'torn', message: `key ${key} has an entry in the ledger and no rows` })
  return findings
}

/** A source is there up to its committed offset: no record further, and none missing. */
function judgeChannels(
  committed: readonly { readonly channel: string; readonly highest: number }[],
  found: ReadonlyMap<number, FoundBatch>,
): Finding[] {
  const counts = new Map<string, number>()
  const highest = new Map<string, number>()
  for (const number of found.keys()) {
    const { channel, offset } = positionOf(number)
    counts.set(channel, (counts.get(channel) ?? 0) + 1)
    highest.set(channel, Math.max(highest.get(channel) ?? 0, Number(offset)))
  }
  const inLedger = new Map(committed.map((at) => [at.channel, at.highest]))
  return CHANNELS.flatMap((channel): Finding[] => {
    const [count = 0, last = 0, ledger = 0] = [
      counts.get(channel),
      highest.get(channel),
      inLedger.get(channel),
    ]
    if (count === last && last === ledger) return []
    const message = `"${channel}" has ${count} records up to offset ${last}, and offset ${ledger} is committed`
    return [{ kind: 'torn', message }]
  })
}
