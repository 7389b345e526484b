import { createRequire } from 'node:module'
import { type MessagePort, workerData } from 'node:worker_threads'
import { breakBuild } from './broken-builds.ts'
import { doDeed } from './deeds.ts'
import type { Breakage, Deed, Statement } from './job.ts'
import { guardPort, Watch, wrapBindings } from './points.ts'

// The engine's worker, broken: before its own entry is loaded, calls of DuckDB are wrapped and, for the negative
// controls, its sources changed. Nothing of this is in the engine itself.

/** What the engine's own start data has beside. */
export interface BreakingStart {
  readonly breakage: Breakage
  /** Orders come in here, and word of a point that was reached goes out. */
  readonly steering: MessagePort
  /** Word 0 is 1 from the moment at which the point counts. */
  readonly armed: Int32Array
}

const { breakage, steering, armed, port } = workerData as BreakingStart & { readonly port: MessagePort }
const { point, build } = breakage

const core = createRequire(import.meta.resolve('@ducksink/core'))
const workerIndex = core.resolve('@ducksink/worker')
// sources are changed as they are loaded, which the bundle that the tests make of them is not
const entry = new URL(build === undefined ? './entry.ts' : './entry.ts?source', `file://${workerIndex}`).href

/** For each thing told that the main thread has not heard yet; a COMMIT and the next INSERT may be under way at once. */
const told: PromiseWithResolvers<void>[] = []
const act = (deed: Deed, statement?: Statement): void =>
  doDeed(deed, {
    port,
    tell: () => {
      told.push(Promise.withResolvers())
      steering.postMessage(statement)
    },
  })
steering.on('message', (message: Deed | 'heard') => {
  // what the main thread has called before it said so comes in by another port, at the latest in this turn
  if (message === 'heard') {
    const heard = told.shift()
    setImmediate(() => heard?.resolve())
  } else act(message)
})
steering.unref()

const requireApplied = build === undefined ? undefined : breakBuild(build, entry)
if (point !== undefined) {
  const watch = new Watch(point, armed, { act, heard: () => told.at(-1)?.promise })
  wrapBindings(createRequire(entry), watch)
  if (point.statement === 'reply') guardPort(port, watch)
}
await import(entry)
requireApplied?.()
