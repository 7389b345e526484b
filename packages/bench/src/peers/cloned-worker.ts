import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { expose } from 'comlink'
import type { Checksum } from '../checksum.ts'
import type { WorkloadRecord } from '../workload.ts'
import { RecordAppender } from './record-appender.ts'

/** What the thread behind the `cloned` peer answers to. */
export interface ClonedWorker {
  open(): Promise<void>
  write(records: readonly WorkloadRecord[]): void
  checksum(sql: string): Promise<Checksum>
  close(): void
}

const { path } = workerData as { readonly path: string }
let appender: RecordAppender

const api: ClonedWorker = {
  open: async () => {
    appender = await RecordAppender.open(path)
  },
  write: (records) => appender.write(records),
  checksum: (sql) => appender.checksum(sql),
  close: () => appender.close(),
}

parentPort?.once('message', (port: MessagePort) => {
  expose(api, port)
  port.start()
})
