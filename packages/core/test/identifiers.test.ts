import { expect, it } from 'vitest'
import { InvalidOptionsError, SchemaError } from '../src/index.ts'
import { databasePath, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'

const NAMES = [
  'two words',
  'dotted.name.of.one.table',
  `it's "quoted"`,
  '"',
  "'; DROP TABLE x; --",
  'select',
  'table',
  'rowid_',
  '🦆',
  'Größe',
  'back\\slash',
  'new\nline',
  ' leading and trailing ',
  '$1',
  '?',
  '%s',
  '0',
  'x'.repeat(255),
]

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const ofEvery = (table: (name: string) => string): string => NAMES.map(table).join(' UNION ALL ')

it('tables and columns of any name are made, written and read', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  const record = Object.fromEntries(NAMES.map((name, index) => [name, index]))
  await Promise.all(NAMES.map((name) => engine.write(name, [record])))
  await engine.close()
  const rows = await readFile(
    path,
    ofEvery((name) => `FROM ${quoted(name)}`),
  )
  const written = Object.fromEntries(NAMES.map((column, index) => [column, BigInt(index)]))
  expect(rows).toEqual(NAMES.map(() => written))
})

it('tables and columns of any name may be declared', async () => {
  const path = databasePath()
  const tables = Object.fromEntries(NAMES.map((name) => [name, { columns: { [name]: 'INTEGER' } }]))
  const engine = await openEngine({ path, tables })
  await Promise.all(NAMES.map((name, index) => engine.write(name, [{ [name]: index }])))
  await engine.close()
  const rows = await readFile(
    path,
    ofEvery((name) => `SELECT ${quoted(name)} AS value FROM ${quoted(name)}`),
  )
  expect(rows).toEqual(NAMES.map((_, index) => ({ value: index })))
})

it('a name that looks like the parts of another table is a table of its own', async () => {
  const engine = await openEngine()
  const names = ['[null,null,"t"]', { name: 't' }, '["memory","main","t"]', { catalog: 'memory', name: 't' }]
  for (const [id, name] of names.entries()) await engine.write(name, [{ id }])
  expect(await engine.query('FROM t')).toEqual([{ id: 1n }, { id: 3n }])
})

const WRONG = ['', 'a\0b', '\0', 'lone \ud800', 'x'.repeat(256), 'ä'.repeat(128), undefined, null, 5, {}, []]

it('a table name that can be none is refused', async () => {
  const engine = await openEngine()
  for (const name of WRONG as string[]) {
    const refusal = { name: 'InvalidOptionsError', code: 'INVALID_ARGUMENT' }
    await expect(engine.write(name, [{ id: 1 }])).rejects.toMatchObject(refusal)
    expect(() => engine.table(name)).toThrow(InvalidOptionsError)
    if (typeof name !== 'string') continue
    await expect(engine.write({ name }, [{ id: 1 }])).rejects.toMatchObject(refusal)
    await expect(engine.write({ name: 't', schema: name }, [{ id: 1 }])).rejects.toMatchObject(refusal)
    await expect(engine.write({ name: 't', catalog: name }, [{ id: 1 }])).rejects.toMatchObject(refusal)
  }
  expect(await engine.query('FROM duckdb_tables()')).toEqual([])
})

it('a field name that can be no column is refused, and no table is made', async () => {
  const engine = await openEngine()
  for (const name of WRONG.filter((wrong) => typeof wrong === 'string')) {
    expect(await rejection(engine.write('t', [{ id: 1, [name]: 2 }]))).toBeInstanceOf(SchemaError)
  }
  expect(await engine.query('FROM duckdb_tables()')).toEqual([])
})

it('a table is found in its schema, whatever the case of its letters', async () => {
  const engine = await openEngine()
  await engine.query('CREATE SCHEMA "of mine"')
  await engine.query('CREATE TABLE "of mine"."Events" (id INTEGER)')
  await engine.write({ schema: 'of mine', name: 'Events' }, [{ id: 1 }])
  await engine.write({ schema: 'OF MINE', name: 'events' }, [{ ID: 2 }])
  await engine.write({ catalog: 'memory', schema: 'main', name: 'events' }, [{ id: 3 }])
  expect(await engine.query('FROM "of mine".events')).toEqual([{ id: 1 }, { id: 2 }])
  expect(await engine.query('FROM main.events')).toEqual([{ id: 3n }])
})

it('a table has its options under every spelling of its name', async () => {
  const schemaContract = { tables: 'freeze', columns: 'discard-value' } as const
  const engine = await openEngine({
    tables: { Hits: { columns: { id: 'INTEGER' }, schemaContract }, Späh: { schemaContract } },
  })
  const names = [
    'Hits',
    'hits',
    { name: 'HITS' },
    { schema: 'main', name: 'Hits' },
    { schema: 'MAIN', name: 'hitS' },
  ]
  for (const [id, name] of names.entries()) await engine.write(name, [{ id, extra: 1 }])
  expect(await engine.query('FROM Hits ORDER BY id')).toEqual(names.map((_, id) => ({ id })))
  // to DuckDB "Ä" and "ä" are two letters, and a table of another schema is another table
  const absent = { code: 'TABLE_ABSENT' }
  await expect(engine.write('SPäH', [{ id: 1 }])).rejects.toMatchObject(absent)
  expect(await engine.write('SPÄH', [{ id: 1 }])).toMatchObject({ rowCount: 1 })
  await engine.query('CREATE SCHEMA other')
  await engine.query('CREATE TABLE other.Hits (id INTEGER)')
  const other = engine.write({ schema: 'other', name: 'Hits' }, [{ id: 1, extra: 1 }])
  await expect(other).rejects.toBeInstanceOf(SchemaError)
})

it('the parts of a name that are null are not taken for left out', async () => {
  const engine = await openEngine()
  await engine.write('t', [{ id: 1 }])
  for (const name of [
    { schema: null, name: 't' },
    { catalog: null, name: 't' },
  ]) {
    await expect(engine.write(name as never, [{ id: 1 }])).rejects.toBeInstanceOf(InvalidOptionsError)
  }
})

it('a part of a name that there is not is refused, and not left out', async () => {
  const engine = await openEngine()
  const write = engine.write({ shema: 'other', name: 't' } as never, [{ id: 1 }])
  await expect(write).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: 'a table has no "shema": it is { catalog, schema, name }',
  })
})

it('a table of a schema that is absent is not made', async () => {
  const engine = await openEngine()
  await expect(engine.write({ schema: 'nowhere', name: 'events' }, [{ id: 1 }])).rejects.toMatchObject({
    name: 'SchemaError',
    code: 'DDL_FAILED',
    table: 'events',
  })
})
