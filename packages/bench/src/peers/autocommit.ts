import { DuckDBInstance, DuckDBTimestampValue, version } from '@duckdb/node-api'
import { toChecksum } from '../checksum.ts'
import type { WriteJob } from '../job.ts'
import { createRecords, WORKLOAD_TABLE, type WorkloadRecord } from '../workload.ts'
import type { Peer } from './peer.ts'

/** DuckDB's own way for a record: one prepared INSERT through node-api, bound and run, each its own transaction. */
export async function openAutocommit(job: WriteJob): Promise<Peer> {
  const instance = await DuckDBInstance.create(job.path)
  const connection = await instance.connect()
  await connection.run(job.createTableSql)
  const insert = await connection.prepare(
    `INSERT INTO ${WORKLOAD_TABLE} VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
  )
  let staged: WorkloadRecord[][] = []
  return {
    versions: { duckdb: version() },
    stage: (batches) => {
      staged = batches.map(createRecords)
    },
    write: async (batch) => {
      for (const record of staged[batch] ?? []) {
        insert.bindInteger(1, record.id)
        insert.bindVarchar(2, record.name)
        insert.bindInteger(3, record.age)
        insert.bindVarchar(4, record.location)
        insert.bindDouble(5, record.price)
        insert.bindBoolean(6, record.ok)
        insert.bindTimestamp(7, new DuckDBTimestampValue(BigInt(record.ts.getTime()) * 1_000n))
        insert.bindVarchar(8, record.note)
        await insert.run()
      }
    },
    checksum: async (sql) => {
      const reader = await connection.runAndReadAll(sql)
      return toChecksum(reader.getRowObjects()[0] ?? {})
    },
    close: () => {
      insert.destroySync()
      connection.closeSync()
      instance.closeSync()
    },
  }
}
