import { expect, it } from 'vitest'
import { expectWholeBatches, locksBeside } from './batches-in-file.ts'
import { runFixture } from './child.ts'
import { BATCH_TABLES, batchRows } from './fixtures/numbered-batches.ts'
import { databasePath, openEngine } from './open-engine.ts'

/** Kills a process while it writes, and gives the batches of which it had a receipt. */
async function killWriter(path: string, receiptsBefore: number): Promise<number[]> {
  const child = runFixture('busy-writer', ['go on', '0', path])
  for (let count = 0; count < receiptsBefore; count++) await child.nextLine()
  const { signal, lines } = await child.kill()
  expect(signal).toBe('SIGKILL')
  expect(locksBeside(path)).toHaveLength(1)
  return lines.map((line) => Number(line.split(' ')[1]))
}

it.each([1, 30, 75])(
  'a process killed after %i receipts leaves whole batches, those of its receipts among them',
  async (count) => {
    const path = databasePath()
    await expectWholeBatches(path, await killWriter(path, count))
  },
)

it('an engine opens the file of a process that was killed, and writes on', async () => {
  const path = databasePath()
  const receipts = await killWriter(path, 40)
  const engine = await openEngine({ path, tables: BATCH_TABLES })
  const next = 1 + Math.max(...receipts) + 100
  await engine.write('batches', batchRows(next))
  await engine.close()
  await expectWholeBatches(path, [...receipts, next])
  expect(locksBeside(path)).toEqual([])
})
