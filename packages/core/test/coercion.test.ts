import {
  COERCION_RULES,
  COERCION_TYPES,
  type CoercionRule,
  coercionOf,
  LANGUAGE_KINDS,
  TEMPORAL_KINDS,
  VALUE_CLASS_KINDS,
  type ValueKind,
} from '@ducksink/worker'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { textFormOf } from '../src/encoder/literal.ts'
import { Refusal } from '../src/encoder/refusal.ts'
import { valueKindOf } from '../src/encoder/value-kind.ts'
import { SinkEngine } from '../src/index.ts'
import { KIND_SAMPLES } from './coercion-samples/kinds.ts'
import { SAMPLES } from './coercion-samples.ts'

const KINDS: readonly ValueKind[] = [...LANGUAGE_KINDS, ...TEMPORAL_KINDS, ...VALUE_CLASS_KINDS]
/** Rules that no value of their kind breaks. */
const UNBREAKABLE: readonly CoercionRule[] = ['null', 'memory', 'otherText']

const COLUMN_TYPES = Object.keys(SAMPLES) as (keyof typeof SAMPLES)[]
const takenKinds = (type: (typeof COERCION_TYPES)[number]): ValueKind[] =>
  KINDS.filter((kind) => !['refused', 'null'].includes(coercionOf(type, kind)))

let engine: SinkEngine
beforeAll(async () => {
  const tables = Object.fromEntries(
    COLUMN_TYPES.map((id) => [id, { columns: { row: 'INTEGER', value: SAMPLES[id].type } }]),
  )
  engine = await SinkEngine.open({ path: ':memory:', tables })
})
afterAll(() => engine.close())

async function expectRefusal(table: string, value: unknown): Promise<void> {
  const records = [
    { row: 0, value: null },
    { row: 1, value },
  ]
  await expect(engine.write(table, records), `${valueKindOf(value)} into ${table}`).rejects.toMatchObject({
    name: 'ValueError',
    code: 'INVALID_VALUE',
    column: 'value',
    row: 1,
  })
}

describe.each(COLUMN_TYPES)('%s', (id) => {
  const { cells, printed = 'value::VARCHAR' } = SAMPLES[id]

  it('has a sample of every kind that the matrix has it take, and of no other', () => {
    expect(Object.keys(cells).sort()).toEqual(takenKinds(id).sort())
  })

  it('holds exactly what it takes', async () => {
    const samples = Object.values(cells).flatMap(({ takes }) => takes)
    const given = [null, undefined, ...samples.map(([value]) => value)]
    await engine.write(
      id,
      given.map((value, row) => ({ row, value })),
    )
    const rows = await engine.query(`SELECT ${printed} AS printed FROM "${id}" ORDER BY row`)
    expect(rows.map((row) => row.printed)).toEqual([null, null, ...samples.map(([, text]) => text)])
  })

  it('refuses what breaks the rule of a kind that it takes', async () => {
    for (const { refuses = [] } of Object.values(cells)) {
      for (const value of refuses) await expectRefusal(id, value)
    }
  })

  it('refuses every other kind', async () => {
    for (const kind of KINDS) {
      if (coercionOf(id, kind) !== 'refused') continue
      for (const value of KIND_SAMPLES[kind]) await expectRefusal(id, value)
    }
  })
})

describe('a type that only DuckDB knows', () => {
  const form = textFormOf({ id: 'OTHER', name: 'mood' })

  it.each(KINDS)('%s', (kind) => {
    for (const value of KIND_SAMPLES[kind]) {
      if (kind === 'null' || kind === 'undefined') continue
      const text = form(value)
      expect(text instanceof Refusal ? 'refused' : text).toBe(kind === 'string' ? value : 'refused')
    }
  })
})

describe('the samples', () => {
  it('are of the kinds that they stand for', () => {
    for (const kind of KINDS) {
      expect(KIND_SAMPLES[kind].map(valueKindOf)).toEqual(KIND_SAMPLES[kind].map(() => kind))
    }
    for (const { cells } of Object.values(SAMPLES)) {
      for (const [kind, { takes }] of Object.entries(cells)) {
        expect(takes.map(([value]) => valueKindOf(value))).toEqual(takes.map(() => kind))
      }
    }
  })

  it('cover every type', () => {
    expect([...COLUMN_TYPES, 'OTHER'].sort()).toEqual([...COERCION_TYPES].sort())
  })

  it.each(Object.keys(COERCION_RULES) as CoercionRule[])('use the rule "%s", and break it', (rule) => {
    const cells = COLUMN_TYPES.flatMap((id) =>
      Object.entries(SAMPLES[id].cells).map(([kind, cell]) => ({ id, kind, cell })),
    )
    const ruled = cells.filter(({ id, kind }) => coercionOf(id, kind as ValueKind) === rule)
    if (UNBREAKABLE.includes(rule)) return
    expect(ruled.some(({ cell }) => (cell.refuses ?? []).length > 0)).toBe(true)
  })
})

describe('a class', () => {
  it('that has the name of one of node-api, and not its shape, is a class like any other', () => {
    class DuckDBDateValue {
      days = '1'
    }
    expect(valueKindOf(new DuckDBDateValue())).toBe('instance')
    expect(valueKindOf(Object.create({ constructor: null }))).toBe('instance')
    expect(valueKindOf({ [Symbol.toStringTag]: 'Temporal.PlainDate' })).toBe('object')
  })
})
