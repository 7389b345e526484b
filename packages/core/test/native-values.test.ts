import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SinkEngine } from '../src/index.ts'
import { databasePath, openEngine } from './open-engine.ts'
import { readFile } from './read-file.ts'

/** What a type takes, each value with what another process reads of it, and what it refuses. */
interface Borders {
  readonly takes: readonly (readonly [given: unknown, read: unknown])[]
  readonly refuses: readonly unknown[]
}

const sameAs = (...values: readonly unknown[]) => values.map((value) => [value, value] as const)

class Day extends Date {}

const noNumbers = [
  '',
  ' ',
  '1 1',
  '1_000',
  '0x10',
  '1,5',
  'abc',
  '-nan',
  true,
  new Date(0),
  {},
  [1],
  Symbol('1'),
]
const noIntegers = [
  ...[1.5, -0.1, NaN, Infinity, -Infinity, 1e300, 2n ** 70n, -(2n ** 70n), '1.5', '15e-1', '9'.repeat(40)],
  ...[...noNumbers, new Number(1), () => 1, new Uint8Array(1)],
]

function integers(min: bigint, max: bigint): Borders {
  const read = (value: bigint | number) => (max > 2n ** 32n ? BigInt(value) : Number(value))
  const within = [min, min + 1n, 0n, 1n, max - 1n, max]
  const asNumbers = within.filter((value) => BigInt(Number(value)) === value).map(Number)
  return {
    takes: [
      ...within.map((value) => [value, read(value)] as const),
      ...asNumbers.map((value) => [value, read(value)] as const),
      ...within.map((value) => [String(value), read(value)] as const),
      ...([-0, 7.0, '+7', '007', '-0', ' 7\n', '7.00', '70e-1', '.7e1'] as const).map(
        (value) => [value, read(Math.abs(Number(value)))] as const,
      ),
    ],
    refuses: [
      min - 1n,
      max + 1n,
      Number(min - 1n),
      Number(max + 1n),
      `${max + 1n}`,
      `${min - 1n}`,
      ...noIntegers,
    ]
      // the doubles next to -(2^63) and such are the limits themselves
      .filter(
        (value) =>
          typeof value !== 'number' || !Number.isInteger(value) || BigInt(value) < min || BigInt(value) > max,
      ),
  }
}

const THIRTEEN = Array.from({ length: 13 }, (_, index) => index)
const bytes = (...given: number[]) => ({ bytes: Buffer.from(given) })

const notDates = [
  new Date(NaN),
  0,
  1_700_000_000_000,
  5n,
  true,
  {},
  [new Date(0)],
  'today',
  '',
  '2026',
  'now',
]

const timestamps = (unit: string, perSecond: bigint): Borders['takes'] => {
  const at = (seconds: bigint) => ({ [unit]: seconds * perSecond })
  return [
    [new Date(0), at(0n)],
    [new Date(-1_000), at(-1n)],
    [new Day(1_000), at(1n)],
    [new Date('2026-11-22T12:34:56Z'), at(1_795_350_896n)],
    [new Date('1700-01-01T00:00:01Z'), at(-8_520_335_999n)],
    ['infinity', { [unit]: 2n ** 63n - 1n }],
    ['-infinity', { [unit]: -(2n ** 63n) + 1n }],
    ['epoch', at(0n)],
  ]
}

const TYPES: Readonly<Record<string, Borders>> = {
  BOOLEAN: {
    takes: [
      ...sameAs(true, false),
      ...['true', 'T', 'Yes', 'y', '1'].map((text) => [text, true] as const),
      ...['FALSE', 'f', 'no', 'N', '0'].map((text) => [text, false] as const),
    ],
    refuses: [0, 1, 'on', 'true ', '2', '', 1n, new Boolean(true), {}, []],
  },
  TINYINT: integers(-128n, 127n),
  SMALLINT: integers(-32_768n, 32_767n),
  INTEGER: integers(-(2n ** 31n), 2n ** 31n - 1n),
  BIGINT: integers(-(2n ** 63n), 2n ** 63n - 1n),
  UTINYINT: integers(0n, 255n),
  USMALLINT: integers(0n, 65_535n),
  UINTEGER: integers(0n, 2n ** 32n - 1n),
  UBIGINT: integers(0n, 2n ** 64n - 1n),
  FLOAT: {
    takes: [
      ...sameAs(0, -0, 0.5, -1.25, 2 ** 24, 2 ** 127, Math.fround(0.1), NaN, Infinity, -Infinity),
      ...sameAs(3.4028234663852886e38, 1.401298464324817e-45),
      [2n ** 24n, 2 ** 24],
      ['0.1', Math.fround(0.1)],
      ['-inf', -Infinity],
      ['-2.5e3', -2_500],
    ],
    refuses: [0.1, 2 ** 24 + 1, 2n ** 24n + 1n, 1e39, 1e-46, '1e39', ...noNumbers],
  },
  DOUBLE: {
    takes: [
      ...sameAs(0, -0, 0.1, 1e300, 5e-324, Number.MAX_VALUE, NaN, Infinity, -Infinity, 2 ** 53 + 2),
      [2n ** 53n, 2 ** 53],
      [-(2n ** 70n), -(2 ** 70)],
      ['0.1', 0.1],
      ['-0', -0],
      ['.5', 0.5],
      ['5.', 5],
      ['1e-7', 1e-7],
      ['NaN', NaN],
      ['Infinity', Infinity],
      ['+INF', Infinity],
      [' -infinity ', -Infinity],
    ],
    refuses: [2n ** 53n + 1n, 2n ** 2_000n, '1e309', 'infinite', new Number(1), ...noNumbers],
  },
  VARCHAR: {
    takes: sameAs('', 'text', '\0', '12', "it's", '日本語'),
    refuses: [
      1,
      1n,
      true,
      new Date(0),
      {},
      [],
      ['a'],
      Symbol('a'),
      new String('a'),
      new Uint8Array(1),
      '\ud800',
    ],
  },
  BLOB: {
    takes: [
      [new Uint8Array(), bytes()],
      [Uint8Array.of(0, 255), bytes(0, 255)],
      [Buffer.from('twelve bytes'), { bytes: Buffer.from('twelve bytes') }],
      [Uint8Array.from(THIRTEEN), bytes(...THIRTEEN)],
      [Uint16Array.of(1), bytes(1, 0)],
      [new DataView(Uint8Array.of(1, 2, 3).buffer, 1), bytes(2, 3)],
      [Uint8Array.of(4).buffer, bytes(4)],
      ['a\\xFF\\x00', bytes(97, 255, 0)],
      ['', bytes()],
    ],
    refuses: ['é', '\\n', '\\xF', '\\XFF', [1], 1, {}],
  },
  DATE: {
    takes: [
      [new Date(0), { days: 0 }],
      [new Date(-86_400_000), { days: -1 }],
      [new Date('2026-11-22'), { days: 20_779 }],
      [new Day('2024-02-29'), { days: 19_782 }],
      [new Date(8.64e15), { days: 100_000_000 }],
      ['2026-11-22', { days: 20_779 }],
      ['0001-01-01 (BC)', { days: -719_528 }],
      ['infinity', { days: 2_147_483_647 }],
      ['-infinity', { days: -2_147_483_647 }],
    ],
    refuses: [
      new Date(1),
      new Date('2026-11-22T12:00:00Z'),
      '2026-02-30',
      '2026-11-22 00:00:00',
      ...notDates,
    ],
  },
  TIME: {
    takes: [
      ['00:00', { micros: 0n }],
      ['12:34:56', { micros: 45_296_000_000n }],
      ['23:59:59.999999', { micros: 86_399_999_999n }],
      ['24:00:00', { micros: 86_400_000_000n }],
    ],
    refuses: ['12:34:56.1234567', '24:00:01', '12:60', '12', '12:34:56+01', new Date(0), ...notDates],
  },
  TIMESTAMP: {
    takes: [
      ...timestamps('micros', 1_000_000n),
      [new Date(1), { micros: 1_000n }],
      [new Date(8.64e15), { micros: 8_640_000_000_000_000_000n }],
      [new Date(-8.64e15), { micros: -8_640_000_000_000_000_000n }],
      ['2026-11-22 12:34:56.789012', { micros: 1_795_350_896_789_012n }],
      ['2026-11-22T12:34:56Z', { micros: 1_795_350_896_000_000n }],
      ['2026-11-22', { micros: 1_795_305_600_000_000n }],
    ],
    refuses: ['2026-11-22 12:34:56.1234567', '2026-11-22 12:34:56+02:00', '2026-13-01', ...notDates],
  },
  TIMESTAMP_S: {
    takes: timestamps('seconds', 1n),
    refuses: [new Date(1), '2026-11-22 12:34:56.5', ...notDates],
  },
  TIMESTAMP_MS: {
    takes: [...timestamps('millis', 1_000n), [new Date(-1), { millis: -1n }]],
    refuses: ['2026-11-22 12:34:56.0001', ...notDates],
  },
  TIMESTAMP_NS: {
    takes: [
      ...timestamps('nanos', 1_000_000_000n),
      [new Date(1), { nanos: 1_000_000n }],
      ['2026-11-22 12:34:56.789012345', { nanos: 1_795_350_896_789_012_345n }],
    ],
    refuses: [new Date('2262-04-12'), new Date('1677-09-21'), '2026-11-22 12:34:56.0123456789', ...notDates],
  },
  'TIMESTAMP WITH TIME ZONE': {
    takes: [
      ...timestamps('micros', 1_000_000n),
      ['2026-11-22T12:34:56+02:00', { micros: 1_795_343_696_000_000n }],
      ['2026-11-22 12:34:56.789012Z', { micros: 1_795_350_896_789_012n }],
    ],
    refuses: ['2026-11-22 12:34:56', '2026-11-22', '2026-11-22T12:34:56+16:00', ...notDates],
  },
}

const tables = Object.fromEntries(
  Object.keys(TYPES).map((type) => [type, { columns: { row: 'INTEGER', value: type } }]),
)

it('every native type takes what it can hold, and holds exactly that', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  for (const [type, { takes }] of Object.entries(TYPES)) {
    const given = [...takes.map(([value]) => value), null, undefined]
    await engine.write(
      type,
      given.map((value, row) => ({ row, value })),
    )
  }
  await engine.close()
  for (const [type, { takes }] of Object.entries(TYPES)) {
    const rows = await readFile(path, `SELECT value FROM "${type}" ORDER BY row`)
    expect(rows.map(({ value }) => value)).toEqual([...takes.map(([, read]) => read), null, null])
  }
})

describe('a value that the column cannot hold is refused by row, column, type and kind', () => {
  let engine: SinkEngine
  beforeAll(async () => {
    engine = await SinkEngine.open({ path: ':memory:', tables })
  })
  afterAll(() => engine.close())

  it.each(Object.entries(TYPES))('%s', async (type, { refuses }) => {
    for (const value of refuses) {
      const records = [{ row: 1, value: null }, { row: 2 }, { row: 3, value }, { row: 4 }]
      await expect(engine.write(type, records), `${typeof value} ${String(value)}`).rejects.toMatchObject({
        name: 'ValueError',
        code: 'INVALID_VALUE',
        retryable: false,
        table: type,
        column: 'value',
        row: 2,
        expected: type,
        found: kindOf(value),
      })
    }
    expect(await engine.query(`FROM "${type}"`)).toEqual([])
  })
})

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'object' ? (value as object).constructor.name : typeof value
}
