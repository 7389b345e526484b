import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type LogicalType, logicalTypeName } from '../src/protocol/logical-type.ts'
import { isValid, listBlock, PartReader, stringBlock, stringBytes } from '../src/protocol/part-reader.ts'
import { type Allocate, PartWriter, type VectorBlock } from '../src/protocol/part-writer.ts'
import { type VectorNode, vectorTreesOf } from '../src/protocol/vector-tree.ts'
import { MAX_CHUNK_ROWS, type Part, validityBytes } from '../src/protocol/wire.ts'
import { encodeBlock, encodePart, type PhysicalValue } from './parts.ts'

/** A chunk before it is laid out: what each column must read as, `null` for NULL, and the blocks that say so. */
interface Chunk {
  readonly rowCount: number
  readonly columns: readonly (readonly (Uint8Array | null)[])[]
  readonly blocks: readonly (VectorBlock | undefined)[]
}

type Width = 1 | 2 | 4 | 8 | 'string'

const LENGTHS = [0, 1, 4, 11, 12, 13, 14, 64, 1000]

// a plain generator: fast-check would take a second for the bytes of a single chunk of 2,048 rows
function bytesFrom(seed: number): (count: number) => Uint8Array {
  let state = seed | 1
  return (count) =>
    Uint8Array.from({ length: count }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
      return (state >>> 16) & 0xff
    })
}

const NULL_PATTERNS: Readonly<Record<string, (row: number, rowCount: number) => boolean>> = {
  none: () => false,
  all: () => true,
  first: (row) => row === 0,
  last: (row, rowCount) => row === rowCount - 1,
  allButLast: (row, rowCount) => row !== rowCount - 1,
  everyThird: (row) => row % 3 === 0,
  aWord: (row) => row >= 64 && row < 128,
}

const rowCounts = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 130 }) },
  { weight: 1, arbitrary: fc.constantFrom(2047, MAX_CHUNK_ROWS) },
)

const columnShapes = fc.record({
  seed: fc.integer(),
  nulls: fc.constantFrom(...Object.keys(NULL_PATTERNS)),
})

const widthLists = fc.array(fc.constantFrom<Width>(1, 2, 4, 8, 'string'), { maxLength: 6 })

const chunkLists = (widths: readonly Width[]): fc.Arbitrary<Chunk[]> =>
  fc.array(chunks(widths), { maxLength: 4 })

function chunks(widths: readonly Width[]): fc.Arbitrary<Chunk> {
  const shapes = fc.tuple(...widths.map(() => columnShapes))
  return fc.tuple(rowCounts, shapes).map(([rowCount, columns]) => {
    const values = columns.map(({ seed, nulls }, index) => {
      const next = bytesFrom(seed)
      const width = widths[index] as Width
      return Array.from({ length: rowCount }, (_, row) => {
        if (NULL_PATTERNS[nulls]?.(row, rowCount) === true) return null
        return next(width === 'string' ? (LENGTHS[(seed + row) % LENGTHS.length] ?? 0) : width)
      })
    })
    const blocks = values.map((column, index) => blockOf(widths[index] as Width, column))
    return { rowCount, columns: values, blocks }
  })
}

function blockOf(width: Width, values: readonly (Uint8Array | null)[]): VectorBlock | undefined {
  const strings = encodeBlock('BLOB', values)
  if (width === 'string' || strings === undefined) return strings
  const bytes = Buffer.concat(values.map((value) => value ?? new Uint8Array(width)))
  // as core's encoders give them: buffers of a whole chunk, whatever the rows
  const values2048 = new Uint8Array(MAX_CHUNK_ROWS * width)
  values2048.set(bytes)
  const validity = new Uint8Array(validityBytes(MAX_CHUNK_ROWS)).fill(255)
  validity.set(strings.validity)
  return { ...strings, width, values: values2048, validity, extent: undefined, heap: undefined }
}

const ALLOCATORS: Readonly<Record<string, Allocate>> = {
  'exactly what is asked for': (bytes) => new ArrayBuffer(bytes),
  'dirty buffers larger than asked for': (bytes) => {
    const buffer = new ArrayBuffer(bytes + 4099)
    new Uint8Array(buffer).fill(0xab)
    return buffer
  },
}

const allocators = fc.constantFrom(...Object.keys(ALLOCATORS)).map((name) => ALLOCATORS[name] as Allocate)

function write(writer: PartWriter, chunkList: readonly Chunk[], expectedBytes: number): Part {
  for (const { rowCount, blocks } of chunkList) writer.appendChunk(rowCount, blocks, expectedBytes)
  return writer.finish()
}

function read(part: PartReader, widths: readonly Width[]): (Uint8Array | null)[][][] {
  return Array.from({ length: part.chunkCount }, (_, chunk) =>
    widths.map((width, column) => readColumn(part, chunk, column, width)),
  )
}

function readColumn(part: PartReader, chunk: number, column: number, width: Width): (Uint8Array | null)[] {
  const rowCount = part.chunkRows(chunk)
  const values = part.valuesOffset(chunk, column)
  const validity = part.validityOffset(chunk, column)
  return Array.from({ length: rowCount }, (_, row) => {
    if (values === 0 || !isValid(part, validity, row)) return null
    if (width === 'string') return stringBytes(part, stringBlock(part, values, rowCount), row)
    return part.bytes.subarray(values + row * width, values + (row + 1) * width)
  })
}

/** Comparing two thousand small arrays one by one takes toEqual seconds. */
function sameColumns(found: readonly (readonly (Uint8Array | null)[])[][], expected: readonly Chunk[]): void {
  const text = (value: Uint8Array | null): string =>
    value === null ? 'NULL' : Buffer.from(value).toString('hex')
  expect(found.map((columns) => columns.map((column) => column.map(text).join(' ')))).toEqual(
    expected.map(({ columns }) => columns.map((column) => column.map(text).join(' '))),
  )
}

describe('a part', () => {
  const cases = widthLists.chain((widths) =>
    fc.record({
      widths: fc.constant(widths),
      parts: fc.array(chunkLists(widths), { minLength: 1, maxLength: 3 }),
      allocate: allocators,
      expectedBytes: fc.constantFrom(0, 1, 100_000),
    }),
  )

  test('reads exactly as it was written, one part after another by one writer', () => {
    fc.assert(
      fc.property(cases, ({ widths, parts, allocate, expectedBytes }) => {
        const writer = new PartWriter(widths.length, allocate)
        for (const chunkList of parts) {
          const part = write(writer, chunkList, expectedBytes)
          const reader = new PartReader(part.buffer)
          const rowCount = chunkList.reduce((rows, chunk) => rows + chunk.rowCount, 0)
          expect(part.rowCount).toBe(rowCount)
          expect(reader).toMatchObject({ rowCount, vectorCount: widths.length, chunkCount: chunkList.length })
          expect(chunkList.map((_, chunk) => reader.chunkRows(chunk))).toEqual(
            chunkList.map((chunk) => chunk.rowCount),
          )
          sameColumns(read(reader, widths), chunkList)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('says before it is finished how long it will be, and takes no more', () => {
    fc.assert(
      fc.property(cases, ({ widths, parts, allocate, expectedBytes }) => {
        const writer = new PartWriter(widths.length, allocate)
        for (const chunkList of parts) {
          for (const { rowCount, blocks } of chunkList) writer.appendChunk(rowCount, blocks, expectedBytes)
          const { byteLength: announced } = writer
          const { byteLength, buffer } = writer.finish()
          if (chunkList.length > 0) expect(byteLength).toBe(announced)
          expect(buffer.byteLength).toBeGreaterThanOrEqual(byteLength)
          expect(writer).toMatchObject({ byteLength: 0, rowCount: 0 })
          // what lies behind the end of the part is not needed to read it
          const reader = new PartReader(buffer.slice(0, byteLength))
          sameColumns(read(reader, widths), chunkList)
        }
      }),
      { numRuns: 30 },
    )
  })

  test('has every block at a multiple of 8 bytes', () => {
    fc.assert(
      fc.property(cases, ({ widths, parts, allocate }) => {
        const writer = new PartWriter(widths.length, allocate)
        const chunkList = parts.flat()
        const reader = new PartReader(write(writer, chunkList, 0).buffer)
        for (const chunk of chunkList.keys()) {
          for (const column of widths.keys()) {
            expect(reader.valuesOffset(chunk, column) % 8).toBe(0)
            expect(reader.validityOffset(chunk, column) % 8).toBe(0)
          }
        }
      }),
      { numRuns: 20 },
    )
  })
})

describe('a part of nested columns', () => {
  const type: fc.Arbitrary<LogicalType> = fc.letrec<{ any: LogicalType }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom<LogicalType>({ id: 'INTEGER' }, { id: 'VARCHAR' }),
      tie('any').map((element): LogicalType => ({ id: 'LIST', element })),
      tie('any').map((element): LogicalType => ({ id: 'ARRAY', element, length: 2 })),
      tie('any').map((value): LogicalType => ({ id: 'MAP', key: { id: 'INTEGER' }, value })),
      fc.array(tie('any'), { minLength: 1, maxLength: 3 }).map(
        (types): LogicalType => ({
          id: 'STRUCT',
          fields: types.map((inner, i) => ({ name: `f${i}`, type: inner })),
        }),
      ),
    ),
  })).any

  const valuesOf = (of: LogicalType): fc.Arbitrary<PhysicalValue> =>
    fc.option(presentValue(of), { freq: 4, nil: null })
  const presentValue = (of: LogicalType): fc.Arbitrary<PhysicalValue> => {
    switch (of.id) {
      case 'LIST':
        return fc.array(valuesOf(of.element), { maxLength: 3 })
      case 'ARRAY':
        return fc.array(valuesOf(of.element), { minLength: of.length, maxLength: of.length })
      case 'MAP':
        return fc.array(fc.tuple(fc.integer(), valuesOf(of.value)), { maxLength: 3 })
      case 'STRUCT':
        return fc.tuple(...of.fields.map((field) => valuesOf(field.type)))
      default:
        return of.id === 'INTEGER' ? fc.integer() : fc.string({ maxLength: 20 })
    }
  }

  /** The value of one row of a vector, by what the layout says of it alone. */
  function readValue(part: PartReader, node: VectorNode, rowCount: number, row: number): PhysicalValue {
    const values = part.valuesOffset(0, node.slot)
    if (values === 0 || !isValid(part, part.validityOffset(0, node.slot), row)) return null
    switch (node.kind) {
      case 'fixed':
        return (part.words[(values >> 2) + row] as number) | 0
      case 'string':
        return Buffer.from(stringBytes(part, stringBlock(part, values, rowCount), row)).toString()
      case 'struct':
        return node.children.map((child) => readValue(part, child, rowCount, row))
      case 'array':
        return Array.from({ length: node.length }, (_, i) =>
          readValue(part, node.child, rowCount * node.length, row * node.length + i),
        )
      case 'list': {
        const { childRows, entriesOffset } = listBlock(part, values)
        const [first = 0, , length = 0] = part.words.subarray((entriesOffset >> 2) + row * 4)
        return Array.from({ length }, (_, i) => readValue(part, node.child, childRows, first + i))
      }
    }
  }

  const cases = fc.array(type, { minLength: 1, maxLength: 3 }).chain((types) =>
    fc.record({
      types: fc.constant(types),
      rows: fc.array(fc.tuple(...types.map(valuesOf)), { minLength: 1, maxLength: 12 }),
    }),
  )

  test('reads exactly as it was written', () => {
    fc.assert(
      fc.property(cases, ({ types, rows }) => {
        const columns = types.map((of, i) => ({
          type: logicalTypeName(of),
          values: rows.map((row) => row[i] ?? null),
        }))
        const part = new PartReader(encodePart(columns).buffer)
        const { trees, vectorCount } = vectorTreesOf(types)
        expect(part.vectorCount).toBe(vectorCount)
        const read = rows.map((_, row) => trees.map((tree) => readValue(part, tree, rows.length, row)))
        expect(read).toEqual(rows)
      }),
      { numRuns: 300 },
    )
  })
})

const blockOf4Bytes = (values: readonly (number | null)[]): VectorBlock | undefined =>
  encodeBlock('INTEGER', values)

test('an all-NULL column takes no bytes and has the offset 0; one without NULLs has no validity mask', () => {
  const writer = new PartWriter(3, (bytes) => new ArrayBuffer(bytes))
  writer.appendChunk(2, [blockOf4Bytes([null, null]), blockOf4Bytes([1, 2]), blockOf4Bytes([null, 2])])
  const reader = new PartReader(writer.finish().buffer)
  expect(reader.valuesOffset(0, 0)).toBe(0)
  expect(reader.validityOffset(0, 1)).toBe(0)
  expect(reader.validityOffset(0, 2)).toBeGreaterThan(0)
  expect(reader.valuesOffset(0, 1)).toBe(32)
})

test('a part that outgrows its buffer keeps what was written before', () => {
  const sizes: number[] = []
  const writer = new PartWriter(1, (bytes) => {
    sizes.push(bytes)
    return new ArrayBuffer(bytes)
  })
  const column = (seed: number): VectorBlock | undefined =>
    blockOf4Bytes(Array.from({ length: 2048 }, () => seed))
  for (let chunk = 0; chunk < 20; chunk++) writer.appendChunk(2048, [column(chunk)], 9_000)
  const reader = new PartReader(writer.finish().buffer)
  expect(reader.rowCount).toBe(20 * 2048)
  for (let chunk = 0; chunk < 20; chunk++) {
    const start = reader.valuesOffset(chunk, 0) >> 2
    expect(new Set(reader.words.subarray(start, start + 2048))).toEqual(new Set([chunk]))
  }
  expect(sizes.length).toBeLessThan(8)
  expect(sizes[0]).toBe(9_000)
})

test('a discarded part leaves nothing in the next one', () => {
  const writer = new PartWriter(1, (bytes) => new ArrayBuffer(bytes))
  writer.appendChunk(3, [blockOf4Bytes([7, 8, 9])])
  writer.discard()
  expect(writer).toMatchObject({ rowCount: 0, byteLength: 0 })
  writer.appendChunk(1, [blockOf4Bytes([5])])
  const reader = new PartReader(writer.finish().buffer)
  expect(reader).toMatchObject({ rowCount: 1, chunkCount: 1 })
  expect(reader.words[reader.valuesOffset(0, 0) >> 2]).toBe(5)
})

test('a part reads the same when it was transferred to another thread', () => {
  const writer = new PartWriter(1, (bytes) => new ArrayBuffer(bytes))
  writer.appendChunk(2, [encodeBlock('VARCHAR', ['', 'longer than twelve bytes'])])
  const { buffer } = writer.finish()
  const moved = structuredClone(buffer, { transfer: [buffer] })
  expect(buffer.byteLength).toBe(0)
  const reader = new PartReader(moved)
  const strings = stringBlock(reader, reader.valuesOffset(0, 0), 2)
  const text = (row: number): string => Buffer.from(stringBytes(reader, strings, row)).toString()
  expect([text(0), text(1)]).toEqual(['', 'longer than twelve bytes'])
})

describe('a foreign buffer is refused:', () => {
  const part = (): ArrayBuffer => {
    const writer = new PartWriter(1, (bytes) => new ArrayBuffer(bytes))
    writer.appendChunk(2, [blockOf4Bytes([1, 2])])
    return writer.finish().buffer
  }

  test.each([
    ['an empty one', () => new ArrayBuffer(0)],
    ['one shorter than a word', () => new ArrayBuffer(3)],
    ['zeros', () => new ArrayBuffer(4096)],
    ['a part without its end', () => part().slice(0, -4)],
    ['a part of another version', () => replaceWord(part(), 0, 0x314b_5344)],
    ['a part whose directory lies outside', () => replaceWord(part(), 4, 1 << 20)],
    ['a part that claims more chunks than it holds', () => replaceWord(part(), 3, 0xffff_ffff)],
  ])('%s', (_, buffer) => {
    expect(() => new PartReader(buffer())).toThrow(RangeError)
  })

  test.each([
    ['rows that a part has not', 1, { from: 1, to: 3 }],
    ['rows before the first', 1, { from: -1, to: 1 }],
    ['rows of a part of several chunks', 2, { from: 0, to: 2 }],
  ])('%s', (_, chunks, rows) => {
    const writer = new PartWriter(1, (bytes) => new ArrayBuffer(bytes))
    for (let chunk = 0; chunk < chunks; chunk++) writer.appendChunk(2, [blockOf4Bytes([1, 2])])
    const { buffer } = writer.finish()
    expect(() => new PartReader(buffer, { rows })).toThrow(RangeError)
  })

  test('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => new PartReader(bytes.slice().buffer)).toThrow('not a part')
      }),
    )
  })

  function replaceWord(buffer: ArrayBuffer, index: number, word: number): ArrayBuffer {
    new Uint32Array(buffer)[index] = word
    return buffer
  }
})
