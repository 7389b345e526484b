import { BatchEncoder } from '../src/encoder/batch-encoder.ts'
import type { FieldRecord } from '../src/encoder/column-encoder.ts'

// Encodes the same records so many times over and does nothing else, for a tool that counts what that takes:
// encode-batches URL-OF-DIST CASE TIMES. Without a case it names all. Nothing but types is imported from the sources,
// as Node would have to strip the types of each.

const ROWS = 4 * 2_048

interface Case {
  readonly types: Readonly<Record<string, string>>
  record(row: number): FieldRecord
}

const NAMES = ['Alice', 'Bob', 'Charlie', 'Diana', 'Eve']

const CASES: Readonly<Record<string, Case>> = {
  /** The workload of the benchmarks. */
  mixed: {
    types: {
      id: 'INTEGER',
      name: 'VARCHAR',
      age: 'INTEGER',
      location: 'VARCHAR',
      price: 'DOUBLE',
      ok: 'BOOLEAN',
      ts: 'TIMESTAMP',
      note: 'VARCHAR',
    },
    record: (row) => ({
      id: row,
      name: NAMES[row % 5],
      age: 20 + (row % 40),
      location: NAMES[(row * 7) % 5],
      price: row * 1.37,
      ok: row % 3 === 0,
      ts: new Date(1_700_000_000_000 + row * 1_000),
      note: flat(`order ${row} shipped from warehouse ${row % 97} to customer ${(row * 31) % 10_007}`),
    }),
  },
  nulls: {
    types: { a: 'INTEGER', b: 'DOUBLE', c: 'VARCHAR', d: 'BIGINT' },
    record: (row) => ({
      a: row % 2 === 0 ? null : row,
      b: row % 3 === 0 ? null : row / 4,
      c: row % 10 === 0 ? 'here' : null,
      d: row % 5 === 0 ? undefined : BigInt(row),
    }),
  },
  text: {
    types: { latin: 'VARCHAR', cjk: 'VARCHAR', emoji: 'VARCHAR' },
    record: (row) => ({
      latin: flat(`${row} äöüßéèêñç`),
      cjk: flat(`${row} 数据库引擎`),
      emoji: flat(`${row} 🦆🐤🐣`),
    }),
  },
  nested: {
    types: { id: 'INTEGER', tags: 'VARCHAR[]', lines: 'STRUCT(sku VARCHAR, price DOUBLE)[]' },
    record: (row) => ({
      id: row,
      tags: ['a', 'b', 'c'],
      lines: [
        { sku: 'first', price: row / 4 },
        { sku: 'second', price: row / 2 },
      ],
    }),
  },
}

/** V8 keeps a template literal as a rope until something reads it, and drops a Number() whose result nobody uses. */
function flat(text: string): string {
  if (Number(text) === Number.NEGATIVE_INFINITY) throw new RangeError('no text ends there')
  return text
}

function encode({ types, record }: Case, times: number): number {
  const columns = Object.entries(types).map(([name, type]) => ({ name, type }))
  const records = Array.from({ length: ROWS }, (_, row) => record(row))
  const free: ArrayBuffer[] = []
  const encoder = new BatchEncoder('t', { layoutId: 1, columns }, (bytes) => {
    const last = free.pop()
    return last !== undefined && last.byteLength >= bytes ? last : new ArrayBuffer(2 * bytes)
  })
  let bytes = 0
  for (let time = 0; time < times; time++) {
    encoder.begin()
    for (const [index, { name }] of columns.entries()) encoder.activate(index, name)
    for (let row = 0; row < ROWS; ) row = encoder.encode(records, row, ROWS)
    const part = encoder.finishPart()
    bytes += part.byteLength
    free.push(part.buffer)
  }
  return bytes
}

const [name, times] = process.argv.slice(2)
const chosen = CASES[name ?? '']
console.log(
  chosen === undefined
    ? JSON.stringify({ rows: ROWS, cases: Object.keys(CASES) })
    : encode(chosen, Number(times)),
)
