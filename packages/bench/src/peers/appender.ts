import { version } from '@duckdb/node-api'
import type { WriteJob } from '../job.ts'
import { createRecords, type WorkloadRecord } from '../workload.ts'
import type { Peer } from './peer.ts'
import { RecordAppender } from './record-appender.ts'

/** node-api's appender on the main thread. */
export async function openAppender({ path }: WriteJob): Promise<Peer> {
  const appender = await RecordAppender.open(path)
  let staged: WorkloadRecord[][] = []
  return {
    versions: { duckdb: version() },
    stage: (batches) => {
      staged = batches.map(createRecords)
    },
    write: (batch) => appender.write(staged[batch] ?? []),
    checksum: (sql) => appender.checksum(sql),
    close: () => appender.close(),
  }
}
