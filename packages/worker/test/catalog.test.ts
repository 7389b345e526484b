import { describe, expect, test } from 'vitest'
import { openSession, temporaryDirectory } from './session.ts'

describe('a table', () => {
  test('that is absent has no layout, and neither has one of another schema', async () => {
    const { catalog, rows } = await openSession()
    await rows('CREATE SCHEMA s')
    await rows('CREATE TABLE s.t (a INTEGER)')
    expect(await catalog.describe({ name: 't' })).toBeUndefined()
    expect(await catalog.describe({ schema: 'nowhere', name: 't' })).toBeUndefined()
    expect(await catalog.describe({ catalog: 'nowhere', name: 't' })).toBeUndefined()
    expect(await catalog.describe({ schema: 's', name: 't' })).toMatchObject({
      table: { catalog: 'memory', schema: 's', name: 't' },
      columns: [{ name: 'a', type: 'INTEGER' }],
    })
  })

  test('has its columns in their order, with the types as DuckDB prints them', async () => {
    const { rows, layout } = await openSession()
    await rows("CREATE TYPE mood AS ENUM ('sad', 'it''s')")
    await rows(`CREATE TABLE t (z INT8, "a ""b"".c" DECIMAL(5,2)[], m mood, s STRUCT(x INT, "y z" TEXT),
      g INTEGER AS (z + 1))`)
    const { columns, types } = await layout('t')
    expect(columns).toEqual([
      { name: 'z', type: 'BIGINT' },
      { name: 'a "b".c', type: 'DECIMAL(5,2)[]' },
      { name: 'm', type: "ENUM('sad', 'it''s')" },
      { name: 's', type: 'STRUCT(x INTEGER, "y z" VARCHAR)' },
      { name: 'g', type: 'INTEGER' },
    ])
    expect(types.map((type) => type.id)).toEqual(['BIGINT', 'LIST', 'ENUM', 'STRUCT', 'INTEGER'])
  })

  test.each(['select', 'two words', 'dots.and.dots', 'say "hi"', "it's", '🦆', 'a%_b', 'main'])(
    'called %s is found',
    async (name) => {
      const { rows, layout } = await openSession()
      await rows(`CREATE TABLE "${name.replaceAll('"', '""')}" ("${name.replaceAll('"', '""')}" INTEGER)`)
      expect((await layout(name)).columns).toEqual([{ name, type: 'INTEGER' }])
    },
  )

  test('is found whatever the case of its ASCII letters, as in DuckDB', async () => {
    const { rows, layout } = await openSession()
    await rows('CREATE SCHEMA "Sch"')
    await rows('CREATE TABLE "Sch"."Events" (a INTEGER)')
    const found = await layout({ catalog: 'MEMORY', schema: 'sCH', name: 'eVENTS' })
    expect(found.columns).toEqual([{ name: 'a', type: 'INTEGER' }])
  })

  test.each([
    ['Ä', 'ä'],
    ['É.x', 'é.x'],
    ['İ', 'i̇'],
  ])('called %s is another than %s, as in DuckDB', async (upper, lower) => {
    const { rows, layout } = await openSession()
    await rows(`CREATE TABLE "${upper}" (a INTEGER)`)
    await rows(`CREATE TABLE "${lower}" (b VARCHAR)`)
    expect((await layout(upper)).columns).toEqual([{ name: 'a', type: 'INTEGER' }])
    expect((await layout(lower)).columns).toEqual([{ name: 'b', type: 'VARCHAR' }])
    expect((await layout(upper)).columns).toEqual([{ name: 'a', type: 'INTEGER' }])
  })

  test('of another attached database does not stand in for the target’s', async () => {
    const { rows, layout } = await openSession(`${temporaryDirectory()}/target.duckdb`)
    await rows('CREATE TABLE memory.main.t (other INTEGER)')
    await rows('CREATE TABLE t (a INTEGER)')
    expect((await layout('t')).columns).toEqual([{ name: 'a', type: 'INTEGER' }])
    expect((await layout({ catalog: 'memory', name: 't' })).columns).toEqual([
      { name: 'other', type: 'INTEGER' },
    ])
  })

  test('is absent where the name is a view’s', async () => {
    const { catalog, rows } = await openSession()
    await rows('CREATE TABLE t (a INTEGER)')
    await rows('CREATE VIEW v AS FROM t')
    expect(await catalog.describe({ name: 'v' })).toBeUndefined()
  })
})

describe('a layout', () => {
  test('is read once, and again when something may have changed it', async () => {
    const { catalog, rows, layout } = await openSession()
    await rows('CREATE TABLE t (a INTEGER)')
    const first = await layout('t')
    await rows('ALTER TABLE t ADD COLUMN b INTEGER')
    expect(await layout('t')).toBe(first)
    expect(catalog.isFresh(first)).toBe(true)
    catalog.invalidate()
    expect(catalog.isFresh(first)).toBe(false)
    const second = await layout('t')
    expect(second.columns).toHaveLength(2)
    expect(catalog.isFresh(second)).toBe(true)
    expect(catalog.isFresh(first)).toBe(false)
  })

  test('keeps its id while the columns are the same, and has another once they differ', async () => {
    const { catalog, rows, layout } = await openSession()
    await rows('CREATE TABLE t (a INTEGER)')
    const first = await layout('t')
    catalog.invalidate()
    expect(await layout('t')).toBe(first)
    await rows('ALTER TABLE t ALTER a TYPE BIGINT')
    catalog.invalidate()
    const second = await layout('t')
    expect(second.layoutId).not.toBe(first.layoutId)
    // writes that were encoded before still name the one they were made for
    expect(catalog.layout(first.layoutId)).toBe(first)
    expect(catalog.layout(second.layoutId)).toBe(second)
    expect(catalog.layout(99)).toBeUndefined()
  })

  test('of a table that was dropped and made anew is not taken for the old one’s', async () => {
    const { catalog, rows, layout } = await openSession()
    await rows('CREATE TABLE t (a INTEGER)')
    const first = await layout('t')
    await rows('DROP TABLE t')
    catalog.invalidate()
    expect(await catalog.describe({ name: 't' })).toBeUndefined()
    expect(catalog.isFresh(first)).toBe(false)
    await rows('CREATE TABLE t (a VARCHAR)')
    expect((await layout('t')).columns).toEqual([{ name: 'a', type: 'VARCHAR' }])
  })
})
