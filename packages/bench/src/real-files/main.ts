import { formatTable } from '../text-table.ts'
import { compareFile } from './comparison.ts'
import { REAL_FILES } from './files.ts'

// Loads each real file as a whole and compares every cell; the tests do the same with fewer of the flights.

for (const file of REAL_FILES) {
  const { rowCount, columns } = await compareFile(file)
  const header = ['column', 'ducksink', "DuckDB's reader", 'different cells']
  const rows = columns.map(({ name, ours, theirs, differentCells }) => [
    name,
    ours,
    theirs,
    `${differentCells}`,
  ])
  process.stdout.write(
    `\n${file.name}, ${rowCount.toLocaleString('en')} rows\n\n${formatTable(header, rows)}\n`,
  )
  for (const { name, because } of columns) {
    if (because !== undefined) process.stdout.write(`\n${name}: ${because}\n`)
  }
  if (columns.some(({ differentCells }) => differentCells > 0)) process.exitCode = 1
}
