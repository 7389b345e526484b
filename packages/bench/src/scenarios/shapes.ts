import type { Dataset } from '../dataset.ts'
import type { Alphabet, GeneratedColumn } from '../generated-columns.ts'
import type { WriteScenario } from './scenario.ts'
import { LARGE } from './sizes.ts'

/** A kind of table, and batches of it that take a fraction of a second. */
interface Shape {
  readonly name: string
  readonly title: string
  readonly dataset: Dataset
  readonly batchRows: number
  /** Small batches, as rows are large, need more of them: V8 compiles what has run for a while. */
  readonly warmupBatches?: number
  readonly batchesPerIteration?: number
}

const SMALL_BATCHES = { warmupBatches: 5, batchesPerIteration: 8 } as const

/** A kind of column, yet without a name. */
type Column = GeneratedColumn extends infer C ? (C extends unknown ? Omit<C, 'name'> : never) : never

/** A column of texts that are all different, unless it is said how many there are. */
function text(bytes: number, alphabet: Alphabet = 'ascii', distinct = 0): Column {
  return { kind: 'text', alphabet, bytes, distinct, nullPercent: 0 }
}

/** Eight columns of the kinds that sinks see most, as in the workload. */
const MIXED: readonly Column[] = [
  { kind: 'integer', nullPercent: 0 },
  text(8, 'ascii', 5),
  { kind: 'double', nullPercent: 0 },
  text(50),
  { kind: 'boolean', nullPercent: 0 },
  { kind: 'timestamp', nullPercent: 0 },
  { kind: 'integer', nullPercent: 0 },
  text(12, 'ascii', 5),
]

/** So many columns, of these kinds in turn. */
function columns(count: number, kinds: readonly Column[]): Dataset {
  const named = Array.from({ length: count }, (_, i): GeneratedColumn[] =>
    kinds.slice(i % kinds.length, (i % kinds.length) + 1).map((kind) => ({ ...kind, name: `c${i}` })),
  )
  return { kind: 'columns', columns: named.flat() }
}

/** Four columns of one kind of text. */
function texts(column: Column): Dataset {
  return columns(4, [column])
}

const SHAPES: readonly Shape[] = [
  { name: 'columns-4', title: '4 columns', dataset: columns(4, MIXED), batchRows: 122_880 },
  { name: 'columns-8', title: '8 columns', dataset: columns(8, MIXED), batchRows: 122_880 },
  {
    name: 'columns-64',
    title: '64 columns',
    dataset: columns(64, MIXED),
    batchRows: 8_192,
    ...SMALL_BATCHES,
  },
  {
    name: 'columns-512',
    title: '512 columns',
    dataset: columns(512, MIXED),
    batchRows: 1_024,
    ...SMALL_BATCHES,
  },
  { name: 'strings-8', title: 'strings of 8 bytes', dataset: texts(text(8)), batchRows: 122_880 },
  { name: 'strings-50', title: 'strings of 50 bytes', dataset: texts(text(50)), batchRows: 122_880 },
  {
    name: 'strings-1000',
    title: 'strings of 1,000 bytes',
    dataset: texts(text(1_000)),
    batchRows: 8_192,
    ...SMALL_BATCHES,
  },
  ...[0, 10, 90].map((nullPercent) => ({
    name: `nulls-${nullPercent}`,
    title: `${nullPercent} % nulls`,
    dataset: columns(
      8,
      MIXED.map((column) => ({ ...column, nullPercent })),
    ),
    batchRows: 122_880,
  })),
  {
    name: 'cardinality-low',
    title: '10 different strings of 20 bytes',
    dataset: texts(text(20, 'ascii', 10)),
    batchRows: 122_880,
  },
  {
    name: 'cardinality-high',
    title: 'strings of 20 bytes, all different',
    dataset: texts(text(20)),
    batchRows: 122_880,
  },
  ...(['ascii', 'latin', 'cjk', 'emoji'] as const).map((alphabet) => ({
    name: `text-${alphabet}`,
    title: `strings of 30 bytes, ${alphabet === 'ascii' || alphabet === 'cjk' ? alphabet.toUpperCase() : alphabet}`,
    dataset: texts(text(30, alphabet)),
    batchRows: 122_880,
  })),
  ...(['list', 'struct', 'list-of-struct'] as const).map((nesting) => ({
    name: `nested-${nesting}`,
    title: {
      list: 'a LIST of 10 DOUBLE in place of a DOUBLE',
      struct: 'four of the columns in a STRUCT',
      'list-of-struct': 'four of the columns in a LIST of 3 STRUCT',
    }[nesting],
    dataset: { kind: 'workload', nesting } as const,
    batchRows: 65_536,
  })),
]

/** Tables of all kinds, in memory and on a file, beside bytewax-duckdb. */
export const SHAPE_SCENARIOS: readonly WriteScenario[] = SHAPES.flatMap((shape) =>
  (['memory', 'file'] as const).map(
    (target): WriteScenario => ({
      ...LARGE,
      batchesPerIteration: 4,
      ...shape,
      name: `${shape.name}-${target}`,
      title: `${target}, ${shape.title}, batches of ${shape.batchRows.toLocaleString('en')}`,
      family: 'shape',
      suites: ['seed'],
      target,
      rounds: 3,
      iterations: 1,
      contenders: ['ducksink'],
    }),
  ),
)
