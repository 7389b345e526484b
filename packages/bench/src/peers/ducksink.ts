import { SinkEngine, type WriteOptions } from '@ducksink/core'
import { toChecksum } from '../checksum.ts'
import { createShaped, DATASETS, type DatasetName, WORKLOAD_TABLE } from '../datasets.ts'
import type { DeliveryMode } from '../job.ts'
import type { Peer } from './peer.ts'

/** This engine through its public interface, with its defaults; exactly once, each batch has a key of its own. */
export async function openDucksink(
  path: string,
  dataset: DatasetName,
  deliveryMode: DeliveryMode,
): Promise<Peer> {
  const createTableSql = `CREATE TABLE ${WORKLOAD_TABLE} (${DATASETS[dataset].columnsSql})`
  const tables = { [WORKLOAD_TABLE]: { createTableSql } }
  const engine = await SinkEngine.open({ path, tables, deliveryMode })
  const table = engine.table<object>(WORKLOAD_TABLE)
  const [row] = await engine.query<{ duckdb: string }>('SELECT version() AS duckdb')
  let staged: object[][] = []
  let keyCount = 0
  const nextOptions = (): WriteOptions =>
    deliveryMode === 'exactly-once' ? { key: `batch-${keyCount++}` } : {}
  return {
    versions: { duckdb: row?.duckdb ?? 'unknown' },
    stage: (batches) => {
      staged = batches.map((range) => createShaped(dataset, range))
    },
    write: async (batch) => {
      await table.write(staged[batch] ?? [], nextOptions())
    },
    room: () => (engine.writableNeedDrain ? engine.ready : undefined),
    checksum: async (sql) => toChecksum((await engine.query(sql))[0] ?? {}),
    close: () => engine.close(),
  }
}
