import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SinkEngine } from '../src/index.ts'
import { Temporal } from './coercion-samples/kinds.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PAGE = readFileSync(new URL('../../../docs/types.md', import.meta.url), 'utf8')

/** A column's type, what it is given, and what DuckDB prints of that; nothing where it is refused. */
type Sample = readonly [type: string, given: unknown, printed?: string]

const refusedBy = (value: unknown, ...types: readonly string[]): Sample[] =>
  types.map((type) => [type, value])
const WHOLE = ['TINYINT', 'BIGINT', 'UBIGINT', 'HUGEINT', 'BIGNUM'] as const
const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
const [TWELVE, THIRTEEN] = ['twelve bytes', 'ThirteenBytes']
const LONG = `${'🦆é1'.repeat(2 ** 24 / 7)}end`
const detached = new Uint8Array(4)
structuredClone(detached, { transfer: [detached.buffer] })

/** Samples of each special value, by the name of its row in docs/types.md. */
const SPECIAL_VALUES: Readonly<Record<string, readonly Sample[]>> = {
  '`-0`': [
    ...([
      ['FLOAT', -0, '-0.0'],
      ['DOUBLE', -0, '-0.0'],
      ['DOUBLE', '-0', '-0.0'],
      ['JSON', -0, '-0.0'],
    ] as const),
    ...([
      ['DOUBLE[]', [-0], '[-0.0]'],
      ['INTEGER', -0, '0'],
      ['HUGEINT', '-0', '0'],
      ['DECIMAL(4,1)', -0, '0.0'],
    ] as const),
  ],
  '`NaN`': [
    ...([
      ['FLOAT', Number.NaN, 'nan'],
      ['DOUBLE', Number.NaN, 'nan'],
      ['DOUBLE', 'NaN', 'nan'],
      ['DOUBLE[]', [Number.NaN], '[nan]'],
    ] as const),
    ...refusedBy(Number.NaN, ...WHOLE, 'DECIMAL(4,1)', 'JSON', 'VARCHAR', 'BOOLEAN', 'DATE'),
  ],
  '`Infinity`, `-Infinity`': [
    ...([
      ['FLOAT', Infinity, 'inf'],
      ['DOUBLE', -Infinity, '-inf'],
      ['DOUBLE', '-Infinity', '-inf'],
      ['FLOAT', 'inf', 'inf'],
    ] as const),
    ...([
      ['DATE', 'infinity', 'infinity'],
      ['TIMESTAMP_NS', '-infinity', '-infinity'],
    ] as const),
    ...refusedBy(Infinity, ...WHOLE, 'DECIMAL(4,1)', 'JSON', 'TIMESTAMP'),
  ],
  'subnormal numbers': [
    ...([
      ['DOUBLE', 5e-324, '5e-324'],
      ['DOUBLE', -2.225073858507201e-308, '-2.225073858507201e-308'],
    ] as const),
    ...([
      ['FLOAT', 2 ** -149, '1e-45'],
      ['FLOAT', 2 ** -150],
    ] as const),
  ],
  '2^53 and beyond': [
    ['BIGINT', 2 ** 53, '9007199254740992'],
    ['BIGINT', 2n ** 53n + 1n, '9007199254740993'],
    ['BIGINT', '9007199254740993', '9007199254740993'],
    ['HUGEINT', 1e23, '99999999999999991611392'],
    ['DECIMAL(38,0)', 1e23, `1${'0'.repeat(23)}`],
    ['DOUBLE', 2n ** 53n, '9007199254740992.0'],
    ['DOUBLE', 2n ** 53n + 1n],
    ['BIGINT', 2 ** 63],
  ],
  fractions: [
    ...refusedBy(1.5, ...WHOLE),
    ...refusedBy('1.5', ...WHOLE),
    ...([
      ['DECIMAL(4,1)', 1.5, '1.5'],
      ['DECIMAL(4,1)', 1.55],
      ['DECIMAL(4,0)', 1.5],
      ['INTEGER[]', '[1.5]'],
    ] as const),
  ],
  '0.1': [
    ...([
      ['DOUBLE', 0.1, '0.1'],
      ['FLOAT', 0.1],
      ['FLOAT', Math.fround(0.1), '0.1'],
      ['FLOAT', '0.1', '0.1'],
    ] as const),
    ['DECIMAL(38,37)', 0.1, `0.1${'0'.repeat(36)}`],
  ],
  'years before 1': [
    ['DATE', '0044-03-15 (BC)', '0044-03-15 (BC)'],
    ['DATE', '-0043-03-15', '0044-03-15 (BC)'],
    ['DATE', '0000-12-31', '0001-12-31 (BC)'],
    ['DATE', new Date('-000043-03-15'), '0044-03-15 (BC)'],
    ['TIMESTAMP', new Date('-000043-03-15T12:00Z'), '0044-03-15 (BC) 12:00:00'],
    ['TIMESTAMP', Temporal.PlainDateTime.from('-000043-03-15T12:00'), '0044-03-15 (BC) 12:00:00'],
    ['TIMESTAMP_S', '290309-12-22 (BC) 00:00:00', '290309-12-22 (BC) 00:00:00'],
    ['TIMESTAMP_S', '290309-12-21 (BC) 00:00:00'],
    ['DATE', '0000-01-01 (BC)'],
  ],
  'years after 9999': [
    ['DATE', '12026-11-22', '12026-11-22'],
    ['DATE', '+12026-11-22'],
    ['DATE', new Date('+012026-11-22'), '12026-11-22'],
    ['TIMESTAMP', Temporal.Instant.from('+012026-11-22T00:00Z'), '12026-11-22 00:00:00'],
    ['TIMESTAMP', '294247-01-10 04:00:54.775806', '294247-01-10 04:00:54.775806'],
    ['TIMESTAMP', '294247-01-10 04:00:54.775807'],
    ['DATE', '5881580-07-10', '5881580-07-10'],
    ['DATE', '5881580-07-11'],
    ['TIMESTAMP_NS', new Date('2300-01-01')],
  ],
  microseconds: [
    ['TIMESTAMP', '2026-11-22 12:34:56.000001', '2026-11-22 12:34:56.000001'],
    ['TIME', '12:34:56.000001', '12:34:56.000001'],
    ['INTERVAL', { micros: 1 }, '00:00:00.000001'],
    ...refusedBy('2026-11-22 12:34:56.000001', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'DATE'),
  ],
  nanoseconds: [
    ['TIMESTAMP_NS', '2026-11-22 12:34:56.000000001', '2026-11-22 12:34:56.000000001'],
    ['TIME_NS', '12:34:56.000000001', '12:34:56.000000001'],
    ['TIMESTAMP', '2026-11-22 12:34:56.000001000', '2026-11-22 12:34:56.000001'],
    ['TIMESTAMP_NS', '2026-11-22 12:34:56.0000000001'],
    ...refusedBy('2026-11-22 12:34:56.000000001', 'TIMESTAMP', 'TIMESTAMP_MS', 'TIMESTAMP_S'),
    ...([
      ['TIMESTAMPTZ', '2026-11-22 12:34:56.000000001Z'],
      ['TIME', '12:34:56.000000001'],
    ] as const),
    ...([
      ['INTERVAL', '0.0000001 seconds'],
      ['TIMETZ', '12:34:56.000000001Z'],
    ] as const),
  ],
  'invalid `Date`': refusedBy(
    new Date(Number.NaN),
    'DATE',
    'TIMESTAMP',
    'TIMESTAMP_S',
    'TIMESTAMPTZ',
    'JSON',
  ),
  'lone surrogates': [
    ...refusedBy('\ud83e', 'VARCHAR', 'JSON', 'BLOB', 'VARIANT', "ENUM('a')"),
    ...([
      ['VARCHAR[]', ['a', 'b\udd86']],
      ['JSON', { '\ud83e': 1 }],
      ['JSON', '"\\ud83e"'],
      ['MAP(VARCHAR, INTEGER)', { '\ud83e': 1 }],
    ] as const),
    ['VARCHAR', '\ud83e\udd86', '🦆'],
  ],
  'empty strings': [
    ...([
      ['VARCHAR', '', ''],
      ['VARCHAR[]', [''], "['']"],
      ['BLOB', '', ''],
      ["ENUM('')", '', ''],
      ['JSON', '""', '""'],
    ] as const),
    ...refusedBy(
      '',
      ...WHOLE,
      'DOUBLE',
      'DECIMAL(4,1)',
      'BOOLEAN',
      'DATE',
      'TIMESTAMP',
      'UUID',
      'JSON',
      'INTERVAL',
      'INTEGER[]',
    ),
  ],
  'empty blobs': [
    ...([
      ['BLOB', new Uint8Array(), ''],
      ['BLOB', new ArrayBuffer(), ''],
      ['BLOB[]', [new Uint8Array()], "['']"],
    ] as const),
    ['BLOB', detached],
  ],
  'strings of 12 and 13 bytes': [
    ...[TWELVE, THIRTEEN, '12345678901é', '123456789🦆', ''].map((text): Sample => ['VARCHAR', text, text]),
    ...[TWELVE, THIRTEEN].map((text): Sample => ['BLOB', Buffer.from(text), text]),
    ['VARCHAR[]', [TWELVE, THIRTEEN], `[${TWELVE}, ${THIRTEEN}]`],
  ],
  'strings of 16 MiB': [
    ['VARCHAR', LONG, LONG],
    ['VARCHAR[]', [LONG], `[${LONG}]`],
  ],
  'U+0000 in strings': [
    ...['\0', 'a\0', '\0b', `${TWELVE}\0${THIRTEEN}`].map((text): Sample => ['VARCHAR', text, text]),
    ...([
      ['VARCHAR[]', ['a\0b'], '[a\0b]'],
      ['BLOB', 'a\0', 'a\\x00'],
      ['STRUCT(a VARCHAR)', { a: '\0' }, `{'a': \0}`],
    ] as const),
  ],
}

let engine: SinkEngine
beforeAll(async () => {
  engine = await SinkEngine.open({ path: ':memory:' })
})
afterAll(() => engine.close())

let tables = 0
async function expectSample([type, given, printed]: Sample): Promise<void> {
  const table = `t${tables++}`
  await engine.query(`CREATE TABLE ${table} (value ${type})`)
  const written = engine.write(table, [{ value: given }])
  if (printed === undefined) {
    await expect(written, `${type}, which should refuse it`).rejects.toMatchObject({
      name: 'ValueError',
      column: 'value',
      row: 0,
    })
    return
  }
  await written
  const [row] = await engine.query(`SELECT value::VARCHAR AS text FROM ${table}`)
  // by its digest where it is long, so that a failure can be read
  const inShort = (text: string): string => (text.length > 1_000 ? md5(text) : text)
  expect([type, inShort(String(row?.text))]).toEqual([type, inShort(printed)])
}

describe('a special value is what docs/types.md says', () => {
  it.each(Object.keys(SPECIAL_VALUES))('%s', async (name) => {
    for (const sample of SPECIAL_VALUES[name] ?? []) await expectSample(sample)
  })

  it('and each of them has a row there', () => {
    const [, section = ''] = /## Special values\n(.*?)\n## /s.exec(PAGE) ?? []
    const rows = [...section.matchAll(/^\| (.*?) \|/gm)].map(([, name]) => name)
    expect(rows.slice(1)).toEqual(Object.keys(SPECIAL_VALUES))
  })
})

it('the page holds the matrix as the data have it', () => {
  expect(
    execFileSync(process.execPath, ['scripts/types-page.ts', '--check'], { cwd: ROOT, encoding: 'utf8' }),
  ).toBe('')
})
