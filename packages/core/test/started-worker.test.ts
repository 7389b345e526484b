import { EventEmitter } from 'node:events'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { errorToData, StatementError } from '@ducksink/worker'
import { expect, it } from 'vitest'
import { assembleEngine } from '../src/engine-assembly.ts'
import { resolveOptions } from '../src/resolved-options.ts'
import { startWorker } from '../src/started-worker.ts'
import { runFixture } from './child.ts'
import { databasePath, rejection } from './open-engine.ts'

const REASON = 'the library is of another machine'

/** A worker that tells why it gives up, and ends with an error that follows from that. */
function givingUp(options: WorkerOptions): Worker {
  const fatal = { type: 'fatal', error: errorToData(new StatementError('STATEMENT_FAILED', REASON)) }
  const script = `
    require('node:worker_threads').parentPort.postMessage(${JSON.stringify(fatal)})
    throw new Error('what followed from it')`
  // the error is its own, not the test's
  return new Worker(script, { ...options, eval: true }).on('error', () => undefined)
}

it('the open fails with what a worker gave up for while the engine was still loading', async () => {
  const options = resolveOptions({ path: databasePath(), createWorker: givingUp })
  const started = startWorker(options)
  await new Promise((resolve) => started.worker.once('message', resolve))
  const { life } = assembleEngine(new EventEmitter(), options, started)
  expect(await rejection(life.open(false))).toMatchObject({
    ...{ name: 'TargetUnavailableError', code: 'TARGET_UNAVAILABLE' },
    message: `the worker did not start: ${REASON}`,
  })
})

it('the open fails with the same where the worker has ended by then', async () => {
  const options = resolveOptions({ path: databasePath(), createWorker: givingUp })
  const started = startWorker(options)
  expect(await started.exited).toBe(REASON)
  const { life } = assembleEngine(new EventEmitter(), options, started)
  expect(await rejection(life.open(false))).toMatchObject({
    ...{ name: 'TargetUnavailableError', code: 'TARGET_UNAVAILABLE' },
    message: expect.stringContaining(REASON),
  })
})

it('a worker that was started, and is not called, does not keep the process alive', async () => {
  expect(await runFixture('started-and-left').ended).toEqual({ code: 0, signal: null, lines: [], stderr: '' })
})
