import { SinkEngine, type WriteOptions } from '@ducksink/core'
import { toChecksum } from '../checksum.ts'
import { createBatch } from '../dataset.ts'
import type { WriteJob } from '../job.ts'
import { WORKLOAD_TABLE } from '../workload.ts'
import type { Peer } from './peer.ts'

/** This engine through its public interface; exactly once, each batch has a key of its own. */
export async function openDucksink(job: WriteJob): Promise<Peer> {
  const { path, dataset, createTableSql } = job
  const engine = await SinkEngine.open({
    path,
    tables: { [WORKLOAD_TABLE]: { createTableSql } },
    ...job.engine,
  })
  const table = engine.table<object>(WORKLOAD_TABLE)
  const [row] = await engine.query<{ duckdb: string }>('SELECT version() AS duckdb')
  const isKeyed = job.engine.deliveryMode === 'exactly-once'
  let staged: object[][] = []
  let keyCount = 0
  const nextOptions = (): WriteOptions => (isKeyed ? { key: `batch-${keyCount++}` } : {})
  return {
    versions: { duckdb: row?.duckdb ?? 'unknown' },
    stage: (batches) => {
      staged = batches.map((range) => createBatch(dataset, range))
    },
    write: async (batch) => {
      await table.write(staged[batch] ?? [], nextOptions())
    },
    room: () => (engine.writableNeedDrain ? engine.ready : undefined),
    checksum: async (sql) => toChecksum((await engine.query(sql))[0] ?? {}),
    close: () => engine.close(),
  }
}
