import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { Worker } from 'node:worker_threads'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { realDatabasePath } from '../src/database-path.ts'
import { acquireLock, type LockRecord, lockPathOf, releaseLockOf } from '../src/lock-file.ts'
import { ownIdentity } from '../src/process-identity.ts'
import { TargetUnavailableError } from '../src/protocol/errors.ts'
import { type Child, sourceUrl, spawnChild } from './child.ts'

let directory: string
let database: string
const at = (name: string): string => join(directory, name)
const hasProc = existsSync('/proc/self/fd')
const LOCKED = { code: 'TARGET_LOCKED', retryable: true }

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ducksink-lock-'))
  database = at('a.duckdb')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const lockModule = JSON.stringify(sourceUrl('lock-file.ts'))

function child(script: string): Child {
  const started = spawnChild(`const { acquireLock } = await import(${lockModule})\n${script}`)
  onTestFinished(() => started.kill())
  return started
}

const holdInChild = (path: string): Child =>
  child(`acquireLock(${JSON.stringify(path)}); console.log('held'); setInterval(() => {}, 1000)`)

/** A child that takes the lock and crashes inside a function of node:fs, which `replacement` stands in for. */
async function crashIn(call: string, replacement = '() => crash()', before = ''): Promise<void> {
  const crashing = child(`
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    const crash = () => process.kill(process.pid, 'SIGKILL')
    ${before}
    const original = fs.${call}
    fs.${call} = ${replacement}
    syncBuiltinESMExports()
    acquireLock(${JSON.stringify(database)})
    console.log('survived')`)
  expect(await crashing.nextLine()).toBeUndefined()
  await crashing.exited
}

function expectLocked(path: string, ...texts: string[]): void {
  let error: unknown
  try {
    acquireLock(path)
  } catch (caught) {
    error = caught
  }
  expect(error).toBeInstanceOf(TargetUnavailableError)
  expect(error).toMatchObject(LOCKED)
  for (const text of texts) expect((error as Error).message).toContain(text)
}

const leave = (record: Partial<LockRecord>): void =>
  writeFileSync(lockPathOf(database), JSON.stringify({ version: 1, threadId: 0, nonce: 'left', ...record }))

describe('a lock', () => {
  test('stands beside the database until it is released, and then leaves nothing', () => {
    const lock = acquireLock(database)
    expect(readdirSync(directory)).toEqual(['a.duckdb.ducksink-lock'])
    expect(JSON.parse(readFileSync(lock.path, 'utf8'))).toEqual(lock.record)
    expect(lock.record).toMatchObject({ version: 1, pid: process.pid })
    lock.release()
    lock.release()
    expect(readdirSync(directory)).toEqual([])
  })

  test('is refused to the thread that has it, and says who that is', () => {
    const { record } = acquireLock(database)
    expectLocked(
      database,
      database,
      `this process (${process.pid}, thread ${record.threadId}`,
      record.recordedAt,
    )
  })

  test('is taken over as it is by who has its nonce', () => {
    const { path } = acquireLock(database, 'of this engine')
    const before = readFileSync(path, 'utf8')
    const lock = acquireLock(database, 'of this engine')
    expect(readFileSync(path, 'utf8')).toBe(before)
    expect(lock.replaced).toBeUndefined()
    lock.release()
    expect(readdirSync(directory)).toEqual([])
  })

  test('is one for every spelling of the path', () => {
    mkdirSync(at('folder'))
    symlinkSync(at('folder'), at('folder-link'))
    symlinkSync(at('folder-link/a.duckdb'), at('file-link.duckdb'))
    for (const first of [at('folder/a.duckdb'), at('file-link.duckdb')]) {
      const lock = acquireLock(first)
      expectLocked(at('folder-link/a.duckdb'))
      expectLocked(at('file-link.duckdb'))
      expectLocked(relative(process.cwd(), at('folder/../folder/./a.duckdb')))
      lock.release()
    }
  })

  test('is another one for each database, however long its name', () => {
    const long = 'x'.repeat(245)
    acquireLock(database)
    acquireLock(at(`${long}1`))
    acquireLock(at(`${long}2`))
    expectLocked(at(`${long}1`))
  })

  test('is not released by another nonce', () => {
    const lock = acquireLock(database, 'mine')
    expect(releaseLockOf(lock.path, 'yours')).toBe(false)
    expectLocked(database)
    expect(releaseLockOf(lock.path, 'mine')).toBe(true)
    expect(releaseLockOf(lock.path, 'mine')).toBe(false)
  })
})

describe('a directory that takes no lock', () => {
  const refusal = (path: string): unknown => {
    try {
      return acquireLock(path)
    } catch (error) {
      return error
    }
  }

  test('is named when it is missing', () => {
    const error = refusal(at('missing/a.duckdb'))
    expect(error).toMatchObject({ code: 'TARGET_UNAVAILABLE' })
    expect((error as Error).message).toContain(`the directory ${at('missing')} does not exist`)
  })

  test('is named when it is a file', () => {
    writeFileSync(at('file'), '')
    expect((refusal(at('file/a.duckdb')) as Error).message).toContain(`${at('file')} is not a directory`)
  })

  test.skipIf(!hasProc)('is named when nobody can write in it', () => {
    expect((refusal('/proc/a.duckdb') as Error).message).toContain('no file can be made in /proc')
  })

  test.each([
    ['ENOSPC', 'no space is left'],
    ['EDQUOT', 'the disk quota is used up'],
  ])('is full when it answers %s, and keeps nothing of the attempt', async (code, reason) => {
    const full = child(`
      import fs from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      const write = fs.writeFileSync
      fs.writeFileSync = (path, text, options) => {
        // there is room for the name
        write(path, '', options)
        throw Object.assign(new Error('no room'), { code: '${code}' })
      }
      syncBuiltinESMExports()
      try { acquireLock(${JSON.stringify(database)}) }
      catch (error) { console.log(error.code + ': ' + error.message) }`)
    const message = `cannot open ${database}: ${reason} in ${directory}`
    expect(await full.nextLine()).toBe(`TARGET_FULL: ${message}`)
    expect(readdirSync(directory)).toEqual([])
  })

  test('does not keep anybody waiting when something else stands in the way', () => {
    symlinkSync(at('nowhere'), lockPathOf(database))
    expect((refusal(database) as Error).message).toContain('in the way')
  })

  test('links that go in circles are an error', () => {
    symlinkSync(at('b.duckdb'), database)
    symlinkSync(database, at('b.duckdb'))
    expect(() => realDatabasePath(database)).toThrow(TargetUnavailableError)
  })
})

describe('a lock of another thread', () => {
  const workerScript = `
    const { parentPort } = require('node:worker_threads')
    import(${lockModule}).then(({ acquireLock }) => {
      parentPort.on('message', ({ path, nonce }) => {
        try { parentPort.postMessage(acquireLock(path, nonce).path) }
        catch (error) { parentPort.postMessage(error.code) }
      })
      parentPort.postMessage('ready')
    })`

  async function startThread(): Promise<(path: string, nonce: string) => Promise<unknown>> {
    const worker = new Worker(workerScript, { eval: true })
    onTestFinished(async () => {
      await worker.terminate()
    })
    expect(await once(worker, 'message')).toEqual(['ready'])
    return async (path, nonce) => {
      const answer = once(worker, 'message')
      worker.postMessage({ path, nonce })
      return (await answer)[0]
    }
  }

  test('is held, and outlives the thread until the process releases it', async () => {
    const worker = new Worker(workerScript, { eval: true })
    await once(worker, 'message')
    worker.postMessage({ path: database, nonce: 'of the thread' })
    const [lockPath] = await once(worker, 'message')
    expectLocked(database, `thread ${worker.threadId}`)
    await worker.terminate()
    expectLocked(database)
    expect(releaseLockOf(lockPath, 'of the thread')).toBe(true)
    acquireLock(database)
  })

  test('goes to one of several that ask at once, a stale one being in the way', async () => {
    const threads = await Promise.all([startThread(), startThread(), startThread()])
    for (let round = 0; round < 30; round++) {
      leave({ ...ownIdentity(), processStart: 'long ago', nonce: `stale ${round}` })
      const answers = await Promise.all(
        threads.map((acquire, index) => acquire(database, `${round} ${index}`)),
      )
      expect(answers.filter((answer) => answer !== LOCKED.code)).toEqual([lockPathOf(database)])
    }
    expect(readdirSync(directory)).toEqual(['a.duckdb.ducksink-lock'])
  })
})

describe('a lock of another process', () => {
  test('is held while that process lives, and free once it was killed', async () => {
    const holder = holdInChild(database)
    expect(await holder.nextLine()).toBe('held')
    expectLocked(database, `process ${holder.process.pid} `, lockPathOf(database))
    await holder.kill()
    expect(existsSync(lockPathOf(database))).toBe(true)
    expect(acquireLock(database).record.pid).toBe(process.pid)
  })

  test.skipIf(!hasProc)('is free when its id belongs to a younger process now', async () => {
    const other = child("console.log('up'); setInterval(() => {}, 1000)")
    await other.nextLine()
    leave({ ...ownIdentity(), pid: Number(other.process.pid) })
    acquireLock(database)
  })

  test.skipIf(!hasProc).each<[string, Partial<LockRecord>]>([
    ['an earlier process with the id of this one', { processStart: '1' }],
    ['an earlier boot', { bootId: 'another' }],
    ['another container', { pidNamespace: 'pid:[1]' }],
    ['a machine without /proc', { bootId: undefined as never, pidNamespace: undefined as never }],
  ])('is free when it is of %s', (_, difference) => {
    leave({ ...ownIdentity(), ...difference })
    const lock = acquireLock(database)
    expect(JSON.parse(readFileSync(lock.path, 'utf8'))).toEqual(lock.record)
    expect(readdirSync(directory)).toHaveLength(1)
  })

  test('goes to one of several that ask at once, a stale one being in the way', async () => {
    const rounds = 15
    const contenders = Array.from({ length: 3 }, () =>
      child(`
        import { existsSync } from 'node:fs'
        for (let round = 0; round < ${rounds}; round++) {
          while (!existsSync(${JSON.stringify(at('go-'))} + round)) {}
          try { acquireLock(${JSON.stringify(database)}); console.log('won') }
          catch (error) { console.log(error.code) }
        }
        setInterval(() => {}, 1000)`),
    )
    for (let round = 0; round < rounds; round++) {
      leave({ ...ownIdentity(), processStart: 'long ago', nonce: `stale ${round}` })
      writeFileSync(at(`go-${round}`), '')
      const answers = await Promise.all(contenders.map((contender) => contender.nextLine()))
      expect(answers.sort()).toEqual([LOCKED.code, LOCKED.code, 'won'])
    }
  })
})

describe('after a crash', () => {
  test('before its lock stood, the file is free', async () => {
    await crashIn('linkSync')
    acquireLock(database)
  })

  test('while a stale lock was being replaced, the file is free', async () => {
    leave({ ...ownIdentity(), processStart: 'long ago' })
    await crashIn('renameSync')
    expect(JSON.parse(readFileSync(lockPathOf(database), 'utf8')).nonce).toBe('left')
    acquireLock(database)
    expectLocked(database)
  })

  test('between making and writing the lock, where there are no hard links, the file is free after a while', async () => {
    const isLock = `path === ${JSON.stringify(lockPathOf(database))}`
    await crashIn(
      'writeFileSync',
      `(path, text, options) => {
        original(path, ${isLock} ? '' : text, options)
        if (${isLock}) crash()
      }`,
      `fs.linkSync = () => { throw Object.assign(new Error('no links'), { code: 'EPERM' }) }`,
    )
    expect(readFileSync(lockPathOf(database), 'utf8')).toBe('')
    expectLocked(database, 'another thread is opening it')
    utimesSync(lockPathOf(database), new Date(0), new Date(0))
    acquireLock(database)
    expectLocked(database)
  })

  test.each(['', '{"version":1,', 'null', '{"pid":-1,"nonce":"x"}', '{"pid":1}'])(
    '%j is no record',
    (text) => {
      writeFileSync(lockPathOf(database), text)
      utimesSync(lockPathOf(database), new Date(0), new Date(0))
      acquireLock(database)
    },
  )
})

describe.skipIf(!hasProc)('a database that this process has open by other means', () => {
  test('is refused until it is closed, even by another name of the same file', async () => {
    const instance = await DuckDBInstance.create(database)
    expectLocked(database, 'by other means')
    expect(readdirSync(directory).filter((name) => name.includes('lock'))).toEqual([])
    instance.closeSync()
    acquireLock(database)
  })

  test("keeps DuckDB's own lock through all of this", async () => {
    const lock = acquireLock(database)
    const instance = await DuckDBInstance.create(database)
    expectLocked(database)
    lock.release()
    expectLocked(database, 'by other means')
    const other = spawnChild(`
      import { DuckDBInstance } from '@duckdb/node-api'
      await DuckDBInstance.create(${JSON.stringify(database)}).then(() => console.log('in'), (e) => console.log(e.message))`)
    expect(await other.nextLine()).toContain(`PID ${process.pid}`)
    instance.closeSync()
  })
})
