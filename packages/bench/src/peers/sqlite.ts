import { DatabaseSync } from 'node:sqlite'
import { toChecksum } from '../checksum.ts'
import type { WriteJob } from '../job.ts'
import { createRecords, WORKLOAD_TABLE, type WorkloadRecord } from '../workload.ts'
import type { Peer } from './peer.ts'

/** `node:sqlite`: one prepared INSERT, one transaction a batch; a file in WAL mode and fully synchronous. */
export function openSqlite({ path }: WriteJob): Peer {
  const database = new DatabaseSync(path)
  // In memory SQLite has no WAL and nothing to synchronize, and ignores both.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec(`CREATE TABLE ${WORKLOAD_TABLE} (id INTEGER, name TEXT, age INTEGER, location TEXT, price REAL,
    ok INTEGER, ts INTEGER, note TEXT)`)
  const insert = database.prepare(`INSERT INTO ${WORKLOAD_TABLE} VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
  let staged: WorkloadRecord[][] = []
  return {
    versions: { sqlite: process.versions.sqlite ?? 'unknown' },
    stage: (batches) => {
      staged = batches.map(createRecords)
    },
    write: (batch) => {
      database.exec('BEGIN')
      for (const r of staged[batch] ?? []) {
        insert.run(r.id, r.name, r.age, r.location, r.price, r.ok ? 1 : 0, r.ts.getTime(), r.note)
      }
      database.exec('COMMIT')
    },
    checksum: (sql) => toChecksum(database.prepare(sql).get() ?? {}),
    close: () => database.close(),
  }
}
