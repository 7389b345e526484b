import { once } from 'node:events'
import { MessageChannel, Worker } from 'node:worker_threads'
import { version } from '@duckdb/node-api'
import { wrap } from 'comlink'
import type { WriteJob } from '../job.ts'
import { siblingModule } from '../sibling-module.ts'
import { createRecords, type WorkloadRecord } from '../workload.ts'
import type { ClonedWorker } from './cloned-worker.ts'
import type { Peer } from './peer.ts'

/** One batch is cloned while the worker appends the one before; more would only hold more memory. */
const MAX_WRITES = 2

/** The records themselves posted to a worker by structured clone, where an appender takes them. */
export async function openCloned({ path }: WriteJob): Promise<Peer> {
  const worker = new Worker(siblingModule(import.meta.url, './cloned-worker'), { workerData: { path } })
  const { port1, port2 } = new MessageChannel()
  worker.postMessage(port2, [port2])
  const remote = wrap<ClonedWorker>(port1)
  await remote.open()
  let staged: WorkloadRecord[][] = []
  const waiting = new Set<Promise<void>>()
  return {
    versions: { duckdb: version() },
    stage: (batches) => {
      staged = batches.map(createRecords)
    },
    write: async (batch) => {
      const written = remote.write(staged[batch] ?? [])
      waiting.add(written)
      await written
      waiting.delete(written)
    },
    room: () => (waiting.size < MAX_WRITES ? undefined : Promise.race(waiting)),
    checksum: (sql) => remote.checksum(sql),
    close: async () => {
      await remote.close()
      port1.close()
      await once(worker, 'exit')
    },
  }
}
