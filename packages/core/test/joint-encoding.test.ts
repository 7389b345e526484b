import { PartReader, type TableLayout } from '@ducksink/worker'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { EncodedAhead } from '../src/batch-source.ts'
import { Encoders } from '../src/encoders.ts'
import { encodeTogether } from '../src/joint-encoding.ts'
import { RecordsSource } from '../src/records-source.ts'
import { DEFAULT_TABLE_OPTIONS } from '../src/resolved-tables.ts'
import { TableState } from '../src/table-state.ts'
import { TimeSlice } from '../src/time-slice.ts'

const COLUMNS = ['a', 'b'].map((name) => ({ name, type: 'VARCHAR' }))
const layout: TableLayout = { layoutId: 1, columns: COLUMNS }

const lengths = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 200 }) },
  { weight: 1, arbitrary: fc.integer({ min: 20_000, max: 300_000 }) },
)
const batches = fc.array(fc.array(lengths, { minLength: 1, maxLength: 64 }), { minLength: 1, maxLength: 64 })

it('however long the strings turn out to be, a part that batches share is about one message', async () => {
  await fc.assert(
    fc.asyncProperty(batches, async (plan) => {
      const reply = async () => ({ status: 'present', layout }) as const
      const worker = { prepareTable: reply, evolveTable: reply }
      const table = new TableState({ name: 't' }, DEFAULT_TABLE_OPTIONS, worker)
      await table.describe()
      table.measured(1, 50)
      const context = { slice: new TimeSlice(), encoders: new Encoders((bytes) => new ArrayBuffer(bytes)) }
      const line = plan.map((rows) => {
        const records = rows.map((length) => ({ a: 'x'.repeat(length), b: `${length}` }))
        return { source: new RecordsSource(table, records, context) }
      })
      encodeTogether(line, 64, context)
      const encoded = line.map(({ source }) => source.ahead)
      const count = encoded.indexOf(undefined)
      // those that are encoded come first, and have their rows of one part one after another
      const ahead = (count === -1 ? encoded : encoded.slice(0, count)) as EncodedAhead[]
      expect(encoded.filter((each) => each !== undefined)).toHaveLength(ahead.length)
      let from = 0
      for (const [index, { part }] of ahead.entries()) {
        expect(part.rowCount).toBe(plan[index]?.length)
        if (ahead.length === 1) break
        expect(part.buffer).toBe(ahead[0]?.part.buffer)
        expect(part.rows).toEqual({ from, to: from + part.rowCount })
        from += part.rowCount
      }
      if (ahead.length < 2) return
      expect(new PartReader((ahead[0] as EncodedAhead).part.buffer).rowCount).toBe(from)
      const bytes = ahead.reduce((sum, { part }) => sum + part.byteLength, 0)
      expect(bytes).toBeLessThan(2 ** 18 + 2 ** 12)
    }),
    { numRuns: 50 },
  )
})
