import { SinkEngine } from '@ducksink/core'
import { toChecksum } from '../checksum.ts'
import { createShaped, DATASETS, type DatasetName, WORKLOAD_TABLE } from '../datasets.ts'
import type { Peer } from './peer.ts'

/** This engine through its public interface, with its defaults. */
export async function openDucksink(path: string, dataset: DatasetName): Promise<Peer> {
  const createTableSql = `CREATE TABLE ${WORKLOAD_TABLE} (${DATASETS[dataset].columnsSql})`
  const engine = await SinkEngine.open({ path, tables: { [WORKLOAD_TABLE]: { createTableSql } } })
  const table = engine.table<object>(WORKLOAD_TABLE)
  const [row] = await engine.query<{ duckdb: string }>('SELECT version() AS duckdb')
  let staged: object[][] = []
  return {
    versions: { duckdb: row?.duckdb ?? 'unknown' },
    stage: (batches) => {
      staged = batches.map((range) => createShaped(dataset, range))
    },
    write: async (batch) => {
      await table.write(staged[batch] ?? [])
    },
    room: () => (engine.writableNeedDrain ? engine.ready : undefined),
    checksum: async (sql) => toChecksum((await engine.query(sql))[0] ?? {}),
    close: () => engine.close(),
  }
}
