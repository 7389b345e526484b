import type { OpenJob, OpenResult } from '../job.ts'
import { createRecord, WORKLOAD_COLUMNS_SQL, WORKLOAD_TABLE } from '../workload.ts'

// Nothing of either peer is loaded before the clock starts: in a process that has just begun, loading is a large part.

/** Opens ducksink, or DuckDB itself, on a new file and says how long that took. */
export async function measureOpen(job: OpenJob): Promise<OpenResult> {
  return job.peer === 'ducksink' ? openDucksink(job.path) : openDuckDB(job.path)
}

async function openDucksink(path: string): Promise<OpenResult> {
  const records = [createRecord(0)]
  const createTableSql = `CREATE TABLE ${WORKLOAD_TABLE} (${WORKLOAD_COLUMNS_SQL})`
  const startedMs = performance.now()
  const { SinkEngine } = await import('@ducksink/core')
  const engine = await SinkEngine.open({ path, tables: { [WORKLOAD_TABLE]: { createTableSql } } })
  await engine.write(WORKLOAD_TABLE, records)
  const durationMs = performance.now() - startedMs
  const [row] = await engine.query<{ duckdb: string }>('SELECT version() AS duckdb')
  await engine.close()
  return {
    kind: 'open',
    durationMs,
    versions: { duckdb: row?.duckdb ?? 'unknown', node: process.versions.node },
  }
}

async function openDuckDB(path: string): Promise<OpenResult> {
  const startedMs = performance.now()
  const { DuckDBInstance, version } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  const durationMs = performance.now() - startedMs
  connection.closeSync()
  instance.closeSync()
  return { kind: 'open', durationMs, versions: { duckdb: version(), node: process.versions.node } }
}
