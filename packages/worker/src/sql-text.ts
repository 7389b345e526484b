// What DuckDB's own parser does not tell about a statement, read from its text.

/** A word, a text in any of its quotes, or what may begin a comment. */
const TOKEN = /e'(?:\\.|''|[^'\\])*'|\w+|'(?:''|[^'])*'|"(?:""|[^"])*"|(\$\w*\$).*?\1|--[^\r\n]*|\/\*|./isy

/** The SQL with a space for each comment; what looks like one inside of a text is none. */
export function withoutComments(sql: string): string {
  let code = ''
  for (let at = 0; at < sql.length; ) {
    TOKEN.lastIndex = at
    const token = TOKEN.exec(sql)?.[0] ?? (sql[at] as string)
    at += token.length
    if (token === '/*') at = skipBlock(sql, at - token.length)
    code += token === '/*' || token.startsWith('--') ? ' ' : token
  }
  return code
}

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

const READ = /[(]|(?:select|from|with|values|explain|describe|desc|show|summarize|table|pivot|unpivot)\b/iy

/** True where the SQL begins as statements do that only read; DuckDB has the last word. */
export function beginsAsRead(sql: string): boolean {
  READ.lastIndex = skipBlank(sql, 0)
  return READ.test(sql)
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
