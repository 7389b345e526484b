import { onTestFinished } from 'vitest'
import { WorkerLog } from '../src/log.ts'
import type { OpenRequest } from '../src/protocol/messages.ts'
import type { TableLayout } from '../src/protocol/table-messages.ts'
import { SinkWorker } from '../src/sink-worker.ts'
import { temporaryDirectory } from './session.ts'

const FATAL = 6

/** A worker of a file of its own with a table t (a INTEGER). */
export interface OpenWorker {
  readonly worker: SinkWorker
  readonly path: string
  readonly layout: TableLayout
}

export async function openWorker(
  options: Pick<OpenRequest, 'config' | 'groupCommit' | 'checkpointBytes'>,
): Promise<OpenWorker> {
  const path = `${temporaryDirectory()}/a.duckdb`
  const worker = new SinkWorker(
    new WorkerLog(FATAL, () => undefined),
    () => undefined,
    () => undefined,
  )
  const table = { name: 't' }
  await worker.open({
    ...{
      path,
      lockNonce: 'nonce',
      deliveryMode: 'at-least-once',
      repairTornCheckpoint: false,
      degradedTimeoutMs: 30_000,
    },
    tables: [{ table, columns: [{ name: 'a', type: 'INTEGER' }], origin: 'declared' }],
    ...options,
  })
  onTestFinished(() => worker.stop())
  const prepared = await worker.prepareTable({ table, origin: 'declared' })
  const { layout } = prepared as { readonly layout: TableLayout }
  return { worker, path, layout }
}
