import { expect, it } from 'vitest'
import { compareFile } from '../src/real-files/comparison.ts'
import { REAL_FILES } from '../src/real-files/files.ts'

// the first month and more; `npm run real-files` takes all 3 million
const MAX_ROWS = 50_000

it.each(REAL_FILES)(
  "$name is inferred and written as DuckDB's own reader has it, cell by cell",
  async (file) => {
    const { rowCount, columns } = await compareFile(file, MAX_ROWS)
    expect(rowCount).toBeGreaterThan(900)
    expect(columns.filter(({ differentCells }) => differentCells > 0)).toEqual([])
    const differing = columns.filter(({ ours, theirs }) => ours !== theirs)
    expect(Object.fromEntries(differing.map(({ name, theirs }) => [name, theirs]))).toEqual(
      Object.fromEntries(Object.entries(file.differences).map(([name, { theirs }]) => [name, theirs])),
    )
  },
)
