import { join } from 'node:path'
import { SinkEngine } from '@ducksink/core'
import { TemporaryDirectory } from './demo/temporary-directory.ts'
import { median, pairRatios } from './statistics.ts'
import { formatFigure, formatTable } from './text-table.ts'
import { createRecords, WORKLOAD_COLUMNS_SQL, type WorkloadRecord } from './workload.ts'

// What bad records cost: a batch with ten of them beside a clean one, in turn, so that noise meets all alike.

const BATCH_ROWS = 122_880
const BAD_ROWS = 10
const ROUNDS = 9

/** A way in which a record is bad, and a table that minds. */
interface Case {
  readonly title: string
  readonly constraint: string
  spoil(record: WorkloadRecord, first: WorkloadRecord): object
}

const CASES: readonly Case[] = [
  {
    title: '10 values that their column refuses',
    constraint: '',
    spoil: (record) => ({ ...record, age: 'old' }),
  },
  {
    title: '10 violations of a CHECK',
    constraint: ', CHECK (age >= 0)',
    spoil: (record) => ({ ...record, age: -1 }),
  },
  {
    title: '10 keys twice in a PRIMARY KEY',
    constraint: ', PRIMARY KEY (id)',
    spoil: (record, { id }) => ({ ...record, id }),
  },
]

async function measure(
  path: string,
  { constraint, spoil }: Case,
): Promise<readonly [clean: number[], spoilt: number[]]> {
  const createTableSql = `CREATE TABLE t (${WORKLOAD_COLUMNS_SQL}${constraint})`
  const engine = await SinkEngine.open({ path, tables: { t: { createTableSql, badRecords: 'dead-letter' } } })
  const times: readonly [clean: number[], spoilt: number[]] = [[], []]
  for (let round = -1; round < ROUNDS; round++) {
    for (const isSpoilt of [false, true]) {
      const firstId = (2 * (round + 1) + Number(isSpoilt)) * BATCH_ROWS
      const records: object[] = createRecords({ firstId, rows: BATCH_ROWS })
      const step = Math.floor(BATCH_ROWS / BAD_ROWS)
      const first = records[0] as WorkloadRecord
      for (let bad = 1; isSpoilt && bad <= BAD_ROWS; bad++)
        records[bad * step - 1] = spoil(records[bad * step - 1] as WorkloadRecord, first)
      globalThis.gc?.()
      const { durationMs, deadLetterCount } = await engine.write('t', records)
      if (deadLetterCount !== (isSpoilt ? BAD_ROWS : 0)) throw new Error(`${deadLetterCount} dead letters`)
      if (round >= 0) times[Number(isSpoilt)]?.push(durationMs)
    }
  }
  await engine.close()
  return times
}

const rows: string[][] = []
for (const target of ['memory', 'file'] as const) {
  for (const one of CASES) {
    using directory = new TemporaryDirectory()
    const path = target === 'memory' ? ':memory:' : join(directory.path, 'bad.duckdb')
    const [clean, spoilt] = await measure(path, one)
    const figures = [median(clean), median(spoilt), median(pairRatios(spoilt, clean))]
    rows.push([one.title, target, ...figures.map(formatFigure)])
  }
}
const header = [`one batch of ${BATCH_ROWS} x 8`, 'target', 'clean, ms', 'with them, ms', 'ratio']
process.stdout.write(`${formatTable(header, rows)}\n`)
