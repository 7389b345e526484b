import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import type { SinkEngineOptions } from '../src/index.ts'
import { locksBeside } from './batches-in-file.ts'
import { type ChildOptions, runFixture } from './child.ts'
import { databasePath, openEngine } from './open-engine.ts'

interface Attempt {
  readonly options: SinkEngineOptions
  readonly code: string
  readonly message: RegExp
}

/** What an attempt of `fixtures/failed-opens.ts` came to. */
interface Refusal {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly threads: number
}

/** Tries to open one after another in one process, which must end by itself; returns what each was refused with. */
async function expectRefused(attempts: readonly Attempt[], child?: ChildOptions): Promise<void> {
  const parameters = [databasePath(), JSON.stringify(attempts.map(({ options }) => options))]
  const { code, lines, stderr } = await runFixture('failed-opens', parameters, child).ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const refusals = lines.map((line): Refusal => JSON.parse(line))
  for (const [index, { options, code, message }] of attempts.entries()) {
    const name = code === 'INVALID_OPTIONS' ? 'InvalidOptionsError' : 'TargetUnavailableError'
    const expected = { name, code, message: expect.stringMatching(message), threads: 0 }
    expect({ options, ...refusals[index] }).toEqual({ options, ...expected })
  }
}

const unavailable = (path: string, message: RegExp): Attempt => ({
  options: { path },
  code: 'TARGET_UNAVAILABLE',
  message,
})

it('a path that leads to no database is refused with the reason, and nothing is left of the attempt', async () => {
  const directory = dirname(databasePath())
  const at = (name: string): string => join(directory, name)
  mkdirSync(at('folder'))
  writeFileSync(at('file'), 'text')
  writeFileSync(at('text.duckdb'), 'no database at all '.repeat(1000))
  writeFileSync(at('empty.duckdb'), '')
  const before = readdirSync(directory)
  await expectRefused([
    unavailable(at('missing/a.duckdb'), /the directory .*missing does not exist$/),
    unavailable(at('file/a.duckdb'), /file is not a directory$/),
    unavailable(at('folder'), /folder: it is a directory$/),
    unavailable(at('text.duckdb'), /it is not a DuckDB database/),
    unavailable(at('empty.duckdb'), /it is not a DuckDB database; .* remove this one if it is empty$/),
    unavailable(at(`${'x'.repeat(300)}.duckdb`), /the name is too long$/),
  ])
  expect(readdirSync(directory)).toEqual(before)
  expect(readFileSync(at('text.duckdb'), 'utf8')).toBe('no database at all '.repeat(1000))
})

it('a file that was cut off or damaged is refused, and left as it is', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  await engine.write('t', [{ id: 1 }])
  await engine.close()
  const whole = readFileSync(path)
  const cutOff = `${path}.cut-off`
  writeFileSync(cutOff, whole.subarray(0, 20_000))
  const damaged = `${path}.damaged`
  writeFileSync(
    damaged,
    whole.map((byte, index) => (index > 12_288 ? byte ^ 255 : byte)),
  )
  await expectRefused([
    unavailable(cutOff, /Could not read enough bytes/),
    unavailable(damaged, /Corrupt database file/),
    unavailable(damaged, /Corrupt database file/),
  ])
  expect(readFileSync(cutOff)).toEqual(whole.subarray(0, 20_000))
  expect(readdirSync(dirname(path))).toHaveLength(3)
})

it('settings that DuckDB or the engine refuses are named, and leave neither thread nor file', async () => {
  const path = databasePath()
  const wrong = (config: Record<string, string>, message: RegExp): Attempt => ({
    options: { path, config },
    code: 'INVALID_OPTIONS',
    message,
  })
  await expectRefused([
    wrong({ no_such_setting: '1' }, /setting "no_such_setting": .*unrecognized/),
    wrong({ threads: 'many' }, /setting "threads": /),
    wrong({ memory_limit: 'plenty' }, /setting "memory_limit": /),
    wrong(
      { memory_limit: '200MB', checkpoint_threshold: 'lots', timezone: 'UTC' },
      /^wrong settings: setting "checkpoint_threshold": /,
    ),
    wrong({ access_mode: 'READ_ONLY' }, /setting "access_mode": cannot be set/),
    wrong({ 'threads = 1; --': '1' }, /no name of a DuckDB setting/),
    wrong({ allow_unsigned_extensions: 'maybe' }, /DuckDB refused one of .*allow_unsigned_extensions/),
    { options: { path: `${path}?no_such_setting=1` }, code: 'INVALID_OPTIONS', message: /"no_such_setting"/ },
  ])
  expect(readdirSync(dirname(path))).toEqual([])
})

it('a path that names no target is refused with the reason', () => {
  const wrong = (path: string, message: RegExp): Attempt => ({
    options: { path },
    code: 'INVALID_OPTIONS',
    message,
  })
  return expectRefused([
    wrong('quack:host', /not transactional/),
    wrong('ducklake:meta.ducklake', /not supported yet/),
    wrong('postgres:password=hush', /^path: 'postgres:' cannot be opened: no such target/),
    wrong(':memory:2', /a database in memory is ':memory:'/),
  ])
})

// root passes over permissions, so it gives that up
const isRoot = process.getuid?.() === 0
const UNPRIVILEGED = isRoot ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] : []
const READ_ONLY_MOUNT = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o ro tmpfs "$0" && exec "$@"']

const runs = (command: readonly string[]): boolean =>
  spawnSync(command[0] as string, command.slice(1)).status === 0

it.skipIf(isRoot && !runs([...UNPRIVILEGED, 'true']))(
  'a directory or file without permission to write is refused (skipped where root cannot give its privileges up)',
  async () => {
    const path = databasePath()
    await (await openEngine({ path })).close()
    chmodSync(path, 0o444)
    const directory = join(dirname(path), 'directory')
    mkdirSync(directory, 0o555)
    await expectRefused(
      [
        unavailable(join(directory, 'a.duckdb'), /no permission to make files in .*directory$/),
        unavailable(path, /no permission to read and write it$/),
      ],
      { through: UNPRIVILEGED },
    )
    expect(locksBeside(path)).toEqual([])
  },
)

it.skipIf(!isRoot || !runs([...READ_ONLY_MOUNT.slice(0, -1), 'mount -t tmpfs -o ro tmpfs "$0"', tmpdir()]))(
  'a read-only file system is refused (skipped where none can be mounted)',
  async () => {
    const mount = dirname(databasePath())
    const attempt = unavailable(join(mount, 'a.duckdb'), /is on a read-only file system$/)
    await expectRefused([attempt], { through: [...READ_ONLY_MOUNT, mount] })
  },
)

it('where the engine cannot be loaded its worker ends, and nothing is opened', async () => {
  const path = databasePath()
  const ended = await runFixture('unloadable-engine', [path]).ended
  expect(ended).toEqual({ code: 0, signal: null, lines: ['it is gone'], stderr: '' })
  expect(readdirSync(dirname(path))).toEqual([])
})
