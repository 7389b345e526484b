import { existsSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import type { CutFile, CutRequest, FileContent, FoundBatch, VerifyRequest } from './file-content.ts'
import { batchesSql, EVOLVING_TABLE, lettersSql, PLAIN_TABLE } from './payload.ts'

// The verifying process: reads what is in a file, with DuckDB alone and without changing it. It is also the one that has a
// checkpoint cut off, as no other process of the suite loads DuckDB.

type Row = Readonly<Record<string, unknown>>

process.on('disconnect', () => process.exit())
process.on('message', async (request: VerifyRequest | CutRequest) => {
  const answered: Promise<FileContent | CutFile> = request.kind === 'read' ? read(request) : cut(request)
  process.send?.(await answered.catch(({ message }: Error) => ({ status: 'unreadable', message })))
})

async function cut({ path }: CutRequest): Promise<CutFile> {
  const instance = await DuckDBInstance.create(':memory:')
  try {
    const connection = await instance.connect()
    await connection.run(`ATTACH '${path}' AS target`)
    await connection.run('USE target')
    const blocks = await connection.runAndReadAll('SELECT block_id FROM pragma_metadata_info()')
    await connection.run("SET debug_checkpoint_abort = 'after_free_list_write'")
    await connection.run('CHECKPOINT').catch(() => undefined)
    connection.closeSync()
    return { status: 'cut', metadata: blocks.getRows().map(([id]) => Number(id)) }
  } finally {
    instance.closeSync()
  }
}

async function read({ path, by }: VerifyRequest): Promise<FileContent> {
  if (!existsSync(path)) return { status: 'read', batches: [], keys: [], offsets: [] }
  const instance =
    by === 'path'
      ? await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' })
      : await DuckDBInstance.create(':memory:')
  try {
    const connection = await instance.connect()
    const rows = async (sql: string): Promise<readonly Row[]> =>
      (await connection.runAndReadAll(sql)).getRowObjects()
    if (by === 'attach') await connection.run(`ATTACH '${path}' AS target (READ_ONLY, TYPE duckdb)`)
    if (by === 'attach') await connection.run('USE target')
    const tables = new Set(
      (await rows('SELECT table_name FROM duckdb_tables()')).map(({ table_name }) => table_name),
    )
    const batches: FoundBatch[][] = []
    for (const table of [PLAIN_TABLE, EVOLVING_TABLE]) {
      if (!tables.has(table)) continue
      const letters = tables.has(`${table}_dead_letters`) ? await rows(lettersSql(table)) : []
      batches.push(foundBatches(table, await rows(batchesSql(table)), letters))
    }
    const keys = tables.has('ducksink_ledger') ? await rows('SELECT key FROM ducksink_ledger') : []
    const offsets = tables.has('ducksink_offsets')
      ? await rows('SELECT channel, max("offset") AS highest FROM ducksink_offsets GROUP BY channel')
      : []
    connection.closeSync()
    return {
      status: 'read',
      batches: batches.flat(),
      keys: keys.map(({ key }) => String(key)),
      offsets: offsets.map(({ channel, highest }) => ({
        channel: String(channel),
        highest: Number(highest),
      })),
    }
  } finally {
    instance.closeSync()
  }
}

function foundBatches(table: string, rows: readonly Row[], letterRows: readonly Row[]): FoundBatch[] {
  const letters = new Map(letterRows.map((row) => [row.batch as number, row]))
  const found = rows.map((row) => {
    const own = letters.get(row.batch as number)
    letters.delete(row.batch as number)
    return foundBatch(table, row, own)
  })
  // rows that are gone while their letters are there
  for (const own of letters.values())
    found.push(foundBatch(table, { ...own, rows: 0, row_sum: 0, row_squares: 0, wrong: 0 }, own))
  return found
}

function foundBatch(table: string, row: Row, letters: Row | undefined): FoundBatch {
  return {
    number: row.batch as number,
    table,
    rows: row.rows as number,
    rowSum: row.row_sum as number,
    rowSquares: row.row_squares as number,
    minCopies: Math.min(
      row.min_copies as number,
      (letters?.min_copies as number) ?? Number.POSITIVE_INFINITY,
    ),
    maxCopies: Math.max(row.max_copies as number, (letters?.max_copies as number) ?? 0),
    wrongRows: row.wrong as number,
    letters: (letters?.rows as number) ?? 0,
  }
}
