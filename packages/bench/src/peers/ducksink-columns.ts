import { type PackedColumn, type SinkColumns, SinkEngine } from '@ducksink/core'
import { toChecksum } from '../checksum.ts'
import type { WriteJob } from '../job.ts'
import { type BatchRange, createRecord, WORKLOAD_TABLE, type WorkloadRecord } from '../workload.ts'
import type { Peer } from './peer.ts'

/** This engine as it is given columns, whose buffers are handed over. */
export async function openDucksinkColumns({ path, createTableSql }: WriteJob): Promise<Peer> {
  const engine = await SinkEngine.open({ path, tables: { [WORKLOAD_TABLE]: { createTableSql } } })
  const table = engine.table(WORKLOAD_TABLE)
  const [row] = await engine.query<{ duckdb: string }>('SELECT version() AS duckdb')
  let staged: SinkColumns[] = []
  return {
    versions: { duckdb: row?.duckdb ?? 'unknown' },
    stage: (batches) => {
      staged = batches.map(createColumns)
    },
    write: async (batch) => {
      await table.writeColumns(staged[batch] ?? {}, { transfer: true })
    },
    room: () => (engine.writableNeedDrain ? engine.ready : undefined),
    checksum: async (sql) => toChecksum((await engine.query(sql))[0] ?? {}),
    close: () => engine.close(),
  }
}

/** The rows of a batch, each column in buffers of its own. */
function createColumns({ firstId, rows }: BatchRange): SinkColumns {
  const id = new Int32Array(rows)
  const age = new Int32Array(rows)
  const price = new Float64Array(rows)
  const ok = new Uint8Array(rows)
  const ts = new BigInt64Array(rows)
  const texts = { name: new PackedTexts(rows), location: new PackedTexts(rows), note: new PackedTexts(rows) }
  for (let row = 0; row < rows; row++) {
    const record: WorkloadRecord = createRecord(firstId + row)
    id[row] = record.id
    age[row] = record.age
    price[row] = record.price
    ok[row] = Number(record.ok)
    ts[row] = BigInt(record.ts.getTime()) * 1_000n
    texts.name.add(record.name)
    texts.location.add(record.location)
    texts.note.add(record.note)
  }
  return {
    id,
    name: texts.name.column(),
    age,
    location: texts.location.column(),
    price,
    ok: { values: ok, type: 'BOOLEAN' },
    ts: { values: ts, type: 'TIMESTAMP' },
    note: texts.note.column(),
  }
}

/** Texts one after another. */
class PackedTexts {
  readonly #offsets: Int32Array
  readonly #texts: string[] = []
  #end = 0

  constructor(rows: number) {
    this.#offsets = new Int32Array(rows + 1)
  }

  add(text: string): void {
    this.#texts.push(text)
    this.#end += Buffer.byteLength(text)
    this.#offsets[this.#texts.length] = this.#end
  }

  column(): PackedColumn {
    return { data: new TextEncoder().encode(this.#texts.join('')), offsets: this.#offsets }
  }
}
