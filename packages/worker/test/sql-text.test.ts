import { describe, expect, test } from 'vitest'
import { explainedSql, withoutComments } from '../src/sql-text.ts'

describe('without its comments', () => {
  test.each([
    ['a -- b\nc', 'a  \nc'],
    ['a /* b /* c */ d */ e', 'a   e'],
    ['a /* never closed', 'a  '],
    [`'--' "/*" -- c`, `'--' "/*"  `],
    [`'it''s -- not' /* one */`, `'it''s -- not'  `],
    [`E'\\' -- not' -- one`, `E'\\' -- not'  `],
    [`DATE'2026-01-01' /* one */ e`, `DATE'2026-01-01'   e`],
    ['$$ -- not $$ -- one', '$$ -- not $$  '],
    ['$t$ /* not $$ */ $t$ /* one */', '$t$ /* not $$ */ $t$  '],
    ['$1 + $2 -- one', '$1 + $2  '],
    ["🦆 'never closed -- one", "🦆 'never closed  "],
    ['', ''],
  ])('%j is %j', (sql, code) => {
    expect(withoutComments(sql)).toBe(code)
  })
})

describe('the statement of an EXPLAIN', () => {
  test.each([
    ['EXPLAIN SELECT 1', 'SELECT 1'],
    ['explain analyze select 1', 'select 1'],
    ['EXPLAIN (ANALYZE, FORMAT json) SELECT 1', 'SELECT 1'],
    ['EXPLAIN(FORMAT json)FROM t', 'FROM t'],
    ['EXPLAIN (SELECT 1)', '(SELECT 1)'],
    ['; -- a\n/* b /* c */ */ EXPLAIN /* d */ ANALYZE SET x = 1', 'SET x = 1'],
    ['EXPLAIN /* /* */ SELECT 1 -- */ SET x = 1', 'SET x = 1'],
  ])('%j is %j', (sql, explained) => {
    expect(explainedSql(sql)).toBe(explained)
  })

  test.each(['SELECT 1', 'EXPLAINED', '', '/* EXPLAIN SELECT 1'])('there is none in %j', (sql) => {
    expect(explainedSql(sql)).toBeUndefined()
  })
})
