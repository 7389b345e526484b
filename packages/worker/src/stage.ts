import type { KnownLayout } from './catalog.ts'
import type { Constraint } from './constraints.ts'
import { foldIdentifier, qualifiedName, quoteIdentifier } from './identifier.ts'
import { castOf } from './insert-statement.ts'
import { type LogicalType, logicalTypeName } from './protocol/logical-type.ts'
import { wireTypeOf } from './protocol/wire-type.ts'
import { RowRules, type Rule, type StagedColumn } from './row-rules.ts'

const STAGE = 'temp.main.ducksink_stage'

/**
 * The SQL of a stage: a temporary table of what the constraints look at in a part's rows, as it will be in the table.
 * A DEFAULT that a constraint looks at is there as well, and inserted from there: it may come out otherwise each time.
 */
export class Stage {
  /** The column that has each row's place in the part. */
  readonly rowColumn: string
  readonly rules: readonly Rule[]
  readonly #target: string
  readonly #columns: readonly StagedColumn[]
  readonly #row: string

  constructor(layout: KnownLayout, written: readonly number[], constraints: readonly Constraint[]) {
    this.#target = qualifiedName(layout.table)
    this.rowColumn = freeName(layout, 'sink_row')
    this.#row = quoteIdentifier(this.rowColumn)
    this.#columns = stagedColumns(layout, written, constraints)
    const rules = new RowRules(layout, { stage: STAGE, rowColumn: this.rowColumn, columns: this.#columns })
    this.rules = rules.of(constraints)
  }

  /** Makes the stage, empty; it goes with {@link dropSql}, or with the transaction. */
  get createSql(): string {
    const columns = this.#staged.flatMap(({ quoted, text }) =>
      text === undefined ? quoted : [quoted, `CAST(NULL AS ${text.type}) AS ${text.quoted}`],
    )
    // made from the table, so that collations are there as well
    return `CREATE OR REPLACE TEMP TABLE ducksink_stage AS
      SELECT ${[`CAST(NULL AS BIGINT) AS ${this.#row}`, ...columns].join(', ')} FROM ${this.#target} LIMIT 0`
  }

  get dropSql(): string {
    return `DROP TABLE IF EXISTS ${STAGE}`
  }

  /** Fills the stage from a scan of the part. */
  fillSql(scan: string): string {
    const items = this.#staged.flatMap(({ quoted, origin, value, text }) => {
      if (origin === 'none') return []
      if (text === undefined) return `${value} AS ${quoted}`
      return [`TRY(${value}) AS ${quoted}`, `part.${quoted} AS ${text.quoted}`]
    })
    return `INSERT INTO ${STAGE} BY NAME SELECT ${[this.#row, ...items].join(', ')} FROM ${scan} AS part`
  }

  /** Gives the rows that break a rule by themselves, each with the first of these rules. */
  get brokenSql(): string | undefined {
    const found = this.#union(({ broken }) => broken)
    return found && `SELECT row, system.main.min(rule) AS rule FROM (${found}) GROUP BY row`
  }

  /** Gives the rows that have a key in common. */
  get sharedSql(): string | undefined {
    return this.#union(({ shared }) => shared)
  }

  /** Gives the rows that refer to rows of the same table that are not there yet. */
  get referencesSql(): string | undefined {
    return this.#union(({ references }) => references)
  }

  /** Inserts rows of the part: those named, or all but those. */
  insertSql(scan: string, rows: readonly number[], which: 'only' | 'without'): string {
    const columns = this.#columns.filter(({ origin }) => origin !== 'none')
    const values = columns.map(({ quoted, origin, value }) =>
      origin === 'part' ? value : `staged.${quoted}`,
    )
    const isJoined = columns.some(({ origin }) => origin === 'default')
    const { length } = rows
    return [
      `INSERT INTO ${this.#target} (${columns.map(({ quoted }) => quoted).join(', ')})`,
      `SELECT ${values.join(', ')} FROM ${scan} AS part`,
      isJoined ? `JOIN (${this.#defaultsSql}) AS staged ON staged.row = part.${this.#row}` : '',
      length === 0
        ? ''
        : `WHERE part.${this.#row} ${which === 'only' ? 'IN' : 'NOT IN'} (${rows.join(', ')})`,
      isJoined ? `ORDER BY part.${this.#row}` : '',
    ].join(' ')
  }

  get #defaultsSql(): string {
    const columns = this.#columns.filter(({ origin }) => origin === 'default').map(({ quoted }) => quoted)
    return `SELECT ${this.#row} AS row, ${columns.join(', ')} FROM ${STAGE}`
  }

  get #staged(): readonly StagedColumn[] {
    return this.#columns.filter(({ isStaged }) => isStaged)
  }

  #union(sqlOf: (rule: Rule) => string | undefined): string | undefined {
    const branches = this.rules.flatMap((rule, index) => {
      const sql = sqlOf(rule)
      return sql === undefined ? [] : `SELECT *, ${index} AS rule FROM (${sql})`
    })
    return branches.length === 0 ? undefined : branches.join(' UNION ALL ')
  }
}

function stagedColumns(
  layout: KnownLayout,
  written: readonly number[],
  constraints: readonly Constraint[],
): readonly StagedColumn[] {
  const isMentioned = mentions(constraints)
  const defaults = new Map(
    constraints.flatMap((one) =>
      one.kind === 'computed' && one.isDefault ? [[one.column, one.expression]] : [],
    ),
  )
  return layout.columns.map(({ name, type }, index) => {
    const quoted = quoteIdentifier(name)
    const isStaged = isMentioned(name)
    if (!written.includes(index)) {
      const expression = isStaged ? defaults.get(name) : undefined
      const origin = expression === undefined ? 'none' : 'default'
      return { quoted, origin, value: `CAST((${expression}) AS ${type})`, text: undefined, isStaged }
    }
    const textName = quoteIdentifier(freeName(layout, `sink_text_${index}`))
    const cast = castOf(layout, index, textName)
    const given = `part.${quoted}`
    if (cast === undefined) return { quoted, origin: 'part', value: given, text: undefined, isStaged }
    const value = castOf(layout, index, given) as string
    const wireType = logicalTypeName(wireTypeOf(layout.types[index] as LogicalType))
    return { quoted, origin: 'part', value, text: { quoted: textName, type: wireType, cast }, isStaged: true }
  })
}

/** Tells whether any constraint may look at a column. */
function mentions(constraints: readonly Constraint[]): (column: string) => boolean {
  const texts = constraints.flatMap((constraint) => {
    switch (constraint.kind) {
      case 'not-null':
        return constraint.column
      case 'check':
        return constraint.expression
      case 'foreign-key':
        return constraint.columns
      case 'computed':
        return constraint.isStable ? constraint.expression : []
      default:
        return constraint.expressions
    }
  })
  const folded = foldIdentifier(texts.join('\n')).replaceAll('""', '"')
  return (column) => holdsName(folded, foldIdentifier(column))
}

/** True where a name stands in a text by itself, not as a piece of another name. */
function holdsName(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
    if (!/\w/.test(text[at - 1] ?? '') && !/\w/.test(text[at + name.length] ?? '')) return true
  }
  return false
}

function freeName({ columns }: KnownLayout, wanted: string): string {
  let name = wanted
  while (columns.some((column) => foldIdentifier(column.name) === name)) name += '_'
  return name
}
