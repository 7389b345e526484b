import { expect, it } from 'vitest'
import { Account } from '../src/account.ts'
import type { FoundBatch } from '../src/file-content.ts'
import type { Report } from '../src/job.ts'
import { judge } from '../src/judge.ts'
import { batchOf, expectedOf, PLAIN_TABLE } from '../src/payload.ts'

const shape = { seed: 1, maxRows: 100, badOneIn: 0, evolvingOneIn: 0 }

const receiptOf = (batch: number, duplicate = false): Report => {
  const { rows } = expectedOf(batchOf(shape, batch))
  return { kind: 'receipt', batch, rowCount: rows, deadLetterCount: 0, duplicate, sequence: batch }
}

function foundOf(number: number, different: Partial<FoundBatch> = {}): FoundBatch {
  const { rows, rowSum, rowSquares, letters } = expectedOf(batchOf(shape, number))
  const copies = { minCopies: 1, maxCopies: 1, wrongRows: 0 }
  return { number, table: PLAIN_TABLE, rows, rowSum, rowSquares, letters, ...copies, ...different }
}

function findings(
  told: readonly Report[],
  batches: readonly FoundBatch[],
  keys?: readonly string[],
  mayLoseLast = false,
) {
  const account = new Account()
  const app = account.open()
  for (const report of told) app.take(report)
  app.end()
  const all = keys ?? batches.map(({ number }) => batchOf(shape, number).key)
  const content = { status: 'read', batches, keys: all, offsets: [] } as const
  return judge(content, { account, mode: 'keys', shape, mayLoseLast }).map(({ kind }) => kind)
}

const sent = (batch: number): Report => ({ kind: 'sent', batch })
const rejected = (batch: number, isDefinite: boolean): Report => ({
  kind: 'rejected',
  ...{ batch, isDefinite, code: 'ANY', message: '' },
})

it('finds nothing where the file agrees with what was told', () => {
  const told = [sent(1), sent(2), sent(3), sent(4), receiptOf(1), rejected(2, true), rejected(3, false)]
  expect(findings(told, [foundOf(1)])).toEqual([])
  expect(findings(told, [foundOf(1), foundOf(3), foundOf(4)])).toEqual([])
})

it.each([
  ['a receipt without rows', [sent(1), receiptOf(1)], [], 'lost'],
  ['a part of a batch', [sent(1), receiptOf(1)], [foundOf(1, { rows: 1 })], 'torn'],
  ['other values', [sent(1), receiptOf(1)], [foundOf(1, { wrongRows: 1 })], 'torn'],
  ['letters that are missing or too many', [sent(1), receiptOf(1)], [foundOf(1, { letters: 1 })], 'torn'],
  [
    'a batch that is there twice',
    [sent(1), receiptOf(1)],
    [foundOf(1, { minCopies: 2, maxCopies: 2 })],
    'doubled',
  ],
  [
    'rows of which some are there twice',
    [sent(1), rejected(1, false)],
    [foundOf(1, { maxCopies: 2 })],
    'torn',
  ],
  ['a batch that was rejected as not written', [sent(1), rejected(1, true)], [foundOf(1)], 'ghost'],
  ['a batch that was never sent', [], [foundOf(1)], 'ghost'],
  [
    'two receipts that both say it was written then',
    [sent(1), receiptOf(1), receiptOf(1)],
    [foundOf(1)],
    'untrue',
  ],
] as const)('finds %s', (_, told, batches, kind) => {
  expect(findings(told, batches)).toContain(kind)
})

it('finds a ledger that does not agree with the rows', () => {
  const told = [sent(1), receiptOf(1)]
  expect(findings(told, [foundOf(1)], [])).toEqual(['torn'])
  expect(findings(told, [foundOf(1)], [batchOf(shape, 1).key, batchOf(shape, 2).key])).toEqual(['torn'])
})

it('lets only the last commits be lost where the end of the log is gone', () => {
  const told = [sent(1), sent(2), sent(3), receiptOf(1), receiptOf(2), receiptOf(3)]
  expect(findings(told, [foundOf(1), foundOf(2)], undefined, true)).toEqual([])
  expect(findings(told, [foundOf(1), foundOf(3)], undefined, true)).toEqual(['lost'])
})
