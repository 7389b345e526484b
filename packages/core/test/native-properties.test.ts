import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SinkEngine, ValueError } from '../src/index.ts'

/** A native type: values to try, what must be read back of each, and how to read it without loss. */
interface Native {
  readonly values: fc.Arbitrary<unknown>
  /** What the column must hold; undefined where the value must be refused. */
  exact(value: unknown): unknown
  readonly readAs: string
}

const INTEGER_TEXT = /^[+-]?\d+$/
const NUMBER_TEXT = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const INFINITE = new Map([
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
])

const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true })

const wholeNumbers = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.integer({ min: -200, max: 300 }),
  fc
    .tuple(fc.integer({ min: 0, max: 66 }), fc.integer({ min: -2, max: 2 }))
    .map(([power, n]) => 2 ** power + n),
  fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }),
  fc
    .tuple(
      fc.constantFrom(7n, 8n, 15n, 16n, 31n, 32n, 63n, 64n),
      fc.bigInt({ min: -2n, max: 2n }),
      fc.boolean(),
    )
    .map(([power, n, negative]) => (negative ? -(2n ** power) : 2n ** power) + n),
)
const numbers = fc.oneof(
  { arbitrary: wholeNumbers, weight: 5 },
  { arbitrary: wholeNumbers.map(String), weight: 2 },
  { arbitrary: fc.double(), weight: 2 },
  { arbitrary: fc.float(), weight: 1 },
  { arbitrary: fc.double().map(String), weight: 1 },
  { arbitrary: anything, weight: 1 },
)

function integer(bits: bigint, isSigned: boolean): Native {
  const min = isSigned ? -(2n ** (bits - 1n)) : 0n
  const max = isSigned ? 2n ** (bits - 1n) - 1n : 2n ** bits - 1n
  return {
    values: numbers,
    readAs: 'value::HUGEINT',
    exact(value) {
      const whole = typeof value === 'string' ? wholeOfText(value) : wholeOf(value)
      return whole !== undefined && whole >= min && whole <= max ? whole : undefined
    },
  }
}

const wholeOf = (value: unknown): bigint | undefined =>
  typeof value === 'bigint' || Number.isInteger(value) ? BigInt(value as number) : undefined

function wholeOfText(text: string): bigint | undefined {
  const trimmed = text.trim()
  if (INTEGER_TEXT.test(trimmed)) return BigInt(trimmed.replace('+', ''))
  return NUMBER_TEXT.test(trimmed) ? wholeOf(Number(trimmed)) : undefined
}

function exactDouble(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (value === 'NaN') return Number.NaN
  if (typeof value === 'string' && INFINITE.has(value)) return INFINITE.get(value)
  const isText = typeof value === 'string' && NUMBER_TEXT.test(value)
  if (!isText && typeof value !== 'bigint') return undefined
  const number = Number(value)
  return Number.isFinite(number) && (isText || BigInt(number) === value) ? number : undefined
}

function exactSingle(value: unknown): number | undefined {
  const number = exactDouble(value)
  if (number === undefined) return undefined
  const single = Math.fround(number)
  if (Object.is(single, number)) return single
  // text means the single that is nearest, which for a double halfway between two would not be clear
  const other = 2 * number - single
  const isClear = typeof value === 'string' && Number.isFinite(single) && Math.fround(other) !== other
  return isClear ? single : undefined
}

const BOOLEANS: ReadonlyMap<unknown, boolean> = new Map([
  ...['true', 'TRUE', 't', 'T', 'yes', 'Yes', 'y', '1'].map((text) => [text, true] as const),
  ...['false', 'False', 'f', 'F', 'no', 'NO', 'n', '0'].map((text) => [text, false] as const),
])

const FIRST_MILLIS = -62_135_596_800_000 // 0001-01-01
const LAST_MILLIS = 253_402_300_799_999 // 9999-12-31

/** Nanoseconds since 1970, as a `Date` with what is below a millisecond left out, or as text. */
const instants = (toMillis: { min: number; max: number }, offset: string): fc.Arbitrary<unknown> =>
  fc.oneof(
    { arbitrary: fc.date({ noInvalidDate: false }), weight: 2 },
    { arbitrary: fc.integer(toMillis).map((millis) => new Date(millis)), weight: 2 },
    {
      arbitrary: fc.integer(toMillis).map((millis) => new Date(Math.floor(millis / 1_000) * 1_000)),
      weight: 2,
    },
    { arbitrary: fc.integer(toMillis).map((millis) => new Date(Math.floor(millis / DAY) * DAY)), weight: 2 },
    {
      arbitrary: fc
        .tuple(fc.integer(toMillis), fc.constantFrom('', '.5', '.123', '.000001', '.123456', '.123456789'))
        .map(([millis, fraction]) => `${isoSeconds(millis)}${fraction}${offset}`),
      weight: 4,
    },
    { arbitrary: anything, weight: 1 },
  )

const DAY = 86_400_000
const isoSeconds = (millis: number): string => new Date(millis).toISOString().slice(0, 19)

function nanosOf(value: unknown, offset: string): bigint | undefined {
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? undefined : BigInt(value.getTime()) * 1_000_000n
  }
  const match = typeof value === 'string' ? /^(.{19})(?:\.(\d+))?(Z?)$/.exec(value) : null
  if (match === null || match[3] !== offset) return undefined
  return BigInt(Date.parse(`${match[1]}Z`)) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'))
}

function timestamp(readAs: string, unitNanos: bigint, offset = ''): Native {
  const isNanos = unitNanos === 1n
  const range = isNanos
    ? { min: -9_223_286_400_000, max: 9_223_372_036_854 }
    : { min: FIRST_MILLIS, max: LAST_MILLIS }
  return {
    values: instants(range, offset),
    readAs,
    exact(value) {
      const nanos = nanosOf(value, offset)
      if (nanos === undefined || nanos % unitNanos !== 0n) return undefined
      const isInRange = !isNanos || (nanos >= -9_223_286_400_000_000_000n && nanos < 2n ** 63n - 1n)
      return isInRange ? nanos / unitNanos : undefined
    },
  }
}

const hexOf = (bytes: Uint8Array | string): string =>
  Buffer.from(bytes as string)
    .toString('hex')
    .toUpperCase()

function hexOfText(text: string): string | undefined {
  const bytes = text.replace(/\\x([\da-fA-F]{2})/g, '')
  if (bytes.includes('\\') || !Buffer.from(text).equals(Buffer.from(text, 'ascii'))) return undefined
  return text.replace(
    /\\x(..)|(.)/gs,
    (_, hex?: string, other?: string) => hex?.toUpperCase() ?? hexOf(other ?? ''),
  )
}

const TYPES: Readonly<Record<string, Native>> = {
  BOOLEAN: {
    values: fc.oneof(fc.boolean(), fc.constantFrom(...BOOLEANS.keys(), 'on', 'True ', 'tr', '2'), anything),
    readAs: 'value',
    exact: (value) => (typeof value === 'boolean' ? value : BOOLEANS.get(value)),
  },
  TINYINT: integer(8n, true),
  SMALLINT: integer(16n, true),
  INTEGER: integer(32n, true),
  BIGINT: integer(64n, true),
  UTINYINT: integer(8n, false),
  USMALLINT: integer(16n, false),
  UINTEGER: integer(32n, false),
  UBIGINT: integer(64n, false),
  FLOAT: { values: numbers, readAs: 'value', exact: exactSingle },
  DOUBLE: { values: numbers, readAs: 'value', exact: exactDouble },
  VARCHAR: {
    values: fc.oneof(
      { arbitrary: fc.string({ unit: 'binary', maxLength: 30 }), weight: 3 },
      { arbitrary: fc.string({ maxLength: 40 }), weight: 3 },
      { arbitrary: fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)), weight: 1 },
      { arbitrary: anything, weight: 1 },
    ),
    readAs: 'hex(value)',
    exact: (value) => (typeof value === 'string' && value.isWellFormed() ? hexOf(value) : undefined),
  },
  BLOB: {
    values: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array().map(Buffer.from),
      fc.string({ maxLength: 20 }),
      fc
        .array(fc.constantFrom('a', '\\xff', '\\x0A', '\\', '\\x', 'é', '\0', "'"))
        .map((parts) => parts.join('')),
      anything,
    ),
    readAs: 'hex(value)',
    exact(value) {
      if (typeof value === 'string') return hexOfText(value)
      return ArrayBuffer.isView(value)
        ? hexOf(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
        : undefined
    },
  },
  DATE: {
    values: fc.oneof(
      { arbitrary: instants({ min: FIRST_MILLIS, max: LAST_MILLIS }, ''), weight: 2 },
      {
        arbitrary: fc
          .integer({ min: FIRST_MILLIS, max: LAST_MILLIS })
          .map((millis) => isoSeconds(millis).slice(0, 10)),
        weight: 1,
      },
    ),
    readAs: `date_diff('day', DATE '1970-01-01', value)`,
    exact(value) {
      const isDay = typeof value === 'string' && value.length === 10
      const millis = isDay ? Date.parse(value) : value instanceof Date ? value.getTime() : NaN
      return millis % DAY === 0 ? BigInt(millis / DAY) : undefined
    },
  },
  TIME: {
    values: fc.oneof(
      fc.integer({ min: 0, max: DAY - 1 }).map((millis) => isoSeconds(millis).slice(11)),
      fc
        .tuple(fc.integer({ min: 0, max: DAY - 1 }), fc.integer({ min: 1, max: 9_999_999 }))
        .map(([millis, n]) => `${isoSeconds(millis).slice(11)}.${String(n).padStart(7, '0')}`),
      anything,
    ),
    readAs: 'epoch_us(value)',
    exact(value) {
      const match = typeof value === 'string' ? /^(\d\d:\d\d:\d\d)(?:\.(\d{6})(\d*))?$/.exec(value) : null
      if (match === null || Number(match[3] ?? 0) !== 0) return undefined
      return BigInt(Date.parse(`1970-01-01T${match[1]}Z`)) * 1_000n + BigInt(match[2] ?? 0)
    },
  },
  TIMESTAMP: timestamp('epoch_us(value)', 1_000n),
  TIMESTAMP_S: timestamp('epoch_ms(value) // 1000', 1_000_000_000n),
  TIMESTAMP_MS: timestamp('epoch_ms(value)', 1_000_000n),
  TIMESTAMP_NS: timestamp('epoch_ns(value)', 1n),
  TIMESTAMPTZ: timestamp('epoch_us(value)', 1_000n, 'Z'),
}

let engine: SinkEngine
beforeAll(async () => {
  const columns = (value: string) => ({ run: 'INTEGER', row: 'INTEGER', value })
  const tables = Object.fromEntries(Object.keys(TYPES).map((type) => [type, { columns: columns(type) }]))
  engine = await SinkEngine.open({ path: ':memory:', tables })
})
afterAll(() => engine.close())

describe('whatever the value, it is read back as itself or refused', () => {
  it.each(Object.entries(TYPES))('%s', async (type, { values, exact, readAs }) => {
    let run = 0
    const property = fc.asyncProperty(fc.array(values, { minLength: 60, maxLength: 60 }), async (given) => {
      run++
      const expected = given.map((value) => (value === null || value === undefined ? null : exact(value)))
      const results = await Promise.allSettled(
        given.map((value, row) => engine.write(type, [{ run, row, value }])),
      )
      const refused = results.map((result) => (result.status === 'rejected' ? result.reason : undefined))
      for (const error of refused) {
        if (error === undefined) continue
        expect(error).toBeInstanceOf(ValueError)
        expect(error).toMatchObject({ row: 0, column: 'value' })
      }
      expect(refused.map((error) => error === undefined)).toEqual(
        expected.map((value) => value !== undefined),
      )
      const rows = await engine.query(
        `SELECT ${readAs} AS value FROM "${type}" WHERE run = $1 ORDER BY row`,
        [run],
      )
      expect(rows.map(({ value }) => value)).toEqual(expected.filter((value) => value !== undefined))
    })
    await fc.assert(property, { numRuns: 5 })
  })
})
