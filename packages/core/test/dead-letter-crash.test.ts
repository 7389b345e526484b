import { expect, it } from 'vitest'
import { runFixture } from './child.ts'
import { LETTER_TABLES, letterBatch } from './fixtures/letter-batches.ts'
import { databasePath, openEngine } from './open-engine.ts'

const SQL = `
  SELECT batch, rows, letters FROM
    (SELECT batch, count(*)::INTEGER AS rows FROM batches GROUP BY batch) FULL JOIN
    (SELECT key::INTEGER AS batch, count(*)::INTEGER AS letters FROM batches_dead_letters GROUP BY key) USING (batch)
  ORDER BY batch`

it.each([1, 12, 25])(
  'a process killed after %i receipts leaves the rows and the letters of a batch, or neither',
  async (count) => {
    const path = databasePath()
    const child = runFixture('letter-writer', [path])
    for (let receipt = 0; receipt < count; receipt++) await child.nextLine()
    const { signal, lines } = await child.kill()
    expect(signal).toBe('SIGKILL')
    const engine = await openEngine({ path, tables: LETTER_TABLES })
    const found = await engine.query<{ batch: number; rows: number; letters: number }>(SQL)
    expect(found).toEqual(found.map(({ batch }) => ({ batch, ...letterBatch(batch).counts })))
    const there = new Set(found.map(({ batch }) => batch))
    expect(lines.filter((line) => !there.has(Number(line)))).toEqual([])
  },
)
