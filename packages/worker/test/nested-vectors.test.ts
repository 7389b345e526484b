import {
  DuckDBArrayValue,
  DuckDBConnection,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBUnionValue,
  type DuckDBValue,
} from '@duckdb/node-api'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type LogicalType, logicalTypeName, parseLogicalType } from '../src/protocol/logical-type.ts'
import { PartReader } from '../src/protocol/part-reader.ts'
import type { Part } from '../src/protocol/wire.ts'
import { batchColumns, encodePart, type PhysicalValue } from './parts.ts'
import { openSession, type Session } from './session.ts'

/** What DuckDB reads from parts of one column, or from some rows of each, chunk by chunk. */
async function emitted(session: Session, type: string, parts: readonly Part[]): Promise<PhysicalValue[][]> {
  const { batch, database } = session
  const readers = parts.map((part) => new PartReader(part.buffer, part))
  const rowCount = readers.reduce((rows, part) => rows + part.rowCount, 0)
  batch.arm(readers, rowCount)
  const id = batch.define(batchColumns([type]))
  const connection = new DuckDBConnection(database.writer.raw)
  const result = await connection.stream(`FROM sink_batch(${id})`)
  const chunks: PhysicalValue[][] = []
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return chunks
    chunks.push(chunk.getRows().map(([value]) => physical(parseLogicalType(type), value ?? null)))
  }
}

/** The same by way of a table, where DuckDB copies vectors, compresses and checks them. */
async function stored(session: Session, type: string, parts: readonly Part[]): Promise<PhysicalValue[]> {
  const { batch, database, rows } = session
  const readers = parts.map((part) => new PartReader(part.buffer))
  batch.arm(
    readers,
    readers.reduce((count, part) => count + part.rowCount, 0),
  )
  const id = batch.define(batchColumns([type]))
  await rows(`CREATE OR REPLACE TABLE t (a ${type})`)
  await rows(`INSERT INTO t FROM sink_batch(${id})`)
  await rows('CHECKPOINT')
  const connection = new DuckDBConnection(database.writer.raw)
  const reader = await connection.runAndReadAll('SELECT a FROM t ORDER BY rowid')
  return reader.getRows().map(([value]) => physical(parseLogicalType(type), value ?? null))
}

function physical(type: LogicalType, value: DuckDBValue): PhysicalValue {
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) {
    return value.items.map((item) => physical((type as { element: LogicalType }).element, item))
  }
  if (value instanceof DuckDBMapValue && type.id === 'MAP') {
    return value.entries.map((entry) => [physical(type.key, entry.key), physical(type.value, entry.value)])
  }
  if (value instanceof DuckDBStructValue && type.id === 'STRUCT') {
    return type.fields.map((field) => physical(field.type, value.entries[field.name] ?? null))
  }
  if (value instanceof DuckDBUnionValue && type.id === 'UNION') {
    const tag = type.members.findIndex((member) => member.name === value.tag)
    return [tag, physical(type.members[tag]?.type as LogicalType, value.value)]
  }
  return value as PhysicalValue
}

const LEAVES: Readonly<Record<string, fc.Arbitrary<PhysicalValue>>> = {
  INTEGER: fc.integer(),
  BOOLEAN: fc.boolean(),
  UBIGINT: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  HUGEINT: fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }),
  VARCHAR: fc.constantFrom('', 'a', 'exactly 12 b', 'thirteen byte', 'long enough for the heap 🦆'),
}

const leafType = fc.constantFrom(...Object.keys(LEAVES)).map((id) => parseLogicalType(id))

const nestedType: fc.Arbitrary<LogicalType> = fc.letrec<{ any: LogicalType; nested: LogicalType }>((tie) => {
  const fields = fc
    .array(tie('any'), { minLength: 1, maxLength: 3 })
    .map((types) => types.map((type, i) => ({ name: `f${i}`, type })))
  return {
    any: fc.oneof({ maxDepth: 3, depthSize: 'small' }, leafType, tie('nested')),
    nested: fc.oneof(
      tie('any').map((element): LogicalType => ({ id: 'LIST', element })),
      fc
        .tuple(tie('any'), fc.integer({ min: 1, max: 3 }))
        .map(([element, length]): LogicalType => ({ id: 'ARRAY', element, length })),
      fields.map((list): LogicalType => ({ id: 'STRUCT', fields: list })),
      tie('any').map((value): LogicalType => ({ id: 'MAP', key: { id: 'INTEGER' }, value })),
      fields.map((members): LogicalType => ({ id: 'UNION', members })),
    ),
  }
}).nested

/** Values of a type, NULL at every level among them. */
function valuesOf(type: LogicalType): fc.Arbitrary<PhysicalValue> {
  const orNull = (inner: LogicalType): fc.Arbitrary<PhysicalValue> =>
    fc.option(valuesOf(inner), { freq: 4, nil: null })
  switch (type.id) {
    case 'LIST':
      return fc.array(orNull(type.element), { maxLength: 4 })
    case 'ARRAY':
      return fc.array(orNull(type.element), { minLength: type.length, maxLength: type.length })
    case 'STRUCT':
      return fc.tuple(...type.fields.map((field) => orNull(field.type)))
    case 'MAP':
      return fc.uniqueArray(fc.tuple(fc.integer(), orNull(type.value)), {
        maxLength: 3,
        selector: ([key]) => key,
      })
    case 'UNION':
      return fc.oneof(...type.members.map((member, tag) => fc.tuple(fc.constant(tag), orNull(member.type))))
    default:
      return LEAVES[type.id] as fc.Arbitrary<PhysicalValue>
  }
}

const columns = nestedType.chain((type) =>
  fc.record({
    type: fc.constant(logicalTypeName(type)),
    parts: fc.array(fc.array(fc.option(valuesOf(type), { freq: 5, nil: null }), { maxLength: 20 }), {
      minLength: 1,
      maxLength: 5,
    }),
  }),
)

describe('a nested column', () => {
  test('reads as it was written, several parts of it in one vector, with NULLs at every level', async () => {
    const session = await openSession()
    await fc.assert(
      fc.asyncProperty(columns, async ({ type, parts }) => {
        const encoded = parts.map((values) => encodePart([{ type, values }]))
        const expected = parts.flat()
        expect(await emitted(session, type, encoded)).toEqual(expected.length === 0 ? [] : [expected])
      }),
      { numRuns: 400 },
    )
  })

  test('reads as it was written where only some rows of a part are meant, next to each other or not', async () => {
    const session = await openSession()
    const cuts = fc.array(fc.record({ rows: fc.integer({ min: 1, max: 9 }), isMeant: fc.boolean() }), {
      minLength: 1,
      maxLength: 8,
    })
    await fc.assert(
      fc.asyncProperty(columns, cuts, async ({ type, parts }, plan) => {
        const pieces: Part[] = []
        const expected: PhysicalValue[] = []
        for (const values of parts) {
          const part = encodePart([{ type, values }])
          for (let from = 0, cut = 0; from < values.length; cut++) {
            const { rows, isMeant } = plan[cut % plan.length] as (typeof plan)[number]
            const to = Math.min(from + rows, values.length)
            if (isMeant) {
              pieces.push({ ...part, rowCount: to - from, rows: { from, to } })
              expected.push(...values.slice(from, to))
            }
            from = to
          }
        }
        expect(await emitted(session, type, pieces)).toEqual(expected.length === 0 ? [] : [expected])
      }),
      { numRuns: 200 },
    )
  })

  test('is in a table as it was written', async () => {
    const session = await openSession()
    await fc.assert(
      fc.asyncProperty(columns, async ({ type, parts }) => {
        const encoded = parts.map((values) => encodePart([{ type, values }]))
        expect(await stored(session, type, encoded)).toEqual(parts.flat())
      }),
      { numRuns: 60 },
    )
  })
})

describe('a list with more elements than a chunk has rows', () => {
  const text = (i: number): string => (i % 3 === 0 ? `a string longer than twelve bytes ${i}` : `${i}`)
  const CASES: Readonly<Record<string, (i: number) => PhysicalValue>> = {
    'INTEGER[]': (i) => (i % 7 === 3 ? null : i),
    'VARCHAR[]': (i) => (i % 5 === 2 ? null : text(i)),
    'STRUCT(n INTEGER, t VARCHAR)[]': (i) =>
      i % 11 === 4 ? null : [i % 7 === 3 ? null : i, i % 5 === 2 ? null : text(i)],
    'INTEGER[][]': (i) =>
      i % 5 === 2 ? null : Array.from({ length: i % 4 }, (_, j) => (j === 2 ? null : i + j)),
    'VARCHAR[2][]': (i) => (i % 5 === 2 ? null : [text(i), i % 3 === 1 ? null : text(i + 1)]),
    'STRUCT(l STRUCT(t VARCHAR)[])[]': (i) => (i % 5 === 2 ? null : [[[text(i)], null]]),
    'UNION(n INTEGER, t VARCHAR)[]': (i) => (i % 5 === 2 ? null : i % 2 === 0 ? [0, i] : [1, text(i)]),
    'MAP(INTEGER, VARCHAR)': (i) => [i, i % 5 === 2 ? null : text(i)],
  }

  test.each(Object.entries(CASES))('%s', async (type, element) => {
    const session = await openSession()
    const list = (length: number): PhysicalValue[] => Array.from({ length }, (_, i) => element(i))
    // a vector that has grown is used again for smaller lists, whose NULLs are elsewhere, and for none at all
    const lengths = [2047, 2048, 2049, 20_000, 1, 0, 5000, 3]
    const parts = lengths.map((length) => encodePart([{ type, values: [null, list(length), list(2), null] }]))
    const expected = lengths.flatMap((length) => [null, list(length), list(2), null])
    // deep comparison of so many small arrays takes toEqual seconds
    const written = (values: unknown): string => JSON.stringify(values)
    expect(written((await emitted(session, type, parts)).flat())).toBe(written(expected))
    expect(written(await stored(session, type, [...parts, ...parts]))).toBe(
      written([...expected, ...expected]),
    )
  })

  test('in chunk after chunk, each with NULLs of its own', async () => {
    const session = await openSession()
    const values = Array.from({ length: 6_000 }, (_, row) =>
      row < 2_048 ? [row, null, row] : row < 4_096 ? [row] : [[null], null, []][row % 3],
    ) as PhysicalValue[]
    const parts = [encodePart([{ type: 'INTEGER[]', values }])]
    expect((await emitted(session, 'INTEGER[]', parts)).flat()).toEqual(values)
  })
})

test('types that nest as deep as DuckDB parses them are filled', async () => {
  const session = await openSession()
  const depth = 100
  const type = `INTEGER${'[]'.repeat(depth)}`
  let value: PhysicalValue = 5
  for (let i = 0; i < depth; i++) value = [value]
  expect(await stored(session, type, [encodePart([{ type, values: [value, null] }])])).toEqual([value, null])
})
