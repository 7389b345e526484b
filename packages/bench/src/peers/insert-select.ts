import { DuckDBInstance, type DuckDBPreparedStatement, version } from '@duckdb/node-api'
import { toChecksum } from '../checksum.ts'
import type { WriteJob } from '../job.ts'
import { selectRowsSql, WORKLOAD_COLUMNS_SQL, WORKLOAD_TABLE } from '../workload.ts'
import type { Peer } from './peer.ts'

/** The limit: DuckDB's own `INSERT INTO u SELECT * FROM t` of rows that already lie in memory, in one thread. */
export async function openInsertSelect({ path }: WriteJob): Promise<Peer> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await connection.run(`ATTACH '${path.replaceAll("'", "''")}' AS target`)
  await connection.run(`CREATE TABLE target.${WORKLOAD_TABLE} (${WORKLOAD_COLUMNS_SQL})`)
  let inserts: DuckDBPreparedStatement[] = []
  const drop = async (): Promise<void> => {
    // A live prepared statement would keep the file locked.
    for (const insert of inserts) insert.destroySync()
    for (const i of inserts.keys()) await connection.run(`DROP TABLE memory.staged_${i}`)
    inserts = []
  }
  return {
    versions: { duckdb: version() },
    stage: async (batches) => {
      await drop()
      for (const [i, range] of batches.entries()) {
        await connection.run(`CREATE TABLE staged_${i} AS ${selectRowsSql(range)}`)
      }
      // Prepared only after the last DDL, or each run would bind them anew.
      for (const i of batches.keys()) {
        inserts.push(
          await connection.prepare(`INSERT INTO target.${WORKLOAD_TABLE} SELECT * FROM staged_${i}`),
        )
      }
    },
    write: async (batch) => {
      await inserts[batch]?.run()
    },
    checksum: async (sql) => {
      await connection.run('USE target')
      const reader = await connection.runAndReadAll(sql)
      return toChecksum(reader.getRowObjects()[0] ?? {})
    },
    close: async () => {
      await drop()
      connection.closeSync()
      instance.closeSync()
    },
  }
}
