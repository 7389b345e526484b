import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect } from 'vitest'
import { batchSize } from './fixtures/numbered-batches.ts'
import { readFile } from './read-file.ts'

const SQL = `
  SELECT batch, count(*)::INTEGER AS rows, sum("row")::INTEGER AS sum FROM batches GROUP BY batch ORDER BY batch`

/** Has another process read a file: its numbered batches are whole, and those with a receipt are among them. */
export async function expectWholeBatches(path: string, receipts: readonly number[]): Promise<number[]> {
  const found = await readFile(path, SQL)
  const batches = found.map(({ batch }) => batch as number)
  const whole = batches.map((batch) => {
    const rows = batchSize(batch)
    return { batch, rows, sum: (rows * (rows - 1)) / 2 }
  })
  expect(found).toEqual(whole)
  const there = new Set(batches)
  expect(receipts.filter((batch) => !there.has(batch))).toEqual([])
  return batches
}

/** The lock files, and what is left of any, in the directory of a database file. */
export function locksBeside(path: string): string[] {
  return readdirSync(dirname(path)).filter((file) => file.includes('.ducksink-lock'))
}
