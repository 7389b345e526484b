import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { Worker } from 'node:worker_threads'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { SinkError } from '../src/index.ts'
import { locksBeside } from './batches-in-file.ts'
import { fixtureUrl, runFixture } from './child.ts'
import { databasePath, openEngine, rejection } from './open-engine.ts'

async function expectLocked(path: string, holder: string): Promise<void> {
  const error = await rejection(openEngine({ path }))
  expect(error).toMatchObject({ name: 'TargetUnavailableError', code: 'TARGET_LOCKED', retryable: true })
  expect((error as Error).message).toContain(holder)
}

/** Has a thread of this process open a file, and gives what it says. */
async function openInThread(path: string): Promise<string> {
  const thread = new Worker(fixtureUrl('opener'), { workerData: path })
  onTestFinished(() => void thread.terminate())
  const [line] = await once(thread, 'message')
  return line
}

it('a second engine in this process is refused, and told who has the file', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  await expectLocked(path, `this process (${process.pid}, thread `)
  await engine.write('t', [{ id: 1 }])
  await engine.close()
  const next = await openEngine({ path })
  expect(await next.query('FROM t')).toEqual([{ id: 1n }])
})

it('of engines that open a file at the same time one gets it', async () => {
  const path = databasePath()
  const opened = await Promise.allSettled(Array.from({ length: 4 }, () => openEngine({ path })))
  const codes = opened.map((outcome) => (outcome.status === 'fulfilled' ? 'open' : outcome.reason.code))
  expect(codes.sort()).toEqual(['TARGET_LOCKED', 'TARGET_LOCKED', 'TARGET_LOCKED', 'open'])
})

it('an engine in another thread of this process is refused, and told who has the file', async () => {
  const path = databasePath()
  await openEngine({ path })
  expect(await openInThread(path)).toMatch(
    new RegExp(`^TARGET_LOCKED .*this process \\(${process.pid}, thread `),
  )
})

it('a file that an engine of another thread has is refused here', async () => {
  const path = databasePath()
  expect(await openInThread(path)).toBe('open')
  await expectLocked(path, `this process (${process.pid}, thread `)
})

it('an engine in another process is refused, and told who has the file', async () => {
  const path = databasePath()
  await openEngine({ path })
  expect(await runFixture('opener', [path]).nextLine()).toMatch(
    new RegExp(`^TARGET_LOCKED .*process ${process.pid} `),
  )
})

it('a file that another process has is refused here until that is gone', async () => {
  const path = databasePath()
  const child = runFixture('opener', [path])
  expect(await child.nextLine()).toBe('open')
  await expectLocked(path, `process ${child.process.pid} `)
  await child.kill()
  await openEngine({ path })
})

const CONTAINER = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
const hasContainers = spawnSync(CONTAINER[0] as string, [...CONTAINER.slice(1), 'true']).status === 0

describe.skipIf(!hasContainers)('a file that an engine in another container has', () => {
  it('is refused here, by the name of that process, whose lock stays', async () => {
    const path = databasePath()
    const container = runFixture('opener', [path], { through: CONTAINER })
    expect(await container.nextLine()).toBe('open')
    const lock = readFileSync(`${path}.ducksink-lock`, 'utf8')
    for (let tries = 0; tries < 2; tries++) {
      await expectLocked(path, `process 1 of another container or machine (since `)
      expect(readFileSync(`${path}.ducksink-lock`, 'utf8')).toBe(lock)
      expect(locksBeside(path)).toHaveLength(1)
    }
    await container.kill()
    await openEngine({ path })
  })

  it('is refused in a third one', async () => {
    const path = databasePath()
    const containers = [1, 2].map(() => runFixture('opener', [path], { through: CONTAINER }))
    const lines = await Promise.all(containers.map((container) => container.nextLine()))
    expect(lines.filter((line) => line === 'open')).toHaveLength(1)
    expect(lines.filter((line) => line.startsWith('TARGET_LOCKED'))).toHaveLength(1)
  })

  it('is free when it is started again, with the id of a process that is gone', async () => {
    const path = databasePath()
    for (let start = 0; start < 3; start++) {
      const container = runFixture('opener', [path], { through: CONTAINER })
      expect(await container.nextLine()).toBe('open')
      expect(JSON.parse(readFileSync(`${path}.ducksink-lock`, 'utf8'))).toMatchObject({ pid: 1 })
      await container.kill()
    }
  })
})

it('of processes that open a file at the same time, a stale lock in the way, one gets it', async () => {
  const path = databasePath()
  const killed = runFixture('opener', [path])
  expect(await killed.nextLine()).toBe('open')
  await killed.kill()
  expect(locksBeside(path)).toHaveLength(1)
  const children = [1, 2, 3].map(() => runFixture('opener', [path]))
  const lines = await Promise.all(children.map((child) => child.nextLine()))
  expect(lines.map((line) => line.split(' ')[0]).sort()).toEqual(['TARGET_LOCKED', 'TARGET_LOCKED', 'open'])
})

it('of threads and this one that open a file at the same time one gets it', async () => {
  const path = databasePath()
  const here = openEngine({ path }).then(
    () => 'open',
    (error: SinkError) => error.code as string,
  )
  const lines = await Promise.all([here, openInThread(path), openInThread(path)])
  expect(lines.map((line) => line.split(' ')[0]).sort()).toEqual(['TARGET_LOCKED', 'TARGET_LOCKED', 'open'])
})

it('a file that another program has open is refused here until that is gone', async () => {
  const path = databasePath()
  const child = runFixture('other-program', [path])
  expect(await child.nextLine()).toBe('open')
  await expectLocked(path, `process ${child.process.pid} has it open`)
  expect(locksBeside(path)).toEqual([])
  await child.kill()
  await openEngine({ path })
})

it('a file that this process has open through DuckDB alone is refused', async () => {
  const path = databasePath()
  const instance = await DuckDBInstance.create(path)
  await expectLocked(path, 'this process has it open by other means')
  instance.closeSync()
  await openEngine({ path })
})

it('a file is the same one however its path is spelled', async () => {
  const path = databasePath()
  const directoryLink = linkTo(dirname(path))
  const engine = await openEngine({ path })
  const spellings = [
    relative(process.cwd(), path),
    join(dirname(path), 'x', '..', '.', 'test.duckdb'),
    join(directoryLink, 'test.duckdb'),
    linkTo(path),
    `${path}?threads=2`,
  ]
  for (const spelling of spellings) await expectLocked(spelling, path)
  await engine.write('t', [{ id: 1 }])
  await engine.close()
  const next = await openEngine({ path: linkTo(join(directoryLink, 'test.duckdb')) })
  expect(await next.query('FROM t')).toEqual([{ id: 1n }])
  await expectLocked(path, path)
})

function linkTo(path: string): string {
  const link = join(dirname(databasePath()), 'link')
  symlinkSync(path, link)
  return link
}

it('databases in memory are as many as are opened', async () => {
  const engines = await Promise.all([openEngine(), openEngine()])
  await Promise.all(engines.map((engine, id) => engine.write('t', [{ id }])))
  expect(await Promise.all(engines.map((engine) => engine.query('FROM t')))).toEqual([
    [{ id: 0n }],
    [{ id: 1n }],
  ])
})
