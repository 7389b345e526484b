import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import duckdb from '@duckdb/node-bindings'
import { Connection } from './connection.ts'
import { firstLine, messageOf } from './duckdb-error.ts'
import { isNoRoom } from './file-error.ts'
import { qualifiedName, quoteLiteral } from './identifier.ts'
import type { WorkerLog } from './log.ts'
import { TargetUnavailableError } from './protocol/errors.ts'
import { type FileTarget, fileAttachError } from './target-file.ts'
import { findTornBlock, type LastCheckpoint, type TornBlock } from './torn-block.ts'

// A process that is killed while a checkpoint writes a block of metadata in place leaves a file that DuckDB refuses, now or
// when that block is first read, for a checksum that is wrong, while everything the checksum is for is there. See torn-block.ts.

/** What is to be done about a torn checkpoint, and what is known of the file. */
export interface TornCheckpointOptions {
  readonly repairs: boolean
  /** True where the engine that had the file last did not close it. */
  readonly wasLeftOpen: boolean
  /** As the target is opened: what DuckDB may load or reach is the same. */
  readonly createInstance: () => Promise<duckdb.Database>
  readonly log: WorkerLog
}

/**
 * Sees to it that the last checkpoint of a file is whole; to be called under the engine's lock, with the file open nowhere
 * in this process.
 *
 * Costs a look for the write-ahead log where the file was closed, and reads the blocks of metadata only where a checkpoint
 * was cut off.
 *
 * @throws {@link TargetUnavailableError} with code `TARGET_TORN` where it is not, and is not to be repaired; with
 * `TARGET_UNAVAILABLE` where a repair does not make it so, with `TARGET_FULL` where there is no room for the block as it
 * is, which both leave the file as it was.
 */
export async function requireWholeCheckpoint(
  target: FileTarget,
  { repairs, wasLeftOpen, createInstance, log }: TornCheckpointOptions,
): Promise<void> {
  const { file } = target
  const refusal = (): Promise<unknown> => refusalOf(target, createInstance)
  const torn = findTorn(file, wasLeftOpen)
  if (torn === undefined) return
  // a checkpoint that another process is making looks the same; who attaches the file next is told of that process
  if (isHeldElsewhere(file, await refusal())) return
  if (findTorn(file, wasLeftOpen)?.checksum !== torn.checksum) return
  if (!repairs) throw tornError(file, torn)
  const kept = repair(file, torn)
  const because = await refusal()
  if (because !== undefined) {
    writeWord(file, torn.location, new DataView(torn.bytes.buffer).getBigUint64(0, true))
    rmSync(kept, { force: true })
    throw unrepaired(file, because)
  }
  log.warn('a checkpoint that was cut off is repaired; the block as it was is kept', {
    target: file,
    blockAt: torn.location,
    keptIn: kept,
  })
}

/** The torn block of a file whose last checkpoint was cut off; none where the file cannot be read, which DuckDB tells. */
function findTorn(file: string, wasLeftOpen: boolean): TornBlock | undefined {
  try {
    return lookForTorn(file, wasLeftOpen)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    return undefined
  }
}

function lookForTorn(file: string, wasLeftOpen: boolean): TornBlock | undefined {
  const log = readEnd(`${file}.wal`)
  const begun = log === undefined ? undefined : begunCheckpoint(log)
  // a transaction that goes straight into a checkpoint leaves no word in the log, and so does whoever has closed the file
  const mayBe = log === undefined ? wasLeftOpen : begun !== undefined
  if (!mayBe || statSync(file, { throwIfNoEntry: false }) === undefined) return undefined
  return findTornBlock(file, ({ root }: LastCheckpoint) => root !== begun)
}

/** More than the entries that a checkpoint puts at the end of the log. */
const END_BYTES = 128

/** The last bytes of a file; nothing where it is absent or empty. */
function readEnd(file: string): Buffer | undefined {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size === 0) return undefined
  const end = Buffer.alloc(Math.min(size, END_BYTES))
  const descriptor = openSync(file, 'r')
  try {
    readSync(descriptor, end, 0, end.length, size - end.length)
  } finally {
    closeSync(descriptor)
  }
  return end
}

// An entry of the log is its length and its checksum, 8 bytes each, then its fields: a number of two bytes, then the value.
// That of a checkpoint is of type 99 and has the pointer to what the checkpoint will write, which is left out where it is 0:
// the first sub-block of the first block. One of type 100 follows.
const FLUSH = Buffer.from('0500000000000000e7fe7d722fed3d5e640064ffff', 'hex')
const ENTRY_HEAD_BYTES = 16
const CHECKPOINT = Buffer.from('6400636500', 'hex')
const POINTER = Buffer.from('6400', 'hex')
const OBJECT_ENDS = Buffer.from('ffffffff', 'hex')

/** The root of the checkpoint that has begun when the log ends; none where the log ends with anything else. */
function begunCheckpoint(end: Buffer): bigint | undefined {
  if (!end.subarray(-FLUSH.length).equals(FLUSH)) return undefined
  const before = end.subarray(0, -FLUSH.length)
  const start = before.lastIndexOf(CHECKPOINT)
  if (start < ENTRY_HEAD_BYTES || !before.subarray(-OBJECT_ENDS.length).equals(OBJECT_ENDS)) return undefined
  if (before.readBigUInt64LE(start - ENTRY_HEAD_BYTES) !== BigInt(before.length - start)) return undefined
  const fields = start + CHECKPOINT.length
  let root = 0n
  if (!before.subarray(fields).subarray(0, POINTER.length).equals(POINTER)) return root
  for (let at = fields + POINTER.length, shift = 0n; at < before.length; at++, shift += 7n) {
    const byte = before[at] as number
    root |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return root
  }
  return undefined
}

/**
 * What DuckDB says against a file that it reads the metadata of, all tables' included, without changing it. The log is left
 * out where it cannot be replayed without that, as where it makes an index: by another name the file has none.
 */
async function refusalOf(
  target: FileTarget,
  createInstance: TornCheckpointOptions['createInstance'],
): Promise<unknown> {
  const refusal = await refusalBy(await createInstance(), target)
  if (!REPLAY_WRITES.test(messageOf(refusal))) return refusal
  const link = `${target.file}.torn-link`
  try {
    rmSync(link, { force: true })
    linkSync(target.file, link)
    return await refusalBy(await createInstance(), { ...target, file: link })
  } catch (error) {
    return error
  } finally {
    rmSync(link, { force: true })
  }
}

const REPLAY_WRITES = /replaying WAL file .*: Could not write file /

async function refusalBy(instance: duckdb.Database, target: FileTarget): Promise<unknown> {
  let connection: Connection | undefined
  try {
    connection = await Connection.open(instance)
    await readMetadata(connection, target)
    return undefined
  } catch (error) {
    return error
  } finally {
    // a connection that is left open keeps the file attached
    connection?.disconnect()
    duckdb.close_sync(instance)
  }
}

async function readMetadata(connection: Connection, { file, beforeAttach }: FileTarget): Promise<void> {
  for (const { sql } of beforeAttach) await connection.run(sql())
  await connection.run(`ATTACH ${quoteLiteral(file)} AS torn (TYPE duckdb, READ_ONLY)`)
  const tables = await connection.rows(
    "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'torn'",
  )
  for (const { schema_name, table_name } of tables) {
    const name = qualifiedName({ catalog: 'torn', schema: String(schema_name), name: String(table_name) })
    // pragma_storage_info finds no name that has quotes in it
    if (!`${schema_name}${table_name}`.includes('"'))
      await connection.rows(`SELECT count(*) FROM pragma_storage_info(${quoteLiteral(name)})`)
    await connection.rows(`SELECT count(*) FROM ${name}`)
  }
}

const isHeldElsewhere = (file: string, refusal: unknown): boolean =>
  refusal !== undefined && fileAttachError(file, refusal).code === 'TARGET_LOCKED'

/** Gives a torn block its checksum; gives the file in which the block is kept as it was. */
function repair(file: string, { bytes, iteration, location, checksum }: TornBlock): string {
  const kept = `${file}.torn-block-${iteration}`
  try {
    // all of it: a single write to a disk that is nearly full ends early, without an error
    writeFileSync(kept, bytes, { flush: true })
    // the name is on the disk with the directory; Windows opens none
    if (process.platform !== 'win32') withFile(dirname(kept), 'r', fsyncSync)
    writeWord(file, location, checksum)
    return kept
  } catch (error) {
    rmSync(kept, { force: true })
    throw isNoRoom(error) ? withoutRoom(file, error) : unrepaired(file, error)
  }
}

/** Writes 8 bytes, which nothing can tear. */
function writeWord(file: string, location: number, word: bigint): void {
  const bytes = new DataView(new ArrayBuffer(8))
  bytes.setBigUint64(0, word, true)
  withFile(file, 'r+', (descriptor) => {
    writeSync(descriptor, bytes, 0, bytes.byteLength, location)
    fsyncSync(descriptor)
  })
}

function withFile(path: string, flags: string, use: (descriptor: number) => void): void {
  const descriptor = openSync(path, flags)
  try {
    use(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function tornError(file: string, { location }: TornBlock): TargetUnavailableError {
  const what = 'whoever had it open was killed while a checkpoint wrote its metadata'
  const state = `the block at byte ${location} has a wrong checksum, while all that is committed should be there`
  const advice = "open it with 'repairTornCheckpoint: true', which verifies that"
  return new TargetUnavailableError(`cannot open ${file}: ${what}: ${state}; ${advice}`, {}, 'TARGET_TORN')
}

function unrepaired(file: string, cause: unknown): TargetUnavailableError {
  const because = firstLine(messageOf(cause))
  const reason = `its last checkpoint is torn, and cannot be repaired: ${because}`
  return new TargetUnavailableError(`cannot open ${file}: ${reason}; it is as it was: restore a copy`, {
    cause,
  })
}

function withoutRoom(file: string, cause: unknown): TargetUnavailableError {
  const reason = 'its last checkpoint is torn, and there is no room beside it to keep the block as it is'
  return new TargetUnavailableError(
    `cannot open ${file}: ${reason}; make room, and open it again`,
    { cause },
    'TARGET_FULL',
  )
}
