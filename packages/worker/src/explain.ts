/** `EXPLAIN`, with the options that are words and those in parentheses; `explained` is where its statement begins. */
const EXPLAIN = /explain\b/iy
const ANALYZE = /analyze\b/iy
const OPTIONS = /\(\s*(?:analyze|format)\b[^()]*\)/iy

/**
 * The statement that an EXPLAIN explains, and with ANALYZE runs: DuckDB itself says only that it is an EXPLAIN.
 *
 * @returns undefined where the SQL does not begin as an EXPLAIN does.
 */
export function explainedSql(sql: string): string | undefined {
  let at = skipBlank(sql, 0)
  const skip = (word: RegExp): boolean => {
    word.lastIndex = at
    if (!word.test(sql)) return false
    at = skipBlank(sql, word.lastIndex)
    return true
  }
  if (!skip(EXPLAIN)) return undefined
  skip(ANALYZE)
  skip(OPTIONS)
  return sql.slice(at)
}

/** Skips white space, semicolons and comments; those in blocks hold others, as DuckDB reads them. */
function skipBlank(sql: string, from: number): number {
  const blank = /[\s;]+|--[^\r\n]*/y
  for (let at = from; ; ) {
    blank.lastIndex = at
    if (blank.test(sql)) at = blank.lastIndex
    else if (sql.startsWith('/*', at)) at = skipBlock(sql, at)
    else return at
  }
}

function skipBlock(sql: string, from: number): number {
  const border = /\/\*|\*\//g
  border.lastIndex = from
  for (let depth = 0; ; ) {
    const found = border.exec(sql)
    if (found === null) return sql.length
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return border.lastIndex
  }
}
