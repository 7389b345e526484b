import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

const BLOCKS_START = 3 * 4096
export const BLOCK_BYTES: number = 256 * 1024
const PAGE_BYTES = 4096
export const PAGES: number = BLOCK_BYTES / PAGE_BYTES

/** A file whose last checkpoint ended after it had written its metadata, and before its header. */
export interface CutCheckpoint {
  /** The file before the checkpoint began. */
  readonly before: Buffer
  readonly after: Buffer
  /** What the log is when the checkpoint ends; none where the transaction went into the checkpoint without it. */
  readonly log: Buffer | undefined
  /** The blocks of metadata, and those of them that the checkpoint has written in place. */
  readonly metadata: readonly number[]
  readonly blocks: readonly number[]
}

/** Cuts off a checkpoint of a copy of this file, after more was done to it. */
export async function cutCheckpoint(path: string, more = 'CHECKPOINT'): Promise<CutCheckpoint> {
  const copy = `${path}.cut`
  copyFileSync(path, copy)
  if (existsSync(`${path}.wal`)) copyFileSync(`${path}.wal`, `${copy}.wal`)
  const before = readFileSync(copy)
  const metadata = await onFile(copy, async (connection) => {
    const rows = await connection.runAndReadAll('SELECT block_id FROM pragma_metadata_info()')
    await connection.run("SET debug_checkpoint_abort = 'after_free_list_write'")
    const refused = await connection.run(more).then(
      () => '',
      (error: Error) => error.message,
    )
    if (!refused.includes('Checkpoint aborted')) throw new Error(`not cut off: ${refused}`)
    return rows.getRows().map(([id]) => Number(id))
  })
  const after = readFileSync(copy)
  const log = existsSync(`${copy}.wal`) ? readFileSync(`${copy}.wal`) : undefined
  const isChanged = (id: number): boolean => !blockOf(before, id).equals(blockOf(after, id))
  return { before, after, log, metadata, blocks: metadata.filter(isChanged) }
}

/** Which part of the checkpoint has come to the disk. */
export interface Tear {
  readonly block: number
  /** How many pages of the block are the checkpoint's. */
  readonly pages: number
  /** True where the other blocks are written. */
  readonly isLast: boolean
}

/** The file that a kill leaves while the checkpoint writes a block of metadata. */
export function tear({ before, after }: CutCheckpoint, { block, pages, isLast }: Tear): Buffer {
  const torn = Buffer.from(isLast ? after : before)
  blockOf(before, block).copy(blockOf(torn, block))
  blockOf(after, block).copy(blockOf(torn, block), 0, 0, pages * PAGE_BYTES)
  return torn
}

/** Lays a file down as a process leaves it that is killed. */
export function leave(path: string, content: Buffer, { log }: Pick<CutCheckpoint, 'log'>): void {
  writeFileSync(path, content)
  if (log !== undefined) writeFileSync(`${path}.wal`, log)
}

export const blockOf = (file: Buffer, id: number): Buffer =>
  file.subarray(BLOCKS_START + id * BLOCK_BYTES, BLOCKS_START + (id + 1) * BLOCK_BYTES)

/** Attaches a file to an instance of its own, as the engine does. */
export async function onFile<T>(
  path: string,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    await connection.run(`ATTACH '${path}' AS target`)
    await connection.run('USE target')
    return await work(connection)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
