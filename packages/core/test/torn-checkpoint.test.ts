import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { SinkEngine } from '../src/index.ts'
import { collectLog } from './log-lines.ts'
import { databasePath, numbered, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'
import { hasSmallDisks, smallDisk } from './small-disk.ts'
import {
  BLOCK_BYTES,
  blockOf,
  type CutCheckpoint,
  cutCheckpoint,
  leave,
  onFile,
  PAGES,
  type Tear,
  tear,
} from './torn-file.ts'

const ROWS = 4_000
/** Each a checkpoint; then come those that only the log has. */
const LIVES = 3
const WRITES = 8
const delivery = { deliveryMode: 'exactly-once' } as const
const key = (write: number): string => `write ${write}`
const TORN = { name: 'TargetUnavailableError', code: 'TARGET_TORN', retryable: false }

let onTestRunOver: () => void
let cut: CutCheckpoint
/** The same file, cut off in a checkpoint that has no log. */
let logless: CutCheckpoint

/** A file of an engine that was killed after {@link WRITES} receipts, and what a checkpoint would do to it. */
async function prepare(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ducksink-'))
  onTestRunOver = () => rmSync(directory, { recursive: true, force: true })
  const path = join(directory, 'test.duckdb')
  const killed = join(directory, 'killed.duckdb')
  // so that there is more than one block of metadata
  const columns = Array.from({ length: 1_000 }, (_, column) => `${column} AS c${column}`)
  await onFile(path, (connection) => connection.run(`CREATE TABLE wide AS SELECT ${columns}`))
  for (let life = 0; life < LIVES; life++) {
    const engine = await SinkEngine.open({ path, ...delivery })
    await engine.write('t', numbered(ROWS, life * ROWS), { key: key(life) })
    await engine.close()
  }
  logless = await cutCheckpoint(
    path,
    "SET checkpoint_threshold = '1KB'; INSERT INTO t SELECT -1 FROM range(100000)",
  )
  const engine = await SinkEngine.open({ path, ...delivery })
  for (let write = LIVES; write < WRITES; write++)
    await engine.write('t', numbered(ROWS, write * ROWS), { key: key(write) })
  copyFileSync(path, killed)
  copyFileSync(`${path}.wal`, `${killed}.wal`)
  await engine.close()
  cut = await cutCheckpoint(killed)
}

beforeAll(prepare)
afterAll(() => onTestRunOver())

const someTear = (): Tear => ({ block: cut.blocks[0] as number, pages: 5, isLast: true })

/** Lays down a file for one test. */
function left(content: Buffer, of: Pick<CutCheckpoint, 'log'> = cut): string {
  const path = databasePath()
  leave(path, content, of)
  return path
}

/** What is beside a database whose engine is closed, but for its log. */
const beside = (path: string): string[] =>
  readdirSync(dirname(path)).filter((name) => ![basename(path), `${basename(path)}.wal`].includes(name))

const refusal = (path: string, repairTornCheckpoint = true): Promise<unknown> =>
  rejection(SinkEngine.open({ path, repairTornCheckpoint }))

describe('a file whose last checkpoint was torn by a kill', () => {
  it('is refused by DuckDB, and by the engine with what to do about it', async () => {
    const content = tear(cut, someTear())
    const path = left(content)
    await expect(onFile(path, () => Promise.resolve())).rejects.toThrow(/^IO Error: Corrupt database file/)
    expect(await refusal(path, false)).toMatchObject({
      ...TORN,
      message: expect.stringMatching(/open it with 'repairTornCheckpoint: true'/),
    })
    expect(readFileSync(path).equals(content)).toBe(true)
    expect(beside(path)).toEqual([])
  })

  it('is repaired where that is asked for: every receipt is there and whole, wherever it was torn', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          block: fc.constantFrom(...cut.blocks),
          pages: fc.integer({ min: 1, max: PAGES }),
          isLast: fc.boolean(),
        }),
        async (where) => {
          const content = tear(cut, where)
          const path = left(content)
          const isTorn = !blockOf(content, where.block).equals(blockOf(cut.after, where.block))
          expect(await refused(path)).toBe(isTorn)
          const { logger, lines } = collectLog()
          const engine = await SinkEngine.open({ path, ...delivery, repairTornCheckpoint: true, logger })
          const again = await engine.write('t', numbered(ROWS), { key: key(0) })
          expect(again).toMatchObject({ duplicate: true, rowCount: ROWS })
          await engine.close()
          const kept = beside(path)
          expect(kept).toHaveLength(isTorn ? 1 : 0)
          for (const name of kept) {
            const file = `${dirname(path)}/${name}`
            expect(readFileSync(file).equals(blockOf(content, where.block))).toBe(true)
            expect(lines).toContainEqual(
              expect.objectContaining({ level: 'WARN', target: path, keptIn: file }),
            )
          }
          await expectWhole(path)
        },
      ),
      { numRuns: 4, examples: [[someTear()], [{ ...someTear(), pages: PAGES - 1 }]] },
    )
  })

  it('is told by the lock that was left, where the checkpoint was of a transaction without a log', async () => {
    const content = tear(logless, { ...someTear(), block: logless.blocks[0] as number })
    const path = left(content, logless)
    expect(existsSync(`${path}.wal`)).toBe(false)
    expect(await refusal(path)).toMatchObject({
      code: 'TARGET_UNAVAILABLE',
      message: expect.stringMatching(/Corrupt database file/),
    })
    leaveLock(path)
    expect(await refusal(path, false)).toMatchObject(TORN)
    expect(beside(path)).toEqual(['test.duckdb.ducksink-lock'])
    const engine = await openEngine({ path, repairTornCheckpoint: true })
    expect(await engine.query('SELECT count(*)::INTEGER AS rows FROM t')).toEqual([{ rows: LIVES * ROWS }])
  })

  it('is told where the checkpoint begins in the first sub-block, and repaired where its log makes an index', async () => {
    const path = databasePath()
    for (const sql of [
      `CREATE TABLE t AS SELECT range AS id FROM range(${ROWS}); CREATE TABLE "a ""b"".'c'" (a INTEGER)`,
      `CREATE TABLE wide AS SELECT ${Array.from({ length: 500 }, (_, column) => `1 AS c${column}`)}`,
      'PRAGMA disable_checkpoint_on_shutdown; CREATE INDEX by_id ON t (id)',
    ])
      await onFile(path, (connection) => connection.run(sql))
    const indexed = await cutCheckpoint(path)
    // the pointer is left out where it is 0
    expect(indexed.log?.toString('hex')).toMatch(/6400636500650008ffffffff[0-9a-f]{42}$/)
    const torn = tear(indexed, { block: indexed.blocks[0] as number, pages: 1, isLast: true })
    leave(path, torn, indexed)
    expect(await refusal(path, false)).toMatchObject(TORN)
    const engine = await SinkEngine.open({ path, repairTornCheckpoint: true })
    expect(
      await engine.query(
        'SELECT count(*)::INTEGER AS rows, index_name FROM t, duckdb_indexes() GROUP BY ALL',
      ),
    ).toEqual([{ rows: ROWS, index_name: 'by_id' }])
    await engine.close()
    expect(beside(path).filter((name) => !name.includes('.cut'))).toHaveLength(1)
  })

  it.skipIf(!hasSmallDisks)(
    'is left as it was where there is no room for the block, and repaired when there is (skipped where no disk can be mounted)',
    async () => {
      const content = tear(logless, { ...someTear(), block: logless.blocks[0] as number })
      const { path, fill, free } = smallDisk(content.length + 4 * BLOCK_BYTES)
      leave(path, content, logless)
      leaveLock(path)
      fill(BLOCK_BYTES / 2)
      expect(await refusal(path)).toMatchObject({
        code: 'TARGET_FULL',
        retryable: true,
        message: expect.stringMatching(/no room beside it to keep the block as it is; make room/),
      })
      expect(readFileSync(path).equals(content)).toBe(true)
      expect(beside(path).sort()).toEqual(['ballast', 'test.duckdb.ducksink-lock'])
      free()
      const engine = await SinkEngine.open({ path, repairTornCheckpoint: true })
      expect(await engine.query('SELECT count(*)::INTEGER AS rows FROM t')).toEqual([{ rows: LIVES * ROWS }])
      await engine.close()
      const [kept] = beside(path)
      expect(readFileSync(join(dirname(path), String(kept)))).toHaveLength(BLOCK_BYTES)
    },
  )

  it('is left alone while another process has it', async () => {
    const content = tear(cut, someTear())
    const path = left(cut.before)
    const holder = await holdElsewhere(path)
    // under its hands: the same file, with another content
    writeFileSync(path, content, { flag: 'r+' })
    expect(await refusal(path)).toMatchObject({ code: 'TARGET_LOCKED' })
    expect(readFileSync(path).equals(content)).toBe(true)
    holder.kill('SIGKILL')
    await once(holder, 'close')
    expect(await refusal(path, false)).toMatchObject(TORN)
  })
})

describe('a file with other damage is refused, and left as it was', () => {
  const damages: readonly (readonly [string, (torn: Buffer) => void])[] = [
    ['in a block that the database uses, one byte', (file) => flip(whole(file), usedByte())],
    ['in another block of metadata as well', (file) => void blockOf(file, otherBlock()).fill(7, 300, 400)],
    ['in the main header', (file) => flip(file, 100)],
    ['in a database header', (file) => flip(file, 4096 + 20)],
    ['of a file that is not a database', (file) => void file.fill('no database at all')],
    [
      'that a checkpoint cannot have done',
      (file) => void blockOf(file, someTear().block).fill(1, BLOCK_BYTES - 100),
    ],
  ]

  it.each(damages)('%s', async (_, damage) => {
    const content = tear(cut, someTear())
    damage(content)
    const path = left(content)
    expect(await refusal(path)).toMatchObject({ code: 'TARGET_UNAVAILABLE' })
    expect(readFileSync(path).equals(content)).toBe(true)
    expect(beside(path)).toEqual([])
  })

  it('which the log does not explain', async () => {
    const content = tear(cut, someTear())
    const path = left(content, { log: cut.log?.subarray(0, -60) })
    expect(await refusal(path)).toMatchObject({
      code: 'TARGET_UNAVAILABLE',
      message: expect.stringMatching(/Corrupt database file/),
    })
    expect(readFileSync(path).equals(content)).toBe(true)
  })

  it('which shows only when DuckDB reads what was repaired', async () => {
    const content = tear(cut, someTear())
    blockOf(content, someTear().block).fill(0x5a, usedByte(), usedByte() + 40)
    const path = left(content)
    expect(await refusal(path)).toMatchObject({
      code: 'TARGET_UNAVAILABLE',
      message: expect.stringMatching(/cannot be repaired: .*it is as it was/s),
    })
    expect(readFileSync(path).equals(content)).toBe(true)
    expect(beside(path)).toEqual([])
  })

  it('of its data, which the log goes on from', async () => {
    const data = await onFile(left(cut.before), async (connection) => {
      const rows = await connection.runAndReadAll("FROM pragma_storage_info('t') WHERE block_id >= 0")
      return Number(rows.getRowObjects()[0]?.block_id)
    })
    const content = tear(cut, someTear())
    flip(blockOf(content, data), 5_000)
    const path = left(content)
    expect(await refusal(path)).toMatchObject({
      code: 'TARGET_UNAVAILABLE',
      message: expect.stringMatching(/cannot be repaired: IO Error: Corrupt database file/),
    })
    expect(readFileSync(path).equals(content)).toBe(true)
  })
})

/** What an engine leaves behind that is killed. */
function leaveLock(path: string): void {
  const record = { version: 1, pid: 1, bootId: 'another', nonce: 'gone', threadId: 1, hostname: 'h' }
  const text = JSON.stringify({ ...record, recordedAt: new Date(0).toISOString() })
  writeFileSync(`${path}.ducksink-lock`, text)
}

/** True where the file is refused as torn without the option, which leaves it as it was. */
async function refused(path: string): Promise<boolean> {
  const error = await SinkEngine.open({ path, ...delivery }).then(
    (engine) => engine.close(),
    (failure: unknown) => failure,
  )
  if (error !== undefined) expect(error).toMatchObject(TORN)
  return error !== undefined
}

async function expectWhole(path: string): Promise<void> {
  const [rows] = await readFile(
    path,
    'SELECT count(*)::INTEGER AS rows, count(DISTINCT id)::INTEGER AS ids, max(id)::INTEGER AS last FROM t',
  )
  expect(rows).toEqual({ rows: WRITES * ROWS, ids: WRITES * ROWS, last: WRITES * ROWS - 1 })
  const keys = await readFile(path, 'SELECT key FROM ducksink_ledger ORDER BY key')
  expect(keys.map((row) => row.key)).toEqual(Array.from({ length: WRITES }, (_, write) => key(write)))
}

function flip(bytes: Buffer, at: number): void {
  bytes[at] = (bytes[at] as number) ^ 0x10
}

/** The block of metadata as it was before it was torn. */
function whole(file: Buffer): Buffer {
  const { block } = someTear()
  blockOf(cut.before, block).copy(blockOf(file, block))
  return blockOf(file, block)
}

const otherBlock = (): number => cut.metadata.find((id) => id !== someTear().block) ?? Number.NaN

/** A byte of the block of metadata that the header in force uses: the first of what describes the catalog. */
function usedByte(): number {
  const [one, other] = [4096, 8192].map((header) => ({
    iteration: cut.before.readBigUInt64LE(header + 8),
    root: cut.before.readBigUInt64LE(header + 16),
  }))
  const root = one && other && one.iteration > other.iteration ? one.root : (other?.root ?? 0n)
  return 8 + Number(root >> 56n) * 4088 + 8
}

/** Another process that has a file open for writing. */
async function holdElsewhere(path: string) {
  const script = `
    import { DuckDBInstance } from '@duckdb/node-api'
    globalThis.held = await DuckDBInstance.create(process.argv[1])
    process.stdout.write('held')
    setInterval(() => undefined, 1_000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}
